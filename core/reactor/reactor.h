/* SPDX-License-Identifier: MIT
 *
 * The reactor: wakes futures that wait for file descriptors. The only part that knows epoll(7). */
#ifndef CORE_REACTOR_REACTOR_H
#define CORE_REACTOR_REACTOR_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <trale/driver.h>

#include "core/base/log.h"
#include "core/reactor/watch.h"

struct reactor {
    int epoll_fd;
    int event_fd;          /* interrupts the sleep */
    uint64_t n_interrupts; /* that were read from it */
    uint64_t n_looks;      /* calls of reactor_wait */
    const struct log *log;
    /* Whether another thread than the executor's waits in epoll; then readiness comes as edges, and `lock` guards the
     * rest and epoll_fd, which that thread alone replaces. */
    bool threaded;
    pthread_mutex_t lock;
    bool has_orphan; /* epoll reports a closed fd that cannot be removed from it */
    bool has_limit;  /* limit_fd is armed, or has fired */
    int backend_fd;  /* -1 before reactor_open_backend: epoll_fd and limit_fd as one fd for another event loop */
    int limit_fd;
    struct watches watches;
};

/* 0, or -EMFILE, -ENFILE, -ENOMEM. On failure there is nothing to deinit. `log` is lent until reactor_deinit. */
int reactor_init(struct reactor *reactor, bool threaded, const struct log *log);

/* No wait may be registered any more. */
void reactor_deinit(struct reactor *reactor);

/* The contracts of register_waker, cancel_wait and forget_fd in trale/driver.h. */
int32_t reactor_register(struct reactor *reactor, struct owner owner, int32_t fd, uint32_t interest,
                         struct trale_wait *wait);
bool reactor_cancel(struct reactor *reactor, struct trale_wait *wait);
void reactor_forget(struct reactor *reactor, int32_t fd);

/* For checks (inspect.c). Whether the wait is registered for the fd. Its memory is not touched. */
bool reactor_has_wait(struct reactor *reactor, int32_t fd, const struct trale_wait *wait);

/* Takes the wait off the list of its fd (watch_evict). */
enum eviction reactor_evict(struct reactor *reactor, int32_t fd, struct trale_wait *wait);

/* The same, if the memory of the wait was cleared while it was registered; false: it was not. */
bool reactor_evict_cleared(struct reactor *reactor, int32_t fd, struct trale_wait *wait);

/* Whether the fd was closed, or closed and used again, without reactor_forget; then all waits for it end. It makes a
 * system call. */
bool reactor_lose(struct reactor *reactor, int32_t fd);

/* A struct park (park.h) whose data is the reactor. */
void reactor_wait(void *reactor, uint64_t limit_ns, bool all_tasks_ran);
void reactor_interrupt(void *reactor);
uint64_t reactor_n_interrupts(void *reactor);
void reactor_rest(void *reactor, uint64_t limit_ns);

/* An fd that is readable when reactor_wait or the end of a rest has something to do; the same each time, until
 * reactor_deinit. Or -EMFILE, -ENFILE, -ENOMEM, -ENOSPC. For a reactor that is not threaded. */
int reactor_open_backend(struct reactor *reactor);

/* --- between reactor.c, inspect.c and backend.c ------------------------------------------------------------------- */

static inline void reactor_lock(struct reactor *reactor)
{
    if (reactor->threaded)
        pthread_mutex_lock(&reactor->lock);
}

static inline void reactor_unlock(struct reactor *reactor)
{
    if (reactor->threaded)
        pthread_mutex_unlock(&reactor->lock);
}

/* Whether epoll reports the file that has the number now. [with the lock] */
bool reactor_has_file(struct reactor *reactor, const struct watch *watch, int32_t fd);

/* Has the backend report another epoll instance as well; the one before leaves it when it is closed. */
int reactor_move_backend(const struct reactor *reactor, int new_fd);
void reactor_close_backend(struct reactor *reactor);

#endif
