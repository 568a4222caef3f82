/* SPDX-License-Identifier: MIT
 *
 * The order in which the addresses of a name are tried (RFC 6724, 6), over resolve.h and udp.h. A lookup gives
 * addresses as they arrive; what trale_stream_connect_any is given has the best one first:
 *
 *     self->addresses[self->n_addresses++] = self->lookup.address;          until trale_lookup_next resolves to 0
 *     trale_try(trale_resolve_sort(self->runtime, self->addresses, self->n_addresses));
 *     trale_try(trale_stream_connect_any(&self->connect, self->attempts, 4, self->addresses, self->n_addresses));
 *
 * The rules, with their numbers: addresses that no route leads to come last (1); before others come those that are
 * reached from a source of the same scope (2) and of the same label (5), that have a higher precedence (6), which puts
 * IPv6 before IPv4, and a smaller scope (8); among IPv6 those with more of their first 64 bits in common with their
 * source (9). Rules 3, 4 and 7 are left out: a socket does not say whether its source is deprecated or a home address,
 * nor whether a tunnel leads there. Else the order stays as it was (10). The policy table is that of RFC 6724, 2.1;
 * gai.conf(5) is not read.
 */
#ifndef TRALE_RESOLVE_SORT_H
#define TRALE_RESOLVE_SORT_H

#include <trale/resolve.h>
#include <trale/udp.h>

#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An address, and what the rules compare. */
struct trale_resolve_rank_ {
    struct trale_address address;
    uint8_t is_unreachable;
    uint8_t differs_in_scope, differs_in_label; /* from its source */
    uint8_t precedence, scope, n_common_bits;
};

/* The bytes of an address as IPv6, IPv4 as ::ffff:0:0/96. */
static inline void trale_resolve_bytes_(const struct trale_address *address, uint8_t bytes[16])
{
    memset(bytes, 0, 16);
    if (address->any.sa_family == AF_INET6) {
        memcpy(bytes, &address->v6.sin6_addr, 16);
        return;
    }
    bytes[10] = bytes[11] = 0xff;
    memcpy(bytes + 12, &address->v4.sin_addr, 4);
}

static inline uint8_t trale_resolve_common_bits_(const uint8_t a[16], const uint8_t b[16], uint8_t most)
{
    uint8_t n = 0;
    while (n < most && ((a[n / 8] ^ b[n / 8]) & 0x80 >> n % 8) == 0)
        n++;
    return n;
}

/* The scope of an address (RFC 6724, 3.1 and 3.2). */
static inline uint8_t trale_resolve_scope_(const uint8_t bytes[16])
{
    static const uint8_t v4[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff},
                         loopback[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    if (memcmp(bytes, v4, 12) == 0)
        return bytes[12] == 127 || (bytes[12] == 169 && bytes[13] == 254) ? 2 : 14;
    if (bytes[0] == 0xff)
        return bytes[1] & 15;
    if (memcmp(bytes, loopback, 16) == 0 || (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80))
        return 2;
    return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0xc0 ? 5 : 14;
}

static inline uint8_t trale_resolve_policy_(const uint8_t bytes[16], uint8_t *precedence)
{
    /* The longest prefixes first. */
    static const struct {
        uint8_t prefix[16], length, precedence, label;
    } policies[] = {
        {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, 50, 0},
        {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, 35, 4},
        {{0}, 96, 1, 3},
        {{0x20, 0x01}, 32, 5, 5},
        {{0x20, 0x02}, 16, 30, 2},
        {{0x3f, 0xfe}, 16, 1, 12},
        {{0xfe, 0xc0}, 10, 1, 11},
        {{0xfc}, 7, 3, 13},
        {{0}, 0, 40, 1},
    };
    size_t i = 0;
    while (trale_resolve_common_bits_(bytes, policies[i].prefix, policies[i].length) < policies[i].length)
        i++;
    *precedence = policies[i].precedence;
    return policies[i].label;
}

/* `source` NULL: no route leads there. */
static inline void trale_resolve_rank_init_(struct trale_resolve_rank_ *rank, const struct trale_address *address,
                                            const struct trale_address *source)
{
    uint8_t to[16], from[16], precedence;
    memset(rank, 0, sizeof *rank);
    rank->address = *address;
    rank->is_unreachable = source == NULL;
    trale_resolve_bytes_(address, to);
    const uint8_t label = trale_resolve_policy_(to, &rank->precedence);
    rank->scope = trale_resolve_scope_(to);
    if (source == NULL)
        return;
    trale_resolve_bytes_(source, from);
    rank->differs_in_scope = trale_resolve_scope_(from) != rank->scope;
    rank->differs_in_label = trale_resolve_policy_(from, &precedence) != label;
    if (address->any.sa_family == AF_INET6)
        rank->n_common_bits = trale_resolve_common_bits_(to, from, 64);
}

/* Whether a comes before b, which had come first. */
static inline int trale_resolve_is_before_(const struct trale_resolve_rank_ *a, const struct trale_resolve_rank_ *b)
{
    if (a->is_unreachable != b->is_unreachable)
        return a->is_unreachable < b->is_unreachable;
    if (a->differs_in_scope != b->differs_in_scope)
        return a->differs_in_scope < b->differs_in_scope;
    if (a->differs_in_label != b->differs_in_label)
        return a->differs_in_label < b->differs_in_label;
    if (a->precedence != b->precedence)
        return a->precedence > b->precedence;
    if (a->scope != b->scope)
        return a->scope < b->scope;
    return a->address.any.sa_family == b->address.any.sa_family && a->n_common_bits > b->n_common_bits;
}

static inline void trale_resolve_put_(struct trale_resolve_rank_ *ranks, size_t n,
                                      const struct trale_resolve_rank_ *rank)
{
    for (; n > 0 && trale_resolve_is_before_(rank, &ranks[n - 1]); n--)
        ranks[n] = ranks[n - 1];
    ranks[n] = *rank;
}

/* The source from which the kernel would send: that of a UDP socket which is connected there. 1; 0: no route leads
 * there; or an error. */
static inline int trale_resolve_source_(struct trale *runtime, const struct trale_address *to,
                                        struct trale_address *source)
{
    struct trale_udp_socket *socket;
    struct trale_address any, peer = *to;
    memset(&any, 0, sizeof any);
    any.any.sa_family = to->any.sa_family;
    if (trale_address_port(&peer) == 0)
        trale_address_set_port(&peer, 9);
    int r = trale_udp_open_at(runtime, &any, 0, &socket);
    if (r == -ENODEV || r == -EMFILE || r == -ENFILE || r == -ENOMEM)
        return r;
    if (r < 0)
        return 0;
    r = trale_udp_connect(socket, &peer);
    if (r == 0)
        r = trale_udp_local(socket, source);
    trale_udp_close(socket);
    return r == 0;
}

/* Sorts addresses, the best one first; equal ones stay as they were. Opens a UDP socket for each, one after the other,
 * and sends nothing. 0, and the array has the same addresses; or it is as it was: -ENODEV (no driver of the runtime
 * offers UDP), -EMFILE, -ENFILE, -ENOMEM. [executor] */
static inline int trale_resolve_sort(struct trale *runtime, struct trale_address *addresses, size_t n)
{
    struct trale_resolve_rank_ rank, *ranks = (struct trale_resolve_rank_ *)calloc(n > 0 ? n : 1, sizeof *ranks);
    int r = ranks != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; i < n && r >= 0; i++) {
        struct trale_address source;
        r = trale_resolve_source_(runtime, &addresses[i], &source);
        if (r < 0)
            break;
        trale_resolve_rank_init_(&rank, &addresses[i], r == 1 ? &source : NULL);
        trale_resolve_put_(ranks, i, &rank);
    }
    for (size_t i = 0; i < n && r >= 0; i++)
        addresses[i] = ranks[i].address;
    free(ranks);
    return r < 0 ? r : 0;
}

#ifdef __cplusplus
}
#endif

#endif
