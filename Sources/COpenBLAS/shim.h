// OpenBLAS with its C interface; products run single-threaded, see Kernels/CPU.
#include <cblas.h>
