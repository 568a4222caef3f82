/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <stdlib.h>
#include <sys/mman.h>

/* --- what AddressSanitizer sees ----------------------------------------------------------------------------------- */

#if defined __SANITIZE_ADDRESS__
#define HAS_ADDRESS_SANITIZER 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define HAS_ADDRESS_SANITIZER 1
#endif
#endif

#ifdef HAS_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>

/* A closed socket may not be touched, but for the words that the driver looks at. */
static void socket_poison(struct udp_socket *socket)
{
    char *rest = (char *)socket + offsetof(struct udp_socket, fd);
    ASAN_POISON_MEMORY_REGION(&socket->base, sizeof socket->base);
    ASAN_POISON_MEMORY_REGION(rest, sizeof *socket - offsetof(struct udp_socket, fd));
}

static void memory_unpoison(void *memory, size_t size)
{
    ASAN_UNPOISON_MEMORY_REGION(memory, size);
}
#else
static void socket_poison(struct udp_socket *socket)
{
    (void)socket;
}

static void memory_unpoison(void *memory, size_t size)
{
    (void)memory;
    (void)size;
}
#endif

/* --- chunks ------------------------------------------------------------------------------------------------------- */

/* Aligned memory of the kernel, or NULL. */
static struct udp_chunk *chunk_map(void)
{
    const size_t size = sizeof(struct udp_chunk);
    char *start = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    size_t before = (size_t)(-(uintptr_t)start & (size - 1));
    if (before > 0)
        munmap(start, before);
    munmap(start + before + size, size - before);
    return (struct udp_chunk *)(void *)(start + before);
}

static bool memory_grow(struct udp_memory *memory)
{
    struct udp_chunk **chunks = reallocarray(memory->chunks, memory->n_chunks + 1, sizeof *chunks);
    if (chunks == NULL)
        return false;
    memory->chunks = chunks;
    struct udp_chunk *chunk = chunk_map();
    if (chunk == NULL)
        return false;
    chunks[memory->n_chunks++] = chunk;
    return true;
}

/* Gives the memory of an empty chunk back. Where madvise(2) fails, because the process has locked its memory, it stays
 * as it is, which is empty too. */
static void chunk_give_back(struct udp_chunk *chunk)
{
    free(chunk->errors);
    chunk->errors = NULL;
    chunk->udp = NULL;
    madvise(chunk, sizeof *chunk, MADV_DONTNEED);
}

/* Of the empty chunks only the one that is used next keeps its memory, so that a socket that is opened and closed again
 * and again costs no system call more. */
static void memory_tidy(const struct udp_memory *memory, size_t i)
{
    if (i < memory->n_chunks && i != memory->first && memory->chunks[i]->udp != NULL && memory->chunks[i]->n_used == 0)
        chunk_give_back(memory->chunks[i]);
}

/* --- sockets ------------------------------------------------------------------------------------------------------ */

struct udp_socket *udp_memory_get(struct udp *udp)
{
    struct udp_memory *memory = &udp->memory;
    while (memory->first < memory->n_chunks && memory->chunks[memory->first]->n_used == UDP_CHUNK_SLOTS)
        memory->first++;
    if (memory->first == memory->n_chunks && !memory_grow(memory))
        return NULL;
    struct udp_chunk *chunk = memory->chunks[memory->first];
    chunk->udp = udp;
    chunk->place = (uint32_t)memory->first;
    uint16_t slot = chunk->free;
    if (slot > 0)
        chunk->free = (uint16_t)chunk->sockets[--slot].next_free;
    else
        slot = chunk->n_fresh++;
    chunk->n_used++;
    struct udp_socket *socket = &chunk->sockets[slot];
    memory_unpoison(socket, sizeof *socket);
    memory->generation += memory->generation < UINT32_MAX ? 1 : 2;
    socket->generation = memory->generation;
    return socket;
}

void udp_memory_put(struct udp_socket *socket)
{
    struct udp_chunk *chunk = udp_chunk_of(socket);
    struct udp_memory *memory = &chunk->udp->memory;
    size_t place = chunk->place, first = memory->first;
    socket->generation = 0;
    socket->next_free = chunk->free;
    chunk->free = (uint16_t)(udp_slot_of(socket) + 1);
    chunk->n_used--;
    socket_poison(socket);
    if (place < first)
        memory->first = place;
    memory_tidy(memory, first);
    memory_tidy(memory, place);
}

struct udp_socket *udp_memory_next(const struct udp *udp, size_t *position)
{
    for (; *position < udp->memory.n_chunks * UDP_CHUNK_SLOTS; ++*position) {
        struct udp_chunk *chunk = udp->memory.chunks[*position / UDP_CHUNK_SLOTS];
        size_t slot = *position % UDP_CHUNK_SLOTS;
        if (slot >= chunk->n_fresh) {
            *position += UDP_CHUNK_SLOTS - slot - 1;
        } else if (chunk->sockets[slot].generation != 0) {
            ++*position;
            return &chunk->sockets[slot];
        }
    }
    return NULL;
}

void udp_memory_free(struct udp *udp)
{
    for (size_t i = 0; i < udp->memory.n_chunks; i++) {
        struct udp_chunk *chunk = udp->memory.chunks[i];
        free(chunk->errors);
        memory_unpoison(chunk, sizeof *chunk);
        munmap(chunk, sizeof *chunk);
    }
    free(udp->memory.chunks);
    open_fds_free(&udp->open_fds);
}
