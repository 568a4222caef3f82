/* SPDX-License-Identifier: MIT
 *
 * A query has one socket at a time, which is connected to the server: so the kernel chooses a port for each try (RFC
 * 5452 9.2), drops what others send, and tells when the server's port is closed. What comes late is dropped with its
 * socket. */
#include "query.h"

#include <errno.h>
#include <string.h>

/* --- begin, leave and end ----------------------------------------------------------------------------------------- */

/* A future that is reached by its own member. */
static void make(struct trale_future *future)
{
    (void)future;
}

static void future_stop(struct trale_future *future)
{
    if (future->type != NULL)
        trale_future_drop(future);
    future->type = NULL;
}

static void futures_stop(struct query *query)
{
    future_stop(&query->send.future);
    future_stop(&query->recv.future);
    future_stop(&query->sleep.future);
    tcp_suspend(&query->tcp);
}

void query_suspend(struct query *query)
{
    futures_stop(query);
    turn_leave(&query->turn, query->resolver);
}

static void try_end(struct query *query)
{
    futures_stop(query);
    tcp_close(&query->tcp);
    trale_udp_close(query->socket);
    query->socket = NULL;
}

void query_end(struct query *query)
{
    if (query->state == QUERY_ENDED)
        return;
    try_end(query);
    turn_end(&query->turn, query->resolver);
    query->state = QUERY_ENDED;
}

/* Another query has its turn now. The same server is asked again. */
static void turn_lost(struct turn *turn)
{
    struct query *query = list_entry(turn, struct query, turn);
    try_end(query);
    query->n_asked -= query->state == QUERY_ASKING || query->state == QUERY_TCP;
    query->state = QUERY_WAITING;
}

int query_begin(struct query *query, struct resolver *resolver, const char *name, uint16_t type, uint16_t port)
{
    memset(query, 0, sizeof *query);
    query->resolver = resolver;
    query->name = name;
    query->type = type;
    query->port = port;
    query->has_edns = true;
    if (resolver->system.rotates)
        query->first_server = resolver->n_lookups;
    int r = message_write(&query->message, name, type, true);
    if (r < 0)
        return r;
    query->turn.lose = turn_lost;
    query->state = QUERY_WAITING;
    return 0;
}

/* --- one try ------------------------------------------------------------------------------------------------------ */

/* Remembers why this try had no answer. What a server has said counts more than silence, and silence more than that it
 * cannot be reached. The next poll asks the next server. */
static void try_fail(struct query *query, int error, bool has_answered)
{
    try_end(query);
    query->state = QUERY_READY;
    if (has_answered || (!query->has_answered && query->error != -ETIME))
        query->error = error;
    query->has_answered |= has_answered;
}

static uint64_t try_limit_ns(const struct query *query)
{
    const struct resolver *resolver = query->resolver;
    uint64_t n_rounds = query->n_asked > 0 ? (query->n_asked - 1) / resolver->system.n_servers : 0;
    return resolver->timeout_ns << (n_rounds < 16 ? n_rounds : 16);
}

static void try_set_deadline(struct query *query)
{
    const struct trale_timer *timer = query->resolver->timer;
    query->deadline_ns = trale_time_add(timer->now(timer->interface.instance), try_limit_ns(query));
    query->turn.until_ns = query->deadline_ns;
}

/* Whether this host has no room for another socket, so that no other server is asked. */
static bool is_of_this_host(int64_t error)
{
    return error == -EMFILE || error == -ENFILE || error == -ENOMEM;
}

/* Opens a socket to the server, with another id. Errors of this host end the query; others fail the try. */
static int64_t try_begin(struct query *query)
{
    struct resolver *resolver = query->resolver;
    const struct system *system = &resolver->system;
    uint16_t id;
    int r = resolver->random->fill(resolver->random->interface.instance, &id, sizeof id);
    if (r < 0)
        return r;
    message_set_id(&query->message, id);
    query->server = system->servers[(query->first_server + query->n_asked++) % system->n_servers];
    const struct trale_address local = {.any.sa_family = query->server.any.sa_family};
    r = resolver->udp->open(resolver->udp->interface.instance, &local, 0, &query->socket);
    r = r == -ENOBUFS ? -ENOMEM : r;
    if (is_of_this_host(r))
        return r;
    if (r == 0)
        r = trale_udp_connect(query->socket, &query->server);
    if (r < 0) {
        try_fail(query, -EHOSTDOWN, false);
        return TRALE_PENDING;
    }
    query->state = QUERY_ASKING;
    query->is_sent = false;
    try_set_deadline(query);
    return TRALE_PENDING;
}

/* The same server, over TCP, has as much time again. */
static void try_over_tcp(struct query *query)
{
    try_end(query);
    tcp_open(&query->tcp, &query->resolver->tcp, &query->server, &query->message);
    query->state = QUERY_TCP;
    try_set_deadline(query);
}

/* The same server once more, without EDNS, which is from 1999: some servers and firewalls do not know it. */
static int try_without_edns(struct query *query)
{
    int r = message_write(&query->message, query->name, query->type, false);
    query->has_edns = false;
    query->n_asked--;
    try_end(query);
    query->state = QUERY_READY;
    return r;
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

/* The result of the query; or TRALE_PENDING, and its state says how it goes on. */
static int64_t query_take(struct query *query, const uint8_t *bytes, size_t size, bool is_cut_off,
                          struct trale_link *records)
{
    int error = 0, r;
    enum answer answer = message_look(&query->message, bytes, size, &error);
    if (answer == ANSWER_RECORDS && is_cut_off)
        answer = ANSWER_CUT_OFF;
    if (query->state == QUERY_TCP && (answer == ANSWER_OTHER || answer == ANSWER_CUT_OFF)) {
        try_fail(query, -EBADMSG, true);
        return TRALE_PENDING;
    }
    switch (answer) {
    case ANSWER_OTHER:
        break;
    case ANSWER_CUT_OFF:
        try_over_tcp(query);
        break;
    case ANSWER_MALFORMED:
        if (query->has_edns)
            return (r = try_without_edns(query)) < 0 ? r : TRALE_PENDING;
        try_fail(query, error, true);
        break;
    case ANSWER_FAILURE:
        try_fail(query, error, true);
        break;
    case ANSWER_RECORDS:
        r = error != 0 ? error : message_read(bytes, size, query->type, query->port, records);
        if (r != -EBADMSG)
            return r;
        try_fail(query, r, true);
        break;
    }
    return TRALE_PENDING;
}

/* Takes the datagrams that are there, and ignores those that are no answer, as long as the task's budget lasts. */
static int64_t query_receive(struct query *query, struct trale_context *context, struct trale_link *records)
{
    int64_t result = TRALE_PENDING;
    while (query->state == QUERY_ASKING && result == TRALE_PENDING) {
        if (query->recv.future.type == NULL)
            make(trale_udp_recv(&query->recv, query->socket, query->answer, sizeof query->answer));
        int64_t n = trale_future_await(&query->recv.future, context);
        if (n == TRALE_PENDING)
            break;
        query->recv.future.type = NULL;
        if (n < 0)
            try_fail(query, -EHOSTDOWN, false);
        else
            result = query_take(query, query->answer, (size_t)n, query->recv.truncated != 0, records);
    }
    return result;
}

static void query_send(struct query *query, struct trale_context *context)
{
    if (query->is_sent)
        return;
    if (query->send.future.type == NULL)
        make(trale_udp_send(&query->send, query->socket, query->message.bytes, query->message.size));
    int64_t n = trale_future_poll(&query->send.future, context);
    if (n == TRALE_PENDING)
        return;
    query->send.future.type = NULL;
    query->is_sent = true;
    if (n < 0)
        try_fail(query, -EHOSTDOWN, false);
}

static int64_t query_poll_tcp(struct query *query, struct trale_context *context, struct trale_link *records)
{
    int64_t r = tcp_poll(&query->tcp, context);
    if (r == TRALE_PENDING || is_of_this_host(r))
        return r;
    if (r == 0)
        return query_take(query, query->tcp.answer, query->tcp.answer_size, false, records);
    try_fail(query, -EMSGSIZE, true);
    return TRALE_PENDING;
}

/* If the time of the try is up, it has failed. A receive whose first poll has only begun to wait is polled again. */
static int64_t query_watch(struct query *query, struct trale_context *context, struct trale_link *records)
{
    const struct trale_timer *timer = query->resolver->timer;
    if (query->sleep.future.type == NULL)
        timer->sleep_until(timer->interface.instance, &query->sleep, query->deadline_ns);
    if (trale_future_poll(&query->sleep.future, context) == TRALE_PENDING)
        return TRALE_PENDING;
    query->sleep.future.type = NULL;
    const bool is_tcp = query->state == QUERY_TCP;
    int64_t result = query_receive(query, context, records);
    if (result == TRALE_PENDING && query->state == (is_tcp ? QUERY_TCP : QUERY_ASKING))
        try_fail(query, is_tcp ? -EMSGSIZE : -ETIME, is_tcp);
    return result;
}

/* One step in each state. */
static int64_t query_step(struct query *query, struct trale_context *context, struct trale_link *records)
{
    int64_t result = TRALE_PENDING;
    if (query->state == QUERY_READY)
        result = try_begin(query);
    if (query->state == QUERY_ASKING)
        query_send(query, context);
    if (query->state == QUERY_ASKING)
        result = query_receive(query, context, records);
    if (query->state == QUERY_TCP)
        result = query_poll_tcp(query, context, records);
    if (result == TRALE_PENDING && (query->state == QUERY_ASKING || query->state == QUERY_TCP))
        result = query_watch(query, context, records);
    return result;
}

int64_t query_poll(struct query *query, struct trale_context *context, struct trale_link *records)
{
    if (!turn_wait(&query->turn, query->resolver, context))
        return TRALE_PENDING;
    if (query->state == QUERY_WAITING)
        query->state = QUERY_READY;
    const struct resolver *resolver = query->resolver;
    int64_t result;
    do {
        if (query->state == QUERY_READY && query->n_asked >= resolver->n_tries * resolver->system.n_servers)
            result = query->error;
        else
            result = query_step(query, context, records);
    } while (result == TRALE_PENDING && query->state == QUERY_READY);
    if (result != TRALE_PENDING)
        query_end(query);
    return result;
}
