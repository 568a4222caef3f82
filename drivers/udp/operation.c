/* SPDX-License-Identifier: MIT
 *
 * A receive or a send is an attempt that is repeated. One that finds nothing, or no room, registers its wait, until it
 * is polled again or dropped. Closing a socket ends the waits for it, by forget_fd, and moves on its generation, by
 * which every operation of it, also one that was not polled yet, sees that it is cancelled.
 *
 * A receive that awaits an answer finds nothing when it begins, and its first attempt is a system call lost. In a
 * flood it finds a datagram, and waiting first would cost a look at epoll for each. So a receive waits first only if
 * the last attempt of its socket that was made first found nothing, and only where no other task is runnable, so that
 * the executor looks at epoll next anyway. If that very look finds the socket ready, its datagram may have been there
 * before, or it has come while the executor slept: so the next receive tries first again. If it finds nothing, the next
 * two wait first, then four, and 16 at most. When the load changes, so many receives cost a look more, or the first one
 * an attempt. */
#include "operation.h"

#include <poll.h>

#include "error.h"

#define N_DOUBLINGS_MAX 4 /* n_waits has five bits */

/* How often an attempt is repeated that fails as if for an earlier datagram, although there is no error of one in the
 * queue. What fails after that fails for its own datagram. */
#define N_REPEATS_MAX 2

/* --- attempts ----------------------------------------------------------------------------------------------------- */

/* Repeats a receive or a send that has failed while it fails for earlier datagrams whose errors it does not report.
 * Without TRALE_UDP_ERRORS that is EMSGSIZE alone. */
static __attribute__((noinline)) int64_t operation_skip_earlier(const struct operation *operation, int64_t n)
{
    struct udp_socket *socket = operation->socket;
    bool keeps_errors = socket->keeps_errors;
    int n_left = N_REPEATS_MAX;
    while (n_left > 0 && (keeps_errors ? udp_error_is_earlier(n) : n == -EMSGSIZE)) {
        uint32_t found = keeps_errors ? udp_error_take_in(socket) : 0;
        /* A send that this host refuses for its size leaves an error of this host. */
        if (n == -EMSGSIZE && operation->interest == TRALE_WRITABLE && (found & UDP_ERROR_TOO_LARGE) != 0)
            break;
        n_left -= found == 0;
        n = operation->attempt(operation->future);
    }
    return n;
}

/* The send buffer had no room for a fragment (ip_append_data() in the kernel). epoll reports room when less than half
 * of the buffer is in use. So a send can wait only until then; if it has no room even then, it fails, because a wait
 * would be over at once, again and again. With TRALE_UDP_ERRORS the queue of the interface may have been full instead,
 * and nothing reports when that has room. */
static int64_t operation_wants_room(const struct operation *operation)
{
    struct pollfd room = {.fd = operation->socket->fd, .events = POLLOUT};
    return poll(&room, 1, 0) == 0 ? -EAGAIN : operation_skip_earlier(operation, operation->attempt(operation->future));
}

/* What a receive or a send that has failed answers in the end. */
static __attribute__((noinline)) int64_t operation_fail(const struct operation *operation, int64_t n)
{
    struct udp_socket *socket = operation->socket;
    if (operation->interest != TRALE_FAILING) {
        n = operation_skip_earlier(operation, n);
        if (n == -ENOBUFS && operation->interest == TRALE_WRITABLE && !socket->keeps_errors)
            n = operation_wants_room(operation);
        else if (n == -ECONNABORTED)
            udp_socket_end(socket, -ECONNABORTED);
    }
    return n == -EAGAIN && operation->interest != TRALE_WRITABLE && socket->end < 0 ? socket->end : n;
}

int64_t udp_operation_try(const struct operation *operation)
{
    struct udp_socket *socket = operation->socket;
    int64_t n = socket->earlier_error;
    if (n < 0 && operation->interest != TRALE_FAILING) {
        socket->earlier_error = 0;
        return n;
    }
    n = operation->attempt(operation->future);
    return n >= 0 ? n : operation_fail(operation, n);
}

/* --- waits -------------------------------------------------------------------------------------------------------- */

/* Ends the wait, if there is one. Returns whether it was over: its waker was woken. */
static bool operation_end_wait(const struct operation *operation)
{
    if (operation_state(operation) == OPERATION_IDLE)
        return false;
    const struct trale_host *host = &udp_of(operation->socket)->host;
    bool was_registered = host->cancel_wait(host->context, operation->wait) != 0;
    operation_set_state(operation, OPERATION_IDLE);
    return !was_registered;
}

void udp_operation_drop(const struct operation *operation)
{
    if (!operation_is_cancelled(operation))
        operation_end_wait(operation);
}

/* As register_waker; after it the operation is in `state`. */
static int32_t operation_wait(const struct operation *operation, enum operation_state state,
                              const struct trale_context *context)
{
    struct udp_socket *socket = operation->socket;
    const struct trale_host *host = &udp_of(socket)->host;
    operation->wait->waker = context->waker;
    int32_t r = host->register_waker(host->context, socket->fd, operation->interest, operation->wait);
    if (r == 0) {
        operation_set_state(operation, state);
        socket->has_waited = true;
    }
    return r;
}

/* Waits while an attempt answers EAGAIN; `n` is the answer of the last one, and `ready` says whether the reactor had
 * reported the socket before that. */
static __attribute__((noinline)) int64_t operation_repeat(const struct operation *operation, int64_t n, bool ready,
                                                          struct trale_context *context)
{
    struct udp_socket *socket = operation->socket;
    while (n == -EAGAIN) {
        if (socket->keeps_errors)
            udp_error_take_in(socket);
        if (ready)
            udp_error_look(socket);
        if (socket->end < 0 && operation->interest != TRALE_WRITABLE)
            return udp_operation_try(operation);
        int32_t r = operation_wait(operation, OPERATION_WAITING, context);
        if (r == 0)
            return TRALE_PENDING;
        ready = r == 1;
        n = r < 0 ? r : udp_operation_try(operation);
    }
    return n;
}

int64_t udp_operation_answer(const struct operation *operation, int64_t n, struct trale_context *context)
{
    n = operation_fail(operation, n);
    return n != -EAGAIN ? n : operation_repeat(operation, n, false, context);
}

static bool recv_waits_first(const struct operation *operation)
{
    const struct udp_socket *socket = operation->socket;
    if (operation->interest != TRALE_READABLE || socket->n_waits == 0 || socket->gro || socket->end < 0 ||
        socket->earlier_error < 0)
        return false;
    const struct trale_host *host = &udp_of(socket)->host;
    return (host->hints & TRALE_HOST_LEVEL) != 0 && host->is_idle != NULL && host->n_looks != NULL &&
           host->is_idle(host->context) != 0;
}

/* As register_waker. */
static int32_t recv_wait_first(const struct operation *operation, const struct trale_context *context)
{
    struct udp_socket *socket = operation->socket;
    const struct trale_host *host = &udp_of(socket)->host;
    socket->n_looks = (uint32_t)host->n_looks(host->context);
    return operation_wait(operation, OPERATION_WAITING_FIRST, context);
}

/* Whether a receive that has waited first, and is woken, had to. */
static bool recv_had_to_wait(const struct udp_socket *socket)
{
    const struct trale_host *host = &udp_of(socket)->host;
    return (uint32_t)host->n_looks(host->context) - socket->n_looks > 1;
}

/* What an attempt in this state, which has answered `n`, says about the next receives. */
static void recv_learn(struct udp_socket *socket, enum operation_state state, int64_t n)
{
    if (state == OPERATION_IDLE && n != -EAGAIN) {
        socket->n_waits = socket->n_doublings = 0;
    } else if (state == OPERATION_IDLE) {
        socket->n_waits = (uint8_t)(1u << socket->n_doublings);
        socket->n_doublings += socket->n_doublings < N_DOUBLINGS_MAX;
    } else if (state == OPERATION_WAITING_FIRST && n != -EAGAIN && socket->n_waits > 0 && !recv_had_to_wait(socket)) {
        socket->n_waits--;
    }
}

/* The wait of the poll before ends first: its waker may be gone, and what this poll wakes must not reach it. */
int64_t udp_operation_poll(const struct operation *operation, struct trale_context *context)
{
    struct udp_socket *socket = operation->socket;
    if (operation_is_cancelled(operation))
        return -ECANCELED;
    enum operation_state state = operation_state(operation);
    bool ready = operation_end_wait(operation);
    if (!trale_context_may_resolve(context))
        return TRALE_PENDING;
    if (state == OPERATION_IDLE && recv_waits_first(operation)) {
        int32_t r = recv_wait_first(operation, context);
        if (r <= 0)
            return r == 0 ? TRALE_PENDING : r;
    }
    int64_t n = udp_operation_try(operation);
    if (operation->interest == TRALE_READABLE)
        recv_learn(socket, state, n);
    return n != -EAGAIN ? n : operation_repeat(operation, n, ready, context);
}
