/* SPDX-License-Identifier: MIT */
#include "outcome.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <trale/timer.h>

#include "course.h"
#include "option.h"

void outcome_init(struct outcome *outcome, struct program *program, struct tasks *tasks)
{
    uint64_t limit_ns = (uint64_t)option_integer(program->settings, OPTION_TIME_LIMIT);
    uint64_t settle_ns = (uint64_t)option_integer(program->settings, OPTION_SETTLE);
    *outcome = (struct outcome){.program = program, .tasks = tasks};
    outcome->limit_ns = limit_ns > 0 ? WORLD_BEGINS_NS + limit_ns : UINT64_MAX;
    outcome->settled_ns = settle_ns > 0 ? program->world->plan.quiet_ns + settle_ns : UINT64_MAX;
}

static void say_limit(struct program *program, uint64_t missing)
{
    char message[512];
    program->knows_limit = true;
    program->report->missing_event = missing;
    snprintf(message, sizeof message, "%.300s has reached events_limit = %s, and ends before event %" PRIu64,
             program->settings->values[OPTION_EVENTS].text, program->settings->values[OPTION_EVENTS_LIMIT].text,
             missing);
    program->host.log(program->host.context, TRALE_LOG_WARNING, message);
}

void outcome_update(const struct outcome *outcome)
{
    struct program *program = outcome->program;
    if (program->world->log_state.missing > 0 && !program->knows_limit)
        say_limit(program, program->world->log_state.missing);
    if (program->log.error < 0)
        program->report->events_error = program->log.error;
    program->report->hash = program->world->log_state.hash;
    program->report->n_events = program->world->log_state.n_events;
    program->report->virtual_ns = program_now(program) - WORLD_BEGINS_NS;
}

/* The first outcome counts, but for a hang, after which a thread, or a signal from outside, may have made the program
 * go on. Returns whether it is new. */
static bool set(const struct outcome *outcome, enum trale_sim_outcome end)
{
    struct program *program = outcome->program;
    uint32_t before = program->report->outcome;
    if (before == end || (before != TRALE_SIM_RUNNING && before != TRALE_SIM_HANG))
        return false;
    log_event(&program->log, LOG_OUTCOME, log_text("outcome", trale_sim_outcome_name(end)));
    outcome_update(outcome);
    program->report->idle_faults = course_idle(program->world);
    program->report->outcome = end;
    return true;
}

static void tell(const struct outcome *outcome)
{
    const struct program *program = outcome->program;
    const struct trale_sim_report *report = program->report;
    char message[256];
    bool is_good = report->outcome == TRALE_SIM_CLOSED || report->outcome == TRALE_SIM_SETTLED;
    snprintf(message, sizeof message,
             "seed %" PRIu64 ": %s after %" PRIu64 ".%09" PRIu64 " s, %" PRIu64 " events, hash %016" PRIx64,
             report->seed, trale_sim_outcome_name(report->outcome), report->virtual_ns / TRALE_SECOND,
             report->virtual_ns % TRALE_SECOND, report->n_events, report->hash);
    program->host.log(program->host.context, is_good ? TRALE_LOG_INFO : TRALE_LOG_ERROR, message);
}

/* --- time is over ------------------------------------------------------------------------------------------------- */

static void abort_one(void *data, struct trale_task *task)
{
    const struct trale_inspector *inspector = data;
    inspector->abort(inspector->context, task);
}

bool outcome_abort(const struct outcome *outcome)
{
    const struct trale_inspector *inspector = outcome->tasks->inspector;
    uint32_t end = outcome->program->report->outcome;
    bool is_over = end == TRALE_SIM_TIME_LIMIT || end == TRALE_SIM_SETTLED || end == TRALE_SIM_NOT_SETTLED ||
                   end == TRALE_SIM_NOT_STOPPED;
    if (is_over)
        inspector->each(inspector->context, abort_one, (void *)(uintptr_t)inspector);
    return is_over;
}

static void end_all(const struct outcome *outcome, enum trale_sim_outcome end)
{
    struct world *world = outcome->program->world;
    if (set(outcome, end)) {
        if (end != TRALE_SIM_SETTLED && !outcome->program->place->is_out)
            waits_report(&outcome->tasks->waits, end == TRALE_SIM_NOT_STOPPED);
        tell(outcome);
    }
    for (uint32_t i = 0; i < world->n_programs; i++)
        world->programs[i].is_idle = world->programs[i].is_out;
}

bool outcome_allows(const struct outcome *outcome, uint64_t next_ns)
{
    uint64_t stops_ns = outcome->program->world->stops_ns;
    if (next_ns <= outcome->limit_ns && next_ns <= outcome->settled_ns && next_ns <= stops_ns)
        return true;
    if (stops_ns < outcome->limit_ns && stops_ns < outcome->settled_ns)
        end_all(outcome, TRALE_SIM_NOT_STOPPED);
    else if (outcome->program->report->success_ns != UINT64_MAX)
        end_all(outcome, TRALE_SIM_SETTLED);
    else
        end_all(outcome, outcome->settled_ns < outcome->limit_ns ? TRALE_SIM_NOT_SETTLED : TRALE_SIM_TIME_LIMIT);
    return false;
}

/* --- a hang ------------------------------------------------------------------------------------------------------- */

bool outcome_hang(const struct outcome *outcome)
{
    if (outcome->program->report->success_ns != UINT64_MAX) {
        end_all(outcome, TRALE_SIM_SETTLED);
        return true;
    }
    if (outcome->program->world->stops_ns != UINT64_MAX) {
        end_all(outcome, TRALE_SIM_NOT_STOPPED);
        return true;
    }
    if (set(outcome, TRALE_SIM_HANG)) {
        waits_report(&outcome->tasks->waits, true);
        tell(outcome);
    }
    return false;
}

void outcome_close(const struct outcome *outcome)
{
    if (set(outcome, TRALE_SIM_CLOSED))
        tell(outcome);
}

void outcome_replayed(const struct outcome *outcome, enum trale_sim_outcome end)
{
    if (set(outcome, end))
        tell(outcome);
}
