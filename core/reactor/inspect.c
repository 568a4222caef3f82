/* SPDX-License-Identifier: MIT
 *
 * What [runtime] checks = yes asks of the reactor: about waits whose memory may be gone, and fds that may be closed. */
#include "core/base/list.h"
#include "core/reactor/reactor.h"

bool reactor_has_wait(struct reactor *reactor, int32_t fd, const struct trale_wait *wait)
{
    reactor_lock(reactor);
    const struct watch *watch = watch_find(&reactor->watches, fd);
    bool has = watch != NULL && watch_has(watch, wait);
    reactor_unlock(reactor);
    return has;
}

enum eviction reactor_evict(struct reactor *reactor, int32_t fd, struct trale_wait *wait)
{
    reactor_lock(reactor);
    struct watch *watch = watch_find(&reactor->watches, fd);
    enum eviction eviction = watch != NULL ? watch_evict(watch, wait) : EVICTION_NONE;
    reactor_unlock(reactor);
    return eviction;
}

bool reactor_evict_cleared(struct reactor *reactor, int32_t fd, struct trale_wait *wait)
{
    reactor_lock(reactor);
    struct watch *watch = watch_find(&reactor->watches, fd);
    /* Without a link, a wait that has ended still says why, unless the fd was forgotten. */
    bool may_be = watch != NULL && !list_has(&wait->link) && wait->ready == 0;
    bool was_cleared = may_be && watch_evict(watch, wait) != EVICTION_NONE;
    reactor_unlock(reactor);
    return was_cleared;
}

bool reactor_lose(struct reactor *reactor, int32_t fd)
{
    reactor_lock(reactor);
    struct watch *watch = watch_find(&reactor->watches, fd);
    bool is_lost = watch != NULL && watch->armed != 0 && !reactor_has_file(reactor, watch, fd);
    if (is_lost)
        watch_lose(&reactor->watches, fd);
    reactor_unlock(reactor);
    return is_lost;
}
