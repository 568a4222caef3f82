/* SPDX-License-Identifier: MIT
 *
 * The name server of a simulated network: answers the queries of dns_client, each after some time, and ends at SIGTERM.
 *
 *     dns_server ADDRESS */
#include <stdbool.h>
#include <stdlib.h>

#include <trale/random.h>
#include <trale/signal.h>
#include <trale/timer.h>
#include <trale/udp.h>

#include "dns.h"

/* One for each query. */
struct answer {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_address client;
    struct trale_sleep sleep;
    struct trale_udp_send send;
    struct dns_message message;
};

trale_async(answer)
{
    uint8_t delay_ms;
    trale_begin();
    if (trale_random_fill(cx->runtime, &delay_ms, 1) < 0)
        trale_return(-EIO);
    trale_await(trale_sleep(&self->sleep, delay_ms / 8 * TRALE_MILLISECOND));
    dns_make_answer(&self->message, (uint32_t)dns_number(&self->message));
    trale_await(trale_udp_send_to(&self->send, self->socket, self->message.bytes, self->message.size, &self->client));
    trale_return(0);
}

struct server {
    struct trale_future future;
    struct trale_udp_socket *socket;
    uint64_t n_queries;
    struct trale_udp_recv recv;
    struct trale_signal signal;
    TRALE_BRANCHES(2) race;
    struct dns_message message;
};

trale_async(server)
{
    trale_begin();
    for (;;) {
        trale_try(trale_race_of(
            &self->race,
            trale_udp_recv_from(&self->recv, self->socket, self->message.bytes, sizeof self->message.bytes),
            trale_signal(&self->signal, SIGTERM)));
        if (trale_result() == 1)
            break;
        if (self->race.branch[0].result < 0)
            trale_return(self->race.branch[0].result);
        self->message.size = (size_t)self->race.branch[0].result;
        if (dns_number(&self->message) < 0) {
            printf("a query that is none, of %zu bytes\n", self->message.size);
            trale_return(-EPROTO);
        }
        self->n_queries++;
        trale_detach(trale_spawn(cx->runtime, answer, .socket = self->socket, .client = self->recv.from,
                                 .message = self->message));
    }
    printf("queries %llu\n", (unsigned long long)self->n_queries);
    trale_return(0);
}

int main(int argc, char **argv)
{
    struct trale *runtime = NULL;
    struct trale_udp_socket *socket;
    int64_t r = argc == 2 ? trale_open(&runtime, NULL) : -EINVAL;
    if (r < 0)
        return trale_perror("dns_server", r);
    r = trale_udp_open(runtime, argv[1], 0, &socket);
    if (r == 0)
        r = trale_join(trale_spawn(runtime, server, .socket = socket));
    trale_close(runtime);
    return r < 0 ? trale_perror("dns_server", r) : EXIT_SUCCESS;
}
