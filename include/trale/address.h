/* SPDX-License-Identifier: MIT
 *
 * Addresses of sockets: read from text, written, compared. Needs libc alone: no runtime, no driver, and not libtrale,
 * so that drivers may use it too. All functions may be called on any thread. */
#ifndef TRALE_ADDRESS_H
#define TRALE_ADDRESS_H

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An IPv4 or IPv6 address with a port, in the kernel's form. All zero: no address (AF_UNSPEC). */
struct trale_address {
    union {
        struct sockaddr any; /* any.sa_family: AF_INET, AF_INET6 or AF_UNSPEC */
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
};
static_assert(sizeof(struct trale_address) == 28, "frozen: part of frames");

/* --- parts -------------------------------------------------------------------------------------------------------- */

/* How many bytes the kernel reads of it (bind(2), sendto(2)); 0 if it is neither IPv4 nor IPv6. */
static inline socklen_t trale_address_length(const struct trale_address *address)
{
    if (address->any.sa_family == AF_INET)
        return sizeof address->v4;
    return address->any.sa_family == AF_INET6 ? sizeof address->v6 : 0;
}

/* The port as a number; 0 if it is neither IPv4 nor IPv6. */
static inline uint16_t trale_address_port(const struct trale_address *address)
{
    if (address->any.sa_family == AF_INET)
        return ntohs(address->v4.sin_port);
    return address->any.sa_family == AF_INET6 ? ntohs(address->v6.sin6_port) : (uint16_t)0;
}

/* Changes the port alone. Does nothing if it is neither IPv4 nor IPv6. */
static inline void trale_address_set_port(struct trale_address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET)
        address->v4.sin_port = htons(port);
    else if (address->any.sa_family == AF_INET6)
        address->v6.sin6_port = htons(port);
}

/* The mapped form of IPv4 ([::ffff:192.0.2.1]), which IPv6 sockets have for IPv4 datagrams, becomes 192.0.2.1 with the
 * same port. Another address stays as it is. */
static inline struct trale_address trale_address_unmap(const struct trale_address *address)
{
    struct trale_address v4;
    if (address->any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr))
        return *address;
    memset(&v4, 0, sizeof v4);
    v4.v4.sin_family = AF_INET;
    v4.v4.sin_port = address->v6.sin6_port;
    memcpy(&v4.v4.sin_addr, &address->v6.sin6_addr.s6_addr[12], sizeof v4.v4.sin_addr);
    return v4;
}

/* Whether it is 0.0.0.0 or [::]; a group (224.0.0.0/4, ff00::/8); of this host (127.0.0.0/8, ::1); of one link only
 * (169.254.0.0/16, fe80::/10). A mapped address is what its IPv4 address is. */
static inline int trale_address_is_unspecified(const struct trale_address *address)
{
    struct trale_address a = trale_address_unmap(address);
    if (a.any.sa_family == AF_INET)
        return a.v4.sin_addr.s_addr == INADDR_ANY;
    return a.any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&a.v6.sin6_addr);
}

static inline int trale_address_is_multicast(const struct trale_address *address)
{
    struct trale_address a = trale_address_unmap(address);
    if (a.any.sa_family == AF_INET)
        return ntohl(a.v4.sin_addr.s_addr) >> 28 == 14;
    return a.any.sa_family == AF_INET6 && IN6_IS_ADDR_MULTICAST(&a.v6.sin6_addr);
}

static inline int trale_address_is_loopback(const struct trale_address *address)
{
    struct trale_address a = trale_address_unmap(address);
    if (a.any.sa_family == AF_INET)
        return ntohl(a.v4.sin_addr.s_addr) >> 24 == 127;
    return a.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a.v6.sin6_addr);
}

static inline int trale_address_is_link_local(const struct trale_address *address)
{
    struct trale_address a = trale_address_unmap(address);
    if (a.any.sa_family == AF_INET)
        return ntohl(a.v4.sin_addr.s_addr) >> 16 == (169u << 8 | 254);
    return a.any.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&a.v6.sin6_addr);
}

/* --- order -------------------------------------------------------------------------------------------------------- */

static inline int trale_address_compare_numbers_(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

/* < 0, 0 or > 0: *a comes before, is equal to, or comes after *b, by family, then address, then the zone of IPv6, then
 * port. An IPv4 address and its mapped form differ: see trale_address_unmap. */
static inline int trale_address_compare(const struct trale_address *a, const struct trale_address *b)
{
    int order = trale_address_compare_numbers_(a->any.sa_family, b->any.sa_family);
    if (order == 0 && a->any.sa_family == AF_INET)
        order = memcmp(&a->v4.sin_addr, &b->v4.sin_addr, sizeof a->v4.sin_addr);
    if (order == 0 && a->any.sa_family == AF_INET6)
        order = memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr);
    if (order == 0 && a->any.sa_family == AF_INET6)
        order = trale_address_compare_numbers_(a->v6.sin6_scope_id, b->v6.sin6_scope_id);
    return order != 0 ? order : trale_address_compare_numbers_(trale_address_port(a), trale_address_port(b));
}

static inline int trale_address_equal(const struct trale_address *a, const struct trale_address *b)
{
    return trale_address_compare(a, b) == 0;
}

/* --- text --------------------------------------------------------------------------------------------------------- */

/* Room for any address as text: "[0123:...%interface]:65535" and its NUL. */
#define TRALE_ADDRESS_TEXT 80

/* Reads a decimal number: digits alone, without leading zeros. Returns whether it is one. */
static inline int trale_address_parse_number_(const char *text, uint32_t maximum, uint32_t *number)
{
    uint64_t value = 0;
    if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
        return 0;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return 0;
        value = value * 10 + (uint64_t)(*text - '0');
        if (value > maximum)
            return 0;
    }
    *number = (uint32_t)value;
    return 1;
}

/* Reads an interface's name or index. Names are tried first, because a name may be a number. A colon is refused: the
 * kernel would ignore it and what follows (an old alias, "eth0:1"). */
static inline int trale_address_parse_zone_(const char *text, uint32_t *zone)
{
    char name[IF_NAMESIZE];
    uint32_t index;
    if (*text == '\0')
        return -EINVAL;
    if (strchr(text, ':') != NULL)
        return -ENODEV;
    index = if_nametoindex(text);
    if (index == 0 && (!trale_address_parse_number_(text, INT32_MAX, &index) || if_indextoname(index, name) == NULL))
        return -ENODEV;
    *zone = index;
    return 0;
}

/* Reads "192.0.2.1:53", "[2001:db8::1]:53" or "[fe80::1%eth0]:53" (RFC 4007 zone: an interface's name or index).
 * Returns 0; -EINVAL for any other text; -ENODEV: the zone is no interface. */
static inline int trale_address_parse(const char *text, struct trale_address *address)
{
    char host[TRALE_ADDRESS_TEXT], *colon, *zone;
    struct trale_address parsed;
    uint32_t port = 0;
    size_t length = strlen(text);
    if (length >= sizeof host)
        return -EINVAL;
    memcpy(host, text, length + 1);
    colon = strrchr(host, ':');
    if (colon == NULL || !trale_address_parse_number_(colon + 1, UINT16_MAX, &port))
        return -EINVAL;
    *colon = '\0';

    memset(&parsed, 0, sizeof parsed);
    if (host[0] != '[') {
        parsed.any.sa_family = AF_INET;
        if (inet_pton(AF_INET, host, &parsed.v4.sin_addr) != 1)
            return -EINVAL;
    } else {
        int r;
        parsed.any.sa_family = AF_INET6;
        if (colon[-1] != ']')
            return -EINVAL;
        colon[-1] = '\0';
        zone = strchr(host, '%');
        if (zone != NULL)
            *zone++ = '\0';
        if (inet_pton(AF_INET6, host + 1, &parsed.v6.sin6_addr) != 1)
            return -EINVAL;
        r = zone != NULL ? trale_address_parse_zone_(zone, &parsed.v6.sin6_scope_id) : 0;
        if (r < 0)
            return r;
    }
    trale_address_set_port(&parsed, (uint16_t)port);
    *address = parsed;
    return 0;
}

/* Writes an address into buf, in the form that trale_address_parse reads; a zone by its name, or by its index if the
 * interface is gone. TRALE_ADDRESS_TEXT bytes are always enough. Returns the length without the NUL; -EINVAL: neither
 * IPv4 nor IPv6; -ENOSPC. */
static inline int trale_address_format(const struct trale_address *address, char *buf, size_t size)
{
    char host[INET6_ADDRSTRLEN], zone[IF_NAMESIZE] = "", text[TRALE_ADDRESS_TEXT];
    int length;
    if (address->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &address->v4.sin_addr, host, sizeof host);
        length = snprintf(text, sizeof text, "%s:%u", host, trale_address_port(address));
    } else if (address->any.sa_family == AF_INET6) {
        uint32_t index = address->v6.sin6_scope_id;
        inet_ntop(AF_INET6, &address->v6.sin6_addr, host, sizeof host);
        if (index != 0 && if_indextoname(index, zone) == NULL)
            snprintf(zone, sizeof zone, "%u", index);
        length = snprintf(text, sizeof text, "[%s%s%s]:%u", host, index != 0 ? "%" : "", zone,
                          trale_address_port(address));
    } else {
        return -EINVAL;
    }
    if ((size_t)length >= size)
        return -ENOSPC;
    memcpy(buf, text, (size_t)length + 1);
    return length;
}

#ifdef __cplusplus
}
#endif

#endif
