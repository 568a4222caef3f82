/* SPDX-License-Identifier: MIT
 *
 * Asks a resolver for names, one each second, again and again until it is answered, and checks every byte of all that
 * comes.
 *
 *     dns_client [-n NAMES] RESOLVER */
#define _GNU_SOURCE 1 /* getopt(3) */

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <trale/random.h>
#include <trale/timer.h>
#include <trale/udp.h>

#include "dns.h"

#define TIMEOUT_NS (2 * TRALE_SECOND)
#define N_TRIES 30 /* far longer than the faults of a world last */

struct client {
    struct trale_future future;
    struct trale_udp_socket *socket;
    uint32_t n_names, number; /* of the name that is asked for */
    uint32_t n_tries, n_all_tries, n_failures;
    uint16_t first_id; /* that of the name 0; the others follow */
    int64_t result;
    struct trale_udp_send send;
    struct trale_udp_recv recv;
    struct trale_timeout timeout;
    struct trale_sleep sleep;
    struct dns_message query, answer;
};

/* What a message is that has come. */
enum verdict {
    VERDICT_WRONG,
    VERDICT_LATE,    /* It answers a query of before. */
    VERDICT_FAILURE, /* SERVFAIL */
    VERDICT_ANSWER,
};

static enum verdict judge(const struct client *client)
{
    struct dns_message wanted;
    const struct dns_message *found = &client->answer;
    uint16_t id = (uint16_t)(found->bytes[0] << 8 | found->bytes[1]);
    uint32_t number = (uint16_t)(id - client->first_id);
    if (found->size < DNS_HEADER || number > client->number)
        return VERDICT_WRONG;
    dns_make_query(&wanted, id, number);
    bool is_failure = (found->bytes[3] & 15) == 2;
    if (is_failure) {
        wanted.bytes[2] = 0x81;
        wanted.bytes[3] = 0x82;
    } else {
        dns_make_answer(&wanted, number);
    }
    if (found->size != wanted.size || memcmp(found->bytes, wanted.bytes, wanted.size) != 0)
        return VERDICT_WRONG;
    if (number < client->number)
        return VERDICT_LATE;
    return is_failure ? VERDICT_FAILURE : VERDICT_ANSWER;
}

trale_async(client)
{
    enum verdict verdict;
    trale_begin();
    for (; self->number < self->n_names; self->number++) {
        dns_make_query(&self->query, (uint16_t)(self->first_id + self->number), self->number);
        self->n_tries = 0;
        do {
            if (self->n_tries++ == N_TRIES) {
                printf("n%u.example. was not answered\n", self->number);
                trale_return(-ETIMEDOUT);
            }
            self->n_all_tries++;
            /* A negative result, such as -ECONNREFUSED while the resolver is down, is a failed try. */
            trale_await(trale_udp_send(&self->send, self->socket, self->query.bytes, self->query.size));
            do {
                trale_await_to(self->result, trale_timeout(&self->timeout,
                                                           trale_udp_recv(&self->recv, self->socket, self->answer.bytes,
                                                                          sizeof self->answer.bytes),
                                                           TIMEOUT_NS));
                self->answer.size = self->result > 0 ? (size_t)self->result : 0;
                verdict = self->result >= 0 ? judge(self) : VERDICT_FAILURE;
            } while (verdict == VERDICT_LATE);
            if (verdict == VERDICT_WRONG) {
                printf("what came for n%u.example. is wrong\n", self->number);
                trale_return(-EPROTO);
            }
            self->n_failures += verdict == VERDICT_FAILURE;
            self->result = verdict == VERDICT_ANSWER;
            trale_await(trale_sleep(&self->sleep, TRALE_SECOND));
        } while (self->result == 0);
    }
    printf("%u names, %u tries, %u failed\n", self->n_names, self->n_all_tries, self->n_failures);
    trale_return(0);
}

static int64_t client_run(struct trale *runtime, const char *resolver, uint32_t n_names)
{
    struct trale_address address, any_port = {.any.sa_family = AF_INET};
    struct trale_udp_socket *socket = NULL;
    uint16_t first_id = 0;
    int r = trale_address_parse(resolver, &address);
    if (r == 0)
        r = trale_random_fill(runtime, &first_id, sizeof first_id);
    if (r == 0)
        r = trale_udp_open_at(runtime, &any_port, 0, &socket);
    if (r == 0)
        r = trale_udp_connect(socket, &address);
    if (r < 0)
        return r;
    return trale_join(trale_spawn(runtime, client, .socket = socket, .n_names = n_names, .first_id = first_id));
}

int main(int argc, char **argv)
{
    uint32_t n_names = 20;
    int option;
    while ((option = getopt(argc, argv, "n:")) == 'n')
        n_names = (uint32_t)strtoul(optarg, NULL, 10);
    if (option != -1 || n_names == 0 || n_names >= DNS_NAMES || optind + 1 != argc) {
        fprintf(stderr, "usage: %s [-n NAMES] RESOLVER\n", argv[0]);
        return EXIT_FAILURE;
    }
    struct trale *runtime;
    int64_t r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("dns_client", r);
    r = client_run(runtime, argv[optind], n_names);
    trale_close(runtime);
    return r < 0 ? trale_perror("dns_client", r) : EXIT_SUCCESS;
}
