/* SPDX-License-Identifier: MIT
 *
 * What a driver that observes hears of the executor, in each thread layout (tests/drivers/observer.c). */
#include <pthread.h>

#include <trale/blocking.h>
#include <trale/fd.h>
#include <trale/fiber.h>
#include <trale/scope.h>
#include <trale/sync.h>

#include "tests/support.h"

#define OBSERVER "[driver:observer]\npath = " TEST_FLAWED_DRIVERS "/observer.so\n"
#define SECOND "[driver:second]\npath = " TEST_FLAWED_DRIVERS "/second_observer.so\n"

/* A log that keeps the lines of the observers and what is wrong, as "observer: polls child\n". */
struct heard {
    pthread_mutex_t lock;
    char text[65536];
    size_t length;
};

static void heard_write(void *data, uint32_t level, const char *source, const char *message)
{
    struct heard *heard = data;
    if (level == TRALE_LOG_INFO)
        return;
    pthread_mutex_lock(&heard->lock);
    int n = snprintf(heard->text + heard->length, sizeof heard->text - heard->length, "%s: %s\n", source, message);
    if (n > 0 && (size_t)n < sizeof heard->text - heard->length)
        heard->length += (size_t)n;
    pthread_mutex_unlock(&heard->lock);
}

static struct heard heard;

static int open_text(struct trale **runtime, const char *drivers, const char *sections)
{
    char text[2048];
    heard = (struct heard){.lock = PTHREAD_MUTEX_INITIALIZER};
    snprintf(text, sizeof text, "[runtime]\ndrivers = %s\nthreads = %d\ndrivers_folder = %s\n%s", drivers,
             test_threads(), TEST_DRIVERS, sections);
    return trale_open(runtime, &(struct trale_options){.config_text = text, .log = heard_write, .log_data = &heard});
}

static struct trale *open_with(const char *drivers, const char *sections)
{
    struct trale *runtime;
    int r = open_text(&runtime, drivers, sections);
    if (r < 0)
        fail_msg("trale_open: %s\n%s", strerror(-r), heard.text);
    return runtime;
}

static void close_and_expect(struct trale *runtime, const char *expected)
{
    assert_int_equal(trale_close(runtime), 0);
    assert_string_equal(heard.text, expected);
}

#define STOPS "observer: stops after tasks\n"

/* --- a task's life ------------------------------------------------------------------------------------------------ */

struct child {
    struct trale_future future;
};

trale_async(child)
{
    (void)self;
    trale_begin();
    trale_yield();
    trale_return(7);
}

struct parent {
    struct trale_future future;
    struct trale_join_future join;
};

trale_async(parent)
{
    trale_begin();
    trale_await(trale_join_future(&self->join, trale_spawn(cx->runtime, child)));
    trale_return(trale_result() + 1);
}

#define CHILD_LIFE(who)                                                                                                \
    who ": polls child\n" who ": woken child by child\n" who ": polled child: pending\n" who ": polls child\n" who     \
        ": polled child: 7\n" who ": woken parent by child\n" who ": ended child: 7\n"

static void test_a_task_is_heard_of_from_its_spawn_to_its_end(void **state)
{
    (void)state;
    struct trale *runtime = open_with("observer", OBSERVER);
    struct parent parent;
    assert_int_equal(trale_block_on(runtime, trale_call(parent, &parent)), 8);
    close_and_expect(runtime,
                     "observer: spawned parent\n"
                     "observer: polls parent\n"
                     "observer: spawned child by parent\n"
                     "observer: polled parent: pending\n" CHILD_LIFE("observer") "observer: polls parent\n"
                                                                                 "observer: polled parent: 8\n"
                                                                                 "observer: ended parent: 8\n" STOPS);
}

static void test_several_drivers_may_observe(void **state)
{
    (void)state;
    struct trale *runtime = open_with("observer, second", OBSERVER SECOND);
    struct child child;
    assert_int_equal(trale_block_on(runtime, trale_call(child, &child)), 7);
    close_and_expect(runtime, "observer: spawned child\nsecond: spawned child\n"
                              "observer: polls child\nsecond: polls child\n"
                              "observer: woken child by child\nsecond: woken child by child\n"
                              "observer: polled child: pending\nsecond: polled child: pending\n"
                              "observer: polls child\nsecond: polls child\n"
                              "observer: polled child: 7\nsecond: polled child: 7\n"
                              "observer: ended child: 7\nsecond: ended child: 7\n"
                              "second: stops after tasks\n" STOPS);
}

/* --- aborts and closing ------------------------------------------------------------------------------------------- */

/* Waits for nothing. */
static int64_t waiter_poll(struct trale_future *future, struct trale_context *context)
{
    (void)future, (void)context;
    return TRALE_PENDING;
}

static const struct trale_future_type waiter_type = {sizeof waiter_type, TRALE_ABI, "waiter", waiter_poll, NULL};

struct waiter {
    struct trale_future future;
};

struct aborter {
    struct trale_future future;
    struct trale_task *task;
    struct trale_join_future join;
};

trale_async(aborter)
{
    trale_begin();
    self->task = trale_spawn(cx->runtime, waiter);
    trale_yield();
    trale_abort(self->task);
    trale_await(trale_join_future(&self->join, self->task));
    trale_return(trale_result());
}

static void test_an_abort_is_heard_of_as_a_wake_and_a_drop(void **state)
{
    (void)state;
    struct trale *runtime = open_with("observer", OBSERVER);
    struct aborter aborter;
    assert_int_equal(trale_block_on(runtime, trale_call(aborter, &aborter)), -ECANCELED);
    close_and_expect(runtime, "observer: spawned aborter\n"
                              "observer: polls aborter\n"
                              "observer: spawned waiter by aborter\n"
                              "observer: woken aborter by aborter\n"
                              "observer: polled aborter: pending\n"
                              "observer: polls waiter\n"
                              "observer: polled waiter: pending\n"
                              "observer: polls aborter\n"
                              "observer: woken waiter by aborter\n"
                              "observer: polled aborter: pending\n"
                              "observer: drops waiter\n"
                              "observer: woken aborter by waiter\n"
                              "observer: ended waiter: -125\n"
                              "observer: polls aborter\n"
                              "observer: polled aborter: -125\n"
                              "observer: ended aborter: -125\n" STOPS);
}

/* When it is dropped, it spawns a child, which is dropped in turn. */
struct leaver {
    struct trale_future future;
    struct trale *runtime;
};

static void leaver_drop(struct trale_future *future)
{
    trale_detach(trale_spawn(((struct leaver *)(void *)future)->runtime, child));
}

static const struct trale_future_type leaver_type = {sizeof leaver_type, TRALE_ABI, "leaver", waiter_poll, leaver_drop};

static void test_the_end_of_tasks_when_the_runtime_closes_is_heard_of(void **state)
{
    (void)state;
    struct trale *runtime = open_with("observer", OBSERVER);
    struct child child;
    trale_detach(trale_spawn(runtime, leaver, .runtime = runtime));
    assert_int_equal(trale_block_on(runtime, trale_call(child, &child)), 7);
    assert_int_equal(trale_close(runtime), 0);
    const char *end = strstr(heard.text, "observer: drops");
    assert_non_null(end);
    assert_string_equal(end, "observer: drops leaver\n"
                             "observer: spawned child by leaver\n"
                             "observer: ended leaver: -125\n"
                             "observer: drops child\n"
                             "observer: ended child: -125\n" STOPS);
}

static void test_an_observer_may_abort_a_task_at_a_chosen_await(void **state)
{
    (void)state;
    struct trale *runtime = open_with("observer", OBSERVER "task = parent\nawait = 1\n");
    struct parent parent;
    assert_int_equal(trale_block_on(runtime, trale_call(parent, &parent)), -ECANCELED);
    assert_int_equal(trale_close(runtime), 0);
    /* The child was polled before, for it was runnable before the parent was woken. */
    assert_non_null(strstr(heard.text, "observer: polled parent: pending\n"
                                       "observer: woken parent by driver\n"
                                       "observer: polls child\n"
                                       "observer: woken child by child\n"
                                       "observer: polled child: pending\n"
                                       "observer: drops parent\n"
                                       "observer: ended parent: -125\n"));
}

/* --- wakes from elsewhere ----------------------------------------------------------------------------------------- */

struct reader {
    struct trale_future future;
    int fd;
    struct trale_fd_wait wait;
};

trale_async(reader)
{
    trale_begin();
    trale_await(trale_fd_wait(&self->wait, self->fd, TRALE_READABLE));
    trale_return(trale_result());
}

/* Runs when the reader waits. */
struct writer {
    struct trale_future future;
    int fd;
};

trale_async(writer)
{
    trale_begin();
    trale_return(write(self->fd, "x", 1));
}

static void test_a_wake_by_an_fd_is_no_tasks(void **state)
{
    (void)state;
    struct trale *runtime = open_with("observer", OBSERVER);
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct trale_task *reader = trale_spawn(runtime, reader, .fd = fds[0]);
    struct trale_task *writer = trale_spawn(runtime, writer, .fd = fds[1]);
    assert_int_equal(trale_join(writer), 1);
    assert_int_equal(trale_join(reader), TRALE_READABLE);
    assert_int_equal(trale_fd_forget(runtime, fds[0]), 0);
    assert_int_equal(trale_close(runtime), 0);
    assert_non_null(strstr(heard.text, test_threads() == 2 ? "observer: woken reader by thread\n"
                                                           : "observer: woken reader by driver\n"));
    close(fds[0]);
    close(fds[1]);
}

/* A thread wakes it, and then spawns a child. */
struct threaded {
    struct trale_future future;
    struct trale *runtime;
    pthread_t thread;
    const struct trale_waker *waker; /* the thread's, to wake */
};

static void *threaded_run(void *data)
{
    struct threaded *self = data;
    self->waker->table->wake(self->waker);
    return NULL;
}

static int64_t threaded_poll(struct trale_future *future, struct trale_context *context)
{
    struct threaded *self = (struct threaded *)(void *)future;
    if (self->waker != NULL)
        return 0;
    self->waker = context->waker->table->clone(context->waker);
    pthread_create(&self->thread, NULL, threaded_run, self);
    pthread_join(self->thread, NULL);
    return TRALE_PENDING;
}

static const struct trale_future_type threaded_type = {sizeof threaded_type, TRALE_ABI, "threaded", threaded_poll,
                                                       NULL};

static void test_a_wake_by_another_thread_is_heard_of(void **state)
{
    (void)state;
    struct trale *runtime = open_with("observer", OBSERVER);
    struct threaded threaded = {.future = {.type = &threaded_type}};
    assert_int_equal(trale_block_on(runtime, &threaded.future), 0);
    close_and_expect(runtime, "observer: spawned threaded\n"
                              "observer: polls threaded\n"
                              "observer: polled threaded: pending\n"
                              "observer: woken threaded by thread\n"
                              "observer: polls threaded\n"
                              "observer: polled threaded: 0\n"
                              "observer: ended threaded: 0\n" STOPS);
}

/* --- beginning and looking ---------------------------------------------------------------------------------------- */

static void test_a_driver_that_does_not_start_hears_nothing(void **state)
{
    (void)state;
    struct trale *runtime = NULL;
    assert_int_equal(open_text(&runtime, "timer, observer, second", TEST_TIMER OBSERVER SECOND "fails = yes\n"),
                     -EPROTO);
    assert_null(runtime);
    assert_null(strstr(heard.text, "second: spawned"));
    assert_non_null(strstr(heard.text, "observer: stops after tasks\n")); /* the timer's own */
}

struct sleeper {
    struct trale_future future;
    struct trale_sleep sleep;
};

trale_async(sleeper)
{
    trale_begin();
    trale_try(trale_sleep(&self->sleep, TRALE_MILLISECOND));
    trale_return(0);
}

static int64_t joiner_poll(struct trale_future *future, struct trale_context *context);
struct joiner {
    struct trale_future future;
    struct trale_join_future join;
};
static const struct trale_future_type joiner_type = {sizeof joiner_type, TRALE_ABI, "joiner", joiner_poll, NULL};

static int64_t joiner_poll(struct trale_future *future, struct trale_context *context)
{
    struct joiner *self = (struct joiner *)(void *)future;
    if (future->awaiting == NULL)
        future->awaiting = trale_join_future(&self->join, trale_spawn(context->runtime, sleeper));
    return trale_future_await(future->awaiting, context);
}

static void test_an_observer_sees_which_task_waits_for_which(void **state)
{
    (void)state;
    struct trale *runtime = open_with("timer, observer", TEST_TIMER OBSERVER "shows = yes\nquiet = yes\n");
    struct joiner joiner = {.future = {.type = &joiner_type}};
    assert_int_equal(trale_block_on(runtime, &joiner.future), 0);
    assert_int_equal(trale_close(runtime), 0);
    assert_non_null(strstr(heard.text, "observer: idle joiner, in trale_join_future for task "));
    assert_non_null(strstr(heard.text, " (sleeper) for sleeper\n"));
    assert_non_null(strstr(heard.text, "observer: idle sleeper, in trale_sleep\n"));
    assert_null(strstr(heard.text, "miscounted"));
}

/* --- everything --------------------------------------------------------------------------------------------------- */

#define N_BUSY 20
#define N_ROUNDS 50

static int64_t work(void *data)
{
    (void)data;
    return 0;
}

static int64_t fiber(void *data)
{
    (void)data;
    for (int i = 0; i < N_ROUNDS; i++)
        trale_fiber_yield();
    return 0;
}

/* Waits in each way, spawns, joins, aborts. */
struct busy {
    struct trale_future future;
    struct trale_semaphore *semaphore;
    int i, number;
    struct trale_sleep sleep;
    struct trale_blocking blocking;
    struct trale_semaphore_acquire acquire;
    struct trale_join_future join;
    struct trale_task *task;
};

trale_async(busy)
{
    trale_begin();
    for (self->i = 0; self->i < N_ROUNDS; self->i++) {
        trale_try(trale_semaphore_acquire(&self->acquire, self->semaphore, 1));
        trale_yield();
        trale_semaphore_release(self->semaphore, 1);
        if (self->i % 10 == self->number % 10)
            trale_try(trale_sleep(&self->sleep, 10 * TRALE_MICROSECOND));
        if (self->i % 10 == 5)
            trale_try(trale_blocking(&self->blocking, work, NULL, NULL));
        self->task = self->i % 3 == 0 ? trale_spawn(cx->runtime, waiter) : trale_spawn(cx->runtime, child);
        trale_task_set_name(self->task, "helper");
        if (self->i % 3 == 0)
            trale_abort(self->task);
        trale_prioritise(self->task, (uint32_t)self->i % TRALE_PRIORITIES);
        trale_await(trale_join_future(&self->join, self->task));
    }
    trale_return(0);
}

static void test_no_poll_wake_spawn_or_end_is_missed(void **state)
{
    (void)state;
    struct trale *runtime = open_with("timer, blocking, observer",
                                      TEST_TIMER "[driver:blocking]\npath = blocking.so\n" OBSERVER "quiet = yes\n");
    struct trale_semaphore semaphore = TRALE_SEMAPHORE(3);
    struct trale_stats stats;
    for (int i = 0; i < N_BUSY; i++)
        trale_detach(trale_spawn(runtime, busy, .semaphore = &semaphore, .number = i));
    for (int i = 0; i < N_BUSY; i++)
        trale_detach(trale_fiber_spawn(runtime, fiber, NULL));
    assert_int_equal(trale_stats(runtime, &stats), 0);
    assert_int_equal(trale_run(runtime), 0);
    trale_detach(trale_spawn(runtime, waiter));
    close_and_expect(runtime, STOPS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_task_is_heard_of_from_its_spawn_to_its_end),
        cmocka_unit_test(test_several_drivers_may_observe),
        cmocka_unit_test(test_an_abort_is_heard_of_as_a_wake_and_a_drop),
        cmocka_unit_test(test_the_end_of_tasks_when_the_runtime_closes_is_heard_of),
        cmocka_unit_test(test_an_observer_may_abort_a_task_at_a_chosen_await),
        cmocka_unit_test(test_a_wake_by_an_fd_is_no_tasks),
        cmocka_unit_test(test_a_wake_by_another_thread_is_heard_of),
        cmocka_unit_test(test_a_driver_that_does_not_start_hears_nothing),
        cmocka_unit_test(test_an_observer_sees_which_task_waits_for_which),
        cmocka_unit_test(test_no_poll_wake_spawn_or_end_is_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
