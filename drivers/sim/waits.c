/* SPDX-License-Identifier: MIT */
#include "waits.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <trale/sim_report.h>

#include "option.h"

/* So many tasks are shown; of the others their number is said. */
#define TASKS_SHOWN 100u

__attribute__((format(printf, 3, 4))) static void say(const struct waits *waits, uint32_t level, const char *format,
                                                      ...)
{
    const struct trale_host *host = &waits->program->host;
    char message[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    host->log(host->context, level, message);
}

static struct trale_task_info look(const struct waits *waits, const struct trale_task *task)
{
    struct trale_task_info info = {.size = 0};
    waits->inspector->look(waits->inspector->context, task, &info, sizeof info);
    return info;
}

/* "client waits for trale_udp_recv at client.c:12: trale_udp_recv(...)": its innermost future, and the innermost line
 * of an async function. */
static void describe(const struct trale_future *future, char *text, size_t size)
{
    const struct trale_await_point *at = NULL;
    const struct trale_future *leaf = future;
    for (; leaf->awaiting != NULL; leaf = leaf->awaiting)
        at = leaf->at != NULL ? leaf->at : at;
    if (at != NULL)
        snprintf(text, size, "%s waits for %s at %s:%" PRId64 ": %s", future->type->name, leaf->type->name, at->file,
                 at->line, at->expression);
    else
        snprintf(text, size, "%s waits for %s", future->type->name, leaf->type->name);
}

/* --- a chain ------------------------------------------------------------------------------------------------------ */

void waits_deinit(struct waits *waits)
{
    if (waits->chain != NULL)
        munmap(waits->chain, waits->chain_size);
    waits->chain = NULL;
}

static bool grow_chain(struct waits *waits, size_t size)
{
    const size_t page = 65536;
    waits_deinit(waits);
    waits->chain_size = (size + page - 1) / page * page;
    void *memory = mmap(NULL, waits->chain_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    waits->chain = memory != MAP_FAILED ? memory : NULL;
    return waits->chain != NULL;
}

const char *waits_chain(struct waits *waits, const struct trale_future *future)
{
    const struct trale_inspector *inspector = waits->inspector;
    if (option_integer(waits->program->settings, OPTION_CHAINS) == 0 || future == NULL)
        return NULL;
    const uint64_t size = inspector->backtrace(inspector->context, future, NULL, 0) + 1;
    if ((waits->chain == NULL || size > waits->chain_size) && !grow_chain(waits, size))
        return NULL;
    inspector->backtrace(inspector->context, future, waits->chain, waits->chain_size);
    return waits->chain;
}

/* --- a hang ------------------------------------------------------------------------------------------------------- */

struct report {
    const struct waits *waits;
    uint64_t n_tasks;
    bool is_hang;
};

/* The task whose result the task waits for, and nothing else; NULL: none. */
static const struct trale_task *joined_by(const struct waits *waits, const struct trale_future *future)
{
    while (future->awaiting != NULL)
        future = future->awaiting;
    return waits->inspector->joined(waits->inspector->context, future);
}

static void say_backtrace(const struct waits *waits, const struct trale_future *future)
{
    const struct trale_inspector *inspector = waits->inspector;
    const uint64_t size = inspector->backtrace(inspector->context, future, NULL, 0) + 1;
    char *text = malloc(size), *rest = NULL;
    if (text == NULL)
        return;
    inspector->backtrace(inspector->context, future, text, size);
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        say(waits, TRALE_LOG_ERROR, "    %s", line);
    free(text);
}

static void report_task(void *data, struct trale_task *task)
{
    struct report *report = data;
    const struct waits *waits = report->waits;
    const struct trale_task_info info = look(waits, task);
    char *failure = waits->program->report->failure;
    if (info.driver)
        return;
    const struct trale_task *joined = joined_by(waits, info.future);
    if (report->is_hang && joined == NULL && !info.background && failure[0] == '\0')
        describe(info.future, failure, TRALE_SIM_FAILURE);
    if (++report->n_tasks > TASKS_SHOWN)
        return;
    const char *host = waits->host_of(waits->data, task);
    char target[256] = "";
    if (joined != NULL) {
        const struct trale_task_info other = look(waits, joined);
        snprintf(target, sizeof target, " for task %" PRIu64 " (%s)", other.id, other.name);
    }
    say(waits, TRALE_LOG_ERROR, "task %" PRIu64 " (%s)%s%s %s%s%s:", info.id, info.name, host != NULL ? " of " : "",
        host != NULL ? host : "", info.runnable ? "is runnable" : "waits", target,
        info.background ? ", in the background" : "");
    say_backtrace(waits, info.future);
}

void waits_report(const struct waits *waits, bool is_hang)
{
    struct report report = {.waits = waits, .is_hang = is_hang};
    waits->inspector->each(waits->inspector->context, report_task, &report);
    if (report.n_tasks > TASKS_SHOWN)
        say(waits, TRALE_LOG_ERROR, "and %" PRIu64 " further tasks", report.n_tasks - TASKS_SHOWN);
}

/* --- an abort ----------------------------------------------------------------------------------------------------- */

void waits_count(const struct waits *waits, struct trale_task *task, const struct trale_task_info *info)
{
    const struct trale_settings *settings = waits->program->settings;
    const char *name = option_text(settings, OPTION_CANCEL_TASK);
    char place[TRALE_SIM_FAILURE];
    if (name == NULL || strcmp(name, info->name) != 0)
        return;
    const uint64_t n = ++waits->program->report->n_awaits;
    if (n != (uint64_t)option_integer(settings, OPTION_CANCEL_AWAIT))
        return;
    describe(info->future, place, sizeof place);
    say(waits, TRALE_LOG_WARNING, "task %" PRIu64 " (%s) is aborted at await %" PRIu64 ": %s", info->id, info->name, n,
        place);
    waits->inspector->abort(waits->inspector->context, task);
}
