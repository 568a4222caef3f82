/* SPDX-License-Identifier: MIT
 *
 * Errors that come later, in each thread layout. On loopback, a port that refuses answers at once. */
#include <sys/syscall.h>
#include <linux/net_tstamp.h>
#include <unistd.h>

#include <trale/udp_info.h>
#include <trale/udp_socket.h>

#include "tests/support.h"

struct setting {
    struct trale *runtime;
    struct trale_udp_socket *socket;    /* errors are on */
    struct trale_address local, unused; /* the port `unused` refuses what comes */
};

static struct trale_udp_socket *open_socket(struct trale *runtime, const char *host, struct trale_address *local)
{
    struct trale_udp_socket *socket;
    assert_int_equal(trale_udp_open(runtime, host, 0, &socket), 0);
    assert_int_equal(trale_udp_local(socket, local), 0);
    return socket;
}

/* The port of a socket that is connected to itself: the kernel answers others as if there were no socket, and no other
 * test gets the port. */
static struct trale_address deaf_port(struct trale *runtime, const char *host)
{
    struct trale_address address;
    assert_int_equal(trale_udp_connect(open_socket(runtime, host, &address), &address), 0);
    return address;
}

static struct setting open_setting(const char *host)
{
    struct setting s = {.runtime = test_open("timer, udp", TEST_TIMER TEST_UDP)};
    s.socket = open_socket(s.runtime, host, &s.local);
    s.unused = deaf_port(s.runtime, host);
    assert_int_equal(trale_udp_set(s.socket, TRALE_UDP_ERRORS, 1), 0);
    return s;
}

static int64_t send_to(struct setting *s, const struct trale_address *to, const void *bytes, size_t size)
{
    struct trale_udp_send send;
    return trale_block_on(s->runtime, trale_udp_send_to(&send, s->socket, bytes, size, to));
}

static int64_t next_error(struct setting *s, struct trale_udp_error *error, void *buf, size_t size)
{
    return trale_block_on(s->runtime, trale_udp_recv_error(error, s->socket, buf, size));
}

static int64_t next_error_within(struct setting *s, struct trale_udp_error *error, uint64_t duration_ns)
{
    struct trale_timeout timeout;
    return trale_block_on(s->runtime,
                          trale_timeout(&timeout, trale_udp_recv_error(error, s->socket, NULL, 0), duration_ns));
}

static bool has_error(struct setting *s)
{
    struct trale_udp_error error;
    return next_error_within(s, &error, 0) != -ETIMEDOUT;
}

/* A task that waits for an error when this returns. */
static struct trale_task *spawn_wait(struct setting *s)
{
    struct trale_udp_error error;
    struct trale_task *task = trale_spawn_frame(s->runtime, trale_udp_recv_error(&error, s->socket, NULL, 0),
                                                sizeof error);
    assert_false(has_error(s));
    return task;
}

/* --- what an error says ------------------------------------------------------------------------------------------- */

static void assert_unreachable(const char *host, uint32_t origin, uint32_t type, uint32_t code)
{
    struct setting s = open_setting(host);
    struct trale_udp_error error;
    char buf[4];
    assert_int_equal(send_to(&s, &s.unused, "gone for good", 13), 13);
    assert_int_equal(next_error(&s, &error, buf, sizeof buf), 4);
    assert_memory_equal(buf, "gone", 4);
    assert_int_equal(error.error, -ECONNREFUSED);
    assert_int_equal(error.origin, origin);
    assert_int_equal(error.type, type);
    assert_int_equal(error.code, code);
    assert_int_equal(error.mtu, 0);
    assert_int_equal(error.n_lost, 0);
    assert_memory_equal(&error.to, &s.unused, sizeof s.unused);
    struct trale_address from = s.unused;
    from.v4.sin_port = 0;
    assert_memory_equal(&error.from, &from, sizeof from);
    assert_false(has_error(&s));
    assert_int_equal(trale_close(s.runtime), 0);
}

static void test_a_socket_without_peer_is_told_which_address_is_unreachable(void **state)
{
    (void)state;
    assert_unreachable("127.0.0.1:0", TRALE_UDP_ORIGIN_ICMP, 3, 3);
    assert_unreachable("[::1]:0", TRALE_UDP_ORIGIN_ICMP6, 1, 4);
}

static void test_an_ipv6_socket_learns_of_ipv4_hosts(void **state)
{
    (void)state;
    struct setting s = open_setting("[::]:0"), v4 = open_setting("127.0.0.1:0");
    struct trale_address mapped;
    struct trale_udp_error error;
    assert_int_equal(trale_address_parse("[::ffff:127.0.0.1]:0", &mapped), 0);
    mapped.v6.sin6_port = v4.unused.v4.sin_port;
    assert_int_equal(send_to(&s, &mapped, "x", 1), 1);
    assert_int_equal(next_error(&s, &error, NULL, 0), 0);
    assert_int_equal(error.origin, TRALE_UDP_ORIGIN_ICMP);
    assert_memory_equal(&error.to, &mapped, sizeof mapped);
    assert_int_equal(trale_close(v4.runtime), 0);
    assert_int_equal(trale_close(s.runtime), 0);
}

static void test_a_wait_for_an_error_is_woken_by_it(void **state)
{
    (void)state;
    struct setting s = open_setting("127.0.0.1:0");
    struct trale_task *task = spawn_wait(&s);
    assert_int_equal(send_to(&s, &s.unused, "x", 1), 1);
    assert_int_equal(trale_join(task), 0);
    assert_int_equal(trale_close(s.runtime), 0);
}

static void test_this_host_says_what_is_too_large(void **state)
{
    (void)state;
    static const char bytes[65508]; /* fits UDP, and no packet */
    struct setting s = open_setting("127.0.0.1:0");
    struct trale_udp_error error;
    assert_int_equal(send_to(&s, &s.local, bytes, sizeof bytes), -EMSGSIZE);
    assert_int_equal(next_error(&s, &error, NULL, 0), 0);
    assert_int_equal(error.error, -EMSGSIZE);
    assert_int_equal(error.origin, TRALE_UDP_ORIGIN_LOCAL);
    assert_int_equal(error.from.any.sa_family, AF_UNSPEC);
    assert_true(error.mtu > 0 && error.mtu <= 65536);
    assert_false(has_error(&s));
    assert_int_equal(trale_close(s.runtime), 0);
}

static void test_the_latest_errors_are_kept_and_the_others_counted(void **state)
{
    (void)state;
    static const char bytes[65508];
    struct setting s = open_setting("127.0.0.1:0");
    struct trale_udp_error error;
    for (uint32_t i = 0; i < TRALE_UDP_ERRORS_KEPT + 8; i++)
        assert_int_equal(send_to(&s, &s.local, bytes, sizeof bytes), -EMSGSIZE);
    for (uint32_t i = 0; i < TRALE_UDP_ERRORS_KEPT; i++) {
        assert_int_equal(next_error(&s, &error, NULL, 0), 0);
        assert_int_equal(error.n_lost, i == 0 ? 8 : 0);
    }
    assert_false(has_error(&s));
    assert_int_equal(trale_close(s.runtime), 0);
}

/* --- receives and sends go on ------------------------------------------------------------------------------------- */

struct listener {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_udp_recv recv;
    char buf[16];
};

trale_async(listener)
{
    trale_begin();
    trale_await(trale_udp_recv(&self->recv, self->socket, self->buf, sizeof self->buf));
    trale_return(trale_result());
}

static uint64_t n_polls(struct trale *runtime)
{
    struct trale_stats stats;
    assert_int_equal(trale_stats(runtime, &stats), 0);
    return stats.n_polls;
}

/* Nothing happens for a while, and no task is polled for nothing. */
static void assert_quiet(struct setting *s)
{
    struct trale_sleep sleep;
    uint64_t before = n_polls(s->runtime);
    assert_int_equal(trale_block_on(s->runtime, trale_sleep(&sleep, 20 * TRALE_MILLISECOND)), 0);
    assert_true(n_polls(s->runtime) - before < 20);
}

static void test_a_waiting_receive_does_not_hear_of_errors(void **state)
{
    (void)state;
    struct setting s = open_setting("127.0.0.1:0");
    struct trale_udp_error error;
    struct trale_task *task = trale_spawn(s.runtime, listener, .socket = s.socket);
    assert_false(has_error(&s));
    static const char bytes[65508];
    for (int i = 0; i < 2; i++)
        assert_int_equal(send_to(&s, &s.unused, "x", 1), 1);
    assert_quiet(&s);
    assert_int_equal(send_to(&s, &s.local, bytes, sizeof bytes), -EMSGSIZE);
    assert_quiet(&s);
    assert_int_equal(send_to(&s, &s.local, "hello", 5), 5);
    assert_int_equal(trale_join(task), 5);
    for (int i = 0; i < 3; i++)
        assert_int_equal(next_error(&s, &error, NULL, 0), 0);
    assert_false(has_error(&s));
    assert_int_equal(trale_close(s.runtime), 0);
}

static void test_a_wait_for_errors_is_not_woken_by_datagrams(void **state)
{
    (void)state;
    struct setting s = open_setting("127.0.0.1:0");
    struct trale_task *task = spawn_wait(&s);
    assert_int_equal(send_to(&s, &s.local, "hello", 5), 5);
    assert_quiet(&s);
    struct listener listener;
    assert_int_equal(trale_block_on(s.runtime, trale_call(listener, &listener, .socket = s.socket)), 5);
    assert_int_equal(send_to(&s, &s.unused, "x", 1), 1);
    assert_int_equal(trale_join(task), 0);
    assert_int_equal(trale_close(s.runtime), 0);
}

/* While this is not 0, each receive is preceded by an error. The program's definition of recvfrom(2) stands before
 * libc's for the driver too. */
static int n_errors_to_come;
static const struct trale_address *unreachable;

ssize_t test_recvfrom(int fd, void *buf, size_t size, int flags, struct sockaddr *from,
                      socklen_t *length) __asm__("recvfrom");
ssize_t test_recvfrom(int fd, void *buf, size_t size, int flags, struct sockaddr *from, socklen_t *length)
{
    if (n_errors_to_come > 0) {
        n_errors_to_come--;
        sendto(fd, "x", 1, MSG_DONTWAIT, &unreachable->any, sizeof *unreachable);
    }
    return syscall(SYS_recvfrom, fd, buf, size, flags, from, length);
}

static void test_a_receive_does_not_hear_of_any_number_of_errors(void **state)
{
    (void)state;
    TEST_REAL_ONLY("no system call is made that could fail, or be interrupted");
    struct setting s = open_setting("127.0.0.1:0");
    struct trale_udp_recv recv;
    struct trale_udp_error error;
    char buf[8];
    unreachable = &s.unused;
    n_errors_to_come = 20;
    assert_int_equal(trale_udp_try_recv_from(&recv, s.socket, buf, sizeof buf), -EAGAIN);
    assert_int_equal(n_errors_to_come, 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(next_error(&s, &error, NULL, 0), 0);
    assert_false(has_error(&s));
    assert_int_equal(trale_close(s.runtime), 0);
}

/* Takes in the error with a receive, before the reactor has seen it. */
struct meddler {
    struct trale_future future;
    struct setting *s;
};

trale_async(meddler)
{
    struct trale_udp_send send;
    struct trale_udp_recv recv;
    char buf[8];
    trale_begin();
    if (trale_udp_try_send_to(&send, self->s->socket, "x", 1, &self->s->unused) != 1)
        trale_return(-EIO);
    trale_return(trale_udp_try_recv_from(&recv, self->s->socket, buf, sizeof buf));
}

static void test_a_wait_for_errors_is_woken_when_another_operation_takes_them_in(void **state)
{
    (void)state;
    struct setting s = open_setting("127.0.0.1:0");
    struct trale_task *task = spawn_wait(&s);
    struct meddler meddler;
    assert_int_equal(trale_block_on(s.runtime, trale_call(meddler, &meddler, .s = &s)), -EAGAIN);
    assert_int_equal(trale_join(task), 0);
    assert_int_equal(trale_close(s.runtime), 0);
}

static void switch_errors_off(void *socket)
{
    assert_int_equal(trale_udp_set(socket, TRALE_UDP_ERRORS, 0), 0);
}

static void test_a_connected_socket_tells_errors_in_one_place(void **state)
{
    (void)state;
    struct setting s = open_setting("127.0.0.1:0");
    struct trale_udp_send send;
    struct trale_udp_recv recv;
    struct trale_udp_error error;
    char buf[8];
    assert_int_equal(trale_udp_connect(s.socket, &s.unused), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(trale_block_on(s.runtime, trale_udp_send(&send, s.socket, "x", 1)), 1);
        assert_int_equal(trale_udp_try_send(&send, s.socket, "x", 1), 1);
        assert_int_equal(trale_udp_try_recv_from(&recv, s.socket, buf, sizeof buf), -EAGAIN);
    }
    for (int i = 0; i < 6; i++)
        assert_int_equal(next_error(&s, &error, NULL, 0), 0);
    assert_false(has_error(&s));
    test_call_in_task(s.runtime, switch_errors_off, s.socket);
    assert_int_equal(trale_udp_try_send(&send, s.socket, "x", 1), 1);
    assert_int_equal(trale_udp_try_recv_from(&recv, s.socket, buf, sizeof buf), -ECONNREFUSED);
    assert_int_equal(trale_close(s.runtime), 0);
}

/* Polls with another waker each time, as one may who awaits several things. The first is gone by then. */
static int n_wakes[2];

static void count_wake(const struct trale_waker *waker);
static const struct trale_waker_table counting = {.wake_by_ref = count_wake};
static const struct trale_waker wakers[2] = {{&counting}, {&counting}};

static void count_wake(const struct trale_waker *waker)
{
    __atomic_add_fetch(&n_wakes[waker - wakers], 1, __ATOMIC_RELAXED);
}

struct changer {
    struct trale_future future;
    struct setting *s;
    struct trale_sleep sleep;
    struct trale_udp_error error;
};

static int64_t poll_with(struct changer *changer, struct trale_context context, int i)
{
    context.waker = &wakers[i];
    return trale_future_poll(&changer->error.future, &context);
}

trale_async(changer)
{
    struct trale_udp_send send; /* trale-locals: fine, a try is over at once */
    trale_begin();
    test_make(trale_udp_recv_error(&self->error, self->s->socket, NULL, 0));
    if (poll_with(self, *cx, 0) != TRALE_PENDING ||
        trale_udp_try_send_to(&send, self->s->socket, "x", 1, &self->s->unused) != 1)
        trale_return(-EIO);
    trale_await(trale_sleep(&self->sleep, 20 * TRALE_MILLISECOND));
    n_wakes[0] = 0;
    int64_t r = poll_with(self, *cx, 1);
    trale_return(r);
}

static void test_a_waker_of_an_earlier_poll_is_not_called(void **state)
{
    (void)state;
    struct setting s = open_setting("127.0.0.1:0");
    struct changer changer;
    assert_int_equal(trale_block_on(s.runtime, trale_call(changer, &changer, .s = &s)), 0);
    assert_int_equal(n_wakes[0], 0);
    assert_int_equal(trale_close(s.runtime), 0);
}

/* --- the ends ----------------------------------------------------------------------------------------------------- */

static void test_an_error_that_is_dropped_while_it_waits_is_for_the_next(void **state)
{
    (void)state;
    struct setting s = open_setting("127.0.0.1:0");
    struct trale_udp_error error;
    struct trale_task *task = spawn_wait(&s);
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
    assert_int_equal(send_to(&s, &s.unused, "x", 1), 1);
    assert_int_equal(next_error(&s, &error, NULL, 0), 0);
    assert_int_equal(trale_close(s.runtime), 0);
}

struct ender {
    struct trale_future future;
    struct trale_udp_socket *socket;
    bool closes;
};

trale_async(ender)
{
    trale_begin();
    if (self->closes)
        trale_udp_close(self->socket);
    else
        trale_udp_set(self->socket, TRALE_UDP_ERRORS, 0);
    trale_return(0);
}

static void test_closing_and_switching_off_end_the_wait(void **state)
{
    (void)state;
    for (int closes = 0; closes < 2; closes++) {
        struct setting s = open_setting("127.0.0.1:0");
        struct ender ender;
        struct trale_task *task = spawn_wait(&s);
        assert_int_equal(
            trale_block_on(s.runtime, trale_call(ender, &ender, .socket = s.socket, .closes = closes == 1)), 0);
        assert_int_equal(trale_join(task), closes ? -ECANCELED : -EOPNOTSUPP);
        assert_int_equal(trale_close(s.runtime), 0);
    }
}

static void test_errors_are_off_until_they_are_switched_on(void **state)
{
    (void)state;
    struct setting s = open_setting("127.0.0.1:0");
    struct trale_udp_error error;
    int64_t value;
    assert_int_equal(trale_udp_get(s.socket, TRALE_UDP_ERRORS, &value), 0);
    assert_int_equal(value, 1);
    assert_int_equal(trale_udp_set(s.socket, TRALE_UDP_ERRORS, 2), -EINVAL);
    assert_int_equal(trale_udp_set(s.socket, TRALE_UDP_ERRORS, 1), 0);
    assert_int_equal(send_to(&s, &s.unused, "x", 1), 1);
    assert_int_equal(trale_udp_set(s.socket, TRALE_UDP_ERRORS, 0), 0);
    assert_int_equal(trale_udp_get(s.socket, TRALE_UDP_ERRORS, &value), 0);
    assert_int_equal(value, 0);
    assert_int_equal(next_error(&s, &error, NULL, 0), -EOPNOTSUPP);
    assert_int_equal(trale_close(s.runtime), 0);
}

static void test_what_was_not_told_when_errors_go_off_fails_nothing(void **state)
{
    (void)state;
    struct setting s = open_setting("127.0.0.1:0");
    struct trale_udp_recv recv;
    char buf[8];
    assert_int_equal(send_to(&s, &s.unused, "x", 1), 1);
    assert_int_equal(trale_udp_set(s.socket, TRALE_UDP_ERRORS, 0), 0);
    assert_int_equal(trale_udp_try_recv_from(&recv, s.socket, buf, sizeof buf), -EAGAIN);
    struct trale_task *task = trale_spawn(s.runtime, listener, .socket = s.socket);
    assert_int_equal(send_to(&s, &s.local, "hello", 5), 5);
    assert_int_equal(trale_join(task), 5);
    assert_int_equal(trale_close(s.runtime), 0);
}

/* Each datagram is refused at once, so the error comes between two of the batch. */
static void test_a_connected_socket_tells_an_error_that_comes_within_a_batch(void **state)
{
    (void)state;
    for (int by_receive = 0; by_receive <= 1; by_receive++) {
        struct setting s = open_setting("127.0.0.1:0");
        struct trale_udp_batch batch;
        struct trale_datagram datagrams[8];
        char byte = 'x';
        assert_int_equal(trale_udp_set(s.socket, TRALE_UDP_ERRORS, 0), 0);
        assert_int_equal(trale_udp_connect(s.socket, &s.unused), 0);
        struct trale_task *task = NULL;
        if (by_receive) {
            task = trale_spawn(s.runtime, listener, .socket = s.socket);
            assert_quiet(&s);
        }
        for (int i = 0; i < 8; i++)
            datagrams[i] = (struct trale_datagram){.buf = &byte, .size = 1};
        int64_t n_sent = trale_block_on(s.runtime, trale_udp_send_batch(&batch, s.socket, datagrams, 8));
        assert_in_range(n_sent, 2, by_receive ? 8 : 2); /* a receive in the kernel takes the first error */
        if (by_receive)
            assert_int_equal(trale_join(task), -ECONNREFUSED);
        else
            assert_int_equal(trale_block_on(s.runtime, trale_udp_send_batch(&batch, s.socket, datagrams + 2, 6)),
                             -ECONNREFUSED);
        assert_int_equal(trale_close(s.runtime), 0);
    }
}

static void test_an_error_that_came_within_a_batch_is_lost_when_errors_go_on(void **state)
{
    (void)state;
    struct setting s = open_setting("127.0.0.1:0");
    struct trale_udp_batch batch;
    struct trale_udp_recv recv;
    char byte = 'x';
    struct trale_datagram datagrams[2] = {{.buf = &byte, .size = 1}, {.buf = &byte, .size = 1}};
    assert_int_equal(trale_udp_set(s.socket, TRALE_UDP_ERRORS, 0), 0);
    assert_int_equal(trale_udp_connect(s.socket, &s.unused), 0);
    assert_int_equal(trale_udp_try_send_batch(&batch, s.socket, datagrams, 2), 2);
    assert_int_equal(trale_udp_set(s.socket, TRALE_UDP_ERRORS, 1), 0);
    assert_int_equal(trale_udp_try_recv_from(&recv, s.socket, &byte, 1), -EAGAIN);
    assert_int_equal(trale_close(s.runtime), 0);
}

/* --- a socket that was adopted ------------------------------------------------------------------------------------ */

static void test_an_adopted_socket_tells_errors_as_it_did_before(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a socket has no file descriptor, so none is adopted or inherited");
    static const struct {
        const char *host;
        int level, name;
    } samples[] = {{"127.0.0.1:0", IPPROTO_IP, IP_RECVERR}, {"[::1]:0", IPPROTO_IPV6, IPV6_RECVERR}};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct setting s = open_setting(samples[i].host);
        struct trale_udp_error error;
        struct trale_udp_recv recv;
        int64_t value;
        int on = 1, fd = socket(s.local.any.sa_family, SOCK_DGRAM, 0);
        assert_int_equal(setsockopt(fd, samples[i].level, samples[i].name, &on, sizeof on), 0);
        assert_int_equal(trale_udp_adopt(s.runtime, fd, &s.socket), 0);
        assert_int_equal(trale_udp_get(s.socket, TRALE_UDP_ERRORS, &value), 0);
        assert_int_equal(value, 1);
        assert_int_equal(send_to(&s, &s.unused, "x", 1), 1);
        assert_int_equal(trale_udp_try_recv_from(&recv, s.socket, NULL, 0), -EAGAIN);
        struct trale_task *task = trale_spawn(s.runtime, listener, .socket = s.socket);
        assert_quiet(&s);
        assert_int_equal(next_error(&s, &error, NULL, 0), 0);
        trale_abort(task);
        assert_int_equal(trale_join(task), -ECANCELED);
        assert_int_equal(trale_close(s.runtime), 0);
    }
}

static void test_an_adopted_socket_is_quiet_whatever_it_used_its_errors_for(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a socket has no file descriptor, so none is adopted or inherited");
    struct setting s = open_setting("127.0.0.1:0");
    int flags = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE, fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags), 0);
    assert_int_equal(sendto(fd, "x", 1, 0, &s.local.any, sizeof s.local.v4), 1);
    assert_int_equal(trale_udp_adopt(s.runtime, fd, &s.socket), 0);
    struct trale_task *task = trale_spawn(s.runtime, listener, .socket = s.socket);
    assert_quiet(&s);
    assert_int_equal(send_to(&s, &s.local, "x", 1), 1);
    assert_quiet(&s);
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
    assert_int_equal(trale_close(s.runtime), 0);
}

/* An adopted socket, of which another process has a duplicate. */
static struct trale_udp_socket *adopt_shared(struct setting *s, int *duplicate)
{
    struct trale_udp_socket *adopted;
    struct trale_address local = s->local;
    local.v4.sin_port = 0;
    *duplicate = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(*duplicate, &local.any, sizeof local.v4), 0);
    assert_int_equal(trale_udp_adopt(s->runtime, dup(*duplicate), &adopted), 0);
    return adopted;
}

static void test_a_receive_of_a_socket_that_another_process_shuts_down_resolves(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a socket has no file descriptor, so none is adopted or inherited");
    static const int how[] = {SHUT_RD, SHUT_RDWR};
    for (size_t i = 0; i < 4; i++) {
        struct setting s = open_setting("127.0.0.1:0");
        struct trale_udp_error error;
        struct listener frame;
        int duplicate;
        s.socket = adopt_shared(&s, &duplicate);
        assert_int_equal(trale_udp_set(s.socket, TRALE_UDP_ERRORS, i / 2), 0);
        struct trale_task *tasks[2];
        for (int k = 0; k < 2; k++)
            tasks[k] = trale_spawn(s.runtime, listener, .socket = s.socket);
        assert_quiet(&s);
        shutdown(duplicate, how[i % 2]); /* -ENOTCONN, and it works */
        for (int k = 0; k < 2; k++)
            assert_int_equal(trale_join(tasks[k]), -ESHUTDOWN);
        assert_int_equal(trale_block_on(s.runtime, trale_call(listener, &frame, .socket = s.socket)), -ESHUTDOWN);
        if (i == 3)
            assert_int_equal(next_error(&s, &error, NULL, 0), -ESHUTDOWN);
        assert_quiet(&s);
        assert_int_equal(trale_close(s.runtime), 0);
        close(duplicate);
    }
}

static void test_a_socket_whose_errors_another_process_switches_on_stays_quiet(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a socket has no file descriptor, so none is adopted or inherited");
    for (int errors = 0; errors <= 1; errors++) {
        struct setting s = open_setting("127.0.0.1:0");
        struct trale_address local;
        int duplicate, on = 1, flags = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
        s.socket = adopt_shared(&s, &duplicate);
        assert_int_equal(trale_udp_local(s.socket, &local), 0);
        assert_int_equal(trale_udp_set(s.socket, TRALE_UDP_ERRORS, errors), 0);
        struct trale_task *task = trale_spawn(s.runtime, listener, .socket = s.socket);
        assert_quiet(&s);
        assert_int_equal(setsockopt(duplicate, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags), 0);
        assert_int_equal(send_to(&s, &s.unused, "x", 1), 1);
        assert_quiet(&s);
        assert_int_equal(setsockopt(duplicate, IPPROTO_IP, IP_RECVERR, &on, sizeof on), 0);
        for (int i = 0; i < 3; i++)
            send_to(&s, &s.unused, "x", 1);
        assert_quiet(&s);
        /* With errors off here, the receive gets the error, as on a connected socket. */
        if (errors)
            assert_int_equal(send_to(&s, &local, "hello", 5), 5);
        assert_int_equal(trale_join(task), errors ? 5 : -ECONNREFUSED);
        struct trale_udp_error error;
        int n_told = 0;
        for (; errors && next_error_within(&s, &error, 0) != -ETIMEDOUT; n_told++)
            assert_int_equal(error.origin, TRALE_UDP_ORIGIN_ICMP); /* and no time of what was sent */
        assert_int_equal(n_told > 0, errors);
        assert_int_equal(trale_close(s.runtime), 0);
        close(duplicate);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_socket_without_peer_is_told_which_address_is_unreachable),
        cmocka_unit_test(test_an_ipv6_socket_learns_of_ipv4_hosts),
        cmocka_unit_test(test_a_wait_for_an_error_is_woken_by_it),
        cmocka_unit_test(test_this_host_says_what_is_too_large),
        cmocka_unit_test(test_the_latest_errors_are_kept_and_the_others_counted),
        cmocka_unit_test(test_a_waiting_receive_does_not_hear_of_errors),
        cmocka_unit_test(test_a_receive_does_not_hear_of_any_number_of_errors),
        cmocka_unit_test(test_a_wait_for_errors_is_not_woken_by_datagrams),
        cmocka_unit_test(test_a_wait_for_errors_is_woken_when_another_operation_takes_them_in),
        cmocka_unit_test(test_a_connected_socket_tells_errors_in_one_place),
        cmocka_unit_test(test_a_waker_of_an_earlier_poll_is_not_called),
        cmocka_unit_test(test_an_error_that_is_dropped_while_it_waits_is_for_the_next),
        cmocka_unit_test(test_closing_and_switching_off_end_the_wait),
        cmocka_unit_test(test_errors_are_off_until_they_are_switched_on),
        cmocka_unit_test(test_what_was_not_told_when_errors_go_off_fails_nothing),
        cmocka_unit_test(test_an_adopted_socket_tells_errors_as_it_did_before),
        cmocka_unit_test(test_an_adopted_socket_is_quiet_whatever_it_used_its_errors_for),
        cmocka_unit_test(test_a_receive_of_a_socket_that_another_process_shuts_down_resolves),
        cmocka_unit_test(test_a_socket_whose_errors_another_process_switches_on_stays_quiet),
        cmocka_unit_test(test_a_connected_socket_tells_an_error_that_comes_within_a_batch),
        cmocka_unit_test(test_an_error_that_came_within_a_batch_is_lost_when_errors_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
