/* SPDX-License-Identifier: MIT */
#include "core/compose/wait_queue.h"

#include "core/base/list.h"

/* The list is zeroed until the first waiter comes: the macros of sync.h cannot name its address. */
static struct trale_waiter *wait_queue_first(const struct trale_wait_queue *queue)
{
    bool is_empty = queue->waiters.next == NULL || list_is_empty(&queue->waiters);
    return is_empty ? NULL : list_entry(queue->waiters.next, struct trale_waiter, link);
}

static void wait_queue_append(struct trale_wait_queue *queue, struct trale_waiter *waiter)
{
    if (queue->waiters.next == NULL)
        list_init(&queue->waiters);
    list_append(&queue->waiters, &waiter->link);
}

/* Takes the first waiter out of the queue and wakes it; its memory may be gone as soon as the lock is free. */
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
    if (wait_queue_first(queue) != NULL || n > queue->n_free)
        return false;
    queue->n_free -= n;
    return true;
}

bool wait_queue_take(struct trale_wait_queue *queue, struct trale_waiter *waiter, uint64_t n,
                     struct trale_context *context)
{
    waiter->waker = context->waker;
    if (waiter->state == WAITER_NEW) {
        waiter->n = n;
        bool taken = wait_queue_try_take(queue, n);
        waiter->state = taken ? WAITER_SERVED : WAITER_WAITING;
        if (!taken)
            wait_queue_append(queue, waiter);
    }
    if (waiter->state == WAITER_WAITING || !trale_context_may_resolve(context))
        return false;
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
        /* It may have wanted so much that the waiters behind it had to wait. */
        wait_queue_serve(queue);
    } else if (waiter->state == WAITER_SERVED) {
        /* n_free may have grown so much meanwhile that there is no room for these. */
        uint64_t n_room = UINT64_MAX - queue->n_free;
        wait_queue_give(queue, waiter->n < n_room ? waiter->n : n_room);
    }
    waiter->state = WAITER_NEW;
}

void wait_queue_wake_all(struct trale_wait_queue *queue)
{
    while (wait_queue_first(queue) != NULL)
        wait_queue_release_first(queue, WAITER_NEW);
}

void wait_queue_serve_all(struct trale_wait_queue *queue)
{
    while (wait_queue_first(queue) != NULL) {
        wait_queue_first(queue)->n = 0;
        wait_queue_release_first(queue, WAITER_SERVED);
    }
}
