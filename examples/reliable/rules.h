/* SPDX-License-Identifier: MIT
 *
 * The rules of reliable delivery, without any I/O: what a message on the wire is, how long to wait for its
 * acknowledgement, and which messages a receiver has had. */
#ifndef RELIABLE_RULES_H
#define RELIABLE_RULES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <trale/timer.h>

/* --- messages ----------------------------------------------------------------------------------------------------- */

#define MESSAGE_SIZE 20

enum message_kind {
    MESSAGE_DATA = 1,        /* carries a value, and asks for an acknowledgement */
    MESSAGE_ACKNOWLEDGE = 2, /* carries the session and the number of the data that has arrived */
};

struct message {
    enum message_kind kind;
    uint32_t session; /* of the sender of the data; it changes when that forgets what it has sent */
    uint32_t number;  /* counts from 1 for each receiver */
    uint64_t value;
};

static inline void put_32(uint8_t *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

static inline uint32_t get_32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static inline void message_write(const struct message *message, uint8_t bytes[MESSAGE_SIZE])
{
    put_32(bytes, (uint32_t)message->kind);
    put_32(bytes + 4, message->session);
    put_32(bytes + 8, message->number);
    put_32(bytes + 12, (uint32_t)(message->value >> 32));
    put_32(bytes + 16, (uint32_t)message->value);
}

/* False: the bytes are no message. */
static inline bool message_read(struct message *message, const uint8_t *bytes, uint64_t length)
{
    if (length != MESSAGE_SIZE)
        return false;
    message->kind = (enum message_kind)get_32(bytes);
    message->session = get_32(bytes + 4);
    message->number = get_32(bytes + 8);
    message->value = (uint64_t)get_32(bytes + 12) << 32 | get_32(bytes + 16);
    return (message->kind == MESSAGE_DATA || message->kind == MESSAGE_ACKNOWLEDGE) && message->number > 0;
}

/* --- retransmission ----------------------------------------------------------------------------------------------- */

#define FIRST_WAIT_NS (100 * TRALE_MILLISECOND)
#define LONGEST_WAIT_NS (2 * TRALE_SECOND)

/* How long the n-th try waits for its acknowledgement, n from 0: twice as long as the try before, up to a limit. */
#ifndef RULE_WAIT
static inline uint64_t wait_ns(uint32_t n)
{
    uint64_t wait = n < 16 ? FIRST_WAIT_NS << n : LONGEST_WAIT_NS;
    return wait < LONGEST_WAIT_NS ? wait : LONGEST_WAIT_NS;
}
#endif

/* Whether an acknowledgement is the one for this data. */
#ifndef RULE_ACKNOWLEDGES
static inline bool acknowledges(const struct message *acknowledgement, const struct message *data)
{
    return acknowledgement->session == data->session && acknowledgement->number == data->number;
}
#endif

/* --- duplicates --------------------------------------------------------------------------------------------------- */

/* How far the numbers of unacknowledged data may lie apart. */
#define WINDOW 64

/* What a receiver has had from one sender: all numbers up to `floor`, and those above it whose bit is set, bit 0 being
 * floor + 1. */
struct window {
    uint32_t session, floor;
    uint64_t above;
};

enum arrival {
    ARRIVAL_NEW,
    ARRIVAL_DUPLICATE, /* applied before; its acknowledgement was lost or is late */
    ARRIVAL_BEYOND,    /* outside of the window: left unacknowledged, so it will come again */
};

/* Looks a number up, and notes it. A new session forgets the numbers of the old one. */
#ifndef RULE_ARRIVE
static inline enum arrival window_arrive(struct window *window, uint32_t session, uint32_t number)
{
    if (session != window->session)
        *window = (struct window){.session = session};
    if (number <= window->floor)
        return ARRIVAL_DUPLICATE;
    uint32_t position = number - window->floor - 1;
    if (position >= WINDOW)
        return ARRIVAL_BEYOND;
    if ((window->above >> position & 1) != 0)
        return ARRIVAL_DUPLICATE;
    window->above |= UINT64_C(1) << position;
    for (; (window->above & 1) != 0; window->above >>= 1)
        window->floor++;
    return ARRIVAL_NEW;
}
#endif

#endif
