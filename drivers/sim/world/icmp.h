/* SPDX-License-Identifier: MIT
 *
 * Reports of datagrams that could not be delivered (RFC 792, RFC 4443), and those that a socket keeps. */
#ifndef SIM_ICMP_H
#define SIM_ICMP_H

#include <trale/address.h>

#include "world.h"

/* As many as in <trale/udp_info.h>. */
#define ICMP_ERRORS_KEPT 32u
#define ICMP_BYTES 64u

enum icmp_origin { ICMP_LOCAL = 1, ICMP_V4, ICMP_V6 };

/* What is reported of a datagram. */
struct icmp_report {
    struct trale_address sender; /* of the datagram */
    struct trale_address to;     /* its destination */
    struct trale_address from;   /* the host that reports, with port 0; AF_UNSPEC: the sender's own */
    int32_t error;               /* a negative errno */
    uint32_t origin;             /* enum icmp_origin */
    uint32_t type, code, mtu;
    uint32_t n_bytes; /* of the datagram's */
    unsigned char bytes[ICMP_BYTES];
};

/* A report on its way. */
struct icmp_message {
    struct event event; /* it arrives */
    struct icmp_report report;
};

/* A ring of reports; zeroed, it is empty. */
struct icmp_errors {
    struct icmp_report kept[ICMP_ERRORS_KEPT];
    uint32_t first, n;
    uint32_t n_lost; /* since one was taken */
};

/* What is said of a datagram for which there is no socket, or which a link cannot take. */
void icmp_no_socket(struct icmp_report *report);
void icmp_too_large(struct icmp_report *report, uint32_t mtu);

/* Adds a report; the oldest is lost if there are too many. */
void icmp_keep(struct icmp_errors *errors, const struct icmp_report *report);

/* Takes the oldest. False: there is none. `n_lost` is how many were lost before it. */
bool icmp_take(struct icmp_errors *errors, struct icmp_report *report, uint32_t *n_lost);

#endif
