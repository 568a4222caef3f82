/* SPDX-License-Identifier: MIT
 *
 * TCP of the simulated world alone: what applications can observe of connections. */
#include "tests/open_world.h"

#include "drivers/sim/tcp/named.h"
#include "drivers/sim/tcp/tcp.h"
#include "drivers/sim/world/link.h"

/* --- a world ------------------------------------------------------------------------------------------------------ */

static struct host *there; /* 10.0.0.2 */
static struct world_program *program;

static void open_world(uint64_t seed)
{
    const struct trale_address address = test_address("10.0.0.2:0");
    world_open_with(seed);
    there = host_get(world, &address);
    program = world_enter(world);
}

static int set_up(void **state)
{
    (void)state;
    open_world(1);
    return 0;
}

/* --- endpoints ---------------------------------------------------------------------------------------------------- */

static const struct tcp_flags no_flags;

static struct endpoint *owned(struct endpoint *endpoint)
{
    if (endpoint != NULL)
        endpoint->program = program;
    return endpoint;
}

static struct endpoint *listen_at(const char *address)
{
    const struct trale_address local = test_address(address);
    struct endpoint *listener = NULL;
    assert_int_equal(tcp_listen(world, here, &local, &no_flags, &listener), 0);
    return owned(listener);
}

static int try_connect(struct host *host, const char *address, struct endpoint **endpoint)
{
    static const struct trale_address none;
    const struct trale_address to = test_address(address);
    int r = tcp_connect(world, host, &to, &none, endpoint);
    if (r == 0)
        owned(*endpoint);
    return r;
}

static struct endpoint *connect_to(const char *address)
{
    struct endpoint *endpoint = NULL;
    assert_int_equal(try_connect(here, address, &endpoint), 0);
    return endpoint;
}

/* A connection from 10.0.0.1 to 10.0.0.2, which is there. */
struct pair {
    struct endpoint *listener, *near, *far;
};

static struct pair connect_pair(void)
{
    struct pair pair = {.listener = listen_at("10.0.0.2:7")};
    pair.near = connect_to("10.0.0.2:7");
    while (tcp_connected(pair.near) == -EAGAIN && world_step(world))
        ;
    assert_int_equal(tcp_connected(pair.near), 0);
    run();
    pair.far = owned(tcp_accept(world, pair.listener));
    assert_non_null(pair.far);
    return pair;
}

static int64_t write_to(struct endpoint *endpoint, const void *bytes, size_t size)
{
    return tcp_write(world, endpoint, bytes, size);
}

static int64_t read_from(struct endpoint *endpoint, void *buf, size_t size)
{
    return tcp_read(world, endpoint, buf, size);
}

static void assert_reads(struct endpoint *endpoint, const char *text)
{
    char buf[256] = "";
    assert_int_equal(read_from(endpoint, buf, sizeof buf - 1), strlen(text));
    assert_string_equal(buf, text);
}

static int64_t read_result(struct endpoint *endpoint)
{
    char buf[256];
    return read_from(endpoint, buf, sizeof buf);
}

/* The bytes that a test sends: each depends on its place. */
static unsigned char byte_at(uint64_t at)
{
    return (unsigned char)(draw_mix(at / 8) >> at % 8 * 8);
}

static uint64_t write_some(struct endpoint *endpoint, uint64_t at, uint64_t size)
{
    static unsigned char bytes[65536];
    size = size < sizeof bytes ? size : sizeof bytes;
    for (uint64_t i = 0; i < size; i++)
        bytes[i] = byte_at(at + i);
    int64_t n = write_to(endpoint, bytes, size);
    assert_true(n > 0 || n == -EAGAIN);
    return n > 0 ? (uint64_t)n : 0;
}

static uint64_t read_some(struct endpoint *endpoint, uint64_t at, uint64_t size)
{
    static unsigned char bytes[65536];
    int64_t n = read_from(endpoint, bytes, size < sizeof bytes ? size : sizeof bytes);
    assert_true(n > 0 || n == -EAGAIN);
    for (int64_t i = 0; i < n; i++)
        assert_int_equal(bytes[i], byte_at(at + (uint64_t)i));
    return n > 0 ? (uint64_t)n : 0;
}

/* Sends so many bytes, and reads them as they come. Returns when the last one was read. */
static uint64_t transfer(struct endpoint *from, struct endpoint *to, uint64_t size)
{
    uint64_t n_written = 0, n_read = 0;
    for (;;) {
        uint64_t n;
        while (n_written < size && (n = write_some(from, n_written, size - n_written)) > 0)
            n_written += n;
        while ((n = read_some(to, n_read, 65536)) > 0)
            n_read += n;
        if (n_read == size)
            return now_ns();
        if (!world_step(world))
            fail_msg("nothing goes on after %llu bytes", (unsigned long long)n_read);
    }
}

/* --- beginning ---------------------------------------------------------------------------------------------------- */

static void test_a_connection_takes_a_round_trip_and_bytes_half_of_one(void **state)
{
    (void)state;
    begin("from 0s latency * -> * 30ms");
    struct endpoint *listener = listen_at("10.0.0.2:7"), *near = connect_to("10.0.0.2:7");
    assert_int_equal(tcp_connected(near), -EAGAIN);
    run_until(59 * MILLISECOND);
    assert_int_equal(tcp_connected(near), -EAGAIN);
    run_until(60 * MILLISECOND);
    assert_int_equal(tcp_connected(near), 0);
    assert_null(tcp_accept(world, listener));
    assert_int_equal(write_to(near, "hello", 5), 5);
    run_until(90 * MILLISECOND);
    struct endpoint *far = owned(tcp_accept(world, listener));
    assert_non_null(far);
    assert_true(trale_address_equal(&far->peer, &near->local));
    assert_true(trale_address_equal(&far->local, &near->peer));
    assert_reads(far, "hello");
    assert_int_equal(write_to(far, "you", 3), 3);
    run_until(120 * MILLISECOND);
    assert_reads(near, "you");
    assert_int_equal(read_result(near), -EAGAIN);
}

static void test_within_a_host_all_is_there_at_once(void **state)
{
    (void)state;
    begin("from 0s loss * -> * 100%");
    struct endpoint *listener = listen_at("127.0.0.1:7"), *near = connect_to("127.0.0.1:7");
    assert_int_equal(tcp_connected(near), 0);
    struct endpoint *far = owned(tcp_accept(world, listener));
    assert_int_equal(write_to(near, "hello", 5), 5);
    assert_reads(far, "hello");
    tcp_close(world, far);
    assert_int_equal(read_result(near), 0);
    assert_int_equal(now_ns(), 0);
}

static void test_a_port_without_a_listener_refuses(void **state)
{
    (void)state;
    struct endpoint *near = connect_to("10.0.0.2:7"), *local = connect_to("127.0.0.1:7");
    assert_int_equal(tcp_connected(local), -ECONNREFUSED);
    run();
    assert_int_equal(tcp_connected(near), -ECONNREFUSED);
    assert_int_equal(now_ns(), 2 * MILLISECOND);
}

static void test_a_lost_syn_is_sent_again_after_1_and_3_seconds(void **state)
{
    (void)state;
    listen_at("10.0.0.2:7");
    begin("at 0s drop 10.0.0.1 -> 10.0.0.2 2");
    struct endpoint *near = connect_to("10.0.0.2:7");
    run_until(3 * SECOND);
    assert_int_equal(tcp_connected(near), -EAGAIN);
    run_until(3 * SECOND + 2 * MILLISECOND);
    assert_int_equal(tcp_connected(near), 0);
}

static void test_a_connect_without_an_answer_ends_after_127_seconds(void **state)
{
    (void)state;
    struct endpoint *near = connect_to("10.0.0.9:7");
    run_until(127 * SECOND - 1);
    assert_int_equal(tcp_connected(near), -EAGAIN);
    run();
    assert_int_equal(tcp_connected(near), -ETIMEDOUT);
    assert_int_equal(now_ns(), 127 * SECOND);
    assert_int_equal(world->report->n_segments, 7);
}

static void test_a_full_accept_queue_drops_syns_until_there_is_room(void **state)
{
    (void)state;
    struct endpoint *listener = listen_at("10.0.0.2:7"), *near[4];
    listener->backlog = 1;
    for (size_t i = 0; i < 3; i++)
        near[i] = connect_to("10.0.0.2:7");
    run_until(500 * MILLISECOND);
    assert_int_equal(tcp_connected(near[0]), 0);
    assert_int_equal(tcp_connected(near[1]), 0);
    assert_int_equal(tcp_connected(near[2]), 0); /* as it thinks: its SYN has come when there was room */
    assert_int_equal(listener->n_queued, 2);
    near[3] = connect_to("10.0.0.2:7");
    run_until(900 * MILLISECOND);
    assert_int_equal(tcp_connected(near[3]), -EAGAIN);
    owned(tcp_accept(world, listener));
    run_until(2 * SECOND); /* both are tried again after a second; the one that had been answered comes first */
    assert_int_equal(listener->n_queued, 2);
    owned(tcp_accept(world, listener));
    run_until(9 * SECOND);
    assert_int_equal(tcp_connected(near[3]), 0);
    assert_int_equal(listener->n_queued, 2);
}

static void test_a_listener_that_closes_resets_what_was_not_accepted(void **state)
{
    (void)state;
    struct endpoint *listener = listen_at("10.0.0.2:7"), *near = connect_to("10.0.0.2:7");
    run();
    assert_int_equal(tcp_connected(near), 0);
    tcp_close(world, listener);
    run();
    assert_int_equal(read_result(near), -ECONNRESET);
    assert_int_equal(write_to(near, "x", 1), -ECONNRESET);
    connect_to("10.0.0.2:7");
    listen_at("10.0.0.2:7"); /* and the port is free */
}

/* --- losses ------------------------------------------------------------------------------------------------------- */

static void test_a_lost_segment_is_latency_and_holds_up_those_behind_it(void **state)
{
    (void)state;
    struct pair pair = connect_pair();
    pair.near->options.no_delay = true;
    uint64_t begins_ns = now_ns();
    begin("at 0s drop 10.0.0.1 -> 10.0.0.2 1");
    assert_int_equal(write_to(pair.near, "one", 3), 3);
    assert_int_equal(write_to(pair.near, "two", 3), 3);
    run_until(begins_ns + 100 * MILLISECOND);
    assert_int_equal(read_result(pair.far), -EAGAIN);
    run();
    assert_reads(pair.far, "onetwo");
    assert_in_range(now_ns() - begins_ns, 200 * MILLISECOND, 220 * MILLISECOND); /* the shortest time of Linux */
}

static void test_of_many_segments_a_lost_one_is_sent_again_after_a_round_trip(void **state)
{
    (void)state;
    begin("from 0s latency * -> * 20ms");
    struct pair pair = connect_pair();
    uint64_t begins_ns = now_ns();
    begin("at 0s drop 10.0.0.1 -> 10.0.0.2 1");
    assert_int_equal(write_some(pair.near, 0, 8 * ENDPOINT_SEGMENT), 8 * ENDPOINT_SEGMENT);
    run();
    assert_int_equal(read_some(pair.far, 0, 65536), 8 * ENDPOINT_SEGMENT);
    assert_in_range(now_ns() - begins_ns, 80 * MILLISECOND, 90 * MILLISECOND);
}

static void test_an_unacknowledged_segment_is_sent_again_after_longer_and_longer(void **state)
{
    (void)state;
    struct pair pair = connect_pair();
    uint64_t begins_ns = now_ns();
    struct fault *cut = begin("at 0s partition 10.0.0.1 | 10.0.0.2");
    assert_int_equal(write_to(pair.near, "late", 4), 4);
    run_until(begins_ns + 5 * SECOND); /* it was sent again after 0.2, 0.6, 1.4 and 3 seconds */
    fault_end(&world->faults, cut);
    assert_int_equal(world->report->n_segments_again, 4);
    run();
    assert_reads(pair.far, "late");
    assert_in_range(now_ns() - begins_ns, 6 * SECOND, 7 * SECOND);
}

static void test_whatever_the_network_does_each_byte_arrives_once_and_in_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        world_free(world);
        open_world(seed);
        begin("from 0s latency * -> * 10ms jitter 8ms");
        begin("from 0s loss * -> * 5%");
        begin("from 0s reorder * -> * 20% by 30ms");
        begin("from 0s duplicate * -> * 10%");
        begin("from 0s corrupt * -> * 3% unchecked");
        struct pair pair = connect_pair();
        transfer(pair.near, pair.far, 400000);
        transfer(pair.far, pair.near, 100000);
        tcp_close(world, pair.near);
        run();
        assert_int_equal(read_result(pair.far), 0);
        tcp_close(world, pair.far);
        run();
        tcp_close(world, pair.listener);
        assert_int_equal(here->endpoints.next == &here->endpoints, 1);
        assert_int_equal(there->endpoints.next == &there->endpoints, 1);
    }
}

static void test_a_limited_bandwidth_is_used_and_not_exceeded(void **state)
{
    (void)state;
    begin("from 0s latency * -> * 10ms");
    begin("from 0s bandwidth * -> * 100000");
    begin("from 0s queue * -> * 20000");
    struct pair pair = connect_pair();
    uint64_t begins_ns = now_ns(), took_ns = transfer(pair.near, pair.far, 1000000) - begins_ns;
    assert_in_range(took_ns, 10 * SECOND, 16 * SECOND);
}

/* --- buffers ------------------------------------------------------------------------------------------------------ */

static void test_a_slow_reader_stops_the_writer(void **state)
{
    (void)state;
    struct pair pair = connect_pair();
    uint64_t n_written = 0, n;
    for (int i = 0; i < 100; i++) {
        while ((n = write_some(pair.near, n_written, 65536)) > 0)
            n_written += n;
        run();
    }
    assert_int_equal(n_written, ENDPOINT_BUFFER); /* half of each buffer */
    assert_int_equal(pair.far->input.queue.size, ENDPOINT_BUFFER / 2);
    assert_int_equal(read_some(pair.far, 0, 1000), 1000); /* too little to speak of */
    run();
    assert_int_equal(write_some(pair.near, n_written, 65536), 0);
    uint64_t n_read = 1000;
    while ((n = read_some(pair.far, n_read, 65536)) > 0 || world_step(world))
        n_read += n;
    assert_int_equal(n_read, n_written);
    assert_int_equal(write_some(pair.near, n_written, 65536), 65536);
}

static void test_a_window_that_was_opened_unheard_is_asked_for(void **state)
{
    (void)state;
    struct pair pair = connect_pair();
    uint64_t n_written = 0, n_read = 0, n;
    while ((n = write_some(pair.near, n_written, 65536)) > 0 || world_step(world))
        n_written += n;
    struct fault *cut = begin("at 0s partition 10.0.0.2 -> 10.0.0.1");
    while (n_read < ENDPOINT_BUFFER / 2)
        n_read += read_some(pair.far, n_read, 65536);
    run_until(now_ns() + 10 * SECOND);
    fault_end(&world->faults, cut);
    while ((n = read_some(pair.far, n_read, 65536)) > 0 || world_step(world))
        n_read += n;
    assert_int_equal(n_read, n_written);
}

static void test_nothing_goes_on_for_ever_while_a_writer_waits(void **state)
{
    (void)state;
    struct pair pair = connect_pair();
    uint64_t n_written = 0, n;
    while ((n = write_some(pair.near, n_written, 65536)) > 0 || world_step(world))
        n_written += n;
    assert_int_equal(world_next_ns(world), UINT64_MAX); /* so the run is seen to hang */
    assert_true(now_ns() < 10 * SECOND);
    begin("at 0s partition 10.0.0.1 | 10.0.0.2"); /* but now a probe would find something out */
    assert_int_not_equal(world_next_ns(world), UINT64_MAX);
    run();
    assert_int_equal(write_to(pair.near, "x", 1), -ETIMEDOUT);
}

static void test_small_writes_wait_for_an_acknowledgement_unless_they_must_not(void **state)
{
    (void)state;
    begin("from 0s latency * -> * 10ms");
    struct pair pair = connect_pair();
    uint64_t n_segments = world->report->n_segments;
    for (int i = 0; i < 5; i++)
        write_to(pair.near, "x", 1);
    run();
    assert_reads(pair.far, "xxxxx");
    assert_int_equal(world->report->n_segments - n_segments, 4); /* "x", "xxxx" and their acknowledgements */
    pair.near->options.no_delay = true;
    n_segments = world->report->n_segments;
    for (int i = 0; i < 5; i++)
        write_to(pair.near, "y", 1);
    run();
    assert_reads(pair.far, "yyyyy");
    assert_int_equal(world->report->n_segments - n_segments, 10);
}

static void test_a_corked_write_waits_for_200_ms(void **state)
{
    (void)state;
    struct pair pair = connect_pair();
    uint64_t begins_ns = now_ns();
    pair.near->options.cork = true;
    write_to(pair.near, "x", 1);
    run_until(begins_ns + 150 * MILLISECOND);
    assert_int_equal(read_result(pair.far), -EAGAIN);
    run_until(begins_ns + 201 * MILLISECOND);
    assert_reads(pair.far, "x");
    write_to(pair.near, "y", 1);
    run_until(begins_ns + 250 * MILLISECOND);
    assert_int_equal(read_result(pair.far), -EAGAIN);
    pair.near->options.cork = false;
    tcp_configure(world, pair.near);
    run_until(begins_ns + 251 * MILLISECOND);
    assert_reads(pair.far, "y");
}

/* --- endings ------------------------------------------------------------------------------------------------------ */

static void test_a_shutdown_ends_one_direction_behind_what_was_written(void **state)
{
    (void)state;
    struct pair pair = connect_pair();
    write_to(pair.near, "last", 4);
    assert_int_equal(tcp_shutdown(world, pair.near, false, true), 0);
    assert_int_equal(write_to(pair.near, "x", 1), -EPIPE);
    run();
    assert_reads(pair.far, "last");
    assert_int_equal(read_result(pair.far), 0);
    assert_int_equal(read_result(pair.far), 0);
    write_to(pair.far, "answer", 6);
    run();
    assert_reads(pair.near, "answer");
    tcp_close(world, pair.far);
    run();
    assert_int_equal(read_result(pair.near), 0);
}

static void test_the_end_of_the_stream_is_sent_again_if_it_is_lost(void **state)
{
    (void)state;
    struct pair pair = connect_pair();
    begin("at 0s drop 10.0.0.1 -> 10.0.0.2 1");
    tcp_close(world, pair.near);
    run_until(now_ns() + 100 * MILLISECOND);
    assert_int_equal(read_result(pair.far), -EAGAIN);
    run();
    assert_int_equal(read_result(pair.far), 0);
}

static void test_a_close_with_unread_bytes_resets_and_what_had_arrived_is_read_first(void **state)
{
    (void)state;
    struct pair pair = connect_pair();
    write_to(pair.near, "unread", 6);
    write_to(pair.far, "before", 6);
    run();
    tcp_close(world, pair.far);
    run();
    assert_reads(pair.near, "before");
    assert_int_equal(read_result(pair.near), -ECONNRESET);
    assert_int_equal(read_result(pair.near), -ECONNRESET);
    assert_int_equal(write_to(pair.near, "x", 1), -ECONNRESET);
}

static void test_bytes_for_a_closed_socket_are_answered_by_a_reset(void **state)
{
    (void)state;
    struct pair pair = connect_pair();
    tcp_close(world, pair.far);
    run_until(now_ns() + 10 * MILLISECOND);
    assert_int_equal(read_result(pair.near), 0);
    assert_int_equal(write_to(pair.near, "x", 1), 1);
    run_until(now_ns() + 10 * MILLISECOND);
    assert_int_equal(write_to(pair.near, "x", 1), -EPIPE);
    assert_int_equal(read_result(pair.near), 0);
}

static void test_linger_0_resets(void **state)
{
    (void)state;
    struct pair pair = connect_pair();
    pair.far->options.resets = true;
    tcp_close(world, pair.far);
    run();
    assert_int_equal(read_result(pair.near), -ECONNRESET);
}

/* --- peers that do not answer ------------------------------------------------------------------------------------- */

static void test_a_partition_ends_a_connection_after_15_minutes(void **state)
{
    (void)state;
    struct pair pair = connect_pair();
    uint64_t begins_ns = now_ns();
    begin("at 0s partition 10.0.0.1 | 10.0.0.2");
    write_to(pair.near, "x", 1);
    run_until(begins_ns + 924 * SECOND);
    assert_int_equal(read_result(pair.near), -EAGAIN);
    run();
    assert_int_equal(read_result(pair.near), -ETIMEDOUT);
    assert_int_equal(write_to(pair.near, "x", 1), -ETIMEDOUT);
    assert_in_range(now_ns() - begins_ns, 924 * SECOND, 1045 * SECOND);
    assert_int_equal(read_result(pair.far), -EAGAIN); /* which it never hears of */
}

static void test_a_user_timeout_ends_it_earlier(void **state)
{
    (void)state;
    struct pair pair = connect_pair();
    uint64_t begins_ns = now_ns();
    pair.near->options.user_timeout_ms = 5000;
    begin("at 0s partition 10.0.0.1 | 10.0.0.2");
    write_to(pair.near, "x", 1);
    run();
    assert_int_equal(read_result(pair.near), -ETIMEDOUT);
    assert_int_equal(now_ns() - begins_ns, 5 * SECOND);
}

static void test_keep_alive_finds_a_peer_that_is_gone_and_an_idle_one_is_none(void **state)
{
    (void)state;
    struct pair pair = connect_pair();
    pair.near->options.keep_alive = true;
    pair.near->options.keep_idle_s = 10;
    pair.near->options.keep_interval_s = 3;
    pair.near->options.keep_count = 4;
    tcp_configure(world, pair.near);
    assert_int_equal(world_next_ns(world), UINT64_MAX);
    run_until(3600 * SECOND);
    assert_int_equal(read_result(pair.near), -EAGAIN);
    begin("at 0s partition 10.0.0.1 | 10.0.0.2");
    run();
    assert_int_equal(read_result(pair.near), -ETIMEDOUT);
    assert_in_range(now_ns(), 3600 * SECOND, 3623 * SECOND);
}

static void test_a_host_that_has_crashed_resets_when_it_is_back(void **state)
{
    (void)state;
    struct pair pair = connect_pair();
    there->n_down = 1;
    tcp_crash(world, there);
    write_to(pair.near, "x", 1);
    run_until(10 * SECOND);
    assert_int_equal(read_result(pair.near), -EAGAIN);
    assert_int_equal(read_result(pair.far), -EAGAIN); /* of a host that is down, nothing is heard */
    assert_int_equal(write_to(pair.far, "x", 1), -EAGAIN);
    there->n_down = 0;
    run();
    assert_int_equal(read_result(pair.near), -ECONNRESET);
    tcp_close(world, pair.far);
    tcp_close(world, pair.listener);
}

static void test_of_a_crash_one_who_only_reads_hears_nothing(void **state)
{
    (void)state;
    struct pair pair = connect_pair();
    tcp_crash(world, there);
    run();
    assert_int_equal(read_result(pair.near), -EAGAIN);
    assert_int_equal(world_next_ns(world), UINT64_MAX);
    pair.near->options.keep_alive = true; /* unless it asks */
    tcp_configure(world, pair.near);
    run();
    assert_int_equal(read_result(pair.near), -ECONNRESET);
}

static void test_a_port_that_a_peer_has_forgotten_can_be_used_again(void **state)
{
    (void)state;
    const struct trale_address to = test_address("10.0.0.2:7"), from = test_address("10.0.0.1:9");
    struct endpoint *listener = listen_at("10.0.0.2:7"), *near = NULL, *again = NULL;
    assert_int_equal(tcp_connect(world, here, &to, &from, &near), 0);
    owned(near);
    run();
    struct endpoint *far = owned(tcp_accept(world, listener));
    assert_int_equal(tcp_connect(world, here, &to, &from, &again), -EADDRINUSE);
    tcp_crash(world, here);
    uint64_t begins_ns = now_ns();
    assert_int_equal(tcp_connect(world, here, &to, &from, &again), 0);
    owned(again);
    run();
    assert_int_equal(tcp_connected(again), 0);
    assert_in_range(now_ns() - begins_ns, SECOND, SECOND + 10 * MILLISECOND); /* the first SYN met the old one */
    assert_int_equal(read_result(far), -ECONNRESET);
}

static void test_a_reset_in_the_network_is_seen_on_both_sides(void **state)
{
    (void)state;
    struct pair pair = connect_pair();
    char error[SCENARIO_ERROR];
    struct scenario_entry entry;
    assert_int_equal(scenario_parse("at 3s reset 10.0.0.2 -> *", &entry, error), 1);
    write_to(pair.far, "here", 4);
    run();
    tcp_reset(world, &entry.from, &entry.to);
    assert_reads(pair.near, "here");
    assert_int_equal(read_result(pair.near), -ECONNRESET);
    assert_int_equal(read_result(pair.far), -ECONNRESET);
    assert_int_equal(world->report->n_resets, 2);
}

/* --- addresses ---------------------------------------------------------------------------------------------------- */

static void test_ports_are_taken_as_in_linux(void **state)
{
    (void)state;
    const struct trale_address any = test_address("0.0.0.0:80"), v6 = test_address("[::]:80");
    const struct tcp_flags shared = {.reuse_port = true}, only = {.v6_only = true};
    struct endpoint *listener = listen_at("10.0.0.1:80"), *other;
    assert_int_equal(tcp_listen(world, here, &any, &no_flags, &other), -EADDRINUSE);
    assert_int_equal(tcp_listen(world, here, &v6, &no_flags, &other), -EADDRINUSE);
    assert_int_equal(tcp_listen(world, here, &v6, &only, &other), 0);
    tcp_close(world, other);
    tcp_close(world, listener);
    struct endpoint *one, *two;
    assert_int_equal(tcp_listen(world, here, &any, &shared, &one), 0);
    assert_int_equal(tcp_listen(world, here, &any, &shared, &two), 0);
    assert_int_equal(tcp_listen(world, here, &any, &no_flags, &other), -EADDRINUSE);
    for (int i = 0; i < 40; i++)
        connect_to("127.0.0.1:80");
    assert_in_range(one->n_queued, 5, 35);
    assert_int_equal(one->n_queued + two->n_queued, 40);
}

static void test_a_listener_of_both_families_shows_ipv4_mapped(void **state)
{
    (void)state;
    struct endpoint *listener = listen_at("[::]:80"), *near = connect_to("127.0.0.1:80");
    assert_int_equal(tcp_connected(near), 0);
    struct endpoint *far = owned(tcp_accept(world, listener));
    const struct trale_address shown = endpoint_show(far, &far->peer);
    assert_true(IN6_IS_ADDR_V4MAPPED(&shown.v6.sin6_addr));
    assert_int_equal(trale_address_port(&shown), trale_address_port(&near->local));
    assert_int_equal(tcp_connected(connect_to("[::1]:80")), 0);
}

static void test_addresses_that_cannot_be_reached_are_refused_at_once(void **state)
{
    (void)state;
    struct endpoint *endpoint;
    assert_int_equal(try_connect(here, "224.0.0.1:7", &endpoint), -ENETUNREACH);
    assert_int_equal(try_connect(here, "255.255.255.255:7", &endpoint), -ENETUNREACH);
    const struct trale_address to = test_address("10.0.0.2:7"), from = test_address("127.0.0.1:0");
    const struct trale_address v6 = test_address("[fd00::a00:1]:0");
    assert_int_equal(tcp_connect(world, here, &to, &from, &endpoint), -EINVAL);
    assert_int_equal(tcp_connect(world, here, &to, &v6, &endpoint), -EAFNOSUPPORT);
}

static void test_a_name_is_of_its_host_and_ends_with_it(void **state)
{
    (void)state;
    struct endpoint *listener, *other, *near;
    assert_int_equal(named_listen(world, here, "/run/name", &listener), 0);
    owned(listener);
    assert_int_equal(named_listen(world, here, "/run/name", &other), -EADDRINUSE);
    assert_int_equal(named_connect(world, there, "/run/name", &near), -ENOENT);
    assert_int_equal(named_connect(world, there, "@name", &near), -ECONNREFUSED);
    assert_int_equal(named_connect(world, here, "/run/name", &near), 0);
    owned(near);
    struct endpoint *far = owned(tcp_accept(world, listener));
    assert_int_equal(write_to(near, "left", 4), 4);
    tcp_close(world, near); /* it is gone, and what it has written is not */
    assert_reads(far, "left");
    assert_int_equal(read_result(far), 0);
    assert_int_equal(write_to(far, "x", 1), -EPIPE);
    tcp_crash(world, here);
    assert_int_equal(named_connect(world, here, "/run/name", &near), -ENOENT);
    tcp_close(world, listener);
    tcp_close(world, far);
    assert_true(here->endpoints.next == &here->endpoints);
    assert_int_equal(world_next_ns(world), UINT64_MAX);
}

static void test_a_connect_to_a_name_waits_for_room(void **state)
{
    (void)state;
    struct endpoint *listener, *near[3];
    assert_int_equal(named_listen(world, here, "@name", &listener), 0);
    owned(listener)->backlog = 0;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(named_connect(world, here, "@name", &near[i]), 0);
        owned(near[i]);
        assert_int_equal(tcp_connected(near[i]), i == 0 ? 0 : -EAGAIN);
    }
    tcp_close(world, near[1]);
    assert_non_null(owned(tcp_accept(world, listener)));
    assert_int_equal(tcp_connected(near[2]), 0);
    assert_int_equal(named_connect(world, here, "@name", &near[1]), 0);
    owned(near[1]);
    tcp_close(world, listener);
    assert_int_equal(tcp_connected(near[1]), -ECONNREFUSED);
    assert_int_equal(read_result(near[2]), -ECONNRESET);
}

/* --- draws -------------------------------------------------------------------------------------------------------- */

static void test_segments_change_no_draw_of_datagrams(void **state)
{
    (void)state;
    begin("from 0s loss * -> * 50%");
    struct link *link = link_get(world, &here->identity, &there->identity);
    bool lost[64];
    for (size_t i = 0; i < 64; i++)
        lost[i] = link_decide(world, link, 100, 1, 800).is_lost;
    world_free(world);
    open_world(1);
    begin("from 0s loss * -> * 50%");
    link = link_get(world, &here->identity, &there->identity);
    size_t n_lost = 0;
    for (size_t i = 0; i < 64; i++) {
        n_lost += link_decide_segment(world, link, 100).is_lost;
        assert_int_equal(link_decide(world, link, 100, 1, 800).is_lost, lost[i]);
    }
    assert_in_range(n_lost, 16, 48);
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(test_a_connection_takes_a_round_trip_and_bytes_half_of_one),
        claim(test_within_a_host_all_is_there_at_once),
        claim(test_a_port_without_a_listener_refuses),
        claim(test_a_lost_syn_is_sent_again_after_1_and_3_seconds),
        claim(test_a_connect_without_an_answer_ends_after_127_seconds),
        claim(test_a_full_accept_queue_drops_syns_until_there_is_room),
        claim(test_a_listener_that_closes_resets_what_was_not_accepted),
        claim(test_a_lost_segment_is_latency_and_holds_up_those_behind_it),
        claim(test_of_many_segments_a_lost_one_is_sent_again_after_a_round_trip),
        claim(test_an_unacknowledged_segment_is_sent_again_after_longer_and_longer),
        claim(test_whatever_the_network_does_each_byte_arrives_once_and_in_order),
        claim(test_a_limited_bandwidth_is_used_and_not_exceeded),
        claim(test_a_slow_reader_stops_the_writer),
        claim(test_a_window_that_was_opened_unheard_is_asked_for),
        claim(test_nothing_goes_on_for_ever_while_a_writer_waits),
        claim(test_small_writes_wait_for_an_acknowledgement_unless_they_must_not),
        claim(test_a_corked_write_waits_for_200_ms),
        claim(test_a_shutdown_ends_one_direction_behind_what_was_written),
        claim(test_the_end_of_the_stream_is_sent_again_if_it_is_lost),
        claim(test_a_close_with_unread_bytes_resets_and_what_had_arrived_is_read_first),
        claim(test_bytes_for_a_closed_socket_are_answered_by_a_reset),
        claim(test_linger_0_resets),
        claim(test_a_partition_ends_a_connection_after_15_minutes),
        claim(test_a_user_timeout_ends_it_earlier),
        claim(test_keep_alive_finds_a_peer_that_is_gone_and_an_idle_one_is_none),
        claim(test_a_host_that_has_crashed_resets_when_it_is_back),
        claim(test_of_a_crash_one_who_only_reads_hears_nothing),
        claim(test_a_port_that_a_peer_has_forgotten_can_be_used_again),
        claim(test_a_reset_in_the_network_is_seen_on_both_sides),
        claim(test_ports_are_taken_as_in_linux),
        claim(test_a_listener_of_both_families_shows_ipv4_mapped),
        claim(test_addresses_that_cannot_be_reached_are_refused_at_once),
        claim(test_a_name_is_of_its_host_and_ends_with_it),
        claim(test_a_connect_to_a_name_waits_for_room),
        claim(test_segments_change_no_draw_of_datagrams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
