/* SPDX-License-Identifier: MIT
 *
 * trale.udp/1. */
#include "recorder.h"

static const struct trale_udp *below_of(void *instance)
{
    return ((struct recorder *)instance)->udp_below;
}

static uint64_t number_of(void *instance, const struct trale_udp_socket *socket)
{
    return table_get(&((struct recorder *)instance)->sockets, socket);
}

/* --- sockets ------------------------------------------------------------------------------------------------------ */

/* A call that makes a socket. */
static int32_t opened(struct recorder *recorder, enum trale_record_what what, const struct trale_record_inputs *inputs,
                      int32_t result, struct trale_udp_socket **socket)
{
    struct entry entry = {.kind = TRALE_RECORD_CALL, .what = what, .inputs = inputs, .result = result};
    if (result == 0)
        (*socket)->udp = &recorder->udp;
    if (!recorder_is_on(recorder))
        return result;
    if (result == 0) {
        entry.number = ++recorder->n_sockets;
        if (!table_set(&recorder->sockets, *socket, entry.number))
            recorder_stop(recorder, TRALE_RECORDING_FAILED, -ENOMEM, trale_record_name(what));
    }
    record(recorder, &entry);
    return result;
}

static int32_t record_open(void *instance, const struct trale_address *local, uint32_t flags,
                           struct trale_udp_socket **socket)
{
    const struct trale_udp *below = below_of(instance);
    const struct trale_record_inputs inputs = {.values = {flags}, .address = trale_recording_address(local)};
    int32_t r = below->open(below->interface.instance, local, flags, socket);
    return opened(instance, TRALE_RECORD_OPEN, &inputs, r, socket);
}

/* The number of an fd may be another one the next time. */
static int32_t record_adopt(void *instance, int32_t fd, struct trale_udp_socket **socket)
{
    const struct trale_udp *below = below_of(instance);
    int32_t r = below->adopt(below->interface.instance, fd, socket);
    return opened(instance, TRALE_RECORD_ADOPT, NULL, r, socket);
}

static int32_t record_inherit(void *instance, const char *name, struct trale_udp_socket **socket)
{
    const struct trale_udp *below = below_of(instance);
    const struct trale_record_inputs inputs = {.hash = trale_recording_hash(0, name, strlen(name))};
    int32_t r = below->inherit(below->interface.instance, name, socket);
    return opened(instance, TRALE_RECORD_INHERIT, &inputs, r, socket);
}

static void record_close(void *instance, struct trale_udp_socket *socket)
{
    struct recorder *recorder = instance;
    const struct trale_udp *below = below_of(instance);
    const struct trale_record_inputs inputs = {.socket = number_of(instance, socket)};
    table_remove(&recorder->sockets, socket);
    recorder_enter(recorder);
    below->close(below->interface.instance, socket);
    recorder_leave(recorder);
    record_call(recorder, TRALE_RECORD_CLOSE, &inputs, 0, NULL, 0);
}

/* --- addresses and options ---------------------------------------------------------------------------------------- */

static int32_t record_connect(void *instance, struct trale_udp_socket *socket, const struct trale_address *peer)
{
    const struct trale_udp *below = below_of(instance);
    const struct trale_record_inputs inputs = {.socket = number_of(instance, socket),
                                               .address = trale_recording_address(peer)};
    recorder_enter(instance);
    int32_t r = below->connect(below->interface.instance, socket, peer);
    recorder_leave(instance);
    record_call(instance, TRALE_RECORD_CONNECT, &inputs, r, NULL, 0);
    return r;
}

static int32_t record_local(void *instance, struct trale_udp_socket *socket, struct trale_address *address)
{
    const struct trale_udp *below = below_of(instance);
    const struct trale_record_inputs inputs = {.socket = number_of(instance, socket)};
    int32_t r = below->local(below->interface.instance, socket, address);
    record_call(instance, TRALE_RECORD_LOCAL, &inputs, r, address, sizeof *address);
    return r;
}

static int32_t record_peer(void *instance, struct trale_udp_socket *socket, struct trale_address *address)
{
    const struct trale_udp *below = below_of(instance);
    const struct trale_record_inputs inputs = {.socket = number_of(instance, socket)};
    int32_t r = below->peer(below->interface.instance, socket, address);
    record_call(instance, TRALE_RECORD_PEER, &inputs, r, address, sizeof *address);
    return r;
}

static int32_t record_set(void *instance, struct trale_udp_socket *socket, uint32_t option, int64_t value)
{
    const struct trale_udp *below = below_of(instance);
    const struct trale_record_inputs inputs = {.socket = number_of(instance, socket),
                                               .values = {option, (uint64_t)value}};
    recorder_enter(instance);
    int32_t r = below->set(below->interface.instance, socket, option, value);
    recorder_leave(instance);
    record_call(instance, TRALE_RECORD_SET, &inputs, r, NULL, 0);
    return r;
}

static int32_t record_get(void *instance, struct trale_udp_socket *socket, uint32_t option, int64_t *value)
{
    const struct trale_udp *below = below_of(instance);
    const struct trale_record_inputs inputs = {.socket = number_of(instance, socket), .values = {option}};
    int32_t r = below->get(below->interface.instance, socket, option, value);
    record_call(instance, TRALE_RECORD_GET, &inputs, r, value, sizeof *value);
    return r;
}

/* --- groups ------------------------------------------------------------------------------------------------------- */

#define GROUP(member, what)                                                                                            \
    static int32_t record_##member(void *instance, struct trale_udp_socket *socket, const struct trale_address *group, \
                                   uint32_t interface_index)                                                           \
    {                                                                                                                  \
        const struct trale_udp *below = below_of(instance);                                                            \
        const struct trale_record_inputs inputs = {.socket = number_of(instance, socket),                              \
                                                   .values = {interface_index},                                        \
                                                   .address = trale_recording_address(group)};                         \
        int32_t r = below->member(below->interface.instance, socket, group, interface_index);                          \
        record_call(instance, what, &inputs, r, NULL, 0);                                                              \
        return r;                                                                                                      \
    }
GROUP(join, TRALE_RECORD_JOIN)
GROUP(leave, TRALE_RECORD_LEAVE)

#define SOURCE_GROUP(member, what)                                                                                     \
    static int32_t record_##member(void *instance, struct trale_udp_socket *socket, const struct trale_address *group, \
                                   const struct trale_address *source, uint32_t interface_index)                       \
    {                                                                                                                  \
        const struct trale_udp *below = below_of(instance);                                                            \
        const struct trale_address from = trale_recording_address(source);                                             \
        const struct trale_record_inputs inputs = {.socket = number_of(instance, socket),                              \
                                                   .values = {interface_index},                                        \
                                                   .hash = trale_recording_hash(0, &from, sizeof from),                \
                                                   .address = trale_recording_address(group)};                         \
        int32_t r = below->member(below->interface.instance, socket, group, source, interface_index);                  \
        record_call(instance, what, &inputs, r, NULL, 0);                                                              \
        return r;                                                                                                      \
    }
SOURCE_GROUP(join_source, TRALE_RECORD_JOIN_SOURCE)
SOURCE_GROUP(leave_source, TRALE_RECORD_LEAVE_SOURCE)

/* --- operations --------------------------------------------------------------------------------------------------- */

#define TRY(member, operation, what_it_is)                                                                             \
    static int64_t record_##member(void *instance, operation *op)                                                      \
    {                                                                                                                  \
        struct recorder *recorder = instance;                                                                          \
        const struct trale_udp *below = below_of(instance);                                                            \
        if (!recorder_is_on(recorder))                                                                                 \
            return below->member(below->interface.instance, op);                                                       \
        const struct trale_record_inputs inputs = operation_inputs(recorder, what_it_is, &op->future);                 \
        struct entry entry = {.kind = TRALE_RECORD_CALL, .what = what_it_is, .inputs = &inputs};                       \
        recorder_enter(recorder);                                                                                      \
        entry.result = below->member(below->interface.instance, op);                                                   \
        recorder_leave(recorder);                                                                                      \
        record_begin(recorder, &entry);                                                                                \
        if (recorder_is_on(recorder))                                                                                  \
            operation_outputs(recorder, what_it_is, &op->future, entry.result);                                        \
        record_end(recorder, &entry);                                                                                  \
        return entry.result;                                                                                           \
    }
TRY(try_recv, struct trale_udp_recv, TRALE_RECORD_TRY_RECV)
TRY(try_send, struct trale_udp_send, TRALE_RECORD_TRY_SEND)
TRY(try_recv_batch, struct trale_udp_batch, TRALE_RECORD_TRY_RECV_BATCH)
TRY(try_send_batch, struct trale_udp_batch, TRALE_RECORD_TRY_SEND_BATCH)

#define MAKE(member, operation, what)                                                                                  \
    static void record_##member(void *instance, operation *op)                                                         \
    {                                                                                                                  \
        const struct trale_udp *below = below_of(instance);                                                            \
        below->member(below->interface.instance, op);                                                                  \
        operation_made(instance, what, &op->future);                                                                   \
    }
MAKE(recv, struct trale_udp_recv, TRALE_RECORD_RECV)
MAKE(send, struct trale_udp_send, TRALE_RECORD_SEND)
MAKE(recv_batch, struct trale_udp_batch, TRALE_RECORD_RECV_BATCH)
MAKE(send_batch, struct trale_udp_batch, TRALE_RECORD_SEND_BATCH)
MAKE(recv_error, struct trale_udp_error, TRALE_RECORD_RECV_ERROR)

#define SET(member) recorder->udp.member = below->member != NULL ? record_##member : NULL

void recorder_set_udp(struct recorder *recorder)
{
    const struct trale_udp *below = recorder->udp_below;
    if (below == NULL)
        return;
    recorder->udp.interface = (struct trale_interface){sizeof recorder->udp, 1, recorder};
    SET(open);
    SET(close);
    SET(connect);
    SET(local);
    SET(peer);
    SET(set);
    SET(get);
    SET(join);
    SET(leave);
    SET(recv);
    SET(send);
    SET(recv_batch);
    SET(send_batch);
    SET(try_recv);
    SET(try_send);
    SET(try_recv_batch);
    SET(try_send_batch);
    SET(join_source);
    SET(leave_source);
    SET(adopt);
    SET(inherit);
    SET(recv_error);
}
