/* SPDX-License-Identifier: MIT */
#include "range.h"

#include <string.h>
#include <strings.h>

/* Takes a number off the value, of which the largest one stands for all that are too large. Whether there is one. */
static bool number_take(const char **at, const char *end, uint64_t *number)
{
    const char *begin = *at;
    for (*number = 0; *at < end && **at >= '0' && **at <= '9'; (*at)++) {
        const uint64_t digit = (uint64_t)(**at - '0');
        *number = *number > (UINT64_MAX - digit) / 10 ? UINT64_MAX : 10 * *number + digit;
    }
    return *at > begin;
}

void http_range_read(struct http_range *range, const char *value, size_t size)
{
    range->is_asked_for = false;
    if (size < 8 || strncasecmp(value, "bytes=", 6) != 0)
        return;
    const char *at = value + 6, *end = value + size;
    range->is_suffix = !number_take(&at, end, &range->first);
    if (at == end || *at++ != '-')
        return;
    const bool has_last = number_take(&at, end, &range->last);
    if (!has_last)
        range->last = UINT64_MAX;
    range->is_asked_for = at == end && (range->is_suffix ? has_last : range->first <= range->last);
}

void http_range_read_condition(struct http_range *range, const char *value, size_t size)
{
    size = size < HTTP_TAG_MAX ? size : HTTP_TAG_MAX;
    memcpy(range->condition, value, size);
    range->condition[size] = '\0';
}

int http_range_choose(const struct http_range *range, uint64_t size, const char *tag, uint64_t *begin, uint64_t *end)
{
    const bool is_void = range->is_suffix && size == 0; /* Content-Range cannot name no bytes */
    if (!range->is_asked_for || is_void || (range->condition[0] != '\0' && strcmp(range->condition, tag) != 0)) {
        *begin = 0;
        *end = size;
        return 200;
    }
    if (range->is_suffix ? range->last == 0 : range->first >= size)
        return 416;
    *begin = !range->is_suffix ? range->first : range->last < size ? size - range->last : 0;
    *end = !range->is_suffix && range->last < size ? range->last + 1 : size;
    return 206;
}
