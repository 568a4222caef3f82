/* SPDX-License-Identifier: MIT
 *
 * Notifications and oneshots. A notification that is kept is a 1 in the count of its wait queue. */
#include <errno.h>

#include "core/compose/wait_queue.h"

static int64_t notify_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_notify_wait *wait = (struct trale_notify_wait *)(void *)future;
    pthread_mutex_lock(&wait->notify->lock);
    bool notified = wait_queue_take(&wait->notify->queue, &wait->waiter, 1, context);
    pthread_mutex_unlock(&wait->notify->lock);
    return notified ? 0 : TRALE_PENDING;
}

/* Keeps or hands on a notification: at most one is kept. */
static void notify_give(struct trale_notify *notify)
{
    if (notify->queue.n_free == 0)
        wait_queue_give(&notify->queue, 1);
}

static void notify_drop(struct trale_future *future)
{
    struct trale_notify_wait *wait = (struct trale_notify_wait *)(void *)future;
    pthread_mutex_lock(&wait->notify->lock);
    if (wait->waiter.state == WAITER_SERVED && wait->waiter.n == 1)
        notify_give(wait->notify);
    else if (wait->waiter.state == WAITER_WAITING)
        wait_queue_leave(&wait->notify->queue, &wait->waiter);
    pthread_mutex_unlock(&wait->notify->lock);
}

struct trale_future *trale_notify_wait(struct trale_notify_wait *wait, struct trale_notify *notify)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_notify_wait", notify_poll,
                                                  notify_drop};
    *wait = (struct trale_notify_wait){.future = {.type = &type}, .notify = notify};
    return &wait->future;
}

void trale_notify_one(struct trale_notify *notify)
{
    pthread_mutex_lock(&notify->lock);
    notify_give(notify);
    pthread_mutex_unlock(&notify->lock);
}

void trale_notify_all(struct trale_notify *notify)
{
    pthread_mutex_lock(&notify->lock);
    wait_queue_serve_all(&notify->queue);
    pthread_mutex_unlock(&notify->lock);
}

/* --- oneshots ----------------------------------------------------------------------------------------------------- */

enum oneshot_state {
    ONESHOT_EMPTY,  /* The beginning. Futures wait. */
    ONESHOT_FULL,   /* The value is there. Never left. */
    ONESHOT_CLOSED, /* There will be none. Never left. */
};

static int64_t oneshot_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_oneshot_wait *wait = (struct trale_oneshot_wait *)(void *)future;
    struct trale_oneshot *oneshot = wait->oneshot;
    int64_t r = TRALE_PENDING;
    pthread_mutex_lock(&oneshot->lock);
    switch ((enum oneshot_state)oneshot->state) {
    case ONESHOT_EMPTY:
        wait_queue_take(&oneshot->queue, &wait->waiter, 1, context);
        break;
    case ONESHOT_FULL:
        r = trale_context_may_resolve(context) ? oneshot->value : TRALE_PENDING;
        break;
    case ONESHOT_CLOSED:
        r = -ECANCELED;
        break;
    }
    pthread_mutex_unlock(&oneshot->lock);
    return r;
}

static void oneshot_drop(struct trale_future *future)
{
    struct trale_oneshot_wait *wait = (struct trale_oneshot_wait *)(void *)future;
    pthread_mutex_lock(&wait->oneshot->lock);
    wait_queue_leave(&wait->oneshot->queue, &wait->waiter);
    pthread_mutex_unlock(&wait->oneshot->lock);
}

struct trale_future *trale_oneshot_wait(struct trale_oneshot_wait *wait, struct trale_oneshot *oneshot)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_oneshot_wait", oneshot_poll,
                                                  oneshot_drop};
    *wait = (struct trale_oneshot_wait){.future = {.type = &type}, .oneshot = oneshot};
    return &wait->future;
}

int trale_oneshot_send(struct trale_oneshot *oneshot, int64_t value)
{
    if (value == TRALE_PENDING)
        return -EINVAL;
    pthread_mutex_lock(&oneshot->lock);
    int r = oneshot->state == ONESHOT_FULL ? -EALREADY : oneshot->state == ONESHOT_CLOSED ? -EPIPE : 0;
    if (r == 0) {
        oneshot->value = value;
        oneshot->state = ONESHOT_FULL;
        wait_queue_wake_all(&oneshot->queue);
    }
    pthread_mutex_unlock(&oneshot->lock);
    return r;
}

void trale_oneshot_close(struct trale_oneshot *oneshot)
{
    pthread_mutex_lock(&oneshot->lock);
    if (oneshot->state == ONESHOT_EMPTY) {
        oneshot->state = ONESHOT_CLOSED;
        wait_queue_wake_all(&oneshot->queue);
    }
    pthread_mutex_unlock(&oneshot->lock);
}
