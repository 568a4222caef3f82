/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)

enum mode {
    MODE_UNKNOWN, /* The variable was not read yet. */
    MODE_OFF,     /* All calls pass. */
    MODE_VIRTUALISE,
    MODE_WARN,
    MODE_REFUSE,
};

/* The guard is one for the process, as libc is. */
static struct {
    int mode; /* enum mode */
    uint64_t seed, n_draws;
    int64_t wall_ns, monotonic_ns; /* the latest answers */
    const struct trale_guard_source *source;
    int thread; /* that asks the source: the one that has attached it */
    const char *file;
    char simulation[PATH_MAX]; /* the file that $TRALE_SIMULATION has named; "": none */
} guard;

/* --- what the command has said ------------------------------------------------------------------------------------ */

static enum mode mode_of(const char *text)
{
    static const char *const names[] = {
        [MODE_VIRTUALISE] = "virtualise,", [MODE_WARN] = "warn,", [MODE_REFUSE] = "refuse,"};
    for (int mode = MODE_VIRTUALISE; mode <= MODE_REFUSE; mode++)
        if (strncmp(text, names[mode], strlen(names[mode])) == 0)
            return (enum mode)mode;
    return MODE_OFF;
}

/* It may be called by the constructor of another library, before all constructors of the guard. */
static enum mode read_mode(void)
{
    int mode = __atomic_load_n(&guard.mode, __ATOMIC_ACQUIRE);
    if (mode != MODE_UNKNOWN)
        return (enum mode)mode;
    const char *text = secure_getenv("TRALE_GUARD"), *rest = text != NULL ? strchr(text, ',') : NULL;
    mode = rest != NULL ? (int)mode_of(text) : MODE_OFF;
    char *end = (char *)rest;
    if (mode != MODE_OFF) {
        guard.seed = strtoull(rest + 1, &end, 10);
        guard.wall_ns = end[0] == ',' ? strtoll(end + 1, &end, 10) : 0;
        guard.file = end[0] == ',' ? end + 1 : NULL;
        guard.monotonic_ns = SECOND_NS;
    }
    __atomic_store_n(&guard.mode, mode, __ATOMIC_RELEASE);
    return (enum mode)mode;
}

/* The program may empty its environment before it opens a runtime. */
__attribute__((constructor)) static void remember_simulation(void)
{
    const char *path = read_mode() != MODE_OFF ? secure_getenv("TRALE_SIMULATION") : NULL;
    if (path != NULL && strlen(path) < sizeof guard.simulation)
        memcpy(guard.simulation, path, strlen(path) + 1);
}

__attribute__((visibility("default"))) trale_guard_simulation_fn trale_guard_simulation;
const char *trale_guard_simulation(void)
{
    return guard.simulation[0] != '\0' ? guard.simulation : NULL;
}

/* --- reports ------------------------------------------------------------------------------------------------------ */

/* What was reported: a hash table of places and functions, of which several may have one place: a call that is the last
 * of a function comes from where that was called. When it is full, the rest is not reported. */
#define N_PLACES 1024
static uintptr_t reported[N_PLACES];

static bool is_new(const void *place, const char *function)
{
    uintptr_t both = (uintptr_t)place ^ (uintptr_t)function << 16;
    for (size_t i = 0; i < N_PLACES; i++) {
        uintptr_t expected = 0, *slot = &reported[(both / 2 + i) % N_PLACES];
        if (__atomic_compare_exchange_n(slot, &expected, both, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            return true;
        if (expected == both)
            return false;
    }
    return false;
}

static void report(enum guard_kind kind, const char *function, const void *place, bool is_refused)
{
    static const char *const kinds[] = {"clock", "entropy", "thread", "socket", "process"};
    char line[2048];
    struct guard_module module;
    place = guard_find_program(place, function);
    if (!is_new(place, function) || guard.file == NULL)
        return;
    guard_find_module(place, &module);
    int length = snprintf(line, sizeof line, "%s\t%s\t%s\t%s\t0x%llx\t%s\n", is_refused ? "refused" : "passed",
                          kinds[kind], function, module.path, (unsigned long long)module.offset, module.symbol);
    typedef int open_fn(const char *path, int flags, ...);
    GUARD_REAL(open_fn, "open");
    int fd = real(guard.file, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t ignored = write(fd, line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
    (void)ignored;
    close(fd);
}

/* --- calls -------------------------------------------------------------------------------------------------------- */

/* Callers that were found before, by their return addresses. */
#define N_CALLERS 256
static struct {
    const void *place;
    bool is_trusted;
} callers[N_CALLERS];

/* Threads may find the same slot: then both look for themselves. */
static bool is_trusted(const void *place)
{
    size_t slot = ((uintptr_t)place ^ (uintptr_t)place >> 8) % N_CALLERS;
    if (__atomic_load_n(&callers[slot].place, __ATOMIC_ACQUIRE) == place)
        return callers[slot].is_trusted;
    struct guard_module module;
    guard_find_module(place, &module);
    if (__atomic_load_n(&callers[slot].place, __ATOMIC_RELAXED) == NULL) {
        callers[slot].is_trusted = module.is_trusted;
        __atomic_store_n(&callers[slot].place, place, __ATOMIC_RELEASE);
    }
    return module.is_trusted;
}

enum guard_way guard_call(enum guard_kind kind, const char *function, const void *place, bool can_answer)
{
    place = (const char *)place - 1; /* in the call, and not behind it */
    enum mode mode = read_mode();
    if (mode == MODE_OFF || is_trusted(place))
        return GUARD_PASS;
    if (mode == MODE_VIRTUALISE && can_answer)
        return GUARD_ANSWER;
    report(kind, function, place, mode == MODE_REFUSE);
    if (mode == MODE_REFUSE) {
        raise(SIGABRT);
        raise(SIGKILL); /* the program handles SIGABRT */
    }
    return GUARD_PASS;
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

__attribute__((visibility("default"))) trale_guard_attach_fn trale_guard_attach;
int32_t trale_guard_attach(const struct trale_guard_source *source)
{
    if (source != NULL && (source->size < sizeof *source || source->now_ns == NULL || source->draw == NULL))
        return -EINVAL;
    if (source != NULL && guard.source != NULL)
        return -EBUSY;
    if (source == NULL && guard.source != NULL) {
        guard_now_ns(CLOCK_REALTIME);
        guard_now_ns(CLOCK_MONOTONIC);
    }
    guard.thread = gettid();
    __atomic_store_n(&guard.source, source, __ATOMIC_RELEASE);
    return 0;
}

/* The source, if the thread may ask it. */
static const struct trale_guard_source *own_source(void)
{
    const struct trale_guard_source *source = __atomic_load_n(&guard.source, __ATOMIC_ACQUIRE);
    return source != NULL && guard.thread == gettid() ? source : NULL;
}

/* Clocks that are one in a simulation, where no processor is slow and no clock is adjusted. */
static int32_t plain_clock(int32_t clock)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_TAI:
        return CLOCK_REALTIME;
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM:
        return CLOCK_BOOTTIME;
    default:
        return CLOCK_MONOTONIC;
    }
}

int64_t guard_now_ns(int32_t clock)
{
    const struct trale_guard_source *source = own_source();
    clock = plain_clock(clock);
    int64_t *latest_ns = clock == CLOCK_REALTIME ? &guard.wall_ns : &guard.monotonic_ns;
    int64_t now_ns = source != NULL ? source->now_ns(source->instance, clock) : -EINVAL;
    if (now_ns >= 0 && (clock == CLOCK_REALTIME || now_ns > *latest_ns))
        __atomic_store_n(latest_ns, now_ns, __ATOMIC_RELAXED);
    return __atomic_load_n(latest_ns, __ATOMIC_RELAXED);
}

/* Without a source: a strong mix (splitmix64) of the seed and a counter. */
static uint64_t draw(void)
{
    uint64_t x = guard.seed + UINT64_C(0x9e3779b97f4a7c15) * __atomic_add_fetch(&guard.n_draws, 1, __ATOMIC_RELAXED);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

void guard_random(void *buffer, size_t size)
{
    const struct trale_guard_source *source = own_source();
    if (source != NULL) {
        source->draw(source->instance, buffer, size);
        return;
    }
    for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
        uint64_t x = draw();
        memcpy((char *)buffer + at, &x, size - at < sizeof x ? size - at : sizeof x);
    }
}

static int64_t add_ns(int64_t now_ns, uint64_t ns)
{
    return ns < (uint64_t)(INT64_MAX - now_ns) ? now_ns + (int64_t)ns : INT64_MAX;
}

bool guard_block(uint64_t ns)
{
    const struct trale_guard_source *source = own_source();
    if (source == NULL) {
        guard.wall_ns = add_ns(guard.wall_ns, ns);
        guard.monotonic_ns = add_ns(guard.monotonic_ns, ns);
        return guard.source == NULL;
    }
    if (source->block != NULL)
        source->block(source->instance, ns);
    return source->block != NULL;
}
