/* SPDX-License-Identifier: MIT
 *
 * Links: what happens to datagrams from one host to another. There is one for each direction, made when the first
 * datagram goes that way, whether or not the other host is there yet. Of those between a host and an address that no
 * host has, the LINKS_TO_NOBODY that were used last are kept: the others are forgotten, and begin anew. What befalls a
 * datagram is drawn from the seed, the two addresses, and how many datagrams went that way before.
 *
 * The order is kept, also where the latency varies: a datagram does not overtake another one, except if that is
 * reordered. Where the bandwidth is limited, datagrams wait in the queue of the link, which is that of the sender's
 * interface: until they have left it, they are in the send buffer of their socket. */
#ifndef SIM_LINK_H
#define SIM_LINK_H

#include "world.h"

#define LINKS_TO_NOBODY 4096u

struct link {
    struct link *next;        /* in its bucket */
    struct trale_link nobody; /* in world->links_to_nobody, if one of its hosts is not there */
    uint64_t key;
    struct trale_address from, to; /* identities */
    uint64_t n_sent, n_segments;
    uint64_t last_arrival_ns;
    uint64_t idle_ns;         /* when the last datagram that waits will have left */
    struct fault_rules rules; /* as of `n_changes` */
    uint32_t n_changes;
    bool has_rules;
    /* The path's MTU as routers have reported it, and until when that counts; 0: none has. */
    uint32_t reported_mtu;
    uint64_t reported_until_ns;
    /* How many reports of errors the host `from` may send to the host `to`, as time: each costs a second. */
    uint64_t report_credit_ns, report_credit_since_ns;
};

/* The link from one host to another, by their identities, with the rules of this moment; NULL: no memory. It stays
 * where it is for LINKS_TO_NOBODY - 1 further calls at least. */
struct link *link_get(struct world *world, const struct trale_address *from, const struct trale_address *to);

/* What a link does to a datagram. */
struct link_fate {
    bool is_lost;
    enum trale_sim_loss reason; /* if it is lost */
    uint64_t departs_ns;        /* when it has left the host; also if it is lost on the way */
    uint64_t arrives_ns;
    uint64_t copy_ns;     /* when a copy of it arrives; 0: none does */
    uint32_t flipped_bit; /* of the payload, from 1 on; 0: none */
};

/* Decides on the next datagram of the link: `size` bytes with the headers of IP and UDP, in so many fragments, and a
 * payload of `n_bits`. */
struct link_fate link_decide(struct world *world, struct link *link, uint32_t size, uint32_t n_fragments,
                             uint32_t n_bits);

/* The same for a segment of TCP. What is drawn for it changes nothing for datagrams. */
struct link_fate link_decide_segment(struct world *world, struct link *link, uint32_t size);

/* Whether the host `from` may send one more report of an error to the host `to` (net.ipv4.icmp_ratelimit: six at once,
 * then one each second). */
bool link_may_report(const struct world *world, struct link *link);

/* The path's MTU as the host `from` knows it: no more than that of the interface. */
uint32_t link_path_mtu(const struct world *world, const struct link *link);

/* A router has reported that MTU. Linux keeps it for ten minutes (net.ipv4.route.mtu_expires). */
void link_report_mtu(const struct world *world, struct link *link, uint32_t mtu);

#endif
