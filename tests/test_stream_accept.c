/* SPDX-License-Identifier: MIT
 *
 * How connections come about: listeners, accepts and connects, also where there is no room for sockets; in each thread
 * layout. */
#include <fcntl.h>
#include <net/if.h>
#include <sys/resource.h>

#include "tests/sandbox.h"
#include "tests/streams.h"

/* --- listeners ---------------------------------------------------------------------------------------------------- */

struct listening {
    struct trale *runtime;
    const char *text;
    struct trale_address address; /* if `text` is NULL */
    uint32_t flags;
    struct trale_stream_listener *listener;
    int result;
};

static void listens(void *data)
{
    struct listening *l = data;
    l->result = l->text != NULL ? trale_stream_listen(l->runtime, l->text, l->flags, &l->listener)
                                : trale_stream_listen_at(l->runtime, &l->address, l->flags, &l->listener);
    if (l->result == 0)
        assert_int_equal(trale_stream_listener_local(l->listener, &l->address), 0);
}

static int listen_at(struct streams *s, const char *text, uint32_t flags, struct listening *l)
{
    *l = (struct listening){.runtime = s->runtime, .text = text, .flags = flags};
    test_call_in_task(s->runtime, listens, l);
    return l->result;
}

static void test_what_cannot_be_listened_on_is_refused(void **state)
{
    struct streams *s = *state;
    struct listening l;
    char text[TRALE_ADDRESS_TEXT];
    trale_address_format(&s->address, text, sizeof text);
    assert_int_equal(listen_at(s, text, 0, &l), -EADDRINUSE);
    assert_int_equal(listen_at(s, "127.0.0.1:0", 1u << 31, &l), -EINVAL);
    assert_int_equal(listen_at(s, "localhost:0", 0, &l), -EINVAL);
    assert_int_equal(listen_at(s, "[::1%nowhere]:0", 0, &l), -ENODEV);
    assert_null(l.listener);
    assert_int_equal(listen_at(s, NULL, 0, &l), -EAFNOSUPPORT);
    assert_int_equal(listen_at(s, "192.0.2.1:0", TRALE_STREAM_FREE_BIND, &l), 0);
}

static void test_a_foreign_address_is_refused(void **state)
{
    struct streams *s = *state;
    TEST_REAL_ONLY("any address can be bound");
    struct listening l;
    struct trale_stream_connect connect;
    struct trale_address no = test_address("192.0.2.1:0");
    assert_int_equal(listen_at(s, "192.0.2.1:0", 0, &l), -EADDRNOTAVAIL);
    assert_int_equal(trale_block_on(s->runtime, trale_stream_connect_from(&connect, &s->address, &no)), -EADDRNOTAVAIL);
    assert_null(connect.socket);
}

static void test_listeners_may_share_a_port(void **state)
{
    struct streams *s = *state;
    struct listening first, second;
    char text[TRALE_ADDRESS_TEXT];
    assert_int_equal(listen_at(s, "127.0.0.1:0", TRALE_STREAM_REUSE_PORT, &first), 0);
    trale_address_format(&first.address, text, sizeof text);
    assert_int_equal(listen_at(s, text, TRALE_STREAM_REUSE_PORT, &second), 0);
    assert_int_equal(listen_at(s, text, 0, &second), -EADDRINUSE);
}

static void test_a_port_can_be_used_again_at_once(void **state)
{
    struct streams *s = *state;
    struct listening l;
    char text[TRALE_ADDRESS_TEXT];
    trale_address_format(&s->address, text, sizeof text);
    do_close_listener(s);
    do_close(s, s->server); /* the side that closes first is remembered */
    do_close(s, s->client);
    assert_int_equal(listen_at(s, text, 0, &l), 0);
}

static void test_ipv6_listens_for_both_families_or_for_one(void **state)
{
    struct streams *s = *state;
    for (int v6_only = 0; v6_only < 2; v6_only++) {
        struct listening l;
        struct trale_stream_socket *client = NULL;
        struct trale_stream_accept accept;
        assert_int_equal(listen_at(s, "[::]:0", v6_only != 0 ? TRALE_STREAM_V6_ONLY : 0, &l), 0);
        struct trale_address v4 = test_address("127.0.0.1:0"), v6 = test_address("[::1]:0");
        trale_address_set_port(&v4, trale_address_port(&l.address));
        trale_address_set_port(&v6, trale_address_port(&l.address));
        assert_int_equal(do_connect(s, &v6, &client), 0);
        assert_int_equal(trale_block_on(s->runtime, trale_stream_accept(&accept, l.listener)), 0);
        assert_int_equal(do_connect(s, &v4, &client), v6_only != 0 ? -ECONNREFUSED : 0);
        if (v6_only == 0) {
            assert_int_equal(trale_block_on(s->runtime, trale_stream_accept(&accept, l.listener)), 0);
            struct trale_address peer = trale_address_unmap(&accept.peer);
            assert_int_equal(peer.any.sa_family, AF_INET);
        }
    }
}

/* --- accepts ------------------------------------------------------------------------------------------------------ */

struct addresses {
    struct trale_stream_socket *socket;
    struct trale_address local, peer;
    int results[2];
};

static void reads_addresses(void *data)
{
    struct addresses *a = data;
    a->results[0] = trale_stream_local(a->socket, &a->local);
    a->results[1] = trale_stream_peer(a->socket, &a->peer);
}

static void test_both_sides_know_both_addresses(void **state)
{
    struct streams *s = *state;
    struct trale_stream_accept accept;
    memset(&accept, 0xff, sizeof accept);
    struct trale_task *accepting = begin(s, trale_stream_accept(&accept, s->listener));
    struct addresses client = {0}, server = {0};
    assert_int_equal(do_connect(s, &s->address, &client.socket), 0);
    assert_int_equal(trale_join(accepting), 0);
    server.socket = accept.socket;
    test_call_in_task(s->runtime, reads_addresses, &client);
    test_call_in_task(s->runtime, reads_addresses, &server);
    assert_true(trale_address_equal(&client.peer, &s->address));
    assert_true(trale_address_equal(&server.local, &s->address));
    assert_true(trale_address_equal(&client.local, &server.peer));
    assert_memory_equal(&accept.peer, &client.local, sizeof accept.peer);
    do_reset(s, server.socket);
    char byte;
    assert_int_equal(do_read(s, client.socket, &byte, 1), -ECONNRESET);
    test_call_in_task(s->runtime, reads_addresses, &client);
    assert_int_equal(client.results[1], -ENOTCONN);
}

static void test_an_accept_takes_a_connection_that_waits(void **state)
{
    struct streams *s = *state;
    struct trale_stream_socket *clients[3] = {0}, *servers[3] = {0};
    char byte;
    for (int i = 0; i < 3; i++)
        assert_int_equal(do_connect(s, &s->address, &clients[i]), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(do_accept(s, &servers[i]), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(do_write(s, clients[i], &"abc"[i], 1), 1);
        assert_int_equal(do_read(s, servers[i], &byte, 1), 1);
        assert_int_equal(byte, "abc"[i]);
    }
}

static void test_several_accepts_wait_and_each_gets_a_connection_of_its_own(void **state)
{
    struct streams *s = *state;
    struct trale_stream_accept accepts[4];
    struct trale_task *tasks[4];
    struct trale_stream_socket *client = NULL;
    for (int i = 0; i < 4; i++)
        tasks[i] = begin(s, trale_stream_accept(&accepts[i], s->listener));
    drop(tasks[0]);
    for (int i = 1; i < 4; i++)
        assert_int_equal(do_connect(s, &s->address, &client), 0);
    for (int i = 1; i < 4; i++)
        assert_int_equal(trale_join(tasks[i]), 0);
    assert_null(accepts[0].socket);
    assert_true(accepts[1].socket != accepts[2].socket && accepts[2].socket != accepts[3].socket);
}

/* Accepts are dropped in every state while connections come: each is accepted once. */
struct acceptor {
    struct trale_future future;
    struct trale_stream_listener *listener;
    struct trale_stream_accept accept;
    struct trale_sleep sleep;
    TRALE_BRANCHES(2) race;
    int n, n_wanted;
};

trale_async(acceptor)
{
    trale_begin();
    while (self->n < self->n_wanted) {
        trale_await(trale_race_of(&self->race, trale_stream_accept(&self->accept, self->listener),
                                  trale_sleep(&self->sleep, (unsigned)self->n % 4 * 20 * TRALE_MICROSECOND)));
        if (trale_result() == 1)
            continue;
        if (self->race.branch[0].result < 0)
            trale_return(self->race.branch[0].result);
        trale_stream_close(self->accept.socket);
        self->n++;
    }
    trale_return(self->n);
}

static void test_accepts_that_are_dropped_lose_no_connection(void **state)
{
    struct streams *s = *state;
    enum { N = 200 };
    struct trale_task *accepting = trale_spawn(s->runtime, acceptor, .listener = s->listener, .n_wanted = N);
    for (int i = 0; i < N; i++) {
        struct trale_stream_socket *client = NULL;
        char byte;
        assert_int_equal(do_connect(s, &s->address, &client), 0);
        assert_int_equal(do_read(s, client, &byte, 1), 0);
        do_close(s, client);
    }
    assert_int_equal(trale_join(accepting), N);
}

static void test_closing_a_listener_cancels_its_accepts(void **state)
{
    struct streams *s = *state;
    struct trale_stream_accept accepts[3];
    struct trale_future *unpolled = trale_stream_accept(&accepts[2], s->listener);
    struct trale_task *waiting = begin(s, trale_stream_accept(&accepts[0], s->listener));
    struct trale_task *dropped = begin(s, trale_stream_accept(&accepts[1], s->listener));
    do_close_listener(s);
    trale_abort(dropped);
    trale_join(dropped);
    assert_int_equal(trale_join(waiting), -ECANCELED);
    assert_int_equal(trale_block_on(s->runtime, unpolled), -ECANCELED);
}

static void test_accepted_sockets_have_the_options_of_the_listener(void **state)
{
    struct streams *s = *state;
    static const struct {
        uint32_t option;
        int64_t value;
    } options[] = {{TRALE_STREAM_NO_DELAY, 1},         {TRALE_STREAM_KEEP_ALIVE, 1},
                   {TRALE_STREAM_LINGER, 0},           {TRALE_STREAM_KEEP_ALIVE_IDLE, 77},
                   {TRALE_STREAM_USER_TIMEOUT, 12345}, {TRALE_STREAM_NOT_SENT, 4096},
                   {TRALE_STREAM_KEEP_ALIVE_COUNT, 3}, {TRALE_STREAM_KEEP_ALIVE_INTERVAL, 5}};
    const size_t n = sizeof options / sizeof options[0];
    for (size_t i = 0; i < n; i++)
        assert_int_equal(do_set_listener(s, options[i].option, options[i].value), 0);
    connect_pair(s);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(do_get_listener(s, options[i].option), options[i].value);
        assert_int_equal(do_get(s, s->server, options[i].option), options[i].value);
    }
}

/* --- connects ----------------------------------------------------------------------------------------------------- */

static void test_a_connect_to_nothing_is_refused(void **state)
{
    struct streams *s = *state;
    struct trale_stream_socket *client = NULL;
    struct trale_address none;
    memset(&none, 0, sizeof none);
    struct listening l;
    assert_int_equal(listen_at(s, "127.7.7.7:0", 0, &l), 0); /* no other program is there */
    int n_fds = test_count_fds();
    s->listener = l.listener;
    do_close_listener(s);
    for (int i = 0; i < 3; i++)
        assert_int_equal(do_connect(s, &l.address, &client), -ECONNREFUSED);
    assert_int_equal(do_connect(s, &none, &client), -EAFNOSUPPORT);
    assert_null(client);
    assert_int_equal(test_count_fds(), n_fds - !test_is_simulated()); /* in a simulation, a listener has none */
}

static void test_a_connect_begins_at_the_address_that_it_is_given(void **state)
{
    struct streams *s = *state;
    struct trale_stream_connect connect;
    struct trale_stream_accept accept;
    struct trale_address from = test_address("127.0.0.7:0"), v6 = test_address("[::1]:0");
    assert_int_equal(trale_block_on(s->runtime, trale_stream_connect_from(&connect, &s->address, &from)), 0);
    assert_int_equal(trale_block_on(s->runtime, trale_stream_accept(&accept, s->listener)), 0);
    trale_address_set_port(&accept.peer, 0);
    assert_true(trale_address_equal(&accept.peer, &from));
    assert_int_equal(trale_block_on(s->runtime, trale_stream_connect_from(&connect, &s->address, &v6)), -EAFNOSUPPORT);
    assert_null(connect.socket);
}

/* A listener whose queue is full answers no connection request. */
static void test_a_connect_that_waits_can_be_dropped(void **state)
{
    struct streams *s = *state;
    struct trale_stream_socket *client = NULL;
    struct trale_stream_connect connects[8];
    struct trale_task *tasks[8];
    assert_int_equal(do_set_listener(s, TRALE_STREAM_BACKLOG, 0), 0);
    assert_int_equal(do_connect(s, &s->address, &client), 0);
    int n_fds = test_count_fds();
    for (int i = 0; i < 8; i++)
        tasks[i] = begin(s, trale_stream_connect(&connects[i], &s->address));
    int n_waited = 0;
    for (int i = 0; i < 8; i++) {
        trale_abort(tasks[i]);
        int64_t r = trale_join(tasks[i]);
        n_waited += r == -ECANCELED;
        if (r == 0)
            do_close(s, connects[i].socket);
    }
    assert_true(n_waited >= 6);
    assert_int_equal(test_count_fds(), n_fds);
}

static void test_a_connect_without_a_driver_says_so(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a simulation has all of its interfaces");
    struct trale *runtime = test_open("timer", TEST_TIMER);
    struct trale_stream_connect connect;
    struct trale_stream_listener *listener = NULL;
    struct trale_address to = test_address("127.0.0.1:1");
    assert_int_equal(trale_block_on(runtime, trale_stream_connect(&connect, &to)), -ENODEV);
    assert_int_equal(trale_stream_listen(runtime, "127.0.0.1:0", 0, &listener), -ENODEV);
    assert_int_equal(trale_close(runtime), 0);
}

/* In a child of the process, in which the system call is refused from now on. */
static int child_may_not_accept(void)
{
    void *state = NULL;
    struct trale_stream_socket *client, *server;
    streams_open(&state);
    struct streams *s = state;
    if (refuse_call(SYS_accept4, EPERM) < 0)
        return CANNOT_REFUSE;
    if (do_connect(s, &s->address, &client) != 0)
        return OTHERWISE;
    return do_accept(s, &server) == -EPERM && do_accept(s, &server) == -EPERM ? AS_WANTED : OTHERWISE;
}

static void test_an_accept_that_is_not_allowed_says_so(void **state)
{
    (void)state;
    TEST_REAL_ONLY("no system call is made that could fail, or be interrupted");
    assert_in_child(child_may_not_accept);
}

/* --- no room for sockets ------------------------------------------------------------------------------------------ */

struct limit {
    struct rlimit before;
    int spare; /* the last fd below the limit */
};

/* valgrind has a limit of its own: it closes what accept(2) has returned beyond it. */
#define SKIP_UNDER_VALGRIND()                                                                                          \
    do {                                                                                                               \
        if (TEST_UNDER_VALGRIND)                                                                                       \
            skip();                                                                                                    \
    } while (0)

/* From here on the process has no room for another fd. */
static void limit_set(struct limit *limit)
{
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit->before), 0);
    limit->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(limit->spare >= 0);
    struct rlimit none = limit->before;
    none.rlim_cur = (rlim_t)limit->spare + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
}

static void limit_end(const struct limit *limit)
{
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit->before), 0);
    close(limit->spare);
}

static uint64_t count_polls(struct streams *s)
{
    struct trale_stats stats;
    assert_int_equal(trale_stats(s->runtime, &stats), 0);
    return stats.n_polls;
}

static void test_no_room_is_reported_once_and_then_waited_for(void **state)
{
    struct streams *s = *state;
    TEST_REAL_ONLY("a simulation has no limit of file descriptors");
    SKIP_UNDER_VALGRIND();
    struct trale_stream_socket *client = NULL, *second = NULL;
    struct trale_stream_accept accept;
    struct limit limit;
    assert_int_equal(do_connect(s, &s->address, &client), 0);
    assert_int_equal(do_connect(s, &s->address, &second), 0);
    limit_set(&limit);
    int64_t reported = trale_block_on(s->runtime, trale_stream_accept(&accept, s->listener));
    struct trale_task *waiting = begin(s, trale_stream_accept(&accept, s->listener));
    uint64_t n_polls = count_polls(s);
    struct trale_sleep sleep;
    int64_t slept = trale_block_on(s->runtime, trale_sleep(&sleep, 100 * TRALE_MILLISECOND));
    n_polls = count_polls(s) - n_polls;
    do_close(s, s->client); /* makes room */
    int64_t accepted = trale_join(waiting);
    limit_end(&limit);
    assert_int_equal(reported, -EMFILE);
    assert_int_equal(slept, 0);
    assert_true(n_polls < 100);
    assert_int_equal(accepted, 0);
    assert_int_equal(do_write(s, client, "first", 5), 5);
    char buf[8];
    assert_int_equal(do_read_all(s, accept.socket, buf, 5), 5);
    assert_int_equal(do_accept(s, &s->server), 0);
    assert_int_equal(do_write(s, second, "other", 5), 5);
    assert_int_equal(do_read_all(s, s->server, buf, 5), 5);
}

static void test_room_that_others_make_is_found(void **state)
{
    struct streams *s = *state;
    TEST_REAL_ONLY("a simulation has no limit of file descriptors");
    SKIP_UNDER_VALGRIND();
    struct trale_stream_socket *client = NULL;
    struct trale_stream_accept accepts[2];
    struct limit limit;
    assert_int_equal(do_connect(s, &s->address, &client), 0);
    limit_set(&limit);
    int64_t reported = trale_block_on(s->runtime, trale_stream_accept(&accepts[0], s->listener));
    struct trale_task *waiting = begin(s, trale_stream_accept(&accepts[0], s->listener));
    drop(begin(s, trale_stream_accept(&accepts[1], s->listener)));
    limit_end(&limit);
    assert_int_equal(trale_join(waiting), 0);
    assert_int_equal(reported, -EMFILE);
    /* The next shortage is reported again. */
    assert_int_equal(do_connect(s, &s->address, &client), 0);
    limit_set(&limit);
    reported = trale_block_on(s->runtime, trale_stream_accept(&accepts[0], s->listener));
    waiting = begin(s, trale_stream_accept(&accepts[0], s->listener));
    do_close_listener(s);
    int64_t cancelled = trale_join(waiting);
    limit_end(&limit);
    assert_int_equal(reported, -EMFILE);
    assert_int_equal(cancelled, -ECANCELED);
}

static void test_a_connect_and_a_listener_without_room_say_so(void **state)
{
    struct streams *s = *state;
    TEST_REAL_ONLY("a simulation has no limit of file descriptors");
    SKIP_UNDER_VALGRIND();
    struct trale_stream_socket *client = NULL;
    struct listening l;
    struct limit limit;
    limit_set(&limit);
    int64_t connected = do_connect(s, &s->address, &client);
    int listened = listen_at(s, "127.0.0.1:0", 0, &l);
    limit_end(&limit);
    assert_int_equal(connected, -EMFILE);
    assert_int_equal(listened, -EMFILE);
    assert_int_equal(do_connect(s, &s->address, &client), 0);
}

/* --- many --------------------------------------------------------------------------------------------------------- */

/* Connects, sends a byte there and back, and closes, time and again. */
struct visitor {
    struct trale_future future;
    struct trale_address to;
    struct trale_stream_connect connect;
    struct trale_stream_write write;
    struct trale_stream_read read;
    int n, n_wanted;
    char byte;
};

trale_async(visitor)
{
    trale_begin();
    for (; self->n < self->n_wanted; self->n++) {
        trale_try(trale_stream_connect(&self->connect, &self->to));
        trale_try(trale_stream_write(&self->write, self->connect.socket, "x", 1));
        trale_try(trale_stream_read(&self->read, self->connect.socket, &self->byte, 1));
        if (trale_result() != 1)
            trale_return(-EBADMSG);
        /* The side that closes first keeps its port for a minute: this one resets, and has many. */
        trale_stream_set(self->connect.socket, TRALE_STREAM_LINGER, 0);
        trale_stream_close(self->connect.socket);
    }
    trale_return(self->n);
}

struct host {
    struct trale_future future;
    struct trale_stream_listener *listener;
    struct trale_stream_accept accept;
    struct trale_stream_read read;
    struct trale_stream_write write;
    int n, n_wanted;
    char byte;
};

trale_async(host)
{
    trale_begin();
    for (; self->n < self->n_wanted; self->n++) {
        trale_try(trale_stream_accept(&self->accept, self->listener));
        trale_try(trale_stream_read(&self->read, self->accept.socket, &self->byte, 1));
        trale_try(trale_stream_write(&self->write, self->accept.socket, &self->byte, 1));
        trale_stream_close(self->accept.socket);
    }
    trale_return(self->n);
}

static void test_10000_connections_leave_nothing_behind(void **state)
{
    struct streams *s = *state;
    enum { N = 10000 };
    int n_fds = test_count_fds();
    struct trale_task *hosting = trale_spawn(s->runtime, host, .listener = s->listener, .n_wanted = N);
    struct trale_task *visiting = trale_spawn(s->runtime, visitor, .to = s->address, .n_wanted = N);
    assert_int_equal(trale_join(visiting), N);
    assert_int_equal(trale_join(hosting), N);
    assert_int_equal(test_count_fds(), n_fds);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, streams_open, streams_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_cannot_be_listened_on_is_refused),
        TEST(test_a_foreign_address_is_refused),
        TEST(test_listeners_may_share_a_port),
        TEST(test_a_port_can_be_used_again_at_once),
        TEST(test_ipv6_listens_for_both_families_or_for_one),
        TEST(test_both_sides_know_both_addresses),
        TEST(test_an_accept_takes_a_connection_that_waits),
        TEST(test_several_accepts_wait_and_each_gets_a_connection_of_its_own),
        TEST(test_accepts_that_are_dropped_lose_no_connection),
        TEST(test_closing_a_listener_cancels_its_accepts),
        TEST(test_accepted_sockets_have_the_options_of_the_listener),
        TEST(test_a_connect_to_nothing_is_refused),
        TEST(test_a_connect_begins_at_the_address_that_it_is_given),
        TEST(test_a_connect_that_waits_can_be_dropped),
        cmocka_unit_test(test_a_connect_without_a_driver_says_so),
        cmocka_unit_test(test_an_accept_that_is_not_allowed_says_so),
        TEST(test_no_room_is_reported_once_and_then_waited_for),
        TEST(test_room_that_others_make_is_found),
        TEST(test_a_connect_and_a_listener_without_room_say_so),
        TEST(test_10000_connections_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
