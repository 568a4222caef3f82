/* SPDX-License-Identifier: MIT
 *
 * An fd is added to epoll at its first wait and stays there; but epoll must not report again and again an fd that no
 * task waits for.
 *
 * If the executor itself sits in epoll (threads 0 and 1), registrations are level-triggered. When the executor is about
 * to sleep, every runnable task has run; so if an event finds no wait then, no task has that interest. It is disarmed,
 * and armed again by the next wait for it. While a task is runnable such an event is left alone: the task that it woke
 * has not been polled yet.
 *
 * If the reactor has a thread of its own (threads 2), that thread returns to epoll before the woken task was polled,
 * and level-triggered events would repeat until then. So registrations are edge-triggered, and each edge is remembered
 * in one of two ways. It found no wait: it is `kept`, and the next wait for it ends at once. It was `given` to a wait:
 * one edge may be for several datagrams, and the woken future may take only the first, so a future that comes to
 * wait may have tried before the edge, and has to try again. That ends when a future has tried after the edge and found
 * nothing.
 *
 * epoll's data has the fd and the watch's generation, which moves on when the fd is forgotten. So an event that was
 * reported before its fd was closed, and perhaps reused, is known to be stale.
 *
 * ORPHANS. An fd that is closed without forget_fd leaves epoll by itself, unless a duplicate of it is open: then epoll
 * goes on to report it, and it can no longer be removed, since its number is gone (epoll(7), questions).
 * Level-triggered, such an orphan would never let the executor sleep. It is found without a system call on the fast
 * path: its events are stale, or disarming it fails, or (its number was reused, and its events wake the new file's
 * waits) one event in 65,536 checks the registration. Then every other fd moves to a new epoll instance, and a warning
 * names the driver, or the task if the application has waited for the fd.
 */
#include "core/reactor/reactor.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <trale/trale.h>

#include "core/reactor/poller.h"

#define N_EVENTS 128
#define INTERRUPT_DATA UINT64_MAX

static int reactor_control(struct reactor *reactor, int operation, int fd, uint32_t events, uint64_t data)
{
    return poller_control(reactor->epoll_fd, operation, fd, events, data);
}

/* --- registrations ------------------------------------------------------------------------------------------------ */

/* Tells epoll which interests to report; none removes the fd, since errors and hangups cannot be masked otherwise. */
static int watch_arm(struct reactor *reactor, struct watch *watch, int32_t fd, uint8_t interests)
{
    uint64_t data = (uint64_t)watch->generation << 32 | (uint32_t)fd;
    uint32_t events = poller_events(interests) | (reactor->threaded ? EPOLLET : 0);
    int operation = interests == 0 ? EPOLL_CTL_DEL : watch->armed != 0 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    int r = reactor_control(reactor, operation, fd, events, data);
    /* The fd is an orphan whose file has the number again. */
    if (r == -EEXIST)
        r = reactor_control(reactor, EPOLL_CTL_MOD, fd, events, data);
    if (r == 0)
        watch->armed = interests;
    return r;
}

/* Adds the interests to those that epoll reports. */
static int watch_add(struct reactor *reactor, struct watch *watch, int32_t fd, uint8_t interests, struct owner owner)
{
    int r = -ENOENT;
    if (watch->armed != 0)
        r = watch_arm(reactor, watch, fd, watch->armed | interests);
    if (watch->armed != 0 && r < 0)
        watch_lose(&reactor->watches, fd);
    if (watch->armed == 0) {
        watch->owner = owner.name;
        watch->owner_is_task = owner.is_task;
        r = watch_arm(reactor, watch, fd, interests);
    }
    return r;
}

bool reactor_has_file(struct reactor *reactor, const struct watch *watch, int32_t fd)
{
    uint64_t data = (uint64_t)watch->generation << 32 | (uint32_t)fd;
    if (reactor_control(reactor, EPOLL_CTL_ADD, fd, 0, data) == -EEXIST)
        return true;
    reactor_control(reactor, EPOLL_CTL_DEL, fd, 0, data);
    return false;
}

/* --- what drivers call -------------------------------------------------------------------------------------------- */

int32_t reactor_register(struct reactor *reactor, struct owner owner, int32_t fd, uint32_t interest,
                         struct trale_wait *wait)
{
    if (fd < 0)
        return -EBADF;
    if (interest == 0 || (interest & ~ALL_INTERESTS) != 0 || wait->waker == NULL)
        return -EINVAL;
    int32_t r = 0;
    reactor_lock(reactor);
    struct watch *watch = watch_get(&reactor->watches, fd);
    if (watch == NULL) {
        r = -errno;
    } else if (list_has(&wait->link)) {
        r = -EBUSY;
    } else if ((watch->kept & interest) != 0) {
        wait->interest = (uint16_t)interest;
        watch_recall(watch, watch->kept & interest, wait);
        watch->kept &= (uint8_t)~interest;
        r = 1;
    } else if ((watch->given & interest) != 0 && watch->given_to != wait) {
        wait->interest = (uint16_t)interest;
        watch_recall(watch, watch->given & interest, wait);
        watch->given_to = wait;
        r = 1;
    } else if ((watch->armed & interest) != interest) {
        r = watch_add(reactor, watch, fd, (uint8_t)interest, owner);
    }
    if (r == 0) {
        watch->given &= (uint8_t)~interest;
        wait->fd = fd;
        wait->interest = (uint16_t)interest;
        wait->ready = 0;
        ring_append(&watch->waits, &wait->link);
    }
    reactor_unlock(reactor);
    return r;
}

bool reactor_cancel(struct reactor *reactor, struct trale_wait *wait)
{
    reactor_lock(reactor);
    bool was_registered = list_has(&wait->link);
    if (was_registered)
        ring_remove(&watch_find(&reactor->watches, wait->fd)->waits, &wait->link);
    reactor_unlock(reactor);
    return was_registered;
}

void reactor_forget(struct reactor *reactor, int32_t fd)
{
    reactor_lock(reactor);
    struct watch *watch = watch_find(&reactor->watches, fd);
    if (watch != NULL) {
        /* After close(2) it is too late to remove the fd. */
        if (watch->armed != 0 && watch_arm(reactor, watch, fd, 0) < 0)
            watch_suspect(&reactor->watches, fd);
        watch_reset(watch);
    }
    reactor_unlock(reactor);
}

/* --- orphans ------------------------------------------------------------------------------------------------------ */

/* Notes that epoll reports an orphan, and names the driver or task, once. */
static void reactor_report_orphan(struct reactor *reactor, int32_t fd)
{
    struct owner suspect = watch_take_suspect(&reactor->watches, fd);
    bool is_task = suspect.is_task;
    reactor->has_orphan = true;
    if (suspect.name != NULL)
        log_say(reactor->log, TRALE_LOG_WARNING, is_task ? "trale" : suspect.name,
                "fd %d%s%s was closed without %s, and a duplicate of it is open: epoll goes on to report it, and all "
                "other fds move to a new epoll instance",
                fd, is_task ? " of task " : "", is_task ? suspect.name : "", is_task ? "trale_fd_forget" : "forget_fd");
}

/* Moves a watch to the epoll instance that the reactor has now. An fd that is no longer open is lost. */
static int watch_move(struct reactor *reactor, struct watch *watch, int32_t fd)
{
    uint8_t armed = watch->armed;
    if (armed == 0)
        return 0;
    watch->armed = 0;
    int r = watch_arm(reactor, watch, fd, armed);
    watch->armed = armed;
    if (r == -ENOMEM || r == -ENOSPC)
        return r;
    if (r < 0)
        watch_lose(&reactor->watches, fd);
    return 0;
}

/* Moves all fds to a new epoll instance, and leaves the orphans behind with the old one. If that fails, it is tried
 * again after the next event. */
static void reactor_leave_orphans(struct reactor *reactor)
{
    int old_fd = reactor->epoll_fd, new_fd = epoll_create1(EPOLL_CLOEXEC);
    if (new_fd < 0)
        return;
    reactor->epoll_fd = new_fd;
    int r = reactor_control(reactor, EPOLL_CTL_ADD, reactor->event_fd, EPOLLIN | EPOLLET, INTERRUPT_DATA);
    for (size_t i = 0; r == 0 && i < reactor->watches.n_chunks * WATCHES_CHUNK; i++) {
        struct watch *watch = watch_find(&reactor->watches, (int32_t)i);
        r = watch != NULL ? watch_move(reactor, watch, (int32_t)i) : 0;
    }
    if (r == 0)
        r = reactor_move_backend(reactor, new_fd);
    if (r < 0)
        reactor->epoll_fd = old_fd;
    else
        reactor->has_orphan = false;
    /* A child process may have a copy of the old instance, and so closing it may not be enough. */
    if (r == 0 && reactor->backend_fd >= 0)
        poller_control(reactor->backend_fd, EPOLL_CTL_DEL, old_fd, 0, 0);
    close(r < 0 ? new_fd : old_fd);
}

/* --- what the executor or the reactor's thread calls -------------------------------------------------------------- */

static void reactor_dispatch(struct reactor *reactor, const struct epoll_event *event, bool all_tasks_ran)
{
    int32_t fd = (int32_t)(event->data.u64 & UINT32_MAX);
    struct watch *watch = watch_find(&reactor->watches, fd);
    if (watch == NULL)
        return;
    bool is_checked = ++watch->n_events == 0;
    if (watch->generation != event->data.u64 >> 32) {
        /* epoll may have reported the fd to the reactor's own thread just before it was forgotten. */
        if (!reactor->threaded || is_checked)
            reactor_report_orphan(reactor, fd);
        return;
    }
    if (is_checked && !reactor_has_file(reactor, watch, fd)) {
        watch_lose(&reactor->watches, fd);
        reactor_report_orphan(reactor, fd);
        return;
    }
    uint32_t ready = poller_ready(event->events), ended = interests_ended(ready);
    uint32_t wanted = watch_wake(watch, ended, ready), unwanted = ended & ~wanted;
    if (reactor->threaded) {
        watch_remember(watch, ready, wanted);
    } else if (all_tasks_ran && (unwanted & watch->armed) != 0 &&
               watch_arm(reactor, watch, fd, (uint8_t)(watch->armed & ~unwanted)) < 0) {
        watch_lose(&reactor->watches, fd);
        reactor_report_orphan(reactor, fd);
    }
}

void reactor_wait(void *data, uint64_t limit_ns, bool all_tasks_ran)
{
    struct reactor *reactor = data;
    struct epoll_event events[N_EVENTS];
    if (limit_ns > 0 && reactor->has_limit)
        reactor_rest(reactor, UINT64_MAX); /* the rest is over */
    int n = poller_wait(reactor->epoll_fd, events, N_EVENTS, limit_ns);
    reactor->n_looks++;
    reactor_lock(reactor);
    for (int i = 0; i < n; i++)
        if (events[i].data.u64 != INTERRUPT_DATA)
            reactor_dispatch(reactor, &events[i], all_tasks_ran);
    if (reactor->has_orphan)
        reactor_leave_orphans(reactor);
    reactor_unlock(reactor);
}

/* The eventfd is edge-triggered: each write ends one sleep, whether or not the writes before it were read. So it is
 * read only to count the interrupts, and would be full after 2^64 of them. */
uint64_t reactor_n_interrupts(void *data)
{
    struct reactor *reactor = data;
    uint64_t count;
    ssize_t n;
    do
        n = read(reactor->event_fd, &count, sizeof count);
    while (n < 0 && errno == EINTR);
    if (n == sizeof count)
        reactor->n_interrupts += count;
    return reactor->n_interrupts;
}

void reactor_interrupt(void *data)
{
    struct reactor *reactor = data;
    uint64_t one = 1;
    while (write(reactor->event_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

int reactor_init(struct reactor *reactor, bool threaded, const struct log *log)
{
    *reactor = (struct reactor){.threaded = threaded, .log = log, .event_fd = -1, .backend_fd = -1};
    int r;
    reactor->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (reactor->epoll_fd < 0)
        return -errno;
    reactor->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (reactor->event_fd < 0) {
        r = -errno;
        goto fail;
    }
    r = reactor_control(reactor, EPOLL_CTL_ADD, reactor->event_fd, EPOLLIN | EPOLLET, INTERRUPT_DATA);
    if (r < 0)
        goto fail;
    pthread_mutex_init(&reactor->lock, NULL);
    return 0;
fail:
    if (reactor->event_fd >= 0)
        close(reactor->event_fd);
    close(reactor->epoll_fd);
    return r;
}

void reactor_deinit(struct reactor *reactor)
{
    watches_deinit(&reactor->watches);
    reactor_close_backend(reactor);
    close(reactor->event_fd);
    close(reactor->epoll_fd);
    pthread_mutex_destroy(&reactor->lock);
}
