/* SPDX-License-Identifier: MIT
 *
 * Sockets, and the futures on them. As many receives are with the kernel as futures wait; the datagram of any of them is
 * for the future that has waited longest. So a receive that was cancelled too late is not lost: what it brought is for
 * the next future. */
#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum recv_state {
    RECV_NEW,     /* It was not polled, or had no turn yet. */
    RECV_WAITING, /* It is in socket->waiting. */
    RECV_GIVEN,   /* `operation` is a receive that is done, for this future. */
};

static void wake(const struct trale_waker *waker)
{
    waker->table->wake_by_ref(waker);
}

/* --- sockets ------------------------------------------------------------------------------------------------------ */

void socket_unref(struct socket *socket)
{
    if (--socket->n_references == 0)
        free(socket);
}

/* The kernel may still read and write through the fd while there are operations. */
static void socket_close_fd(struct socket *socket)
{
    if (!socket->is_closed || socket->fd < 0 || !TAILQ_EMPTY(&socket->unfinished))
        return;
    close(socket->fd);
    socket->fd = -1;
}

/* What has arrived goes to the futures that wait, in their order. */
static void socket_give(struct socket *socket)
{
    struct operation *operation;
    struct datagrams_recv *recv;
    while ((operation = TAILQ_FIRST(&socket->arrived)) != NULL && (recv = TAILQ_FIRST(&socket->waiting)) != NULL) {
        TAILQ_REMOVE(&socket->arrived, operation, entry);
        TAILQ_REMOVE(&socket->waiting, recv, entry);
        socket->n_waiting--;
        recv->operation = operation;
        recv->state = RECV_GIVEN;
        wake(recv->waker);
    }
}

static void socket_end_operation(struct socket *socket, struct operation *operation)
{
    TAILQ_REMOVE(&socket->unfinished, operation, socket_entry);
    if (operation->kind == OPERATION_RECV) {
        socket->n_receiving--;
        socket->n_cancelling -= operation->state == OPERATION_CANCELLING;
    }
    socket_close_fd(socket);
}

static void socket_cancel(struct socket *socket, struct operation *operation)
{
    if (operation->state == OPERATION_CANCELLING)
        return;
    if (operation->state == OPERATION_QUEUED) {
        socket_end_operation(socket, operation);
        operation_cancel(socket->instance, operation);
        operation_free(socket->instance, operation);
        socket_unref(socket);
        return;
    }
    operation_cancel(socket->instance, operation);
    socket->n_cancelling += operation->kind == OPERATION_RECV;
}

static struct operation *socket_begin(struct socket *socket, enum operation_kind kind)
{
    struct operation *operation = operation_new(socket->instance, socket, kind);
    if (operation == NULL)
        return NULL;
    TAILQ_INSERT_TAIL(&socket->unfinished, operation, socket_entry);
    socket->n_receiving += kind == OPERATION_RECV;
    socket->n_references++;
    return operation;
}

/* As many receives as futures wait. One that is being cancelled counts, for it may succeed; if it does not, this is
 * called again. */
static int socket_balance(struct socket *socket)
{
    while (!socket->is_closed && socket->n_receiving < socket->n_waiting)
        if (socket_begin(socket, OPERATION_RECV) == NULL)
            return -ENOMEM;
    struct operation *operation, *before;
    for (operation = TAILQ_LAST(&socket->unfinished, operations);
         operation != NULL && socket->n_receiving - socket->n_cancelling > socket->n_waiting; operation = before) {
        before = TAILQ_PREV(operation, operations, socket_entry);
        if (operation->kind == OPERATION_RECV)
            socket_cancel(socket, operation);
    }
    return 0;
}

static bool was_given_up(const struct operation *operation)
{
    return operation->result == -ECANCELED || operation->result == -EINTR;
}

static void socket_complete_recv(struct socket *socket, struct operation *operation)
{
    if (was_given_up(operation) || (socket->is_closed && TAILQ_EMPTY(&socket->waiting))) {
        operation_free(socket->instance, operation);
    } else {
        socket->instance->count.n_late_receives += operation->state == OPERATION_CANCELLING;
        operation->state = OPERATION_DONE;
        TAILQ_INSERT_TAIL(&socket->arrived, operation, entry);
        socket_give(socket);
    }
    (void)socket_balance(socket); /* an operation that is needed is there: the one that was given up */
}

static void socket_complete_send(struct socket *socket, struct operation *operation)
{
    struct datagrams_send *send = operation->send;
    operation->state = OPERATION_DONE;
    if (send != NULL) {
        wake(send->waker);
        return;
    }
    socket->instance->count.n_late_sends += operation->result >= 0;
    operation_free(socket->instance, operation);
}

void socket_complete(struct socket *socket, struct operation *operation)
{
    /* io_uring gives up what a thread has handed over when that thread ends. */
    if (operation->kind == OPERATION_SEND && operation->state == OPERATION_SUBMITTED && was_given_up(operation)) {
        operation_repeat(socket->instance, operation);
        return;
    }
    socket_end_operation(socket, operation);
    if (operation->kind == OPERATION_RECV)
        socket_complete_recv(socket, operation);
    else
        socket_complete_send(socket, operation);
    socket_unref(socket);
}

int32_t socket_adopt(void *data, int32_t fd, struct datagrams_socket **result)
{
    struct instance *instance = data;
    int flags = fcntl(fd, F_GETFL);
    /* io_uring answers -EAGAIN, and does not wait, for an fd that does not block. */
    if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
        return -errno;
    struct socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL)
        return -ENOMEM;
    socket->socket.datagrams = &instance->table;
    socket->instance = instance;
    socket->fd = fd;
    socket->n_references = 1;
    TAILQ_INIT(&socket->unfinished);
    TAILQ_INIT(&socket->arrived);
    TAILQ_INIT(&socket->waiting);
    LIST_INSERT_HEAD(&instance->sockets, socket, entry);
    *result = &socket->socket;
    return 0;
}

void socket_close(void *data, struct datagrams_socket *handle)
{
    struct instance *instance = data;
    struct socket *socket = (struct socket *)handle;
    struct operation *operation, *next;
    struct datagrams_recv *recv;
    socket->is_closed = true;
    LIST_REMOVE(socket, entry);
    TAILQ_FOREACH(recv, &socket->waiting, entry)
    wake(recv->waker);
    for (operation = TAILQ_FIRST(&socket->unfinished); operation != NULL; operation = next) {
        next = TAILQ_NEXT(operation, socket_entry);
        if (operation->send != NULL && operation->state == OPERATION_QUEUED) {
            operation->send->operation = NULL;
            wake(operation->send->waker);
        }
        socket_cancel(socket, operation);
    }
    while ((operation = TAILQ_FIRST(&socket->arrived)) != NULL) {
        TAILQ_REMOVE(&socket->arrived, operation, entry);
        operation_free(instance, operation);
    }
    socket_close_fd(socket);
    socket_unref(socket);
}

/* --- receiving ---------------------------------------------------------------------------------------------------- */

/* Takes the future out of the driver; the operation that was for it is not. */
static int64_t recv_end(struct datagrams_recv *recv, int64_t result)
{
    struct socket *socket = (struct socket *)recv->socket;
    if (recv->state == RECV_WAITING) {
        TAILQ_REMOVE(&socket->waiting, recv, entry);
        socket->n_waiting--;
    }
    (void)socket_balance(socket); /* gives up what there is too much of */
    socket_unref(socket);
    return result;
}

static int64_t recv_take(struct datagrams_recv *recv, struct operation *operation)
{
    struct instance *instance = ((struct socket *)recv->socket)->instance;
    int64_t result = operation->result;
    if (result >= 0) {
        size_t n = (size_t)result < operation->size ? (size_t)result : operation->size;
        n = n < recv->size ? n : recv->size;
        if (n > 0)
            memcpy(recv->buf, operation->buffer, n);
        recv->length = (uint64_t)result;
        result = (int64_t)n;
    }
    operation_free(instance, operation);
    return recv_end(recv, result);
}

static int64_t recv_poll(struct trale_future *future, struct trale_context *context)
{
    struct datagrams_recv *recv = (struct datagrams_recv *)(void *)future;
    struct socket *socket = (struct socket *)recv->socket;
    recv->waker = context->waker;
    if (!trale_context_may_resolve(context))
        return TRALE_PENDING;
    if (recv->state == RECV_GIVEN)
        return recv_take(recv, recv->operation);
    if (socket->is_closed)
        return recv_end(recv, -ECANCELED);
    if (recv->state == RECV_WAITING)
        return TRALE_PENDING;
    struct operation *operation = TAILQ_FIRST(&socket->arrived);
    if (operation != NULL) {
        TAILQ_REMOVE(&socket->arrived, operation, entry);
        return recv_take(recv, operation);
    }
    recv->state = RECV_WAITING;
    TAILQ_INSERT_TAIL(&socket->waiting, recv, entry);
    socket->n_waiting++;
    return socket_balance(socket) < 0 ? recv_end(recv, -ENOMEM) : TRALE_PENDING;
}

/* The datagram that was for it is the oldest of all, and goes to the next future. */
static void recv_drop(struct trale_future *future)
{
    struct datagrams_recv *recv = (struct datagrams_recv *)(void *)future;
    struct socket *socket = (struct socket *)recv->socket;
    if (recv->state == RECV_GIVEN) {
        struct operation *operation = recv->operation;
        if (socket->is_closed)
            operation_free(socket->instance, operation);
        else
            TAILQ_INSERT_HEAD(&socket->arrived, operation, entry);
        socket_give(socket);
    }
    recv_end(recv, 0);
}

void socket_recv(void *instance, struct datagrams_recv *recv)
{
    static const struct trale_future_type type = {
        .size = sizeof type, .abi = TRALE_ABI, .name = "datagrams_recv", .poll = recv_poll, .drop = recv_drop};
    (void)instance;
    ((struct socket *)recv->socket)->n_references++;
    recv->future.type = &type;
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

static int64_t send_end(struct datagrams_send *send, int64_t result)
{
    socket_unref((struct socket *)send->socket);
    return result;
}

static int64_t send_begin(struct datagrams_send *send, struct socket *socket)
{
    if (send->size > socket->instance->buffer_size)
        return send_end(send, -EMSGSIZE);
    struct operation *operation = socket_begin(socket, OPERATION_SEND);
    if (operation == NULL)
        return send_end(send, -ENOMEM);
    if (send->size > 0)
        memcpy(operation->buffer, send->buf, send->size);
    operation->size = send->size;
    operation->send = send;
    send->operation = operation;
    return TRALE_PENDING;
}

static int64_t send_poll(struct trale_future *future, struct trale_context *context)
{
    struct datagrams_send *send = (struct datagrams_send *)(void *)future;
    struct socket *socket = (struct socket *)send->socket;
    struct operation *operation = send->operation;
    send->waker = context->waker;
    if (!trale_context_may_resolve(context))
        return TRALE_PENDING;
    if (operation == NULL)
        return socket->is_closed ? send_end(send, -ECANCELED) : send_begin(send, socket);
    if (operation->state != OPERATION_DONE)
        return TRALE_PENDING;
    int64_t result = operation->result;
    operation_free(socket->instance, operation);
    return send_end(send, result);
}

/* The kernel reads the operation's buffer for as long as it likes; the caller's is free. */
static void send_drop(struct trale_future *future)
{
    struct datagrams_send *send = (struct datagrams_send *)(void *)future;
    struct socket *socket = (struct socket *)send->socket;
    struct operation *operation = send->operation;
    if (operation != NULL && operation->state == OPERATION_DONE) {
        operation_free(socket->instance, operation);
    } else if (operation != NULL) {
        operation->send = NULL;
        socket_cancel(socket, operation);
    }
    send_end(send, 0);
}

void socket_send(void *instance, struct datagrams_send *send)
{
    static const struct trale_future_type type = {
        .size = sizeof type, .abi = TRALE_ABI, .name = "datagrams_send", .poll = send_poll, .drop = send_drop};
    (void)instance;
    ((struct socket *)send->socket)->n_references++;
    send->future.type = &type;
}
