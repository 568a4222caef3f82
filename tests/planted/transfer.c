/* SPDX-License-Identifier: MIT
 *
 * Brings chunks of data from one host to another over UDP, with one retransmission timer for all of them, as SCTP does.
 * Three switches plant bugs that such protocols have had:
 *
 *   PLANT_CROSSING     An acknowledgement crosses the retransmission of its chunk: the data is freed, and yet sent once
 *                      more, empty (pion/sctp, issue 104).
 *   PLANT_STARVATION   Every acknowledgement sets the timer anew, those without news too: regular traffic keeps it from
 *                      ever ending, and what was lost is never sent again (algesten/sctp-proto, pull request 7).
 *   PLANT_BACKOFF      The wait doubles with each timeout, until it overflows and is 0 (pion/sctp, issue 109).
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include <trale/branches.h>
#include <trale/sync.h>
#include <trale/timer.h>
#include <trale/udp.h>

#define SENDER "10.0.0.1:1000"
#define RECEIVER "10.0.0.2:1000"
#define N_CHUNKS 100
#define WINDOW 8
#define PACE_NS (10 * TRALE_MILLISECOND)
#define TICK_NS (40 * TRALE_MILLISECOND)
#define NEVER UINT64_MAX

/* A datagram: its kind, the number of a chunk, and for DATA the chunk. */
enum { DATA = 'D', ALIVE = 'K', ACKNOWLEDGE = 'A', HEADER = 2, CHUNK = 8, LONGEST = HEADER + CHUNK };

struct chunk {
    uint8_t length; /* 0: acknowledged, and its data is freed */
    bool is_sent, must_send;
};

struct sender {
    struct trale_udp_socket *socket;
    struct trale_address peer;
    struct chunk chunks[N_CHUNKS + 1]; /* from 1 */
    uint32_t n_ready, n_begun, n_acknowledged;
    uint32_t n_timeouts; /* since the last acknowledgement with news */
    uint64_t deadline_ns;
    struct trale_notify to_send, timer_began, done;
};

/* --- the timer ---------------------------------------------------------------------------------------------------- */

#define FIRST_WAIT_US 64000u
#define LONGEST_WAIT_US 100000u

static uint64_t wait_ns(uint32_t n_timeouts)
{
#ifdef PLANT_BACKOFF
    uint32_t wait_us = n_timeouts < 32 ? FIRST_WAIT_US << n_timeouts : LONGEST_WAIT_US;
#else
    uint32_t wait_us = n_timeouts < 8 ? FIRST_WAIT_US << n_timeouts : LONGEST_WAIT_US;
#endif
    return (wait_us < LONGEST_WAIT_US ? wait_us : LONGEST_WAIT_US) * TRALE_MICROSECOND;
}

static void timer_set(struct sender *sender, uint64_t now_ns)
{
    bool begins = sender->deadline_ns == NEVER;
    sender->deadline_ns = sender->n_acknowledged < sender->n_begun ? now_ns + wait_ns(sender->n_timeouts) : NEVER;
    if (begins && sender->deadline_ns != NEVER)
        trale_notify_one(&sender->timer_began);
}

struct timer_task {
    struct trale_future future;
    struct sender *sender;
    struct trale_notify_wait wait;
    struct trale_sleep sleep;
};

/* Sends all again that is under way when the timer ends. */
trale_async(timer_task)
{
    trale_begin();
    for (;;) {
        if (self->sender->deadline_ns == NEVER) {
            trale_try(trale_notify_wait(&self->wait, &self->sender->timer_began));
            continue;
        }
        trale_try(trale_sleep_until(&self->sleep, self->sender->deadline_ns));
        struct sender *sender = self->sender;
        uint64_t now_ns = trale_now(cx->runtime);
        if (now_ns < sender->deadline_ns)
            continue;
        for (uint32_t i = 1; i <= sender->n_begun; i++)
            sender->chunks[i].must_send |= sender->chunks[i].length > 0;
        trale_notify_one(&sender->to_send);
        sender->n_timeouts++;
        timer_set(sender, now_ns);
        if (sender->deadline_ns < now_ns + FIRST_WAIT_US * TRALE_MICROSECOND) {
            fprintf(stderr, "after %u timeouts the sender does not wait any more\n", sender->n_timeouts);
            trale_return(-EPROTO);
        }
    }
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

static uint32_t sender_next(struct sender *sender)
{
    for (uint32_t i = 1; i <= sender->n_begun; i++)
        if (sender->chunks[i].must_send)
            return i;
    if (sender->n_begun == sender->n_ready || sender->n_begun - sender->n_acknowledged >= WINDOW)
        return 0;
    sender->chunks[++sender->n_begun] = (struct chunk){.length = CHUNK};
    return sender->n_begun;
}

struct writer {
    struct trale_future future;
    struct sender *sender;
    uint8_t bytes[LONGEST];
    struct trale_udp_send send;
    struct trale_sleep pace;
    struct trale_notify_wait wait;
};

/* Sends one chunk after the other, not faster than the pace. */
trale_async(writer)
{
    trale_begin();
    for (;;) {
        struct sender *sender = self->sender;
        uint32_t number = sender_next(sender);
        if (number == 0) {
            trale_try(trale_notify_wait(&self->wait, &self->sender->to_send));
            continue;
        }
        struct chunk *chunk = &sender->chunks[number];
        chunk->must_send = false;
        if (sender->deadline_ns == NEVER)
            timer_set(sender, trale_now(cx->runtime));
        memset(self->bytes, (int)number, sizeof self->bytes);
        self->bytes[0] = DATA;
        trale_await(
            trale_udp_send_to(&self->send, sender->socket, self->bytes, HEADER + chunk->length, &self->sender->peer));
        trale_try(trale_sleep(&self->pace, PACE_NS));
    }
}

struct keeper {
    struct trale_future future;
    struct sender *sender;
    uint8_t bytes[HEADER];
    struct trale_udp_send send;
    struct trale_sleep pause;
};

/* At each tick a chunk is ready, and the receiver is asked whether it is alive. */
trale_async(keeper)
{
    trale_begin();
    for (;;) {
        trale_try(trale_sleep(&self->pause, TICK_NS));
        self->sender->n_ready += self->sender->n_ready < N_CHUNKS;
        trale_notify_one(&self->sender->to_send);
        self->bytes[0] = ALIVE;
        trale_await(trale_udp_send_to(&self->send, self->sender->socket, self->bytes, HEADER, &self->sender->peer));
    }
}

static void sender_acknowledge(struct sender *sender, uint32_t number, uint64_t now_ns)
{
    struct chunk *chunk = &sender->chunks[number <= sender->n_begun ? number : 0];
    bool is_new = chunk->length > 0;
    if (is_new) {
        sender->n_acknowledged++;
        sender->n_timeouts = 0;
        chunk->length = 0;
#ifndef PLANT_CROSSING
        chunk->must_send = false;
#endif
        trale_notify_one(&sender->to_send);
    }
#ifndef PLANT_STARVATION
    if (is_new)
#endif
        timer_set(sender, now_ns);
    if (sender->n_acknowledged == N_CHUNKS)
        trale_notify_one(&sender->done);
}

struct reader {
    struct trale_future future;
    struct sender *sender;
    uint8_t bytes[HEADER];
    struct trale_udp_recv recv;
};

trale_async(reader)
{
    trale_begin();
    for (;;) {
        trale_await(trale_udp_recv_from(&self->recv, self->sender->socket, self->bytes, HEADER));
        if (trale_result() == HEADER && self->bytes[0] == ACKNOWLEDGE)
            sender_acknowledge(self->sender, self->bytes[1], trale_now(cx->runtime));
    }
}

/* --- the hosts ---------------------------------------------------------------------------------------------------- */

struct receiver {
    struct trale_future future;
    struct trale_udp_socket *socket;
    bool has[N_CHUNKS + 1];
    uint8_t bytes[LONGEST];
    struct trale_udp_recv recv;
    struct trale_udp_send send;
};

trale_async(receiver)
{
    trale_begin();
    for (;;) {
        trale_await(trale_udp_recv_from(&self->recv, self->socket, self->bytes, LONGEST));
        if (trale_result() == -ECANCELED)
            trale_return(trale_result());
        if (trale_result() < HEADER)
            continue;
        if (self->bytes[0] == DATA && trale_result() < LONGEST) {
            fprintf(stderr, "chunk %u has come without data\n", self->bytes[1]);
            trale_return(-EPROTO);
        }
        self->bytes[0] = ACKNOWLEDGE;
        trale_await(trale_udp_send_to(&self->send, self->socket, self->bytes, HEADER, &self->recv.from));
    }
}

struct transfer {
    struct trale_future future;
    struct sender sender;
    struct receiver receiver;
    struct timer_task timer;
    struct writer writer;
    struct keeper keeper;
    struct reader reader;
    struct trale_notify_wait done;
    TRALE_BRANCHES(6) race;
};

trale_async(transfer)
{
    trale_begin();
    struct sender *sender = &self->sender;
    *sender = (struct sender){
        .deadline_ns = NEVER, .to_send = TRALE_NOTIFY, .timer_began = TRALE_NOTIFY, .done = TRALE_NOTIFY};
    struct trale_udp_socket *socket = NULL;
    int r = trale_address_parse(RECEIVER, &sender->peer);
    if (r == 0)
        r = trale_udp_open(cx->runtime, SENDER, 0, &sender->socket);
    if (r == 0)
        r = trale_udp_open(cx->runtime, RECEIVER, 0, &socket);
    if (r < 0)
        trale_return(r);
    trale_try(trale_race_of(
        &self->race, trale_notify_wait(&self->done, &self->sender.done),
        trale_call(timer_task, &self->timer, .sender = sender), trale_call(writer, &self->writer, .sender = sender),
        trale_call(keeper, &self->keeper, .sender = sender), trale_call(reader, &self->reader, .sender = sender),
        trale_call(receiver, &self->receiver, .socket = socket)));
    trale_return(self->race.branch[trale_result()].result);
}

int main(void)
{
    struct trale *runtime;
    struct transfer transfer;
    int r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("trale_open", r);
    int64_t result = trale_block_on(runtime, trale_call(transfer, &transfer));
    trale_close(runtime);
    return result < 0 ? trale_perror("transfer", result) : 0;
}
