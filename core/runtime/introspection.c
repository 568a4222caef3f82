/* SPDX-License-Identifier: MIT
 *
 * What a runtime says of itself. The questions are tasks: they are answered on the executor thread, in their turn,
 * while nothing moves. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/runtime/runtime.h"

/* --- tasks -------------------------------------------------------------------------------------------------------- */

struct listing {
    struct trale_future future;
    struct executor *executor;
    void (*visit)(void *data, const struct trale_task_info *task);
    void (*end)(void *data); /* called after the last task; may be NULL */
    void *data;
};

static void listing_visit(void *data, struct trale_task *task)
{
    const struct listing *listing = data;
    struct trale_task_info info;
    executor_look(task, &info);
    listing->visit(listing->data, &info);
}

static int64_t listing_poll(struct trale_future *future, struct trale_context *context)
{
    struct listing *listing = (struct listing *)(void *)future;
    (void)context;
    executor_each(listing->executor, listing_visit, listing);
    if (listing->end != NULL)
        listing->end(listing->data);
    return 0;
}

static const struct trale_future_type listing_type = {sizeof listing_type, TRALE_ABI, "trale_tasks", listing_poll,
                                                      NULL};

static int listing_make(struct trale *runtime, struct listing *listing)
{
    if (executor_is_ours(&runtime->executor) && executor_is_on_thread(&runtime->executor))
        return (int)listing_poll(&listing->future, NULL);
    return (int)runtime_call(runtime, &listing->future, TASK_OF_CALL);
}

int trale_tasks(struct trale *runtime, void (*visit)(void *data, const struct trale_task_info *task), void *data)
{
    struct listing listing = {{.type = &listing_type}, &runtime->executor, visit, NULL, data};
    return listing_make(runtime, &listing);
}

/* --- dump --------------------------------------------------------------------------------------------------------- */

struct dump {
    struct trale *runtime;
    void (*write)(void *data, const char *text);
    void *data;
    int result;
};

static void dump_visit(void *data, const struct trale_task_info *task)
{
    struct dump *dump = data;
    static const char *const priorities[TRALE_PRIORITIES] = {"high priority, ", "", "low priority, "};
    char head[256];
    size_t size = trale_backtrace(task->future, NULL, 0) + 1;
    char *backtrace = malloc(size);
    if (backtrace == NULL) {
        dump->result = -ENOMEM;
        return;
    }
    trale_backtrace(task->future, backtrace, size);
    snprintf(head, sizeof head, "task %" PRIu64 " (", task->id);
    dump->write(dump->data, head);
    dump->write(dump->data, task->name);
    snprintf(head, sizeof head, "): %s%s%s, %" PRIu64 " polls, %" PRIu64 " wakes, %" PRIu64 " ns\n",
             task->driver       ? "a driver's, "
             : task->background ? "in the background, "
                                : "",
             priorities[task->priority], task->runnable ? "runnable" : "idle", task->n_polls, task->n_wakes,
             task->poll_ns);
    dump->write(dump->data, head);
    dump->write(dump->data, backtrace);
    free(backtrace);
}

static void dump_end(void *data)
{
    struct dump *dump = data;
    if (dump->runtime->checks != NULL)
        checks_dump(dump->runtime->checks, dump->write, dump->data);
}

int trale_dump(struct trale *runtime, void (*write)(void *data, const char *text), void *data)
{
    struct dump dump = {runtime, write, data, 0};
    struct listing listing = {{.type = &listing_type}, &runtime->executor, dump_visit, dump_end, &dump};
    int r = listing_make(runtime, &listing);
    return r < 0 ? r : dump.result;
}

/* --- statistics --------------------------------------------------------------------------------------------------- */

struct counting {
    struct trale_future future;
    struct trale *runtime;
    struct trale_stats *stats;
};

static void count_one(void *data, struct trale_link *link)
{
    (void)link;
    ++*(uint64_t *)data;
}

static uint64_t count_runnable(const struct run_queue *queue)
{
    uint64_t n = 0;
    run_queue_each(queue, count_one, &n);
    return n;
}

static int64_t counting_poll(struct trale_future *future, struct trale_context *context)
{
    (void)context;
    const struct counting *counting = (const struct counting *)(void *)future;
    const struct executor *executor = &counting->runtime->executor;
    const struct watchdog *watchdog = &counting->runtime->watchdog;
    *counting->stats = (struct trale_stats){
        .size = sizeof *counting->stats,
        .n_tasks = executor->n_tasks,
        .n_runnable = count_runnable(&executor->run_queue),
        .n_spawned = executor->last_id,
        .n_polls = executor->n_polls,
        .n_rounds = executor->n_rounds,
        .n_sleeps = executor->n_sleeps,
        .poll_ns = watchdog->poll_ns,
        .longest_poll_ns = watchdog->longest_poll_ns,
        .n_stalls = atomic_load_explicit(&watchdog->n_stalls, memory_order_relaxed),
    };
    return 0;
}

int trale_stats_sized(struct trale *runtime, struct trale_stats *stats, size_t size)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_stats", counting_poll, NULL};
    struct trale_stats all;
    struct counting counting = {{.type = &type}, runtime, &all};
    int r = 0;
    if (executor_is_ours(&runtime->executor) && executor_is_on_thread(&runtime->executor))
        counting_poll(&counting.future, NULL);
    else
        r = (int)runtime_call(runtime, &counting.future, TASK_OF_CALL);
    if (r < 0)
        return r;
    memset(stats, 0, size);
    memcpy(stats, &all, size < sizeof all ? size : sizeof all);
    return 0;
}
