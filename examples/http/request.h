/* SPDX-License-Identifier: MIT
 *
 * The head of an HTTP/1.1 request (RFC 9112): its first line and its fields. Knows nothing of sockets and files. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "range.h"

#define HTTP_HEAD_MAX 8192 /* bytes of a head, with its last line's end */
#define HTTP_FIELDS_MAX 100
#define HTTP_PATH_MAX 1024
#define HTTP_BODY_MAX 65536 /* bytes of a request's content: it is read, and means nothing (RFC 9110, 9.3.1) */

struct http_request {
    bool is_head;                 /* HEAD; else GET */
    bool keeps;                   /* the client may send another request on this connection */
    uint32_t n_body;              /* bytes that follow the head */
    struct http_range range;      /* of GET alone */
    char path[HTTP_PATH_MAX + 1]; /* decoded, without the first '/' and the query; "" is "/" */
};

/* The size of the head that begins at `bytes`, with its last line's end; 0 if its end is not among the n bytes. */
size_t http_head_size(const char *bytes, size_t n);

/* Reads a head of that size. Returns 0; or the status of the answer, after which the connection is closed:
 *   400  not a request of HTTP/1.1
 *   405  a method that this server knows and does not allow, 501 another, or a transfer coding
 *   413  content of more than HTTP_BODY_MAX bytes, 414 a path that is too long, 431 too many fields
 *   505  another version */
int http_request_read(struct http_request *request, const char *head, size_t size);

/* Reads the path of a target without scheme and authority (RFC 9112, 3.2.1; ":path" of RFC 9114) into HTTP_PATH_MAX + 1
 * bytes, as in struct http_request. Returns 0, 400 or 414; what `path` holds after a failure must not be used. */
int http_path_read(char *path, const char *target, size_t size);

#endif
