/* SPDX-License-Identifier: MIT
 *
 * File descriptors of the application: a task waits for one, as drivers do, and so for a library that has an fd of its
 * own (c-ares, libcoap, a database client).
 *
 *     trale_await_to(ready, trale_fd_wait(&self->wait, fd, TRALE_READABLE));   wait until there is something
 *     read(fd, ...);                                                           take it
 *     trale_fd_forget(runtime, fd);                                            before close(fd)
 *
 * An fd that can be waited for (a socket, a pipe, a terminal, an epoll, event, signal or timer fd, ...) should be
 * non-blocking, for a wait is a hint: another task may take what was ready before this one runs.
 */
#ifndef TRALE_FD_H
#define TRALE_FD_H

#include <trale/driver.h>
#include <trale/trale.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A wait for an fd. The members are the runtime's. Frozen: it is part of frames. */
struct trale_fd_wait {
    struct trale_future future;
    struct trale *runtime; /* NULL before it waits */
    struct trale_wait wait;
};

/* A future that resolves when the fd is ready for `interest`, one or several of TRALE_READABLE, TRALE_WRITABLE,
 * TRALE_FAILING and TRALE_PRIORITY_DATA (driver.h). The result says what is ready: bits of `interest`; TRALE_FAILING
 * and TRALE_HANGUP, which end every wait; and TRALE_READ_HANGUP, which ends a wait for TRALE_READABLE. The wait is
 * level-triggered in all thread layouts: a task may leave data unread, and the next wait resolves again. Any number of
 * tasks may wait for one fd, and what is ready ends the waits of all of them that are for it. A dropped wait has taken
 * nothing from the fd.
 * Or it resolves to -ECANCELED (the fd was forgotten, or closed without that), -EBADF (no such fd), -EPERM (one cannot
 * wait for such a file, as for a regular one: epoll_ctl(2)), -EINVAL (interest), -ENOMEM, -ENOSPC.
 * May be called anywhere; the future is awaited in a task. */
TRALE_CHECK_RESULT TRALE_API struct trale_future *trale_fd_wait(struct trale_fd_wait *wait, int fd, uint32_t interest);

/* Comes before close(2) of an fd for which a task has ever waited. All waits for it resolve to -ECANCELED, and the
 * number may be used again. For an fd that was never waited for it does nothing. An fd that is closed without it may
 * wake tasks for nothing, and a wait for it may never resolve; where a duplicate of it is open (dup(2), a child
 * process), a warning names the task that waited first. The fds of a driver, as those of sockets (udp.h), are the
 * driver's own. On a thread that polls no task of the runtime it waits for its turn, as a task does.
 * 0, -EBADF (it is negative), -ENOMEM, or -EDEADLK and -ECHILD as trale_join: the fd is not forgotten. */
TRALE_API int trale_fd_forget(struct trale *runtime, int fd);

static_assert(sizeof(struct trale_fd_wait) == 72, "frozen: part of frames");

#ifdef __cplusplus
}
#endif

#endif
