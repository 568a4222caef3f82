/* SPDX-License-Identifier: MIT
 *
 * The memory of a world: one region, from which everything in the world is taken. So the world can be looked at, and
 * mapped, as a whole. Memory that was given back is used again for what has about the same size. */
#ifndef SIM_MEMORY_H
#define SIM_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* How many bytes of addresses a region has. The kernel gives a page when it is first used. */
#define MEMORY_SIZE (UINT64_C(4) << 30)

/* Sizes are rounded up to a class: 16, 32, 48, 64, then four classes for each doubling. */
#define MEMORY_CLASSES 120

/* The beginning of a region. */
struct memory {
    uint64_t size;   /* of the region */
    uint64_t n_used; /* bytes from its beginning, never given back to the kernel */
    uint64_t n_live; /* bytes that are allocated now */
    void *free[MEMORY_CLASSES];
};

/* Maps a region for this process alone. `head` is the size of what begins with a struct memory and is at the region's
 * beginning. All is zero but the struct memory. NULL: no memory. */
struct memory *memory_map(size_t head);

/* Makes a region of memory that is mapped and zero, of that size. */
struct memory *memory_init(void *region, uint64_t size, size_t head);

/* Unmaps the region and all that is in it. */
void memory_unmap(struct memory *memory);

/* Memory of that size, aligned for anything; NULL: the region is full. memory_take leaves in it what was there. */
void *memory_alloc(struct memory *memory, size_t size); /* zeroed */
void *memory_take(struct memory *memory, size_t size);

/* Gives it back; `size` is what it was taken with. NULL is allowed. */
void memory_give(struct memory *memory, void *pointer, size_t size);

#endif
