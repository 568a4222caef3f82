/* SPDX-License-Identifier: MIT */
#include "tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- one question ------------------------------------------------------------------------------------------------- */

/* A future that is reached by its own member. */
static void make(struct trale_future *future)
{
    (void)future;
}

/* Gives up the operation that is pending, and closes the connection. */
static void disconnect(struct tcp *tcp)
{
    if (tcp->state != TCP_CLOSED && tcp->state != TCP_DONE)
        trale_future_drop(&tcp->operation.future);
    tcp->state = TCP_CLOSED;
    trale_stream_close(tcp->socket);
    tcp->socket = NULL;
}

static void begin_read(struct tcp *tcp)
{
    uint8_t *bytes = tcp->answer != NULL ? tcp->answer : tcp->prefix;
    size_t size = tcp->answer != NULL ? tcp->answer_size : sizeof tcp->prefix;
    make(trale_stream_read(&tcp->operation.read, tcp->socket, bytes + tcp->n_received, size - tcp->n_received));
    tcp->state = TCP_READING;
}

/* Goes on after a read of n bytes. 1: the next read is pending; 0: the answer is there; or a negative errno. */
static int take_read(struct tcp *tcp, size_t n)
{
    if (n == 0) /* the server has closed it in the middle */
        return -ECONNRESET;
    tcp->n_received += n;
    if (tcp->answer == NULL && tcp->n_received == sizeof tcp->prefix) {
        tcp->n_received = 0;
        tcp->answer_size = (size_t)tcp->prefix[0] << 8 | tcp->prefix[1];
        if (tcp->answer_size < HEADER_SIZE)
            return -EBADMSG;
        tcp->answer = malloc(tcp->answer_size);
        if (tcp->answer == NULL)
            return -ENOMEM;
    } else if (tcp->answer != NULL && tcp->n_received == tcp->answer_size) {
        return 0;
    }
    begin_read(tcp);
    return 1;
}

/* Polls the operation that is pending, and begins the next one. 1: that one is pending; 0: the answer is there; or a
 * negative errno, or TRALE_PENDING. */
static int64_t step(struct tcp *tcp, struct trale_context *context)
{
    int64_t r = trale_future_await(&tcp->operation.future, context);
    if (r == TRALE_PENDING)
        return r;
    const enum tcp_state state = tcp->state;
    tcp->state = TCP_DONE; /* none is pending */
    if (r < 0)
        return r;
    if (state == TCP_READING)
        return take_read(tcp, (size_t)r);
    if (state == TCP_CONNECTING) {
        tcp->socket = tcp->operation.connect.socket;
        make(trale_stream_write(&tcp->operation.write, tcp->socket, tcp->query, tcp->query_size));
        tcp->state = TCP_WRITING;
    } else {
        begin_read(tcp);
    }
    return 1;
}

void tcp_open(struct tcp *tcp, struct tcp_task *task, const struct trale_address *server,
              const struct query_message *query)
{
    memset(tcp, 0, sizeof *tcp);
    tcp->task = task;
    tcp->query[0] = (uint8_t)(query->size >> 8);
    tcp->query[1] = (uint8_t)query->size;
    memcpy(tcp->query + 2, query->bytes, query->size);
    tcp->query_size = 2 + query->size;
    tcp->operation.connect.to = *server;
    task->stream->connect(task->stream->interface.instance, &tcp->operation.connect);
    tcp->state = TCP_CONNECTING;
    list_append(&task->calls, &tcp->link);
    if (task->waker != NULL)
        task->waker->table->wake_by_ref(task->waker);
}

int64_t tcp_poll(struct tcp *tcp, struct trale_context *context)
{
    tcp->waker = tcp->state == TCP_DONE ? NULL : context->waker;
    return tcp->state == TCP_DONE ? tcp->result : TRALE_PENDING;
}

void tcp_suspend(struct tcp *tcp)
{
    tcp->waker = NULL;
}

void tcp_close(struct tcp *tcp)
{
    list_remove(&tcp->link);
    disconnect(tcp);
    tcp->waker = NULL;
    free(tcp->answer);
    tcp->answer = NULL;
}

/* --- the task ----------------------------------------------------------------------------------------------------- */

static int64_t task_poll(struct trale_future *future, struct trale_context *context)
{
    struct tcp_task *task = list_entry(future, struct tcp_task, future);
    task->waker = context->waker;
    for (struct trale_link *link = task->calls.next, *next; link != &task->calls; link = next) {
        struct tcp *tcp = list_entry(link, struct tcp, link);
        int64_t r;
        next = link->next;
        do
            r = step(tcp, context);
        while (r == 1);
        if (r == TRALE_PENDING)
            continue;
        list_remove(&tcp->link);
        disconnect(tcp);
        tcp->state = TCP_DONE;
        tcp->result = (int)r;
        if (tcp->waker != NULL)
            tcp->waker->table->wake_by_ref(tcp->waker);
        tcp->waker = NULL;
    }
    return TRALE_PENDING;
}

/* The questions are ended by their lookups, later; what they wait for holds the task's waker, and is given up here. */
static void task_drop(struct trale_future *future)
{
    struct tcp_task *task = list_entry(future, struct tcp_task, future);
    task->waker = NULL;
    while (!list_is_empty(&task->calls)) {
        struct tcp *tcp = list_entry(task->calls.next, struct tcp, link);
        list_remove(&tcp->link);
        disconnect(tcp);
    }
}

int tcp_task_start(struct tcp_task *task, const struct trale_host *host, const struct trale_stream *stream)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "resolve_tcp", task_poll, task_drop};
    task->stream = stream;
    list_init(&task->calls);
    trale_future_init(&task->future, &type);
    return host->spawn(host->context, &task->future);
}
