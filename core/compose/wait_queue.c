/* SPDX-License-Identifier: MIT */
#include "core/compose/wait_queue.h"

#include "core/base/list.h"

static struct trale_waiter *wait_queue_first(const struct trale_wait_queue *queue)
{
    return list_is_empty(&queue->waiters) ? NULL : list_entry(queue->waiters.next, struct trale_waiter, link);
}

/* Takes the first out of the line and wakes it; it may be gone as soon as the lock is free. */
static void wait_queue_release_first(struct trale_wait_queue *queue, enum waiter_state state)
{
    struct trale_waiter *waiter = wait_queue_first(queue);
    list_remove(&waiter->link);
    waiter->state = state;
    waiter->waker->table->wake_by_ref(waiter->waker);
}

static void wait_queue_serve(struct trale_wait_queue *queue)
{
    for (struct trale_waiter *first; (first = wait_queue_first(queue)) != NULL && first->n <= queue->n_free;) {
        queue->n_free -= first->n;
        wait_queue_release_first(queue, WAITER_SERVED);
    }
}

bool wait_queue_try_take(struct trale_wait_queue *queue, uint64_t n)
{
    if (!list_is_empty(&queue->waiters) || n > queue->n_free)
        return false;
    queue->n_free -= n;
    return true;
}

bool wait_queue_take(struct trale_wait_queue *queue, struct trale_waiter *waiter, uint64_t n,
                     const struct trale_context *context)
{
    waiter->waker = context->waker;
    switch ((enum waiter_state)waiter->state) {
    case WAITER_NEW:
        if (wait_queue_try_take(queue, n))
            return true;
        waiter->n = n;
        waiter->state = WAITER_WAITING;
        list_append(&queue->waiters, &waiter->link);
        return false;
    case WAITER_WAITING:
        return false;
    case WAITER_SERVED:
        break;
    }
    waiter->state = WAITER_NEW;
    return true;
}

void wait_queue_give(struct trale_wait_queue *queue, uint64_t n)
{
    queue->n_free += n;
    wait_queue_serve(queue);
}

void wait_queue_leave(struct trale_wait_queue *queue, struct trale_waiter *waiter)
{
    if (waiter->state == WAITER_WAITING) {
        list_remove(&waiter->link);
        /* It may have been the one that wanted too much for the others to go first. */
        wait_queue_serve(queue);
    } else if (waiter->state == WAITER_SERVED) {
        /* Meanwhile so many may have been given that there is no room for these. */
        uint64_t n_room = UINT64_MAX - queue->n_free;
        wait_queue_give(queue, waiter->n < n_room ? waiter->n : n_room);
    }
    waiter->state = WAITER_NEW;
}

void wait_queue_wake_all(struct trale_wait_queue *queue)
{
    while (!list_is_empty(&queue->waiters))
        wait_queue_release_first(queue, WAITER_NEW);
}

void wait_queue_serve_all(struct trale_wait_queue *queue)
{
    while (!list_is_empty(&queue->waiters)) {
        wait_queue_first(queue)->n = 0;
        wait_queue_release_first(queue, WAITER_SERVED);
    }
}
