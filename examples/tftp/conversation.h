/* SPDX-License-Identifier: MIT
 *
 * A transfer with a socket and a file: what a server's and a client's tasks have in common. */
#ifndef TFTP_CONVERSATION_H
#define TFTP_CONVERSATION_H

#include <trale/file.h>
#include <trale/timer.h>
#include <trale/udp.h>

#include "transfer.h"

#define CONVERSATION_BATCH 16 /* datagrams that are sent by one call */

/* What happens to the bytes of the file. */
enum conversation_use {
    CONVERSATION_READ,    /* The file is read and sent. */
    CONVERSATION_WRITE,   /* What is received is written to the file. */
    CONVERSATION_COMPARE, /* What is received is compared with the file. */
};

struct conversation {
    enum conversation_use use;
    struct trale_udp_socket *socket;
    struct trale_address peer; /* of a client before the first answer, the server's address */
    bool has_peer;             /* the socket is connected to the peer */
    struct trale_file *file;
    uint64_t file_size; /* READ: what is behind is not sent; WRITE: what is behind is refused */
    struct transfer transfer;

    uint8_t *memory; /* one allocation for all of these: */
    uint8_t *datagram;
    size_t datagram_size;
    uint8_t *bytes, *others; /* of the file; COMPARE: what the file has */
    size_t bytes_size;
    size_t at, n;                  /* READ: bytes[at..n) were read and not sent; else bytes[0..n) are to be written */
    uint64_t offset;               /* in the file, behind what was read or written */
    uint64_t n_bytes;              /* that were received */
    uint64_t n_heard;              /* packets of the peer */
    bool has_cr;                   /* see netascii.h */
    struct trale_timeout *waiting; /* for a packet; NULL: it does something else */
};

/* Makes room for a transfer with these options, and `bytes_size` bytes of the file at least. setup->window is set to
 * its window. 0 or -ENOMEM. */
int conversation_init(struct conversation *conversation, struct transfer_setup *setup, size_t bytes_size);
void conversation_deinit(struct conversation *conversation);

/* Ends the transfer soon, from another task: with an ERROR for the peer, and this result. One whose file is complete
 * goes on, without dallying. */
void conversation_cancel(struct conversation *conversation, const char *message, int result);

/* Writes, or compares, the bytes that were received. Resolves to 0. */
struct conversation_flush {
    struct trale_future future;
    struct conversation *conversation;
    struct trale_file_op file;
};

/* Runs the transfer, which has begun, until it has ended, or all was received and is in the file (TRANSFER_STORES).
 * Then the caller completes the file, calls transfer_stored, and converses again. Resolves to 0; how the transfer went
 * is in its `result`. A packet of another sender than the peer is answered by an ERROR, and changes nothing. A socket
 * that another task closes ends the transfer with -ECANCELED. */
struct converse {
    struct trale_future future;
    struct conversation *conversation;
    uint64_t n_sent, n_datagrams;
    struct trale_datagram datagrams[CONVERSATION_BATCH];
    union {
        struct trale_udp_batch batch;
        struct trale_file_op file;
        struct conversation_flush flush;
        struct {
            struct trale_udp_recv recv;
            struct trale_timeout timeout;
        };
    };
};
trale_async_declare(converse);

#endif
