/* SPDX-License-Identifier: MIT
 *
 * The guard of `trale simulate`, in front of libc in a simulated program (<trale/guard.h>). The command gives it
 *
 *     TRALE_GUARD=MODE,SEED,START,FILE
 *
 * MODE is virtualise, warn or refuse; START is the time of day when the world begins, in nanoseconds; FILE gets a line
 * for each place in the program that made a call which left the simulation, or would have: what was done ("passed" or
 * "refused"), the kind of call, the function, the module, the offset of the place in it, and its symbol, between tabs.
 * Without the variable, or with mode off, all calls pass. */
#ifndef GUARD_GUARD_H
#define GUARD_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <trale/guard.h>

/* A function of libc that the guard has in its place. Its name in C is another one, so that the declarations and macros
 * of libc's headers have no hand in it. */
#define GUARD_FOR(name) __asm__(#name) __attribute__((visibility("default"), used))

/* The function of libc that the guard's hides. */
#define GUARD_REAL(type, name)                                                                                         \
    static __typeof__(type) *real;                                                                                     \
    if (real == NULL)                                                                                                  \
    real = (__typeof__(type) *)guard_real(name)

enum guard_kind {
    GUARD_CLOCK,   /* reads a clock, or waits for one */
    GUARD_ENTROPY, /* draws random numbers */
    GUARD_THREAD,
    GUARD_SOCKET,
    GUARD_PROCESS,
};

/* What a function of the guard does. */
enum guard_way {
    GUARD_PASS,   /* It calls the one of libc. */
    GUARD_ANSWER, /* It answers by the simulation. */
};

/* Says what to do with a call of this kind to `function`, of which `place` is the return address; `can_answer` says
 * whether the guard can answer in the place of libc. Reports what must be, and does not return if it is refused. */
enum guard_way guard_call(enum guard_kind kind, const char *function, const void *place, bool can_answer);

/* The function of that name behind the guard's. */
void *guard_real(const char *name);

/* The simulation's answers. */
int64_t guard_now_ns(int32_t clock);
void guard_random(void *buffer, size_t size);

/* Lets virtual time go on. False: the source cannot. */
bool guard_block(uint64_t ns);

/* The module that has the place. */
struct guard_module {
    const char *path;
    uintptr_t offset;   /* of the place in the module */
    const char *symbol; /* "" if it is not known */
    bool is_trusted;    /* it is trale's, a driver, or a part of the system that serves all programs */
    bool is_cplusplus;  /* the library of C++, which calls for the program */
};
void guard_find_module(const void *place, struct guard_module *module);

/* The place in the program on whose behalf `place` calls the function; it may be the same. */
const void *guard_find_program(const void *place, const char *function);

#endif
