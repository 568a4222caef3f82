/* SPDX-License-Identifier: MIT
 *
 * Compiled three times: CALLS is the name of the table, and with BY_SYMBOL each function is called by the address that
 * dlsym(3) finds. */
#include "calls.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#ifdef BY_SYMBOL
#define CALL(function) ((__typeof__(&function))dlsym(RTLD_DEFAULT, #function))
#else
#define CALL(function) function
#endif

static uint64_t of(struct timespec time)
{
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* --- clocks ------------------------------------------------------------------------------------------------------- */

static uint64_t call_clock_gettime(void)
{
    struct timespec wall = {0}, steady = {0};
    CALL(clock_gettime)(CLOCK_REALTIME, &wall);
    CALL(clock_gettime)(CLOCK_MONOTONIC, &steady);
    return of(wall) ^ of(steady);
}

static uint64_t call_gettimeofday(void)
{
    struct timeval now = {0};
    CALL(gettimeofday)(&now, NULL);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_usec;
}

static uint64_t call_time(void)
{
    return (uint64_t)CALL(time)(NULL);
}

static uint64_t call_timespec_get(void)
{
    struct timespec now = {0};
    return CALL(timespec_get)(&now, TIME_UTC) == TIME_UTC ? of(now) : 0;
}

static uint64_t call_clock(void)
{
    return (uint64_t)CALL(clock)();
}

static uint64_t call_syscall(void)
{
    struct timespec now = {0};
    CALL(syscall)(SYS_clock_gettime, CLOCK_REALTIME, &now);
    return of(now);
}

/* What waits in virtual time is over at once. */
static uint64_t call_nanosleep(void)
{
    return (uint64_t)CALL(nanosleep)(&(struct timespec){100, 0}, NULL);
}

static uint64_t call_clock_nanosleep(void)
{
    return (uint64_t)CALL(clock_nanosleep)(CLOCK_MONOTONIC, 0, &(struct timespec){100, 0}, NULL);
}

static uint64_t call_usleep(void)
{
    return (uint64_t)CALL(usleep)(100 * 1000000);
}

static uint64_t call_sleep(void)
{
    return CALL(sleep)(100);
}

/* --- entropy ------------------------------------------------------------------------------------------------------ */

static uint64_t call_getrandom(void)
{
    uint64_t number = 0;
    return CALL(getrandom)(&number, sizeof number, 0) == sizeof number ? number : 0;
}

static uint64_t call_getentropy(void)
{
    uint64_t number = 0;
    return CALL(getentropy)(&number, sizeof number) == 0 ? number : 0;
}

static uint64_t call_rand(void)
{
    return (uint64_t)CALL(rand)();
}

static uint64_t call_random(void)
{
    return (uint64_t)CALL(random)();
}

static uint64_t call_drand48(void)
{
    return (uint64_t)(CALL(drand48)() * 1e15);
}

static uint64_t call_lrand48(void)
{
    return (uint64_t)CALL(lrand48)();
}

static uint64_t call_mrand48(void)
{
    return (uint64_t)CALL(mrand48)();
}

static uint64_t read_number(int fd)
{
    uint64_t number = 0;
    ssize_t n = read(fd, &number, sizeof number);
    close(fd);
    return n == sizeof number ? number : 0;
}

static uint64_t call_open(void)
{
    return read_number(CALL(open)("/dev/urandom", O_RDONLY));
}

static uint64_t call_openat(void)
{
    return read_number(CALL(openat)(AT_FDCWD, "/dev/random", O_RDONLY));
}

static uint64_t call_fopen(void)
{
    FILE *file = CALL(fopen)("/dev/urandom", "r");
    uint64_t number = 0;
    if (file == NULL)
        return 0;
    size_t n = fread(&number, sizeof number, 1, file);
    fclose(file);
    return n == 1 ? number : 0;
}

#if __GLIBC_PREREQ(2, 36)
static uint64_t call_arc4random(void)
{
    return CALL(arc4random)();
}

static uint64_t call_arc4random_buf(void)
{
    uint64_t number = 0;
    CALL(arc4random_buf)(&number, sizeof number);
    return number;
}

static uint64_t call_arc4random_uniform(void)
{
    return CALL(arc4random_uniform)(1000000);
}
#endif

/* --- threads, sockets, processes ---------------------------------------------------------------------------------- */

static void *do_nothing(void *data)
{
    return data;
}

static uint64_t call_pthread_create(void)
{
    pthread_t thread;
    return CALL(pthread_create)(&thread, NULL, do_nothing, NULL) == 0 ? (uint64_t)pthread_join(thread, NULL) : 1;
}

static int do_nothing_c11(void *data)
{
    return data != NULL;
}

static uint64_t call_thrd_create(void)
{
    thrd_t thread;
    return CALL(thrd_create)(&thread, do_nothing_c11, NULL) == thrd_success ? (uint64_t)thrd_join(thread, NULL) : 1;
}

static uint64_t call_socket(void)
{
    int fd = CALL(socket)(AF_INET, SOCK_DGRAM, 0);
    return fd >= 0 ? (uint64_t)close(fd) : 1;
}

static uint64_t call_getaddrinfo(void)
{
    struct addrinfo *found = NULL;
    int r = CALL(getaddrinfo)("localhost", NULL, NULL, &found);
    if (r == 0)
        freeaddrinfo(found);
    return 0;
}

static uint64_t wait_for(pid_t pid)
{
    int status = 1;
    return pid > 0 && waitpid(pid, &status, 0) == pid ? (uint64_t)status : 1;
}

static uint64_t call_fork(void)
{
    pid_t pid = CALL(fork)();
    if (pid == 0)
        _exit(0);
    return wait_for(pid);
}

static uint64_t call_posix_spawn(void)
{
    pid_t pid = 0;
    char *const argv[] = {(char[]){"true"}, NULL};
    return CALL(posix_spawn)(&pid, "/bin/true", NULL, NULL, argv, NULL) == 0 ? wait_for(pid) : 1;
}

static uint64_t call_posix_spawnp(void)
{
    pid_t pid = 0;
    char *const argv[] = {(char[]){"true"}, NULL};
    return CALL(posix_spawnp)(&pid, "true", NULL, NULL, argv, NULL) == 0 ? wait_for(pid) : 1;
}

static uint64_t call_system(void)
{
    return (uint64_t)CALL(system)(":");
}

static uint64_t call_popen(void)
{
    FILE *file = CALL(popen)(":", "r");
    return file != NULL ? (uint64_t)pclose(file) : 1;
}

/* clang-format off */
const struct call CALLS[] = {
    {"clock_gettime", call_clock_gettime}, {"gettimeofday", call_gettimeofday}, {"time", call_time},
    {"timespec_get", call_timespec_get}, {"clock", call_clock}, {"syscall", call_syscall},
    {"nanosleep", call_nanosleep}, {"clock_nanosleep", call_clock_nanosleep}, {"usleep", call_usleep},
    {"sleep", call_sleep},
    {"getrandom", call_getrandom}, {"getentropy", call_getentropy}, {"rand", call_rand}, {"random", call_random},
    {"drand48", call_drand48}, {"lrand48", call_lrand48}, {"mrand48", call_mrand48}, {"open", call_open},
    {"openat", call_openat}, {"fopen", call_fopen},
#if __GLIBC_PREREQ(2, 36)
    {"arc4random", call_arc4random}, {"arc4random_buf", call_arc4random_buf},
    {"arc4random_uniform", call_arc4random_uniform},
#endif
    {"pthread_create", call_pthread_create}, {"thrd_create", call_thrd_create}, {"socket", call_socket},
    {"getaddrinfo", call_getaddrinfo}, {"fork", call_fork}, {"posix_spawn", call_posix_spawn},
    {"posix_spawnp", call_posix_spawnp}, {"system", call_system}, {"popen", call_popen},
    {"", NULL},
};
