/* SPDX-License-Identifier: MIT */
#include "core/executor/run_queue.h"

void run_queue_init(struct run_queue *self)
{
    for (size_t i = 0; i < TRALE_PRIORITIES; i++)
        list_init(&self->queues[i]);
}

static bool has_below(const struct run_queue *self, size_t i)
{
    while (++i < TRALE_PRIORITIES)
        if (!list_is_empty(&self->queues[i]))
            return true;
    return false;
}

struct trale_link *run_queue_choose(struct run_queue *self)
{
    size_t i = 0;
    for (;; i++) {
        if (list_is_empty(&self->queues[i]))
            continue;
        bool shares = has_below(self, i);
        if (!shares)
            self->streaks[i] = 0;
        if (!shares || self->streaks[i]++ < RUN_QUEUE_STREAK)
            break;
        self->streaks[i] = 0;
    }
    self->n_special -= i != TRALE_PRIORITY_NORMAL;
    return &self->queues[i];
}
