/* SPDX-License-Identifier: MIT
 *
 * The part of a file that a client asks for (RFC 9110, 14). Knows nothing of sockets and files. */
#ifndef HTTP_RANGE_H
#define HTTP_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_TAG_MAX 63 /* bytes of an ETag */

struct http_range {
    bool is_asked_for, is_suffix;
    uint64_t first, last;             /* bytes; of a suffix, `last` is how many */
    char condition[HTTP_TAG_MAX + 1]; /* If-Range: the range means something only for this version; "": for any */
};

/* Reads the value of Range. Several ranges, and what is malformed, are as if not asked for (RFC 9110, 14.2). */
void http_range_read(struct http_range *range, const char *value, size_t size);

/* Reads the value of If-Range. */
void http_range_read_condition(struct http_range *range, const char *value, size_t size);

/* The status of the answer for a file of that size, in the version that the tag names: 200 for the whole file, 206 for
 * the bytes from *begin to before *end, 416 if it has none of them. The two are set unless it is 416. */
int http_range_choose(const struct http_range *range, uint64_t size, const char *tag, uint64_t *begin, uint64_t *end);

#endif
