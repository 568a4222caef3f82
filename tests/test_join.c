/* SPDX-License-Identifier: MIT
 *
 * Several handles on one task, and several futures and threads that wait for its result, in the thread layout that the
 * environment names. */
#include <pthread.h>
#include <stdatomic.h>

#include <trale/fiber.h>
#include <trale/sync.h>

#include "tests/support.h"

/* --- a task that ends when it is let ------------------------------------------------------------------------------ */

struct held {
    struct trale_future future;
    struct trale_semaphore *semaphore;
    struct trale_semaphore_acquire acquire;
    _Atomic int *n_cleanups;
};

static void held_cleanup(struct held *self)
{
    if (self->n_cleanups != NULL)
        ++*self->n_cleanups;
}

trale_async_with(held, held_cleanup)
{
    trale_begin();
    trale_await(trale_semaphore_acquire(&self->acquire, self->semaphore, 1));
    trale_return(trale_result() < 0 ? trale_result() : 42);
}

/* Lets what is runnable run. */
struct pause {
    struct trale_future future;
    int n;
};

trale_async(pause)
{
    trale_begin();
    while (self->n-- > 0)
        trale_yield();
    trale_return(0);
}

static void let_run(struct trale *runtime)
{
    struct pause pause;
    assert_int_equal(trale_block_on(runtime, trale_call(pause, &pause, .n = 3)), 0);
}

/* Awaits a task and says when. */
struct waiter {
    struct trale_future future;
    struct trale_join_future join;
    struct trale_task *task;
    _Atomic int *n_done;
    int *place; /* among those that are done */
};

/* Dropped before its first poll, it has not given its handle to the future. */
static void waiter_cleanup(struct waiter *self)
{
    if (self->join.future.type == NULL)
        trale_detach(self->task);
}

trale_async_with(waiter, waiter_cleanup)
{
    trale_begin();
    trale_await(trale_join_future(&self->join, self->task));
    int place = (*self->n_done)++;
    if (self->place != NULL)
        *self->place = place;
    trale_return(trale_result());
}

/* --- polled by hand, outside of every executor -------------------------------------------------------------------- */

struct bell {
    struct trale_waker waker;
    _Atomic int n_wakes, n_clones;
};

static const struct trale_waker *bell_clone(const struct trale_waker *waker)
{
    ((struct bell *)(uintptr_t)waker)->n_clones++;
    return waker;
}
static void bell_wake_by_ref(const struct trale_waker *waker)
{
    ((struct bell *)(uintptr_t)waker)->n_wakes++;
}
static void bell_drop(const struct trale_waker *waker)
{
    ((struct bell *)(uintptr_t)waker)->n_clones--;
}
static void bell_wake(const struct trale_waker *waker)
{
    bell_wake_by_ref(waker);
    bell_drop(waker);
}
static const struct trale_waker_table bell_table = {bell_clone, bell_wake, bell_wake_by_ref, bell_drop};

static int64_t poll_with(struct trale_future *future, struct bell *bell)
{
    struct trale_context context = {.size = sizeof context, .abi = TRALE_ABI, .waker = &bell->waker, .budget = 32};
    bell->waker.table = &bell_table;
    return trale_future_poll(future, &context);
}

/* --- handles ------------------------------------------------------------------------------------------------------ */

static void test_every_handle_gets_the_result(void **state)
{
    struct trale_semaphore semaphore = TRALE_SEMAPHORE(1);
    struct trale_task *task = trale_spawn(*state, held, .semaphore = &semaphore);
    struct trale_task *before = trale_task_clone(task);
    assert_int_equal(trale_join(task), 42);
    struct trale_task *after = trale_task_clone(before);
    trale_detach(trale_task_clone(after));
    assert_int_equal(trale_join(before), 42);
    assert_int_equal(trale_join(after), 42);
    assert_null(trale_task_clone(NULL));
}

static void *join_on_thread(void *task)
{
    return (void *)(intptr_t)trale_join(task);
}

static void test_one_handle_is_joined_while_another_aborts(void **state)
{
    struct trale_semaphore semaphore = TRALE_SEMAPHORE(0);
    _Atomic int n_cleanups = 0;
    struct trale_task *task = trale_spawn(*state, held, .semaphore = &semaphore, .n_cleanups = &n_cleanups);
    pthread_t threads[3];
    void *result;
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, join_on_thread, trale_task_clone(task)), 0);
    trale_abort(task);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_int_equal((intptr_t)result, -ECANCELED);
    }
    assert_int_equal(trale_join(task), -ECANCELED);
    assert_int_equal(n_cleanups, 1);
}

static void test_handles_outlive_the_runtime(void **state)
{
    struct trale_semaphore semaphore = TRALE_SEMAPHORE(0);
    struct trale *runtime = test_open("", "");
    struct trale_task *task = trale_spawn(runtime, held, .semaphore = &semaphore);
    struct trale_task *clone = trale_task_clone(task);
    (void)state;
    assert_int_equal(trale_close(runtime), 0);
    struct trale_task *late = trale_task_clone(clone);
    assert_int_equal(trale_join(task), -ECANCELED);
    assert_int_equal(trale_join(clone), -ECANCELED);
    assert_int_equal(trale_join(late), -ECANCELED);
}

struct keeper {
    struct trale_semaphore *semaphore;
    int64_t first, second;
};

static int64_t keeps(void *data)
{
    struct keeper *keeper = data;
    struct trale_join_future join;
    struct trale_task *task = trale_spawn(trale_current(), held, .semaphore = keeper->semaphore);
    keeper->first = trale_fiber_await(trale_join_by_ref(&join, task));
    keeper->second = trale_fiber_await(trale_join_by_ref(&join, task));
    trale_abort(task);
    trale_detach(task);
    return 0;
}

static void test_a_fiber_that_is_cancelled_can_still_abort_the_task_that_it_awaited(void **state)
{
    struct trale_semaphore semaphore = TRALE_SEMAPHORE(0);
    struct keeper keeper = {.semaphore = &semaphore};
    struct trale_task *fiber = trale_fiber_spawn(*state, keeps, &keeper);
    let_run(*state);
    trale_abort(fiber);
    assert_int_equal(trale_join(fiber), -ECANCELED);
    assert_int_equal(trale_run(*state), 0); /* the other task has ended too */
    assert_int_equal(keeper.first, -ECANCELED);
    assert_int_equal(keeper.second, -ECANCELED);

    trale_semaphore_release(&semaphore, 1);
    fiber = trale_fiber_spawn(*state, keeps, &keeper);
    assert_int_equal(trale_join(fiber), 0);
    assert_int_equal(keeper.first, 42);
    assert_int_equal(keeper.second, 42);
}

/* --- several that wait -------------------------------------------------------------------------------------------- */

#define N_WAITERS 20

static void test_tasks_that_await_one_task_are_woken_in_order(void **state)
{
    struct trale_semaphore semaphore = TRALE_SEMAPHORE(0);
    _Atomic int n_done = 0;
    int places[N_WAITERS], n_dropped = 0;
    struct trale_task *task = trale_spawn(*state, held, .semaphore = &semaphore), *waiters[N_WAITERS];
    for (int i = 0; i < N_WAITERS; i++)
        waiters[i] = trale_spawn(*state, waiter, .task = trale_task_clone(task), .n_done = &n_done,
                                 .place = &places[i]);
    let_run(*state);
    /* The first, the last, and some between them are dropped. */
    for (int i = 0; i < N_WAITERS; i++)
        if (i == 0 || i % 5 == 3 || i == N_WAITERS - 1)
            trale_abort(waiters[i]);
    let_run(*state);
    trale_semaphore_release(&semaphore, 1);
    assert_int_equal(trale_join(task), 42);
    for (int i = 0; i < N_WAITERS; i++) {
        bool is_dropped = i == 0 || i % 5 == 3 || i == N_WAITERS - 1;
        assert_int_equal(trale_join(waiters[i]), is_dropped ? -ECANCELED : 42);
        if (!is_dropped)
            assert_int_equal(places[i], i - n_dropped);
        n_dropped += is_dropped;
    }
    assert_int_equal(n_done, N_WAITERS - n_dropped);
}

static void test_futures_elsewhere_are_woken_once_or_taken_back(void **state)
{
    struct trale_semaphore semaphore = TRALE_SEMAPHORE(0);
    struct trale_task *task = trale_spawn(*state, held, .semaphore = &semaphore);
    struct trale_join_future joins[5];
    struct bell bells[5] = {0}, other = {0};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(poll_with(trale_join_by_ref(&joins[i], task), &bells[i]), TRALE_PENDING);
        assert_int_equal(poll_with(&joins[i].future, &bells[i]), TRALE_PENDING);
        assert_int_equal(bells[i].n_clones, 1);
    }
    trale_future_drop(&joins[0].future);
    trale_future_drop(&joins[2].future);
    assert_int_equal(poll_with(&joins[3].future, &other), TRALE_PENDING);
    trale_semaphore_release(&semaphore, 1);
    assert_int_equal(trale_join(task), 42);
    assert_int_equal(trale_run(*state), 0);
    while (other.n_wakes == 0 || bells[1].n_wakes == 0 || bells[4].n_wakes == 0)
        ; /* the result is there before the wakes */
    trale_future_drop(&joins[4].future);
    assert_int_equal(poll_with(&joins[1].future, &bells[1]), 42);
    assert_int_equal(poll_with(&joins[3].future, &bells[3]), 42);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(bells[i].n_clones, 0);
        assert_int_equal(bells[i].n_wakes, i == 1 || i == 4);
    }
    assert_int_equal(other.n_clones, 0);
    assert_int_equal(other.n_wakes, 1);
}

/* --- at random, from three runtimes ------------------------------------------------------------------------------- */

#define N_ROUNDS 60
#define N_TARGETS 24
#define N_RUNTIMES 3

static uint32_t random_next(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

struct side {
    pthread_t thread;
    struct trale *runtime;
    struct trale_task *targets[N_TARGETS]; /* clones of its own */
    uint32_t seed;
    _Atomic int *n_results;
};

/* Spawns tasks that await the targets, aborts some of them at once, some after a turn, and joins all of them. */
static void *side_run(void *data)
{
    struct side *side = data;
    struct trale_task *waiters[N_TARGETS];
    for (int i = 0; i < N_TARGETS; i++)
        waiters[i] = trale_spawn(side->runtime, waiter, .task = trale_task_clone(side->targets[i]),
                                 .n_done = side->n_results);
    for (int i = 0; i < N_TARGETS; i++) {
        uint32_t what = random_next(&side->seed) % 6;
        if (what == 0)
            trale_abort(waiters[i]);
        if (what == 1)
            trale_abort(side->targets[i]);
        if (what == 2)
            let_run(side->runtime);
        if (what == 3)
            assert_true(trale_join(side->targets[i]) != TRALE_PENDING);
        else
            trale_detach(side->targets[i]);
    }
    for (int i = 0; i < N_TARGETS; i++) {
        int64_t result = trale_join(waiters[i]);
        assert_true(result == 42 || result == -ECANCELED);
    }
    return NULL;
}

static void test_any_number_of_joins_from_three_runtimes_free_each_task_once(void **state)
{
    struct side sides[N_RUNTIMES] = {{.runtime = *state}};
    uint32_t seed = 20261126;
    print_message("seed %u\n", seed);
    for (int i = 1; i < N_RUNTIMES; i++)
        sides[i].runtime = test_open("", "");
    for (int round = 0; round < N_ROUNDS; round++) {
        struct trale_semaphore semaphore = TRALE_SEMAPHORE(0);
        _Atomic int n_results = 0, n_cleanups = 0;
        for (int i = 0; i < N_TARGETS; i++) {
            struct trale_task *target = trale_spawn(*state, held, .semaphore = &semaphore, .n_cleanups = &n_cleanups);
            for (int j = 0; j < N_RUNTIMES; j++)
                sides[j].targets[i] = trale_task_clone(target);
            trale_detach(target);
        }
        for (int i = 0; i < N_RUNTIMES; i++) {
            sides[i].seed = random_next(&seed);
            sides[i].n_results = &n_results;
            assert_int_equal(pthread_create(&sides[i].thread, NULL, side_run, &sides[i]), 0);
        }
        trale_semaphore_release(&semaphore, N_TARGETS);
        /* With threads = 0 the targets are polled by those that join them; so that all of them end, here as well. */
        assert_int_equal(trale_run(*state), 0);
        for (int i = 0; i < N_RUNTIMES; i++)
            assert_int_equal(pthread_join(sides[i].thread, NULL), 0);
        assert_int_equal(trale_run(*state), 0);
        assert_int_equal(n_cleanups, N_TARGETS);
    }
    for (int i = 1; i < N_RUNTIMES; i++)
        assert_int_equal(trale_close(sides[i].runtime), 0);
}

static int open_runtime(void **state)
{
    *state = test_open("", "");
    return 0;
}

static int close_runtime(void **state)
{
    return trale_close(*state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_handle_gets_the_result),
        cmocka_unit_test(test_one_handle_is_joined_while_another_aborts),
        cmocka_unit_test(test_handles_outlive_the_runtime),
        cmocka_unit_test(test_a_fiber_that_is_cancelled_can_still_abort_the_task_that_it_awaited),
        cmocka_unit_test(test_tasks_that_await_one_task_are_woken_in_order),
        cmocka_unit_test(test_futures_elsewhere_are_woken_once_or_taken_back),
        cmocka_unit_test(test_any_number_of_joins_from_three_runtimes_free_each_task_once),
    };
    return cmocka_run_group_tests(tests, open_runtime, close_runtime);
}
