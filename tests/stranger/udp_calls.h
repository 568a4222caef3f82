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

/* The functions of a layer that pass these members and `close` on, where the layer has defined:
 *     UDP_LAYER(member)                          the name of its function
 *     UDP_LAYER_BELOW(instance)                  the table of the driver below
 *     UDP_LAYER_TABLE(instance)                  its own table
 *     UDP_LAYER_CALLED(instance, member, result) what it does when the driver below has returned, or nothing */
#define UDP_LAYER_CALLS                                                                                                \
    UDP_CALLS(UDP_PASS)                                                                                                \
    UDP_OPENS(UDP_PASS_OPEN)                                                                                           \
    static void UDP_LAYER(close)(UDP_SOCKET)                                                                           \
    {                                                                                                                  \
        const struct trale_udp *below = UDP_LAYER_BELOW(instance);                                                     \
        below->close(UDP_BELOW, socket);                                                                               \
        UDP_LAYER_CALLED(instance, close, 0);                                                                          \
    }
#define UDP_PASS(type, member, parameters, arguments)                                                                  \
    static type UDP_LAYER(member) parameters                                                                           \
    {                                                                                                                  \
        const struct trale_udp *below = UDP_LAYER_BELOW(instance);                                                     \
        type result = below->member arguments;                                                                         \
        UDP_LAYER_CALLED(instance, member, result);                                                                    \
        return result;                                                                                                 \
    }
#define UDP_PASS_OPEN(type, member, parameters, arguments)                                                             \
    static type UDP_LAYER(member) parameters                                                                           \
    {                                                                                                                  \
        const struct trale_udp *below = UDP_LAYER_BELOW(instance);                                                     \
        type result = below->member arguments;                                                                         \
        if (result == 0)                                                                                               \
            (*socket)->udp = UDP_LAYER_TABLE(instance);                                                                \
        UDP_LAYER_CALLED(instance, member, result);                                                                    \
        return result;                                                                                                 \
    }

/* Sets all members of the layer's table, where the driver below has them: statements. */
#define UDP_LAYER_SET(table, below, instance)                                                                          \
    do {                                                                                                               \
        struct trale_udp *set = (table);                                                                               \
        const struct trale_udp *from = (below);                                                                        \
        set->interface = (struct trale_interface){sizeof *set, 1, (instance)};                                         \
        set->close = UDP_LAYER(close);                                                                                 \
        UDP_OPENS(UDP_SET)                                                                                             \
        UDP_CALLS(UDP_SET)                                                                                             \
        UDP_FUTURES(UDP_SET_FUTURE)                                                                                    \
    } while (0)
#define UDP_SET(type, member, parameters, arguments) UDP_SET_FUTURE(member, )
#define UDP_SET_FUTURE(member, operation) set->member = from->member != NULL ? UDP_LAYER(member) : NULL;

/* Those that make a future: X(MEMBER, OPERATION). */
#define UDP_FUTURES(X)                                                                                                 \
    X(recv, struct trale_udp_recv)                                                                                     \
    X(send, struct trale_udp_send)                                                                                     \
    X(recv_batch, struct trale_udp_batch)                                                                              \
    X(send_batch, struct trale_udp_batch)                                                                              \
    X(recv_error, struct trale_udp_error)

#endif
