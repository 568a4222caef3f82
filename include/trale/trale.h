/* SPDX-License-Identifier: MIT
 *
 * The application's face: a runtime here, its tasks in task.h, futures made of futures in branches.h, and what it says
 * of itself in introspection.h. This header includes all of them.
 *
 * A runtime is an executor that polls tasks, a reactor that wakes them, and the drivers that trale.ini names. Nothing
 * here is global but trale_global(): a process may hold any number of runtimes.
 *
 * Threads. [runtime] threads in trale.ini chooses the thread that polls:
 *     2   an executor thread polls tasks, a reactor thread sits in epoll
 *     1   one thread does both: it sits in epoll when no task is runnable
 *     0   no thread: a thread inside trale_join, trale_block_on, trale_run or trale_turn polls, one at a time
 * "The executor thread" below is whichever thread polls at that moment. Where nothing else is said, a function may be
 * called on any thread. The same program gives the same results in all three.
 *
 * Fairness. The run-queue is first in, first out: a task that is woken goes to its end. With [runtime] shuffle = SEED
 * each of the runnable tasks of a priority is as likely as the others to be polled next; among n of them, one is passed
 * over k times with a probability of (1 - 1/n)^k. Tasks of high priority are polled before those of normal priority,
 * and those before tasks of low priority; but 1 in 17 polls goes to a lower priority, if a task of one is runnable. In
 * one poll a task may take at most TRALE_POLL_BUDGET results of awaits; after that trale's own futures that may be
 * ready again and again give no more, but for one to each branch of a race and to a timeout (trale_context_lend), and
 * the task goes to the end of the run-queue. A result that was given is never held back. Futures which do not look at
 * the budget (future.h) may give TRALE_POLL_OVERDRAFT more; then the next future, even a new one, is polled only when
 * the task has its next turn. The executor counts polls and results together; after TRALE_EVENT_INTERVAL of them it
 * looks at the reactor, the timers and the tasks that other threads woke or spawned. So neither a task that is always
 * ready nor a socket that always has data can starve other tasks; a poll that computes for a long time can.
 *
 * Signals. The runtime's threads and those of its drivers block all signals, so that they go to the application's
 * threads, except those that come from a failing instruction (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS),
 * SIGABRT and SIGPROF: crash handlers, sanitizers and profilers see these threads. A child process that a task starts
 * inherits the mask, and programs that it executes as well, which would not feel a SIGTERM: see
 * trale_signal_mask_clear().
 *
 * Fork. A child of fork(2) must not use its parent's runtimes; it may exec, or open its own. There, trale_join of a
 * task that is not done, trale_block_on, trale_run, trale_tasks, trale_dump, trale_stats, trale_require and the
 * functions that close return -ECHILD, and trale_spawn, trale_interface and trale_current NULL. A child may close the
 * sockets that it has inherited; its parent's stay open. A child that was forked inside a task must not return from it.
 *
 * Errors are negative errno, and outputs are untouched on failure.
 */
#ifndef TRALE_TRALE_H
#define TRALE_TRALE_H

#include <trale/future.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#else
#include <trale/async.h>
#endif

#define TRALE_VERSION "0.2.0"

#if defined TRALE_BUILDING
#define TRALE_API __attribute__((visibility("default")))
#else
#define TRALE_API
#endif

#define TRALE_POLL_BUDGET 32u
#define TRALE_POLL_OVERDRAFT 32u
#define TRALE_EVENT_INTERVAL 256u

struct trale;      /* a runtime */
struct trale_task; /* a handle on a task, see trale_spawn and trale_task_clone */

/* --- runtimes ----------------------------------------------------------------------------------------------------- */

/* How much a message matters; trale_options.log gets all of them. */
#define TRALE_LOG_ERROR 0u   /* something asked for was not done */
#define TRALE_LOG_WARNING 1u /* done, but look at it */
#define TRALE_LOG_INFO 2u    /* what was loaded, from where */
#define TRALE_LOG_DEBUG 3u

/* What trale_open takes. Zero means the default, for each member. */
struct trale_options {
    /* The configuration file. NULL: the first that exists of $TRALE_CONFIG, $XDG_CONFIG_HOME/trale/trale.ini (or
     * $HOME/.config/trale/trale.ini), the system's trale.ini (`trale check` prints the path); if none does, the
     * built-in text, which is the shipped trale.ini. A file that is named, here or by TRALE_CONFIG, must exist; one
     * that this process may not look for does not exist; one that exists and cannot be read is an error. The
     * environment is ignored in a setuid or setcap program (secure_getenv(3)). A message of level INFO says which file
     * is used, and why.
     * $TRALE_SIMULATION, which `trale simulate` sets, names a file that is used in place of any other, also of one that
     * is named or given here; it is checked as any other. */
    const char *config_path;
    /* The configuration itself, instead of any file. With both, config_path is only its name in messages. */
    const char *config_text;
    /* Called with each message, on whichever thread has something to say, possibly on several at once. `source` is
     * "trale" or the name of a driver's section; the strings are lent for the call. A message is one line: control
     * characters in it, and bytes that are not UTF-8, are written as \xNN. It must not call trale.
     * NULL: errors and warnings go to stderr, a line each. */
    void (*log)(void *log_data, uint32_t level, const char *source, const char *message);
    void *log_data;
    /* 1: the configuration must be complete, and -EINVAL if it is not: its last section is [end], which holds nothing.
     * So a file that is cut off, or that another process is just writing, is not taken for one with fewer settings. The
     * built-in text is complete. */
    uint32_t require_end;
    uint32_t reserved;
    /* Users that are trusted as root and the effective user are: trale.ini, drivers, and the folders that lead to them
     * may belong to them. Such a user can run any code in this process. In a user namespace the files of all users that
     * it does not map appear as those of one user, 65534 (/proc/sys/kernel/overflowuid); to name that one is to trust
     * all of them. NULL: no other user. Lent for the call. */
    const uint32_t *trusted_uids;
    size_t n_trusted_uids;
};

/* Reads the configuration, loads and starts the drivers in the order it gives, starts the threads. On failure
 * everything that had started is stopped in reverse, and the messages say what and where: the file and line, what was
 * found, what is allowed. `options` may be NULL and is not kept.
 * Returns 0, or -ENOENT (a file or driver is missing), -EINVAL (the configuration does not hold), -EPERM (a file that
 * others may write), -EACCES (a driver on a file system that is mounted noexec), -ENOEXEC (not a driver),
 * -EPROTONOSUPPORT (a driver for another ABI), whatever a driver's start answered, or -ENOMEM, -EMFILE, -EAGAIN and
 * their like from the system. */
TRALE_CHECK_RESULT static inline int trale_open(struct trale **runtime, const struct trale_options *options);

/* The function behind trale_open: `size` says how much of the options the caller knows. */
TRALE_CHECK_RESULT TRALE_API int trale_open_sized(struct trale **runtime, const struct trale_options *options,
                                                  size_t size);
TRALE_CHECK_RESULT static inline int trale_open(struct trale **runtime, const struct trale_options *options)
{
    return trale_open_sized(runtime, options, sizeof *options);
}

/* Closes a runtime: drops every task that is left, on the executor thread (with threads = 0 the calling one), so that
 * their handles resolve to -ECANCELED; waits for what the drivers' threads still do and stops the drivers in reverse;
 * ends the threads and frees the runtime. Other threads of the application must not be in a call on the runtime, or
 * make one later; functions that drivers run may (blocking.h). Handles and wakers that outlive it stay valid.
 * Memory written before the call is visible to the cleanup functions.
 *
 * Cleanup functions run meanwhile. What they spawn starts cancelled: it is dropped, and never polled. Where drops spawn
 * tasks whose drops spawn tasks, and so on, 1,000 times over, trale_spawn returns NULL from then on, with a warning.
 *
 * NULL is allowed. Returns 0; -EDEADLK where it would wait for the calling thread: inside a task or a cleanup function
 * of the runtime, in a function that one of its drivers runs, in `log` while it is called by one of the runtime's
 * threads or by this call, or by way of other runtimes as with trale_join; -EPERM for the global runtime and for one of
 * a group. */
TRALE_API int trale_close(struct trale *runtime);

/* The same, for `limit_ns` nanoseconds at most. Returns -ETIMEDOUT if a task is still in its poll or drop then, or a
 * driver's thread in a function; a message to `log` names it, but a poll only where [runtime] watchdog or poll_times
 * has polls watched. The runtime is closed but for that: it polls no task any more, its memory stays, and it only takes
 * another trale_close or trale_close_within, on any thread, which goes on from there. With threads = 0 the calling
 * thread itself drops the tasks, and the limit does not end that. */
TRALE_CHECK_RESULT TRALE_API int trale_close_within(struct trale *runtime, uint64_t limit_ns);

/* The process-wide runtime, opened without options by the first call and never closed. Every call returns what that
 * first opening returned; in a child of the process that opened it, -ECHILD. */
TRALE_CHECK_RESULT TRALE_API int trale_global(struct trale **runtime);

/* The runtime whose task is being polled on this thread, or NULL. */
TRALE_API struct trale *trale_current(void);

/* Polls or waits until the runtime has no task left, not counting the drivers' own and those in the background
 * (trale_background); returns 0, at once if there is none. -EDEADLK as trale_join. A task that never ends keeps it for
 * ever, unless it is in the background. */
TRALE_API int trale_run(struct trale *runtime);

/* A runtime inside another event loop, such as GLib's or libuv's, with threads = 0. That loop watches the fd for being
 * readable, level-triggered, and then calls trale_turn, which does what there is to do and never blocks: it takes in
 * events, timers, and what other threads have woken, spawned or aborted, and polls the tasks that are runnable, about
 * TRALE_EVENT_INTERVAL times at most. Nothing is lost between two turns, and after a turn that left nothing to do the
 * fd is not readable until there is something. Calls that poll as well, or wait for their turn (trale_join, trale_run,
 * trale_stats), may be used besides. Each may make the fd readable, and the turn after it goes on with what it left: a
 * loop that calls one before each wait does not sleep.
 *
 * trale_backend_fd returns the fd, the same each time; it is the runtime's, and closed with it: remove it from the loop
 * first. Nothing but waiting may be done with the fd. This call may poll tasks, as trale_block_on does. -EOPNOTSUPP
 * (threads is not 0), -ECHILD, -EMFILE, -ENFILE, -ENOMEM, -ENOSPC. */
TRALE_CHECK_RESULT TRALE_API int trale_backend_fd(struct trale *runtime);

/* Returns 1 if a task is still runnable: the fd is readable then, and the loop may do other things first. 0 if there is
 * nothing more to do now. -EOPNOTSUPP (threads is not 0); -EDEADLK in a task or a cleanup function of the runtime;
 * -EBUSY while another thread polls the tasks, in trale_join or the like: it does what there is to do, and the fd may
 * be readable meanwhile; -ECHILD. May be called on any thread, and without the fd. */
TRALE_API int trale_turn(struct trale *runtime);

/* A group: equal runtimes that share nothing, to use more than one core; `[runtime] instances` says how many, 0 one for
 * each core that the process may use (sched_getaffinity(2)). Each has its own threads and its own instance of every
 * driver, and no task ever changes over. A server opens a socket in each of them, all on one port with
 * TRALE_UDP_REUSE_PORT, and the kernel spreads the senders over them.
 * Errors are those of trale_open, and then none is left open. The configuration is read for each of them. */
struct trale_group;
TRALE_CHECK_RESULT TRALE_API int trale_group_open_sized(struct trale_group **group, const struct trale_options *options,
                                                        size_t size);
TRALE_CHECK_RESULT static inline int trale_group_open(struct trale_group **group, const struct trale_options *options)
{
    return trale_group_open_sized(group, options, sizeof *options);
}

/* How many there are, and the i-th of them; NULL beyond. They are closed with the group alone. */
TRALE_API size_t trale_group_size(const struct trale_group *group);
TRALE_API struct trale *trale_group_runtime(const struct trale_group *group, size_t i);

/* Closes all of them, as trale_close does. First all are asked to end, then all drop their tasks, then all wait for
 * what their drivers' threads still do, then they are freed: so tasks, cleanup functions and functions that drivers run
 * may use each other's runtimes to the end, and a task that blocks on another runtime of the group gets -ECANCELED.
 * NULL is allowed. 0, or -EDEADLK as trale_close, for any of them. */
TRALE_API int trale_group_close(struct trale_group *group);

/* The same with a limit, as trale_close_within. After -ETIMEDOUT the group only takes another of these two calls. */
TRALE_CHECK_RESULT TRALE_API int trale_group_close_within(struct trale_group *group, uint64_t limit_ns);

/* --- drivers ------------------------------------------------------------------------------------------------------ */

/* The interface by that name of the first driver that offers it, with its `instance` member set: a table of at least
 * `size` bytes, lent until the runtime closes, in which members that the driver does not know are NULL. The first
 * member is a `struct trale_interface` (driver.h). The name is "trale.timer/1", or has the size of the first version of
 * the table, as TRALE_TIMER_1 does (TRALE_INTERFACE in driver.h): then all of that version is there. NULL: no driver
 * offers it; for the first call with a name, a warning says which task asked for it and what to write into trale.ini.
 * Or the driver's table lacks a part of its first version, which is one message of level ERROR. The headers of the
 * interfaces (timer.h, udp.h) wrap this. */
TRALE_API const void *trale_interface(struct trale *runtime, const char *name, size_t size);

/* For a program that cannot do without certain interfaces: trale_require(runtime, TRALE_TIMER_1, TRALE_UDP_1, NULL)
 * returns 0 if drivers offer all of them. Otherwise -ENODEV, and one message of level ERROR names all that are missing,
 * and what to write into trale.ini. NULL ends the names. [any] */
TRALE_CHECK_RESULT TRALE_API __attribute__((sentinel)) int trale_require(struct trale *runtime, const char *interface,
                                                                         ...);

/* --- beside the runtime ------------------------------------------------------------------------------------------- */

/* Unblocks all signals on the calling thread: for a child process, between fork(2) and execve(2). Async-signal-safe.
 * With posix_spawn(3), POSIX_SPAWN_SETSIGMASK and an empty set do the same; system(3) and popen(3) in a task cannot:
 * their children inherit the mask. */
TRALE_API void trale_signal_mask_clear(void);

/* Says "what: reason" on stderr for a negative errno, and returns EXIT_FAILURE, to be returned by main. */
static inline int trale_perror(const char *what, int64_t error)
{
    fprintf(stderr, "%s: %s\n", what, strerror((int)-error));
    return EXIT_FAILURE;
}

#ifdef __cplusplus
}
#endif

#include <trale/branches.h>
#include <trale/introspection.h>
#include <trale/task.h>

#endif
