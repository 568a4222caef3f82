/* SPDX-License-Identifier: MIT
 *
 * What the files of the UDP driver share: the instance, its sockets, and the rings that link them. */
#ifndef UDP_UDP_H
#define UDP_UDP_H

#include <stdbool.h>

#include <trale/udp.h>

struct udp {
    struct trale_udp table;
    struct trale_host host;
    int64_t receive_buffer, send_buffer;
    void *sockets[2]; /* ring of their `open` members */
};

struct udp_socket {
    struct trale_udp_socket base; /* first: what applications pass on */
    struct udp *udp;
    struct udp_errors *errors; /* those that nobody has awaited; NULL: TRALE_UDP_ERRORS is off */
    int fd;
    sa_family_t family;
    uint8_t info;            /* TRALE_UDP_INFO */
    bool gro;                /* TRALE_UDP_GRO is on */
    uint8_t n_missed;        /* receives in a row that tried first and found nothing */
    uint8_t n_to_wait;       /* receives that wait first before one tries first again */
    int multicast_interface; /* of IPv4, which the kernel takes and does not tell */
    void *waiting[2];        /* ring of the `driver` members of operations that wait */
    void *open[2];           /* in the instance's ring */
};

/* A socket of that fd, linked and ready; NULL: no memory. [udp.c] */
struct udp_socket *udp_socket_new(struct udp *udp, int fd, sa_family_t family);

/* Its memory alone; the fd is not closed. [udp.c] */
void udp_socket_free(struct udp_socket *socket);

/* A ring's head and its links are {next, previous}; a link outside of any is {NULL, NULL}. */
static inline void ring_init(void **ring)
{
    ring[0] = ring[1] = ring;
}

static inline void ring_add(void **ring, void **link)
{
    void **last = ring[1];
    link[0] = ring;
    link[1] = last;
    last[0] = ring[1] = link;
}

static inline void ring_remove(void **link)
{
    void **next = link[0], **previous = link[1];
    previous[0] = next;
    next[1] = previous;
    link[0] = link[1] = NULL;
}

#endif
