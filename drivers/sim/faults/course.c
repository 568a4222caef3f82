/* SPDX-License-Identifier: MIT */
#include "course.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "list.h"
#include "tcp.h"
#include "world.h"

/* Writes an entry into the list of the run. */
static void course_write(struct plan *plan, const struct scenario_entry *entry)
{
    char text[SCENARIO_TEXT + 1];
    if (plan->list_fd < 0 || plan->list_error < 0)
        return;
    scenario_format(entry, text);
    strcat(text, "\n");
    ssize_t n = write(plan->list_fd, text, strlen(text));
    if (n != (ssize_t)strlen(text))
        plan->list_error = n < 0 ? -errno : -ENOSPC;
}

/* A time of a scenario on the world's clock. */
static uint64_t course_time(uint64_t time_ns)
{
    return time_ns < UINT64_MAX - WORLD_BEGINS_NS ? WORLD_BEGINS_NS + time_ns : UINT64_MAX;
}

/* A scenario may name a host by any of its addresses; links and hosts know its identity. */
static void name_hosts(struct scenario_side *side)
{
    for (uint32_t i = 0; i < side->n_hosts; i++)
        side->hosts[i] = host_identity(&side->hosts[i]);
}

int course_add(struct world *world, const struct scenario_entry *entry)
{
    struct plan *plan = &world->plan;
    struct plan_fault *fault = world_alloc(world, sizeof *fault);
    if (fault == NULL)
        return -ENOMEM;
    fault->event.kind = EVENT_FAULT;
    fault->fault.entry = *entry;
    name_hosts(&fault->fault.entry.from);
    name_hosts(&fault->fault.entry.to);
    int r = world_add(world, &fault->event, course_time(entry->begins_ns));
    if (r < 0) {
        world_give(world, fault, sizeof *fault);
        return r;
    }
    *(plan->last != NULL ? &plan->last->next : &plan->first) = fault;
    plan->last = fault;
    course_write(plan, &fault->fault.entry);
    return 0;
}

/* --- drawing ------------------------------------------------------------------------------------------------------ */

static void course_add_drawn(void *data, const struct scenario_entry *entry)
{
    /* Without memory for a fault, the run has one fault less; the world's memory is far larger than any plan. */
    (void)!course_add(data, entry);
}

/* Counts a host among those that have faults. Without memory it is no partner of later ones. */
static void plan_note(struct world *world, struct host *host)
{
    struct plan *plan = &world->plan;
    const uint32_t n = plan->n_planned;
    if ((n & (n - 1)) == 0) { /* full */
        struct host **more = world_alloc(world, (n == 0 ? 1 : 2 * (size_t)n) * sizeof(struct host *));
        if (more == NULL)
            return;
        if (n > 0)
            memcpy(more, plan->planned, n * sizeof(struct host *));
        world_give(world, plan->planned, n * sizeof(struct host *));
        plan->planned = more;
    }
    plan->planned[plan->n_planned++] = host;
}

static bool has_host(const struct swarm_host *hosts, uint32_t n, const struct host *host)
{
    while (n > 0 && hosts[n - 1].number != host->number)
        n--;
    return n > 0;
}

void course_draw(struct world *world, struct host *host)
{
    struct plan *plan = &world->plan;
    struct swarm_host hosts[SWARM_PARTNERS + 1];
    const uint64_t stream = draw_stream("partners");
    uint32_t n = 0;
    if (host->is_planned || !plan->draws)
        return;
    host->is_planned = true;
    /* Its partners are hosts that were there before; of more than SWARM_PARTNERS, those that are drawn. */
    const uint32_t n_draws = plan->n_planned < SWARM_PARTNERS ? plan->n_planned : SWARM_PARTNERS;
    for (uint32_t i = 0; i < n_draws; i++) {
        uint64_t drawn = draw_below(world_draw(world, stream, host->key, i), plan->n_planned);
        const struct host *other = plan->planned[n_draws < SWARM_PARTNERS ? i : drawn];
        if (!has_host(hosts, n, other))
            hosts[n++] = (struct swarm_host){other->identity, other->number};
    }
    hosts[n++] = (struct swarm_host){host->identity, host->number};
    plan_note(world, host);
    swarm_plan(&plan->swarm, hosts, n, host->restarts, world->now_ns - WORLD_BEGINS_NS, course_add_drawn, world);
}

/* --- the course of a fault ---------------------------------------------------------------------------------------- */

static void course_log(struct world *world, const struct plan_fault *fault, enum log_kind kind)
{
    char text[SCENARIO_TEXT];
    scenario_format(&fault->fault.entry, text);
    log_event(world->log, kind, log_text("text", text));
}

static bool is_of_links(const struct plan_fault *fault)
{
    return fault->fault.entry.kind <= SCENARIO_PARTITION;
}

/* A fault of hosts begins to hold, or (UINT32_MAX) ends. */
static void course_mark_all(struct world *world, struct fault *fault, uint32_t change)
{
    list_remove(&fault->link);
    if (change == 1)
        list_append(&world->plan.active, &fault->link);
    for (struct host *host = world->first_host; host != NULL; host = host->following)
        host_mark(host, fault, change);
}

/* When a fault ends that has begun; UINT64_MAX: never. */
static uint64_t course_fault_end(const struct plan *plan, const struct scenario_entry *entry)
{
    if (entry->ends_ns != SCENARIO_NEVER)
        return course_time(entry->ends_ns);
    return entry->is_kept ? UINT64_MAX : plan->quiet_ns;
}

static void course_begin(struct world *world, struct plan_fault *fault)
{
    const struct scenario_entry *entry = &fault->fault.entry;
    bool lasts = entry->kind < SCENARIO_CLOCK;
    uint64_t ends_ns = course_fault_end(&world->plan, entry);
    course_log(world, fault, LOG_FAULT);
    world->report->n_faults++;
    fault->state = lasts ? PLAN_ACTIVE : PLAN_OVER;
    fault->fault.ends_ns = ends_ns;
    if (is_of_links(fault))
        fault_begin(&world->faults, &fault->fault);
    else if (lasts)
        course_mark_all(world, &fault->fault, 1);
    else if (entry->kind == SCENARIO_RESET)
        tcp_reset(world, &entry->from, &entry->to);
    if (lasts && ends_ns != UINT64_MAX)
        (void)!world_add(world, &fault->event, ends_ns); /* its place in the heap has just become free */
}

static void course_finish(struct world *world, struct plan_fault *fault)
{
    course_log(world, fault, LOG_HEAL);
    fault->state = PLAN_OVER;
    if (is_of_links(fault))
        fault_end(&world->faults, &fault->fault);
    else
        course_mark_all(world, &fault->fault, UINT32_MAX);
}

void course_happen(struct world *world, struct plan_fault *fault)
{
    if (fault->state == PLAN_COMING)
        course_begin(world, fault);
    else
        course_finish(world, fault);
    if (!is_of_links(fault) && !list_has(&fault->notices))
        list_append(&world->plan.notices, &fault->notices);
}

struct plan_fault *course_next_notice(struct world *world)
{
    struct trale_link *list = &world->plan.notices;
    if (list_is_empty(list))
        return NULL;
    struct plan_fault *fault = list_entry(list->next, struct plan_fault, notices);
    list_remove(&fault->notices);
    return fault;
}

uint64_t course_end(const struct world *world)
{
    uint64_t end_ns = world->plan.quiet_ns;
    for (const struct plan_fault *fault = world->plan.first; fault != NULL; fault = fault->next) {
        uint64_t ends_ns = course_fault_end(&world->plan, &fault->fault.entry);
        if (!fault->fault.entry.is_kept && ends_ns > end_ns)
            end_ns = ends_ns;
    }
    return end_ns;
}

static bool are_there(const struct world *world, const struct scenario_side *side)
{
    for (uint32_t i = 0; i < side->n_hosts; i++)
        if (host_find(world, &side->hosts[i]) == NULL)
            return false;
    return true;
}

uint64_t course_idle(const struct world *world)
{
    uint64_t idle = 0, bit = world->plan.draws ? 0 : 1;
    for (const struct plan_fault *fault = world->plan.first; fault != NULL && bit != 0;
         fault = fault->next, bit <<= 1) {
        const struct scenario_entry *entry = &fault->fault.entry;
        if (fault->state == PLAN_COMING || !are_there(world, &entry->from) || !are_there(world, &entry->to))
            idle |= bit;
    }
    return idle;
}
