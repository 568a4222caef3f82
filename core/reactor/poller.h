/* SPDX-License-Identifier: MIT
 *
 * epoll(7) and poll(2): their calls, and what their bits are called in trale/driver.h. */
#ifndef CORE_REACTOR_POLLER_H
#define CORE_REACTOR_POLLER_H

#include <stdint.h>
#include <sys/epoll.h>

/* epoll_ctl(2): 0 or a negative errno. */
int poller_control(int epoll_fd, int operation, int fd, uint32_t events, uint64_t data);

/* epoll_wait(2) for `limit_ns` at most: 0, it does not block; UINT64_MAX is no limit. */
int poller_wait(int epoll_fd, struct epoll_event *events, int n_events, uint64_t limit_ns);

/* The events to ask epoll for. Errors and hangups come unasked, so TRALE_FAILING needs none; EPOLLRDHUP never comes
 * without EPOLLIN. */
uint32_t poller_events(uint32_t interests);

/* What was ready, TRALE_READABLE to TRALE_READ_HANGUP. */
uint32_t poller_ready(uint32_t events);

/* What an fd is ready for at this moment, of the interests and of what cannot be waited for. */
uint32_t poller_look(int fd, uint32_t interests);

#endif
