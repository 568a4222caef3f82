/* SPDX-License-Identifier: MIT
 *
 * A node: sends values to other nodes, and applies each that it receives once (reliable.c). */
#ifndef RELIABLE_NODE_H
#define RELIABLE_NODE_H

#include <trale/scope.h>
#include <trale/sync.h>
#include <trale/udp.h>

#include "rules.h"

#define N_NODES 16
#define N_VALUES 10000

/* --- what the nodes know ------------------------------------------------------------------------------------------ */

/* What a node knows of one of the others. */
struct peer {
    bool *is_acknowledged; /* of each value sent to it */
    uint32_t n_acknowledged;
    uint32_t oldest;      /* the lowest number that is not acknowledged */
    uint32_t *n_applied;  /* of each value received from it: how often it was applied */
    struct window window; /* of the numbers received */
};

struct journal {
    uint32_t session;
    struct peer peers[N_NODES];
};

/* Data that waits for its acknowledgement. */
struct delivery {
    struct message data;
    size_t peer;
    struct trale_oneshot acknowledged;
    struct delivery *next;
};

struct node {
    struct world *world;
    size_t number;
    struct journal journal;
    /* While it runs: */
    struct trale_udp_socket *socket;
    struct delivery *deliveries;
    struct trale_notify progress; /* `oldest` of a peer has changed */
    uint32_t next[N_NODES];       /* the next value for each peer */
};

struct world {
    size_t n_nodes;
    uint32_t n_values;
    uint64_t pause_ns; /* of a courier between two values */
    struct trale_address addresses[N_NODES];
    struct node nodes[N_NODES];
    uint64_t n_unacknowledged; /* of all nodes */
    uint64_t n_sent, n_repeated, n_duplicates;
    struct trale_notify all_acknowledged;
};

/* The body of a node's scope, and a node. */
struct listener {
    struct trale_future future;
    struct node *node;
    struct trale_udp_recv recv;
    struct trale_udp_send send;
    uint8_t bytes[MESSAGE_SIZE + 1]; /* one more, to see what is too long */
};

struct node_start {
    struct trale_future future;
    struct node_run *run;
    struct listener listener;
};

/* Runs a node for ever, from its journal. */
struct node_run {
    struct trale_future future;
    struct node *node;
    struct trale_scope scope;
    struct node_start start;
};
trale_async_declare(node_run);

#endif
