/* SPDX-License-Identifier: MIT
 *
 * A driver that trale has never heard of: org.example.inotify/1 on inotify(7). drivers/README.md explains it.
 *
 * Each watch has an inotify fd of its own, so what is read there is for this watch alone. One read may bring several
 * changes; they stay in the watch's buffer until futures come for them. A future holds a reference to its watch, so
 * that a watch may be closed while a task waits for it.
 */
#include <errno.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/queue.h>
#include <unistd.h>

#include "inotify.h"

enum option { OPTION_BUFFER, N_OPTIONS };

static const struct trale_option inotify_options[] = {
    [OPTION_BUFFER] = {.name = "buffer",
                       .type = TRALE_OPTION_SIZE,
                       .minimum = 512, /* one change with the longest name is 272 bytes */
                       .maximum = 1024 * 1024,
                       .default_value = "4K",
                       .help = "how many bytes of changes one read may bring"},
    [N_OPTIONS] = {.name = NULL},
};

struct driver {
    struct inotify table;
    struct trale_host host;
    size_t buffer_size;
    LIST_HEAD(, watch) watches; /* those that are open */
};

struct watch {
    struct inotify_watch watch;
    struct driver *driver;
    LIST_ENTRY(watch) entry;
    uint32_t references; /* one while it is open, and one for each future */
    int fd;              /* -1: closed */
    size_t begin, end;   /* what is not handed out yet, within buffer */
    alignas(struct inotify_event) char buffer[];
};

static void watch_unref(struct watch *watch)
{
    if (--watch->references == 0)
        free(watch);
}

/* --- the future --------------------------------------------------------------------------------------------------- */

static int64_t change_end(struct inotify_change *change, int64_t result)
{
    struct watch *watch = (struct watch *)change->watch;
    watch->driver->host.cancel_wait(watch->driver->host.context, &change->wait);
    watch_unref(watch);
    return result;
}

/* Moves the buffer's first change into the future. */
static int64_t change_take(struct inotify_change *change, struct watch *watch)
{
    const struct inotify_event *event = (const void *)(watch->buffer + watch->begin);
    watch->begin += sizeof *event + event->len;
    change->mask = event->mask;
    if (event->len > 0)
        memcpy(change->name, event->name, event->len <= sizeof change->name ? event->len : sizeof change->name);
    change->name[sizeof change->name - 1] = '\0';
    return change_end(change, (int64_t)strlen(change->name));
}

static int64_t change_poll(struct trale_future *future, struct trale_context *context)
{
    struct inotify_change *change = (struct inotify_change *)(void *)future;
    struct watch *watch = (struct watch *)change->watch;
    struct driver *driver = watch->driver;

    /* After a poll without cause the wait is still registered, with an old waker. */
    driver->host.cancel_wait(driver->host.context, &change->wait);
    if (!trale_context_may_resolve(context))
        return TRALE_PENDING;
    for (;;) {
        if (watch->fd < 0)
            return change_end(change, -ECANCELED);
        if (watch->begin < watch->end)
            return change_take(change, watch);

        ssize_t n = read(watch->fd, watch->buffer, driver->buffer_size);
        if (n >= 0) {
            watch->begin = 0;
            watch->end = (size_t)n;
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return change_end(change, -errno);

        change->wait.waker = context->waker;
        int r = driver->host.register_waker(driver->host.context, watch->fd, TRALE_READABLE, &change->wait);
        if (r < 0)
            return change_end(change, r);
        if (r == 0)
            return TRALE_PENDING;
    }
}

static void change_drop(struct trale_future *future)
{
    change_end((struct inotify_change *)(void *)future, 0);
}

static const struct trale_future_type change_type = {
    .size = sizeof change_type, .abi = TRALE_ABI, .name = "inotify_next", .poll = change_poll, .drop = change_drop};

/* --- the interface ------------------------------------------------------------------------------------------------ */

static void driver_next(void *instance, struct inotify_change *change)
{
    (void)instance;
    ((struct watch *)change->watch)->references++;
    change->future.type = &change_type;
}

static void driver_close(void *instance, struct inotify_watch *handle)
{
    struct driver *driver = instance;
    struct watch *watch = (struct watch *)handle;
    driver->host.forget_fd(driver->host.context, watch->fd); /* wakes the tasks that wait; always before close */
    close(watch->fd);
    watch->fd = -1;
    LIST_REMOVE(watch, entry);
    watch_unref(watch);
}

static int32_t driver_open(void *instance, const char *folder, uint32_t mask, struct inotify_watch **handle)
{
    struct driver *driver = instance;
    struct watch *watch = calloc(1, sizeof *watch + driver->buffer_size);
    if (watch == NULL)
        return -ENOMEM;
    watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch->fd < 0 || inotify_add_watch(watch->fd, folder, mask) < 0) {
        int r = -errno;
        if (watch->fd >= 0)
            close(watch->fd);
        free(watch);
        return r;
    }
    watch->watch.inotify = &driver->table;
    watch->driver = driver;
    watch->references = 1;
    LIST_INSERT_HEAD(&driver->watches, watch, entry);
    *handle = &watch->watch;
    return 0;
}

/* --- the driver --------------------------------------------------------------------------------------------------- */

static int32_t driver_start(const struct trale_host *host, const struct trale_settings *settings, void **instance)
{
    struct driver *driver = calloc(1, sizeof *driver);
    if (driver == NULL) {
        host->log(host->context, TRALE_LOG_ERROR, "memory is out");
        return -ENOMEM;
    }
    trale_host_copy(&driver->host, host);
    driver->buffer_size = (size_t)settings->values[OPTION_BUFFER].integer;
    LIST_INIT(&driver->watches);
    driver->table = (struct inotify){
        .interface = {.size = sizeof(struct inotify), .version = 1, .instance = driver},
        .open = driver_open,
        .close = driver_close,
        .next = driver_next,
    };
    *instance = driver;
    return 0;
}

static void driver_stop(void *instance)
{
    struct driver *driver = instance;
    while (!LIST_EMPTY(&driver->watches))
        driver_close(driver, &LIST_FIRST(&driver->watches)->watch);
    free(driver);
}

static const struct trale_interface *driver_interface(void *instance, const char *name)
{
    struct driver *driver = instance;
    return strcmp(name, "org.example.inotify/1") == 0 ? &driver->table.interface : NULL;
}

TRALE_DRIVER(.name = "inotify", .version = "1.0", .summary = "files that change, as futures",
             .interfaces = ORG_EXAMPLE_INOTIFY_1, .options = inotify_options, .start = driver_start,
             .stop = driver_stop, .interface = driver_interface);
