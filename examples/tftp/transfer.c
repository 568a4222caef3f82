/* SPDX-License-Identifier: MIT */
#include "transfer_sides.h"

#include <errno.h>
#include <string.h>

#define SHIFT_MAX 5 /* a timeout doubles so often at most */

/* --- options ------------------------------------------------------------------------------------------------------ */

static uint32_t smaller(uint64_t a, uint64_t b)
{
    return (uint32_t)(a < b ? a : b);
}

struct tftp_options transfer_agree(const struct tftp_options *asked, const struct transfer_limits *limits)
{
    struct tftp_options agreed = *asked;
    uint32_t blksize = TFTP_BLKSIZE_DEFAULT;
    if ((asked->have & TFTP_BLKSIZE) != 0)
        blksize = agreed.blksize = smaller(smaller(asked->blksize, limits->blksize),
                                           limits->window_bytes - TFTP_HEADER);
    if ((asked->have & TFTP_WINDOWSIZE) != 0) {
        agreed.windowsize = smaller(smaller(asked->windowsize, limits->windowsize),
                                    limits->window_bytes / (blksize + TFTP_HEADER));
        if (agreed.windowsize == 0)
            agreed.windowsize = 1;
    }
    if (asked->timeout > limits->timeout)
        agreed.have &= ~TFTP_TIMEOUT;
    return agreed;
}

/* Options that are not agreed on have their defaults. */
static struct tftp_options with_defaults(struct tftp_options options)
{
    if ((options.have & TFTP_BLKSIZE) == 0)
        options.blksize = TFTP_BLKSIZE_DEFAULT;
    if ((options.have & TFTP_WINDOWSIZE) == 0)
        options.windowsize = 1;
    return options;
}

size_t transfer_window_size(const struct transfer_setup *setup)
{
    const struct tftp_options options = with_defaults(setup->options);
    uint32_t blksize = options.blksize;
    if (setup->is_client && blksize < TFTP_BLKSIZE_DEFAULT)
        blksize = TFTP_BLKSIZE_DEFAULT;
    return (size_t)options.windowsize * (blksize + TFTP_HEADER);
}

/* Whether an answer has only what was asked for, and no more of it. */
static bool is_allowed(const struct tftp_options *answer, const struct tftp_options *asked)
{
    return (answer->have & ~asked->have) == 0 &&
           ((answer->have & TFTP_BLKSIZE) == 0 || answer->blksize <= asked->blksize) &&
           ((answer->have & TFTP_WINDOWSIZE) == 0 || answer->windowsize <= asked->windowsize) &&
           ((answer->have & TFTP_TIMEOUT) == 0 || answer->timeout == asked->timeout);
}

/* --- both sides --------------------------------------------------------------------------------------------------- */

void transfer_arm(struct transfer *t, uint64_t now_ns)
{
    const bool is_fixed = (t->options.have & TFTP_TIMEOUT) != 0;
    const uint32_t shift = is_fixed ? 0 : smaller(t->n_retries, SHIFT_MAX);
    t->deadline_ns = now_ns + ((is_fixed ? t->options.timeout * UINT64_C(1000000000) : t->setup.timeout_ns) << shift);
}

void transfer_progress(struct transfer *t, uint64_t now_ns)
{
    t->n_retries = 0;
    transfer_arm(t, now_ns);
}

void transfer_end(struct transfer *t, int result)
{
    t->state = TRANSFER_ENDED;
    t->result = result;
    t->has_control = false;
}

void transfer_fail(struct transfer *t, enum tftp_error code, const char *message, int result)
{
    if (t->state == TRANSFER_ENDED)
        return;
    transfer_end(t, result);
    t->control_size = tftp_write_error(t->control, code, message);
    t->has_control = true;
}

void transfer_gone(struct transfer *t, int reason)
{
    if (t->state != TRANSFER_ENDED)
        transfer_end(t, t->state == TRANSFER_DALLIES ? 0 : reason);
}

void transfer_confirm(struct transfer *t)
{
    t->n_confirmed = t->n_received;
    t->control_size = tftp_write_ack(t->control, (uint16_t)t->n_received);
    t->has_control = true;
}

void transfer_begin(struct transfer *t, const struct transfer_setup *setup, uint64_t now_ns)
{
    *t = (struct transfer){.setup = *setup, .options = with_defaults(setup->options), .carry = -1};
    if (setup->is_client) {
        t->state = TRANSFER_ASKS;
        t->options = with_defaults((struct tftp_options){0}); /* until the server has agreed to others */
        t->control_size = tftp_write_request(t->control, setup->is_sender ? TFTP_WRQ : TFTP_RRQ, setup->name,
                                             setup->mode, &setup->options);
        t->has_control = true;
    } else {
        t->state = setup->is_sender ? TRANSFER_SENDS : TRANSFER_RECEIVES;
        if (setup->options.have != 0) {
            t->state = setup->is_sender ? TRANSFER_AGREES : TRANSFER_RECEIVES;
            t->control_size = tftp_write_options(t->control, &setup->options);
            t->has_control = true;
        } else if (!setup->is_sender) {
            transfer_confirm(t);
        }
    }
    transfer_arm(t, now_ns);
}

void transfer_timeout(struct transfer *t, uint64_t now_ns)
{
    if (t->state == TRANSFER_ENDED || t->state == TRANSFER_STORES)
        return;
    if (t->state == TRANSFER_DALLIES) {
        transfer_end(t, 0);
        return;
    }
    if (++t->n_retries >= t->setup.n_tries) {
        transfer_end(t, -ETIMEDOUT);
        return;
    }
    if (t->state == TRANSFER_SENDS) {
        t->n_sent = t->n_acknowledged;
        t->n_ambiguous = 1;
    } else {
        if (t->n_received > t->n_confirmed)
            transfer_confirm(t);
        t->has_control = true;
        t->n_repeated++;
    }
    transfer_arm(t, now_ns);
}

/* --- packets ------------------------------------------------------------------------------------------------------ */

/* The first answer to a client. */
static bool input_answer(struct transfer *t, const struct tftp_packet *packet, uint64_t now_ns)
{
    const bool is_sender = t->setup.is_sender;
    if (packet->opcode == TFTP_OACK) {
        if (!is_allowed(&packet->options, &t->setup.options)) {
            transfer_fail(t, TFTP_OPTIONS, "not what was asked for", -EPROTO);
            return false;
        }
        t->options = with_defaults(packet->options);
    } else if (is_sender ? packet->opcode != TFTP_ACK || packet->number != 0
                         : packet->opcode != TFTP_DATA || packet->number != 1) {
        return false;
    }
    t->has_control = false;
    t->state = is_sender ? TRANSFER_SENDS : TRANSFER_RECEIVES;
    transfer_progress(t, now_ns);
    if (packet->opcode == TFTP_DATA)
        return transfer_input_data(t, packet, now_ns);
    if (!is_sender)
        transfer_confirm(t);
    return false;
}

bool transfer_input(struct transfer *t, const struct tftp_packet *packet, uint64_t now_ns)
{
    if (t->state == TRANSFER_ENDED)
        return false;
    if (packet->opcode == TFTP_ERROR) {
        const size_t size = packet->size < sizeof t->peer_message ? packet->size : sizeof t->peer_message - 1;
        transfer_end(t, t->state == TRANSFER_DALLIES ? 0 : -ECONNABORTED);
        t->peer_code = packet->number;
        memcpy(t->peer_message, packet->data, size);
        t->peer_message[size] = '\0';
    } else if (t->state == TRANSFER_ASKS) {
        return input_answer(t, packet, now_ns);
    } else if (t->state == TRANSFER_AGREES && packet->opcode == TFTP_ACK && packet->number == 0) {
        t->state = TRANSFER_SENDS;
        t->has_control = false;
        transfer_progress(t, now_ns);
    } else if (t->state == TRANSFER_SENDS && packet->opcode == TFTP_ACK) {
        transfer_input_ack(t, packet->number, now_ns);
    } else if (t->state == TRANSFER_RECEIVES && packet->opcode == TFTP_DATA) {
        return transfer_input_data(t, packet, now_ns);
    } else if (t->state == TRANSFER_RECEIVES && packet->opcode == TFTP_OACK && t->setup.is_client) {
        t->has_control = t->n_received == 0; /* ACK 0 was lost */
    } else if (t->state == TRANSFER_DALLIES && packet->opcode == TFTP_DATA) {
        t->has_control = packet->number == (uint16_t)t->n_received;
    }
    return false;
}

const void *transfer_output(struct transfer *t, uint64_t now_ns, size_t *size)
{
    if (t->has_control) {
        t->has_control = false;
        *size = t->control_size;
        return t->control;
    }
    if (t->state != TRANSFER_SENDS)
        return NULL;
    const void *block = transfer_output_block(t, size);
    if (block != NULL)
        transfer_arm(t, now_ns);
    return block;
}
