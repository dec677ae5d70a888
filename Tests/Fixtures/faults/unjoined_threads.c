/* Ends a program that leaves by `exit` while threads that it started itself are not joined, to be loaded
 * before it with LD_PRELOAD. Threads that libraries start are theirs to end.
 *
 * Prints a sentence and ends with code 99 before the first exit handler runs.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_t started[1024];
static int count, total;

/* Whether an address lies in the program and not in a library. */
static int is_in_program(void *address) {
    Dl_info info;
    char program[PATH_MAX] = "", file[PATH_MAX] = "";
    if (!dladdr(address, &info) || !info.dli_fname) return 0;
    return realpath("/proc/self/exe", program) && realpath(info.dli_fname, file) &&
        strcmp(program, file) == 0;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument) {
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = dlsym(RTLD_NEXT, "pthread_create");
    int is_own = is_in_program(__builtin_return_address(0));
    pthread_mutex_lock(&lock);
    int status = create(thread, attributes, body, argument);
    if (status == 0 && is_own && count < 1024) {
        started[count++] = *thread;
        total++;
    }
    pthread_mutex_unlock(&lock);
    return status;
}

int pthread_join(pthread_t thread, void **result) {
    int (*join)(pthread_t, void **) = dlsym(RTLD_NEXT, "pthread_join");
    int status = join(thread, result);
    pthread_mutex_lock(&lock);
    for (int index = 0; index < count && status == 0; index++) {
        if (!pthread_equal(started[index], thread)) continue;
        started[index] = started[--count];
        break;
    }
    pthread_mutex_unlock(&lock);
    return status;
}

void exit(int code) {
    void (*leave)(int) __attribute__((noreturn)) = dlsym(RTLD_NEXT, "exit");
    pthread_mutex_lock(&lock);
    int left = count, all = total;
    pthread_mutex_unlock(&lock);
    fprintf(stderr, "unjoined: %d of %d threads\n", left, all);
    if (left > 0) _exit(99);
    leave(code);
    __builtin_unreachable();
}
