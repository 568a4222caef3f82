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

struct visit {
    void (*visit)(void *data, struct trale_task *task);
    void *data;
};

static void visit_link(void *data, struct trale_link *link)
{
    const struct visit *visit = data;
    struct trale_task *task = list_entry(link, struct trale_task, node);
    if (task->role != TASK_OF_CALL)
        visit->visit(visit->data, task);
}

void executor_each(struct executor *executor, void (*visit)(void *data, struct trale_task *task), void *data)
{
    struct visit all = {visit, data};
    if (executor->running != NULL && executor->running->state != TASK_DONE)
        visit_link(&all, &executor->running->node);
    run_queue_each(&executor->run_queue, visit_link, &all);
    for (struct trale_link *link = executor->idle.next, *next; link != &executor->idle; link = next) {
        next = link->next; /* the visited task may leave the list */
        visit_link(&all, link);
    }
}
