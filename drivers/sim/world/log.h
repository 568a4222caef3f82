/* SPDX-License-Identifier: MIT
 *
 * The events of a run: a hash over all of them, and a line for each in a file, if one is wanted. Two runs with the same
 * hash and the same number of events were the same. The hash is over the time, the kind, the place and the fields of
 * each event, and never over a pointer.
 *
 * THE FILE is text. Each event is a line, and its columns are separated by tabs:
 *
 *     number   of the event, from 1
 *     time     nanoseconds since the world began
 *     hash     over this event and all before it, 16 hexadecimal digits
 *     program  its number, from 1
 *     host     the address of the host whose task ran, or "-"
 *     task     the task that ran, by its id in its program; 0: none
 *     name     of that task, or "-"
 *     kind     a word: those of enum log_kind in small letters
 *     fields   any number of further columns, name=value. Numbers are decimal, and negative ones errnos; addresses are
 *              as in trale.ini; "hash" is the hash of bytes, in hexadecimal digits; "payload", in hexadecimal digits,
 *              is the bytes themselves, and comes with `capture = yes` alone; "chain" is the async backtrace, with \n
 *              between its lines and \\ for a backslash, and comes with `chains = yes` alone
 *
 * The file ends with the run, or where it has reached `events_limit`: then its last line has the kind "limit", and the
 * number, time and hash of the first event that is not there.
 *
 * In texts, a tab, a newline and every other control character is written as '?'. Each line is written as soon as the
 * event has happened, so the file of a program that crashes ends with what happened last. */
#ifndef SIM_LOG_H
#define SIM_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <trale/address.h>

/* What happened. New kinds are added before LOG_N_KINDS. */
enum log_kind {
    LOG_JOIN,      /* a program has joined the world: seed, version */
    LOG_SPAWN,     /* a task was spawned, by the task that ran: id, task */
    LOG_POLL,      /* the task is polled: where it waits (type, line; 0 before its first await; chain) */
    LOG_POLLED,    /* the poll has ended, without a result: where it waits now (type, line, chain) */
    LOG_WAKE,      /* a task was woken, by the task that ran: id */
    LOG_END,       /* a task has ended: id, result */
    LOG_SLEEP,     /* a sleep has begun to wait: clock, until (on that clock) */
    LOG_FIRE,      /* the deadline of a sleep has come: deadline */
    LOG_CLOCK,     /* the time of day of a host was set: host, by (nanoseconds) */
    LOG_ENTROPY,   /* the program has drawn random bytes: size, hash */
    LOG_SIGNAL,    /* a signal came: number, code, value */
    LOG_BLOCKING,  /* a function was called that may block: function, result */
    LOG_BIND,      /* a socket has got an address: socket, address */
    LOG_CLOSE,     /* a socket was closed: socket */
    LOG_SENT,      /* a datagram has left a socket: datagram, from, to, size, hash, payload */
    LOG_LOST,      /* a datagram will not arrive: datagram, reason */
    LOG_DELIVERED, /* a datagram is in the queue of a socket: datagram, socket */
    LOG_RECEIVED,  /* a datagram was given to the program: datagram, socket, size */
    LOG_FAULT,     /* a fault begins: text, as in a scenario */
    LOG_HEAL,      /* a fault ends: text */
    LOG_CRASH,     /* a host crashes: host */
    LOG_RESTART,   /* a host starts again: host */
    LOG_MARK,      /* the program has reached a place: mark, reached */
    LOG_SUCCESS,   /* the program has reported success */
    LOG_LEAVE,     /* a program has left the world */
    LOG_OUTCOME,   /* the run has ended: outcome */
    LOG_LISTEN,    /* a TCP socket listens: socket, address */
    LOG_CONNECT,   /* a TCP socket begins to connect: socket, local, peer */
    LOG_OPENED,    /* a connection is there, on this side: socket, connection, local, peer */
    LOG_BROKEN,    /* a connection has broken off, on this side: socket, error */
    LOG_SEGMENT,   /* a segment was sent: segment, connection, from, to, flags, sequence and acknowledged (counted from
                    * the SYN, which is 0), window, size, hash, payload */
    LOG_SEGMENT_LOST,    /* a segment will not arrive: segment, reason */
    LOG_SEGMENT_ARRIVED, /* a segment has reached its host: segment */
    LOG_WRITTEN,         /* a program has written bytes: socket, size */
    LOG_READ,            /* a program has read bytes: socket, size; 0: the end of the stream */
    LOG_N_KINDS,
};

/* A column with a name. Made by the functions below. */
struct log_field {
    const char *name;
    enum log_type { LOG_NUMBER, LOG_TEXT, LOG_ADDRESS, LOG_HASH, LOG_PAYLOAD, LOG_LINES } type;
    int64_t number; /* of LOG_HASH and LOG_PAYLOAD: how many bytes */
    const void *pointer;
};

/* What the programs of a world share; zeroed, nothing has happened yet. */
struct log_state {
    uint64_t hash;
    uint64_t n_events;
    uint64_t n_bytes; /* in the file */
    uint64_t missing; /* the first event that is not in the file, for it has reached its limit; 0: none */
};

/* Which task runs. The texts are lent until the next change. */
struct log_place {
    uint64_t task; /* its id; 0: none runs */
    const char *name;
    const char *host; /* NULL: none */
};

/* The log of one program. */
struct log {
    struct log_state *state; /* in the world; this and the next two are set by the caller of log_open */
    const uint64_t *now_ns;  /* the world's clock */
    uint64_t begins_ns;      /* and its time when the world begins */
    uint32_t program;        /* from 1 */
    int fd;                  /* of the file; -1: none */
    bool captures;           /* payloads are written */
    uint64_t limit;          /* of the file, in bytes; 0: none */
    int error;               /* the first write that failed, a negative errno; 0: none */
    struct log_place place;
};

/* Opens the log of a program by that number. `path` names the file, which the program that makes the world makes anew;
 * NULL: there is none. 0, or a negative errno of open(2). */
int log_open(struct log *log, uint32_t program, bool is_first, const char *path);
void log_close(struct log *log);

/* Adds an event. `log` may be NULL: then there is nothing to do. */
void log_add(struct log *log, enum log_kind kind, const struct log_field *fields, size_t n_fields);

/* The same: log_event(log, LOG_WAKE, log_number("id", 7)). */
#define log_event(log, kind, ...)                                                                                      \
    log_add((log), (kind), (const struct log_field[]){__VA_ARGS__},                                                    \
            sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

/* The word for a kind. */
const char *log_kind_name(enum log_kind kind);

static inline struct log_field log_number(const char *name, int64_t number)
{
    return (struct log_field){name, LOG_NUMBER, number, NULL};
}

/* NULL is written as "-". */
static inline struct log_field log_text(const char *name, const char *text)
{
    return (struct log_field){name, LOG_TEXT, 0, text};
}

static inline struct log_field log_address(const char *name, const struct trale_address *address)
{
    return (struct log_field){name, LOG_ADDRESS, 0, address};
}

/* The hash of bytes. */
static inline struct log_field log_hash(const void *bytes, size_t size)
{
    return (struct log_field){"hash", LOG_HASH, (int64_t)size, bytes};
}

/* The bytes themselves, which are written and not hashed. */
static inline struct log_field log_payload(const void *bytes, size_t size)
{
    return (struct log_field){"payload", LOG_PAYLOAD, (int64_t)size, bytes};
}

/* Lines, which are written and not hashed. NULL: there is no such column. */
static inline struct log_field log_lines(const char *name, const char *lines)
{
    return (struct log_field){name, LOG_LINES, 0, lines};
}

#endif
