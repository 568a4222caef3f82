/* SPDX-License-Identifier: MIT
 *
 * A driver on completions: org.example.datagrams/1 by io_uring(7), or by a thread that plays a kernel. drivers/README.md
 * explains it.
 *
 * A kernel with completions owns a buffer from the submission to the completion, also when the future that wanted it is
 * gone. So the buffers belong to the instance. Dropping a future takes the future out of the driver, and at most asks
 * the kernel to give up; the operation's end comes later, and finds out what to do with the result. */
#include "driver.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* After how long the kernel is asked again when it could not take all. */
#define RETRY_NS 1000000u

enum option { OPTION_KERNEL, OPTION_BUFFER, N_OPTIONS };

static const struct trale_option datagrams_options[] = {
    [OPTION_KERNEL] = {.name = "kernel",
                       .type = TRALE_OPTION_CHOICE,
                       .choices = "io_uring | thread",
                       .default_value = "io_uring",
                       .help = "what completes the operations"},
    [OPTION_BUFFER] = {.name = "buffer",
                       .type = TRALE_OPTION_SIZE,
                       .minimum = 1,
                       .maximum = 65536,
                       .default_value = "2K",
                       .help = "the longest datagram; of longer ones the rest is lost"},
    [N_OPTIONS] = {.name = NULL},
};

/* --- operations --------------------------------------------------------------------------------------------------- */

struct operation *operation_new(struct instance *instance, struct socket *socket, enum operation_kind kind)
{
    struct operation *operation = TAILQ_FIRST(&instance->free);
    if (operation != NULL)
        TAILQ_REMOVE(&instance->free, operation, entry);
    else
        operation = calloc(1, sizeof *operation + instance->buffer_size);
    if (operation == NULL)
        return NULL;
    instance->count.n_buffers++;
    operation->kind = kind;
    operation->fd = socket->fd;
    operation->size = instance->buffer_size;
    operation->socket = socket;
    operation->send = NULL;
    operation_repeat(instance, operation);
    return operation;
}

void operation_free(struct instance *instance, struct operation *operation)
{
    instance->count.n_buffers--;
    TAILQ_INSERT_HEAD(&instance->free, operation, entry);
}

void operation_repeat(struct instance *instance, struct operation *operation)
{
    operation->state = OPERATION_QUEUED;
    TAILQ_INSERT_TAIL(&instance->queued, operation, entry);
}

void operation_cancel(struct instance *instance, struct operation *operation)
{
    if (operation->state == OPERATION_QUEUED) {
        TAILQ_REMOVE(&instance->queued, operation, entry);
        return;
    }
    operation->state = OPERATION_CANCELLING;
    operation->cancel_queued = true;
    TAILQ_INSERT_TAIL(&instance->cancelled, operation, cancel_entry);
}

static void operation_forget_cancel(struct instance *instance, struct operation *operation)
{
    if (operation->cancel_queued)
        TAILQ_REMOVE(&instance->cancelled, operation, cancel_entry);
    operation->cancel_queued = false;
}

/* Hands over what has gathered since the last time. What finds no room stays for the next. */
static int instance_flush(struct instance *instance)
{
    struct kernel *kernel = instance->kernel;
    struct operation *operation;
    int r = 0;
    while (r == 0 && (operation = TAILQ_FIRST(&instance->queued)) != NULL) {
        TAILQ_REMOVE(&instance->queued, operation, entry); /* the kernel may want the entry */
        r = kernel->type->submit(kernel, operation);
        if (r < 0) {
            TAILQ_INSERT_HEAD(&instance->queued, operation, entry);
        } else {
            operation->state = OPERATION_SUBMITTED;
            instance->count.n_operations++;
        }
    }
    while (r == 0 && (operation = TAILQ_FIRST(&instance->cancelled)) != NULL) {
        r = kernel->type->cancel(kernel, operation);
        if (r == 0)
            operation_forget_cancel(instance, operation);
    }
    return r < 0 ? r : kernel->type->flush(kernel);
}

/* Takes all that is done. Returns how much that was. */
static uint64_t instance_reap(struct instance *instance)
{
    struct operation *operation;
    uint64_t n = 0;
    for (; (operation = instance->kernel->type->next(instance->kernel)) != NULL; n++) {
        instance->count.n_operations--;
        operation_forget_cancel(instance, operation);
        socket_complete(operation->socket, operation);
    }
    return n;
}

/* Flushes and reaps until nothing more happens at once. */
static void instance_turn(struct instance *instance)
{
    while (instance_flush(instance), instance_reap(instance) > 0) {
    }
}

/* --- the driver's own task ---------------------------------------------------------------------------------------- */

static int64_t watcher_poll(struct trale_future *future, struct trale_context *context)
{
    struct instance *instance = (struct instance *)(void *)((char *)future - offsetof(struct instance, watcher));
    const struct trale_host *host = &instance->host;
    int r;
    host->cancel_wait(host->context, &instance->wait);
    do {
        instance_reap(instance);
        instance->wait.waker = context->waker;
        r = host->register_waker(host->context, instance->kernel->fd, TRALE_READABLE, &instance->wait);
    } while (r == 1);
    if (r < 0)
        host->log(host->context, TRALE_LOG_ERROR, "cannot wait for completions");
    return r < 0 ? r : TRALE_PENDING;
}

static void watcher_drop(struct trale_future *future)
{
    struct instance *instance = (struct instance *)(void *)((char *)future - offsetof(struct instance, watcher));
    instance->host.cancel_wait(instance->host.context, &instance->wait);
}

/* All that tasks have begun and dropped in this turn goes to the kernel at once. Some of it may be done by then. */
static uint64_t driver_before_wait(void *data, uint32_t idle)
{
    struct instance *instance = data;
    (void)idle;
    instance_turn(instance);
    bool has_room = TAILQ_EMPTY(&instance->queued) && TAILQ_EMPTY(&instance->cancelled);
    return has_room ? UINT64_MAX : RETRY_NS;
}

/* --- stopping ----------------------------------------------------------------------------------------------------- */

/* Waits until something is done. 0, or -ETIMEDOUT. */
static int instance_wait(const struct instance *instance, uint64_t deadline_ns)
{
    struct pollfd done = {.fd = instance->kernel->fd, .events = POLLIN};
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t now_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    if (deadline_ns <= now_ns)
        return -ETIMEDOUT;
    uint64_t left_ms = (deadline_ns - now_ns) / 1000000u + 1;
    poll(&done, 1, left_ms < 1000 ? (int)left_ms : 1000); /* the caller looks, and calls again */
    return 0;
}

/* All futures are gone, so each operation is cancelled by now; but until the kernel says that it is done, its buffer is
 * not ours to free. */
static int32_t driver_settle(void *data, uint64_t deadline_ns)
{
    struct instance *instance = data;
    for (;;) {
        instance_turn(instance);
        if (instance->count.n_operations == 0)
            return 0;
        int r = instance_wait(instance, deadline_ns);
        if (r < 0) {
            char text[96];
            snprintf(text, sizeof text, "the kernel still has %" PRIu64 " operations", instance->count.n_operations);
            instance->host.log(instance->host.context, TRALE_LOG_WARNING, text);
            return r;
        }
    }
}

static void driver_stop(void *data)
{
    struct instance *instance = data;
    struct operation *operation;
    while (!LIST_EMPTY(&instance->sockets))
        socket_close(instance, &LIST_FIRST(&instance->sockets)->socket);
    instance->host.forget_fd(instance->host.context, instance->kernel->fd);
    instance->kernel->type->close(instance->kernel);
    while ((operation = TAILQ_FIRST(&instance->free)) != NULL) {
        TAILQ_REMOVE(&instance->free, operation, entry);
        free(operation);
    }
    free(instance);
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

static void driver_count(void *data, struct datagrams_count *count)
{
    const struct instance *instance = data;
    *count = instance->count;
    count->n_calls = instance->kernel->n_calls;
}

static int32_t driver_hold(void *data, uint32_t held)
{
    const struct instance *instance = data;
    if (instance->kernel->type->hold == NULL)
        return -EOPNOTSUPP;
    instance->kernel->type->hold(instance->kernel, held != 0);
    return 0;
}

static int32_t driver_start(const struct trale_host *host, const struct trale_settings *settings, void **data)
{
    static const struct trale_future_type watcher_type = {
        .size = sizeof watcher_type, .abi = TRALE_ABI, .name = "datagrams", .poll = watcher_poll, .drop = watcher_drop};
    static const struct kernel_type *const kernels[] = {&uring_kernel, &thread_kernel};
    struct instance *instance = calloc(1, sizeof *instance);
    if (instance == NULL) {
        host->log(host->context, TRALE_LOG_ERROR, "memory is out");
        return -ENOMEM;
    }
    trale_host_copy(&instance->host, host);
    instance->buffer_size = (size_t)settings->values[OPTION_BUFFER].integer;
    LIST_INIT(&instance->sockets);
    TAILQ_INIT(&instance->queued);
    TAILQ_INIT(&instance->cancelled);
    TAILQ_INIT(&instance->free);
    instance->table = (struct datagrams){{sizeof instance->table, 1, instance},
                                         socket_adopt,
                                         socket_close,
                                         socket_recv,
                                         socket_send,
                                         driver_count,
                                         driver_hold};
    instance->watcher.type = &watcher_type;
    int r = kernels[settings->values[OPTION_KERNEL].integer]->open(&instance->kernel, host);
    if (r == 0) {
        r = host->spawn(host->context, &instance->watcher);
        if (r < 0) {
            host->log(host->context, TRALE_LOG_ERROR, "memory is out");
            instance->kernel->type->close(instance->kernel);
        }
    }
    if (r < 0) {
        free(instance);
        return r;
    }
    *data = instance;
    return 0;
}

static const struct trale_interface *driver_interface(void *data, const char *name)
{
    struct instance *instance = data;
    return strcmp(name, "org.example.datagrams/1") == 0 ? &instance->table.interface : NULL;
}

TRALE_DRIVER(.name = "datagrams", .version = "1.0", .summary = "datagrams, by a kernel that completes operations",
             .interfaces = ORG_EXAMPLE_DATAGRAMS_1, .options = datagrams_options, .start = driver_start,
             .stop = driver_stop, .interface = driver_interface, .before_wait = driver_before_wait,
             .settle = driver_settle);
