/* SPDX-License-Identifier: MIT
 *
 * What the executor, fibers and mutexes call, and where all of it begins and ends. */
#include "core/checks/checks.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/deadline.h"
#include "core/checks/ledger.h"

struct place checks_place(struct checks *checks, const struct ledger *driver)
{
    struct place place = {.driver = driver != NULL ? driver->name : NULL};
    if (checks->running == NULL)
        return place;
    const struct trale_task *task = checks->running->task;
    place.task_id = task_id(task);
    snprintf(place.task, sizeof place.task, "%s", task_name(task));
    const struct trale_await_point *at = NULL;
    for (const struct polling *polling = checks->polling; at == NULL && polling != NULL; polling = polling->outer)
        at = polling->future->at;
    if (checks->polling != NULL) {
        place.future = checks->polling->type->name;
    } else {
        /* In a drop, which takes the chain apart from its end, or after a poll. */
        for (const struct trale_future *future = task_future(task); future != NULL; future = future->awaiting) {
            at = future->at != NULL ? future->at : at;
            place.future = future->type->name;
        }
    }
    if (at != NULL) {
        place.file = at->file;
        place.line = at->line;
    }
    return place;
}

/* --- what is called ----------------------------------------------------------------------------------------------- */

static struct checks *checks_of_hooks(struct hooks *hooks)
{
    return (struct checks *)(void *)hooks;
}

static void begins(struct hooks *hooks, struct trale_task *task)
{
    struct checks *checks = checks_of_hooks(hooks);
    checks->running = checks_task(checks, task);
    checks->n_steps = 0;
    checks->canceled_fiber = NULL; /* the next one may have its address */
    if (checks->running == NULL)
        return;
    checks->running->ready_fd = -1;
    waker_task_rename(checks->running->wakers, task_name(task));
}

static void spawned(struct hooks *hooks, struct trale_task *task, struct trale_task *spawner)
{
    (void)task;
    checks_of_hooks(hooks)->n_steps += spawner != NULL;
}

static void woken(struct hooks *hooks, struct trale_task *task, struct trale_task *by, uint32_t source)
{
    (void)source;
    checks_of_hooks(hooks)->n_steps += by != NULL && by != task;
}

static size_t memory_size(struct trale_task *task)
{
    return task->is_pooled ? task_slab_of(task)->size_class * TASK_POOL_CLASS_BYTES : malloc_usable_size(task);
}

static void task_ends(struct checks *checks, struct trale_task *task)
{
    if (checks->running != NULL)
        checks_task_end(checks, checks->running);
    checks_memory_ends(checks, task, memory_size(task));
}

static void poll_ends(struct hooks *hooks, struct trale_task *task, int64_t result)
{
    struct checks *checks = checks_of_hooks(hooks);
    if (result != TRALE_PENDING)
        task_ends(checks, task);
    else if (checks->running != NULL)
        checks_progress(checks, checks->running);
    checks->running = NULL;
}

static void drop_ends(struct hooks *hooks, struct trale_task *task)
{
    struct checks *checks = checks_of_hooks(hooks);
    task_ends(checks, task);
    checks->running = NULL;
}

static void canceled_fiber_awaits(struct hooks *hooks, const struct trale_future *fiber,
                                  const struct trale_await_point *at)
{
    struct checks *checks = checks_of_hooks(hooks);
    if (checks->canceled_fiber != fiber)
        checks->n_canceled_awaits = 0;
    checks->canceled_fiber = fiber;
    if (++checks->n_canceled_awaits != CHECKS_CANCELED_AWAITS)
        return;
    struct place place = checks_place(checks, NULL);
    place.future = fiber->type->name;
    place.file = at->file;
    place.line = at->line;
    findings_say(&checks->findings, TRALE_LOG_ERROR, &place,
                 "the fiber was canceled and has awaited %u times since: each await returns -ECANCELED at once, so "
                 "leave loops when an await returns that",
                 CHECKS_CANCELED_AWAITS);
}

static void free_mutex_unlocked(struct hooks *hooks, const void *mutex)
{
    struct checks *checks = checks_of_hooks(hooks);
    struct place place = checks_place(checks, NULL);
    findings_say(&checks->findings, TRALE_LOG_ERROR, &place,
                 "the mutex at %p is unlocked, and is not locked: unlock it once for each lock; nothing is done",
                 mutex);
}

static void spent_future_dropped(struct hooks *hooks, const char *future)
{
    struct checks *checks = checks_of_hooks(hooks);
    struct place place = checks_place(checks, NULL);
    findings_say(&checks->findings, TRALE_LOG_ERROR, &place,
                 "the future %s is dropped after its result: drop only what is pending; nothing is done", future);
}

void checks_phase_begins(struct checks *checks)
{
    if (checks != NULL)
        atomic_store(&checks->phase_thread, pthread_self());
}

void checks_phase_ends(struct checks *checks)
{
    if (checks != NULL)
        atomic_store(&checks->phase_thread, 0);
}

/* --- looks -------------------------------------------------------------------------------------------------------- */

uint64_t checks_look(struct checks *checks)
{
    uint64_t n_polls = checks->executor->n_polls - checks->n_polls_looked, n_fds = 0;
    if (n_polls == 0)
        return UINT64_MAX;
    for (struct trale_link *link = checks->ledgers.next; link != &checks->ledgers; link = link->next)
        n_fds += list_entry(link, struct ledger, node)->fds.n_entries;
    uint64_t since_ns = deadline_now_ns() - checks->looked_ns;
    if (n_fds > n_polls * CHECKS_FDS_PER_POLL && since_ns < CHECKS_LOOK_NS)
        return CHECKS_LOOK_NS - since_ns;
    for (struct trale_link *link = checks->ledgers.next; link != &checks->ledgers; link = link->next)
        ledger_fds_look(list_entry(link, struct ledger, node));
    checks->n_polls_looked = checks->executor->n_polls;
    checks->looked_ns = deadline_now_ns();
    return UINT64_MAX;
}

void checks_dump(struct checks *checks, void (*write)(void *data, const char *text), void *data)
{
    for (struct trale_link *link = checks->ledgers.next; link != &checks->ledgers; link = link->next)
        ledger_dump(list_entry(link, struct ledger, node), write, data);
    findings_dump(&checks->findings, write, data);
}

/* --- beginning and end -------------------------------------------------------------------------------------------- */

struct checks *checks_open(struct executor *executor, struct reactor *reactor, bool callers_poll, const struct log *log)
{
    static const struct hooks hooks = {
        .spawned = spawned,
        .woken = woken,
        .poll_begins = begins,
        .poll_ends = poll_ends,
        .drop_begins = begins,
        .drop_ends = drop_ends,
        .canceled_fiber_awaits = canceled_fiber_awaits,
        .free_mutex_unlocked = free_mutex_unlocked,
        .spent_future_dropped = spent_future_dropped,
    };
    struct checks *checks = calloc(1, sizeof *checks);
    if (checks == NULL)
        return NULL;
    *checks = (struct checks){.hooks = hooks,
                              .polls = {checks_poll},
                              .executor = executor,
                              .reactor = reactor,
                              .opener = pthread_self(),
                              .callers_poll = callers_poll};
    findings_init(&checks->findings, log);
    list_init(&checks->ledgers);
    list_init(&checks->loose_waits);
    checks->wakers = wakers_open(&checks->findings, executor);
    checks->application = ledger_new(checks, NULL);
    if (checks->wakers != NULL && checks->application != NULL) {
        executor_add_hooks(executor, &checks->hooks);
        executor->context.checks = &checks->polls;
        executor->context.checked = UINT32_MAX;
        return checks;
    }
    if (checks->wakers != NULL)
        wakers_close(checks->wakers);
    free(checks->application);
    findings_deinit(&checks->findings);
    free(checks);
    return NULL;
}

static void free_values(struct map *table)
{
    size_t position = 0;
    for (void *value; (value = map_next(table, &position)) != NULL;)
        free(value);
    map_deinit(table);
}

void checks_close(struct checks *checks)
{
    if (checks == NULL)
        return;
    while (!list_is_empty(&checks->ledgers))
        ledger_close(list_entry(checks->ledgers.next, struct ledger, node));
    wakers_close(checks->wakers);
    free_values(&checks->waits);
    map_deinit(&checks->futures);
    map_deinit(&checks->tasks);
    map_deinit(&checks->spawned);
    findings_deinit(&checks->findings);
    free(checks);
}
