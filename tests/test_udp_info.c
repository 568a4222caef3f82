/* SPDX-License-Identifier: MIT
 *
 * The info of datagrams that are received and sent, in each thread layout: in batches, and one at a time. Where no task
 * runs, the test's thread may use the sockets. */
#include <net/if.h>

#include <trale/udp_info.h>
#include <trale/udp_socket.h>

#include "tests/support.h"

#define ALL                                                                                                            \
    (TRALE_UDP_INFO_LOCAL | TRALE_UDP_INFO_TRAFFIC_CLASS | TRALE_UDP_INFO_TTL | TRALE_UDP_INFO_TIME |                  \
     TRALE_UDP_INFO_DROPS)

struct pair {
    struct trale *runtime;
    struct trale_udp_socket *receiver, *sender;
    struct trale_address to;      /* the receiver's port at the host that was named */
    struct trale_address from;    /* the sender's */
    struct trale_address replier; /* who sent what was received last */
};

/* The port is in the same place in both families. */
static struct trale_address address_with_port(const char *host, in_port_t port)
{
    struct trale_address address = test_address(host);
    address.v4.sin_port = port;
    return address;
}

static struct pair open_pair(const char *receiver, const char *host, const char *sender, uint32_t told)
{
    struct pair pair = {.runtime = test_open("timer, udp", TEST_TIMER TEST_UDP)};
    struct trale_address local;
    assert_int_equal(trale_udp_open(pair.runtime, receiver, 0, &pair.receiver), 0);
    assert_int_equal(trale_udp_open(pair.runtime, sender, 0, &pair.sender), 0);
    assert_int_equal(trale_udp_set(pair.receiver, TRALE_UDP_INFO, told), 0);
    assert_int_equal(trale_udp_local(pair.receiver, &local), 0);
    assert_int_equal(trale_udp_local(pair.sender, &pair.from), 0);
    pair.to = address_with_port(host, local.v4.sin_port);
    return pair;
}

/* Another socket takes the receiver's place, bound to this address. */
static void adopt_receiver(struct pair *pair, int fd, const struct trale_address *local)
{
    test_close_socket(pair->runtime, pair->receiver);
    assert_int_equal(bind(fd, &local->any, sizeof *local), 0);
    assert_int_equal(trale_udp_adopt(pair->runtime, fd, &pair->receiver), 0);
}

/* Whether the tests send and receive one datagram at a time; else in batches of one. */
static bool singly;

static int64_t send_with(struct trale_udp_socket *socket, const struct trale_address *to, struct trale_udp_info *info)
{
    char byte = 'x';
    struct trale_udp_send send;
    if (singly)
        return trale_udp_try_send_info(&send, socket, &byte, 1, to, info);
    struct trale_udp_batch batch;
    struct trale_datagram datagram = {.buf = &byte, .size = 1, .address = *to, .info = info};
    return trale_udp_try_send_batch(&batch, socket, &datagram, 1);
}

static int64_t recv_with(struct pair *pair, struct trale_udp_socket *socket, struct trale_udp_info *info)
{
    char byte;
    struct trale_udp_recv recv;
    if (singly) {
        int64_t length = trale_udp_try_recv_info(&recv, socket, &byte, 1, info);
        pair->replier = recv.from;
        return length;
    }
    struct trale_udp_batch batch;
    struct trale_datagram datagram = {.buf = &byte, .size = 1, .info = info};
    int64_t n = trale_udp_try_recv_batch(&batch, socket, &datagram, 1);
    pair->replier = datagram.address;
    return n;
}

static struct trale_udp_info exchange(struct pair *pair, struct trale_udp_info *said)
{
    struct trale_udp_info info = {.have = UINT32_MAX};
    assert_int_equal(send_with(pair->sender, &pair->to, said), 1);
    assert_int_equal(recv_with(pair, pair->receiver, &info), 1);
    return info;
}

static void assert_host(const struct trale_address *address, const char *host)
{
    char text[TRALE_ADDRESS_TEXT];
    struct trale_address found = *address;
    found.v4.sin_port = 0;
    assert_true(trale_address_format(&found, text, sizeof text) > 0);
    assert_string_equal(text, host);
}

/* --- received ----------------------------------------------------------------------------------------------------- */

static void assert_told(const char *receiver, const char *host, const char *sender, const char *local)
{
    struct pair pair = open_pair(receiver, host, sender, ALL);
    assert_int_equal(trale_udp_set(pair.sender, TRALE_UDP_TRAFFIC_CLASS, 0xb9), 0);
    assert_int_equal(trale_udp_set(pair.sender, TRALE_UDP_TTL, 33), 0);
    if (pair.from.any.sa_family == AF_INET)
        pair.to = (struct trale_address){.v4 = {.sin_family = AF_INET,
                                                .sin_port = pair.to.v4.sin_port,
                                                .sin_addr = test_address("127.0.0.2:0").v4.sin_addr}};
    uint64_t before_ns = trale_now_on(pair.runtime, TRALE_CLOCK_REALTIME);
    struct trale_udp_info info = exchange(&pair, NULL);
    uint64_t after_ns = trale_now_on(pair.runtime, TRALE_CLOCK_REALTIME);
    assert_int_equal(info.have, ALL);
    assert_host(&info.local, local);
    assert_int_equal(info.interface_index, if_nametoindex("lo"));
    assert_int_equal(info.traffic_class, 0xb9);
    assert_int_equal(info.ttl, 33);
    assert_in_range(info.time_ns, before_ns, after_ns);
    assert_int_equal(info.drops, 0);
    assert_int_equal(trale_close(pair.runtime), 0);
}

static void test_all_is_told_of_an_ipv4_datagram(void **state)
{
    (void)state;
    assert_told("0.0.0.0:0", "127.0.0.2:0", "127.0.0.1:0", "127.0.0.2:0");
}

static void test_all_is_told_of_an_ipv6_datagram(void **state)
{
    (void)state;
    assert_told("[::]:0", "[::1]:0", "[::1]:0", "[::1]:0");
}

static void test_all_is_told_of_an_ipv4_datagram_on_an_ipv6_socket(void **state)
{
    (void)state;
    assert_told("[::]:0", "[::1]:0", "127.0.0.1:0", "[::ffff:127.0.0.2]:0");
}

static void test_what_is_off_is_not_told(void **state)
{
    (void)state;
    static const uint32_t sets[] = {0, TRALE_UDP_INFO_TTL, TRALE_UDP_INFO_LOCAL | TRALE_UDP_INFO_TIME};
    struct pair pair = open_pair("127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", ALL);
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        int64_t value;
        assert_int_equal(trale_udp_set(pair.receiver, TRALE_UDP_INFO, sets[i]), 0);
        assert_int_equal(trale_udp_get(pair.receiver, TRALE_UDP_INFO, &value), 0);
        assert_int_equal(value, sets[i]);
        assert_int_equal(exchange(&pair, NULL).have, sets[i]);
    }
    assert_int_equal(trale_udp_set(pair.receiver, TRALE_UDP_INFO, ALL), 0);
    assert_int_equal(send_with(pair.sender, &pair.to, NULL), 1);
    assert_int_equal(recv_with(&pair, pair.receiver, NULL), 1);
    assert_int_equal(trale_close(pair.runtime), 0);
}

static void test_losses_are_told_with_the_next_datagram(void **state)
{
    (void)state;
    struct pair pair = open_pair("127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", TRALE_UDP_INFO_DROPS);
    int64_t n_lost;
    assert_int_equal(trale_udp_set(pair.receiver, TRALE_UDP_RECEIVE_BUFFER, 4096), 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(send_with(pair.sender, &pair.to, NULL), 1);
    while (recv_with(&pair, pair.receiver, NULL) == 1)
        ;
    assert_int_equal(trale_udp_get(pair.receiver, TRALE_UDP_DROPS, &n_lost), 0);
    assert_true(n_lost > 0);
    assert_int_equal(exchange(&pair, NULL).drops, n_lost);
    assert_int_equal(trale_close(pair.runtime), 0);
}

static void test_an_adopted_socket_tells_what_it_told_before(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a socket has no file descriptor, so none is adopted or inherited");
    static const struct {
        const char *host;
        int family, level, name;
    } samples[] = {{"127.0.0.1:0", AF_INET, IPPROTO_IP, IP_PKTINFO},
                   {"[::1]:0", AF_INET6, IPPROTO_IPV6, IPV6_RECVPKTINFO}};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct pair pair = open_pair(samples[i].host, samples[i].host, samples[i].host, ALL);
        int64_t value;
        int on = 1, fd = socket(samples[i].family, SOCK_DGRAM, 0);
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on), 0);
        assert_int_equal(setsockopt(fd, samples[i].level, samples[i].name, &on, sizeof on), 0);
        adopt_receiver(&pair, fd, &pair.to);
        assert_int_equal(trale_udp_get(pair.receiver, TRALE_UDP_INFO, &value), 0);
        assert_int_equal(value, TRALE_UDP_INFO_LOCAL | TRALE_UDP_INFO_TIME);
        assert_int_equal(exchange(&pair, NULL).have, value);
        assert_int_equal(trale_close(pair.runtime), 0);
    }
}

static void test_an_adopted_dual_stack_socket_tells_what_can_be_answered_with(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a socket has no file descriptor, so none is adopted or inherited");
    struct pair pair = open_pair("[::]:0", "[::1]:0", "127.0.0.1:0", ALL);
    int on = 1, fd = socket(AF_INET6, SOCK_DGRAM, 0);
    pair.to = address_with_port("127.0.0.9:0", pair.to.v4.sin_port);
    struct trale_address local = address_with_port("[::]:0", pair.to.v4.sin_port);
    static const int v4[] = {IP_PKTINFO, IP_RECVTOS, IP_RECVTTL};
    static const int v6[] = {IPV6_RECVPKTINFO, IPV6_RECVTCLASS, IPV6_RECVHOPLIMIT};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(setsockopt(fd, IPPROTO_IP, v4[i], &on, sizeof on), 0);
        assert_int_equal(setsockopt(fd, IPPROTO_IPV6, v6[i], &on, sizeof on), 0);
    }
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on), 0);
    adopt_receiver(&pair, fd, &local);
    for (int i = 0; i < 2; i++) {
        struct trale_udp_info info = exchange(&pair, NULL);
        assert_int_equal(info.have, ALL);
        assert_host(&info.local, "[::ffff:127.0.0.9]:0");
        info.have = TRALE_UDP_INFO_LOCAL;
        assert_int_equal(send_with(pair.receiver, &pair.replier, &info), 1);
        assert_int_equal(recv_with(&pair, pair.sender, NULL), 1);
        assert_memory_equal(&pair.replier, &pair.to, sizeof pair.to.v4);
        /* The second time as if another process that has the socket too had switched it on again. */
        assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on), 0);
    }
    assert_int_equal(trale_close(pair.runtime), 0);
}

static void test_info_that_was_on_in_one_family_alone_is_off(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a socket has no file descriptor, so none is adopted or inherited");
    struct trale *runtime = test_open("udp", TEST_UDP);
    struct trale_udp_socket *adopted;
    int on = 1, fd = socket(AF_INET6, SOCK_DGRAM, 0);
    int64_t value;
    socklen_t size = sizeof on;
    assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof on), 0);
    assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof on), 0);
    assert_int_equal(trale_udp_adopt(runtime, fd, &adopted), 0);
    assert_int_equal(trale_udp_get(adopted, TRALE_UDP_INFO, &value), 0);
    assert_int_equal(value, 0);
    assert_int_equal(getsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, &size), 0);
    assert_int_equal(on, 0);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_what_another_process_switches_on_is_not_told(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a socket has no file descriptor, so none is adopted or inherited");
    struct pair pair = open_pair("127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", ALL);
    int on = 1, fd = socket(AF_INET, SOCK_DGRAM, 0);
    adopt_receiver(&pair, fd, &pair.to);
    assert_int_equal(trale_udp_set(pair.receiver, TRALE_UDP_INFO, TRALE_UDP_INFO_TIME), 0);
    assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof on), 0);
    assert_int_equal(exchange(&pair, NULL).have, TRALE_UDP_INFO_TIME);
    assert_int_equal(trale_close(pair.runtime), 0);
}

/* --- sent --------------------------------------------------------------------------------------------------------- */

static void assert_said(const char *receiver, const char *host, const char *sender, const char *source)
{
    struct pair pair = open_pair(receiver, host, sender, ALL);
    struct trale_udp_info said = {.have = TRALE_UDP_INFO_LOCAL | TRALE_UDP_INFO_INTERFACE |
                                          TRALE_UDP_INFO_TRAFFIC_CLASS | TRALE_UDP_INFO_TTL,
                                  .local = test_address(source),
                                  .interface_index = if_nametoindex("lo"),
                                  .traffic_class = 46 << 2 | 2,
                                  .ttl = 7};
    struct trale_udp_info info = exchange(&pair, &said);
    assert_int_equal(info.traffic_class, 46 << 2 | 2);
    assert_int_equal(info.ttl, 7);
    if (pair.replier.any.sa_family == AF_INET6 || pair.from.any.sa_family == AF_INET)
        assert_host(&pair.replier, source);
    /* It was said of one datagram. */
    info = exchange(&pair, NULL);
    assert_int_not_equal(info.traffic_class, 46 << 2 | 2);
    assert_int_not_equal(info.ttl, 7);
    assert_int_equal(trale_close(pair.runtime), 0);
}

static void test_a_datagram_has_the_source_class_and_ttl_that_it_was_given(void **state)
{
    (void)state;
    assert_said("127.0.0.1:0", "127.0.0.1:0", "0.0.0.0:0", "127.0.0.3:0");
    assert_said("[::1]:0", "[::1]:0", "[::]:0", "[::1]:0");
    assert_said("127.0.0.1:0", "[::ffff:127.0.0.1]:0", "[::]:0", "[::ffff:127.0.0.3]:0");
}

static void test_an_interface_alone_is_said_to_each_family(void **state)
{
    (void)state;
    static const char *const hosts[][2] = {
        {"127.0.0.1:0", "127.0.0.1:0"}, {"[::1]:0", "[::1]:0"}, {"[::ffff:127.0.0.1]:0", "127.0.0.1:0"}};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct pair pair = open_pair(hosts[i][1], hosts[i][0], i == 0 ? "0.0.0.0:0" : "[::]:0", ALL);
        struct trale_address peer = {0};
        struct trale_udp_info said = {.have = TRALE_UDP_INFO_INTERFACE, .interface_index = if_nametoindex("lo")};
        exchange(&pair, &said);
        said.interface_index = 0;
        exchange(&pair, &said);
        assert_int_equal(trale_udp_connect(pair.sender, &pair.to), 0);
        assert_int_equal(send_with(pair.sender, &peer, &said), 1);
        assert_int_equal(trale_close(pair.runtime), 0);
    }
}

static void test_an_answer_comes_from_the_address_that_was_asked(void **state)
{
    (void)state;
    struct pair pair = open_pair("0.0.0.0:0", "127.0.0.9:0", "127.0.0.1:0", ALL);
    struct trale_udp_info info = exchange(&pair, NULL);
    info.have = TRALE_UDP_INFO_LOCAL;
    assert_int_equal(send_with(pair.receiver, &pair.replier, &info), 1);
    assert_int_equal(recv_with(&pair, pair.sender, NULL), 1);
    assert_memory_equal(&pair.replier, &pair.to, sizeof pair.to.v4);
    assert_int_equal(trale_close(pair.runtime), 0);
}

static void test_what_cannot_be_said_is_refused_and_nothing_sent(void **state)
{
    (void)state;
    struct pair pair = open_pair("127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", ALL);
    const struct {
        struct trale_udp_info info;
        int error;
    } samples[] = {
        {{.have = 64}, -EINVAL},
        {{.have = TRALE_UDP_INFO_TTL, .ttl = 0}, -EINVAL},
        {{.have = TRALE_UDP_INFO_TTL, .ttl = 256}, -EINVAL},
        {{.have = TRALE_UDP_INFO_TRAFFIC_CLASS, .traffic_class = -1}, -EINVAL},
        {{.have = TRALE_UDP_INFO_TRAFFIC_CLASS, .traffic_class = 256}, -EINVAL},
        {{.have = TRALE_UDP_INFO_LOCAL, .local = test_address("[::1]:0")}, -EAFNOSUPPORT},
        {{.have = TRALE_UDP_INFO_INTERFACE, .interface_index = UINT32_MAX}, -EINVAL},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct trale_udp_info info = samples[i].info;
        assert_int_equal(send_with(pair.sender, &pair.to, &info), samples[i].error);
    }
    struct trale_udp_info foreign = {.have = TRALE_UDP_INFO_LOCAL, .local = test_address("192.0.2.1:0")};
    assert_true(send_with(pair.sender, &pair.to, &foreign) < 0);
    assert_int_equal(recv_with(&pair, pair.receiver, NULL), -EAGAIN);
    assert_int_equal(trale_udp_set(pair.receiver, TRALE_UDP_INFO, 32), -EINVAL);
    assert_int_equal(trale_udp_set(pair.receiver, TRALE_UDP_INFO, -1), -EINVAL);
    assert_int_equal(exchange(&pair, NULL).have, ALL);
    assert_int_equal(trale_close(pair.runtime), 0);
}

/* --- one datagram at a time, awaited ------------------------------------------------------------------------------ */

/* Sockets belong to the executor thread, so a task opens them. It fails with the number of its line. */
#define expect(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            trale_return(-__LINE__);                                                                                   \
    } while (0)

static const struct sample {
    const char *receiver, *host, *sender;
    bool connected;
} samples[] = {
    {"0.0.0.0:0", "127.0.0.7:0", "127.0.0.1:0", false},
    {"0.0.0.0:0", "127.0.0.7:0", "127.0.0.1:0", true},
    {"[::]:0", "[::1]:0", "[::1]:0", false},
    {"[::]:0", "[::1]:0", "[::1]:0", true},
    {"[::]:0", "127.0.0.7:0", "127.0.0.1:0", false},
    {"[::]:0", "127.0.0.7:0", "127.0.0.1:0", true},
};

/* Two sockets; `to` is the receiver's address, NULL if it is the sender's peer. */
struct ends {
    struct trale_udp_socket *receiver, *sender;
    struct trale_address asked, *to;
};

static void ends_close(struct ends *ends)
{
    trale_udp_close(ends->receiver);
    trale_udp_close(ends->sender);
}

static int ends_open(struct ends *ends, struct trale *runtime, const struct sample *sample)
{
    struct trale_address local;
    int r = trale_udp_open(runtime, sample->receiver, 0, &ends->receiver);
    if (r == 0)
        r = trale_udp_open(runtime, sample->sender, 0, &ends->sender);
    if (r == 0)
        r = trale_udp_set(ends->receiver, TRALE_UDP_INFO, ALL);
    if (r == 0)
        r = trale_udp_local(ends->receiver, &local);
    if (r < 0)
        return r;
    ends->asked = address_with_port(sample->host, local.v4.sin_port);
    ends->to = sample->connected ? NULL : &ends->asked;
    return sample->connected ? trale_udp_connect(ends->sender, &ends->asked) : 0;
}

struct talk {
    struct trale_future future;
    const struct sample *sample;
    struct ends ends;
    struct trale_udp_recv recv;
    struct trale_udp_send send;
    struct trale_udp_info info, said;
    TRALE_BRANCHES(2) both;
    char buf[8];
};

static void talk_close(struct talk *self)
{
    ends_close(&self->ends);
}

/* The receive waits when the datagram comes. Its answer comes from the address that was asked. */
trale_async_with(talk, talk_close)
{
    trale_begin();
    expect(ends_open(&self->ends, cx->runtime, self->sample) == 0);
    self->said = (struct trale_udp_info){
        .have = TRALE_UDP_INFO_TRAFFIC_CLASS | TRALE_UDP_INFO_TTL, .traffic_class = 10 << 2 | 1, .ttl = 9};
    trale_await(trale_all_of(
        &self->both, trale_udp_recv_info(&self->recv, self->ends.receiver, self->buf, sizeof self->buf, &self->info),
        trale_udp_send_info(&self->send, self->ends.sender, "asked", 5, self->ends.to, &self->said)));
    expect(self->both.branch[0].result == 5 && self->both.branch[1].result == 5 && self->recv.length == 5);
    expect(self->info.have == ALL && self->info.interface_index == if_nametoindex("lo"));
    expect(self->info.traffic_class == (10 << 2 | 1) && self->info.ttl == 9 && self->info.drops == 0);

    self->said = self->info;
    self->said.have = TRALE_UDP_INFO_LOCAL;
    trale_await(trale_udp_send_info(&self->send, self->ends.receiver, "told", 4, &self->recv.from, &self->said));
    expect(trale_result() == 4);
    trale_await(trale_udp_recv_info(&self->recv, self->ends.sender, self->buf, 3, &self->info));
    expect(trale_result() == 3 && self->recv.length == 4 && self->recv.truncated == 1);
    expect(self->info.have == 0); /* the sender has switched nothing on */
    expect(trale_address_equal(&self->recv.from, &self->ends.asked));
    trale_return(0);
}

static void test_a_receive_that_waits_gets_the_info_of_its_datagram(void **state)
{
    (void)state;
    struct trale *runtime = test_open("udp", TEST_UDP);
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        assert_int_equal(trale_join(trale_spawn(runtime, talk, .sample = &samples[i])), 0);
    assert_int_equal(trale_close(runtime), 0);
}

struct refusal {
    struct trale_future future;
    const struct sample *sample;
    struct ends ends;
    struct trale_udp_recv recv;
    struct trale_udp_send send;
    struct trale_udp_info info, said;
    struct trale_timeout timeout;
    char buf[8];
};

static void refusal_close(struct refusal *self)
{
    ends_close(&self->ends);
}

trale_async_with(refusal, refusal_close)
{
    trale_begin();
    expect(ends_open(&self->ends, cx->runtime, self->sample) == 0);
    self->info.have = UINT32_MAX;
    trale_await(trale_timeout(&self->timeout,
                              trale_udp_recv_info(&self->recv, self->ends.receiver, self->buf, 8, &self->info),
                              TRALE_MILLISECOND));
    expect(trale_result() == -ETIMEDOUT && self->info.have == UINT32_MAX);

    self->said = (struct trale_udp_info){.have = TRALE_UDP_INFO_TTL, .ttl = 256};
    trale_await(trale_udp_send_info(&self->send, self->ends.sender, "x", 1, self->ends.to, &self->said));
    expect(trale_result() == -EINVAL);
    self->said = (struct trale_udp_info){.have = TRALE_UDP_INFO_LOCAL, .local.any.sa_family = AF_UNIX};
    trale_await(trale_udp_send_info(&self->send, self->ends.sender, "x", 1, self->ends.to, &self->said));
    expect(trale_result() == -EAFNOSUPPORT);

    /* What was given up has taken no datagram, and what was refused has sent none. */
    self->said = (struct trale_udp_info){0};
    trale_await(trale_udp_send_info(&self->send, self->ends.sender, "fine", 4, self->ends.to, &self->said));
    expect(trale_result() == 4);
    trale_await(trale_udp_recv_info(&self->recv, self->ends.receiver, self->buf, 8, &self->info));
    expect(trale_result() == 4 && self->info.have == ALL);

    /* A group of segments has one info, and several datagrams: only a batch receives it. */
    self->info.have = UINT32_MAX;
    expect(trale_udp_set(self->ends.receiver, TRALE_UDP_GRO, 1) == 0);
    trale_await(trale_udp_recv_info(&self->recv, self->ends.receiver, self->buf, 8, &self->info));
    expect(trale_result() == -EOPNOTSUPP && self->info.have == UINT32_MAX);
    trale_return(0);
}

static void test_a_receive_that_is_given_up_or_fails_leaves_its_info_alone(void **state)
{
    (void)state;
    struct trale *runtime = test_open("timer, udp", TEST_TIMER TEST_UDP);
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        assert_int_equal(trale_join(trale_spawn(runtime, refusal, .sample = &samples[i])), 0);
    assert_int_equal(trale_close(runtime), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_is_told_of_an_ipv4_datagram),
        cmocka_unit_test(test_all_is_told_of_an_ipv6_datagram),
        cmocka_unit_test(test_all_is_told_of_an_ipv4_datagram_on_an_ipv6_socket),
        cmocka_unit_test(test_what_is_off_is_not_told),
        cmocka_unit_test(test_losses_are_told_with_the_next_datagram),
        cmocka_unit_test(test_an_adopted_socket_tells_what_it_told_before),
        cmocka_unit_test(test_an_adopted_dual_stack_socket_tells_what_can_be_answered_with),
        cmocka_unit_test(test_info_that_was_on_in_one_family_alone_is_off),
        cmocka_unit_test(test_what_another_process_switches_on_is_not_told),
        cmocka_unit_test(test_a_datagram_has_the_source_class_and_ttl_that_it_was_given),
        cmocka_unit_test(test_an_interface_alone_is_said_to_each_family),
        cmocka_unit_test(test_an_answer_comes_from_the_address_that_was_asked),
        cmocka_unit_test(test_what_cannot_be_said_is_refused_and_nothing_sent),
    };
    const struct CMUnitTest awaited[] = {
        cmocka_unit_test(test_a_receive_that_waits_gets_the_info_of_its_datagram),
        cmocka_unit_test(test_a_receive_that_is_given_up_or_fails_leaves_its_info_alone),
    };
    int failed = cmocka_run_group_tests_name("in batches", tests, NULL, NULL);
    singly = true;
    failed |= cmocka_run_group_tests_name("one at a time", tests, NULL, NULL);
    return failed | cmocka_run_group_tests_name("awaited", awaited, NULL, NULL);
}
