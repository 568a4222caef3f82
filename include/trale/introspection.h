/* SPDX-License-Identifier: MIT
 *
 * What a runtime says of its tasks, of itself and of its drivers. Part of trale.h, which includes it. */
#ifndef TRALE_INTROSPECTION_H
#define TRALE_INTROSPECTION_H

#include <trale/trale.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What trale_tasks reports of one task: lent for the call. */
struct trale_task_info {
    uint32_t size;                     /* of what the runtime has set; a newer header has members beyond it */
    uint32_t priority;                 /* TRALE_PRIORITY_ */
    uint64_t id;                       /* counts from 1 in each runtime */
    const char *name;                  /* trale_task_name */
    uint32_t runnable;                 /* 1: on the run-queue or being polled; 0: idle, waiting for a wake */
    uint32_t driver;                   /* 1: a driver's own */
    const struct trale_future *future; /* the outermost: follow `awaiting` down for the async backtrace */
    uint64_t n_polls;                  /* modulo 2^32 */
    uint64_t n_wakes;    /* the same; also when it was awake; those of other threads that arrive together count once */
    uint64_t poll_ns;    /* how long its polls took; 0 unless [runtime] poll_times = yes */
    uint32_t background; /* 1: trale_background was called for it */
    uint32_t reserved;
};
static_assert(offsetof(struct trale_task_info, poll_ns) == 56, "append only");

/* Calls `visit` for each task that is not done, on the executor thread, while no task runs; `visit` must not call
 * trale. On another thread the call waits for its turn, as a task does. Returns 0, -ENOMEM, or -EDEADLK and -ECHILD as
 * trale_join does. */
TRALE_API int trale_tasks(struct trale *runtime, void (*visit)(void *data, const struct trale_task_info *task),
                          void *data);

/* Writes a future's async backtrace into buf as a string, a line for each future, outermost first, and the branches of
 * a race or a trale_all indented; a trale_join_future has its task's number and name. It is cut where `size` ends.
 * Returns the length of all of it. [in `visit`, or on a future that is not being polled or dropped] */
TRALE_API size_t trale_backtrace(const struct trale_future *future, char *buf, size_t size);

/* Writes all of that as text: for each task a line with its numbers, then its async backtrace. `write` is called with
 * pieces of it, as trale_tasks calls `visit`. 0, or the errors of trale_tasks; after -ENOMEM tasks may be missing. */
TRALE_API int trale_dump(struct trale *runtime, void (*write)(void *data, const char *text), void *data);

/* Counts since the runtime was opened. */
struct trale_stats {
    uint32_t size; /* of what the runtime knows; members beyond it are 0 */
    uint32_t reserved;
    uint64_t n_tasks;    /* for which trale_run would wait */
    uint64_t n_runnable; /* on the run-queue, of all */
    uint64_t n_spawned;  /* ever, with the drivers' own and calls from outside, which are tasks as well */
    uint64_t n_polls;
    uint64_t n_rounds; /* in each the run-queue is polled, and then before_wait of each driver is called */
    uint64_t n_sleeps;
    uint64_t poll_ns, longest_poll_ns; /* 0 unless [runtime] poll_times = yes */
    uint64_t n_stalls;                 /* polls and drops that took longer than [runtime] watchdog */
};
TRALE_API int trale_stats_sized(struct trale *runtime, struct trale_stats *stats, size_t size);

/* Fills *stats, on the executor thread; on another thread the call waits for its turn, as a task does. Errors are those
 * of trale_tasks. */
static inline int trale_stats(struct trale *runtime, struct trale_stats *stats)
{
    return trale_stats_sized(runtime, stats, sizeof *stats);
}

/* As trale_interface, for what a program can do without: nothing is said where no driver offers it. [any] */
TRALE_API const void *trale_interface_optional(struct trale *runtime, const char *name, size_t size);

#ifdef __cplusplus
}
#endif

#endif
