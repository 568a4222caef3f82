/* SPDX-License-Identifier: MIT
 *
 * A source sends values to an inbox, each again until it is acknowledged. The inbox waits for values and for the ticks
 * of a clock at the same time. A switch plants a bug that such a loop has often had:
 *
 *   PLANT_SELECT    A value is received and acknowledged, and then decoded, in one branch of the race: a tick that
 *                   comes meanwhile drops the branch, and with it the value (marmot-protocol/mdk, issue 712; likewise
 *                   xaynetwork/xaynet, pull request 577).
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include <trale/branches.h>
#include <trale/timer.h>
#include <trale/udp.h>

#define SOURCE "10.0.0.1:1000"
#define INBOX "10.0.0.2:1000"
#define N_VALUES 20
#define WAIT_NS (100 * TRALE_MILLISECOND)
#define PAUSE_NS (40 * TRALE_MILLISECOND)
#define TICK_NS (250 * TRALE_MILLISECOND)
#define DECODE_NS (3 * TRALE_MILLISECOND)

/* --- the inbox ---------------------------------------------------------------------------------------------------- */

/* Receives a value and decodes it; resolves to it. */
struct next_value {
    struct trale_future future;
    struct trale_udp_socket *socket;
    uint8_t value;
    struct trale_udp_recv recv;
    struct trale_udp_send send;
    struct trale_sleep decoding;
};

trale_async(next_value)
{
    trale_begin();
    do
        trale_await(trale_udp_recv_from(&self->recv, self->socket, &self->value, sizeof self->value));
    while (trale_result() != sizeof self->value || self->value > N_VALUES);
#ifdef PLANT_SELECT
    trale_await(trale_udp_send_to(&self->send, self->socket, &self->value, sizeof self->value, &self->recv.from));
#endif
    trale_try(trale_sleep(&self->decoding, DECODE_NS));
    trale_return(self->value);
}

struct inbox {
    struct trale_future future;
    bool has[N_VALUES + 1];
    uint64_t n_ticks;
    struct trale_udp_socket *socket;
    struct next_value next;
    struct trale_interval interval;
    struct trale_udp_send send;
    TRALE_BRANCHES(2) race;
};

trale_async(inbox)
{
    trale_begin();
    int r = trale_udp_open(cx->runtime, INBOX, 0, &self->socket);
    if (r < 0)
        trale_return(r);
    trale_interval_start(&self->interval, trale_now(cx->runtime) + TICK_NS, TICK_NS);
    for (;;) {
        trale_try(trale_race_of(&self->race, trale_call(next_value, &self->next, .socket = self->socket),
                                trale_tick(&self->interval)));
        if (trale_result() == 1) {
            self->n_ticks++;
            continue;
        }
        if (self->race.branch[0].result < 0)
            trale_return(self->race.branch[0].result);
        self->has[self->next.value] = true;
#ifndef PLANT_SELECT
        trale_await(trale_udp_send_to(&self->send, self->socket, &self->next.value, sizeof self->next.value,
                                      &self->next.recv.from));
#endif
    }
}

/* --- the source --------------------------------------------------------------------------------------------------- */

struct source {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_address inbox;
    uint8_t value, acknowledged;
    struct trale_udp_recv recv;
    struct trale_udp_send send;
    struct trale_timeout timeout;
    struct trale_sleep pause;
};

trale_async(source)
{
    trale_begin();
    int r = trale_address_parse(INBOX, &self->inbox);
    if (r == 0)
        r = trale_udp_open(cx->runtime, SOURCE, 0, &self->socket);
    if (r < 0)
        trale_return(r);
    for (self->value = 1; self->value <= N_VALUES; self->value++) {
        do {
            trale_await(trale_udp_send_to(&self->send, self->socket, &self->value, sizeof self->value, &self->inbox));
            trale_await(trale_timeout(
                &self->timeout,
                trale_udp_recv_from(&self->recv, self->socket, &self->acknowledged, sizeof self->acknowledged),
                WAIT_NS));
        } while (trale_result() != sizeof self->acknowledged || self->acknowledged != self->value);
        trale_try(trale_sleep(&self->pause, PAUSE_NS));
    }
    trale_return(0);
}

struct mail {
    struct trale_future future;
    struct inbox inbox;
    struct source source;
    TRALE_BRANCHES(2) race;
};

trale_async(mail)
{
    trale_begin();
    trale_try(trale_race_of(&self->race, trale_call(inbox, &self->inbox), trale_call(source, &self->source)));
    trale_return(self->race.branch[trale_result()].result);
}

int main(void)
{
    struct trale *runtime;
    struct mail mail;
    int r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("trale_open", r);
    int64_t result = trale_block_on(runtime, trale_call(mail, &mail));
    trale_close(runtime);
    for (int value = 1; value <= N_VALUES && result >= 0; value++)
        if (!mail.inbox.has[value]) {
            fprintf(stderr, "value %d was acknowledged, and the inbox has not got it\n", value);
            return 1;
        }
    return result < 0 ? trale_perror("mail", result) : 0;
}
