/* SPDX-License-Identifier: MIT
 *
 * A future keeps this type until its memory becomes another future, so one that was made anew has it no more. There is
 * one such type for each type of futures. They are for the whole process and stay until its end, as futures may. */
#include "core/checks/spent.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/checks/state.h"

struct spent_type {
    struct trale_future_type type; /* first */
    const struct trale_future_type *original;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct map types; /* struct spent_type by original */

/* A child has a copy of the types. No thread changes them while the copy is made. */
static void lock_types(void)
{
    pthread_mutex_lock(&lock);
}

static void unlock_types(void)
{
    pthread_mutex_unlock(&lock);
}

static void watch_forks(void)
{
    pthread_atfork(lock_types, unlock_types, unlock_types);
}

static int64_t spent_poll(struct trale_future *future, struct trale_context *context)
{
    if (context->checks == NULL)
        return -EINVAL;
    struct checks *checks = checks_of(context->checks);
    struct place place = checks_place(checks, NULL);
    findings_say(&checks->findings, TRALE_LOG_ERROR, &place,
                 "the future %s is polled after its result: make it anew before it is awaited again; it resolves to "
                 "-EINVAL",
                 future->type->name);
    return -EINVAL;
}

static void spent_drop(struct trale_future *future)
{
    struct executor *executor = executor_on_thread;
    if (executor != NULL)
        HOOKS_CALL(executor->hooks, spent_future_dropped, future->type->name);
}

static const struct trale_future_type *spent_type(const struct trale_future_type *original)
{
    static pthread_once_t watches_forks = PTHREAD_ONCE_INIT;
    pthread_once(&watches_forks, watch_forks);
    lock_types();
    struct spent_type *spent = map_get(&types, original);
    if (spent == NULL && (spent = calloc(1, sizeof *spent)) != NULL) {
        spent->type = (struct trale_future_type){sizeof spent->type, TRALE_ABI, original->name, spent_poll, spent_drop};
        spent->original = original;
        if (!map_put(&types, original, spent)) {
            free(spent);
            spent = NULL;
        }
    }
    unlock_types();
    return spent != NULL ? &spent->type : NULL;
}

bool spent_is(const struct trale_future *future)
{
    return future->type->poll == spent_poll;
}

void spent_mark(struct trale_future *future)
{
    const struct trale_future_type *type = spent_is(future) ? NULL : spent_type(future->type);
    if (type != NULL)
        future->type = type;
}
