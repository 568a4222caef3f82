/* SPDX-License-Identifier: MIT
 *
 * The members of struct trale_udp that make no future, but for `close`: a layer passes each of them on. X(TYPE, MEMBER,
 * PARAMETERS, ARGUMENTS), where ARGUMENTS are those for `below`, the table of the driver below. */
#ifndef UDP_CALLS_H
#define UDP_CALLS_H

#include <trale/udp_info.h>
#include <trale/udp_socket.h>

#define UDP_BELOW below->interface.instance
#define UDP_SOCKET void *instance, struct trale_udp_socket *socket

/* Those that make a socket. */
#define UDP_OPENS(X)                                                                                                   \
    X(int32_t, open,                                                                                                   \
      (void *instance, const struct trale_address *local, uint32_t flags, struct trale_udp_socket **socket),           \
      (UDP_BELOW, local, flags, socket))                                                                               \
    X(int32_t, adopt, (void *instance, int32_t fd, struct trale_udp_socket **socket), (UDP_BELOW, fd, socket))         \
    X(int32_t, inherit, (void *instance, const char *name, struct trale_udp_socket **socket), (UDP_BELOW, name, socket))

#define UDP_CALLS(X)                                                                                                   \
    X(int32_t, connect, (UDP_SOCKET, const struct trale_address *peer), (UDP_BELOW, socket, peer))                     \
    X(int32_t, local, (UDP_SOCKET, struct trale_address * address), (UDP_BELOW, socket, address))                      \
    X(int32_t, peer, (UDP_SOCKET, struct trale_address * address), (UDP_BELOW, socket, address))                       \
    X(int32_t, set, (UDP_SOCKET, uint32_t option, int64_t value), (UDP_BELOW, socket, option, value))                  \
    X(int32_t, get, (UDP_SOCKET, uint32_t option, int64_t * value), (UDP_BELOW, socket, option, value))                \
    X(int32_t, join, (UDP_SOCKET, const struct trale_address *group, uint32_t interface_index),                        \
      (UDP_BELOW, socket, group, interface_index))                                                                     \
    X(int32_t, leave, (UDP_SOCKET, const struct trale_address *group, uint32_t interface_index),                       \
      (UDP_BELOW, socket, group, interface_index))                                                                     \
    X(int32_t, join_source,                                                                                            \
      (UDP_SOCKET, const struct trale_address *group, const struct trale_address *source, uint32_t interface_index),   \
      (UDP_BELOW, socket, group, source, interface_index))                                                             \
    X(int32_t, leave_source,                                                                                           \
      (UDP_SOCKET, const struct trale_address *group, const struct trale_address *source, uint32_t interface_index),   \
      (UDP_BELOW, socket, group, source, interface_index))                                                             \
    X(int64_t, try_recv, (void *instance, struct trale_udp_recv *op), (UDP_BELOW, op))                                 \
    X(int64_t, try_send, (void *instance, struct trale_udp_send *op), (UDP_BELOW, op))                                 \
    X(int64_t, try_recv_batch, (void *instance, struct trale_udp_batch *op), (UDP_BELOW, op))                          \
    X(int64_t, try_send_batch, (void *instance, struct trale_udp_batch *op), (UDP_BELOW, op))

/* Those that make a future: X(MEMBER, OPERATION). */
#define UDP_FUTURES(X)                                                                                                 \
    X(recv, struct trale_udp_recv)                                                                                     \
    X(send, struct trale_udp_send)                                                                                     \
    X(recv_batch, struct trale_udp_batch)                                                                              \
    X(send_batch, struct trale_udp_batch)                                                                              \
    X(recv_error, struct trale_udp_error)

#endif
