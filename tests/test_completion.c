/* SPDX-License-Identifier: MIT
 *
 * A driver on completions (stranger/datagrams): the kernel owns buffers while futures come and go. By a thread that
 * plays a kernel and by io_uring, where that is allowed. Frames that are dropped are freed at once, so that a sanitizer
 * or valgrind sees a driver that still touches them. */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/socket.h>

#include "tests/stranger/datagrams/datagrams.h"
#include "tests/sandbox.h"

#define N_OPERATIONS 1000

static const char *kernel; /* of this run of the group */

/* Opens a runtime with the kernel of this run; `log` may be NULL. */
static int open_runtime(struct trale **runtime, struct test_log *log)
{
    char text[1024];
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = timer, datagrams\nthreads = %d\ndrivers_folder = %s\n" TEST_TIMER
             "[driver:datagrams]\npath = %s/datagrams.so\nkernel = %s\nbuffer = 64\n",
             test_threads(), TEST_DRIVERS, TEST_FLAWED_DRIVERS, kernel);
    struct trale_options options = {.config_text = text};
    if (log != NULL) {
        options.log = test_log_write;
        options.log_data = log;
    }
    return trale_open(runtime, &options);
}

/* A socket, and its other end. */
static int open_pair(struct trale *runtime, struct datagrams_socket **socket, int *peer)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds) < 0)
        return -errno;
    int r = datagrams_adopt(runtime, fds[0], socket);
    if (r < 0) {
        close(fds[0]);
        close(fds[1]);
        return r;
    }
    *peer = fds[1];
    return 0;
}

/* --- what the tests are made of ----------------------------------------------------------------------------------- */

/* A task that runs a function until that returns something else than TRALE_PENDING, with a short sleep in between. */
struct bench {
    struct trale_future future;
    struct trale_sleep sleep;
    int64_t (*step)(struct bench *self, struct trale_context *context);
    struct datagrams_socket *socket;
    int peer;   /* the other end */
    int phase;  /* the step's */
    int number; /* the step's */
    struct datagrams_recv *recv;
    struct datagrams_send *send;
    struct trale_future **futures;
    struct datagrams_count count;
    char buf[64];
};

static void bench_cleanup(struct bench *self)
{
    datagrams_close(self->socket);
    if (self->peer >= 0)
        close(self->peer);
    free(self->futures);
}

trale_async_with(bench, bench_cleanup)
{
    trale_begin();
    int fds[2];
    self->peer = -1;
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds) < 0)
        trale_return(-errno);
    self->peer = fds[1];
    fcntl(self->peer, F_SETFL, O_NONBLOCK);
    int r = datagrams_adopt(cx->runtime, fds[0], &self->socket);
    if (r < 0)
        trale_return(r);
    while (datagrams_count(cx->runtime, &self->count), self->count.n_operations > 0) /* of the test before */
        trale_await(trale_sleep(&self->sleep, TRALE_MILLISECOND / 4));
    for (;;) {
        datagrams_count(cx->runtime, &self->count);
        int64_t result = self->step(self, cx);
        if (result != TRALE_PENDING)
            trale_return(result);
        trale_await(trale_sleep(&self->sleep, TRALE_MILLISECOND / 4));
    }
}

static int64_t run(struct trale *runtime, int64_t (*step)(struct bench *, struct trale_context *))
{
    int64_t result = trale_join(trale_spawn(runtime, bench, .step = step));
    datagrams_hold(runtime, 0);
    return result;
}

/* A future in memory of its own, polled once. */
static struct trale_future *begin_recv(struct bench *self, struct trale_context *context)
{
    struct datagrams_recv *recv = malloc(sizeof *recv + 64);
    struct trale_future *future = datagrams_recv(recv, self->socket, recv + 1, 64);
    assert_int_equal(trale_future_poll(future, context), TRALE_PENDING);
    return future;
}

static void drop_and_free(struct trale_future *future)
{
    trale_future_drop(future);
    free(future);
}

static void peer_sends(struct bench *self, int number)
{
    assert_int_equal(send(self->peer, &number, sizeof number, 0), sizeof number);
}

/* --- receiving and sending ---------------------------------------------------------------------------------------- */

struct echo {
    struct trale_future future;
    struct datagrams_socket *ends[2];
    struct datagrams_send send;
    struct datagrams_recv recv;
    char text[6], buf[4], long_text[65];
};

static void echo_close(struct echo *self)
{
    datagrams_close(self->ends[0]);
    datagrams_close(self->ends[1]);
}

trale_async_with(echo, echo_close)
{
    trale_begin();
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds) < 0)
        trale_return(-errno);
    for (int i = 0; i < 2; i++)
        if (datagrams_adopt(cx->runtime, fds[i], &self->ends[i]) < 0)
            trale_return(-ENOMEM);
    memcpy(self->text, "hello", 6);
    trale_await(datagrams_send(&self->send, self->ends[0], self->text, 6));
    if (trale_result() != 6)
        trale_return(trale_result() < 0 ? trale_result() : -EIO);
    trale_await(datagrams_recv(&self->recv, self->ends[1], self->buf, 4));
    if (trale_result() != 4 || self->recv.length != 6 || memcmp(self->buf, "hell", 4) != 0)
        trale_return(-EIO);
    trale_await(datagrams_send(&self->send, self->ends[0], self->long_text, sizeof self->long_text));
    if (trale_result() != -EMSGSIZE)
        trale_return(-EIO);
    datagrams_close(self->ends[1]);
    self->ends[1] = NULL;
    trale_await(datagrams_send(&self->send, self->ends[0], self->text, 6));
    trale_return(trale_result() == -ECONNREFUSED || trale_result() == -EPIPE ? 0 : -EIO);
}

static void test_datagrams_and_errors_come_as_completions(void **state)
{
    assert_int_equal(trale_join(trale_spawn(*state, echo)), 0);
}

/* --- dropped receives --------------------------------------------------------------------------------------------- */

#define N_ROUNDS 200

/* In each round a receive is with the kernel when its datagram comes, and is dropped in the same moment. */
static int64_t step_loses_nothing(struct bench *self, struct trale_context *context)
{
    if (self->futures == NULL)
        self->futures = calloc(1, sizeof self->futures[0]);
    if (self->phase == 0) { /* begin */
        self->futures[0] = begin_recv(self, context);
        self->phase = 1;
        return TRALE_PENDING;
    }
    if (self->phase == 1) { /* it is with the kernel: a datagram comes, and it is dropped */
        if (self->count.n_operations == 0)
            return TRALE_PENDING;
        peer_sends(self, self->number);
        drop_and_free(self->futures[0]);
        self->recv = malloc(sizeof *self->recv + sizeof(int));
        self->phase = 2;
        if (trale_future_poll(datagrams_recv(self->recv, self->socket, self->recv + 1, sizeof(int)), context) !=
            TRALE_PENDING)
            return -EIO;
        return TRALE_PENDING;
    }
    int64_t result = trale_future_poll(&self->recv->future, context);
    if (result == TRALE_PENDING)
        return TRALE_PENDING;
    int number = *(int *)(void *)(self->recv + 1);
    free(self->recv);
    if (result != sizeof(int) || number != self->number)
        return -EILSEQ;
    self->phase = 0;
    return ++self->number == N_ROUNDS ? 0 : TRALE_PENDING;
}

static void test_a_dropped_receive_loses_no_datagram(void **state)
{
    assert_int_equal(run(*state, step_loses_nothing), 0);
}

/* The kernel succeeds after it was asked to cancel: the thread because it is held until the datagram is there; io_uring
 * because the datagram's send(2) completes the receive before it returns. */
static int64_t step_late_receive(struct bench *self, struct trale_context *context)
{
    switch (self->phase) {
    case 0:
        self->phase = 1;
        self->futures = calloc(1, sizeof self->futures[0]);
        self->futures[0] = begin_recv(self, context);
        self->number = (int)self->count.n_late_receives;
        return TRALE_PENDING;
    case 1:
        if (self->count.n_operations == 0)
            return TRALE_PENDING;
        self->phase = 2;
        datagrams_hold(context->runtime, 1);
        peer_sends(self, 42);
        drop_and_free(self->futures[0]);
        return TRALE_PENDING;
    case 2:
        self->phase = 3;
        datagrams_hold(context->runtime, 0);
        return TRALE_PENDING;
    }
    if (self->count.n_operations > 0)
        return TRALE_PENDING;
    if ((int)self->count.n_late_receives != self->number + 1)
        return -ENODATA;
    struct datagrams_recv recv;
    int number = 0;
    if (trale_future_poll(datagrams_recv(&recv, self->socket, &number, sizeof number), context) != sizeof number)
        return -EIO;
    return number;
}

static void test_what_a_cancelled_receive_brings_is_for_the_next(void **state)
{
    assert_int_equal(run(*state, step_late_receive), 42);
}

/* A datagram was given to a future that is dropped before it is polled again: the next one gets it, and is woken. */
struct taker {
    struct trale_future future;
    struct datagrams_socket *socket;
    struct datagrams_recv recv;
    int number;
};

trale_async(taker)
{
    trale_begin();
    trale_await(datagrams_recv(&self->recv, self->socket, &self->number, sizeof self->number));
    trale_return(trale_result() == sizeof self->number ? self->number : trale_result());
}

struct heir {
    struct trale_future future;
    struct trale_sleep sleep;
    struct trale_join_future joined;
    struct datagrams_socket *socket;
    struct datagrams_recv first;
    struct trale_task *second;
    struct datagrams_count count;
    int peer, number;
};

static void heir_close(struct heir *self)
{
    datagrams_close(self->socket);
    close(self->peer);
}

trale_async_with(heir, heir_close)
{
    trale_begin();
    int r = open_pair(cx->runtime, &self->socket, &self->peer);
    if (r < 0)
        trale_return(r);
    if (trale_future_poll(datagrams_recv(&self->first, self->socket, &self->number, sizeof(int)), cx) != TRALE_PENDING)
        trale_return(-EIO);
    self->second = trale_spawn(cx->runtime, taker, .socket = self->socket);
    while (datagrams_count(cx->runtime, &self->count), self->count.n_operations < 2)
        trale_await(trale_sleep(&self->sleep, TRALE_MILLISECOND / 4));
    send(self->peer, &(int){7}, sizeof(int), 0);
    while (datagrams_count(cx->runtime, &self->count), self->count.n_operations > 1)
        trale_await(trale_sleep(&self->sleep, TRALE_MILLISECOND / 4));
    trale_future_drop(&self->first.future);
    trale_await(trale_join_future(&self->joined, self->second));
    trale_return(trale_result());
}

static void test_a_datagram_given_to_a_dropped_future_wakes_the_next(void **state)
{
    assert_int_equal(trale_join(trale_spawn(*state, heir)), 7);
}

/* --- a thousand operations ---------------------------------------------------------------------------------------- */

/* A drop that waited would wait for ever: the thread is held, and for io_uring no datagram comes. */
static int64_t step_drops_a_thousand(struct bench *self, struct trale_context *context)
{
    const bool can_hold = strcmp(kernel, "thread") == 0;
    switch (self->phase) {
    case 0:
        self->phase = 1;
        if (can_hold)
            datagrams_hold(context->runtime, 1);
        self->futures = calloc(N_OPERATIONS, sizeof self->futures[0]);
        self->number = (int)self->count.n_calls;
        for (int i = 0; i < N_OPERATIONS; i++)
            self->futures[i] = begin_recv(self, context);
        return TRALE_PENDING;
    case 1:
        if (self->count.n_operations != N_OPERATIONS)
            return TRALE_PENDING;
        self->phase = 2;
        /* They began in one poll. The thread is asked once, io_uring whenever its ring of 64 is full. */
        if ((int)self->count.n_calls - self->number > (can_hold ? 1 : N_OPERATIONS / 64 + 1))
            return -E2BIG;
        for (int i = 0; i < N_OPERATIONS; i++)
            drop_and_free(self->futures[i]);
        datagrams_count(context->runtime, &self->count);
        if (self->count.n_operations != N_OPERATIONS)
            return -EIO;
        return TRALE_PENDING;
    case 2:
        self->phase = 3;
        if (can_hold && self->count.n_operations != N_OPERATIONS)
            return -EIO;
        datagrams_hold(context->runtime, 0);
        return TRALE_PENDING;
    }
    return self->count.n_operations > 0 ? TRALE_PENDING : 0;
}

static void test_a_drop_with_a_thousand_operations_in_flight_waits_for_nothing(void **state)
{
    assert_int_equal(run(*state, step_drops_a_thousand), 0);
}

/* --- dropped sends ------------------------------------------------------------------------------------------------ */

/* Sends until the kernel can take no more of them, drops them all, reads what arrives, and compares the numbers. */
static int64_t step_drops_sends(struct bench *self, struct trale_context *context)
{
    enum { N_SENDS = 600 }; /* more than a queue of datagrams holds (net.unix.max_dgram_qlen) */
    if (self->phase == 0) {
        self->phase = 1;
        self->number = 0;
        self->futures = calloc(N_SENDS, sizeof self->futures[0]);
        for (int i = 0; i < N_SENDS; i++) {
            struct datagrams_send *send = malloc(sizeof *send + sizeof(int));
            memcpy(send + 1, &i, sizeof i);
            self->futures[i] = datagrams_send(send, self->socket, send + 1, sizeof i);
            if (trale_future_poll(self->futures[i], context) != TRALE_PENDING)
                return -EIO;
        }
        return TRALE_PENDING;
    }
    int i = 0;
    if (self->phase == 1) {
        if (recv(self->peer, &i, sizeof i, MSG_PEEK) < 0)
            return TRALE_PENDING;
        self->phase = 2;
        for (i = 0; i < N_SENDS; i++)
            drop_and_free(self->futures[i]);
        return TRALE_PENDING;
    }
    while (recv(self->peer, &i, sizeof i, 0) == sizeof i) {
        if (i < 0 || i >= N_SENDS || self->futures[i] == NULL)
            return -EILSEQ; /* damaged, or sent twice */
        self->futures[i] = NULL;
        self->number++;
    }
    if (self->count.n_operations > 0)
        return TRALE_PENDING;
    return self->number > 0 ? 0 : -ENODATA;
}

static void test_a_dropped_send_is_sent_whole_once_or_never(void **state)
{
    assert_int_equal(run(*state, step_drops_sends), 0);
}

/* The queue is full, the send is dropped, and then there is room: the thread sends it all the same. */
static int64_t step_late_send(struct bench *self, struct trale_context *context)
{
    char c;
    switch (self->phase) {
    case 0:
        self->phase = 1;
        self->number = (int)self->count.n_late_sends;
        if (datagrams_hold(context->runtime, 1) < 0)
            return 0; /* with io_uring it is left to chance */
        self->send = malloc(sizeof *self->send);
        if (trale_future_poll(datagrams_send(self->send, self->socket, "x", 1), context) != TRALE_PENDING)
            return -EIO;
        return TRALE_PENDING;
    case 1:
        if (self->count.n_operations == 0)
            return TRALE_PENDING;
        self->phase = 2;
        drop_and_free(&self->send->future);
        return TRALE_PENDING;
    case 2:
        self->phase = 3;
        datagrams_hold(context->runtime, 0);
        return TRALE_PENDING;
    }
    if (self->count.n_operations > 0)
        return TRALE_PENDING;
    return (int)self->count.n_late_sends == self->number + 1 && recv(self->peer, &c, 1, 0) == 1 && c == 'x' ? 0 : -EIO;
}

static void test_a_send_that_completes_after_its_drop_is_counted(void **state)
{
    assert_int_equal(run(*state, step_late_send), 0);
}

static int64_t step_takes_back(struct bench *self, struct trale_context *context)
{
    if (self->phase++ == 0) {
        self->number = (int)self->count.n_calls;
        for (int i = 0; i < 10; i++) {
            struct datagrams_send *send = malloc(sizeof *send);
            if (trale_future_poll(datagrams_send(send, self->socket, "x", 1), context) != TRALE_PENDING)
                return -EIO;
            drop_and_free(&send->future);
            drop_and_free(begin_recv(self, context));
        }
        return TRALE_PENDING;
    }
    char c;
    return self->count.n_operations == 0 && (int)self->count.n_calls == self->number &&
                   recv(self->peer, &c, 1, 0) < 0 && errno == EAGAIN
               ? 0
               : -EIO;
}

static void test_what_is_dropped_in_the_turn_in_which_it_began_never_reaches_the_kernel(void **state)
{
    assert_int_equal(run(*state, step_takes_back), 0);
}

/* --- closing ------------------------------------------------------------------------------------------------------ */

static int64_t step_closes_the_socket(struct bench *self, struct trale_context *context)
{
    if (self->phase == 0) {
        self->phase = 1;
        self->futures = calloc(10, sizeof self->futures[0]);
        for (int i = 0; i < 10; i++)
            self->futures[i] = begin_recv(self, context);
        return TRALE_PENDING;
    }
    if (self->phase == 1) {
        self->phase = 2;
        datagrams_close(self->socket);
        self->socket = NULL;
        for (int i = 0; i < 9; i++) {
            if (trale_future_poll(self->futures[i], context) != -ECANCELED)
                return -EIO;
            free(self->futures[i]);
        }
        drop_and_free(self->futures[9]);
    }
    const char c = 'x';
    if (self->count.n_operations > 0)
        return TRALE_PENDING;
    return send(self->peer, &c, 1, MSG_NOSIGNAL) < 0 ? 0 : -EIO; /* the other end is closed */
}

static void test_closing_a_socket_cancels_what_is_in_flight(void **state)
{
    assert_int_equal(run(*state, step_closes_the_socket), 0);
}

/* In each round the socket is closed while the kernel has a receive, and a datagram has come for it. */
static int64_t step_closes_a_socket_that_receives(struct bench *self, struct trale_context *context)
{
    switch (self->phase) {
    case 0:
        self->phase = 1;
        if (self->futures == NULL)
            self->futures = calloc(1, sizeof self->futures[0]);
        self->futures[0] = begin_recv(self, context);
        return TRALE_PENDING;
    case 1:
        if (self->count.n_operations == 0)
            return TRALE_PENDING;
        self->phase = 2;
        datagrams_hold(context->runtime, 1);
        peer_sends(self, 1);
        datagrams_close(self->socket);
        self->socket = NULL;
        drop_and_free(self->futures[0]);
        datagrams_hold(context->runtime, 0);
        return TRALE_PENDING;
    }
    if (self->count.n_operations > 0)
        return TRALE_PENDING;
    if (self->count.n_buffers > 0)
        return -ENOBUFS;
    if (++self->number == 10)
        return 0;
    self->phase = 0;
    close(self->peer);
    self->peer = -1;
    int r = open_pair(context->runtime, &self->socket, &self->peer);
    return r < 0 ? r : TRALE_PENDING;
}

static void test_what_comes_for_a_socket_that_was_closed_keeps_no_buffer(void **state)
{
    assert_int_equal(run(*state, step_closes_a_socket_that_receives), 0);
}

/* Leaves behind a socket, and a thousand tasks that wait for datagrams on it. */
struct crowd {
    struct trale_future future;
    struct trale_sleep sleep;
    struct datagrams_socket *socket;
    struct datagrams_count count;
    int peer, i;
};

trale_async(crowd)
{
    trale_begin();
    int r = open_pair(cx->runtime, &self->socket, &self->peer);
    if (r < 0)
        trale_return(r);
    for (self->i = 0; self->i < N_OPERATIONS; self->i++)
        trale_detach(trale_spawn(cx->runtime, taker, .socket = self->socket));
    while (datagrams_count(cx->runtime, &self->count), self->count.n_operations < N_OPERATIONS)
        trale_await(trale_sleep(&self->sleep, TRALE_MILLISECOND / 4));
    datagrams_hold(cx->runtime, 1);
    trale_return(self->peer);
}

static void test_closing_the_runtime_waits_for_the_kernel(void **state)
{
    (void)state;
    static struct test_log log;
    log.length = 0;
    struct trale *runtime;
    open_runtime(&runtime, &log);
    const struct datagrams *table = datagrams(runtime);
    int64_t peer = trale_join(trale_spawn(runtime, crowd));
    assert_true(peer >= 0);
    if (table->hold(table->interface.instance, 1) == 0) {
        /* The first may only get as far as dropping the tasks. */
        while (strstr(log.text, "datagrams: the kernel still has 1000 operations") == NULL)
            assert_int_equal(trale_close_within(runtime, 10 * TRALE_MILLISECOND), -ETIMEDOUT);
        table->hold(table->interface.instance, 0);
    }
    assert_int_equal(trale_close(runtime), 0);
    close((int)peer);
}

/* --- threads ------------------------------------------------------------------------------------------------------ */

/* A socket and a task that waits for a datagram on it. */
struct spread {
    struct trale_future future;
    struct trale_sleep sleep;
    struct datagrams_socket *socket;
    struct trale_task *waits;
    struct datagrams_count count;
    int peer;
};

trale_async(spread)
{
    trale_begin();
    int r = open_pair(cx->runtime, &self->socket, &self->peer);
    if (r < 0)
        trale_return(r);
    self->waits = trale_spawn(cx->runtime, taker, .socket = self->socket);
    while (datagrams_count(cx->runtime, &self->count), self->count.n_operations == 0)
        trale_await(trale_sleep(&self->sleep, TRALE_MILLISECOND / 4));
    trale_return(0);
}

static struct spread spread_frame;

static void *block_on_spread(void *runtime)
{
    spread_frame = (struct spread){.future.type = &spread_type};
    return trale_block_on(runtime, &spread_frame.future) == 0 ? runtime : NULL;
}

/* io_uring gives up what a thread has handed over when the thread ends: with threads = 0 that is any thread. */
static void test_the_thread_that_handed_an_operation_over_may_end(void **state)
{
    pthread_t thread;
    void *result;
    assert_int_equal(pthread_create(&thread, NULL, block_on_spread, *state), 0);
    pthread_join(thread, &result);
    assert_non_null(result);
    assert_int_equal(send(spread_frame.peer, &(int){5}, sizeof(int), 0), sizeof(int));
    assert_int_equal(trale_join(spread_frame.waits), 5);
    close(spread_frame.peer);
}

/* --- what is refused ---------------------------------------------------------------------------------------------- */

static int64_t step_adopts_nothing(struct bench *self, struct trale_context *context)
{
    struct datagrams_socket *socket = self->socket;
    int r = datagrams_adopt(context->runtime, -1, &socket);
    return r == -EBADF && socket == self->socket ? 0 : -EIO;
}

static void test_a_number_that_is_no_fd_is_not_adopted(void **state)
{
    assert_int_equal(run(*state, step_adopts_nothing), 0);
}

static int64_t step_sends_nothing(struct bench *self, struct trale_context *context)
{
    char c;
    if (self->phase++ == 0) {
        self->send = malloc(sizeof *self->send);
        test_make(datagrams_send(self->send, self->socket, NULL, 0));
    }
    int64_t result = trale_future_poll(&self->send->future, context);
    if (result == TRALE_PENDING)
        return TRALE_PENDING;
    free(self->send);
    return result == 0 && recv(self->peer, &c, 1, 0) == 0 ? 0 : -EIO;
}

static void test_an_empty_datagram_needs_no_buffer(void **state)
{
    assert_int_equal(run(*state, step_sends_nothing), 0);
}

/* In a child of the process: whether opening has this error, and a message this text. */
static int open_refused(uint32_t call, uint32_t error, const char *text)
{
    static struct test_log log;
    struct trale *runtime;
    if (refuse_call(call, error) < 0)
        return CANNOT_REFUSE;
    int r = open_runtime(&runtime, &log);
    if (r == -(int)error && strstr(log.text, text) != NULL)
        return AS_WANTED;
    fprintf(stderr, "call %u: %d, %s\n", call, r, log.text);
    return OTHERWISE;
}

static pid_t begin_child(void)
{
    if (TEST_UNDER_VALGRIND) /* which does not know seccomp(2) */
        skip();
    return fork();
}

static void test_without_io_uring_the_driver_says_what_does_without(void **state)
{
    const uint32_t calls[] = {SYS_io_uring_setup, SYS_io_uring_enter}, errors[] = {EPERM, ENOSYS};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        pid_t child = begin_child();
        if (child == 0)
            _exit(open_refused(calls[i / 2], errors[i % 2], "0 datagrams: io_uring: "));
        assert_as_wanted(child);
    }
}

/* It refuses to make threads, too. */
static void test_a_start_that_fails_says_why(void **state)
{
    (void)state;
    pid_t child = begin_child();
    if (child == 0)
        _exit(refuse_call(SYS_clone3, ENOSYS) < 0 ? CANNOT_REFUSE
                                                  : open_refused(SYS_clone, EAGAIN, "0 datagrams: cannot"));
    assert_as_wanted(child);
}

/* In a child of the process, which enters a sandbox when all is open: futures get its error, and the runtime closes. */
static int receive_in_a_sandbox(void)
{
    struct trale *runtime;
    if (open_runtime(&runtime, NULL) < 0)
        return OTHERWISE;
    if (refuse_call(SYS_io_uring_enter, EPERM) < 0)
        return CANNOT_REFUSE;
    int64_t result = trale_join(trale_spawn(runtime, echo));
    if (result != -EPERM || trale_close(runtime) < 0) {
        fprintf(stderr, "%d\n", (int)result);
        return OTHERWISE;
    }
    return AS_WANTED;
}

static void test_a_sandbox_that_comes_later_is_an_error_of_the_futures(void **state)
{
    (void)state;
    pid_t child = begin_child();
    if (child == 0)
        _exit(receive_in_a_sandbox());
    assert_as_wanted(child);
}

/* ------------------------------------------------------------------------------------------------------------------ */

static int set_up(void **state)
{
    return open_runtime((struct trale **)state, NULL);
}

static bool has_io_uring(void)
{
    struct io_uring_params parameters = {0};
    int fd = (int)syscall(SYS_io_uring_setup, 8, &parameters);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_datagrams_and_errors_come_as_completions),
        cmocka_unit_test(test_a_dropped_receive_loses_no_datagram),
        cmocka_unit_test(test_what_a_cancelled_receive_brings_is_for_the_next),
        cmocka_unit_test(test_a_datagram_given_to_a_dropped_future_wakes_the_next),
        cmocka_unit_test(test_a_drop_with_a_thousand_operations_in_flight_waits_for_nothing),
        cmocka_unit_test(test_a_dropped_send_is_sent_whole_once_or_never),
        cmocka_unit_test(test_a_send_that_completes_after_its_drop_is_counted),
        cmocka_unit_test(test_what_is_dropped_in_the_turn_in_which_it_began_never_reaches_the_kernel),
        cmocka_unit_test(test_closing_a_socket_cancels_what_is_in_flight),
        cmocka_unit_test(test_closing_the_runtime_waits_for_the_kernel),
        cmocka_unit_test(test_the_thread_that_handed_an_operation_over_may_end),
        cmocka_unit_test(test_what_comes_for_a_socket_that_was_closed_keeps_no_buffer),
        cmocka_unit_test(test_a_number_that_is_no_fd_is_not_adopted),
        cmocka_unit_test(test_an_empty_datagram_needs_no_buffer),
    };
    const struct CMUnitTest without_a_thread[] = {
        cmocka_unit_test(test_a_start_that_fails_says_why),
    };
    const struct CMUnitTest without_io_uring[] = {
        cmocka_unit_test(test_without_io_uring_the_driver_says_what_does_without),
        cmocka_unit_test(test_a_sandbox_that_comes_later_is_an_error_of_the_futures),
    };
    kernel = "thread";
    int failed = cmocka_run_group_tests_name("completions by a thread", tests, set_up, test_close_runtime);
    failed |= cmocka_run_group_tests_name("without a thread", without_a_thread, NULL, NULL);
    kernel = "io_uring";
    if (has_io_uring()) {
        failed |= cmocka_run_group_tests_name("completions by io_uring", tests, set_up, test_close_runtime);
        failed |= cmocka_run_group_tests_name("without io_uring", without_io_uring, NULL, NULL);
    } else {
        print_message("io_uring is not allowed here: skipped\n");
    }
    return failed;
}
