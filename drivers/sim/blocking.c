/* SPDX-License-Identifier: MIT
 *
 * A function runs while no task does, before the world's clock moves on from the time when it was called: at once, or
 * when one of those before it has ended, if as many run as there are threads in the pool. */
#include "blocking.h"

#include <errno.h>
#include <stdlib.h>

#include "list.h"

enum job_state {
    JOB_QUEUED,    /* In `queue`; its future may take it out. */
    JOB_RUNNING,   /* In `running`. The function has returned; its future waits until `end_ns`. */
    JOB_DONE,      /* In no list; its future has been woken. */
    JOB_ABANDONED, /* In `running`; its future was dropped. */
};

struct job {
    struct trale_link link;
    enum job_state state;
    struct trale_blocking call; /* a copy of what the future was made with */
    const struct trale_waker *waker;
    uint64_t end_ns;
    int64_t result;
};

static struct job *first_of(const struct trale_link *list)
{
    return list_is_empty(list) ? NULL : list_entry(list->next, struct job, link);
}

static void job_release(struct job *job)
{
    if (job->call.release != NULL)
        job->call.release(job->call.data);
    free(job);
}

/* --- a call ------------------------------------------------------------------------------------------------------- */

static int64_t blocking_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_blocking *blocking = (struct trale_blocking *)(void *)future;
    struct pool *pool = blocking->driver;
    struct job *job = blocking->job;
    if (job == NULL) {
        job = calloc(1, sizeof *job);
        if (job == NULL)
            return -ENOMEM;
        job->call = *blocking;
        blocking->job = job;
        list_append(&pool->queue, &job->link);
    }
    job->waker = context->waker;
    if (job->state != JOB_DONE)
        return TRALE_PENDING;
    int64_t result = job->result;
    free(job);
    return result;
}

static void blocking_drop(struct trale_future *future)
{
    struct trale_blocking *blocking = (struct trale_blocking *)(void *)future;
    struct job *job = blocking->job;
    void *data = blocking->data;
    blocking->data = NULL;
    if (job == NULL) {
        if (blocking->release != NULL)
            blocking->release(data);
        return;
    }
    if (job->state == JOB_RUNNING) {
        job->state = JOB_ABANDONED;
        return;
    }
    list_remove(&job->link);
    job_release(job);
}

static void pool_run(void *instance, struct trale_blocking *blocking)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_blocking", blocking_poll,
                                                  blocking_drop};
    trale_host_expect(&((struct pool *)instance)->program->host, "trale_pool.run");
    blocking->future.type = &type;
    blocking->driver = instance;
}

/* --- turns -------------------------------------------------------------------------------------------------------- */

static void pool_end(struct pool *pool, struct job *job)
{
    list_remove(&job->link);
    pool->n_running--;
    if (job->state == JOB_ABANDONED) {
        job_release(job);
        return;
    }
    job->state = JOB_DONE;
    program_wake(pool->program, job->waker);
}

static void pool_begin(struct pool *pool, struct job *job)
{
    list_remove(&job->link);
    list_append(&pool->running, &job->link);
    pool->n_running++;
    job->state = JOB_RUNNING;
    job->end_ns = trale_time_add(program_now(pool->program), pool->time_ns);
    int64_t result = job->call.function(job->call.data);
    job->result = result != TRALE_PENDING ? result : -EPROTO;
    log_event(&pool->program->log, LOG_BLOCKING, log_text("function", job->call.name),
              log_number("result", job->result));
}

uint64_t pool_next(const struct pool *pool)
{
    const struct job *job = first_of(&pool->running);
    return job != NULL ? job->end_ns : UINT64_MAX;
}

void pool_fire(struct pool *pool)
{
    struct job *job;
    while ((job = first_of(&pool->running)) != NULL && job->end_ns <= program_now(pool->program))
        pool_end(pool, job);
}

void pool_start(struct pool *pool)
{
    struct job *job;
    while (pool->n_running < pool->n_max && (job = first_of(&pool->queue)) != NULL)
        pool_begin(pool, job);
}

void pool_init(struct pool *pool, struct program *program, size_t n_threads, uint64_t time_ns)
{
    *pool = (struct pool){
        .table = {{sizeof pool->table, 1, pool}, pool_run}, .program = program, .time_ns = time_ns, .n_max = n_threads};
    list_init(&pool->queue);
    list_init(&pool->running);
}

void pool_deinit(struct pool *pool)
{
    struct job *job;
    while ((job = first_of(&pool->running)) != NULL) {
        list_remove(&job->link);
        job_release(job);
    }
}
