/* SPDX-License-Identifier: MIT
 *
 * A DNS forwarder over UDP (RFC 1035): passes queries on to an upstream resolver, and its answers back.
 *
 *     dns_forwarder [-t MILLISECONDS] [-m MAXIMUM] UPSTREAM [ADDRESS]
 *         -t  how long one try waits for the upstream, default 500; there are three
 *         -m  maximum of queries in flight, default 1000; more are dropped
 *
 * UPSTREAM is 192.0.2.1:53, [2001:db8::1]:53, or with the driver `resolve` (examples/lookup.ini) a name:
 * dns.example:53. It listens on ADDRESS, by default 127.0.0.1:0, and prints the address with the port that the system
 * chose.
 *
 * One task per query. Each has a socket of its own that is connected to the upstream, instead of one socket for all
 * with a table of ids. So the kernel chooses an unpredictable port for every query (RFC 5452, 9.2), drops datagrams
 * that do not come from the upstream, and finds the task for an answer: no table is needed. It costs two more system
 * calls.
 *
 * SIGINT or SIGTERM ends it, after the queries in flight; then it prints its counts. That needs the signal driver,
 * which the default trale.ini does not load: add `signal` to its list of drivers, as the first. Without the driver, a
 * signal ends the program at once, as it does any other one.
 */
#define _GNU_SOURCE 1 /* getopt(3) */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <trale/random.h>
#include <trale/resolve.h>
#include <trale/signal.h>
#include <trale/timer.h>
#include <trale/trale.h>
#include <trale/udp.h>

#define N_TRIES 3
#define HEADER 12 /* id, flags, and four counts: 16 bits each */
#define SERVFAIL 2
#define STOP_SIGNALS (trale_signal_bit(SIGINT) | trale_signal_bit(SIGTERM))

struct message {
    size_t size;
    uint8_t bytes[4096]; /* the limit of most resolvers on UDP (EDNS, RFC 6891) */
};

/* What all tasks share. They run on one thread, so none of it needs a lock. */
struct forwarder {
    struct trale_udp_socket *socket; /* the clients' side */
    struct trale_address upstream;
    uint64_t timeout_ns;
    uint64_t in_flight, in_flight_max;
    uint64_t n_queries, n_answered, n_failed, n_malformed, n_dropped;
};

/* --- messages ----------------------------------------------------------------------------------------------------- */

/* Where the question ends: a name of labels, then its type and class. 0 if it does not end within the message. */
static size_t question_end(const struct message *message)
{
    size_t at = HEADER;
    while (at < message->size && message->bytes[at] != 0) {
        if (message->bytes[at] > 63) /* a pointer: before the question there is nothing that it could point to */
            return 0;
        at += 1u + message->bytes[at];
    }
    at += 1 + 4;
    return at <= message->size ? at : 0;
}

/* A query (qr = 0) or a response (qr = 0x80) with exactly one question, which is complete. */
static int is_well_formed(const struct message *message, int qr)
{
    return message->size >= HEADER && (message->bytes[2] & 0x80) == qr && message->bytes[4] == 0 &&
           message->bytes[5] == 1 && question_end(message) != 0;
}

/* The id, the opcode and the question are those that were sent, byte for byte: anything else is late, or forged. */
static int answers(const struct message *answer, const struct message *query)
{
    size_t end = question_end(query);
    return is_well_formed(answer, 0x80) && memcmp(answer->bytes, query->bytes, 2) == 0 &&
           ((answer->bytes[2] ^ query->bytes[2]) & 0x78) == 0 && question_end(answer) == end &&
           memcmp(answer->bytes + HEADER, query->bytes + HEADER, end - HEADER) == 0;
}

/* An answer that reports an error: the query's header and question, the code, and no records. */
static void make_failure(struct message *answer, const struct message *query, uint8_t code)
{
    *answer = *query;
    answer->size = question_end(query);
    answer->bytes[2] = 0x80 | (query->bytes[2] & 0x79); /* QR, and the query's opcode and RD */
    answer->bytes[3] = 0x80 | code;                     /* RA */
    memset(answer->bytes + 6, 0, HEADER - 6);
}

/* --- one query ---------------------------------------------------------------------------------------------------- */

/* One try: asks the upstream and waits for the answer to this query. */
struct attempt {
    struct trale_future future;
    struct trale_udp_socket *socket;
    const struct message *query;
    struct message *answer;
    struct trale_udp_send send;
    struct trale_udp_recv recv;
};

trale_async(attempt)
{
    trale_begin();
    trale_try(trale_udp_send(&self->send, self->socket, self->query->bytes, self->query->size));
    do {
        trale_try(trale_udp_recv(&self->recv, self->socket, self->answer->bytes, sizeof self->answer->bytes));
        self->answer->size = (size_t)trale_result();
    } while (!answers(self->answer, self->query));
    trale_return(self->recv.truncated ? -EMSGSIZE : 0);
}

struct query {
    struct trale_future future;
    struct forwarder *forwarder;
    struct trale_address client;
    uint8_t client_id[2];
    int64_t result;
    int n_tries;
    struct trale_udp_socket *upstream;
    struct attempt attempt;
    struct trale_timeout timeout;
    struct trale_udp_send send;
    struct message query, answer;
};

static void query_close(struct query *self)
{
    trale_udp_close(self->upstream);
    self->forwarder->in_flight--;
}

/* Gives the query a socket of its own, and an unpredictable id in place of the client's. */
static int query_open(struct query *self, struct trale *runtime)
{
    struct trale_address any_port = {.any.sa_family = self->forwarder->upstream.any.sa_family};

    memcpy(self->client_id, self->query.bytes, 2);
    int r = trale_random_fill(runtime, self->query.bytes, 2);
    if (r == 0)
        r = trale_udp_open_at(runtime, &any_port, 0, &self->upstream);
    if (r == 0)
        r = trale_udp_connect(self->upstream, &self->forwarder->upstream);
    return r;
}

trale_async_with(query, query_close)
{
    trale_begin();
    self->result = query_open(self, cx->runtime);
    if (self->result == 0) {
        do { /* a negative result, such as -ETIMEDOUT or -ECONNREFUSED, is a failed try */
            self->n_tries++;
            trale_await_to(self->result, trale_timeout(&self->timeout,
                                                       trale_call(attempt, &self->attempt, .socket = self->upstream,
                                                                  .query = &self->query, .answer = &self->answer),
                                                       self->forwarder->timeout_ns));
        } while (self->result < 0 && self->n_tries < N_TRIES);
    }

    if (self->result == 0) {
        self->forwarder->n_answered++;
    } else {
        self->forwarder->n_failed++;
        make_failure(&self->answer, &self->query, SERVFAIL);
    }
    memcpy(self->answer.bytes, self->client_id, 2);
    trale_await(
        trale_udp_send_to(&self->send, self->forwarder->socket, self->answer.bytes, self->answer.size, &self->client));
    trale_return(trale_result());
}

/* --- the service -------------------------------------------------------------------------------------------------- */

struct server {
    struct trale_future future;
    struct forwarder *forwarder;
    struct trale_udp_recv recv;
    struct message message;
};

/* Starts a task for the query that has come. The task answers by itself, so its handle is given up. */
static void server_accept(struct server *self, struct trale *runtime)
{
    struct forwarder *forwarder = self->forwarder;
    if (self->recv.truncated || !is_well_formed(&self->message, 0)) {
        forwarder->n_malformed++;
        return;
    }
    forwarder->n_queries++;
    struct trale_task *task = NULL;
    if (forwarder->in_flight < forwarder->in_flight_max)
        task = trale_spawn(runtime, query, .forwarder = forwarder, .client = self->recv.from, .query = self->message);
    if (task != NULL)
        forwarder->in_flight++; /* until query_close */
    else
        forwarder->n_dropped++; /* too many, or memory is out */
    trale_detach(task);
}

trale_async(server)
{
    trale_begin();
    for (;;) {
        trale_try(
            trale_udp_recv_from(&self->recv, self->forwarder->socket, self->message.bytes, sizeof self->message.bytes));
        self->message.size = (size_t)trale_result();
        server_accept(self, cx->runtime);
    }
}

/* Opens the socket for the clients and prints its address. 0 or a negative errno. */
static int forwarder_listen(struct forwarder *forwarder, struct trale *runtime, const char *address)
{
    struct trale_address local;
    char text[TRALE_ADDRESS_TEXT];
    int r = trale_udp_open(runtime, address, 0, &forwarder->socket);
    if (r == 0)
        r = trale_udp_local(forwarder->socket, &local);
    if (r == 0)
        r = trale_address_format(&local, text, sizeof text);
    if (r < 0)
        return r;
    printf("listening on %s\n", text);
    fflush(stdout);
    return 0;
}

/* Reads a numeric address, or has the name looked up. 0 or a negative errno. */
static int64_t forwarder_find_upstream(struct forwarder *forwarder, struct trale *runtime, const char *text)
{
    char name[256];
    uint16_t port;
    struct trale_resolve resolve;
    int64_t r = trale_address_parse(text, &forwarder->upstream);
    if (r != -EINVAL)
        return r;
    r = trale_resolve_split(text, name, sizeof name, &port);
    if (r == 0)
        r = trale_block_on(runtime, trale_resolve(&resolve, TRALE_LOOKUP_ADDRESSES, name, port));
    if (r == 0)
        forwarder->upstream = resolve.address;
    return r;
}

/* Receives queries until a signal comes that the driver takes; the queries in flight are tasks of their own. */
struct service {
    struct trale_future future;
    struct forwarder *forwarder;
    struct server server;
    struct trale_signal signal;
    TRALE_BRANCHES(2) race;
};

trale_async(service)
{
    trale_begin();
    if ((trale_signal_taken(cx->runtime) & STOP_SIGNALS) != STOP_SIGNALS) {
        trale_try(trale_call(server, &self->server, .forwarder = self->forwarder));
    } else {
        trale_try(trale_race_of(&self->race, trale_call(server, &self->server, .forwarder = self->forwarder),
                                trale_signal_any(&self->signal, STOP_SIGNALS)));
        if (trale_result() == 0)
            trale_return(self->race.branch[0].result); /* why the server has ended */
    }
    trale_return(0);
}

/* Runs until the service has ended, and the queries in flight as well. */
static int64_t forwarder_run(struct forwarder *forwarder, struct trale *runtime)
{
    struct trale_task *task = trale_spawn(runtime, service, .forwarder = forwarder);
    trale_run(runtime);
    return trale_join(task);
}

int main(int argc, char **argv)
{
    struct forwarder forwarder = {.timeout_ns = 500 * TRALE_MILLISECOND, .in_flight_max = 1000};
    int option;
    while ((option = getopt(argc, argv, "t:m:")) == 't' || option == 'm') {
        if (option == 't')
            forwarder.timeout_ns = strtoul(optarg, NULL, 10) * TRALE_MILLISECOND;
        else
            forwarder.in_flight_max = strtoul(optarg, NULL, 10);
    }
    if (option != -1 || forwarder.timeout_ns == 0 || forwarder.in_flight_max == 0 || optind == argc) {
        fprintf(stderr, "usage: %s [-t MILLISECONDS] [-m MAXIMUM] UPSTREAM [ADDRESS]\n", argv[0]);
        return EXIT_FAILURE;
    }

    struct trale *runtime;
    int64_t r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("trale_open", r);

    /* Before any task runs, this thread may open a socket. */
    r = forwarder_listen(&forwarder, runtime, optind + 1 < argc ? argv[optind + 1] : "127.0.0.1:0");
    if (r == 0)
        r = forwarder_find_upstream(&forwarder, runtime, argv[optind]);
    if (r == 0)
        r = forwarder_run(&forwarder, runtime);
    trale_close(runtime); /* closes the socket as well */
    if (r < 0)
        return trale_perror("dns_forwarder", r);

    printf("queries %" PRIu64 ", answered %" PRIu64 ", failed %" PRIu64 ", dropped %" PRIu64 ", malformed %" PRIu64
           "\n",
           forwarder.n_queries, forwarder.n_answered, forwarder.n_failed, forwarder.n_dropped, forwarder.n_malformed);
    return EXIT_SUCCESS;
}
