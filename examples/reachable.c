/* SPDX-License-Identifier: MIT
 *
 * Which hosts can be reached: sends a datagram to each address, all at once, and prints what comes back within a
 * second: an answer, or an error from the host or from a router on the way.
 *
 *     reachable ADDRESS... */
#include <trale/timer.h>
#include <trale/udp_info.h>

struct probe {
    struct trale_future future;
    const char *text;
    struct trale_udp_socket *socket;
    struct trale_udp_send send;
    struct trale_udp_recv recv;
    struct trale_udp_error error;
    TRALE_BRANCHES(2) race;
    struct trale_timeout timeout;
    char buf[16];
};

static void probe_close(struct probe *self)
{
    trale_udp_close(self->socket);
}

/* Opens a socket without a peer, which gets no errors unless TRALE_UDP_ERRORS is on. */
static int probe_open(struct probe *self, struct trale *runtime, struct trale_address *to)
{
    int r = trale_address_parse(self->text, to);
    if (r == 0)
        r = trale_udp_open(runtime, to->any.sa_family == AF_INET ? "0.0.0.0:0" : "[::]:0", 0, &self->socket);
    if (r == 0)
        r = trale_udp_set(self->socket, TRALE_UDP_ERRORS, 1);
    return r;
}

static void probe_tell_error(struct probe *self)
{
    char from[TRALE_ADDRESS_TEXT] = "this host";
    if (self->error.from.any.sa_family != AF_UNSPEC)
        trale_address_format(&self->error.from, from, sizeof from);
    printf("%s: %s, says %s\n", self->text, strerror(-self->error.error), from);
}

trale_async_with(probe, probe_close)
{
    trale_begin();
    struct trale_address to;
    int r = probe_open(self, cx->runtime, &to);
    if (r < 0)
        trale_return(r);
    trale_try(trale_udp_send_to(&self->send, self->socket, "hello?", 6, &to));
    trale_await(
        trale_timeout(&self->timeout,
                      trale_race_of(&self->race, trale_udp_recv(&self->recv, self->socket, self->buf, sizeof self->buf),
                                    trale_udp_recv_error(&self->error, self->socket, NULL, 0)),
                      TRALE_SECOND));
    if (trale_result() == 0)
        printf("%s: answers\n", self->text);
    else if (trale_result() == 1)
        probe_tell_error(self);
    else
        printf("%s: %s\n", self->text, strerror((int)-trale_result()));
    trale_return(0);
}

int main(int argc, char **argv)
{
    struct trale *runtime;
    int r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("trale_open", r);
    int status = EXIT_SUCCESS;
    struct trale_task **tasks = calloc((size_t)argc, sizeof *tasks);
    if (tasks == NULL)
        return trale_perror(argv[0], -ENOMEM);
    for (int i = 1; i < argc; i++)
        tasks[i] = trale_spawn(runtime, probe, .text = argv[i]);
    for (int i = 1; i < argc; i++) {
        int64_t result = trale_join(tasks[i]);
        if (result < 0)
            status = trale_perror(argv[i], result);
    }
    free(tasks);
    trale_close(runtime);
    return status;
}
