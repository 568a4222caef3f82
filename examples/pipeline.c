/* SPDX-License-Identifier: MIT
 *
 * Structured concurrency: a producer, three workers, a channel between them, and a scope around all of it, with a
 * timeout of two seconds. At most two workers work at a time.
 *
 *     pipeline [COUNT] */
#include <trale/scope.h>
#include <trale/sync.h>
#include <trale/timer.h>

#define N_WORKERS 3

/* What the tasks share. */
struct plant {
    struct trale_scope scope;
    struct trale_channel jobs;
    struct trale_semaphore benches;
    int buffer[4];
    int n_jobs;
    int64_t sum;
};

struct worker {
    struct trale_future future;
    struct plant *plant;
    struct trale_channel_recv recv;
    struct trale_semaphore_acquire acquire;
    struct trale_sleep sleep;
    int job;
};

trale_async(worker)
{
    trale_begin();
    for (;;) {
        trale_try(trale_channel_recv(&self->recv, &self->plant->jobs, &self->job));
        if (trale_result() == 0)
            trale_return(0); /* the channel is closed and empty */
        trale_try(trale_semaphore_acquire(&self->acquire, &self->plant->benches, 1));
        trale_try(trale_sleep(&self->sleep, 5 * TRALE_MILLISECOND));
        self->plant->sum += (int64_t)self->job * self->job;
        trale_semaphore_release(&self->plant->benches, 1);
    }
}

/* The body of the scope: starts the workers and gives them work. */
struct producer {
    struct trale_future future;
    struct plant *plant;
    struct trale_channel_send send;
    int job;
};

trale_async(producer)
{
    trale_begin();
    for (int i = 0; i < N_WORKERS; i++)
        if (trale_scope_spawn(&self->plant->scope, worker, .plant = self->plant) < 0)
            trale_return(-ENOMEM);
    for (self->job = 1; self->job <= self->plant->n_jobs; self->job++)
        trale_try(trale_channel_send(&self->send, &self->plant->jobs, &self->job));
    trale_channel_close(&self->plant->jobs);
    trale_return(0);
}

struct pipeline {
    struct trale_future future;
    struct plant plant;
    struct producer producer;
    struct trale_timeout timeout;
};

trale_async(pipeline)
{
    trale_begin();
    self->plant.jobs = (struct trale_channel)TRALE_CHANNEL(self->plant.buffer);
    self->plant.benches = (struct trale_semaphore)TRALE_SEMAPHORE(2);
    trale_try(trale_timeout(
        &self->timeout, trale_scope(&self->plant.scope, trale_call(producer, &self->producer, .plant = &self->plant)),
        2 * TRALE_SECOND));
    printf("%d jobs, sum of squares %lld\n", self->plant.n_jobs, (long long)self->plant.sum);
    trale_return(0);
}

int main(int argc, char **argv)
{
    struct trale *runtime;
    int r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("trale_open", r);
    struct pipeline pipeline = {.future.type = &pipeline_type, .plant.n_jobs = argc > 1 ? atoi(argv[1]) : 20};
    int64_t result = trale_block_on(runtime, &pipeline.future);
    trale_close(runtime);
    return result < 0 ? trale_perror("pipeline", result) : EXIT_SUCCESS;
}
