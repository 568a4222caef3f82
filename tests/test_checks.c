/* SPDX-License-Identifier: MIT
 *
 * What [runtime] checks = yes finds in programs, in each thread layout: the mistake, and the message about it. What it
 * finds in drivers is in test_checks_driver.c. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include <trale/fiber.h>
#include <trale/sync.h>

#include "tests/checks.h"

/* --- futures ------------------------------------------------------------------------------------------------------ */

struct sleeper {
    struct trale_future future;
    struct trale_sleep sleep;
};

trale_async(sleeper)
{
    trale_begin();
    trale_await(trale_sleep(&self->sleep, TRALE_SECOND * 3600));
    trale_return(0);
}

/* Awaits whatever it is given, n times. */
struct awaiter {
    struct trale_future future;
    struct trale_future *awaited;
    int n;
};

trale_async(awaiter)
{
    trale_begin();
    for (; self->n > 0; self->n--)
        trale_await(self->awaited);
    trale_return(trale_result());
}

static int64_t seven_poll(struct trale_future *future, struct trale_context *context)
{
    (void)future, (void)context;
    return 7;
}
static const struct trale_future_type seven_type = {sizeof seven_type, TRALE_ABI, "seven", seven_poll, NULL};

static void test_a_future_is_not_polled_after_its_result(void **state)
{
    struct fixture *f = *state;
    struct trale_future seven = {.type = &seven_type};
    struct awaiter awaiter = {.future.type = &awaiter_type, .awaited = &seven, .n = 3};
    assert_int_equal(trale_block_on(f->runtime, &awaiter.future), -EINVAL);
    assert_said(f, "(awaiter) in seven at ");
    assert_said(f, "test_checks.c:");
    assert_said(f, "the future seven is polled after its result: make it anew before it is awaited again");
    assert_findings(f, 1);
    assert_dumped(f, "2 x checks: task ");
}

static void test_a_future_that_a_thread_waits_for_is_not_used_twice(void **state)
{
    struct fixture *f = *state;
    struct awaiter awaiter = {.future.type = &awaiter_type, .n = 0};
    assert_int_equal(trale_block_on(f->runtime, &awaiter.future), 0);
    assert_int_equal(trale_block_on(f->runtime, &awaiter.future), -EINVAL);
    assert_said(f, "the future awaiter is polled after its result");
    assert_findings(f, 1);
}

struct remaker {
    struct trale_future future;
    struct trale_future seven;
    int n;
};

trale_async(remaker)
{
    trale_begin();
    for (; self->n > 0; self->n--) {
        self->seven = (struct trale_future){.type = &seven_type};
        trale_await(&self->seven);
    }
    trale_return(trale_result());
}

static void test_memory_may_be_a_future_again_and_again(void **state)
{
    struct fixture *f = *state;
    struct remaker remaker;
    assert_int_equal(trale_block_on(f->runtime, trale_call(remaker, &remaker, .n = 3)), 7);
    assert_findings(f, 0);
}

struct dropper {
    struct trale_future future;
    struct trale_future seven;
};

trale_async(dropper)
{
    trale_begin();
    self->seven.type = &seven_type;
    trale_await(&self->seven);
    trale_future_drop(&self->seven);
    trale_return(0);
}

static void test_a_future_is_not_dropped_after_its_result(void **state)
{
    struct fixture *f = *state;
    struct dropper dropper;
    assert_int_equal(trale_block_on(f->runtime, trale_call(dropper, &dropper)), 0);
    assert_said(f, "the future seven is dropped after its result: drop only what is pending");
    assert_findings(f, 1);
}

static void test_a_future_without_a_type_is_named_and_resolves_to_an_error(void **state)
{
    struct fixture *f = *state;
    struct trale_future none = {.type = NULL};
    struct awaiter awaiter = {.future.type = &awaiter_type, .awaited = &none, .n = 1};
    assert_int_equal(trale_block_on(f->runtime, &awaiter.future), -EINVAL);
    assert_said(f, "(awaiter) in awaiter at ");
    assert_said(f, "a future is polled whose type is NULL");
    assert_findings(f, 1);
}

static void test_a_future_that_awaits_itself_is_named_and_resolves_to_an_error(void **state)
{
    struct fixture *f = *state;
    struct awaiter awaiter = {.future.type = &awaiter_type, .n = 1};
    awaiter.awaited = &awaiter.future;
    assert_int_equal(trale_block_on(f->runtime, &awaiter.future), -EDEADLK);
    assert_said(f, "the future awaiter is polled inside its own poll");
    assert_findings(f, 1);
}

static void test_a_future_that_two_tasks_await_is_named_with_both(void **state)
{
    struct fixture *f = *state;
    struct sleeper sleeper = {.future.type = &sleeper_type};
    struct trale_task *first = trale_spawn(f->runtime, awaiter, .awaited = &sleeper.future, .n = 1);
    let_tasks_run(f->runtime);
    struct trale_task *second = trale_spawn(f->runtime, awaiter, .awaited = &sleeper.future, .n = 1);
    let_tasks_run(f->runtime);
    assert_said(f, "the future sleeper is awaited by task ");
    assert_said(f, "(awaiter) in awaiter at ");
    assert_findings(f, 1);
    trale_abort(first);
    assert_int_equal(trale_join(first), -ECANCELED);
    sleeper = (struct sleeper){.future.type = &seven_type}; /* which the second one drops */
    trale_abort(second);
    assert_int_equal(trale_join(second), -ECANCELED);
}

/* A frame that is copied while it awaits, and awaited at its new place. */
struct mover {
    struct trale_future future;
    struct sleeper frames[2];
};

static int64_t mover_poll(struct trale_future *future, struct trale_context *context)
{
    struct mover *mover = (struct mover *)(void *)future;
    assert_int_equal(trale_future_await(&mover->frames[0].future, context), TRALE_PENDING);
    mover->frames[1] = mover->frames[0];
    assert_int_equal(trale_future_await(&mover->frames[1].future, context), TRALE_PENDING);
    trale_future_drop(&mover->frames[0].future);
    return 0;
}

static void test_a_frame_that_moves_while_it_awaits_is_named(void **state)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "mover", mover_poll, NULL};
    struct fixture *f = *state;
    struct mover mover = {.future.type = &type, .frames[0].future.type = &sleeper_type};
    assert_int_equal(trale_block_on(f->runtime, &mover.future), 0);
    assert_said(f, "the future sleeper was moved from ");
    assert_said(f, "while it awaited trale_sleep: a future stays where it is");
    assert_findings(f, 1);
}

/* --- tasks -------------------------------------------------------------------------------------------------------- */

/* Awaits a task, when it may begin to. */
struct joiner {
    struct trale_future future;
    struct trale_semaphore *start;
    struct trale_semaphore_acquire acquire;
    struct trale_join_future join;
    struct trale_task **other;
};

trale_async(joiner)
{
    trale_begin();
    trale_await(trale_semaphore_acquire(&self->acquire, self->start, 1));
    trale_await(trale_join_by_ref(&self->join, *self->other));
    trale_return(trale_result());
}

static void end(struct trale_task *task)
{
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
}

static void test_a_task_that_awaits_itself_is_named(void **state)
{
    struct fixture *f = *state;
    struct trale_semaphore start = TRALE_SEMAPHORE(0);
    struct trale_task *task = NULL;
    task = trale_spawn(f->runtime, joiner, .start = &start, .other = &task);
    trale_semaphore_release(&start, 1);
    let_tasks_run(f->runtime);
    assert_said(f, "(joiner) in trale_join_future at ");
    assert_said(f, "the task awaits itself, and so never ends");
    assert_findings(f, 1);
    end(task);
}

static void test_tasks_that_await_each_other_are_named(void **state)
{
    struct fixture *f = *state;
    struct trale_semaphore start = TRALE_SEMAPHORE(0);
    struct trale_task *tasks[3] = {NULL};
    for (int i = 0; i < 3; i++)
        tasks[i] = trale_spawn(f->runtime, joiner, .start = &start, .other = &tasks[(i + 1) % 3]);
    trale_semaphore_release(&start, 3);
    let_tasks_run(f->runtime);
    assert_said(f, "(joiner), which awaits this one in turn: none of them ever ends");
    assert_findings(f, 1);
    for (int i = 0; i < 3; i++)
        trale_abort(tasks[i]);
    for (int i = 0; i < 3; i++)
        trale_join(tasks[i]);
}

static void test_a_task_that_awaits_a_task_that_goes_on_is_left_in_peace(void **state)
{
    struct fixture *f = *state;
    struct trale_semaphore start = TRALE_SEMAPHORE(1);
    struct trale_task *other = trale_spawn(f->runtime, sleeper);
    struct trale_task *task = trale_spawn(f->runtime, joiner, .start = &start, .other = &other);
    let_tasks_run(f->runtime);
    assert_findings(f, 0);
    trale_abort(other);
    assert_int_equal(trale_join(task), -ECANCELED);
    trale_detach(other);
}

/* Wakes its task in each of its polls. */
struct spinner {
    struct trale_future future;
    int n;
};

static int64_t spinner_poll(struct trale_future *future, struct trale_context *context)
{
    if (--((struct spinner *)(void *)future)->n == 0)
        return 0;
    context->waker->table->wake_by_ref(context->waker);
    return TRALE_PENDING;
}
static const struct trale_future_type spinner_type = {sizeof spinner_type, TRALE_ABI, "spinner", spinner_poll, NULL};

static void test_a_task_that_wakes_itself_again_and_again_is_named_with_the_count(void **state)
{
    struct fixture *f = *state;
    struct spinner spinner = {.future.type = &spinner_type, .n = 30001};
    assert_int_equal(trale_block_on(f->runtime, &spinner.future), 0);
    assert_said(f, "1 trale: checks: task ");
    assert_said(f, "(spinner)");
    assert_said(f, "wake storm: the task was polled 10000 times in a row without a result, and each poll woke it");
    assert_findings(f, 1);
    assert_dumped(f, "3 x checks: task ");
}

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

static void test_a_task_that_yields_is_no_storm(void **state)
{
    struct fixture *f = *state;
    struct yielder yielder;
    assert_int_equal(trale_block_on(f->runtime, trale_call(yielder, &yielder, .n = 30000)), 0);
    assert_findings(f, 0);
}

/* --- fibers and mutexes ------------------------------------------------------------------------------------------- */

static int64_t await_for_ever(void *data)
{
    int *n_awaits = data;
    struct trale_sleep sleep;
    while (*n_awaits > 0) {
        trale_fiber_await(trale_sleep(&sleep, TRALE_SECOND * 3600));
        --*n_awaits;
    }
    return 0;
}

static void abort_fiber(struct fixture *f, int n_awaits)
{
    struct trale_task *task = trale_fiber_spawn(f->runtime, await_for_ever, &n_awaits);
    let_tasks_run(f->runtime);
    end(task);
}

static void test_a_fiber_that_goes_on_awaiting_after_its_cancellation_is_named(void **state)
{
    struct fixture *f = *state;
    abort_fiber(f, 1000);
    assert_said(f, " in await_for_ever at ");
    assert_said(f, "the fiber was canceled and has awaited 100 times since");
    assert_findings(f, 1);
}

static void test_a_fiber_that_awaits_on_its_way_out_is_left_in_peace(void **state)
{
    struct fixture *f = *state;
    abort_fiber(f, 3);
    assert_findings(f, 0);
}

static void test_many_fibers_that_await_on_their_way_out_are_not_taken_for_one(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 60; i++)
        abort_fiber(f, 3);
    assert_findings(f, 0);
}

struct unlocker {
    struct trale_future future;
    struct trale_mutex *mutex;
    struct trale_mutex_lock lock;
};

trale_async(unlocker)
{
    trale_begin();
    trale_await(trale_mutex_lock(&self->lock, self->mutex));
    assert_int_equal(trale_mutex_unlock(self->mutex), 0);
    trale_return(trale_mutex_unlock(self->mutex));
}

static void test_a_mutex_that_is_unlocked_once_too_often_is_named_and_stays_a_mutex(void **state)
{
    struct fixture *f = *state;
    struct trale_mutex mutex = TRALE_MUTEX;
    struct unlocker unlocker;
    assert_int_equal(trale_block_on(f->runtime, trale_call(unlocker, &unlocker, .mutex = &mutex)), -EPERM);
    assert_said(f, "(unlocker) in unlocker at ");
    assert_said(f, "is unlocked, and is not locked: unlock it once for each lock");
    assert_findings(f, 1);
    assert_int_equal(trale_mutex_try_lock(&mutex), 0);
    assert_int_equal(trale_mutex_try_lock(&mutex), -EAGAIN);
    assert_int_equal(trale_mutex_unlock(&mutex), 0);
    assert_int_equal(trale_mutex_unlock(&mutex), -EPERM);
}

/* --- wakers ------------------------------------------------------------------------------------------------------- */

/* Gives the waker of its first poll to the test. */
struct giver {
    struct trale_future future;
    const struct trale_waker **waker;
    int n_polls; /* until it resolves */
    bool clones;
};

static int64_t giver_poll(struct trale_future *future, struct trale_context *context)
{
    struct giver *giver = (struct giver *)(void *)future;
    if (*giver->waker == NULL)
        *giver->waker = giver->clones ? context->waker->table->clone(context->waker) : context->waker;
    if (--giver->n_polls == 0)
        return 0;
    return TRALE_PENDING;
}
static const struct trale_future_type giver_type = {sizeof giver_type, TRALE_ABI, "giver", giver_poll, NULL};

struct giving {
    struct trale_future future;
    struct giver giver;
    struct sleeper sleeper;
};

trale_async(giving)
{
    trale_begin();
    trale_await(&self->giver.future);
    trale_await(&self->sleeper.future);
    trale_return(0);
}

static struct trale_task *spawn_giving(struct fixture *f, const struct trale_waker **waker, int n_polls, bool clones)
{
    *waker = NULL;
    struct trale_task *task = trale_spawn(
        f->runtime, giving, .giver = {.future.type = &giver_type, .waker = waker, .n_polls = n_polls, .clones = clones},
        .sleeper.future.type = &sleeper_type);
    let_tasks_run(f->runtime);
    return task;
}

static void test_a_waker_is_not_called_after_its_future_has_resolved(void **state)
{
    struct fixture *f = *state;
    const struct trale_waker *waker;
    struct trale_task *task = spawn_giving(f, &waker, 1, false);
    waker->table->wake_by_ref(waker);
    let_tasks_run(f->runtime);
    assert_said(f, "(giving) in giver at ");
    assert_said(f, "the waker that was lent to this future was woken after its future had returned a result");
    assert_findings(f, 1);
    end(task);
}

static void test_a_waker_is_not_called_after_its_future_was_dropped(void **state)
{
    struct fixture *f = *state;
    const struct trale_waker *waker;
    end(spawn_giving(f, &waker, 2, false));
    waker->table->wake_by_ref(waker);
    assert_said(f, "was woken after its task had ended: code that keeps a waker takes a clone");
    waker->table->drop(waker->table->clone(waker));
    assert_findings(f, 1);
    assert_dumped(f, "3 x checks: task ");
}

static void test_a_task_is_named_as_it_is_called_at_its_end(void **state)
{
    struct fixture *f = *state;
    const struct trale_waker *waker;
    struct trale_task *task = spawn_giving(f, &waker, 2, false);
    trale_task_set_name(task, "session 7");
    end(task);
    waker->table->wake_by_ref(waker);
    assert_said(f, "(session 7) in giver at ");
    assert_findings(f, 1);
}

static void test_a_waker_is_not_called_after_its_future_was_polled_again(void **state)
{
    struct fixture *f = *state;
    const struct trale_waker *waker;
    struct trale_task *task = spawn_giving(f, &waker, 3, false);
    waker->table->wake_by_ref(waker);
    let_tasks_run(f->runtime);
    assert_findings(f, 0);
    waker->table->wake_by_ref(waker);
    assert_said(f, "was woken after its future was polled again, with another waker");
    assert_findings(f, 1);
    end(task);
}

static void test_a_clone_is_given_back_once(void **state)
{
    struct fixture *f = *state;
    const struct trale_waker *waker;
    struct trale_task *task = spawn_giving(f, &waker, 2, true);
    waker->table->drop(waker);
    assert_findings(f, 0);
    waker->table->drop(waker);
    waker->table->wake(waker);
    assert_said(f, "was dropped after it was given back: each clone is given back once, by wake or drop");
    assert_dumped(f, "2 x checks: task ");
    end(task);
}

static void test_a_lent_waker_is_not_given_back(void **state)
{
    struct fixture *f = *state;
    const struct trale_waker *waker;
    struct trale_task *task = spawn_giving(f, &waker, 2, false);
    waker->table->wake(waker);
    assert_said(f, "was woken and given back although it is no clone: only a clone is given back");
    assert_findings(f, 1);
    end(task);
}

static void test_a_clone_may_be_used_when_its_task_and_its_runtime_are_gone(void **state)
{
    struct fixture *f = *state;
    const struct trale_waker *waker, *again;
    end(spawn_giving(f, &waker, 2, true));
    waker->table->wake_by_ref(waker);
    assert_findings(f, 0);
    assert_int_equal(trale_close(f->runtime), 0);
    f->runtime = NULL;
    again = waker->table->clone(waker);
    waker->table->wake(waker);
    again->table->wake_by_ref(again);
    again->table->drop(again);
    assert_findings(f, 0);
}

/* A thread that misuses a waker, and whose message takes its time. */
struct slow {
    struct fixture *f;
    const struct trale_waker *waker;
    sem_t says;
    _Atomic bool is_closed, was_closed_meanwhile;
};

static void slow_log(void *data, uint32_t level, const char *source, const char *message)
{
    struct slow *slow = data;
    (void)level, (void)source;
    if (strstr(message, "checks: ") == NULL)
        return;
    sem_post(&slow->says);
    for (int i = 0; i < 100 && !atomic_load(&slow->is_closed); i++)
        usleep(1000);
    slow->was_closed_meanwhile = atomic_load(&slow->is_closed);
}

static void *misuse(void *data)
{
    struct slow *slow = data;
    slow->waker->table->wake_by_ref(slow->waker);
    return NULL;
}

static void test_a_runtime_is_closed_when_everything_about_its_wakers_is_said(void **state)
{
    struct slow slow = {.f = *state};
    struct fixture inner = {.runtime = NULL};
    pthread_t thread;
    char text[256];
    sem_init(&slow.says, 0, 0);
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = timer\nthreads = %d\nchecks = yes\n[driver:timer]\npath = %s/timer.so\n",
             test_threads(), TEST_DRIVERS);
    assert_int_equal(
        trale_open(&inner.runtime, &(struct trale_options){.config_text = text, .log = slow_log, .log_data = &slow}),
        0);
    end(spawn_giving(&inner, &slow.waker, 2, false));
    assert_int_equal(pthread_create(&thread, NULL, misuse, &slow), 0);
    sem_wait(&slow.says);
    assert_int_equal(trale_close(inner.runtime), 0);
    atomic_store(&slow.is_closed, true);
    pthread_join(thread, NULL);
    assert_false(slow.was_closed_meanwhile);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_future_is_not_polled_after_its_result),
        TEST(test_a_future_that_a_thread_waits_for_is_not_used_twice),
        TEST(test_memory_may_be_a_future_again_and_again),
        TEST(test_a_future_is_not_dropped_after_its_result),
        TEST(test_a_future_without_a_type_is_named_and_resolves_to_an_error),
        TEST(test_a_future_that_awaits_itself_is_named_and_resolves_to_an_error),
        TEST(test_a_future_that_two_tasks_await_is_named_with_both),
        TEST(test_a_frame_that_moves_while_it_awaits_is_named),
        TEST(test_a_task_that_awaits_itself_is_named),
        TEST(test_tasks_that_await_each_other_are_named),
        TEST(test_a_task_that_awaits_a_task_that_goes_on_is_left_in_peace),
        TEST(test_a_task_that_wakes_itself_again_and_again_is_named_with_the_count),
        TEST(test_a_task_that_yields_is_no_storm),
        TEST(test_a_fiber_that_goes_on_awaiting_after_its_cancellation_is_named),
        TEST(test_a_fiber_that_awaits_on_its_way_out_is_left_in_peace),
        TEST(test_many_fibers_that_await_on_their_way_out_are_not_taken_for_one),
        TEST(test_a_mutex_that_is_unlocked_once_too_often_is_named_and_stays_a_mutex),
        TEST(test_a_waker_is_not_called_after_its_future_has_resolved),
        TEST(test_a_waker_is_not_called_after_its_future_was_dropped),
        TEST(test_a_task_is_named_as_it_is_called_at_its_end),
        TEST(test_a_waker_is_not_called_after_its_future_was_polled_again),
        TEST(test_a_clone_is_given_back_once),
        TEST(test_a_lent_waker_is_not_given_back),
        TEST(test_a_clone_may_be_used_when_its_task_and_its_runtime_are_gone),
        TEST(test_a_runtime_is_closed_when_everything_about_its_wakers_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
