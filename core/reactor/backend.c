/* SPDX-License-Identifier: MIT
 *
 * The reactor inside another event loop: an epoll instance with a number that stays, around the reactor's own, which
 * may be replaced, and around a timer for the limit of the executor's rest. */
#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/reactor/poller.h"
#include "core/reactor/reactor.h"

#define SECOND UINT64_C(1000000000)

int reactor_open_backend(struct reactor *reactor)
{
    int limit_fd = -1, r = 0;
    if (reactor->backend_fd >= 0)
        return reactor->backend_fd;
    int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd >= 0)
        limit_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (limit_fd < 0)
        r = -errno;
    if (r == 0)
        r = poller_control(fd, EPOLL_CTL_ADD, limit_fd, EPOLLIN, 0);
    if (r == 0)
        r = poller_control(fd, EPOLL_CTL_ADD, reactor->epoll_fd, EPOLLIN, 0);
    if (r < 0)
        goto fail;
    reactor->backend_fd = fd;
    reactor->limit_fd = limit_fd;
    return fd;
fail:
    if (limit_fd >= 0)
        close(limit_fd);
    if (fd >= 0)
        close(fd);
    return r;
}

void reactor_close_backend(struct reactor *reactor)
{
    if (reactor->backend_fd < 0)
        return;
    close(reactor->limit_fd);
    close(reactor->backend_fd);
}

int reactor_move_backend(const struct reactor *reactor, int new_fd)
{
    if (reactor->backend_fd < 0)
        return 0;
    return poller_control(reactor->backend_fd, EPOLL_CTL_ADD, new_fd, EPOLLIN, 0);
}

/* A limit of 0 has passed at once; settime(0) would disarm. */
void reactor_rest(void *data, uint64_t limit_ns)
{
    struct reactor *reactor = data;
    bool has_limit = limit_ns <= INT64_MAX;
    if (reactor->backend_fd < 0 || (!has_limit && !reactor->has_limit))
        return;
    struct itimerspec spec = {.it_value = {(time_t)(limit_ns / SECOND), (long)(limit_ns % SECOND)}};
    if (limit_ns == 0)
        spec.it_value.tv_nsec = 1;
    if (!has_limit)
        spec = (struct itimerspec){0};
    timerfd_settime(reactor->limit_fd, 0, &spec, NULL);
    reactor->has_limit = has_limit;
}
