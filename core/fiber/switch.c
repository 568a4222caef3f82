/* SPDX-License-Identifier: MIT
 *
 * The switch itself is two functions of Boost.Context in assembler, which save the callee-saved registers and exchange
 * the stack pointer. They have C linkage, but only a C++ header, so they are declared here as Boost has had them since
 * 1.61. Without Boost.Context the switch is swapcontext(3). That one also sets the signal mask that the context holds;
 * but a mask belongs to the thread, so the context is given the thread's mask before each switch.
 *
 * Three tools keep track of stacks and must know of each switch. AddressSanitizer wants to know before a switch
 * which stack the other side uses, and after it that it was reached (sanitizer/common_interface_defs.h).
 * ThreadSanitizer treats each coroutine as a thread (sanitizer/tsan_interface.h); gcc's then needs so many mappings
 * (vm.max_map_count) that a process can have some thousands of fibers at most. Valgrind only wants to know which memory
 * is a stack.
 */
#include "core/fiber/switch.h"

#ifndef TRALE_BOOST_CONTEXT
#include <signal.h>
#endif

#if defined __SANITIZE_ADDRESS__
#define WITH_ASAN
#elif defined __SANITIZE_THREAD__
#define WITH_TSAN
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define WITH_ASAN
#elif __has_feature(thread_sanitizer)
#define WITH_TSAN
#endif
#endif

/* --- the tools ---------------------------------------------------------------------------------------------------- */

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif
#ifdef WITH_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#ifdef TRALE_VALGRIND
#include <valgrind/valgrind.h>
#endif

static void tools_init(struct fiber_switch *self)
{
#ifdef WITH_ASAN
    /* The fiber that used this stack before may have left poisoned bytes. */
    __asan_unpoison_memory_region(self->bottom, self->size);
    __lsan_register_root_region(self->bottom, self->size);
#endif
#ifdef WITH_TSAN
    self->inside_thread = __tsan_create_fiber(0);
#endif
#ifdef TRALE_VALGRIND
    self->valgrind_id = VALGRIND_STACK_REGISTER(self->bottom, self->bottom + self->size);
#endif
    (void)self;
}

static void tools_deinit(struct fiber_switch *self)
{
#ifdef WITH_ASAN
    __lsan_unregister_root_region(self->bottom, self->size);
#endif
#ifdef WITH_TSAN
    __tsan_destroy_fiber(self->inside_thread);
#endif
#ifdef TRALE_VALGRIND
    VALGRIND_STACK_DEREGISTER(self->valgrind_id);
#endif
    (void)self;
}

/* These four surround a switch and must be inlined: the tools also count calls and returns. */
#define TOOL static inline __attribute__((always_inline)) void

TOOL tools_before_in(struct fiber_switch *self)
{
#ifdef WITH_ASAN
    __sanitizer_start_switch_fiber(&self->outside_fake, self->bottom, self->size);
#endif
#ifdef WITH_TSAN
    self->outside_thread = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(self->inside_thread, 0);
#endif
    (void)self;
}

TOOL tools_after_in(struct fiber_switch *self)
{
#ifdef WITH_ASAN
    __sanitizer_finish_switch_fiber(self->outside_fake, NULL, NULL);
#endif
    (void)self;
}

/* `last`: the coroutine has ended, and its side is not entered again. */
TOOL tools_before_out(struct fiber_switch *self, int last)
{
#ifdef WITH_ASAN
    __sanitizer_start_switch_fiber(last ? NULL : &self->inside_fake, self->outside_bottom, self->outside_size);
#endif
#ifdef WITH_TSAN
    __tsan_switch_to_fiber(self->outside_thread, 0);
#endif
    (void)self, (void)last;
}

TOOL tools_arrived_inside(struct fiber_switch *self)
{
#ifdef WITH_ASAN
    __sanitizer_finish_switch_fiber(self->inside_fake, &self->outside_bottom, &self->outside_size);
#endif
    (void)self;
}

/* --- the switch --------------------------------------------------------------------------------------------------- */

static void switch_out(struct fiber_switch *self, int last);

/* Never returns: after the last switch out there is no switch in. */
static void switch_main(struct fiber_switch *self)
{
    tools_arrived_inside(self);
    self->main(self->data);
    switch_out(self, 1);
}

#ifdef TRALE_BOOST_CONTEXT

struct transfer {
    void *from; /* where the jump came from */
    void *data;
};
struct transfer jump_fcontext(void *to, void *data);
void *make_fcontext(void *top, size_t size, void (*start)(struct transfer transfer));

static void switch_start(struct transfer transfer)
{
    struct fiber_switch *self = transfer.data;
    self->outside = transfer.from;
    switch_main(self);
}

static void switch_prepare(struct fiber_switch *self)
{
    self->inside = make_fcontext(self->bottom + self->size, self->size, switch_start);
}

void fiber_switch_in(struct fiber_switch *self)
{
    tools_before_in(self);
    self->inside = jump_fcontext(self->inside, self).from;
    tools_after_in(self);
}

static void switch_out(struct fiber_switch *self, int last)
{
    tools_before_out(self, last);
    self->outside = jump_fcontext(self->outside, self).from;
    tools_arrived_inside(self);
}

#else

/* makecontext(3) passes ints. */
static void switch_start(unsigned high, unsigned low)
{
    switch_main((struct fiber_switch *)((uintptr_t)high << 16 << 16 | low));
}

static void switch_prepare(struct fiber_switch *self)
{
    uintptr_t address = (uintptr_t)self;
    getcontext(&self->inside); /* makecontext(3) wants a context that this has filled */
    self->inside.uc_stack.ss_sp = self->bottom;
    self->inside.uc_stack.ss_size = self->size;
    self->inside.uc_link = NULL;
    makecontext(&self->inside, (void (*)(void))switch_start, 2, (unsigned)(address >> 16 >> 16), (unsigned)address);
}

static void switch_keep_mask(ucontext_t *target)
{
    pthread_sigmask(SIG_SETMASK, NULL, &target->uc_sigmask);
}

void fiber_switch_in(struct fiber_switch *self)
{
    switch_keep_mask(&self->inside);
    tools_before_in(self);
    swapcontext(&self->outside, &self->inside);
    tools_after_in(self);
}

static void switch_out(struct fiber_switch *self, int last)
{
    switch_keep_mask(&self->outside);
    tools_before_out(self, last);
    swapcontext(&self->inside, &self->outside);
    tools_arrived_inside(self);
}

#endif

void fiber_switch_init(struct fiber_switch *self, char *bottom, size_t size, void (*main)(void *data), void *data)
{
    self->main = main;
    self->data = data;
    self->bottom = bottom;
    self->size = size;
    self->inside_fake = NULL;
    tools_init(self);
    switch_prepare(self);
}

void fiber_switch_out(struct fiber_switch *self)
{
    switch_out(self, 0);
}

void fiber_switch_deinit(struct fiber_switch *self)
{
    tools_deinit(self);
}
