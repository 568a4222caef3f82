/* SPDX-License-Identifier: MIT
 *
 * The heads of HTTP requests.
 *
 * Over: examples/http/request.c examples/http/range.c */
#include <string.h>

#include "examples/http/request.h"
#include "tests/fuzz/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct http_request request;
    const char *head = (const char *)bytes;
    size_t n = http_head_size(head, size);
    CHECK(n <= size);
    if (n == 0)
        return 0;
    CHECK(http_head_size(head, n) == n && http_head_size(head, n - 1) == 0);
    int status = http_request_read(&request, head, n);
    CHECK(status == 0 || (status >= 400 && status <= 505));
    CHECK(status != 0 || (strlen(request.path) <= HTTP_PATH_MAX && request.n_body <= HTTP_BODY_MAX));
    return 0;
}
