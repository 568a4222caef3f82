/* SPDX-License-Identifier: MIT
 *
 * Every order of a few steps that a holder of a handle may take, for several kinds of tasks and of holders, in the
 * thread layout that the environment names: each task's frame is released exactly once, and each result is right. */
#include <dirent.h>
#include <stdatomic.h>

#include <trale/fiber.h>
#include <trale/sync.h>

#include "tests/support.h"

/* --- the tasks that are held -------------------------------------------------------------------------------------- */

enum kind {
    RESOLVES, /* at its first poll */
    YIELDS,   /* three times before it resolves */
    WAITS,    /* for ever */
    N_KINDS,
};

static struct trale_semaphore never = TRALE_SEMAPHORE(0);
static _Atomic int n_released;

struct held {
    struct trale_future future;
    struct trale_semaphore_acquire acquire;
    enum kind kind;
    int n_yields;
};

static void held_release(struct held *self)
{
    (void)self;
    n_released++;
}

trale_async_with(held, held_release)
{
    trale_begin();
    for (; self->kind == YIELDS && self->n_yields < 3; self->n_yields++)
        trale_yield();
    if (self->kind == WAITS)
        trale_await(trale_semaphore_acquire(&self->acquire, &never, 1));
    trale_return(42);
}

struct turn {
    struct trale_future future;
};

trale_async(turn)
{
    trale_begin();
    trale_return(0);
}

/* --- orders ------------------------------------------------------------------------------------------------------- */

enum step { ABORT, TURN, CLONE, N_STEPS };
enum end { JOIN, DETACH, DROP_A_JOIN, N_ENDS };

#define N_STEPS_MAX 3

struct order {
    enum kind kind;
    size_t n_steps;
    enum step steps[N_STEPS_MAX];
    enum end end;
};

static bool order_has(const struct order *order, enum step step)
{
    for (size_t i = 0; i < order->n_steps; i++)
        if (order->steps[i] == step)
            return true;
    return false;
}

/* The order by that number; false where the numbers end. What would wait for ever is not possible. */
static bool order_get(size_t number, struct order *order, bool *is_possible)
{
    size_t n_steps = 0, n_orders = 1;
    *order = (struct order){.kind = (enum kind)(number % N_KINDS)};
    number /= N_KINDS;
    order->end = (enum end)(number % N_ENDS);
    number /= N_ENDS;
    for (; number >= n_orders; n_orders *= N_STEPS, n_steps++)
        number -= n_orders;
    if (n_steps > N_STEPS_MAX)
        return false;
    order->n_steps = n_steps;
    for (size_t i = 0; i < n_steps; i++, number /= N_STEPS)
        order->steps[i] = (enum step)(number % N_STEPS);
    *is_possible = order->kind != WAITS || order->end != JOIN || order_has(order, ABORT);
    return true;
}

static bool is_right(const struct order *order, int64_t result, bool closed)
{
    return result == 42 || (result == -ECANCELED && (closed || order_has(order, ABORT)));
}

/* --- a holder that is a task -------------------------------------------------------------------------------------- */

struct holder {
    struct trale_future future;
    struct trale *runtime; /* of the task that it holds */
    struct order order;
    struct trale_task *task, *clones[N_STEPS_MAX];
    size_t i, n_clones;
    struct trale_join_future join;
    struct turn turn;
    struct trale_branches race;
    struct trale_branch branches[2];
};

static void holder_step(struct holder *self)
{
    if (self->order.steps[self->i] == ABORT)
        trale_abort(self->task);
    else if (self->order.steps[self->i] == CLONE)
        self->clones[self->n_clones++] = trale_task_clone(self->task);
}

static void holder_detach_clones(struct holder *self)
{
    for (size_t i = 0; i < self->n_clones; i++)
        trale_detach(self->clones[i]);
}

/* Resolves to 0 where all is right. */
trale_async(holder)
{
    trale_begin();
    self->task = trale_spawn(self->runtime, held, .kind = self->order.kind);
    for (; self->i < self->order.n_steps; self->i++) {
        holder_step(self);
        if (self->order.steps[self->i] == TURN)
            trale_yield();
    }
    if (self->order.end == JOIN) {
        trale_await(trale_join_future(&self->join, self->task));
        if (!is_right(&self->order, trale_result(), false))
            trale_return(1);
    } else if (self->order.end == DROP_A_JOIN) {
        self->branches[0].future = trale_join_future(&self->join, self->task);
        self->branches[1].future = trale_call(turn, &self->turn);
        trale_await(trale_race_in_order(&self->race, self->branches, 2));
        if (trale_result() == 0 && !is_right(&self->order, self->branches[0].result, false))
            trale_return(1);
    } else {
        trale_detach(self->task);
    }
    holder_detach_clones(self);
    trale_return(0);
}

static int64_t hold_in_fiber(void *data)
{
    struct holder *self = data;
    struct trale_join_future join;
    self->task = trale_spawn(self->runtime, held, .kind = self->order.kind);
    for (; self->i < self->order.n_steps; self->i++) {
        holder_step(self);
        if (self->order.steps[self->i] == TURN)
            trale_fiber_yield();
    }
    int64_t r = 42;
    if (self->order.end == JOIN)
        r = trale_fiber_await(trale_join_future(&join, self->task));
    else if (self->order.end == DETACH)
        trale_detach(self->task);
    else
        trale_future_drop(trale_join_future(&join, self->task));
    holder_detach_clones(self);
    return is_right(&self->order, r, false) ? 0 : 1;
}

/* --- a holder that is a thread ------------------------------------------------------------------------------------ */

static void take_turn(struct trale *runtime)
{
    struct turn turn;
    assert_int_equal(trale_block_on(runtime, trale_call(turn, &turn)), 0);
}

static void hold_outside(struct trale *runtime, const struct order *order, bool closes)
{
    struct holder self = {.runtime = runtime, .order = *order};
    struct trale_join_future join;
    self.task = trale_spawn(runtime, held, .kind = order->kind);
    for (; self.i < order->n_steps; self.i++) {
        holder_step(&self);
        if (order->steps[self.i] == TURN)
            take_turn(runtime);
    }
    if (closes)
        assert_int_equal(trale_close(runtime), 0);
    if (order->end == JOIN)
        assert_true(is_right(order, trale_join(self.task), closes));
    else if (order->end == DETACH)
        trale_detach(self.task);
    else
        trale_future_drop(trale_join_future(&join, self.task));
    holder_detach_clones(&self);
}

/* --- the tests ---------------------------------------------------------------------------------------------------- */

enum caller { FROM_OUTSIDE, FROM_INSIDE, FROM_ANOTHER_RUNTIME, FROM_A_FIBER, AFTER_CLOSING };

static void hold(enum caller caller, struct trale **runtimes, const struct order *order)
{
    struct holder holder = {.runtime = runtimes[0], .order = *order};
    struct trale_fiber fiber;
    switch (caller) {
    case FROM_OUTSIDE:
        hold_outside(runtimes[0], order, false);
        break;
    case FROM_INSIDE:
    case FROM_ANOTHER_RUNTIME:
        holder.future.type = &holder_type;
        /* With threads = 0 a task that another runtime holds needs a thread that polls it. */
        assert_int_equal(trale_block_on(runtimes[caller == FROM_ANOTHER_RUNTIME], &holder.future), 0);
        break;
    case FROM_A_FIBER:
        assert_int_equal(trale_block_on(runtimes[0], trale_fiber(&fiber, hold_in_fiber, &holder)), 0);
        break;
    case AFTER_CLOSING:
        hold_outside(test_open("", ""), order, true);
        break;
    }
}

static void hold_in_all_orders(enum caller caller)
{
    struct trale *runtimes[2] = {test_open("", ""), test_open("", "")};
    struct order order;
    bool is_possible;
    int n_orders = 0;
    n_released = 0;
    for (size_t number = 0; order_get(number, &order, &is_possible); number++) {
        if (!is_possible && caller != AFTER_CLOSING)
            continue;
        /* It would have to be polled by somebody else. */
        if (caller == FROM_ANOTHER_RUNTIME && test_threads() == 0 && order.end == JOIN)
            continue;
        n_orders++;
        hold(caller, runtimes, &order);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(trale_close(runtimes[i]), 0);
    assert_int_equal(n_released, n_orders);
    assert_true(n_orders >= 240);
}

static void test_all_orders_from_outside(void **state)
{
    (void)state;
    hold_in_all_orders(FROM_OUTSIDE);
}

static void test_all_orders_from_inside(void **state)
{
    (void)state;
    hold_in_all_orders(FROM_INSIDE);
}

static void test_all_orders_from_another_runtime(void **state)
{
    (void)state;
    hold_in_all_orders(FROM_ANOTHER_RUNTIME);
}

static void test_all_orders_from_a_fiber(void **state)
{
    (void)state;
    hold_in_all_orders(FROM_A_FIBER);
}

static void test_all_orders_that_end_after_closing(void **state)
{
    (void)state;
    hold_in_all_orders(AFTER_CLOSING);
}

/* --- many runtimes, one after the other --------------------------------------------------------------------------- */

static int count_entries(const char *path)
{
    DIR *folder = opendir(path);
    int n = 0;
    while (readdir(folder) != NULL)
        n++;
    closedir(folder);
    return n;
}

/* Resident pages: what is leaked by each runtime would add up. */
static long count_pages(void)
{
    long n_virtual, n_resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_int_equal(fscanf(file, "%ld %ld", &n_virtual, &n_resident), 2);
    fclose(file);
    return n_resident;
}

struct sleeper {
    struct trale_future future;
    struct trale_sleep sleep;
};

trale_async(sleeper)
{
    trale_begin();
    trale_await(trale_sleep(&self->sleep, 3600 * TRALE_SECOND));
    trale_return(trale_result());
}

static void test_500_runtimes_leave_no_descriptor_thread_or_memory(void **state)
{
    (void)state;
    int n_fds = 0;
    long n_pages = 0;
    for (int i = 0; i < 500; i++) {
        struct trale *runtime = test_open("timer, udp", TEST_TIMER TEST_UDP);
        struct trale_task *task = trale_spawn(runtime, sleeper, .future.at = NULL);
        trale_detach(trale_spawn(runtime, sleeper, .future.at = NULL));
        take_turn(runtime);
        assert_int_equal(trale_close(runtime), 0);
        assert_int_equal(trale_join(task), -ECANCELED);
        if (i == 50) { /* what is mapped once is mapped by now */
            n_fds = count_entries("/proc/self/fd");
            n_pages = count_pages();
        }
    }
    assert_int_equal(count_entries("/proc/self/fd"), n_fds);
    /* A joined thread may be seen for a moment. */
    for (int i = 0; i < 5000 && count_entries("/proc/self/task") > 3; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
    (void)n_pages; /* they keep freed memory, and find leaks by themselves */
#else
    assert_int_equal(count_entries("/proc/self/task"), 3); /* ".", ".." and this thread */
    /* 450 times a kilobyte would be more. */
    assert_true(TEST_UNDER_VALGRIND || count_pages() < n_pages + 64);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_orders_from_outside),
        cmocka_unit_test(test_all_orders_from_inside),
        cmocka_unit_test(test_all_orders_from_another_runtime),
        cmocka_unit_test(test_all_orders_from_a_fiber),
        cmocka_unit_test(test_all_orders_that_end_after_closing),
        cmocka_unit_test(test_500_runtimes_leave_no_descriptor_thread_or_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
