/* SPDX-License-Identifier: MIT
 *
 * What [runtime] checks = yes hears from the executor and from what runs on it. Without checks there are none, and the
 * executor, fibers and mutexes compare one pointer with NULL, on paths that are slow already. */
#ifndef CORE_EXECUTOR_HOOKS_H
#define CORE_EXECUTOR_HOOKS_H

#include <trale/trale.h>

/* All of it is called on the executor thread. */
struct hooks {
    /* Before and after each poll and each drop of a task. The task is not finished yet. */
    void (*poll_begins)(struct hooks *hooks, struct trale_task *task);
    void (*poll_ends)(struct hooks *hooks, struct trale_task *task, int64_t result);
    void (*drop_begins)(struct hooks *hooks, struct trale_task *task);
    void (*drop_ends)(struct hooks *hooks, struct trale_task *task);

    /* The body of a fiber that was canceled awaits or yields. `at` is where. */
    void (*canceled_fiber_awaits)(struct hooks *hooks, const struct trale_future *fiber,
                                  const struct trale_await_point *at);

    /* A mutex was unlocked that was not locked. */
    void (*free_mutex_unlocked)(struct hooks *hooks, const void *mutex);

    /* A future was dropped that had returned a result. */
    void (*spent_future_dropped)(struct hooks *hooks, const char *future);
};

#endif
