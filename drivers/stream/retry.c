/* SPDX-License-Identifier: MIT */
#include "retry.h"

#include "list.h"

#define INTERVAL_NS (10 * TRALE_MILLISECOND)

void stream_retry_all(struct stream *stream)
{
    struct trale_link *paused = &stream->retry.paused;
    while (!list_is_empty(paused)) {
        struct trale_wait *wait = list_entry(paused->next, struct trale_wait, link);
        list_remove(&wait->link);
        wait->waker->table->wake_by_ref(wait->waker);
    }
}

void stream_retry_end(struct trale_wait *wait)
{
    list_remove(&wait->link);
}

int32_t stream_retry_pause(struct stream *stream, struct trale_wait *wait, const struct trale_waker *waker)
{
    struct stream_retry *retry = &stream->retry;
    int32_t error = retry->error;
    retry->error = 0;
    if (error < 0)
        return error;
    wait->waker = waker;
    list_append(&retry->paused, &wait->link);
    if (!retry->is_sleeping && retry->waker != NULL)
        retry->waker->table->wake_by_ref(retry->waker);
    return 0;
}

static struct stream *retry_stream(struct trale_future *task)
{
    return (struct stream *)(void *)((char *)task - offsetof(struct stream, retry.task));
}

/* The driver's own task: it sleeps while something is paused, and keeps its waker for when something is. */
static int64_t retry_poll(struct trale_future *task, struct trale_context *context)
{
    struct stream *stream = retry_stream(task);
    struct stream_retry *retry = &stream->retry;
    const struct trale_timer *timer = stream->timer;
    retry->waker = context->waker;
    if (!retry->is_sleeping && list_is_empty(&retry->paused))
        return TRALE_PENDING;
    if (!retry->is_sleeping)
        timer->sleep_until(timer->interface.instance, &retry->sleep,
                           trale_time_add(timer->now(timer->interface.instance), INTERVAL_NS));
    int64_t result = trale_future_poll(&retry->sleep.future, context);
    retry->is_sleeping = result == TRALE_PENDING;
    if (retry->is_sleeping)
        return TRALE_PENDING;
    if (result < 0 && !list_is_empty(&retry->paused))
        retry->error = (int32_t)result;
    stream_retry_all(stream);
    return TRALE_PENDING;
}

static void retry_drop(struct trale_future *task)
{
    struct stream_retry *retry = &retry_stream(task)->retry;
    retry->waker = NULL;
    if (retry->is_sleeping)
        trale_future_drop(&retry->sleep.future);
    retry->is_sleeping = false;
}

int32_t stream_retry_start(struct stream *stream)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "stream_retry", retry_poll, retry_drop};
    trale_future_init(&stream->retry.task, &type);
    return stream->host.spawn(stream->host.context, &stream->retry.task);
}
