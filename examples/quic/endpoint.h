/* SPDX-License-Identifier: MIT
 *
 * A UDP socket and the connections that it carries. One task runs them: it awaits datagrams or the next deadline. */
#ifndef QUIC_ENDPOINT_H
#define QUIC_ENDPOINT_H

#include <trale/sync.h>
#include <trale/timer.h>
#include <trale/udp.h>

#include "../service/rate.h"
#include "answer.h"
#include "connection.h"
#include "http3.h"
#include "look.h"
#include "outbox.h"
#include "table.h"
#include "tls.h"

#define INBOX_SIZE (512u << 10) /* bytes: 64 datagrams, or with GRO 8 of 64 KiB */

/* How the socket of a client is to be replaced by another one. */
enum move {
    MOVE_NONE,
    MOVE_REBIND,  /* as if a NAT had forgotten the old one: the connections are not told */
    MOVE_MIGRATE, /* the connections go on from the new address (RFC 9000, 9) */
};

struct endpoint_limits {
    uint64_t idle_ns;      /* a connection without progress for this long is given up */
    uint64_t handshake_ns; /* so is one without the keys */
    /* Of a server. */
    bool always_retries; /* each client's address is validated first */
    size_t n_connections, n_client_connections;
    size_t n_requests; /* that a client may have open in a connection */
    uint64_t connection_interval_ns, connection_burst;
    uint64_t answer_interval_ns, answer_burst;
    uint64_t request_interval_ns, request_burst;
};

struct endpoint {
    /* The program sets these before it opens the endpoint; the pointers are lent. */
    struct trale *runtime;
    struct tls *tls; /* new connections get a reference; it may change */
    const struct application *application;
    void *context;
    uint64_t window; /* bytes that the peer may send ahead, in a connection */
    bool offloads;   /* GSO and GRO */
    bool inherits;   /* the socket of a service manager, if there is one */
    uint8_t secret[ANSWER_SECRET_SIZE];
    struct endpoint_limits limits; /* a client's; a server uses endpoint_limit */

    struct trale_udp_socket *socket;
    struct trale_address local;
    struct connection *connections;
    struct table table;
    struct trale_notify wake;
    bool is_stopping; /* no more connections: the task ends with the last one */
    enum move move;   /* a request to the task */
    struct trale_address move_to;
    struct rate unproven, proven; /* connections of addresses that may be forged, and of those with a token */
    struct rate answers;          /* to packets of no connection */
    struct rate requests;
    uint64_t n_clients; /* that these know at once */
    uint64_t n_accepted, n_retries, n_refused, n_ignored, n_resets, n_paths, n_moves, n_unsent;
    struct outbox outbox;
    struct trale_datagram inbox[TRALE_UDP_BATCH];
    struct trale_udp_info infos[TRALE_UDP_BATCH];
    uint8_t bytes[INBOX_SIZE];
};

/* Opens the socket at this address. 0 or a negative errno. */
int endpoint_open(struct endpoint *endpoint, const struct trale_address *local);

/* Frees all connections, without a word to the peers, and the socket. */
void endpoint_close(struct endpoint *endpoint);

/* The task. Resolves to 0 when the endpoint is stopping and has no connection, or to an error of the socket. */
struct endpoint_run {
    struct trale_future future;
    struct endpoint *endpoint;
    size_t n_sent;
    struct trale_udp_batch send, recv;
    struct trale_notify_wait wake;
    struct trale_sleep sleep;
    TRALE_BRANCHES(3) race;
};
trale_async_declare(endpoint_run);

/* Takes no more connections and no more requests; the task ends when the last request is answered. */
void endpoint_stop(struct endpoint *endpoint);

/* Ends all connections now: what is under way is lost. */
void endpoint_cut(struct endpoint *endpoint);

/* --- for connections ---------------------------------------------------------------------------------------------- */

/* The connection has something to do. */
void endpoint_schedule(struct endpoint *endpoint, struct connection *connection);

/* Sends the packet that ends the connection, if there is room; if not, it is as good as lost. */
void endpoint_farewell(struct endpoint *endpoint, const struct connection *connection);

/* The token by which a peer believes a reset of this connection ID. 0 or negative. */
int endpoint_reset_token(const struct endpoint *endpoint, const ngtcp2_cid *id, uint8_t *token);

/* --- for a server, in accept.c ------------------------------------------------------------------------------------ */

/* From now on these limits hold. The runtime is set. 0 or a negative errno, and nothing has changed. */
int endpoint_limit(struct endpoint *endpoint, const struct endpoint_limits *limits, uint64_t n_clients);

/* A packet of no connection: accepts it, or answers without keeping anything: another version, retry, reset. */
void endpoint_accept(struct endpoint *endpoint, const ngtcp2_version_cid *ids, enum look_kind kind,
                     const ngtcp2_path *path, uint32_t ecn, const uint8_t *packet, size_t size, uint64_t now_ns);

#endif
