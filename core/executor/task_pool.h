/* SPDX-License-Identifier: MIT
 *
 * The memory of tasks that are spawned on their executor's thread: slabs of blocks of one size, without headers. A task
 * costs no call of malloc(3), and tasks that are spawned together lie side by side. Slabs grow with the number of
 * tasks, and an empty one goes back to the kernel.
 *
 * A task may end on any thread, and after its executor. A block that another thread gives back goes on a lock-free
 * stack, from which the pool takes it when it needs one or the executor looks at the reactor. A pool that ends leaves
 * slabs whose blocks are still in use: their last block frees them. */
#ifndef CORE_EXECUTOR_TASK_POOL_H
#define CORE_EXECUTOR_TASK_POOL_H

#include <stdatomic.h>
#include <stdint.h>

#include "core/base/list.h"

#define TASK_POOL_CLASSES 33u /* 0: blocks of malloc(3) */
#define TASK_POOL_CLASS_BYTES 16u
#define TASK_POOL_KEPT ((size_t)2 << 20) /* slabs of a class are given back where they are more than so many bytes */

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define TASK_POOL_SANITIZER 1
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TASK_POOL_SANITIZER 1
#endif
#endif
#ifndef TASK_POOL_SANITIZER
#define TASK_POOL_SANITIZER 0
#endif

/* Blocks that other threads give back: a stack. It outlives its pool, and may become that of another one; a pool that
 * finds blocks of another one in it gives them back in turn. Zeroed, it is closed. */
struct task_returns {
    _Atomic uintptr_t top; /* a struct task_block, or TASK_RETURNS_CLOSED, or TASK_RETURNS_EMPTY */
};
#define TASK_RETURNS_CLOSED ((uintptr_t)0)
#define TASK_RETURNS_EMPTY ((uintptr_t)1)

struct task_block {
    uintptr_t next; /* in a slab: NULL ends the list; in the returns as `top` */
};

struct task_slab {
    struct trale_link rooms;              /* in the list of its class, if it has room */
    struct trale_link slabs;              /* in the list of all */
    struct task_returns *_Atomic returns; /* of its pool; NULL: the pool has ended */
    struct task_block *free;
    char *fresh, *end; /* the blocks that were never used */
    size_t size;       /* of the whole slab */
    uint32_t n_used;   /* blocks */
    uint32_t size_class;
    _Atomic uint32_t n_left; /* blocks in use, when the pool has ended */
};

struct task_class {
    struct trale_link rooms; /* slabs with room */
    size_t n_used;           /* blocks */
    size_t n_bytes;          /* of its slabs */
};

/* Belongs to one executor and is used on its thread alone. */
struct task_pool {
    struct task_class classes[TASK_POOL_CLASSES];
    struct trale_link slabs;
    struct task_returns *returns;
};

void task_pool_init(struct task_pool *pool, struct task_returns *returns);

/* Leaves the slabs that have blocks in use, and closes the returns. */
void task_pool_deinit(struct task_pool *pool);

/* Makes a slab for the class, or takes in what was returned; NULL when memory is out. */
struct task_slab *task_pool_grow(struct task_pool *pool, uint8_t size_class);

/* For a slab that has become empty: frees it and others that are so, or keeps them for the tasks to come. */
void task_pool_empty(struct task_pool *pool, struct task_slab *slab);

/* Takes in what was returned. */
void task_pool_take_back(struct task_pool *pool);
static inline void task_pool_tidy(struct task_pool *pool)
{
    if (atomic_load_explicit(&pool->returns->top, memory_order_relaxed) != TASK_RETURNS_EMPTY)
        task_pool_take_back(pool);
}

/* Gives back a block of a class other than 0. [any, also when the pool has ended] */
void task_pool_return(void *memory);

/* The class of a block of that size; 0 for one that is too large, or where a sanitizer must see each block. */
static inline uint8_t task_pool_class(size_t size)
{
    size_t size_class = (size + TASK_POOL_CLASS_BYTES - 1) / TASK_POOL_CLASS_BYTES;
    return size_class < TASK_POOL_CLASSES && !TASK_POOL_SANITIZER ? (uint8_t)size_class : 0;
}

#define TASK_SLAB_ALIGNMENT ((uintptr_t)1 << 21)

static inline struct task_slab *task_slab_of(void *block)
{
    return (struct task_slab *)((uintptr_t)block & ~(TASK_SLAB_ALIGNMENT - 1));
}

/* A block of a class other than 0; NULL when memory is out. */
static inline void *task_pool_get(struct task_pool *pool, uint8_t size_class)
{
    struct task_class *class = &pool->classes[size_class];
    struct task_slab *slab = list_entry(class->rooms.next, struct task_slab, rooms);
    if (list_is_empty(&class->rooms) && (slab = task_pool_grow(pool, size_class)) == NULL)
        return NULL;
    struct task_block *block = slab->free;
    if (block != NULL) {
        slab->free = (struct task_block *)block->next;
    } else {
        block = (struct task_block *)(void *)slab->fresh;
        slab->fresh += size_class * TASK_POOL_CLASS_BYTES;
    }
    slab->n_used++;
    class->n_used++;
    if (slab->free == NULL && slab->fresh == slab->end)
        list_remove(&slab->rooms);
    return block;
}

/* Gives it back on the thread of a pool, which need not be its own. */
static inline void task_pool_put(struct task_pool *pool, void *memory)
{
    struct task_slab *slab = task_slab_of(memory);
    struct task_block *block = memory;
    if (atomic_load_explicit(&slab->returns, memory_order_relaxed) != pool->returns) {
        task_pool_return(memory);
        return;
    }
    struct task_class *class = &pool->classes[slab->size_class];
    block->next = (uintptr_t)slab->free;
    slab->free = block;
    class->n_used--;
    if (!list_has(&slab->rooms))
        list_append(class->rooms.next, &slab->rooms); /* the first */
    if (--slab->n_used == 0 && class->n_bytes > TASK_POOL_KEPT)
        task_pool_empty(pool, slab);
}

#endif
