/* SPDX-License-Identifier: MIT */
#include "core/executor/task_pool.h"

#include <sys/mman.h>

/* The first slab of a class is small; each further one is twice as large, up to the alignment. */
#define SLAB_SIZE_MIN ((size_t)64 << 10)
#define SLAB_SIZE_MAX ((size_t)TASK_SLAB_ALIGNMENT)
#define SLAB_HEAD 128u
_Static_assert(sizeof(struct task_slab) <= SLAB_HEAD, "blocks are aligned");

/* --- slabs -------------------------------------------------------------------------------------------------------- */

/* Aligned memory of the kernel, or NULL. */
static void *slab_map(size_t size)
{
    size_t room = TASK_SLAB_ALIGNMENT + size;
    char *start = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    size_t before = (size_t)(-(uintptr_t)start & (TASK_SLAB_ALIGNMENT - 1));
    if (before > 0)
        munmap(start, before);
    munmap(start + before + size, room - before - size);
    return start + before;
}

static void slab_free(struct task_slab *slab)
{
    munmap(slab, slab->size);
}

/* As large as all the slabs of its class together. */
static size_t slab_next_size(const struct task_class *class)
{
    size_t size = SLAB_SIZE_MIN;
    while (size < class->n_bytes && size < SLAB_SIZE_MAX)
        size *= 2;
    return size;
}

static struct task_slab *slab_new(struct task_pool *pool, uint8_t size_class)
{
    struct task_class *class = &pool->classes[size_class];
    size_t size = slab_next_size(class), block_size = size_class * TASK_POOL_CLASS_BYTES;
    struct task_slab *slab = slab_map(size);
    if (slab == NULL)
        return NULL;
    slab->size = size;
    slab->size_class = size_class;
    slab->fresh = (char *)slab + SLAB_HEAD;
    slab->end = slab->fresh + (size - SLAB_HEAD) / block_size * block_size;
    atomic_init(&slab->returns, pool->returns);
    list_append(&pool->slabs, &slab->slabs);
    list_append(&class->rooms, &slab->rooms);
    class->n_bytes += size;
    return slab;
}

/* --- what other threads give back --------------------------------------------------------------------------------- */

/* A block of a pool that has ended. */
static void slab_leave(struct task_slab *slab)
{
    if (atomic_fetch_sub_explicit(&slab->n_left, 1, memory_order_acq_rel) == 1)
        slab_free(slab);
}

void task_pool_return(void *memory)
{
    struct task_block *block = memory;
    struct task_slab *slab = task_slab_of(block);
    struct task_returns *returns = atomic_load_explicit(&slab->returns, memory_order_acquire);
    uintptr_t top = returns != NULL ? atomic_load_explicit(&returns->top, memory_order_acquire) : TASK_RETURNS_CLOSED;
    do {
        if (top == TASK_RETURNS_CLOSED) {
            slab_leave(slab);
            return;
        }
        block->next = top;
    } while (!atomic_compare_exchange_weak_explicit(&returns->top, &top, (uintptr_t)block, memory_order_acq_rel,
                                                    memory_order_acquire));
}

/* Takes all blocks that were returned; `top` is what takes their place. */
static void pool_take_returns(struct task_pool *pool, uintptr_t replacement)
{
    uintptr_t top = atomic_exchange_explicit(&pool->returns->top, replacement, memory_order_acq_rel);
    while (top != TASK_RETURNS_EMPTY) {
        struct task_block *block = (struct task_block *)top;
        top = block->next;
        if (replacement == TASK_RETURNS_CLOSED)
            slab_leave(task_slab_of(block));
        else
            task_pool_put(pool, block);
    }
}

/* --- the pool ----------------------------------------------------------------------------------------------------- */

struct task_slab *task_pool_grow(struct task_pool *pool, uint8_t size_class)
{
    task_pool_tidy(pool);
    struct trale_link *rooms = &pool->classes[size_class].rooms;
    return list_is_empty(rooms) ? slab_new(pool, size_class) : list_entry(rooms->next, struct task_slab, rooms);
}

/* As much is kept as is in use, so that a number of tasks that goes up and down costs few system calls. What is kept is
 * used last, and looked at again when the next slab has become empty. */
void task_pool_empty(struct task_pool *pool, struct task_slab *slab)
{
    struct task_class *class = &pool->classes[slab->size_class];
    size_t n_needed = 2 * class->n_used * slab->size_class * TASK_POOL_CLASS_BYTES;
    list_remove(&slab->rooms);
    list_append(&class->rooms, &slab->rooms);
    while (class->n_bytes > TASK_POOL_KEPT && !list_is_empty(&class->rooms)) {
        struct task_slab *last = list_entry(class->rooms.previous, struct task_slab, rooms);
        if (last->n_used > 0 || class->n_bytes - last->size < n_needed)
            return;
        class->n_bytes -= last->size;
        list_remove(&last->rooms);
        list_remove(&last->slabs);
        slab_free(last);
    }
}

void task_pool_take_back(struct task_pool *pool)
{
    pool_take_returns(pool, TASK_RETURNS_EMPTY);
}

void task_pool_init(struct task_pool *pool, struct task_returns *returns)
{
    for (size_t i = 0; i < TASK_POOL_CLASSES; i++)
        pool->classes[i] = (struct task_class){.rooms = {&pool->classes[i].rooms, &pool->classes[i].rooms}};
    list_init(&pool->slabs);
    pool->returns = returns;
    atomic_store(&returns->top, TASK_RETURNS_EMPTY);
}

/* A block that another thread has seen in a slab of this pool comes by the returns until they are closed, and from then
 * on by slab_leave. */
void task_pool_deinit(struct task_pool *pool)
{
    pool_take_returns(pool, TASK_RETURNS_EMPTY);
    while (!list_is_empty(&pool->slabs)) {
        struct task_slab *slab = list_entry(pool->slabs.next, struct task_slab, slabs);
        list_remove(&slab->slabs);
        if (slab->n_used == 0) {
            slab_free(slab);
            continue;
        }
        atomic_store_explicit(&slab->n_left, slab->n_used, memory_order_relaxed);
        atomic_store_explicit(&slab->returns, NULL, memory_order_release);
    }
    pool_take_returns(pool, TASK_RETURNS_CLOSED);
}
