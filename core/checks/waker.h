/* SPDX-License-Identifier: MIT
 *
 * Wakers that know whether they may still be used: one for each poll of a future, and one for each clone. */
#ifndef CORE_CHECKS_WAKER_H
#define CORE_CHECKS_WAKER_H

#include <pthread.h>
#include <stdbool.h>

#include <trale/future.h>

#include "core/checks/finding.h"

/* How many wakers that may no longer be used are kept, to tell when they are used. */
#define WAKERS_KEPT 16384

struct executor;
struct wakers;

/* A task, for the wakers that were lent to it. */
struct waker_task {
    struct wakers *wakers;
    uint64_t n_references; /* its own and those of the wakers */
    uint64_t id;
    char name[FINDING_NAME];
    bool gone; /* it has ended: no lent waker of it may be called */
};

enum checked_state {
    CHECKED_LENT,     /* For a poll, and until the future is over or polled again. */
    CHECKED_CLONED,   /* Owned by the code that cloned it, until it is given back. */
    CHECKED_GIVEN,    /* It was a clone, and was given back. Never left, as the others below. */
    CHECKED_REPLACED, /* Its future was polled again, with another waker. */
    CHECKED_RESOLVED, /* Its future has returned a result. */
    CHECKED_DROPPED,  /* Its future was dropped, or what awaited it is over. */
};

struct checked_waker {
    struct trale_waker waker; /* first */
    enum checked_state state;
    struct wakers *wakers;
    const struct trale_waker *inner; /* a task's, or that of a future with wakers of its own */
    bool inner_is_task;
    struct waker_task *task;
    const char *future; /* the name of the type to which it was lent */
    const char *file;   /* the await point */
    int64_t line;
    struct checked_waker *next; /* among those that are kept */
};

/* NULL: memory is out. Both are lent until wakers_close. */
struct wakers *wakers_open(struct findings *findings, const struct executor *executor);

/* Nothing is said any more when it returns. Clones that are still out may be given back later. */
void wakers_close(struct wakers *wakers);

/* NULL: memory is out. */
struct waker_task *waker_task_begin(struct wakers *wakers, uint64_t id, const char *name);
void waker_task_end(struct waker_task *task);

/* What the task is called now. [executor] */
void waker_task_rename(struct waker_task *task, const char *name);

/* A waker to lend for a poll; `inner` is that of the context. NULL: memory is out. */
struct checked_waker *waker_lend(struct waker_task *task, const struct trale_waker *inner, const char *future,
                                 const struct trale_await_point *at);

/* Ends the loan. */
void waker_end(struct checked_waker *waker, enum checked_state state);

/* The checked waker that this one is, or NULL. */
struct checked_waker *waker_look(const struct trale_waker *waker);

/* --- between waker.c and loan.c ----------------------------------------------------------------------------------- */

struct wakers {
    pthread_mutex_t lock;
    struct findings *findings; /* NULL: closed */
    uint64_t n_users;          /* the runtime, the tasks, and the clones that are out */
    uint64_t n_reports;        /* that are being said, without the lock */
    pthread_cond_t said;       /* n_reports is 0 */
    size_t n_kept;
    struct checked_waker *first, **last; /* those that are kept */
    const struct executor *executor;     /* only compared; NULL: closed */
};

extern const struct trale_waker_table checked_waker_table;

/* Keeps a waker that may no longer be used, and frees the one that was kept for longest. [with the lock] */
void wakers_keep(struct wakers *wakers, struct checked_waker *waker);

/* [with the lock] */
void waker_task_unreference(struct waker_task *task);

/* One user less. Gives the lock back. [with the lock] */
void wakers_release(struct wakers *wakers);

#endif
