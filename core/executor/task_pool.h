/* SPDX-License-Identifier: MIT
 *
 * Memory of freed tasks, kept for new ones: a task that is spawned and joined on the executor thread needs no call of
 * malloc(3). */
#ifndef CORE_EXECUTOR_TASK_POOL_H
#define CORE_EXECUTOR_TASK_POOL_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define TASK_POOL_CLASSES 32
#define TASK_POOL_CLASS_BYTES 16u /* malloc(3) rounds to the same */

struct task_block {
    struct task_block *next;
};

/* Belongs to one executor and is used on its thread alone. Zeroed, it is empty. */
struct task_pool {
    struct task_block *first[TASK_POOL_CLASSES];
    uint32_t n_blocks[TASK_POOL_CLASSES];
};

/* The class of a block of that size; TASK_POOL_CLASSES for a block that is too large to be kept. */
static inline uint8_t task_pool_class(size_t size)
{
    size_t size_class = (size + 7) / TASK_POOL_CLASS_BYTES;
    return size_class < TASK_POOL_CLASSES ? (uint8_t)size_class : TASK_POOL_CLASSES;
}

/* A block of a class: from the pool, unless that is NULL or has none, else from malloc(3). Either may be freed by
 * free(3). `size` is used for the class that is too large. NULL when memory is out. */
static inline void *task_pool_get(struct task_pool *pool, uint8_t size_class, size_t size)
{
    if (size_class == TASK_POOL_CLASSES)
        return malloc(size);
    if (pool == NULL || pool->first[size_class] == NULL)
        return malloc(size_class * TASK_POOL_CLASS_BYTES + 8);
    struct task_block *block = pool->first[size_class];
    pool->first[size_class] = block->next;
    pool->n_blocks[size_class]--;
    return block;
}

/* Keeps a block of a class, or frees it. */
void task_pool_put(struct task_pool *pool, uint8_t size_class, void *block);

void task_pool_deinit(struct task_pool *pool);

#endif
