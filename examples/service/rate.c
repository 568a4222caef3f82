/* SPDX-License-Identifier: MIT */
#include "rate.h"

#include <errno.h>
#include <stdlib.h>

/* The buckets that a client may have. */
#define N_WAYS 4

int rate_init(struct rate *rate, size_t n_clients, uint64_t secret)
{
    size_t n = N_WAYS;
    while (n < n_clients && n < SIZE_MAX / 2 / sizeof *rate->buckets)
        n *= 2;
    *rate = (struct rate){.buckets = calloc(n, sizeof *rate->buckets), .n_buckets = n, .secret = secret};
    return rate->buckets != NULL ? 0 : -ENOMEM;
}

void rate_deinit(struct rate *rate)
{
    free(rate->buckets);
    *rate = (struct rate){0};
}

void rate_set(struct rate *rate, uint64_t interval_ns, uint64_t burst)
{
    rate->interval_ns = interval_ns;
    rate->burst_ns = interval_ns * burst;
}

/* An IPv4 address as one of ffff:ffff::/32, which are groups and send nothing. */
static uint64_t key_of(const struct trale_address *client)
{
    struct trale_address address = trale_address_unmap(client);
    uint64_t key = 0;
    if (address.any.sa_family == AF_INET)
        return UINT64_MAX << 32 | ntohl(address.v4.sin_addr.s_addr);
    for (size_t i = 0; i < sizeof key; i++)
        key = key << 8 | address.v6.sin6_addr.s6_addr[i];
    return key;
}

bool rate_is_same_client(const struct trale_address *a, const struct trale_address *b)
{
    return key_of(a) == key_of(b);
}

/* The finalizer of MurmurHash3, over a key that is mixed with the secret. */
static uint64_t hash(uint64_t key, uint64_t secret)
{
    key ^= secret;
    key = (key ^ key >> 33) * UINT64_C(0xff51afd7ed558ccd);
    key = (key ^ key >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return key ^ key >> 33;
}

/* The client's bucket. If it has none in its set, the bucket that is full soonest becomes its own. */
static struct rate_bucket *find(struct rate *rate, uint64_t key)
{
    struct rate_bucket *set = &rate->buckets[hash(key, rate->secret) & (rate->n_buckets - N_WAYS)], *soonest = set;
    for (size_t i = 0; i < N_WAYS; i++) {
        if (set[i].key == key)
            return &set[i];
        if (set[i].full_ns < soonest->full_ns)
            soonest = &set[i];
    }
    *soonest = (struct rate_bucket){.key = key};
    return soonest;
}

enum rate_verdict rate_take(struct rate *rate, const struct trale_address *client, uint64_t now_ns)
{
    if (rate->interval_ns == 0)
        return RATE_ALLOWED;
    struct rate_bucket *bucket = find(rate, key_of(client));
    if (bucket->full_ns <= now_ns)
        bucket->was_refused = 0;
    uint64_t full_ns = (bucket->full_ns > now_ns ? bucket->full_ns : now_ns) + rate->interval_ns;
    if (full_ns - now_ns > rate->burst_ns) {
        enum rate_verdict verdict = bucket->was_refused ? RATE_REFUSED : RATE_EXCEEDED;
        bucket->was_refused = 1;
        return verdict;
    }
    bucket->full_ns = full_ns & (UINT64_MAX >> 1);
    return RATE_ALLOWED;
}
