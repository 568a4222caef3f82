/* SPDX-License-Identifier: MIT
 *
 * The driver for functions that block, through the runtime, in the thread layout that the environment names. The
 * functions wait for semaphores, and the test waits for them by semaphores: nothing depends on how fast anything is. */
#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include <trale/blocking.h>

#include "tests/support.h"

#define TEST_BLOCKING "[driver:blocking]\npath = blocking.so\n"

/* --- what the functions are given --------------------------------------------------------------------------------- */

/* In a test's own memory, for it outlives the runtime's calls. */
struct errand {
    sem_t begun, go, released;
    _Atomic int n_runs, n_releases;
    int order;            /* the how-manieth it was */
    sem_t *release_posts; /* may be NULL */
    int64_t result;
};

static _Atomic int n_errands;

static void errand_init(struct errand *errand)
{
    *errand = (struct errand){0};
    sem_init(&errand->begun, 0, 0);
    sem_init(&errand->go, 0, 0);
    sem_init(&errand->released, 0, 0);
}

/* Says that it has begun, and goes on when the test lets it. */
static int64_t errand_run(void *data)
{
    struct errand *errand = data;
    errand->order = ++n_errands;
    sem_post(&errand->begun);
    sem_wait(&errand->go);
    errand->n_runs++;
    return errand->result;
}

static void errand_release(void *data)
{
    struct errand *errand = data;
    errand->n_releases++;
    if (errand->release_posts != NULL)
        sem_post(errand->release_posts);
    sem_post(&errand->released);
}

/* --- tasks -------------------------------------------------------------------------------------------------------- */

struct turn {
    struct trale_future future;
};

trale_async(turn)
{
    trale_begin();
    trale_return(0);
}

/* When it returns, every task that was spawned before has been polled. */
static void let_tasks_begin(struct trale *runtime)
{
    struct turn turn;
    assert_int_equal(trale_block_on(runtime, trale_call(turn, &turn)), 0);
}

struct call {
    struct trale_future future;
    struct trale_blocking work;
    struct errand *errand;
    void **data_left; /* where to say what work.data is at the end */
};

static void call_close(struct call *self)
{
    if (self->data_left != NULL)
        *self->data_left = self->work.data;
}

trale_async_with(call, call_close)
{
    trale_begin();
    trale_await(trale_blocking(&self->work, errand_run, self->errand, errand_release));
    trale_return(trale_result());
}

/* Spawns one that is queued, or runs, when this returns. */
static struct trale_task *begin_call(struct trale *runtime, struct errand *errand, void **data_left)
{
    errand_init(errand);
    struct trale_task *task = trale_spawn(runtime, call, .errand = errand, .data_left = data_left);
    let_tasks_begin(runtime);
    return task;
}

static struct trale *open_pool(int n_threads)
{
    char sections[128];
    snprintf(sections, sizeof sections, TEST_TIMER TEST_BLOCKING "threads = %d\n", n_threads);
    return test_open("timer, blocking", sections);
}

/* Threads of pools, by their name. */
static int count_pool_threads(void)
{
    DIR *folder = opendir("/proc/self/task");
    int n = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[300], name[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL)
            continue;
        n += fgets(name, sizeof name, file) != NULL && strcmp(name, "trale-blocking\n") == 0;
        fclose(file);
    }
    closedir(folder);
    return n;
}

/* --- calls -------------------------------------------------------------------------------------------------------- */

struct place {
    pthread_t thread;
    bool all_blocked;
};

static int64_t look_around(void *data)
{
    struct place *place = data;
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    place->thread = pthread_self();
    place->all_blocked = sigismember(&mask, SIGTERM) && sigismember(&mask, SIGCHLD) && sigismember(&mask, SIGRTMAX);
    return 42;
}

struct look {
    struct trale_future future;
    struct trale_blocking work;
    struct place *place;
    pthread_t executor;
};

trale_async(look)
{
    trale_begin();
    self->executor = pthread_self();
    trale_await(trale_blocking(&self->work, look_around, self->place, NULL));
    if (self->work.data != self->place || pthread_equal(self->place->thread, self->executor))
        trale_return(-EXDEV);
    trale_return(trale_result());
}

static void test_a_function_runs_on_another_thread_and_leaves_its_data(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a function that blocks runs on the thread that polls, for there is no other");
    struct trale *runtime = open_pool(4);
    struct place place = {0};
    assert_int_equal(trale_join(trale_spawn(runtime, look, .place = &place)), 42);
    assert_false(pthread_equal(place.thread, pthread_self()));
    assert_true(place.all_blocked);
    assert_int_equal(trale_close(runtime), 0);
}

struct poster {
    struct trale_future future;
    sem_t *semaphore;
};

trale_async(poster)
{
    trale_begin();
    sem_post(self->semaphore);
    trale_return(0);
}

static void test_tasks_go_on_while_a_function_blocks(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a function that blocks runs to its end before any task goes on");
    struct trale *runtime = open_pool(1);
    struct errand errand;
    void *data_left = NULL;
    struct trale_task *task = begin_call(runtime, &errand, &data_left);
    trale_detach(trale_spawn(runtime, poster, .semaphore = &errand.go));
    assert_int_equal(trale_join(task), 0);
    assert_int_equal(errand.n_runs, 1);
    assert_int_equal(errand.n_releases, 0); /* resolved, it is the caller's */
    assert_ptr_equal(data_left, &errand);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(errand.n_releases, 0);
}

static void test_errors_are_results_and_pending_is_none(void **state)
{
    (void)state;
    struct trale *runtime = open_pool(1);
    const int64_t returned[] = {0, INT64_MAX, -ENOENT, INT64_MIN + 1, TRALE_PENDING};
    const int64_t wanted[] = {0, INT64_MAX, -ENOENT, INT64_MIN + 1, -EPROTO};
    for (size_t i = 0; i < sizeof returned / sizeof returned[0]; i++) {
        struct errand errand;
        struct trale_blocking work;
        errand_init(&errand);
        errand.result = returned[i];
        sem_post(&errand.go);
        assert_int_equal(trale_block_on(runtime, trale_blocking(&work, errand_run, &errand, NULL)), wanted[i]);
        assert_ptr_equal(work.data, &errand);
    }
    assert_int_equal(trale_close(runtime), 0);
}

static void test_as_many_run_at_once_as_there_are_threads_and_the_rest_in_turn(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a function that blocks runs to its end before any task goes on");
    struct trale *runtime = open_pool(3);
    struct errand errands[10];
    struct trale_task *tasks[10];
    n_errands = 0;
    for (int i = 0; i < 3; i++) {
        tasks[i] = begin_call(runtime, &errands[i], NULL);
        sem_wait(&errands[i].begun);
    }
    for (int i = 3; i < 10; i++)
        tasks[i] = begin_call(runtime, &errands[i], NULL);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(n_errands, i < 7 ? i + 3 : 10);
        sem_post(&errands[i].go);
        assert_int_equal(trale_join(tasks[i]), 0);
        if (i + 3 < 10)
            sem_wait(&errands[i + 3].begun);
    }
    for (int i = 0; i < 10; i++)
        assert_int_equal(errands[i].order, i + 1);
    assert_int_equal(trale_close(runtime), 0);
}

/* Runs first: a thread that was joined may still be seen for a moment. */
static void test_threads_are_made_when_they_are_needed_and_kept(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a function that blocks runs on the thread that polls, for there is no other");
    struct trale *runtime = open_pool(2);
    struct errand errands[3];
    struct trale_task *tasks[3];
    assert_int_equal(count_pool_threads(), 0);
    for (int i = 0; i < 3; i++) {
        tasks[i] = begin_call(runtime, &errands[i], NULL);
        if (i < 2)
            sem_wait(&errands[i].begun);
        assert_int_equal(count_pool_threads(), i < 2 ? i + 1 : 2);
    }
    for (int i = 0; i < 3; i++) {
        sem_post(&errands[i].go);
        assert_int_equal(trale_join(tasks[i]), 0);
    }
    assert_int_equal(count_pool_threads(), 2);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_idle_threads_are_used_again(void **state)
{
    (void)state;
    enum { N = 200 };
    struct trale *runtime = open_pool(256);
    int before = count_pool_threads();
    for (int i = 0; i < N; i++) {
        struct errand errand;
        struct trale_task *task = begin_call(runtime, &errand, NULL);
        sem_post(&errand.go);
        assert_int_equal(trale_join(task), 0);
    }
    /* Whether one was idle again in time is not certain each time, but it is not always too late. */
    assert_true(count_pool_threads() - before < N);
    assert_int_equal(trale_close(runtime), 0);
}

static int64_t join_a_task(void *runtime)
{
    return trale_join(trale_spawn(runtime, turn)) + 7;
}

static void test_a_function_may_wait_for_a_task(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a function that blocks runs on the thread that polls, for there is no other");
    struct trale *runtime = open_pool(2);
    struct trale_blocking work;
    for (int i = 0; i < 100; i++)
        assert_int_equal(trale_block_on(runtime, trale_blocking(&work, join_a_task, runtime, NULL)), 7);
    assert_int_equal(trale_close(runtime), 0);
}

/* --- giving up ---------------------------------------------------------------------------------------------------- */

static void test_dropped_before_it_has_begun_it_never_does(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a function that blocks runs to its end before any task goes on");
    struct trale *runtime = open_pool(1);
    struct errand first, second, third;
    void *data_left = &first;
    struct trale_task *running = begin_call(runtime, &first, NULL);
    sem_wait(&first.begun);
    struct trale_task *queued = begin_call(runtime, &second, &data_left);
    struct trale_task *last = begin_call(runtime, &third, NULL);
    trale_abort(queued);
    assert_int_equal(trale_join(queued), -ECANCELED);
    assert_int_equal(second.n_releases, 1); /* the drop has done it */
    assert_null(data_left);
    sem_post(&first.go);
    sem_post(&third.go);
    assert_int_equal(trale_join(running), 0);
    assert_int_equal(trale_join(last), 0);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(second.n_runs, 0);
    assert_int_equal(second.n_releases, 1);
    assert_int_equal(first.n_releases + third.n_releases, 0);
}

static void test_dropped_while_it_runs_it_ends_and_is_released_then(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a function that blocks runs to its end before any task goes on");
    struct trale *runtime = open_pool(1);
    struct errand errand;
    void *data_left = &errand;
    struct trale_task *task = begin_call(runtime, &errand, &data_left);
    sem_wait(&errand.begun);
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
    assert_null(data_left);
    assert_int_equal(errand.n_releases, 0); /* it is still at it */
    sem_post(&errand.go);
    sem_wait(&errand.released);
    assert_int_equal(errand.n_runs, 1);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(errand.n_releases, 1);
}

struct limited {
    struct trale_future future;
    struct trale_blocking work;
    struct trale_timeout timeout;
    struct errand *errand;
};

trale_async(limited)
{
    trale_begin();
    trale_await(trale_timeout(&self->timeout, trale_blocking(&self->work, errand_run, self->errand, errand_release),
                              TRALE_MILLISECOND));
    trale_return(trale_result());
}

static void test_a_timeout_gives_up_on_a_function(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a function that blocks runs to its end before any task goes on");
    struct trale *runtime = open_pool(1);
    struct errand errand;
    errand_init(&errand);
    assert_int_equal(trale_join(trale_spawn(runtime, limited, .errand = &errand)), -ETIMEDOUT);
    sem_post(&errand.go);
    sem_wait(&errand.released);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(errand.n_releases, 1);
}

static void test_closing_drops_what_is_queued_and_waits_for_what_runs(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a function that blocks runs to its end before any task goes on");
    struct trale *runtime = open_pool(1);
    struct errand running, queued;
    struct trale_task *first = begin_call(runtime, &running, NULL);
    sem_wait(&running.begun);
    struct trale_task *second = begin_call(runtime, &queued, NULL);
    queued.release_posts = &running.go; /* so the one that runs can only end once closing has begun */
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(running.n_runs, 1);
    assert_int_equal(running.n_releases, 1);
    assert_int_equal(queued.n_runs, 0);
    assert_int_equal(queued.n_releases, 1);
    assert_int_equal(trale_join(first), -ECANCELED);
    assert_int_equal(trale_join(second), -ECANCELED);
}

static void test_a_future_that_was_never_polled_releases_when_it_is_dropped(void **state)
{
    (void)state;
    struct errand errand;
    struct trale_blocking work;
    errand_init(&errand);
    trale_future_drop(trale_blocking(&work, errand_run, &errand, errand_release));
    assert_int_equal(errand.n_releases, 1);
    assert_null(work.data);
    trale_future_drop(trale_blocking(&work, errand_run, &errand, NULL));
    assert_int_equal(errand.n_releases, 1);
}

/* What a user's frame looks like: the cleanup function frees what the driver does not. */
struct parcel {
    int64_t value;
};

static _Atomic int n_made, n_freed;

static int64_t parcel_double(void *data)
{
    struct parcel *parcel = data;
    parcel->value *= 2;
    return parcel->value;
}

static void parcel_free(void *data)
{
    n_freed += data != NULL;
    free(data);
}

struct sender {
    struct trale_future future;
    struct trale_blocking work;
    int64_t value;
};

static void sender_close(struct sender *self)
{
    parcel_free(self->work.data);
}

trale_async_with(sender, sender_close)
{
    trale_begin();
    struct parcel *parcel = malloc(sizeof *parcel);
    if (parcel == NULL)
        trale_return(-ENOMEM);
    parcel->value = self->value;
    n_made++;
    trale_await(trale_blocking(&self->work, parcel_double, parcel, parcel_free));
    trale_yield();
    trale_return(trale_result() == ((struct parcel *)self->work.data)->value ? trale_result() : -EBADMSG);
}

static void test_whenever_they_are_dropped_data_is_freed_once(void **state)
{
    (void)state;
    enum { N = 2000, AT_ONCE = 50 };
    struct trale *runtime = open_pool(3);
    struct trale_task *tasks[AT_ONCE];
    unsigned seed = 11;
    int n_done = 0;
    n_made = n_freed = 0;
    for (int round = 0; round < N / AT_ONCE; round++) {
        for (int i = 0; i < AT_ONCE; i++)
            tasks[i] = trale_spawn(runtime, sender, .value = i);
        for (int i = 0; i < AT_ONCE; i++) {
            seed = seed * 1103515245 + 12345;
            if ((seed >> 16) % 3 == 0)
                let_tasks_begin(runtime);
            if ((seed >> 20) % 2 == 0)
                trale_abort(tasks[(seed >> 24) % AT_ONCE]);
        }
        for (int i = 0; i < AT_ONCE; i++) {
            int64_t result = trale_join(tasks[i]);
            assert_true(result == 2 * i || result == -ECANCELED);
            n_done += result == 2 * i;
        }
    }
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(n_made, n_freed);
    assert_in_range(n_made, n_done, N);
    assert_in_range(n_done, 1, N);
}

/* --- what is refused ---------------------------------------------------------------------------------------------- */

static void test_without_the_driver_a_call_says_so(void **state)
{
    (void)state;
    struct trale *runtime = test_open("", "");
    struct errand errand;
    struct trale_blocking work;
    errand_init(&errand);
    assert_int_equal(trale_block_on(runtime, trale_blocking(&work, errand_run, &errand, errand_release)), -ENODEV);
    assert_int_equal(errand.n_releases, 0);
    assert_ptr_equal(work.data, &errand);
    assert_null(trale_pool(runtime));
    assert_int_equal(trale_close(runtime), 0);
}

/* The size that pthread_create(3) gives a thread's stack where nothing else is said; returns what it was. */
static size_t set_stack_size(size_t size)
{
    pthread_attr_t attributes;
    size_t before;
    pthread_getattr_default_np(&attributes);
    pthread_attr_getstacksize(&attributes, &before);
    assert_int_equal(pthread_attr_setstacksize(&attributes, size), 0);
    assert_int_equal(pthread_setattr_default_np(&attributes), 0);
    pthread_attr_destroy(&attributes);
    return before;
}

static void test_where_no_thread_can_be_made_a_call_fails(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a function that blocks runs on the thread that polls, for there is no other");
    const size_t too_large = (size_t)1 << 50; /* no processor addresses that much */
    struct trale *runtime = open_pool(2);
    struct errand errand, other;
    struct trale_blocking work;
    errand_init(&errand);
    const size_t usual = set_stack_size(too_large);
    int64_t result = trale_block_on(runtime, trale_blocking(&work, errand_run, &errand, errand_release));
    set_stack_size(usual);
    assert_true(result == -EAGAIN || result == -EINVAL); /* valgrind's mmap(2) says the latter */
    assert_int_equal(errand.n_runs + errand.n_releases, 0);
    assert_ptr_equal(work.data, &errand);

    /* With one thread there, what needs a second waits for it. */
    struct trale_task *first = begin_call(runtime, &errand, NULL);
    sem_wait(&errand.begun);
    set_stack_size(too_large);
    struct trale_task *second = begin_call(runtime, &other, NULL);
    set_stack_size(usual);
    sem_post(&errand.go);
    sem_post(&other.go);
    assert_int_equal(trale_join(first), 0);
    assert_int_equal(trale_join(second), 0);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_a_number_of_threads_that_cannot_be_is_refused(void **state)
{
    (void)state;
    const char *const numbers[] = {"0", "257", "-1", "many"};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char text[1024];
        struct test_log log = {0};
        snprintf(text, sizeof text, "[runtime]\ndrivers = blocking\ndrivers_folder = %s\n%sthreads = %s\n",
                 TEST_DRIVERS, TEST_BLOCKING, numbers[i]);
        struct trale *runtime;
        const struct trale_options options = {.config_text = text, .log = test_log_write, .log_data = &log};
        assert_int_equal(trale_open(&runtime, &options), -EINVAL);
        assert_non_null(strstr(log.text, "[driver:blocking] threads = "));
        assert_non_null(strstr(log.text, "1 to 256"));
    }
}

static void test_runtimes_do_not_share_threads(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a function that blocks runs to its end before any task goes on");
    struct trale *one = open_pool(1), *two = open_pool(1);
    struct errand blocked, free_one;
    struct trale_task *first = begin_call(one, &blocked, NULL);
    sem_wait(&blocked.begun);
    struct trale_task *second = begin_call(two, &free_one, NULL);
    sem_post(&free_one.go);
    assert_int_equal(trale_join(second), 0);
    assert_int_equal(trale_close(two), 0);
    sem_post(&blocked.go);
    assert_int_equal(trale_join(first), 0);
    assert_int_equal(trale_close(one), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_are_made_when_they_are_needed_and_kept),
        cmocka_unit_test(test_a_function_runs_on_another_thread_and_leaves_its_data),
        cmocka_unit_test(test_tasks_go_on_while_a_function_blocks),
        cmocka_unit_test(test_errors_are_results_and_pending_is_none),
        cmocka_unit_test(test_as_many_run_at_once_as_there_are_threads_and_the_rest_in_turn),
        cmocka_unit_test(test_idle_threads_are_used_again),
        cmocka_unit_test(test_a_function_may_wait_for_a_task),
        cmocka_unit_test(test_dropped_before_it_has_begun_it_never_does),
        cmocka_unit_test(test_dropped_while_it_runs_it_ends_and_is_released_then),
        cmocka_unit_test(test_a_timeout_gives_up_on_a_function),
        cmocka_unit_test(test_closing_drops_what_is_queued_and_waits_for_what_runs),
        cmocka_unit_test(test_a_future_that_was_never_polled_releases_when_it_is_dropped),
        cmocka_unit_test(test_whenever_they_are_dropped_data_is_freed_once),
        cmocka_unit_test(test_without_the_driver_a_call_says_so),
        cmocka_unit_test(test_where_no_thread_can_be_made_a_call_fails),
        cmocka_unit_test(test_a_number_of_threads_that_cannot_be_is_refused),
        cmocka_unit_test(test_runtimes_do_not_share_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
