/* SPDX-License-Identifier: MIT
 *
 * Graceful shutdown: a UDP echo service that works on each datagram for a while, and ends in order at a signal.
 *
 *     graceful [-w MILLISECONDS] [-g MILLISECONDS] [ADDRESS]
 *         -w  how long it works on each datagram, default 100
 *         -g  how long the work that has begun may go on after the signal, default 5000
 *
 * At SIGTERM or SIGINT it accepts no more datagrams and waits until all work is done, the time is up, or a second
 * signal comes; then the scope drops what is left. The drivers are stopped when the runtime closes, the last one first.
 * The exit status is 0 if every datagram was answered, else 1. At SIGUSR1 it prints what every task waits for.
 *
 * It needs the signal driver, which the default trale.ini does not load: see examples/graceful.ini. */
#define _GNU_SOURCE 1 /* getopt(3), sigabbrev_np(3) */

#include <inttypes.h>
#include <unistd.h>

#include <trale/scope.h>
#include <trale/signal.h>
#include <trale/sync.h>
#include <trale/timer.h>
#include <trale/udp.h>

#define STOP_SIGNALS (trale_signal_bit(SIGTERM) | trale_signal_bit(SIGINT))
#define ALL_SIGNALS (STOP_SIGNALS | trale_signal_bit(SIGUSR1))

/* What the tasks share. One thread polls them, so none of it needs a lock. */
struct service {
    struct trale_udp_socket *socket;
    struct trale_notify stop; /* for the acceptor */
    uint64_t work_ns, grace_ns;
    uint64_t n_accepted, n_echoed;
};

struct message {
    size_t size;
    char bytes[2048]; /* longer datagrams are cut off */
};

/* One for each datagram. Its errors do not end the service, so it always returns 0. */
struct echo {
    struct trale_future future;
    struct service *service;
    struct trale_address client;
    struct trale_sleep work;
    struct trale_udp_send send;
    struct message message;
};

trale_async(echo)
{
    trale_begin();
    trale_await(trale_sleep(&self->work, self->service->work_ns));
    trale_await(
        trale_udp_send_to(&self->send, self->service->socket, self->message.bytes, self->message.size, &self->client));
    self->service->n_echoed += trale_result() >= 0;
    trale_return(0);
}

/* The body of the scope: accepts datagrams until it is notified to stop. */
struct acceptor {
    struct trale_future future;
    struct service *service;
    struct trale_scope *scope;
    struct trale_udp_recv recv;
    struct trale_notify_wait stop;
    TRALE_BRANCHES(2) race;
    struct message message;
};

trale_async(acceptor)
{
    trale_begin();
    for (;;) {
        trale_await(trale_race_of(
            &self->race, trale_notify_wait(&self->stop, &self->service->stop),
            trale_udp_recv_from(&self->recv, self->service->socket, self->message.bytes, sizeof self->message.bytes)));
        int64_t size = self->race.branch[1].result;
        if (trale_result() != 1)
            trale_return(0);
        if (size < 0)
            trale_return(size);
        self->message.size = (size_t)size;
        int r = trale_scope_spawn(self->scope, echo, .service = self->service, .client = self->recv.from,
                                  .message = self->message);
        if (r < 0)
            trale_return(r);
        printf("accepted %" PRIu64 "\n", ++self->service->n_accepted);
    }
}

/* Resolves when the time is up: `grace_ns` after the first signal, or at the second. Only this task awaits
 * these signals: another might not be waiting at the moment when one comes. */
struct limit {
    struct trale_future future;
    struct service *service;
    struct trale_signal signal;
    struct trale_sleep grace;
    TRALE_BRANCHES(2) race;
};

trale_async(limit)
{
    trale_begin();
    trale_try(trale_signal_any(&self->signal, STOP_SIGNALS));
    printf("SIG%s: %" PRIu64 " under way\n", sigabbrev_np(self->signal.number),
           self->service->n_accepted - self->service->n_echoed);
    trale_notify_one(&self->service->stop);
    trale_try(trale_race_of(&self->race, trale_sleep(&self->grace, self->service->grace_ns),
                            trale_signal_any(&self->signal, STOP_SIGNALS)));
    trale_return(0);
}

struct server {
    struct trale_future future;
    struct service *service;
    struct trale_scope scope;
    struct acceptor acceptor;
    struct limit limit;
    TRALE_BRANCHES(2) race;
};

trale_async(server)
{
    trale_begin();
    trale_try(trale_race_of(&self->race,
                            trale_scope(&self->scope, trale_call(acceptor, &self->acceptor, .service = self->service,
                                                                 .scope = &self->scope)),
                            trale_call(limit, &self->limit, .service = self->service)));
    trale_return(self->race.branch[trale_result()].result); /* of the branch that has won */
}

static void write_down(void *file, const char *text)
{
    fputs(text, file);
}

struct inspector {
    struct trale_future future;
    struct trale_signal signal;
};

trale_async(inspector)
{
    trale_begin();
    for (;;) {
        trale_try(trale_signal(&self->signal, SIGUSR1));
        trale_dump(cx->runtime, write_down, stdout);
    }
}

/* Before any task runs, this thread may open the socket. */
static int64_t service_run(struct service *service, struct trale *runtime, const char *address)
{
    struct trale_address local;
    char text[TRALE_ADDRESS_TEXT];
    int r = trale_udp_open(runtime, address, 0, &service->socket);
    if (r == 0)
        r = trale_udp_local(service->socket, &local);
    if (r == 0)
        r = trale_address_format(&local, text, sizeof text);
    if (r < 0)
        return r;
    printf("listening on %s\n", text);
    trale_detach(trale_spawn(runtime, inspector));
    return trale_join(trale_spawn(runtime, server, .service = service));
}

int main(int argc, char **argv)
{
    struct service service = {.stop = TRALE_NOTIFY, .work_ns = 100 * TRALE_MILLISECOND, .grace_ns = 5 * TRALE_SECOND};
    for (int option; (option = getopt(argc, argv, "w:g:")) != -1;) {
        if (option != 'w' && option != 'g') {
            fprintf(stderr, "usage: %s [-w MILLISECONDS] [-g MILLISECONDS] [ADDRESS]\n", argv[0]);
            return EXIT_FAILURE;
        }
        *(option == 'w' ? &service.work_ns : &service.grace_ns) = strtoul(optarg, NULL, 10) * TRALE_MILLISECOND;
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* writes line by line, also into a pipe */

    /* From here on the driver gets the signals. A program starts its own threads only after this. */
    struct trale *runtime;
    int64_t result = trale_open(&runtime, NULL);
    if (result < 0)
        return trale_perror("trale_open", result);
    if ((ALL_SIGNALS & ~trale_signal_taken(runtime)) != 0) {
        fprintf(stderr, "%s: no driver takes TERM, INT and USR1; see examples/graceful.ini\n", argv[0]);
        trale_close(runtime);
        return EXIT_FAILURE;
    }
    result = service_run(&service, runtime, optind < argc ? argv[optind] : "127.0.0.1:0");
    trale_close(runtime);
    if (result < 0)
        return trale_perror(argv[0], result);
    printf("echoed %" PRIu64 " of %" PRIu64 "\n", service.n_echoed, service.n_accepted);
    return service.n_echoed == service.n_accepted ? EXIT_SUCCESS : EXIT_FAILURE;
}
