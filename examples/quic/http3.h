/* SPDX-License-Identifier: MIT
 *
 * HTTP/3 in a connection: what servers and clients share. */
#ifndef QUIC_HTTP3_H
#define QUIC_HTTP3_H

#include <sys/types.h>

#include "connection.h"

/* What a program does with requests. */
struct application {
    nghttp3_callbacks http; /* stop_sending, reset_stream and deferred_consume are set by http3_open */
    int (*ready)(struct connection *connection);  /* requests may be sent; 0 or an error of ngtcp2 */
    void (*ended)(struct connection *connection); /* before it is freed */
};

/* Makes the HTTP connection with its three streams, when the keys are there. These functions return 0 or an error of
 * ngtcp2 and set the reason of the connection's end. */
int http3_open(struct connection *connection);
int http3_read(struct connection *connection, int64_t stream, const uint8_t *data, size_t size, bool is_last);
int http3_close_stream(struct connection *connection, int64_t stream, uint64_t error);

/* Says "no more requests" (GOAWAY). */
int http3_leave(struct connection *connection);

/* A failure of nghttp3 becomes one of the connection. */
int http3_failed(struct connection *connection, int error);

/* A field that lives as long as the program. */
nghttp3_nv http3_field(const char *name, const char *value);

#endif
