/* SPDX-License-Identifier: MIT
 *
 * The end of an executor: it drops its tasks, and takes no more. */
#include "core/executor/executor.h"

#include <inttypes.h>
#include <sched.h>

/* Drops the tasks that are there, or only the applications'. Dropping one may wake or abort others, and may spawn new
 * ones. Those that are kept for the next call wait on the idle list, still QUEUED, so that a wake leaves them there.
 * Returns whether it spawned any. */
static bool executor_drop_all(struct executor *executor, bool drivers)
{
    uint64_t last_id = executor->last_id;
    while (!list_is_empty(&executor->idle))
        executor_queue(executor, list_entry(executor->idle.next, struct trale_task, node));
    while (!run_queue_is_empty(&executor->run_queue)) {
        struct trale_task *task = run_queue_take(&executor->run_queue);
        if (task_id(task) > last_id || (task->role >= TASK_OF_DRIVER && !drivers))
            list_append(&executor->idle, &task->node);
        else
            executor_drop(executor, task);
    }
    return executor->last_id > last_id;
}

/* Drops all tasks, the drivers' last. Where drops go on spawning tasks, that is refused at last. */
static void executor_drop_rest(struct executor *executor)
{
    uint32_t n_generations = 0;
    for (bool drivers = false; !list_is_empty(&executor->idle) || !run_queue_is_empty(&executor->run_queue);
         drivers = n_generations == 0) {
        n_generations = executor_drop_all(executor, drivers) ? n_generations + 1 : 0;
        if (n_generations < EXECUTOR_GENERATIONS_MAX || executor->refuses)
            continue;
        executor->refuses = true;
        const struct trale_task *last = list_entry(executor->idle.previous, struct trale_task, node);
        if (executor->watchdog != NULL)
            log_say(executor->watchdog->log, TRALE_LOG_WARNING, "trale",
                    "task %" PRIu64
                    " (%s): spawned while the runtime closes, by the drop of a task that was so as well, "
                    "%d times over: spawning is refused from now on",
                    task_id(last), task_name(last), EXECUTOR_GENERATIONS_MAX);
    }
}

void executor_end(struct executor *executor)
{
    if (executor->ended)
        return;
    /* What was written before executor_stop is visible to the drops. */
    (void)atomic_load_explicit(&executor->injection.stopping, memory_order_acquire);
    executor->outer = executor_on_thread;
    executor_on_thread = executor;
    do {
        executor_drain(executor);
        executor_drop_rest(executor);
        /* Tasks that another thread has marked are not all pushed yet; the thread is between two instructions. */
        if (executor->n_late > 0)
            sched_yield();
    } while (executor->n_late > 0 || !injection_close(&executor->injection));
    injection_settle(&executor->injection);
    executor->ended = true;
    executor_on_thread = executor->outer;
}
