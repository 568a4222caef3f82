/* SPDX-License-Identifier: MIT */
#include "responses.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <trale/timer.h>

#include "../http/file.h"
#include "request.h"

#define CHUNK_MAX (64u << 10)

/* A part of a file that was given to nghttp3, which reads it until it is acknowledged. */
struct chunk {
    struct chunk *next;
    size_t size, n_acked;
    uint8_t bytes[];
};

struct response {
    struct response *next, **from; /* in the connection's list, which is its context */
    struct responses *responses;
    int64_t stream;
    struct request request;
    bool is_refused; /* its fields were too many: it gets no answer */
    bool is_done;    /* all of the file was given to nghttp3 */
    char length[24]; /* Content-Length */
    struct http_file file;
    uint64_t offset;
    uint64_t n_unacked;
    bool waits; /* for acknowledgements */
    struct chunk *chunks, **last;
};

/* --- requests ----------------------------------------------------------------------------------------------------- */

static int request_begin(nghttp3_conn *http, int64_t stream, void *context, void *unused)
{
    struct connection *connection = context;
    (void)unused;
    struct response *response = calloc(1, sizeof *response);
    if (response == NULL)
        return NGHTTP3_ERR_CALLBACK_FAILURE;
    response->responses = connection->endpoint->context;
    response->stream = stream;
    response->file.fd = -1;
    response->last = &response->chunks;
    response->next = connection->context;
    response->from = (struct response **)&connection->context;
    if (response->next != NULL)
        response->next->from = &response->next;
    connection->context = response;
    return nghttp3_conn_set_stream_user_data(http, stream, response);
}

/* A stream that asks for too much is reset; the connection goes on. */
static int take_field(nghttp3_conn *http, int64_t stream, int32_t token, nghttp3_rcbuf *name, nghttp3_rcbuf *value,
                      uint8_t flags, void *context, void *request)
{
    struct connection *connection = context;
    struct response *response = request;
    (void)http, (void)flags;
    if (response->is_refused ||
        request_field(&response->request, token, nghttp3_rcbuf_get_buf(name), nghttp3_rcbuf_get_buf(value)))
        return 0;
    response->is_refused = true;
    return ngtcp2_conn_shutdown_stream(connection->quic, stream, NGHTTP3_H3_EXCESSIVE_LOAD) == 0
               ? 0
               : NGHTTP3_ERR_CALLBACK_FAILURE;
}

/* Content is not wanted: the client is asked to send no more of it (RFC 9114, 4.1), and may send as much elsewhere. */
static int take_content(nghttp3_conn *http, int64_t stream, const uint8_t *bytes, size_t n, void *context,
                        void *request)
{
    struct connection *connection = context;
    (void)http, (void)bytes, (void)request;
    ngtcp2_conn_extend_max_offset(connection->quic, n);
    return ngtcp2_conn_shutdown_stream_read(connection->quic, stream, NGHTTP3_H3_NO_ERROR) == 0
               ? 0
               : NGHTTP3_ERR_CALLBACK_FAILURE;
}

/* --- responses ---------------------------------------------------------------------------------------------------- */

/* How much of its file a response may keep now. It always may keep a little, whatever the others of the connection
 * keep: a client that does not read one of them can read another. */
static size_t response_room(const struct response *response, const struct connection *connection)
{
    size_t n_kept = 0;
    const size_t limit = response->responses->share / 2; /* the other half is for the little ones */
    for (const struct response *r = connection->context; r != NULL; r = r->next)
        n_kept += r->n_unacked;
    size_t room = n_kept < limit ? limit - n_kept : 0;
    if (room < RESPONSE_CHUNK_MIN)
        room = response->n_unacked == 0 ? RESPONSE_CHUNK_MIN : 0;
    return room < CHUNK_MAX ? room : CHUNK_MAX;
}

static struct chunk *response_read(struct response *response, size_t size)
{
    uint64_t n_left = response->file.size - response->offset;
    size = n_left < size ? (size_t)n_left : size;
    struct chunk *chunk = malloc(sizeof *chunk + size);
    if (chunk == NULL)
        return NULL;
    ssize_t n;
    do
        n = pread(response->file.fd, chunk->bytes, size, (off_t)response->offset);
    while (n < 0 && errno == EINTR);
    if (n <= 0) { /* the disk has failed, or the file has become shorter */
        free(chunk);
        return NULL;
    }
    chunk->next = NULL;
    chunk->size = (size_t)n;
    chunk->n_acked = 0;
    *response->last = chunk;
    response->last = &chunk->next;
    response->offset += (uint64_t)n;
    response->n_unacked += (uint64_t)n;
    return chunk;
}

static nghttp3_ssize response_data(nghttp3_conn *http, int64_t stream, nghttp3_vec *bytes, size_t n_bytes,
                                   uint32_t *flags, void *context, void *request)
{
    struct response *response = request;
    struct connection *connection = context;
    (void)http;
    if (n_bytes == 0)
        return 0;
    size_t room = response_room(response, connection);
    if (room == 0) {
        response->waits = true;
        return NGHTTP3_ERR_WOULDBLOCK;
    }
    struct chunk *chunk = response_read(response, room);
    if (chunk == NULL) /* what cannot be read is reset; the connection goes on */
        return ngtcp2_conn_shutdown_stream(connection->quic, stream, NGHTTP3_H3_INTERNAL_ERROR) == 0
                   ? NGHTTP3_ERR_WOULDBLOCK
                   : NGHTTP3_ERR_CALLBACK_FAILURE;
    bytes[0] = (nghttp3_vec){chunk->bytes, chunk->size};
    response->is_done = response->offset == response->file.size;
    *flags |= response->is_done ? NGHTTP3_DATA_FLAG_EOF : 0;
    return 1;
}

/* Those that wait for room go on, if there is some. */
static int resume(nghttp3_conn *http, const struct connection *connection)
{
    for (struct response *r = connection->context; r != NULL; r = r->next) {
        if (!r->waits || response_room(r, connection) == 0)
            continue;
        r->waits = false;
        int error = nghttp3_conn_resume_stream(http, r->stream);
        if (error < 0)
            return error;
    }
    return 0;
}

static int response_acked(nghttp3_conn *http, int64_t stream, uint64_t n, void *context, void *request)
{
    struct connection *connection = context;
    struct response *response = request;
    (void)stream;
    if (n > 0)
        connection_progress(connection);
    response->n_unacked -= n;
    while (n > 0 && response->chunks != NULL) {
        struct chunk *chunk = response->chunks;
        size_t n_here = chunk->size - chunk->n_acked < n ? chunk->size - chunk->n_acked : (size_t)n;
        chunk->n_acked += n_here;
        n -= n_here;
        if (chunk->n_acked == chunk->size) {
            response->chunks = chunk->next;
            free(chunk);
        }
    }
    if (response->chunks == NULL)
        response->last = &response->chunks;
    return resume(http, connection);
}

static int answer_status(nghttp3_conn *http, struct response *response, int status)
{
    char text[12]; /* nghttp3 copies it */
    snprintf(text, sizeof text, "%d", status);
    const nghttp3_nv fields[] = {http3_field(":status", text), http3_field("content-length", "0")};
    response->is_done = true;
    return nghttp3_conn_submit_response(http, response->stream, fields, 2, NULL);
}

static int request_end(nghttp3_conn *http, int64_t stream, int is_last, void *context, void *request)
{
    static const nghttp3_data_reader reader = {response_data};
    struct connection *connection = context;
    struct response *response = request;
    struct responses *responses = response->responses;
    (void)is_last;
    if (response->is_refused)
        return 0;
    struct endpoint *endpoint = connection->endpoint;
    if (rate_take(&endpoint->requests, &connection->peer, trale_now(endpoint->runtime)) != RATE_ALLOWED)
        return answer_status(http, response, 429);
    int status = request_status(&response->request);
    if (status == 0)
        status = http_file_open(&response->file, responses->folder, response->request.path);
    if (status != 0)
        return answer_status(http, response, status);
    snprintf(response->length, sizeof response->length, "%" PRIu64, response->file.size);
    const nghttp3_nv fields[] = {http3_field(":status", "200"), http3_field("content-length", response->length),
                                 http3_field("content-type", response->file.type)};
    response->is_done = response->request.is_head || response->file.size == 0;
    return nghttp3_conn_submit_response(http, stream, fields, 3, response->is_done ? NULL : &reader);
}

static void response_free(struct response *response)
{
    if (response->file.fd >= 0)
        close(response->file.fd);
    for (struct chunk *chunk; (chunk = response->chunks) != NULL; free(chunk))
        response->chunks = chunk->next;
    *response->from = response->next;
    if (response->next != NULL)
        response->next->from = response->from;
    free(response);
}

static int response_closed(nghttp3_conn *http, int64_t stream, uint64_t error, void *context, void *request)
{
    struct response *response = request;
    (void)stream;
    if (response == NULL) /* a stream of the protocol's own */
        return 0;
    if (response->is_done && response->n_unacked == 0 && error == NGHTTP3_H3_NO_ERROR)
        response->responses->n_answers++;
    else
        response->responses->n_failures++;
    response_free(response);
    return resume(http, context);
}

/* A client that has all that it wants ends the connection, and acknowledges no more. */
static bool is_content(const struct connection *connection)
{
    ngtcp2_connection_close_error reason;
    if (connection->quic == NULL || connection->error != NGTCP2_ERR_DRAINING)
        return false;
    ngtcp2_conn_get_connection_close_error(connection->quic, &reason);
    return reason.type == NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_APPLICATION &&
           reason.error_code == NGHTTP3_H3_NO_ERROR;
}

static void responses_end(struct connection *connection)
{
    bool has_ended_well = is_content(connection);
    for (struct response *response; (response = connection->context) != NULL; response_free(response))
        *(has_ended_well && response->is_done ? &response->responses->n_answers
                                              : &response->responses->n_failures) += 1;
}

const struct application responses_application = {
    .http = {.acked_stream_data = response_acked,
             .stream_close = response_closed,
             .begin_headers = request_begin,
             .recv_header = take_field,
             .recv_data = take_content,
             .end_headers = request_end},
    .ended = responses_end,
};
