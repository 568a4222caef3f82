/* SPDX-License-Identifier: MIT
 *
 * The driver: a program in a simulated world. All its parts do what they do when the executor is idle: then the world
 * takes its next event, its clock jumps to the time of that, and what it was waiting for wakes tasks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "course.h"
#include "course_open.h"
#include "network.h"
#include "option.h"
#include "parts.h"
#include "report.h"
#include "rest.h"

/* With a recording: time does not pass by itself, so functions that block end as soon as no task is runnable. */
static uint64_t sim_replay(struct sim *sim, uint32_t idle)
{
    uint64_t n_wakes = sim->program.n_wakes, limit_ns = 0;
    signal_source_look(&sim->signals);
    if (idle) {
        pool_start(&sim->pool);
        uint64_t next_ns = pool_next(&sim->pool);
        if (next_ns != UINT64_MAX && next_ns > sim->program.world->now_ns)
            sim->program.world->now_ns = next_ns;
        pool_fire(&sim->pool);
    }
    if (sim->program.n_wakes == n_wakes)
        limit_ns = replay_before_wait(sim->replay, idle);
    return limit_ns == UINT64_MAX && signal_source_waits(&sim->signals) ? OUTSIDE_NS : limit_ns;
}

static uint64_t sim_before_wait(void *instance, uint32_t idle)
{
    struct sim *sim = instance;
    uint64_t limit_ns = UINT64_MAX;
    if (sim->replay != NULL) {
        limit_ns = sim_replay(sim, idle);
    } else if (idle) {
        sim->n_busy = 0;
        limit_ns = rest(sim);
    } else {
        rest_busy(sim);
    }
    outcome_update(&sim->outcome);
    return limit_ns;
}

/* --- the beginning and the end ------------------------------------------------------------------------------------ */

/* This process is done with the world, which goes on if there are others. */
static void sim_leave_world(struct sim *sim)
{
    struct program *program = &sim->program;
    struct world *world = program->world;
    if (world == NULL)
        return;
    course_close(program);
    world->log = NULL;
    world->report = &world->counts;
    if (sim->turn.page == NULL) {
        world_free(world);
        return;
    }
    if (!program->place->is_out) { /* it could not be started */
        world_leave(world, program->place);
        lives_ended(&sim->lives);
        sim->next = rest_heir(world);
    }
    turn_quit(&sim->turn);
    if (sim->next != 0)
        turn_give(&sim->turn, sim->next);
}

static void sim_free(struct sim *sim)
{
    guard_close(&sim->guard);
    replay_close(sim->replay);
    udp_deinit(&sim->udp);
    stream_deinit(&sim->stream);
    timer_deinit(&sim->timer);
    tasks_deinit(&sim->tasks);
    pool_deinit(&sim->pool);
    signal_source_deinit(&sim->signals);
    sim_leave_world(sim);
    log_close(&sim->program.log);
    report_close(sim->program.report);
    turn_leave(&sim->turn);
    free(sim);
}

static int refuse_file(const struct program *program, enum option option, int r)
{
    option_refuse(&program->host, program->settings, option, strerror(-r));
    return r;
}

static void sim_stop(void *instance)
{
    struct sim *sim = instance;
    struct program *program = &sim->program;
    udp_deinit(&sim->udp);
    stream_deinit(&sim->stream);
    if (sim->replay != NULL)
        replay_finish(sim->replay);
    log_event(&program->log, LOG_LEAVE, log_number("program", program->number));
    program->report->n_running--;
    world_leave(program->world, program->place);
    lives_ended(&sim->lives);
    sim->next = rest_leave(sim);
    if (lives_are_over(program->world))
        outcome_close(&sim->outcome);
    outcome_update(&sim->outcome);
    if (program->log.error < 0)
        refuse_file(program, OPTION_EVENTS, program->log.error);
    sim_free(sim);
}

/* Makes the world, or joins it. */
static int sim_enter_world(struct sim *sim, uint64_t *dead)
{
    struct program *program = &sim->program;
    const struct trale_settings *settings = program->settings;
    const char *path = option_text(settings, OPTION_WORLD);
    uint32_t n_programs = (uint32_t)option_integer(settings, OPTION_PROGRAMS);
    uint64_t seed = (uint64_t)option_integer(settings, OPTION_SEED);
    program->number = (uint32_t)option_integer(settings, OPTION_PROGRAM);
    if (program->number > n_programs)
        return option_refuse(&program->host, settings, OPTION_PROGRAM, "there are fewer `programs`");
    if (n_programs > 1 && path == NULL)
        return option_refuse(&program->host, settings, OPTION_PROGRAMS, "more than one need a `world`");
    bool serves = option_integer(settings, OPTION_SERVES) != 0;
    int r = path != NULL ? turn_join(&sim->turn, path, program->number, n_programs, serves, dead) : 0;
    if (r == -EEXIST)
        option_refuse(&program->host, settings, OPTION_WORLD, "an earlier run has made it; each run needs a new file");
    else if (r < 0)
        refuse_file(program, OPTION_WORLD, r);
    if (r < 0)
        return r;
    program->is_first = program->number == 1 && !sim->turn.is_again;
    if (path == NULL)
        program->world = world_new(seed);
    else if (program->is_first)
        program->world = world_init(sim->turn.memory, MEMORY_SIZE, seed);
    else
        program->world = (struct world *)(void *)sim->turn.memory;
    if (program->world == NULL)
        return -ENOMEM;
    for (uint32_t n; (n = program->world->n_programs) < n_programs;)
        world_enter(program->world)->serves = path != NULL && sim->turn.page->serves[n + 1] != 0;
    program->place = &program->world->programs[program->number - 1];
    program->world->log = NULL;
    program->world->report = &program->world->counts;
    program->world->plan.list_fd = -1;
    return 0;
}

static int sim_open_world(struct sim *sim)
{
    struct program *program = &sim->program;
    const struct trale_settings *settings = program->settings;
    uint64_t dead = 0;
    int r = sim_enter_world(sim, &dead);
    if (r < 0)
        return r;
    r = report_open(&program->report, option_text(settings, OPTION_REPORT), program->is_first, program->world->seed);
    if (r < 0)
        return refuse_file(program, OPTION_REPORT, r);
    r = log_open(&program->log, program->number, program->is_first, option_text(settings, OPTION_EVENTS));
    if (r < 0)
        return refuse_file(program, OPTION_EVENTS, r);
    program->log.state = &program->world->log_state;
    program->log.now_ns = &program->world->now_ns;
    program->log.begins_ns = WORLD_BEGINS_NS;
    program->log.limit = (uint64_t)option_integer(settings, OPTION_EVENTS_LIMIT);
    program->log.captures = option_integer(settings, OPTION_CAPTURE) != 0;
    program->report->n_programs += !sim->turn.is_again;
    program->report->n_running++;
    program->list_fd = -1;
    rest_resume(sim, dead);
    log_event(&program->log, LOG_JOIN, log_number("seed", (int64_t)program->world->seed),
              log_text("version", TRALE_VERSION));
    return 0;
}

static void sim_end_replay(void *sim, enum trale_sim_outcome end)
{
    outcome_replayed(&((struct sim *)sim)->outcome, end);
}

static int sim_open_replay(struct sim *sim)
{
    if (option_text(sim->program.settings, OPTION_REPLAY) == NULL)
        return 0;
    int r = replay_open(&sim->replay, &sim->program, sim->tasks.inspector, sim_end_replay, sim);
    sim->tasks.also = &replay_observer;
    sim->tasks.also_data = sim->replay;
    sim->stream.is_off = true;
    return r;
}

/* One of several programs is a host from the beginning, which crashes if something can start the program again. */
static void sim_plan_home(struct sim *sim)
{
    struct program *program = &sim->program;
    if (program->world->n_programs == 1 || program->home == NULL)
        return;
    program->home->restarts |= turn_has_runner(&sim->turn);
    course_draw(program->world, program->home);
}

static int sim_open_parts(struct sim *sim)
{
    struct program *program = &sim->program;
    const struct trale_settings *settings = program->settings;
    uint64_t wall_ns;
    if (option_parse_time(settings->values[OPTION_START_TIME].text, &wall_ns) < 0)
        return option_refuse(&program->host, settings, OPTION_START_TIME,
                             "allowed is a time between 1970 and 2262, such as 2030-01-31T12:00:00Z");
    pool_init(&sim->pool, program, (size_t)option_integer(settings, OPTION_BLOCKING_THREADS),
              (uint64_t)option_integer(settings, OPTION_BLOCKING_TIME));
    timer_init(&sim->timer, program, TRALE_CLOCK_MONOTONIC + (uint32_t)option_integer(settings, OPTION_CLOCK),
               (uint64_t)option_integer(settings, OPTION_SLACK), wall_ns);
    entropy_init(&sim->entropy, program);
    udp_init(&sim->udp, program, &sim->tasks, &sim->timer);
    stream_init(&sim->stream, program, &sim->tasks);
    char why[192];
    const struct trale_value *names = &settings->values[OPTION_SIGNALS];
    if (signal_source_init(&sim->signals, program, names->text, names->line == 0, why, sizeof why) < 0)
        return option_refuse(&program->host, settings, OPTION_SIGNALS, why);
    int r = network_open(program);
    if (r == 0)
        r = course_open(program);
    program->list_fd = program->world->plan.list_fd;
    program->place->home = program->home;
    sim_plan_home(sim);
    if (r == 0)
        r = tasks_init(&sim->tasks, program);
    if (r == 0)
        r = sim_open_replay(sim);
    if (r < 0)
        return r;
    cluster_init(&sim->cluster, program, &sim->tasks, &sim->timer, &sim->lives);
    outcome_init(&sim->outcome, program, &sim->tasks);
    if (sim->replay == NULL)
        guard_open(&sim->guard, program, &sim->timer, rest_pass, sim);
    return 0;
}

static int32_t sim_start(const struct trale_host *host, const struct trale_settings *settings, void **instance)
{
    struct sim *sim = calloc(1, sizeof *sim);
    if (sim == NULL)
        return -ENOMEM;
    trale_host_copy(&sim->program.host, host);
    sim->program.settings = settings;
    sim->program.log.fd = -1;
    sim->turn.fd = -1;
    lives_init(&sim->lives, &sim->program, &sim->turn);
    int r = sim_open_world(sim);
    if (r == 0)
        r = sim_open_parts(sim);
    if (r < 0) {
        sim_free(sim);
        return r;
    }
    *instance = sim;
    return 0;
}

static const struct trale_interface *sim_interface(void *instance, const char *name)
{
    struct sim *sim = instance;
    if (strcmp(name, "trale.timer/1") == 0 && sim->replay != NULL)
        return &sim->replay->timer.interface;
    if (strcmp(name, "trale.random/1") == 0 && sim->replay != NULL)
        return &sim->replay->random.interface;
    if (strcmp(name, "trale.udp/1") == 0 && sim->replay != NULL)
        return &sim->replay->udp.interface;
    if (strcmp(name, "trale.timer/1") == 0)
        return &sim->timer.table.interface;
    if (strcmp(name, "trale.random/1") == 0)
        return &sim->entropy.table.interface;
    if (strcmp(name, "trale.udp/1") == 0)
        return &sim->udp.table.interface;
    if (strcmp(name, "trale.stream/1") == 0)
        return &sim->stream.table.interface;
    if (strcmp(name, "trale.sim/1") == 0)
        return &sim->cluster.table.interface;
    if (strcmp(name, "trale.signal/1") == 0)
        return &sim->signals.table.interface;
    if (strcmp(name, "trale.blocking/1") == 0)
        return &sim->pool.table.interface;
    return NULL;
}

TRALE_DRIVER(.name = "sim", .version = TRALE_VERSION, .summary = "a simulated world: time, chance and a network",
             .interfaces = TRALE_TIMER_1 " " TRALE_RANDOM_1 " " TRALE_UDP_1 " " TRALE_STREAM_1 " " TRALE_SIGNAL_1
                                         " " TRALE_BLOCKING_1 " " TRALE_SIM_1,
             .options = sim_options, .start = sim_start, .stop = sim_stop, .interface = sim_interface,
             .before_wait = sim_before_wait, .demands = TRALE_DRIVER_DEMANDS_ONE_THREAD);
