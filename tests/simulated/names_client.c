/* SPDX-License-Identifier: MIT
 *
 * Looks up the names of names.h, several at once, again and again until each was found, and checks every record. Waits
 * are dropped now and then, and some lookups are given up on the way.
 *
 *     names_client [-n NAMES] */
#define _GNU_SOURCE 1 /* getopt(3) */

#include <stdlib.h>
#include <unistd.h>

#include <trale/random.h>
#include <trale/resolve.h>
#include <trale/timer.h>

#include "names.h"

#define N_WORKERS 5u /* more than `queries` of trale.ini */
#define N_TRIES 40u  /* far longer than the faults of a world last */

struct worker {
    struct trale_future future;
    uint32_t number, n_names;
    uint32_t n_tries, n_all_tries, n_given_up;
    char name[32];
    uint32_t kind;
    uint64_t found[2]; /* the records of each family that have come, a bit for each */
    struct trale_lookup lookup;
    struct trale_sleep sleep;
    TRALE_BRANCHES(2) race;
};

static void worker_close(struct worker *self)
{
    trale_lookup_end(&self->lookup);
}

static uint32_t draw(struct trale *runtime)
{
    uint32_t number = 0;
    (void)!trale_random_fill(runtime, &number, sizeof number);
    return number;
}

/* Begins the next try. */
static void worker_begin(struct worker *self)
{
    self->n_tries++;
    self->n_all_tries++;
    self->found[0] = self->found[1] = 0;
    snprintf(self->name, sizeof self->name, "n%u.example", self->number);
    self->kind = self->number / 2 % 3; /* even and odd numbers of each */
    trale_lookup(&self->lookup, self->kind, self->name, 80);
}

/* Counts a record that has come. False: the name does not have it, or it has come before. */
static bool worker_take(struct worker *self)
{
    const struct trale_address *address = &self->lookup.address;
    int record = names_find(address, self->number);
    bool is_v6 = address->any.sa_family == AF_INET6;
    if (record < 0 || trale_address_port(address) != 80 || (self->found[is_v6] >> record & 1) != 0 ||
        self->lookup.ttl_s != 60 || self->kind == (is_v6 ? TRALE_LOOKUP_V4 : TRALE_LOOKUP_V6))
        return false;
    self->found[is_v6] |= UINT64_C(1) << record;
    return true;
}

/* Whether a family is there as a whole, or not at all where it may have failed alone. */
static bool is_whole(const struct worker *self, int family)
{
    const uint64_t all = self->number % 2 == 1 ? UINT64_MAX : 1;
    return self->found[family] == 0 || self->found[family] == all;
}

/* What a lookup that has ended has found, or -EPROTO. Failures are those of a network, never "there is no such name".
 */
static int64_t worker_judge(const struct worker *self, int64_t result)
{
    if (!is_whole(self, 0) || !is_whole(self, 1) || (result == 0) != ((self->found[0] | self->found[1]) != 0))
        return -EPROTO;
    if (result == 0 || result == -ETIME || result == -EHOSTDOWN || result == -EMSGSIZE)
        return result;
    return -EPROTO;
}

trale_async_with(worker, worker_close)
{
    int64_t r;
    trale_begin();
    for (; self->number < self->n_names; self->number += N_WORKERS) {
        self->n_tries = 0;
        do {
            if (self->n_tries == N_TRIES)
                trale_return(-ETIMEDOUT);
            worker_begin(self);
            do {
                trale_try(trale_race_of(&self->race, trale_lookup_next(&self->lookup),
                                        trale_sleep(&self->sleep, (1 + draw(cx->runtime) % 2000) * TRALE_MILLISECOND)));
                r = trale_result() == 0 ? self->race.branch[0].result : -EAGAIN;
                if (r == 1 && !worker_take(self))
                    r = -EPROTO;
                if (r == -EAGAIN && draw(cx->runtime) % 8 == 0) {
                    trale_lookup_end(&self->lookup);
                    self->n_given_up++;
                    r = -ECANCELED;
                }
            } while (r == 1 || r == -EAGAIN);
            if (r != -ECANCELED)
                r = worker_judge(self, r);
            if (r == -EPROTO) {
                printf("%s: what has come is wrong\n", self->name);
                trale_return(r);
            }
            self->n_tries = r == 0 ? 0 : self->n_tries;
            trale_await(trale_sleep(&self->sleep, TRALE_SECOND));
        } while (self->n_tries > 0);
    }
    printf("%u tries, %u given up\n", self->n_all_tries, self->n_given_up);
    trale_return(0);
}

int main(int argc, char **argv)
{
    uint32_t n_names = 30;
    int option;
    while ((option = getopt(argc, argv, "n:")) == 'n')
        n_names = (uint32_t)strtoul(optarg, NULL, 10);
    if (option != -1 || n_names == 0 || n_names > NAMES_MOST || optind != argc) {
        fprintf(stderr, "usage: %s [-n NAMES]\n", argv[0]);
        return EXIT_FAILURE;
    }
    struct trale *runtime;
    struct trale_task *workers[N_WORKERS];
    int64_t r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("names_client", r);
    for (uint32_t i = 0; i < N_WORKERS; i++)
        workers[i] = trale_spawn(runtime, worker, .number = i, .n_names = n_names);
    for (uint32_t i = 0; i < N_WORKERS; i++) {
        int64_t result = trale_join(workers[i]);
        r = result < 0 ? result : r;
    }
    trale_close(runtime);
    return r < 0 ? trale_perror("names_client", r) : EXIT_SUCCESS;
}
