/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <string.h>
#include <sys/mman.h>

#define SMALLEST 16u

/* The class of a size, and how many bytes its members have. Up to 64 bytes a class is SMALLEST bytes wider than the one
 * before, and after that a quarter of the power of two below. */
static unsigned class_of(size_t size, size_t *rounded)
{
    size_t last = size > 0 ? size - 1 : 0;
    if (last < 4 * SMALLEST) {
        *rounded = (last / SMALLEST + 1) * SMALLEST;
        return (unsigned)(last / SMALLEST);
    }
    unsigned power = 63u - (unsigned)__builtin_clzll(last);
    size_t step = (size_t)1 << (power - 2);
    *rounded = (last / step + 1) * step;
    return 4 * (power - 5) + (unsigned)((last >> (power - 2)) & 3);
}

struct memory *memory_init(void *region, uint64_t size, size_t head)
{
    struct memory *memory = region;
    memory->size = size;
    memory->n_used = (head + 63) / 64 * 64;
    return memory;
}

struct memory *memory_map(size_t head)
{
    void *region = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return region != MAP_FAILED ? memory_init(region, MEMORY_SIZE, head) : NULL;
}

void memory_unmap(struct memory *memory)
{
    munmap(memory, memory->size);
}

void *memory_take(struct memory *memory, size_t size)
{
    if (size > memory->size)
        return NULL;
    size_t rounded;
    unsigned class = class_of(size, &rounded);
    void *taken = memory->free[class];
    if (taken != NULL) {
        memcpy(&memory->free[class], taken, sizeof taken);
    } else {
        if (rounded > memory->size - memory->n_used)
            return NULL;
        taken = (char *)memory + memory->n_used;
        memory->n_used += rounded;
    }
    memory->n_live += rounded;
    return taken;
}

void *memory_alloc(struct memory *memory, size_t size)
{
    void *taken = memory_take(memory, size);
    return taken != NULL ? memset(taken, 0, size) : NULL;
}

void memory_give(struct memory *memory, void *pointer, size_t size)
{
    if (pointer == NULL)
        return;
    size_t rounded;
    unsigned class = class_of(size, &rounded);
    memcpy(pointer, &memory->free[class], sizeof pointer);
    memory->free[class] = pointer;
    memory->n_live -= rounded;
}
