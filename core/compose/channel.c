/* SPDX-License-Identifier: MIT
 *
 * A ring of elements between two wait queues: one counts free slots, for senders, the other elements, for receivers. A
 * slot or an element is taken first and used then, under one lock, so a future that is dropped while it waits has used
 * neither.
 *
 * TRALE_CHANNEL_OF evaluates the capacity once, so the count of free slots begins at 0 and is set under the first
 * lock. */
#include <errno.h>
#include <string.h>

#include "core/compose/wait_queue.h"

static void channel_lock(struct trale_channel *channel)
{
    pthread_mutex_lock(&channel->lock);
    if (channel->begun)
        return;
    channel->begun = 1;
    channel->slots.n_free = channel->capacity;
}

/* The element at a position, which moves on. */
static char *channel_next(const struct trale_channel *channel, size_t *position)
{
    char *element = channel->elements + *position * channel->element_size;
    *position = *position + 1 < channel->capacity ? *position + 1 : 0;
    return element;
}

/* Puts an element into a slot that was taken. */
static int channel_put(struct trale_channel *channel, const void *element)
{
    memcpy(channel_next(channel, &channel->next_in), element, channel->element_size);
    channel->n_elements++;
    wait_queue_give(&channel->items, 1);
    return 0;
}

static bool channel_has_ended(const struct trale_channel *channel)
{
    return channel->closed && channel->n_elements == 0;
}

/* Gets an element that was taken. On a closed channel other receivers may wait behind this one: the last element wakes
 * them to see the end. */
static int channel_get(struct trale_channel *channel, void *element)
{
    memcpy(element, channel_next(channel, &channel->next_out), channel->element_size);
    channel->n_elements--;
    wait_queue_give(&channel->slots, 1);
    if (channel_has_ended(channel))
        wait_queue_wake_all(&channel->items);
    return 1;
}

static int64_t send_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_channel_send *send = (struct trale_channel_send *)(void *)future;
    struct trale_channel *channel = send->channel;
    int64_t r = TRALE_PENDING;
    channel_lock(channel);
    if (channel->closed) {
        wait_queue_leave(&channel->slots, &send->waiter);
        r = -EPIPE;
    } else if (wait_queue_take(&channel->slots, &send->waiter, 1, context)) {
        r = channel_put(channel, send->element);
    }
    pthread_mutex_unlock(&channel->lock);
    return r;
}

static void send_drop(struct trale_future *future)
{
    struct trale_channel_send *send = (struct trale_channel_send *)(void *)future;
    channel_lock(send->channel);
    wait_queue_leave(&send->channel->slots, &send->waiter);
    pthread_mutex_unlock(&send->channel->lock);
}

static int64_t recv_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_channel_recv *recv = (struct trale_channel_recv *)(void *)future;
    struct trale_channel *channel = recv->channel;
    int64_t r = TRALE_PENDING;
    channel_lock(channel);
    if (channel_has_ended(channel))
        r = 0;
    else if (wait_queue_take(&channel->items, &recv->waiter, 1, context))
        r = channel_get(channel, recv->element);
    pthread_mutex_unlock(&channel->lock);
    return r;
}

static void recv_drop(struct trale_future *future)
{
    struct trale_channel_recv *recv = (struct trale_channel_recv *)(void *)future;
    channel_lock(recv->channel);
    wait_queue_leave(&recv->channel->items, &recv->waiter);
    pthread_mutex_unlock(&recv->channel->lock);
}

struct trale_future *trale_channel_send(struct trale_channel_send *send, struct trale_channel *channel,
                                        const void *element)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_channel_send", send_poll, send_drop};
    *send = (struct trale_channel_send){.future = {.type = &type}, .channel = channel, .element = element};
    return &send->future;
}

struct trale_future *trale_channel_recv(struct trale_channel_recv *recv, struct trale_channel *channel, void *element)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_channel_recv", recv_poll, recv_drop};
    *recv = (struct trale_channel_recv){.future = {.type = &type}, .channel = channel, .element = element};
    return &recv->future;
}

int trale_channel_try_send(struct trale_channel *channel, const void *element)
{
    channel_lock(channel);
    int r = channel->closed                           ? -EPIPE
            : wait_queue_try_take(&channel->slots, 1) ? channel_put(channel, element)
                                                      : -EAGAIN;
    pthread_mutex_unlock(&channel->lock);
    return r;
}

int trale_channel_try_recv(struct trale_channel *channel, void *element)
{
    channel_lock(channel);
    int r = wait_queue_try_take(&channel->items, 1) ? channel_get(channel, element)
            : channel_has_ended(channel)            ? 0
                                                    : -EAGAIN;
    pthread_mutex_unlock(&channel->lock);
    return r;
}

void trale_channel_close(struct trale_channel *channel)
{
    channel_lock(channel);
    channel->closed = 1;
    wait_queue_wake_all(&channel->slots);
    if (channel_has_ended(channel))
        wait_queue_wake_all(&channel->items);
    pthread_mutex_unlock(&channel->lock);
}
