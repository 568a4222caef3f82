/* SPDX-License-Identifier: MIT
 *
 * Reads and writes. Part of stream.h, which includes it. */
#ifndef TRALE_STREAM_TRANSFER_H
#define TRALE_STREAM_TRANSFER_H

#include <trale/stream.h>

#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct trale_stream_ancillary;

/* A read. */
struct trale_stream_read {
    struct trale_future future;
    struct trale_stream_socket *socket;
    union {
        void *buf;
        const struct iovec *pieces; /* lent, if n_pieces > 0 */
    };
    uint64_t size;                            /* of buf; 0 with pieces */
    struct trale_stream_ancillary *ancillary; /* lent, see stream_unix.h; NULL: none */
    uint32_t n_pieces, reserved;

    struct trale_wait wait;
};

/* A write. */
struct trale_stream_write {
    struct trale_future future;
    struct trale_stream_socket *socket;
    union {
        const void *buf;
        const struct iovec *pieces; /* lent, if n_pieces > 0 */
    };
    uint64_t size;                                  /* of buf; 0 with pieces */
    const struct trale_stream_ancillary *ancillary; /* lent, see stream_unix.h; NULL: none */
    uint32_t n_pieces, flags;
    uint64_t n_written;  /* how many bytes the kernel has taken so far; stays when the write fails or is dropped */
    uint64_t n_of_piece; /* [driver] bytes of the first piece that was not taken whole */
    uint32_t piece;      /* [driver] that piece */
    uint32_t reserved;

    struct trale_wait wait;
};

/* A future that reads what is there, or waits for it. `buf` is lent until the future resolves or is dropped. Resolves
 * to the number of bytes, 1 to `size`; to 0 at the end of the stream; or to:
 *   -ECONNRESET    The connection broke off: the peer's program or host has reset it.
 *   -ETIMEDOUT     It broke off because the peer does not answer (TRALE_STREAM_KEEP_ALIVE, TRALE_STREAM_USER_TIMEOUT).
 *   -EBUSY         Another read of the socket waits.
 *   -EINVAL        `size` is 0: what would it resolve to at the end of the stream?
 *   -ECANCELED     The socket was closed.
 * or to another error of recv(2). Its first poll may do no more than begin to wait (future.h). A dropped read has taken
 * no bytes. */
TRALE_CHECK_RESULT static inline struct trale_future *
trale_stream_read(struct trale_stream_read *read, struct trale_stream_socket *socket, void *buf, size_t size)
{
    memset(read, 0, sizeof *read);
    read->socket = socket;
    read->buf = buf;
    read->size = size;
    socket->stream->read(socket->stream->interface.instance, read);
    return &read->future;
}

/* The same into several buffers, one after the other; no more than 1,024 are filled by one read (IOV_MAX), not
 * counting those without a byte in front of them.
 * The array is lent as well. -EINVAL: all of it together has no byte. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_stream_readv(struct trale_stream_read *read,
                                                                         struct trale_stream_socket *socket,
                                                                         const struct iovec *pieces, uint32_t n_pieces)
{
    memset(read, 0, sizeof *read);
    read->socket = socket;
    read->pieces = pieces;
    read->n_pieces = n_pieces;
    socket->stream->read(socket->stream->interface.instance, read);
    return &read->future;
}

/* A future that writes all of it, and waits while the send buffer is full. `buf` is lent until the future resolves or
 * is dropped. Resolves to `size` when the kernel has taken everything, which does not promise that it arrives. Or, and
 * `n_written` says how many bytes the kernel has taken, to:
 *   -EPIPE         The writes were shut down, or the peer has closed the connection.
 *   -ECONNRESET, -ETIMEDOUT  As in trale_stream_read.
 *   -EBUSY         Another write of the socket waits.
 *   -ECANCELED     The socket was closed.
 * or to another error of send(2). When a write is dropped, `n_written` says how many bytes the kernel has taken; with a
 * driver on completions (driver.h), it has taken these, and may take more. */
TRALE_CHECK_RESULT static inline struct trale_future *
trale_stream_write(struct trale_stream_write *write, struct trale_stream_socket *socket, const void *buf, size_t size)
{
    memset(write, 0, sizeof *write);
    write->socket = socket;
    write->buf = buf;
    write->size = size;
    socket->stream->write(socket->stream->interface.instance, write);
    return &write->future;
}

/* The same for several buffers, one after the other, which together are fewer than 2^63 bytes. The array is lent as
 * well. Resolves to the sum of their sizes. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_stream_writev(struct trale_stream_write *write,
                                                                          struct trale_stream_socket *socket,
                                                                          const struct iovec *pieces, uint32_t n_pieces)
{
    memset(write, 0, sizeof *write);
    write->socket = socket;
    write->pieces = pieces;
    write->n_pieces = n_pieces;
    socket->stream->write(socket->stream->interface.instance, write);
    return &write->future;
}

static_assert(sizeof(struct trale_stream_read) == 104, "frozen: part of frames");
static_assert(sizeof(struct trale_stream_write) == 128, "frozen: part of frames");

#ifdef __cplusplus
}
#endif

#endif
