/* SPDX-License-Identifier: MIT
 *
 * Tasks come, are polled, and go. wake.c wakes them, inject.c takes them from other threads, end.c drops the rest. */
#include "core/executor/executor.h"

#include <errno.h>

/* --- coming and going --------------------------------------------------------------------------------------------- */

void executor_adopt(struct executor *executor, struct trale_task *task)
{
    task_set_id(task, ++executor->last_id);
    executor->n_tasks += task->role == TASK_COUNTED;
    run_queue_add(&executor->run_queue, task);
    task->state = TASK_QUEUED;
}

/* Ends a task that comes when the executor has ended. What its drop spawns in turn is not taken, or a task that spawns
 * another one whenever it is dropped would do so for ever. */
static bool executor_refuse(struct trale_task *task)
{
    static _Thread_local bool refuses __attribute__((tls_model("initial-exec")));
    atomic_fetch_and_explicit(&task->shared, ~TASK_INJECTED, memory_order_relaxed);
    task_release(task, NULL);
    if (refuses) {
        task_release(task, NULL);
        task_release(task, NULL);
        return false;
    }
    refuses = true;
    trale_future_drop(task_future(task));
    refuses = false;
    task_finish(task, NULL, -ECANCELED);
    return true;
}

static inline struct trale_task *executor_make(struct executor *executor, const struct trale_future *future,
                                               size_t size, enum task_role role, uint8_t place)
{
    bool here = executor_on_thread == executor;
    if (here && executor->refuses)
        return NULL;
    struct trale_task *task = task_new(here ? &executor->task_pool : NULL, executor->home, future, size, place);
    if (task == NULL)
        return NULL;
    task->role = (uint8_t)role;
    if (executor->callers_poll)
        atomic_store_explicit(&task->shared, 2 * TASK_REFERENCE | TASK_POLLED, memory_order_relaxed);
    if (here) {
        executor_adopt(executor, task);
        return task;
    }
    atomic_fetch_or_explicit(&task->shared, TASK_INJECTED, memory_order_relaxed);
    task_reference(task);
    return injection_push(&executor->injection, task) || executor_refuse(task) ? task : NULL;
}

static __attribute__((noinline)) struct trale_task *
executor_make_watched(struct executor *executor, const struct trale_future *future, size_t size, enum task_role role)
{
    struct trale_task *task = executor_make(executor, future, size, role,
                                            executor->watchdog->measures ? TASK_MEASURED : 0);
    if (task != NULL && executor_on_thread == executor)
        HOOKS_CALL(executor->hooks, spawned, task, executor->running);
    return task;
}

struct trale_task *executor_spawn(struct executor *executor, const struct trale_future *future, size_t size,
                                  enum task_role role)
{
    return !executor->watches_polls ? executor_make(executor, future, size, role, 0)
                                    : executor_make_watched(executor, future, size, role);
}

void executor_finish(struct executor *executor, struct trale_task *task, int64_t result)
{
    bool is_counted = task->role == TASK_COUNTED;
    uint32_t shared = task_finish(task, &executor->task_pool, result);
    executor->n_late += (shared & TASK_INJECTED) != 0;
    if (executor->callers_poll && (shared & TASK_BLOCKED) != 0)
        seat_notify(&executor->seat);
    if (is_counted)
        executor_discount(executor);
}

void executor_discount(struct executor *executor)
{
    if (--executor->n_tasks > 0)
        return;
    while (!list_is_empty(&executor->emptied)) {
        struct executor_emptied *emptied = list_entry(executor->emptied.next, struct executor_emptied, node);
        list_remove(&emptied->node);
        emptied->waker->table->wake_by_ref(emptied->waker);
    }
}

void executor_drop(struct executor *executor, struct trale_task *task)
{
    executor->running = task;
    task->state = TASK_RUNNING;
    if (executor->watchdog != NULL)
        watchdog_begin(executor->watchdog, WATCH_DROP, task_id(task), task_name(task));
    HOOKS_CALL(executor->hooks, drop_begins, task);
    trale_future_drop(task_future(task));
    HOOKS_CALL(executor->hooks, drop_ends, task);
    if (executor->watchdog != NULL)
        watchdog_end(executor->watchdog);
    executor->running = NULL;
    if (executor->hooks == NULL)
        executor_finish(executor, task, -ECANCELED);
    else
        executor_finish_heard(executor, task, -ECANCELED);
}

/* --- polling ------------------------------------------------------------------------------------------------------ */

void executor_put_back(struct executor *executor, struct trale_task *task)
{
    if (task->state == TASK_WOKEN) {
        executor_queue(executor, task);
    } else {
        list_append(&executor->idle, &task->node);
        task->state = TASK_IDLE;
    }
}

/* Gives the first task on the run-queue its poll, and returns what it cost: 1 and the awaits that completed in it. */
static uint32_t executor_poll(struct executor *executor)
{
    struct trale_task *task = run_queue_take(&executor->run_queue);
    if ((atomic_load_explicit(&task->shared, memory_order_relaxed) & TASK_ABORTED) != 0) {
        executor_drop(executor, task);
        return 1;
    }
    task->state = TASK_RUNNING;
    executor->running = task;
    executor->context.waker = &task->waker;
    executor->context.budget = TRALE_POLL_BUDGET;
    executor->context.overdraft = TRALE_POLL_OVERDRAFT;
    task->n_polls++;
    executor->n_polls++;
    struct trale_future *future = task_future(task);
    if (!executor->watches_polls) {
        int64_t result = future->type->poll(future, &executor->context);
        executor->running = NULL;
        if (result != TRALE_PENDING)
            executor_finish(executor, task, result);
        else
            executor_put_back(executor, task);
    } else {
        executor_poll_watched(executor, task);
    }
    return 1 + TRALE_POLL_BUDGET - executor->context.budget + TRALE_POLL_OVERDRAFT - executor->context.overdraft;
}

static bool executor_is_stopping(const struct executor *executor)
{
    return atomic_load_explicit(&executor->injection.stopping, memory_order_relaxed);
}

static bool executor_is_done(const struct executor *executor, const struct trale_task *until)
{
    return executor_is_stopping(executor) || (until != NULL && task_is_finished(until));
}

/* Takes in what was pushed, and polls for as long as TRALE_EVENT_INTERVAL allows. False: it is done. */
static bool executor_poll_some(struct executor *executor, const struct trale_task *until, uint32_t *spent)
{
    executor->n_rounds++;
    executor_drain(executor);
    while (*spent < TRALE_EVENT_INTERVAL && !run_queue_is_empty(&executor->run_queue)) {
        *spent += executor_poll(executor);
        if (executor_is_done(executor, until))
            return false;
    }
    return true;
}

/* Rounds: take in, poll, look or sleep. What before_wait wakes is polled without a look, for as long as
 * TRALE_EVENT_INTERVAL allows, unless a driver asks for one by a limit of 0. */
static void executor_loop(struct executor *executor, const struct trale_task *until)
{
    executor->outer = executor_on_thread;
    executor_on_thread = executor;
    uint32_t spent = 0;
    while (!executor_is_done(executor, until) && executor_poll_some(executor, until, &spent)) {
        uint64_t limit_ns = executor->before_wait(executor->before_wait_data);
        if (limit_ns > 0 && spent < TRALE_EVENT_INTERVAL && !run_queue_is_empty(&executor->run_queue))
            continue;
        spent = 0;
        task_pool_tidy(&executor->task_pool);
        if (limit_ns > 0 && run_queue_is_empty(&executor->run_queue))
            executor->n_sleeps += injection_sleep(&executor->injection, limit_ns);
        else
            executor->injection.park.wait(executor->injection.park.data, PARK_LOOK, false);
    }
    executor_on_thread = executor->outer;
}

/* Rounds without a sleep, until nothing is runnable. The last look says what no task waits for. Returns for how long
 * the executor rests; 0: it does not. */
static uint64_t executor_do_turn(struct executor *executor)
{
    const struct park *park = &executor->injection.park;
    for (uint32_t spent = 0; spent < TRALE_EVENT_INTERVAL; spent++) {
        if (!executor_poll_some(executor, NULL, &spent))
            return 0;
        uint64_t limit_ns = executor->before_wait(executor->before_wait_data);
        park->wait(park->data, PARK_LOOK, run_queue_is_empty(&executor->run_queue));
        if (!run_queue_is_empty(&executor->run_queue))
            continue;
        if (limit_ns == 0)
            return 0;
        task_pool_tidy(&executor->task_pool);
        if (injection_rest(&executor->injection)) {
            executor->n_sleeps++;
            return limit_ns;
        }
    }
    return 0;
}

/* --- running ------------------------------------------------------------------------------------------------------ */

bool executor_is_on_thread(const struct executor *executor)
{
    const struct executor *inner = executor_on_thread;
    while (inner != NULL && inner != executor)
        inner = inner->outer;
    return inner != NULL;
}

void executor_run_until(struct executor *executor, struct trale_task *task)
{
    while (!task_is_finished(task) && seat_take(&executor->seat, task)) {
        injection_rise(&executor->injection);
        executor_loop(executor, task);
        if (executor_is_stopping(executor))
            executor_end(executor);
        else
            executor->injection.park.rest(executor->injection.park.data, 0); /* the next turn finds out what is left */
        seat_leave(&executor->seat);
    }
}

int executor_turn(struct executor *executor)
{
    if (!seat_try(&executor->seat))
        return -EBUSY;
    injection_rise(&executor->injection);
    executor->outer = executor_on_thread;
    executor_on_thread = executor;
    uint64_t limit_ns = executor_do_turn(executor);
    executor->injection.park.rest(executor->injection.park.data, limit_ns);
    executor_on_thread = executor->outer;
    seat_leave(&executor->seat);
    return limit_ns == 0;
}

void executor_run(struct executor *executor)
{
    executor_loop(executor, NULL);
    executor_end(executor);
}

void executor_stop(struct executor *executor)
{
    injection_stop(&executor->injection);
}

int executor_end_here(struct executor *executor, const struct timespec *deadline)
{
    int r = seat_take_until(&executor->seat, deadline);
    if (r < 0)
        return r;
    injection_rise(&executor->injection);
    executor_end(executor);
    seat_leave(&executor->seat);
    return 0;
}

/* --- beginning and end -------------------------------------------------------------------------------------------- */

int executor_init(struct executor *executor, struct trale *runtime, bool callers_poll, struct park park,
                  uint64_t (*before_wait)(void *data), void *before_wait_data)
{
    struct executor_home *home = executor_home_take(executor);
    if (home == NULL)
        return -ENOMEM;
    *executor = (struct executor){
        .home = home,
        .unheard_home = home,
        .context = {.size = sizeof executor->context, .abi = TRALE_ABI, .runtime = runtime},
        .callers_poll = callers_poll,
        .before_wait = before_wait,
        .before_wait_data = before_wait_data,
    };
    run_queue_init(&executor->run_queue);
    list_init(&executor->idle);
    list_init(&executor->emptied);
    injection_init(&executor->injection, park);
    seat_init(&executor->seat);
    task_pool_init(&executor->task_pool, &home->returns);
    return 0;
}

void executor_deinit(struct executor *executor)
{
    task_pool_deinit(&executor->task_pool);
    executor_home_give(executor->home);
    seat_deinit(&executor->seat);
}
