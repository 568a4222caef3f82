/* SPDX-License-Identifier: MIT */
#include "listener.h"

#include <stdbool.h>

#include <trale/timer.h>

int sntp_listener_init(struct sntp_listener *listener, struct trale_udp_socket *socket)
{
    *listener = (struct sntp_listener){.socket = socket};
    for (size_t i = 0; i < TRALE_UDP_BATCH; i++)
        listener->datagrams[i] = (struct trale_datagram){
            .buf = listener->packets[i], .size = SNTP_SIZE, .info = &listener->infos[i]};
    return trale_udp_set(socket, TRALE_UDP_INFO, TRALE_UDP_INFO_LOCAL | TRALE_UDP_INFO_TIME);
}

/* Turns a request into its answer, to be sent from the address that was asked. False: it gets none. */
static bool answer(struct sntp_server *server, struct trale_datagram *datagram, uint64_t now_ns, uint64_t real_ns)
{
    struct trale_udp_info *info = datagram->info;
    struct sntp_counts *counts = &server->counts;
    bool is_to_group = (info->have & TRALE_UDP_INFO_LOCAL) != 0 && trale_address_is_multicast(&info->local);
    if (sntp_look(datagram->buf, datagram->length) != SNTP_REQUEST || is_to_group ||
        trale_address_port(&datagram->address) == 0) {
        counts->n_ignored++;
        return false;
    }
    /* The kernel's time is before this one, unless the clock was set in between. */
    bool has_time = (info->have & TRALE_UDP_INFO_TIME) != 0 && info->time_ns <= real_ns;
    uint64_t receive = sntp_timestamp(has_time ? info->time_ns : real_ns);
    enum rate_verdict verdict = rate_take(&server->rate, &datagram->address, now_ns);
    if (verdict == RATE_REFUSED) {
        counts->n_limited++;
        return false;
    }
    if (verdict == RATE_EXCEEDED) {
        counts->n_refused++;
        sntp_refuse(datagram->buf, &server->clock, receive);
    } else {
        counts->n_answered++;
        sntp_answer(datagram->buf, &server->clock, receive);
    }
    info->have &= TRALE_UDP_INFO_LOCAL;
    return true;
}

/* Sends the first n datagrams. They have the time at which they are given to the kernel, so none waits for room: it
 * would be late, and clients ask again for what is lost. One that cannot be sent is passed over. */
static void send_all(struct sntp_listen *self, size_t n, struct trale *runtime)
{
    struct trale_datagram *datagrams = self->listener->datagrams;
    for (size_t at = 0; at < n;) {
        uint64_t transmit = sntp_timestamp(trale_now_on(runtime, TRALE_CLOCK_REALTIME));
        for (size_t i = at; i < n; i++)
            sntp_stamp(datagrams[i].buf, transmit);
        int64_t r = trale_udp_try_send_batch(&self->batch, self->listener->socket, datagrams + at, n - at);
        size_t n_failed = r > 0 ? 0 : r == -EAGAIN ? n - at : 1;
        self->server->counts.n_failed += n_failed;
        at += r > 0 ? (size_t)r : n_failed;
    }
}

/* The datagrams that get an answer change places with others, so that they are the first ones. */
static void serve(struct sntp_listen *self, size_t n_requests, struct trale *runtime)
{
    struct trale_datagram *datagrams = self->listener->datagrams;
    uint64_t now_ns = trale_now_on(runtime, TRALE_CLOCK_MONOTONIC);
    uint64_t real_ns = trale_now_on(runtime, TRALE_CLOCK_REALTIME);
    size_t n_answers = 0;
    for (size_t i = 0; i < n_requests; i++) {
        if (!answer(self->server, &datagrams[i], now_ns, real_ns))
            continue;
        struct trale_datagram kept = datagrams[n_answers];
        datagrams[n_answers++] = datagrams[i];
        datagrams[i] = kept;
    }
    send_all(self, n_answers, runtime);
}

trale_async_extern(sntp_listen)
{
    trale_begin();
    for (;;) {
        trale_try(
            trale_udp_recv_batch(&self->batch, self->listener->socket, self->listener->datagrams, TRALE_UDP_BATCH));
        serve(self, (size_t)trale_result(), cx->runtime);
    }
}
