/* SPDX-License-Identifier: MIT
 *
 * What the tests of streams share: connections, and the operations as calls. Sockets are used on the thread that polls,
 * as programs do. */
#ifndef TRALE_TESTS_STREAMS_H
#define TRALE_TESTS_STREAMS_H

#include <trale/stream_socket.h>
#include <trale/stream_unix.h>

#include "tests/support.h"

/* A runtime, a listener and a connection to it. */
struct streams {
    struct trale *runtime;
    struct trale_stream_listener *listener;
    struct trale_address address; /* of the listener */
    struct trale_stream_socket *client, *server;
};

/* --- operations as calls ------------------------------------------------------------------------------------------ */

static inline int64_t do_read(struct streams *s, struct trale_stream_socket *socket, void *buf, size_t size)
{
    struct trale_stream_read read;
    return trale_block_on(s->runtime, trale_stream_read(&read, socket, buf, size));
}

static inline int64_t do_write(struct streams *s, struct trale_stream_socket *socket, const void *buf, size_t size)
{
    struct trale_stream_write write;
    return trale_block_on(s->runtime, trale_stream_write(&write, socket, buf, size));
}

/* Reads until it has `size` bytes, or another result. */
static inline int64_t do_read_all(struct streams *s, struct trale_stream_socket *socket, void *buf, size_t size)
{
    size_t n = 0;
    while (n < size) {
        int64_t r = do_read(s, socket, (char *)buf + n, size - n);
        if (r <= 0)
            return r;
        n += (size_t)r;
    }
    return (int64_t)n;
}

static inline int64_t do_connect(struct streams *s, const struct trale_address *to, struct trale_stream_socket **socket)
{
    struct trale_stream_connect connect;
    int64_t r = trale_block_on(s->runtime, trale_stream_connect(&connect, to));
    if (r == 0)
        *socket = connect.socket;
    return r;
}

static inline int64_t do_accept(struct streams *s, struct trale_stream_socket **socket)
{
    struct trale_stream_accept accept;
    int64_t r = trale_block_on(s->runtime, trale_stream_accept(&accept, s->listener));
    if (r == 0)
        *socket = accept.socket;
    return r;
}

/* --- calls on the thread that polls ------------------------------------------------------------------------------- */

struct stream_call {
    struct trale_stream_socket *socket;
    struct trale_stream_listener *listener;
    uint32_t number;
    int64_t value, result;
    void *data;
};

static inline void stream_closes(void *data)
{
    trale_stream_close(data);
}
static inline void do_close(struct streams *s, struct trale_stream_socket *socket)
{
    test_call_in_task(s->runtime, stream_closes, socket);
}

static inline void stream_closes_listener(void *data)
{
    trale_stream_close_listener(data);
}
static inline void do_close_listener(struct streams *s)
{
    test_call_in_task(s->runtime, stream_closes_listener, s->listener);
    s->listener = NULL;
}

static inline void stream_shuts_down(void *data)
{
    struct stream_call *call = data;
    call->result = trale_stream_shutdown(call->socket, call->number);
}
static inline int64_t do_shutdown(struct streams *s, struct trale_stream_socket *socket, uint32_t directions)
{
    struct stream_call call = {.socket = socket, .number = directions};
    test_call_in_task(s->runtime, stream_shuts_down, &call);
    return call.result;
}

static inline void stream_sets(void *data)
{
    struct stream_call *call = data;
    call->result = call->listener != NULL ? trale_stream_set_listener(call->listener, call->number, call->value)
                                          : trale_stream_set(call->socket, call->number, call->value);
}
static inline int64_t do_set(struct streams *s, struct trale_stream_socket *socket, uint32_t option, int64_t value)
{
    struct stream_call call = {.socket = socket, .number = option, .value = value};
    test_call_in_task(s->runtime, stream_sets, &call);
    return call.result;
}
static inline int64_t do_set_listener(struct streams *s, uint32_t option, int64_t value)
{
    struct stream_call call = {.listener = s->listener, .number = option, .value = value};
    test_call_in_task(s->runtime, stream_sets, &call);
    return call.result;
}

static inline void stream_gets(void *data)
{
    struct stream_call *call = data;
    call->value = INT64_MIN;
    call->result = call->listener != NULL ? trale_stream_get_listener(call->listener, call->number, &call->value)
                                          : trale_stream_get(call->socket, call->number, &call->value);
    if (call->result == 0)
        call->result = call->value;
}
static inline int64_t do_get(struct streams *s, struct trale_stream_socket *socket, uint32_t option)
{
    struct stream_call call = {.socket = socket, .number = option};
    test_call_in_task(s->runtime, stream_gets, &call);
    return call.result;
}
static inline int64_t do_get_listener(struct streams *s, uint32_t option)
{
    struct stream_call call = {.listener = s->listener, .number = option};
    test_call_in_task(s->runtime, stream_gets, &call);
    return call.result;
}

static inline struct iovec piece_of(const char *text)
{
    return (struct iovec){(void *)(uintptr_t)text, strlen(text)};
}

/* Closes so that the peer sees a reset. */
static inline void do_reset(struct streams *s, struct trale_stream_socket *socket)
{
    assert_int_equal(do_set(s, socket, TRALE_STREAM_LINGER, 0), 0);
    do_close(s, socket);
}

/* --- operations that wait ----------------------------------------------------------------------------------------- */

/* A task that awaits an operation of the test, whose result is trale_join's. */
struct waiting {
    struct trale_future future;
    struct trale_future *what;
};

trale_async(waiting)
{
    trale_begin();
    trale_await(self->what);
    trale_return(trale_result());
}

/* When it returns, every task that was spawned or woken before has been polled. */
struct streams_turn {
    struct trale_future future;
    int n_polls;
};

static inline int64_t streams_turn_poll(struct trale_future *future, struct trale_context *context)
{
    struct streams_turn *turn = (struct streams_turn *)(void *)future;
    if (turn->n_polls++ == 3)
        return 0;
    context->waker->table->wake_by_ref(context->waker);
    return TRALE_PENDING;
}

static inline void let_tasks_run(struct streams *s)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "test_turn", streams_turn_poll, NULL};
    struct streams_turn turn = {.future = {.type = &type}};
    assert_int_equal(trale_block_on(s->runtime, &turn.future), 0);
}

/* Begins an operation, which was polled when this returns. */
static inline struct trale_task *begin(struct streams *s, struct trale_future *what)
{
    struct trale_task *task = trale_spawn(s->runtime, waiting, .what = what);
    assert_non_null(task);
    let_tasks_run(s);
    return task;
}

/* Drops an operation that has begun. */
static inline void drop(struct trale_task *task)
{
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
}

/* --- set-up ------------------------------------------------------------------------------------------------------- */

static inline void stream_listens(void *data)
{
    struct streams *s = data;
    assert_int_equal(trale_stream_listen(s->runtime, "127.0.0.1:0", 0, &s->listener), 0);
    assert_int_equal(trale_stream_listener_local(s->listener, &s->address), 0);
}

static inline void connect_pair(struct streams *s)
{
    struct trale_stream_accept accept;
    struct trale_task *accepting = begin(s, trale_stream_accept(&accept, s->listener));
    assert_int_equal(do_connect(s, &s->address, &s->client), 0);
    assert_int_equal(trale_join(accepting), 0);
    s->server = accept.socket;
}

/* Buffers have a fixed size, so that tests know what does not fit into them. */
static inline int streams_open(void **state)
{
    struct streams *s = calloc(1, sizeof *s);
    s->runtime = test_open("timer, stream",
                           TEST_TIMER TEST_STREAM "receive_buffer = 64K\nsend_buffer = 64K\nbacklog = 64\n");
    test_call_in_task(s->runtime, stream_listens, s);
    connect_pair(s);
    *state = s;
    return 0;
}

static inline int streams_close(void **state)
{
    struct streams *s = *state;
    int r = trale_close(s->runtime);
    free(s);
    return r;
}

#endif
