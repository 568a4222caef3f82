/* SPDX-License-Identifier: MIT
 *
 * An SNTP client (RFC 4330): asks a server for the time, and prints how far this host's clock is from the server's. It
 * sets no clock.
 *
 *     sntp_client [-n TIMES] [-p MILLISECONDS] [-m MICROSECONDS] ADDRESS
 *         -n  how many answers it wants, default 1; each is asked for up to 50 times
 *         -p  how long it waits after an answer, default 2000
 *         -m  both hosts have one clock: the difference must be explained by the delay, up to so much
 *
 * An answer is late, forged or a copy if its request is not the last one; it is passed over. After each request that
 * was not answered within a second, and each refusal, the client waits twice as long as before (RFC 4330 10). */
#define _GNU_SOURCE 1 /* getopt(3) */

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <trale/random.h>
#include <trale/timer.h>
#include <trale/udp.h>
#include <trale/udp_info.h>

#include "packet.h"

#define N_TRIES 50
#define PAUSE_MAX_NS (8 * TRALE_SECOND)

struct options {
    uint32_t n_answers, pause_ms;
    int64_t margin_ns; /* < 0: the clocks may differ */
};

/* One request, and the datagrams that come until it is answered. */
struct ask {
    struct trale_future future;
    struct trale_udp_socket *socket;
    uint64_t nonce, originate; /* when it was sent */
    uint64_t n_stale;
    struct sntp_reading reading;
    struct trale_udp_info info;
    struct trale_udp_send send;
    struct trale_udp_recv recv;
    uint8_t bytes[SNTP_SIZE];
};

trale_async(ask)
{
    trale_begin();
    int r = trale_random_fill(cx->runtime, &self->nonce, sizeof self->nonce);
    if (r < 0)
        trale_return(r);
    sntp_ask(self->bytes, self->nonce);
    self->originate = sntp_timestamp(trale_now_on(cx->runtime, TRALE_CLOCK_REALTIME));
    trale_try(trale_udp_send(&self->send, self->socket, self->bytes, SNTP_SIZE));
    do {
        trale_try(trale_udp_recv_info(&self->recv, self->socket, self->bytes, SNTP_SIZE, &self->info));
        r = sntp_read(&self->reading, self->bytes, self->recv.length, self->nonce);
        self->n_stale += r == -ESTALE;
    } while (r == -ESTALE);
    trale_return(r);
}

struct client {
    struct trale_future future;
    struct options options;
    struct trale_udp_socket *socket;
    uint32_t n_answers, n_tries, n_all_tries, n_refused;
    uint64_t n_stale, pause_ns;
    int64_t result;
    struct ask ask;
    struct trale_timeout timeout;
    struct trale_sleep sleep;
};

/* Prints the difference. Whether it can be: the delay is not negative and, with -m, explains it. */
static bool show(const struct ask *ask, const struct options *options)
{
    const struct sntp_reading *reading = &ask->reading;
    uint64_t destination = sntp_timestamp(ask->info.time_ns);
    int64_t there_ns = sntp_difference_ns(reading->receive, ask->originate);
    int64_t back_ns = sntp_difference_ns(destination, reading->transmit);
    int64_t delay_ns = there_ns + back_ns, offset_ns = (there_ns - back_ns) / 2;
    const uint8_t *id = reading->reference_id;
    printf("offset %+.6f s, delay %.6f s, stratum %u, reference %u.%u.%u.%u\n", (double)offset_ns / 1e9,
           (double)delay_ns / 1e9, reading->stratum, id[0], id[1], id[2], id[3]);
    if (options->margin_ns < 0)
        return true;
    return delay_ns >= 0 && llabs(offset_ns) <= delay_ns / 2 + options->margin_ns &&
           sntp_difference_ns(reading->transmit, reading->receive) >= 0;
}

trale_async(client)
{
    trale_begin();
    for (; self->n_answers < self->options.n_answers; self->n_answers++) {
        self->pause_ns = TRALE_SECOND;
        for (self->n_tries = 1;; self->n_tries++) {
            /* A negative result, such as -ECONNREFUSED while the server is down, is a failed try. */
            trale_await_to(
                self->result,
                trale_timeout(&self->timeout, trale_call(ask, &self->ask, .socket = self->socket), TRALE_SECOND));
            self->n_all_tries++;
            self->n_stale += self->ask.n_stale;
            self->n_refused += self->result == -EBUSY;
            if (self->result == 0 || self->result == -EPROTO || self->n_tries == N_TRIES)
                break;
            trale_try(trale_sleep(&self->sleep, self->pause_ns));
            self->pause_ns = self->pause_ns * 2 < PAUSE_MAX_NS ? self->pause_ns * 2 : PAUSE_MAX_NS;
        }
        if (self->result == 0 && !show(&self->ask, &self->options))
            trale_return(-ERANGE);
        if (self->result < 0)
            trale_return(self->result);
        if (self->n_answers + 1 < self->options.n_answers)
            trale_try(trale_sleep(&self->sleep, self->options.pause_ms * TRALE_MILLISECOND));
    }
    printf("answers %" PRIu32 ", requests %" PRIu32 ", refused %" PRIu32 ", late %" PRIu64 "\n", self->n_answers,
           self->n_all_tries, self->n_refused, self->n_stale);
    trale_return(0);
}

static int64_t client_run(struct trale *runtime, const char *server, struct options options)
{
    struct trale_address address, any_port = {0};
    struct trale_udp_socket *socket;
    int r = trale_address_parse(server, &address);
    if (r < 0)
        return r;
    any_port.any.sa_family = address.any.sa_family;
    r = trale_udp_open_at(runtime, &any_port, 0, &socket);
    if (r == 0)
        r = trale_udp_connect(socket, &address);
    if (r == 0)
        r = trale_udp_set(socket, TRALE_UDP_INFO, TRALE_UDP_INFO_TIME);
    if (r < 0)
        return r;
    return trale_join(trale_spawn(runtime, client, .socket = socket, .options = options));
}

static bool read_option(struct options *options, int option, const char *text)
{
    uint32_t number;
    if (option == '?' || sscanf(text, "%" SCNu32, &number) != 1 || number > 1000000)
        return false;
    if (option == 'n')
        options->n_answers = number;
    else if (option == 'p')
        options->pause_ms = number;
    else
        options->margin_ns = (int64_t)(number * TRALE_MICROSECOND);
    return true;
}

int main(int argc, char **argv)
{
    struct options options = {.n_answers = 1, .pause_ms = 2000, .margin_ns = -1};
    bool is_understood = true;
    for (int option; (option = getopt(argc, argv, "n:p:m:")) != -1;)
        is_understood = read_option(&options, option, optarg) && is_understood;
    if (!is_understood || optind + 1 != argc) {
        fprintf(stderr, "usage: %s [-n TIMES] [-p MILLISECONDS] [-m MICROSECONDS] ADDRESS\n", argv[0]);
        return EXIT_FAILURE;
    }
    struct trale *runtime;
    int64_t result = trale_open(&runtime, NULL);
    if (result < 0)
        return trale_perror("trale_open", result);
    result = client_run(runtime, argv[optind], options);
    trale_close(runtime); /* closes the socket as well */
    return result < 0 ? trale_perror("sntp_client", result) : EXIT_SUCCESS;
}
