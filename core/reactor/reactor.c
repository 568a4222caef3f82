/* SPDX-License-Identifier: MIT
 *
 * One `struct watch` for each fd number, found by the number. It holds the waits that stand on the fd, and what epoll
 * was told of it. A watch is added to epoll at its first wait and then left there; what must be avoided is that epoll
 * goes on reporting an fd that nobody waits for.
 *
 * Where the executor itself sits in epoll, that is easy: registrations are level-triggered, and when the executor is
 * about to sleep, every runnable task has run, so an event that finds no wait then is one that nobody is interested in.
 * The direction is disarmed, and armed again when somebody waits for it. While a task is runnable such an event is left
 * alone: it only means that the woken task has not had its turn.
 *
 * Where a thread of its own sits in epoll, it comes back before the woken task has run, and level-triggered events
 * would repeat until then. So registrations are edge-triggered there, and an edge that finds no wait is remembered in
 * `ready`: the next wait for it does not wait. One edge may stand for several datagrams, and whoever it woke may be
 * content with the first. So it is also remembered that an edge was `served`, until somebody who tried after it has
 * found nothing: whoever else comes to wait before that may have tried before it, and has to try again.
 *
 * epoll's data carries the fd and the watch's generation, which moves on when the fd is forgotten. An event that was
 * already reported when its fd was closed, and perhaps reused, is thus known to be stale. (A description that lives on
 * in a dup(2) cannot be taken out of epoll after close, epoll(7) Q6: hence forget_fd goes before close.)
 */
#include "core/reactor/reactor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/list.h"

#define CHUNK_WATCHES 64
#define N_EVENTS 128
#define INTERRUPT_DATA UINT64_MAX
#define ALL_DIRECTIONS (TRALE_READABLE | TRALE_WRITABLE | TRALE_FAILING)

struct watch {
    struct trale_link waits;
    uint32_t generation;
    uint8_t armed;  /* directions that epoll reports */
    uint8_t ready;  /* threaded: directions whose edge found no wait */
    uint8_t served; /* threaded: directions whose edge woke a wait, and that nobody has found empty since */
    bool added;     /* to epoll */
    const struct trale_wait *served_wait; /* the wait that this edge woke; NULL: it woke several */
};

static void reactor_lock(struct reactor *reactor)
{
    if (reactor->threaded)
        pthread_mutex_lock(&reactor->lock);
}

static void reactor_unlock(struct reactor *reactor)
{
    if (reactor->threaded)
        pthread_mutex_unlock(&reactor->lock);
}

static int reactor_control(struct reactor *reactor, int operation, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event event = {.events = events, .data.u64 = data};
    return epoll_ctl(reactor->epoll_fd, operation, fd, &event) < 0 ? -errno : 0;
}

/* --- watches ------------------------------------------------------------------------------------------------------ */

/* The watch of an fd number that has one, or NULL. */
static struct watch *watch_find(struct reactor *reactor, int32_t fd)
{
    size_t chunk = (size_t)fd / CHUNK_WATCHES;
    if (fd < 0 || chunk >= reactor->n_chunks || reactor->chunks[chunk] == NULL)
        return NULL;
    return &reactor->chunks[chunk][fd % CHUNK_WATCHES];
}

/* The same, made if there is none; NULL, with errno, when memory is out or there is no such fd. */
static struct watch *watch_get(struct reactor *reactor, int32_t fd)
{
    size_t chunk = (size_t)fd / CHUNK_WATCHES;
    if (chunk >= reactor->n_chunks) {
        /* The table is no larger than the fds that there are. */
        if (fcntl(fd, F_GETFD) < 0)
            return NULL;
        size_t n_chunks = chunk + 1 > 2 * reactor->n_chunks ? chunk + 1 : 2 * reactor->n_chunks;
        struct watch **chunks = reallocarray(reactor->chunks, n_chunks, sizeof *chunks);
        if (chunks == NULL)
            return NULL;
        for (size_t i = reactor->n_chunks; i < n_chunks; i++)
            chunks[i] = NULL;
        reactor->chunks = chunks;
        reactor->n_chunks = n_chunks;
    }
    if (reactor->chunks[chunk] == NULL) {
        struct watch *watches = calloc(CHUNK_WATCHES, sizeof *watches);
        if (watches == NULL)
            return NULL;
        for (size_t i = 0; i < CHUNK_WATCHES; i++)
            list_init(&watches[i].waits);
        reactor->chunks[chunk] = watches;
    }
    return &reactor->chunks[chunk][fd % CHUNK_WATCHES];
}

/* Tells epoll which directions to report; none takes the fd out, for errors and hangups cannot be masked otherwise. For
 * the same reason TRALE_FAILING needs no bit of its own. */
static int watch_arm(struct reactor *reactor, struct watch *watch, int32_t fd, uint8_t directions)
{
    uint32_t events = reactor->threaded ? EPOLLET : 0;
    events |= (directions & TRALE_READABLE) != 0 ? EPOLLIN : 0;
    events |= (directions & TRALE_WRITABLE) != 0 ? EPOLLOUT : 0;
    int operation = directions == 0 ? EPOLL_CTL_DEL : watch->added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    int r = reactor_control(reactor, operation, fd, events, (uint64_t)watch->generation << 32 | (uint32_t)fd);
    /* The fd was closed without forget_fd, which took it out of epoll, and its number reused. */
    if (r == -ENOENT && operation == EPOLL_CTL_MOD)
        r = reactor_control(reactor, EPOLL_CTL_ADD, fd, events, (uint64_t)watch->generation << 32 | (uint32_t)fd);
    if (r < 0 && directions != 0)
        return r;
    watch->armed = directions;
    watch->added = directions != 0;
    return 0;
}

/* Ends the waits for any of the directions; returns those that somebody had waited for. */
static uint32_t watch_wake(struct watch *watch, uint32_t directions)
{
    uint32_t served = 0;
    for (struct trale_link *link = watch->waits.next, *next; link != &watch->waits; link = next) {
        struct trale_wait *wait = list_entry(link, struct trale_wait, link);
        next = link->next;
        if ((wait->interest & directions) == 0)
            continue;
        watch->served_wait = served == 0 ? wait : NULL;
        served |= wait->interest;
        list_remove(link);
        wait->waker->table->wake_by_ref(wait->waker);
    }
    return served;
}

/* --- what drivers call -------------------------------------------------------------------------------------------- */

int32_t reactor_register(struct reactor *reactor, int32_t fd, uint32_t interest, struct trale_wait *wait)
{
    if (fd < 0)
        return -EBADF;
    if (interest == 0 || (interest & ~ALL_DIRECTIONS) != 0 || wait->waker == NULL)
        return -EINVAL;
    int32_t r = 0;
    reactor_lock(reactor);
    struct watch *watch = watch_get(reactor, fd);
    if (watch == NULL) {
        r = -errno;
    } else if (list_has(&wait->link)) {
        r = -EBUSY;
    } else if ((watch->ready & interest) != 0) {
        watch->ready &= (uint8_t)~interest;
        r = 1;
    } else if ((watch->served & interest) != 0 && watch->served_wait != wait) {
        watch->served_wait = wait;
        r = 1;
    } else if ((watch->armed & interest) != interest) {
        r = watch_arm(reactor, watch, fd, (uint8_t)(watch->armed | interest));
    }
    if (r == 0) {
        watch->served &= (uint8_t)~interest;
        wait->fd = fd;
        wait->interest = interest;
        list_append(&watch->waits, &wait->link);
    }
    reactor_unlock(reactor);
    return r;
}

void reactor_cancel(struct reactor *reactor, struct trale_wait *wait)
{
    reactor_lock(reactor);
    list_remove(&wait->link);
    reactor_unlock(reactor);
}

void reactor_forget(struct reactor *reactor, int32_t fd)
{
    reactor_lock(reactor);
    struct watch *watch = watch_find(reactor, fd);
    if (watch != NULL) {
        if (watch->added)
            watch_arm(reactor, watch, fd, 0);
        watch->generation++;
        watch->ready = watch->served = 0;
        watch_wake(watch, ALL_DIRECTIONS);
    }
    reactor_unlock(reactor);
}

/* --- what the executor or the reactor's thread calls -------------------------------------------------------------- */

static void reactor_dispatch(struct reactor *reactor, const struct epoll_event *event, bool all_tasks_ran)
{
    int32_t fd = (int32_t)(event->data.u64 & UINT32_MAX);
    struct watch *watch = watch_find(reactor, fd);
    if (watch == NULL || watch->generation != event->data.u64 >> 32)
        return;
    uint32_t ready = 0;
    if ((event->events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) != 0)
        ready |= TRALE_READABLE;
    if ((event->events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0)
        ready |= TRALE_WRITABLE;
    if ((event->events & (EPOLLERR | EPOLLHUP)) != 0)
        ready |= TRALE_FAILING;
    uint32_t served = watch_wake(watch, ready), unwanted = ready & ~served;
    if (reactor->threaded) {
        watch->ready |= (uint8_t)unwanted;
        watch->served |= (uint8_t)(ready & served);
    } else if (all_tasks_ran && (unwanted & watch->armed) != 0) {
        watch_arm(reactor, watch, fd, (uint8_t)(watch->armed & ~unwanted));
    }
}

void reactor_wait(void *data, bool may_block)
{
    struct reactor *reactor = data;
    struct epoll_event events[N_EVENTS];
    int n = epoll_wait(reactor->epoll_fd, events, N_EVENTS, may_block ? -1 : 0);
    reactor_lock(reactor);
    for (int i = 0; i < n; i++)
        if (events[i].data.u64 != INTERRUPT_DATA)
            reactor_dispatch(reactor, &events[i], may_block);
    reactor_unlock(reactor);
}

/* The eventfd is edge-triggered: each write ends one sleep, whether or not the ones before were read. So it is only
 * read to be counted, and would be full after 2^64 interrupts. */
uint64_t reactor_n_interrupts(void *data)
{
    struct reactor *reactor = data;
    uint64_t count;
    if (read(reactor->event_fd, &count, sizeof count) == sizeof count)
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

int reactor_init(struct reactor *reactor, bool threaded)
{
    *reactor = (struct reactor){.threaded = threaded, .event_fd = -1};
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
    for (size_t i = 0; i < reactor->n_chunks; i++)
        free(reactor->chunks[i]);
    free(reactor->chunks);
    close(reactor->event_fd);
    close(reactor->epoll_fd);
    pthread_mutex_destroy(&reactor->lock);
}
