/* SPDX-License-Identifier: MIT
 *
 * Tasks and threads: a thread of the program counts primes and passes its results to tasks; a mutex that is held across
 * an await guards an account that two tasks write; an urgent task goes first.
 *
 *     handoff [LIMIT]      default 1000 */
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>

#include <trale/sync.h>
#include <trale/timer.h>

struct hall {
    struct trale_mutex mutex; /* of the account */
    int64_t balance;
    struct trale_notify progress;  /* from the thread: it has found a hundred more */
    struct trale_oneshot n_primes; /* from the thread: how many it has found in the end */
    int64_t limit;
};

static bool is_prime(int64_t n)
{
    for (int64_t i = 2; i * i <= n; i++)
        if (n % i == 0)
            return false;
    return n > 1;
}

/* Runs on a thread that does not use the runtime. */
static void *count_primes(void *data)
{
    struct hall *hall = data;
    int64_t n_primes = 0;
    for (int64_t n = 2; n <= hall->limit; n++) {
        n_primes += is_prime(n);
        if (n % 100 == 0)
            trale_notify_one(&hall->progress);
    }
    trale_oneshot_send(&hall->n_primes, n_primes);
    return NULL;
}

struct depositor {
    struct trale_future future;
    struct hall *hall;
    struct trale_mutex_lock lock;
    struct trale_sleep sleep;
    int64_t balance;
    int n;
};

trale_async(depositor)
{
    trale_begin();
    for (self->n = 0; self->n < 5; self->n++) {
        trale_try(trale_mutex_lock(&self->lock, &self->hall->mutex));
        self->balance = self->hall->balance;
        trale_await(trale_sleep(&self->sleep, TRALE_MILLISECOND)); /* the other task waits for the mutex */
        self->hall->balance = self->balance + 1;
        trale_mutex_unlock(&self->hall->mutex);
    }
    trale_return(0);
}

/* Shows the progress, until the result is there. */
struct reporter {
    struct trale_future future;
    struct hall *hall;
    struct trale_notify_wait wait;
};

trale_async(reporter)
{
    trale_begin();
    trale_prioritise_self(TRALE_PRIORITY_HIGH);
    for (;;) {
        trale_await(trale_notify_wait(&self->wait, &self->hall->progress));
        printf(".\n");
    }
}

struct visitor {
    struct trale_future future;
    struct hall *hall;
    struct depositor depositors[2];
    struct reporter reporter;
    struct trale_oneshot_wait wait;
    TRALE_BRANCHES(2) deposits, race;
};

trale_async(visitor)
{
    trale_begin();
    trale_try(trale_all_of(&self->deposits, trale_call(depositor, &self->depositors[0], .hall = self->hall),
                           trale_call(depositor, &self->depositors[1], .hall = self->hall)));
    printf("%" PRId64 " deposits\n", self->hall->balance);

    trale_try(trale_race_of(&self->race, trale_oneshot_wait(&self->wait, &self->hall->n_primes),
                            trale_call(reporter, &self->reporter, .hall = self->hall)));
    trale_return(self->race.branch[0].result);
}

int main(int argc, char **argv)
{
    struct hall hall = {.mutex = TRALE_MUTEX,
                        .progress = TRALE_NOTIFY,
                        .n_primes = TRALE_ONESHOT,
                        .limit = argc > 1 ? atoll(argv[1]) : 1000};
    struct trale *runtime;
    pthread_t thread;
    int r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("trale_open", r);
    r = -pthread_create(&thread, NULL, count_primes, &hall);
    if (r < 0)
        return trale_perror("pthread_create", r);
    int64_t result = trale_join(trale_spawn(runtime, visitor, .hall = &hall));
    pthread_join(thread, NULL);
    trale_close(runtime);
    if (result < 0)
        return trale_perror(argv[0], result);
    printf("%" PRId64 " primes\n", result);
    return EXIT_SUCCESS;
}
