/* SPDX-License-Identifier: MIT */
#include "queue.h"

#include <errno.h>
#include <stdlib.h>

#define ARITY 4
#define NEAR FAR_POSITION_MAX /* a bit of positions in the heap */

/* The heap shrinks to a quarter, but not below this, when an eighth is in use. So between two times that it grows or
 * shrinks, as many sleeps come or end as a quarter of it holds. */
#define HEAP_ROOM_KEPT 16384u

/* A slot with no more entries than this is moved into the heap and not divided. */
#define FEW 62u

/* --- the heap ----------------------------------------------------------------------------------------------------- */

/* Equal sleeps go in the order in which they came. */
static bool entry_before(const struct near_entry *a, const struct near_entry *b)
{
    if (a->latest_ns != b->latest_ns)
        return a->latest_ns < b->latest_ns;
    return a->sequence < b->sequence;
}

static void heap_put(struct timer_queue *queue, size_t position, struct near_entry entry)
{
    queue->heap[position] = entry;
    entry.sleep->position = NEAR | (uint32_t)position;
}

static void heap_rise(struct timer_queue *queue, size_t position, struct near_entry entry)
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

static void heap_sink(struct timer_queue *queue, size_t position, struct near_entry entry)
{
    for (;;) {
        size_t first = position * ARITY + 1;
        size_t end = first + ARITY < queue->n_near ? first + ARITY : queue->n_near;
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
    struct near_entry last = queue->heap[--queue->n_near];
    if (position == queue->n_near)
        return;
    if (position > 0 && entry_before(&last, &queue->heap[(position - 1) / ARITY]))
        heap_rise(queue, position, last);
    else
        heap_sink(queue, position, last);
}

static void near_add(struct timer_queue *queue, struct trale_sleep *sleep)
{
    struct near_entry added = {timer_latest_ns(sleep), sleep, ++queue->last_sequence};
    heap_rise(queue, queue->n_near++, added);
}

/* --- from the slots into the heap --------------------------------------------------------------------------------- */

/* They are about to be touched. */
static void prefetch(struct trale_sleep *const *sleeps, size_t n)
{
    for (size_t i = 0; i < n; i++)
        __builtin_prefetch(&sleeps[i]->future.own, 1);
    for (size_t i = 0; i < n; i++)
        __builtin_prefetch(&sleeps[i]->state, 1);
}

static void queue_move_slot(struct timer_queue *queue, uint32_t slot)
{
    struct trale_sleep *sleeps[FAR_CHUNK_ENTRIES];
    for (size_t n; (n = far_take(queue->far, slot, sleeps)) > 0;) {
        prefetch(sleeps, n);
        for (size_t i = 0; i < n; i++) {
            __builtin_prefetch(sleeps[i]->waker, 1); /* its task */
            near_add(queue, sleeps[i]);
            if (timer_latest_ns(sleeps[i]) > queue->far->base_ns)
                queue->far->base_ns = timer_latest_ns(sleeps[i]);
        }
    }
}

static void queue_divide_slot(struct timer_queue *queue, uint32_t slot)
{
    struct trale_sleep *sleeps[FAR_CHUNK_ENTRIES];
    uint64_t start_ns = far_slot_start(queue->far, slot);
    queue->far->base_ns = start_ns;
    for (size_t n; (n = far_take(queue->far, slot, sleeps)) > 0;) {
        prefetch(sleeps, n);
        for (size_t i = 0; i < n; i++)
            if (timer_latest_ns(sleeps[i]) == start_ns)
                near_add(queue, sleeps[i]);
            else
                far_add(queue->far, far_slot(queue->far, timer_latest_ns(sleeps[i])), sleeps[i]);
    }
}

/* Fills the empty heap with the first sleeps, if the deadline of one may have come. */
static void queue_fill(struct timer_queue *queue, uint64_t now_ns)
{
    while (queue->n_near == 0 && queue->far != NULL) {
        uint32_t slot = far_first(queue->far);
        if (slot == FAR_NEVER || far_slot_deadline(queue->far, slot) > now_ns)
            break;
        /* Each of its sleeps may go to a slot of its own, on any lower level. Its chunks hold them all, but for one
         * more for each of these slots. */
        uint32_t n_slots = slot / FAR_SLOTS * FAR_SLOTS;
        size_t n = far_count(queue->far, slot, n_slots);
        queue->knows_first_far = false;
        if (n_slots == 0 || n <= FEW || far_reserve(queue->far, n < n_slots ? (uint32_t)n : n_slots) < 0)
            queue_move_slot(queue, slot);
        else
            queue_divide_slot(queue, slot);
    }
}

/* --- the queue ---------------------------------------------------------------------------------------------------- */

static int queue_reserve(struct timer_queue *queue)
{
    if (queue->far == NULL && (queue->far = calloc(1, sizeof *queue->far)) == NULL)
        return -ENOMEM;
    if (queue->n_entries == queue->n_room) {
        size_t n_room = queue->n_room > 0 ? 2 * queue->n_room : 64;
        struct near_entry *heap = reallocarray(queue->heap, n_room, sizeof *heap);
        if (heap == NULL)
            return -ENOMEM;
        queue->heap = heap;
        queue->n_room = n_room;
    }
    return far_reserve(queue->far, 1);
}

int timer_queue_add(struct timer_queue *queue, struct trale_sleep *sleep)
{
    int r = queue_reserve(queue);
    if (r < 0)
        return r;
    uint64_t latest_ns = timer_latest_ns(sleep);
    if (latest_ns == NEVER) {
        far_add(queue->far, FAR_NEVER, sleep);
    } else if (latest_ns <= queue->far->base_ns) {
        near_add(queue, sleep);
    } else {
        far_add(queue->far, far_slot(queue->far, latest_ns), sleep);
        if (latest_ns < queue->first_far_ns)
            queue->first_far_ns = latest_ns;
    }
    sleep->state = SLEEP_WAITING;
    queue->n_entries++;
    return 0;
}

static void queue_shrink(struct timer_queue *queue)
{
    far_shrink(queue->far);
    if (queue->n_entries >= queue->n_room / 8 || queue->n_room <= HEAP_ROOM_KEPT)
        return;
    size_t n_room = queue->n_room / 4 > HEAP_ROOM_KEPT ? queue->n_room / 4 : HEAP_ROOM_KEPT;
    struct near_entry *heap = reallocarray(queue->heap, n_room, sizeof *heap);
    if (heap == NULL)
        return;
    queue->heap = heap;
    queue->n_room = n_room;
}

void timer_queue_remove(struct timer_queue *queue, struct trale_sleep *sleep)
{
    if ((sleep->position & NEAR) != 0)
        heap_remove(queue, sleep->position & ~NEAR);
    else
        far_remove(queue->far, sleep->position);
    if (timer_latest_ns(sleep) == queue->first_far_ns)
        queue->knows_first_far = false;
    sleep->state = SLEEP_READY;
    queue->n_entries--;
    queue_shrink(queue);
}

uint64_t timer_queue_next(struct timer_queue *queue)
{
    if (queue->n_near > 0)
        return queue->heap[0].latest_ns;
    uint32_t slot = queue->far != NULL ? far_first(queue->far) : FAR_NEVER;
    if (slot == FAR_NEVER)
        return NEVER;
    if (far_count(queue->far, slot, FEW) > FEW)
        return far_slot_start(queue->far, slot);
    if (!queue->knows_first_far)
        queue->first_far_ns = far_least(queue->far, slot);
    queue->knows_first_far = true;
    return queue->first_far_ns;
}

struct trale_sleep *timer_queue_take(struct timer_queue *queue, uint64_t now_ns)
{
    queue_fill(queue, now_ns);
    struct trale_sleep *sleep = NULL;
    if (queue->n_near > 0 && (queue->heap[0].latest_ns <= now_ns || queue->heap[0].sleep->future.own <= now_ns))
        sleep = queue->heap[0].sleep;
    else if (queue->n_near == 0 && now_ns == NEVER && queue->far != NULL)
        sleep = far_any(queue->far, FAR_NEVER);
    if (sleep != NULL)
        timer_queue_remove(queue, sleep);
    return sleep;
}

void timer_queue_deinit(struct timer_queue *queue)
{
    if (queue->far != NULL)
        far_deinit(queue->far);
    free(queue->far);
    free(queue->heap);
}
