/* SPDX-License-Identifier: MIT */
#include "core/driver/host.h"

#include <errno.h>

#include "core/base/thread.h"

/* A child of the process has the same epoll instance, and so must leave its parent's waits in it alone. */
static bool is_ours(const struct host *host)
{
    return executor_is_ours(host->executor);
}

static int32_t host_register_waker(void *context, int32_t fd, uint32_t interest, struct trale_wait *wait)
{
    const struct host *host = context;
    return is_ours(host) ? reactor_register(host->reactor, (struct owner){host->name, false}, fd, interest, wait)
                         : -ECHILD;
}

static int32_t host_cancel_wait(void *context, struct trale_wait *wait)
{
    const struct host *host = context;
    return is_ours(host) ? reactor_cancel(host->reactor, wait) : 0;
}

static void host_forget_fd(void *context, int32_t fd)
{
    const struct host *host = context;
    if (is_ours(host))
        reactor_forget(host->reactor, fd);
}

static int32_t host_spawn(void *context, struct trale_future *future)
{
    struct trale_task *task = executor_spawn(((struct host *)context)->executor, future, 0, TASK_OF_DRIVER);
    if (task == NULL)
        return -ENOMEM;
    task_release(task, executor_pool_here(task));
    return 0;
}

static void host_log(void *context, uint32_t level, const char *message)
{
    const struct host *host = context;
    log_say(host->log, level, host->name, "%s", message);
}

static int32_t host_start_thread(void *context, pthread_t *thread, const char *name, void *(*run)(void *data),
                                 void *data)
{
    return thread_start(thread, name, ((struct host *)context)->executor, run, data);
}

static int32_t host_is_idle(void *context)
{
    return executor_is_idle(((struct host *)context)->executor);
}

static uint64_t host_n_looks(void *context)
{
    return ((struct host *)context)->reactor->n_looks;
}

static const void *host_interface(void *context, const char *name, uint64_t size)
{
    const struct host *host = context;
    return is_ours(host) ? interfaces_find(host->interfaces, host->n_interfaces, name, size) : NULL;
}

static int32_t host_observe(void *context, const struct trale_observer *observer, void *data,
                            const struct trale_inspector **inspector)
{
    struct host *host = context;
    return observation_begin(&host->observation, host->executor, observer, data, inspector);
}

static uint32_t hints_of(const struct host *host)
{
    uint32_t level = host->reactor->threaded ? 0 : TRALE_HOST_LEVEL;
    return level | (run_queue_shuffles(&host->executor->run_queue) ? TRALE_HOST_SHUFFLE : 0);
}

struct trale_host host_table(struct host *host)
{
    return (struct trale_host){
        .size = sizeof(struct trale_host),
        .abi = TRALE_ABI,
        .context = host,
        .hints = hints_of(host),
        .register_waker = host_register_waker,
        .cancel_wait = host_cancel_wait,
        .forget_fd = host_forget_fd,
        .spawn = host_spawn,
        .log = host_log,
        .start_thread = host_start_thread,
        .is_idle = host->reactor->threaded ? NULL : host_is_idle,
        .n_looks = host->reactor->threaded ? NULL : host_n_looks,
        .interface = host_interface,
        .observe = host_observe,
        .group_word = host->group_word != NULL ? host->group_word : &host->own_word,
    };
}
