/* SPDX-License-Identifier: MIT
 *
 * trale.udp/1 over the simulated network, through the runtime: what its futures do while datagrams are on their way.
 * What they do within a host is in the tests of the interface, which run in a simulation too. */
#include <trale/sim_report.h>
#include <trale/udp_info.h>
#include <trale/udp_socket.h>

#include "tests/open_sim.h"

static struct trale_udp_socket *open_socket(struct trale *runtime, const char *address)
{
    struct trale_udp_socket *socket = NULL;
    assert_int_equal(trale_udp_open(runtime, address, 0, &socket), 0);
    return socket;
}

static int64_t try_send(struct trale_udp_socket *socket, const char *to, size_t size)
{
    static const char bytes[65536];
    struct trale_udp_send send;
    struct trale_address address = test_address(to);
    return trale_udp_try_send_to(&send, socket, bytes, size, &address);
}

static int64_t recv_one(struct trale *runtime, struct trale_udp_socket *socket, struct trale_address *from)
{
    char buf[2048];
    struct trale_udp_recv recv;
    int64_t n = trale_block_on(runtime, trale_udp_recv_from(&recv, socket, buf, sizeof buf));
    if (from != NULL)
        *from = recv.from;
    return n;
}

static int64_t recv_within(struct trale *runtime, struct trale_udp_socket *socket, uint64_t duration_ns)
{
    char buf[2048];
    struct trale_udp_recv recv;
    struct trale_timeout timeout;
    return trale_block_on(runtime,
                          trale_timeout(&timeout, trale_udp_recv_from(&recv, socket, buf, sizeof buf), duration_ns));
}

/* --- waiting ------------------------------------------------------------------------------------------------------ */

struct echo {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_udp_recv recv;
    struct trale_udp_send send;
    char buf[2048];
};

static void echo_close(struct echo *self)
{
    trale_udp_close(self->socket);
}

trale_async_with(echo, echo_close)
{
    trale_begin();
    int r = trale_udp_open(cx->runtime, "10.0.0.2:7", 0, &self->socket);
    if (r < 0)
        trale_return(r);
    for (;;) {
        trale_await(trale_udp_recv_from(&self->recv, self->socket, self->buf, sizeof self->buf));
        if (trale_result() < 0)
            trale_return(trale_result());
        trale_await(trale_udp_send_to(&self->send, self->socket, self->buf, (size_t)trale_result(), &self->recv.from));
    }
}

static void test_an_answer_comes_after_twice_the_latency_to_the_nanosecond(void **state)
{
    (void)state;
    struct trale *runtime = open_sim("latency = 17ms");
    struct trale_address from, expected = test_address("10.0.0.2:7");
    struct trale_task *task = trale_spawn(runtime, echo, .socket = NULL);
    struct trale_udp_socket *socket = open_socket(runtime, "0.0.0.0:0");
    uint64_t began = trale_now(runtime);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(try_send(socket, "10.0.0.2:7", 100), 100);
        assert_int_equal(recv_one(runtime, socket, &from), 100);
        assert_true(trale_address_equal(&from, &expected));
    }
    assert_int_equal(trale_now(runtime) - began, 100 * 2 * 17 * TRALE_MILLISECOND);
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_a_timeout_ends_a_receive_whose_datagram_is_late_and_the_datagram_is_for_the_next(void **state)
{
    (void)state;
    struct trale *runtime = open_sim("latency = 10ms");
    struct trale_udp_socket *sender = open_socket(runtime, "10.0.0.1:5"),
                            *receiver = open_socket(runtime, "10.0.0.2:5");
    uint64_t began = trale_now(runtime);
    assert_int_equal(try_send(sender, "10.0.0.2:5", 3), 3);
    assert_int_equal(recv_within(runtime, receiver, 10 * TRALE_MILLISECOND - 1), -ETIMEDOUT);
    assert_int_equal(trale_now(runtime) - began, 10 * TRALE_MILLISECOND - 1);
    assert_int_equal(recv_one(runtime, receiver, NULL), 3);
    assert_int_equal(trale_now(runtime) - began, 10 * TRALE_MILLISECOND);
    assert_int_equal(trale_close(runtime), 0);
}

struct closer {
    struct trale_future future;
    struct trale_sleep sleep;
    struct trale_udp_socket *socket;
};

trale_async(closer)
{
    trale_begin();
    trale_await(trale_sleep(&self->sleep, TRALE_MILLISECOND));
    trale_udp_close(self->socket);
    trale_return(0);
}

struct listener {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_udp_recv recv;
    char buf[2048];
};

trale_async(listener)
{
    trale_begin();
    trale_await(trale_udp_recv_from(&self->recv, self->socket, self->buf, sizeof self->buf));
    trale_return(trale_result());
}

static void test_closing_a_socket_ends_its_receives_and_what_is_on_its_way_is_refused(void **state)
{
    (void)state;
    struct trale *runtime = open_sim("latency = 10ms");
    struct trale_udp_socket *sender = open_socket(runtime, "10.0.0.1:5"),
                            *receiver = open_socket(runtime, "10.0.0.2:5");
    struct trale_address peer = test_address("10.0.0.2:5");
    assert_int_equal(trale_udp_connect(sender, &peer), 0);
    assert_int_equal(try_send(sender, "10.0.0.2:5", 3), 3);
    struct trale_task *tasks[3];
    for (int i = 0; i < 3; i++)
        tasks[i] = trale_spawn(runtime, listener, .socket = receiver);
    assert_int_equal(trale_join(trale_spawn(runtime, closer, .socket = receiver)), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(trale_join(tasks[i]), -ECANCELED);
    assert_int_equal(recv_one(runtime, sender, NULL), -ECONNREFUSED);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_two_receives_of_a_socket_each_get_a_datagram(void **state)
{
    (void)state;
    struct trale *runtime = open_sim("");
    struct trale_udp_socket *sender = open_socket(runtime, "10.0.0.1:5"),
                            *receiver = open_socket(runtime, "10.0.0.2:5");
    struct trale_task *tasks[2];
    for (int i = 0; i < 2; i++)
        tasks[i] = trale_spawn(runtime, listener, .socket = receiver);
    for (int i = 0; i < 2; i++)
        assert_int_equal(try_send(sender, "10.0.0.2:5", 3), 3);
    for (int i = 0; i < 2; i++)
        assert_int_equal(trale_join(tasks[i]), 3);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_a_send_waits_for_room_as_long_as_the_bandwidth_takes(void **state)
{
    (void)state;
    struct trale *runtime = open_sim("bandwidth = 1M\nlatency = 0\nsend_buffer = 8K");
    struct trale_udp_socket *sender = open_socket(runtime, "10.0.0.1:5");
    struct trale_address to = test_address("10.0.0.2:5");
    struct trale_udp_send send;
    static const char bytes[996]; /* 1024 with the headers */
    int64_t value;
    uint64_t began = trale_now(runtime);
    assert_int_equal(trale_udp_get(sender, TRALE_UDP_SEND_BUFFER, &value), 0);
    assert_int_equal(value, 16384);
    for (int i = 0; i < 1024; i++)
        assert_int_equal(trale_block_on(runtime, trale_udp_send_to(&send, sender, bytes, sizeof bytes, &to)), 996);
    assert_int_equal(trale_udp_get(sender, TRALE_UDP_SEND_QUEUE, &value), 0);
    assert_true(value > 0);
    uint64_t took = trale_now(runtime) - began;
    assert_in_range(took, 980 * TRALE_MILLISECOND, TRALE_SECOND);
    assert_int_equal(trale_close(runtime), 0);
}

/* --- info, errors, segments --------------------------------------------------------------------------------------- */

static void test_info_is_that_of_the_network(void **state)
{
    (void)state;
    struct trale *runtime = open_sim("latency = 5ms");
    struct trale_udp_socket *sender = open_socket(runtime, "10.0.0.1:5"),
                            *receiver = open_socket(runtime, "10.0.0.2:5");
    struct trale_udp_recv recv;
    struct trale_udp_info info;
    char buf[16], text[TRALE_ADDRESS_TEXT];
    const uint32_t all = TRALE_UDP_INFO_LOCAL | TRALE_UDP_INFO_TRAFFIC_CLASS | TRALE_UDP_INFO_TTL |
                         TRALE_UDP_INFO_TIME | TRALE_UDP_INFO_DROPS;
    assert_int_equal(trale_udp_set(receiver, TRALE_UDP_INFO, all), 0);
    assert_int_equal(trale_udp_set(sender, TRALE_UDP_TTL, 9), 0);
    assert_int_equal(trale_udp_set(sender, TRALE_UDP_TRAFFIC_CLASS, 2), 0);
    uint64_t sent_ns = trale_now_on(runtime, TRALE_CLOCK_REALTIME);
    assert_int_equal(try_send(sender, "10.0.0.2:5", 3), 3);
    assert_int_equal(trale_block_on(runtime, trale_udp_recv_info(&recv, receiver, buf, sizeof buf, &info)), 3);
    assert_int_equal(info.have, all);
    assert_int_equal(info.interface_index, 2);
    assert_int_equal(info.ttl, 9);
    assert_int_equal(info.traffic_class, 2);
    assert_int_equal(info.time_ns, sent_ns + 5 * TRALE_MILLISECOND);
    assert_true(trale_address_format(&info.local, text, sizeof text) > 0);
    assert_string_equal(text, "10.0.0.2:0");
    assert_int_equal(trale_close(runtime), 0);
}

static void test_an_error_is_awaited_and_comes_after_twice_the_latency(void **state)
{
    (void)state;
    struct trale *runtime = open_sim("latency = 5ms");
    struct trale_udp_socket *socket = open_socket(runtime, "10.0.0.1:5");
    struct trale_address to = test_address("10.0.0.2:77"), from = test_address("10.0.0.2:0");
    struct trale_udp_error error;
    char buf[8] = "";
    struct trale_udp_send send;
    open_socket(runtime, "10.0.0.2:5");
    assert_int_equal(trale_udp_set(socket, TRALE_UDP_ERRORS, 1), 0);
    uint64_t began = trale_now(runtime);
    assert_int_equal(trale_udp_try_send_to(&send, socket, "hello", 5, &to), 5);
    assert_int_equal(trale_block_on(runtime, trale_udp_recv_error(&error, socket, buf, sizeof buf)), 5);
    assert_int_equal(trale_now(runtime) - began, 10 * TRALE_MILLISECOND);
    assert_string_equal(buf, "hello");
    assert_int_equal(error.error, -ECONNREFUSED);
    assert_int_equal(error.origin, TRALE_UDP_ORIGIN_ICMP);
    assert_true(trale_address_equal(&error.to, &to));
    assert_true(trale_address_equal(&error.from, &from));
    assert_int_equal(trale_close(runtime), 0);
}

static int64_t recv_joined(struct trale *runtime, struct trale_udp_socket *socket, struct trale_datagram *datagram)
{
    static char buf[65536];
    struct trale_udp_batch batch;
    *datagram = (struct trale_datagram){.buf = buf, .size = sizeof buf};
    return trale_block_on(runtime, trale_udp_recv_batch(&batch, socket, datagram, 1));
}

static void test_what_arrives_together_is_received_as_one_and_a_limited_bandwidth_takes_it_apart(void **state)
{
    (void)state;
    for (int limited = 0; limited <= 1; limited++) {
        struct trale *runtime = open_sim(limited ? "bandwidth = 1M" : "");
        struct trale_udp_socket *sender = open_socket(runtime, "10.0.0.1:5"),
                                *receiver = open_socket(runtime, "10.0.0.2:5");
        static char bytes[1000];
        struct trale_udp_batch batch;
        struct trale_datagram sent = {
            .buf = bytes, .size = 950, .address = test_address("10.0.0.2:5"), .segment_size = 100};
        struct trale_datagram datagram;
        int64_t n_bytes = 0, n_received = 0;
        assert_int_equal(trale_udp_set(receiver, TRALE_UDP_GRO, 1), 0);
        assert_int_equal(trale_udp_try_send_batch(&batch, sender, &sent, 1), 1);
        for (; n_bytes < 950; n_received++) {
            assert_int_equal(recv_joined(runtime, receiver, &datagram), 1);
            n_bytes += (int64_t)datagram.length;
            assert_int_equal(datagram.segment_size, limited ? 0 : 100);
        }
        assert_int_equal(n_received, limited ? 10 : 1);
        assert_int_equal(trale_close(runtime), 0);
    }
}

static void test_only_the_last_of_those_that_are_received_as_one_is_shorter(void **state)
{
    (void)state;
    struct trale *runtime = open_sim("");
    struct trale_udp_socket *sender = open_socket(runtime, "10.0.0.1:5"),
                            *receiver = open_socket(runtime, "10.0.0.2:5");
    static const size_t sizes[] = {100, 100, 50, 50, 100, 0, 7};
    static const uint64_t lengths[] = {250, 50, 100, 0, 7}, segments[] = {100, 0, 0, 0, 0};
    struct trale_datagram datagram;
    assert_int_equal(trale_udp_set(receiver, TRALE_UDP_GRO, 1), 0);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        assert_int_equal(try_send(sender, "10.0.0.2:5", sizes[i]), sizes[i]);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        assert_int_equal(recv_joined(runtime, receiver, &datagram), 1);
        assert_int_equal(datagram.length, lengths[i]);
        assert_int_equal(datagram.segment_size, segments[i]);
    }
    assert_int_equal(trale_close(runtime), 0);
}

static void test_segments_are_lost_one_by_one(void **state)
{
    (void)state;
    struct trale *runtime = open_sim("loss = 30%");
    struct trale_udp_socket *sender = open_socket(runtime, "10.0.0.1:5"),
                            *receiver = open_socket(runtime, "10.0.0.2:5");
    static char bytes[64 * 10];
    struct trale_udp_batch batch;
    int n = 0;
    for (int i = 0; i < 20; i++) {
        struct trale_datagram sent = {
            .buf = bytes, .size = sizeof bytes, .address = test_address("10.0.0.2:5"), .segment_size = 10};
        assert_int_equal(trale_udp_try_send_batch(&batch, sender, &sent, 1), 1);
        while (recv_within(runtime, receiver, TRALE_SECOND) == 10)
            n++;
    }
    assert_in_range(n, 20 * 64 * 65 / 100, 20 * 64 * 75 / 100);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_a_socket_of_the_machine_is_not_adopted(void **state)
{
    (void)state;
    struct trale *runtime = open_sim("");
    struct trale_udp_socket *none = NULL;
    assert_int_equal(trale_udp_adopt(runtime, 0, &none), -EOPNOTSUPP);
    assert_int_equal(trale_udp_inherit(runtime, "0", &none), -EOPNOTSUPP);
    assert_null(none);
    assert_int_equal(trale_close(runtime), 0);
}

/* --- options ------------------------------------------------------------------------------------------------------ */

static void test_the_program_is_on_the_host_that_the_configuration_says(void **state)
{
    (void)state;
    static const char *const hosts[][3] = {{"address = 192.0.2.7", "0.0.0.0:5", "192.0.2.7:5"},
                                           {"address = 2001:db8::7", "[::]:5", "[2001:db8::7]:5"},
                                           {"", "[::]:5", "[fd00::a00:1]:5"}};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct trale *runtime = open_sim(hosts[i][0]);
        struct trale_udp_socket *socket = open_socket(runtime, hosts[i][1]);
        struct trale_udp_socket *other = open_socket(runtime, i == 0 ? "10.0.0.2:5" : "[2001:db8::2]:5");
        struct trale_address from, expected = test_address(hosts[i][2]);
        assert_int_equal(try_send(other, hosts[i][2], 3), 3);
        assert_int_equal(recv_one(runtime, socket, NULL), 3);
        assert_int_equal(try_send(socket, i == 0 ? "10.0.0.2:5" : "[2001:db8::2]:5", 3), 3);
        assert_int_equal(recv_one(runtime, other, &from), 3);
        assert_true(trale_address_equal(&from, &expected));
        assert_int_equal(trale_close(runtime), 0);
    }
}

static void test_values_that_cannot_be_are_named_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *option, *message;
    } samples[] = {
        {"loss = 120%", ":7: [driver:sim] loss = 120%: allowed is a rate from 0% to 100%, such as 0.5%"},
        {"corrupt = often", ":7: [driver:sim] corrupt = often: allowed is a rate"},
        {"address = 127.0.0.1", ":7: [driver:sim] address = 127.0.0.1: allowed is the address of a host"},
        {"address = 0.0.0.0", ":7: [driver:sim] address = 0.0.0.0: allowed"},
        {"address = 239.1.1.1", ":7: [driver:sim] address = 239.1.1.1: allowed"},
        {"address = somewhere", ":7: [driver:sim] address = somewhere: allowed"},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct trale *runtime = NULL;
        struct test_log log;
        assert_int_equal(open_with(&runtime, &log, samples[i].option), -EINVAL);
        if (strstr(log.text, samples[i].message) == NULL)
            fail_msg("'%s' is not in: %s", samples[i].message, log.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_comes_after_twice_the_latency_to_the_nanosecond),
        cmocka_unit_test(test_a_timeout_ends_a_receive_whose_datagram_is_late_and_the_datagram_is_for_the_next),
        cmocka_unit_test(test_closing_a_socket_ends_its_receives_and_what_is_on_its_way_is_refused),
        cmocka_unit_test(test_two_receives_of_a_socket_each_get_a_datagram),
        cmocka_unit_test(test_a_send_waits_for_room_as_long_as_the_bandwidth_takes),
        cmocka_unit_test(test_info_is_that_of_the_network),
        cmocka_unit_test(test_an_error_is_awaited_and_comes_after_twice_the_latency),
        cmocka_unit_test(test_what_arrives_together_is_received_as_one_and_a_limited_bandwidth_takes_it_apart),
        cmocka_unit_test(test_only_the_last_of_those_that_are_received_as_one_is_shorter),
        cmocka_unit_test(test_segments_are_lost_one_by_one),
        cmocka_unit_test(test_a_socket_of_the_machine_is_not_adopted),
        cmocka_unit_test(test_the_program_is_on_the_host_that_the_configuration_says),
        cmocka_unit_test(test_values_that_cannot_be_are_named_with_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
