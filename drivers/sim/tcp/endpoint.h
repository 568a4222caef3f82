/* SPDX-License-Identifier: MIT
 *
 * An endpoint: one side of a TCP connection, or a listener, on a host. It behaves as an application sees tcp(7).
 *
 * What is simulated is what can be observed: bytes go in segments over the links that datagrams take, are acknowledged,
 * and are sent again when a segment was lost, so that a loss is latency; they arrive in order, each once and unchanged.
 * Numbers of bytes are 64 bits wide and count from the SYN, which is 0, and a segment knows its connection: so what
 * TCP has to tell old segments from new ones (initial sequence numbers, timestamps) is not simulated. Nor is the
 * acknowledgement delayed. Congestion is controlled as RFC 5681 and RFC 6582 have it, and the time after which a
 * segment is sent again as RFC 6298 and Linux have it. IPv4 addresses are IPv4 everywhere in here. */
#ifndef SIM_ENDPOINT_H
#define SIM_ENDPOINT_H

#include "bytes.h"
#include "host.h"

/* What a program may wait for at an endpoint. */
#define ENDPOINT_READABLE 1u /* bytes, the end of the stream, a connection to be accepted, or an error */
#define ENDPOINT_WRITABLE 2u /* the send buffer has room, the connection is there, or an error */

/* The buffers, of which one half is for bytes (socket(7): the kernel doubles what is set, for its own records). */
#define ENDPOINT_BUFFER 425984u
#define ENDPOINT_RECEIVE_BUFFER_MIN 2304u
#define ENDPOINT_SEND_BUFFER_MIN 4608u

/* How many bytes a segment has at most: an Ethernet packet without the headers of IPv4 and TCP with timestamps. */
#define ENDPOINT_SEGMENT 1448u

enum endpoint_state {
    ENDPOINT_LISTENS,  /* It takes connections. */
    ENDPOINT_CONNECTS, /* It has sent a SYN, and waits for the answer. */
    ENDPOINT_ANSWERS,  /* It was made for a SYN, has answered, and waits for the acknowledgement. */
    ENDPOINT_OPEN,     /* Bytes flow in the directions that have not ended. */
    ENDPOINT_LINGERS,  /* TIME_WAIT: both directions have ended; it keeps its port, and answers, for a minute. */
    ENDPOINT_BROKEN,   /* The connection has broken off, or, with error 0, the host has crashed: nothing happens. */
};

/* For what the one timer of an endpoint is set; no two are needed at a time. */
enum endpoint_timer {
    TIMER_NONE,
    TIMER_RESEND,     /* a segment was not acknowledged in time */
    TIMER_CORK,       /* bytes that were held back are sent */
    TIMER_PROBE,      /* the window is closed: the peer is asked for it */
    TIMER_KEEP_ALIVE, /* the connection is idle: is the peer still there? */
    TIMER_END,        /* it is forgotten: of an endpoint that no program has any more */
};

struct endpoint;

/* What segments name their connection by. */
struct connection {
    uint64_t number;          /* in the world, from 1 */
    struct endpoint *ends[2]; /* the one that has connected, and the other one; NULL: it is not there */
    uint32_t n_users;         /* ends and segments */
};

struct endpoint_options {
    bool no_delay, cork, keep_alive, resets; /* resets: SO_LINGER with 0 */
    uint8_t traffic_class;
    uint32_t keep_idle_s, keep_interval_s, keep_count;
    uint32_t user_timeout_ms; /* 0: none */
    uint32_t receive_buffer, send_buffer;
    uint32_t not_sent; /* 0: no limit */
    uint32_t interface_index;
};

/* What it sends: the bytes from `first` on are in the queue until they are acknowledged. */
struct endpoint_output {
    struct bytes queue;
    uint64_t written;    /* the number behind the last byte; the end of the stream has it */
    uint64_t first;      /* not acknowledged */
    uint64_t next;       /* to be sent */
    uint64_t highest;    /* what has been sent, but for `next` going back */
    uint64_t window_end; /* the peer takes bytes up to here */
    bool ends;           /* the end of the stream is behind the queue */
    /* Congestion: */
    uint64_t congestion, threshold, recover;
    uint32_t n_repeats; /* acknowledgements of the same byte */
    bool recovers;
    /* Time: */
    uint64_t smoothed_ns, varied_ns, resend_ns; /* of the way there and back; resend_ns doubles with each try */
    uint64_t measured, measured_ns;             /* a number of a byte, and when it was sent; 0: none is measured */
    uint64_t progress_ns;                       /* when something was acknowledged last, or waiting for that began */
    uint32_t n_tries;                           /* since then */
};

struct endpoint_input {
    struct bytes queue;
    uint64_t next;           /* the first byte that has not arrived */
    uint64_t window_end;     /* as it was announced */
    struct trale_link early; /* segments behind `next`, by their `link`, in order */
    bool has_ended, is_shut; /* the end of the stream has arrived; the program reads no more */
};

struct endpoint {
    struct event timer; /* first */
    enum endpoint_timer timer_kind;
    uint64_t futile_changes; /* see probe.h; 0: the timer is not futile */
    struct host *host;
    struct trale_link host_link, port_link;
    uint64_t number; /* in the world, from 1 */

    /* The program that has it, and what that knows it by; NULL: none has it any more, or yet. */
    struct world_program *program;
    uint64_t tag;
    struct trale_link ready_link; /* among the program's ready endpoints */
    uint32_t awaited;             /* what the program waits for: ENDPOINT_ bits */
    uint32_t ready;               /* which of that has come */

    enum endpoint_state state;
    int32_t error; /* why it is broken, a negative errno */
    sa_family_t family;
    bool v6_only, reuse_port, reuse_address;
    bool is_local;    /* the peer is on this host */
    bool has_closed;  /* the program has closed it */
    bool ended_first; /* it has sent the end of the stream before the peer's has arrived */
    struct trale_address local, peer;
    struct endpoint_options options;

    /* A listener: */
    struct trale_link queue, answering; /* endpoints, by their `listener_link` */
    uint32_t n_queued, backlog;
    char *name; /* of a Unix socket; NULL: none */
    /* An endpoint that was not accepted yet: */
    struct endpoint *listener;
    struct trale_link listener_link;

    struct connection *connection; /* NULL: a listener, or a crash */
    uint8_t side;                  /* of the connection */
    uint64_t heard_ns;             /* when the last segment has arrived */
    struct endpoint_output output;
    struct endpoint_input input;
};

/* Makes an endpoint on a host, with no address yet; NULL: no memory. */
struct endpoint *endpoint_new(struct world *world, struct host *host, sa_family_t family);

/* Frees it; its connection goes on without it. */
void endpoint_free(struct world *world, struct endpoint *endpoint);

/* Makes a connection; NULL: no memory. */
struct connection *connection_new(struct world *world);

/* The endpoint becomes one of its ends. */
void connection_join(struct connection *connection, struct endpoint *endpoint, uint8_t side);

/* One user less. */
void connection_leave(struct world *world, struct connection *connection);

/* The endpoint is no end of its connection any more. */
void endpoint_detach(struct world *world, struct endpoint *endpoint);

/* The other end; NULL: it is not there. */
static inline struct endpoint *endpoint_peer(const struct endpoint *endpoint)
{
    return endpoint->connection != NULL ? endpoint->connection->ends[!endpoint->side] : NULL;
}

/* What the program waits for has come: ENDPOINT_ bits. */
void endpoint_wake(struct endpoint *endpoint, uint32_t ready);

/* Sets the timer. Without memory it is not set, and the world is full. */
void endpoint_set_timer(struct world *world, struct endpoint *endpoint, enum endpoint_timer kind, uint64_t at_ns);
void endpoint_stop_timer(struct world *world, struct endpoint *endpoint);

/* The form in which an endpoint shows an address: an IPv6 socket has IPv4 addresses mapped. */
struct trale_address endpoint_show(const struct endpoint *endpoint, const struct trale_address *address);

#endif
