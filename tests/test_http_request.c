/* SPDX-License-Identifier: MIT
 *
 * The heads of requests, as examples/http reads them: what is refused, and that no bytes lead astray. */
#include "examples/http/request.h"

#include "tests/support.h"

/* Reads a whole head, in memory of just its size: a sanitizer finds a read beyond it. */
static int read_bytes(struct http_request *request, const char *bytes, size_t size)
{
    char *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    memset(request, 0xa5, sizeof *request);
    int status = http_request_read(request, copy, size);
    free(copy);
    return status;
}

static int read_text(struct http_request *request, const char *text)
{
    return read_bytes(request, text, strlen(text));
}

static const char *const heads[] = {
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "HEAD /%41%2f/b.txt?q=1 HTTP/1.1\r\nHost: a:80\r\nConnection: keep-alive, Close\r\nAccept: */*\r\n\r\n",
    "GET http://host/path HTTP/1.1\nhost:a\n\n",
    "GET / HTTP/1.0\r\n\r\n",
    "GET http://host HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET http://host?query=/path HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /x HTTP/1.1\r\nHost: \t a \r\nContent-Length: 12\r\nContent-Length: 12\r\n\r\n",
};
#define N_HEADS (sizeof heads / sizeof heads[0])

static void test_a_head_ends_at_its_empty_line_and_not_before(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_HEADS; i++) {
        char bytes[256];
        size_t size = strlen(heads[i]);
        memcpy(bytes, heads[i], size);
        memcpy(bytes + size, "GET / HTTP/1.1\r\n\r\n", 18);
        for (size_t n = 0; n <= size + 18; n++) {
            char *copy = malloc(n > 0 ? n : 1);
            assert_non_null(copy);
            memcpy(copy, bytes, n);
            assert_int_equal(http_head_size(copy, n), n < size ? 0 : size);
            free(copy);
        }
    }
}

static void test_good_heads_say_what_is_asked_for(void **state)
{
    static const struct http_request wanted[] = {
        {.keeps = true, .path = ""},
        {.is_head = true, .path = "A//b.txt"},
        {.keeps = true, .path = "path"},
        {.keeps = false, .path = ""},
        {.keeps = true, .path = ""},
        {.keeps = true, .path = ""},
        {.keeps = true, .n_body = 12, .path = "x"},
    };
    (void)state;
    for (size_t i = 0; i < N_HEADS; i++) {
        struct http_request request;
        assert_int_equal(read_text(&request, heads[i]), 0);
        assert_int_equal(request.is_head, wanted[i].is_head);
        assert_int_equal(request.keeps, wanted[i].keeps);
        assert_int_equal(request.n_body, wanted[i].n_body);
        assert_string_equal(request.path, wanted[i].path);
    }
}

/* The answer to a request with these fields, for a file of 1,000 bytes in the version "v1": "STATUS BEGIN-END". */
static const char *ranged(const char *method, const char *fields)
{
    static char text[64];
    char head[256];
    struct http_request request;
    uint64_t begin = 0, end = 0;
    snprintf(head, sizeof head, "%s / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", method, fields);
    assert_int_equal(read_text(&request, head), 0);
    int status = http_range_choose(&request.range, 1000, "\"v1\"", &begin, &end);
    snprintf(text, sizeof text, "%d %u-%u", status, (unsigned)begin, (unsigned)end);
    return text;
}

static void test_a_range_is_a_part_of_the_file(void **state)
{
    (void)state;
    assert_string_equal(ranged("GET", "Range: bytes=0-0"), "206 0-1");
    assert_string_equal(ranged("GET", "Range: bytes=10-19"), "206 10-20");
    assert_string_equal(ranged("GET", "range:  BYTES=990-5000 "), "206 990-1000");
    assert_string_equal(ranged("GET", "Range: bytes=999-99999999999999999999999"), "206 999-1000");
    assert_string_equal(ranged("GET", "Range: bytes=500-"), "206 500-1000");
    assert_string_equal(ranged("GET", "Range: bytes=-1"), "206 999-1000");
    assert_string_equal(ranged("GET", "Range: bytes=-5000"), "206 0-1000");
    assert_string_equal(ranged("GET", "Range: bytes=1000-"), "416 0-0");
    assert_string_equal(ranged("GET", "Range: bytes=18446744073709551616-18446744073709551617"), "416 0-0");
    assert_string_equal(ranged("GET", "Range: bytes=-0"), "416 0-0");
}

static void test_a_range_that_is_none_is_ignored(void **state)
{
    static const char *const fields[] = {
        "Range: bytes=",    "Range: bytes=-",    "Range: bytes=2-1",   "Range: bytes=0-1,3-4",
        "Range: bytes=a-b", "Range: bytes=0-1x", "Range: bytes=+0-1",  "Range: bytes 0-1",
        "Range: lines=0-1", "Range: b",          "Range: bytes = 0-1", "Range:",
        "Range: bytes=--1", "Range: bytes=0",    "If-Range: \"v1\"",   "Range: bytes=0-1\r\nRange: bytes=2-3",
    };
    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        assert_string_equal(ranged("GET", fields[i]), "200 0-1000");
    assert_string_equal(ranged("HEAD", "Range: bytes=0-1"), "200 0-1000");
}

static void test_a_range_of_another_version_is_the_whole_file(void **state)
{
    (void)state;
    assert_string_equal(ranged("GET", "If-Range: \"v1\"\r\nRange: bytes=0-1"), "206 0-2");
    assert_string_equal(ranged("GET", "Range: bytes=0-1\r\nIf-Range: \"v1\""), "206 0-2");
    assert_string_equal(ranged("GET", "Range: bytes=0-1\r\nIf-Range: \"v2\""), "200 0-1000");
    assert_string_equal(ranged("GET", "Range: bytes=2000-\r\nIf-Range: \"v2\""), "200 0-1000");
    assert_string_equal(ranged("GET", "Range: bytes=0-1\r\nIf-Range: W/\"v1\""), "200 0-1000");
    assert_string_equal(ranged("GET", "Range: bytes=0-1\r\nIf-Range: Fri, 27 Nov 2026 12:00:00 GMT"), "200 0-1000");
}

static void test_an_empty_file_has_no_parts(void **state)
{
    struct http_range range = {.is_asked_for = true, .is_suffix = true, .last = 1};
    uint64_t begin = 1, end = 1;
    (void)state;
    assert_int_equal(http_range_choose(&range, 0, "", &begin, &end), 200);
    assert_int_equal(begin, 0);
    assert_int_equal(end, 0);
    range = (struct http_range){.is_asked_for = true, .last = UINT64_MAX};
    assert_int_equal(http_range_choose(&range, 0, "", &begin, &end), 416);
}

static void test_what_is_no_request_is_refused_with_its_status(void **state)
{
    static const struct {
        int status;
        const char *head;
    } cases[] = {
        {400, "\r\n\r\n"},
        {400, "GET\r\n\r\n"},
        {400, "GET /\r\n\r\n"},
        {400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {400, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"},
        {400, "GET / http/1.1\r\nHost: a\r\n\r\n"},
        {400, "GET / HTTP/11\r\nHost: a\r\n\r\n"},
        {400, "G@T / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {400, "GET path HTTP/1.1\r\nHost: a\r\n\r\n"},
        {400, "GET /%0 HTTP/1.1\r\nHost: a\r\n\r\n"},
        {400, "GET /%gg HTTP/1.1\r\nHost: a\r\n\r\n"},
        {400, "GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n"},
        {400, "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n\r\n"},                       /* no Host */
        {400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"}, /* two */
        {400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n"},           /* a blank before the colon */
        {400, "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n"},      /* a continued line */
        {400, "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {405, "POST / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {405, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"},
        {501, "get / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {501, "BREW / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {501, "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"},
        {413, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_request request;
        if (read_text(&request, cases[i].head) != cases[i].status)
            fail_msg("%s: status %d, not %d", cases[i].head, read_text(&request, cases[i].head), cases[i].status);
    }
}

static void test_limits_are_held(void **state)
{
    static char head[HTTP_HEAD_MAX];
    struct http_request request;
    (void)state;
    for (int n = HTTP_PATH_MAX - 1; n <= HTTP_PATH_MAX + 1; n++) {
        int size = snprintf(head, sizeof head, "GET /%0*d HTTP/1.1\r\nHost: a\r\n\r\n", n, 0);
        assert_int_equal(read_bytes(&request, head, (size_t)size), n <= HTTP_PATH_MAX ? 0 : 414);
    }
    for (int n = HTTP_FIELDS_MAX - 1; n <= HTTP_FIELDS_MAX + 1; n++) {
        int size = snprintf(head, sizeof head, "GET / HTTP/1.1\r\nHost: a\r\n");
        for (int i = 1; i < n; i++)
            size += snprintf(head + size, sizeof head - (size_t)size, "A: %d\r\n", i);
        size += snprintf(head + size, sizeof head - (size_t)size, "\r\n");
        assert_int_equal(read_bytes(&request, head, (size_t)size), n <= HTTP_FIELDS_MAX ? 0 : 431);
    }
}

/* --- bytes at random ---------------------------------------------------------------------------------------------- */

static uint64_t draw(uint64_t below)
{
    static uint64_t number = 0x9e3779b97f4a7c15u;
    number ^= number << 13;
    number ^= number >> 7;
    number ^= number << 17;
    return number % below;
}

static void check_one(const char *bytes, size_t n)
{
    static const int statuses[] = {0, 400, 405, 413, 414, 431, 501, 505};
    struct http_request request;
    bool is_known = false;
    size_t size = http_head_size(bytes, n);
    assert_true(size <= n);
    if (size == 0)
        return;
    int status = read_bytes(&request, bytes, size);
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        is_known |= status == statuses[i];
    assert_true(is_known);
    if (status == 0) {
        assert_true(strnlen(request.path, sizeof request.path) <= HTTP_PATH_MAX);
        assert_true(request.path[0] != '/' || strstr(bytes, "%2") != NULL);
        assert_true(request.n_body <= HTTP_BODY_MAX);
    }
}

static void test_no_bytes_lead_astray(void **state)
{
    static const char common[] = "\r\n\r\n:: %/?#,GET HTTP/1.10\t";
    (void)state;
    for (int round = 0; round < 200000; round++) {
        char bytes[256] = "";
        const char *head = heads[draw(N_HEADS)];
        size_t n = round % 4 == 0 ? draw(200) : strlen(head);
        if (round % 4 != 0)
            memcpy(bytes, head, n);
        else
            for (size_t i = 0; i < n; i++)
                bytes[i] = draw(2) > 0 ? (char)draw(256) : common[draw(sizeof common - 1)];
        for (uint64_t n_changes = draw(4); n_changes > 0 && n > 0; n_changes--)
            bytes[draw(n)] = draw(2) > 0 ? (char)draw(256) : common[draw(sizeof common - 1)];
        if (round % 4 == 0 && n >= 4)
            memcpy(bytes + n - 4, "\r\n\r\n", 4);
        check_one(bytes, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_head_ends_at_its_empty_line_and_not_before),
        cmocka_unit_test(test_good_heads_say_what_is_asked_for),
        cmocka_unit_test(test_a_range_is_a_part_of_the_file),
        cmocka_unit_test(test_a_range_that_is_none_is_ignored),
        cmocka_unit_test(test_a_range_of_another_version_is_the_whole_file),
        cmocka_unit_test(test_an_empty_file_has_no_parts),
        cmocka_unit_test(test_what_is_no_request_is_refused_with_its_status),
        cmocka_unit_test(test_limits_are_held),
        cmocka_unit_test(test_no_bytes_lead_astray),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
