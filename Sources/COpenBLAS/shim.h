// OpenBLAS with its C interface and, under their Fortran names, the parts of LAPACK that it has;
// everything runs single-threaded, see Kernels/CPU.
#include <cblas.h>
#include <f77blas.h>
