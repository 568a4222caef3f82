/* SPDX-License-Identifier: MIT */
#include "responses.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../http/file.h"
#include "../http/request.h"
#include "endpoint.h"

#define CHUNK_SIZE (64u << 10)
#define UNACKED_MAX (4u << 20) /* bytes of a response that are kept until the client has acknowledged them */

/* A part of a file that was given to nghttp3, which reads it until it is acknowledged. */
struct chunk {
    struct chunk *next;
    size_t size, n_acked;
    uint8_t bytes[CHUNK_SIZE];
};

struct response {
    struct response *next, **from; /* in the connection's list, which is its context */
    struct responses *responses;
    int64_t stream;
    bool has_path, is_get, is_head;
    int bad_path; /* the status that http_path_read gave */
    bool is_done; /* all of the file was given to nghttp3 */
    char path[HTTP_PATH_MAX + 1];
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

static bool is_text(nghttp3_vec text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.base, word, text.len) == 0;
}

static int request_field(nghttp3_conn *http, int64_t stream, int32_t token, nghttp3_rcbuf *name, nghttp3_rcbuf *value,
                         uint8_t flags, void *context, void *request)
{
    struct response *response = request;
    nghttp3_vec text = nghttp3_rcbuf_get_buf(value);
    (void)http, (void)stream, (void)name, (void)flags, (void)context;
    if (token == NGHTTP3_QPACK_TOKEN__METHOD) {
        response->is_head = is_text(text, "HEAD");
        response->is_get = is_text(text, "GET");
    } else if (token == NGHTTP3_QPACK_TOKEN__PATH) {
        response->has_path = text.len > 0 && text.base[0] == '/';
        response->bad_path = http_path_read(response->path, (const char *)text.base, text.len);
    }
    return 0;
}

/* --- responses ---------------------------------------------------------------------------------------------------- */

static struct chunk *response_read(struct response *response)
{
    struct chunk *chunk = malloc(sizeof *chunk);
    if (chunk == NULL)
        return NULL;
    uint64_t n_left = response->file.size - response->offset;
    ssize_t n;
    do
        n = pread(response->file.fd, chunk->bytes, n_left < CHUNK_SIZE ? n_left : CHUNK_SIZE, (off_t)response->offset);
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
    (void)http, (void)stream, (void)context;
    if (n_bytes == 0)
        return 0;
    if (response->n_unacked >= UNACKED_MAX) {
        response->waits = true;
        return NGHTTP3_ERR_WOULDBLOCK;
    }
    struct chunk *chunk = response_read(response);
    if (chunk == NULL)
        return NGHTTP3_ERR_CALLBACK_FAILURE;
    bytes[0] = (nghttp3_vec){chunk->bytes, chunk->size};
    response->is_done = response->offset == response->file.size;
    *flags |= response->is_done ? NGHTTP3_DATA_FLAG_EOF : 0;
    return 1;
}

static int response_acked(nghttp3_conn *http, int64_t stream, uint64_t n, void *context, void *request)
{
    struct response *response = request;
    (void)context;
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
    if (!response->waits || response->n_unacked >= UNACKED_MAX)
        return 0;
    response->waits = false;
    return nghttp3_conn_resume_stream(http, stream);
}

static int answer_status(nghttp3_conn *http, struct response *response, const char *status)
{
    const nghttp3_nv fields[] = {http3_field(":status", status), http3_field("content-length", "0")};
    response->is_done = true;
    return nghttp3_conn_submit_response(http, response->stream, fields, 2, NULL);
}

static int request_end(nghttp3_conn *http, int64_t stream, int is_last, void *context, void *request)
{
    static const nghttp3_data_reader reader = {response_data};
    struct response *response = request;
    (void)is_last, (void)context;
    if (!response->is_get && !response->is_head)
        return answer_status(http, response, "405");
    if (!response->has_path || response->bad_path != 0)
        return answer_status(http, response, response->bad_path == 414 ? "414" : "400");
    int status = http_file_open(&response->file, response->responses->folder, response->path);
    if (status != 0)
        return answer_status(http, response, status == 404 ? "404" : "503");
    snprintf(response->length, sizeof response->length, "%" PRIu64, response->file.size);
    const nghttp3_nv fields[] = {http3_field(":status", "200"), http3_field("content-length", response->length),
                                 http3_field("content-type", response->file.type)};
    response->is_done = response->is_head || response->file.size == 0;
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
    (void)http, (void)stream, (void)context;
    if (response == NULL) /* a stream of the protocol's own */
        return 0;
    if (response->is_done && response->n_unacked == 0 && error == NGHTTP3_H3_NO_ERROR)
        response->responses->n_answers++;
    else
        response->responses->n_failures++;
    response_free(response);
    return 0;
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
             .recv_header = request_field,
             .end_headers = request_end},
    .ended = responses_end,
};
