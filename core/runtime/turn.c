/* SPDX-License-Identifier: MIT
 *
 * A runtime that another event loop drives. */
#include <errno.h>

#include "core/runtime/runtime.h"

struct embedding {
    struct trale_future future;
    struct reactor *reactor;
};

static int64_t embedding_poll(struct trale_future *future, struct trale_context *context)
{
    (void)context;
    return reactor_open_backend(((struct embedding *)(void *)future)->reactor);
}

int trale_backend_fd(struct trale *runtime)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_backend_fd", embedding_poll, NULL};
    struct embedding embedding = {{.type = &type}, &runtime->reactor};
    if (!executor_is_ours(&runtime->executor))
        return -ECHILD;
    if (!runtime->executor.callers_poll)
        return -EOPNOTSUPP;
    if (executor_is_on_thread(&runtime->executor))
        return reactor_open_backend(&runtime->reactor);
    return (int)runtime_call(runtime, &embedding.future, TASK_OF_CALL);
}

int trale_turn(struct trale *runtime)
{
    if (!executor_is_ours(&runtime->executor))
        return -ECHILD;
    if (!runtime->executor.callers_poll)
        return -EOPNOTSUPP;
    if (executor_is_on_thread(&runtime->executor))
        return -EDEADLK;
    return executor_turn(&runtime->executor);
}
