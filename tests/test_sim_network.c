/* SPDX-License-Identifier: MIT
 *
 * The network of the simulated world alone: hosts, sockets, and what links do to datagrams. */
#include "tests/open_world.h"

#include "drivers/sim/world/deliver.h"
#include "drivers/sim/world/group.h"
#include "drivers/sim/world/peer.h"
#include "drivers/sim/world/port.h"
#include "drivers/sim/world/send.h"

/* --- a world ------------------------------------------------------------------------------------------------------ */

static int set_up(void **state)
{
    (void)state;
    world_open_with(1);
    return 0;
}

/* --- sockets ------------------------------------------------------------------------------------------------------ */

static const struct peer_flags none_flags, reuse_address = {.reuse_address = true}, reuse_port = {.reuse_port = true},
                                           v6_only = {.v6_only = true};

static int try_open(const char *address, const struct peer_flags *flags, struct socket **socket)
{
    const struct trale_address local = test_address(address);
    return peer_open(world, here, &local, flags, socket);
}

static struct socket *open_with(const char *address, const struct peer_flags *flags)
{
    struct socket *socket = NULL;
    assert_int_equal(try_open(address, flags, &socket), 0);
    return socket;
}

static struct socket *open_at(const char *address)
{
    return open_with(address, &none_flags);
}

static void keep_errors(struct socket *socket)
{
    socket->errors = world_alloc(world, sizeof *socket->errors);
}

static int64_t send_bytes(struct socket *socket, const struct trale_address *to, const void *bytes, size_t size)
{
    static const struct trale_address none;
    const struct send send = {.bytes = bytes, .size = size, .to = to, .source = &none, .traffic_class = -1, .ttl = -1};
    return send_datagram(world, socket, &send, false);
}

static int64_t send_to(struct socket *socket, const char *address, size_t size)
{
    static const char bytes[65536];
    const struct trale_address to = test_address(address);
    return send_bytes(socket, &to, bytes, size);
}

/* A datagram whose payload is a number. */
static void send_number(struct socket *socket, const char *address, uint32_t number)
{
    const struct trale_address to = test_address(address);
    assert_int_equal(send_bytes(socket, &to, &number, sizeof number), sizeof number);
}

/* The size of the next datagram, which is removed; -1: there is none. */
static int64_t take(struct socket *socket)
{
    if (socket_first(socket) == NULL)
        return -1;
    int64_t size = socket_first(socket)->size;
    socket_pop(world, socket);
    return size;
}

static bool take_number(struct socket *socket, uint32_t *number, uint64_t *arrived_ns)
{
    const struct datagram *datagram = socket_first(socket);
    if (datagram == NULL)
        return false;
    assert_int_equal(datagram->size, sizeof *number);
    memcpy(number, datagram->bytes, sizeof *number);
    *arrived_ns = datagram->arrives_ns - WORLD_BEGINS_NS;
    socket_pop(world, socket);
    return true;
}

static uint64_t n_lost(enum trale_sim_loss reason)
{
    return world->report->n_lost[reason];
}

static int connect_to(struct socket *socket, const char *address)
{
    const struct trale_address peer = test_address(address);
    return peer_connect(world, socket, &peer);
}

/* --- latency and order -------------------------------------------------------------------------------------------- */

static void test_a_datagram_takes_the_latency_of_its_link_and_none_within_a_host(void **state)
{
    (void)state;
    struct socket *sender = open_at("10.0.0.1:5"), *receiver = open_at("10.0.0.2:5"), *near = open_at("127.0.0.1:6");
    begin("from 0s latency 10.0.0.1 -> 10.0.0.2 30ms");
    assert_int_equal(send_to(sender, "10.0.0.2:5", 10), 10);
    assert_int_equal(take(receiver), -1);
    run();
    assert_int_equal(now_ns(), 30 * MILLISECOND);
    assert_true(trale_address_equal(&socket_first(receiver)->from, &sender->local));
    assert_int_equal(take(receiver), 10);
    assert_int_equal(send_to(receiver, "10.0.0.1:5", 20), 20); /* the other direction has its own */
    run();
    assert_int_equal(now_ns(), 31 * MILLISECOND);
    assert_int_equal(take(sender), 20);
    assert_int_equal(send_to(sender, "127.0.0.1:6", 30), 30);
    assert_int_equal(take(near), 30);
    assert_int_equal(send_to(near, "10.0.0.1:5", 40), 40);
    assert_int_equal(take(sender), 40);
}

enum { N = 4000 };

/* Sends N numbers, one each 100 us, and receives them all. */
static size_t exchange(uint32_t numbers[2 * N], uint64_t arrived_ns[2 * N])
{
    struct socket *sender = open_at("10.0.0.1:5"), *receiver = open_at("10.0.0.2:5");
    receiver->options.receive_buffer = 100000000;
    for (uint32_t i = 0; i < N; i++) {
        run_until((i + 1) * MILLISECOND / 10);
        send_number(sender, "10.0.0.2:5", i);
    }
    run();
    size_t n = 0;
    while (n < 2 * N && take_number(receiver, &numbers[n], &arrived_ns[n]))
        n++;
    peer_close(world, sender);
    peer_close(world, receiver);
    return n;
}

static uint32_t numbers[2 * N];
static uint64_t arrived_ns[2 * N];

static void test_the_latency_varies_and_the_order_stays(void **state)
{
    (void)state;
    begin("from 0s latency * -> * 20ms jitter 5ms");
    assert_int_equal(exchange(numbers, arrived_ns), N);
    uint64_t least = UINT64_MAX, most = 0;
    for (uint32_t i = 0; i < N; i++) {
        uint64_t sent_ns = (i + 1) * MILLISECOND / 10, took_ns = arrived_ns[i] - sent_ns;
        assert_int_equal(numbers[i], i);
        assert_in_range(took_ns, 15 * MILLISECOND, 25 * MILLISECOND);
        least = took_ns < least ? took_ns : least;
        most = took_ns > most ? took_ns : most;
    }
    assert_true(most - least > 5 * MILLISECOND);
}

static void test_a_jitter_larger_than_the_latency_ends_at_no_latency(void **state)
{
    (void)state;
    begin("from 0s latency * -> * 1ms jitter 100ms");
    assert_int_equal(exchange(numbers, arrived_ns), N);
    for (uint32_t i = 0; i < N; i++)
        assert_in_range(arrived_ns[i] - (i + 1) * MILLISECOND / 10, 0, 101 * MILLISECOND);
}

static void test_a_reordered_datagram_is_overtaken_and_not_lost(void **state)
{
    (void)state;
    begin("from 0s reorder * -> * 10% by 10ms");
    assert_int_equal(exchange(numbers, arrived_ns), N);
    static bool seen[N];
    uint32_t n_late = 0, highest = 0;
    memset(seen, 0, sizeof seen);
    for (uint32_t i = 0; i < N; i++) {
        assert_false(seen[numbers[i]]);
        seen[numbers[i]] = true;
        n_late += numbers[i] < highest;
        highest = numbers[i] > highest ? numbers[i] : highest;
    }
    assert_in_range(n_late, N * 8 / 100, N * 11 / 100); /* some are held back for less than 100 us */
}

/* --- losses ------------------------------------------------------------------------------------------------------- */

static void test_so_many_are_lost_as_the_rate_says_and_in_that_direction_alone(void **state)
{
    (void)state;
    begin("from 0s loss 10.0.0.1 -> * 12%");
    size_t n = exchange(numbers, arrived_ns);
    assert_in_range(n, N * 86 / 100, N * 90 / 100);
    assert_int_equal(n_lost(TRALE_SIM_LOST_LOSS), N - n);
    struct socket *sender = open_at("10.0.0.2:5"), *receiver = open_at("10.0.0.1:5");
    for (int i = 0; i < 200; i++)
        assert_int_equal(send_to(sender, "10.0.0.1:5", 1), 1);
    run();
    for (int i = 0; i < 200; i++)
        assert_int_equal(take(receiver), 1);
}

/* Which numbers arrive with these faults. */
static void arrivals(uint64_t seed, const char *const *lines, bool arrived[N])
{
    world_open_with(seed);
    for (; *lines != NULL; lines++)
        begin(*lines);
    size_t n = exchange(numbers, arrived_ns);
    memset(arrived, 0, N * sizeof *arrived);
    for (size_t i = 0; i < n; i++)
        arrived[numbers[i]] = true;
    world_free(world);
}

static void test_what_befalls_a_datagram_depends_on_the_seed_and_on_no_other_fault(void **state)
{
    (void)state;
    static bool with_one[N], with_many[N], with_another_seed[N];
    static const char *const one[] = {"from 0s loss * -> * 20%", NULL};
    static const char *const many[] = {"from 0s reorder * -> * 20% by 5ms", "from 0s loss * -> * 20%",
                                       "from 0s duplicate * -> * 30%", "from 0s latency * -> * 1s jitter 1s", NULL};
    world_free(world);
    arrivals(7, one, with_one);
    arrivals(7, many, with_many);
    arrivals(8, one, with_another_seed);
    world_open_with(1); /* for the tear-down */
    assert_memory_equal(with_one, with_many, sizeof with_one);
    assert_memory_not_equal(with_one, with_another_seed, sizeof with_one);
}

static void test_copies_arrive_as_well(void **state)
{
    (void)state;
    begin("from 0s duplicate * -> * 25%");
    size_t n = exchange(numbers, arrived_ns);
    assert_in_range(n, N * 122 / 100, N * 128 / 100);
    assert_int_equal(world->report->n_duplicated, n - N);
    static uint8_t times[N];
    memset(times, 0, sizeof times);
    for (size_t i = 0; i < n; i++)
        times[numbers[i]]++;
    for (size_t i = 0; i < N; i++)
        assert_in_range(times[i], 1, 2);
}

static void test_the_checksum_finds_a_datagram_that_was_corrupted_except_if_it_is_unchecked(void **state)
{
    (void)state;
    struct fault *checked = begin("from 0s corrupt * -> * 30%");
    size_t n = exchange(numbers, arrived_ns);
    assert_in_range(n, N * 66 / 100, N * 74 / 100);
    assert_int_equal(n_lost(TRALE_SIM_LOST_CHECKSUM), N - n);
    fault_end(&world->faults, checked);

    begin("from 0s corrupt * -> * 100% unchecked");
    struct socket *sender = open_at("10.0.0.1:5"), *receiver = open_at("10.0.0.2:5");
    assert_int_equal(send_to(sender, "10.0.0.2:5", 500), 500);
    run();
    int n_bits = 0;
    assert_non_null(socket_first(receiver));
    for (size_t i = 0; i < 500; i++)
        n_bits += __builtin_popcount(socket_first(receiver)->bytes[i]);
    assert_int_equal(n_bits, 1);
}

static void test_a_drop_takes_so_many_datagrams_and_is_over(void **state)
{
    (void)state;
    struct socket *sender = open_at("10.0.0.1:5"), *receiver = open_at("10.0.0.2:5");
    begin("at 0s drop 10.0.0.1 -> 10.0.0.2 3");
    for (uint32_t i = 0; i < 5; i++)
        send_number(sender, "10.0.0.2:5", i);
    run();
    uint32_t number;
    uint64_t at_ns;
    assert_true(take_number(receiver, &number, &at_ns));
    assert_int_equal(number, 3);
    assert_true(take_number(receiver, &number, &at_ns));
    assert_false(take_number(receiver, &number, &at_ns));
    assert_int_equal(n_lost(TRALE_SIM_LOST_LOSS), 3);
}

static void test_a_partition_cuts_both_directions_or_one(void **state)
{
    (void)state;
    struct socket *a = open_at("10.0.0.1:5"), *b = open_at("10.0.0.2:5"), *c = open_at("10.0.0.3:5");
    struct fault *both = begin("at 0s partition 10.0.0.1 | 10.0.0.2 for 1s");
    send_to(a, "10.0.0.2:5", 1);
    send_to(b, "10.0.0.1:5", 1);
    send_to(a, "[fd00::a00:2]:5", 1); /* the same host; this socket has no IPv6 */
    send_to(a, "10.0.0.3:5", 3);
    run();
    assert_int_equal(take(a), -1);
    assert_int_equal(take(b), -1);
    assert_int_equal(take(c), 3);
    assert_int_equal(n_lost(TRALE_SIM_LOST_PARTITION), 2);
    fault_end(&world->faults, both);

    struct fault *one_way = begin("at 0s partition 10.0.0.1 -> 10.0.0.2 for 1s");
    send_to(a, "10.0.0.2:5", 1);
    send_to(b, "10.0.0.1:5", 2);
    run();
    assert_int_equal(take(a), 2);
    assert_int_equal(take(b), -1);
    fault_end(&world->faults, one_way);
    send_to(a, "10.0.0.2:5", 4);
    run();
    assert_int_equal(take(b), 4);
}

static void test_a_datagram_to_no_host_is_lost_silently_and_a_host_may_come_later(void **state)
{
    (void)state;
    struct socket *sender = open_at("10.0.0.1:5");
    keep_errors(sender);
    assert_int_equal(connect_to(sender, "10.0.0.9:5"), 0);
    send_to(sender, "10.0.0.9:5", 1);
    run();
    assert_int_equal(n_lost(TRALE_SIM_LOST_NO_HOST), 1);
    assert_int_equal(sender->errors->n, 0);
    send_to(sender, "10.0.0.9:5", 2);
    struct socket *late = open_at("10.0.0.9:5"); /* while it is on its way */
    run();
    assert_int_equal(take(late), 2);
    late->host->n_down = 1;
    send_to(sender, "10.0.0.9:5", 3);
    run();
    assert_int_equal(n_lost(TRALE_SIM_LOST_CRASH), 1);
}

static void test_a_full_receive_buffer_loses_and_counts(void **state)
{
    (void)state;
    struct socket *sender = open_at("10.0.0.1:5"), *receiver = open_at("10.0.0.2:5");
    receiver->options.receive_buffer = 4096;
    for (int i = 0; i < 50; i++)
        send_to(sender, "10.0.0.2:5", 100);
    run();
    uint32_t n_received = 0;
    while (take(receiver) == 100)
        n_received++;
    assert_in_range(n_received, 4, 10);
    assert_int_equal(receiver->n_drops, 50 - n_received);
    assert_int_equal(n_lost(TRALE_SIM_LOST_BUFFER), 50 - n_received);
    assert_int_equal(receiver->n_queued_bytes, 0);
}

/* --- sizes and bandwidth ------------------------------------------------------------------------------------------ */

static void test_a_link_that_is_too_small_is_reported_and_remembered_for_ten_minutes(void **state)
{
    (void)state;
    static const char *const hosts[][2] = {{"10.0.0.1:5", "10.0.0.2:5"}, {"[fd00::a00:1]:6", "[fd00::a00:2]:6"}};
    begin("from 0s mtu 10.0.0.1 -> 10.0.0.2 1400");
    for (size_t i = 0; i < 2; i++) {
        struct socket *sender = open_at(hosts[i][0]), *receiver = open_at(hosts[i][1]);
        struct icmp_report report;
        uint32_t n_lost_errors;
        const int64_t small = i == 0 ? 1400 - 28 : 1400 - 48;
        keep_errors(sender);
        assert_int_equal(send_to(sender, hosts[i][1], (size_t)small), small);
        assert_int_equal(send_to(sender, hosts[i][1], (size_t)small + 1), small + 1);
        run();
        assert_int_equal(take(receiver), small);
        assert_int_equal(take(receiver), -1);
        assert_true(icmp_take(sender->errors, &report, &n_lost_errors));
        assert_int_equal(report.error, -EMSGSIZE);
        assert_int_equal(report.mtu, 1400);
        assert_true(trale_address_equal(&report.to, &receiver->local));

        /* Now it is fragmented, except where that is not allowed. */
        assert_int_equal(send_to(sender, hosts[i][1], (size_t)small + 1), small + 1);
        run();
        assert_int_equal(take(receiver), small + 1);
        sender->options.mtu_discovery = 2;
        assert_int_equal(send_to(sender, hosts[i][1], (size_t)small + 1), -EMSGSIZE);
        run_until(now_ns() + 601 * SECOND);
        assert_int_equal(send_to(sender, hosts[i][1], (size_t)small + 1), small + 1);
        run();
        assert_int_equal(take(receiver), -1);
        assert_int_equal(n_lost(TRALE_SIM_LOST_MTU), 2 * (i + 1));
        run_until(now_ns() + 601 * SECOND);
    }
}

static void test_routers_fragment_ipv4_datagrams_that_allow_it(void **state)
{
    (void)state;
    struct socket *sender = open_at("10.0.0.1:5"), *receiver = open_at("10.0.0.2:5");
    begin("from 0s mtu 10.0.0.1 -> 10.0.0.2 600");
    sender->options.mtu_discovery = 0;
    assert_int_equal(send_to(sender, "10.0.0.2:5", 1400), 1400);
    run();
    assert_int_equal(take(receiver), 1400);
    /* More fragments, more losses. */
    begin("from 0s loss * -> * 10%");
    int n_small = 0, n_large = 0;
    for (int i = 0; i < 2000; i++) {
        send_to(sender, "10.0.0.2:5", 100);
        send_to(sender, "10.0.0.2:5", 1400);
        run();
        for (int64_t size; (size = take(receiver)) >= 0;)
            *(size == 100 ? &n_small : &n_large) += 1;
    }
    assert_in_range(n_small, 2000 * 87 / 100, 2000 * 93 / 100);
    assert_in_range(n_large, 2000 * 69 / 100, 2000 * 77 / 100); /* 0.9 ^ 3 */
}

static void test_what_is_too_large_is_refused(void **state)
{
    (void)state;
    struct socket *v4 = open_at("10.0.0.1:5"), *v6 = open_at("[fd00::a00:1]:5");
    assert_int_equal(send_to(v4, "10.0.0.2:5", 65507), 65507);
    assert_int_equal(send_to(v4, "10.0.0.2:5", 65508), -EMSGSIZE);
    assert_int_equal(send_to(v6, "[fd00::a00:2]:5", 65527), 65527);
    assert_int_equal(send_to(v6, "[fd00::a00:2]:5", 65528), -EMSGSIZE);
    v4->options.mtu_discovery = 3;
    assert_int_equal(send_to(v4, "10.0.0.2:5", 1472), 1472);
    assert_int_equal(send_to(v4, "10.0.0.2:5", 1473), -EMSGSIZE);
}

static void test_a_limited_bandwidth_spreads_datagrams_and_fills_the_send_buffer(void **state)
{
    (void)state;
    struct world_program *program = world_enter(world);
    struct socket *sender = open_at("10.0.0.1:5"), *receiver = open_at("10.0.0.2:5");
    sender->program = program;
    sender->options.send_buffer = 20000;
    begin("from 0s bandwidth * -> * 100000");
    int n_sent = 0;
    while (send_to(sender, "10.0.0.2:5", 972) == 972) /* 1000 bytes with the headers: 10 ms each */
        n_sent++;
    assert_int_equal(send_to(sender, "10.0.0.2:5", 1), -EAGAIN);
    assert_in_range(n_sent, 8, 12);
    assert_true(sender->n_sending_bytes >= 20000);
    sender->awaited = SOCKET_WRITABLE;
    for (int i = 1; i <= n_sent; i++) {
        run_until((uint64_t)i * 10 * MILLISECOND + MILLISECOND - 1);
        assert_int_equal(take(receiver), -1);
        run_until((uint64_t)i * 10 * MILLISECOND + MILLISECOND);
        assert_int_equal(take(receiver), 972);
        /* Room is when less than half of the buffer is in use. */
        assert_int_equal(sender->ready == SOCKET_WRITABLE, sender->n_sending_bytes < 10000);
    }
    assert_int_equal(sender->n_sending_bytes, 0);
    assert_int_equal(send_to(sender, "10.0.0.2:5", 1), 1);
}

static void test_a_full_queue_loses_and_tells_a_socket_that_keeps_errors(void **state)
{
    (void)state;
    struct socket *sender = open_at("10.0.0.1:5"), *receiver = open_at("10.0.0.2:5");
    begin("from 0s bandwidth * -> * 100000");
    begin("from 0s queue * -> * 5000");
    for (int i = 0; i < 20; i++)
        assert_int_equal(send_to(sender, "10.0.0.2:5", 972), 972);
    assert_int_equal(n_lost(TRALE_SIM_LOST_QUEUE), 15);
    keep_errors(sender);
    assert_int_equal(send_to(sender, "10.0.0.2:5", 972), -ENOBUFS);
    run();
    for (int i = 0; i < 5; i++)
        assert_int_equal(take(receiver), 972);
    assert_int_equal(take(receiver), -1);
}

static void test_what_a_closed_socket_has_sent_arrives_and_nothing_of_it_stays(void **state)
{
    (void)state;
    uint64_t n_live = 0;
    struct socket *receiver = open_at("10.0.0.2:5");
    begin("from 0s bandwidth * -> * 100000");
    for (int round = 0; round < 3; round++) {
        struct socket *sender = open_at("10.0.0.1:5");
        for (int i = 0; i < 5; i++)
            assert_int_equal(send_to(sender, "10.0.0.2:5", 972), 972);
        peer_close(world, sender);
        run();
        for (int i = 0; i < 5; i++)
            assert_int_equal(take(receiver), 972);
        if (round > 0)
            assert_int_equal(world->memory.n_live, n_live);
        n_live = world->memory.n_live;
    }
}

static void test_the_steady_state_takes_no_further_memory(void **state)
{
    (void)state;
    begin("from 0s duplicate * -> * 10%");
    begin("from 0s loss * -> * 10%");
    begin("from 0s latency * -> * 5ms jitter 5ms");
    struct socket *sender = open_at("10.0.0.1:5"), *receiver = open_at("10.0.0.2:5");
    uint64_t n_used = 0, n_live = 0;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 1000; i++) {
            send_to(sender, "10.0.0.2:5", (size_t)(i % 100));
            send_to(sender, "10.0.0.2:77", 10); /* refused */
            run_until(now_ns() + MILLISECOND);
            while (take(receiver) >= 0)
                ;
        }
        run();
        while (take(receiver) >= 0)
            ;
        if (round > 1) {
            assert_int_equal(world->memory.n_live, n_live);
            assert_in_range(world->memory.n_used, n_used, n_used + 4096); /* a higher peak */
        }
        n_used = world->memory.n_used;
        n_live = world->memory.n_live;
    }
}

/* --- ports without a socket --------------------------------------------------------------------------------------- */

/* Sends to addresses that no host has. */
static void scan(struct socket *socket, uint32_t first, uint32_t n)
{
    for (uint32_t i = first; i < first + n; i++) {
        char text[TRALE_ADDRESS_TEXT];
        snprintf(text, sizeof text, "11.%u.%u.%u:9", i >> 16, i >> 8 & 0xff, i & 0xff);
        assert_int_equal(send_to(socket, text, 1), 1);
        run();
    }
}

static void test_addresses_without_a_host_take_memory_for_the_last_of_them_alone(void **state)
{
    (void)state;
    struct socket *socket = open_at("10.0.0.1:1000");
    const struct trale_address late = test_address("11.0.0.0:0");
    scan(socket, 0, 2 * LINKS_TO_NOBODY);
    uint64_t n_used = world->memory.n_used;
    assert_int_equal(world->n_links, LINKS_TO_NOBODY);
    scan(socket, 2 * LINKS_TO_NOBODY, 4 * LINKS_TO_NOBODY);
    assert_int_equal(world->n_links, LINKS_TO_NOBODY);
    assert_int_equal(world->memory.n_used, n_used);
    /* One that is used again and again stays, and so does that of a host that appears. */
    const struct link *often = link_get(world, &here->identity, &late);
    for (uint32_t i = 0; i < 4; i++) {
        scan(socket, i * LINKS_TO_NOBODY, LINKS_TO_NOBODY - 1);
        assert_ptr_equal(link_get(world, &here->identity, &late), often);
    }
    assert_non_null(host_get(world, &late));
    scan(socket, 0, 2 * LINKS_TO_NOBODY);
    assert_ptr_equal(link_get(world, &here->identity, &late), often);
    assert_int_equal(world->n_links, LINKS_TO_NOBODY + 2); /* that one, and its way back */
}

static void test_a_refused_datagram_is_told_to_a_socket_with_a_peer(void **state)
{
    (void)state;
    struct socket *a = open_at("10.0.0.1:5"), *b = open_at("10.0.0.1:6");
    open_at("10.0.0.2:5");
    assert_int_equal(connect_to(a, "10.0.0.2:77"), 0);
    assert_int_equal(send_to(a, "10.0.0.2:77", 1), 1);
    assert_int_equal(send_to(b, "10.0.0.2:77", 1), 1);
    assert_int_equal(a->error, 0);
    run();
    assert_int_equal(now_ns(), 2 * MILLISECOND); /* there and back */
    assert_int_equal(b->error, 0);
    assert_int_equal(send_to(a, "10.0.0.2:77", 1), -ECONNREFUSED);
    assert_int_equal(send_to(a, "10.0.0.2:77", 1), 1);
    assert_int_equal(n_lost(TRALE_SIM_LOST_NO_SOCKET), 2);
}

static void test_a_host_reports_six_errors_at_once_and_then_one_each_second(void **state)
{
    (void)state;
    struct socket *socket = open_at("10.0.0.1:5");
    open_at("10.0.0.2:5");
    keep_errors(socket);
    for (int i = 0; i < 20; i++)
        send_to(socket, "10.0.0.2:77", 1);
    run();
    assert_int_equal(socket->errors->n, 6);
    run_until(now_ns() + 2 * SECOND);
    for (int i = 0; i < 20; i++)
        send_to(socket, "10.0.0.2:77", 1);
    run();
    assert_int_equal(socket->errors->n, 8);
    /* Not so within a host. */
    for (int i = 0; i < 20; i++)
        send_to(socket, "10.0.0.1:77", 1);
    assert_int_equal(socket->errors->n, 28);
}

static void test_a_report_is_lost_like_a_datagram_and_is_for_the_socket_that_is_there_then(void **state)
{
    (void)state;
    struct socket *socket = open_at("10.0.0.1:5");
    struct icmp_report report;
    uint32_t n_lost_errors;
    open_at("10.0.0.2:5");
    struct fault *loss = begin("from 0s loss 10.0.0.2 -> 10.0.0.1 100%");
    keep_errors(socket);
    send_to(socket, "10.0.0.2:77", 1);
    run();
    assert_int_equal(socket->errors->n, 0);
    fault_end(&world->faults, loss);
    send_to(socket, "10.0.0.2:77", 4);
    peer_close(world, socket);
    socket = open_at("10.0.0.1:5");
    keep_errors(socket);
    run();
    assert_true(icmp_take(socket->errors, &report, &n_lost_errors));
    assert_int_equal(report.error, -ECONNREFUSED);
    assert_int_equal(report.n_bytes, 4);
    assert_int_equal(trale_address_port(&report.to), 77);
    assert_int_equal(trale_address_port(&report.from), 0);
}

/* --- who may have a port ------------------------------------------------------------------------------------------ */

static void test_ports_are_shared_as_on_linux(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second;
        const struct peer_flags *first_flags, *second_flags;
        int result;
    } cases[] = {
        {"10.0.0.1:5", "10.0.0.1:5", &none_flags, &none_flags, -EADDRINUSE},
        {"10.0.0.1:5", "10.0.0.1:6", &none_flags, &none_flags, 0},
        {"10.0.0.1:5", "10.0.0.2:5", &none_flags, &none_flags, 0},
        {"10.0.0.1:5", "127.0.0.1:5", &none_flags, &none_flags, 0},
        {"0.0.0.0:5", "127.0.0.1:5", &none_flags, &none_flags, -EADDRINUSE},
        {"127.0.0.1:5", "0.0.0.0:5", &none_flags, &none_flags, -EADDRINUSE},
        {"0.0.0.0:5", "10.0.0.2:5", &none_flags, &none_flags, 0}, /* another host */
        {"0.0.0.0:5", "127.0.0.1:5", &reuse_address, &none_flags, -EADDRINUSE},
        {"0.0.0.0:5", "127.0.0.1:5", &reuse_address, &reuse_address, 0},
        {"10.0.0.1:5", "10.0.0.1:5", &reuse_port, &reuse_port, 0},
        {"10.0.0.1:5", "10.0.0.1:5", &reuse_port, &reuse_address, -EADDRINUSE},
        {"[::]:5", "0.0.0.0:5", &none_flags, &none_flags, -EADDRINUSE},
        {"0.0.0.0:5", "[::]:5", &none_flags, &none_flags, -EADDRINUSE},
        {"[::]:5", "0.0.0.0:5", &v6_only, &none_flags, 0},
        {"0.0.0.0:5", "[::]:5", &none_flags, &v6_only, 0},
        {"[::]:5", "[::1]:5", &v6_only, &none_flags, -EADDRINUSE},
        {"[::]:5", "127.0.0.1:5", &none_flags, &none_flags, -EADDRINUSE},
        {"[::ffff:127.0.0.1]:5", "127.0.0.1:5", &none_flags, &none_flags, -EADDRINUSE},
        {"[::ffff:127.0.0.1]:5", "127.0.0.2:5", &none_flags, &none_flags, 0},
        {"[::ffff:127.0.0.1]:5", "[::1]:5", &none_flags, &none_flags, 0},
        {"[::1]:5", "127.0.0.1:5", &none_flags, &none_flags, 0},
        {"[::ffff:127.0.0.1]:5", "[::]:5", &none_flags, &v6_only, 0},
        {"[::ffff:127.0.0.1]:5", "[::]:6", &v6_only, &none_flags, -EINVAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct socket *first = NULL, *second = NULL;
        int r = try_open(cases[i].first, cases[i].first_flags, &first);
        if (r == 0)
            r = try_open(cases[i].second, cases[i].second_flags, &second);
        if (r != cases[i].result)
            fail_msg("case %zu, %s and %s: %d", i, cases[i].first, cases[i].second, r);
        if (first != NULL)
            peer_close(world, first);
        if (second != NULL)
            peer_close(world, second);
    }
}

static void test_a_socket_keeps_the_address_of_its_first_peer_from_others(void **state)
{
    (void)state;
    struct socket *refused = NULL, *socket = open_at("[::]:5002");
    const struct trale_address v6 = test_address("[::1]:5003"), v4 = test_address("127.0.0.1:5003");
    assert_int_equal(peer_connect(world, socket, &v6), 0);
    assert_int_equal(peer_connect(world, socket, &v4), 0);
    assert_int_equal(try_open("[::1]:5002", &v6_only, &refused), -EADDRINUSE);
    assert_int_equal(try_open("0.0.0.0:5002", &none_flags, &refused), -EADDRINUSE);
    open_with("[fd00::a00:1]:5002", &v6_only);
}

static void test_what_leaves_by_the_loopback_interface_comes_back_in(void **state)
{
    (void)state;
    struct socket *sender = open_at("10.0.0.1:1000"), *any = open_at("0.0.0.0:2000");
    const struct trale_address other = test_address("10.0.0.2:2000"), closed = test_address("10.0.0.2:2001");
    sender->options.interface_index = HOST_LOOPBACK;
    assert_int_equal(peer_connect(world, sender, &other), 0);
    assert_int_equal(send_bytes(sender, &other, "to", 2), 2);
    assert_int_equal(take(any), 2);
    assert_int_equal(peer_connect(world, sender, &closed), 0);
    assert_int_equal(send_bytes(sender, &closed, "to", 2), 2);
    assert_int_equal(sender->error, 0);
}

static void test_a_peer_that_is_a_group_of_one_interface_binds_its_socket_to_it(void **state)
{
    (void)state;
    struct socket *socket = open_at("[::]:1000");
    const struct trale_address near = test_address("[ff12::5]:2000"), far = test_address("[ff15::5]:2000");
    assert_int_equal(peer_connect(world, socket, &near), -EINVAL);
    socket->options.multicast_interface = HOST_NETWORK;
    assert_int_equal(peer_connect(world, socket, &far), 0);
    assert_int_equal(socket->options.interface_index, 0);
    assert_int_equal(peer_connect(world, socket, &near), 0);
    assert_int_equal(socket->options.interface_index, HOST_NETWORK);
    assert_int_equal(peer_address(socket).v6.sin6_scope_id, HOST_NETWORK);
}

static void test_a_chosen_port_is_not_chosen_again_soon_and_all_can_be_in_use(void **state)
{
    (void)state;
    static bool chosen[65536];
    static struct socket *sockets[PORT_EPHEMERAL_LAST - PORT_EPHEMERAL_FIRST + 1];
    const size_t n = sizeof sockets / sizeof sockets[0];
    memset(chosen, 0, sizeof chosen);
    for (size_t i = 0; i < n; i++) {
        struct socket *socket = open_at("127.0.0.1:0");
        uint16_t port = trale_address_port(&socket->local);
        assert_in_range(port, PORT_EPHEMERAL_FIRST, PORT_EPHEMERAL_LAST);
        assert_false(chosen[port]);
        chosen[port] = true;
        peer_close(world, socket);
    }
    for (size_t i = 0; i < n; i++)
        sockets[i] = open_at("127.0.0.1:0");
    struct socket *none = NULL;
    assert_int_equal(try_open("127.0.0.1:0", &none_flags, &none), -EADDRINUSE);
    assert_null(none);
    assert_non_null(open_at("127.0.0.2:0"));
    peer_close(world, sockets[n / 2]);
    assert_non_null(open_at("127.0.0.1:0"));
}

/* --- for which socket a datagram is ------------------------------------------------------------------------------- */

static void test_the_socket_that_fits_best_gets_a_datagram(void **state)
{
    (void)state;
    struct socket *sender = open_at("10.0.0.2:9"), *other = open_at("10.0.0.3:9");
    struct socket *peered = open_with("10.0.0.1:5", &reuse_address), *exact = open_with("10.0.0.1:5", &reuse_address),
                  *any = open_with("0.0.0.0:5", &reuse_address);
    assert_int_equal(connect_to(peered, "10.0.0.2:9"), 0);
    send_to(sender, "10.0.0.1:5", 1);
    send_to(other, "10.0.0.1:5", 2);
    send_to(any, "127.0.0.1:5", 3);
    run();
    assert_int_equal(take(peered), 1);
    assert_int_equal(take(exact), 2);
    assert_int_equal(take(any), 3);
    /* Of those that fit alike, the one that was bound last. */
    struct socket *last = open_with("10.0.0.1:5", &reuse_address);
    send_to(other, "10.0.0.1:5", 4);
    run();
    assert_int_equal(take(exact), -1);
    assert_int_equal(take(last), 4);
}

static void test_a_dual_stack_socket_hears_both_families_and_a_v6_only_one_does_not(void **state)
{
    (void)state;
    struct socket *v4 = open_at("10.0.0.2:9"), *v6 = open_at("[fd00::a00:2]:9");
    struct socket *dual = open_at("[::]:5"), *narrow = open_with("[::]:6", &v6_only);
    const struct trale_address mapped = test_address("[::ffff:10.0.0.2]:9");
    for (int i = 0; i < 2; i++) {
        const char *port = i == 0 ? "5" : "6";
        char v4_text[32], v6_text[32];
        snprintf(v4_text, sizeof v4_text, "10.0.0.1:%s", port);
        snprintf(v6_text, sizeof v6_text, "[fd00::a00:1]:%s", port);
        send_to(v4, v4_text, 4);
        send_to(v6, v6_text, 6);
    }
    run();
    const struct trale_address from = peer_show(dual, &socket_first(dual)->from);
    assert_true(trale_address_equal(&from, &mapped));
    assert_int_equal(take(dual), 4);
    assert_int_equal(take(dual), 6);
    assert_int_equal(take(narrow), 6);
    assert_int_equal(take(narrow), -1);
    assert_int_equal(send_to(dual, "10.0.0.2:9", 1), 1);
    assert_int_equal(send_to(narrow, "10.0.0.2:9", 1), -ENETUNREACH);
    assert_int_equal(send_to(v4, "[fd00::a00:1]:5", 1), -EAFNOSUPPORT);
    run();
    assert_int_equal(take(v4), 1);
}

static void test_sockets_of_one_port_share_its_senders_and_each_sender_keeps_its_socket(void **state)
{
    (void)state;
    enum { N_SOCKETS = 4, N_SENDERS = 64 };
    struct socket *sockets[N_SOCKETS], *senders[N_SENDERS];
    int n_of_socket[N_SOCKETS] = {0};
    for (int i = 0; i < N_SOCKETS; i++)
        sockets[i] = open_with("10.0.0.1:5", &reuse_port);
    for (int i = 0; i < N_SENDERS; i++)
        senders[i] = open_at("10.0.0.2:0");
    for (int i = 0; i < N_SENDERS; i++) {
        int chosen = -1;
        for (int round = 0; round < 3; round++) {
            send_to(senders[i], "10.0.0.1:5", 1);
            run();
            for (int k = 0; k < N_SOCKETS; k++)
                if (take(sockets[k]) == 1) {
                    assert_true(chosen < 0 || chosen == k);
                    chosen = k;
                }
        }
        assert_true(chosen >= 0);
        n_of_socket[chosen]++;
    }
    for (int k = 0; k < N_SOCKETS; k++)
        assert_in_range(n_of_socket[k], 4, 32);
}

static void test_a_peer_can_be_removed_and_the_addresses_are_what_they_were(void **state)
{
    (void)state;
    static const struct trale_address none;
    struct socket *socket = open_at("0.0.0.0:5"), *v6 = open_at("[::]:6");
    const struct trale_address before = socket->local;
    assert_int_equal(connect_to(socket, "10.0.0.2:9"), 0);
    const struct trale_address connected = test_address("10.0.0.1:5");
    assert_true(trale_address_equal(&socket->local, &connected));
    assert_int_equal(peer_connect(world, socket, &none), 0);
    assert_true(trale_address_equal(&socket->local, &before));
    assert_int_equal(peer_connect(world, v6, &none), 0);
    assert_int_equal(connect_to(v6, "[::ffff:10.0.0.2]:9"), 0);
    assert_int_equal(peer_connect(world, v6, &none), -EOPNOTSUPP);
}

/* --- groups and broadcasts ---------------------------------------------------------------------------------------- */

static void test_a_group_is_heard_on_each_host_that_has_joined_it(void **state)
{
    (void)state;
    struct socket *sender = open_at("10.0.0.1:5"), *a = open_at("10.0.0.2:9"), *quiet = open_at("10.0.0.4:9");
    const struct trale_address group = test_address("239.1.2.3:0");
    const struct trale_address any_b = test_address("239.1.2.3:9"), host_b = test_address("10.0.0.3:0");
    struct host *b_host = host_get(world, &host_b);
    struct socket *b = NULL;
    assert_int_equal(peer_open(world, b_host, &any_b, &none_flags, &b), 0); /* bound to the group itself */
    assert_int_equal(group_join(world, a, &group, 0), 0);
    assert_int_equal(group_join(world, b, &group, 0), 0);
    assert_int_equal(send_to(sender, "239.1.2.3:9", 3), 3);
    run();
    assert_int_equal(take(b), 3);
    assert_int_equal(take(quiet), -1);
    /* A socket that is bound to an address of its own hears no group, as on Linux. */
    assert_int_equal(take(a), -1);
    struct socket *c = NULL;
    const struct trale_address wildcard = test_address("0.0.0.0:9"), host_c = test_address("10.0.0.5:0");
    assert_int_equal(peer_open(world, host_get(world, &host_c), &wildcard, &none_flags, &c), 0);
    assert_int_equal(group_join(world, c, &group, HOST_NETWORK), 0);
    begin("at 0s partition 10.0.0.1 | 10.0.0.3 for 1s");
    assert_int_equal(send_to(sender, "239.1.2.3:9", 4), 4);
    run();
    assert_int_equal(take(b), -1);
    assert_int_equal(take(c), 4);
    assert_int_equal(group_leave(world, c, &group, 0), 0);
    assert_int_equal(group_leave(world, c, &group, 0), -EADDRNOTAVAIL);
    assert_int_equal(send_to(sender, "239.1.2.3:9", 5), 5);
    run();
    assert_int_equal(take(c), -1);
}

static void test_the_sender_hears_its_own_group_unless_it_says_otherwise(void **state)
{
    (void)state;
    struct socket *sender = open_at("10.0.0.1:5"), *own = open_at("0.0.0.0:9");
    struct socket *far = NULL;
    const struct trale_address group = test_address("239.1.2.3:0"), wildcard = test_address("0.0.0.0:9"),
                               far_host = test_address("10.0.0.2:0");
    assert_int_equal(peer_open(world, host_get(world, &far_host), &wildcard, &none_flags, &far), 0);
    assert_int_equal(group_join(world, own, &group, 0), 0);
    assert_int_equal(group_join(world, far, &group, 0), 0);
    assert_int_equal(send_to(sender, "239.1.2.3:9", 1), 1);
    assert_int_equal(take(own), 1);
    sender->options.multicast_loop = false;
    assert_int_equal(send_to(sender, "239.1.2.3:9", 2), 2);
    assert_int_equal(take(own), -1);
    run();
    assert_int_equal(take(far), 1);
    assert_int_equal(take(far), 2);
    sender->options.multicast_loop = true;
    sender->options.multicast_ttl = 0;
    assert_int_equal(send_to(sender, "239.1.2.3:9", 3), 3);
    run();
    assert_int_equal(take(own), 3);
    assert_int_equal(take(far), -1);
}

static void test_a_broadcast_reaches_the_hosts_of_the_network_and_needs_leave(void **state)
{
    (void)state;
    static const char *const hosts[] = {"10.0.0.2:0", "10.0.0.3:0", "10.0.1.2:0"};
    struct socket *sender = open_at("10.0.0.1:5"), *own = open_at("0.0.0.0:9"), *sockets[3];
    const struct trale_address wildcard = test_address("0.0.0.0:9");
    for (size_t i = 0; i < 3; i++) {
        const struct trale_address host = test_address(hosts[i]);
        assert_int_equal(peer_open(world, host_get(world, &host), &wildcard, &none_flags, &sockets[i]), 0);
    }
    assert_int_equal(send_to(sender, "255.255.255.255:9", 1), -EACCES);
    assert_int_equal(send_to(sender, "10.0.0.255:9", 1), -EACCES);
    sender->options.broadcast = true;
    assert_int_equal(send_to(sender, "10.0.0.255:9", 1), 1);
    assert_int_equal(send_to(sender, "255.255.255.255:9", 2), 2);
    assert_int_equal(take(own), 1);
    assert_int_equal(take(own), 2);
    run();
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(take(sockets[i]), 1);
        assert_int_equal(take(sockets[i]), 2);
    }
    assert_int_equal(take(sockets[2]), 2);
    assert_int_equal(take(sockets[2]), -1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_datagram_takes_the_latency_of_its_link_and_none_within_a_host),
        TEST(test_the_latency_varies_and_the_order_stays),
        TEST(test_a_jitter_larger_than_the_latency_ends_at_no_latency),
        TEST(test_a_reordered_datagram_is_overtaken_and_not_lost),
        TEST(test_so_many_are_lost_as_the_rate_says_and_in_that_direction_alone),
        TEST(test_what_befalls_a_datagram_depends_on_the_seed_and_on_no_other_fault),
        TEST(test_copies_arrive_as_well),
        TEST(test_the_checksum_finds_a_datagram_that_was_corrupted_except_if_it_is_unchecked),
        TEST(test_a_drop_takes_so_many_datagrams_and_is_over),
        TEST(test_a_partition_cuts_both_directions_or_one),
        TEST(test_a_datagram_to_no_host_is_lost_silently_and_a_host_may_come_later),
        TEST(test_a_full_receive_buffer_loses_and_counts),
        TEST(test_a_link_that_is_too_small_is_reported_and_remembered_for_ten_minutes),
        TEST(test_routers_fragment_ipv4_datagrams_that_allow_it),
        TEST(test_what_is_too_large_is_refused),
        TEST(test_a_limited_bandwidth_spreads_datagrams_and_fills_the_send_buffer),
        TEST(test_a_full_queue_loses_and_tells_a_socket_that_keeps_errors),
        TEST(test_what_a_closed_socket_has_sent_arrives_and_nothing_of_it_stays),
        TEST(test_the_steady_state_takes_no_further_memory),
        TEST(test_addresses_without_a_host_take_memory_for_the_last_of_them_alone),
        TEST(test_a_refused_datagram_is_told_to_a_socket_with_a_peer),
        TEST(test_a_host_reports_six_errors_at_once_and_then_one_each_second),
        TEST(test_a_report_is_lost_like_a_datagram_and_is_for_the_socket_that_is_there_then),
        TEST(test_ports_are_shared_as_on_linux),
        TEST(test_a_socket_keeps_the_address_of_its_first_peer_from_others),
        TEST(test_what_leaves_by_the_loopback_interface_comes_back_in),
        TEST(test_a_peer_that_is_a_group_of_one_interface_binds_its_socket_to_it),
        TEST(test_a_chosen_port_is_not_chosen_again_soon_and_all_can_be_in_use),
        TEST(test_the_socket_that_fits_best_gets_a_datagram),
        TEST(test_a_dual_stack_socket_hears_both_families_and_a_v6_only_one_does_not),
        TEST(test_sockets_of_one_port_share_its_senders_and_each_sender_keeps_its_socket),
        TEST(test_a_peer_can_be_removed_and_the_addresses_are_what_they_were),
        TEST(test_a_group_is_heard_on_each_host_that_has_joined_it),
        TEST(test_the_sender_hears_its_own_group_unless_it_says_otherwise),
        TEST(test_a_broadcast_reaches_the_hosts_of_the_network_and_needs_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
