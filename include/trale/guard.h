/* SPDX-License-Identifier: MIT
 *
 * The guard: a shared object that `trale simulate` puts in front of libc (LD_PRELOAD) in the programs that it starts.
 * Functions of libc by which a program gets the real time, real entropy, threads or sockets are its own, and answer by
 * the simulation instead, or name the caller. It passes on the calls of trale, its drivers, libc and sanitizers.
 *
 * The driver that owns time and entropy hands them over when it starts, if the guard is there:
 *
 *     trale_guard_attach_fn *attach = (trale_guard_attach_fn *)dlsym(RTLD_DEFAULT, TRALE_GUARD_ATTACH);
 *     if (attach != NULL && attach(&instance->source) < 0) ...
 *
 * and takes them back in stop, by attach(NULL). */
#ifndef TRALE_GUARD_H
#define TRALE_GUARD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the guard asks, on the thread that has attached the source, which may be in the middle of a poll. Other threads
 * get the latest answers. */
struct trale_guard_source {
    uint32_t size;
    uint32_t reserved;
    void *instance;
    /* The time of a clock, a CLOCK_ number of clock_gettime(2), in nanoseconds; or -EINVAL: there is no such clock. */
    int64_t (*now_ns)(void *instance, int32_t clock);
    /* Fills the buffer with bytes that are drawn from the seed. */
    void (*draw)(void *instance, void *buffer, size_t size);
    /* May be NULL. A function that blocks, such as nanosleep(2), was called: virtual time goes on by this, and nothing
     * else happens meanwhile. */
    void (*block)(void *instance, uint64_t ns);
};

/* Sets the source, which is lent until it is NULL again; before and after, the guard answers by the seed and the start
 * time of the run, and by the last values that a source gave. 0; -EBUSY: there is a source; -EINVAL: members are
 * missing. */
typedef int32_t trale_guard_attach_fn(const struct trale_guard_source *source);
#define TRALE_GUARD_ATTACH "trale_guard_attach"

/* trale_guard_simulation: what $TRALE_SIMULATION named when the program began, for a program that has emptied its
 * environment since; NULL: the program is not simulated. */
typedef const char *trale_guard_simulation_fn(void);

#ifdef __cplusplus
}
#endif

#endif
