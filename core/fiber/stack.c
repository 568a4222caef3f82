/* SPDX-License-Identifier: MIT
 *
 * A stack that is kept has its list node at its own upper end: that page was in use before, and will be again. */
#include "core/fiber/stack.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

struct fiber_stack_kept {
    struct fiber_stack_kept *next;
    struct fiber_stack stack;
};

static size_t whole_pages(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page;
}

static size_t stack_size(const struct fiber_stacks *stacks, size_t room)
{
    return whole_pages((stacks != NULL && stacks->size > 0 ? stacks->size : FIBER_STACK_SIZE) + room);
}

static int stack_map(struct fiber_stack *stack, size_t size)
{
    size_t guard_size = whole_pages(FIBER_STACK_GUARD);
    char *guard = mmap(NULL, guard_size + size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1,
                       0);
    if (guard == MAP_FAILED)
        return -ENOMEM;
    /* This divides the mapping in two, and fails when the process has too many mappings. */
    if (mprotect(guard + guard_size, size, PROT_READ | PROT_WRITE) < 0) {
        munmap(guard, guard_size + size);
        return -ENOMEM;
    }
    *stack = (struct fiber_stack){guard + guard_size, size};
    return 0;
}

static void stack_unmap(struct fiber_stack stack)
{
    size_t guard_size = whole_pages(FIBER_STACK_GUARD);
    munmap(stack.bottom - guard_size, guard_size + stack.size);
}

int fiber_stack_get(struct fiber_stacks *stacks, size_t room, struct fiber_stack *stack)
{
    if (stacks == NULL || stacks->first == NULL)
        return stack_map(stack, stack_size(stacks, room));
    *stack = stacks->first->stack;
    stacks->first = stacks->first->next;
    stacks->n_kept--;
    return 0;
}

void fiber_stack_put(struct fiber_stacks *stacks, size_t room, struct fiber_stack stack)
{
    /* A stack of another runtime may be smaller than this runtime's. */
    if (stacks == NULL || stacks->n_kept >= stacks->n_kept_max || stack.size < stack_size(stacks, room)) {
        stack_unmap(stack);
        return;
    }
    struct fiber_stack_kept *kept = (struct fiber_stack_kept *)(void *)(stack.bottom + stack.size) - 1;
    *kept = (struct fiber_stack_kept){stacks->first, stack};
    stacks->first = kept;
    stacks->n_kept++;
}

void fiber_stacks_deinit(struct fiber_stacks *stacks)
{
    while (stacks->first != NULL) {
        struct fiber_stack stack = stacks->first->stack;
        stacks->first = stacks->first->next;
        stack_unmap(stack);
    }
    stacks->n_kept = 0;
}
