/* SPDX-License-Identifier: MIT
 *
 * The watchdog is a thread of its own, for a poll that does not end cannot say so. Twice in each limit it looks what is
 * under way; when that has been the same thing for the limit, it names it, once. The clock that is read here decides
 * nothing but that.
 */
#include "core/executor/watchdog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "core/base/deadline.h"
#include "core/base/thread.h"

int64_t watchdog_poll(struct watchdog *watchdog, struct trale_task *task, struct trale_context *context)
{
    watchdog_begin(watchdog, WATCH_POLL, task_id(task), task_name(task));
    uint64_t start_ns = watchdog->measures ? deadline_now_ns() : 0;
    int64_t result = trale_future_poll(task_future(task), context);
    if (watchdog->measures) {
        uint64_t poll_ns = deadline_now_ns() - start_ns;
        *task_poll_ns(task) += poll_ns;
        watchdog->poll_ns += poll_ns;
        if (poll_ns > watchdog->longest_poll_ns)
            watchdog->longest_poll_ns = poll_ns;
    }
    watchdog_end(watchdog);
    return result;
}

/* --- the watchdog ------------------------------------------------------------------------------------------------- */

/* What is read between two equal counts belongs together, for the count goes first. */
bool watchdog_describe(struct watchdog *watchdog, char text[WATCHDOG_TEXT])
{
    static const char *const kinds[] = {"", "its poll", "its drop", "its stop"};
    uint64_t n_begun;
    uint32_t kind;
    do {
        n_begun = atomic_load(&watchdog->n_begun);
        kind = atomic_load(&watchdog->kind);
        const char *name = atomic_load(&watchdog->name);
        uint64_t id = atomic_load(&watchdog->id);
        if (kind == WATCH_STOP)
            snprintf(text, WATCHDOG_TEXT, "driver %s: %s", name, kinds[kind]);
        else if (kind != WATCH_NOTHING)
            snprintf(text, WATCHDOG_TEXT, "task %" PRIu64 " (%s): %s", id, name, kinds[kind]);
    } while (atomic_load(&watchdog->n_begun) != n_begun);
    return kind != WATCH_NOTHING;
}

/* What the watchdog has in sight. */
struct sighting {
    uint64_t n_begun, since_ns;
    bool told;
};

static void watchdog_look(struct watchdog *watchdog, struct sighting *sighting)
{
    char text[WATCHDOG_TEXT];
    uint64_t n_begun = atomic_load(&watchdog->n_begun), now_ns = deadline_now_ns();
    if (atomic_load(&watchdog->kind) == WATCH_NOTHING || n_begun != sighting->n_begun) {
        *sighting = (struct sighting){.n_begun = n_begun, .since_ns = now_ns};
        return;
    }
    if (sighting->told || now_ns - sighting->since_ns < watchdog->limit_ns || !watchdog_describe(watchdog, text) ||
        atomic_load(&watchdog->n_begun) != n_begun)
        return;
    sighting->told = true;
    atomic_fetch_add_explicit(&watchdog->n_stalls, 1, memory_order_relaxed);
    log_say(watchdog->log, TRALE_LOG_WARNING, "trale", "%s has taken longer than %s, and nothing else runs meanwhile",
            text, watchdog->limit);
}

static void *watchdog_thread(void *data)
{
    struct watchdog *watchdog = data;
    struct sighting sighting = {0};
    pthread_mutex_lock(&watchdog->lock);
    while (!watchdog->stopping) {
        struct timespec until = deadline_after(watchdog->limit_ns / 2 + 1);
        pthread_cond_clockwait(&watchdog->changed, &watchdog->lock, CLOCK_MONOTONIC, &until);
        pthread_mutex_unlock(&watchdog->lock);
        watchdog_look(watchdog, &sighting);
        pthread_mutex_lock(&watchdog->lock);
    }
    pthread_mutex_unlock(&watchdog->lock);
    return NULL;
}

void watchdog_init(struct watchdog *watchdog, bool measures, uint64_t limit_ns, const char *limit,
                   const struct log *log)
{
    *watchdog = (struct watchdog){.measures = measures, .limit_ns = limit_ns, .limit = limit, .log = log};
}

int watchdog_start(struct watchdog *watchdog, const void *owner)
{
    if (watchdog->limit_ns == 0)
        return 0;
    pthread_mutex_init(&watchdog->lock, NULL);
    pthread_cond_init(&watchdog->changed, NULL);
    int r = thread_start(&watchdog->thread, "trale-watchdog", owner, watchdog_thread, watchdog);
    watchdog->runs = r == 0;
    return r;
}

void watchdog_stop(struct watchdog *watchdog)
{
    if (!watchdog->runs)
        return;
    pthread_mutex_lock(&watchdog->lock);
    watchdog->stopping = true;
    pthread_cond_signal(&watchdog->changed);
    pthread_mutex_unlock(&watchdog->lock);
    pthread_join(watchdog->thread, NULL);
    watchdog->runs = false;
    pthread_cond_destroy(&watchdog->changed);
    pthread_mutex_destroy(&watchdog->lock);
}
