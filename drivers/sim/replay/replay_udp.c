/* SPDX-License-Identifier: MIT
 *
 * trale.udp/1 of a program that is replayed. */
#include <errno.h>
#include <stdlib.h>

#include "replay_difference.h"
#include "replay_operation.h"
#include "replay_record.h"
#include "replay_table.h"

static struct trale_record_inputs of_socket(const struct trale_udp_socket *socket)
{
    return (struct trale_record_inputs){.socket = replay_socket_number(socket)};
}

/* --- sockets ------------------------------------------------------------------------------------------------------ */

static int32_t opened(struct replay *replay, uint32_t what, const struct trale_record_inputs *inputs,
                      struct trale_udp_socket **socket)
{
    const struct trale_record *record = replay_take(replay, TRALE_RECORD_CALL, what, 0, inputs);
    if (record == NULL)
        return -ECANCELED;
    if (!record_result_is_good(record, 0)) {
        replay_refuse(replay, record);
        return -ECANCELED;
    }
    if (record->result < 0)
        return (int32_t)record->result;
    struct replay_socket *made = calloc(1, sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    *made = (struct replay_socket){{&replay->udp}, replay, record->number, replay->sockets};
    replay->sockets = made;
    *socket = &made->base;
    return 0;
}

static int32_t replay_udp_open(void *instance, const struct trale_address *local, uint32_t flags,
                               struct trale_udp_socket **socket)
{
    const struct trale_record_inputs inputs = {.values = {flags}, .address = trale_recording_address(local)};
    return opened(instance, TRALE_RECORD_OPEN, &inputs, socket);
}

/* The recorded socket owned the fd. */
static int32_t replay_udp_adopt(void *instance, int32_t fd, struct trale_udp_socket **socket)
{
    (void)fd;
    return opened(instance, TRALE_RECORD_ADOPT, NULL, socket);
}

static int32_t replay_udp_inherit(void *instance, const char *name, struct trale_udp_socket **socket)
{
    const struct trale_record_inputs inputs = {.hash = trale_recording_hash(0, name, strlen(name))};
    return opened(instance, TRALE_RECORD_INHERIT, &inputs, socket);
}

/* Its memory stays, for operations that are polled after this. */
static void replay_udp_close(void *instance, struct trale_udp_socket *socket)
{
    const struct trale_record_inputs inputs = of_socket(socket);
    (void)replay_call(instance, TRALE_RECORD_CLOSE, &inputs, NULL, 0);
    ((struct replay_socket *)(void *)socket)->number = 0;
}

/* --- addresses, options, groups ----------------------------------------------------------------------------------- */

static int32_t replay_udp_connect(void *instance, struct trale_udp_socket *socket, const struct trale_address *peer)
{
    struct trale_record_inputs inputs = of_socket(socket);
    inputs.address = trale_recording_address(peer);
    return replay_call(instance, TRALE_RECORD_CONNECT, &inputs, NULL, 0);
}

static int32_t replay_udp_local(void *instance, struct trale_udp_socket *socket, struct trale_address *address)
{
    const struct trale_record_inputs inputs = of_socket(socket);
    return replay_call(instance, TRALE_RECORD_LOCAL, &inputs, address, sizeof *address);
}

static int32_t replay_udp_peer(void *instance, struct trale_udp_socket *socket, struct trale_address *address)
{
    const struct trale_record_inputs inputs = of_socket(socket);
    return replay_call(instance, TRALE_RECORD_PEER, &inputs, address, sizeof *address);
}

static int32_t replay_udp_set(void *instance, struct trale_udp_socket *socket, uint32_t option, int64_t value)
{
    struct trale_record_inputs inputs = of_socket(socket);
    inputs.values[0] = option;
    inputs.values[1] = (uint64_t)value;
    return replay_call(instance, TRALE_RECORD_SET, &inputs, NULL, 0);
}

static int32_t replay_udp_get(void *instance, struct trale_udp_socket *socket, uint32_t option, int64_t *value)
{
    struct trale_record_inputs inputs = of_socket(socket);
    inputs.values[0] = option;
    return replay_call(instance, TRALE_RECORD_GET, &inputs, value, sizeof *value);
}

static int32_t call_group(struct replay *replay, uint32_t what, struct trale_udp_socket *socket,
                          const struct trale_address *group, const struct trale_address *source,
                          uint32_t interface_index)
{
    struct trale_record_inputs inputs = of_socket(socket);
    inputs.values[0] = interface_index;
    inputs.address = trale_recording_address(group);
    if (source != NULL) {
        const struct trale_address from = trale_recording_address(source);
        inputs.hash = trale_recording_hash(0, &from, sizeof from);
    }
    return replay_call(replay, what, &inputs, NULL, 0);
}

static int32_t replay_udp_join(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                               uint32_t interface_index)
{
    return call_group(instance, TRALE_RECORD_JOIN, socket, group, NULL, interface_index);
}

static int32_t replay_udp_leave(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                                uint32_t interface_index)
{
    return call_group(instance, TRALE_RECORD_LEAVE, socket, group, NULL, interface_index);
}

static int32_t replay_udp_join_source(void *instance, struct trale_udp_socket *socket,
                                      const struct trale_address *group, const struct trale_address *source,
                                      uint32_t interface_index)
{
    return call_group(instance, TRALE_RECORD_JOIN_SOURCE, socket, group, source, interface_index);
}

static int32_t replay_udp_leave_source(void *instance, struct trale_udp_socket *socket,
                                       const struct trale_address *group, const struct trale_address *source,
                                       uint32_t interface_index)
{
    return call_group(instance, TRALE_RECORD_LEAVE_SOURCE, socket, group, source, interface_index);
}

/* --- operations --------------------------------------------------------------------------------------------------- */

static void replay_udp_recv(void *instance, struct trale_udp_recv *op)
{
    replay_operation_make(instance, TRALE_RECORD_RECV, &op->future);
}

static void replay_udp_send(void *instance, struct trale_udp_send *op)
{
    replay_operation_make(instance, TRALE_RECORD_SEND, &op->future);
}

static void replay_udp_recv_batch(void *instance, struct trale_udp_batch *op)
{
    replay_operation_make(instance, TRALE_RECORD_RECV_BATCH, &op->future);
}

static void replay_udp_send_batch(void *instance, struct trale_udp_batch *op)
{
    replay_operation_make(instance, TRALE_RECORD_SEND_BATCH, &op->future);
}

static void replay_udp_recv_error(void *instance, struct trale_udp_error *op)
{
    replay_operation_make(instance, TRALE_RECORD_RECV_ERROR, &op->future);
}

static int64_t try(struct replay *replay, uint32_t what, struct trale_future *future)
{
    uint64_t number = replay_socket_number(trale_recording_socket(what, future));
    const struct trale_record_inputs inputs = trale_recording_inputs(what, number, future);
    const struct trale_record *record = replay_take(replay, TRALE_RECORD_CALL, what, 0, &inputs);
    if (record != NULL && replay_outputs(record, future))
        return record->result;
    if (record != NULL)
        replay_refuse(replay, record);
    return -ECANCELED;
}

static int64_t replay_udp_try_recv(void *instance, struct trale_udp_recv *op)
{
    return try(instance, TRALE_RECORD_TRY_RECV, &op->future);
}

static int64_t replay_udp_try_send(void *instance, struct trale_udp_send *op)
{
    return try(instance, TRALE_RECORD_TRY_SEND, &op->future);
}

static int64_t replay_udp_try_recv_batch(void *instance, struct trale_udp_batch *op)
{
    return try(instance, TRALE_RECORD_TRY_RECV_BATCH, &op->future);
}

static int64_t replay_udp_try_send_batch(void *instance, struct trale_udp_batch *op)
{
    return try(instance, TRALE_RECORD_TRY_SEND_BATCH, &op->future);
}

void replay_set_udp(struct replay *replay)
{
    replay->udp = (struct trale_udp){
        .interface = {.size = sizeof replay->udp, .version = 1, .instance = replay},
        .open = replay_udp_open,
        .close = replay_udp_close,
        .connect = replay_udp_connect,
        .local = replay_udp_local,
        .peer = replay_udp_peer,
        .set = replay_udp_set,
        .get = replay_udp_get,
        .join = replay_udp_join,
        .leave = replay_udp_leave,
        .recv = replay_udp_recv,
        .send = replay_udp_send,
        .recv_batch = replay_udp_recv_batch,
        .send_batch = replay_udp_send_batch,
        .try_recv = replay_udp_try_recv,
        .try_send = replay_udp_try_send,
        .try_recv_batch = replay_udp_try_recv_batch,
        .try_send_batch = replay_udp_try_send_batch,
        .join_source = replay_udp_join_source,
        .leave_source = replay_udp_leave_source,
        .adopt = replay_udp_adopt,
        .inherit = replay_udp_inherit,
        .recv_error = replay_udp_recv_error,
    };
}
