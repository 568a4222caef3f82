/* SPDX-License-Identifier: MIT
 *
 * trale.blocking/1 on a pool of threads, one queue and one lock.
 *
 * What a thread works on is a job, allocated for each call, and never the future: that may be dropped at any time, and
 * its frame be gone. A job belongs to the future until it runs, and again when it is done; one that was abandoned while
 * it ran belongs to the thread that runs it. Its last owner frees it, and the data with it if the future was dropped.
 * The state says which, and changes under the lock alone.
 *
 * A future that waits has given its job a clone of its waker. The thread takes that out before it gives up the job, and
 * wakes last of all, when the job may be gone.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trale/blocking.h>

#include "list.h"

enum option { OPTION_THREADS, N_OPTIONS };

static const struct trale_option blocking_options[] = {
    [OPTION_THREADS] = {.name = "threads",
                        .type = TRALE_OPTION_INTEGER,
                        .minimum = 1,
                        .maximum = 256,
                        .default_value = "4",
                        .help = "how many functions may run at once; each thread is made when it is needed"},
    [N_OPTIONS] = {.name = NULL},
};

enum job_state {
    JOB_QUEUED,    /* It is in the queue; its future may take it out. */
    JOB_RUNNING,   /* A thread runs it; its future waits. */
    JOB_DONE,      /* It has its result, and belongs to its future. */
    JOB_ABANDONED, /* A thread runs it, and frees it then, for its future was dropped. */
};

struct job {
    struct trale_link link; /* in `queue` while it is QUEUED, in `running` while it is RUNNING or ABANDONED */
    enum job_state state;
    int64_t (*function)(void *data);
    void *data;
    void (*release)(void *data);
    const char *name;                /* of the function */
    const struct trale_waker *waker; /* a clone; NULL once it is done or abandoned */
    int64_t result;
};

struct pool {
    struct trale_pool table;
    struct trale_host host;
    pthread_mutex_t lock; /* for what follows, and the jobs */
    pthread_cond_t changed;
    pthread_cond_t ended;    /* n_alive has fallen to 0 */
    struct trale_link queue; /* jobs in JOB_QUEUED, by their `link` */
    struct trale_link running;
    size_t n_queued;
    size_t n_idle;  /* threads that wait for a job, or were signalled for one */
    size_t n_alive; /* threads that have not ended */
    bool stopping;
    /* The executor's alone: */
    bool told; /* there was a message that a thread could not be made */
    size_t n_threads, n_threads_max;
    pthread_t threads[];
};

static void job_dequeue(struct pool *pool, struct job *job)
{
    list_remove(&job->link);
    pool->n_queued--;
}

/* The end of a job whose future was dropped. */
static void job_discard(struct job *job)
{
    if (job->release != NULL)
        job->release(job->data);
    free(job);
}

/* --- the threads -------------------------------------------------------------------------------------------------- */

static void pool_run(struct pool *pool, struct job *job)
{
    int64_t result = job->function(job->data);
    pthread_mutex_lock(&pool->lock);
    bool abandoned = job->state == JOB_ABANDONED;
    const struct trale_waker *waker = job->waker;
    job->waker = NULL;
    job->result = result != TRALE_PENDING ? result : -EPROTO;
    job->state = JOB_DONE;
    list_remove(&job->link);
    pthread_mutex_unlock(&pool->lock);
    if (abandoned)
        job_discard(job);
    else
        waker->table->wake(waker);
}

static void *pool_thread(void *data)
{
    struct pool *pool = data;
    pthread_mutex_lock(&pool->lock);
    while (!pool->stopping) {
        if (list_is_empty(&pool->queue)) {
            pool->n_idle++;
            pthread_cond_wait(&pool->changed, &pool->lock);
            pool->n_idle--;
            continue;
        }
        struct job *job = list_entry(pool->queue.next, struct job, link);
        job_dequeue(pool, job);
        job->state = JOB_RUNNING;
        list_append(&pool->running, &job->link);
        pthread_mutex_unlock(&pool->lock);
        pool_run(pool, job);
        pthread_mutex_lock(&pool->lock);
    }
    pool->n_alive--;
    pthread_cond_signal(&pool->ended);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static int pool_add_thread(struct pool *pool)
{
    const struct trale_host *host = &pool->host;
    pthread_mutex_lock(&pool->lock);
    pool->n_alive++;
    pthread_mutex_unlock(&pool->lock);
    int r = host->start_thread(host->context, &pool->threads[pool->n_threads], "trale-blocking", pool_thread, pool);
    if (r < 0) {
        pthread_mutex_lock(&pool->lock);
        pool->n_alive--;
        pthread_mutex_unlock(&pool->lock);
        return r;
    }
    pool->n_threads++;
    pool->told = false;
    return 0;
}

static void pool_tell(struct pool *pool, int error)
{
    char message[160];
    snprintf(message, sizeof message, "cannot make a thread: %s; there are %zu", strerror(-error), pool->n_threads);
    if (!pool->told)
        pool->host.log(pool->host.context, TRALE_LOG_WARNING, message);
    pool->told = true;
}

/* --- a call ------------------------------------------------------------------------------------------------------- */

static int64_t blocking_begin(struct pool *pool, struct trale_blocking *blocking, const struct trale_waker *waker)
{
    struct job *job = malloc(sizeof *job);
    if (job == NULL)
        return -ENOMEM;
    *job = (struct job){.state = JOB_QUEUED,
                        .function = blocking->function,
                        .data = blocking->data,
                        .release = blocking->release,
                        .name = blocking->name,
                        .waker = waker->table->clone(waker)};
    blocking->job = job;
    pthread_mutex_lock(&pool->lock);
    list_append(&pool->queue, &job->link);
    pool->n_queued++;
    bool more = pool->n_queued > pool->n_idle && pool->n_threads < pool->n_threads_max;
    pthread_cond_signal(&pool->changed);
    pthread_mutex_unlock(&pool->lock);

    int r = more ? pool_add_thread(pool) : 0;
    if (r == 0)
        return TRALE_PENDING;
    pool_tell(pool, r);
    if (pool->n_threads > 0)
        return TRALE_PENDING; /* it waits for those that there are */
    job_dequeue(pool, job);
    waker->table->drop(job->waker);
    free(job);
    return r;
}

static int64_t blocking_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_blocking *blocking = (struct trale_blocking *)(void *)future;
    struct pool *pool = blocking->driver;
    struct job *job = blocking->job;
    if (job == NULL)
        return blocking_begin(pool, blocking, context->waker);
    const struct trale_waker *old = NULL;
    pthread_mutex_lock(&pool->lock);
    bool done = job->state == JOB_DONE;
    if (!done && job->waker != context->waker) {
        old = job->waker;
        job->waker = context->waker->table->clone(context->waker);
    }
    pthread_mutex_unlock(&pool->lock);
    if (old != NULL)
        old->table->drop(old);
    if (!done)
        return TRALE_PENDING;
    int64_t result = job->result;
    free(job);
    return result;
}

static void blocking_drop(struct trale_future *future)
{
    struct trale_blocking *blocking = (struct trale_blocking *)(void *)future;
    struct pool *pool = blocking->driver;
    struct job *job = blocking->job;
    void *data = blocking->data;
    blocking->data = NULL;
    if (job == NULL) {
        if (blocking->release != NULL)
            blocking->release(data);
        return;
    }
    pthread_mutex_lock(&pool->lock);
    enum job_state state = job->state;
    const struct trale_waker *waker = job->waker;
    job->waker = NULL;
    if (state == JOB_QUEUED)
        job_dequeue(pool, job);
    else if (state == JOB_RUNNING)
        job->state = JOB_ABANDONED;
    pthread_mutex_unlock(&pool->lock);
    if (waker != NULL)
        waker->table->drop(waker);
    if (state != JOB_RUNNING)
        job_discard(job);
}

static void driver_run(void *instance, struct trale_blocking *blocking)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_blocking", blocking_poll,
                                                  blocking_drop};
    trale_host_expect(&((struct pool *)instance)->host, "trale_pool.run");
    blocking->future.type = &type;
    blocking->driver = instance;
}

/* --- the driver --------------------------------------------------------------------------------------------------- */

/* Names the functions that still run, as far as there is room. The lock is held. */
static void pool_describe(const struct pool *pool, char *text, size_t size)
{
    size_t length = (size_t)snprintf(text, size, "still running:");
    const char *separator = " ";
    for (const struct trale_link *link = pool->running.next; link != &pool->running && length < size;
         link = link->next, separator = ", ")
        length += (size_t)snprintf(text + length, size - length, "%s%s", separator,
                                   list_entry(link, struct job, link)->name);
}

/* The queue is empty by now, and what still runs is abandoned. */
static int32_t driver_settle(void *instance, uint64_t deadline_ns)
{
    struct pool *pool = instance;
    const struct timespec deadline = {(time_t)(deadline_ns / 1000000000u), (long)(deadline_ns % 1000000000u)};
    char text[512] = "";
    int r = 0;
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->changed);
    while (pool->n_alive > 0 && r == 0) {
        if (deadline_ns == UINT64_MAX)
            pthread_cond_wait(&pool->ended, &pool->lock);
        else
            r = -pthread_cond_clockwait(&pool->ended, &pool->lock, CLOCK_MONOTONIC, &deadline);
    }
    if (pool->n_alive == 0)
        r = 0;
    else
        pool_describe(pool, text, sizeof text);
    pthread_mutex_unlock(&pool->lock);
    if (r < 0)
        pool->host.log(pool->host.context, TRALE_LOG_WARNING, text);
    return r;
}

static void driver_stop(void *instance)
{
    struct pool *pool = instance;
    for (size_t i = 0; i < pool->n_threads; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->ended);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static int32_t driver_start(const struct trale_host *host, const struct trale_settings *settings, void **instance)
{
    size_t n_threads_max = (size_t)settings->values[OPTION_THREADS].integer;
    struct pool *pool = calloc(1, sizeof *pool + n_threads_max * sizeof pool->threads[0]);
    if (pool == NULL)
        return -ENOMEM;
    trale_host_copy(&pool->host, host);
    pool->table = (struct trale_pool){{sizeof pool->table, 1, pool}, driver_run};
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->changed, NULL);
    pthread_cond_init(&pool->ended, NULL);
    list_init(&pool->running);
    list_init(&pool->queue);
    pool->n_threads_max = n_threads_max;
    *instance = pool;
    return 0;
}

static const struct trale_interface *driver_interface(void *instance, const char *name)
{
    return strcmp(name, "trale.blocking/1") == 0 ? &((struct pool *)instance)->table.interface : NULL;
}

TRALE_DRIVER(.name = "blocking", .version = TRALE_VERSION, .summary = "functions that block, on a pool of threads",
             .interfaces = TRALE_BLOCKING_1, .options = blocking_options, .start = driver_start, .stop = driver_stop,
             .interface = driver_interface, .settle = driver_settle);
