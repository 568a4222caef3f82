/* SPDX-License-Identifier: MIT
 *
 * A driver that observes: it writes what it hears to the log, a line for each call, and counts whether it hears all.
 * `observer` and the name of a task are the words of a line; see hear(). */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <trale/observer.h>

#include <trale/driver.h>

#define TASKS_MAX 8192

enum {
    OPTION_FAILS, /* start fails, after it has begun to observe */
    OPTION_QUIET, /* no lines, but those of miscounted tasks */
    OPTION_SHOWS, /* the tasks, in before_wait */
    OPTION_TASK,  /* the task to be aborted, by name, */
    OPTION_AWAIT, /* at this await */
};

/* How often each task was heard of, by its number. */
struct counts {
    uint64_t n_polls, n_wakes;
    bool is_there, polls;
};

struct instance {
    struct trale_interface interface;
    struct trale_host host;
    const struct trale_inspector *inspector;
    const struct trale_value *options;
    struct counts counts[TASKS_MAX];
    uint64_t n_spawned, n_ended;
    int64_t n_awaits; /* of the task to be aborted */
};

__attribute__((format(printf, 2, 3))) static void say(const struct instance *self, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    self->host.log(self->host.context, TRALE_LOG_DEBUG, line);
}

static struct trale_task_info look(const struct instance *self, const struct trale_task *task)
{
    struct trale_task_info info;
    self->inspector->look(self->inspector->context, task, &info, sizeof info);
    return info;
}

/* "woken child by parent", "polled child: pending", "ended child: 7" */
static void hear(const struct instance *self, const char *what, const struct trale_task *task, const char *by,
                 const int64_t *result)
{
    char text[32] = "";
    if (self->options[OPTION_QUIET].integer != 0)
        return;
    if (result != NULL && *result == TRALE_PENDING)
        snprintf(text, sizeof text, ": pending");
    else if (result != NULL)
        snprintf(text, sizeof text, ": %" PRId64, *result);
    say(self, "%s %s%s%s%s", what, look(self, task).name, by != NULL ? " by " : "", by != NULL ? by : "", text);
}

static struct counts *counts_of(struct instance *self, const struct trale_task *task)
{
    struct trale_task_info info = look(self, task);
    struct counts *counts = &self->counts[info.id % TASKS_MAX];
    if (!counts->is_there)
        say(self, "miscounted: task %" PRIu64 " (%s) was not spawned, or has ended", info.id, info.name);
    return counts;
}

static void spawned(void *data, struct trale_task *task, struct trale_task *spawner)
{
    struct instance *self = data;
    struct trale_task_info info = look(self, task);
    self->n_spawned++;
    if (info.id != self->n_spawned || info.runnable == 0 || self->counts[info.id % TASKS_MAX].is_there)
        say(self, "miscounted: task %" PRIu64 " is the %" PRIu64 "th", info.id, self->n_spawned);
    self->counts[info.id % TASKS_MAX] = (struct counts){.is_there = true};
    hear(self, "spawned", task, spawner != NULL ? look(self, spawner).name : NULL, NULL);
}

static void poll_begins(void *data, struct trale_task *task)
{
    struct instance *self = data;
    struct counts *counts = counts_of(self, task);
    if (self->inspector->running(self->inspector->context) != task || counts->polls)
        say(self, "miscounted: another task runs");
    counts->n_polls++;
    counts->polls = true;
    hear(self, "polls", task, NULL, NULL);
}

static void poll_ends(void *data, struct trale_task *task, int64_t result)
{
    struct instance *self = data;
    if (!counts_of(self, task)->polls)
        say(self, "miscounted: a poll ends that has not begun");
    counts_of(self, task)->polls = false;
    hear(self, "polled", task, NULL, &result);
    if (result != TRALE_PENDING || strcmp(look(self, task).name, self->options[OPTION_TASK].text) != 0)
        return;
    if (++self->n_awaits == self->options[OPTION_AWAIT].integer)
        self->inspector->abort(self->inspector->context, task);
}

static void woken(void *data, struct trale_task *task, struct trale_task *by, uint32_t source)
{
    struct instance *self = data;
    static const char *const sources[] = {"", "driver", "thread"};
    counts_of(self, task)->n_wakes++;
    if (by != NULL)
        counts_of(self, by);
    if ((by != NULL) != (source == TRALE_WOKEN_BY_TASK))
        say(self, "miscounted: a source that is no task, with a task");
    hear(self, "woken", task, by != NULL ? look(self, by).name : sources[source], NULL);
}

static void drop_begins(void *data, struct trale_task *task)
{
    struct instance *self = data;
    counts_of(self, task);
    hear(self, "drops", task, NULL, NULL);
}

static void ended(void *data, struct trale_task *task, int64_t result)
{
    struct instance *self = data;
    struct counts *counts = counts_of(self, task);
    struct trale_task_info info = look(self, task);
    if (counts->n_polls != info.n_polls || counts->n_wakes != info.n_wakes || counts->polls || info.future != NULL)
        say(self,
            "miscounted: task %" PRIu64 " (%s): heard of %" PRIu64 " of %" PRIu64 " polls, %" PRIu64 " of %" PRIu64
            " wakes",
            info.id, info.name, counts->n_polls, info.n_polls, counts->n_wakes, info.n_wakes);
    *counts = (struct counts){.is_there = false};
    self->n_ended++;
    hear(self, "ended", task, NULL, &result);
}

static const struct trale_observer calls = {
    .size = sizeof calls,
    .spawned = spawned,
    .poll_begins = poll_begins,
    .poll_ends = poll_ends,
    .woken = woken,
    .drop_begins = drop_begins,
    .ended = ended,
};

/* --- the driver --------------------------------------------------------------------------------------------------- */

/* "idle waiter, for sleeper", and its backtrace. */
static void show(void *data, struct trale_task *task)
{
    const struct instance *self = data;
    const struct trale_inspector *inspector = self->inspector;
    struct trale_task_info info = look(self, task);
    char text[512];
    const struct trale_future *leaf = info.future;
    while (leaf->awaiting != NULL)
        leaf = leaf->awaiting;
    const struct trale_task *joined = inspector->joined(inspector->context, leaf);
    inspector->backtrace(inspector->context, leaf, text, sizeof text);
    text[strcspn(text, "\n")] = '\0';
    say(self, "%s %s, in %s%s%s", info.runnable ? "runnable" : "idle", info.name, text, joined != NULL ? " for " : "",
        joined != NULL ? look(self, joined).name : "");
}

static uint64_t observer_before_wait(void *data, uint32_t idle)
{
    struct instance *self = data;
    if (self->inspector->running(self->inspector->context) != NULL)
        say(self, "miscounted: a task runs in before_wait");
    (void)idle;
    if (self->options[OPTION_SHOWS].integer != 0)
        self->inspector->each(self->inspector->context, show, self);
    return UINT64_MAX;
}

static void observer_stop(void *data)
{
    struct instance *self = data;
    if (self->n_spawned != self->n_ended)
        say(self, "miscounted: %" PRIu64 " tasks, %" PRIu64 " ends", self->n_spawned, self->n_ended);
    say(self, "stops after %s", self->n_spawned > 0 ? "tasks" : "none");
    free(self);
}

static int32_t observer_start(const struct trale_host *host, const struct trale_settings *settings, void **result)
{
    struct instance *self = calloc(1, sizeof *self);
    const struct trale_inspector *inspector = NULL;
    static const struct trale_observer short_calls = {.size = 4};
    if (self == NULL)
        return -ENOMEM;
    trale_host_copy(&self->host, host);
    self->interface = (struct trale_interface){sizeof self->interface, 1, self};
    self->options = settings->values;
    if (host->observe(host->context, &short_calls, self, &inspector) != -EINVAL || inspector != NULL)
        say(self, "miscounted: a table that is too short");
    int32_t r = host->observe(host->context, &calls, self, &self->inspector);
    if (r == 0 && (host->observe(host->context, &calls, self, &inspector) != -EBUSY || inspector != NULL))
        say(self, "miscounted: observes twice");
    if (r == 0 && settings->values[OPTION_FAILS].integer != 0)
        r = -EPROTO;
    if (r == 0)
        *result = self;
    else
        free(self);
    return r;
}

static const struct trale_interface *observer_interface(void *data, const char *name)
{
    (void)name;
    return &((struct instance *)data)->interface;
}

static const struct trale_option options[] = {
    {.name = "fails", .type = TRALE_OPTION_BOOLEAN, .default_value = "no", .help = "fails in start"},
    {.name = "quiet", .type = TRALE_OPTION_BOOLEAN, .default_value = "no", .help = "only counts"},
    {.name = "shows", .type = TRALE_OPTION_BOOLEAN, .default_value = "no", .help = "shows the tasks"},
    {.name = "task", .type = TRALE_OPTION_TEXT, .default_value = "-", .help = "the task to abort"},
    {.name = "await", .type = TRALE_OPTION_INTEGER, .default_value = "0", .help = "at which await"},
    {.name = NULL},
};

#ifndef INTERFACE
#define INTERFACE "org.example.observer/1"
#endif
TRALE_DRIVER(.name = "observer", .version = "1.0", .summary = "writes down what it hears", .interfaces = INTERFACE,
             .options = options, .start = observer_start, .stop = observer_stop, .interface = observer_interface,
             .before_wait = observer_before_wait);
