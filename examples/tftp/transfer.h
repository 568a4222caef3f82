/* SPDX-License-Identifier: MIT
 *
 * One transfer of TFTP, for a server or a client, sending or receiving a file (RFC 1350, 1123, 2347, 7440): packets,
 * timeouts and the bytes of the file go in, datagrams and the bytes of the file come out. It does no input or output.
 *
 * Both sides send again what was not answered. A sender that would also answer each acknowledgement that comes twice
 * would send every block twice from then on (the sorcerer's apprentice, RFC 1123 4.2.3.1): an acknowledgement that says
 * nothing new sends nothing. With a window of several blocks it may mean that the first block of the window was lost,
 * and then the window is sent again; but not for an acknowledgement that may come from blocks which were sent twice.
 *
 * Block numbers count on from 65535 to 0. Here they have 64 bits. */
#ifndef TFTP_TRANSFER_H
#define TFTP_TRANSFER_H

#include "packet.h"

enum transfer_state {
    TRANSFER_ASKS,     /* The client has sent its request; the first answer says what the server agrees to. */
    TRANSFER_AGREES,   /* The server that sends has acknowledged options, and waits for ACK 0. */
    TRANSFER_SENDS,    /* Blocks are sent, a window at a time, and again until they are acknowledged. */
    TRANSFER_RECEIVES, /* Blocks are received in their order, and acknowledged. */
    TRANSFER_STORES,   /* The last block is here; it is acknowledged when the file is complete (transfer_stored). */
    TRANSFER_DALLIES,  /* The last block is acknowledged; if it comes again, that was lost, and is sent again. */
    TRANSFER_ENDED,    /* It is over; an ERROR may be left to be sent. */
};

/* What a transfer begins with. */
struct transfer_setup {
    bool is_client, is_sender;
    enum tftp_mode mode;
    const char *name;            /* of a client: the file's name at the server */
    struct tftp_options options; /* of a client: what it asks for; of a server: what it agrees to */
    uint64_t timeout_ns;         /* until the first repetition; doubles with each further one without the option */
    uint64_t dally_ns;           /* how long the last block is acknowledged again */
    uint32_t n_tries;            /* without an answer: then it ends with -ETIMEDOUT */
    uint8_t *window;             /* of a sender: lent, transfer_window_size bytes */
};

struct transfer {
    struct transfer_setup setup;
    struct tftp_options options; /* that hold: blksize and windowsize are always set */
    enum transfer_state state;
    int result;             /* when it has ended: 0 or a negative errno; -ECONNABORTED: the peer sent an ERROR */
    uint16_t peer_code;     /* of that ERROR */
    char peer_message[128]; /* of that ERROR, any bytes but 0 */
    uint64_t deadline_ns;   /* call transfer_timeout then */
    uint32_t n_retries;     /* since the last progress */
    uint64_t n_repeated;    /* datagrams that were sent again, for statistics */
    bool has_control;       /* the packet in `control` is to be sent */
    size_t control_size;
    uint8_t control[TFTP_REQUEST_MAX];

    /* A sender's blocks, from 1: acknowledged <= sent <= filled, and sent <= sent_most. */
    uint64_t n_acknowledged, n_sent, n_sent_most, n_filled;
    uint64_t last;         /* the number of the last block; 0: not known yet */
    size_t part;           /* bytes in the block behind the filled ones; when `last` is set, in the last block */
    bool has_source_ended; /* the file has no more bytes */
    int carry;             /* netascii: the second byte of a pair that has no room yet, or -1 */
    uint32_t n_ambiguous;  /* acknowledgements without news that blocks may cause which were sent twice */

    /* A receiver's. */
    uint64_t n_received;   /* blocks, in their order */
    uint64_t n_confirmed;  /* of them, those that were acknowledged */
    bool is_gap_confirmed; /* a block is missing, and the sender knows */
};

/* The largest values that a server agrees to. The block and the window fit into window_bytes, which has room for
 * TFTP_BLKSIZE_MIN at least. */
struct transfer_limits {
    uint32_t blksize, windowsize, timeout; /* bytes, blocks, seconds */
    size_t window_bytes;
};

/* What a server agrees to: of what is asked, the options that it knows, within these limits. A timeout counts as it was
 * asked, or not at all (RFC 2349). tsize is left as it was asked. */
struct tftp_options transfer_agree(const struct tftp_options *asked, const struct transfer_limits *limits);

/* How many bytes the window of a sender has; of a client, with whatever part of its options the server agrees to. */
size_t transfer_window_size(const struct transfer_setup *setup);

void transfer_begin(struct transfer *transfer, const struct transfer_setup *setup, uint64_t now_ns);

/* A packet has come. Returns true if its data are the next bytes of the file, as they were sent. */
bool transfer_input(struct transfer *transfer, const struct tftp_packet *packet, uint64_t now_ns);

/* The deadline has passed. */
void transfer_timeout(struct transfer *transfer, uint64_t now_ns);

/* The peer cannot be reached any more, or the socket not be used, as this negative errno says. The end of one that
 * dallies is a good end. */
void transfer_gone(struct transfer *transfer, int reason);

/* The next datagram to send, lent until the next call; NULL: none for now. */
const void *transfer_output(struct transfer *transfer, uint64_t now_ns, size_t *size);

/* Ends the transfer with this result, and an ERROR for the peer. Does nothing if it has ended. */
void transfer_fail(struct transfer *transfer, enum tftp_error code, const char *message, int result);

/* --- a sender's file ---------------------------------------------------------------------------------------------- */

/* Whether the window has room for more of the file. */
bool transfer_wants(const struct transfer *transfer);

/* Takes bytes of the file, in netascii as well, and returns how many it has taken. `is_end`: no more will come. */
size_t transfer_give(struct transfer *transfer, const uint8_t *bytes, size_t size, bool is_end);

/* --- a receiver's file -------------------------------------------------------------------------------------------- */

/* In state STORES: the file is complete, and the last block is acknowledged. */
void transfer_stored(struct transfer *transfer, uint64_t now_ns);

#endif
