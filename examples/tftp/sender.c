/* SPDX-License-Identifier: MIT */
#include "transfer_sides.h"

#include <errno.h>
#include <string.h>

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static uint8_t *slot_of(const struct transfer *t, uint64_t number)
{
    return t->setup.window + number % t->options.windowsize * (t->options.blksize + TFTP_HEADER);
}

static uint64_t n_free_slots(const struct transfer *t)
{
    return t->options.windowsize - (t->n_filled - t->n_acknowledged);
}

bool transfer_wants(const struct transfer *t)
{
    return t->state == TRANSFER_SENDS && !t->has_source_ended && n_free_slots(t) > 0;
}

static void seal_block(struct transfer *t)
{
    t->n_filled++;
    tftp_write_header(slot_of(t, t->n_filled), (uint16_t)t->n_filled);
}

/* Needs a free slot. */
static void put(struct transfer *t, const uint8_t *bytes, size_t size)
{
    memcpy(slot_of(t, t->n_filled + 1) + TFTP_HEADER + t->part, bytes, size);
    t->part += size;
    if (t->part == t->options.blksize) {
        seal_block(t);
        t->part = 0;
    }
}

static void put_carry(struct transfer *t)
{
    const uint8_t byte = (uint8_t)t->carry;
    if (t->carry >= 0 && n_free_slots(t) > 0) {
        t->carry = -1;
        put(t, &byte, 1);
    }
}

/* The last block is shorter than the others, and may be empty. It needs a slot, too. */
static void put_last(struct transfer *t)
{
    put_carry(t);
    if (t->has_source_ended && t->last == 0 && t->carry < 0 && n_free_slots(t) > 0) {
        seal_block(t);
        t->last = t->n_filled;
    }
}

static size_t give_netascii(struct transfer *t, const uint8_t *bytes, size_t size)
{
    size_t n = 0;
    for (put_carry(t); n < size && n_free_slots(t) > 0; n++) {
        if (bytes[n] == '\n' || bytes[n] == '\r') {
            t->carry = bytes[n] == '\n' ? '\n' : '\0';
            put(t, (const uint8_t *)"\r", 1);
            put_carry(t);
        } else {
            put(t, &bytes[n], 1);
        }
    }
    return n;
}

size_t transfer_give(struct transfer *t, const uint8_t *bytes, size_t size, bool is_end)
{
    size_t n = 0;
    if (t->setup.mode == TFTP_NETASCII)
        n = give_netascii(t, bytes, size);
    while (t->setup.mode == TFTP_OCTET && n < size && n_free_slots(t) > 0) {
        size_t piece = smaller(size - n, t->options.blksize - t->part);
        put(t, bytes + n, piece);
        n += piece;
    }
    if (is_end && n == size) {
        t->has_source_ended = true;
        put_last(t);
    }
    return n;
}

void transfer_input_ack(struct transfer *t, uint16_t number, uint64_t now_ns)
{
    const uint16_t n_new = (uint16_t)(number - (uint16_t)t->n_acknowledged);
    if (n_new > t->n_sent_most - t->n_acknowledged)
        return; /* of an earlier window, or of nothing that was sent */
    if (n_new == 0) {
        if (t->options.windowsize == 1 || t->n_sent == t->n_acknowledged || t->n_retries + 1 >= t->setup.n_tries)
            return;
        if (t->n_ambiguous > 0) {
            t->n_ambiguous--;
            return;
        }
        t->n_ambiguous++;
        t->n_retries++;
        t->n_sent = t->n_acknowledged;
        return;
    }
    t->n_acknowledged += n_new;
    t->n_sent = t->n_acknowledged; /* a part of the window alone: what follows is missing */
    if (t->last != 0 && t->n_acknowledged == t->last) {
        transfer_end(t, 0);
        return;
    }
    put_last(t);
    transfer_progress(t, now_ns);
}

/* The next block of the window. */
const void *transfer_output_block(struct transfer *t, size_t *size)
{
    if (t->n_sent >= t->n_filled)
        return NULL;
    t->n_sent++;
    t->n_repeated += t->n_sent <= t->n_sent_most;
    if (t->n_sent > t->n_sent_most)
        t->n_sent_most = t->n_sent;
    *size = TFTP_HEADER + (t->n_sent == t->last ? t->part : t->options.blksize);
    return slot_of(t, t->n_sent);
}
