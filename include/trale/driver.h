/* SPDX-License-Identifier: MIT
 *
 * The driver ABI: all that a driver and the runtime know of each other.
 *
 * A driver is a shared object with one exported symbol, `trale_driver`, which TRALE_DRIVER() defines. It links with
 * nothing of trale; what it needs is handed to it in a table. drivers/README.md is the tutorial; this is the contract.
 *
 * File. It and the folders that lead to it belong to root, the effective user, or a user in trale_options.trusted_uids,
 * and no other user may write them. It has no RPATH or RUNPATH, and needs libraries by their sonames, never by a path:
 * they are found where the program's own libraries are. Its description is read from the file, of which no code runs
 * before start but what dlopen(3) calls; so all that the description points to is in the file itself, by relative
 * relocations: static or hidden functions and constants. Refused are a description that needs a symbol, relocations in
 * code (DT_TEXTREL), and an executable stack. Constructors and destructors beside those of compilers, and further
 * exported functions or variables, are warnings.
 *
 * Life.  check    the file, its owner and its description are checked; nothing of the driver runs or is mapped
 *        load     dlopen(3) maps the file; what is mapped is compared with what was read, and a difference is refused
 *        start    makes an instance; one process may have several, so a driver has no mutable global state
 *        started  the interface's functions, polls, drops and before_wait are called
 *        settle   waits for what the driver's threads still do, after the last future of this instance was dropped,
 *                 its own (host.spawn) included
 *        stop     frees the instance
 * Drivers are started in the order of `drivers` in trale.ini, and settled and stopped in reverse, also when a later one
 * does not start. So what a driver needs is there for as long as the driver is.
 *
 * The file stays mapped after stop, until the process ends: thread-local destructors and late callbacks make unmapping
 * unsafe. A driver has no constructor and no destructor, and its settle or stop ends the threads that it started.
 *
 * Threads.  [executor]  on the thread that polls; never on two threads at once for one runtime
 *           [start] [stop]  on the thread that opens or closes the runtime; nothing else of the instance runs
 *           [any]       on any thread, from start until stop returns
 * So a driver needs no lock, unless it has threads of its own.
 *
 * Completions.  Where a kernel or a thread has a buffer from the submission of an operation to its completion, as with
 * io_uring(7), a future may be dropped in between. The drop waits for nothing, and after it nothing of the frame is
 * touched, nor what the frame was lent. So:
 *   buffers   What is submitted points only into memory of the instance. Poll copies from there and to there. Only what
 *             completes within the call that submits it may point into what the future was lent.
 *   drop      It takes the future out of the driver, and may ask for the operation to be cancelled. The operation ends
 *             with its own completion, and not with that of the cancel: it may succeed all the same.
 *   results   One that comes after the drop is accounted for. What was received, be it a datagram, a lock or a
 *             connection, is for the next future that asks. What was sent is sent whole, once; its interface says that
 *             a dropped send may be sent. An operation that was given up without a cancel is submitted again: io_uring
 *             gives up what a thread has submitted when the thread ends, and with threads = 0 any thread polls.
 *   submit    before_wait submits all that a turn has gathered, at once. What was dropped by then is not submitted.
 *   complete  Completions come by an fd, for which a task of the driver's own waits (spawn).
 *   end       settle waits until all is complete, and only then stop frees the buffers.
 *
 * Growth. Every table that is passed between the runtime and a driver begins with its size and grows only at its end.
 * The receiver copies the smaller of the two sizes into a zeroed table of its own, and compares members that came later
 * than the first version with NULL before it uses them. Members have fixed widths; errors are negative errno. Array
 * elements and parts of futures (trale_waker_table, trale_wait, trale_value) never change.
 */
#ifndef TRALE_DRIVER_H
#define TRALE_DRIVER_H

#include <trale/driver_option.h>
#include <trale/future.h>

#include <pthread.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- what the runtime gives --------------------------------------------------------------------------------------- */

/* What a wait is for; these may be combined. An error or a hangup ends a wait for any of them. */
#define TRALE_READABLE 1u
#define TRALE_WRITABLE 2u
#define TRALE_FAILING 4u       /* an error is pending, or in the error queue (EPOLLERR) */
#define TRALE_PRIORITY_DATA 8u /* EPOLLPRI, such as TCP's urgent data */
/* What a wait cannot be for, and may find. */
#define TRALE_HANGUP 16u      /* EPOLLHUP */
#define TRALE_READ_HANGUP 32u /* EPOLLRDHUP: the peer sends no more; found by waits for TRALE_READABLE */

struct trale_observer; /* observer.h */
struct trale_inspector;

/* One wait for an fd, embedded in the future that waits, zeroed before its first use. The driver sets `waker`; the
 * other members are the reactor's. `ready` is there when the wait is over: what epoll reported, of `interest` and of
 * TRALE_FAILING, TRALE_HANGUP and TRALE_READ_HANGUP. It is 0 after forget_fd. Another future may have taken what was
 * ready since. */
struct trale_wait {
    const struct trale_waker *waker;
    struct trale_link link;
    int32_t fd;
    uint16_t interest;
    uint16_t ready;
};

/* The host: the functions of the runtime that one instance of one driver may call. Lent from start until stop returns.
 * The first argument of each is `context`. */
struct trale_host {
    uint32_t size;
    uint32_t abi; /* TRALE_ABI */
    void *context;
    /* Which hints hold in this runtime: TRALE_HOST_ bits below. */
    uint32_t hints;
    uint32_t reserved;

    /* [executor] Registers a wait: when `fd` is ready for `interest`, wait->waker is woken by reference, once, and the
     * wait is over. Any number of waits may be registered for one fd. Call it in the same poll, after the operation
     * answered EAGAIN (see also TRALE_HOST_LEVEL). The first wait adds the fd to epoll, where it stays; after that,
     * registering allocates nothing, and in the steady state it makes no system call. Returns 0: registered. 1: not
     * registered; the fd may have become ready meanwhile, wait->ready says for what, so try the operation again. A
     * negative errno: not registered;
     * -EBADF (no such fd), -EPERM (a file for which one cannot wait, such as a regular file: epoll_ctl(2)), -EINVAL
     * (interest), -EBUSY (the wait is already registered), -ENOMEM, -ENOSPC, -ECHILD (in a child of the process that
     * opened the runtime). */
    int32_t (*register_waker)(void *context, int32_t fd, uint32_t interest, struct trale_wait *wait);

    /* [executor] Cancels a wait, in constant time; its waker is not called after that. A future that has registered a
     * wait calls this before it resolves and when it is dropped, whether or not the wait is over. Returns 1 if the wait
     * was registered, and 0 if it was over or never registered. */
    int32_t (*cancel_wait)(void *context, struct trale_wait *wait);

    /* [executor, start, stop] Call it before closing an fd that was ever registered. It ends all waits for the fd,
     * wakes their wakers, and removes the fd from epoll. After that the number may be used again: stale events are
     * ignored. If an fd is closed without it while a duplicate of the fd is open, epoll goes on to report it: the
     * reactor then moves all other fds to a new epoll instance, and a warning names the driver. */
    void (*forget_fd)(void *context, int32_t fd);

    /* [start, executor] Makes a task of the driver's own. It polls `future` where it is, in the memory of the instance;
     * a future that has resolved is made anew before it is spawned again. trale_run does not wait for the task. It is
     * dropped before stop; but if start fails, the task is forgotten and its future neither polled nor dropped. Returns
     * 0 or -ENOMEM. */
    int32_t (*spawn)(void *context, struct trale_future *future);

    /* [any] Writes a message to the application's log, under the name of the driver's section. `level` is one of the
     * TRALE_LOG_ numbers in trale.h: 0 error, 1 warning, 2 info, 3 debug. The text is copied. */
    void (*log)(void *context, uint32_t level, const char *message);

    /* [start, executor] Makes a thread that runs run(data), for a driver that needs threads of its own; the driver ends
     * it, and joins it by pthread_join(3), in settle or stop. Its name is cut after 15 bytes. It blocks all signals but
     * those that come from a failing instruction, SIGABRT and SIGPROF. A trale_close of the runtime on it answers
     * -EDEADLK, for that would wait for the thread itself. 0, -ENOMEM or -EAGAIN. */
    int32_t (*start_thread)(void *context, pthread_t *thread, const char *name, void *(*run)(void *data), void *data);

    /* The next two are there with TRALE_HOST_LEVEL, else NULL. With them a future finds out whether it is better to
     * wait first or to try first.
     * [executor] Whether no other task is runnable: if the current poll returns TRALE_PENDING, the executor looks at
     * the reactor next, and so waiting first costs no look of its own. */
    int32_t (*is_idle)(void *context);

    /* [executor] How many times the executor has looked at the reactor. A wait whose waker is woken by the first look
     * after its registration may have been registered for an fd that was ready. */
    uint64_t (*n_looks)(void *context);

    /* [start, any] The interface by that name of a driver that was started before this one, as trale_interface gives it
     * to applications: a table of at least `size` bytes, in which members that the other driver does not know are NULL;
     * lent until stop returns, for the other driver is stopped after this one. Of several layers (layer.h) it is the
     * one that was started last before this driver. The interfaces in `needs` are there; for others, NULL: none of
     * these drivers offers it. NULL also if memory is out, which happens only if the table is shorter than `size`, and
     * in a child of the process. Its functions are called on the threads that its header names; before any task runs,
     * and when all are dropped, the threads of start and stop count as the executor's. No future of it is polled or
     * dropped in start, settle or stop. */
    const void *(*interface)(void *context, const char *name, uint64_t size);

    /* [any] NULL, except with [runtime] checks = yes: then trale_host_expect calls it. `function` is static. */
    void (*expect)(void *context, const char *function);

    /* [start] From now on until stop, the driver hears of every wake, poll, spawn and end of a task (observer.h), and
     * *inspector, a table of functions that look at tasks, is there. `observer` is lent until stop returns. If start
     * fails, the observer is forgotten. Returns 0; -EINVAL (the size of the observer); -EBUSY: this instance observes
     * already; -ENOMEM. */
    int32_t (*observe)(void *context, const struct trale_observer *observer, void *data,
                       const struct trale_inspector **inspector);

    /* [start] A word that the instances of one section share in all runtimes of a group (trale_group_open), which start
     * one after the other; 0 when the first one starts, and lent until start returns. A runtime that is opened alone
     * has its own. So what is decided by looking, such as whether the kernel has a facility, is the same for all. */
    uint64_t *group_word;
};

/* A hint: waits are level-triggered. A wait that is registered while the fd is already ready wakes its task, so a
 * future may register first and try when it is woken, which saves a try. Without this hint a future registers only
 * after a try that answered EAGAIN. */
#define TRALE_HOST_LEVEL 1u

/* A hint: the order in which runnable tasks are polled is drawn from a seed ([runtime] shuffle), so it also depends on
 * which tasks the drivers have. */
#define TRALE_HOST_SHUFFLE 2u

/* Copies the members that driver and runtime both know; the others are NULL. [start] */
static inline void trale_host_copy(struct trale_host *own, const struct trale_host *host)
{
    memset(own, 0, sizeof *own);
    memcpy(own, host, host->size < sizeof *own ? host->size : sizeof *own);
}

/* The first statement of the [executor] functions of an interface: with [runtime] checks = yes, a call on another
 * thread is a message that names the function, such as "trale_udp.open". It costs a comparison otherwise. [any] */
static inline void trale_host_expect(const struct trale_host *host, const char *function)
{
    if (host->expect != NULL)
        host->expect(host->context, function);
}

/* --- what a driver offers ----------------------------------------------------------------------------------------- */

/* The head of every interface, which is a table of functions that applications ask for by name. The first argument of
 * each function is `instance`. The table stays where it is until stop, and all that follows the head are functions. All
 * of the first version are there; those that came later may be NULL, or behind the end of the table: before one of them
 * is called, `size` is checked, unless the table is one that trale_interface returned, and it is compared with NULL. */
struct trale_interface {
    uint32_t size;    /* of the whole table */
    uint32_t version; /* the number after the '/' in its name */
    void *instance;
};

/* The name of an interface is NAME/VERSION; behind ':' may follow the size of the first version of its table, which
 * never changes: TRALE_INTERFACE("trale.timer/1", 56) is "trale.timer/1:56". The header of each interface defines both,
 * as TRALE_TIMER_1_SIZE and TRALE_TIMER_1. If a driver offers the name with a size, and its table is shorter, or has a
 * NULL among these functions, the driver is refused when it starts; if it offers the name without, then it is not found
 * by a program that asks with one. Both sizes are in the message. Apart from that, names with and without a size are
 * the same. */
#define TRALE_INTERFACE(name, size) name ":" TRALE_INTERFACE_SIZE_(size)
#define TRALE_INTERFACE_SIZE_(size) #size

/* The description: plain data, which is read from the file before anything of the driver runs. */
struct trale_driver {
    uint32_t size; /* TRALE_DRIVER() sets these three */
    uint32_t abi;
    uint64_t option_size; /* of one element of `options` */

    const char *name;    /* printable, without blanks */
    const char *version; /* of the driver, for people to read */
    const char *summary; /* one line */
    /* At most 64 names separated by blanks, such as TRALE_TIMER_1 or "org.example.inotify/1", none of them twice. */
    const char *interfaces; /* NULL: none, only layers */
    const char *layers;     /* those that it offers only over other drivers of them (layer.h), likewise; NULL: none */
    const char *needs;      /* interfaces that drivers started before this one must offer, likewise; NULL: none */
    const struct trale_option *options; /* NULL: none */

    /* [start] Makes an instance. Returns 0 and sets *instance; or logs the reason through host->log, leaves nothing
     * behind, and returns a negative errno. It may open fds, start threads and spawn tasks. It does not block for
     * long. */
    int32_t (*start)(const struct trale_host *host, const struct trale_settings *settings, void **instance);

    /* [stop] Frees the instance and everything it has. The drivers that were started before this one are not stopped
     * yet; those started after it are. */
    void (*stop)(void *instance);

    /* [start, any] The interface with that name, or NULL if there is none. Called once for each name in `interfaces`,
     * after start. */
    const struct trale_interface *(*interface)(void *instance, const char *name);

    /* [executor] May be NULL. Called each time before the executor asks the reactor for events. Here a driver arms its
     * timer once for many sleeps, and a simulation moves its clock on. Returns for how many nanoseconds the executor
     * may sleep at most, by CLOCK_MONOTONIC: UINT64_MAX is no limit; 0, the executor does not sleep, and asks again
     * after a look at the reactor. A sleep may end early for any reason, and a little late.
     * idle = 1: no task is runnable, and the executor is about to sleep; it does not if this function wakes a task.
     * idle = 0: a task is runnable, be it one that a driver asked before has just woken; the executor will not sleep,
     * and the answer does not matter. Tasks that this function wakes may be polled before the reactor is looked at,
     * unless it answers 0. */
    uint64_t (*before_wait)(void *instance, uint32_t idle);

    /* [stop] May be NULL. Called when the last future was dropped and before any driver is stopped: waits until nothing
     * of the instance runs any more, but no longer than until `deadline_ns` on CLOCK_MONOTONIC; UINT64_MAX is no
     * limit. Returns 0; or -ETIMEDOUT, having said through host->log what still runs. May be called again after
     * either. */
    int32_t (*settle)(void *instance, uint64_t deadline_ns);

    /* What the runtime must be for this driver: TRALE_DRIVER_DEMANDS_ bits below. One that is not is not opened, and
     * the message says what to write in trale.ini. A runtime that does not know one of the bits refuses the driver. */
    uint32_t demands;
    uint32_t reserved;
};

/* [runtime] threads = 0 and instances = 1. */
#define TRALE_DRIVER_DEMANDS_ONE_THREAD 1u

/* The name of the exported symbol, which is a `const struct trale_driver`. */
#define TRALE_DRIVER_SYMBOL "trale_driver"

/* TRALE_DRIVER(.name = "files", .start = files_start, ...) defines the symbol. In C++, which has no such initialisers,
 * TRALE_DRIVER(driver.name = "files", driver.start = files_start, ...) does; what it names is constant there as well,
 * so the symbol needs no constructor. Compile with -fvisibility=hidden -fPIC, link with -shared -Wl,-z,defs. */
#ifndef __cplusplus
#define TRALE_DRIVER(...)                                                                                              \
    __attribute__((visibility("default"))) extern const struct trale_driver trale_driver;                              \
    const struct trale_driver trale_driver = {.size = sizeof(struct trale_driver),                                     \
                                              .abi = TRALE_ABI,                                                        \
                                              .option_size = sizeof(struct trale_option),                              \
                                              __VA_ARGS__}
#else
#define TRALE_DRIVER(...)                                                                                              \
    extern "C" __attribute__((visibility("default"))) const struct trale_driver trale_driver;                          \
    constexpr struct trale_driver trale_driver = [] {                                                                  \
        struct trale_driver driver = {};                                                                               \
        driver.size = sizeof(struct trale_driver);                                                                     \
        driver.abi = TRALE_ABI;                                                                                        \
        driver.option_size = sizeof(struct trale_option);                                                              \
        (void)(__VA_ARGS__);                                                                                           \
        return driver;                                                                                                 \
    }()
#endif

static_assert(sizeof(struct trale_wait) == 32, "frozen: part of futures");
static_assert(offsetof(struct trale_host, register_waker) == 24, "append only");
static_assert(offsetof(struct trale_host, log) == 56, "append only");
static_assert(offsetof(struct trale_host, start_thread) == 64, "append only");
static_assert(offsetof(struct trale_host, n_looks) == 80, "append only");
static_assert(offsetof(struct trale_host, interface) == 88, "append only");
static_assert(offsetof(struct trale_host, expect) == 96, "append only");
static_assert(offsetof(struct trale_host, observe) == 104, "append only");
static_assert(offsetof(struct trale_host, group_word) == 112, "append only");
static_assert(offsetof(struct trale_driver, name) == 16, "append only");
static_assert(offsetof(struct trale_driver, before_wait) == 96, "append only");
static_assert(offsetof(struct trale_driver, settle) == 104, "append only");
static_assert(offsetof(struct trale_driver, demands) == 112, "append only");

#ifdef __cplusplus
}
#endif

#endif
