/* SPDX-License-Identifier: MIT */
#include "core/executor/run_queue.h"

void run_queue_init(struct run_queue *self)
{
    for (size_t i = 0; i < TRALE_PRIORITIES; i++)
        list_init(&self->queues[i]);
}

void run_queue_shuffle(struct run_queue *self, uint64_t seed)
{
    self->seed = seed;
    self->n_special += RUN_QUEUE_SHUFFLES;
}

static bool has(const struct run_queue *self, size_t i)
{
    return !list_is_empty(&self->queues[i]) || self->shuffles[i].n_links > 0;
}

static bool has_below(const struct run_queue *self, size_t i)
{
    while (++i < TRALE_PRIORITIES)
        if (has(self, i))
            return true;
    return false;
}

/* Puts the next task of a queue at its front, where no other is. */
static void shuffle(struct run_queue *self, size_t i)
{
    while (!list_is_empty(&self->queues[i])) {
        struct trale_link *link = self->queues[i].next;
        list_remove(link);
        shuffle_add(&self->shuffles[i], link);
        self->n_special += i == TRALE_PRIORITY_NORMAL;
    }
    list_append(&self->queues[i], shuffle_pick(&self->shuffles[i], self->seed, self->n_picks++));
    self->n_special -= i == TRALE_PRIORITY_NORMAL;
}

struct trale_link *run_queue_choose(struct run_queue *self)
{
    size_t i = 0;
    for (;; i++) {
        if (!has(self, i))
            continue;
        bool shares = has_below(self, i);
        if (!shares)
            self->streaks[i] = 0;
        if (!shares || self->streaks[i]++ < RUN_QUEUE_STREAK)
            break;
        self->streaks[i] = 0;
    }
    if (run_queue_shuffles(self))
        shuffle(self, i);
    self->n_special -= i != TRALE_PRIORITY_NORMAL;
    return &self->queues[i];
}

void run_queue_each(const struct run_queue *self, void (*visit)(void *data, struct trale_link *link), void *data)
{
    for (size_t i = 0; i < TRALE_PRIORITIES; i++) {
        for (struct trale_link *link = self->queues[i].next, *next; link != &self->queues[i]; link = next) {
            next = link->next;
            visit(data, link);
        }
        shuffle_each(&self->shuffles[i], visit, data);
    }
}
