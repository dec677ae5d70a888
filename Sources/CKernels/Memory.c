// The allocator, the pages and the clock.
#define _GNU_SOURCE
#include "CKernels.h"

#include <time.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#if defined(__GLIBC__)
#include <malloc.h>
#endif

void ck_keep_memory(void) {
#if defined(__GLIBC__)
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
#endif
}

void ck_give_memory_back(void) {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}

void ck_use_large_pages(void *start, long bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    madvise(start, (size_t)bytes, MADV_HUGEPAGE);
#else
    (void)start;
    (void)bytes;
#endif
}

double ck_thread_seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}
