/* SPDX-License-Identifier: MIT
 *
 * What the network does to datagrams between two hosts: what it does always, and which faults change that for a time. A
 * fault is active between fault_begin and fault_end; when that is, others decide. */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include <trale/future.h>

#include "scenario.h"

/* What holds for the datagrams from one host to another. Rates are in parts of a billion. */
struct fault_rules {
    uint64_t latency_ns;
    uint64_t jitter_ns; /* the latency varies by up to so much in both directions; the order is kept */
    uint64_t hold_ns;   /* how long a datagram is held back at most that is reordered; 0: twice the longest latency */
    uint32_t loss, duplicate;
    uint32_t reorder;   /* the datagram is held back, so that later ones overtake it */
    uint32_t corrupt;   /* one of its bits is flipped */
    uint32_t mtu;       /* with the headers of IP and UDP */
    bool cut;           /* nothing arrives */
    bool drops;         /* fault_drops() decides whether the next datagram is lost */
    bool unchecked;     /* a datagram that was corrupted arrives; else its checksum shows it, and it is lost */
    uint64_t bandwidth; /* bytes in a second; 0: no limit */
    uint64_t queue;     /* how many bytes may wait for a limited bandwidth; 0: no limit but that of send buffers */
};

/* A fault, in the world's memory. */
struct fault {
    struct trale_link link; /* among the active ones */
    struct scenario_entry entry;
    uint64_t ends_ns; /* once it holds: on the world's clock; UINT64_MAX: never */
};

struct fault_table {
    struct fault_rules defaults;
    struct trale_link active; /* in the order in which they began */
    uint32_t n_changes;
};

/* From now on the fault holds for datagrams that are sent; of two faults of one kind, the one that began last. Its
 * kind is one of those of links. */
void fault_begin(struct fault_table *table, struct fault *fault);

/* From now on it does not. Nothing happens if it is not active. */
void fault_end(struct fault_table *table, struct fault *fault);

/* Says what holds between two hosts now. It stays true until table->n_changes is another. */
void fault_look(const struct fault_table *table, const struct trale_address *from, const struct trale_address *to,
                struct fault_rules *rules);

/* Whether a fault of SCENARIO_DROP takes the next datagram; one that has taken all of its own ends. */
bool fault_drops(struct fault_table *table, const struct trale_address *from, const struct trale_address *to);

#endif
