/* SPDX-License-Identifier: MIT
 *
 * Fibers: bodies that wait in the middle, unwind when they are dropped, and give their stacks back, in the thread
 * layout that the environment names. */
#include <stdatomic.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <trale/fiber.h>
#include <trale/sync.h>

#include "tests/support.h"

/* --- the stacks that the kernel maps and unmaps --------------------------------------------------------------- */

/* mmap(2) is called mmap64 where offsets have 64 bits, as meson has them. */
static int n_stacks, n_mapped;
static char *last_guard, *last_bottom;
static bool mmap_fails, mprotect_fails;

void *__real_mmap64(void *address, size_t size, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *address, size_t size);
int __real_mprotect(void *address, size_t size, int protection);
void *__wrap_mmap64(void *address, size_t size, int protection, int flags, int fd, off_t offset);
int __wrap_munmap(void *address, size_t size);
int __wrap_mprotect(void *address, size_t size, int protection);

/* Enters or removes a stack; false: there is none, or there are too many to count. */
static bool change_stacks(void *from, void *to)
{
    static void *_Atomic stacks[4096];
    for (size_t i = 0; i < sizeof stacks / sizeof stacks[0]; i++) {
        void *expected = from;
        if (atomic_compare_exchange_strong(&stacks[i], &expected, to))
            return true;
    }
    return false;
}

void *__wrap_mmap64(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    if ((flags & MAP_STACK) != 0 && mmap_fails)
        return MAP_FAILED;
    void *memory = __real_mmap64(address, size, protection, flags, fd, offset);
    if ((flags & MAP_STACK) != 0) {
        last_guard = memory;
        n_stacks += change_stacks(NULL, memory);
        n_mapped++;
    }
    return memory;
}

int __wrap_munmap(void *address, size_t size)
{
    n_stacks -= change_stacks(address, NULL); /* other memory is mapped as well */
    return __real_munmap(address, size);
}

int __wrap_mprotect(void *address, size_t size, int protection)
{
    if (mprotect_fails) {
        errno = ENOMEM;
        return -1;
    }
    last_bottom = address;
    return __real_mprotect(address, size, protection);
}

/* --- a body that waits -------------------------------------------------------------------------------------------- */

/* Resolves to 0 at its `n`-th poll, having woken its task each time before. */
struct turns {
    struct trale_future future;
    int n;
    int64_t result;
    int *n_dropped;
};

static int64_t turns_poll(struct trale_future *future, struct trale_context *context)
{
    struct turns *turns = (struct turns *)(void *)future;
    if (--turns->n <= 0)
        return turns->result;
    context->waker->table->wake_by_ref(context->waker);
    return TRALE_PENDING;
}

static void turns_drop(struct trale_future *future)
{
    struct turns *turns = (struct turns *)(void *)future;
    if (turns->n_dropped != NULL)
        ++*turns->n_dropped;
}

static struct trale_future *turns(struct turns *turns, int n, int64_t result)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "turns", turns_poll, turns_drop};
    *turns = (struct turns){.future = {.type = &type}, .n = n, .result = result};
    return &turns->future;
}

/* A semaphore for which a body waits, and what the body has done. */
struct wait {
    struct trale_semaphore semaphore;
    struct trale *runtime;
    int n_begun, n_ended;
    int n_polled; /* futures that were awaited after the cancellation and polled */
    int n_dropped;
    int64_t results[4];
};

static int64_t waits(void *data)
{
    struct wait *wait = data;
    struct trale_semaphore_acquire acquire;
    wait->runtime = trale_current();
    wait->n_begun++;
    wait->results[0] = trale_fiber_await(trale_semaphore_acquire(&acquire, &wait->semaphore, 1));
    wait->n_ended++;
    return wait->results[0];
}

static int64_t run_fiber(struct trale *runtime, int64_t (*body)(void *data), void *data)
{
    struct trale_fiber fiber;
    return trale_block_on(runtime, trale_fiber(&fiber, body, data));
}

/* --- awaits -------------------------------------------------------------------------------------------------- */

static int64_t survives(void *data)
{
    volatile int64_t numbers[64];
    double sum = 0.5;
    for (int i = 0; i < 64; i++) {
        struct turns turn;
        numbers[i] = trale_fiber_await(turns(&turn, 1 + i % 3, i));
        sum += (double)i;
    }
    for (int i = 0; i < 64; i++)
        assert_int_equal(numbers[i], i);
    *(double *)data = sum;
    return 7;
}

static void test_locals_survive_awaits(void **state)
{
    double sum;
    assert_int_equal(run_fiber(*state, survives, &sum), 7);
    assert_true(sum == 2016.5);
}

static int64_t dig(int depth)
{
    struct turns turn;
    int64_t below = depth > 0 ? dig(depth - 1) : 0;
    return below + trale_fiber_await(turns(&turn, 2, depth));
}

static int64_t digs(void *data)
{
    (void)data;
    return dig(20) + dig(10);
}

static void test_an_await_works_deep_in_calls(void **state)
{
    assert_int_equal(run_fiber(*state, digs, NULL), 210 + 55);
}

static int64_t returns_at_once(void *data)
{
    return *(int *)data;
}

static void test_a_body_that_never_waits_is_a_future_that_is_ready(void **state)
{
    int result = -EPROTO;
    assert_int_equal(run_fiber(*state, returns_at_once, &result), -EPROTO);
}

/* --- many, together ----------------------------------------------------------------------------------------------- */

/* ThreadSanitizer treats each fiber as a thread, and runs out of mappings. */
#if defined __SANITIZE_THREAD__
#define N_MANY 1000
#elif defined __has_feature
#if __has_feature(thread_sanitizer)
#define N_MANY 1000
#endif
#endif
#ifndef N_MANY
#define N_MANY 10000
#endif

struct crowd {
    struct trale_future future;
    struct trale_task **tasks;
    struct wait wait;
    int n, i;
    struct trale_join_future joined;
    int64_t sum;
};

static void crowd_free(struct crowd *self)
{
    free(self->tasks);
}

trale_async_with(crowd, crowd_free)
{
    trale_begin();
    self->wait.semaphore = (struct trale_semaphore)TRALE_SEMAPHORE(0);
    for (int i = 0; i < self->n; i++)
        self->tasks[i] = trale_fiber_spawn(cx->runtime, waits, &self->wait);
    while (self->wait.n_begun < self->n)
        trale_yield();
    assert_int_equal(self->wait.n_ended, 0);
    trale_semaphore_release(&self->wait.semaphore, (uint64_t)self->n);
    for (self->i = 0; self->i < self->n; self->i++) {
        trale_await(trale_join_future(&self->joined, self->tasks[self->i]));
        assert_int_equal(trale_result(), 0);
    }
    trale_return(self->wait.n_ended);
}

static int64_t run_crowd(struct trale *runtime, int n)
{
    struct crowd crowd;
    return trale_block_on(runtime, trale_call(crowd, &crowd, .n = n, .tasks = calloc((size_t)n, sizeof(void *))));
}

static void test_thousands_of_fibers_wait_at_once(void **state)
{
    assert_int_equal(run_crowd(*state, N_MANY), N_MANY);
}

/* A fiber that awaits a fiber, and so on; the digits are the depths, in the order in which their awaits returned. */
struct nest {
    int depth;
    struct wait *wait;
    char *order;
    int64_t result;
};

static int64_t nests(void *data)
{
    struct nest *nest = data;
    struct nest inner = {nest->depth - 1, nest->wait, nest->order, 0};
    struct trale_fiber fiber;
    if (nest->depth == 0)
        nest->result = waits(nest->wait);
    else
        nest->result = trale_fiber_await(trale_fiber(&fiber, nests, &inner));
    nest->order[strlen(nest->order)] = (char)('0' + nest->depth);
    return nest->result < 0 ? nest->result : nest->result + nest->depth;
}

static void test_a_fiber_may_await_a_fiber(void **state)
{
    struct wait wait = {.semaphore = TRALE_SEMAPHORE(1)};
    char order[8] = "";
    struct nest nest = {3, &wait, order, 0};
    assert_int_equal(run_fiber(*state, nests, &nest), 6);
    assert_string_equal(order, "0123");
}

/* A frame that begins with a fiber. */
struct job {
    struct trale_fiber fiber;
    int64_t factor;
};

static int64_t works(void *data)
{
    struct turns turn;
    assert_null(data);
    struct job *job = (struct job *)(void *)trale_fiber_current();
    int64_t result = job->factor * trale_fiber_await(turns(&turn, 3, 5));
    assert_ptr_equal(trale_fiber_current(), job);
    return result;
}

static void test_a_spawned_frame_is_found_by_its_body(void **state)
{
    struct job job = {.factor = 9};
    struct trale_task *task = trale_spawn_frame(*state, trale_fiber(&job.fiber, works, NULL), sizeof job);
    assert_int_equal(trale_join(task), 45);
    assert_null(job.fiber.run);
}

/* --- cancellation ------------------------------------------------------------------------------------------------- */

static int64_t unwinds(void *data)
{
    struct wait *wait = data;
    struct trale_semaphore_acquire acquire;
    struct turns turn;
    wait->runtime = trale_current();
    wait->n_begun++;
    wait->results[0] = trale_fiber_await(trale_semaphore_acquire(&acquire, &wait->semaphore, 1));
    assert_ptr_equal(wait->semaphore.queue.waiters.next, &wait->semaphore.queue.waiters);
    wait->results[1] = trale_fiber_await(turns(&turn, 1, 4));
    turns(&turn, 1, 4);
    turn.n_dropped = &wait->n_dropped;
    wait->results[2] = trale_fiber_await(&turn.future);
    wait->n_polled += turn.n != 1;
    wait->results[3] = trale_fiber_yield();
    assert_ptr_equal(wait->runtime, trale_current());
    wait->n_ended++;
    return 0;
}

static void assert_unwound(const struct wait *wait)
{
    assert_int_equal(wait->n_begun, 1);
    assert_int_equal(wait->n_ended, 1);
    assert_int_equal(wait->n_polled, 0);
    assert_int_equal(wait->n_dropped, 1);
    for (int i = 0; i < 4; i++)
        assert_int_equal(wait->results[i], -ECANCELED);
}

/* Lets the runnable tasks run. */
static int64_t yields(void *data)
{
    for (int i = 0; i < *(int *)data; i++)
        assert_int_equal(trale_fiber_yield(), 0);
    return 0;
}

static void let_run(struct trale *runtime)
{
    int n = 3;
    assert_int_equal(run_fiber(runtime, yields, &n), 0);
}

static void test_a_fiber_that_is_aborted_unwinds_itself(void **state)
{
    struct wait wait = {.semaphore = TRALE_SEMAPHORE(0)};
    struct trale_task *task = trale_fiber_spawn(*state, unwinds, &wait);
    let_run(*state);
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
    assert_unwound(&wait);
}

static void test_closing_the_runtime_unwinds_its_fibers(void **state)
{
    (void)state;
    struct trale *runtime = test_open("", "");
    struct wait wait = {.semaphore = TRALE_SEMAPHORE(0)};
    struct trale_task *task = trale_fiber_spawn(runtime, unwinds, &wait);
    let_run(runtime);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(trale_join(task), -ECANCELED);
    assert_unwound(&wait);
}

static void test_a_fiber_dropped_before_its_first_poll_never_runs(void **state)
{
    struct wait wait = {.semaphore = TRALE_SEMAPHORE(0)};
    struct trale_fiber fiber;
    int n_before = n_mapped;
    trale_future_drop(trale_fiber(&fiber, unwinds, &wait));
    struct trale *runtime = test_open("", "");
    if (test_threads() == 0) { /* no thread polls it */
        struct trale_task *task = trale_fiber_spawn(runtime, unwinds, &wait);
        assert_int_equal(trale_close(runtime), 0);
        assert_int_equal(trale_join(task), -ECANCELED);
    } else {
        assert_int_equal(trale_close(runtime), 0);
    }
    assert_int_equal(wait.n_begun, 0);
    assert_int_equal(n_mapped, n_before);
    (void)state;
}

struct contest {
    struct trale_future future;
    struct trale_branches race;
    struct trale_branch branch[2];
    struct trale_fiber fiber[2];
    struct trale_timeout timeout;
    struct wait wait;
    int n_yields;
};

trale_async(contest)
{
    trale_begin();
    self->branch[0].future = trale_fiber(&self->fiber[0], unwinds, &self->wait);
    self->branch[1].future = trale_fiber(&self->fiber[1], yields, &self->n_yields);
    trale_await(trale_race(&self->race, self->branch, 2));
    trale_return(trale_result());
}

static void test_the_loser_of_a_race_unwinds(void **state)
{
    struct contest contest;
    assert_int_equal(
        trale_block_on(*state, trale_call(contest, &contest, .n_yields = 2, .wait.semaphore = TRALE_SEMAPHORE(0))), 1);
    assert_int_equal(contest.branch[1].result, 0);
    assert_unwound(&contest.wait);
}

static void test_a_timeout_ends_a_fiber(void **state)
{
    struct wait wait = {.semaphore = TRALE_SEMAPHORE(0)};
    struct trale_timeout timeout;
    struct trale_fiber fiber;
    assert_int_equal(
        trale_block_on(*state, trale_timeout(&timeout, trale_fiber(&fiber, unwinds, &wait), TRALE_MILLISECOND)),
        -ETIMEDOUT);
    assert_unwound(&wait);
}

static int64_t times_out(void *data)
{
    struct wait *wait = data;
    struct trale_semaphore_acquire acquire;
    struct trale_timeout timeout;
    struct trale_sleep sleep;
    for (int i = 0; i < 3; i++)
        wait->results[i] = trale_fiber_await(
            trale_timeout(&timeout, trale_semaphore_acquire(&acquire, &wait->semaphore, 1), TRALE_MILLISECOND));
    return trale_fiber_await(trale_sleep(&sleep, TRALE_MICROSECOND));
}

static void test_a_fiber_may_go_on_after_a_timeout(void **state)
{
    struct wait wait = {.semaphore = TRALE_SEMAPHORE(1)};
    assert_int_equal(run_fiber(*state, times_out, &wait), 0);
    assert_int_equal(wait.results[0], 0);
    assert_int_equal(wait.results[1], -ETIMEDOUT);
    assert_int_equal(wait.results[2], -ETIMEDOUT);
}

static void test_nested_fibers_unwind_from_the_innermost(void **state)
{
    struct wait wait = {.semaphore = TRALE_SEMAPHORE(0)};
    char order[8] = "";
    struct nest nest = {3, &wait, order, 0};
    struct trale_task *task = trale_fiber_spawn(*state, nests, &nest);
    let_run(*state);
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
    assert_string_equal(order, "0123");
    assert_int_equal(nest.result, -ECANCELED);
}

/* Joins its task on a thread of its own. With threads = 0 that thread polls the task. */
struct joiner {
    pthread_t thread;
    struct trale_task *task;
    struct wait wait;
    int64_t result;
};

static int64_t waits_again_and_again(void *data)
{
    struct wait *wait = data;
    struct trale_semaphore_acquire acquire;
    int64_t sum = 0;
    wait->n_begun++;
    for (int i = 0; i < 100; i++)
        sum += trale_fiber_await(trale_semaphore_acquire(&acquire, &wait->semaphore, 1)) + i;
    return sum;
}

static void *join_elsewhere(void *data)
{
    struct joiner *joiner = data;
    joiner->result = trale_join(joiner->task);
    return NULL;
}

static void test_a_fiber_may_go_on_on_another_thread(void **state)
{
    struct joiner joiners[4];
    for (int i = 0; i < 4; i++) {
        joiners[i] = (struct joiner){.wait.semaphore = TRALE_SEMAPHORE(0)};
        joiners[i].task = trale_fiber_spawn(*state, waits_again_and_again, &joiners[i].wait);
    }
    let_run(*state); /* with threads = 0 they begin on this thread */
    for (int i = 0; i < 4; i++)
        assert_int_equal(joiners[i].wait.n_begun, 1);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&joiners[i].thread, NULL, join_elsewhere, &joiners[i]), 0);
    for (int n = 0; n < 100; n++)
        for (int i = 0; i < 4; i++)
            trale_semaphore_release(&joiners[i].wait.semaphore, 1);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(joiners[i].thread, NULL), 0);
        assert_int_equal(joiners[i].result, 4950);
    }
}

/* A scope whose body is a fiber, with a child that fails after some turns and one that waits. */
struct family {
    struct trale_scope scope;
    struct wait wait;
    int n_yields;
};

static int64_t fails_later(void *data)
{
    struct family *family = data;
    return yields(&family->n_yields) < 0 ? -EPROTO : -EIO;
}

static int64_t has_children(void *data)
{
    struct family *family = data;
    struct trale_semaphore_acquire acquire;
    assert_int_equal(trale_scope_spawn_fiber(&family->scope, unwinds, &family->wait), 0);
    assert_int_equal(trale_scope_spawn_fiber(&family->scope, fails_later, family), 0);
    int64_t result = trale_fiber_await(trale_semaphore_acquire(&acquire, &family->wait.semaphore, 1));
    family->wait.n_polled += result != -ECANCELED;
    family->n_yields = -1;
    return result;
}

static void test_fibers_are_children_of_scopes(void **state)
{
    struct family family = {.wait.semaphore = TRALE_SEMAPHORE(0), .n_yields = 3};
    struct trale_fiber fiber;
    assert_int_equal(trale_block_on(*state, trale_scope(&family.scope, trale_fiber(&fiber, has_children, &family))),
                     -EIO);
    assert_unwound(&family.wait);
    assert_int_equal(family.n_yields, -1);
}

/* --- polled by hand ----------------------------------------------------------------------------------------------- */

static int n_wakes;

static const struct trale_waker *count_clone(const struct trale_waker *waker)
{
    return waker;
}
static void count_wake(const struct trale_waker *waker)
{
    (void)waker;
    n_wakes++;
}
static void count_drop(const struct trale_waker *waker)
{
    (void)waker;
}
static const struct trale_waker_table count_table = {count_clone, count_wake, count_wake, count_drop};
static const struct trale_waker count_waker = {&count_table};

static int64_t poll_once(struct trale_future *future, uint32_t budget)
{
    struct trale_context context = {.size = sizeof context, .abi = TRALE_ABI, .waker = &count_waker, .budget = budget};
    return trale_future_poll(future, &context);
}

/* Awaits futures that are ready, until `n` have been; remembers what each await returned. */
struct ready {
    int n, n_done;
    int64_t results[8];
};

static int64_t is_always_ready(void *data)
{
    struct ready *ready = data;
    struct turns turn;
    for (int i = 0; i < ready->n; i++) {
        ready->results[i % 8] = trale_fiber_await(turns(&turn, 1, i));
        ready->n_done++;
    }
    return ready->n_done;
}

static void test_a_fiber_takes_no_more_results_than_its_budget(void **state)
{
    (void)state;
    struct ready ready = {.n = 10};
    struct trale_fiber fiber;
    struct trale_future *future = trale_fiber(&fiber, is_always_ready, &ready);
    n_wakes = 0;
    assert_int_equal(poll_once(future, 4), TRALE_PENDING);
    assert_int_equal(ready.n_done, 4);
    assert_int_equal(n_wakes, 1);
    assert_int_equal(poll_once(future, 4), TRALE_PENDING);
    assert_int_equal(ready.n_done, 8);
    assert_int_equal(n_wakes, 2);
    assert_int_equal(poll_once(future, 4), 10);
    assert_int_equal(n_wakes, 2);
}

static void test_a_fiber_has_seen_every_result_when_it_is_dropped(void **state)
{
    (void)state;
    struct ready ready = {.n = 3};
    struct trale_fiber fiber;
    struct trale_future *future = trale_fiber(&fiber, is_always_ready, &ready);
    assert_int_equal(poll_once(future, 2), TRALE_PENDING);
    assert_int_equal(ready.n_done, 2);
    trale_future_drop(future);
    assert_int_equal(ready.n_done, 3);
    assert_int_equal(ready.results[0], 0);
    assert_int_equal(ready.results[1], 1);
    assert_int_equal(ready.results[2], -ECANCELED);
}

/* Awaits one future that is ready at its second poll, and one that is ready at once. */
static int64_t waits_a_turn(void *data)
{
    struct ready *ready = data;
    struct turns turn;
    turns(&turn, 2, 7);
    turn.n_dropped = &ready->n_done;
    ready->results[0] = trale_fiber_await(&turn.future);
    ready->results[1] = trale_fiber_await(turns(&turn, 1, 8));
    return 0;
}

static void test_a_fiber_has_seen_a_result_that_it_had_to_wait_for(void **state)
{
    (void)state;
    struct ready ready = {.n = 0};
    struct trale_fiber fiber;
    struct trale_future *future = trale_fiber(&fiber, waits_a_turn, &ready);
    assert_int_equal(poll_once(future, 1), TRALE_PENDING);
    assert_non_null(future->awaiting);
    assert_int_equal(poll_once(future, 1), TRALE_PENDING);
    assert_int_equal(ready.results[0], 7);
    trale_future_drop(future);
    assert_int_equal(ready.n_done, 0);
    assert_int_equal(ready.results[1], -ECANCELED);
}

/* Polls and drops another fiber by hand, in the middle of its own body. */
static int64_t drops_another(void *data)
{
    struct trale_fiber fiber;
    struct trale_fiber *self = trale_fiber_current();
    assert_int_equal(poll_once(trale_fiber(&fiber, unwinds, data), 32), TRALE_PENDING);
    assert_ptr_equal(trale_fiber_current(), self);
    trale_future_drop(&fiber.future);
    assert_ptr_equal(trale_fiber_current(), self);
    return trale_fiber_yield();
}

static void test_a_body_may_drop_another_fiber(void **state)
{
    struct wait wait = {.semaphore = TRALE_SEMAPHORE(0)};
    assert_int_equal(run_fiber(*state, drops_another, &wait), 0);
    assert_unwound(&wait);
}

/* Remembers the context of its last poll. */
struct witness {
    struct trale_future future;
    const struct trale_context *last;
    int n_polls;
    bool ready;
};

static int64_t witness_poll(struct trale_future *future, struct trale_context *context)
{
    struct witness *witness = (struct witness *)(void *)future;
    witness->last = context;
    witness->n_polls++;
    return witness->ready ? 6 : TRALE_PENDING;
}

static int64_t brings_a_witness(void *data)
{
    return trale_fiber_await(data);
}

static void test_each_poll_brings_its_own_context(void **state)
{
    (void)state;
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "witness", witness_poll, NULL};
    struct witness witness = {.future = {.type = &type}};
    struct trale_fiber fiber;
    struct trale_future *future = trale_fiber(&fiber, brings_a_witness, &witness);
    struct trale_context first = {.size = sizeof first, .abi = TRALE_ABI, .waker = &count_waker, .budget = 32};
    struct trale_context second = first;
    assert_int_equal(trale_future_poll(future, &first), TRALE_PENDING);
    assert_ptr_equal(witness.last, &first);
    assert_int_equal(trale_future_poll(future, &second), TRALE_PENDING);
    assert_ptr_equal(witness.last, &second);
    assert_int_equal(trale_future_poll(future, &first), TRALE_PENDING);
    assert_ptr_equal(witness.last, &first);
    witness.ready = true;
    assert_int_equal(trale_future_poll(future, &second), 6);
    assert_ptr_equal(witness.last, &second);
    assert_int_equal(witness.n_polls, 4);
}

/* --- stacks ------------------------------------------------------------------------------------------------------- */

static struct trale *open_with_stacks(const char *text)
{
    char all[512];
    struct trale *runtime = NULL;
    snprintf(all, sizeof all, "[runtime]\ndrivers =\nthreads = %d\n%s", test_threads(), text);
    assert_int_equal(trale_open(&runtime, &(struct trale_options){.config_text = all}), 0);
    return runtime;
}

static void test_a_stack_is_used_again(void **state)
{
    (void)state;
    int before = n_stacks, mapped_before = n_mapped;
    struct trale *runtime = open_with_stacks("");
    for (int i = 0; i < 100; i++)
        assert_int_equal(run_fiber(runtime, digs, NULL), 265);
    assert_int_equal(n_mapped - mapped_before, 1);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(n_stacks - before, 0);
}

static void test_no_more_stacks_are_kept_than_configured(void **state)
{
    (void)state;
    int before = n_stacks, mapped_before = n_mapped;
    struct trale *runtime = open_with_stacks("fiber_stacks = 3\n");
    assert_int_equal(run_crowd(runtime, 20), 20);
    assert_int_equal(n_mapped - mapped_before, 20);
    assert_int_equal(n_stacks - before, 3);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(n_stacks - before, 0);
}

static int64_t fills(void *data)
{
    size_t size = *(size_t *)data;
    struct turns turn;
    volatile char *all = __builtin_alloca(size);
    for (size_t i = size; i > 0; i--)
        all[i - 1] = (char)i;
    int64_t result = trale_fiber_await(turns(&turn, 2, 1));
    return result == 1 ? all[size / 2] : -EPROTO;
}

static void test_a_stack_is_as_large_as_configured(void **state)
{
    (void)state;
    size_t size = 1000000;
    struct trale *runtime = open_with_stacks("fiber_stack = 1M\n");
    assert_int_equal(run_fiber(runtime, fills, &size), (char)(size / 2 + 1));
    assert_int_equal(trale_close(runtime), 0);
    size = 60000; /* an interceptor of AddressSanitizer needs more than 2 KiB */
    runtime = open_with_stacks("");
    assert_int_equal(run_fiber(runtime, fills, &size), (char)(size / 2 + 1));
    assert_int_equal(trale_close(runtime), 0);
}

static void test_a_fiber_for_which_there_is_no_stack_is_ENOMEM(void **state)
{
    (void)state;
    struct wait wait = {.semaphore = TRALE_SEMAPHORE(1)};
    struct trale *runtime = open_with_stacks("");
    int before = n_stacks;
    mmap_fails = true;
    assert_int_equal(run_fiber(runtime, waits, &wait), -ENOMEM);
    mmap_fails = false;
    mprotect_fails = true;
    assert_int_equal(run_fiber(runtime, waits, &wait), -ENOMEM);
    mprotect_fails = false;
    assert_int_equal(wait.n_begun, 0);
    assert_int_equal(n_stacks, before);
    assert_int_equal(run_fiber(runtime, waits, &wait), 0);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_sizes_of_stacks_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"fiber_stack = 8K", "fiber_stack = 2G", "fiber_stack = big",
                                        "fiber_stacks = -1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct test_log log = {.length = 0};
        char text[64];
        struct trale *runtime = NULL;
        snprintf(text, sizeof text, "[runtime]\n%s\n", wrong[i]);
        struct trale_options options = {.config_text = text, .log = test_log_write, .log_data = &log};
        assert_int_equal(trale_open(&runtime, &options), -EINVAL);
        assert_non_null(strstr(log.text, wrong[i]));
    }
}

/* --- too deep ----------------------------------------------------------------------------------------------------- */

#define GUARD ((ptrdiff_t)64 * 1024)

/* The handler writes to a pipe where the child fell. The exit status is no good: under valgrind it means an error. */
static int fall_fds[2];

static void in_the_guard(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    char *at = info->si_addr;
    _exit(write(fall_fds[1], at >= last_guard && at < last_bottom ? "g" : "x", 1) != 1);
}

/* Runs a body in a child process, which must end in the guard of the body's stack. */
static void assert_ends_in_the_guard(int64_t (*body)(void *data))
{
    static char handler_stack[65536];
    assert_int_equal(pipe(fall_fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
        struct sigaction action = {.sa_sigaction = in_the_guard, .sa_flags = SA_SIGINFO | SA_ONSTACK};
        struct trale_fiber fiber;
        int n_left = 1000000;
        sigaltstack(&stack, NULL);
        sigaction(SIGSEGV, &action, NULL);
        poll_once(trale_fiber_make(&fiber, trale_fiber_type_("body"), body, &n_left), 32);
        _exit(1);
    }
    char where = 0;
    close(fall_fds[1]);
    assert_int_equal(read(fall_fds[0], &where, 1), 1);
    assert_int_equal(where, 'g');
    close(fall_fds[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static __attribute__((noinline)) int64_t falls(void *data)
{
    volatile char part[512];
    volatile int *n_left = data;
    part[0] = part[511] = 1;
    int64_t below = --*n_left > 0 ? falls(data) : 0;
    return below + part[0];
}

static void test_a_body_that_goes_too_deep_meets_the_guard(void **state)
{
    (void)state;
    assert_ends_in_the_guard(falls);
}

/* Writes to the far end of a frame that begins at the bottom of the stack, as code does that was compiled without
 * -fstack-clash-protection. Another stack is mapped next to this one. */
static int64_t reaches_over(void *data)
{
    (void)data;
    volatile char *end = last_bottom - GUARD + 64;
    *end = 1;
    return 0;
}

static int64_t waits_beside(void *data)
{
    struct turns turn;
    return trale_fiber_await(turns(&turn, 2, 0)) + (data != NULL);
}

static void test_a_large_frame_does_not_reach_across_the_guard(void **state)
{
    struct trale_fiber beside;
    (void)state;
    assert_int_equal(poll_once(trale_fiber(&beside, waits_beside, NULL), 32), TRALE_PENDING);
    assert_true(last_bottom - last_guard >= GUARD);
    assert_ends_in_the_guard(reaches_over);
    assert_int_equal(poll_once(&beside.future, 32), 0);
}

/* --- what belongs to the thread ----------------------------------------------------------------------------------- */

static bool is_blocked(int signal)
{
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    return sigismember(&mask, signal) == 1;
}

static void mask(int how, int signal)
{
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal);
    pthread_sigmask(how, &one, NULL);
}

static int64_t masks(void *data)
{
    (void)data;
    assert_false(is_blocked(SIGUSR1));
    mask(SIG_BLOCK, SIGUSR1);
    trale_fiber_yield();
    assert_true(is_blocked(SIGUSR1));
    assert_true(is_blocked(SIGUSR2));
    trale_fiber_yield();
    assert_false(is_blocked(SIGUSR1));
    mask(SIG_UNBLOCK, SIGUSR2);
    return 0;
}

static void test_the_signal_mask_is_the_thread_s_on_both_sides_of_an_await(void **state)
{
    struct trale_fiber fiber;
    struct trale_future *future = trale_fiber(&fiber, masks, NULL);
    (void)state;
    assert_int_equal(poll_once(future, 32), TRALE_PENDING);
    assert_true(is_blocked(SIGUSR1));
    mask(SIG_BLOCK, SIGUSR2);
    assert_int_equal(poll_once(future, 32), TRALE_PENDING);
    assert_true(is_blocked(SIGUSR1));
    mask(SIG_UNBLOCK, SIGUSR1);
    assert_int_equal(poll_once(future, 32), 0);
    assert_false(is_blocked(SIGUSR1));
    assert_false(is_blocked(SIGUSR2));
}

/* Fails in two ways, each on another thread. */
static int64_t errs(void *data)
{
    int *errors = data;
    trale_errno = 0;
    errors[0] = unlink("/nonexistent/a") < 0 ? trale_errno : 0;
    trale_fiber_yield();
    trale_errno = 0;
    errors[1] = unlink("/dev/null/b") < 0 ? trale_errno : 0;
    return 0;
}

static void *poll_elsewhere(void *data)
{
    errno = EPROTO;
    return (void *)(uintptr_t)(poll_once(data, 32) == TRALE_PENDING);
}

static void test_trale_errno_is_that_of_the_thread_that_runs(void **state)
{
    int errors[2] = {0};
    struct trale_fiber fiber;
    struct trale_future *future = trale_fiber(&fiber, errs, errors);
    pthread_t thread;
    void *pending;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, poll_elsewhere, future), 0);
    assert_int_equal(pthread_join(thread, &pending), 0);
    assert_non_null(pending);
    assert_int_equal(poll_once(future, 32), 0);
    assert_int_equal(errors[0], ENOENT);
    assert_int_equal(errors[1], ENOTDIR);
}

/* --- at random ---------------------------------------------------------------------------------------------------- */

#define N_ROUNDS 20
#define N_WANDERERS 40
#define N_THREADS 3
#define N_PERMITS 3

static uint32_t random_below(uint32_t *seed, uint32_t n)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed % n;
}

/* What the bodies of a round share. They run on one thread at a time. */
struct common {
    struct trale_mutex mutex;
    struct trale_semaphore permits, never;
    int n_inside, n_begun, n_ended;
};

struct wanderer {
    struct common *common;
    uint32_t seed;
    int depth;
};

static int64_t wanders(void *data);

static void wanders_through_the_mutex(struct wanderer *self)
{
    struct trale_mutex_lock lock;
    if (trale_fiber_await(trale_mutex_lock(&lock, &self->common->mutex)) != 0)
        return;
    assert_int_equal(self->common->n_inside++, 0);
    trale_fiber_yield();
    self->common->n_inside--;
    trale_mutex_unlock(&self->common->mutex);
}

static void wanders_with_permits(struct wanderer *self)
{
    struct trale_semaphore_acquire acquire;
    struct trale_sleep sleep;
    uint64_t n = 1 + random_below(&self->seed, N_PERMITS);
    if (trale_fiber_await(trale_semaphore_acquire(&acquire, &self->common->permits, n)) != 0)
        return;
    trale_fiber_await(trale_sleep(&sleep, random_below(&self->seed, 20) * TRALE_MICROSECOND));
    trale_semaphore_release(&self->common->permits, n);
}

static void wanders_off(struct wanderer *self)
{
    struct trale_semaphore_acquire acquire;
    struct trale_timeout timeout;
    struct trale_future *never = trale_semaphore_acquire(&acquire, &self->common->never, 1);
    int64_t result = trale_fiber_await(trale_timeout(&timeout, never, 20 * TRALE_MICROSECOND));
    assert_true(result == -ETIMEDOUT || result == -ECANCELED);
}

/* A fiber inside this one, or a task beside it. */
static void wanders_in_company(struct wanderer *self)
{
    struct wanderer inner = {self->common, random_below(&self->seed, UINT32_MAX) | 1, self->depth - 1};
    struct trale_fiber fiber;
    struct trale_join_future join;
    if (self->depth == 0)
        return;
    if (random_below(&self->seed, 2) == 0) {
        trale_fiber_await(trale_fiber(&fiber, wanders, &inner));
        return;
    }
    struct wanderer *beside = malloc(sizeof *beside);
    assert_non_null(beside);
    *beside = inner;
    beside->depth = -1; /* frees itself */
    struct trale_task *task = trale_fiber_spawn(trale_current(), wanders, beside);
    if (trale_fiber_await(trale_join_by_ref(&join, task)) < 0) {
        /* This body has been cancelled. Aborted before its first poll, the other one would never free its data. */
        trale_detach(task);
        return;
    }
    assert_int_equal(trale_join(task), 0);
}

static int64_t wanders(void *data)
{
    struct wanderer *self = data;
    self->common->n_begun++;
    for (int i = 0; i < 8; i++) {
        struct turns turn;
        switch (random_below(&self->seed, 6)) {
        case 0:
            trale_fiber_yield();
            break;
        case 1:
            wanders_through_the_mutex(self);
            break;
        case 2:
            wanders_with_permits(self);
            break;
        case 3:
            wanders_off(self);
            break;
        case 4:
            if (self->depth > 0)
                wanders_in_company(self);
            break;
        case 5:
            for (uint32_t n = random_below(&self->seed, 40); n > 0; n--)
                trale_fiber_await(turns(&turn, 1, 0));
            break;
        }
    }
    self->common->n_ended++;
    if (self->depth < 0)
        free(self);
    return 0;
}

struct meddler {
    pthread_t thread;
    struct trale_task *tasks[N_WANDERERS];
    uint32_t seed;
};

/* Aborts, joins and gives up its handles on the tasks, while other threads do so with theirs. */
static void *meddles(void *data)
{
    struct meddler *self = data;
    for (int i = 0; i < N_WANDERERS; i++) {
        struct trale_task *task = self->tasks[i];
        uint32_t what = random_below(&self->seed, 5);
        if (what == 0)
            trale_abort(task);
        if (what <= 2) {
            int64_t result = trale_join(task);
            assert_true(result == 0 || result == -ECANCELED);
        } else {
            trale_detach(task);
        }
    }
    return NULL;
}

static void test_fibers_at_random_under_three_threads_lose_nothing(void **state)
{
    struct meddler meddlers[N_THREADS];
    struct wanderer wanderers[N_WANDERERS];
    uint32_t seed = 20261126;
    print_message("seed %u\n", seed);
    for (int round = 0; round < N_ROUNDS; round++) {
        struct common common = {
            .mutex = TRALE_MUTEX, .permits = TRALE_SEMAPHORE(N_PERMITS), .never = TRALE_SEMAPHORE(0)};
        for (int i = 0; i < N_WANDERERS; i++) {
            wanderers[i] = (struct wanderer){&common, random_below(&seed, UINT32_MAX) | 1, 2};
            struct trale_task *task = trale_fiber_spawn(*state, wanders, &wanderers[i]);
            for (int j = 0; j < N_THREADS; j++)
                meddlers[j].tasks[i] = trale_task_clone(task);
            trale_detach(task);
        }
        for (int j = 0; j < N_THREADS; j++) {
            meddlers[j].seed = random_below(&seed, UINT32_MAX) | 1;
            assert_int_equal(pthread_create(&meddlers[j].thread, NULL, meddles, &meddlers[j]), 0);
        }
        for (int j = 0; j < N_THREADS; j++)
            assert_int_equal(pthread_join(meddlers[j].thread, NULL), 0);
        assert_int_equal(trale_run(*state), 0);
        assert_int_equal(common.n_begun, common.n_ended);
        assert_int_equal(common.n_inside, 0);
        assert_int_equal(trale_mutex_try_lock(&common.mutex), 0);
        assert_int_equal(trale_semaphore_try_acquire(&common.permits, N_PERMITS), 0);
    }
}

/* --- refusals, and dumps ---------------------------------------------------------------------------------- */

struct plain {
    struct trale_future future;
    struct turns turn;
};

trale_async(plain)
{
    trale_begin();
    assert_null(trale_fiber_current());
    assert_int_equal(trale_fiber_yield(), -EPERM);
    assert_int_equal(trale_fiber_await(turns(&self->turn, 1, 8)), -EPERM);
    trale_await(&self->turn.future);
    trale_return(trale_result());
}

static int64_t awaits_plain(void *data)
{
    struct plain plain;
    int64_t result = trale_fiber_await(trale_call(plain, &plain));
    assert_non_null(trale_fiber_current());
    return data != NULL ? trale_block_on(data, trale_call(plain, &plain)) : result;
}

static void test_an_await_outside_of_fibers_is_refused(void **state)
{
    struct turns turn;
    assert_null(trale_fiber_current());
    assert_int_equal(trale_fiber_yield(), -EPERM);
    assert_int_equal(trale_fiber_await(turns(&turn, 1, 0)), -EPERM);
    assert_int_equal(turn.n, 1);
    struct plain plain;
    assert_int_equal(trale_block_on(*state, trale_call(plain, &plain)), 8);
    assert_int_equal(run_fiber(*state, awaits_plain, NULL), 8);
}

static void test_an_await_in_a_runtime_that_a_body_blocks_on_is_refused(void **state)
{
    struct trale *other = test_open("", "");
    assert_int_equal(run_fiber(*state, awaits_plain, other), 8);
    assert_int_equal(trale_close(other), 0);
}

static void text_add(void *data, const char *text)
{
    struct test_log *log = data;
    int n = snprintf(log->text + log->length, sizeof log->text - log->length, "%s", text);
    log->length += (size_t)n;
}

static void test_a_dump_shows_where_a_fiber_waits(void **state)
{
    struct wait wait = {.semaphore = TRALE_SEMAPHORE(0)};
    char order[8] = "";
    struct nest nest = {1, &wait, order, 0};
    struct test_log text = {.length = 0};
    struct trale_task *task = trale_fiber_spawn(*state, nests, &nest);
    let_run(*state);
    assert_int_equal(trale_dump(*state, text_add, &text), 0);
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
    const char *outer = strstr(text.text, "nests at "), *at = strstr(text.text, "test_fiber.c:");
    assert_non_null(outer);
    assert_non_null(at);
    const char *inner = strstr(text.text, ", awaiting trale_fiber(&fiber, nests, &inner)\nnests at ");
    assert_non_null(inner);
    assert_true(outer < inner);
    assert_non_null(strstr(inner, ", awaiting trale_semaphore_acquire(&acquire, &wait->semaphore, 1)\n"
                                  "trale_semaphore_acquire\n"));
}

static int open_runtime(void **state)
{
    *state = test_open("timer", TEST_TIMER);
    return 0;
}

static int close_runtime(void **state)
{
    int r = trale_close(*state);
    return r < 0 || n_stacks != 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_locals_survive_awaits),
        cmocka_unit_test(test_an_await_works_deep_in_calls),
        cmocka_unit_test(test_a_body_that_never_waits_is_a_future_that_is_ready),
        cmocka_unit_test(test_thousands_of_fibers_wait_at_once),
        cmocka_unit_test(test_a_fiber_may_await_a_fiber),
        cmocka_unit_test(test_a_spawned_frame_is_found_by_its_body),
        cmocka_unit_test(test_a_fiber_that_is_aborted_unwinds_itself),
        cmocka_unit_test(test_closing_the_runtime_unwinds_its_fibers),
        cmocka_unit_test(test_a_fiber_dropped_before_its_first_poll_never_runs),
        cmocka_unit_test(test_the_loser_of_a_race_unwinds),
        cmocka_unit_test(test_a_timeout_ends_a_fiber),
        cmocka_unit_test(test_a_fiber_may_go_on_after_a_timeout),
        cmocka_unit_test(test_nested_fibers_unwind_from_the_innermost),
        cmocka_unit_test(test_a_fiber_may_go_on_on_another_thread),
        cmocka_unit_test(test_fibers_are_children_of_scopes),
        cmocka_unit_test(test_a_fiber_takes_no_more_results_than_its_budget),
        cmocka_unit_test(test_a_fiber_has_seen_every_result_when_it_is_dropped),
        cmocka_unit_test(test_a_fiber_has_seen_a_result_that_it_had_to_wait_for),
        cmocka_unit_test(test_a_body_may_drop_another_fiber),
        cmocka_unit_test(test_each_poll_brings_its_own_context),
        cmocka_unit_test(test_a_stack_is_used_again),
        cmocka_unit_test(test_no_more_stacks_are_kept_than_configured),
        cmocka_unit_test(test_a_stack_is_as_large_as_configured),
        cmocka_unit_test(test_a_fiber_for_which_there_is_no_stack_is_ENOMEM),
        cmocka_unit_test(test_sizes_of_stacks_that_make_no_sense_are_refused),
        cmocka_unit_test(test_a_body_that_goes_too_deep_meets_the_guard),
        cmocka_unit_test(test_a_large_frame_does_not_reach_across_the_guard),
        cmocka_unit_test(test_the_signal_mask_is_the_thread_s_on_both_sides_of_an_await),
        cmocka_unit_test(test_trale_errno_is_that_of_the_thread_that_runs),
        cmocka_unit_test(test_fibers_at_random_under_three_threads_lose_nothing),
        cmocka_unit_test(test_an_await_outside_of_fibers_is_refused),
        cmocka_unit_test(test_an_await_in_a_runtime_that_a_body_blocks_on_is_refused),
        cmocka_unit_test(test_a_dump_shows_where_a_fiber_waits),
    };
    return cmocka_run_group_tests(tests, open_runtime, close_runtime);
}
