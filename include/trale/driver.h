/* SPDX-License-Identifier: MIT
 *
 * The driver ABI: all that a driver and the runtime know of each other.
 *
 * A driver is a shared object with one exported symbol, `trale_driver`, which TRALE_DRIVER() defines. It links with
 * nothing of trale; what it needs is handed to it in a table. drivers/README.md is the tutorial; this is the contract.
 *
 * Life.  check    the file, its owner and its description are looked at; nothing of the driver is called
 *        start    makes an instance; it may be made several times in one process, so there is no mutable global state
 *        started  the interface's functions, polls, drops and before_wait are called
 *        stop     after the last future of this instance was dropped, its own (host.spawn) included
 * The file stays mapped after stop, until the process ends: thread-local destructors and late callbacks make unmapping
 * unsafe. A driver has no constructor and no destructor, and ends in stop the threads that it started.
 *
 * Threads.  [executor]  on the thread that polls, whichever [runtime] threads is; never two at a time for one runtime
 *           [start] [stop]  on the thread that opens or closes the runtime, nothing else of the instance running
 *           [any]       on any thread, from start until stop returns
 * So a driver needs no lock, unless it has threads of its own.
 *
 * Growth. Every table that crosses begins with its size and grows at its end alone; who receives one copies the smaller
 * of the two sizes into a zeroed table of its own, and looks for NULL before it uses a member that came later than
 * the first version. Members are of fixed width, errors are negative errno. What is an array element or stands in a
 * future (trale_waker_table, trale_wait, trale_value) never changes.
 */
#ifndef TRALE_DRIVER_H
#define TRALE_DRIVER_H

#include <string.h>

#include <trale/future.h>

/* --- what the runtime gives --------------------------------------------------------------------------------------- */

/* What an fd is waited for; both may be asked at once. An error or a hangup wakes either. */
#define TRALE_READABLE 1u
#define TRALE_WRITABLE 2u
#define TRALE_FAILING 4u /* an error is pending, or in the queue of errors (EPOLLERR); the others wake then as well */

/* One wait for an fd, embedded in the future that waits, zeroed before its first use. The driver sets `waker`; the
 * rest is the reactor's. */
struct trale_wait {
    const struct trale_waker *waker;
    struct trale_link link;
    int32_t fd;
    uint32_t interest;
};

/* The host: the runtime as one instance of one driver sees it. Lent from start until stop returns. Every member is
 * called with `context` first. */
struct trale_host {
    uint32_t size;
    uint32_t abi; /* TRALE_ABI */
    void *context;
    /* Which hints hold in this runtime: TRALE_HOST_ bits below. */
    uint32_t hints;
    uint32_t reserved;

    /* [executor] Waits, once, until `fd` is ready for `interest`: then wait->waker is woken, by reference, and the wait
     * is over; any number of waits may stand on one fd. To be called after the operation answered EAGAIN, in the same
     * poll (see also TRALE_HOST_LEVEL). The first wait adds the fd to epoll, where it stays; registering allocates
     * nothing after that and in the steady state makes no system call. Returns 0: waiting. 1: not waiting, the fd may
     * have become ready since, so try again. A negative errno: not waiting; -EBADF (no such fd), -EPERM (a file that
     * cannot be waited for, like a regular file: epoll_ctl(2)), -EINVAL (interest), -EBUSY (the wait stands already),
     * -ENOMEM, -ENOSPC. */
    int32_t (*register_waker)(void *context, int32_t fd, uint32_t interest, struct trale_wait *wait);

    /* [executor] Takes a wait back, in constant time; its waker is not called after that. A future that has registered
     * calls it before it resolves and when it is dropped, whether or not the wait is over; for a wait that never stood
     * it does nothing. */
    void (*cancel_wait)(void *context, struct trale_wait *wait);

    /* [executor, start, stop] Before closing an fd that was ever registered: ends and wakes all its waits, and takes
     * it out of epoll. The number may be reused after that; what epoll still had to say about it is not believed. */
    void (*forget_fd)(void *context, int32_t fd);

    /* [start, executor] Makes a task of the driver's own, which polls `future` where it stands, in the instance's
     * memory. It does not count in trale_run, and is dropped before stop; but if start fails after it, it is forgotten,
     * neither polled nor dropped. Returns 0 or -ENOMEM. */
    int32_t (*spawn)(void *context, struct trale_future *future);

    /* [any] Hands a message to the application's log under this driver's name. `level` is one of trale.h's TRALE_LOG_
     * numbers: 0 error, 1 warning, 2 info, 3 debug. The text is copied. */
    void (*log)(void *context, uint32_t level, const char *message);
};

/* Readiness is told level by level: a wait that is registered while the fd is ready wakes all the same. So a future
 * may wait first and try then, which saves the try. Without this hint only a try that answered EAGAIN may be followed
 * by a wait. */
#define TRALE_HOST_LEVEL 1u

/* Copies the host as far as both sides know it; members that this runtime does not have are NULL. [start] */
static inline void trale_host_copy(struct trale_host *own, const struct trale_host *host)
{
    memset(own, 0, sizeof *own);
    memcpy(own, host, host->size < sizeof *own ? host->size : sizeof *own);
}

/* --- what the configuration says ---------------------------------------------------------------------------------- */

/* Kinds of options; what a value of the kind looks like in trale.ini, and what the driver gets. */
#define TRALE_OPTION_INTEGER 1u  /* 42, -1, 0x10: value.integer */
#define TRALE_OPTION_SIZE 2u     /* 4096, 64K, 8M, 1G (powers of 1024): value.integer in bytes */
#define TRALE_OPTION_DURATION 3u /* 10ns, 5us, 20ms, 1.5s, 2min, 1h: value.integer in nanoseconds */
#define TRALE_OPTION_BOOLEAN 4u  /* yes, no, true, false, on, off: value.integer 1 or 0 */
#define TRALE_OPTION_CHOICE 5u   /* one of `choices`: value.integer is its position, from 0; value.text the word */
#define TRALE_OPTION_TEXT 6u     /* anything: value.text */

/* One key that the driver takes in its section, beside `path`, which is the runtime's. */
struct trale_option {
    const char *name; /* lower case, digits and '_'; NULL ends the array */
    uint32_t type;    /* TRALE_OPTION_ */
    uint32_t reserved;
    int64_t minimum, maximum;  /* of INTEGER, SIZE, DURATION, both included, and checked unless both are 0 */
    const char *choices;       /* of CHOICE: words separated by " | " */
    const char *default_value; /* as it would stand in trale.ini; NULL: the key must be given */
    const char *help;          /* one line */
};

/* One option's value. */
struct trale_value {
    int64_t integer;
    const char *text; /* as written; never NULL */
    uint32_t line;    /* in trale.ini; 0: the default */
    uint32_t reserved;
};

/* What start is given: a value for each option, checked, in the order of the driver's own array. Lent until stop. */
struct trale_settings {
    uint32_t size;
    uint32_t abi;
    const char *section; /* "driver:udp" */
    const struct trale_value *values;
    uint64_t n_values;
};

/* --- what a driver offers ----------------------------------------------------------------------------------------- */

/* The head of every interface, a table of functions that applications ask for by name. Each function takes `instance`
 * first. The table must stay where it is until stop. A member that came after the first version is called only through
 * a table that trale_interface gave out, or after a look at `size`. */
struct trale_interface {
    uint32_t size;    /* of the whole table */
    uint32_t version; /* the number after the '/' in its name */
    void *instance;
};

/* The description: plain data, read before anything is called. */
struct trale_driver {
    uint32_t size; /* TRALE_DRIVER() sets these three */
    uint32_t abi;
    uint64_t option_size; /* of one element of `options` */

    const char *name;       /* printable, without blanks */
    const char *version;    /* of the driver, for people */
    const char *summary;    /* one line */
    const char *interfaces; /* names separated by blanks: "trale.timer/1"; others' begin with a domain of theirs */
    const struct trale_option *options; /* NULL: none */

    /* [start] Makes an instance: returns 0 with *instance set, or a negative errno with nothing left behind, having
     * said why through host->log. It may open fds, start threads and spawn tasks; it does not block for long. */
    int32_t (*start)(const struct trale_host *host, const struct trale_settings *settings, void **instance);

    /* [stop] Frees the instance and everything it has. */
    void (*stop)(void *instance);

    /* [start, any] The interface by that name, or NULL for a name that it does not know. Called once for each name in
     * `interfaces`, after start. */
    const struct trale_interface *(*interface)(void *instance, const char *name);

    /* [executor] May be NULL. Called before each look at the reactor. idle = 1: no task is runnable and the executor is
     * about to sleep until an fd or another thread wakes it; tasks may be woken now instead, and then it does not
     * sleep. This is where a driver arms its timer once for many sleepers, and where a simulation moves its clock on.
     * idle = 0: tasks are runnable, it is only a look. */
    void (*before_wait)(void *instance, uint32_t idle);
};

/* The name of the exported symbol, which is a `const struct trale_driver`. */
#define TRALE_DRIVER_SYMBOL "trale_driver"

/* TRALE_DRIVER(.name = ..., .start = ..., ...) defines it. Compile with -fvisibility=hidden -fPIC, link with
 * -shared -Wl,-z,defs. */
#define TRALE_DRIVER(...)                                                                                              \
    extern const struct trale_driver trale_driver;                                                                     \
    __attribute__((visibility("default")))                                                                             \
    const struct trale_driver trale_driver = {.size = sizeof(struct trale_driver),                                     \
                                              .abi = TRALE_ABI,                                                        \
                                              .option_size = sizeof(struct trale_option),                              \
                                              __VA_ARGS__}

#if UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(struct trale_wait) == 32, "frozen: stands in futures");
_Static_assert(sizeof(struct trale_value) == 24, "frozen: an array element");
_Static_assert(sizeof(struct trale_future) == 32, "frozen: stands in every frame");
_Static_assert(offsetof(struct trale_host, register_waker) == 24, "append only");
_Static_assert(offsetof(struct trale_host, log) == 56, "append only");
_Static_assert(offsetof(struct trale_driver, name) == 16, "append only");
_Static_assert(offsetof(struct trale_driver, before_wait) == 80, "append only");
#endif

#endif
