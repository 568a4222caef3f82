/* SPDX-License-Identifier: MIT */
#include "name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_LENGTH 253
#define LABEL_MAX 63

bool name_has(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           byte == '-' || byte == '_' || byte == '/';
}

int name_copy(char copy[NAME_SIZE], const char *text, bool *is_absolute)
{
    size_t length = strnlen(text, NAME_MAX_LENGTH + 2), n_label = 0;
    bool dot = length > 0 && text[length - 1] == '.';
    length -= dot;
    if (length > NAME_MAX_LENGTH || (length == 0 && !dot))
        return -EINVAL;
    for (size_t i = 0; i < length; i++) {
        bool ends = text[i] == '.';
        if (ends ? n_label == 0 : !name_has((uint8_t)text[i]) || n_label == LABEL_MAX)
            return -EINVAL;
        n_label = ends ? 0 : n_label + 1;
    }
    if (length > 0 && n_label == 0) /* two dots at the end */
        return -EINVAL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    *is_absolute = dot;
    return 0;
}

bool name_append(char joined[NAME_SIZE], const char *name, const char *domain)
{
    return snprintf(joined, NAME_SIZE, "%s.%s", name, domain) <= NAME_MAX_LENGTH;
}

/* No host has a name that ends in a number: what looks so is an address that is mistyped, or in an old form. */
static bool ends_in_number(const char *text)
{
    size_t length = strlen(text);
    if (length > 0 && text[length - 1] == '.')
        length--;
    size_t n_digits = 0;
    while (n_digits < length && text[length - n_digits - 1] >= '0' && text[length - n_digits - 1] <= '9')
        n_digits++;
    return n_digits > 0 && (n_digits == length || text[length - n_digits - 1] == '.');
}

int name_read_address(const char *text, uint16_t port, struct trale_address *address)
{
    char written[TRALE_ADDRESS_TEXT];
    size_t length = strnlen(text, sizeof written);
    bool is_v6 = memchr(text, ':', length) != NULL;
    if (!is_v6 && !ends_in_number(text))
        return 0;
    if ((size_t)snprintf(written, sizeof written, is_v6 ? "[%s]:%u" : "%s:%u", text, port) >= sizeof written)
        return -EINVAL;
    int r = trale_address_parse(written, address);
    return r < 0 ? r : 1;
}

int name_of_address(char name[NAME_SIZE], const struct trale_address *address)
{
    struct trale_address unmapped = trale_address_unmap(address);
    if (unmapped.any.sa_family == AF_INET) {
        const uint32_t host = ntohl(unmapped.v4.sin_addr.s_addr);
        snprintf(name, NAME_SIZE, "%u.%u.%u.%u.in-addr.arpa", host & 255, host >> 8 & 255, host >> 16 & 255,
                 host >> 24);
        return 0;
    }
    if (unmapped.any.sa_family != AF_INET6)
        return -EINVAL;
    for (size_t i = 0; i < 16; i++) {
        uint8_t byte = unmapped.v6.sin6_addr.s6_addr[15 - i];
        snprintf(name + 4 * i, NAME_SIZE - 4 * i, "%x.%x.", byte & 15, byte >> 4);
    }
    snprintf(name + 64, NAME_SIZE - 64, "ip6.arpa");
    return 0;
}

bool name_equal(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

bool name_is_local(const char *name)
{
    const size_t length = strlen(name), n = strlen("localhost");
    return length >= n && name_equal(name + length - n, "localhost") && (length == n || name[length - n - 1] == '.');
}
