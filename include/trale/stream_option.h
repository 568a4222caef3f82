/* SPDX-License-Identifier: MIT
 *
 * The flags that stream sockets are made with, and their options. Part of stream.h, which includes it. */
#ifndef TRALE_STREAM_OPTION_H
#define TRALE_STREAM_OPTION_H

/* Flags of trale_stream_listen. */
#define TRALE_STREAM_FREE_BIND 1u  /* the local address need not be one of this host yet (IP_FREEBIND, ip(7)) */
#define TRALE_STREAM_REUSE_PORT 2u /* several listeners share one port and its load (SO_REUSEPORT, socket(7)) */
#define TRALE_STREAM_V6_ONLY 4u    /* no IPv4 on an IPv6 socket (IPV6_V6ONLY, ipv6(7)); without it, [::] takes both */

/* Flags of writes. */
#define TRALE_STREAM_MORE 1u /* More follows at once: TCP may wait for it to fill a segment (MSG_MORE, send(2)). */

/* Directions of trale_stream_shutdown. */
#define TRALE_STREAM_READS 1u
#define TRALE_STREAM_WRITES 2u

/* Options of trale_stream_set and trale_stream_get, with their values. A socket that was accepted has those of its
 * listener at that moment, which costs no system call: set them there. [TCP]: not for Unix sockets, -EOPNOTSUPP. */
#define TRALE_STREAM_NO_DELAY 1u /* [TCP] 0 or 1: small writes are sent at once (TCP_NODELAY, tcp(7)) */
#define TRALE_STREAM_CORK 2u     /* [TCP] 0 or 1: only full segments are sent, or after 200 ms (TCP_CORK) */

/* [TCP] Probes on an idle connection: 0 or 1; seconds until the first, 1 to 32767; seconds between them, 1 to 32767;
 * how many without an answer end the connection, 1 to 127 (SO_KEEPALIVE, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT). A
 * connection that has ended so resolves reads and writes to -ETIMEDOUT. */
#define TRALE_STREAM_KEEP_ALIVE 3u
#define TRALE_STREAM_KEEP_ALIVE_IDLE 4u
#define TRALE_STREAM_KEEP_ALIVE_INTERVAL 5u
#define TRALE_STREAM_KEEP_ALIVE_COUNT 6u

/* [TCP] Milliseconds for which data may stay unacknowledged before the connection ends with -ETIMEDOUT; 0: the system's
 * default, which is 15 minutes or so (TCP_USER_TIMEOUT, tcp(7); RFC 5482). */
#define TRALE_STREAM_USER_TIMEOUT 7u

/* -1: a close returns at once, and the kernel sends in the background what was written. 0: a close resets the
 * connection, and what was not sent yet is lost. Other values are -EINVAL, for with them close(2) would block the
 * executor (SO_LINGER, socket(7)). To know that the peer has read everything: shut down the writes, and read the peer's
 * end of stream. */
#define TRALE_STREAM_LINGER 8u

/* Bytes. Linux doubles the value for its own records, and caps it at net.core.rmem_max or wmem_max (socket(7)), without
 * an error: read it back. TCP adapts its buffers to the connection only as long as they were never set. */
#define TRALE_STREAM_RECEIVE_BUFFER 9u
#define TRALE_STREAM_SEND_BUFFER 10u

/* [TCP] Bytes: a write waits while so many are not sent yet, so that little is queued behind what the network takes
 * (TCP_NOTSENT_LOWAT, tcp(7)); 0: the system's (net.ipv4.tcp_notsent_lowat). */
#define TRALE_STREAM_NOT_SENT 11u

#define TRALE_STREAM_TRAFFIC_CLASS                                                                                     \
    12u /* [TCP] 0 to 255, of segments sent: DSCP << 2 (RFC 2474); TCP sets the ECN bits */

/* [TCP] An interface's index: the connection, or the listener, uses only this one; 0: any (SO_BINDTOIFINDEX,
 * socket(7)). */
#define TRALE_STREAM_INTERFACE 13u

/* Read only: bytes that the peer has not acknowledged yet (Unix: not read yet; SIOCOUTQ), and bytes that arrived and
 * were not read yet (FIONREAD). -EINVAL for listeners. */
#define TRALE_STREAM_SEND_QUEUE 14u
#define TRALE_STREAM_RECEIVE_QUEUE 15u

/* Of Unix sockets; 0 or 1: reads with a trale_stream_ancillary (stream_unix.h) get the credentials of the process that
 * has written the bytes (SO_PASSCRED, unix(7)). -EOPNOTSUPP for TCP. */
#define TRALE_STREAM_PASS_CREDENTIALS 16u

/* Of listeners, write only: how many connections may wait for an accept, 0 to INT_MAX; the kernel caps it at
 * net.core.somaxconn (listen(2)). */
#define TRALE_STREAM_BACKLOG 17u

#endif
