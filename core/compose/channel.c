/* SPDX-License-Identifier: MIT
 *
 * A ring between two lines: one gives free slots to those who send, the other elements to those who receive. A slot or
 * an element is taken first and used then, under one lock, so whoever is dropped while it waits has used neither. */
#include <errno.h>
#include <string.h>

#include "core/compose/wait_queue.h"

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

/* Gets an element that was taken. Others may wait on a closed channel because it was still there, though not theirs. */
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
    pthread_mutex_lock(&channel->lock);
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
    pthread_mutex_lock(&send->channel->lock);
    wait_queue_leave(&send->channel->slots, &send->waiter);
    pthread_mutex_unlock(&send->channel->lock);
}

static int64_t recv_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_channel_recv *recv = (struct trale_channel_recv *)(void *)future;
    struct trale_channel *channel = recv->channel;
    int64_t r = TRALE_PENDING;
    pthread_mutex_lock(&channel->lock);
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
    pthread_mutex_lock(&recv->channel->lock);
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
    pthread_mutex_lock(&channel->lock);
    int r = channel->closed                           ? -EPIPE
            : wait_queue_try_take(&channel->slots, 1) ? channel_put(channel, element)
                                                      : -EAGAIN;
    pthread_mutex_unlock(&channel->lock);
    return r;
}

int trale_channel_try_recv(struct trale_channel *channel, void *element)
{
    pthread_mutex_lock(&channel->lock);
    int r = wait_queue_try_take(&channel->items, 1) ? channel_get(channel, element)
            : channel_has_ended(channel)            ? 0
                                                    : -EAGAIN;
    pthread_mutex_unlock(&channel->lock);
    return r;
}

void trale_channel_close(struct trale_channel *channel)
{
    pthread_mutex_lock(&channel->lock);
    channel->closed = 1;
    wait_queue_wake_all(&channel->slots);
    if (channel_has_ended(channel))
        wait_queue_wake_all(&channel->items);
    pthread_mutex_unlock(&channel->lock);
}
