/* SPDX-License-Identifier: MIT
 *
 * A client sends requests to a server, one after the other, each again until it is answered. When its host crashes, it
 * begins anew, with the next session. A switch plants a bug of a protocol of this kind:
 *
 *   PLANT_STALE     The server keeps what it knows of the client's address when the client has started again: the
 *                   first requests of the new session are duplicates to it, which it discards, for ever (pion/dtls,
 *                   issue 253).
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <trale/branches.h>
#include <trale/sim.h>
#include <trale/timer.h>
#include <trale/udp.h>

#define SERVER "10.0.0.1:53"
#define CLIENT "10.0.0.2:1000"
#define N_REQUESTS 8
#define WAIT_NS (200 * TRALE_MILLISECOND)
#define PAUSE_NS (500 * TRALE_MILLISECOND)

/* A request; the answer is the same. */
struct request {
    uint32_t session, number;
};

/* --- the server --------------------------------------------------------------------------------------------------- */

struct server {
    struct trale_future future;
    struct trale_udp_socket *socket;
    uint32_t session, last; /* of the client: the number of the last request that was done */
    uint32_t n_done;
    struct request request;
    struct trale_udp_recv recv;
    struct trale_udp_send send;
};

/* Whether the request is to be answered. */
static bool server_take(struct server *server, const struct request *request)
{
#ifndef PLANT_STALE
    if (request->session < server->session)
        return false;
    if (request->session > server->session)
        server->last = 0;
#endif
    server->session = request->session;
    if (request->number < server->last)
        return false;
    server->n_done += request->number > server->last;
    server->last = request->number;
    return true;
}

trale_async(server)
{
    trale_begin();
    int r = trale_udp_open(cx->runtime, SERVER, 0, &self->socket);
    if (r < 0)
        trale_return(r);
    for (;;) {
        trale_await(trale_udp_recv_from(&self->recv, self->socket, &self->request, sizeof self->request));
        if (trale_result() == sizeof self->request && server_take(self, &self->request))
            trale_await(
                trale_udp_send_to(&self->send, self->socket, &self->request, sizeof self->request, &self->recv.from));
    }
}

/* --- the client --------------------------------------------------------------------------------------------------- */

struct client {
    struct trale_future future;
    uint32_t *n_starts; /* survives a crash */
    struct trale_udp_socket *socket;
    struct trale_address server;
    struct request request, answer;
    struct trale_udp_recv recv;
    struct trale_udp_send send;
    struct trale_timeout timeout;
    struct trale_sleep pause;
};

trale_async(client)
{
    trale_begin();
    self->request = (struct request){.session = ++*self->n_starts};
    int r = trale_address_parse(SERVER, &self->server);
    if (r == 0)
        r = trale_udp_open(cx->runtime, CLIENT, 0, &self->socket);
    if (r < 0)
        trale_return(r);
    for (self->request.number = 1; self->request.number <= N_REQUESTS; self->request.number++) {
        do {
            trale_await(
                trale_udp_send_to(&self->send, self->socket, &self->request, sizeof self->request, &self->server));
            trale_await(trale_timeout(
                &self->timeout, trale_udp_recv_from(&self->recv, self->socket, &self->answer, sizeof self->answer),
                WAIT_NS));
        } while (trale_result() != sizeof self->answer ||
                 memcmp(&self->answer, &self->request, sizeof self->answer) != 0);
        trale_try(trale_sleep(&self->pause, PAUSE_NS));
    }
    trale_return(0);
}

struct exchange {
    struct trale_future future;
    uint32_t n_starts;
    struct server server;
    TRALE_SIM_HOST(client) client;
    struct trale_address address;
    TRALE_BRANCHES(2) race;
};

trale_async(exchange)
{
    trale_begin();
    int r = trale_address_parse(CLIENT, &self->address);
    if (r < 0)
        trale_return(r);
    trale_try(trale_race_of(&self->race, trale_call(server, &self->server),
                            trale_sim_host(&self->client, &self->address, client, .n_starts = &self->n_starts)));
    if (self->n_starts > 1)
        trale_sometimes("a client that has started again is answered");
    trale_return(self->race.branch[trale_result()].result);
}

int main(void)
{
    struct trale *runtime;
    struct exchange exchange;
    int r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("trale_open", r);
    int64_t result = trale_block_on(runtime, trale_call(exchange, &exchange));
    trale_close(runtime);
    return result < 0 ? trale_perror("session", result) : 0;
}
