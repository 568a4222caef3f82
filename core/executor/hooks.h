/* SPDX-License-Identifier: MIT
 *
 * What hears of the executor and of what runs on it: [runtime] checks = yes, and drivers that observe. Each is one
 * element of a list, and without any the executor, fibers and mutexes compare one pointer with NULL, on paths that are
 * slow already. */
#ifndef CORE_EXECUTOR_HOOKS_H
#define CORE_EXECUTOR_HOOKS_H

#include <trale/trale.h>

/* All of it is called on the executor thread, in the order of the list. Members may be NULL. */
struct hooks {
    struct hooks *next;

    /* After a task was taken in; `spawner` may be NULL. */
    void (*spawned)(struct hooks *hooks, struct trale_task *task, struct trale_task *spawner);

    /* After a task that is not done was woken; `source` is TRALE_WOKEN_BY_TASK (then there is `by`) and so on. */
    void (*woken)(struct hooks *hooks, struct trale_task *task, struct trale_task *by, uint32_t source);

    /* Before and after each poll and each drop of a task. The task is not finished yet. */
    void (*poll_begins)(struct hooks *hooks, struct trale_task *task);
    void (*poll_ends)(struct hooks *hooks, struct trale_task *task, int64_t result);
    void (*drop_begins)(struct hooks *hooks, struct trale_task *task);
    void (*drop_ends)(struct hooks *hooks, struct trale_task *task);

    /* After the task was finished, and those that wait for its result were woken. */
    void (*ended)(struct hooks *hooks, struct trale_task *task, int64_t result);

    /* The body of a fiber that was canceled awaits or yields. `at` is where. */
    void (*canceled_fiber_awaits)(struct hooks *hooks, const struct trale_future *fiber,
                                  const struct trale_await_point *at);

    /* A mutex was unlocked that was not locked. */
    void (*free_mutex_unlocked)(struct hooks *hooks, const void *mutex);

    /* A future was dropped that had returned a result. */
    void (*spent_future_dropped)(struct hooks *hooks, const char *future);
};

/* Calls a member of each element of the list. */
#define HOOKS_CALL(first, member, ...)                                                                                 \
    do {                                                                                                               \
        for (struct hooks *called_ = (first); called_ != NULL; called_ = called_->next)                                \
            if (called_->member != NULL)                                                                               \
                called_->member(called_, __VA_ARGS__);                                                                 \
    } while (0)

#endif
