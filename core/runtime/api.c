/* SPDX-License-Identifier: MIT
 *
 * What applications do with tasks: the part of trale.h between the runtime and the executor. */
#include <errno.h>
#include <signal.h>

#include "core/executor/block.h"
#include "core/runtime/runtime.h"

struct trale_task *trale_spawn_frame(struct trale *runtime, const struct trale_future *frame, size_t size)
{
    if (size < sizeof *frame || !executor_is_ours(&runtime->executor))
        return NULL;
    return executor_spawn(&runtime->executor, frame, size, TASK_COUNTED);
}

struct trale_task *trale_task_clone(struct trale_task *task)
{
    if (task != NULL)
        task_reference(task);
    return task;
}

/* Waits until a task is finished that may not be so. */
static void task_await(struct trale_task *task)
{
    if ((atomic_load_explicit(&task->shared, memory_order_relaxed) & TASK_POLLED) != 0)
        executor_run_until(task_executor(task), task);
    else
        task_wait(task);
}

static int64_t task_take_result(struct trale_task *task)
{
    int64_t result = *task_result(task);
    task_release(task, executor_pool_here(task));
    return result;
}

int64_t trale_join(struct trale_task *task)
{
    struct block block;
    if (task == NULL)
        return -ENOMEM;
    if (!task_is_finished(task)) {
        int r = block_enter(&block, task_executor(task), false, task);
        if (r < 0)
            return r;
        task_await(task);
        block_leave(&block);
    }
    return task_take_result(task);
}

void trale_detach(struct trale_task *task)
{
    if (task != NULL)
        task_release(task, executor_pool_here(task));
}

void trale_abort(struct trale_task *task)
{
    if (task != NULL)
        executor_abort(task);
}

void trale_background(struct trale_task *task)
{
    if (task != NULL)
        executor_background(task);
}

const char *trale_task_name(const struct trale_task *task)
{
    return task != NULL ? task_name(task) : NULL;
}

void trale_task_set_name(struct trale_task *task, const char *name)
{
    if (task != NULL && name != NULL)
        task_set_name(task, name);
}

int trale_prioritise(struct trale_task *task, uint32_t priority)
{
    if (priority >= TRALE_PRIORITIES)
        return -EINVAL;
    if (task != NULL)
        atomic_store_explicit(&task->priority, (uint8_t)priority, memory_order_relaxed);
    return 0;
}

int trale_prioritise_self(uint32_t priority)
{
    if (executor_on_thread == NULL || executor_on_thread->running == NULL)
        return -EPERM;
    return trale_prioritise(executor_on_thread->running, priority);
}

int64_t runtime_call(struct trale *runtime, struct trale_future *future, enum task_role role)
{
    struct block block;
    int r = block_enter(&block, &runtime->executor, false, NULL);
    if (r < 0)
        return r;
    struct trale_task *task = executor_spawn(&runtime->executor, future, 0, role);
    if (task != NULL) {
        block_set_task(&block, task);
        if (!task_is_finished(task))
            task_await(task);
    }
    block_leave(&block);
    return task != NULL ? task_take_result(task) : -ENOMEM;
}

int64_t trale_block_on(struct trale *runtime, struct trale_future *future)
{
    return runtime_call(runtime, future, TASK_COUNTED);
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

int trale_run(struct trale *runtime)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_run", emptied_poll, emptied_drop};
    struct executor_emptied emptied = {.future = {.type = &type}, .executor = &runtime->executor};
    return (int)runtime_call(runtime, &emptied.future, TASK_OF_CALL);
}

/* --- beside the runtime ------------------------------------------------------------------------------------------- */

void trale_signal_mask_clear(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}
