/* SPDX-License-Identifier: MIT */
#include "rest.h"

#include "crash.h"

/* While tasks are runnable the clock stands still, but not for ever: a task that yields until a time has come would
 * never see it. So after this many rounds without rest each further round takes some time. */
#define BUSY_ROUNDS 1000u
#define BUSY_ROUND_NS (10 * TRALE_MICROSECOND)

/* A thread that sleeps in a task sleeps no longer than until then, some 292 years after the beginning. */
#define LATEST_NS ((uint64_t)INT64_MAX)

/* Each part wakes what it can without the clock moving on. */
static void rest_look(struct sim *sim)
{
    cluster_look(&sim->cluster);
    udp_wake_ready(&sim->udp);
    stream_wake_ready(&sim->stream);
    timer_fire(&sim->timer);
    signal_source_look(&sim->signals);
    pool_fire(&sim->pool);
}

/* The next event, and all further ones of its time. */
static void rest_step(struct sim *sim)
{
    struct program *program = &sim->program;
    struct world *world = program->world;
    uint64_t n_wakes = program->n_wakes;
    do
        world_step(world);
    while (world_next_ns(world) == world->now_ns);
    program->report->n_jumps++;
    cluster_look(&sim->cluster);
    world_rouse(world);
    if (program->n_wakes != n_wakes)
        program->place->is_idle = false;
}

/* Tells the world when this program must be woken, and returns when the next event is; UINT64_MAX: there is none. */
static uint64_t rest_next(struct sim *sim)
{
    struct program *program = &sim->program;
    uint64_t timer_ns = timer_next(&sim->timer), pool_ns = pool_next(&sim->pool);
    /* It fails only when the world's memory is full: then the program sleeps for ever, and that is a hang. */
    (void)!world_set_alarm(program->world, program->place, timer_ns < pool_ns ? timer_ns : pool_ns);
    return world_next_ns(program->world);
}

void rest_resume(struct sim *sim, uint32_t dead)
{
    struct program *program = &sim->program;
    struct world *world = program->world;
    world->log = &program->log;
    world->report = program->report;
    world->plan.list_fd = program->list_fd;
    if (dead == 0)
        return;
    program->log.program = dead;
    log_event(&program->log, LOG_LEAVE, log_number("program", dead));
    program->log.program = program->number;
    program->report->n_running--;
    crash_program(world, &world->programs[dead - 1]);
}

/* Gives the baton to the program that goes on, and waits for it. */
static void rest_give(struct sim *sim, uint32_t number)
{
    outcome_update(&sim->outcome);
    turn_give(&sim->turn, number);
    rest_resume(sim, turn_wait(&sim->turn));
}

/* The program is idle. Others go on, and when all are idle, time passes, until it is this one's turn. False: nothing
 * will happen any more. */
static bool rest_wait(struct sim *sim)
{
    struct program *program = &sim->program;
    program->place->is_idle = true;
    program->place->has_rung = false;
    for (;;) {
        uint64_t next_ns = rest_next(sim);
        uint32_t number = world_next_program(program->world);
        if (number == program->number)
            return true;
        if (number != 0)
            rest_give(sim, number);
        else if (next_ns == UINT64_MAX)
            return false;
        else if (outcome_allows(&sim->outcome, next_ns))
            rest_step(sim);
    }
}

uint64_t rest(struct sim *sim)
{
    uint64_t n_wakes = sim->program.n_wakes;
    for (;;) {
        rest_look(sim);
        pool_start(&sim->pool);
        if (outcome_abort(&sim->outcome) || sim->program.n_wakes != n_wakes)
            return 0;
        if (!rest_wait(sim) && !outcome_hang(&sim->outcome))
            return signal_source_waits(&sim->signals) ? OUTSIDE_NS : UINT64_MAX;
    }
}

void rest_pass(void *instance, uint64_t passed_ns)
{
    struct sim *sim = instance;
    struct world *world = sim->program.world;
    uint64_t until_ns = trale_time_add(world->now_ns, passed_ns);
    if (until_ns > LATEST_NS)
        until_ns = world->now_ns > LATEST_NS ? world->now_ns : LATEST_NS;
    outcome_allows(&sim->outcome, until_ns);
    while (rest_next(sim) <= until_ns) {
        rest_step(sim);
        rest_look(sim);
    }
    world->now_ns = until_ns;
}

void rest_busy(struct sim *sim)
{
    if (++sim->n_busy <= BUSY_ROUNDS)
        return;
    rest_pass(sim, BUSY_ROUND_NS);
    outcome_abort(&sim->outcome);
}
