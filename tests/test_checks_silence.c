/* SPDX-License-Identifier: MIT
 *
 * What looks like a mistake and is none: [runtime] checks = yes says nothing about it, in each thread layout. */
#include <sys/socket.h>

#include <trale/branches.h>

#include "tests/checks.h"

/* --- no storms ---------------------------------------------------------------------------------------------------- */

struct yielder {
    struct trale_future future;
    int n;
};

trale_async(yielder)
{
    trale_begin();
    while (--self->n > 0)
        trale_yield();
    trale_return(0);
}

struct racing {
    struct trale_future future;
    struct yielder yielder;
    struct trale_sleep sleep;
    struct trale_branch branch[2];
    struct trale_branches race;
};

trale_async(racing)
{
    trale_begin();
    self->branch[0].future = trale_call(yielder, &self->yielder, .n = 30000);
    self->branch[1].future = trale_sleep(&self->sleep, TRALE_SECOND * 3600);
    trale_await(trale_race(&self->race, self->branch, 2));
    trale_return(trale_result());
}

static void test_a_branch_that_yields_again_and_again_is_no_storm(void **state)
{
    struct fixture *f = *state;
    struct racing racing;
    assert_int_equal(trale_block_on(f->runtime, trale_call(racing, &racing)), 0);
    assert_findings(f, 0);
}

/* A task of a driver that waits for an fd which is ready each time, and does one thing in each poll. */
struct server {
    struct trale_future future;
    const struct trale_host *host;
    struct trale *runtime;
    const struct trale_waker *other; /* to wake */
    int fd, n_polls;
    uint32_t interest;
    bool reads, spawns;
    struct trale_wait wait;
};

struct nothing {
    struct trale_future future;
};

trale_async(nothing)
{
    trale_begin();
    trale_return(0);
}

static int64_t server_poll(struct trale_future *future, struct trale_context *context)
{
    struct server *self = (struct server *)(void *)future;
    char byte;
    self->host->cancel_wait(self->host->context, &self->wait);
    if (--self->n_polls == 0)
        return 0;
    if (self->reads)
        assert_int_equal(read(self->fd, &byte, 1), 1);
    if (self->spawns)
        trale_detach(trale_spawn(self->runtime, nothing));
    if (self->other != NULL)
        self->other->table->wake_by_ref(self->other);
    self->wait.waker = context->waker;
    assert_int_equal(self->host->register_waker(self->host->context, self->fd, self->interest, &self->wait), 0);
    return TRALE_PENDING;
}

static const struct trale_future_type server_type = {sizeof server_type, TRALE_ABI, "server", server_poll, NULL};

static void forget_and_close(void *data)
{
    const struct server *server = data;
    server->host->forget_fd(server->host->context, server->fd);
    close(server->fd);
}

/* Serves 15,000 times, where a driver may register a wait before it tries. */
static void serve(struct fixture *f, struct server *server, int fd)
{
    *server = (struct server){.future.type = &server_type,
                              .host = f->careless->host,
                              .runtime = f->runtime,
                              .other = server->other,
                              .fd = fd,
                              .n_polls = 15000,
                              .interest = server->interest,
                              .reads = server->reads,
                              .spawns = server->spawns};
    assert_int_equal(trale_block_on(f->runtime, &server->future), 0);
    test_call_in_task(f->runtime, forget_and_close, server);
    assert_findings(f, 0);
}

static void open_pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
}

static void test_a_task_that_takes_a_little_of_what_is_ready_in_each_poll_is_no_storm(void **state)
{
    static const char bytes[20000];
    struct fixture *f = *state;
    struct server server = {.interest = TRALE_READABLE, .reads = true};
    int fds[2];
    if ((f->careless->host->hints & TRALE_HOST_LEVEL) == 0)
        skip();
    open_pair(fds);
    assert_int_equal(write(fds[1], bytes, sizeof bytes), sizeof bytes);
    serve(f, &server, fds[0]);
    close(fds[1]);
}

static void test_a_task_that_spawns_a_task_in_each_poll_is_no_storm(void **state)
{
    struct fixture *f = *state;
    struct server server = {.interest = TRALE_WRITABLE, .spawns = true};
    int fds[2];
    if ((f->careless->host->hints & TRALE_HOST_LEVEL) == 0)
        skip();
    open_pair(fds);
    serve(f, &server, fds[0]);
    close(fds[1]);
}

/* Keeps a clone of its waker for the test. */
struct woken {
    struct trale_future future;
    const struct trale_waker **waker;
};

static int64_t woken_poll(struct trale_future *future, struct trale_context *context)
{
    struct woken *woken = (struct woken *)(void *)future;
    if (*woken->waker == NULL)
        *woken->waker = context->waker->table->clone(context->waker);
    return TRALE_PENDING;
}

static const struct trale_future_type woken_type = {sizeof woken_type, TRALE_ABI, "woken", woken_poll, NULL};

static void test_a_task_that_wakes_another_one_in_each_poll_is_no_storm(void **state)
{
    struct fixture *f = *state;
    const struct trale_waker *waker = NULL;
    struct woken woken = {.future.type = &woken_type, .waker = &waker};
    int fds[2];
    if ((f->careless->host->hints & TRALE_HOST_LEVEL) == 0)
        skip();
    struct trale_task *task = trale_spawn_frame(f->runtime, &woken.future, sizeof woken);
    let_tasks_run(f->runtime);
    struct server server = {.interest = TRALE_WRITABLE, .other = waker};
    open_pair(fds);
    serve(f, &server, fds[0]);
    close(fds[1]);
    waker->table->drop(waker);
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
}

/* --- wakers that lead to wakers ----------------------------------------------------------------------------------- */

/* A future that lends a waker of its own, which passes everything on. */
struct passing_waker {
    struct trale_waker waker;
    const struct trale_waker *inner;
};

static const struct trale_waker *inner_of(const struct trale_waker *waker)
{
    return ((const struct passing_waker *)(const void *)waker)->inner;
}

static const struct trale_waker *passing_clone(const struct trale_waker *waker);

static void passing_drop(const struct trale_waker *waker)
{
    inner_of(waker)->table->drop(inner_of(waker));
    free((void *)(uintptr_t)waker);
}

static void passing_wake_by_ref(const struct trale_waker *waker)
{
    inner_of(waker)->table->wake_by_ref(inner_of(waker));
}

static void passing_wake(const struct trale_waker *waker)
{
    passing_wake_by_ref(waker);
    passing_drop(waker);
}

static const struct trale_waker_table passing_table = {passing_clone, passing_wake, passing_wake_by_ref, passing_drop};

static const struct trale_waker *passing_clone(const struct trale_waker *waker)
{
    struct passing_waker *clone = malloc(sizeof *clone);
    assert_non_null(clone);
    *clone = (struct passing_waker){{&passing_table}, inner_of(waker)->table->clone(inner_of(waker))};
    return &clone->waker;
}

struct passing {
    struct trale_future future;
    struct passing_waker waker;
    struct trale_future *inner;
};

static int64_t passing_poll(struct trale_future *future, struct trale_context *context)
{
    struct passing *self = (struct passing *)(void *)future;
    struct trale_context inner = *context;
    self->waker = (struct passing_waker){{&passing_table}, context->waker};
    inner.waker = &self->waker.waker;
    future->awaiting = self->inner;
    int64_t result = trale_future_await(self->inner, &inner);
    if (result != TRALE_PENDING)
        future->awaiting = NULL;
    return result;
}

/* Wakes itself by clones of a clone. */
struct cloner {
    struct trale_future future;
    int n_polls;
};

static int64_t cloner_poll(struct trale_future *future, struct trale_context *context)
{
    if (++((struct cloner *)(void *)future)->n_polls == 4)
        return 9;
    const struct trale_waker *first = context->waker->table->clone(context->waker),
                             *second = first->table->clone(first);
    first->table->drop(first);
    second->table->wake_by_ref(second);
    second->table->wake(second);
    return TRALE_PENDING;
}

static void test_wakers_of_a_future_may_lead_to_wakers_of_the_runtime(void **state)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "passing", passing_poll, NULL};
    static const struct trale_future_type cloner_type = {sizeof cloner_type, TRALE_ABI, "cloner", cloner_poll, NULL};
    struct fixture *f = *state;
    struct cloner cloner = {.future.type = &cloner_type};
    struct passing inner = {.future.type = &type, .inner = &cloner.future};
    struct passing outer = {.future.type = &type, .inner = &inner.future};
    assert_int_equal(trale_block_on(f->runtime, &outer.future), 9);
    assert_findings(f, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_branch_that_yields_again_and_again_is_no_storm),
        TEST(test_a_task_that_takes_a_little_of_what_is_ready_in_each_poll_is_no_storm),
        TEST(test_a_task_that_spawns_a_task_in_each_poll_is_no_storm),
        TEST(test_a_task_that_wakes_another_one_in_each_poll_is_no_storm),
        TEST(test_wakers_of_a_future_may_lead_to_wakers_of_the_runtime),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
