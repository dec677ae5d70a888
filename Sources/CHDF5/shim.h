// Parallel HDF5 with the macros that Swift cannot import as functions.
#define OMPI_SKIP_MPICXX 1
#include <hdf5.h>
#ifndef H5_HAVE_PARALLEL
#error "saeval needs parallel HDF5: apt-get install libhdf5-openmpi-dev"
#endif
