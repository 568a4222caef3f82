/* SPDX-License-Identifier: MIT
 *
 * The executor's tasks, as others see them. */
#include "core/executor/executor.h"

void executor_look(const struct trale_task *task, struct trale_task_info *info)
{
    *info = (struct trale_task_info){
        .size = sizeof *info,
        .id = task_id(task),
        .name = task_name(task),
        .runnable = task->state != TASK_IDLE && task->state != TASK_DONE,
        .driver = task->role >= TASK_OF_DRIVER,
        .background = task->role == TASK_IN_BACKGROUND,
        .future = task->state != TASK_DONE ? task_future(task) : NULL,
        .n_polls = task->n_polls,
        .n_wakes = task->n_wakes,
        .poll_ns = task_poll_ns(task) != NULL ? *task_poll_ns(task) : 0,
        .priority = atomic_load_explicit(&task->priority, memory_order_relaxed),
    };
}

/* The visited task may leave the list. */
static void each_of(const struct trale_link *tasks, void (*visit)(void *data, struct trale_task *task), void *data)
{
    for (struct trale_link *node = tasks->next, *next; node != tasks; node = next) {
        struct trale_task *task = list_entry(node, struct trale_task, node);
        next = node->next;
        if (task->role != TASK_OF_CALL)
            visit(data, task);
    }
}

void executor_each(struct executor *executor, void (*visit)(void *data, struct trale_task *task), void *data)
{
    struct trale_task *running = executor->running;
    if (running != NULL && running->state != TASK_DONE && running->role != TASK_OF_CALL)
        visit(data, running);
    for (size_t i = 0; i < TRALE_PRIORITIES; i++)
        each_of(&executor->run_queue.queues[i], visit, data);
    each_of(&executor->idle, visit, data);
}
