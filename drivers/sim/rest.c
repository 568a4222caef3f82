/* SPDX-License-Identifier: MIT */
#include "rest.h"

#include <signal.h>
#include <unistd.h>

/* While tasks are runnable the clock stands still, but not for ever: a task that yields until a time has come would
 * never see it. So after this many rounds without rest each further round takes some time. */
#define BUSY_ROUNDS 1000u
#define BUSY_ROUND_NS (10 * TRALE_MICROSECOND)

/* A thread that sleeps in a task sleeps no longer than until then, some 292 years after the beginning. */
#define LATEST_NS ((uint64_t)INT64_MAX)

/* The next event, and all further ones of its time. */
static void rest_happen(struct sim *sim)
{
    struct world *world = sim->program.world;
    do
        world_step(world);
    while (world_next_ns(world) == world->now_ns);
    sim->program.report->n_jumps++;
    cluster_look(&sim->cluster);
    world_rouse(world);
}

uint32_t rest_heir(const struct world *world)
{
    uint32_t number = world_next_program(world);
    /* All that are left wait: one of them lets time pass, or has to say that they wait for ever. */
    for (uint32_t i = 0; number == 0 && i < world->n_programs; i++)
        number = world->programs[i].is_out ? 0 : i + 1;
    return number;
}

uint32_t rest_leave(struct sim *sim)
{
    struct world *world = sim->program.world;
    uint32_t number = world_next_program(world);
    while (number == 0 && !lives_are_over(world)) {
        uint64_t next_ns = world_next_ns(world);
        bool goes_on = next_ns != UINT64_MAX && outcome_allows(&sim->outcome, next_ns);
        if (goes_on)
            rest_happen(sim);
        number = world_next_program(world);
        if (!goes_on)
            break;
    }
    return rest_heir(world);
}

/* The host of this program has crashed while it had the baton. Nothing of the program runs any more, but the world goes
 * on in this process until another program can; that one has it killed. */
static _Noreturn void rest_haunt(struct sim *sim)
{
    struct program *program = &sim->program;
    uint32_t number = rest_leave(sim); /* if the program is started again, its process is killed in there */
    if (number == 0)
        outcome_close(&sim->outcome);
    outcome_update(&sim->outcome);
    for (;;) {
        if (number == 0)
            kill(getpid(), SIGKILL);
        program->world->doomed = program->number;
        turn_give(&sim->turn, number);
        turn_wait(&sim->turn);
    }
}

/* Each part wakes what it can without the clock moving on. */
static void rest_look(struct sim *sim)
{
    cluster_look(&sim->cluster);
    if (sim->program.place->is_out)
        rest_haunt(sim);
    udp_wake_ready(&sim->udp);
    stream_wake_ready(&sim->stream);
    timer_fire(&sim->timer);
    signal_source_look(&sim->signals);
    pool_fire(&sim->pool);
}

/* If the program has crashed, this does not return. */
static void rest_step(struct sim *sim)
{
    uint64_t n_wakes = sim->program.n_wakes;
    rest_happen(sim);
    if (sim->program.place->is_out)
        rest_haunt(sim);
    if (sim->program.n_wakes != n_wakes)
        sim->program.place->is_idle = false;
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

void rest_resume(struct sim *sim, uint64_t dead)
{
    struct program *program = &sim->program;
    struct world *world = program->world;
    world->log = &program->log;
    world->report = program->report;
    world->plan.list_fd = program->list_fd;
    lives_bury(&sim->lives, dead);
    uint32_t doomed = world->doomed;
    world->doomed = 0;
    if (doomed != 0)
        turn_kill(&sim->turn, doomed, world->now_ns - WORLD_BEGINS_NS);
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
