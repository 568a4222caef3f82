/* SPDX-License-Identifier: MIT
 *
 * Stacks of fibers: mapped from the kernel, each with a page below it that faults, and kept for the next fiber when one
 * has ended. */
#ifndef CORE_FIBER_STACK_H
#define CORE_FIBER_STACK_H

#include <stddef.h>
#include <stdint.h>

struct trale;

/* What holds for fibers that are polled without a runtime. The same stands in trale.ini. */
#define FIBER_STACK_SIZE ((size_t)64 * 1024)

/* How much larger each is, for what its owner keeps at its upper end. */
#define FIBER_STACK_ROOM ((size_t)8 * 1024)

/* The bytes of a stack that may be used; it grows down from bottom + size. */
struct fiber_stack {
    char *bottom;
    size_t size;
};

/* Belongs to one runtime and is used on its executor thread alone. Zeroed, it is empty and stays so. */
struct fiber_stacks {
    size_t size; /* of new ones, in bytes; 0: FIBER_STACK_SIZE */
    uint32_t n_kept_max;
    uint32_t n_kept;
    struct fiber_stack_kept *first;
};

/* Takes a stack, from those that are kept or from the kernel; `stacks` may be NULL. 0 or -ENOMEM. */
int fiber_stack_get(struct fiber_stacks *stacks, struct fiber_stack *stack);

/* Gives one back that nobody runs on. It need not have come from there. */
void fiber_stack_put(struct fiber_stacks *stacks, struct fiber_stack stack);

void fiber_stacks_deinit(struct fiber_stacks *stacks);

/* Those of a runtime, which defines this function. */
struct fiber_stacks *fiber_stacks_of(struct trale *runtime);

#endif
