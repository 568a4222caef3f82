/* SPDX-License-Identifier: MIT
 *
 * A task of the driver's own for each child waits for its pidfd (pidfd_open(2)), which is readable when it has ended.
 * So a child is waited for also if no task of the program awaits its end. */
#include "watch.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "list.h"
#include "status.h"

static void child_log(const struct child *child, uint32_t level, const char *what)
{
    char message[160];
    const struct trale_host *host = &child->driver->host;
    snprintf(message, sizeof message, "child %d: %s", child->pid, what);
    host->log(host->context, level, message);
}

/* --- waits: in the list of the child from the first poll to the end ----------------------------------------------- */

/* Ends all waits, which are woken: with a result in `code` if it is an error. */
static void child_end_waits(struct child *child, int32_t error)
{
    while (!list_is_empty(&child->waits)) {
        struct trale_process_wait *wait = list_entry(child->waits.next, struct trale_process_wait, link);
        list_remove(&wait->link);
        wait->code = error;
        wait->waker->table->wake_by_ref(wait->waker);
    }
}

static int64_t wait_resolve(struct trale_process_wait *wait, const struct child *child)
{
    list_remove(&wait->link);
    if (child->outcome < 0)
        return child->outcome;
    wait->code = child->code;
    wait->status = child->status;
    wait->usage = child->usage;
    return 0;
}

static int64_t wait_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_process_wait *wait = (struct trale_process_wait *)(void *)future;
    struct child *child = child_of(wait->process);
    if (future->own != child->generation)
        return -ECANCELED;
    if (child->state == CHILD_ENDED)
        return wait_resolve(wait, child);
    int32_t r = wait->code < 0 ? wait->code : child_watch(child);
    wait->code = 0;
    if (r < 0)
        return r;
    if (!list_has(&wait->link))
        list_append(&child->waits, &wait->link);
    wait->waker = context->waker;
    return TRALE_PENDING;
}

static void wait_drop(struct trale_future *future)
{
    struct trale_process_wait *wait = (struct trale_process_wait *)(void *)future;
    struct child *child = child_of(wait->process);
    if (future->own != child->generation)
        return;
    list_remove(&wait->link);
    if ((child->flags & TRALE_PROCESS_KILL_ON_DROP) != 0 && child->state == CHILD_RUNNING)
        child_signal(child, SIGKILL);
}

void process_wait(void *instance, struct trale_process_wait *wait)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_process_wait", wait_poll, wait_drop};
    trale_host_expect(&((struct driver *)instance)->host, "trale_processes.wait");
    wait->future.type = &type;
    wait->future.own = child_of(wait->process)->generation;
}

/* --- the driver's task -------------------------------------------------------------------------------------------- */

static void child_ended(struct child *child)
{
    struct driver *driver = child->driver;
    driver->host.forget_fd(driver->host.context, child->pidfd);
    child->state = CHILD_ENDED;
    if (child->outcome == -ECHILD && !driver->told) {
        child_log(child, TRALE_LOG_WARNING,
                  "its status is lost: SIGCHLD is ignored, or the program waits for any child (waitpid(2))");
        driver->told = true;
    }
    child_end_waits(child, 0);
}

static int64_t watcher_end(struct child *child)
{
    child->is_watched = false;
    child_recycle(child);
    return 0;
}

static int64_t watcher_poll(struct trale_future *future, struct trale_context *context)
{
    struct child *child = list_entry(future, struct child, watcher);
    const struct trale_host *host = &child->driver->host;
    host->cancel_wait(host->context, &child->wait);
    if (child->state == CHILD_GONE)
        return watcher_end(child);
    int32_t r;
    do {
        switch (child_look(child)) {
        case STATUS_ENDED:
            child_ended(child);
            return watcher_end(child);
        case STATUS_ENDING:
            context->waker->table->wake_by_ref(context->waker);
            return TRALE_PENDING;
        case STATUS_RUNNING:
            break;
        }
        child->wait.waker = context->waker;
        r = host->register_waker(host->context, child->pidfd, TRALE_READABLE, &child->wait);
    } while (r == 1);
    if (r == 0)
        return TRALE_PENDING;
    child_log(child, TRALE_LOG_ERROR, "its end cannot be waited for now (epoll_ctl(2)): the next wait tries again");
    child_end_waits(child, r);
    return watcher_end(child);
}

static void watcher_drop(struct trale_future *future)
{
    struct child *child = list_entry(future, struct child, watcher);
    const struct trale_host *host = &child->driver->host;
    host->cancel_wait(host->context, &child->wait);
    child->is_watched = false;
}

int32_t child_watch(struct child *child)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "process_watcher", watcher_poll,
                                                  watcher_drop};
    const struct trale_host *host = &child->driver->host;
    if (child->is_watched)
        return 0;
    trale_future_init(&child->watcher, &type);
    int32_t r = host->spawn(host->context, &child->watcher);
    child->is_watched = r == 0;
    return r;
}

/* --- the table's -------------------------------------------------------------------------------------------------- */

/* Its waits are cancelled. If its end could not be waited for, this is the last time to try again. */
static void child_close(struct child *child)
{
    child->generation = 0;
    child_end_waits(child, 0);
    if (child->state == CHILD_RUNNING)
        child_watch(child);
    child_recycle(child);
}

void process_close(void *instance, struct trale_process *process)
{
    trale_host_expect(&((struct driver *)instance)->host, "trale_processes.close");
    struct child *child = child_of(process);
    if ((child->flags & TRALE_PROCESS_KILL_ON_DROP) != 0 && child->state == CHILD_RUNNING)
        child_signal(child, SIGKILL);
    child_close(child);
}

int32_t process_pid(void *instance, struct trale_process *process)
{
    trale_host_expect(&((struct driver *)instance)->host, "trale_processes.pid");
    return child_of(process)->pid;
}

int32_t process_kill(void *instance, struct trale_process *process, int32_t signal)
{
    trale_host_expect(&((struct driver *)instance)->host, "trale_processes.kill");
    return child_signal(child_of(process), signal);
}

int32_t process_release(void *instance, struct trale_process *process)
{
    struct driver *driver = instance;
    trale_host_expect(&driver->host, "trale_processes.release");
    struct child *child = child_of(process);
    int pidfd = child->pidfd;
    if (child->state != CHILD_RUNNING)
        return -ESRCH;
    driver->host.forget_fd(driver->host.context, pidfd); /* wakes the driver's task */
    child->state = CHILD_GONE;
    child->pidfd = -1;
    child_close(child);
    return pidfd;
}

/* --- at the end of the runtime ------------------------------------------------------------------------------------ */

static int milliseconds_until(uint64_t deadline_ns)
{
    struct timespec now;
    if (deadline_ns == UINT64_MAX)
        return -1;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t now_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    uint64_t left = now_ns < deadline_ns ? (deadline_ns - now_ns + 999999) / 1000000 : 0;
    return left < INT32_MAX ? (int)left : INT32_MAX;
}

static int32_t child_await_end(struct child *child, uint64_t deadline_ns)
{
    while (child_look(child) != STATUS_ENDED) {
        struct pollfd end = {.fd = child->pidfd, .events = POLLIN};
        int limit = milliseconds_until(deadline_ns);
        if (limit == 0) {
            child_log(child, TRALE_LOG_WARNING, "it was killed, and has not ended yet");
            return -ETIMEDOUT;
        }
        poll(&end, 1, limit);
    }
    child_ended(child);
    return 0;
}

int32_t children_end(struct driver *driver, uint64_t deadline_ns)
{
    int32_t r = 0;
    for (struct trale_link *link = driver->children.next; link != NULL && link != &driver->children; link = link->next)
        if (list_entry(link, struct child, link)->state == CHILD_RUNNING)
            child_signal(list_entry(link, struct child, link), SIGKILL);
    for (struct trale_link *link = driver->children.next; link != NULL && link != &driver->children; link = link->next)
        if (r == 0 && list_entry(link, struct child, link)->state == CHILD_RUNNING)
            r = child_await_end(list_entry(link, struct child, link), deadline_ns);
    return r;
}
