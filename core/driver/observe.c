/* SPDX-License-Identifier: MIT
 *
 * Drivers that observe: the executor's hooks as the observer's functions, and the functions with which it looks. */
#include "core/driver/observe.h"

#include <errno.h>
#include <string.h>

static struct observation *observation_of(struct hooks *hooks)
{
    return (struct observation *)(void *)hooks;
}

/* --- what is heard ------------------------------------------------------------------------------------------------ */

static void spawned(struct hooks *hooks, struct trale_task *task, struct trale_task *spawner)
{
    const struct observation *self = observation_of(hooks);
    self->calls.spawned(self->data, task, spawner);
}

static void woken(struct hooks *hooks, struct trale_task *task, struct trale_task *by, uint32_t source)
{
    const struct observation *self = observation_of(hooks);
    self->calls.woken(self->data, task, by, source);
}

static void poll_begins(struct hooks *hooks, struct trale_task *task)
{
    const struct observation *self = observation_of(hooks);
    self->calls.poll_begins(self->data, task);
}

static void poll_ends(struct hooks *hooks, struct trale_task *task, int64_t result)
{
    const struct observation *self = observation_of(hooks);
    self->calls.poll_ends(self->data, task, result);
}

static void drop_begins(struct hooks *hooks, struct trale_task *task)
{
    const struct observation *self = observation_of(hooks);
    self->calls.drop_begins(self->data, task);
}

static void ended(struct hooks *hooks, struct trale_task *task, int64_t result)
{
    const struct observation *self = observation_of(hooks);
    self->calls.ended(self->data, task, result);
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

static void inspector_look(void *context, const struct trale_task *task, struct trale_task_info *info, uint64_t size)
{
    struct trale_task_info all;
    (void)context;
    executor_look(task, &all);
    memset(info, 0, size);
    memcpy(info, &all, size < sizeof all ? size : sizeof all);
}

static uint64_t inspector_backtrace(void *context, const struct trale_future *future, char *buf, uint64_t size)
{
    (void)context;
    return trale_backtrace(future, buf, size);
}

static const struct trale_task *inspector_joined(void *context, const struct trale_future *future)
{
    const struct trale_task *task = join_look(future);
    return task != NULL && task_home(task) == ((struct executor *)context)->home ? task : NULL;
}

static struct trale_task *inspector_running(void *context)
{
    return ((struct executor *)context)->running;
}

static void inspector_each(void *context, void (*visit)(void *data, struct trale_task *task), void *data)
{
    executor_each(context, visit, data);
}

static void inspector_abort(void *context, struct trale_task *task)
{
    (void)context;
    executor_abort(task);
}

/* --- beginning and end -------------------------------------------------------------------------------------------- */

int32_t observation_begin(struct observation *self, struct executor *executor, const struct trale_observer *observer,
                          void *data, const struct trale_inspector **inspector)
{
    if (self->executor != NULL)
        return -EBUSY;
    if (observer->size < offsetof(struct trale_observer, spawned))
        return -EINVAL;
    *self = (struct observation){
        .executor = executor,
        .data = data,
        .inspector = {.size = sizeof self->inspector,
                      .context = executor,
                      .look = inspector_look,
                      .backtrace = inspector_backtrace,
                      .joined = inspector_joined,
                      .running = inspector_running,
                      .each = inspector_each,
                      .abort = inspector_abort},
    };
    memcpy(&self->calls, observer, observer->size < sizeof self->calls ? observer->size : sizeof self->calls);
    self->hooks = (struct hooks){
        .spawned = self->calls.spawned != NULL ? spawned : NULL,
        .woken = self->calls.woken != NULL ? woken : NULL,
        .poll_begins = self->calls.poll_begins != NULL ? poll_begins : NULL,
        .poll_ends = self->calls.poll_ends != NULL ? poll_ends : NULL,
        .drop_begins = self->calls.drop_begins != NULL ? drop_begins : NULL,
        .ended = self->calls.ended != NULL ? ended : NULL,
    };
    executor_add_hooks(executor, &self->hooks);
    *inspector = &self->inspector;
    return 0;
}

void observation_end(struct observation *self)
{
    if (self->executor != NULL)
        executor_remove_hooks(self->executor, &self->hooks);
    self->executor = NULL;
}
