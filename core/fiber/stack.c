/* SPDX-License-Identifier: MIT
 *
 * A stack that is kept holds, at its upper end, the node by which it is kept: that page was in use a moment ago, and
 * will be again. */
#include "core/fiber/stack.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

struct fiber_stack_kept {
    struct fiber_stack_kept *next;
    struct fiber_stack stack;
};

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static int stack_map(struct fiber_stack *stack, size_t size)
{
    size_t page = page_size();
    size = (size + FIBER_STACK_ROOM + page - 1) / page * page;
    char *guard = mmap(NULL, page + size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (guard == MAP_FAILED)
        return -ENOMEM;
    /* It makes two mappings of one, and fails where there are too many. */
    if (mprotect(guard + page, size, PROT_READ | PROT_WRITE) < 0) {
        munmap(guard, page + size);
        return -ENOMEM;
    }
    *stack = (struct fiber_stack){guard + page, size};
    return 0;
}

static void stack_unmap(struct fiber_stack stack)
{
    size_t page = page_size();
    munmap(stack.bottom - page, page + stack.size);
}

int fiber_stack_get(struct fiber_stacks *stacks, struct fiber_stack *stack)
{
    if (stacks == NULL || stacks->first == NULL)
        return stack_map(stack, stacks != NULL && stacks->size > 0 ? stacks->size : FIBER_STACK_SIZE);
    *stack = stacks->first->stack;
    stacks->first = stacks->first->next;
    stacks->n_kept--;
    return 0;
}

void fiber_stack_put(struct fiber_stacks *stacks, struct fiber_stack stack)
{
    /* Another runtime's may be smaller than what is asked for here. */
    if (stacks == NULL || stacks->n_kept >= stacks->n_kept_max || stack.size < stacks->size) {
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
