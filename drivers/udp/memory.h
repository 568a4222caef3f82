/* SPDX-License-Identifier: MIT
 *
 * The instance, and the memory of its sockets: chunks of 64 KiB, in which they lie side by side. An empty chunk gives
 * its memory back to the kernel, but keeps its addresses, and reads as zero: an operation of a closed socket looks at
 * the generation before anything else. All other files of the driver include this one. */
#ifndef UDP_MEMORY_H
#define UDP_MEMORY_H

#include <stdbool.h>

#include <trale/udp.h>

#include "open_fds.h"

struct udp_chunk;

struct udp_memory {
    struct udp_chunk **chunks;
    size_t n_chunks, first; /* all chunks before `first` are full */
    uint32_t generation;    /* of the last socket that was opened */
};

struct udp {
    struct trale_udp table;
    struct trale_host host;
    int64_t receive_buffer, send_buffer;
    struct udp_messages *messages; /* see batch.c */
    struct udp_memory memory;
    struct open_fds open_fds; /* see inherit.c */
};

struct udp_socket {
    struct trale_udp_socket base; /* first: what applications pass on */
    uint32_t generation;          /* no other open socket has it; 0: closed */
    union {
        uint32_t n_looks;   /* of the executor, when the last receive began to wait before it tried */
        uint32_t next_free; /* closed: the next free slot of the chunk + 1; 0: none */
    };
    int fd;
    int multicast_interface; /* of IPv4, which the kernel takes and does not tell */
    int16_t end;             /* what a receive that finds nothing resolves to, for nothing will come; 0: it waits */
    int16_t earlier_error;   /* of an earlier datagram, for the next receive or send to tell; 0: none */
    uint8_t family;          /* AF_INET, AF_INET6 */
    uint8_t info;            /* TRALE_UDP_INFO */
    uint8_t n_waits : 5;     /* so many receives may wait before they try, because tries were in vain */
    uint8_t n_doublings : 3; /* how often n_waits has doubled, for the try after them was in vain, too */
    bool gro : 1;            /* TRALE_UDP_GRO is on */
    bool connected : 1;      /* it has a peer */
    bool has_waited : 1;     /* an operation has waited since the reactor knows the fd */
    bool keeps_errors : 1;   /* TRALE_UDP_ERRORS is on */
    bool adopted : 1;        /* its fd was open before, so that another process may have it */
};
_Static_assert(sizeof(struct udp_socket) == 32, "what a socket costs");

#define UDP_CHUNK_BYTES 65536u /* and aligned to them: a multiple of every page size of x86-64 and aarch64 */
#define UDP_CHUNK_SLOTS 2047u

struct udp_chunk {
    struct udp *udp;            /* NULL: it has given its memory back */
    struct udp_errors **errors; /* by slot, those that no task has awaited yet; NULL: no socket has kept any */
    uint32_t place;             /* in the instance's array */
    uint16_t n_used;            /* open sockets */
    uint16_t n_fresh;           /* slots that were ever used */
    uint16_t free;              /* the first free slot of these + 1; 0: none */
    _Alignas(32) struct udp_socket sockets[UDP_CHUNK_SLOTS];
};
_Static_assert(sizeof(struct udp_chunk) == UDP_CHUNK_BYTES, "it fills its pages");

static inline struct udp_chunk *udp_chunk_of(const struct udp_socket *socket)
{
    return (struct udp_chunk *)((uintptr_t)socket & ~(uintptr_t)(UDP_CHUNK_BYTES - 1));
}

static inline uint16_t udp_slot_of(const struct udp_socket *socket)
{
    return (uint16_t)(socket - udp_chunk_of(socket)->sockets);
}

/* The instance of an open socket. */
static inline struct udp *udp_of(const struct udp_socket *socket)
{
    return udp_chunk_of(socket)->udp;
}

/* Its errors; NULL: TRALE_UDP_ERRORS is off. */
static inline struct udp_errors *udp_socket_errors(const struct udp_socket *socket)
{
    return socket->keeps_errors ? udp_chunk_of(socket)->errors[udp_slot_of(socket)] : NULL;
}

/* Room for a socket, of which `generation` is set; NULL: no memory. */
struct udp_socket *udp_memory_get(struct udp *udp);

/* Takes the room back, and sets the generation to 0. */
void udp_memory_put(struct udp_socket *socket);

/* The first open socket at *position or behind it, which moves behind that socket; NULL: there is no other. Begin at
 * 0. */
struct udp_socket *udp_memory_next(const struct udp *udp, size_t *position);

/* Frees all, when no operation is left. */
void udp_memory_free(struct udp *udp);

#endif
