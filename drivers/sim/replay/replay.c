/* SPDX-License-Identifier: MIT */
#include "replay.h"

#include <errno.h>
#include <stdlib.h>

#include "option.h"
#include "replay_difference.h"
#include "replay_record.h"
#include "replay_table.h"

/* --- rest --------------------------------------------------------------------------------------------------------- */

/* Until a task is runnable, or nothing can be done about it. */
uint64_t replay_before_wait(struct replay *replay, uint32_t idle)
{
    uint64_t n_wakes = replay->program->n_wakes, inside;
    if (!idle) {
        replay_wake_due(replay, NULL);
        return UINT64_MAX;
    }
    do {
        inside = replay->inside;
        if (replay->state == REPLAY_GOES_ON)
            replay_wake_next(replay);
        if (replay->state != REPLAY_GOES_ON)
            replay_abort(replay);
    } while (replay->program->n_wakes == n_wakes && replay->inside != inside);
    return replay->program->n_wakes != n_wakes ? 0 : UINT64_MAX;
}

/* --- what is heard of tasks --------------------------------------------------------------------------------------- */

static void task_begins(struct replay *replay, const struct trale_task *task, bool is_drop)
{
    struct trale_task_info info;
    replay->inspector->look(replay->inspector->context, task, &info, sizeof info);
    replay->running = info.driver == 0 ? task : NULL;
    replay->is_drop = is_drop;
}

static void task_ends(struct replay *replay)
{
    replay->n_polls += replay->running != NULL && replay->n_polls < UINT32_MAX;
    replay->running = NULL;
    replay->is_drop = false;
}

static void on_poll_begins(void *data, struct trale_task *task)
{
    struct replay *replay = data;
    replay_wake_due(replay, NULL);
    task_begins(replay, task, false);
    if (replay->state == REPLAY_CLOSES && replay->running != NULL)
        replay_diverge(replay, replay->difference);
}

static void on_poll_ends(void *data, struct trale_task *task, int64_t result)
{
    struct replay *replay = data;
    task_ends(replay);
    if (replay->state == REPLAY_IS_OVER)
        replay_abort(replay);
    else if (result == TRALE_PENDING)
        replay_wake_due(replay, task);
}

static void on_drop_begins(void *data, struct trale_task *task)
{
    task_begins(data, task, true);
}

static void on_ended(void *data, struct trale_task *task, int64_t result)
{
    (void)task, (void)result;
    task_ends(data);
    replay_wake_due(data, NULL);
}

const struct trale_observer replay_observer = {.size = sizeof replay_observer,
                                               .poll_begins = on_poll_begins,
                                               .poll_ends = on_poll_ends,
                                               .drop_begins = on_drop_begins,
                                               .ended = on_ended};

/* --- the beginning and the end ------------------------------------------------------------------------------------ */

int replay_open(struct replay **opened, struct program *program, const struct trale_inspector *inspector,
                void (*end)(void *sim, enum trale_sim_outcome outcome), void *sim)
{
    char why[256];
    const char *path = option_text(program->settings, OPTION_REPLAY);
    if ((program->host.hints & TRALE_HOST_SHUFFLE) != 0)
        return option_refuse(&program->host, program->settings, OPTION_REPLAY,
                             "tasks run in the order of the recording: remove [runtime] shuffle");
    struct replay *replay = calloc(1, sizeof *replay);
    if (replay == NULL)
        return -ENOMEM;
    int r = recording_open(&replay->recording, path, why, sizeof why);
    if (r < 0) {
        option_refuse(&program->host, program->settings, OPTION_REPLAY, why);
        free(replay);
        return r;
    }
    replay->program = program;
    replay->inspector = inspector;
    replay->path = path;
    replay->end = end;
    replay->sim = sim;
    replay->inside = recording_find(&replay->recording, sizeof(struct trale_recording), false);
    replay->outside = recording_find(&replay->recording, sizeof(struct trale_recording), true);
    replay_set_timer(replay);
    replay_set_random(replay);
    replay_set_udp(replay);
    *opened = replay;
    return 0;
}

void replay_finish(struct replay *replay)
{
    const struct recording *recording = &replay->recording;
    const struct trale_record *record;
    if (replay->state == REPLAY_IS_OVER)
        return;
    /* What was recorded while tasks were dropped is left over if they are dropped in another order. */
    uint64_t position = replay->inside;
    while ((record = recording_at(recording, position)) != NULL &&
           (record->kind == TRALE_RECORD_WAKE || (record->flags & TRALE_RECORD_IN_DROP) != 0))
        position = replay_next(replay, position);
    if (record == NULL)
        return;
    char message[600];
    replay_compare(replay, message, sizeof message, position, "trale_close");
    replay->program->host.log(replay->program->host.context, TRALE_LOG_ERROR, message);
    replay->end(replay->sim, TRALE_SIM_DIVERGED);
}

void replay_close(struct replay *replay)
{
    if (replay == NULL)
        return;
    replay_waiting_deinit(&replay->waiting);
    for (struct replay_socket *socket = replay->sockets, *next; socket != NULL; socket = next) {
        next = socket->next;
        free(socket);
    }
    recording_close(&replay->recording);
    free(replay);
}
