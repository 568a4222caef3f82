/* SPDX-License-Identifier: MIT
 *
 * The host table that checks: it calls the plain one, and changes no answer of it. On a wrong thread nothing is written
 * down, for the tables are the executor thread's. */
#include <errno.h>
#include <stdlib.h>

#include "core/checks/ledger.h"

static struct ledger *ledger_of(void *context)
{
    return ((struct host *)context)->ledger;
}

/* While no task of the application runs, or where no thread of the runtime polls, the thread that opened the runtime
 * may use interfaces. */
static bool is_opener(const struct checks *checks, bool is_interface)
{
    if (!pthread_equal(checks->opener, pthread_self()))
        return false;
    return checks->callers_poll || (is_interface && atomic_load(&checks->n_alive) == 0);
}

/* Whether the function may be called on this thread; if not, that is said. `name` is static. */
static bool expect(struct ledger *ledger, const char *name, bool is_interface)
{
    struct checks *checks = ledger->checks;
    if (!executor_is_ours(checks->executor)) /* a child of the process: the plain host refuses */
        return false;
    if (executor_is_on_thread(checks->executor) || is_opener(checks, is_interface) ||
        pthread_equal(atomic_load(&checks->phase_thread), pthread_self()))
        return true;
    struct place place = {.driver = ledger->name, .future = name};
    pthread_getname_np(pthread_self(), place.thread, sizeof place.thread);
    findings_say(&checks->findings, TRALE_LOG_ERROR, &place,
                 "it is called on a thread that does not poll: call it in a poll, a drop or before_wait; other threads "
                 "wake a clone of a waker");
    return false;
}

static void checked_expect(void *context, const char *name)
{
    expect(ledger_of(context), name, true);
}

static int32_t checked_register_waker(void *context, int32_t fd, uint32_t interest, struct trale_wait *wait)
{
    struct ledger *ledger = ledger_of(context);
    return expect(ledger, "register_waker", false)
               ? ledger_register(ledger, (struct owner){ledger->name, false}, fd, interest, wait)
               : ledger->plain.register_waker(context, fd, interest, wait);
}

static int32_t checked_cancel_wait(void *context, struct trale_wait *wait)
{
    struct ledger *ledger = ledger_of(context);
    return expect(ledger, "cancel_wait", false) ? ledger_cancel(ledger, wait)
                                                : ledger->plain.cancel_wait(context, wait);
}

static void checked_forget_fd(void *context, int32_t fd)
{
    struct ledger *ledger = ledger_of(context);
    if (expect(ledger, "forget_fd", false))
        ledger_forget(ledger, fd);
    else
        ledger->plain.forget_fd(context, fd);
}

static int32_t checked_spawn(void *context, struct trale_future *future)
{
    struct ledger *ledger = ledger_of(context);
    bool is_written = expect(ledger, "spawn", false) && map_put(&ledger->checks->spawned, future, ledger);
    int32_t r = ledger->plain.spawn(context, future);
    ledger->n_tasks += r == 0 && is_written;
    if (r < 0 && is_written)
        map_remove(&ledger->checks->spawned, future);
    return r;
}

static int32_t checked_is_idle(void *context)
{
    struct ledger *ledger = ledger_of(context);
    expect(ledger, "is_idle", false);
    return ledger->plain.is_idle(context);
}

static uint64_t checked_n_looks(void *context)
{
    struct ledger *ledger = ledger_of(context);
    expect(ledger, "n_looks", false);
    return ledger->plain.n_looks(context);
}

/* --- threads ------------------------------------------------------------------------------------------------------ */

struct checked_thread {
    struct trale_link node;
    void *(*run)(void *data);
    void *data;
    char name[16];
    _Atomic uint32_t n_users; /* the thread, until it ends, and the ledger */
};

static bool thread_runs(const struct checked_thread *thread)
{
    return atomic_load(&thread->n_users) > 1;
}

static void thread_release(void *data)
{
    if (atomic_fetch_sub(&((struct checked_thread *)data)->n_users, 1) == 1)
        free(data);
}

static void *thread_run(void *data)
{
    struct checked_thread *thread = data;
    void *result;
    pthread_cleanup_push(thread_release, thread);
    result = thread->run(thread->data);
    pthread_cleanup_pop(1);
    return result;
}

static int32_t checked_start_thread(void *context, pthread_t *pthread, const char *name, void *(*run)(void *data),
                                    void *data)
{
    struct ledger *ledger = ledger_of(context);
    struct checked_thread *thread = NULL;
    if (expect(ledger, "start_thread", false))
        thread = calloc(1, sizeof *thread);
    if (thread == NULL)
        return ledger->plain.start_thread(context, pthread, name, run, data);
    *thread = (struct checked_thread){.run = run, .data = data, .n_users = 2};
    snprintf(thread->name, sizeof thread->name, "%s", name);
    int32_t r = ledger->plain.start_thread(context, pthread, name, thread_run, thread);
    if (r < 0)
        free(thread);
    else
        list_append(&ledger->threads, &thread->node);
    return r;
}

static uint64_t count_threads(const struct ledger *ledger)
{
    uint64_t n = 0;
    for (struct trale_link *link = ledger->threads.next; link != &ledger->threads; link = link->next)
        n += thread_runs(list_entry(link, struct checked_thread, node));
    return n;
}

/* --- the ledger --------------------------------------------------------------------------------------------------- */

struct ledger *ledger_new(struct checks *checks, const char *name)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    if (ledger == NULL)
        return NULL;
    *ledger = (struct ledger){.checks = checks, .name = name};
    list_init(&ledger->threads);
    list_append(&checks->ledgers, &ledger->node);
    return ledger;
}

void ledger_open(struct checks *checks, struct host *host, struct trale_host *table)
{
    struct ledger *ledger = ledger_new(checks, host->name);
    if (ledger == NULL)
        return;
    ledger->plain = *table;
    host->ledger = ledger;
    table->register_waker = checked_register_waker;
    table->cancel_wait = checked_cancel_wait;
    table->forget_fd = checked_forget_fd;
    table->spawn = checked_spawn;
    table->start_thread = checked_start_thread;
    table->is_idle = table->is_idle != NULL ? checked_is_idle : NULL;
    table->n_looks = table->n_looks != NULL ? checked_n_looks : NULL;
    table->expect = checked_expect;
}

void ledger_report(struct ledger *ledger)
{
    if (ledger == NULL)
        return;
    ledger_fds_report(ledger);
    for (struct trale_link *link = ledger->threads.next; link != &ledger->threads; link = link->next) {
        const struct checked_thread *thread = list_entry(link, struct checked_thread, node);
        struct place place = {.driver = ledger->name};
        snprintf(place.thread, sizeof place.thread, "%s", thread->name);
        if (thread_runs(thread))
            findings_say(&ledger->checks->findings, TRALE_LOG_ERROR, &place,
                         "it still runs after the driver has stopped: settle or stop ends it, and joins it");
    }
}

void ledger_close(struct ledger *ledger)
{
    for (struct trale_link *link = ledger->threads.next, *next; link != &ledger->threads; link = next) {
        next = link->next;
        struct checked_thread *thread = list_entry(link, struct checked_thread, node);
        list_remove(link);
        thread_release(thread);
    }
    size_t position = 0;
    for (void *checked; (checked = map_next(&ledger->fds, &position)) != NULL;) /* the application's may be left */
        free(checked);
    map_deinit(&ledger->fds);
    list_remove(&ledger->node);
    free(ledger);
}

void ledger_dump(const struct ledger *ledger, void (*write)(void *data, const char *text), void *data)
{
    char text[192];
    if (ledger->name != NULL)
        snprintf(text, sizeof text, "[driver:%s] %zu fds, %llu waits, %llu tasks, %llu threads\n", ledger->name,
                 ledger->fds.n_entries, (unsigned long long)ledger->n_waits, (unsigned long long)ledger->n_tasks,
                 (unsigned long long)count_threads(ledger));
    else
        snprintf(text, sizeof text, "application: %zu fds, %llu waits\n", ledger->fds.n_entries,
                 (unsigned long long)ledger->n_waits);
    write(data, text);
}
