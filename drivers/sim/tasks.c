/* SPDX-License-Identifier: MIT */
#include "tasks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- the table ---------------------------------------------------------------------------------------------------- */

static size_t place_of(const struct tasks *tasks, const struct trale_task *task)
{
    size_t i = (size_t)draw_mix((uintptr_t)task) & (tasks->room - 1);
    while (tasks->records[i].task != NULL && tasks->records[i].task != task)
        i = (i + 1) & (tasks->room - 1);
    return i;
}

static struct task_record *find(const struct tasks *tasks, const struct trale_task *task)
{
    struct task_record *record = tasks->room > 0 ? &tasks->records[place_of(tasks, task)] : NULL;
    return record != NULL && record->task != NULL ? record : NULL;
}

static bool grow(struct tasks *tasks)
{
    struct tasks larger = {.room = tasks->room > 0 ? 2 * tasks->room : 64};
    larger.records = calloc(larger.room, sizeof *larger.records);
    if (larger.records == NULL)
        return false;
    for (size_t i = 0; i < tasks->room; i++)
        if (tasks->records[i].task != NULL)
            larger.records[place_of(&larger, tasks->records[i].task)] = tasks->records[i];
    free(tasks->records);
    tasks->records = larger.records;
    tasks->room = larger.room;
    return true;
}

static void add(struct tasks *tasks, const struct task_record *record)
{
    if (4 * (tasks->n + 1) > 3 * tasks->room && !grow(tasks)) {
        tasks->misses = true;
        return;
    }
    tasks->records[place_of(tasks, record->task)] = *record;
    tasks->n++;
}

/* Those behind it move up, so that none is behind a gap. */
static void drop(struct tasks *tasks, struct task_record *record)
{
    size_t i = (size_t)(record - tasks->records), mask = tasks->room - 1;
    tasks->records[i].task = NULL;
    tasks->n--;
    for (size_t j = (i + 1) & mask; tasks->records[j].task != NULL; j = (j + 1) & mask) {
        struct task_record moved = tasks->records[j];
        tasks->records[j].task = NULL;
        tasks->records[place_of(tasks, moved.task)] = moved;
    }
}

/* --- events ------------------------------------------------------------------------------------------------------- */

static struct trale_task_info look(const struct tasks *tasks, const struct trale_task *task)
{
    struct trale_task_info info = {.size = 0};
    tasks->inspector->look(tasks->inspector->context, task, &info, sizeof info);
    return info;
}

/* Where a task waits: the innermost future of its chain, and the innermost line of an async function. */
static void describe_wait(const struct trale_future *future, const char **type, int64_t *line)
{
    *type = NULL;
    *line = 0;
    for (; future != NULL; future = future->awaiting) {
        *type = future->type->name;
        if (future->at != NULL)
            *line = future->at->line;
    }
}

/* From now on the task runs, or, NULL, none does. */
static void set_running(struct tasks *tasks, const struct trale_task *task, const char *name)
{
    struct program *program = tasks->program;
    const struct task_record *record = task != NULL ? find(tasks, task) : NULL;
    struct host *host = record != NULL ? record->host : NULL;
    program->here = host != NULL ? host : program->home;
    program->log.place = (struct log_place){record != NULL ? record->id : 0, name, host != NULL ? host->name : NULL};
}

static void on_spawned(void *data, struct trale_task *task, struct trale_task *spawner)
{
    struct tasks *tasks = data;
    const struct trale_task_info info = look(tasks, task);
    const struct task_record *parent = spawner != NULL ? find(tasks, spawner) : NULL;
    const struct task_record record = {task, info.id, parent != NULL ? parent->host : NULL};
    add(tasks, &record);
    tasks->program->report->n_spawned++;
    tasks->program->n_wakes++;
    log_event(&tasks->program->log, LOG_SPAWN, log_number("id", (int64_t)info.id), log_text("task", info.name));
}

static void on_poll_begins(void *data, struct trale_task *task)
{
    struct tasks *tasks = data;
    const struct trale_task_info info = look(tasks, task);
    const char *type;
    int64_t line;
    set_running(tasks, task, info.name);
    describe_wait(info.future, &type, &line);
    tasks->program->report->n_polls++;
    log_event(&tasks->program->log, LOG_POLL, log_text("type", type), log_number("line", line),
              log_lines("chain", waits_chain(&tasks->waits, info.future)));
    if (tasks->also != NULL)
        tasks->also->poll_begins(tasks->also_data, task);
}

/* A task that has a result is the one that wakes those which wait for it: it runs until on_ended. */
static void on_poll_ends(void *data, struct trale_task *task, int64_t result)
{
    struct tasks *tasks = data;
    const char *type;
    int64_t line;
    if (result == TRALE_PENDING) {
        const struct trale_task_info info = look(tasks, task);
        describe_wait(info.future, &type, &line);
        log_event(&tasks->program->log, LOG_POLLED, log_text("type", type), log_number("line", line),
                  log_lines("chain", waits_chain(&tasks->waits, info.future)));
        set_running(tasks, NULL, NULL);
        waits_count(&tasks->waits, task, &info);
    }
    if (tasks->also != NULL)
        tasks->also->poll_ends(tasks->also_data, task, result);
}

static void on_woken(void *data, struct trale_task *task, struct trale_task *by, uint32_t source)
{
    struct tasks *tasks = data;
    const struct task_record *record = find(tasks, task);
    (void)by, (void)source;
    tasks->program->report->n_wakes++;
    tasks->program->n_wakes++;
    log_event(&tasks->program->log, LOG_WAKE, log_number("id", record != NULL ? (int64_t)record->id : 0));
}

static void on_drop_begins(void *data, struct trale_task *task)
{
    struct tasks *tasks = data;
    set_running(tasks, task, look(tasks, task).name);
    if (tasks->also != NULL)
        tasks->also->drop_begins(tasks->also_data, task);
}

static void on_ended(void *data, struct trale_task *task, int64_t result)
{
    struct tasks *tasks = data;
    struct task_record *record = find(tasks, task);
    tasks->program->report->n_ended++;
    log_event(&tasks->program->log, LOG_END, log_number("id", record != NULL ? (int64_t)record->id : 0),
              log_number("result", result));
    set_running(tasks, NULL, NULL);
    if (record != NULL)
        drop(tasks, record);
    if (tasks->also != NULL)
        tasks->also->ended(tasks->also_data, task, result);
}

static const struct trale_observer observer = {.size = sizeof observer,
                                               .spawned = on_spawned,
                                               .poll_begins = on_poll_begins,
                                               .poll_ends = on_poll_ends,
                                               .woken = on_woken,
                                               .drop_begins = on_drop_begins,
                                               .ended = on_ended};

static const char *host_of(void *data, const struct trale_task *task)
{
    const struct task_record *record = find(data, task);
    return record != NULL && record->host != NULL ? record->host->name : NULL;
}

int tasks_init(struct tasks *tasks, struct program *program)
{
    *tasks = (struct tasks){.program = program};
    if (program->host.observe == NULL)
        return -ENOTSUP;
    int r = program->host.observe(program->host.context, &observer, tasks, &tasks->inspector);
    tasks->waits = (struct waits){.program = program, .inspector = tasks->inspector, .host_of = host_of, .data = tasks};
    return r;
}

void tasks_deinit(struct tasks *tasks)
{
    waits_deinit(&tasks->waits);
    free(tasks->records);
    tasks->records = NULL;
    tasks->n = tasks->room = 0;
}

/* --- hosts -------------------------------------------------------------------------------------------------------- */

static struct task_record *find_running(const struct tasks *tasks)
{
    const struct trale_task *task = tasks->inspector->running(tasks->inspector->context);
    return task != NULL ? find(tasks, task) : NULL;
}

void tasks_bind(struct tasks *tasks, struct host *host)
{
    const struct task_record *record = find_running(tasks);
    if (record != NULL && record->host == NULL)
        tasks_enter(tasks, host);
}

struct host *tasks_enter(struct tasks *tasks, struct host *host)
{
    struct program *program = tasks->program;
    struct task_record *record = find_running(tasks);
    if (record == NULL)
        return NULL;
    struct host *before = record->host;
    record->host = host;
    program->here = host != NULL ? host : program->home;
    program->log.place.host = host != NULL ? host->name : NULL;
    return before;
}

struct crash {
    struct tasks *tasks;
    const struct trale_task *running;
    uint64_t own; /* the bit of this program */
};

static void abort_one(void *data, struct trale_task *task)
{
    const struct crash *crash = data;
    const struct task_record *record = find(crash->tasks, task);
    const struct host *host = record != NULL ? record->host : NULL;
    if (host != NULL && (host->crash_unseen & crash->own) != 0 && task != crash->running)
        crash->tasks->inspector->abort(crash->tasks->inspector->context, task);
}

/* In the executor's order of tasks, and not in that of the table, which depends on addresses. */
void tasks_abort_crashed(struct tasks *tasks)
{
    const struct trale_inspector *inspector = tasks->inspector;
    struct crash crash = {tasks, inspector->running(inspector->context), UINT64_C(1) << (tasks->program->number - 1)};
    inspector->each(inspector->context, abort_one, &crash);
}
