/* SPDX-License-Identifier: MIT
 *
 * The answers of an HTTP/3 server: files of a folder, by GET and HEAD. */
#ifndef QUIC_RESPONSES_H
#define QUIC_RESPONSES_H

#include "endpoint.h"

#define RESPONSE_CHUNK_MIN 2048u /* bytes that each response may always keep */

/* What the server's endpoint has as its `context`. */
struct responses {
    int folder;          /* http_folder_open */
    size_t share;        /* bytes that the responses of a connection may keep until they are acknowledged */
    uint64_t n_answers;  /* that came to their end */
    uint64_t n_failures; /* that were not */
};

extern const struct application responses_application;

#endif
