/* SPDX-License-Identifier: MIT
 *
 * A request of HTTP/3, field by field, and the status that it deserves. Knows nothing of streams and files. */
#ifndef QUIC_REQUEST_H
#define QUIC_REQUEST_H

#include <nghttp3/nghttp3.h>

#include "../http/request.h"

#define REQUEST_FIELDS_MAX (16u << 10) /* bytes of all fields, as SETTINGS_MAX_FIELD_SECTION_SIZE counts them */

/* All zero at first. */
struct request {
    size_t n_bytes; /* of fields */
    bool is_get, is_head;
    bool has_path;
    int bad_path; /* the status that http_path_read gave */
    char path[HTTP_PATH_MAX + 1];
};

/* Takes a field; `token` is the one that nghttp3 has for its name. False: the fields pass REQUEST_FIELDS_MAX. */
bool request_field(struct request *request, int32_t token, nghttp3_vec name, nghttp3_vec value);

/* 0: the path may be opened; else the status of the answer: 400, 405, 414. */
int request_status(const struct request *request);

#endif
