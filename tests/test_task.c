/* SPDX-License-Identifier: MIT
 *
 * The life of tasks, in the thread layout that the environment names. No driver is loaded. */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "tests/support.h"

/* --- futures to experiment with ----------------------------------------------------------------------------------- */

/* A future that the test resolves, from any thread, and that counts what happens to it. */
struct gate {
    struct trale_future future;
    _Atomic bool open;
    _Atomic(const struct trale_waker *) waker; /* a clone, for the thread that takes it */
    _Atomic int n_polls;
    _Atomic int n_drops;
};

static void gate_take_waker(struct gate *gate, bool wake)
{
    const struct trale_waker *waker = atomic_exchange(&gate->waker, NULL);
    if (waker != NULL)
        (wake ? waker->table->wake : waker->table->drop)(waker);
}

static int64_t gate_poll(struct trale_future *future, struct trale_context *context)
{
    struct gate *gate = (struct gate *)future;
    gate->n_polls++;
    gate_take_waker(gate, false);
    atomic_store(&gate->waker, context->waker->table->clone(context->waker));
    if (!gate->open)
        return TRALE_PENDING;
    gate_take_waker(gate, false);
    return 42;
}

static void gate_drop(struct trale_future *future)
{
    struct gate *gate = (struct gate *)future;
    gate->n_drops++;
    gate_take_waker(gate, false);
}

static struct trale_future *gate_future(struct gate *gate)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "gate", gate_poll, gate_drop};
    gate->future = (struct trale_future){.type = &type};
    return &gate->future;
}

static void gate_open(struct gate *gate)
{
    atomic_store(&gate->open, true);
    gate_take_waker(gate, true);
}

/* Waits until the gate was polled `n` times. Without an executor thread nothing polls meanwhile, so then it polls by
 * running a task of its own. */
static void gate_await_polls(struct trale *runtime, struct gate *gate, int n);

struct answer {
    struct trale_future future;
    int64_t value;
    int n_yields;
    _Atomic int *n_cleanups;
};

static void answer_cleanup(struct answer *self)
{
    if (self->n_cleanups != NULL)
        (*self->n_cleanups)++;
}

trale_async_with(answer, answer_cleanup)
{
    trale_begin();
    while (self->n_yields-- > 0)
        trale_yield();
    trale_return(self->value);
}

static void gate_await_polls(struct trale *runtime, struct gate *gate, int n)
{
    while (atomic_load(&gate->n_polls) < n) {
        struct answer turn;
        trale_block_on(runtime, trale_call(answer, &turn, .n_yields = 1));
    }
}

struct through {
    struct trale_future future;
    struct gate *gate;
    _Atomic int *n_cleanups;
};

static void through_cleanup(struct through *self)
{
    if (self->n_cleanups != NULL)
        (*self->n_cleanups)++;
}

trale_async_with(through, through_cleanup)
{
    trale_begin();
    trale_await(gate_future(self->gate));
    trale_return(trale_result());
}

static struct trale *runtime_of(void **state)
{
    return *state;
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

/* --- spawn and join ----------------------------------------------------------------------------------------------- */

static void test_join_gives_the_result(void **state)
{
    struct trale_task *a = trale_spawn(runtime_of(state), answer, .value = 1);
    struct trale_task *b = trale_spawn(runtime_of(state), answer, .value = 2, .n_yields = 3);
    assert_int_equal(trale_join(a), 1);
    assert_int_equal(trale_join(b), 2);
}

static void test_join_after_the_task_ended_gives_the_result(void **state)
{
    struct trale_task *task = trale_spawn(runtime_of(state), answer, .value = 7);
    assert_int_equal(trale_run(runtime_of(state)), 0);
    assert_int_equal(trale_join(task), 7);
}

static void test_joining_no_task_is_out_of_memory(void **state)
{
    (void)state;
    assert_int_equal(trale_join(NULL), -ENOMEM);
    trale_detach(NULL);
    trale_abort(NULL);
}

struct parent {
    struct trale_future future;
    struct trale_join_future joined;
    struct trale_task *child;
    int64_t blocked, on_blocked, run_blocked;
};

trale_async(parent)
{
    trale_begin();
    self->child = trale_spawn(cx->runtime, answer, .value = 5, .n_yields = 2);
    self->blocked = trale_join(self->child);
    struct answer other; /* trale-locals: fine, nothing keeps it */
    self->on_blocked = trale_block_on(cx->runtime, trale_call(answer, &other));
    self->run_blocked = trale_run(cx->runtime);
    if (self->blocked != -EDEADLK || self->on_blocked != -EDEADLK || self->run_blocked != -EDEADLK)
        trale_return(-EINVAL);
    if (trale_close(cx->runtime) != -EDEADLK || trale_current() != cx->runtime)
        trale_return(-EINVAL);
    trale_await(trale_join_future(&self->joined, self->child));
    trale_return(trale_result() + 1);
}

static void test_inside_a_task_blocking_is_refused_and_joining_is_awaited(void **state)
{
    assert_int_equal(trale_join(trale_spawn(runtime_of(state), parent)), 6);
    assert_null(trale_current());
}

struct reaper {
    struct trale_future future;
    struct trale_join_future joined;
    struct trale_task *task;
};

trale_async(reaper)
{
    trale_begin();
    trale_await(trale_join_future(&self->joined, self->task));
    trale_return(trale_result());
}

static void test_awaiting_a_task_of_another_runtime_works(void **state)
{
    struct trale *other = test_open("", "");
    struct gate gate = {0};
    struct trale_task *far = trale_spawn(other, through, .gate = &gate);
    struct trale_task *near = trale_spawn(runtime_of(state), reaper, .task = far);
    struct answer turn;
    assert_int_equal(trale_block_on(runtime_of(state), trale_call(answer, &turn, .n_yields = 2)), 0);
    gate_await_polls(other, &gate, 1);
    gate_open(&gate);
    assert_int_equal(trale_run(other), 0);
    assert_int_equal(trale_join(near), 42);
    assert_int_equal(trale_close(other), 0);
}

static void test_dropping_the_joiner_is_harmless(void **state)
{
    _Atomic int n_cleanups = 0;
    trale_detach(trale_spawn(runtime_of(state), answer, .n_yields = 5, .n_cleanups = &n_cleanups));
    assert_int_equal(trale_run(runtime_of(state)), 0);
    assert_int_equal(n_cleanups, 1);
    /* and the executor goes on */
    assert_int_equal(trale_join(trale_spawn(runtime_of(state), answer, .value = 3)), 3);
}

static void test_dropping_an_awaited_join_leaves_the_task_running(void **state)
{
    struct gate gate = {0};
    _Atomic int n_cleanups = 0;
    struct trale_task *task = trale_spawn(runtime_of(state), through, .gate = &gate, .n_cleanups = &n_cleanups);
    struct trale_task *waiting = trale_spawn(runtime_of(state), reaper, .task = task);
    /* Dropped before its first poll, the reaper would never have taken the handle that it was given. */
    struct answer turn;
    assert_int_equal(trale_block_on(runtime_of(state), trale_call(answer, &turn, .n_yields = 2)), 0);
    gate_await_polls(runtime_of(state), &gate, 1);
    trale_abort(waiting);
    assert_int_equal(trale_join(waiting), -ECANCELED);
    assert_int_equal(gate.n_drops, 0);
    gate_open(&gate);
    assert_int_equal(trale_run(runtime_of(state)), 0);
    assert_int_equal(n_cleanups, 1);
}

static void test_block_on_returns_when_its_own_future_is_done(void **state)
{
    struct gate never = {0};
    struct trale_task *other = trale_spawn(runtime_of(state), through, .gate = &never);
    struct answer mine;
    assert_int_equal(trale_block_on(runtime_of(state), trale_call(answer, &mine, .value = 9, .n_yields = 4)), 9);
    trale_abort(other);
    assert_int_equal(trale_join(other), -ECANCELED);
}

static void test_run_returns_at_once_without_tasks(void **state)
{
    assert_int_equal(trale_run(runtime_of(state)), 0);
    assert_int_equal(trale_run(runtime_of(state)), 0);
}

struct spawner {
    struct trale_future future;
    int depth;
    _Atomic int *n_run;
};

trale_async(spawner)
{
    trale_begin();
    (*self->n_run)++;
    if (self->depth > 0) {
        trale_detach(trale_spawn(cx->runtime, spawner, .depth = self->depth - 1, .n_run = self->n_run));
        trale_detach(trale_spawn(cx->runtime, spawner, .depth = self->depth - 1, .n_run = self->n_run));
    }
    trale_return(0);
}

static void test_run_waits_for_tasks_that_tasks_spawn(void **state)
{
    _Atomic int n_run = 0;
    trale_detach(trale_spawn(runtime_of(state), spawner, .depth = 7, .n_run = &n_run));
    assert_int_equal(trale_run(runtime_of(state)), 0);
    assert_int_equal(n_run, 255);
}

/* --- order -------------------------------------------------------------------------------------------------------- */

struct recorder {
    struct trale_future future;
    char name;
    char *record;
    _Atomic int *length;
    int n;
};

trale_async(recorder)
{
    trale_begin();
    for (self->n = 0; self->n < 3; self->n++) {
        self->record[(*self->length)++] = self->name;
        trale_yield();
    }
    trale_return(0);
}

struct conductor {
    struct trale_future future;
    char *record;
    _Atomic int *length;
};

trale_async(conductor)
{
    trale_begin();
    for (char name = 'a'; name < 'e'; name++)
        trale_detach(trale_spawn(cx->runtime, recorder, .name = name, .record = self->record, .length = self->length));
    trale_return(0);
}

static void test_the_run_queue_is_first_in_first_out(void **state)
{
    char record[16] = "";
    _Atomic int length = 0;
    trale_detach(trale_spawn(runtime_of(state), conductor, .record = record, .length = &length));
    assert_int_equal(trale_run(runtime_of(state)), 0);
    assert_string_equal(record, "abcdabcdabcd");
}

struct herald {
    struct trale_future future;
    char *record;
    _Atomic int *length;
};

/* The first poll comes as they are spawned; what they were given holds from then on. */
trale_async(herald)
{
    static const struct {
        char name;
        uint32_t priority;
    } tasks[] = {{'l', TRALE_PRIORITY_LOW}, {'n', TRALE_PRIORITY_NORMAL}, {'h', TRALE_PRIORITY_HIGH}};
    trale_begin();
    for (size_t i = 0; i < 6; i++) {
        struct trale_task *task = trale_spawn(cx->runtime, recorder, .name = tasks[i / 2].name, .record = self->record,
                                              .length = self->length);
        trale_prioritise(task, tasks[i / 2].priority);
        trale_detach(task);
    }
    trale_return(0);
}

static void test_what_is_urgent_goes_first(void **state)
{
    char record[32] = "";
    _Atomic int length = 0;
    trale_detach(trale_spawn(runtime_of(state), herald, .record = record, .length = &length));
    assert_int_equal(trale_run(runtime_of(state)), 0);
    assert_string_equal(record, "llnnhhhhhhnnnnllll");
}

/* Yields until it is stopped, and returns how often. */
struct urgent {
    struct trale_future future;
    const bool *stop;
    int64_t n;
};

trale_async(urgent)
{
    trale_begin();
    trale_prioritise_self(TRALE_PRIORITY_HIGH);
    for (; !*self->stop; self->n++)
        trale_yield();
    trale_return(self->n);
}

struct patient {
    struct trale_future future;
    struct trale_join_future joined;
    struct trale_task *urgent;
    bool stop;
    int n;
};

trale_async(patient)
{
    trale_begin();
    trale_prioritise_self(TRALE_PRIORITY_LOW);
    self->urgent = trale_spawn(cx->runtime, urgent, .stop = &self->stop);
    for (self->n = 0; self->n < 10; self->n++)
        trale_yield();
    self->stop = true;
    trale_await(trale_join_future(&self->joined, self->urgent));
    trale_return(trale_result());
}

static void test_what_is_urgent_starves_nobody(void **state)
{
    int64_t n = trale_join(trale_spawn(runtime_of(state), patient));
    assert_in_range(n, 9 * 16, 10 * 16);
}

static void test_only_priorities_that_there_are_can_be_given(void **state)
{
    const bool stop = true;
    struct trale_task *task = trale_spawn(runtime_of(state), urgent, .stop = &stop);
    assert_int_equal(trale_prioritise(task, TRALE_PRIORITIES), -EINVAL);
    assert_int_equal(trale_prioritise(NULL, TRALE_PRIORITIES), -EINVAL);
    assert_int_equal(trale_prioritise(NULL, TRALE_PRIORITY_LOW), 0);
    assert_int_equal(trale_prioritise_self(TRALE_PRIORITY_LOW), -EPERM);
    assert_int_equal(trale_join(task), 0);
}

struct greedy {
    struct trale_future future;
    struct answer ready;
    _Atomic bool *stop;
    uint64_t n;
};

/* Never pends by itself: every await has its result at once. */
trale_async(greedy)
{
    trale_begin();
    while (!atomic_load(self->stop)) {
        self->n++;
        trale_await(trale_call(answer, &self->ready));
    }
    trale_return((int64_t)self->n);
}

struct stopper {
    struct trale_future future;
    _Atomic bool *stop;
};

trale_async(stopper)
{
    trale_begin();
    atomic_store(self->stop, true);
    trale_return(0);
}

static void test_a_task_that_is_always_ready_does_not_starve_others(void **state)
{
    _Atomic bool stop = false;
    struct trale_task *task = trale_spawn(runtime_of(state), greedy, .stop = &stop);
    /* The second task comes from outside while the first hogs: without the rule this never ends. */
    assert_int_equal(trale_join(trale_spawn(runtime_of(state), stopper, .stop = &stop)), 0);
    int64_t n = trale_join(task);
    assert_true(n >= 1);
    if (test_threads() == 0)
        assert_int_equal(n, TRALE_POLL_BUDGET + TRALE_POLL_OVERDRAFT + 1);
}

/* --- waking ------------------------------------------------------------------------------------------------------- */

struct self_waker {
    struct trale_future future;
    int n;
};

static int64_t self_waker_poll(struct trale_future *future, struct trale_context *context)
{
    struct self_waker *self = (struct self_waker *)future;
    if (self->n-- == 0)
        return 1;
    for (int i = 0; i < 3; i++)
        context->waker->table->wake_by_ref(context->waker);
    return TRALE_PENDING;
}

static const struct trale_future_type self_waker_type = {sizeof self_waker_type, TRALE_ABI, "self_waker",
                                                         self_waker_poll, NULL};

static void test_a_wake_during_the_own_poll_makes_it_run_again(void **state)
{
    assert_int_equal(trale_join(trale_spawn(runtime_of(state), self_waker, .n = 1000)), 1);
}

static void test_waking_from_another_thread_wakes(void **state)
{
    struct gate gate = {0};
    struct trale_task *task = trale_spawn(runtime_of(state), through, .gate = &gate);
    gate_await_polls(runtime_of(state), &gate, 1);
    assert_int_equal(gate.n_polls, 1);
    gate_open(&gate);
    assert_int_equal(trale_join(task), 42);
    assert_int_equal(gate.n_polls, 2);
}

static void test_a_spurious_wake_is_one_poll(void **state)
{
    struct gate gate = {0};
    struct trale_task *task = trale_spawn(runtime_of(state), through, .gate = &gate);
    gate_await_polls(runtime_of(state), &gate, 1);
    gate_take_waker(&gate, true);
    gate_await_polls(runtime_of(state), &gate, 2);
    gate_open(&gate);
    assert_int_equal(trale_join(task), 42);
    assert_int_equal(gate.n_polls, 3);
}

static void test_waking_a_finished_task_is_harmless(void **state)
{
    struct gate gate = {0};
    struct trale_task *task = trale_spawn(runtime_of(state), through, .gate = &gate);
    gate_await_polls(runtime_of(state), &gate, 1);
    const struct trale_waker *waker = atomic_exchange(&gate.waker, NULL);
    const struct trale_waker *another = waker->table->clone(waker);
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
    waker->table->wake_by_ref(waker);
    waker->table->wake(waker);
    another->table->wake_by_ref(another);
    another->table->drop(another);
    assert_int_equal(gate.n_polls, 1);
}

static void test_a_waker_may_outlive_the_runtime(void **state)
{
    (void)state;
    struct trale *runtime = test_open("", "");
    struct gate gate = {0};
    struct trale_task *task = trale_spawn(runtime, through, .gate = &gate);
    gate_await_polls(runtime, &gate, 1);
    const struct trale_waker *waker = atomic_exchange(&gate.waker, NULL);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(gate.n_drops, 1);
    waker->table->wake_by_ref(waker);
    waker->table->wake(waker);
    assert_int_equal(trale_join(task), -ECANCELED);
}

/* --- ending ------------------------------------------------------------------------------------------------------- */

static void test_abort_drops_the_chain_down_to_the_leaf(void **state)
{
    struct gate gate = {0};
    _Atomic int n_cleanups = 0;
    struct trale_task *task = trale_spawn(runtime_of(state), through, .gate = &gate, .n_cleanups = &n_cleanups);
    gate_await_polls(runtime_of(state), &gate, 1);
    trale_abort(task);
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
    assert_int_equal(gate.n_drops, 1);
    assert_int_equal(n_cleanups, 1);
    assert_null(gate.waker);
}

static void test_abort_before_the_first_poll_cleans_up(void **state)
{
    struct trale *runtime = runtime_of(state);
    _Atomic int n_cleanups = 0;
    for (int i = 0; i < 100; i++) {
        struct trale_task *task = trale_spawn(runtime, answer, .value = 1, .n_cleanups = &n_cleanups);
        trale_abort(task);
        int64_t result = trale_join(task);
        assert_true(result == -ECANCELED || (result == 1 && test_threads() > 0));
    }
    assert_int_equal(n_cleanups, 100);
}

static void test_aborting_a_finished_task_keeps_its_result(void **state)
{
    struct trale_task *task = trale_spawn(runtime_of(state), answer, .value = 8);
    assert_int_equal(trale_run(runtime_of(state)), 0);
    trale_abort(task);
    assert_int_equal(trale_join(task), 8);
}

struct suicide {
    struct trale_future future;
    struct trale_task **task;
    _Atomic int *n_cleanups;
};

static void suicide_cleanup(struct suicide *self)
{
    (*self->n_cleanups)++;
}

trale_async_with(suicide, suicide_cleanup)
{
    trale_begin();
    trale_yield();
    trale_abort(*self->task);
    trale_yield();
    trale_return(1);
}

struct suicide_pact {
    struct trale_future future;
    struct trale_task *task;
    struct trale_join_future joined;
    _Atomic int *n_cleanups;
};

trale_async(suicide_pact)
{
    trale_begin();
    self->task = trale_spawn(cx->runtime, suicide, .task = &self->task, .n_cleanups = self->n_cleanups);
    trale_await(trale_join_future(&self->joined, self->task));
    trale_return(trale_result());
}

static void test_a_task_may_abort_itself(void **state)
{
    _Atomic int n_cleanups = 0;
    int64_t result = trale_join(trale_spawn(runtime_of(state), suicide_pact, .n_cleanups = &n_cleanups));
    assert_int_equal(result, -ECANCELED);
    assert_int_equal(n_cleanups, 1);
}

static void test_close_drops_what_is_left_and_resolves_its_handles(void **state)
{
    (void)state;
    struct trale *runtime = test_open("", "");
    struct gate gates[20] = {0};
    struct trale_task *tasks[20];
    for (int i = 0; i < 20; i++)
        tasks[i] = trale_spawn(runtime, through, .gate = &gates[i]);
    gate_await_polls(runtime, &gates[19], 1);
    for (int i = 0; i < 10; i++)
        trale_detach(tasks[i]);
    assert_int_equal(trale_close(runtime), 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(gates[i].n_drops, 1);
    for (int i = 10; i < 20; i++)
        assert_int_equal(trale_join(tasks[i]), -ECANCELED);
}

struct heir {
    struct trale_future future;
    struct gate *gate;
    struct trale *runtime;
    struct trale_task **late;
    _Atomic int *n_cleanups;
};

static void heir_cleanup(struct heir *self)
{
    *self->late = trale_spawn(self->runtime, answer, .value = 1, .n_cleanups = self->n_cleanups);
}

trale_async_with(heir, heir_cleanup)
{
    trale_begin();
    self->runtime = cx->runtime;
    trale_await(gate_future(self->gate));
    trale_return(0);
}

static void test_a_task_spawned_while_closing_is_born_cancelled(void **state)
{
    (void)state;
    struct trale *runtime = test_open("", "");
    struct gate gate = {0};
    struct trale_task *late = NULL;
    _Atomic int n_cleanups = 0;
    trale_detach(trale_spawn(runtime, heir, .gate = &gate, .late = &late, .n_cleanups = &n_cleanups));
    gate_await_polls(runtime, &gate, 1);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(n_cleanups, 1);
    assert_int_equal(trale_join(late), -ECANCELED);
}

struct late_heir {
    struct trale_future future;
    struct gate *gate;
    struct trale *runtime, *other;
    struct trale_task **late;
};

struct late_spawner {
    struct trale_future future;
    struct trale *runtime;
    struct trale_task **late;
};

trale_async(late_spawner)
{
    trale_begin();
    *self->late = trale_spawn(self->runtime, answer, .value = 1);
    trale_return(0);
}

/* By way of another runtime the spawn comes from outside, as far as the closing one can see. */
static void late_heir_cleanup(struct late_heir *self)
{
    struct late_spawner spawner;
    trale_block_on(self->other, trale_call(late_spawner, &spawner, .runtime = self->runtime, .late = self->late));
}

trale_async_with(late_heir, late_heir_cleanup)
{
    trale_begin();
    self->runtime = cx->runtime;
    trale_await(gate_future(self->gate));
    trale_return(0);
}

static void test_a_task_spawned_from_outside_while_closing_is_born_cancelled(void **state)
{
    (void)state;
    struct trale *runtime = test_open("", ""), *other = NULL;
    struct gate gate = {0};
    struct trale_task *late = NULL;
    assert_int_equal(trale_open(&other, &(struct trale_options){.config_text = "[runtime]\nthreads = 0\n"}), 0);
    trale_detach(trale_spawn(runtime, late_heir, .gate = &gate, .other = other, .late = &late));
    gate_await_polls(runtime, &gate, 1);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(trale_join(late), -ECANCELED);
    assert_int_equal(trale_close(other), 0);
}

/* What a task of one runtime does from inside a task of another one that it blocks on. */
struct inside {
    struct trale_future future;
    struct trale *outer;
    struct trale_task *task;
    int64_t closed, joined, run, blocked;
};

trale_async(inside)
{
    struct answer turn;
    trale_begin();
    self->task = trale_spawn(self->outer, answer, .value = 5);
    self->closed = trale_close(self->outer);
    self->joined = trale_join(self->task);
    self->run = trale_run(self->outer);
    self->blocked = trale_block_on(self->outer, trale_call(answer, &turn, .value = 1));
    trale_return(0);
}

struct outside {
    struct trale_future future;
    struct trale *other;
    struct inside inside;
};

trale_async(outside)
{
    trale_begin();
    trale_return(trale_block_on(self->other, trale_call(inside, &self->inside, .outer = cx->runtime)));
}

static void test_a_runtime_is_not_waited_for_from_inside_by_way_of_another(void **state)
{
    struct trale *runtime = runtime_of(state), *other = NULL;
    struct outside outside;
    assert_int_equal(trale_open(&other, &(struct trale_options){.config_text = "[runtime]\nthreads = 0\n"}), 0);
    assert_int_equal(trale_block_on(runtime, trale_call(outside, &outside, .other = other)), 0);
    assert_int_equal(outside.inside.closed, -EDEADLK);
    assert_int_equal(outside.inside.joined, -EDEADLK);
    assert_int_equal(outside.inside.run, -EDEADLK);
    assert_int_equal(outside.inside.blocked, -EDEADLK);
    assert_int_equal(trale_join(outside.inside.task), 5);
    assert_int_equal(trale_close(other), 0);
}

static void test_a_frame_that_is_no_future_is_refused(void **state)
{
    struct trale_future future = {.type = &answer_type};
    assert_null(trale_spawn_frame(runtime_of(state), &future, 0));
    assert_null(trale_spawn_frame(runtime_of(state), &future, sizeof future - 1));
}

/* --- several ------------------------------------------------------------------------------------------------------ */

struct pair {
    struct trale_future future;
    struct gate *gates;
    struct trale_branches branches;
    struct trale_branch branch[2];
    bool race;
};

trale_async(pair)
{
    trale_begin();
    self->branch[0].future = gate_future(&self->gates[0]);
    self->branch[1].future = gate_future(&self->gates[1]);
    if (self->race)
        trale_await(trale_race(&self->branches, self->branch, 2));
    else
        trale_await(trale_all(&self->branches, self->branch, 2));
    trale_return(trale_result() * 1000 + (self->branch[1].result == TRALE_PENDING ? -1 : self->branch[1].result));
}

static void test_a_race_resolves_to_the_winner_and_drops_the_loser(void **state)
{
    struct gate gates[2] = {0};
    struct trale_task *task = trale_spawn(runtime_of(state), pair, .gates = gates, .race = true);
    gate_await_polls(runtime_of(state), &gates[1], 1);
    gate_open(&gates[1]);
    assert_int_equal(trale_join(task), 1042);
    assert_int_equal(gates[0].n_drops, 1);
    assert_int_equal(gates[1].n_drops, 0);
    assert_null(gates[0].waker);
}

static void test_all_resolves_when_the_last_has(void **state)
{
    struct gate gates[2] = {0};
    struct trale_task *task = trale_spawn(runtime_of(state), pair, .gates = gates);
    gate_await_polls(runtime_of(state), &gates[1], 1);
    gate_open(&gates[1]);
    gate_await_polls(runtime_of(state), &gates[0], 2);
    assert_int_equal(gates[1].n_polls, 2);
    gate_open(&gates[0]);
    assert_int_equal(trale_join(task), 42);
    assert_int_equal(gates[1].n_polls, 2);
    assert_int_equal(gates[0].n_drops + gates[1].n_drops, 0);
}

#define N_RACES 180

/* Races two futures that are always ready, `n` times, and lets the other tasks go in between. */
struct racer {
    struct trale_future future;
    TRALE_BRANCHES(2) race;
    struct answer answers[2];
    bool in_order;
    int n, n_won[2], n_resolved;
};

trale_async(racer)
{
    trale_begin();
    for (; self->n > 0; self->n--) {
        struct trale_future *first = trale_call(answer, &self->answers[0], .value = 7);
        struct trale_future *second = trale_call(answer, &self->answers[1], .value = 8);
        if (self->in_order)
            trale_await(trale_race_in_order_of(&self->race, first, second));
        else
            trale_await(trale_race_of(&self->race, first, second));
        self->n_won[trale_result()]++;
        for (int i = 0; i < 2; i++)
            self->n_resolved += self->race.branch[i].result != TRALE_PENDING;
        if (self->race.branch[trale_result()].result != 7 + trale_result())
            trale_return(-EPROTO);
        trale_yield();
    }
    trale_return(self->n_won[1]);
}

static void test_exactly_one_branch_of_a_race_resolves_and_each_wins_its_share(void **state)
{
    struct racer racer;
    assert_in_range(trale_block_on(runtime_of(state), trale_call(racer, &racer, .n = N_RACES)), N_RACES / 3,
                    N_RACES * 2 / 3);
    assert_int_equal(racer.n_resolved, N_RACES);
}

/* As many races as there are tasks lie between two of one task: no stride may favour a branch. */
static void test_races_of_several_tasks_are_fair_each_for_itself(void **state)
{
    for (int n_tasks = 2; n_tasks <= 9; n_tasks++) {
        struct trale_task *tasks[9];
        for (int i = 0; i < n_tasks; i++)
            tasks[i] = trale_spawn(runtime_of(state), racer, .n = N_RACES);
        for (int i = 0; i < n_tasks; i++)
            assert_in_range(trale_join(tasks[i]), N_RACES / 3, N_RACES * 2 / 3);
    }
}

#define N_LEVELS 5

/* Races a future with a race of a future with a race, and so on, all of them always ready. */
struct nested_racer {
    struct trale_future future;
    TRALE_BRANCHES(2) races[N_LEVELS];
    struct answer answers[N_LEVELS + 1];
    int n, n_won[N_LEVELS + 1];
};

static struct trale_future *nested_racer_level(struct nested_racer *self, int level)
{
    struct trale_future *answer = trale_call(answer, &self->answers[level], .value = 0);
    if (level == N_LEVELS)
        return answer;
    return trale_race_of(&self->races[level], answer, nested_racer_level(self, level + 1));
}

trale_async(nested_racer)
{
    trale_begin();
    for (; self->n > 0; self->n--) {
        trale_await(nested_racer_level(self, 0));
        int level = 0;
        while (level < N_LEVELS && self->races[level].branch[0].result == TRALE_PENDING)
            level++;
        self->n_won[level]++;
    }
    trale_return(0);
}

static void test_every_branch_of_races_within_races_wins_its_share(void **state)
{
    struct nested_racer racer;
    assert_int_equal(trale_block_on(runtime_of(state), trale_call(nested_racer, &racer, .n = 3200)), 0);
    for (int level = 0; level <= N_LEVELS; level++)
        assert_in_range(racer.n_won[level], 3200 >> (level + 2), 3200);
}

static void test_a_race_in_order_prefers_the_first_branch(void **state)
{
    struct racer racer;
    assert_int_equal(trale_block_on(runtime_of(state), trale_call(racer, &racer, .n = N_RACES, .in_order = true)), 0);
    assert_int_equal(racer.n_won[0], N_RACES);
    assert_int_equal(racer.n_resolved, N_RACES);
}

#define N_BRANCHES 1000

struct busy {
    struct trale_future future;
    int n_awaits;
    int *n_in_this_poll;
    struct answer answer;
};

trale_async(busy)
{
    trale_begin();
    for (; self->n_awaits > 0; self->n_awaits--) {
        trale_await(trale_call(answer, &self->answer, .value = 0));
        ++*self->n_in_this_poll;
    }
    trale_return(0);
}

/* Polls what it is given, and keeps the number of results that awaits took in its first poll, and the greatest number
 * in a later one. */
struct meter {
    struct trale_future future;
    struct trale_future *inner;
    int n_polls, n_in_this_poll, n_first, n_most;
};

static int64_t meter_poll(struct trale_future *future, struct trale_context *context)
{
    struct meter *meter = (struct meter *)(void *)future;
    meter->n_in_this_poll = 0;
    int64_t result = trale_future_poll(meter->inner, context);
    if (meter->n_polls++ == 0)
        meter->n_first = meter->n_in_this_poll;
    else if (meter->n_in_this_poll > meter->n_most)
        meter->n_most = meter->n_in_this_poll;
    return result;
}

static void test_branches_share_the_budget_of_their_task_and_all_get_their_turn(void **state)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "meter", meter_poll, NULL};
    static struct busy busy[N_BRANCHES];
    static struct trale_branch branches[N_BRANCHES];
    struct trale_branches all;
    struct meter meter = {.future = {.type = &type}};
    for (int i = 0; i < N_BRANCHES; i++)
        branches[i].future = trale_call(busy, &busy[i], .n_awaits = 50, .n_in_this_poll = &meter.n_in_this_poll);
    meter.inner = trale_all(&all, branches, N_BRANCHES);
    assert_int_equal(trale_block_on(runtime_of(state), &meter.future), 0);
    for (int i = 0; i < N_BRANCHES; i++)
        assert_int_equal(branches[i].result, 0);
    /* In the first poll every branch begins, and may take a result. */
    assert_in_range(meter.n_first, 1, TRALE_POLL_BUDGET + TRALE_POLL_OVERDRAFT + N_BRANCHES);
    assert_in_range(meter.n_most, 1, TRALE_POLL_BUDGET + TRALE_POLL_OVERDRAFT);
}

static void test_a_race_of_none_is_invalid(void **state)
{
    struct trale_branches none;
    struct trale_branch empty[2] = {{0}, {0}};
    assert_int_equal(trale_block_on(runtime_of(state), trale_race(&none, NULL, 0)), -EINVAL);
    assert_int_equal(trale_block_on(runtime_of(state), trale_race(&none, empty, 2)), -EINVAL);
    assert_int_equal(trale_block_on(runtime_of(state), trale_race_in_order(&none, empty, 2)), -EINVAL);
    assert_int_equal(trale_block_on(runtime_of(state), trale_all(&none, empty, 2)), 0);
    assert_int_equal(trale_block_on(runtime_of(state), trale_all(&none, NULL, 0)), 0);
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

struct seen {
    int n_idle, n_drivers, n;
    char backtrace[1024];
};

static void see(void *data, const struct trale_task_info *task)
{
    struct seen *seen = data;
    seen->n++;
    seen->n_idle += !task->runnable;
    seen->n_drivers += task->driver;
    if (strcmp(task->name, "pair") != 0)
        trale_backtrace(task->future, seen->backtrace, sizeof seen->backtrace);
}

static void test_a_backtrace_shows_every_branch_that_is_not_over(void **state)
{
    struct gate gates[3] = {0};
    struct trale_branches all, race;
    struct trale_branch outer[2], inner[2];
    char text[128];
    (void)state;
    inner[0].future = gate_future(&gates[0]);
    inner[1].future = gate_future(&gates[1]);
    outer[0].future = trale_race(&race, inner, 2);
    outer[1].future = gate_future(&gates[2]);
    test_make(trale_all(&all, outer, 2));
    trale_backtrace(&all.future, text, sizeof text);
    assert_string_equal(text, "trale_all\n  trale_race\n    gate\n    gate\n  gate\n");
    inner[0].future = outer[1].future = NULL;
    assert_int_equal(trale_backtrace(&all.future, text, sizeof text), strlen("trale_all\n  trale_race\n    gate\n"));
    assert_string_equal(text, "trale_all\n  trale_race\n    gate\n");
}

static void test_idle_tasks_are_listed_with_their_backtrace(void **state)
{
    struct gate gate = {0};
    struct trale_task *task = trale_spawn(runtime_of(state), through, .gate = &gate);
    gate_await_polls(runtime_of(state), &gate, 1);
    struct seen seen = {0};
    assert_int_equal(trale_tasks(runtime_of(state), see, &seen), 0);
    assert_int_equal(seen.n_idle, 1);
    assert_int_equal(seen.n_drivers, 0);
    assert_non_null(strstr(seen.backtrace, "through at "));
    assert_non_null(strstr(seen.backtrace, "awaiting gate_future(self->gate)\ngate\n"));
    gate_open(&gate);
    assert_int_equal(trale_join(task), 42);
    char small[8];
    struct trale_future one = {.type = gate.future.type};
    assert_int_equal(trale_backtrace(&one, small, sizeof small), 5);
    assert_string_equal(small, "gate\n");
    assert_int_equal(trale_backtrace(&one, small, 3), 5);
    assert_string_equal(small, "ga");
    assert_int_equal(trale_backtrace(&one, NULL, 0), 5);
}

/* --- from many threads -------------------------------------------------------------------------------------------- */

#define N_THREADS 4
#define N_ROUNDS 400

struct crowd {
    struct trale *runtime;
    unsigned seed;
    _Atomic int *n_spawned, *n_cleanups;
    int64_t wrong;
};

/* Spawns tasks and does to their handles, in an order drawn from the seed, all that can be done. */
static void *crowd_run(void *data)
{
    struct crowd *crowd = data;
    for (int round = 0; round < N_ROUNDS; round++) {
        unsigned choice = crowd->seed = crowd->seed * 1103515245 + 12345;
        struct trale_task *task = trale_spawn(crowd->runtime, answer, .value = round, .n_yields = (choice >> 16) % 4,
                                              .n_cleanups = crowd->n_cleanups);
        (*crowd->n_spawned)++;
        bool abort = (choice >> 20) % 3 == 0;
        if (abort)
            trale_abort(task);
        if ((choice >> 24) % 4 == 0) {
            trale_detach(task);
        } else if ((choice >> 24) % 4 == 1) {
            int64_t result = trale_join(trale_spawn(crowd->runtime, reaper, .task = task));
            crowd->wrong += result != round && !(abort && result == -ECANCELED);
        } else {
            int64_t result = trale_join(task);
            crowd->wrong += result != round && !(abort && result == -ECANCELED);
        }
    }
    return NULL;
}

static void test_any_order_from_any_thread_frees_each_task_once(void **state)
{
    _Atomic int n_spawned = 0, n_cleanups = 0;
    pthread_t threads[N_THREADS];
    struct crowd crowds[N_THREADS];
    for (int i = 0; i < N_THREADS; i++) {
        crowds[i] = (struct crowd){runtime_of(state), (unsigned)i + 1, &n_spawned, &n_cleanups, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, crowd_run, &crowds[i]), 0);
    }
    for (int i = 0; i < N_THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(crowds[i].wrong, 0);
    }
    assert_int_equal(trale_run(runtime_of(state)), 0);
    assert_int_equal(n_spawned, N_THREADS * N_ROUNDS);
    assert_int_equal(n_cleanups, n_spawned);
}

struct hammer {
    struct gate *gate;
    _Atomic bool stop;
};

static void *hammer_run(void *data)
{
    struct hammer *hammer = data;
    while (!atomic_load(&hammer->stop))
        gate_take_waker(hammer->gate, true);
    return NULL;
}

static void test_wakes_may_race_with_closing(void **state)
{
    (void)state;
    for (int round = 0; round < 100; round++) {
        struct trale *runtime = test_open("", "");
        struct gate gate = {0};
        trale_detach(trale_spawn(runtime, through, .gate = &gate));
        struct hammer hammer = {.gate = &gate};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, hammer_run, &hammer), 0);
        gate_await_polls(runtime, &gate, 5);
        assert_int_equal(trale_close(runtime), 0);
        atomic_store(&hammer.stop, true);
        pthread_join(thread, NULL);
        gate_take_waker(&gate, false);
        assert_int_equal(gate.n_drops, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join_gives_the_result),
        cmocka_unit_test(test_join_after_the_task_ended_gives_the_result),
        cmocka_unit_test(test_joining_no_task_is_out_of_memory),
        cmocka_unit_test(test_inside_a_task_blocking_is_refused_and_joining_is_awaited),
        cmocka_unit_test(test_awaiting_a_task_of_another_runtime_works),
        cmocka_unit_test(test_dropping_the_joiner_is_harmless),
        cmocka_unit_test(test_dropping_an_awaited_join_leaves_the_task_running),
        cmocka_unit_test(test_block_on_returns_when_its_own_future_is_done),
        cmocka_unit_test(test_run_returns_at_once_without_tasks),
        cmocka_unit_test(test_run_waits_for_tasks_that_tasks_spawn),
        cmocka_unit_test(test_the_run_queue_is_first_in_first_out),
        cmocka_unit_test(test_what_is_urgent_goes_first),
        cmocka_unit_test(test_what_is_urgent_starves_nobody),
        cmocka_unit_test(test_only_priorities_that_there_are_can_be_given),
        cmocka_unit_test(test_a_task_that_is_always_ready_does_not_starve_others),
        cmocka_unit_test(test_a_wake_during_the_own_poll_makes_it_run_again),
        cmocka_unit_test(test_waking_from_another_thread_wakes),
        cmocka_unit_test(test_a_spurious_wake_is_one_poll),
        cmocka_unit_test(test_waking_a_finished_task_is_harmless),
        cmocka_unit_test(test_a_waker_may_outlive_the_runtime),
        cmocka_unit_test(test_abort_drops_the_chain_down_to_the_leaf),
        cmocka_unit_test(test_abort_before_the_first_poll_cleans_up),
        cmocka_unit_test(test_aborting_a_finished_task_keeps_its_result),
        cmocka_unit_test(test_a_task_may_abort_itself),
        cmocka_unit_test(test_close_drops_what_is_left_and_resolves_its_handles),
        cmocka_unit_test(test_a_task_spawned_while_closing_is_born_cancelled),
        cmocka_unit_test(test_a_task_spawned_from_outside_while_closing_is_born_cancelled),
        cmocka_unit_test(test_a_runtime_is_not_waited_for_from_inside_by_way_of_another),
        cmocka_unit_test(test_a_frame_that_is_no_future_is_refused),
        cmocka_unit_test(test_a_race_resolves_to_the_winner_and_drops_the_loser),
        cmocka_unit_test(test_all_resolves_when_the_last_has),
        cmocka_unit_test(test_exactly_one_branch_of_a_race_resolves_and_each_wins_its_share),
        cmocka_unit_test(test_races_of_several_tasks_are_fair_each_for_itself),
        cmocka_unit_test(test_every_branch_of_races_within_races_wins_its_share),
        cmocka_unit_test(test_a_race_in_order_prefers_the_first_branch),
        cmocka_unit_test(test_branches_share_the_budget_of_their_task_and_all_get_their_turn),
        cmocka_unit_test(test_a_race_of_none_is_invalid),
        cmocka_unit_test(test_a_backtrace_shows_every_branch_that_is_not_over),
        cmocka_unit_test(test_idle_tasks_are_listed_with_their_backtrace),
        cmocka_unit_test(test_any_order_from_any_thread_frees_each_task_once),
        cmocka_unit_test(test_wakes_may_race_with_closing),
    };
    return cmocka_run_group_tests(tests, open_runtime, close_runtime);
}
