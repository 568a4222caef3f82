/* SPDX-License-Identifier: MIT
 *
 * Stacks of fibers: mapped from the kernel, each above a guard that faults, and kept for the next fiber when one has
 * ended. */
#ifndef CORE_FIBER_STACK_H
#define CORE_FIBER_STACK_H

#include <stddef.h>
#include <stdint.h>

struct trale;

/* The size for fibers that are polled without a runtime. trale.ini has the same default. */
#define FIBER_STACK_SIZE ((size_t)64 * 1024)

/* The bytes below each stack that fault. A frame that is larger than the guard can reach across it, so the
 * guard is larger than every frame in libtrale, the drivers and libc. It is address space only, and takes no memory. */
#define FIBER_STACK_GUARD ((size_t)64 * 1024)

/* The bytes of a stack that may be used; it grows down from bottom + size. */
struct fiber_stack {
    char *bottom;
    size_t size;
};

/* Belongs to one runtime and is used on its executor thread alone. Zeroed, it is empty, and keeps no stacks. */
struct fiber_stacks {
    size_t size; /* of each stack, in bytes, without the room; 0: FIBER_STACK_SIZE */
    uint32_t n_kept_max;
    uint32_t n_kept;
    struct fiber_stack_kept *first;
};

/* Takes a stack, from those that are kept or from the kernel. It is `room` bytes larger than stacks->size, for what its
 * owner keeps at its upper end; `room` is the same in every call. `stacks` may be NULL. 0 or -ENOMEM. */
int fiber_stack_get(struct fiber_stacks *stacks, size_t room, struct fiber_stack *stack);

/* Gives back a stack that no fiber runs on. It may come from other stacks than these. */
void fiber_stack_put(struct fiber_stacks *stacks, size_t room, struct fiber_stack stack);

void fiber_stacks_deinit(struct fiber_stacks *stacks);

/* The stacks of a runtime. The runtime defines this function. */
struct fiber_stacks *fiber_stacks_of(struct trale *runtime);

#endif
