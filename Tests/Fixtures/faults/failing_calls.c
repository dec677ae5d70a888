/* Makes one file-system call of a program fail, to be loaded before it with LD_PRELOAD.
 *
 *   FAILING_FOLDER   calls on files below this folder count, others are left alone
 *   FAILING_CALL     number of the call that fails, from 1; 0 for none
 *   FAILING_WITH     ENOSPC, EIO, or short: a write that takes half of its bytes and reports so
 *   FAILING_COUNT    file that takes one line for each counted call: its name and path
 *   FAILING_RANK     the rank whose calls count; others are left alone
 *
 * Counted are the calls that change files: opening for writing, write, pwrite, pwritev, writev, fsync,
 * fdatasync, ftruncate, fallocate, rename, unlink, mkdir. Only writes can be short.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_int calls;

/* What became of a call. */
enum verdict { PASS, FAIL, SHORT };

static int counts_here(void) {
    const char *wanted = getenv("FAILING_RANK"), *rank = getenv("OMPI_COMM_WORLD_RANK");
    return !wanted || strcmp(wanted, rank ? rank : "0") == 0;
}

static enum verdict verdict(const char *call, const char *path, int can_be_short) {
    const char *folder = getenv("FAILING_FOLDER"), *number = getenv("FAILING_CALL"), *with = getenv("FAILING_WITH");
    if (!folder || !path || strncmp(path, folder, strlen(folder)) != 0 || !counts_here()) return PASS;
    int is_short = with && strcmp(with, "short") == 0;
    if (is_short && !can_be_short) return PASS;
    int index = atomic_fetch_add(&calls, 1) + 1;
    const char *log = getenv("FAILING_COUNT");
    if (log) {
        char line[PATH_MAX + 64];
        int length = snprintf(line, sizeof line, "%d %s %s\n", index, call, path);
        int (*open_file)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
        ssize_t (*write_bytes)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
        int descriptor = open_file(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
        if (descriptor >= 0) { write_bytes(descriptor, line, length); close(descriptor); }
    }
    if (!number || index != atoi(number)) return PASS;
    if (is_short) return SHORT;
    errno = with && strcmp(with, "EIO") == 0 ? EIO : ENOSPC;
    return FAIL;
}

static enum verdict on_descriptor(const char *call, int descriptor, int can_be_short) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return PASS;
    path[length] = 0;
    return verdict(call, path, can_be_short);
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); \
        va_list list; va_start(list, flags); mode_t mode = va_arg(list, mode_t); va_end(list); \
        if ((flags & (O_WRONLY | O_RDWR)) && verdict("open", path, 0) == FAIL) return -1; \
        return real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

ssize_t write(int fd, const void *bytes, size_t count) {
    REAL(write);
    switch (on_descriptor("write", fd, count > 1)) {
    case FAIL: return -1;
    case SHORT: return real(fd, bytes, count / 2);
    default: return real(fd, bytes, count);
    }
}

#define PWRITE(name, offset_type) \
    ssize_t name(int fd, const void *bytes, size_t count, offset_type offset) { \
        REAL(name); \
        switch (on_descriptor("pwrite", fd, count > 1)) { \
        case FAIL: return -1; \
        case SHORT: return real(fd, bytes, count / 2, offset); \
        default: return real(fd, bytes, count, offset); \
        } \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

/* Half of the first piece. */
static struct iovec half(const struct iovec *pieces) {
    return (struct iovec){pieces[0].iov_base, pieces[0].iov_len / 2};
}

ssize_t writev(int fd, const struct iovec *pieces, int count) {
    REAL(writev);
    struct iovec part = count ? half(pieces) : (struct iovec){0};
    switch (on_descriptor("writev", fd, count > 0 && part.iov_len > 0)) {
    case FAIL: return -1;
    case SHORT: return real(fd, &part, 1);
    default: return real(fd, pieces, count);
    }
}

#define PWRITEV(name, offset_type) \
    ssize_t name(int fd, const struct iovec *pieces, int count, offset_type offset) { \
        REAL(name); \
        struct iovec part = count ? half(pieces) : (struct iovec){0}; \
        switch (on_descriptor("pwritev", fd, count > 0 && part.iov_len > 0)) { \
        case FAIL: return -1; \
        case SHORT: return real(fd, &part, 1, offset); \
        default: return real(fd, pieces, count, offset); \
        } \
    }
PWRITEV(pwritev, off_t)
PWRITEV(pwritev64, off64_t)

#define ON_DESCRIPTOR(name, parameters, arguments) \
    int name parameters { \
        REAL(name); \
        return on_descriptor(#name, fd, 0) == FAIL ? -1 : real arguments; \
    }
ON_DESCRIPTOR(fsync, (int fd), (fd))
ON_DESCRIPTOR(fdatasync, (int fd), (fd))
ON_DESCRIPTOR(ftruncate, (int fd, off_t length), (fd, length))
ON_DESCRIPTOR(ftruncate64, (int fd, off64_t length), (fd, length))
ON_DESCRIPTOR(fallocate, (int fd, int mode, off_t offset, off_t length), (fd, mode, offset, length))
ON_DESCRIPTOR(fallocate64, (int fd, int mode, off64_t offset, off64_t length), (fd, mode, offset, length))

/* The program reserves bytes through this one. */
long syscall(long number, ...) {
    REAL(syscall);
    va_list list;
    long a[6];
    va_start(list, number);
    for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_fallocate && on_descriptor("fallocate", (int)a[0], 0) == FAIL) return -1;
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* Gives an error number instead of setting errno. */
int posix_fallocate(int fd, off_t offset, off_t length) {
    REAL(posix_fallocate);
    return on_descriptor("posix_fallocate", fd, 0) == FAIL ? errno : real(fd, offset, length);
}

int posix_fallocate64(int fd, off64_t offset, off64_t length) {
    REAL(posix_fallocate64);
    return on_descriptor("posix_fallocate", fd, 0) == FAIL ? errno : real(fd, offset, length);
}

int rename(const char *from, const char *to) {
    REAL(rename);
    return verdict("rename", to, 0) == FAIL ? -1 : real(from, to);
}

int unlink(const char *path) {
    REAL(unlink);
    return verdict("unlink", path, 0) == FAIL ? -1 : real(path);
}

int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    return verdict("mkdir", path, 0) == FAIL ? -1 : real(path, mode);
}
