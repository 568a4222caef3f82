/* SPDX-License-Identifier: MIT
 *
 * What driver.c and socket.c share: the instance, and its operations. */
#ifndef DATAGRAMS_DRIVER_H
#define DATAGRAMS_DRIVER_H

#include "datagrams.h"
#include "kernel.h"

TAILQ_HEAD(receives, datagrams_recv);

struct socket {
    struct datagrams_socket socket;
    struct instance *instance;
    LIST_ENTRY(socket) entry;
    int fd;
    bool is_closed;
    uint32_t n_references; /* one while it is open, one for each future and for each operation that is not done */
    uint32_t n_receiving;  /* receives that are not done, the cancelled included */
    uint32_t n_cancelling; /* the cancelled */
    uint32_t n_waiting;    /* futures in `waiting` */
    struct operations unfinished; /* receives and sends that are not done */
    struct operations arrived;    /* receives that are done, for futures to come; empty while futures wait */
    struct receives waiting;      /* futures for which nothing has arrived */
};

struct instance {
    struct datagrams table;
    struct trale_host host;
    struct kernel *kernel;
    size_t buffer_size;
    LIST_HEAD(, socket) sockets; /* those that are open */

    struct operations queued;    /* for the next flush */
    struct operations cancelled; /* for the next flush, by cancel_entry */
    struct operations free;      /* kept for the next */
    struct datagrams_count count;

    struct trale_future watcher; /* the task that waits for the kernel's fd */
    struct trale_wait wait;
};

/* An operation of the socket, queued for the next flush; NULL: memory is out. */
struct operation *operation_new(struct instance *instance, struct socket *socket, enum operation_kind kind);
/* An operation that is done, or was never handed over, is kept for the next. */
void operation_free(struct instance *instance, struct operation *operation);
/* Takes an operation back that was not handed over; asks the kernel to give up any other. Does not wait for it. */
void operation_cancel(struct instance *instance, struct operation *operation);
/* Queues an operation again that the kernel gave back although nothing had cancelled it. */
void operation_repeat(struct instance *instance, struct operation *operation);

/* The kernel has given the operation back. */
void socket_complete(struct socket *socket, struct operation *operation);
void socket_unref(struct socket *socket);

int32_t socket_adopt(void *instance, int32_t fd, struct datagrams_socket **socket);
void socket_close(void *instance, struct datagrams_socket *socket);
void socket_recv(void *instance, struct datagrams_recv *recv);
void socket_send(void *instance, struct datagrams_send *send);

#endif
