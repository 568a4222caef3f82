/* SPDX-License-Identifier: MIT
 *
 * The UDP driver alone, through its ABI: the host is one of the test's own, which waits in poll(2), counts what it is
 * asked for and can be told to refuse. All of it runs twice, with a host that gives the hint TRALE_HOST_LEVEL and with
 * one that does not. */
#include <dlfcn.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/list.h"
#include "tests/support.h"

#include <trale/udp_info.h>

#ifndef TEST_UDP_DRIVER
#define TEST_UDP_DRIVER TEST_DRIVERS "/udp.so"
#endif

#define MESSAGE "all is well"

/* --- the system calls of the driver: they are counted, and the next ones can be made to fail ---------------------- */

static struct calls {
    int n, n_failures, error;
} receives, sends;

static bool send_buffer_is_full; /* then the driver's poll(2) finds no room */
static int pending_error;        /* what SO_ERROR answers, once */

static bool call_fails(struct calls *calls)
{
    calls->n++;
    if (calls->n_failures == 0)
        return false;
    calls->n_failures--;
    errno = calls->error;
    return true;
}

/* The driver calls the program's definitions, not those of libc. */
ssize_t test_recvfrom(int fd, void *buf, size_t size, int flags, void *from, void *length) __asm__("recvfrom");
ssize_t test_recvfrom(int fd, void *buf, size_t size, int flags, void *from, void *length)
{
    return call_fails(&receives) ? -1 : syscall(SYS_recvfrom, fd, buf, size, flags, from, length);
}

ssize_t test_sendto(int fd, const void *buf, size_t size, int flags, const void *to,
                    socklen_t to_length) __asm__("sendto");
ssize_t test_sendto(int fd, const void *buf, size_t size, int flags, const void *to, socklen_t to_length)
{
    return call_fails(&sends) ? -1 : syscall(SYS_sendto, fd, buf, size, flags, to, to_length);
}

int test_poll(struct pollfd *fds, unsigned long n, int timeout_ms) __asm__("poll");
int test_poll(struct pollfd *fds, unsigned long n, int timeout_ms)
{
    const struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000};
    if (send_buffer_is_full && n == 1 && fds->events == POLLOUT && timeout_ms == 0)
        return 0;
    return (int)syscall(SYS_ppoll, fds, n, timeout_ms >= 0 ? &timeout : NULL, NULL, 0);
}

int test_getsockopt(int fd, int level, int name, void *value, socklen_t *size) __asm__("getsockopt");
int test_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
    if (level != SOL_SOCKET || name != SO_ERROR || pending_error == 0)
        return (int)syscall(SYS_getsockopt, fd, level, name, value, size);
    *(int *)value = pending_error;
    pending_error = 0;
    return 0;
}

/* --- the host ----------------------------------------------------------------------------------------------------- */

struct waker {
    struct trale_waker base;
    int n_wakes;
};

struct fixture {
    struct trale_host host;
    struct trale_link waits;
    int n_registered, n_taken_back, n_forgotten;
    int32_t answer; /* of the next n_answers registrations */
    int n_answers;
    bool broken; /* the driver did what its contract forbids */
    bool busy;   /* another task is runnable */
    uint64_t n_looks;
    struct waker waker;
    struct trale_context context;
    void *instance;
    const struct trale_udp *udp;
    struct trale *runtime; /* the fixture itself, as trale_interface() takes it */
    int n_fds;             /* before start */
};

static const struct trale_driver *driver;
static uint32_t hints;

const void *trale_interface(struct trale *runtime, const char *name, size_t size)
{
    const struct trale_udp *udp = ((struct fixture *)(void *)runtime)->udp;
    return strcmp(name, TRALE_UDP_1) == 0 && size == sizeof *udp ? udp : NULL;
}

static int32_t host_register_waker(void *context, int32_t fd, uint32_t interest, struct trale_wait *wait)
{
    struct fixture *f = context;
    f->n_registered++;
    if (list_has(&wait->link))
        return -EBUSY;
    f->broken |= wait->waker == NULL || fcntl(fd, F_GETFD) != FD_CLOEXEC;
    if (f->n_answers > 0) {
        f->n_answers--;
        return f->answer;
    }
    wait->fd = fd;
    wait->interest = interest;
    list_append(&f->waits, &wait->link);
    return 0;
}

static int32_t host_cancel_wait(void *context, struct trale_wait *wait)
{
    ((struct fixture *)context)->n_taken_back++;
    bool was_registered = list_has(&wait->link);
    list_remove(&wait->link);
    return was_registered;
}

static void host_forget_fd(void *context, int32_t fd)
{
    struct fixture *f = context;
    f->n_forgotten++;
    f->broken |= fcntl(fd, F_GETFD) < 0;
    for (struct trale_link *link = f->waits.next, *next; link != &f->waits; link = next) {
        struct trale_wait *wait = list_entry(link, struct trale_wait, link);
        next = link->next;
        if (wait->fd == fd) {
            list_remove(link);
            wait->waker->table->wake_by_ref(wait->waker);
        }
    }
}

static void host_log(void *context, uint32_t level, const char *message)
{
    (void)level;
    (void)message;
    ((struct fixture *)context)->broken = true;
}

static int32_t host_is_idle(void *context)
{
    return !((struct fixture *)context)->busy;
}

static uint64_t host_n_looks(void *context)
{
    return ((struct fixture *)context)->n_looks;
}

static void waker_wake_by_ref(const struct trale_waker *waker)
{
    ((struct waker *)(void *)(uintptr_t)waker)->n_wakes++;
}

/* The driver has no cause to clone: the table holds nothing else. */
static const struct trale_waker_table waker_table = {.wake_by_ref = waker_wake_by_ref};

static int n_waits(const struct fixture *f)
{
    int n = 0;
    for (struct trale_link *link = f->waits.next; link != &f->waits; link = link->next)
        n++;
    return n;
}

/* Waits in poll(2) until an fd is ready, wakes the waits for it, and returns how many they were. */
static int look(struct fixture *f)
{
    struct pollfd fds[16];
    int n = 0, n_woken = 0;
    for (struct trale_link *link = f->waits.next; link != &f->waits; link = link->next) {
        const struct trale_wait *wait = list_entry(link, struct trale_wait, link);
        fds[n++] = (struct pollfd){wait->fd, (short)(wait->interest == TRALE_READABLE ? POLLIN : POLLOUT), 0};
    }
    f->n_looks++;
    if (poll(fds, (nfds_t)n, 10000) <= 0)
        return 0;
    struct trale_link *link = f->waits.next, *next;
    for (int i = 0; i < n; i++, link = next) {
        struct trale_wait *wait = list_entry(link, struct trale_wait, link);
        next = link->next;
        if (fds[i].revents == 0)
            continue;
        n_woken++;
        list_remove(link);
        wait->waker->table->wake_by_ref(wait->waker);
    }
    return n_woken;
}

static int64_t poll_once(struct fixture *f, struct trale_future *future)
{
    return trale_future_poll(future, &f->context);
}

/* Polls until there is a result; the descriptor in question must become ready by itself. */
static int64_t finish(struct fixture *f, struct trale_future *future)
{
    for (int n = 0; n < 100; n++) {
        int64_t result = poll_once(f, future);
        if (result != TRALE_PENDING)
            return result;
        assert_true(look(f) > 0);
    }
    fail_msg("woken again and again for nothing");
    return TRALE_PENDING;
}

/* --- the fixture -------------------------------------------------------------------------------------------------- */

static void start(struct fixture *f, int64_t receive_buffer, int64_t send_buffer)
{
    struct trale_value values[] = {{.integer = receive_buffer, .text = ""}, {.integer = send_buffer, .text = ""}};
    struct trale_settings settings = {sizeof settings, TRALE_ABI, "driver:udp", values, 2, "trale.ini"};
    *f = (struct fixture){.n_fds = test_count_fds(), .waker.base.table = &waker_table};
    f->host = (struct trale_host){.size = sizeof f->host,
                                  .abi = TRALE_ABI,
                                  .context = f,
                                  .hints = hints,
                                  .register_waker = host_register_waker,
                                  .cancel_wait = host_cancel_wait,
                                  .forget_fd = host_forget_fd,
                                  .log = host_log,
                                  .is_idle = hints != 0 ? host_is_idle : NULL,
                                  .n_looks = hints != 0 ? host_n_looks : NULL};
    list_init(&f->waits);
    f->runtime = (struct trale *)(void *)f;
    f->context = (struct trale_context){
        .size = sizeof f->context, .abi = TRALE_ABI, .waker = &f->waker.base, .runtime = f->runtime, .budget = 32};
    assert_int_equal(driver->start(&f->host, &settings, &f->instance), 0);
    f->udp = (const struct trale_udp *)(const void *)driver->interface(f->instance, "trale.udp/1");
    assert_non_null(f->udp);
}

/* Every test ends with this: no wait, no fd and no complaint is left. */
static void stop(struct fixture *f)
{
    assert_int_equal(n_waits(f), 0);
    driver->stop(f->instance);
    assert_int_equal(test_count_fds(), f->n_fds);
    assert_int_equal(n_waits(f), 0);
    assert_false(f->broken);
}

static int set_up(void **state)
{
    struct fixture *f = malloc(sizeof *f);
    receives = sends = (struct calls){0};
    start(f, 0, 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    stop(*state);
    free(*state);
    return 0;
}

static struct trale_udp_socket *opened(struct fixture *f, const char *text, uint32_t flags)
{
    struct trale_udp_socket *socket = NULL;
    int r = trale_udp_open(f->runtime, text, flags, &socket);
    if (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL) {
        print_message("%s: %s\n", text, strerror(-r));
        skip();
    }
    assert_int_equal(r, 0);
    return socket;
}

static struct trale_address address_of(struct trale_udp_socket *socket)
{
    struct trale_address address;
    assert_int_equal(trale_udp_local(socket, &address), 0);
    return address;
}

static struct trale_address parsed(const char *text, uint16_t port_of_network)
{
    struct trale_address address;
    assert_int_equal(trale_address_parse(text, &address), 0);
    if (port_of_network != 0)
        address.v4.sin_port = port_of_network;
    return address;
}

static int64_t send_text(struct fixture *f, struct trale_udp_socket *socket, const struct trale_address *to,
                         const char *text)
{
    struct trale_udp_send send;
    return finish(f, trale_udp_send_to(&send, socket, text, strlen(text), to));
}

static void expect_text(struct fixture *f, struct trale_udp_socket *socket, const char *text)
{
    struct trale_udp_recv recv;
    char buf[64] = "";
    assert_int_equal(finish(f, trale_udp_recv_from(&recv, socket, buf, sizeof buf)), strlen(text));
    assert_string_equal(buf, text);
}

/* A socket that is connected to a port whose own socket is connected to itself, and so refuses what comes. */
static struct trale_udp_socket *connected_to_nobody(struct fixture *f)
{
    struct trale_udp_socket *deaf = opened(f, "127.0.0.1:0", 0), *socket = opened(f, "127.0.0.1:0", 0);
    struct trale_address address = address_of(deaf);
    assert_int_equal(trale_udp_connect(deaf, &address), 0);
    assert_int_equal(trale_udp_connect(socket, &address), 0);
    return socket;
}

/* --- datagrams ---------------------------------------------------------------------------------------------------- */

static void expect_echo(struct fixture *f, const char *text)
{
    struct trale_udp_socket *client = opened(f, text, 0), *server = opened(f, text, 0);
    struct trale_address client_address = address_of(client), server_address = address_of(server);
    assert_int_not_equal(ntohs(server_address.v4.sin_port), 0);
    struct trale_udp_recv recv;
    char buf[64] = "";
    assert_int_equal(send_text(f, client, &server_address, MESSAGE), strlen(MESSAGE));
    int64_t n = finish(f, trale_udp_recv_from(&recv, server, buf, sizeof buf));
    assert_int_equal(n, strlen(MESSAGE));
    assert_true(trale_address_equal(&recv.from, &client_address));
    assert_int_equal(recv.length, strlen(MESSAGE));
    assert_int_equal(recv.truncated, 0);
    assert_int_equal(send_text(f, server, &recv.from, buf), n);
    expect_text(f, client, MESSAGE);
}

static void test_a_datagram_and_its_echo_on_ipv4(void **state)
{
    expect_echo(*state, "127.0.0.1:0");
}

static void test_a_datagram_and_its_echo_on_ipv6(void **state)
{
    expect_echo(*state, "[::1]:0");
}

static void test_truncation_is_told_with_the_whole_length(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *socket = opened(f, "127.0.0.1:0", 0);
    struct trale_address address = address_of(socket);
    static const struct {
        size_t room;
        int64_t n;
        uint32_t truncated;
    } cases[] = {{8, 8, 1}, {19, 19, 1}, {20, 20, 0}, {21, 20, 0}, {0, 0, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct trale_udp_recv recv;
        char buf[32] = "";
        assert_int_equal(send_text(f, socket, &address, "0123456789abcdefghij"), 20);
        assert_int_equal(finish(f, trale_udp_recv_from(&recv, socket, buf, cases[i].room)), cases[i].n);
        assert_int_equal(recv.truncated, cases[i].truncated);
        assert_int_equal(recv.length, 20);
        assert_memory_equal(buf, "0123456789abcdefghij", (size_t)cases[i].n);
        assert_int_equal(buf[cases[i].n], '\0');
    }
}

static void test_an_empty_datagram_is_a_datagram(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *socket = opened(f, "127.0.0.1:0", 0);
    struct trale_address address = address_of(socket);
    struct trale_udp_send send;
    struct trale_udp_recv recv;
    char buf[4];
    assert_int_equal(finish(f, trale_udp_send_to(&send, socket, NULL, 0, &address)), 0);
    assert_int_equal(send_text(f, socket, &address, "next"), 4);
    assert_int_equal(finish(f, trale_udp_recv_from(&recv, socket, buf, sizeof buf)), 0);
    assert_int_equal(recv.length, 0);
    assert_int_equal(recv.truncated, 0);
    assert_true(trale_address_equal(&recv.from, &address));
    expect_text(f, socket, "next");
}

static void test_the_largest_datagram_goes_and_a_larger_one_is_refused(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *local;
        int64_t largest;
    } cases[] = {{"127.0.0.1:0", 65507}, {"[::1]:0", 65527}};
    static char out[65536], in[65536];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct trale_udp_socket *socket = opened(f, cases[i].local, 0);
        struct trale_address address = address_of(socket);
        struct trale_udp_send send;
        struct trale_udp_recv recv;
        size_t largest = (size_t)cases[i].largest;
        memset(out, 'a' + (int)i, sizeof out);
        assert_int_equal(finish(f, trale_udp_send_to(&send, socket, out, largest + 1, &address)), -EMSGSIZE);
        assert_int_equal(finish(f, trale_udp_send_to(&send, socket, out, largest, &address)), largest);
        assert_int_equal(finish(f, trale_udp_recv_from(&recv, socket, in, sizeof in)), largest);
        assert_memory_equal(in, out, largest);
    }
}

static void test_a_connected_socket_has_a_peer_until_it_is_disconnected(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *a = opened(f, "127.0.0.1:0", 0), *b = opened(f, "0.0.0.0:0", 0);
    struct trale_udp_socket *stranger = opened(f, "127.0.0.1:0", 0);
    struct trale_address a_address = address_of(a), unconnected = address_of(b), b_address, peer = {0}, none = {0};
    assert_int_equal(trale_udp_peer(b, &peer), -ENOTCONN);
    assert_int_equal(peer.any.sa_family, AF_UNSPEC);
    assert_int_equal(trale_udp_connect(b, &a_address), 0);
    assert_int_equal(trale_udp_peer(b, &peer), 0);
    assert_true(trale_address_equal(&peer, &a_address));

    struct trale_udp_send send;
    struct trale_udp_recv recv;
    char buf[16] = "";
    assert_int_equal(finish(f, trale_udp_send(&send, b, "hello", 5)), 5);
    assert_int_equal(finish(f, trale_udp_recv_from(&recv, a, buf, sizeof buf)), 5);
    b_address = recv.from;
    /* The kernel drops the datagram of the stranger, so the next one is the peer's. */
    assert_int_equal(send_text(f, stranger, &b_address, "stranger"), 8);
    assert_int_equal(send_text(f, a, &b_address, "peer"), 4);
    expect_text(f, b, "peer");

    assert_int_equal(trale_udp_connect(b, &none), 0);
    assert_int_equal(trale_udp_peer(b, &peer), -ENOTCONN);
    b_address = address_of(b);
    assert_true(trale_address_equal(&b_address, &unconnected));
    b_address = parsed("127.0.0.1:0", b_address.v4.sin_port);
    assert_int_equal(send_text(f, stranger, &b_address, "stranger"), 8);
    expect_text(f, b, "stranger");
    assert_int_equal(finish(f, trale_udp_send(&send, b, "hello", 5)), -EDESTADDRREQ);
}

static void test_disconnecting_keeps_the_port_however_often(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *a = opened(f, "127.0.0.1:0", 0), *b = opened(f, "0.0.0.0:0", 0);
    struct trale_address a_address = address_of(a), before = address_of(b), none = {0};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(trale_udp_connect(b, &none), 0);
        assert_int_equal(trale_udp_connect(b, &a_address), 0);
        assert_int_equal(trale_udp_connect(b, &none), 0);
        struct trale_address after = address_of(b);
        assert_true(trale_address_equal(&after, &before));
    }
    assert_int_equal(send_text(f, b, &a_address, MESSAGE), strlen(MESSAGE));
    expect_text(f, a, MESSAGE);
}

static void test_a_refused_datagram_is_told_once_and_the_socket_goes_on(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *socket = connected_to_nobody(f), *other = opened(f, "127.0.0.1:0", 0);
    struct trale_udp_send send;
    struct trale_udp_recv recv;
    char buf[4];
    assert_int_equal(poll_once(f, trale_udp_recv(&recv, socket, buf, sizeof buf)), TRALE_PENDING);
    assert_int_equal(finish(f, trale_udp_send(&send, socket, "1", 1)), 1);
    assert_int_equal(look(f), 1);
    assert_int_equal(poll_once(f, &recv.future), -ECONNREFUSED);

    /* A send gets the error as well, and its datagram was not sent. */
    assert_int_equal(poll_once(f, trale_udp_recv(&recv, socket, buf, sizeof buf)), TRALE_PENDING);
    assert_int_equal(finish(f, trale_udp_send(&send, socket, "2", 1)), 1);
    assert_int_equal(look(f), 1);
    trale_future_drop(&recv.future);
    assert_int_equal(finish(f, trale_udp_send(&send, socket, "3", 1)), -ECONNREFUSED);

    struct trale_address other_address = address_of(other), address = address_of(socket);
    assert_int_equal(trale_udp_connect(socket, &other_address), 0);
    assert_int_equal(finish(f, trale_udp_send(&send, socket, "4", 1)), 1);
    expect_text(f, other, "4");
    assert_int_equal(send_text(f, other, &address, "5"), 1);
    expect_text(f, socket, "5");
}

static void test_addresses_that_cannot_be_sent_to_are_refused(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *v4 = opened(f, "127.0.0.1:0", 0);
    struct trale_address v6_address = parsed("[::1]:9", 0), strange = {.any.sa_family = AF_UNIX};
    struct trale_udp_send send;
    assert_int_equal(send_text(f, v4, &v6_address, "x"), -EAFNOSUPPORT);
    assert_int_equal(send_text(f, v4, &strange, "x"), -EAFNOSUPPORT);
    assert_int_equal(trale_udp_connect(v4, &v6_address), -EAFNOSUPPORT);
    assert_int_equal(trale_udp_connect(v4, &strange), -EAFNOSUPPORT);
    assert_int_equal(finish(f, trale_udp_send(&send, v4, "x", 1)), -EDESTADDRREQ);
    struct trale_address no_port = parsed("127.0.0.1:0", 0);
    assert_int_equal(send_text(f, v4, &no_port, "x"), -EINVAL);
}

static void test_a_broadcast_needs_its_option(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *socket = opened(f, "127.0.0.1:0", 0), *listener = opened(f, "0.0.0.0:0", 0);
    struct trale_address everyone = parsed("127.255.255.255:0", address_of(listener).v4.sin_port);
    assert_int_equal(send_text(f, socket, &everyone, MESSAGE), -EACCES);
    assert_int_equal(trale_udp_set(socket, TRALE_UDP_BROADCAST, 1), 0);
    assert_int_equal(send_text(f, socket, &everyone, MESSAGE), strlen(MESSAGE));
    expect_text(f, listener, MESSAGE);
}

/* --- waiting ------------------------------------------------------------------------------------------------------ */

static void test_a_waiting_receive_is_woken_and_a_poll_without_cause_says_pending(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *socket = opened(f, "127.0.0.1:0", 0);
    struct trale_address address = address_of(socket);
    struct trale_udp_recv recv;
    char buf[64];
    struct waker later = {.base.table = &waker_table};
    struct trale_context by_later = f->context;
    by_later.waker = &later.base;
    assert_int_equal(poll_once(f, trale_udp_recv_from(&recv, socket, buf, sizeof buf)), TRALE_PENDING);
    assert_int_equal(poll_once(f, &recv.future), TRALE_PENDING);
    assert_int_equal(n_waits(f), 1);
    assert_int_equal(trale_future_poll(&recv.future, &by_later), TRALE_PENDING);
    assert_int_equal(n_waits(f), 1);
    assert_int_equal(f->waker.n_wakes + later.n_wakes, 0);

    /* The waker of the last poll is the one that is woken: the others may be gone. */
    assert_int_equal(send_text(f, socket, &address, MESSAGE), strlen(MESSAGE));
    assert_int_equal(look(f), 1);
    assert_int_equal(f->waker.n_wakes, 0);
    assert_int_equal(later.n_wakes, 1);
    assert_int_equal(poll_once(f, &recv.future), strlen(MESSAGE));
}

static void test_a_datagram_that_is_there_before_the_wake_is_taken_and_the_wait_with_it(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *socket = opened(f, "127.0.0.1:0", 0);
    struct trale_address address = address_of(socket);
    struct trale_udp_recv recv;
    char buf[64];
    assert_int_equal(poll_once(f, trale_udp_recv_from(&recv, socket, buf, sizeof buf)), TRALE_PENDING);
    assert_int_equal(send_text(f, socket, &address, MESSAGE), strlen(MESSAGE));
    assert_int_equal(poll_once(f, &recv.future), strlen(MESSAGE));
    assert_int_equal(n_waits(f), 0);
    assert_int_equal(f->n_taken_back, 1);
}

static void test_a_receive_that_is_dropped_takes_no_datagram(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *socket = opened(f, "127.0.0.1:0", 0);
    struct trale_address address = address_of(socket);
    struct trale_udp_recv recv;
    char buf[64];
    trale_future_drop(trale_udp_recv_from(&recv, socket, buf, sizeof buf));
    for (int woken = 0; woken <= 1; woken++) {
        assert_int_equal(poll_once(f, trale_udp_recv_from(&recv, socket, buf, sizeof buf)), TRALE_PENDING);
        if (woken) {
            assert_int_equal(send_text(f, socket, &address, MESSAGE), strlen(MESSAGE));
            assert_int_equal(look(f), 1);
        }
        int n_taken_back = f->n_taken_back;
        trale_future_drop(&recv.future);
        assert_int_equal(f->n_taken_back, n_taken_back + 1);
        assert_int_equal(n_waits(f), 0);
        /* The memory does not belong to the driver any more. */
        memset(&recv, 0xff, sizeof recv);
    }
    expect_text(f, socket, MESSAGE);
}

static void test_two_receives_on_one_socket_each_get_a_datagram(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *socket = opened(f, "127.0.0.1:0", 0);
    struct trale_address address = address_of(socket);
    struct trale_udp_recv recv[2];
    char buf[2] = {0, 0};
    for (int i = 0; i < 2; i++)
        assert_int_equal(poll_once(f, trale_udp_recv_from(&recv[i], socket, &buf[i], 1)), TRALE_PENDING);
    assert_int_equal(send_text(f, socket, &address, "a"), 1);
    assert_int_equal(look(f), 2);
    assert_int_equal(poll_once(f, &recv[1].future), 1);
    assert_int_equal(poll_once(f, &recv[0].future), TRALE_PENDING);
    assert_int_equal(send_text(f, socket, &address, "b"), 1);
    assert_int_equal(finish(f, &recv[0].future), 1);
    assert_memory_equal(buf, "ba", 2);
}

static void test_a_send_waits_while_there_is_no_room(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *socket = opened(f, "127.0.0.1:0", 0);
    struct trale_address address = address_of(socket);
    struct trale_udp_send send;
    sends = (struct calls){.n_failures = 2, .error = EAGAIN};
    assert_int_equal(poll_once(f, trale_udp_send_to(&send, socket, MESSAGE, strlen(MESSAGE), &address)), TRALE_PENDING);
    assert_int_equal(list_entry(f->waits.next, struct trale_wait, link)->interest, TRALE_WRITABLE);
    assert_int_equal(poll_once(f, &send.future), TRALE_PENDING);
    assert_int_equal(n_waits(f), 1);
    assert_int_equal(look(f), 1);
    assert_int_equal(poll_once(f, &send.future), strlen(MESSAGE));
    assert_int_equal(sends.n, 3);
    expect_text(f, socket, MESSAGE);

    /* One that is dropped has sent nothing. */
    sends = (struct calls){.n_failures = 1, .error = EAGAIN};
    assert_int_equal(poll_once(f, trale_udp_send_to(&send, socket, "dropped", 7, &address)), TRALE_PENDING);
    trale_future_drop(&send.future);
    assert_int_equal(n_waits(f), 0);
    assert_int_equal(send_text(f, socket, &address, "sent"), 4);
    expect_text(f, socket, "sent");
}

static void test_an_interruption_never_shows(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *socket = opened(f, "127.0.0.1:0", 0);
    struct trale_address address = address_of(socket);
    sends = receives = (struct calls){.n_failures = 3, .error = EINTR};
    assert_int_equal(send_text(f, socket, &address, MESSAGE), strlen(MESSAGE));
    expect_text(f, socket, MESSAGE);
    assert_int_equal(sends.n, 4);
    assert_int_equal(receives.n, 4);
}

static void test_a_send_without_memory_in_the_kernel_is_an_error_and_no_wait(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *socket = opened(f, "127.0.0.1:0", 0);
    struct trale_address address = address_of(socket);
    sends = (struct calls){.n_failures = 2, .error = ENOBUFS};
    assert_int_equal(send_text(f, socket, &address, MESSAGE), -ENOBUFS);
    assert_int_equal(f->n_registered, 0);
}

static void test_a_send_whose_fragments_have_no_room_waits(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *socket = opened(f, "127.0.0.1:0", 0);
    struct trale_address address = address_of(socket);
    sends = (struct calls){.n_failures = 3, .error = ENOBUFS};
    send_buffer_is_full = true;
    assert_int_equal(send_text(f, socket, &address, MESSAGE), strlen(MESSAGE));
    assert_int_equal(f->n_registered, 3);
    expect_text(f, socket, MESSAGE);
    /* With TRALE_UDP_ERRORS the queue of the interface may be full instead. */
    assert_int_equal(trale_udp_set(socket, TRALE_UDP_ERRORS, 1), 0);
    sends = (struct calls){.n_failures = 1, .error = ENOBUFS};
    assert_int_equal(send_text(f, socket, &address, MESSAGE), -ENOBUFS);
    send_buffer_is_full = false;
}

/* A wait would be over at once, and the task would be polled again and again. */
static void test_a_send_whose_fragments_have_no_room_in_half_a_buffer_does_not_wait(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *socket = opened(f, "127.0.0.1:0", 0);
    struct trale_address address = address_of(socket);
    sends = (struct calls){.n_failures = 1, .error = ENOBUFS};
    assert_int_equal(send_text(f, socket, &address, MESSAGE), strlen(MESSAGE)); /* there has been room since */
    sends = (struct calls){.n_failures = 2, .error = ENOBUFS};
    assert_int_equal(send_text(f, socket, &address, MESSAGE), -ENOBUFS);
    assert_int_equal(f->n_registered, 0);
}

static void test_no_send_is_told_that_an_earlier_datagram_was_too_large(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *socket = opened(f, "127.0.0.1:0", 0);
    struct trale_address address = address_of(socket);
    for (int errors = 0; errors <= 1; errors++) {
        assert_int_equal(trale_udp_set(socket, TRALE_UDP_ERRORS, errors), 0);
        sends = receives = (struct calls){.n_failures = 1, .error = EMSGSIZE};
        assert_int_equal(send_text(f, socket, &address, "tiny"), 4);
        expect_text(f, socket, "tiny");
        /* What fails again and again is too large itself. */
        sends = (struct calls){.n_failures = 100, .error = EMSGSIZE};
        assert_int_equal(send_text(f, socket, &address, MESSAGE), -EMSGSIZE);
        assert_true(sends.n <= 4);
        sends = (struct calls){0};
    }
}

static void test_receives_of_a_destroyed_socket_resolve(void **state)
{
    struct fixture *f = *state;
    char buf[64];
    for (int errors = 0; errors <= 2; errors++) {
        struct trale_udp_socket *socket = opened(f, "127.0.0.1:0", 0);
        struct trale_address address = address_of(socket);
        struct trale_udp_recv recv[2];
        struct trale_udp_error error;
        assert_int_equal(trale_udp_set(socket, TRALE_UDP_ERRORS, errors > 0), 0);
        for (int i = 0; i < 2; i++)
            assert_int_equal(poll_once(f, trale_udp_recv_from(&recv[i], socket, buf, sizeof buf)), TRALE_PENDING);
        if (errors < 2)
            receives = (struct calls){.n_failures = 1, .error = ECONNABORTED};
        else /* the wait for errors meets it */
            pending_error = ECONNABORTED;
        if (errors == 2)
            assert_int_equal(poll_once(f, trale_udp_recv_error(&error, socket, buf, sizeof buf)), -ECONNABORTED);
        else
            assert_int_equal(poll_once(f, &recv[0].future), -ECONNABORTED);
        assert_int_equal(send_text(f, socket, &address, MESSAGE), strlen(MESSAGE)); /* what is there is received */
        if (errors == 2)
            assert_int_equal(poll_once(f, &recv[0].future), strlen(MESSAGE));
        else
            expect_text(f, socket, MESSAGE);
        assert_int_equal(poll_once(f, &recv[1].future), -ECONNABORTED);
        assert_int_equal(poll_once(f, trale_udp_recv_from(&recv[0], socket, buf, sizeof buf)), -ECONNABORTED);
        assert_int_equal(n_waits(f), 0);
        trale_udp_close(socket);
    }
}

static void test_a_host_that_cannot_wait_decides_the_result(void **state)
{
    struct fixture *f = *state;
    static const int32_t errors[] = {-ENOMEM, -EPERM, -ENOSPC};
    struct trale_udp_socket *socket = opened(f, "127.0.0.1:0", 0);
    struct trale_address address = address_of(socket);
    struct trale_udp_recv recv;
    struct trale_udp_send send;
    char buf[64];
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        f->answer = errors[i];
        f->n_answers = 2;
        sends = (struct calls){.n_failures = 1, .error = EAGAIN};
        assert_int_equal(poll_once(f, trale_udp_recv_from(&recv, socket, buf, sizeof buf)), errors[i]);
        assert_int_equal(poll_once(f, trale_udp_send_to(&send, socket, "x", 1, &address)), errors[i]);
        /* The same when the wait stood before. */
        assert_int_equal(poll_once(f, trale_udp_recv_from(&recv, socket, buf, sizeof buf)), TRALE_PENDING);
        f->n_answers = 1;
        assert_int_equal(poll_once(f, &recv.future), errors[i]);
        assert_int_equal(n_waits(f), 0);
    }
    assert_int_equal(send_text(f, socket, &address, MESSAGE), strlen(MESSAGE));
    expect_text(f, socket, MESSAGE);
}

static void test_a_host_that_says_ready_is_believed_and_the_attempt_repeated(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *socket = opened(f, "127.0.0.1:0", 0);
    struct trale_address address = address_of(socket);
    struct trale_udp_recv recv;
    struct trale_udp_send send;
    char buf[64];
    f->answer = 1;
    f->n_answers = 3;
    assert_int_equal(poll_once(f, trale_udp_recv_from(&recv, socket, buf, sizeof buf)), TRALE_PENDING);
    assert_int_equal(receives.n, 4);
    assert_int_equal(f->n_registered, 4);
    f->n_answers = 1;
    sends = (struct calls){.n_failures = 1, .error = EAGAIN};
    assert_int_equal(poll_once(f, trale_udp_send_to(&send, socket, MESSAGE, strlen(MESSAGE), &address)),
                     strlen(MESSAGE));
    assert_int_equal(finish(f, &recv.future), strlen(MESSAGE));
}

/* A hundred answers, each of which comes when another look was taken. */
static void answers(struct fixture *f, struct trale_udp_socket *socket, const struct trale_address *address)
{
    struct trale_udp_recv recv;
    char buf[64];
    for (int i = 0; i < 100; i++) {
        assert_int_equal(poll_once(f, trale_udp_recv_from(&recv, socket, buf, sizeof buf)), TRALE_PENDING);
        f->n_looks++;
        assert_int_equal(send_text(f, socket, address, MESSAGE), strlen(MESSAGE));
        assert_int_equal(look(f), 1);
        assert_int_equal(poll_once(f, &recv.future), strlen(MESSAGE));
    }
    assert_int_equal(f->n_registered, 100);
}

static struct trale_udp_socket *quiet_socket(struct fixture *f, struct trale_address *address)
{
    struct trale_udp_socket *socket = opened(f, "127.0.0.1:0", 0);
    *address = address_of(socket);
    answers(f, socket, address);
    return socket;
}

static void receive_flood(struct fixture *f, struct trale_udp_socket *socket, const struct trale_address *address)
{
    for (int i = 0; i < 200; i++)
        assert_int_equal(send_text(f, socket, address, MESSAGE), strlen(MESSAGE));
    receives.n = f->n_registered = 0;
    for (int i = 0; i < 200; i++)
        expect_text(f, socket, MESSAGE);
    assert_int_equal(receives.n, 200);
}

static void test_a_quiet_socket_is_waited_for_first_where_that_is_allowed(void **state)
{
    struct fixture *f = *state;
    struct trale_address address;
    quiet_socket(f, &address);
    /* One attempt was lost, the first. */
    assert_int_equal(receives.n, hints != 0 ? 101 : 200);
}

/* The executor sleeps in its first look until the answer comes, so it cannot say whether the receive had to wait. */
static void test_a_receive_whose_tries_are_in_vain_tries_seldom(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *socket = opened(f, "127.0.0.1:0", 0);
    struct trale_address address = address_of(socket);
    struct trale_udp_recv recv;
    char buf[64];
    for (int i = 0; i < 100; i++) {
        assert_int_equal(poll_once(f, trale_udp_recv_from(&recv, socket, buf, sizeof buf)), TRALE_PENDING);
        assert_int_equal(send_text(f, socket, &address, MESSAGE), strlen(MESSAGE));
        assert_int_equal(look(f), 1);
        assert_int_equal(poll_once(f, &recv.future), strlen(MESSAGE));
    }
    /* In vain is the first, and one after 1, 2, 4, 8 and then each 16 that have waited first. */
    assert_int_equal(receives.n, hints != 0 ? 109 : 200);
    receive_flood(f, socket, &address);
    assert_in_range(f->n_registered, 0, hints != 0 ? 16 : 0);
    receive_flood(f, socket, &address);
    assert_int_equal(f->n_registered, 0);
}

static void test_a_flood_on_a_quiet_socket_costs_one_look(void **state)
{
    struct fixture *f = *state;
    struct trale_address address;
    struct trale_udp_socket *socket = quiet_socket(f, &address);
    receive_flood(f, socket, &address);
    assert_int_equal(f->n_registered, hints != 0 ? 1 : 0);
}

static void test_a_flood_on_a_quiet_socket_beside_another_task_costs_no_look(void **state)
{
    struct fixture *f = *state;
    struct trale_address address;
    struct trale_udp_socket *socket = quiet_socket(f, &address);
    f->busy = true;
    receive_flood(f, socket, &address);
    assert_int_equal(f->n_registered, 0);
}

static void test_answers_on_a_socket_that_was_flooded_cost_one_attempt(void **state)
{
    struct fixture *f = *state;
    struct trale_address address;
    struct trale_udp_socket *socket = opened(f, "127.0.0.1:0", 0);
    address = address_of(socket);
    receive_flood(f, socket, &address);
    f->n_registered = receives.n = 0;
    answers(f, socket, &address);
    assert_int_equal(receives.n, hints != 0 ? 101 : 200);
}

/* --- sockets ------------------------------------------------------------------------------------------------------ */

static void test_closing_cancels_what_waits(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *socket = opened(f, "127.0.0.1:0", 0), *other = opened(f, "127.0.0.1:0", 0);
    struct trale_address address = address_of(socket);
    struct trale_udp_recv recv[3], untouched;
    struct trale_udp_send send;
    char buf[4];
    for (int i = 0; i < 3; i++)
        assert_int_equal(poll_once(f, trale_udp_recv_from(&recv[i], socket, buf, sizeof buf)), TRALE_PENDING);
    sends = (struct calls){.n_failures = 1, .error = EAGAIN};
    assert_int_equal(poll_once(f, trale_udp_send_to(&send, socket, "x", 1, &address)), TRALE_PENDING);
    assert_int_equal(poll_once(f, trale_udp_recv_from(&untouched, other, buf, sizeof buf)), TRALE_PENDING);

    trale_udp_close(socket);
    assert_int_equal(f->n_forgotten, 1);
    assert_int_equal(f->waker.n_wakes, 4);
    assert_int_equal(n_waits(f), 1);
    /* The number of the closed fd is another socket's by now. */
    opened(f, "127.0.0.1:0", 0);
    int n_registered = f->n_registered;
    assert_int_equal(poll_once(f, &recv[1].future), -ECANCELED);
    assert_int_equal(poll_once(f, &send.future), -ECANCELED);
    assert_int_equal(poll_once(f, &recv[0].future), -ECANCELED);
    trale_future_drop(&recv[2].future);
    assert_int_equal(f->n_registered, n_registered);
    assert_int_equal(poll_once(f, &untouched.future), TRALE_PENDING);
    trale_future_drop(&untouched.future);
    trale_udp_close(NULL);
}

static void test_closing_cancels_what_was_never_polled_and_other_sockets_lose_nothing(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *socket = opened(f, "127.0.0.1:0", 0), *other;
    struct trale_address address = address_of(socket);
    struct trale_udp_recv recv, dropped;
    struct trale_udp_send send;
    struct trale_udp_batch recv_batch, send_batch;
    struct trale_udp_error error;
    char buf[4];
    struct trale_datagram in = {.buf = buf, .size = sizeof buf}, out = {.buf = buf, .size = 1, .address = address};
    struct trale_future *made[] = {
        trale_udp_recv_from(&recv, socket, buf, sizeof buf),   trale_udp_send_to(&send, socket, "x", 1, &address),
        trale_udp_recv_batch(&recv_batch, socket, &in, 1),     trale_udp_send_batch(&send_batch, socket, &out, 1),
        trale_udp_recv_error(&error, socket, buf, sizeof buf),
    };
    test_make(trale_udp_recv_from(&dropped, socket, buf, sizeof buf));
    trale_udp_close(socket);

    /* The next socket has the fd of the closed one, and its memory; and it has data. */
    other = opened(f, "127.0.0.1:0", 0);
    assert_ptr_equal(other, socket);
    address = address_of(other);
    assert_int_equal(trale_udp_set(other, TRALE_UDP_ERRORS, 1), 0);
    assert_int_equal(send_text(f, other, &address, MESSAGE), strlen(MESSAGE));
    receives = sends = (struct calls){0};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        assert_int_equal(poll_once(f, made[i]), -ECANCELED);
    trale_future_drop(&dropped.future);
    assert_int_equal(receives.n + sends.n + f->n_registered, 0);
    expect_text(f, other, MESSAGE);
}

static void test_a_port_that_is_taken_is_refused_and_nothing_is_left(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *socket = opened(f, "127.0.0.1:0", 0), *second = NULL;
    struct trale_address address = address_of(socket);
    int n_fds = test_count_fds();
    assert_int_equal(trale_udp_open_at(f->runtime, &address, 0, &second), -EADDRINUSE);
    assert_int_equal(trale_udp_open(f->runtime, "192.0.2.77:0", 0, &second), -EADDRNOTAVAIL);
    assert_int_equal(trale_udp_open_at(f->runtime, &(struct trale_address){0}, 0, &second), -EAFNOSUPPORT);
    assert_int_equal(trale_udp_open_at(f->runtime, &(struct trale_address){.any.sa_family = AF_UNIX}, 0, &second),
                     -EAFNOSUPPORT);
    assert_int_equal(trale_udp_open(f->runtime, "127.0.0.1", 0, &second), -EINVAL);
    for (uint32_t flag = 16; flag != 0; flag <<= 1)
        assert_int_equal(trale_udp_open(f->runtime, "127.0.0.1:0", flag | TRALE_UDP_REUSE_PORT, &second), -EINVAL);
    assert_null(second);
    assert_int_equal(test_count_fds(), n_fds);
}

static void test_a_process_without_free_fds_is_told(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *socket = NULL;
    struct rlimit limit, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = (struct rlimit){0, limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int r = trale_udp_open(f->runtime, "127.0.0.1:0", 0, &socket);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(r, -EMFILE);
    assert_null(socket);
}

static void test_sockets_may_share_a_port_if_all_of_them_say_so(void **state)
{
    struct fixture *f = *state;
    static const uint32_t flags[] = {TRALE_UDP_REUSE_PORT, TRALE_UDP_REUSE_ADDRESS};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        struct trale_udp_socket *first = opened(f, "127.0.0.1:0", flags[i]), *second = NULL, *third = NULL;
        struct trale_address address = address_of(first);
        assert_int_equal(trale_udp_open_at(f->runtime, &address, 0, &third), -EADDRINUSE);
        assert_int_equal(trale_udp_open_at(f->runtime, &address, flags[i], &second), 0);
        struct trale_address second_address = address_of(second);
        assert_true(trale_address_equal(&second_address, &address));
    }
}

static void test_an_ipv6_socket_takes_ipv4_unless_told_not_to(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *both = opened(f, "[::]:0", 0), *v4 = opened(f, "127.0.0.1:0", 0), *only, *beside = NULL;
    struct trale_address to = parsed("127.0.0.1:0", address_of(both).v4.sin_port);
    struct trale_udp_recv recv;
    char buf[8], text[TRALE_ADDRESS_TEXT];
    assert_int_equal(send_text(f, v4, &to, "x"), 1);
    assert_int_equal(finish(f, trale_udp_recv_from(&recv, both, buf, sizeof buf)), 1);
    assert_true(trale_address_format(&recv.from, text, sizeof text) > 0);
    assert_memory_equal(text, "[::ffff:127.0.0.1]:", 19);
    assert_int_equal(send_text(f, both, &recv.from, "y"), 1);
    expect_text(f, v4, "y");

    /* The same port is free for IPv4 beside the one, unless another program has just taken it, but not the other. */
    struct trale_address any = parsed("0.0.0.0:0", to.v4.sin_port);
    assert_int_equal(trale_udp_open_at(f->runtime, &any, 0, &beside), -EADDRINUSE);
    int r = -EADDRINUSE;
    for (int i = 0; i < 10 && r == -EADDRINUSE; i++) {
        only = opened(f, "[::]:0", TRALE_UDP_V6_ONLY);
        any.v4.sin_port = address_of(only).v4.sin_port;
        r = trale_udp_open_at(f->runtime, &any, TRALE_UDP_V6_ONLY, &beside);
    }
    assert_int_equal(r, 0);
}

static void test_stopping_closes_sockets_and_two_instances_are_apart(void **state)
{
    struct fixture *f = *state, second;
    start(&second, 0, 0);
    struct trale_udp_socket *a = opened(f, "127.0.0.1:0", 0), *b = opened(&second, "127.0.0.1:0", 0);
    assert_ptr_not_equal(f->instance, second.instance);
    assert_ptr_equal(a->udp, f->udp);
    assert_ptr_equal(b->udp, second.udp);
    for (int i = 0; i < 5; i++)
        opened(&second, "127.0.0.1:0", 0);
    struct trale_address b_address = address_of(b);
    assert_int_equal(send_text(f, a, &b_address, MESSAGE), strlen(MESSAGE));
    struct trale_udp_recv recv;
    char buf[64];
    assert_int_equal(finish(&second, trale_udp_recv_from(&recv, b, buf, sizeof buf)), strlen(MESSAGE));
    trale_udp_close(b);
    second.n_fds++; /* the first instance's */
    stop(&second);
    assert_int_equal(second.n_forgotten, 6);
    assert_int_equal(f->n_forgotten, 0);
    struct trale_address a_address = address_of(a);
    assert_int_equal(send_text(f, a, &a_address, MESSAGE), strlen(MESSAGE));
    expect_text(f, a, MESSAGE);
}

/* --- options ------------------------------------------------------------------------------------------------------ */

static int64_t option_of(struct trale_udp_socket *socket, uint32_t option)
{
    int64_t value;
    assert_int_equal(trale_udp_get(socket, option, &value), 0);
    return value;
}

static void expect_options(struct trale_udp_socket *socket)
{
    static const struct {
        uint32_t option;
        int64_t minimum, other, maximum;
    } ranges[] = {
        {TRALE_UDP_BROADCAST, 0, 1, 1},
        {TRALE_UDP_TTL, 1, 64, 255},
        {TRALE_UDP_MULTICAST_TTL, 0, 7, 255},
        {TRALE_UDP_MULTICAST_LOOP, 0, 1, 1},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        uint32_t option = ranges[i].option;
        int64_t good[] = {ranges[i].minimum, ranges[i].other, ranges[i].maximum};
        int64_t bad[] = {ranges[i].minimum - 1, ranges[i].maximum + 1, INT64_MIN, INT64_MAX, INT64_C(1) << 32 | 1};
        for (size_t k = 0; k < sizeof good / sizeof good[0]; k++) {
            assert_int_equal(trale_udp_set(socket, option, good[k]), 0);
            assert_int_equal(option_of(socket, option), good[k]);
        }
        for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
            assert_int_equal(trale_udp_set(socket, option, bad[k]), -EINVAL);
        assert_int_equal(option_of(socket, option), ranges[i].maximum);
    }
    assert_int_equal(trale_udp_set(socket, TRALE_UDP_TTL, 11), 0);
    assert_int_equal(trale_udp_set(socket, TRALE_UDP_MULTICAST_TTL, 22), 0);
    assert_int_equal(option_of(socket, TRALE_UDP_TTL), 11);
    static const uint32_t unknown[] = {0, 100, 1000, UINT32_MAX};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        int64_t value = 12345;
        assert_int_equal(trale_udp_set(socket, unknown[i], 1), -ENOPROTOOPT);
        assert_int_equal(trale_udp_get(socket, unknown[i], &value), -ENOPROTOOPT);
        assert_int_equal(value, 12345);
    }
}

static void test_options_are_set_read_and_refused_out_of_range(void **state)
{
    expect_options(opened(*state, "127.0.0.1:0", 0));
    expect_options(opened(*state, "[::1]:0", 0));
}

static void test_buffers_are_what_the_kernel_makes_of_them(void **state)
{
    struct fixture *f = *state;
    static const uint32_t options[] = {TRALE_UDP_RECEIVE_BUFFER, TRALE_UDP_SEND_BUFFER};
    static const int64_t bad[] = {0, -1, (int64_t)INT32_MAX + 1, INT64_MIN, INT64_MAX};
    struct trale_udp_socket *socket = opened(f, "127.0.0.1:0", 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(trale_udp_set(socket, options[i], 16384), 0);
        assert_int_equal(option_of(socket, options[i]), 32768);
        for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
            assert_int_equal(trale_udp_set(socket, options[i], bad[k]), -EINVAL);
        assert_int_equal(option_of(socket, options[i]), 32768);
        assert_int_equal(trale_udp_set(socket, options[i], INT32_MAX), 0);
        assert_true(option_of(socket, options[i]) > 32768);
    }
}

static void test_the_configuration_sets_the_buffers_of_new_sockets(void **state)
{
    struct fixture *f = *state, configured;
    int64_t receive_default = option_of(opened(f, "127.0.0.1:0", 0), TRALE_UDP_RECEIVE_BUFFER);
    start(&configured, 20000, 10000);
    struct trale_udp_socket *socket = opened(&configured, "127.0.0.1:0", 0);
    assert_int_equal(option_of(socket, TRALE_UDP_RECEIVE_BUFFER), 40000);
    assert_int_equal(option_of(socket, TRALE_UDP_SEND_BUFFER), 20000);
    stop(&configured);
    start(&configured, 0, 10000);
    socket = opened(&configured, "[::1]:0", 0);
    assert_int_equal(option_of(socket, TRALE_UDP_RECEIVE_BUFFER), receive_default);
    assert_int_equal(option_of(socket, TRALE_UDP_SEND_BUFFER), 20000);
    stop(&configured);
}

static void test_the_interface_for_groups_is_set_by_index(void **state)
{
    static const char *const locals[] = {"127.0.0.1:0", "[::1]:0"};
    uint32_t loopback = if_nametoindex("lo");
    for (size_t i = 0; i < sizeof locals / sizeof locals[0]; i++) {
        struct trale_udp_socket *socket = opened(*state, locals[i], 0);
        uint32_t option = TRALE_UDP_MULTICAST_INTERFACE;
        assert_int_equal(option_of(socket, option), 0);
        assert_int_equal(trale_udp_set(socket, option, loopback), 0);
        assert_int_equal(option_of(socket, option), loopback);
        assert_int_equal(trale_udp_set(socket, option, INT32_MAX), -ENODEV);
        assert_int_equal(trale_udp_set(socket, option, -1), -EINVAL);
        assert_int_equal(trale_udp_set(socket, option, (int64_t)INT32_MAX + 1), -EINVAL);
        assert_int_equal(option_of(socket, option), loopback);
        assert_int_equal(trale_udp_set(socket, option, 0), 0);
        assert_int_equal(option_of(socket, option), 0);
    }
}

/* Joins a group on lo, with all that can be refused. */
static void join_on_loopback(struct trale_udp_socket *member, const struct trale_address *group, const char *local_text,
                             const char *other_text)
{
    uint32_t loopback = if_nametoindex("lo");
    struct trale_address no_group = parsed(local_text, 0), other = parsed(other_text, 0);
    assert_int_equal(trale_udp_leave_group(member, group, loopback), -EADDRNOTAVAIL);
    assert_int_equal(trale_udp_join_group(member, &no_group, loopback), -EINVAL);
    assert_int_equal(trale_udp_join_group(member, group, INT32_MAX), -ENODEV);
    assert_int_equal(trale_udp_join_group(member, &other, loopback), -EAFNOSUPPORT);
    assert_true(trale_udp_leave_group(member, &other, loopback) < 0);
    assert_int_equal(trale_udp_join_group(member, group, loopback), 0);
    assert_int_equal(trale_udp_join_group(member, group, loopback), -EADDRINUSE);
}

static void test_an_ipv4_group_is_heard_from_join_to_leave(void **state)
{
    struct fixture *f = *state;
    uint32_t loopback = if_nametoindex("lo");
    struct trale_udp_socket *member = opened(f, "0.0.0.0:0", 0), *sender = opened(f, "127.0.0.1:0", 0);
    struct trale_address group = test_group("239.86.75.30:0");
    group.v4.sin_port = address_of(member).v4.sin_port;
    struct trale_address alone = parsed("127.0.0.1:0", group.v4.sin_port);
    assert_int_equal(trale_udp_set(sender, TRALE_UDP_MULTICAST_INTERFACE, loopback), 0);
    join_on_loopback(member, &group, "127.0.0.1:0", "[ff01::7:86]:0");
    assert_int_equal(send_text(f, sender, &group, "group"), 5);
    expect_text(f, member, "group");
    assert_int_equal(trale_udp_leave_group(member, &group, loopback), 0);
    assert_int_equal(trale_udp_leave_group(member, &group, loopback), -EADDRNOTAVAIL);
    assert_int_equal(send_text(f, sender, &group, "left"), 4);
    assert_int_equal(send_text(f, sender, &alone, "alone"), 5);
    expect_text(f, member, "alone");
}

/* Whether the kernel lists the group on lo. */
static bool loopback_is_member(const struct trale_address *group)
{
    char line[256], name[33];
    bool found = false;
    for (int i = 0; i < 16; i++)
        snprintf(&name[2 * i], 3, "%02x", group->v6.sin6_addr.s6_addr[i]);
    FILE *groups = fopen("/proc/net/igmp6", "r");
    assert_non_null(groups);
    while (fgets(line, sizeof line, groups) != NULL)
        found |= strstr(line, " lo ") != NULL && strstr(line, name) != NULL;
    fclose(groups);
    return found;
}

/* lo has no route for IPv6 groups, so nothing can be heard there. */
static void test_an_ipv6_group_is_joined_and_left(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_socket *member = opened(f, "[::1]:0", 0);
    struct trale_address group = test_group("[ff01::7:86]:0");
    join_on_loopback(member, &group, "[::1]:0", "239.86.75.30:0");
    assert_true(loopback_is_member(&group));
    assert_int_equal(trale_udp_leave_group(member, &group, if_nametoindex("lo")), 0);
    assert_false(loopback_is_member(&group));
    assert_int_equal(trale_udp_leave_group(member, &group, if_nametoindex("lo")), -EADDRNOTAVAIL);
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

static void test_the_driver_describes_itself(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(driver->size, sizeof *driver);
    assert_int_equal(driver->abi, TRALE_ABI);
    assert_string_equal(driver->name, "udp");
    assert_string_equal(driver->interfaces, TRALE_UDP_1);
    assert_string_equal(driver->options[0].name, "receive_buffer");
    assert_string_equal(driver->options[1].name, "send_buffer");
    assert_null(driver->options[2].name);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(driver->options[i].type, TRALE_OPTION_SIZE);
        assert_int_equal(driver->options[i].minimum, 0);
        assert_int_equal(driver->options[i].maximum, 1 << 30);
        assert_string_equal(driver->options[i].default_value, "0");
    }
    assert_int_equal(f->udp->interface.size, sizeof *f->udp);
    assert_int_equal(f->udp->interface.version, 1);
    assert_ptr_equal(f->udp->interface.instance, f->instance);
    assert_null(driver->interface(f->instance, "trale.udp/2"));
    assert_null(driver->interface(f->instance, "trale.timer/1"));
}

static void test_the_driver_exports_one_symbol(void **state)
{
    (void)state;
    char line[256];
    int n = 0;
    FILE *names = popen("command -v nm >/dev/null && nm -D --defined-only " TEST_UDP_DRIVER, "r");
    assert_non_null(names);
    while (fgets(line, sizeof line, names) != NULL) {
        /* The sanitizers add names of their own. */
        if (strstr(line, " __") != NULL)
            continue;
        n++;
        assert_non_null(strstr(line, " trale_driver\n"));
    }
    if (pclose(names) != 0) {
        print_message("no nm\n");
        skip();
    }
    assert_int_equal(n, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_datagram_and_its_echo_on_ipv4),
        TEST(a_datagram_and_its_echo_on_ipv6),
        TEST(truncation_is_told_with_the_whole_length),
        TEST(an_empty_datagram_is_a_datagram),
        TEST(the_largest_datagram_goes_and_a_larger_one_is_refused),
        TEST(a_connected_socket_has_a_peer_until_it_is_disconnected),
        TEST(disconnecting_keeps_the_port_however_often),
        TEST(a_refused_datagram_is_told_once_and_the_socket_goes_on),
        TEST(addresses_that_cannot_be_sent_to_are_refused),
        TEST(a_broadcast_needs_its_option),
        TEST(a_waiting_receive_is_woken_and_a_poll_without_cause_says_pending),
        TEST(a_datagram_that_is_there_before_the_wake_is_taken_and_the_wait_with_it),
        TEST(a_receive_that_is_dropped_takes_no_datagram),
        TEST(two_receives_on_one_socket_each_get_a_datagram),
        TEST(a_send_waits_while_there_is_no_room),
        TEST(an_interruption_never_shows),
        TEST(a_send_without_memory_in_the_kernel_is_an_error_and_no_wait),
        TEST(a_send_whose_fragments_have_no_room_waits),
        TEST(a_send_whose_fragments_have_no_room_in_half_a_buffer_does_not_wait),
        TEST(no_send_is_told_that_an_earlier_datagram_was_too_large),
        TEST(receives_of_a_destroyed_socket_resolve),
        TEST(a_host_that_cannot_wait_decides_the_result),
        TEST(a_host_that_says_ready_is_believed_and_the_attempt_repeated),
        TEST(a_quiet_socket_is_waited_for_first_where_that_is_allowed),
        TEST(a_receive_whose_tries_are_in_vain_tries_seldom),
        TEST(a_flood_on_a_quiet_socket_costs_one_look),
        TEST(a_flood_on_a_quiet_socket_beside_another_task_costs_no_look),
        TEST(answers_on_a_socket_that_was_flooded_cost_one_attempt),
        TEST(closing_cancels_what_waits),
        TEST(closing_cancels_what_was_never_polled_and_other_sockets_lose_nothing),
        TEST(a_port_that_is_taken_is_refused_and_nothing_is_left),
        TEST(a_process_without_free_fds_is_told),
        TEST(sockets_may_share_a_port_if_all_of_them_say_so),
        TEST(an_ipv6_socket_takes_ipv4_unless_told_not_to),
        TEST(stopping_closes_sockets_and_two_instances_are_apart),
        TEST(options_are_set_read_and_refused_out_of_range),
        TEST(buffers_are_what_the_kernel_makes_of_them),
        TEST(the_configuration_sets_the_buffers_of_new_sockets),
        TEST(the_interface_for_groups_is_set_by_index),
        TEST(an_ipv4_group_is_heard_from_join_to_leave),
        TEST(an_ipv6_group_is_joined_and_left),
        TEST(the_driver_describes_itself),
        TEST(the_driver_exports_one_symbol),
    };
    void *file = dlopen(TEST_UDP_DRIVER, RTLD_NOW | RTLD_LOCAL);
    if (file == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return EXIT_FAILURE;
    }
    driver = (const struct trale_driver *)dlsym(file, TRALE_DRIVER_SYMBOL);
    hints = TRALE_HOST_LEVEL;
    int n_failed = cmocka_run_group_tests_name("waits may go first", tests, NULL, NULL);
    hints = 0;
    return n_failed | cmocka_run_group_tests_name("attempts go first", tests, NULL, NULL);
}
