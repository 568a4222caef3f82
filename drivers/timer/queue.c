/* SPDX-License-Identifier: MIT */
#include "queue.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define ARITY 4

/* Equal sleeps go in the order in which they came. Sleeps that need never be woken have no order: they keep their
 * slack, which could not be computed again, where the others have their sequence. */
static bool entry_before(const struct timer_entry *a, const struct timer_entry *b)
{
    if (a->latest_ns != b->latest_ns)
        return a->latest_ns < b->latest_ns;
    return a->sleep->sequence < b->sleep->sequence;
}

static void heap_put(struct timer_queue *queue, size_t position, struct timer_entry entry)
{
    queue->heap[position] = entry;
    entry.sleep->position = (uint32_t)position;
}

static void heap_rise(struct timer_queue *queue, size_t position, struct timer_entry entry)
{
    while (position > 0) {
        size_t parent = (position - 1) / ARITY;
        if (!entry_before(&entry, &queue->heap[parent]))
            break;
        heap_put(queue, position, queue->heap[parent]);
        position = parent;
    }
    heap_put(queue, position, entry);
}

static void heap_sink(struct timer_queue *queue, size_t position, struct timer_entry entry)
{
    for (;;) {
        size_t first = position * ARITY + 1;
        size_t end = first + ARITY < queue->n_entries ? first + ARITY : queue->n_entries;
        if (first >= end)
            break;
        size_t least = first;
        for (size_t child = first + 1; child < end; child++)
            if (entry_before(&queue->heap[child], &queue->heap[least]))
                least = child;
        if (!entry_before(&queue->heap[least], &entry))
            break;
        heap_put(queue, position, queue->heap[least]);
        position = least;
    }
    heap_put(queue, position, entry);
}

static void heap_remove(struct timer_queue *queue, size_t position)
{
    struct timer_entry last = queue->heap[--queue->n_entries];
    if (position == queue->n_entries)
        return;
    if (position > 0 && entry_before(&last, &queue->heap[(position - 1) / ARITY]))
        heap_rise(queue, position, last);
    else
        heap_sink(queue, position, last);
}

static void queue_remove(struct timer_queue *queue, size_t position)
{
    struct timer_entry entry = queue->heap[position];
    heap_remove(queue, position);
    if (entry.latest_ns != NEVER)
        entry.sleep->slack_ns = entry.latest_ns - entry.sleep->deadline_ns;
    entry.sleep->state = SLEEP_READY;
}

int timer_queue_add(struct timer_queue *queue, struct trale_sleep *sleep)
{
    if (queue->n_entries == UINT32_MAX) /* positions have 32 bits */
        return -ENOMEM;
    if (queue->n_entries == queue->n_room) {
        size_t n_room = queue->n_room > 0 ? 2 * queue->n_room : 64;
        struct timer_entry *heap = reallocarray(queue->heap, n_room, sizeof *heap);
        if (heap == NULL)
            return -ENOMEM;
        queue->heap = heap;
        queue->n_room = n_room;
    }
    struct timer_entry entry = {trale_time_add(sleep->deadline_ns, sleep->slack_ns), sleep};
    if (entry.latest_ns != NEVER)
        sleep->sequence = ++queue->last_sequence;
    sleep->state = SLEEP_WAITING;
    queue->n_entries++;
    heap_rise(queue, queue->n_entries - 1, entry);
    return 0;
}

void timer_queue_remove(struct timer_queue *queue, struct trale_sleep *sleep)
{
    queue_remove(queue, sleep->position);
}

struct trale_sleep *timer_queue_take(struct timer_queue *queue, uint64_t now_ns)
{
    if (queue->n_entries == 0 || (timer_queue_next(queue) > now_ns && queue->heap[0].sleep->deadline_ns > now_ns))
        return NULL;
    struct trale_sleep *sleep = queue->heap[0].sleep;
    queue_remove(queue, 0);
    return sleep;
}

void timer_queue_deinit(struct timer_queue *queue)
{
    free(queue->heap);
}
