/* SPDX-License-Identifier: MIT
 *
 * The requests of an HTTP/3 client: paths that are downloaded over one connection, into files or into checksums. */
#ifndef QUIC_DOWNLOADS_H
#define QUIC_DOWNLOADS_H

#include <gnutls/crypto.h>

#include "checksum.h"
#include "endpoint.h"

struct download {
    const char *path; /* lent; begins with '/' */
    bool is_asked, is_done;
    uint32_t status; /* 0: there was no answer */
    bool has_length;
    uint64_t length;  /* Content-Length */
    uint64_t n_bytes; /* that have come */
    FILE *file;       /* NULL: only the checksum is wanted */
    gnutls_hash_hd_t hash;
    uint8_t digest[CHECKSUM_SIZE]; /* SHA-256, when it is done */
};

/* What the client's endpoint has as its `context`. */
struct downloads {
    const char *authority; /* lent */
    size_t n, n_open;
    struct download *downloads;
    enum move move;                    /* how the address changes while bytes come, if it does */
    uint64_t move_every, n_until_move; /* bytes */
};

extern const struct application downloads_application;

/* Whether all of it has come. */
bool download_is_whole(const struct download *download);

#endif
