/* SPDX-License-Identifier: MIT
 *
 * The interface "trale.signal/1": signals (signal(7)) that tasks await. Offered by
 * drivers/signal/signal.c, used through the functions at the end.
 *
 * The driver takes the signals that `signals` in its section of trale.ini names, and no others. A signal that is taken
 * is blocked: it interrupts nothing, and is pending until a task awaits it. The kernel keeps pending signals: one
 * occurrence of a standard signal, all occurrences of a realtime signal, in their order. So no signal is lost that
 * comes before the first wait for it, or between two waits.
 *
 * Signals belong to the whole process, which must see to this:
 *   threads   A signal goes to any thread that does not block it, and has its usual effect there. The driver blocks its
 *             signals on the thread that opens the runtime; the runtime's threads block them as well (trale.h); a new
 *             thread inherits the mask of the thread that creates it (pthread_create(3)). So open the runtime before
 *             making threads. A thread that existed before, and does not block the signal itself, still gets it.
 *   sender    Signals that are sent to the process can be awaited: by kill(2), sigqueue(3), the terminal, the end of
 *             a child. Signals that are sent to a thread (pthread_kill(3), raise(3), tgkill(2)) reach that
 *             thread alone. On the executor thread, a task that begins to await such a signal later gets it; no more
 *             is promised.
 *   ignoring  A blocked signal is not ignored: it can be awaited whatever its disposition is, also under nohup(1), and
 *             SIGCHLD without a handler. But if SIGCHLD is SIG_IGN, which a program may inherit from its parent, none
 *             is sent when a child ends (wait(2)): set it to SIG_DFL. No other code may wait for signals that are
 *             taken, by sigwait(3) or its own signalfd(2).
 *   children  inherit the mask, through execve(2) as well, and would not get a SIGTERM that is blocked. Call
 *             trale_signal_mask_clear() between fork(2) and execve(2), or use POSIX_SPAWN_SETSIGMASK (posix_spawn(3)).
 *             system(3) and popen(3) do not clear it.
 *   runtimes  Several runtimes of one process may take the same signal. Each occurrence goes to one of those in which a
 *             task awaits it then; which one is not defined. So await a signal in one runtime. In a group each runtime
 *             has the driver, and any of them will do.
 *   closing   restores the signal mask, if the thread that opened the runtime closes it. If several runtimes took a
 *             signal, close them in reverse, as a group does. Threads that were made in between keep their mask.
 *             Signals that are still pending are delivered then, and a SIGTERM ends the process after all. To avoid
 *             this, block the signals before opening the runtime: they stay blocked.
 */
#ifndef TRALE_SIGNAL_H
#define TRALE_SIGNAL_H

#include <trale/driver.h>
#include <trale/trale.h>

#include <errno.h>
#include <signal.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A wait for a signal. The last members are the driver's, from `wait` to its end. Frozen: it is part of frames. */
struct trale_signal {
    struct trale_future future;
    uint64_t signals; /* the signals that it waits for, as bits: trale_signal_bit */
    /* Set when it has resolved to a value >= 0, as in sigaction(2); 0 if the sender did not set it: */
    int32_t number;   /* the signal */
    int32_t code;     /* where it came from: SI_USER (kill(2)), SI_QUEUE, SI_KERNEL, CLD_EXITED, ... */
    int32_t pid;      /* the sender; of SIGCHLD, the child */
    uint32_t uid;     /* and its real user */
    int32_t status;   /* SIGCHLD: the exit status, or the signal, as `code` says; wait(2) is still needed */
    int32_t value;    /* sigqueue(3), timer_create(2): sival_int */
    uint64_t pointer; /* the same as sival_ptr */

    void *driver;
    const struct trale_waker *waker;
    struct trale_link link; /* among the waits */
};

#define TRALE_SIGNAL_1_SIZE 32
#define TRALE_SIGNAL_1 TRALE_INTERFACE("trale.signal/1", TRALE_SIGNAL_1_SIZE)

struct trale_signals {
    struct trale_interface interface; /* version 1 */

    /* [any] The signals that this driver takes, as bits. */
    uint64_t (*taken)(void *instance);

    /* [executor] Makes *signal a future: `type` is to be set by the driver, `signals` is set already, the rest zero.
     * The contract is that of trale_signal_any. */
    void (*wait)(void *instance, struct trale_signal *signal);
};

/* The runtime's signals, or NULL if no driver offers them. [any] */
static inline const struct trale_signals *trale_signals(struct trale *runtime)
{
    return (const struct trale_signals *)trale_interface(runtime, TRALE_SIGNAL_1, sizeof(struct trale_signals));
}

/* The bit of a signal in a set; 0 if the number is not from 1 to 64. [any] */
static inline uint64_t trale_signal_bit(int number)
{
    return number >= 1 && number <= 64 ? UINT64_C(1) << (number - 1) : 0;
}

/* The signals that the driver takes, as bits; 0 if there is no driver, of which the log says nothing. [any] */
static inline uint64_t trale_signal_taken(struct trale *runtime)
{
    const struct trale_signals *signals = (const struct trale_signals *)trale_interface_optional(
        runtime, TRALE_SIGNAL_1, sizeof(struct trale_signals));
    return signals != NULL ? signals->taken(signals->interface.instance) : 0;
}

/* The first poll. Here the runtime is known, and so the driver, which takes the future over. */
static inline int64_t trale_signal_begin_(struct trale_future *future, struct trale_context *context)
{
    const struct trale_signals *signals = trale_signals(context->runtime);
    if (signals == NULL)
        return -ENODEV;
    signals->wait(signals->interface.instance, (struct trale_signal *)(void *)future);
    return trale_future_poll(future, context);
}

/* A future of the next of several signals, a set of bits. It resolves to the number of the signal, with the other
 * members set. If several are pending, standard signals come first, by number (signal(7)). One occurrence resolves all
 * waits of this runtime that have been polled by then; later waits get the next occurrence. So if several tasks must
 * learn of a signal, let one task await it and notify the others (sync.h). Or it resolves to -ENODEV (no signal
 * driver), -EINVAL (no signal in the set), -ENOENT (the driver does not take one of them: name it in trale.ini), or an
 * error of epoll_ctl(2). If it is dropped, it has taken no signal: a signal for it alone stays pending. May be called
 * anywhere; the future is awaited in a task. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_signal_any(struct trale_signal *signal, uint64_t signals)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_signal", trale_signal_begin_, NULL};
    memset(signal, 0, sizeof *signal);
    signal->future.type = &type;
    signal->signals = signals;
    return &signal->future;
}

/* The same for one signal, by its number, such as SIGTERM. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_signal(struct trale_signal *signal, int number)
{
    return trale_signal_any(signal, trale_signal_bit(number));
}

static_assert(sizeof(struct trale_signal) == 104, "frozen: part of frames");
static_assert(offsetof(struct trale_signals, wait) + sizeof(void *) == TRALE_SIGNAL_1_SIZE, "append only");

#ifdef __cplusplus
}
#endif

#endif
