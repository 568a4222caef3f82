/* SPDX-License-Identifier: MIT
 *
 * Switching between stacks: into a coroutine, which runs until it switches out or ends. */
#ifndef CORE_FIBER_SWITCH_H
#define CORE_FIBER_SWITCH_H

#include <stddef.h>
#include <stdint.h>

#ifndef TRALE_BOOST_CONTEXT
#include <ucontext.h>
#endif

struct fiber_switch {
#ifdef TRALE_BOOST_CONTEXT
    void *inside, *outside; /* each valid while the other side runs */
#else
    ucontext_t inside, outside;
#endif
    void (*main)(void *data);
    void *data;
    /* What the sanitizers and valgrind need; unused without them. */
    char *bottom;
    size_t size;
    const void *outside_bottom;
    size_t outside_size;
    void *inside_fake, *outside_fake;
    void *inside_thread, *outside_thread;
    unsigned valgrind_id;
};

/* Prepares main(data) to run on that stack. */
void fiber_switch_init(struct fiber_switch *self, char *bottom, size_t size, void (*main)(void *data), void *data);

/* From outside: runs the coroutine on this thread until it switches out or main has returned. The signal mask is the
 * thread's on both sides. */
void fiber_switch_in(struct fiber_switch *self);

/* From inside: goes back to the caller of fiber_switch_in; returns at the next fiber_switch_in. */
void fiber_switch_out(struct fiber_switch *self);

/* From outside, after main has returned: the stack may then be used for something else. */
void fiber_switch_deinit(struct fiber_switch *self);

#endif
