/* SPDX-License-Identifier: MIT
 *
 * Runtimes whose tasks block on each other: cycles are refused, and groups of them close. One runtime of each ring or
 * group is in the thread layout that the environment names, and the others in each of the three. */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

#include <trale/blocking.h>
#include <trale/sync.h>

#include "tests/support.h"

#define N_RUNTIMES_MAX 4

static struct trale *open_layout(int n_threads)
{
    char text[512];
    struct trale *runtime = NULL;
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = blocking\nthreads = %d\ndrivers_folder = %s\n[driver:blocking]\npath = "
             "blocking.so\n",
             n_threads, TEST_DRIVERS);
    assert_int_equal(trale_open(&runtime, &(struct trale_options){.config_text = text}), 0);
    return runtime;
}

struct answer {
    struct trale_future future;
};

trale_async(answer)
{
    trale_begin();
    trale_return(7);
}

/* --- rings -------------------------------------------------------------------------------------------------------- */

enum means { BY_BLOCK_ON, BY_JOIN, BY_RUN, BY_STATS, N_MEANS };

struct ring {
    size_t n;
    struct trale *runtimes[N_RUNTIMES_MAX];
    enum means means;
    _Atomic size_t n_begun;
    _Atomic int n_refused, n_answered;
};

static int64_t ask(struct trale *runtime, enum means means)
{
    struct answer answer;
    struct trale_stats stats;
    struct trale_task *task;
    int64_t r;
    switch (means) {
    case BY_BLOCK_ON:
        return trale_block_on(runtime, trale_call(answer, &answer));
    case BY_JOIN:
        task = trale_spawn(runtime, answer, .future.at = NULL);
        r = trale_join(task);
        if (r == -EDEADLK)
            trale_detach(task);
        return r;
    case BY_RUN:
        return trale_run(runtime);
    default:
        return trale_stats(runtime, &stats);
    }
}

/* Blocks on the next runtime when all of the ring are inside such a task. */
struct link {
    struct trale_future future;
    struct ring *ring;
    size_t place;
};

trale_async(link)
{
    trale_begin();
    struct ring *ring = self->ring;
    ring->n_begun++;
    while (ring->n_begun < ring->n)
        sched_yield();
    int64_t r = ask(ring->runtimes[(self->place + 1) % ring->n], ring->means);
    ring->n_refused += r == -EDEADLK;
    ring->n_answered += r >= 0;
    trale_return(r);
}

struct join {
    struct trale_task *task;
    int64_t result;
};

static void *join_task(void *data)
{
    struct join *join = data;
    join->result = trale_join(join->task);
    return NULL;
}

static void assert_ring_is_broken_once(struct ring *ring)
{
    pthread_t threads[N_RUNTIMES_MAX];
    struct join joins[N_RUNTIMES_MAX];
    ring->n_begun = 0;
    ring->n_refused = ring->n_answered = 0;
    for (size_t i = 0; i < ring->n; i++) {
        joins[i].task = trale_spawn(ring->runtimes[i], link, .ring = ring, .place = i);
        assert_int_equal(pthread_create(&threads[i], NULL, join_task, &joins[i]), 0);
    }
    for (size_t i = 0; i < ring->n; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(ring->n_refused, 1);
    assert_int_equal(ring->n_answered, ring->n - 1);
}

/* By trale_run each waits until its neighbour has no task left, which is never while that waits in turn. */
static void test_of_tasks_that_block_in_a_ring_of_runtimes_one_is_refused(void **state)
{
    (void)state;
    for (int other = 0; other <= 2; other++) {
        for (size_t n = 2; n <= N_RUNTIMES_MAX; n++) {
            struct ring ring = {.n = n};
            for (size_t i = 0; i < n; i++)
                ring.runtimes[i] = open_layout(i == 0 ? test_threads() : other);
            for (int round = 0; round < 5; round++)
                for (ring.means = 0; ring.means < N_MEANS; ring.means++)
                    assert_ring_is_broken_once(&ring);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(trale_close(ring.runtimes[i]), 0);
        }
    }
}

/* --- no ring ------------------------------------------------------------------------------------------------------ */

/* Blocks on the other runtime again and again, which answers by tasks that await nothing of this one. */
struct asker {
    struct trale_future future;
    struct trale *other;
    int n_asked;
};

trale_async(asker)
{
    trale_begin();
    for (; self->n_asked < 200; self->n_asked++) {
        int64_t r = ask(self->other, BY_JOIN);
        if (r != 7)
            trale_return(r);
        trale_yield();
    }
    trale_return(0);
}

/* Its runtime waits, at times, for the one that the asker waits for. */
static void test_waits_that_make_no_ring_are_never_refused(void **state)
{
    (void)state;
    for (int other = 0; other <= 2; other++) {
        struct trale *first = open_layout(test_threads()), *second = open_layout(1), *third = open_layout(other);
        struct join joins[2] = {{.task = trale_spawn(first, asker, .other = second)},
                                {.task = trale_spawn(second, asker, .other = third)}};
        pthread_t threads[2];
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, join_task, &joins[i]), 0);
        for (int i = 0; i < 2; i++) {
            pthread_join(threads[i], NULL);
            assert_int_equal(joins[i].result, 0);
        }
        assert_int_equal(trale_close(first), 0);
        assert_int_equal(trale_close(second), 0);
        assert_int_equal(trale_close(third), 0);
    }
}

/* Blocks on the next runtime, and so on, all on one thread. The last task waits until it may go on. */
#define N_NESTED 40

struct nested {
    struct trale_future future;
    struct trale **runtimes;
    size_t n_runtimes;
    sem_t *begun, *go;
};

trale_async(nested)
{
    struct nested next = {.n_runtimes = 0};
    trale_begin();
    if (self->n_runtimes == 0) {
        sem_post(self->begun);
        while (sem_wait(self->go) < 0)
            ;
        trale_return(7);
    }
    trale_return(trale_block_on(self->runtimes[0],
                                trale_call(nested, &next, .runtimes = self->runtimes + 1,
                                           .n_runtimes = self->n_runtimes - 1, .begun = self->begun, .go = self->go)));
}

struct hasty_closer {
    struct trale_future future;
    struct trale *runtime;
};

trale_async(hasty_closer)
{
    trale_begin();
    trale_return(trale_close_within(self->runtime, 0));
}

/* However many waits nest on a thread, each of them is looked at once to find that another wait closes no cycle. */
static void test_a_wait_for_the_outermost_of_many_runtimes_that_nest_is_allowed_at_once(void **state)
{
    (void)state;
    struct trale *runtimes[N_NESTED];
    sem_t begun, go;
    pthread_t thread;
    struct hasty_closer closer;
    sem_init(&begun, 0, 0);
    sem_init(&go, 0, 0);
    for (size_t i = 0; i < N_NESTED; i++)
        runtimes[i] = open_layout(0);
    struct trale *other = open_layout(test_threads());
    struct join join = {.task = trale_spawn(runtimes[0], nested, .runtimes = runtimes + 1, .n_runtimes = N_NESTED - 1,
                                            .begun = &begun, .go = &go)};
    assert_int_equal(pthread_create(&thread, NULL, join_task, &join), 0);
    sem_wait(&begun);
    assert_int_equal(trale_block_on(other, trale_call(hasty_closer, &closer, .runtime = runtimes[0])), -ETIMEDOUT);
    sem_post(&go);
    pthread_join(thread, NULL);
    assert_int_equal(join.result, 7);
    assert_int_equal(trale_close(other), 0);
    for (size_t i = 0; i < N_NESTED; i++)
        assert_int_equal(trale_close(runtimes[i]), 0);
}

/* --- closing by way of another runtime ---------------------------------------------------------------------------- */

struct closer {
    struct trale_future future;
    struct trale *runtime;
};

trale_async(closer)
{
    trale_begin();
    trale_return(trale_close(self->runtime));
}

struct indirect {
    struct trale_future future;
    struct trale *other;
};

trale_async(indirect)
{
    struct closer closer;
    trale_begin();
    trale_return(trale_block_on(self->other, trale_call(closer, &closer, .runtime = cx->runtime)));
}

static int64_t close_indirectly(void *data)
{
    struct trale **runtimes = data;
    struct closer closer;
    return trale_block_on(runtimes[1], trale_call(closer, &closer, .runtime = runtimes[0]));
}

static void test_a_runtime_is_not_closed_by_a_task_that_it_waits_for(void **state)
{
    (void)state;
    for (int other = 0; other <= 2; other++) {
        struct trale *runtimes[2] = {open_layout(test_threads()), open_layout(other)};
        struct trale_blocking work;
        assert_int_equal(trale_join(trale_spawn(runtimes[0], indirect, .other = runtimes[1])), -EDEADLK);
        assert_int_equal(trale_block_on(runtimes[0], trale_blocking(&work, close_indirectly, runtimes, NULL)),
                         -EDEADLK);
        /* A task of another runtime may close one that does not wait for it. */
        assert_int_equal(trale_join(trale_spawn(runtimes[1], closer, .runtime = runtimes[0])), 0);
        assert_int_equal(trale_close(runtimes[1]), 0);
    }
}

/* --- groups ------------------------------------------------------------------------------------------------------- */

#define N_INSTANCES 3

static struct trale_semaphore never = TRALE_SEMAPHORE(0);

struct waiter {
    struct trale_future future;
    struct trale_semaphore_acquire acquire;
};

trale_async(waiter)
{
    trale_begin();
    trale_await(trale_semaphore_acquire(&self->acquire, &never, 1));
    trale_return(trale_result());
}

/* Blocks on a task of another runtime that never ends, in its poll or in its cleanup function. */
struct blocker {
    struct trale_future future;
    struct trale_semaphore_acquire acquire;
    struct trale *other;
    bool in_cleanup;
    _Atomic int *n_begun;
    int64_t *result;
};

static void blocker_block(struct blocker *self)
{
    struct trale_task *task = trale_spawn(self->other, waiter, .future.at = NULL);
    ++*self->n_begun;
    *self->result = trale_join(task);
    if (*self->result == -EDEADLK)
        trale_detach(task); /* it was not taken */
}

static void blocker_close(struct blocker *self)
{
    if (self->in_cleanup)
        blocker_block(self);
}

trale_async_with(blocker, blocker_close)
{
    trale_begin();
    if (!self->in_cleanup)
        blocker_block(self);
    else
        ++*self->n_begun;
    trale_await(trale_semaphore_acquire(&self->acquire, &never, 1));
    trale_return(trale_result());
}

static void close_with_blockers(const size_t others[N_INSTANCES], bool in_cleanup)
{
    char text[128];
    struct trale_group *group;
    _Atomic int n_begun = 0;
    int n_blockers = 0;
    int64_t results[N_INSTANCES];
    struct answer answer;
    snprintf(text, sizeof text, "[runtime]\ndrivers =\nthreads = %d\ninstances = %d\n", test_threads(), N_INSTANCES);
    assert_int_equal(trale_group_open(&group, &(struct trale_options){.config_text = text}), 0);
    for (size_t i = 0; i < N_INSTANCES; i++) {
        results[i] = 1;
        if (others[i] == i)
            continue;
        n_blockers++;
        trale_detach(trale_spawn(trale_group_runtime(group, i), blocker, .other = trale_group_runtime(group, others[i]),
                                 .in_cleanup = in_cleanup, .n_begun = &n_begun, .result = &results[i]));
        if (test_threads() == 0)
            assert_int_equal(trale_block_on(trale_group_runtime(group, i), trale_call(answer, &answer)), 7);
    }
    while (n_begun < n_blockers)
        sched_yield();
    assert_int_equal(trale_group_close(group), 0);
    for (size_t i = 0; i < N_INSTANCES; i++)
        if (others[i] != i)
            assert_true(results[i] == -ECANCELED || results[i] == -EDEADLK);
}

/* Whichever runtimes wait for whichever others, rings included. */
static void test_a_group_closes_while_its_runtimes_wait_for_each_other(void **state)
{
    (void)state;
    for (size_t a = 0; a < N_INSTANCES; a++)
        for (size_t b = 0; b < N_INSTANCES; b++)
            for (size_t c = 0; c < N_INSTANCES; c++) {
                if (test_threads() > 0)
                    close_with_blockers((size_t[]){a, b, c}, false);
                close_with_blockers((size_t[]){a, b, c}, true);
            }
}

struct staller {
    struct trale_future future;
    const _Atomic bool *go;
    _Atomic int *n_begun;
};

trale_async(staller)
{
    trale_begin();
    ++*self->n_begun;
    while (!*self->go)
        sched_yield();
    trale_return(7);
}

static void test_a_group_that_does_not_close_in_time_can_be_closed_again(void **state)
{
    (void)state;
    if (test_threads() == 0)
        return; /* no task is in its poll while the group closes */
    char text[128];
    struct trale_group *group;
    _Atomic int n_begun = 0;
    _Atomic bool go = false;
    struct test_log log = {.length = 0};
    snprintf(text, sizeof text, "[runtime]\ndrivers =\nthreads = %d\ninstances = %d\n", test_threads(), N_INSTANCES);
    assert_int_equal(
        trale_group_open(&group, &(struct trale_options){.config_text = text, .log = test_log_write, .log_data = &log}),
        0);
    struct trale_task *task = trale_spawn(trale_group_runtime(group, 1), staller, .go = &go, .n_begun = &n_begun);
    while (n_begun == 0)
        sched_yield();
    assert_int_equal(trale_group_close_within(group, TRALE_MILLISECOND), -ETIMEDOUT);
    assert_int_equal(trale_group_close_within(group, 0), -ETIMEDOUT);
    assert_non_null(strstr(log.text, "not closed in time"));
    go = true;
    assert_int_equal(trale_group_close_within(group, 100 * TRALE_SECOND), 0);
    assert_int_equal(trale_join(task), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of_tasks_that_block_in_a_ring_of_runtimes_one_is_refused),
        cmocka_unit_test(test_waits_that_make_no_ring_are_never_refused),
        cmocka_unit_test(test_a_wait_for_the_outermost_of_many_runtimes_that_nest_is_allowed_at_once),
        cmocka_unit_test(test_a_runtime_is_not_closed_by_a_task_that_it_waits_for),
        cmocka_unit_test(test_a_group_closes_while_its_runtimes_wait_for_each_other),
        cmocka_unit_test(test_a_group_that_does_not_close_in_time_can_be_closed_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
