/* SPDX-License-Identifier: MIT
 *
 * The settings of the HTTP/3 server: [application:quic] in trale.ini. */
#ifndef QUIC_SETTINGS_H
#define QUIC_SETTINGS_H

#include <trale/settings.h>

#include "endpoint.h"

struct quic_settings {
    struct trale_settings *read; /* has the texts */
    struct trale_address listen;
    const char *certificate, *key, *folder;
    const char *secret; /* a file's name, or "" */
    bool offloads;
    struct endpoint_limits limits;
    size_t share; /* bytes of memory for each connection */
    uint64_t n_clients;
    uint64_t grace_ns;
    int64_t log;
};

/* Reads them. Each mistake is a message. Returns 0, or a negative errno, and *settings is untouched. */
int quic_settings_read(struct quic_settings *settings, const struct trale_options *options);
void quic_settings_deinit(struct quic_settings *settings);

#endif
