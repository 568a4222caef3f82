/* SPDX-License-Identifier: MIT
 *
 * The driver: a program in a simulated world. All its parts do what they do when the executor is idle: then the world
 * takes its next event, its clock jumps to the time of that, and what it was waiting for wakes tasks. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blocking.h"
#include "guard.h"
#include "cluster.h"
#include "network.h"
#include "option.h"
#include "course_open.h"
#include "program.h"
#include "random.h"
#include "report.h"
#include "signal.h"
#include "tasks.h"
#include "timer.h"
#include "udp_table.h"
#include "world.h"

/* While tasks are runnable the clock stands still, but not for ever: a task that yields until a time has come would
 * never see it. So after this many rounds without rest each further round takes some time. */
#define BUSY_ROUNDS 1000u
#define BUSY_ROUND_NS (10 * TRALE_MICROSECOND)

/* After a hang: how often signals of the kernel's are looked for, in real time. */
#define OUTSIDE_NS (50 * TRALE_MILLISECOND)

struct sim {
    struct program program;
    struct timer timer;
    struct entropy entropy;
    struct signal_source signals;
    struct pool pool;
    struct udp udp;
    struct guard guard;
    struct tasks tasks;
    struct cluster cluster;
    uint64_t limit_ns; /* on the world's clock; UINT64_MAX: none */
    uint64_t n_busy;   /* rounds since the executor was idle */
};

/* --- time passes -------------------------------------------------------------------------------------------------- */

static void sim_update_report(struct sim *sim)
{
    const struct program *program = &sim->program;
    program->report->hash = program->world->log_state.hash;
    program->report->n_events = program->world->log_state.n_events;
    program->report->virtual_ns = program_now(program) - WORLD_BEGINS_NS;
}

/* The first outcome counts, but for a hang, after which a thread or a signal of the kernel's may have made the program
 * go on. */
static void sim_end(struct sim *sim, enum trale_sim_outcome outcome)
{
    struct program *program = &sim->program;
    if (program->report->outcome != TRALE_SIM_RUNNING && program->report->outcome != TRALE_SIM_HANG)
        return;
    if (program->report->outcome == outcome)
        return;
    log_event(&program->log, LOG_OUTCOME, log_text("outcome", trale_sim_outcome_name(outcome)));
    sim_update_report(sim);
    program->report->outcome = outcome;
    char message[256];
    uint64_t ns = program->report->virtual_ns;
    snprintf(message, sizeof message,
             "seed %" PRIu64 ": %s after %" PRIu64 ".%09" PRIu64 " s, %" PRIu64 " events, hash %016" PRIx64,
             program->report->seed, trale_sim_outcome_name(outcome), ns / TRALE_SECOND, ns % TRALE_SECOND,
             program->report->n_events, program->report->hash);
    program->host.log(program->host.context, outcome == TRALE_SIM_CLOSED ? TRALE_LOG_INFO : TRALE_LOG_ERROR, message);
}

/* Each part wakes what it can without the clock moving on. */
static void sim_look(struct sim *sim)
{
    cluster_look(&sim->cluster);
    udp_wake_ready(&sim->udp);
    timer_fire(&sim->timer);
    signal_source_look(&sim->signals);
    pool_fire(&sim->pool);
}

/* The next event, and all further ones of its time. */
static void sim_step(struct sim *sim)
{
    struct world *world = sim->program.world;
    do
        world_step(world);
    while (world_next_ns(world) == world->now_ns);
    sim->program.report->n_jumps++;
    sim_look(sim);
}

/* Tells the world when this program must be woken, and returns when the next event is; UINT64_MAX: there is none. */
static uint64_t sim_next(struct sim *sim)
{
    struct program *program = &sim->program;
    uint64_t timer_ns = timer_next(&sim->timer), pool_ns = pool_next(&sim->pool);
    /* The world has had room for the alarm since the program joined it, so this does not fail. */
    (void)!world_set_alarm(program->world, program->place, timer_ns < pool_ns ? timer_ns : pool_ns);
    return world_next_ns(program->world);
}

/* No task is runnable: time passes until one is. */
static uint64_t sim_rest(struct sim *sim)
{
    uint64_t n_wakes = sim->program.n_wakes;
    sim_look(sim);
    pool_start(&sim->pool);
    while (sim->program.n_wakes == n_wakes) {
        uint64_t next_ns = sim_next(sim);
        if (next_ns == UINT64_MAX) {
            sim_end(sim, TRALE_SIM_HANG);
            return signal_source_waits(&sim->signals) ? OUTSIDE_NS : UINT64_MAX;
        }
        if (next_ns > sim->limit_ns) {
            sim_end(sim, TRALE_SIM_TIME_LIMIT);
            return UINT64_MAX;
        }
        sim_step(sim);
        pool_start(&sim->pool);
    }
    return 0;
}

/* Time passes while tasks are runnable. It may be called in a poll. */
static void sim_pass(void *instance, uint64_t passed_ns)
{
    struct sim *sim = instance;
    struct world *world = sim->program.world;
    uint64_t until_ns = trale_time_add(world->now_ns, passed_ns);
    while (sim_next(sim) <= until_ns)
        sim_step(sim);
    world->now_ns = until_ns;
}

static uint64_t sim_before_wait(void *instance, uint32_t idle)
{
    struct sim *sim = instance;
    uint64_t limit_ns = UINT64_MAX;
    if (idle) {
        sim->n_busy = 0;
        limit_ns = sim_rest(sim);
    } else if (++sim->n_busy > BUSY_ROUNDS) {
        sim_pass(sim, BUSY_ROUND_NS);
    }
    sim_update_report(sim);
    return limit_ns;
}

/* --- the beginning and the end ------------------------------------------------------------------------------------ */

static void sim_free(struct sim *sim)
{
    guard_close(&sim->guard);
    udp_deinit(&sim->udp);
    timer_deinit(&sim->timer);
    tasks_deinit(&sim->tasks);
    if (sim->program.world != NULL)
        course_close(&sim->program);
    pool_deinit(&sim->pool);
    signal_source_deinit(&sim->signals);
    log_close(&sim->program.log);
    report_close(sim->program.report);
    if (sim->program.world != NULL)
        world_free(sim->program.world);
    free(sim);
}

static void sim_stop(void *instance)
{
    struct sim *sim = instance;
    udp_deinit(&sim->udp);
    sim->program.report->n_running--;
    sim_end(sim, TRALE_SIM_CLOSED);
    sim_free(sim);
}

static int refuse_file(const struct program *program, enum option option, int r)
{
    option_refuse(&program->host, program->settings, option, strerror(-r));
    return r;
}

static int sim_open_world(struct sim *sim)
{
    struct program *program = &sim->program;
    const struct trale_settings *settings = program->settings;
    uint64_t seed = (uint64_t)option_integer(settings, OPTION_SEED);
    program->world = world_new(seed);
    if (program->world == NULL)
        return -ENOMEM;
    program->place = world_enter(program->world);
    program->number = program->world->n_programs;
    int r = report_open(&program->report, option_text(settings, OPTION_REPORT), program->number, seed);
    if (r < 0)
        return refuse_file(program, OPTION_REPORT, r);
    r = log_open(&program->log, program->number, option_text(settings, OPTION_EVENTS));
    if (r < 0)
        return refuse_file(program, OPTION_EVENTS, r);
    program->log.state = &program->world->log_state;
    program->log.now_ns = &program->world->now_ns;
    program->log.begins_ns = WORLD_BEGINS_NS;
    program->log.captures = option_integer(settings, OPTION_CAPTURE) != 0;
    program->world->log = &program->log;
    program->world->report = program->report;
    program->report->n_programs = program->report->n_running = program->number;
    log_event(&program->log, LOG_JOIN, log_number("seed", (int64_t)seed), log_text("version", TRALE_VERSION));
    return 0;
}

static int sim_open_parts(struct sim *sim)
{
    struct program *program = &sim->program;
    const struct trale_settings *settings = program->settings;
    uint64_t wall_ns, limit_ns = (uint64_t)option_integer(settings, OPTION_TIME_LIMIT);
    if (option_parse_time(settings->values[OPTION_START_TIME].text, &wall_ns) < 0)
        return option_refuse(&program->host, settings, OPTION_START_TIME,
                             "allowed is a time between 1970 and 2262, such as 2030-01-31T12:00:00Z");
    pool_init(&sim->pool, program, (size_t)option_integer(settings, OPTION_BLOCKING_THREADS),
              (uint64_t)option_integer(settings, OPTION_BLOCKING_TIME));
    timer_init(&sim->timer, program, TRALE_CLOCK_MONOTONIC + (uint32_t)option_integer(settings, OPTION_CLOCK),
               (uint64_t)option_integer(settings, OPTION_SLACK), wall_ns);
    entropy_init(&sim->entropy, program);
    udp_init(&sim->udp, program, &sim->tasks, &sim->timer);
    char why[192];
    const struct trale_value *names = &settings->values[OPTION_SIGNALS];
    if (signal_source_init(&sim->signals, program, names->text, names->line == 0, why, sizeof why) < 0)
        return option_refuse(&program->host, settings, OPTION_SIGNALS, why);
    int r = network_open(program);
    if (r == 0)
        r = course_open(program);
    if (r == 0)
        r = tasks_init(&sim->tasks, program);
    if (r < 0)
        return r;
    cluster_init(&sim->cluster, program, &sim->tasks, &sim->timer);
    sim->limit_ns = limit_ns > 0 ? WORLD_BEGINS_NS + limit_ns : UINT64_MAX;
    guard_open(&sim->guard, program, &sim->timer, sim_pass, sim);
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
    if (strcmp(name, "trale.timer/1") == 0)
        return &sim->timer.table.interface;
    if (strcmp(name, "trale.random/1") == 0)
        return &sim->entropy.table.interface;
    if (strcmp(name, "trale.udp/1") == 0)
        return &sim->udp.table.interface;
    if (strcmp(name, "trale.sim/1") == 0)
        return &sim->cluster.table.interface;
    if (strcmp(name, "trale.signal/1") == 0)
        return &sim->signals.table.interface;
    if (strcmp(name, "trale.blocking/1") == 0)
        return &sim->pool.table.interface;
    return NULL;
}

TRALE_DRIVER(.name = "sim", .version = TRALE_VERSION, .summary = "a simulated world: time, chance and a network",
             .interfaces = TRALE_TIMER_1 " " TRALE_RANDOM_1 " " TRALE_UDP_1 " " TRALE_SIGNAL_1 " " TRALE_BLOCKING_1
                                         " " TRALE_SIM_1,
             .options = sim_options, .start = sim_start, .stop = sim_stop, .interface = sim_interface,
             .before_wait = sim_before_wait, .demands = TRALE_DRIVER_DEMANDS_ONE_THREAD);
