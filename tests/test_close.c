/* SPDX-License-Identifier: MIT
 *
 * How a runtime closes: on which thread, from where, for how long, and what a child process finds of it; in the thread
 * layout that the environment names. */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include <trale/blocking.h>
#include <trale/fiber.h>
#include <trale/sync.h>

#include "tests/drivers/hook.h"
#include "tests/support.h"

#define TEST_BLOCKING "[driver:blocking]\npath = blocking.so\n"

static struct trale *open_logged(const char *drivers, const char *settings, struct trale_options options)
{
    char text[2048];
    struct trale *runtime = NULL;
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = %s\nthreads = %d\ndrivers_folder = %s\n%s\n" TEST_TIMER TEST_BLOCKING
             "[driver:hook]\npath = %s/hook.so\n",
             drivers, test_threads(), TEST_DRIVERS, settings, TEST_FLAWED_DRIVERS);
    options.config_text = text;
    assert_int_equal(trale_open(&runtime, &options), 0);
    return runtime;
}

/* --- tasks -------------------------------------------------------------------------------------------------------- */

struct turn {
    struct trale_future future;
};

trale_async(turn)
{
    trale_begin();
    trale_return(7);
}

/* When it returns, every task that was spawned before has been polled. */
static void let_tasks_begin(struct trale *runtime)
{
    struct turn turn;
    assert_int_equal(trale_block_on(runtime, trale_call(turn, &turn)), 7);
}

/* Waits for ever; its cleanup function calls `cleanup`. */
struct waiter {
    struct trale_future future;
    struct trale_semaphore_acquire acquire;
    struct trale_semaphore *never;
    void (*cleanup)(void *data);
    void *data;
};

static void waiter_close(struct waiter *self)
{
    self->cleanup(self->data);
}

trale_async_with(waiter, waiter_close)
{
    trale_begin();
    trale_await(trale_semaphore_acquire(&self->acquire, self->never, 1));
    trale_return(trale_result());
}

static struct trale_semaphore never = TRALE_SEMAPHORE(0);

static struct trale_task *begin_to_wait(struct trale *runtime, void (*cleanup)(void *data), void *data)
{
    struct trale_task *task = trale_spawn(runtime, waiter, .never = &never, .cleanup = cleanup, .data = data);
    let_tasks_begin(runtime);
    return task;
}

/* --- the thread that drops ---------------------------------------------------------------------------------------- */

struct threads {
    struct trale_future future;
    struct trale_semaphore_acquire acquire;
    pthread_t *polled, *dropped;
};

static void threads_close(struct threads *self)
{
    *self->dropped = pthread_self();
}

trale_async_with(threads, threads_close)
{
    trale_begin();
    *self->polled = pthread_self();
    trale_await(trale_semaphore_acquire(&self->acquire, &never, 1));
    trale_return(0);
}

static void test_closing_drops_tasks_on_the_executor_thread(void **state)
{
    (void)state;
    struct trale *runtime = test_open("", "");
    pthread_t polled, dropped;
    trale_detach(trale_spawn(runtime, threads, .polled = &polled, .dropped = &dropped));
    let_tasks_begin(runtime);
    assert_int_equal(trale_close(runtime), 0);
    assert_true(pthread_equal(polled, dropped));
    assert_int_equal(pthread_equal(dropped, pthread_self()), test_threads() == 0);
}

static int64_t use_errno(void *data)
{
    struct trale_semaphore_acquire acquire;
    errno = 0;
    (void)!access("/nonexistent/a", R_OK);
    int first = errno;
    int64_t r = trale_fiber_await(trale_semaphore_acquire(&acquire, &never, 1));
    errno = 0;
    (void)!unlink("/dev/null/b");
    *(int *)data = first == ENOENT && r == -ECANCELED ? errno : -1;
    return 0;
}

static void test_a_fiber_that_closing_cancels_has_the_errno_of_its_thread(void **state)
{
    (void)state;
    struct trale *runtime = test_open("", "");
    int found = 0;
    trale_detach(trale_fiber_spawn(runtime, use_errno, &found));
    let_tasks_begin(runtime);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(found, ENOTDIR);
}

/* --- closing from within ------------------------------------------------------------------------------------------ */

struct attempt {
    struct trale *runtime;
    struct trale_group *group;
    _Atomic int n_tries;
    _Atomic int n_refused;
};

static void try_to_close(void *data)
{
    struct attempt *attempt = data;
    int r = attempt->group != NULL ? trale_group_close(attempt->group) : trale_close(attempt->runtime);
    r = r == -EDEADLK && attempt->group == NULL ? trale_close_within(attempt->runtime, 1) : r;
    attempt->n_refused += r == -EDEADLK;
    attempt->n_tries++;
}

static void test_a_cleanup_function_cannot_close_its_runtime(void **state)
{
    (void)state;
    struct attempt attempt = {.runtime = test_open("", "")};
    trale_detach(begin_to_wait(attempt.runtime, try_to_close, &attempt));
    assert_int_equal(trale_close(attempt.runtime), 0);
    assert_int_equal(attempt.n_tries, 1);
    assert_int_equal(attempt.n_refused, 1);
}

static int64_t close_in_pool(void *data)
{
    try_to_close(data);
    return 5;
}

static void test_a_pool_function_cannot_close_its_runtime(void **state)
{
    (void)state;
    struct trale_blocking work;
    struct attempt attempt = {.runtime = open_logged("blocking", "", (struct trale_options){0})};
    assert_int_equal(trale_block_on(attempt.runtime, trale_blocking(&work, close_in_pool, &attempt, NULL)), 5);
    assert_int_equal(attempt.n_refused, 1);
    assert_int_equal(trale_close(attempt.runtime), 0);
}

static void test_a_pool_function_cannot_close_the_group_of_its_runtime(void **state)
{
    (void)state;
    char text[512];
    struct attempt attempt = {0};
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = blocking\nthreads = %d\ninstances = 3\ndrivers_folder = %s\n" TEST_BLOCKING,
             test_threads(), TEST_DRIVERS);
    assert_int_equal(trale_group_open(&attempt.group, &(struct trale_options){.config_text = text}), 0);
    for (size_t i = 0; i < 3; i++) {
        struct trale_blocking work;
        struct trale *runtime = trale_group_runtime(attempt.group, i);
        assert_int_equal(trale_close(runtime), -EPERM);
        assert_int_equal(trale_block_on(runtime, trale_blocking(&work, close_in_pool, &attempt, NULL)), 5);
    }
    assert_int_equal(attempt.n_refused, 3);
    assert_int_equal(trale_group_close(attempt.group), 0);
}

struct setter {
    struct trale_future future;
    uint32_t which;
    void (*call)(void *data);
    void *data;
};

trale_async(setter)
{
    trale_begin();
    const struct hook *hook = trale_interface(cx->runtime, "org.example.hook/1", sizeof *hook);
    hook->set(hook->interface.instance, self->which, self->call, self->data);
    trale_yield();
    trale_return(0);
}

static void test_a_driver_s_hooks_cannot_close_their_runtime(void **state)
{
    (void)state;
    const uint32_t hooks[] = {HOOK_BEFORE_WAIT, HOOK_STOP};
    for (size_t i = 0; i < 2; i++) {
        struct setter setter;
        struct attempt attempt = {.runtime = open_logged("hook, timer", "", (struct trale_options){0})};
        struct trale_sleep sleep;
        assert_int_equal(trale_block_on(attempt.runtime, trale_call(setter, &setter, .which = hooks[i],
                                                                    .call = try_to_close, .data = &attempt)),
                         0);
        assert_int_equal(trale_block_on(attempt.runtime, trale_sleep(&sleep, TRALE_MILLISECOND)), 0);
        assert_int_equal(trale_close(attempt.runtime), 0);
        assert_true(attempt.n_tries > 0);
        assert_int_equal(attempt.n_refused, attempt.n_tries);
    }
}

static void log_closes(void *data, uint32_t level, const char *source, const char *message)
{
    (void)source, (void)message;
    if (level <= TRALE_LOG_WARNING)
        try_to_close(data);
}

/* Is busy until the attempt was made. */
struct busy {
    struct trale_future future;
    struct attempt *attempt;
};

trale_async(busy)
{
    trale_begin();
    while (self->attempt->n_tries == 0)
        sched_yield();
    trale_return(3);
}

static void test_the_watchdog_s_message_cannot_close_the_runtime(void **state)
{
    (void)state;
    struct attempt attempt = {0};
    struct busy busy;
    attempt.runtime = open_logged("", "watchdog = 5ms",
                                  (struct trale_options){.log = log_closes, .log_data = &attempt});
    assert_int_equal(trale_block_on(attempt.runtime, trale_call(busy, &busy, .attempt = &attempt)), 3);
    assert_int_equal(attempt.n_refused, attempt.n_tries);
    assert_int_equal(trale_close(attempt.runtime), 0);
}

/* --- spawning while closing --------------------------------------------------------------------------------------- */

struct line {
    struct trale *runtime;
    int n_left;
    int n_spawned, n_refused, n_dropped;
};

struct heir {
    struct trale_future future;
    struct line *line;
};

static void line_spawn(void *data);

static void heir_close(struct heir *self)
{
    self->line->n_dropped++;
    line_spawn(self->line);
}

trale_async_with(heir, heir_close)
{
    trale_begin();
    trale_return(0);
}

static void line_spawn(void *data)
{
    struct line *line = data;
    if (line->n_left-- == 0)
        return;
    struct trale_task *task = trale_spawn(line->runtime, heir, .line = line);
    if (task != NULL)
        line->n_spawned++;
    else
        line->n_refused++;
    trale_detach(task);
}

static void test_cleanups_that_spawn_while_closing_need_no_stack(void **state)
{
    (void)state;
    struct line line = {.runtime = test_open("", ""), .n_left = 900};
    trale_detach(begin_to_wait(line.runtime, line_spawn, &line));
    assert_int_equal(trale_close(line.runtime), 0);
    assert_int_equal(line.n_spawned, 900);
    assert_int_equal(line.n_dropped, 900);
    assert_int_equal(line.n_refused, 0);
}

static void test_a_cleanup_that_always_spawns_another_does_not_close_for_ever(void **state)
{
    (void)state;
    struct test_log log = {.length = 0};
    struct line line = {.n_left = -1};
    line.runtime = open_logged("", "", (struct trale_options){.log = test_log_write, .log_data = &log});
    trale_detach(begin_to_wait(line.runtime, line_spawn, &line));
    assert_int_equal(trale_close(line.runtime), 0);
    assert_int_equal(line.n_spawned, 1000);
    assert_int_equal(line.n_dropped, 1000);
    assert_int_equal(line.n_refused, 1);
    assert_non_null(strstr(log.text, "(heir): spawned while the runtime closes"));
}

/* --- wakes that come too late ------------------------------------------------------------------------------------- */

/* Wakes its own task from another thread, when that is about to end: at its last poll, or in its drop. */
struct late {
    struct trale_future future;
    const struct trale_waker *waker; /* a clone */
    bool ends;
    int *n_wakes;
};

static void *wake(void *waker)
{
    ((const struct trale_waker *)waker)->table->wake(waker);
    return NULL;
}

static void late_wake(struct late *late)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wake, (void *)(uintptr_t)late->waker), 0);
    pthread_join(thread, NULL);
    ++*late->n_wakes;
}

static int64_t late_poll(struct trale_future *future, struct trale_context *context)
{
    struct late *late = (struct late *)(void *)future;
    late->waker = context->waker->table->clone(context->waker);
    if (!late->ends)
        return TRALE_PENDING;
    late_wake(late);
    return 7;
}

static void late_drop(struct trale_future *future)
{
    late_wake((struct late *)(void *)future);
}

static void test_a_wake_that_comes_while_its_task_ends_is_taken_in(void **state)
{
    (void)state;
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "late", late_poll, late_drop};
    for (int ends = 0; ends < 2; ends++) {
        struct trale *runtime = test_open("", "");
        struct trale_task *tasks[20];
        int n_wakes = 0;
        for (int i = 0; i < 20; i++) {
            const struct late late = {.future = {.type = &type}, .ends = ends == 1, .n_wakes = &n_wakes};
            tasks[i] = trale_spawn_frame(runtime, &late.future, sizeof late);
        }
        let_tasks_begin(runtime);
        assert_int_equal(trale_close(runtime), 0);
        assert_int_equal(n_wakes, 20);
        for (int i = 0; i < 20; i++)
            assert_int_equal(trale_join(tasks[i]), ends ? 7 : -ECANCELED);
    }
}

/* --- a scope that lives ------------------------------------------------------------------------------------------- */

struct child {
    struct trale_future future;
    struct trale_semaphore_acquire acquire;
    struct trale_scope *scope;
    int *n_dropped;
    int n_late; /* children that its cleanup function tries to start */
    int *n_refused;
};

static void child_close(struct child *self);

trale_async_with(child, child_close)
{
    trale_begin();
    trale_await(trale_semaphore_acquire(&self->acquire, &never, 1));
    trale_return(0);
}

static void child_close(struct child *self)
{
    ++*self->n_dropped;
    for (; self->n_late > 0; self->n_late--)
        *self->n_refused += trale_scope_spawn(self->scope, child, .n_dropped = self->n_dropped) < 0;
}

struct family {
    struct trale_future future;
    struct trale_scope scope;
    struct child body;
    int *n_dropped, *n_refused;
};

trale_async(family)
{
    trale_begin();
    trale_await(trale_scope(&self->scope, trale_call(child, &self->body, .scope = &self->scope, .n_late = 3,
                                                     .n_dropped = self->n_dropped, .n_refused = self->n_refused)));
    trale_return(trale_result());
}

static void test_a_scope_that_lives_when_the_runtime_closes_drops_its_children(void **state)
{
    (void)state;
    struct trale *runtime = test_open("", "");
    int n_dropped = 0, n_refused = 0;
    struct trale_task *task = trale_spawn(runtime, family, .n_dropped = &n_dropped, .n_refused = &n_refused);
    let_tasks_begin(runtime);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(trale_join(task), -ECANCELED);
    /* The body, and the first child that its cleanup function tries to start; the others are left to it. */
    assert_int_equal(n_refused, 3);
    assert_int_equal(n_dropped, 2);
}

static void count_driver_task(void *n, const struct trale_task_info *task)
{
    *(int *)n += task->driver == 1;
}

struct census {
    struct trale *runtime;
    int result, n_driver_tasks;
};

static void take_census(void *data)
{
    struct census *census = data;
    census->result = trale_tasks(census->runtime, count_driver_task, &census->n_driver_tasks);
}

/* They are dropped last. */
static void test_a_cleanup_function_finds_the_tasks_that_are_not_dropped_yet(void **state)
{
    (void)state;
    TEST_REAL_ONLY("the driver has no file descriptors and no tasks of its own");
    struct census census = {.runtime = test_open("timer", TEST_TIMER)};
    trale_detach(begin_to_wait(census.runtime, take_census, &census));
    assert_int_equal(trale_close(census.runtime), 0);
    assert_int_equal(census.result, 0);
    assert_int_equal(census.n_driver_tasks, 1);
}

/* --- functions on driver's threads while the runtime closes ------------------------------------------------------- */

struct errand {
    struct trale *runtime;
    sem_t begun, go;
    bool uses_runtime;
    int64_t joined, blocked, run;
    bool spawned;
    struct line line;
    _Atomic int n_released;
};

static int64_t run_errand(void *data)
{
    struct errand *errand = data;
    sem_post(&errand->begun);
    sem_wait(&errand->go);
    if (!errand->uses_runtime)
        return 0;
    struct turn turn;
    struct trale_task *task = trale_spawn(errand->runtime, turn, .future.at = NULL);
    errand->spawned = task != NULL;
    errand->joined = trale_join(task);
    errand->blocked = trale_block_on(errand->runtime, trale_call(turn, &turn));
    errand->run = trale_run(errand->runtime);
    line_spawn(&errand->line);
    return 0;
}

static void release_errand(void *data)
{
    ((struct errand *)data)->n_released++;
}

struct call {
    struct trale_future future;
    struct trale_blocking work;
    struct errand *errand;
};

trale_async(call)
{
    trale_begin();
    trale_await(trale_blocking(&self->work, run_errand, self->errand, release_errand));
    trale_return(trale_result());
}

static void begin_errand(struct errand *errand, struct trale *runtime, bool uses_runtime)
{
    *errand = (struct errand){
        .runtime = runtime, .uses_runtime = uses_runtime, .line = {.runtime = runtime, .n_left = -1}};
    sem_init(&errand->begun, 0, 0);
    sem_init(&errand->go, 0, 0);
    trale_detach(trale_spawn(runtime, call, .errand = errand));
    let_tasks_begin(runtime);
    sem_wait(&errand->begun);
}

static void let_errand_go(void *errand)
{
    sem_post(&((struct errand *)errand)->go);
}

static void test_a_pool_function_may_use_the_runtime_that_closes(void **state)
{
    (void)state;
    struct trale *runtime = open_logged("blocking, timer", "", (struct trale_options){0});
    struct errand errand;
    begin_errand(&errand, runtime, true);
    trale_detach(begin_to_wait(runtime, let_errand_go, &errand)); /* when closing has begun */
    assert_int_equal(trale_close(runtime), 0);
    assert_true(errand.spawned);
    assert_int_equal(errand.joined, -ECANCELED);
    assert_int_equal(errand.blocked, -ECANCELED);
    assert_int_equal(errand.run, -ECANCELED);
    assert_int_equal(errand.n_released, 1);
    /* A task that is refused may spawn no other one. */
    assert_int_equal(errand.line.n_dropped, errand.line.n_spawned);
    assert_int_equal(errand.line.n_refused, 1);
}

static void test_a_pool_function_that_blocks_holds_closing_up_no_longer_than_the_limit(void **state)
{
    (void)state;
    struct test_log log = {.length = 0};
    struct trale *runtime = open_logged("timer, blocking", "",
                                        (struct trale_options){.log = test_log_write, .log_data = &log});
    struct errand errand;
    begin_errand(&errand, runtime, false);
    struct trale_task *waiting = trale_spawn(runtime, turn, .future.at = NULL);
    /* Until the executor has ended; what it has not done is named as well. */
    do {
        log = (struct test_log){.length = 0};
        assert_int_equal(trale_close_within(runtime, 5 * TRALE_MILLISECOND), -ETIMEDOUT);
        assert_non_null(strstr(log.text, "1 trale: not closed in time: "));
    } while (strstr(log.text, "1 blocking: still running: run_errand\n") == NULL);
    assert_non_null(strstr(log.text, "1 trale: not closed in time: [driver:blocking] has not ended\n"));
    assert_int_equal(trale_close_within(runtime, 0), -ETIMEDOUT);
    int64_t result = trale_join(waiting);
    assert_true(result == 7 || result == -ECANCELED);
    let_errand_go(&errand);
    assert_int_equal(trale_close_within(runtime, 100 * TRALE_SECOND), 0);
    assert_int_equal(errand.n_released, 1);
    assert_int_equal(trale_close_within(NULL, 0), 0);
}

static void note(void *flag)
{
    atomic_store((_Atomic bool *)flag, true);
}

/* What a function on a driver's thread uses of another runtime of its group is there until the function ends. */
static void test_a_pool_function_may_use_the_other_runtimes_of_a_group_that_closes(void **state)
{
    (void)state;
    for (size_t own = 0; own < 2; own++) {
        char text[1024];
        struct test_log log = {.length = 0};
        const struct trale_options options = {.config_text = text, .log = test_log_write, .log_data = &log};
        struct trale_group *group;
        snprintf(text, sizeof text,
                 "[runtime]\ndrivers = hook, blocking\nthreads = %d\ninstances = 2\ndrivers_folder = "
                 "%s\n" TEST_BLOCKING "[driver:hook]\npath = %s/hook.so\n",
                 test_threads(), TEST_DRIVERS, TEST_FLAWED_DRIVERS);
        assert_int_equal(trale_group_open(&group, &options), 0);
        struct trale *other = trale_group_runtime(group, 1 - own);
        _Atomic bool is_stopped = false;
        struct setter setter;
        assert_int_equal(
            trale_block_on(other, trale_call(setter, &setter, .which = HOOK_STOP, .call = note, .data = &is_stopped)),
            0);
        struct errand errand;
        begin_errand(&errand, trale_group_runtime(group, own), true);
        errand.runtime = errand.line.runtime = other;
        do {
            log = (struct test_log){.length = 0};
            assert_int_equal(trale_group_close_within(group, 5 * TRALE_MILLISECOND), -ETIMEDOUT);
        } while (strstr(log.text, "still running: run_errand") == NULL);
        assert_false(is_stopped);
        let_errand_go(&errand);
        assert_int_equal(trale_group_close(group), 0);
        assert_true(is_stopped);
        assert_true(errand.spawned);
        assert_int_equal(errand.joined, -ECANCELED);
        assert_int_equal(errand.n_released, 1);
    }
}

/* A task that does not come back from its poll, or from its drop, before the test lets it. */
struct stuck {
    struct trale_future future;
    struct trale_semaphore_acquire acquire;
    sem_t *begun, *go;
    bool in_drop;
};

static void stuck_stop(struct stuck *self)
{
    sem_post(self->begun);
    while (sem_wait(self->go) < 0)
        ;
}

static void stuck_close(struct stuck *self)
{
    if (self->in_drop)
        stuck_stop(self);
}

trale_async_with(stuck, stuck_close)
{
    trale_begin();
    if (!self->in_drop)
        stuck_stop(self);
    trale_await(trale_semaphore_acquire(&self->acquire, &never, 1));
    trale_return(trale_result());
}

static void test_a_task_that_is_stuck_holds_closing_up_no_longer_than_the_limit(void **state)
{
    (void)state;
    if (test_threads() == 0)
        return; /* the closing thread would be stuck itself */
    for (int in_drop = 0; in_drop < 2; in_drop++) {
        struct test_log log = {.length = 0};
        struct trale *runtime = open_logged("", "watchdog = 1h",
                                            (struct trale_options){.log = test_log_write, .log_data = &log});
        sem_t begun, go;
        sem_init(&begun, 0, 0);
        sem_init(&go, 0, 0);
        struct trale_task *task = trale_spawn(runtime, stuck, .begun = &begun, .go = &go, .in_drop = in_drop == 1);
        if (in_drop == 1)
            let_tasks_begin(runtime);
        else
            sem_wait(&begun);
        assert_int_equal(trale_close_within(runtime, 20 * TRALE_MILLISECOND), -ETIMEDOUT);
        assert_non_null(
            strstr(log.text, in_drop ? "(stuck): its drop has not ended" : "(stuck): its poll has not ended"));
        sem_post(&go);
        assert_int_equal(trale_close(runtime), 0);
        assert_int_equal(trale_join(task), -ECANCELED);
    }
}

/* --- a child process ---------------------------------------------------------------------------------------------- */

/* The number of the first claim that does not hold in a child, 0: all do. */
static int claims_of_a_child(struct trale *runtime, struct trale_group *group, struct trale_task *task)
{
    struct turn turn;
    struct trale_sleep sleep;
    struct trale_stats stats;
    int claim = 0;
    alarm(20); /* instead of a hang */
#define CLAIM(holds) (claim++, !(holds))
    if (CLAIM(trale_spawn(runtime, turn, .future.at = NULL) == NULL) || CLAIM(trale_join(task) == -ECHILD) ||
        CLAIM(trale_block_on(runtime, trale_call(turn, &turn)) == -ECHILD) || CLAIM(trale_run(runtime) == -ECHILD) ||
        CLAIM(trale_stats(runtime, &stats) == -ECHILD) || CLAIM(trale_tasks(runtime, NULL, NULL) == -ECHILD) ||
        CLAIM(trale_interface(runtime, "trale.timer/1", 16) == NULL) || CLAIM(trale_close(runtime) == -ECHILD) ||
        CLAIM(trale_close_within(runtime, 1) == -ECHILD) || CLAIM(trale_group_close(group) == -ECHILD) ||
        CLAIM(trale_current() == NULL))
        return claim;
    trale_abort(task);
    if (TEST_LIMITS_CHILDREN && test_threads() > 0)
        return 0;
    struct trale *own = test_open("timer", TEST_TIMER);
    if (CLAIM(trale_block_on(own, trale_sleep(&sleep, TRALE_MILLISECOND)) == 0) ||
        CLAIM(trale_join(trale_spawn(own, turn, .future.at = NULL)) == 7) || CLAIM(trale_close(own) == 0))
        return claim;
    return 0;
}

static void assert_child_is_content(pid_t child)
{
    int status;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    /* In a child, valgrind finds leaks: the stacks of its parent's threads are gone. */
    if (!TEST_UNDER_VALGRIND)
        assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_a_child_cannot_use_its_parent_s_runtimes(void **state)
{
    (void)state;
    char text[128];
    struct trale *runtime = test_open("timer", TEST_TIMER);
    struct trale_group *group;
    snprintf(text, sizeof text, "[runtime]\ndrivers =\nthreads = %d\ninstances = 2\n", test_threads());
    assert_int_equal(trale_group_open(&group, &(struct trale_options){.config_text = text}), 0);
    struct line line = {.n_left = 0};
    struct trale_task *task = begin_to_wait(runtime, line_spawn, &line);
    pid_t child = fork();
    if (child == 0)
        _exit(claims_of_a_child(runtime, group, task));
    assert_child_is_content(child);
    let_tasks_begin(runtime);
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
    assert_int_equal(trale_group_close(group), 0);
    assert_int_equal(trale_close(runtime), 0);
}

struct forker {
    struct trale_future future;
    struct trale_group *group;
    struct trale_task *task;
};

trale_async(forker)
{
    trale_begin();
    pid_t child = fork();
    if (child == 0)
        _exit(claims_of_a_child(cx->runtime, self->group, self->task));
    trale_return(child);
}

static void test_a_child_that_is_forked_in_a_task_cannot_use_its_parent_s_runtimes(void **state)
{
    (void)state;
    char text[128];
    struct trale *runtime = test_open("timer", TEST_TIMER);
    struct trale_group *group;
    struct line line = {.n_left = 0};
    snprintf(text, sizeof text, "[runtime]\ndrivers =\nthreads = %d\ninstances = 2\n", test_threads());
    assert_int_equal(trale_group_open(&group, &(struct trale_options){.config_text = text}), 0);
    struct trale_task *task = begin_to_wait(runtime, line_spawn, &line);
    assert_child_is_content((pid_t)trale_join(trale_spawn(runtime, forker, .group = group, .task = task)));
    trale_detach(task);
    assert_int_equal(trale_group_close(group), 0);
    assert_int_equal(trale_close(runtime), 0);
}

/* In a child of its own, for the global runtime is never closed. */
static int global_claims(void)
{
    struct trale *runtime, *again = NULL;
    char path[] = "/tmp/trale-close-XXXXXX", text[128];
    int status = 0, fd = mkstemp(path);
    snprintf(text, sizeof text, "[runtime]\ndrivers =\nthreads = %d\n", test_threads());
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        return 1;
    setenv("TRALE_CONFIG", path, 1);
    alarm(20);
    int r = trale_global(&runtime);
    close(fd);
    unlink(path);
    if (r < 0 || trale_close(runtime) != -EPERM)
        return 2;
    pid_t child = fork();
    if (child == 0)
        _exit(trale_global(&again) == -ECHILD && again == NULL ? 0 : 3);
    waitpid(child, &status, 0);
    struct turn turn;
    if (trale_block_on(runtime, trale_call(turn, &turn)) != 7)
        return 4;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 5;
}

struct receiver {
    struct trale_future future;
    struct trale_udp_recv recv;
    struct trale_udp_socket *socket;
    char buf[8];
};

trale_async(receiver)
{
    trale_begin();
    trale_await(trale_udp_recv(&self->recv, self->socket, self->buf, sizeof self->buf));
    trale_return(trale_result());
}

/* The child has copies of the sockets, and shares the epoll instance in which its parent waits for them. */
static void test_a_child_that_closes_a_socket_leaves_the_waits_of_its_parent_alone(void **state)
{
    (void)state;
    if (TEST_LIMITS_CHILDREN && test_threads() > 0)
        return;
    struct trale *runtime = test_open("udp", TEST_UDP);
    struct trale_udp_socket *socket;
    struct trale_address address;
    struct trale_udp_send send;
    assert_int_equal(trale_udp_open(runtime, "127.0.0.1:0", 0, &socket), 0);
    assert_int_equal(trale_udp_local(socket, &address), 0);
    struct trale_task *task = trale_spawn(runtime, receiver, .socket = socket);
    let_tasks_begin(runtime);
    pid_t child = fork();
    if (child == 0) {
        alarm(20); /* instead of a hang */
        trale_udp_close(socket);
        _exit(0);
    }
    assert_child_is_content(child);
    assert_int_equal(trale_block_on(runtime, trale_udp_send_to(&send, socket, "x", 1, &address)), 1);
    assert_int_equal(trale_join(task), 1);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_a_child_has_no_global_runtime_of_its_parent(void **state)
{
    (void)state;
    if (TEST_LIMITS_CHILDREN)
        return;
    pid_t child = fork();
    if (child == 0)
        _exit(global_claims());
    assert_child_is_content(child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closing_drops_tasks_on_the_executor_thread),
        cmocka_unit_test(test_a_fiber_that_closing_cancels_has_the_errno_of_its_thread),
        cmocka_unit_test(test_a_cleanup_function_cannot_close_its_runtime),
        cmocka_unit_test(test_a_pool_function_cannot_close_its_runtime),
        cmocka_unit_test(test_a_pool_function_cannot_close_the_group_of_its_runtime),
        cmocka_unit_test(test_a_driver_s_hooks_cannot_close_their_runtime),
        cmocka_unit_test(test_the_watchdog_s_message_cannot_close_the_runtime),
        cmocka_unit_test(test_cleanups_that_spawn_while_closing_need_no_stack),
        cmocka_unit_test(test_a_cleanup_that_always_spawns_another_does_not_close_for_ever),
        cmocka_unit_test(test_a_wake_that_comes_while_its_task_ends_is_taken_in),
        cmocka_unit_test(test_a_scope_that_lives_when_the_runtime_closes_drops_its_children),
        cmocka_unit_test(test_a_cleanup_function_finds_the_tasks_that_are_not_dropped_yet),
        cmocka_unit_test(test_a_pool_function_may_use_the_runtime_that_closes),
        cmocka_unit_test(test_a_pool_function_that_blocks_holds_closing_up_no_longer_than_the_limit),
        cmocka_unit_test(test_a_pool_function_may_use_the_other_runtimes_of_a_group_that_closes),
        cmocka_unit_test(test_a_task_that_is_stuck_holds_closing_up_no_longer_than_the_limit),
        cmocka_unit_test(test_a_child_cannot_use_its_parent_s_runtimes),
        cmocka_unit_test(test_a_child_that_is_forked_in_a_task_cannot_use_its_parent_s_runtimes),
        cmocka_unit_test(test_a_child_that_closes_a_socket_leaves_the_waits_of_its_parent_alone),
        cmocka_unit_test(test_a_child_has_no_global_runtime_of_its_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
