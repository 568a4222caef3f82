/* SPDX-License-Identifier: MIT
 *
 * Waiting for the application's own fds: register_waker as a future. Level-triggered for the caller: where the reactor
 * is edge-triggered, poll(2) says whether the fd is ready already. */
#include <trale/fd.h>

#include "core/reactor/poller.h"
#include "core/runtime/runtime.h"

static struct trale_fd_wait *fd_wait_of(struct trale_future *future)
{
    return (struct trale_fd_wait *)(void *)future;
}

/* The wait is over. What was found is kept where the task may take no more results in this poll. */
static int64_t fd_wait_end(const struct trale_fd_wait *self, struct trale_context *context)
{
    if (self->wait.ready == 0)
        return -ECANCELED;
    return trale_context_may_resolve(context) ? self->wait.ready : TRALE_PENDING;
}

static int32_t fd_register(struct trale_fd_wait *self)
{
    struct trale *runtime = self->runtime;
    const struct owner owner = {trale_task_name(runtime->executor.running), true};
    if (runtime->checks != NULL)
        return ledger_register(runtime->checks->application, owner, self->wait.fd, self->wait.interest, &self->wait);
    return reactor_register(&runtime->reactor, owner, self->wait.fd, self->wait.interest, &self->wait);
}

static bool fd_cancel(struct trale_fd_wait *self)
{
    struct trale *runtime = self->runtime;
    return runtime->checks != NULL ? ledger_cancel(runtime->checks->application, &self->wait)
                                   : reactor_cancel(&runtime->reactor, &self->wait);
}

static void fd_forget(struct trale *runtime, int32_t fd)
{
    if (runtime->checks != NULL)
        ledger_forget(runtime->checks->application, fd);
    else
        reactor_forget(&runtime->reactor, fd);
}

/* Registers the wait; or, edge-triggered, finds the fd ready. */
static int64_t fd_wait_begin(struct trale_fd_wait *self, struct trale_context *context)
{
    const struct reactor *reactor = &self->runtime->reactor;
    for (;;) {
        int32_t r = fd_register(self);
        if (r < 0 || !reactor->threaded)
            return r < 0 ? r : TRALE_PENDING;
        uint32_t ready = poller_look(self->wait.fd, self->wait.interest);
        if (ready != 0) {
            fd_cancel(self);
            self->wait.ready = (uint16_t)ready;
            return fd_wait_end(self, context);
        }
        if (r == 0)
            return TRALE_PENDING;
    }
}

static int64_t fd_wait_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_fd_wait *self = fd_wait_of(future);
    if (self->runtime != NULL && !fd_cancel(self))
        return fd_wait_end(self, context);
    self->runtime = context->runtime;
    self->wait.waker = context->waker;
    return fd_wait_begin(self, context);
}

static void fd_wait_drop(struct trale_future *future)
{
    struct trale_fd_wait *self = fd_wait_of(future);
    if (self->runtime != NULL && executor_is_ours(&self->runtime->executor))
        fd_cancel(self);
}

struct trale_future *trale_fd_wait(struct trale_fd_wait *wait, int fd, uint32_t interest)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_fd_wait", fd_wait_poll, fd_wait_drop};
    *wait = (struct trale_fd_wait){
        .future = {.type = &type},
        .wait = {.fd = fd, .interest = (interest & ~ALL_INTERESTS) == 0 ? (uint16_t)interest : 0},
    };
    return &wait->future;
}

/* --- forgetting, as a call from outside --------------------------------------------------------------------------- */

struct forgetting {
    struct trale_future future;
    struct trale *runtime;
    int32_t fd;
};

static int64_t forgetting_poll(struct trale_future *future, struct trale_context *context)
{
    const struct forgetting *forgetting = (const struct forgetting *)(void *)future;
    (void)context;
    fd_forget(forgetting->runtime, forgetting->fd);
    return 0;
}

int trale_fd_forget(struct trale *runtime, int fd)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_fd_forget", forgetting_poll, NULL};
    struct forgetting forgetting = {{.type = &type}, runtime, fd};
    if (fd < 0)
        return -EBADF;
    if (!executor_is_ours(&runtime->executor) || !executor_is_on_thread(&runtime->executor))
        return (int)runtime_call(runtime, &forgetting.future, TASK_OF_CALL);
    fd_forget(runtime, fd);
    return 0;
}
