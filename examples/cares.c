/* SPDX-License-Identifier: MIT
 *
 * A library that has sockets and timeouts of its own: c-ares resolves names, all at once, in one task. The task waits
 * for whichever of the library's sockets is ready, or until the library's next timeout, and lets the library go on. A
 * program that only wants names uses lookup.c.
 *
 *     cares [-s SERVER[:PORT]] [-t MILLISECONDS] NAME...
 *         -s  the name server; without it, those of /etc/resolv.conf
 *         -t  how long the first try may take */
#define _GNU_SOURCE 1 /* ares.h wants fd_set */

#include <arpa/inet.h>
#include <stdbool.h>
#include <unistd.h>

#include <ares.h>

#include <trale/fd.h>
#include <trale/timer.h>

struct resolver {
    struct trale_future future;
    const char *server; /* or NULL */
    int timeout_ms;     /* or 0 */
    char **names;       /* NULL ends them */
    ares_channel channel;
    size_t n_pending, n_failed;
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    struct trale_fd_wait waits[ARES_GETSOCK_MAXNUM];
    struct trale_branch branches[ARES_GETSOCK_MAXNUM];
    struct trale_branches race;
    struct trale_timeout timeout;
};

/* What c-ares was asked, and by which resolver. */
struct query {
    struct resolver *resolver;
    const char *name;
};

/* c-ares calls this when it changes what a socket waits for; before it closes one, that is nothing. */
static void on_socket(void *data, ares_socket_t socket, int readable, int writable)
{
    (void)data;
    if (!readable && !writable)
        trale_fd_forget(trale_current(), socket);
}

static void on_answer(void *data, int status, int n_timeouts, struct ares_addrinfo *answer)
{
    struct query *query = data;
    (void)n_timeouts;
    query->resolver->n_pending--;
    if (status != ARES_SUCCESS) {
        query->resolver->n_failed++;
        if (status != ARES_EDESTRUCTION)
            fprintf(stderr, "%s: %s\n", query->name, ares_strerror(status));
    }
    for (struct ares_addrinfo_node *node = answer != NULL ? answer->nodes : NULL; node != NULL; node = node->ai_next) {
        char text[INET6_ADDRSTRLEN];
        const void *address = node->ai_family == AF_INET
                                  ? (const void *)&((struct sockaddr_in *)(void *)node->ai_addr)->sin_addr
                                  : (const void *)&((struct sockaddr_in6 *)(void *)node->ai_addr)->sin6_addr;
        printf("%s: %s\n", query->name, inet_ntop(node->ai_family, address, text, sizeof text));
    }
    ares_freeaddrinfo(answer);
    free(query);
}

static int resolver_open(struct resolver *self)
{
    struct ares_options options = {.timeout = self->timeout_ms, .sock_state_cb = on_socket};
    int flags = ARES_OPT_SOCK_STATE_CB | (self->timeout_ms > 0 ? ARES_OPT_TIMEOUTMS : 0);
    int status = ares_init_options(&self->channel, &options, flags);
    if (status == ARES_SUCCESS && self->server != NULL)
        status = ares_set_servers_ports_csv(self->channel, self->server);
    return status == ARES_SUCCESS ? 0 : status == ARES_ENOMEM ? -ENOMEM : -EINVAL;
}

static int resolver_ask(struct resolver *self, const char *name)
{
    const struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC};
    struct query *query = malloc(sizeof *query);
    if (query == NULL)
        return -ENOMEM;
    *query = (struct query){self, name};
    self->n_pending++;
    ares_getaddrinfo(self->channel, name, NULL, &hints, on_answer, query);
    return 0;
}

/* Runs however the task ends. Queries that are left end here, and their sockets are forgotten and closed. */
static void resolver_close(struct resolver *self)
{
    if (self->channel != NULL)
        ares_destroy(self->channel);
}

/* The future of the first of c-ares's sockets that is ready. */
static struct trale_future *resolver_wait(struct resolver *self)
{
    int wanted = ares_getsock(self->channel, self->sockets, ARES_GETSOCK_MAXNUM);
    size_t n = 0;
    for (; n < ARES_GETSOCK_MAXNUM; n++) {
        uint32_t interest = (ARES_GETSOCK_READABLE((unsigned)wanted, n) ? TRALE_READABLE : 0) |
                            (ARES_GETSOCK_WRITABLE((unsigned)wanted, n) ? TRALE_WRITABLE : 0);
        if (interest == 0)
            break;
        self->branches[n].future = trale_fd_wait(&self->waits[n], self->sockets[n], interest);
    }
    return trale_race(&self->race, self->branches, n);
}

static uint64_t resolver_timeout_ns(struct resolver *self)
{
    struct timeval limit = {0};
    ares_timeout(self->channel, NULL, &limit);
    return (uint64_t)limit.tv_sec * TRALE_SECOND + (uint64_t)limit.tv_usec * TRALE_MICROSECOND;
}

/* Lets c-ares read, write, or see to what has timed out. An error is what it finds when it reads. */
static void resolver_go_on(struct resolver *self, int64_t winner)
{
    ares_socket_t socket = winner >= 0 ? self->sockets[winner] : ARES_SOCKET_BAD;
    int64_t ready = winner >= 0 ? self->branches[winner].result : 0;
    bool reads = ready < 0 || (ready & ~TRALE_WRITABLE) != 0, writes = ready > 0 && (ready & TRALE_WRITABLE) != 0;
    ares_process_fd(self->channel, reads ? socket : ARES_SOCKET_BAD, writes ? socket : ARES_SOCKET_BAD);
}

/* The result is how many names were not resolved. */
trale_async_with(resolver, resolver_close)
{
    trale_begin();
    int r = resolver_open(self);
    for (char **name = self->names; r == 0 && *name != NULL; name++)
        r = resolver_ask(self, *name);
    if (r < 0)
        trale_return(r);
    while (self->n_pending > 0) {
        trale_await(trale_timeout(&self->timeout, resolver_wait(self), resolver_timeout_ns(self)));
        if (trale_result() < 0 && trale_result() != -ETIMEDOUT)
            trale_return(trale_result());
        resolver_go_on(self, trale_result());
    }
    trale_return((int64_t)self->n_failed);
}

int main(int argc, char **argv)
{
    const char *server = NULL;
    int timeout_ms = 0;
    for (int option; (option = getopt(argc, argv, "s:t:")) != -1;) {
        if (option == 's')
            server = optarg;
        else if (option == 't')
            timeout_ms = atoi(optarg);
        else
            return EXIT_FAILURE;
    }
    struct trale *runtime;
    int r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("trale_open", r);
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
        trale_close(runtime);
        return trale_perror("c-ares", -ENOMEM);
    }
    int64_t n_failed = trale_join(
        trale_spawn(runtime, resolver, .server = server, .timeout_ms = timeout_ms, .names = argv + optind));
    trale_close(runtime);
    ares_library_cleanup();
    if (n_failed < 0)
        return trale_perror("c-ares", n_failed);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
