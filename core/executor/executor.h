/* SPDX-License-Identifier: MIT
 *
 * The executor: polls the tasks that are runnable, and sleeps when none is. */
#ifndef CORE_EXECUTOR_EXECUTOR_H
#define CORE_EXECUTOR_EXECUTOR_H

#include "core/base/process.h"
#include "core/executor/hooks.h"
#include "core/executor/inject.h"
#include "core/executor/run_queue.h"
#include "core/executor/seat.h"
#include "core/executor/task.h"
#include "core/executor/task_pool.h"
#include "core/executor/watchdog.h"

/* How often in a row the drops of tasks may spawn tasks while the executor ends. */
#define EXECUTOR_GENERATIONS_MAX 1000

struct executor {
    struct executor_home *home;               /* of its tasks' wakers */
    const struct executor_home *unheard_home; /* the same; NULL where hooks hear of wakes */
    /* The executor thread's own. */
    struct run_queue run_queue;   /* tasks to be polled */
    struct trale_link idle;       /* tasks that wait for a wake */
    struct trale_link emptied;    /* of struct executor_emptied */
    struct trale_task *running;   /* the one inside its poll, or NULL */
    struct trale_context context; /* what it is given */
    struct executor *outer;       /* the one whose task called this one, on the same thread */
    struct task_pool task_pool;
    struct watchdog *watchdog; /* times drops and, if watches_polls, polls; may be NULL */
    uint64_t n_polls, n_rounds, n_sleeps;
    uint64_t n_tasks; /* COUNTED and not done */
    uint64_t last_id;
    uint64_t n_late;     /* finished tasks that are still on their way in from other threads */
    bool watches_polls;  /* `watchdog` times each poll, or there are hooks */
    struct hooks *hooks; /* a list (hooks.h) */
    bool refuses;        /* the executor ends, and spawns on its thread fail */
    bool ended;          /* executor_end is done */
    bool callers_poll;   /* there is no executor thread: threads that join tasks poll them */
    uint64_t (*before_wait)(void *data);
    void *before_wait_data;

    struct injection injection;
    struct seat seat; /* where callers_poll */
};

/* The future of n_tasks being 0 (trale_run): then it is taken off executor.emptied and woken. */
struct executor_emptied {
    struct trale_future future;
    struct executor *executor;
    struct trale_link node;
    const struct trale_waker *waker;
};

/* `before_wait` is called before each look at the reactor and each sleep; it may wake tasks, and returns for how many
 * nanoseconds the executor may sleep, 0 if it may not. Returns 0 or -ENOMEM.
 */
int executor_init(struct executor *executor, struct trale *runtime, bool callers_poll, struct park park,
                  uint64_t (*before_wait)(void *data), void *before_wait_data);

/* After executor_end. No thread runs the executor or calls it any more. */
void executor_deinit(struct executor *executor);

/* The executor that runs on this thread, or NULL. initial-exec: libtrale is loaded with the program, and a wake must
 * not cost a call to find out where it is. */
extern _Thread_local struct executor *executor_on_thread __attribute__((tls_model("initial-exec")));

/* Whether this thread runs that executor just now. The executor may be gone: its address is only compared. [any] */
static inline bool executor_is_here(const struct executor *executor)
{
    return executor_on_thread != NULL && executor_on_thread == executor;
}

/* Whether this thread runs the task's executor just now. When the task is finished, another executor may have its home.
 * [any] */
static inline bool executor_has_here(const struct trale_task *task)
{
    return executor_on_thread != NULL && executor_on_thread->home == task_home(task);
}

/* The pool of the executor that this thread runs if the task is one of its own, else NULL. [any] */
static inline struct task_pool *executor_pool_here(const struct trale_task *task)
{
    return executor_has_here(task) ? &executor_on_thread->task_pool : NULL;
}

/* Whether this thread is inside the executor's polls, also if one of its tasks has blocked on another executor. */
bool executor_is_on_thread(const struct executor *executor);

/* Whether the executor is of this process, and not of one that has forked it. */
static inline bool executor_is_ours(const struct executor *executor)
{
    return executor->injection.process == process_generation;
}

/* Whether no task is runnable beside the one that runs. [executor] */
static inline bool executor_is_idle(const struct executor *executor)
{
    bool is_woken = executor->running != NULL && executor->running->state == TASK_WOKEN;
    return !is_woken && run_queue_is_empty(&executor->run_queue) && injection_is_empty(&executor->injection);
}

/* Makes a task (see task_new) and puts it on the run-queue. The caller owns its handle's reference. An executor that
 * has ended drops the future at once, on the calling thread, and the task is finished. NULL, the future untouched: no
 * memory; or the executor ends, and this comes of the drop of a task that was itself spawned too late. [any] */
struct trale_task *executor_spawn(struct executor *executor, const struct trale_future *future, size_t size,
                                  enum task_role role);

/* trale_abort for a task that is not NULL. [any] */
void executor_abort(struct trale_task *task);

/* trale_background for a task that is not NULL. [any] */
void executor_background(struct trale_task *task);

/* Becomes the executor thread until the task is finished. While another thread is it, waits for the seat. */
void executor_run_until(struct executor *executor, struct trale_task *task);

/* Becomes the executor thread for a turn: polls what is runnable, for as long as TRALE_EVENT_INTERVAL allows, looks at
 * the reactor, and does not block; then rests (park.h). 1: a task is runnable, or a driver wants to be asked again; 0:
 * nothing is to do until the rest ends; -EBUSY: another thread is the executor thread. */
int executor_turn(struct executor *executor);

/* Becomes the executor thread until executor_stop is called, and then ends the executor. */
void executor_run(struct executor *executor);

/* Has the executor end: its thread polls no task after the one that it is polling. [any] */
void executor_stop(struct executor *executor);

/* After executor_stop, where no thread is in executor_run: becomes the executor thread, to end the executor. Waits for
 * the seat until the deadline, if that is not NULL. 0 or -ETIMEDOUT. */
int executor_end_here(struct executor *executor, const struct timespec *deadline);

/* Takes back the tasks that were spawned since injection_mark, before the executor runs: their futures are not touched,
 * neither polled nor dropped. */
void executor_forget_since(struct executor *executor, uintptr_t mark);

/* The task whose result a future waits for; NULL if it is no trale_join_future. */
const struct trale_task *join_look(const struct trale_future *future);

/* Whether it is the waker of a task. */
bool waker_is_task(const struct trale_waker *waker);

/* Adds hooks to the list, as the last, and takes them off; before the executor runs. */
void executor_add_hooks(struct executor *executor, struct hooks *hooks);
void executor_remove_hooks(struct executor *executor, const struct hooks *hooks);

/* --- looking (look.c) --------------------------------------------------------------------------------------------- */

/* What trale_tasks reports of a task. [executor] */
void executor_look(const struct trale_task *task, struct trale_task_info *info);

/* Calls `visit` for each task that trale_tasks shows; it may abort the task that it is given. [executor] */
void executor_each(struct executor *executor, void (*visit)(void *data, struct trale_task *task), void *data);

/* --- between executor.c, watched.c, wake.c and end.c -------------------------------------------------------------- */

/* A home for the wakers of an executor's tasks, and back; NULL: memory is out. */
struct executor_home *executor_home_take(struct executor *executor);
void executor_home_give(struct executor_home *home);

/* Puts a task on the run-queue's end, from the idle list or from nowhere. [executor] */
void executor_queue(struct executor *executor, struct trale_task *task);

/* Wakes a task. [executor] */
void executor_wake(struct executor *executor, struct trale_task *task);

/* The same for tasks of which hooks may hear; TRALE_WOKEN_BY_THREAD or, else, what runs here. [executor] */
void executor_wake_here(struct executor *executor, struct trale_task *task);
void executor_wake_heard(struct executor *executor, struct trale_task *task, struct trale_task *by, uint32_t source);

/* Polls a task that watches_polls is for, and does what comes after the poll. [executor] */
void executor_poll_watched(struct executor *executor, struct trale_task *task);

/* Puts back a task whose poll said "pending". [executor] */
void executor_put_back(struct executor *executor, struct trale_task *task);

/* Ends a task that is on no list; the second for hooks to hear. [executor] */
void executor_finish(struct executor *executor, struct trale_task *task, int64_t result);
void executor_finish_heard(struct executor *executor, struct trale_task *task, int64_t result);

/* One task less for which trale_run waits. [executor] */
void executor_discount(struct executor *executor);

/* Makes a task that has just come one of the executor's. [executor] */
void executor_adopt(struct executor *executor, struct trale_task *task);

/* Takes in what other threads have pushed. [executor] */
void executor_drain(struct executor *executor);

/* Drops a task that is on no list. [executor] */
void executor_drop(struct executor *executor, struct trale_task *task);

/* Drops all tasks, takes no more, and waits for threads that are about to hand one over or to end a sleep. Done twice,
 * it does nothing. */
void executor_end(struct executor *executor);

#endif
