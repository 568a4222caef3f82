/* SPDX-License-Identifier: MIT
 *
 * The interface "org.example.datagrams/1": sockets of datagrams, received and sent by a kernel that is asked and
 * answers later. Offered by driver.c.
 *
 * An example of a driver whose buffers are the kernel's for a while: what becomes of them when a future is dropped. */
#ifndef ORG_EXAMPLE_DATAGRAMS_H
#define ORG_EXAMPLE_DATAGRAMS_H

#include <errno.h>
#include <sys/queue.h>

#include <trale/driver.h>
#include <trale/trale.h>

/* A socket. The driver's own begins with this; applications only pass the pointer on. */
struct datagrams_socket {
    const struct datagrams *datagrams;
};

/* A receive. */
struct datagrams_recv {
    struct trale_future future;
    struct datagrams_socket *socket;
    void *buf;
    uint64_t size;
    uint64_t length; /* set when it resolved to a value >= 0: the whole length of the datagram */

    /* The driver's. */
    TAILQ_ENTRY(datagrams_recv) entry;
    const struct trale_waker *waker;
    void *operation;
    uint64_t state;
};

/* A send. */
struct datagrams_send {
    struct trale_future future;
    struct datagrams_socket *socket;
    const void *buf;
    uint64_t size;

    /* The driver's. */
    const struct trale_waker *waker;
    void *operation;
};

struct datagrams_count {
    uint64_t n_operations;    /* that the kernel has now */
    uint64_t n_buffers;       /* in use: by operations, and by what has arrived */
    uint64_t n_late_receives; /* datagrams that came for a receive that was dropped */
    uint64_t n_late_sends;    /* datagrams that were sent after their send was dropped */
    uint64_t n_calls;         /* system calls that handed operations to the kernel */
};

/* The name of the interface, with the size of version 1 of its table. */
#define ORG_EXAMPLE_DATAGRAMS_1 TRALE_INTERFACE("org.example.datagrams/1", 64)

struct datagrams {
    struct trale_interface interface; /* version 1 */

    /* The contracts are those of the datagrams_ functions below. */
    int32_t (*adopt)(void *instance, int32_t fd, struct datagrams_socket **socket);
    void (*close)(void *instance, struct datagrams_socket *socket);
    void (*recv)(void *instance, struct datagrams_recv *recv);
    void (*send)(void *instance, struct datagrams_send *send);
    void (*count)(void *instance, struct datagrams_count *count);
    int32_t (*hold)(void *instance, uint32_t held);
};
static_assert(offsetof(struct datagrams, hold) + sizeof(void *) == 64, "version 1 does not change");

static inline const struct datagrams *datagrams(struct trale *runtime)
{
    return (const struct datagrams *)trale_interface(runtime, ORG_EXAMPLE_DATAGRAMS_1, sizeof(struct datagrams));
}

/* Makes a socket of an fd of datagrams, and owns it from then on. 0; or -ENODEV (no driver offers this), -ENOMEM, or an
 * error of fcntl(2), and the fd is still the caller's. [executor] */
TRALE_CHECK_RESULT static inline int datagrams_adopt(struct trale *runtime, int fd, struct datagrams_socket **socket)
{
    const struct datagrams *table = datagrams(runtime);
    return table == NULL ? -ENODEV : table->adopt(table->interface.instance, fd, socket);
}

/* Ends the socket. Futures without a result resolve to -ECANCELED. The fd is closed when the kernel has given back the
 * last buffer of the socket. NULL is allowed. [executor] */
static inline void datagrams_close(struct datagrams_socket *socket)
{
    if (socket != NULL)
        socket->datagrams->close(socket->datagrams->interface.instance, socket);
}

/* The future of the next datagram. Resolves to the number of bytes in `buf`, or to -ECANCELED (the socket was closed),
 * -ENOMEM, or an error of recv(2). Dropped, it has taken none: what the kernel receives for it is for the next one. */
TRALE_CHECK_RESULT static inline struct trale_future *
datagrams_recv(struct datagrams_recv *recv, struct datagrams_socket *socket, void *buf, size_t size)
{
    *recv = (struct datagrams_recv){.socket = socket, .buf = buf, .size = size};
    socket->datagrams->recv(socket->datagrams->interface.instance, recv);
    return &recv->future;
}

/* The future that sends a datagram. `buf` is copied at the first poll. Resolves to `size`, or to -EMSGSIZE (more than
 * `buffer` in trale.ini), -ECANCELED, -ENOMEM, or an error of send(2). Dropped, it has sent the datagram, or sends it
 * later, or never, but not a part of it. */
TRALE_CHECK_RESULT static inline struct trale_future *
datagrams_send(struct datagrams_send *send, struct datagrams_socket *socket, const void *buf, size_t size)
{
    *send = (struct datagrams_send){.socket = socket, .buf = buf, .size = size};
    socket->datagrams->send(socket->datagrams->interface.instance, send);
    return &send->future;
}

/* For tests: what there is to count [executor]; and a kernel that does nothing while it is held, or -EOPNOTSUPP
 * [any]. */
static inline void datagrams_count(struct trale *runtime, struct datagrams_count *count)
{
    datagrams(runtime)->count(datagrams(runtime)->interface.instance, count);
}
static inline int datagrams_hold(struct trale *runtime, uint32_t held)
{
    return datagrams(runtime)->hold(datagrams(runtime)->interface.instance, held);
}

#endif
