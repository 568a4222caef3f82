/* SPDX-License-Identifier: MIT
 *
 * Tasks come, are polled, and go. wake.c wakes them, inject.c takes them from other threads. */
#include "core/executor/executor.h"

#include <errno.h>
#include <sched.h>

/* --- coming and going --------------------------------------------------------------------------------------------- */

void executor_adopt(struct executor *executor, struct trale_task *task)
{
    task->id = ++executor->last_id;
    executor->n_tasks += !task->driver;
    executor_queue(executor, task);
}

void executor_refuse(struct executor *executor, struct trale_task *task)
{
    trale_future_drop(task->future);
    task_finish(task, &executor->task_pool, -ECANCELED);
}

struct trale_task *executor_spawn(struct executor *executor, const struct trale_future *future, size_t size,
                                  bool driver)
{
    struct trale_task *task = task_new(executor_pool_here(executor), executor, &executor_waker_table, future, size);
    if (task == NULL)
        return NULL;
    task->driver = driver;
    if (executor->callers_poll)
        atomic_store_explicit(&task->shared, 2 * TASK_REFERENCE | TASK_POLLED, memory_order_relaxed);
    if (executor_on_thread != executor) {
        atomic_fetch_or_explicit(&task->shared, TASK_INJECTED, memory_order_relaxed);
        task_reference(task);
        injection_push(&executor->injection, task);
    } else if (executor->closing) {
        executor_refuse(executor, task);
    } else {
        executor_adopt(executor, task);
    }
    return task;
}

static void executor_finish(struct executor *executor, struct trale_task *task, int64_t result)
{
    bool driver = task->driver;
    uint32_t shared = task_finish(task, &executor->task_pool, result);
    executor->n_late += (shared & TASK_INJECTED) != 0;
    if (executor->callers_poll && (shared & TASK_BLOCKED) != 0)
        seat_notify(&executor->seat);
    if (driver || --executor->n_tasks > 0)
        return;
    while (!list_is_empty(&executor->emptied)) {
        struct executor_emptied *emptied = list_entry(executor->emptied.next, struct executor_emptied, node);
        list_remove(&emptied->node);
        emptied->waker->table->wake_by_ref(emptied->waker);
    }
}

/* The task is on no list. */
static void executor_drop(struct executor *executor, struct trale_task *task)
{
    executor->running = task;
    task->state = TASK_RUNNING;
    trale_future_drop(task->future);
    executor->running = NULL;
    executor_finish(executor, task, -ECANCELED);
}

/* --- polling ------------------------------------------------------------------------------------------------------ */

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
    int64_t result = executor->watchdog == NULL ? trale_future_poll(task->future, &executor->context)
                                                : watchdog_poll(executor->watchdog, task, &executor->context);
    executor->running = NULL;
    uint32_t cost = 1 + TRALE_POLL_BUDGET - executor->context.budget + TRALE_POLL_OVERDRAFT -
                    executor->context.overdraft;
    if (result != TRALE_PENDING) {
        executor_finish(executor, task, result);
    } else if (task->state == TASK_WOKEN) {
        executor_queue(executor, task);
    } else {
        list_append(&executor->idle, &task->node);
        task->state = TASK_IDLE;
    }
    return cost;
}

static bool executor_is_done(const struct executor *executor, const struct trale_task *until)
{
    return until != NULL ? task_is_finished(until)
                         : atomic_load_explicit(&executor->injection.stopping, memory_order_relaxed);
}

/* A round: take in, poll for as long as TRALE_EVENT_INTERVAL allows, look or sleep. */
static void executor_loop(struct executor *executor, const struct trale_task *until)
{
    executor->outer = executor_on_thread;
    executor_on_thread = executor;
    while (!executor_is_done(executor, until)) {
        executor->n_rounds++;
        executor_drain(executor);
        for (uint32_t spent = 0; spent < TRALE_EVENT_INTERVAL && !run_queue_is_empty(&executor->run_queue);) {
            spent += executor_poll(executor);
            if (executor_is_done(executor, until))
                goto out;
        }
        executor->before_wait(executor->before_wait_data, run_queue_is_empty(&executor->run_queue));
        if (run_queue_is_empty(&executor->run_queue))
            executor->n_sleeps += injection_sleep(&executor->injection);
        else
            executor->injection.park.wait(executor->injection.park.data, false);
    }
out:
    executor_on_thread = executor->outer;
}

bool executor_is_on_thread(const struct executor *executor)
{
    const struct executor *inner = executor_on_thread;
    while (inner != NULL && inner != executor)
        inner = inner->outer;
    return inner != NULL;
}

void executor_run(struct executor *executor)
{
    executor_loop(executor, NULL);
}

void executor_run_until(struct executor *executor, struct trale_task *task)
{
    while (seat_take(&executor->seat, task)) {
        executor_loop(executor, task);
        seat_leave(&executor->seat);
    }
}

void executor_stop(struct executor *executor)
{
    injection_stop(&executor->injection);
}

/* --- beginning and end -------------------------------------------------------------------------------------------- */

void executor_init(struct executor *executor, struct trale *runtime, bool callers_poll, struct park park,
                   void (*before_wait)(void *data, bool idle), void *before_wait_data)
{
    *executor = (struct executor){
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
}

/* Drops every task, or only the applications'. Dropping one may wake or abort others, but makes no new ones. */
static void executor_drop_all(struct executor *executor, bool drivers)
{
    struct trale_link kept;
    list_init(&kept);
    while (!list_is_empty(&executor->idle))
        executor_queue(executor, list_entry(executor->idle.next, struct trale_task, node));
    while (!run_queue_is_empty(&executor->run_queue)) {
        struct trale_task *task = run_queue_take(&executor->run_queue);
        if (drivers || !task->driver) {
            executor_drop(executor, task);
        } else {
            list_append(&kept, &task->node);
        }
    }
    list_append_all(&executor->idle, &kept);
}

void executor_deinit(struct executor *executor)
{
    executor->outer = executor_on_thread;
    executor_on_thread = executor;
    executor->closing = true;
    executor_drain(executor);
    executor_drop_all(executor, false);
    executor_drop_all(executor, true);
    executor_drain(executor);
    /* Those that another thread has marked are not all pushed yet; the thread is between two instructions. */
    while (executor->n_late > 0) {
        executor_drain(executor);
        sched_yield();
    }
    injection_settle(&executor->injection);
    task_pool_deinit(&executor->task_pool);
    executor_on_thread = executor->outer;
    seat_deinit(&executor->seat);
}
