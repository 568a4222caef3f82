/* SPDX-License-Identifier: MIT
 *
 * What applications do with tasks: the part of trale.h between the runtime and the executor. */
#include <errno.h>
#include <stdio.h>

#include "core/runtime.h"

struct trale_task *trale_spawn_frame(struct trale *runtime, const struct trale_future *frame, size_t size)
{
    if (size < sizeof *frame)
        return NULL;
    return executor_spawn(&runtime->executor, frame, size, false);
}

int64_t trale_join(struct trale_task *task)
{
    if (task == NULL)
        return -ENOMEM;
    if (!task_is_finished(task)) {
        if (executor_on_thread != NULL && executor_is_on_thread(task->executor))
            return -EDEADLK;
        if ((atomic_load_explicit(&task->shared, memory_order_relaxed) & TASK_POLLED) != 0)
            executor_run_until(task->executor, task);
        else
            task_wait(task);
    }
    int64_t result = task->result;
    task_release(task);
    return result;
}

void trale_detach(struct trale_task *task)
{
    if (task != NULL)
        task_release(task);
}

void trale_abort(struct trale_task *task)
{
    if (task != NULL)
        executor_abort(task);
}

/* Runs a future that stays where it is, and waits for its result. */
static int64_t runtime_call(struct trale *runtime, struct trale_future *future, bool driver)
{
    if (executor_is_on_thread(&runtime->executor))
        return -EDEADLK;
    return trale_join(executor_spawn(&runtime->executor, future, 0, driver));
}

int64_t trale_block_on(struct trale *runtime, struct trale_future *future)
{
    return runtime_call(runtime, future, false);
}

/* --- waiting for the last task ------------------------------------------------------------------------------------ */

static int64_t emptied_poll(struct trale_future *future, struct trale_context *context)
{
    struct executor_emptied *emptied = (struct executor_emptied *)(void *)future;
    list_remove(&emptied->node);
    if (emptied->executor->n_tasks == 0)
        return 0;
    emptied->waker = context->waker;
    list_append(&emptied->executor->emptied, &emptied->node);
    return TRALE_PENDING;
}

static void emptied_drop(struct trale_future *future)
{
    list_remove(&((struct executor_emptied *)(void *)future)->node);
}

static const struct trale_future_type emptied_type = {sizeof emptied_type, TRALE_ABI, "trale_run", emptied_poll,
                                                      emptied_drop};

int trale_run(struct trale *runtime)
{
    struct executor_emptied emptied = {.future = {.type = &emptied_type}, .executor = &runtime->executor};
    list_init(&emptied.node);
    return (int)runtime_call(runtime, &emptied.future, true);
}

/* --- listing ------------------------------------------------------------------------------------------------------ */

struct listing {
    struct trale_future future;
    struct executor *executor;
    void (*visit)(void *data, const struct trale_task_info *task);
    void *data;
};

/* Calls of trale_run and of trale_tasks itself are tasks for the executor, but for nobody else. */
static void listing_visit(const struct listing *listing, const struct trale_task *task)
{
    if (task->future->type == &emptied_type || task->future->type == listing->future.type)
        return;
    struct trale_task_info info = {
        .id = task->id,
        .name = task->future->type->name,
        .runnable = task->state != TASK_IDLE,
        .driver = task->driver,
        .future = task->future,
    };
    listing->visit(listing->data, &info);
}

static int64_t listing_poll(struct trale_future *future, struct trale_context *context)
{
    (void)context;
    const struct listing *listing = (const struct listing *)(void *)future;
    const struct executor *executor = listing->executor;
    if (executor->running != NULL && executor->running->future != future)
        listing_visit(listing, executor->running);
    const struct list *queues[] = {&executor->run_queue, &executor->wait_queue};
    for (size_t i = 0; i < sizeof queues / sizeof queues[0]; i++)
        for (const struct list *node = queues[i]->next; node != queues[i]; node = node->next)
            listing_visit(listing, list_entry(node, struct trale_task, node));
    return 0;
}

int trale_tasks(struct trale *runtime, void (*visit)(void *data, const struct trale_task_info *task), void *data)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_tasks", listing_poll, NULL};
    struct listing listing = {{.type = &type}, &runtime->executor, visit, data};
    if (executor_on_thread == &runtime->executor)
        return (int)listing_poll(&listing.future, NULL);
    return (int)runtime_call(runtime, &listing.future, true);
}

size_t trale_backtrace(const struct trale_future *future, char *buf, size_t size)
{
    size_t length = 0;
    if (size > 0)
        buf[0] = '\0';
    for (; future != NULL; future = future->awaiting) {
        size_t used = length < size ? length : size;
        char *end = size > 0 ? buf + used : NULL;
        const struct trale_await_point *at = future->at;
        int n = at == NULL ? snprintf(end, size - used, "%s\n", future->type->name)
                           : snprintf(end, size - used, "%s at %s:%d, awaiting %s\n", future->type->name, at->file,
                                      (int)at->line, at->expression);
        length += n > 0 ? (size_t)n : 0;
    }
    return length;
}
