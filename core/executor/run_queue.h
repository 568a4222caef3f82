/* SPDX-License-Identifier: MIT
 *
 * The tasks to be polled: a queue for each priority. A queue is served before those of lower priority; but after
 * RUN_QUEUE_STREAK tasks in a row, one task of a lower priority is polled. So an urgent task waits for at most one
 * poll, and the others still get their share. As long as all tasks have normal priority, only one queue is looked
 * at.
 *
 * A queue is first in, first out; or, with a seed, each pick takes any of its tasks, with the same probability, also
 * those that came after the last pick. So every order may come. A task that waits with n - 1 others is passed over k
 * times with a probability of (1 - 1/n)^k. */
#ifndef CORE_EXECUTOR_RUN_QUEUE_H
#define CORE_EXECUTOR_RUN_QUEUE_H

#include "core/executor/shuffle.h"
#include "core/executor/task.h"

#define RUN_QUEUE_STREAK 16

/* Part of n_special: the slow way is taken each time. */
#define RUN_QUEUE_SHUFFLES (UINT64_C(1) << 32)

struct run_queue {
    struct trale_link queues[TRALE_PRIORITIES]; /* highest priority first */
    uint64_t n_special;                         /* tasks elsewhere than in the normal queue */
    uint32_t streaks[TRALE_PRIORITIES]; /* how many tasks in a row each queue has had while a lower one waited */
    /* With RUN_QUEUE_SHUFFLES. New tasks come to the queues, and from there to here before the next pick. */
    struct shuffle shuffles[TRALE_PRIORITIES];
    uint64_t seed, n_picks;
};

void run_queue_init(struct run_queue *self);

/* From now on, a seed picks the tasks. */
void run_queue_shuffle(struct run_queue *self, uint64_t seed);

static inline bool run_queue_shuffles(const struct run_queue *self)
{
    return self->n_special >= RUN_QUEUE_SHUFFLES;
}

static inline bool run_queue_is_empty(const struct run_queue *self)
{
    return list_is_empty(&self->queues[TRALE_PRIORITY_NORMAL]) && (uint32_t)self->n_special == 0;
}

/* Appends a task that is in no list. */
static inline void run_queue_add(struct run_queue *self, struct trale_task *task)
{
    uint8_t priority = atomic_load_explicit(&task->priority, memory_order_relaxed);
    if (priority == TRALE_PRIORITY_NORMAL) {
        list_append(&self->queues[TRALE_PRIORITY_NORMAL], &task->node);
    } else {
        list_append(&self->queues[priority], &task->node);
        self->n_special++;
    }
}

/* The queue whose turn it is, if n_special is not 0; its first task is the next one. */
struct trale_link *run_queue_choose(struct run_queue *self);

/* Takes out the task whose turn it is. The run-queue is not empty. */
static inline struct trale_task *run_queue_take(struct run_queue *self)
{
    struct trale_link *queue = self->n_special == 0 ? &self->queues[TRALE_PRIORITY_NORMAL] : run_queue_choose(self);
    struct trale_link *first = queue->next;
    list_remove(first);
    return list_entry(first, struct trale_task, node);
}

/* Calls `visit` for each task, in the order of priorities; it may leave its list. */
void run_queue_each(const struct run_queue *self, void (*visit)(void *data, struct trale_link *link), void *data);

#endif
