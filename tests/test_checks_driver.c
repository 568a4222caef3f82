/* SPDX-License-Identifier: MIT
 *
 * What [runtime] checks = yes finds in drivers, in each thread layout: the mistake, and the message about it. */
#include <fcntl.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "tests/checks.h"

/* A future of a driver, that waits for an fd and resolves at its n-th poll. */
struct leaf {
    struct trale_future future;
    const struct trale_host *host;
    int fd;
    uint32_t interest;
    int n_polls;
    bool keeps_wait; /* the mistake: it does not call cancel_wait */
    struct trale_wait wait;
};

static int64_t leaf_poll(struct trale_future *future, struct trale_context *context)
{
    struct leaf *leaf = (struct leaf *)(void *)future;
    if (!leaf->keeps_wait)
        leaf->host->cancel_wait(leaf->host->context, &leaf->wait);
    if (--leaf->n_polls <= 0)
        return 7;
    leaf->wait.waker = context->waker;
    int32_t r = leaf->host->register_waker(leaf->host->context, leaf->fd, leaf->interest, &leaf->wait);
    if (r == 1)
        context->waker->table->wake_by_ref(context->waker);
    return r < 0 ? r : TRALE_PENDING;
}

static void leaf_drop(struct trale_future *future)
{
    struct leaf *leaf = (struct leaf *)(void *)future;
    if (!leaf->keeps_wait)
        leaf->host->cancel_wait(leaf->host->context, &leaf->wait);
}

static const struct trale_future_type leaf_type = {sizeof leaf_type, TRALE_ABI, "leaf", leaf_poll, leaf_drop};

static int64_t idle_poll(struct trale_future *future, struct trale_context *context)
{
    (void)future, (void)context;
    return TRALE_PENDING;
}

static const struct trale_future_type idle_leaf_type = {sizeof idle_leaf_type, TRALE_ABI, "idle_leaf", idle_poll,
                                                        leaf_drop};

static struct leaf leaf_of(const struct fixture *f, int fd, uint32_t interest, int n_polls)
{
    return (struct leaf){
        .future.type = &leaf_type, .host = f->careless->host, .fd = fd, .interest = interest, .n_polls = n_polls};
}

struct waiting {
    struct trale_future future;
    struct leaf leaf;
};

trale_async(waiting)
{
    trale_begin();
    trale_await(&self->leaf.future);
    trale_return(trale_result());
}

struct closing {
    const struct trale_host *host;
    int fds[2];
};

static void forget_and_close(void *data)
{
    struct closing *closing = data;
    for (int i = 0; i < 2; i++) {
        closing->host->forget_fd(closing->host->context, closing->fds[i]);
        close(closing->fds[i]);
    }
}

static struct closing open_pair(const struct fixture *f)
{
    struct closing closing = {.host = f->careless->host};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, closing.fds), 0);
    return closing;
}

static void end(struct trale_task *task)
{
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
}

/* --- threads ------------------------------------------------------------------------------------------------------ */

static const struct trale_future_type idle_type = {sizeof idle_type, TRALE_ABI, "idle", idle_poll, NULL};

static void *do_nothing(void *data)
{
    return data;
}

static void *call_everything(void *data)
{
    static struct trale_future idle;
    const struct fixture *f = data;
    const struct trale_host *host = f->careless->host;
    struct trale_wait wait = {0};
    pthread_t thread;
    idle = (struct trale_future){.type = &idle_type};
    pthread_setname_np(pthread_self(), "worker");
    f->careless->touch(f->careless->interface.instance);
    assert_int_equal(host->register_waker(host->context, -1, TRALE_READABLE, &wait), -EBADF);
    assert_int_equal(host->cancel_wait(host->context, &wait), 0);
    host->forget_fd(host->context, -1);
    assert_int_equal(host->spawn(host->context, &idle), 0);
    assert_int_equal(host->start_thread(host->context, &thread, "other", do_nothing, NULL), 0);
    pthread_join(thread, NULL);
    if (host->is_idle != NULL) {
        assert_true(host->is_idle(host->context) >= 0);
        assert_true(host->n_looks(host->context) < UINT64_MAX);
    }
    return NULL;
}

/* While it runs, the executor thread waits for it: the mistakes do no harm. */
static void call_everything_elsewhere(void *data)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, call_everything, data), 0);
    pthread_join(thread, NULL);
}

static void test_functions_that_are_called_on_a_wrong_thread_are_named_with_it(void **state)
{
    static const char *const names[] = {"careless.touch", "register_waker", "cancel_wait", "forget_fd",
                                        "spawn",          "start_thread",   "is_idle",     "n_looks"};
    struct fixture *f = *state;
    bool has_hints = (f->careless->host->hints & TRALE_HOST_LEVEL) != 0;
    test_call_in_task(f->runtime, call_everything_elsewhere, f);
    for (int i = 0; i < (has_hints ? 8 : 6); i++) {
        char text[160];
        snprintf(text, sizeof text,
                 "0 careless: checks: [driver:careless] in %s on thread worker: it is called on a "
                 "thread that does not poll: call it in a poll, a drop or before_wait",
                 names[i]);
        assert_said(f, text);
    }
    assert_findings(f, has_hints ? 8 : 6);
}

static void touch(void *data)
{
    const struct careless *careless = data;
    careless->touch(careless->interface.instance);
}

static void test_tasks_and_the_opener_before_them_may_call_interfaces(void **state)
{
    struct fixture *f = *state;
    touch((void *)(uintptr_t)f->careless);
    test_call_in_task(f->runtime, touch, (void *)(uintptr_t)f->careless);
    assert_findings(f, 0);
}

/* --- fds ---------------------------------------------------------------------------------------------------------- */

static void close_first(void *data)
{
    close(((struct closing *)data)->fds[0]);
}

static void test_an_fd_that_is_closed_without_forget_fd_is_named_and_its_wait_ends(void **state)
{
    struct fixture *f = *state;
    struct closing pair = open_pair(f);
    struct trale_task *task = trale_spawn(f->runtime, waiting, .leaf = leaf_of(f, pair.fds[0], TRALE_READABLE, 2));
    let_tasks_run(f->runtime);
    assert_findings(f, 0);
    test_call_in_task(f->runtime, close_first, &pair);
    let_tasks_run(f->runtime);
    assert_int_equal(trale_join(task), 7);
    assert_said(f, "0 careless: checks: [driver:careless] task ");
    assert_said(f, "(waiting) in leaf at ");
    assert_said(f, "test_checks_driver.c:");
    assert_said(f,
                "was closed without forget_fd, so waits for the number would never end: call forget_fd before close");
    assert_findings(f, 1);
    close(pair.fds[1]);
}

static void test_a_number_that_is_used_again_without_forget_fd_is_named_and_the_new_wait_ends(void **state)
{
    struct fixture *f = *state;
    struct closing old = open_pair(f), new = open_pair(f);
    struct waiting waiting;
    assert_int_equal(write(old.fds[1], "x", 1), 1);
    assert_int_equal(
        trale_block_on(f->runtime, trale_call(waiting, &waiting, .leaf = leaf_of(f, old.fds[0], TRALE_READABLE, 2))),
        7);
    /* The same number, the same direction. */
    assert_int_equal(dup2(new.fds[0], old.fds[0]), old.fds[0]);
    assert_int_equal(write(new.fds[1], "x", 1), 1);
    assert_int_equal(
        trale_block_on(f->runtime, trale_call(waiting, &waiting, .leaf = leaf_of(f, old.fds[0], TRALE_READABLE, 2))),
        7);
    assert_said(f, "was closed without forget_fd");
    assert_findings(f, 1);
    test_call_in_task(f->runtime, forget_and_close, &old);
    test_call_in_task(f->runtime, forget_and_close, &new);
    assert_findings(f, 1);
}

/* --- waits -------------------------------------------------------------------------------------------------------- */

static void test_a_wait_that_a_drop_leaves_behind_is_named_and_canceled(void **state)
{
    struct fixture *f = *state;
    struct closing pair = open_pair(f);
    struct leaf leaf = leaf_of(f, pair.fds[0], TRALE_READABLE, 2);
    leaf.keeps_wait = true;
    struct trale_task *task = trale_spawn(f->runtime, waiting, .leaf = leaf);
    let_tasks_run(f->runtime);
    assert_dumped(f, "[driver:careless] 1 fds, 1 waits, 0 tasks, 0 threads\n");
    end(task);
    assert_said(f, "0 careless: checks: [driver:careless] task ");
    assert_said(f,
                "is still registered although its future leaf was dropped, or what awaited it is over: a future that "
                "is given up is dropped, and its drop calls cancel_wait; it is canceled now");
    assert_findings(f, 1);
    assert_dumped(f, "[driver:careless] 1 fds, 0 waits, 0 tasks, 0 threads\n");
    test_call_in_task(f->runtime, forget_and_close, &pair);
}

/* Resolves while its wait is registered. */
static int64_t hasty_poll(struct trale_future *future, struct trale_context *context)
{
    struct leaf *leaf = (struct leaf *)(void *)future;
    if (--leaf->n_polls == 0)
        return 7;
    leaf->wait.waker = context->waker;
    assert_int_equal(leaf->host->register_waker(leaf->host->context, leaf->fd, leaf->interest, &leaf->wait), 0);
    context->waker->table->wake_by_ref(context->waker);
    return TRALE_PENDING;
}

static void test_a_wait_that_a_result_leaves_behind_is_named_and_canceled(void **state)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "hasty", hasty_poll, leaf_drop};
    struct fixture *f = *state;
    struct closing pair = open_pair(f);
    struct leaf leaf = leaf_of(f, pair.fds[0], TRALE_READABLE, 2);
    struct waiting waiting;
    leaf.future.type = &type;
    assert_int_equal(trale_block_on(f->runtime, trale_call(waiting, &waiting, .leaf = leaf)), 7);
    assert_said(f, "(waiting) in hasty at ");
    assert_said(f, "is still registered although its future hasty has returned a result: call cancel_wait before a "
                   "future resolves; it is canceled now");
    assert_findings(f, 1);
    test_call_in_task(f->runtime, forget_and_close, &pair);
}

struct racing {
    struct trale_future future;
    struct leaf leaf;
    struct trale_sleep sleep;
    struct trale_branch branch[2];
    struct trale_branches race;
};

trale_async(racing)
{
    trale_begin();
    self->branch[0].future = &self->leaf.future;
    self->branch[1].future = trale_sleep(&self->sleep, TRALE_MILLISECOND);
    trale_await(trale_race(&self->race, self->branch, 2));
    trale_await(trale_sleep(&self->sleep, TRALE_SECOND * 3600));
    trale_return(0);
}

static void test_a_wait_that_a_lost_race_leaves_behind_is_named_while_the_task_goes_on(void **state)
{
    struct fixture *f = *state;
    struct closing pair = open_pair(f);
    struct leaf leaf = leaf_of(f, pair.fds[0], TRALE_READABLE, 2);
    struct trale_sleep sleep;
    leaf.keeps_wait = true;
    struct trale_task *task = trale_spawn(f->runtime, racing, .leaf = leaf);
    let_tasks_run(f->runtime);
    for (int i = 0; i < 10000 && f->log.length < 400; i++)
        trale_block_on(f->runtime, trale_sleep(&sleep, TRALE_MILLISECOND));
    assert_said(f, "(racing) in leaf at ");
    assert_said(f, "is still registered although its future leaf was dropped");
    assert_findings(f, 1);
    end(task);
    test_call_in_task(f->runtime, forget_and_close, &pair);
}

/* Clears the memory of a wait, n times, and registers it again. */
struct clearing {
    struct trale_future future;
    const struct trale_host *host;
    int fd, n;
    struct trale_wait wait;
};

static int64_t clearing_poll(struct trale_future *future, struct trale_context *context)
{
    struct clearing *self = (struct clearing *)(void *)future;
    if (self->n-- == 0) {
        self->host->cancel_wait(self->host->context, &self->wait);
        return 0;
    }
    self->wait = (struct trale_wait){.waker = context->waker};
    assert_int_equal(self->host->register_waker(self->host->context, self->fd, TRALE_READABLE, &self->wait), 0);
    context->waker->table->wake_by_ref(context->waker);
    return TRALE_PENDING;
}

static void test_a_wait_that_is_cleared_while_it_is_registered_is_named_and_other_waits_go_on(void **state)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "clearing", clearing_poll, NULL};
    struct fixture *f = *state;
    struct closing pair = open_pair(f);
    struct clearing clearing = {.future.type = &type, .host = f->careless->host, .fd = pair.fds[0], .n = 3};
    struct trale_task *first = trale_spawn(f->runtime, waiting, .leaf = leaf_of(f, pair.fds[0], TRALE_READABLE, 2));
    struct trale_task *task = trale_spawn_frame(f->runtime, &clearing.future, sizeof clearing);
    struct trale_task *last = trale_spawn(f->runtime, waiting, .leaf = leaf_of(f, pair.fds[0], TRALE_READABLE, 2));
    assert_int_equal(trale_join(task), 0);
    assert_said(f, "(clearing) in clearing: the memory of a wait for fd ");
    assert_said(f, "was overwritten while it was registered: a future is made anew, and its memory given back, when it "
                   "has resolved or was dropped");
    assert_findings(f, 1);
    assert_dumped(f, "2 x checks: [driver:careless] ");
    assert_int_equal(write(pair.fds[1], "x", 1), 1);
    assert_int_equal(trale_join(first), 7);
    assert_int_equal(trale_join(last), 7);
    test_call_in_task(f->runtime, forget_and_close, &pair);
    assert_findings(f, 1);
}

static void test_a_wait_with_arbitrary_contents_is_named_also_in_a_drop(void **state)
{
    struct fixture *f = *state;
    struct closing pair = open_pair(f);
    struct leaf leaf = leaf_of(f, pair.fds[0], TRALE_READABLE, 2);
    leaf.future.type = &idle_leaf_type;
    memset(&leaf.wait, 0x5a, sizeof leaf.wait);
    struct trale_task *task = trale_spawn(f->runtime, waiting, .leaf = leaf);
    let_tasks_run(f->runtime);
    end(task);
    assert_said(f, "(waiting) in idle_leaf at ");
    assert_said(f, "a wait is used that was neither zeroed nor registered: zero its memory before its first use");
    assert_findings(f, 1);
    test_call_in_task(f->runtime, forget_and_close, &pair);
}

/* Waits with a clone, which may outlive the future, in memory that does not. */
struct outliving {
    struct trale_future future;
    const struct trale_host *host;
    int fd;
    const struct trale_waker **waker;
    struct trale_wait wait;
};

static int64_t outliving_poll(struct trale_future *future, struct trale_context *context)
{
    struct outliving *self = (struct outliving *)(void *)future;
    self->wait.waker = *self->waker = context->waker->table->clone(context->waker);
    assert_int_equal(self->host->register_waker(self->host->context, self->fd, TRALE_READABLE, &self->wait), 0);
    return 5;
}

static void test_a_wait_in_memory_of_a_task_that_is_gone_is_named_and_canceled(void **state)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "outliving", outliving_poll, NULL};
    struct fixture *f = *state;
    struct closing pair = open_pair(f);
    const struct trale_waker *waker;
    struct outliving frame = {.future.type = &type, .host = f->careless->host, .fd = pair.fds[0], .waker = &waker};
    assert_int_equal(trale_join(trale_spawn_frame(f->runtime, &frame.future, sizeof frame)), 5);
    assert_said(f, "is still registered, and is in the memory of a task that has ended");
    assert_findings(f, 1);
    waker->table->drop(waker);
    test_call_in_task(f->runtime, forget_and_close, &pair);
}

/* Polls a leaf, copies it, and goes on with the copy. */
struct copier {
    struct trale_future future;
    struct leaf leaves[2];
};

static int64_t copier_poll(struct trale_future *future, struct trale_context *context)
{
    struct copier *copier = (struct copier *)(void *)future;
    assert_int_equal(trale_future_await(&copier->leaves[0].future, context), TRALE_PENDING);
    copier->leaves[1] = copier->leaves[0];
    return trale_future_await(&copier->leaves[1].future, context);
}

static void test_a_future_that_moves_while_its_wait_is_registered_is_named(void **state)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "copier", copier_poll, NULL};
    struct fixture *f = *state;
    struct closing pair = open_pair(f);
    struct copier copier = {.future.type = &type, .leaves[0] = leaf_of(f, pair.fds[0], TRALE_READABLE, 2)};
    assert_int_equal(trale_block_on(f->runtime, &copier.future), 7);
    assert_said(f, "(copier) in leaf");
    assert_said(f, "while it was registered: a future stays where it is from its first poll until it is over");
    assert_findings(f, 1);
    test_call_in_task(f->runtime, forget_and_close, &pair);
}

static void test_a_task_that_waits_again_and_again_for_a_ready_fd_is_named_with_driver_fd_and_count(void **state)
{
    struct fixture *f = *state;
    struct closing pair = open_pair(f);
    struct waiting waiting;
    char text[160];
    if (test_threads() == 2) /* edge-triggered, the wait ends once, and the mistake is no storm */
        skip();
    assert_int_equal(trale_block_on(f->runtime, trale_call(waiting, &waiting,
                                                           .leaf = leaf_of(f, pair.fds[0], TRALE_WRITABLE, 10002))),
                     7);
    snprintf(text, sizeof text,
             "wake storm: the task was polled 10000 times in a row without a result, and each time waited for fd %d, "
             "which was ready",
             pair.fds[0]);
    assert_said(f, text);
    assert_said(f, "1 careless: checks: [driver:careless] task ");
    assert_findings(f, 1);
    test_call_in_task(f->runtime, forget_and_close, &pair);
}

/* Waits for an eventfd that it never reads, while others write to it. */
static int64_t deaf_poll(struct trale_future *future, struct trale_context *context)
{
    struct leaf *leaf = (struct leaf *)(void *)future;
    leaf->host->cancel_wait(leaf->host->context, &leaf->wait);
    if (--leaf->n_polls == 0)
        return 7;
    assert_int_equal(eventfd_write(leaf->fd, 1), 0);
    leaf->wait.waker = context->waker;
    if (leaf->host->register_waker(leaf->host->context, leaf->fd, TRALE_READABLE, &leaf->wait) == 1)
        context->waker->table->wake_by_ref(context->waker);
    return TRALE_PENDING;
}

static void test_a_task_that_is_woken_again_and_again_for_what_it_does_not_take_is_named_in_each_layout(void **state)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "deaf", deaf_poll, leaf_drop};
    struct fixture *f = *state;
    struct closing events = {.host = f->careless->host, .fds = {eventfd(0, EFD_NONBLOCK), eventfd(0, EFD_NONBLOCK)}};
    struct leaf leaf = leaf_of(f, events.fds[0], TRALE_READABLE, 10002);
    char text[160];
    leaf.future.type = &type;
    struct waiting waiting;
    assert_int_equal(trale_block_on(f->runtime, trale_call(waiting, &waiting, .leaf = leaf)), 7);
    snprintf(text, sizeof text, "(waiting) in deaf at %s:", __FILE__);
    assert_said(f, text);
    snprintf(text, sizeof text,
             "wake storm: the task was polled 10000 times in a row without a result, and each time waited for fd %d, "
             "which was ready",
             events.fds[0]);
    assert_said(f, text);
    assert_findings(f, 1);
    test_call_in_task(f->runtime, forget_and_close, &events);
}

/* --- what is left ------------------------------------------------------------------------------------------------- */

struct leftovers {
    sem_t end;
    pthread_t thread;
    int fds[2];
    bool has_begun;
};

static void *run_until_end(void *data)
{
    while (sem_wait(&((struct leftovers *)data)->end) < 0)
        ;
    return NULL;
}

static void begin_thread(const struct trale_host *host, void *data)
{
    struct leftovers *left = data;
    left->has_begun = host->start_thread(host->context, &left->thread, "forgotten", run_until_end, left) == 0;
}

static void test_what_a_driver_leaves_when_it_stops_is_named(void **state)
{
    struct fixture *f = *state;
    struct closing pair = open_pair(f);
    static struct leftovers left; /* read by the thread until it is joined */
    struct waiting waiting;
    char text[160];
    left = (struct leftovers){.has_begun = false};
    sem_init(&left.end, 0, 0);
    assert_int_equal(write(pair.fds[1], "x", 1), 1);
    assert_int_equal(
        trale_block_on(f->runtime, trale_call(waiting, &waiting, .leaf = leaf_of(f, pair.fds[0], TRALE_READABLE, 2))),
        7);
    f->careless->at_stop(f->careless->interface.instance, begin_thread, &left);
    assert_int_equal(trale_close(f->runtime), 0);
    f->runtime = NULL;
    snprintf(text, sizeof text, "fd %d is open and registered after the driver has stopped", pair.fds[0]);
    assert_said(f, text);
    assert_said(f, "1 careless: checks: [driver:careless] ");
    assert_true(left.has_begun);
    assert_said(f, "[driver:careless] on thread forgotten: it still runs after the driver has stopped");
    assert_findings(f, 2);
    sem_post(&left.end);
    pthread_join(left.thread, NULL);
    close(pair.fds[0]);
    close(pair.fds[1]);
}

static void spawn_idle(void *data)
{
    static struct trale_future idle;
    const struct fixture *f = data;
    idle = (struct trale_future){.type = &idle_type};
    assert_int_equal(f->careless->host->spawn(f->careless->host->context, &idle), 0);
}

static void test_the_dump_shows_the_ledger_of_each_driver(void **state)
{
    struct fixture *f = *state;
    test_call_in_task(f->runtime, spawn_idle, f);
    assert_dumped(f, "[driver:careless] 0 fds, 0 waits, 1 tasks, 0 threads\n");
    assert_dumped(f, "[driver:timer] ");
    assert_findings(f, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_functions_that_are_called_on_a_wrong_thread_are_named_with_it),
        TEST(test_tasks_and_the_opener_before_them_may_call_interfaces),
        TEST(test_an_fd_that_is_closed_without_forget_fd_is_named_and_its_wait_ends),
        TEST(test_a_number_that_is_used_again_without_forget_fd_is_named_and_the_new_wait_ends),
        TEST(test_a_wait_that_a_drop_leaves_behind_is_named_and_canceled),
        TEST(test_a_wait_that_a_result_leaves_behind_is_named_and_canceled),
        TEST(test_a_wait_that_a_lost_race_leaves_behind_is_named_while_the_task_goes_on),
        TEST(test_a_wait_that_is_cleared_while_it_is_registered_is_named_and_other_waits_go_on),
        TEST(test_a_wait_with_arbitrary_contents_is_named_also_in_a_drop),
        TEST(test_a_wait_in_memory_of_a_task_that_is_gone_is_named_and_canceled),
        TEST(test_a_future_that_moves_while_its_wait_is_registered_is_named),
        TEST(test_a_task_that_waits_again_and_again_for_a_ready_fd_is_named_with_driver_fd_and_count),
        TEST(test_a_task_that_is_woken_again_and_again_for_what_it_does_not_take_is_named_in_each_layout),
        TEST(test_what_a_driver_leaves_when_it_stops_is_named),
        TEST(test_the_dump_shows_the_ledger_of_each_driver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
