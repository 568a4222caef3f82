/* SPDX-License-Identifier: MIT */
#include "lives.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include <trale/timer.h>

#include "crash.h"
#include "host.h"
#include "option.h"

void lives_init(struct lives *lives, struct program *program, struct turn *turn)
{
    *lives = (struct lives){program, turn, (uint64_t)option_integer(program->settings, OPTION_STOP_WITHIN)};
}

static void say(const struct lives *lives, uint32_t number, const char *text)
{
    char message[256];
    const struct host *home = lives->program->world->programs[number - 1].home;
    snprintf(message, sizeof message, "program %u, at home on %s, %s", number, home != NULL ? home->name : "no host",
             text);
    lives->program->host.log(lives->program->host.context, TRALE_LOG_WARNING, message);
}

/* --- the end of a program ----------------------------------------------------------------------------------------- */

bool lives_are_over(const struct world *world)
{
    uint32_t n = 0;
    while (n < world->n_programs && lives_is_over(&world->programs[n]))
        n++;
    return n == world->n_programs;
}

void lives_ended(const struct lives *lives)
{
    struct world *world = lives->program->world;
    bool is_first = world->stops_ns == UINT64_MAX;
    for (uint32_t i = 0; i < world->n_programs; i++)
        if (!lives_is_over(&world->programs[i]) && !world->programs[i].serves)
            return;
    for (uint32_t i = 0; is_first && i < world->n_programs; i++) {
        struct world_program *program = &world->programs[i];
        program->is_down = false;
        if (!program->is_out)
            program->signals |= UINT64_C(1) << (SIGTERM - 1);
    }
    if (is_first)
        world->stops_ns = trale_time_add(world->now_ns, lives->stop_ns);
    world_rouse(world);
}

/* Its sockets are closed, and it is out of the world. */
static void take_out(const struct lives *lives, struct world_program *program)
{
    crash_program(lives->program->world, program);
    program->has_rung = false;
    program->signals = 0;
    lives->program->report->n_running--;
}

void lives_bury(const struct lives *lives, uint64_t dead)
{
    struct program *program = lives->program;
    for (uint32_t number = 1; number <= program->world->n_programs; number++) {
        struct world_program *place = &program->world->programs[number - 1];
        if ((dead & UINT64_C(1) << (number - 1)) == 0 || place->is_out)
            continue;
        program->log.program = number;
        log_event(&program->log, LOG_LEAVE, log_number("program", number));
        program->log.program = program->number;
        take_out(lives, place);
        lives_ended(lives);
    }
}

/* --- crashes ------------------------------------------------------------------------------------------------------ */

void lives_crash(const struct lives *lives, uint32_t number, bool is_for_ever)
{
    struct world *world = lives->program->world;
    struct world_program *program = &world->programs[number - 1];
    bool has_runner = turn_has_runner(lives->turn);
    if (program->is_out)
        return;
    if (!has_runner)
        say(lives, number, "has crashed, and is not started again: `trale simulate` does that");
    take_out(lives, program);
    program->is_down = has_runner && !is_for_ever && world->stops_ns == UINT64_MAX;
    turn_doom(lives->turn, number);
    if (number != lives->program->number)
        turn_kill(lives->turn, number, world->now_ns - WORLD_BEGINS_NS);
    lives_ended(lives);
}

static void start_one(const struct lives *lives, uint32_t number)
{
    struct world *world = lives->program->world;
    struct world_program *program = &world->programs[number - 1];
    program->starts = program->is_down = program->is_out = program->is_idle = false;
    program->n_restarts++;
    world->unseen &= ~(UINT64_C(1) << (number - 1));
    for (struct host *host = world->first_host; host != NULL; host = host->following) {
        host->crash_unseen &= ~(UINT64_C(1) << (number - 1));
        host->restart_unseen &= ~(UINT64_C(1) << (number - 1));
    }
    if (turn_start(lives->turn, number, world->now_ns - WORLD_BEGINS_NS) == 0)
        return;
    say(lives, number, "could not be started again");
    program->is_out = program->is_idle = true;
    lives_ended(lives);
}

void lives_start(const struct lives *lives)
{
    struct world *world = lives->program->world;
    uint32_t own = lives->program->number;
    for (uint32_t number = 1; number <= world->n_programs; number++)
        if (world->programs[number - 1].starts && number != own)
            start_one(lives, number);
    if (world->programs[own - 1].starts)
        start_one(lives, own);
}
