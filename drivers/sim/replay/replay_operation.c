/* SPDX-License-Identifier: MIT
 *
 * An operation gets the number of its first poll's record. From then on the driver's part of it, future.own or `driver`
 * of a sleep, leads to its struct replay_operation; before that, to the replay. */
#include "replay_operation.h"

#include <errno.h>

#include "replay_difference.h"
#include "replay_record.h"

/* The types know what they are of. */
struct kind {
    struct trale_future_type made, begun;
};
static const struct kind kinds[TRALE_RECORD_WHATS];

static uint32_t what_of(const struct trale_future *future)
{
    return (uint32_t)(((const char *)future->type - (const char *)kinds) / (ptrdiff_t)sizeof(struct kind));
}

static void set_driver_part(uint32_t what, struct trale_future *future, void *part)
{
    if (what == TRALE_RECORD_SLEEP)
        ((struct trale_sleep *)(void *)future)->driver = part;
    else
        future->own = (uintptr_t)part;
}

static void *driver_part(uint32_t what, struct trale_future *future)
{
    return what == TRALE_RECORD_SLEEP ? ((struct trale_sleep *)(void *)future)->driver : (void *)(uintptr_t)future->own;
}

uint64_t replay_operation_number(uint32_t what, struct trale_future *future)
{
    bool is_begun = future->type == &kinds[what].begun;
    return is_begun ? ((struct replay_operation *)driver_part(what, future))->number : 0;
}

/* --- polls -------------------------------------------------------------------------------------------------------- */

/* The result of a poll; TRALE_PENDING, and the operation is to wait. */
static int64_t resolve(struct replay *replay, uint64_t number, struct trale_future *future,
                       struct trale_context *context)
{
    const struct trale_record *record = replay_poll(replay, number, context->waker);
    if (record == NULL || record->kind == TRALE_RECORD_PENDING)
        return TRALE_PENDING;
    if (!replay_outputs(record, future)) {
        replay_refuse(replay, record);
        return TRALE_PENDING;
    }
    trale_context_pay(context, record->paid);
    return record->result;
}

/* If the replay is over, the operation waits until its task is aborted. */
static int64_t made_poll(struct trale_future *future, struct trale_context *context)
{
    uint32_t what = what_of(future);
    struct replay *replay = driver_part(what, future);
    struct trale_record_inputs inputs = {0};
    if (what != TRALE_RECORD_SLEEP) {
        const struct trale_udp_socket *socket = trale_recording_socket(what, future);
        inputs = trale_recording_inputs(what, replay_socket_number(socket), future);
    }
    const struct trale_record *record = replay_take(replay, TRALE_RECORD_BEGIN, what, 0,
                                                    what != TRALE_RECORD_SLEEP ? &inputs : NULL);
    if (record == NULL)
        return TRALE_PENDING;
    int64_t result = resolve(replay, record->number, future, context);
    if (result != TRALE_PENDING)
        return result;
    struct replay_operation *operation = replay_waiting_add(&replay->waiting, record->number);
    if (operation == NULL)
        return -ENOMEM;
    operation->replay = replay;
    operation->task = replay->running;
    operation->waker = context->waker;
    set_driver_part(what, future, operation);
    future->type = &kinds[what].begun;
    return TRALE_PENDING;
}

static int64_t begun_poll(struct trale_future *future, struct trale_context *context)
{
    struct replay_operation *operation = driver_part(what_of(future), future);
    operation->task = operation->replay->running;
    operation->waker = context->waker;
    int64_t result = resolve(operation->replay, operation->number, future, context);
    if (result != TRALE_PENDING)
        replay_waiting_remove(operation);
    return result;
}

static void begun_drop(struct trale_future *future)
{
    uint32_t what = what_of(future);
    struct replay_operation *operation = driver_part(what, future);
    struct replay *replay = operation->replay;
    const struct trale_record *record = replay_take(replay, TRALE_RECORD_DROP, what, operation->number, NULL);
    replay_waiting_remove(operation);
    if (record != NULL && !replay_outputs(record, future))
        replay_refuse(replay, record);
}

/* --- kinds -------------------------------------------------------------------------------------------------------- */

#define TYPE(text, poll_it, drop_it)                                                                                   \
    {                                                                                                                  \
        .size = sizeof(struct trale_future_type), .abi = TRALE_ABI, .name = text, .poll = poll_it, .drop = drop_it     \
    }
#define KIND(text)                                                                                                     \
    {                                                                                                                  \
        TYPE(text, made_poll, NULL), TYPE(text, begun_poll, begun_drop)                                                \
    }
static const struct kind kinds[TRALE_RECORD_WHATS] = {
    [TRALE_RECORD_SLEEP] = KIND("trale_sleep"),
    [TRALE_RECORD_RECV] = KIND("trale_udp_recv"),
    [TRALE_RECORD_SEND] = KIND("trale_udp_send"),
    [TRALE_RECORD_RECV_BATCH] = KIND("trale_udp_recv_batch"),
    [TRALE_RECORD_SEND_BATCH] = KIND("trale_udp_send_batch"),
    [TRALE_RECORD_RECV_ERROR] = KIND("trale_udp_recv_error"),
};

void replay_operation_make(struct replay *replay, uint32_t what, struct trale_future *future)
{
    future->type = &kinds[what].made;
    set_driver_part(what, future, replay);
}
