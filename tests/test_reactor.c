/* SPDX-License-Identifier: MIT
 *
 * The reactor by itself, level-triggered, and edge-triggered behind a lock. epoll_ctl is wrapped, to count calls. */
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/reactor/reactor.h"
#include "tests/support.h"

static int n_controls;
int __real_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event)
{
    n_controls++;
    return __real_epoll_ctl(epoll_fd, operation, fd, event);
}

/* A wait with a waker that counts. */
struct waiter {
    struct trale_waker waker;
    struct trale_wait wait;
    int n_wakes;
    int place; /* of its last wake among all */
};
static int n_all_wakes;

static const struct trale_waker *waiter_clone(const struct trale_waker *waker)
{
    return waker;
}
static void waiter_wake(const struct trale_waker *waker)
{
    struct waiter *waiter = (struct waiter *)(uintptr_t)waker;
    waiter->n_wakes++;
    waiter->place = ++n_all_wakes;
}
static void waiter_drop(const struct trale_waker *waker)
{
    (void)waker;
}
static const struct trale_waker_table waiter_table = {waiter_clone, waiter_wake, waiter_wake, waiter_drop};

static int wait_for(struct reactor *reactor, int fd, uint32_t interest, struct waiter *waiter)
{
    waiter->waker.table = &waiter_table;
    waiter->wait.waker = &waiter->waker;
    return reactor_register(reactor, (struct owner){"test", false}, fd, interest, &waiter->wait);
}

struct fixture {
    struct reactor reactor;
    struct log log;
    struct test_log messages;
    _Atomic bool stopping;
    int fds[2];                /* a pair of stream sockets */
    struct waiter waiters[10]; /* here, because waits may be left when the test ends */
};

static int set_up(struct fixture *fixture, bool threaded, void **state)
{
    memset(fixture, 0, sizeof *fixture);
    fixture->log = (struct log){.write = test_log_write, .data = &fixture->messages};
    if (reactor_init(&fixture->reactor, threaded, &fixture->log) < 0)
        return -1;
    *state = fixture;
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fixture->fds);
}

static int level(void **state)
{
    static struct fixture fixture;
    return set_up(&fixture, false, state);
}

static int edge(void **state)
{
    static struct fixture fixture;
    return set_up(&fixture, true, state);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 2; i++) {
        reactor_forget(&fixture->reactor, fixture->fds[i]);
        close(fixture->fds[i]);
    }
    reactor_deinit(&fixture->reactor);
    return 0;
}

static void put(int fd)
{
    assert_int_equal(write(fd, "x", 1), 1);
}

static void take(int fd)
{
    char c;
    assert_int_equal(read(fd, &c, 1), 1);
}

static void test_a_readable_fd_wakes_its_wait_once(void **state)
{
    struct fixture *f = *state;
    struct waiter *a = &f->waiters[0];
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, a), 0);
    reactor_wait(&f->reactor, 0, false);
    assert_int_equal(a->n_wakes, 0);
    put(f->fds[1]);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(a->n_wakes, 1);
    assert_null(a->wait.link.next);
    put(f->fds[1]);
    reactor_wait(&f->reactor, 0, false);
    assert_int_equal(a->n_wakes, 1);
}

static void test_any_number_of_waits_may_be_for_one_fd(void **state)
{
    struct fixture *f = *state;
    struct waiter *waiters = f->waiters;
    for (int i = 0; i < 10; i++)
        assert_int_equal(
            wait_for(&f->reactor, f->fds[0], i < 9 ? TRALE_READABLE : TRALE_READABLE | TRALE_WRITABLE, &waiters[i]), 0);
    reactor_cancel(&f->reactor, &waiters[4].wait);
    put(f->fds[1]);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    for (int i = 0; i < 10; i++)
        assert_int_equal(waiters[i].n_wakes, i != 4);
}

static void test_waits_end_in_the_order_in_which_they_began_whichever_are_cancelled(void **state)
{
    struct fixture *f = *state;
    enum { N = 4 };
    struct waiter *waiters = f->waiters;
    put(f->fds[1]);
    for (uint32_t cancelled = 0; cancelled < 1u << N; cancelled++) {
        const int n_before = n_all_wakes;
        for (int i = 0; i < N; i++) {
            waiters[i].n_wakes = 0;
            assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, &waiters[i]), 0);
        }
        for (int i = 0; i < N; i++)
            assert_int_equal((cancelled & 1u << i) != 0 && !reactor_cancel(&f->reactor, &waiters[i].wait), 0);
        reactor_wait(&f->reactor, 0, false);
        for (int i = 0, place = n_before; i < N; i++) {
            assert_int_equal(waiters[i].n_wakes, (cancelled & 1u << i) == 0);
            assert_true(waiters[i].n_wakes == 0 || waiters[i].place == ++place);
            assert_false(reactor_cancel(&f->reactor, &waiters[i].wait));
        }
    }
}

static void test_directions_are_told_apart(void **state)
{
    struct fixture *f = *state;
    struct waiter *reader = &f->waiters[0];
    struct waiter *writer = &f->waiters[1];
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, reader), 0);
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_WRITABLE, writer), 0);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(writer->n_wakes, 1);
    assert_int_equal(reader->n_wakes, 0);
    put(f->fds[1]);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(reader->n_wakes, 1);
}

static void test_the_steady_state_costs_no_epoll_ctl(void **state)
{
    struct fixture *f = *state;
    struct waiter *a = &f->waiters[0];
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, a), 0);
    n_controls = 0;
    for (int i = 0; i < 1000; i++) {
        put(f->fds[1]);
        reactor_wait(&f->reactor, UINT64_MAX, true);
        take(f->fds[0]);
        assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, a), 0);
    }
    assert_int_equal(a->n_wakes, 1000);
    assert_int_equal(n_controls, 0);
}

static void test_a_look_leaves_alone_what_a_runnable_task_will_take(void **state)
{
    struct fixture *f = *state;
    struct waiter *a = &f->waiters[0];
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, a), 0);
    put(f->fds[1]);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    n_controls = 0;
    for (int i = 0; i < 10; i++)
        reactor_wait(&f->reactor, 0, false);
    take(f->fds[0]);
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, a), 0);
    assert_int_equal(n_controls, 0);
}

static void test_a_direction_without_a_wait_is_disarmed_once(void **state)
{
    struct fixture *f = *state;
    struct waiter *a = &f->waiters[0];
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, a), 0);
    reactor_cancel(&f->reactor, &a->wait);
    put(f->fds[1]);
    n_controls = 0;
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(n_controls, 1);
    for (int i = 0; i < 3; i++) {
        /* Only the interrupt ends this sleep: the fd does not spin. */
        reactor_interrupt(&f->reactor);
        reactor_wait(&f->reactor, UINT64_MAX, true);
        reactor_wait(&f->reactor, 0, false);
    }
    assert_int_equal(n_controls, 1);
    /* The byte is still there. */
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, a), 0);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(a->n_wakes, 1);
}

static void test_an_edge_without_a_wait_is_kept(void **state)
{
    struct fixture *f = *state;
    struct waiter *a = &f->waiters[0];
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, a), 0);
    put(f->fds[1]);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    take(f->fds[0]);
    /* Here the task has found the fd empty, and is about to wait when the next byte comes. */
    put(f->fds[1]);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, a), 1);
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, a), 0);
}

static void test_hangup_wakes_both_directions_and_does_not_spin(void **state)
{
    struct fixture *f = *state;
    struct waiter *reader = &f->waiters[0];
    struct waiter *writer = &f->waiters[1];
    char full[4096] = {0};
    while (write(f->fds[0], full, sizeof full) > 0)
        ;
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, reader), 0);
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_WRITABLE, writer), 0);
    reactor_wait(&f->reactor, 0, false);
    assert_int_equal(reader->n_wakes + writer->n_wakes, 0);
    shutdown(f->fds[1], SHUT_RDWR);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(reader->n_wakes, 1);
    assert_int_equal(writer->n_wakes, 1);
    if (!f->reactor.threaded)
        reactor_wait(&f->reactor, UINT64_MAX, true); /* no wait is left for the events */
    for (int i = 0; i < 3; i++) {
        reactor_interrupt(&f->reactor);
        reactor_wait(&f->reactor, UINT64_MAX, true);
    }
}

static void test_what_epoll_refuses_comes_back_as_errno(void **state)
{
    struct fixture *f = *state;
    struct waiter *a = &f->waiters[0];
    int file = open("/proc/self/exe", O_RDONLY);
    assert_true(file >= 0);
    assert_int_equal(wait_for(&f->reactor, file, TRALE_READABLE, a), -EPERM);
    close(file);
    assert_int_equal(wait_for(&f->reactor, file, TRALE_READABLE, a), -EBADF);
    assert_int_equal(wait_for(&f->reactor, -1, TRALE_READABLE, a), -EBADF);
    assert_int_equal(wait_for(&f->reactor, f->fds[0], 0, a), -EINVAL);
    assert_int_equal(wait_for(&f->reactor, f->fds[0], 16, a), -EINVAL);
    assert_null(a->wait.link.next);
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, a), 0);
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, a), -EBUSY);
    struct waiter *none = &f->waiters[1];
    assert_int_equal(
        reactor_register(&f->reactor, (struct owner){"test", false}, f->fds[0], TRALE_READABLE, &none->wait), -EINVAL);
}

static void test_a_reused_fd_number_does_not_wake_the_old_wait(void **state)
{
    struct fixture *f = *state;
    struct waiter *old = &f->waiters[0];
    struct waiter *new = &f->waiters[1];
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    assert_int_equal(wait_for(&f->reactor, pair[0], TRALE_READABLE, old), 0);
    /* A duplicate keeps the file open, so that closing the fd does not remove it from epoll. */
    int ghost = dup(pair[0]);
    reactor_forget(&f->reactor, pair[0]);
    assert_int_equal(old->n_wakes, 1);
    assert_null(old->wait.link.next);
    close(pair[0]);
    int fd = dup2(f->fds[0], pair[0]);
    assert_int_equal(fd, pair[0]);
    assert_int_equal(wait_for(&f->reactor, fd, TRALE_READABLE, new), 0);
    put(pair[1]);
    reactor_wait(&f->reactor, 0, false);
    assert_int_equal(old->n_wakes, 1);
    assert_int_equal(new->n_wakes, 0);
    put(f->fds[1]);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(new->n_wakes, 1);
    reactor_forget(&f->reactor, fd);
    close(fd);
    close(ghost);
    close(pair[1]);
}

/* The data of the event that epoll reports of a ready fd. */
static uint64_t reported_data(struct fixture *f, int fd)
{
    struct epoll_event events[4];
    int n = epoll_wait(f->reactor.epoll_fd, events, 4, 0);
    for (int i = 0; i < n; i++)
        if ((uint32_t)events[i].data.u64 == (uint32_t)fd)
            return events[i].data.u64;
    fail_msg("fd %d is not reported", fd);
    return 0;
}

static void test_an_event_already_reported_for_a_forgotten_fd_is_stale(void **state)
{
    struct fixture *f = *state;
    struct waiter *a = &f->waiters[0];
    struct waiter *b = &f->waiters[1];
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, a), 0);
    assert_int_equal(wait_for(&f->reactor, f->fds[1], TRALE_READABLE, b), 0);
    put(f->fds[0]);
    put(f->fds[1]);
    uint64_t before = reported_data(f, f->fds[0]);
    reactor_forget(&f->reactor, f->fds[0]);
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, a), 0);
    /* The new registration has another generation than the event that was reported before. */
    uint64_t after = reported_data(f, f->fds[0]);
    assert_int_not_equal(before >> 32, after >> 32);
}

static void test_an_fd_closed_without_forgetting_can_be_waited_for_again(void **state)
{
    struct fixture *f = *state;
    struct waiter *a = &f->waiters[0], *old = &f->waiters[1];
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    assert_int_equal(wait_for(&f->reactor, pair[0], TRALE_READABLE, a), 0);
    reactor_cancel(&f->reactor, &a->wait);
    assert_int_equal(wait_for(&f->reactor, pair[0], TRALE_READABLE, old), 0);
    int fd = dup2(f->fds[0], pair[0]);
    assert_int_equal(fd, pair[0]);
    assert_int_equal(wait_for(&f->reactor, fd, TRALE_READABLE | TRALE_WRITABLE, a), 0);
    assert_int_equal(old->n_wakes, 1); /* its file is gone */
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(a->n_wakes, 1);
    reactor_forget(&f->reactor, fd);
    close(fd);
    close(pair[1]);
}

/* --- fds that are closed and not forgotten ------------------------------------------------------------------------ */

/* An fd that was waited for and closed, and a duplicate of it, which is readable and stays so. */
struct orphan {
    int fd, duplicate, peer;
};

static void make_orphan(struct fixture *f, struct orphan *orphan)
{
    int pair[2];
    struct waiter *a = &f->waiters[9];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    *orphan = (struct orphan){pair[0], dup(pair[0]), pair[1]};
    assert_int_equal(wait_for(&f->reactor, orphan->fd, TRALE_READABLE, a), 0);
    put(orphan->peer);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(a->n_wakes, 1);
    close(orphan->fd);
}

static void assert_left_behind(struct fixture *f, const struct orphan *orphan)
{
    struct epoll_event events[4];
    char message[128];
    struct waiter *a = &f->waiters[8];
    put(orphan->peer);
    assert_int_equal(epoll_wait(f->reactor.epoll_fd, events, 4, 0), 0);
    snprintf(message, sizeof message, "1 test: fd %d was closed without forget_fd", orphan->fd);
    assert_non_null(strstr(f->messages.text, message));
    assert_null(strstr(strstr(f->messages.text, message) + 1, message));
    /* All else is as it was: a wait that was there, and interrupts. */
    assert_int_equal(a->n_wakes, 0);
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, a), -EBUSY);
    put(f->fds[1]);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(a->n_wakes, 1);
    reactor_interrupt(&f->reactor);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    close(orphan->duplicate);
    close(orphan->peer);
}

static void test_an_orphan_is_left_behind_when_it_cannot_be_disarmed(void **state)
{
    struct fixture *f = *state;
    struct orphan orphan;
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, &f->waiters[8]), 0);
    make_orphan(f, &orphan);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_left_behind(f, &orphan);
}

static void test_an_orphan_of_one_direction_is_left_behind(void **state)
{
    struct fixture *f = *state;
    struct orphan orphan;
    struct waiter *writer = &f->waiters[7];
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, &f->waiters[8]), 0);
    make_orphan(f, &orphan);
    assert_int_equal(dup2(orphan.duplicate, orphan.fd), orphan.fd);
    char full[4096] = {0};
    while (write(orphan.fd, full, sizeof full) > 0)
        ;
    assert_int_equal(wait_for(&f->reactor, orphan.fd, TRALE_WRITABLE, writer), 0);
    close(orphan.fd);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(writer->n_wakes, 1); /* its fd is gone */
    assert_left_behind(f, &orphan);
}

static void test_an_fd_that_is_forgotten_after_it_was_closed_is_left_behind(void **state)
{
    struct fixture *f = *state;
    struct orphan orphan;
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, &f->waiters[8]), 0);
    make_orphan(f, &orphan);
    reactor_forget(&f->reactor, orphan.fd);
    assert_int_equal(f->messages.length, 0);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_left_behind(f, &orphan);
}

static void test_an_orphan_does_not_wake_the_next_file_with_its_number(void **state)
{
    struct fixture *f = *state;
    struct orphan orphan;
    struct waiter *next = &f->waiters[0];
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, &f->waiters[8]), 0);
    make_orphan(f, &orphan);
    assert_int_equal(dup2(f->fds[1], orphan.fd), orphan.fd);
    assert_int_equal(wait_for(&f->reactor, orphan.fd, TRALE_READABLE | TRALE_FAILING, next), 0);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(next->n_wakes, 0);
    put(f->fds[0]);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(next->n_wakes, 1);
    take(f->fds[1]);
    reactor_forget(&f->reactor, orphan.fd);
    close(orphan.fd);
    assert_left_behind(f, &orphan);
}

/* Here the events of both files look the same: the orphan wakes the waits for the other file, until one is checked. */
static void test_an_orphan_that_wakes_the_waits_of_the_next_file_is_found(void **state)
{
    struct fixture *f = *state;
    struct orphan orphan;
    struct waiter *next = &f->waiters[0];
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, &f->waiters[8]), 0);
    make_orphan(f, &orphan);
    assert_int_equal(dup2(f->fds[1], orphan.fd), orphan.fd);
    for (int i = 0; f->messages.length == 0; i++) {
        assert_true(i <= 65536);
        if (next->wait.link.next == NULL)
            assert_int_equal(wait_for(&f->reactor, orphan.fd, TRALE_READABLE, next), 0);
        reactor_wait(&f->reactor, UINT64_MAX, true);
    }
    next->n_wakes = 0;
    assert_int_equal(wait_for(&f->reactor, orphan.fd, TRALE_READABLE, next), 0);
    reactor_wait(&f->reactor, 0, false);
    assert_int_equal(next->n_wakes, 0);
    put(f->fds[0]);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(next->n_wakes, 1);
    take(f->fds[1]);
    reactor_forget(&f->reactor, orphan.fd);
    close(orphan.fd);
    assert_left_behind(f, &orphan);
}

static void test_edges_of_an_orphan_end_as_well(void **state)
{
    struct fixture *f = *state;
    struct orphan orphan;
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, &f->waiters[8]), 0);
    make_orphan(f, &orphan);
    for (int i = 0; f->messages.length == 0; i++) {
        assert_true(i <= 65536);
        take(orphan.duplicate);
        put(orphan.peer);
        reactor_wait(&f->reactor, UINT64_MAX, true);
    }
    assert_left_behind(f, &orphan);
}

static void *look_again_and_again(void *data)
{
    struct fixture *f = data;
    while (!atomic_load(&f->stopping))
        reactor_wait(&f->reactor, UINT64_MAX, true);
    return NULL;
}

static void test_an_orphan_is_left_behind_while_another_thread_registers(void **state)
{
    struct fixture *f = *state;
    struct orphan orphan;
    struct waiter *a = &f->waiters[0];
    pthread_t thread;
    int epoll_fd = f->reactor.epoll_fd;
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, &f->waiters[8]), 0);
    make_orphan(f, &orphan);
    assert_int_equal(pthread_create(&thread, NULL, look_again_and_again, f), 0);
    /* Some edges come together. The epoll instance has another number afterwards. */
    for (bool is_left = false; !is_left;) {
        take(orphan.duplicate);
        put(orphan.peer);
        reactor_cancel(&f->reactor, &a->wait);
        int r = wait_for(&f->reactor, f->fds[1], TRALE_READABLE, a);
        assert_true(r == 0 || r == 1);
        pthread_mutex_lock(&f->reactor.lock);
        is_left = f->reactor.epoll_fd != epoll_fd;
        pthread_mutex_unlock(&f->reactor.lock);
    }
    atomic_store(&f->stopping, true);
    reactor_interrupt(&f->reactor);
    assert_int_equal(pthread_join(thread, NULL), 0);
    reactor_cancel(&f->reactor, &a->wait);
    reactor_wait(&f->reactor, 0, false); /* takes in the interrupt, if the thread ended before it came */
    assert_left_behind(f, &orphan);
}

static void test_leaving_an_orphan_behind_is_tried_again(void **state)
{
    struct fixture *f = *state;
    struct orphan orphan;
    struct rlimit limit, none;
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, &f->waiters[8]), 0);
    make_orphan(f, &orphan);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int epoll_fd = f->reactor.epoll_fd;
    for (int i = 0; i < 3; i++)
        reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(f->reactor.epoll_fd, epoll_fd);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_left_behind(f, &orphan);
}

static void test_one_edge_for_two_datagrams_makes_every_future_try_again(void **state)
{
    struct fixture *f = *state;
    struct waiter *early = &f->waiters[0], *late = &f->waiters[1];
    char byte;
    if (!f->reactor.threaded)
        return;
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, early), 0);
    /* `late` has tried and found nothing; before it waits, two bytes come in one edge, which wakes `early`. */
    assert_int_equal(read(f->fds[0], &byte, 1), -1);
    put(f->fds[1]);
    put(f->fds[1]);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(early->n_wakes, 1);
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, late), 1);
    /* `late` takes one byte and stops as well: the next future that comes to wait has to try too, */
    assert_int_equal(read(f->fds[0], &byte, 1), 1);
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, early), 1);
    /* until a future has found nothing. */
    assert_int_equal(read(f->fds[0], &byte, 1), 1);
    assert_int_equal(read(f->fds[0], &byte, 1), -1);
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, early), 0);
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, late), 0);
}

static void test_a_number_that_is_not_open_does_not_enlarge_the_table(void **state)
{
    struct fixture *f = *state;
    struct waiter *a = &f->waiters[0];
    size_t n_chunks = f->reactor.watches.n_chunks;
    assert_int_equal(wait_for(&f->reactor, INT32_MAX, TRALE_READABLE, a), -EBADF);
    assert_int_equal(wait_for(&f->reactor, 1 << 20, TRALE_READABLE, a), -EBADF);
    assert_int_equal(f->reactor.watches.n_chunks, n_chunks);
}

/* --- what was ready ----------------------------------------------------------------------------------------------- */

/* Waits for an fd that is ready, or becomes so by `act`, and returns what the wait has found. Edge-triggered, every
 * second time the edge comes first, and the wait finds it kept. */
static int found(struct fixture *f, int fd, uint32_t interest, bool is_kept, void (*act)(int fd), int peer)
{
    struct waiter *waiter = &f->waiters[0];
    int r = wait_for(&f->reactor, fd, interest, waiter);
    assert_true(r >= 0);
    if (is_kept) {
        /* The next edge finds no wait. */
        reactor_cancel(&f->reactor, &waiter->wait);
        act(peer);
        reactor_wait(&f->reactor, f->reactor.threaded ? UINT64_MAX : 0, false);
        r = wait_for(&f->reactor, fd, interest, waiter);
        assert_int_equal(r, f->reactor.threaded);
    } else {
        act(peer);
    }
    while (r == 0 && waiter->wait.link.next != NULL)
        reactor_wait(&f->reactor, UINT64_MAX, true);
    reactor_forget(&f->reactor, fd);
    return waiter->wait.ready;
}

/* Two connected sockets or the two ends of a pipe: fds[0] is waited for. */
static void make_tcp(int fds[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    fds[1] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fds[1], (struct sockaddr *)&address, size), 0);
    fds[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    assert_true(fds[0] >= 0);
    close(listener);
}
static void make_stream(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
}
static void make_pipe(int fds[2])
{
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
}
static void make_full_pipe(int fds[2])
{
    char full[4096] = {0};
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    int reader = fds[0];
    fds[0] = fds[1];
    fds[1] = reader;
    while (write(fds[0], full, sizeof full) > 0)
        ;
}
/* A UDP socket that hears of refused datagrams, connected to a port that is closed. */
static void make_refused(int fds[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    fds[1] = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(fds[1], (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fds[1], (struct sockaddr *)&address, &size), 0);
    fds[0] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(setsockopt(fds[0], IPPROTO_IP, IP_RECVERR, &(int){1}, sizeof(int)), 0);
    assert_int_equal(connect(fds[0], (struct sockaddr *)&address, size), 0);
    close(fds[1]);
    fds[1] = dup(fds[0]);
}

static void act_nothing(int peer)
{
    (void)peer;
}
static void act_shutdown(int peer)
{
    assert_int_equal(shutdown(peer, SHUT_WR), 0);
}
static void act_shutdown_both(int peer)
{
    assert_int_equal(shutdown(peer, SHUT_RDWR), 0);
}
/* A reader or writer of a pipe goes; its number is closed once more by the test. */
static void act_close(int peer)
{
    int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(dup2(other, peer), peer);
    close(other);
}
static void act_urgent(int peer)
{
    assert_int_equal(send(peer, "!", 1, MSG_OOB), 1);
}
static void act_drain(int peer)
{
    char buf[65536];
    assert_true(read(peer, buf, sizeof buf) > 0);
}

#define R TRALE_READABLE
#define W TRALE_WRITABLE
#define F TRALE_FAILING
#define P TRALE_PRIORITY_DATA
#define H TRALE_HANGUP
#define RH TRALE_READ_HANGUP

/* Without `act` the fd is ready from the beginning. */
static const struct {
    const char *name;
    void (*make)(int fds[2]);
    void (*act)(int peer);
    uint32_t interest;
    int ready;
} found_cases[] = {
    {"a byte", make_stream, put, R, R},
    {"a byte, in a pipe", make_pipe, put, R, R},
    {"a byte, and room", make_stream, put, R | W, R | W},
    {"room", make_stream, act_nothing, W, W},
    {"room in a pipe that was full", make_full_pipe, act_drain, W, W},
    {"the end of what the peer sends", make_stream, act_shutdown, R, R | RH},
    {"the end of what the peer sends, by TCP", make_tcp, act_shutdown, R, R | RH},
    {"the end of both directions", make_stream, act_shutdown_both, R, R | RH | H},
    {"the end of both directions, for a writer", make_stream, act_shutdown_both, P, H},
    {"the writer of a pipe has gone", make_pipe, act_close, R, H},
    {"the reader of a pipe has gone", make_full_pipe, act_close, F, F},
    {"the reader of a pipe has gone, for a writer", make_full_pipe, act_close, W, F},
    {"a byte out of band", make_tcp, act_urgent, P, P},
    {"a byte out of band, for a reader as well", make_tcp, act_urgent, R | P, P},
    {"an error in the queue", make_refused, put, F, F},
    {"an error in the queue, for a reader", make_refused, put, R, F},
    {"an error in the queue, for priority data", make_refused, put, P, F},
};

static void test_a_wait_finds_what_was_ready(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof found_cases / sizeof found_cases[0]; i++)
        for (int is_kept = 0; is_kept < 2; is_kept++) {
            int fds[2];
            found_cases[i].make(fds);
            int ready = found(f, fds[0], found_cases[i].interest, is_kept != 0, found_cases[i].act, fds[1]);
            if (ready != found_cases[i].ready)
                fail_msg("%s%s: %d", found_cases[i].name, is_kept != 0 ? ", kept" : "", ready);
            close(fds[0]);
            close(fds[1]);
        }
}

static void test_each_wait_finds_what_it_is_for(void **state)
{
    struct fixture *f = *state;
    struct waiter *reader = &f->waiters[0], *writer = &f->waiters[1], *all = &f->waiters[2];
    char full[4096] = {0};
    while (write(f->fds[0], full, sizeof full) > 0)
        ;
    assert_int_equal(wait_for(&f->reactor, f->fds[0], R, reader), 0);
    assert_int_equal(wait_for(&f->reactor, f->fds[0], W, writer), 0);
    assert_int_equal(wait_for(&f->reactor, f->fds[0], R | W | F | P, all), 0);
    shutdown(f->fds[1], SHUT_RDWR);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(reader->wait.ready, R | RH | H);
    assert_int_equal(writer->wait.ready & ~W, H);
    assert_int_equal(all->wait.ready & ~W, R | RH | H);
}

static void test_a_wait_that_is_forgotten_finds_nothing(void **state)
{
    struct fixture *f = *state;
    struct waiter *a = &f->waiters[0];
    assert_int_equal(wait_for(&f->reactor, f->fds[0], W, a), 0);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(a->wait.ready, W);
    assert_int_equal(wait_for(&f->reactor, f->fds[0], R, a), 0);
    assert_int_equal(a->wait.ready, 0);
    reactor_forget(&f->reactor, f->fds[0]);
    assert_int_equal(a->n_wakes, 2);
    assert_int_equal(a->wait.ready, 0);
}

static void test_an_edge_given_to_another_wait_says_what_was_ready(void **state)
{
    struct fixture *f = *state;
    struct waiter *early = &f->waiters[0], *late = &f->waiters[1];
    assert_int_equal(wait_for(&f->reactor, f->fds[0], R, early), 0);
    shutdown(f->fds[1], SHUT_WR);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(early->wait.ready, R | RH);
    assert_int_equal(wait_for(&f->reactor, f->fds[0], R, late), 1);
    assert_int_equal(late->wait.ready, R | RH);
}

static void test_what_an_old_edge_said_is_not_told_of_a_new_one(void **state)
{
    struct fixture *f = *state;
    struct waiter *a = &f->waiters[0];
    int fds[2], error;
    make_refused(fds);
    assert_int_equal(wait_for(&f->reactor, fds[0], R, a), 0);
    put(fds[0]);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(a->wait.ready & F, F);
    /* The error is taken, and the future finds no datagram. */
    char buf[256];
    struct msghdr message = {.msg_control = buf, .msg_controllen = sizeof buf};
    assert_true(recvmsg(fds[0], &message, MSG_ERRQUEUE) >= 0);
    assert_int_equal(getsockopt(fds[0], SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error}), 0);
    int r;
    while ((r = wait_for(&f->reactor, fds[0], R, a)) == 1)
        ;
    assert_int_equal(r, 0);
    reactor_cancel(&f->reactor, &a->wait);
    struct sockaddr_in own;
    socklen_t size = sizeof own;
    assert_int_equal(getsockname(fds[0], (struct sockaddr *)&own, &size), 0);
    assert_int_equal(connect(fds[0], (struct sockaddr *)&own, size), 0);
    put(fds[0]);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(wait_for(&f->reactor, fds[0], R, a), 1);
    assert_int_equal(a->wait.ready, R);
    reactor_forget(&f->reactor, fds[0]);
    close(fds[0]);
    close(fds[1]);
}

static volatile sig_atomic_t n_alarms;

static void on_alarm(int signal)
{
    (void)signal;
    n_alarms++;
}

static void test_every_interrupt_is_counted_once(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 5; i++)
        reactor_interrupt(&f->reactor);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(reactor_n_interrupts(&f->reactor), 5);
    assert_int_equal(reactor_n_interrupts(&f->reactor), 5);
}

static void test_each_interrupt_ends_a_sleep_and_only_one(void **state)
{
    struct fixture *f = *state;
    struct sigaction action = {.sa_handler = on_alarm}, before;
    for (int i = 0; i < 3; i++) {
        reactor_interrupt(&f->reactor);
        reactor_wait(&f->reactor, UINT64_MAX, true);
    }
    /* The next sleep only ends by the alarm. */
    n_alarms = 0;
    sigaction(SIGALRM, &action, &before);
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {.tv_usec = 2000}}, NULL);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(n_alarms, 1);
    sigaction(SIGALRM, &before, NULL);
    reactor_interrupt(&f->reactor);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(reactor_n_interrupts(&f->reactor), 4);
}

static void test_a_signal_does_not_hurt(void **state)
{
    struct fixture *f = *state;
    struct sigaction action = {.sa_handler = on_alarm}, before;
    sigaction(SIGALRM, &action, &before);
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {.tv_usec = 2000}}, NULL);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    sigaction(SIGALRM, &before, NULL);
    struct waiter *a = &f->waiters[0];
    assert_int_equal(wait_for(&f->reactor, f->fds[0], TRALE_READABLE, a), 0);
    put(f->fds[1]);
    reactor_wait(&f->reactor, UINT64_MAX, true);
    assert_int_equal(a->n_wakes, 1);
}

#define both(test)                                                                                                     \
    cmocka_unit_test_setup_teardown(test, level, tear_down), cmocka_unit_test_setup_teardown(test, edge, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        both(test_a_readable_fd_wakes_its_wait_once),
        both(test_any_number_of_waits_may_be_for_one_fd),
        cmocka_unit_test_setup_teardown(test_waits_end_in_the_order_in_which_they_began_whichever_are_cancelled, level,
                                        tear_down),
        both(test_directions_are_told_apart),
        both(test_the_steady_state_costs_no_epoll_ctl),
        both(test_a_look_leaves_alone_what_a_runnable_task_will_take),
        cmocka_unit_test_setup_teardown(test_a_direction_without_a_wait_is_disarmed_once, level, tear_down),
        cmocka_unit_test_setup_teardown(test_an_edge_without_a_wait_is_kept, edge, tear_down),
        both(test_hangup_wakes_both_directions_and_does_not_spin),
        both(test_what_epoll_refuses_comes_back_as_errno),
        both(test_a_reused_fd_number_does_not_wake_the_old_wait),
        both(test_an_event_already_reported_for_a_forgotten_fd_is_stale),
        both(test_an_fd_closed_without_forgetting_can_be_waited_for_again),
        cmocka_unit_test_setup_teardown(test_an_orphan_is_left_behind_when_it_cannot_be_disarmed, level, tear_down),
        cmocka_unit_test_setup_teardown(test_an_orphan_of_one_direction_is_left_behind, level, tear_down),
        cmocka_unit_test_setup_teardown(test_an_fd_that_is_forgotten_after_it_was_closed_is_left_behind, level,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_an_orphan_does_not_wake_the_next_file_with_its_number, level, tear_down),
        cmocka_unit_test_setup_teardown(test_an_orphan_that_wakes_the_waits_of_the_next_file_is_found, level,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_edges_of_an_orphan_end_as_well, edge, tear_down),
        cmocka_unit_test_setup_teardown(test_an_orphan_is_left_behind_while_another_thread_registers, edge, tear_down),
        cmocka_unit_test_setup_teardown(test_leaving_an_orphan_behind_is_tried_again, level, tear_down),
        both(test_one_edge_for_two_datagrams_makes_every_future_try_again),
        both(test_a_wait_finds_what_was_ready),
        both(test_each_wait_finds_what_it_is_for),
        both(test_a_wait_that_is_forgotten_finds_nothing),
        cmocka_unit_test_setup_teardown(test_an_edge_given_to_another_wait_says_what_was_ready, edge, tear_down),
        cmocka_unit_test_setup_teardown(test_what_an_old_edge_said_is_not_told_of_a_new_one, edge, tear_down),
        both(test_a_number_that_is_not_open_does_not_enlarge_the_table),
        both(test_every_interrupt_is_counted_once),
        both(test_each_interrupt_ends_a_sleep_and_only_one),
        both(test_a_signal_does_not_hurt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
