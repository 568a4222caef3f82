/* SPDX-License-Identifier: MIT
 *
 * One socket of the SNTP server: batches of requests, and of answers. */
#ifndef SNTP_LISTENER_H
#define SNTP_LISTENER_H

#include <trale/trale.h>
#include <trale/udp.h>
#include <trale/udp_info.h>

#include "../service/rate.h"
#include "packet.h"

struct sntp_counts {
    uint64_t n_answered, n_refused; /* refused: with a kiss-o'-death packet */
    uint64_t n_limited;             /* without one */
    uint64_t n_ignored;             /* no requests */
    uint64_t n_failed;              /* answers that the kernel did not take */
};

/* What the listeners share. One thread runs them all. */
struct sntp_server {
    struct sntp_clock clock;
    struct rate rate;
    struct sntp_counts counts;
};

struct sntp_listener {
    struct trale_udp_socket *socket;
    struct trale_datagram datagrams[TRALE_UDP_BATCH]; /* each with one of these, in any order */
    struct trale_udp_info infos[TRALE_UDP_BATCH];
    uint8_t packets[TRALE_UDP_BATCH][SNTP_SIZE];
};

/* Prepares a listener for its socket. 0, or an error of trale_udp_set. */
int sntp_listener_init(struct sntp_listener *listener, struct trale_udp_socket *socket);

/* Answers requests until the socket is closed, or has an error. */
struct sntp_listen {
    struct trale_future future;
    struct sntp_server *server;
    struct sntp_listener *listener;
    struct trale_udp_batch batch;
};
trale_async_declare(sntp_listen);

#endif
