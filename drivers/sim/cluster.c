/* SPDX-License-Identifier: MIT */
#include "cluster.h"

#include <stdio.h>
#include <string.h>

#include "course.h"
#include "crash.h"
#include "list.h"

/* The state of a trale_sim_host. */
enum member_state {
    MEMBER_NEW,      /* The driver has not seen it. */
    MEMBER_RUNS,     /* Its polls poll the program. */
    MEMBER_CRASHES,  /* The host has crashed: the next poll drops the program. */
    MEMBER_DOWN,     /* There is no program. */
    MEMBER_RESTARTS, /* The host is up again: the next poll begins the program anew. */
};

/* --- hosts that crash --------------------------------------------------------------------------------------------- */

static struct host *member_host(const struct cluster *cluster, const struct trale_sim_host *member)
{
    return host_find(cluster->program->world, &member->address);
}

static struct cluster *member_cluster(const struct trale_sim_host *member)
{
    return (struct cluster *)(uintptr_t)member->future.own;
}

/* Polls, or drops, the program with the member's host as the place of what that does. */
static int64_t member_run(struct trale_sim_host *member, struct trale_context *context)
{
    struct cluster *cluster = member_cluster(member);
    struct host *before = tasks_enter(cluster->tasks, member_host(cluster, member));
    int64_t result = TRALE_PENDING;
    if (context != NULL)
        result = trale_future_poll(member->program, context);
    else
        trale_future_drop(member->program);
    tasks_enter(cluster->tasks, before);
    return result;
}

static int64_t member_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_sim_host *member = (struct trale_sim_host *)(void *)future;
    member->waker = context->waker;
    if (member->state != MEMBER_RUNS && future->awaiting != NULL) {
        future->awaiting = NULL;
        member_run(member, NULL);
    }
    if (member->state == MEMBER_CRASHES || member->state == MEMBER_DOWN) {
        member->state = MEMBER_DOWN;
        return TRALE_PENDING;
    }
    if (member->state == MEMBER_RESTARTS) {
        memcpy(member->program, member->initial, member->size);
        future->awaiting = member->program;
        member->state = MEMBER_RUNS;
    }
    int64_t result = member_run(member, context);
    if (result != TRALE_PENDING)
        list_remove(&member->link);
    return result;
}

static void member_drop(struct trale_future *future)
{
    list_remove(&((struct trale_sim_host *)(void *)future)->link);
}

static const struct trale_future_type member_type = {sizeof member_type, TRALE_ABI, "trale_sim_host", member_poll,
                                                     member_drop};

static void cluster_host(void *instance, struct trale_sim_host *member)
{
    struct cluster *cluster = instance;
    struct program *program = cluster->program;
    trale_host_expect(&program->host, "trale_sim.host");
    member->future.type = &member_type;
    member->future.own = (uintptr_t)cluster;
    member->state = MEMBER_RUNS;
    struct host *host = host_get(program->world, &member->address);
    if (host == NULL)
        return; /* no memory: a host like any other */
    host->restarts = true;
    if (host->n_down > 0) {
        host->has_crashed = true;
        member->state = MEMBER_DOWN;
        member->future.awaiting = NULL; /* it has not begun */
    }
    course_draw(program->world, host);
    list_append(&cluster->members, &member->link);
}

static void member_wake(struct cluster *cluster, struct trale_sim_host *member, enum member_state state)
{
    member->state = state;
    if (member->waker != NULL)
        program_wake(cluster->program, member->waker);
}

static void member_switch(struct cluster *cluster, struct trale_sim_host *member, bool is_down)
{
    if (is_down && (member->state == MEMBER_RUNS || member->state == MEMBER_RESTARTS))
        member_wake(cluster, member, member->state == MEMBER_RUNS ? MEMBER_CRASHES : MEMBER_DOWN);
    else if (!is_down && (member->state == MEMBER_DOWN || member->state == MEMBER_CRASHES))
        member_wake(cluster, member, MEMBER_RESTARTS);
}

/* The program looks at the hosts that have gone down or come up since it last did: what it runs there is dropped, or
 * begins again. There may be many hosts and tasks: each is looked at once. */
static void cluster_see(struct cluster *cluster)
{
    struct world *world = cluster->program->world;
    uint64_t own = UINT64_C(1) << (cluster->program->number - 1);
    if ((world->unseen & own) == 0)
        return;
    world->unseen &= ~own;
    tasks_abort_crashed(cluster->tasks);
    for (struct trale_link *link = cluster->members.next; link != &cluster->members; link = link->next) {
        struct trale_sim_host *member = list_entry(link, struct trale_sim_host, link);
        const struct host *host = member_host(cluster, member);
        if ((host->crash_unseen & own) != 0)
            member_switch(cluster, member, true);
        if ((host->restart_unseen & own) != 0 && !host->has_crashed)
            member_switch(cluster, member, false);
    }
    for (struct host *host = world->first_host; host != NULL; host = host->following) {
        host->crash_unseen &= ~own;
        host->restart_unseen &= ~own;
    }
}

/* Whether a fault without an end keeps the host down. */
static bool is_down_for_ever(const struct world *world, const struct host *host)
{
    const struct trale_link *active = &world->plan.active;
    for (const struct trale_link *link = active->next; link != active; link = link->next) {
        const struct fault *fault = list_entry(link, struct fault, link);
        if (fault->entry.kind == SCENARIO_CRASH && fault->ends_ns == UINT64_MAX &&
            scenario_has(&fault->entry.from, &host->identity))
            return true;
    }
    return false;
}

/* A host goes down, or comes up: all programs have to see it before time passes, and those at home there die, or are
 * started. A program that is alone plays its host by its tasks. */
static void cluster_switch(struct cluster *cluster, struct host *host)
{
    struct world *world = cluster->program->world;
    bool is_down = host->n_down > 0;
    host->has_crashed = is_down;
    log_event(&cluster->program->log, is_down ? LOG_CRASH : LOG_RESTART, log_text("host", host->name));
    if (is_down)
        crash_host(world, host);
    for (uint32_t i = 0; i < world->n_programs; i++) {
        struct world_program *program = &world->programs[i];
        *(is_down ? &host->crash_unseen : &host->restart_unseen) |= UINT64_C(1) << i;
        world->unseen |= UINT64_C(1) << i;
        program->is_idle = program->is_out;
        if (world->n_programs == 1 || program->home != host)
            continue;
        if (is_down)
            lives_crash(cluster->lives, i + 1, is_down_for_ever(world, host));
        else
            program->starts = program->is_down;
    }
}

/* --- faults of hosts ---------------------------------------------------------------------------------------------- */

/* Of several crashes at a time, the first takes the host down, and the end of the last brings it up. */
static void cluster_crash(struct cluster *cluster, const struct plan_fault *fault)
{
    for (struct host *host = cluster->program->world->first_host; host != NULL; host = host->following)
        if (scenario_has(&fault->fault.entry.from, &host->identity) && (host->n_down > 0) != host->has_crashed)
            cluster_switch(cluster, host);
}

/* No clock is set to a time before 1970, or after 2262. */
static void cluster_set_clocks(struct cluster *cluster, const struct scenario_entry *entry)
{
    struct world *world = cluster->program->world;
    for (struct host *host = world->first_host; host != NULL; host = host->following) {
        if (!scenario_has(&entry->from, &host->identity))
            continue;
        const __int128 world_ns = (__int128)cluster->timer->wall_ahead_ns + world->now_ns;
        __int128 wall_ns = world_ns + host->clock_ns + entry->step_ns;
        wall_ns = wall_ns > INT64_MAX ? INT64_MAX : wall_ns > 0 ? wall_ns : 0;
        host->clock_ns = (int64_t)(wall_ns - world_ns);
        log_event(&cluster->program->log, LOG_CLOCK, log_text("host", host->name), log_number("by", entry->step_ns));
    }
    for (uint32_t i = 0; i < world->n_programs; i++)
        world->programs[i].is_idle = world->programs[i].is_out;
}

/* A signal is for the programs that are at home on the host; a program that is alone plays all hosts. */
static void cluster_send(struct cluster *cluster, const struct scenario_entry *entry)
{
    struct world *world = cluster->program->world;
    for (uint32_t i = 0; i < world->n_programs; i++) {
        struct world_program *program = &world->programs[i];
        bool is_home = program->home != NULL && scenario_has(&entry->from, &program->home->identity);
        if (!program->is_out && (is_home || world->n_programs == 1))
            program->signals |= UINT64_C(1) << (entry->amount - 1);
    }
}

static void cluster_happen(struct cluster *cluster, const struct plan_fault *fault)
{
    const struct scenario_entry *entry = &fault->fault.entry;
    switch ((enum scenario_kind)entry->kind) {
    case SCENARIO_CRASH:
        cluster_crash(cluster, fault);
        break;
    case SCENARIO_CLOCK:
        cluster_set_clocks(cluster, entry);
        break;
    case SCENARIO_SIGNAL:
        cluster_send(cluster, entry);
        break;
    default: /* what waited for a paused host is looked at again by the caller */
        break;
    }
}

void cluster_look(struct cluster *cluster)
{
    struct plan_fault *fault;
    struct world *world = cluster->program->world;
    struct host *home = cluster->program->home;
    while ((fault = course_next_notice(world)) != NULL)
        cluster_happen(cluster, fault);
    /* A host that was down when its program began. */
    if (world->n_programs > 1 && home->n_down > 0 && !home->has_crashed)
        cluster_switch(cluster, home);
    if (!cluster->program->place->is_out)
        cluster_see(cluster);
    lives_start(cluster->lives);
}

/* --- marks and success -------------------------------------------------------------------------------------------- */

static void lose_mark(const struct program *program, const char *name)
{
    char message[256];
    if (program->report->n_marks_lost++ > 0)
        return;
    snprintf(message, sizeof message, "more than %d marks were reached; not counted: trale_sometimes(\"%.120s\")",
             TRALE_SIM_MARKS, name);
    program->host.log(program->host.context, TRALE_LOG_WARNING, message);
}

static void cluster_reached(void *instance, const char *name)
{
    struct cluster *cluster = instance;
    struct trale_sim_report *report = cluster->program->report;
    uint64_t i = 0;
    while (i < report->n_marks && strncmp(report->marks[i].name, name, TRALE_SIM_MARK_NAME - 1) != 0)
        i++;
    if (i == TRALE_SIM_MARKS) {
        lose_mark(cluster->program, name);
        return;
    }
    if (i == report->n_marks) {
        snprintf(report->marks[i].name, TRALE_SIM_MARK_NAME, "%s", name);
        report->n_marks++;
    }
    report->marks[i].n_passed++;
    report->marks[i].n_reached++;
    log_event(&cluster->program->log, LOG_MARK, log_text("mark", name));
}

static void cluster_success(void *instance)
{
    struct cluster *cluster = instance;
    struct program *program = cluster->program;
    if (program->report->success_ns != UINT64_MAX)
        return;
    program->report->success_ns = program_now(program) - WORLD_BEGINS_NS;
    log_add(&program->log, LOG_SUCCESS, NULL, 0);
}

void cluster_init(struct cluster *cluster, struct program *program, struct tasks *tasks, struct timer *timer,
                  struct lives *lives)
{
    *cluster = (struct cluster){
        .table = {{sizeof(struct trale_sim), 1, cluster}, cluster_reached, cluster_success, cluster_host},
        .program = program,
        .tasks = tasks,
        .timer = timer,
        .lives = lives};
    list_init(&cluster->members);
}
