/* SPDX-License-Identifier: MIT
 *
 * The watchdog is a thread of its own: a poll that does not end cannot say so. It looks every half limit which poll is
 * under way, and when that has been the same one for the limit, it names the task, once. Nothing is decided by the
 * clock that is read here; it is only told.
 */
#include "core/observer.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int64_t observer_poll(struct observer *observer, struct trale_task *task, struct trale_context *context)
{
    atomic_fetch_add_explicit(&observer->n_polls, 1, memory_order_relaxed);
    atomic_store_explicit(&observer->task_id, task->id, memory_order_relaxed);
    atomic_store_explicit(&observer->task_name, task->future->type->name, memory_order_release);
    uint64_t start_ns = observer->measures ? now_ns() : 0;
    int64_t result = trale_future_poll(task->future, context);
    if (observer->measures) {
        uint64_t poll_ns = now_ns() - start_ns;
        task->poll_ns += poll_ns;
        observer->poll_ns += poll_ns;
        if (poll_ns > observer->longest_poll_ns)
            observer->longest_poll_ns = poll_ns;
    }
    atomic_store_explicit(&observer->task_name, NULL, memory_order_release);
    return result;
}

/* --- the watchdog ------------------------------------------------------------------------------------------------- */

/* The poll that it has in sight. */
struct sighting {
    uint64_t n_polls, since_ns;
    bool told;
};

static void watchdog_look(struct observer *observer, struct sighting *sighting)
{
    uint64_t n_polls = atomic_load(&observer->n_polls);
    const char *name = atomic_load(&observer->task_name);
    uint64_t id = atomic_load(&observer->task_id);
    if (name == NULL || n_polls != sighting->n_polls) {
        *sighting = (struct sighting){.n_polls = n_polls, .since_ns = now_ns()};
        return;
    }
    /* What was read between two equal counts belongs together. */
    if (sighting->told || now_ns() - sighting->since_ns < observer->limit_ns ||
        atomic_load(&observer->n_polls) != n_polls)
        return;
    sighting->told = true;
    atomic_fetch_add_explicit(&observer->n_stalls, 1, memory_order_relaxed);
    log_say(observer->log, TRALE_LOG_WARNING, "trale",
            "task %" PRIu64 " (%s): one poll has taken longer than %s, and nothing else runs meanwhile", id, name,
            observer->limit);
}

static void *watchdog_thread(void *data)
{
    struct observer *observer = data;
    struct sighting sighting = {0};
    pthread_mutex_lock(&observer->lock);
    while (!observer->stopping) {
        uint64_t until_ns = now_ns() + observer->limit_ns / 2 + 1;
        struct timespec until = {(time_t)(until_ns / 1000000000u), (long)(until_ns % 1000000000u)};
        pthread_cond_clockwait(&observer->changed, &observer->lock, CLOCK_MONOTONIC, &until);
        pthread_mutex_unlock(&observer->lock);
        watchdog_look(observer, &sighting);
        pthread_mutex_lock(&observer->lock);
    }
    pthread_mutex_unlock(&observer->lock);
    return NULL;
}

void observer_init(struct observer *observer, bool measures, uint64_t limit_ns, const char *limit,
                   const struct log *log)
{
    *observer = (struct observer){.measures = measures, .limit_ns = limit_ns, .limit = limit, .log = log};
}

int observer_start(struct observer *observer)
{
    if (observer->limit_ns == 0)
        return 0;
    pthread_mutex_init(&observer->lock, NULL);
    pthread_cond_init(&observer->changed, NULL);
    int r = -pthread_create(&observer->thread, NULL, watchdog_thread, observer);
    observer->runs = r == 0;
    if (observer->runs)
        pthread_setname_np(observer->thread, "trale-watchdog");
    return r;
}

void observer_stop(struct observer *observer)
{
    if (!observer->runs)
        return;
    pthread_mutex_lock(&observer->lock);
    observer->stopping = true;
    pthread_cond_signal(&observer->changed);
    pthread_mutex_unlock(&observer->lock);
    pthread_join(observer->thread, NULL);
    observer->runs = false;
    pthread_cond_destroy(&observer->changed);
    pthread_mutex_destroy(&observer->lock);
}
