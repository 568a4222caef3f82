/* SPDX-License-Identifier: MIT
 *
 * A queue of bytes in a world's memory. */
#ifndef SIM_BYTES_H
#define SIM_BYTES_H

#include "memory.h"

/* A ring. Zeroed, it is empty. */
struct bytes {
    unsigned char *ring;
    uint64_t room;  /* of the ring, 0 or a power of two */
    uint64_t first; /* where the first byte is */
    uint64_t size;
};

/* Appends bytes. 0, or -ENOMEM: nothing has changed. */
int bytes_append(struct bytes *bytes, struct memory *memory, const void *added, uint64_t n);

/* Copies `n` bytes from the queue, from the byte `at` on; they are there, and stay. */
void bytes_copy(const struct bytes *bytes, uint64_t at, void *buf, uint64_t n);

/* Removes the first `n` bytes. */
void bytes_discard(struct bytes *bytes, uint64_t n);

/* Removes all, and gives the memory back. */
void bytes_free(struct bytes *bytes, struct memory *memory);

#endif
