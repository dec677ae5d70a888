// Parallel HDF5 with the macros that Swift cannot import as functions.
#define OMPI_SKIP_MPICXX 1
#include <hdf5.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifndef H5_HAVE_PARALLEL
#error "saeval needs parallel HDF5: apt-get install libhdf5-openmpi-dev"
#endif

// Flags, classes and defaults.
static inline unsigned ch5_read_only(void) { return H5F_ACC_RDONLY; }
static inline unsigned ch5_read_write(void) { return H5F_ACC_RDWR; }
static inline unsigned ch5_truncate(void) { return H5F_ACC_TRUNC; }
static inline hid_t ch5_default(void) { return H5P_DEFAULT; }
static inline hid_t ch5_all(void) { return H5S_ALL; }
static inline hid_t ch5_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t ch5_file_create(void) { return H5P_FILE_CREATE; }
static inline hid_t ch5_dataset_create(void) { return H5P_DATASET_CREATE; }
static inline MPI_Info ch5_info_null(void) { return MPI_INFO_NULL; }

// Stored types; each call makes a new one that the caller closes. For the halves the fields come before the size.
static inline hid_t ch5_half(size_t exponent, size_t bits, size_t mantissa, size_t bias) {
    hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(type, 15, exponent, bits, 0, mantissa);
    H5Tset_size(type, 2);
    H5Tset_ebias(type, bias);
    return type;
}
static inline hid_t ch5_float16(void) { return ch5_half(10, 5, 10, 15); }
static inline hid_t ch5_bfloat16(void) { return ch5_half(7, 8, 7, 127); }
static inline hid_t ch5_float32(void) { return H5Tcopy(H5T_IEEE_F32LE); }
static inline hid_t ch5_int32(void) { return H5Tcopy(H5T_STD_I32LE); }
static inline hid_t ch5_uint64(void) { return H5Tcopy(H5T_STD_U64LE); }
static inline hid_t ch5_uint8(void) { return H5Tcopy(H5T_STD_U8LE); }
static inline hid_t ch5_string(size_t bytes) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, bytes);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

// Errors: no printing; the text of the deepest entry of the stack.
static inline void ch5_silence(void) { H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }
typedef struct { char *text; size_t size; } ch5_text;
static inline herr_t ch5_keep(unsigned depth, const H5E_error2_t *entry, void *target) {
    ch5_text *out = (ch5_text *)target;
    if (depth == 0 && entry->desc) snprintf(out->text, out->size, "%s", entry->desc);
    return 0;
}
static inline void ch5_last_error(char *text, size_t size) {
    ch5_text out = {text, size};
    text[0] = 0;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, ch5_keep, &out);
}

// Reserves the first bytes of an open file, where Glibc's module hides the call; -1 with errno where it cannot be.
static inline int ch5_reserve(int descriptor, long bytes) {
    return (int)syscall(SYS_fallocate, descriptor, 0, 0L, bytes);
}
