/* SPDX-License-Identifier: MIT */
#include "address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

socklen_t udp_address_length(const struct trale_address *address)
{
    switch (address->any.sa_family) {
    case AF_INET:
        return sizeof address->v4;
    case AF_INET6:
        return sizeof address->v6;
    default:
        return 0;
    }
}

/* Reads a decimal number: digits alone, without leading zeros. */
static bool number_parse(const char *text, uint32_t maximum, uint32_t *number)
{
    uint64_t value = 0;
    if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        value = value * 10 + (uint64_t)(*text - '0');
        if (value > maximum)
            return false;
    }
    *number = (uint32_t)value;
    return true;
}

/* Reads an interface's name or index. Names are tried first, because a name may be a number. A colon is refused: the
 * kernel would ignore it and what follows (an old alias, "eth0:1"). */
static int zone_parse(const char *text, uint32_t *zone)
{
    if (*text == '\0')
        return -EINVAL;
    if (strchr(text, ':') != NULL)
        return -ENODEV;
    char name[IF_NAMESIZE];
    uint32_t index = if_nametoindex(text);
    if (index == 0 && (!number_parse(text, INT32_MAX, &index) || if_indextoname(index, name) == NULL))
        return -ENODEV;
    *zone = index;
    return 0;
}

int32_t udp_address_parse(void *instance, const char *text, struct trale_address *address)
{
    (void)instance;
    char host[TRALE_ADDRESS_TEXT];
    struct trale_address parsed = {0};
    size_t length = strnlen(text, sizeof host);
    if (length == sizeof host)
        return -EINVAL;
    memcpy(host, text, length + 1);

    uint32_t port;
    char *colon = strrchr(host, ':');
    if (colon == NULL || !number_parse(colon + 1, UINT16_MAX, &port))
        return -EINVAL;
    *colon = '\0';

    if (host[0] != '[') {
        parsed.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        if (inet_pton(AF_INET, host, &parsed.v4.sin_addr) != 1)
            return -EINVAL;
        *address = parsed;
        return 0;
    }
    parsed.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    if (colon[-1] != ']')
        return -EINVAL;
    colon[-1] = '\0';
    char *zone = strchr(host, '%');
    if (zone != NULL)
        *zone++ = '\0';
    if (inet_pton(AF_INET6, host + 1, &parsed.v6.sin6_addr) != 1)
        return -EINVAL;
    int r = zone != NULL ? zone_parse(zone, &parsed.v6.sin6_scope_id) : 0;
    if (r < 0)
        return r;
    *address = parsed;
    return 0;
}

int32_t udp_address_format(void *instance, const struct trale_address *address, char *buf, uint64_t size)
{
    (void)instance;
    char host[INET6_ADDRSTRLEN], zone[IF_NAMESIZE], text[TRALE_ADDRESS_TEXT];
    int length;
    if (address->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &address->v4.sin_addr, host, sizeof host);
        length = snprintf(text, sizeof text, "%s:%u", host, ntohs(address->v4.sin_port));
    } else if (address->any.sa_family == AF_INET6) {
        uint32_t index = address->v6.sin6_scope_id;
        inet_ntop(AF_INET6, &address->v6.sin6_addr, host, sizeof host);
        if (if_indextoname(index, zone) == NULL)
            snprintf(zone, sizeof zone, "%u", index);
        length = snprintf(text, sizeof text, "[%s%s%s]:%u", host, index != 0 ? "%" : "", index != 0 ? zone : "",
                          ntohs(address->v6.sin6_port));
    } else {
        return -EINVAL;
    }
    if ((uint64_t)length >= size)
        return -ENOSPC;
    memcpy(buf, text, (size_t)length + 1);
    return length;
}
