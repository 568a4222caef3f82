/* SPDX-License-Identifier: MIT */
#include "core/reactor/poller.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <trale/driver.h>

#define MILLISECOND UINT64_C(1000000)
#define SECOND (1000 * MILLISECOND)

/* The kernel's include/uapi/linux/eventpoll.h. */
_Static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLPRI == EPOLLPRI && POLLERR == EPOLLERR &&
                   POLLHUP == EPOLLHUP && POLLRDHUP == EPOLLRDHUP,
               "poll's bits are epoll's");

int poller_control(int epoll_fd, int operation, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event event = {.events = events, .data.u64 = data};
    return epoll_ctl(epoll_fd, operation, fd, &event) < 0 ? -errno : 0;
}

/* Kernels before 5.11 have no epoll_pwait2(2): there a limit is rounded up to milliseconds. */
static int wait_milliseconds(int epoll_fd, struct epoll_event *events, int n_events, uint64_t limit_ns)
{
    uint64_t limit_ms = (limit_ns - 1) / MILLISECOND + 1;
    return epoll_wait(epoll_fd, events, n_events, limit_ms < INT_MAX ? (int)limit_ms : INT_MAX);
}

int poller_wait(int epoll_fd, struct epoll_event *events, int n_events, uint64_t limit_ns)
{
    static _Atomic bool is_missing;
    if (limit_ns == 0 || limit_ns > INT64_MAX)
        return epoll_wait(epoll_fd, events, n_events, limit_ns == 0 ? 0 : -1);
    if (atomic_load_explicit(&is_missing, memory_order_relaxed))
        return wait_milliseconds(epoll_fd, events, n_events, limit_ns);
    struct timespec limit = {(time_t)(limit_ns / SECOND), (long)(limit_ns % SECOND)};
    int n = epoll_pwait2(epoll_fd, events, n_events, &limit, NULL);
    if (n >= 0 || errno != ENOSYS)
        return n;
    atomic_store_explicit(&is_missing, true, memory_order_relaxed);
    return wait_milliseconds(epoll_fd, events, n_events, limit_ns);
}

uint32_t poller_events(uint32_t interests)
{
    uint32_t events = 0;
    events |= (interests & TRALE_READABLE) != 0 ? EPOLLIN | EPOLLRDHUP : 0;
    events |= (interests & TRALE_WRITABLE) != 0 ? EPOLLOUT : 0;
    events |= (interests & TRALE_PRIORITY_DATA) != 0 ? EPOLLPRI : 0;
    return events;
}

uint32_t poller_ready(uint32_t events)
{
    uint32_t ready = 0;
    ready |= (events & EPOLLIN) != 0 ? TRALE_READABLE : 0;
    ready |= (events & EPOLLOUT) != 0 ? TRALE_WRITABLE : 0;
    ready |= (events & EPOLLERR) != 0 ? TRALE_FAILING : 0;
    ready |= (events & EPOLLPRI) != 0 ? TRALE_PRIORITY_DATA : 0;
    ready |= (events & EPOLLHUP) != 0 ? TRALE_HANGUP : 0;
    ready |= (events & EPOLLRDHUP) != 0 ? TRALE_READ_HANGUP : 0;
    return ready;
}

uint32_t poller_look(int fd, uint32_t interests)
{
    struct pollfd polled = {.fd = fd, .events = (short)poller_events(interests)};
    int n;
    do
        n = poll(&polled, 1, 0);
    while (n < 0 && errno == EINTR);
    return n > 0 ? poller_ready((uint32_t)polled.revents) : 0;
}
