/* SPDX-License-Identifier: MIT
 *
 * The reactor: wakes who waits for a file descriptor. The only file that knows epoll(7). */
#ifndef CORE_REACTOR_REACTOR_H
#define CORE_REACTOR_REACTOR_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <trale/driver.h>

struct watch;

struct reactor {
    int epoll_fd;
    int event_fd;          /* interrupts the sleep */
    uint64_t n_interrupts; /* that were read from it */
    /* Whether another thread than the executor's waits in epoll; then readiness comes as edges, and `lock` guards what
     * follows. */
    bool threaded;
    pthread_mutex_t lock;
    struct watch **chunks; /* the fds' table: watches by number, in chunks that never move */
    size_t n_chunks;
};

/* 0, or -EMFILE, -ENFILE, -ENOMEM. On failure there is nothing to deinit. */
int reactor_init(struct reactor *reactor, bool threaded);

/* Nothing may be registered any more. */
void reactor_deinit(struct reactor *reactor);

/* The contracts of register_waker, cancel_wait and forget_fd in trale/driver.h. */
int32_t reactor_register(struct reactor *reactor, int32_t fd, uint32_t interest, struct trale_wait *wait);
void reactor_cancel(struct reactor *reactor, struct trale_wait *wait);
void reactor_forget(struct reactor *reactor, int32_t fd);

/* A struct park (park.h) whose data is the reactor. */
void reactor_wait(void *reactor, bool may_block);
void reactor_interrupt(void *reactor);
uint64_t reactor_n_interrupts(void *reactor);

#endif
