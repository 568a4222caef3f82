/* SPDX-License-Identifier: MIT
 *
 * A socket of a host: its addresses, its options, what it has received, and what went wrong. It is as udp(7), ip(7) and
 * ipv6(7) have it. IPv4 addresses are IPv4 everywhere in here, also those that an IPv6 socket shows in their mapped
 * form. */
#ifndef SIM_SOCKET_H
#define SIM_SOCKET_H

#include "host.h"
#include "icmp.h"

/* What a program may wait for at a socket. */
#define SOCKET_READABLE 1u /* a datagram, or an error of an earlier one, can be received */
#define SOCKET_WRITABLE 2u /* the send buffer has room */
#define SOCKET_FAILING 4u  /* a report of an error can be received */

/* The buffers of Linux (net.core.rmem_default and wmem_default, which are also the largest that a program may ask for;
 * socket(7): a value that is set is doubled). */
#define SOCKET_BUFFER 212992u
#define SOCKET_RECEIVE_BUFFER_MIN 2304u
#define SOCKET_SEND_BUFFER_MIN 4608u

/* A datagram, on its way or in a queue. */
struct datagram {
    struct event event;    /* it arrives; or, while it waits for the bandwidth, it leaves */
    struct datagram *next; /* in the queue */
    uint64_t number;       /* in the world */
    struct trale_address from, to;
    uint64_t arrives_ns;
    uint64_t train;        /* the number of the send: those of one send may be joined */
    struct socket *sender; /* whose send buffer it is in; NULL: in none */
    struct host *receiver; /* of a datagram to a group or a broadcast; NULL: the host of its address */
    uint32_t size, truesize;
    uint32_t interface_index; /* where it came in */
    uint32_t drops;           /* of the socket, when it was queued */
    uint8_t ttl, traffic_class;
    bool is_local; /* it has not left its host */
    bool is_lost;  /* when it leaves, for that reason: enum trale_sim_loss */
    uint8_t reason;
    /* In the queue: it joins the datagram before it, for a receive that takes several in one; how many it and those
     * before it are; and the size of the first of them. */
    bool joins;
    uint8_t n_joined;
    uint32_t segment_size;
    unsigned char bytes[];
};

struct socket_options {
    uint32_t interface_index, multicast_interface;
    uint32_t receive_buffer, send_buffer;
    uint8_t ttl, multicast_ttl, traffic_class, mtu_discovery;
    bool broadcast, multicast_loop, gro;
    bool multicast_all, multicast_all_v4; /* of the socket's family; and of IPv4 groups */
};

struct socket {
    struct host *host;
    struct trale_link host_link, port_link;
    uint64_t number; /* in the world, from 1 */

    /* The program that has it, and what that knows it by. */
    struct world_program *program;
    uint64_t tag;
    struct trale_link ready_link; /* among the program's ready sockets */
    uint32_t awaited;             /* what the program waits for: SOCKET_ bits */
    uint32_t ready;               /* which of that has come */

    sa_family_t family;
    bool v6_only, reuse_address, reuse_port, free_bind;
    bool takes_v4, takes_v6;    /* which datagrams can come to it */
    bool is_closed;             /* it is there only for its datagrams that have not left yet */
    struct trale_address bound; /* as it was bound, with its port */
    struct trale_address local; /* the same, but with the address that connecting has chosen */
    /* The sources of what it sends in each family, which connecting has chosen because the socket is bound to no
     * address that could be one; without port; AF_UNSPEC: none. */
    struct trale_address v4_source, v6_source;
    uint64_t bind_order, peer_order; /* when the socket got its address, and its peer; the later one is found first */
    bool is_connected;
    struct trale_address peer;
    struct socket_options options;

    struct datagram *first, *last; /* received */
    uint64_t n_queued_bytes;       /* with what the kernel needs for them */
    uint64_t n_sending_bytes;      /* likewise, of datagrams that wait for the bandwidth */
    uint32_t n_drops;
    int32_t error;              /* of an earlier datagram, a negative errno; 0: none */
    struct icmp_errors *errors; /* NULL: they are not kept */
    struct trale_link memberships;
    uint32_t n_v4_memberships;
    uint64_t n_sent, n_received;
};

/* How much memory Linux takes for a datagram of that size. */
static inline uint32_t socket_truesize(uint32_t size)
{
    uint32_t bytes = size + 448, room = 512; /* with the headers and what is behind them (struct skb_shared_info) */
    while (room < bytes && room < 4096)
        room *= 2;
    return 256 + (room >= bytes ? room : (bytes + 4095) / 4096 * 4096);
}

/* Makes a socket on a host, with no address yet; NULL: no memory. */
struct socket *socket_new(struct world *world, struct host *host, sa_family_t family);

/* Frees the socket and what it has received; it is bound to no port. What it has sent leaves all the same. */
void socket_free(struct world *world, struct socket *socket);

/* What the program waits for has come: SOCKET_ bits. */
void socket_wake(struct socket *socket, uint32_t ready);

/* Puts a datagram into the queue, and takes it over; if there is no room it is lost. */
void socket_push(struct world *world, struct socket *socket, struct datagram *datagram);

/* The datagram to be received next, with those that join it behind it; NULL: none. */
static inline struct datagram *socket_first(const struct socket *socket)
{
    return socket->first;
}

/* Removes and frees the first one. */
void socket_pop(struct world *world, struct socket *socket);

/* An error of an earlier datagram has come, a negative errno, for the next receive or send. */
void socket_fail(struct socket *socket, int32_t error);

/* Takes it; 0: there is none. */
static inline int32_t socket_take_error(struct socket *socket)
{
    int32_t error = socket->error;
    socket->error = 0;
    return error;
}

/* A datagram, which is not sent yet. Its bytes are copied; NULL: no memory. */
struct datagram *datagram_new(struct world *world, const void *bytes, uint32_t size);
void datagram_free(struct world *world, struct datagram *datagram);

/* The datagram will not arrive: counts and logs it, and frees it. */
void datagram_lose(struct world *world, struct datagram *datagram, enum trale_sim_loss reason);

/* The datagram leaves the send buffer of its socket, if it is in one. */
void datagram_depart(struct world *world, struct datagram *datagram);

#endif
