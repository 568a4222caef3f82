/* SPDX-License-Identifier: MIT
 *
 * A connection of QUIC (RFC 9000), with HTTP/3 in it (RFC 9114): ngtcp2 and nghttp3 do the work, in memory alone. The
 * endpoint gives it packets and time, and sends what it writes. */
#ifndef QUIC_CONNECTION_H
#define QUIC_CONNECTION_H

#include <stdbool.h>

#include <nghttp3/nghttp3.h>
#include <ngtcp2/ngtcp2.h>

#include "outbox.h"
#include "table.h"
#include "tls.h"

struct endpoint;

enum connection_state {
    CONNECTION_OPEN,     /* it works, or makes its handshake */
    CONNECTION_ENDING,   /* it has failed or is done: the next turn writes the packet that says so */
    CONNECTION_CLOSING,  /* that was sent; until the deadline, it is the answer to each packet */
    CONNECTION_DRAINING, /* the peer has ended it: nothing is sent until the deadline */
    CONNECTION_OVER,     /* to be freed */
};

struct connection {
    struct turn turn;
    struct connection *next, **from; /* in the endpoint's list */
    struct endpoint *endpoint;
    enum connection_state state;
    struct trale_address peer;
    uint64_t moved_ns;               /* when the address of the peer, or its own, changed last */
    bool is_peer_unproven;           /* the peer's address has changed, and is not validated yet */
    uint64_t n_from_peer, n_to_peer; /* bytes since then */
    struct table_id *ids;            /* those by which packets find it */
    ngtcp2_conn *quic;
    nghttp3_conn *http;      /* NULL before the keys are there */
    struct tls *credentials; /* a reference */
    gnutls_session_t tls;
    ngtcp2_crypto_conn_ref owner;
    uint32_t n_requests, n_requests_max; /* streams of requests that are open */
    bool has_retried;                    /* a client has proven its address by a token */
    uint64_t progress_ns;                /* a server: when a request or its answer went on last */
    bool is_leaving;                     /* GOAWAY was sent or received: it ends with the last request */
    bool was_reset;                      /* the peer knows nothing of the connection (RFC 9000, 10.3) */
    int error;                           /* of ngtcp2, why it has failed; 0: it has not */
    uint64_t n_paths;                    /* paths that were validated */
    ngtcp2_connection_close_error reason;
    ngtcp2_path_storage farewell_path;
    size_t n_farewell;
    uint64_t n_late; /* packets that came after it; after 1, 2, 4, 8 and so on it is sent again */
    uint8_t farewell[NGTCP2_MAX_UDP_PAYLOAD_SIZE];
    void *context; /* the program's */
};

/* A server's connection: the answer to a packet with this head, which came on this path. `original` is the ID that the
 * client had chosen before a retry, else NULL. Returns NULL if it cannot be made. */
struct connection *connection_accept(struct endpoint *endpoint, const ngtcp2_pkt_hd *head, const ngtcp2_path *path,
                                     const ngtcp2_cid *original);

/* A client's connection. */
struct connection *connection_connect(struct endpoint *endpoint, const ngtcp2_path *path);

void connection_free(struct connection *connection);

/* Takes a packet. */
void connection_read(struct connection *connection, const ngtcp2_path *path, uint32_t ecn, const uint8_t *packet,
                     size_t size, uint64_t now_ns);

/* Whether an address may change now: the connection is open, and n probe timeouts have passed since the last change. A
 * client waits for 4, a server for 2, and until then it loses packets from new addresses: ngtcp2 0.12.1 aborts the
 * program if they change faster than the peer acknowledges what follows from it. */
bool connection_may_move(const struct connection *connection, uint64_t n_timeouts, uint64_t now_ns);

/* Does what is due, writes packets, and sets the deadline of the next turn. */
void connection_turn(struct connection *connection, struct outbox *outbox, uint64_t now_ns);

/* Ends it: by an error of HTTP/3, and NGHTTP3_H3_NO_ERROR if it is done. Does nothing if it has ended. */
void connection_end(struct connection *connection, uint64_t http_error);

/* A server: a request or its answer has gone on. */
void connection_progress(struct connection *connection);

/* Accepts no more requests, and ends after the last one. */
void connection_leave(struct connection *connection);

/* --- between connection.c and turn.c ------------------------------------------------------------------------------ */

/* After an error of ngtcp2: says why to the peer, if the peer is to know. */
void connection_fail(struct connection *connection, int error);

struct trale_address connection_remote(const ngtcp2_path *path);

/* The callbacks of ngtcp2, in callbacks.c. */
extern const ngtcp2_callbacks connection_client_callbacks, connection_server_callbacks;

#endif
