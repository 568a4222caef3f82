/* SPDX-License-Identifier: MIT
 *
 * What the checks know of one runtime, and what the files of this room call of each other. */
#ifndef CORE_CHECKS_STATE_H
#define CORE_CHECKS_STATE_H

#include <stdatomic.h>

#include "core/checks/finding.h"
#include "core/checks/map.h"
#include "core/checks/waker.h"
#include "core/driver/host.h"
#include "core/executor/hooks.h"

/* How many polls in a row without any progress are a storm, and how many awaits of a canceled fiber are too many. */
#define CHECKS_STORM 10000u
#define CHECKS_CANCELED_AWAITS 100u

/* The fds are looked at before a sleep after one poll for every so many of them, and if this much time has passed. */
#define CHECKS_FDS_PER_POLL 4u
#define CHECKS_LOOK_NS (100 * UINT64_C(1000000))

/* A task that was polled and has not ended. */
struct checked_task {
    struct trale_task *task;
    struct waker_task *wakers;
    struct ledger *driver; /* whose task it is, or NULL */
    struct seen *root;     /* its outermost future */

    /* Polls in a row without any progress (progress.c), and that woke the task again: by themselves, or because they
     * waited for an fd that was ready. */
    uint64_t n_fruitless;
    int32_t ready_fd;            /* the last of these fds; -1: none in this poll */
    int n_readable;              /* bytes in it; -1: it does not say */
    struct ledger *ready_ledger; /* the driver that waited for it */
};

/* A future that was polled and is not over. */
struct seen {
    struct trale_future *future;
    const struct trale_future_type *type;
    struct checked_task *task;
    struct seen *parent;        /* the future that polls it; NULL: it is the task's own */
    struct trale_link node;     /* among the children of the future that polls it */
    struct trale_link children; /* the futures that it has polled */
    struct trale_link waits;    /* registered waits whose waker was lent to it */
    struct checked_waker *waker;
};

/* A poll that is under way. */
struct polling {
    struct trale_future *future;
    const struct trale_future_type *type;
    struct seen *seen;
    struct polling *outer;
};

/* A wait that was registered and not canceled since. */
struct checked_wait {
    struct trale_wait *wait;
    int32_t fd;
    struct ledger *ledger;  /* whose it is */
    struct trale_link node; /* on seen.waits, or on checks.loose_waits */
    struct place place;
};

struct checks {
    struct hooks hooks; /* first */
    struct trale_checks polls;
    struct executor *executor;
    struct reactor *reactor;
    struct findings findings;
    struct wakers *wakers;

    /* Which thread may do what. */
    pthread_t opener;
    bool callers_poll;              /* threads = 0 */
    _Atomic uint64_t n_alive;       /* tasks of the application that were polled and have not ended */
    _Atomic pthread_t phase_thread; /* on which start, settle or stop of a driver is under way; 0: none is */

    /* The executor thread's own. */
    struct map tasks;   /* struct checked_task by task */
    struct map futures; /* struct seen by future */
    struct map waits;   /* struct checked_wait by wait */
    struct map spawned; /* struct ledger by the future of its task, until that is polled */
    struct trale_link loose_waits;
    struct trale_link ledgers;
    struct ledger *application; /* that of its own fds (trale/fd.h) */
    struct checked_task *running;
    struct polling *polling;
    uint64_t n_steps;        /* in this poll of a task: results, yields, and other tasks that it woke or spawned */
    uint64_t n_polls_looked; /* executor.n_polls when the fds were looked at, and the time of CLOCK_MONOTONIC */
    uint64_t looked_ns;
    const struct trale_future *canceled_fiber;
    uint32_t n_canceled_awaits;
};

struct ledger;

static inline struct checks *checks_of(struct trale_checks *polls)
{
    return (struct checks *)(void *)((char *)polls - offsetof(struct checks, polls));
}

/* The place of what this thread does: the task and the await point, where it runs the executor. */
struct place checks_place(struct checks *checks, const struct ledger *driver);

/* A task begins and ends. (await.c) */
struct checked_task *checks_task(struct checks *checks, struct trale_task *task);
void checks_task_end(struct checks *checks, struct checked_task *task);

/* Polls a future: trale_checks.poll. (await.c) */
int64_t checks_poll(struct trale_checks *polls, struct trale_future *future, struct trale_context *context);

/* What became of a task's poll: storms, and tasks that await themselves. (progress.c) */
void checks_progress(struct checks *checks, struct checked_task *task);

/* A future is over: its waits must be. It has resolved, or it was dropped or what awaited it is over. (wait.c) */
void checks_waits_end(struct checks *checks, struct trale_link *waits, const char *future, bool has_resolved);

/* The memory of a task is about to go: no wait may be in it. (wait.c) */
void checks_memory_ends(struct checks *checks, const void *memory, size_t size);

#endif
