/* SPDX-License-Identifier: MIT */
#include "replay_difference.h"

#include <inttypes.h>
#include <stdio.h>

#include "replay_text.h"

static void say(const struct replay *replay, uint32_t level, const char *message)
{
    replay->program->host.log(replay->program->host.context, level, message);
}

static void abort_one(void *data, struct trale_task *task)
{
    const struct replay *replay = data;
    struct trale_task_info info;
    replay->inspector->look(replay->inspector->context, task, &info, sizeof info);
    if (info.driver == 0) {
        replay->inspector->abort(replay->inspector->context, task);
        replay->program->n_wakes++;
    }
}

void replay_abort(struct replay *replay)
{
    replay->inspector->each(replay->inspector->context, abort_one, replay);
}

/* A task that runs is aborted when its poll has ended. */
static void replay_stop(struct replay *replay, enum trale_sim_outcome outcome)
{
    replay->state = REPLAY_IS_OVER;
    replay->end(replay->sim, outcome);
    if (replay->running == NULL)
        replay_abort(replay);
}

/* Where the task that runs had waited. */
static void say_where(const struct replay *replay)
{
    char chain[1024], message[256];
    struct trale_task_info info;
    if (replay->running == NULL)
        return;
    replay->inspector->look(replay->inspector->context, replay->running, &info, sizeof info);
    snprintf(message, sizeof message, "the program: in task %" PRIu64 " \"%s\", which had waited at:", info.id,
             info.name);
    say(replay, TRALE_LOG_ERROR, message);
    if (info.future == NULL)
        return;
    replay->inspector->backtrace(replay->inspector->context, info.future, chain, sizeof chain);
    char *rest = chain;
    for (char *line = strtok_r(chain, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        say(replay, TRALE_LOG_ERROR, line);
}

void replay_diverge(struct replay *replay, const char *message)
{
    say(replay, TRALE_LOG_ERROR, message);
    say_where(replay);
    replay_stop(replay, TRALE_SIM_DIVERGED);
}

static void describe(const struct replay *replay, char *text, size_t size, uint64_t position)
{
    const struct trale_record *record = recording_at(&replay->recording, position);
    char what[REPLAY_TEXT], task[32] = "";
    if (record == NULL) {
        snprintf(text, size, "%s: the recording ends with trale_close", replay->path);
        return;
    }
    replay_describe(what, (enum trale_record_kind)record->kind, record->what, record->number, record_inputs(record));
    if (record->task != 0)
        snprintf(task, sizeof task, " (task %" PRIu32 ")", record->task);
    snprintf(text, size, "%s: record %" PRIu64 ", at byte %" PRIu64 ": %s%s", replay->path,
             recording_count(&replay->recording, position), position, what, task);
}

void replay_compare(const struct replay *replay, char *text, size_t size, uint64_t position, const char *did)
{
    describe(replay, text, size, position);
    size_t used = strlen(text);
    snprintf(text + used, size - used, "; the program: %s", did);
}

void replay_differ(struct replay *replay, uint64_t position, const char *did)
{
    char message[sizeof replay->difference];
    replay_compare(replay, message, sizeof message, position, did);
    if (!replay->is_drop) {
        replay_diverge(replay, message);
        return;
    }
    replay->state = REPLAY_CLOSES;
    memcpy(replay->difference, message, sizeof message);
}

void replay_refuse(struct replay *replay, const struct trale_record *record)
{
    char text[512], message[600];
    describe(replay, text, sizeof text, (uint64_t)((const char *)record - replay->recording.bytes));
    snprintf(message, sizeof message, "%s: it has not what a record of this kind has", text);
    replay_diverge(replay, message);
}

void replay_run_out(struct replay *replay)
{
    static const char *const why[] = {[TRALE_RECORDING_OPEN] = "its program ended without trale_close",
                                      [TRALE_RECORDING_CLOSED] = "the program was closed here",
                                      [TRALE_RECORDING_FULL] = "its file was full",
                                      [TRALE_RECORDING_FAILED] = "memory or disk were full"};
    const struct recording *recording = &replay->recording;
    char message[512];
    snprintf(message, sizeof message, "%s: the recording ends here, after %" PRIu64 " records: %s", replay->path,
             recording_count(recording, recording->length) - 1,
             recording->is_cut                            ? "the file was cut off"
             : recording->state <= TRALE_RECORDING_FAILED ? why[recording->state]
                                                          : "for a reason that this version does not know");
    say(replay, TRALE_LOG_WARNING, message);
    replay_stop(replay, TRALE_SIM_RECORDING_ENDS);
}
