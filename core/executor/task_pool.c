/* SPDX-License-Identifier: MIT */
#include "core/executor/task_pool.h"

/* Blocks kept of each class. None under a sanitizer, which must see that a task was freed. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define N_BLOCKS_MAX 0
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define N_BLOCKS_MAX 0
#endif
#endif
#ifndef N_BLOCKS_MAX
#define N_BLOCKS_MAX 1024
#endif

void task_pool_put(struct task_pool *pool, uint8_t size_class, void *memory)
{
    const uint32_t n_blocks_max = N_BLOCKS_MAX;
    if (size_class == TASK_POOL_CLASSES || pool->n_blocks[size_class] >= n_blocks_max) {
        free(memory);
        return;
    }
    struct task_block *block = memory;
    block->next = pool->first[size_class];
    pool->first[size_class] = block;
    pool->n_blocks[size_class]++;
}

void task_pool_deinit(struct task_pool *pool)
{
    for (size_t i = 0; i < TASK_POOL_CLASSES; i++) {
        for (struct task_block *block = pool->first[i], *next; block != NULL; block = next) {
            next = block->next;
            free(block);
        }
    }
    *pool = (struct task_pool){0};
}
