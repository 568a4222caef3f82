/* SPDX-License-Identifier: MIT
 *
 * The watchdog is a thread of its own: a poll that does not end cannot say so. It looks every half limit which poll is
 * under way, and when that has been the same one for the limit, it names the task, once. Nothing is decided by the
 * clock that is read here; it is only told.
 */
#include "core/executor/watchdog.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int64_t watchdog_poll(struct watchdog *watchdog, struct trale_task *task, struct trale_context *context)
{
    atomic_fetch_add_explicit(&watchdog->n_polls, 1, memory_order_relaxed);
    atomic_store_explicit(&watchdog->task_id, task->id, memory_order_relaxed);
    atomic_store_explicit(&watchdog->task_name, atomic_load(&task->name), memory_order_release);
    uint64_t start_ns = watchdog->measures ? now_ns() : 0;
    int64_t result = trale_future_poll(task->future, context);
    if (watchdog->measures) {
        uint64_t poll_ns = now_ns() - start_ns;
        task->poll_ns += poll_ns;
        watchdog->poll_ns += poll_ns;
        if (poll_ns > watchdog->longest_poll_ns)
            watchdog->longest_poll_ns = poll_ns;
    }
    atomic_store_explicit(&watchdog->task_name, NULL, memory_order_release);
    return result;
}

/* --- the watchdog ------------------------------------------------------------------------------------------------- */

/* The poll that it has in sight. */
struct sighting {
    uint64_t n_polls, since_ns;
    bool told;
};

static void watchdog_look(struct watchdog *watchdog, struct sighting *sighting)
{
    uint64_t n_polls = atomic_load(&watchdog->n_polls);
    const char *name = atomic_load(&watchdog->task_name);
    uint64_t id = atomic_load(&watchdog->task_id);
    if (name == NULL || n_polls != sighting->n_polls) {
        *sighting = (struct sighting){.n_polls = n_polls, .since_ns = now_ns()};
        return;
    }
    /* What was read between two equal counts belongs together. */
    if (sighting->told || now_ns() - sighting->since_ns < watchdog->limit_ns ||
        atomic_load(&watchdog->n_polls) != n_polls)
        return;
    sighting->told = true;
    atomic_fetch_add_explicit(&watchdog->n_stalls, 1, memory_order_relaxed);
    log_say(watchdog->log, TRALE_LOG_WARNING, "trale",
            "task %" PRIu64 " (%s): one poll has taken longer than %s, and nothing else runs meanwhile", id, name,
            watchdog->limit);
}

static void *watchdog_thread(void *data)
{
    struct watchdog *watchdog = data;
    struct sighting sighting = {0};
    pthread_mutex_lock(&watchdog->lock);
    while (!watchdog->stopping) {
        uint64_t until_ns = now_ns() + watchdog->limit_ns / 2 + 1;
        struct timespec until = {(time_t)(until_ns / 1000000000u), (long)(until_ns % 1000000000u)};
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

int watchdog_start(struct watchdog *watchdog)
{
    if (watchdog->limit_ns == 0)
        return 0;
    pthread_mutex_init(&watchdog->lock, NULL);
    pthread_cond_init(&watchdog->changed, NULL);
    int r = -pthread_create(&watchdog->thread, NULL, watchdog_thread, watchdog);
    watchdog->runs = r == 0;
    if (watchdog->runs)
        pthread_setname_np(watchdog->thread, "trale-watchdog");
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
