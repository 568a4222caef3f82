/* SPDX-License-Identifier: MIT
 *
 * A kernel that is asked for operations and completes them later. There are two: io_uring(7), and a thread that plays
 * one, where io_uring is not allowed and for tests that must know what it does. */
#ifndef DATAGRAMS_KERNEL_H
#define DATAGRAMS_KERNEL_H

#include <stdbool.h>
#include <sys/queue.h>

#include <trale/driver.h>
#include <trale/trale.h>

enum operation_kind { OPERATION_RECV, OPERATION_SEND };

enum operation_state {
    OPERATION_QUEUED,     /* It was not handed over yet, and can be taken back. */
    OPERATION_SUBMITTED,  /* The kernel has it, and with it the buffer. */
    OPERATION_CANCELLING, /* The same, but the kernel is asked to give up. It may succeed all the same. */
    OPERATION_DONE,       /* The buffer is the driver's again, and `result` is what became of it. */
};

/* One receive or send with a buffer of its own. It belongs to the driver's instance and never points into a frame's
 * buffer: the frame may be gone before the kernel is done. */
struct operation {
    TAILQ_ENTRY(operation) entry;        /* among those queued, those done, those free, or those that have arrived */
    TAILQ_ENTRY(operation) cancel_entry; /* among those of which the kernel does not know yet that they are cancelled */
    TAILQ_ENTRY(operation) socket_entry; /* among those of its socket that are not done */
    enum operation_kind kind;
    enum operation_state state;
    bool cancel_queued;
    bool kernel_cancelled; /* the kernel's */
    int fd;
    int32_t result; /* the datagram's whole length, or a negative errno */
    size_t size;    /* of the datagram, or of the buffer */
    struct socket *socket;
    struct datagrams_send *send; /* of a send: its future, or NULL once that was dropped */
    unsigned char buffer[];
};
TAILQ_HEAD(operations, operation);

struct kernel {
    const struct kernel_type *type;
    int fd;           /* readable while there are operations done */
    uint64_t n_calls; /* that handed something over */
};

struct kernel_type {
    /* 0, or a negative errno, and the reason has been logged. */
    int (*open)(struct kernel **kernel, const struct trale_host *host);
    /* It has no operation any more. */
    void (*close)(struct kernel *kernel);

    /* Each returns 0, or -EAGAIN: there is no room before some operations are done. Neither blocks. */
    int (*submit)(struct kernel *kernel, struct operation *operation);
    int (*cancel)(struct kernel *kernel, struct operation *operation);
    /* Hands over what was submitted and cancelled, by one system call if there is room. 0, or -EAGAIN as above. */
    int (*flush)(struct kernel *kernel);

    /* The next operation that is done, or NULL. Does not block. */
    struct operation *(*next)(struct kernel *kernel);

    /* NULL, or: while it is held, nothing is done. [any] */
    void (*hold)(struct kernel *kernel, bool held);
};

extern const struct kernel_type uring_kernel, thread_kernel;

#endif
