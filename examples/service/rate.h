/* SPDX-License-Identifier: MIT
 *
 * How often each client may ask: a token bucket for each address, in a table of fixed size.
 *
 * An IPv4 address has a bucket; of IPv6 each /64 has one, because its owner can use all of it. A bucket is one number:
 * the time when it is full again. So it needs no clock, and one that is full need not be kept: where the table has no
 * room, the bucket goes that is full soonest. An attacker with many addresses empties the table of quiet clients, who
 * lose nothing by it. */
#ifndef SERVICE_RATE_H
#define SERVICE_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <trale/address.h>

struct rate_bucket {
    uint64_t key;
    uint64_t full_ns : 63; /* when it is full again */
    uint64_t was_refused : 1;
};

struct rate {
    struct rate_bucket *buckets;
    size_t n_buckets;
    uint64_t secret;      /* so that no client can choose which bucket it displaces */
    uint64_t interval_ns; /* the time that a token takes to come back; 0: no limit */
    uint64_t burst_ns;    /* the time that a whole bucket takes */
};

enum rate_verdict {
    RATE_ALLOWED,  /* A token was taken. */
    RATE_EXCEEDED, /* The first one that is refused since the bucket was full: the client may be notified, once. */
    RATE_REFUSED,  /* Another one. */
};

/* Makes a table of at least n_clients buckets, 16 bytes each; `secret` is random. 0 or -ENOMEM. */
int rate_init(struct rate *rate, size_t n_clients, uint64_t secret);
void rate_deinit(struct rate *rate);

/* From now on a client has `burst` tokens at most, and gets one each `interval_ns`; 0: there is no limit. */
void rate_set(struct rate *rate, uint64_t interval_ns, uint64_t burst);

/* Takes a token of the client, whose port does not matter. `now_ns` is a time on a clock that is never set. */
enum rate_verdict rate_take(struct rate *rate, const struct trale_address *client, uint64_t now_ns);

/* Whether both addresses are of one client. */
bool rate_is_same_client(const struct trale_address *a, const struct trale_address *b);

#endif
