/* SPDX-License-Identifier: MIT
 *
 * Buffered reading: lines and lengths, however the bytes arrive, and what is left at the end; in each thread layout. */
#include <trale/stream_buffer.h>

#include "tests/streams.h"

static struct trale_stream_buffer buffer;
static char bytes[16];

static int open_buffer(void **state)
{
    int r = streams_open(state);
    trale_stream_buffer_init(&buffer, ((struct streams *)*state)->server, bytes, sizeof bytes);
    return r;
}

/* The result, and the bytes as text. */
static int64_t taken(struct streams *s, struct trale_stream_take *take, struct trale_future *future, const char *text)
{
    int64_t n = trale_block_on(s->runtime, future);
    if (text != NULL) {
        assert_int_equal(n, strlen(text));
        assert_memory_equal(take->data, text, (size_t)n);
    }
    return n;
}

static void until(struct streams *s, const char *delimiter, const char *text)
{
    struct trale_stream_take take;
    taken(s, &take, trale_stream_take_until(&take, &buffer, delimiter, strlen(delimiter)), text);
}

static int64_t until_fails(struct streams *s, const char *delimiter)
{
    struct trale_stream_take take;
    return taken(s, &take, trale_stream_take_until(&take, &buffer, delimiter, strlen(delimiter)), NULL);
}

static void exactly(struct streams *s, size_t n, const char *text)
{
    struct trale_stream_take take;
    taken(s, &take, trale_stream_take_exactly(&take, &buffer, n), text);
}

static int64_t exactly_fails(struct streams *s, size_t n)
{
    struct trale_stream_take take;
    return taken(s, &take, trale_stream_take_exactly(&take, &buffer, n), NULL);
}

static void some(struct streams *s, const char *text)
{
    struct trale_stream_take take;
    taken(s, &take, trale_stream_take_some(&take, &buffer), text);
}

static void sent(struct streams *s, const char *text)
{
    assert_int_equal(do_write(s, s->client, text, strlen(text)), strlen(text));
}

static void test_lines_are_taken_one_at_a_time(void **state)
{
    struct streams *s = *state;
    sent(s, "one\ntwo\n\nthree\n");
    until(s, "\n", "one\n");
    until(s, "\n", "two\n");
    until(s, "\n", "\n");
    until(s, "\n", "three\n");
    do_close(s, s->client);
    assert_int_equal(until_fails(s, "\n"), 0);
    assert_int_equal(until_fails(s, "\n"), 0);
}

/* In pieces of every size, so that the delimiter is cut everywhere. */
static void test_a_delimiter_is_found_however_the_bytes_arrive(void **state)
{
    struct streams *s = *state;
    const char *text = "a\r\n\r\rb\r\n\r\n";
    for (size_t size = 1; size <= strlen(text); size++) {
        struct trale_stream_take take;
        struct trale_task *taking = begin(s, trale_stream_take_until(&take, &buffer, "\r\n\r\n", 4));
        for (size_t i = 0; i < strlen(text); i += size) {
            size_t n = strlen(text) - i < size ? strlen(text) - i : size;
            assert_int_equal(do_write(s, s->client, text + i, n), n);
            let_tasks_run(s);
        }
        assert_int_equal(trale_join(taking), strlen(text));
        assert_memory_equal(take.data, text, strlen(text));
    }
}

static void test_exactly_so_many_bytes_are_taken(void **state)
{
    struct streams *s = *state;
    sent(s, "4:wordsrest");
    until(s, ":", "4:");
    exactly(s, 4, "word");
    exactly(s, 1, "s");
    some(s, "rest");
    sent(s, "0123456789abcdef");
    exactly(s, 16, "0123456789abcdef");
    assert_int_equal(exactly_fails(s, 17), -EMSGSIZE);
    assert_int_equal(exactly_fails(s, 0), -EINVAL);
    assert_int_equal(until_fails(s, ""), -EINVAL);
}

static void test_a_line_that_does_not_fit_is_refused_and_kept(void **state)
{
    struct streams *s = *state;
    sent(s, "0123456789abcdef\n");
    assert_int_equal(until_fails(s, "\n"), -ENOBUFS);
    assert_int_equal(until_fails(s, "\n"), -ENOBUFS);
    some(s, "0123456789abcdef");
    until(s, "\n", "\n");
    sent(s, "0123456789abcde\n");
    until(s, "\n", "0123456789abcde\n");
    struct trale_stream_buffer empty;
    struct trale_stream_take take;
    trale_stream_buffer_init(&empty, s->server, NULL, 0);
    assert_int_equal(taken(s, &take, trale_stream_take_some(&take, &empty), NULL), -EINVAL);
    assert_int_equal(taken(s, &take, trale_stream_take_until(&take, &empty, "\n", 1), NULL), -ENOBUFS);
}

static void test_an_end_in_the_middle_is_no_end(void **state)
{
    struct streams *s = *state;
    sent(s, "whole\nhalf");
    do_close(s, s->client);
    until(s, "\n", "whole\n");
    assert_int_equal(until_fails(s, "\n"), -ENODATA);
    assert_int_equal(exactly_fails(s, 5), -ENODATA);
    exactly(s, 2, "ha");
    some(s, "lf");
    assert_int_equal(exactly_fails(s, 5), 0);
}

static void test_a_reset_is_passed_on(void **state)
{
    struct streams *s = *state;
    struct trale_stream_take take;
    sent(s, "half");
    assert_int_equal(exactly_fails(s, 0), -EINVAL);
    struct trale_task *taking = begin(s, trale_stream_take_until(&take, &buffer, "\n", 1));
    do_reset(s, s->client);
    assert_int_equal(trale_join(taking), -ECONNRESET);
}

static void test_a_take_that_is_dropped_loses_nothing(void **state)
{
    struct streams *s = *state;
    struct trale_stream_take take;
    struct trale_task *taking = begin(s, trale_stream_take_until(&take, &buffer, "\n", 1));
    assert_int_equal(until_fails(s, "\n"), -EBUSY);
    sent(s, "a li");
    let_tasks_run(s);
    drop(taking);
    sent(s, "ne\n");
    until(s, "\n", "a line\n");
}

/* The second one would take or move the bytes on which the first one counts. */
static void test_a_second_take_is_refused_and_changes_nothing(void **state)
{
    struct streams *s = *state;
    struct trale_stream_take first, second;
    char into[4];
    sent(s, "1\n23456789abcd");
    until(s, "\n", "1\n");
    struct trale_task *taking = begin(s, trale_stream_take_until(&first, &buffer, "\n", 1));
    assert_int_equal(exactly_fails(s, 13), -EBUSY);
    assert_int_equal(exactly_fails(s, 2), -EBUSY);
    assert_int_equal(trale_block_on(s->runtime, trale_stream_take_some(&second, &buffer)), -EBUSY);
    assert_int_equal(trale_block_on(s->runtime, trale_stream_take_into(&second, &buffer, into, 4)), -EBUSY);
    sent(s, "e\n");
    assert_int_equal(trale_join(taking), 14);
    assert_memory_equal(first.data, "23456789abcde\n", 14);
}

static void test_bytes_are_taken_to_memory_of_the_caller(void **state)
{
    struct streams *s = *state;
    struct trale_stream_take take;
    char into[40];
    sent(s, "40\n0123456789");
    until(s, "\n", "40\n");
    struct trale_task *taking = begin(s, trale_stream_take_into(&take, &buffer, into, sizeof into));
    sent(s, "0123456789012345678901234567890rest");
    assert_int_equal(trale_join(taking), 40);
    assert_memory_equal(into, "0123456789012345678901234567890123456789", 40);
    assert_int_equal(take.n_taken, 40);
    char *rest = take.data;
    assert_ptr_equal(rest, into);
    some(s, "0rest");
    assert_int_equal(trale_block_on(s->runtime, trale_stream_take_into(&take, &buffer, into, 0)), -EINVAL);
    sent(s, "next");
    assert_int_equal(trale_block_on(s->runtime, trale_stream_take_into(&take, &buffer, into, 4)), 4);
    assert_ptr_equal(take.data, into);
    taking = begin(s, trale_stream_take_into(&take, &buffer, into, sizeof into));
    sent(s, "few");
    do_close(s, s->client);
    assert_int_equal(trale_join(taking), -ENODATA);
    assert_int_equal(take.n_taken, 3);
    assert_memory_equal(into, "few", 3);
    assert_int_equal(trale_block_on(s->runtime, trale_stream_take_into(&take, &buffer, into, 4)), 0);
}

/* Lines of all lengths that fit, through a buffer that is never empty. */
static void test_many_lines_pass_through_a_small_buffer(void **state)
{
    struct streams *s = *state;
    char text[4096];
    size_t n = 0;
    for (size_t i = 0; n + 17 < sizeof text; i++) {
        size_t length = i * 7 % 16;
        memset(text + n, 'a' + (int)(i % 26), length);
        text[n + length] = '\n';
        n += length + 1;
    }
    assert_int_equal(do_write(s, s->client, text, n), n);
    do_close(s, s->client);
    for (const char *line = text; line < text + n;) {
        struct trale_stream_take take;
        size_t length = (size_t)((const char *)memchr(line, '\n', sizeof text) - line) + 1;
        assert_int_equal(taken(s, &take, trale_stream_take_until(&take, &buffer, "\n", 1), NULL), length);
        assert_memory_equal(take.data, line, length);
        line += length;
    }
    assert_int_equal(until_fails(s, "\n"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_buffer, streams_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lines_are_taken_one_at_a_time),
        TEST(test_a_delimiter_is_found_however_the_bytes_arrive),
        TEST(test_exactly_so_many_bytes_are_taken),
        TEST(test_a_line_that_does_not_fit_is_refused_and_kept),
        TEST(test_an_end_in_the_middle_is_no_end),
        TEST(test_a_reset_is_passed_on),
        TEST(test_a_second_take_is_refused_and_changes_nothing),
        TEST(test_a_take_that_is_dropped_loses_nothing),
        TEST(test_bytes_are_taken_to_memory_of_the_caller),
        TEST(test_many_lines_pass_through_a_small_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
