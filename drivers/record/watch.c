/* SPDX-License-Identifier: MIT
 *
 * Which task runs, and what wakes tasks. What a task wakes by itself comes again when it is replayed, and is not
 * recorded: only wakes by drivers and by other threads are. */
#include "recorder.h"

#include "list.h"

static struct task *task_of(const struct recorder *recorder, const struct trale_task *task)
{
    return task != NULL ? (struct task *)(uintptr_t)table_get(&recorder->tasks, task) : NULL;
}

static void on_spawned(void *data, struct trale_task *task, struct trale_task *spawner)
{
    struct recorder *recorder = data;
    struct trale_task_info info;
    (void)spawner;
    recorder->inspector->look(recorder->inspector->context, task, &info, sizeof info);
    if (info.driver != 0 || !recorder_is_on(recorder))
        return;
    struct task *own = calloc(1, sizeof *own);
    if (own != NULL && table_set(&recorder->tasks, task, (uintptr_t)own)) {
        own->number = ++recorder->n_tasks;
        return;
    }
    free(own);
    recorder_stop(recorder, TRALE_RECORDING_FAILED, -ENOMEM, "a spawn");
}

static void begin(struct recorder *recorder, struct trale_task *task, bool is_drop)
{
    recorder->running = task_of(recorder, task);
    recorder->is_drop = is_drop;
    if (recorder->running != NULL)
        atomic_store_explicit(&recorder->thread, (uintptr_t)pthread_self(), memory_order_relaxed);
}

static void end(struct recorder *recorder)
{
    recorder->n_polls += recorder->running != NULL;
    recorder->running = NULL;
    recorder->is_drop = false;
    atomic_store_explicit(&recorder->thread, 0, memory_order_relaxed);
}

static void on_poll_begins(void *data, struct trale_task *task)
{
    begin(data, task, false);
}

static void on_poll_ends(void *data, struct trale_task *task, int64_t result)
{
    (void)task, (void)result;
    end(data);
}

static void on_drop_begins(void *data, struct trale_task *task)
{
    begin(data, task, true);
}

static void on_ended(void *data, struct trale_task *task, int64_t result)
{
    struct recorder *recorder = data;
    struct task *own = task_of(recorder, task);
    (void)result;
    end(recorder);
    if (own == NULL)
        return;
    while (!list_is_empty(&own->pending))
        list_remove(own->pending.next);
    table_remove(&recorder->tasks, task);
    free(own);
}

static void on_woken(void *data, struct trale_task *task, struct trale_task *by, uint32_t source)
{
    struct recorder *recorder = data;
    const struct task *own = task_of(recorder, task);
    bool is_within = recorder->n_below > 0;
    (void)source;
    if (own == NULL || !recorder_is_on(recorder) || (!is_within && task_of(recorder, by) != NULL))
        return;
    struct entry entry = {.kind = TRALE_RECORD_WAKE, .flags = is_within ? TRALE_RECORD_WITHIN : 0};
    if (is_within && own == recorder->running)
        entry.number = recorder->polled;
    else if (!list_is_empty(&own->pending))
        entry.number = list_entry(own->pending.next, struct pending, link)->number;
    recorder->n_woken += is_within;
    record(recorder, &entry);
}

static const struct trale_observer observer = {.size = sizeof observer,
                                               .spawned = on_spawned,
                                               .poll_begins = on_poll_begins,
                                               .poll_ends = on_poll_ends,
                                               .woken = on_woken,
                                               .drop_begins = on_drop_begins,
                                               .ended = on_ended};

int recorder_watch(struct recorder *recorder)
{
    const struct trale_host *host = &recorder->host;
    return host->observe != NULL ? host->observe(host->context, &observer, recorder, &recorder->inspector) : -ENOTSUP;
}

void recorder_unwatch(struct recorder *recorder)
{
    for (size_t i = 0; i < recorder->tasks.room; i++)
        if (recorder->tasks.entries[i].key != NULL)
            free((struct task *)(uintptr_t)recorder->tasks.entries[i].value);
}
