/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <string.h>

#define FIELD_OVERHEAD 32u /* of each field (RFC 9114, 4.2.2) */

static bool is_text(nghttp3_vec text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.base, word, text.len) == 0;
}

bool request_field(struct request *request, int32_t token, nghttp3_vec name, nghttp3_vec value)
{
    size_t n = name.len + value.len + FIELD_OVERHEAD;
    if (n > REQUEST_FIELDS_MAX - request->n_bytes)
        return false;
    request->n_bytes += n;
    if (token == NGHTTP3_QPACK_TOKEN__METHOD) {
        request->is_head = is_text(value, "HEAD");
        request->is_get = is_text(value, "GET");
    } else if (token == NGHTTP3_QPACK_TOKEN__PATH) {
        request->has_path = value.len > 0 && value.base[0] == '/';
        request->bad_path = http_path_read(request->path, (const char *)value.base, value.len);
    }
    return true;
}

int request_status(const struct request *request)
{
    if (!request->is_get && !request->is_head)
        return 405;
    if (!request->has_path)
        return 400;
    return request->bad_path;
}
