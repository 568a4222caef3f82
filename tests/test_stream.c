/* SPDX-License-Identifier: MIT
 *
 * Connections: bytes in order, their end and what is none, reads and writes that wait, are dropped and cancelled; in
 * each thread layout. */
#include "tests/streams.h"

/* More than the buffers of both sides take. */
#define LARGE ((size_t)4 << 20)

/* A byte for each position, which finds what is lost, doubled or mixed. */
static char byte_at(size_t i)
{
    return (char)(i * 2654435761u >> 24);
}

static char *large_new(void)
{
    char *bytes = malloc(LARGE);
    assert_non_null(bytes);
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = byte_at(i);
    return bytes;
}

/* Reads to the end of the stream, or to an error, which is the result, and counts the bytes; those at *from and behind
 * are compared. */
struct drain {
    struct trale_future future;
    struct trale_stream_socket *socket;
    struct trale_stream_read read;
    size_t *n, stop;
    bool *is_wrong;
    char buf[65536];
};

trale_async(drain)
{
    trale_begin();
    while (*self->n < self->stop) {
        trale_try(trale_stream_read(&self->read, self->socket, self->buf, sizeof self->buf));
        if (trale_result() == 0)
            trale_return(0);
        for (size_t i = 0; i < (size_t)trale_result(); i++)
            *self->is_wrong |= self->buf[i] != byte_at(*self->n + i);
        *self->n += (size_t)trale_result();
    }
    trale_return(1);
}

static struct trale_task *drain_all(struct streams *s, struct trale_stream_socket *socket, size_t *n, bool *is_wrong)
{
    *n = 0;
    *is_wrong = false;
    return trale_spawn(s->runtime, drain, .socket = socket, .n = n, .stop = SIZE_MAX, .is_wrong = is_wrong);
}

/* It has read to the end of the stream, so many bytes, in order. */
static void assert_drained(struct trale_task *draining, const size_t *n, const bool *is_wrong, size_t expected)
{
    assert_int_equal(trale_join(draining), 0);
    assert_int_equal(*n, expected);
    assert_false(*is_wrong);
}

/* --- bytes -------------------------------------------------------------------------------------------------------- */

static void test_bytes_arrive_in_order_and_both_ways(void **state)
{
    struct streams *s = *state;
    char buf[64];
    assert_int_equal(do_write(s, s->client, "hello, ", 7), 7);
    assert_int_equal(do_write(s, s->client, "stream", 6), 6);
    assert_int_equal(do_read_all(s, s->server, buf, 13), 13);
    assert_memory_equal(buf, "hello, stream", 13);
    assert_int_equal(do_write(s, s->server, "and back", 8), 8);
    assert_int_equal(do_read_all(s, s->client, buf, 8), 8);
    assert_memory_equal(buf, "and back", 8);
}

static void test_a_read_waits_and_takes_what_is_there(void **state)
{
    struct streams *s = *state;
    for (int i = 0; i < 3; i++) {
        struct trale_stream_read read;
        char buf[64];
        struct trale_task *reading = begin(s, trale_stream_read(&read, s->server, buf, sizeof buf));
        assert_int_equal(do_write(s, s->client, "word", 4), 4);
        assert_int_equal(trale_join(reading), 4);
        assert_memory_equal(buf, "word", 4);
    }
}

/* More of them than one call of the kernel looks at (IOV_MAX). */
static void test_pieces_of_no_bytes_are_no_end(void **state)
{
    struct streams *s = *state;
    static struct iovec out[3000], in[3000];
    struct trale_stream_read read;
    struct trale_stream_write write;
    char buf[16];
    out[2500] = piece_of("hello");
    in[2000] = (struct iovec){buf, 3};
    in[2999] = (struct iovec){buf + 3, 13};
    struct trale_task *reading = begin(s, trale_stream_readv(&read, s->server, in, 3000));
    assert_int_equal(trale_block_on(s->runtime, trale_stream_writev(&write, s->client, out, 3000)), 5);
    int64_t n = trale_join(reading);
    assert_true(n > 0);
    if (n < 5) /* the second piece may be beyond what the kernel looks at */
        assert_int_equal(do_read_all(s, s->server, buf + n, (size_t)(5 - n)), 5 - n);
    assert_memory_equal(buf, "hello", 5);
}

static void test_a_read_of_no_bytes_is_refused_and_a_write_of_none_is_done(void **state)
{
    struct streams *s = *state;
    struct trale_stream_read read;
    struct trale_stream_write write;
    struct iovec none[2] = {piece_of(""), piece_of("")};
    char buf[1];
    assert_int_equal(do_read(s, s->client, buf, 0), -EINVAL);
    assert_int_equal(trale_block_on(s->runtime, trale_stream_readv(&read, s->client, none, 2)), -EINVAL);
    assert_int_equal(trale_block_on(s->runtime, trale_stream_readv(&read, s->client, none, 0)), -EINVAL);
    assert_int_equal(do_write(s, s->client, "", 0), 0);
    assert_int_equal(trale_block_on(s->runtime, trale_stream_writev(&write, s->client, none, 2)), 0);
    assert_int_equal(trale_block_on(s->runtime, trale_stream_writev(&write, s->client, none, 0)), 0);
}

static void test_pieces_are_written_and_read_as_one(void **state)
{
    struct streams *s = *state;
    struct trale_stream_read read;
    struct trale_stream_write write;
    struct iovec out[] = {piece_of(""),    piece_of("one"),   piece_of(""),
                          piece_of("two"), piece_of("three"), piece_of("")};
    char first[5] = "", second[64] = "";
    struct iovec in[] = {{first, 5}, {NULL, 0}, {second, sizeof second}};
    assert_int_equal(trale_block_on(s->runtime, trale_stream_writev(&write, s->client, out, 6)), 11);
    assert_int_equal(write.n_written, 11);
    assert_int_equal(trale_block_on(s->runtime, trale_stream_readv(&read, s->server, in, 3)), 11);
    assert_memory_equal(first, "onetw", 5);
    assert_memory_equal(second, "othree", 6);
}

static void test_a_write_waits_until_all_is_taken(void **state)
{
    struct streams *s = *state;
    char *bytes = large_new();
    size_t n;
    bool is_wrong;
    struct trale_stream_write write;
    struct trale_task *writing = begin(s, trale_stream_write(&write, s->client, bytes, LARGE));
    struct trale_task *draining = drain_all(s, s->server, &n, &is_wrong);
    assert_int_equal(trale_join(writing), LARGE);
    do_close(s, s->client);
    assert_drained(draining, &n, &is_wrong, LARGE);
    free(bytes);
}

/* More pieces than one sendmsg(2) takes, of all sizes, also none, and more bytes than the buffers take. */
static void test_many_pieces_are_written_in_order(void **state)
{
    struct streams *s = *state;
    char *bytes = large_new();
    enum { N = 2000 };
    struct iovec *pieces = calloc(N, sizeof *pieces);
    size_t n, n_bytes = 0;
    for (int i = 0; i < N; i++) {
        pieces[i] = (struct iovec){bytes + n_bytes, i % 4 == 0 ? 0 : (size_t)i * 7919 % 2048};
        n_bytes += pieces[i].iov_len;
    }
    bool is_wrong;
    struct trale_stream_write write;
    struct trale_task *writing = begin(s, trale_stream_writev(&write, s->client, pieces, N));
    struct trale_task *draining = drain_all(s, s->server, &n, &is_wrong);
    assert_int_equal(trale_join(writing), n_bytes);
    do_close(s, s->client);
    assert_drained(draining, &n, &is_wrong, n_bytes);
    free(pieces);
    free(bytes);
}

/* --- the end, and what is none ------------------------------------------------------------------------------------ */

static void test_the_end_of_the_stream_is_0_time_and_again(void **state)
{
    struct streams *s = *state;
    char buf[8];
    assert_int_equal(do_write(s, s->client, "last", 4), 4);
    do_close(s, s->client);
    assert_int_equal(do_read_all(s, s->server, buf, 4), 4);
    for (int i = 0; i < 3; i++)
        assert_int_equal(do_read(s, s->server, buf, sizeof buf), 0);
}

static void test_a_read_that_waits_finds_the_end(void **state)
{
    struct streams *s = *state;
    struct trale_stream_read read;
    char buf[8];
    struct trale_task *reading = begin(s, trale_stream_read(&read, s->server, buf, sizeof buf));
    do_close(s, s->client);
    assert_int_equal(trale_join(reading), 0);
}

static void test_a_reset_is_never_an_end(void **state)
{
    struct streams *s = *state;
    char buf[8];
    do_reset(s, s->client);
    for (int i = 0; i < 3; i++)
        assert_int_equal(do_read(s, s->server, buf, sizeof buf), -ECONNRESET);
    assert_int_equal(do_write(s, s->server, "lost", 4), -ECONNRESET);
}

static void test_a_read_that_waits_finds_the_reset(void **state)
{
    struct streams *s = *state;
    struct trale_stream_read read;
    char buf[8];
    struct trale_task *reading = begin(s, trale_stream_read(&read, s->server, buf, sizeof buf));
    do_reset(s, s->client);
    assert_int_equal(trale_join(reading), -ECONNRESET);
    assert_int_equal(do_read(s, s->server, buf, sizeof buf), -ECONNRESET);
}

/* The kernel reports the reset once, and after that an end of stream. */
static void test_a_reset_that_a_write_has_found_is_no_end_for_reads(void **state)
{
    struct streams *s = *state;
    char buf[8];
    do_reset(s, s->client);
    for (int i = 0; i < 2; i++)
        assert_int_equal(do_write(s, s->server, "lost", 4), -ECONNRESET);
    for (int i = 0; i < 2; i++)
        assert_int_equal(do_read(s, s->server, buf, sizeof buf), -ECONNRESET);
}

static void test_bytes_that_came_before_a_reset_are_read_first(void **state)
{
    struct streams *s = *state;
    char buf[8];
    assert_int_equal(do_write(s, s->client, "before", 6), 6);
    do_reset(s, s->client);
    assert_int_equal(do_read_all(s, s->server, buf, 6), 6);
    assert_int_equal(do_read(s, s->server, buf, sizeof buf), -ECONNRESET);
    assert_int_equal(do_read(s, s->server, buf, sizeof buf), -ECONNRESET);
}

static void test_a_peer_that_closes_without_reading_resets(void **state)
{
    struct streams *s = *state;
    char buf[8];
    assert_int_equal(do_write(s, s->server, "unread", 6), 6);
    do_close(s, s->client);
    assert_int_equal(do_read(s, s->server, buf, sizeof buf), -ECONNRESET);
}

/* In a program of one thread, which blocks no signals, SIGPIPE would end it. */
static void test_a_write_to_a_peer_that_is_gone_raises_no_signal(void **state)
{
    struct streams *s = *state;
    struct trale_stream_write write;
    struct iovec piece = piece_of("piece");
    do_close(s, s->client);
    int64_t r;
    do
        r = do_write(s, s->server, "more", 4);
    while (r == 4);
    assert_true(r == -EPIPE || r == -ECONNRESET);
    assert_int_equal(do_write(s, s->server, "more", 4), -EPIPE);
    assert_int_equal(trale_block_on(s->runtime, trale_stream_writev(&write, s->server, &piece, 1)), -EPIPE);
    assert_int_equal(write.n_written, 0);
}

/* --- half-close --------------------------------------------------------------------------------------------------- */

static void test_the_other_direction_goes_on_after_a_half_close(void **state)
{
    struct streams *s = *state;
    char buf[8];
    assert_int_equal(do_write(s, s->client, "ask", 3), 3);
    assert_int_equal(do_shutdown(s, s->client, TRALE_STREAM_WRITES), 0);
    assert_int_equal(do_write(s, s->client, "no", 2), -EPIPE);
    assert_int_equal(do_read_all(s, s->server, buf, 3), 3);
    assert_int_equal(do_read(s, s->server, buf, sizeof buf), 0);
    assert_int_equal(do_write(s, s->server, "answer", 6), 6);
    assert_int_equal(do_shutdown(s, s->server, TRALE_STREAM_WRITES), 0);
    assert_int_equal(do_read_all(s, s->client, buf, 6), 6);
    assert_memory_equal(buf, "answer", 6);
    assert_int_equal(do_read(s, s->client, buf, sizeof buf), 0);
}

static void test_a_read_that_waits_ends_when_reads_are_shut_down(void **state)
{
    struct streams *s = *state;
    struct trale_stream_read read;
    char buf[8];
    struct trale_task *reading = begin(s, trale_stream_read(&read, s->server, buf, sizeof buf));
    assert_int_equal(do_shutdown(s, s->server, TRALE_STREAM_READS), 0);
    assert_int_equal(trale_join(reading), 0);
    assert_int_equal(do_write(s, s->server, "still", 5), 5);
    assert_int_equal(do_read_all(s, s->client, buf, 5), 5);
}

static void test_a_write_that_waits_ends_when_writes_are_shut_down(void **state)
{
    struct streams *s = *state;
    char *bytes = large_new();
    struct trale_stream_write write;
    size_t n;
    bool is_wrong;
    struct trale_task *writing = begin(s, trale_stream_write(&write, s->client, bytes, LARGE));
    assert_int_equal(do_shutdown(s, s->client, TRALE_STREAM_WRITES), 0);
    assert_int_equal(trale_join(writing), -EPIPE);
    assert_true(write.n_written > 0 && write.n_written < LARGE);
    assert_drained(drain_all(s, s->server, &n, &is_wrong), &n, &is_wrong, write.n_written);
    free(bytes);
}

static void test_a_shutdown_of_nothing_is_refused(void **state)
{
    struct streams *s = *state;
    assert_int_equal(do_shutdown(s, s->client, 0), -EINVAL);
    assert_int_equal(do_shutdown(s, s->client, 4), -EINVAL);
    assert_int_equal(do_shutdown(s, s->client, TRALE_STREAM_READS | TRALE_STREAM_WRITES), 0);
    do_reset(s, s->server);
    assert_int_equal(do_shutdown(s, s->client, TRALE_STREAM_WRITES), -ENOTCONN);
}

/* --- one read and one write wait ---------------------------------------------------------------------------------- */

static void test_a_read_and_a_write_wait_at_the_same_time(void **state)
{
    struct streams *s = *state;
    char *bytes = large_new(), buf[8];
    struct trale_stream_read read;
    struct trale_stream_write write;
    size_t n;
    bool is_wrong;
    struct trale_task *reading = begin(s, trale_stream_read(&read, s->client, buf, sizeof buf));
    struct trale_task *writing = begin(s, trale_stream_write(&write, s->client, bytes, LARGE));
    assert_int_equal(do_write(s, s->server, "answer", 6), 6);
    assert_int_equal(trale_join(reading), 6);
    struct trale_task *draining = drain_all(s, s->server, &n, &is_wrong);
    assert_int_equal(trale_join(writing), LARGE);
    do_close(s, s->client);
    assert_drained(draining, &n, &is_wrong, LARGE);
    free(bytes);
}

static void test_a_second_read_is_refused_while_one_waits(void **state)
{
    struct streams *s = *state;
    struct trale_stream_read first, second;
    char buf[8], other[8] = "";
    struct trale_task *reading = begin(s, trale_stream_read(&first, s->client, buf, sizeof buf));
    assert_int_equal(trale_block_on(s->runtime, trale_stream_read(&second, s->client, other, sizeof other)), -EBUSY);
    assert_int_equal(do_write(s, s->server, "one", 3), 3);
    assert_int_equal(trale_join(reading), 3);
    reading = begin(s, trale_stream_read(&first, s->client, buf, sizeof buf));
    drop(reading);
    assert_int_equal(do_write(s, s->server, "two", 3), 3);
    assert_int_equal(trale_block_on(s->runtime, trale_stream_read(&second, s->client, other, sizeof other)), 3);
    assert_memory_equal(other, "two", 3);
}

static void test_a_second_write_is_refused_while_one_waits(void **state)
{
    struct streams *s = *state;
    char *bytes = large_new();
    struct trale_stream_write first;
    struct trale_task *writing = begin(s, trale_stream_write(&first, s->client, bytes, LARGE));
    assert_int_equal(do_write(s, s->client, "between", 7), -EBUSY);
    assert_int_equal(do_write(s, s->client, "between", 7), -EBUSY);
    drop(writing);
    size_t n;
    bool is_wrong;
    struct trale_task *draining = drain_all(s, s->server, &n, &is_wrong);
    assert_int_equal(do_write(s, s->client, bytes + first.n_written, LARGE - first.n_written), LARGE - first.n_written);
    do_close(s, s->client);
    assert_drained(draining, &n, &is_wrong, LARGE);
    free(bytes);
}

/* --- dropped ------------------------------------------------------------------------------------------------------ */

static void test_a_dropped_write_says_how_much_went_out(void **state)
{
    struct streams *s = *state;
    char *bytes = large_new();
    struct trale_stream_write write;
    size_t n;
    bool is_wrong;
    struct trale_task *writing = begin(s, trale_stream_write(&write, s->client, bytes, LARGE));
    drop(writing);
    assert_true(write.n_written > 0 && write.n_written < LARGE);
    do_close(s, s->client);
    assert_drained(drain_all(s, s->server, &n, &is_wrong), &n, &is_wrong, write.n_written);
    free(bytes);
}

static void test_a_write_that_fails_says_how_much_the_kernel_took(void **state)
{
    struct streams *s = *state;
    char *bytes = large_new();
    struct trale_stream_write write;
    struct trale_task *writing = begin(s, trale_stream_write(&write, s->client, bytes, LARGE));
    do_reset(s, s->server);
    assert_int_equal(trale_join(writing), -ECONNRESET);
    assert_true(write.n_written > 0 && write.n_written < LARGE);
    free(bytes);
}

/* Waits for the first of a read and a wake of the reader's own, time and again: reads are dropped in every state. */
struct drops {
    struct trale_future future;
    struct trale_stream_socket *socket;
    struct trale_stream_read read;
    struct trale_sleep sleep;
    TRALE_BRANCHES(2) race;
    size_t *n;
    bool *is_wrong;
    unsigned turn;
    char buf[3];
};

trale_async(drops)
{
    trale_begin();
    for (;;) {
        trale_await(trale_race_of(&self->race, trale_stream_read(&self->read, self->socket, self->buf, 3),
                                  trale_sleep(&self->sleep, self->turn++ % 4 * 20 * TRALE_MICROSECOND)));
        if (trale_result() == 1)
            continue;
        int64_t n = self->race.branch[0].result;
        if (n <= 0)
            trale_return(n);
        for (int64_t i = 0; i < n; i++)
            *self->is_wrong |= self->buf[i] != byte_at(*self->n + (size_t)i);
        *self->n += (size_t)n;
    }
}

static void test_reads_that_are_dropped_lose_no_byte(void **state)
{
    struct streams *s = *state;
    char bytes[1000];
    size_t n = 0;
    bool is_wrong = false;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = byte_at(i);
    struct trale_task *dropping = trale_spawn(s->runtime, drops, .socket = s->server, .n = &n, .is_wrong = &is_wrong);
    for (size_t i = 0; i < sizeof bytes; i++)
        assert_int_equal(do_write(s, s->client, bytes + i, 1), 1);
    do_close(s, s->client);
    assert_int_equal(trale_join(dropping), 0);
    assert_int_equal(n, sizeof bytes);
    assert_false(is_wrong);
}

static void test_a_read_that_is_woken_and_dropped_has_taken_nothing(void **state)
{
    struct streams *s = *state;
    struct trale_stream_read read;
    char buf[8];
    for (int i = 0; i < 20; i++) {
        struct trale_task *reading = begin(s, trale_stream_read(&read, s->server, buf, sizeof buf));
        assert_int_equal(do_write(s, s->client, "x", 1), 1);
        trale_abort(reading);
        int64_t r = trale_join(reading);
        assert_true(r == 1 || r == -ECANCELED);
        if (r == -ECANCELED)
            assert_int_equal(do_read(s, s->server, buf, sizeof buf), 1);
    }
}

/* --- closed ------------------------------------------------------------------------------------------------------- */

static void test_closing_cancels_what_waits(void **state)
{
    struct streams *s = *state;
    char *bytes = large_new(), buf[8];
    struct trale_stream_read read;
    struct trale_stream_write write;
    struct trale_task *reading = begin(s, trale_stream_read(&read, s->client, buf, sizeof buf));
    struct trale_task *writing = begin(s, trale_stream_write(&write, s->client, bytes, LARGE));
    do_close(s, s->client);
    assert_int_equal(trale_join(reading), -ECANCELED);
    assert_int_equal(trale_join(writing), -ECANCELED);
    assert_true(write.n_written > 0 && write.n_written < LARGE);
    free(bytes);
}

static void test_closing_cancels_what_was_not_polled_yet(void **state)
{
    struct streams *s = *state;
    char buf[8];
    struct trale_stream_read read, dropped;
    struct trale_stream_write write;
    struct trale_future *reading = trale_stream_read(&read, s->client, buf, sizeof buf);
    struct trale_future *writing = trale_stream_write(&write, s->client, buf, sizeof buf);
    struct trale_task *never = begin(s, trale_stream_read(&dropped, s->client, buf, sizeof buf));
    do_close(s, s->client);
    trale_abort(never);
    assert_int_equal(trale_join(never), -ECANCELED);
    struct trale_stream_socket *other = NULL;
    struct trale_task *connecting;
    struct trale_stream_connect connect;
    connecting = begin(s, trale_stream_connect(&connect, &s->address)); /* takes the memory of the closed socket */
    assert_int_equal(do_accept(s, &other), 0);
    assert_int_equal(trale_join(connecting), 0);
    assert_int_equal(trale_block_on(s->runtime, reading), -ECANCELED);
    assert_int_equal(trale_block_on(s->runtime, writing), -ECANCELED);
    assert_int_equal(do_write(s, connect.socket, "fine", 4), 4);
    assert_int_equal(do_read_all(s, other, buf, 4), 4);
}

static void test_closing_nothing_does_nothing(void **state)
{
    (void)state;
    trale_stream_close(NULL);
    trale_stream_close_listener(NULL);
}

/* --- fairness ----------------------------------------------------------------------------------------------------- */

/* Moves bytes to itself for ever: both ends are always ready. */
struct busy {
    struct trale_future future;
    struct trale_stream_socket *from, *to;
    struct trale_stream_read read;
    struct trale_stream_write write;
    char buf[16];
};

trale_async(busy)
{
    trale_begin();
    for (;;) {
        trale_try(trale_stream_write(&self->write, self->to, self->buf, sizeof self->buf));
        trale_try(trale_stream_read(&self->read, self->from, self->buf, sizeof self->buf));
    }
}

static void test_a_connection_that_is_always_ready_does_not_starve_others(void **state)
{
    struct streams *s = *state;
    struct trale_task *moving = trale_spawn(s->runtime, busy, .from = s->server, .to = s->client);
    struct trale_sleep sleep;
    for (int i = 0; i < 3; i++)
        assert_int_equal(trale_block_on(s->runtime, trale_sleep(&sleep, TRALE_MILLISECOND)), 0);
    trale_abort(moving);
    assert_int_equal(trale_join(moving), -ECANCELED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, streams_open, streams_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bytes_arrive_in_order_and_both_ways),
        TEST(test_a_read_waits_and_takes_what_is_there),
        TEST(test_pieces_of_no_bytes_are_no_end),
        TEST(test_a_read_of_no_bytes_is_refused_and_a_write_of_none_is_done),
        TEST(test_pieces_are_written_and_read_as_one),
        TEST(test_a_write_waits_until_all_is_taken),
        TEST(test_many_pieces_are_written_in_order),
        TEST(test_the_end_of_the_stream_is_0_time_and_again),
        TEST(test_a_read_that_waits_finds_the_end),
        TEST(test_a_reset_is_never_an_end),
        TEST(test_a_read_that_waits_finds_the_reset),
        TEST(test_a_reset_that_a_write_has_found_is_no_end_for_reads),
        TEST(test_bytes_that_came_before_a_reset_are_read_first),
        TEST(test_a_peer_that_closes_without_reading_resets),
        TEST(test_a_write_to_a_peer_that_is_gone_raises_no_signal),
        TEST(test_the_other_direction_goes_on_after_a_half_close),
        TEST(test_a_read_that_waits_ends_when_reads_are_shut_down),
        TEST(test_a_write_that_waits_ends_when_writes_are_shut_down),
        TEST(test_a_shutdown_of_nothing_is_refused),
        TEST(test_a_read_and_a_write_wait_at_the_same_time),
        TEST(test_a_second_read_is_refused_while_one_waits),
        TEST(test_a_second_write_is_refused_while_one_waits),
        TEST(test_a_dropped_write_says_how_much_went_out),
        TEST(test_a_write_that_fails_says_how_much_the_kernel_took),
        TEST(test_reads_that_are_dropped_lose_no_byte),
        TEST(test_a_read_that_is_woken_and_dropped_has_taken_nothing),
        TEST(test_closing_cancels_what_waits),
        TEST(test_closing_cancels_what_was_not_polled_yet),
        TEST(test_closing_nothing_does_nothing),
        TEST(test_a_connection_that_is_always_ready_does_not_starve_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
