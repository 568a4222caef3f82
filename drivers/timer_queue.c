/* SPDX-License-Identifier: MIT */
#include "timer_queue.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define ARITY 4

/* What stands in a sleep's `place`. */
enum { PLACE_POSITION, PLACE_SEQUENCE };

/* Equal deadlines go in the order in which they came. */
static bool entry_before(const struct timer_entry *a, const struct timer_entry *b)
{
    if (a->deadline_ns != b->deadline_ns)
        return a->deadline_ns < b->deadline_ns;
    return a->sleep->place[PLACE_SEQUENCE] < b->sleep->place[PLACE_SEQUENCE];
}

static void heap_put(struct timer_queue *queue, size_t position, struct timer_entry entry)
{
    queue->heap[position] = entry;
    entry.sleep->place[PLACE_POSITION] = position;
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

int timer_queue_add(struct timer_queue *queue, struct trale_sleep *sleep)
{
    if (queue->n_entries == queue->n_room) {
        size_t n_room = queue->n_room > 0 ? 2 * queue->n_room : 64;
        struct timer_entry *heap = reallocarray(queue->heap, n_room, sizeof *heap);
        if (heap == NULL)
            return -ENOMEM;
        queue->heap = heap;
        queue->n_room = n_room;
    }
    sleep->place[PLACE_SEQUENCE] = ++queue->last_sequence;
    queue->n_entries++;
    heap_rise(queue, queue->n_entries - 1, (struct timer_entry){sleep->deadline_ns, sleep});
    return 0;
}

void timer_queue_remove(struct timer_queue *queue, struct trale_sleep *sleep)
{
    heap_remove(queue, sleep->place[PLACE_POSITION]);
}

struct trale_sleep *timer_queue_take(struct timer_queue *queue, uint64_t now_ns)
{
    if (timer_queue_next(queue) > now_ns || queue->n_entries == 0)
        return NULL;
    struct trale_sleep *sleep = queue->heap[0].sleep;
    heap_remove(queue, 0);
    return sleep;
}

void timer_queue_deinit(struct timer_queue *queue)
{
    free(queue->heap);
}
