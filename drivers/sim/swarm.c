/* SPDX-License-Identifier: MIT */
#include "swarm.h"

#include "draw.h"

#define MILLISECOND UINT64_C(1000000)
#define SHORTEST_NS (50 * MILLISECOND) /* a fault that comes and goes faster changes nothing else */

/* What is drawn for one host. Draws are counted for each pair of hosts and kind, so no kind changes another one's. */
struct plan {
    const struct swarm *swarm;
    uint64_t now_ns;
    uint64_t key;
    uint64_t counter;
    uint32_t kind;
    void (*add)(void *data, const struct scenario_entry *entry);
    void *data;
};

static uint64_t plan_draw(struct plan *plan)
{
    return draw_number(plan->swarm->seed, draw_stream("swarm") + plan->kind, plan->key, plan->counter++);
}

static uint64_t plan_below(struct plan *plan, uint64_t bound)
{
    return draw_below(plan_draw(plan), bound);
}

/* From `least` to `most`, each doubling as likely as the others. */
static uint64_t plan_between(struct plan *plan, uint64_t least, uint64_t most)
{
    uint32_t n_doublings = 0;
    while (most >> (n_doublings + 1) >= least)
        n_doublings++;
    uint64_t base = most >> plan_below(plan, n_doublings + 1);
    uint64_t drawn = base / 2 + plan_below(plan, base / 2 + 1);
    return drawn > least ? drawn : least;
}

/* Whether a run has faults of this kind: half of the runs have. */
static bool swarm_has(const struct swarm *swarm, uint32_t kind)
{
    bool is_allowed = (swarm->kinds & SWARM_KINDS & 1u << kind) != 0;
    return is_allowed && (draw_number(swarm->seed, draw_stream("swarm kinds"), kind, 0) & 1) != 0;
}

/* The strongest rate of a kind in this run. */
static uint32_t swarm_rate(const struct swarm *swarm, uint32_t kind)
{
    static const uint32_t most[] = {[SCENARIO_LOSS] = 400000000,
                                    [SCENARIO_DUPLICATE] = 300000000,
                                    [SCENARIO_REORDER] = 500000000,
                                    [SCENARIO_CORRUPT] = 100000000};
    return most[kind] >> draw_below(draw_number(swarm->seed, draw_stream("swarm strength"), kind, 0), 6);
}

/* Sets the time of an entry: most last for a part of the time that is left, some for all of it. False: none is left. */
static bool plan_time(struct plan *plan, struct scenario_entry *entry, uint64_t longest_ns)
{
    uint64_t left_ns = plan->swarm->ends_ns > plan->now_ns ? plan->swarm->ends_ns - plan->now_ns : 0;
    if (left_ns < 2 * SHORTEST_NS)
        return false;
    entry->begins_ns = plan->now_ns;
    entry->ends_ns = plan->swarm->ends_ns;
    if (longest_ns == 0 && plan_below(plan, 4) == 0)
        return true;
    entry->begins_ns += plan_below(plan, left_ns - SHORTEST_NS) / MILLISECOND * MILLISECOND;
    left_ns = plan->swarm->ends_ns - entry->begins_ns;
    if (longest_ns == 0 || longest_ns > left_ns)
        longest_ns = left_ns;
    entry->ends_ns = entry->begins_ns + plan_between(plan, SHORTEST_NS, longest_ns) / MILLISECOND * MILLISECOND;
    return true;
}

static void plan_link_fault(struct plan *plan, const struct trale_address *from, const struct trale_address *to)
{
    struct scenario_entry entry = {.kind = plan->kind, .from = {{*from}, 1}, .to = {{*to}, 1}};
    if (plan_below(plan, 4) == 0 || !plan_time(plan, &entry, 0))
        return;
    if (plan->kind == SCENARIO_LATENCY) {
        entry.duration_ns = plan_between(plan, MILLISECOND, 500 * MILLISECOND);
        entry.jitter_ns = plan_below(plan, entry.duration_ns / 2);
    } else {
        uint32_t most = swarm_rate(plan->swarm, plan->kind);
        entry.rate = most / 2 + (uint32_t)plan_below(plan, most / 2);
    }
    if (plan->kind == SCENARIO_REORDER)
        entry.duration_ns = plan_between(plan, MILLISECOND, 200 * MILLISECOND);
    plan->add(plan->data, &entry);
}

static void plan_partitions(struct plan *plan, const struct trale_address *host, const struct trale_address *other)
{
    uint64_t left_ns = plan->swarm->ends_ns > plan->now_ns ? plan->swarm->ends_ns - plan->now_ns : 0;
    for (uint64_t n = plan_below(plan, 3); n > 0; n--) {
        bool turns = plan_below(plan, 2) == 0;
        struct scenario_entry entry = {.kind = SCENARIO_PARTITION, .is_one_way = plan_below(plan, 3) == 0};
        entry.from = (struct scenario_side){{turns ? *other : *host}, 1};
        entry.to = (struct scenario_side){{turns ? *host : *other}, 1};
        if (plan_time(plan, &entry, left_ns / 3 + 1))
            plan->add(plan->data, &entry);
    }
}

static void plan_host_faults(struct plan *plan, const struct trale_address *host)
{
    for (uint64_t n = plan_below(plan, 3); n > 0; n--) {
        struct scenario_entry entry = {.kind = plan->kind, .from = {{*host}, 1}};
        if (!plan_time(plan, &entry, 2000 * MILLISECOND))
            continue;
        if (plan->kind == SCENARIO_CLOCK) {
            uint64_t step_ns = plan_between(plan, MILLISECOND, 3600000 * MILLISECOND);
            entry.step_ns = plan_below(plan, 2) == 0 ? -(int64_t)step_ns : (int64_t)step_ns;
            entry.ends_ns = SCENARIO_NEVER;
        }
        plan->add(plan->data, &entry);
    }
}

void swarm_plan(const struct swarm *swarm, const struct trale_address *hosts, uint32_t n_hosts, bool crashes,
                uint64_t now_ns, void (*add)(void *data, const struct scenario_entry *entry), void *data)
{
    const struct trale_address *host = &hosts[n_hosts - 1];
    struct plan plan = {.swarm = swarm, .now_ns = now_ns, .add = add, .data = data};
    for (plan.kind = 0; plan.kind < SCENARIO_KINDS; plan.kind++) {
        if (!swarm_has(swarm, plan.kind) || (plan.kind == SCENARIO_CRASH && !crashes))
            continue;
        for (uint32_t i = 0; i < n_hosts; i++) {
            plan.key = (uint64_t)n_hosts << 32 | i;
            plan.counter = 0;
            if (plan.kind > SCENARIO_PARTITION && i == n_hosts - 1)
                plan_host_faults(&plan, host);
            if (plan.kind > SCENARIO_PARTITION || i == n_hosts - 1)
                continue;
            if (plan.kind == SCENARIO_PARTITION) {
                plan_partitions(&plan, host, &hosts[i]);
                continue;
            }
            plan_link_fault(&plan, host, &hosts[i]);
            plan_link_fault(&plan, &hosts[i], host);
        }
    }
}
