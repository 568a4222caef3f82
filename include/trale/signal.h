/* SPDX-License-Identifier: MIT
 *
 * The interface "trale.signal/1": signals (signal(7)) that tasks await. Offered by
 * drivers/signal/signal.c, used through the functions at the end.
 *
 * The driver takes the signals that `signals` in its section of trale.ini names, and no others. What is taken does not
 * interrupt anything any more: it is blocked, and pending until a task awaits it. The kernel remembers what nobody
 * awaits yet: one occurrence of a standard signal, all of a realtime signal, in their order. So nothing is lost that
 * comes before the wait for it, or between two.
 *
 * What must be right in the process, for signals belong to all of it:
 *   threads   A signal goes to any thread that does not block it, and does there what it always did. The driver blocks
 *             its signals on the thread that opens the runtime; the runtime's threads block them as well (trale.h); a
 *             thread that is made later inherits the mask of its maker (pthread_create(3)). So open the runtime before
 *             making threads. A thread that was there before, and does not block the signal itself, still gets it.
 *   sender    What is sent to the process can be awaited: by kill(2), sigqueue(3), the terminal, the end of a child.
 *             What is sent to a thread (pthread_kill(3), raise(3), tgkill(2)) is for that thread alone. If that is the
 *             executor thread, a task that begins to await it after that gets it; more is not promised.
 *   ignoring  A blocked signal is not ignored: it can be awaited whatever its disposition is, also under nohup(1), and
 *             SIGCHLD without a handler. But where SIGCHLD is SIG_IGN, which a program may have from whoever executed
 *             it, none is sent when a child ends (wait(2)): set it to SIG_DFL. Nobody else may wait for what is taken,
 *             by sigwait(3) or a signalfd(2) of their own.
 *   children  inherit the mask, through execve(2) as well, and would not feel a SIGTERM that is blocked. Call
 *             trale_signal_mask_clear() between fork(2) and execve(2), or use POSIX_SPAWN_SETSIGMASK (posix_spawn(3)).
 *             system(3) and popen(3) do not clear it.
 *   runtimes  Several in one process may take the same signal: an occurrence goes to one of those in which it is then
 *             awaited, and which of them is not said; where nobody awaits it, it is left alone. So await it in one. In
 *             a group each runtime has the driver, and any one of them will do.
 *   closing   puts the mask back as it was, on the thread that opened the runtime, if that is the one that closes it;
 *             where several took a signal, close them in reverse, as a group does. Threads made in between keep their
 *             mask. What is pending then, for nobody awaited it, is delivered, and a SIGTERM ends the process after
 *             all. Who does not want that blocks the signals before opening the runtime, and they stay blocked.
 */
#ifndef TRALE_SIGNAL_H
#define TRALE_SIGNAL_H

#include <errno.h>
#include <signal.h>

#include <trale/driver.h>
#include <trale/trale.h>

/* A wait for a signal. The last block is for the driver, from `wait` to its end. Frozen: it stands in frames. */
struct trale_signal {
    struct trale_future future;
    uint64_t signals; /* those it waits for, as bits: trale_signal_bit */
    /* Set when it resolved to a value >= 0, as sigaction(2) has it; 0 where the sender did not say: */
    int32_t number;   /* the signal */
    int32_t code;     /* where it came from: SI_USER (kill(2)), SI_QUEUE, SI_KERNEL, CLD_EXITED, ... */
    int32_t pid;      /* who sent it; of SIGCHLD, the child */
    uint32_t uid;     /* and its real user */
    int32_t status;   /* SIGCHLD: the exit status, or the signal, as `code` says; to be waited for all the same */
    int32_t value;    /* sigqueue(3), timer_create(2): sival_int */
    uint64_t pointer; /* the same as sival_ptr */

    void *driver;
    const struct trale_waker *waker;
    struct trale_link link; /* among the waits */
};

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
    return (const struct trale_signals *)trale_interface(runtime, "trale.signal/1", sizeof(struct trale_signals));
}

/* The bit that stands for a signal in a set, 0 for what is not a number from 1 to 64. [any] */
static inline uint64_t trale_signal_bit(int number)
{
    return number >= 1 && number <= 64 ? UINT64_C(1) << (number - 1) : 0;
}

/* Those that the driver takes, as bits; 0 if there is none. [any] */
static inline uint64_t trale_signal_taken(struct trale *runtime)
{
    const struct trale_signals *signals = trale_signals(runtime);
    return signals != NULL ? signals->taken(signals->interface.instance) : 0;
}

/* The first poll: here the runtime is known, and with it the driver, which takes over. */
static inline int64_t trale_signal_begin_(struct trale_future *future, struct trale_context *context)
{
    const struct trale_signals *signals = trale_signals(context->runtime);
    if (signals == NULL)
        return -ENODEV;
    signals->wait(signals->interface.instance, (struct trale_signal *)(void *)future);
    return trale_future_poll(future, context);
}

/* The future of the next of several signals, a set of bits: resolves to its number, with the other members set. Of
 * several that are pending, standard signals come first, by number (signal(7)). All waits of this runtime for a signal
 * that stand at that moment, that is, were polled, resolve with one occurrence; later ones get the next: what several
 * tasks must learn, one had better await and tell the others (sync.h). Or to -ENODEV (no signal driver), -EINVAL (no
 * signal in the set), -ENOENT (the driver does not take one of them: name it in trale.ini), or why the driver cannot
 * wait any more (epoll_ctl(2)). Dropped, it has taken no signal: what was meant for it alone is pending still. Made
 * anywhere, awaited in a task. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_signal_any(struct trale_signal *signal, uint64_t signals)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_signal", trale_signal_begin_, NULL};
    *signal = (struct trale_signal){.future = {.type = &type}, .signals = signals};
    return &signal->future;
}

/* The same for one signal, by its number, such as SIGTERM. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_signal(struct trale_signal *signal, int number)
{
    return trale_signal_any(signal, trale_signal_bit(number));
}

#if UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(struct trale_signal) == 104, "frozen: stands in frames");
#endif

#endif
