/* SPDX-License-Identifier: MIT */
#include "swarm.h"

#include "draw.h"

#define MILLISECOND UINT64_C(1000000)
#define SHORTEST_NS (50 * MILLISECOND) /* a fault that comes and goes faster changes nothing else */

#define RATE_STEP 100000 /* 0.01 %: what is drawn is also read */

static uint64_t whole(uint64_t value, uint64_t step)
{
    return value / step * step;
}

/* What is drawn for one host. Draws are counted for each pair of hosts and kind, so no kind changes another one's. */
struct draft {
    const struct swarm *swarm;
    uint64_t now_ns;
    uint64_t key;
    uint64_t counter;
    uint32_t kind;
    void (*add)(void *data, const struct scenario_entry *entry);
    void *data;
};

static uint64_t draft_draw(struct draft *draft)
{
    return draw_number(draft->swarm->seed, draw_stream("swarm") + draft->kind, draft->key, draft->counter++);
}

static uint64_t draft_below(struct draft *draft, uint64_t bound)
{
    return draw_below(draft_draw(draft), bound);
}

/* From `least` to `most`, each doubling as likely as the others. */
static uint64_t draft_between(struct draft *draft, uint64_t least, uint64_t most)
{
    uint32_t n_doublings = 0;
    while (most >> (n_doublings + 1) >= least)
        n_doublings++;
    uint64_t base = most >> draft_below(draft, n_doublings + 1);
    uint64_t drawn = base / 2 + draft_below(draft, base / 2 + 1);
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
static bool draft_time(struct draft *draft, struct scenario_entry *entry, uint64_t longest_ns)
{
    uint64_t left_ns = draft->swarm->ends_ns > draft->now_ns ? draft->swarm->ends_ns - draft->now_ns : 0;
    if (left_ns < 2 * SHORTEST_NS)
        return false;
    entry->begins_ns = draft->now_ns;
    entry->ends_ns = draft->swarm->ends_ns;
    if (longest_ns == 0 && draft_below(draft, 4) == 0)
        return true;
    entry->begins_ns += whole(draft_below(draft, left_ns - SHORTEST_NS), MILLISECOND);
    left_ns = draft->swarm->ends_ns - entry->begins_ns;
    if (longest_ns == 0 || longest_ns > left_ns)
        longest_ns = left_ns;
    entry->ends_ns = entry->begins_ns + whole(draft_between(draft, SHORTEST_NS, longest_ns), MILLISECOND);
    return true;
}

static void draft_link_fault(struct draft *draft, const struct trale_address *from, const struct trale_address *to)
{
    struct scenario_entry entry = {.kind = draft->kind, .from = {{*from}, 1}, .to = {{*to}, 1}};
    if (draft_below(draft, 4) == 0 || !draft_time(draft, &entry, 0))
        return;
    if (draft->kind == SCENARIO_LATENCY) {
        entry.duration_ns = whole(draft_between(draft, MILLISECOND, 500 * MILLISECOND), MILLISECOND);
        entry.jitter_ns = whole(draft_below(draft, entry.duration_ns / 2), MILLISECOND);
    } else {
        uint32_t most = swarm_rate(draft->swarm, draft->kind);
        entry.rate = (uint32_t)whole(most / 2 + draft_below(draft, most / 2), RATE_STEP);
    }
    if (draft->kind == SCENARIO_REORDER)
        entry.duration_ns = whole(draft_between(draft, MILLISECOND, 200 * MILLISECOND), MILLISECOND);
    draft->add(draft->data, &entry);
}

static void draft_partitions(struct draft *draft, const struct trale_address *host, const struct trale_address *other)
{
    uint64_t left_ns = draft->swarm->ends_ns > draft->now_ns ? draft->swarm->ends_ns - draft->now_ns : 0;
    for (uint64_t n = draft_below(draft, 3); n > 0; n--) {
        bool turns = draft_below(draft, 2) == 0;
        struct scenario_entry entry = {.kind = SCENARIO_PARTITION, .is_one_way = draft_below(draft, 3) == 0};
        entry.from = (struct scenario_side){{turns ? *other : *host}, 1};
        entry.to = (struct scenario_side){{turns ? *host : *other}, 1};
        if (draft_time(draft, &entry, left_ns / 3 + 1))
            draft->add(draft->data, &entry);
    }
}

static void draft_host_faults(struct draft *draft, const struct trale_address *host)
{
    for (uint64_t n = draft_below(draft, 3); n > 0; n--) {
        struct scenario_entry entry = {.kind = draft->kind, .from = {{*host}, 1}};
        if (!draft_time(draft, &entry, 2000 * MILLISECOND))
            continue;
        if (draft->kind == SCENARIO_CLOCK) {
            uint64_t step_ns = whole(draft_between(draft, MILLISECOND, 3600000 * MILLISECOND), MILLISECOND);
            entry.step_ns = draft_below(draft, 2) == 0 ? -(int64_t)step_ns : (int64_t)step_ns;
            entry.ends_ns = SCENARIO_NEVER;
        }
        draft->add(draft->data, &entry);
    }
}

/* Connections between the two are reset, up to three times. */
static void draft_resets(struct draft *draft, const struct trale_address *host, const struct trale_address *other)
{
    for (uint64_t n = draft_below(draft, 4); n > 0; n--) {
        struct scenario_entry entry = {.kind = SCENARIO_RESET, .from = {{*other}, 1}, .to = {{*host}, 1}};
        if (!draft_time(draft, &entry, SHORTEST_NS))
            continue;
        entry.ends_ns = SCENARIO_NEVER;
        draft->add(draft->data, &entry);
    }
}

/* Whether a kind of fault is about two hosts. */
static bool is_of_two(uint32_t kind)
{
    return kind <= SCENARIO_PARTITION || kind == SCENARIO_RESET;
}

static void draft_pair(struct draft *draft, const struct trale_address *host, const struct trale_address *other)
{
    if (draft->kind == SCENARIO_PARTITION) {
        draft_partitions(draft, host, other);
    } else if (draft->kind == SCENARIO_RESET) {
        draft_resets(draft, host, other);
    } else {
        draft_link_fault(draft, host, other);
        draft_link_fault(draft, other, host);
    }
}

void swarm_plan(const struct swarm *swarm, const struct swarm_host *hosts, uint32_t n_hosts, bool crashes,
                uint64_t now_ns, void (*add)(void *data, const struct scenario_entry *entry), void *data)
{
    const struct trale_address *host = &hosts[n_hosts - 1].address;
    /* A fault that begins now would hold for what was done at this time already. */
    struct draft draft = {.swarm = swarm, .now_ns = (now_ns / MILLISECOND + 1) * MILLISECOND, .add = add, .data = data};
    for (draft.kind = 0; draft.kind < SCENARIO_KINDS; draft.kind++) {
        if (!swarm_has(swarm, draft.kind) || (draft.kind == SCENARIO_CRASH && !crashes))
            continue;
        for (uint32_t i = 0; i < n_hosts; i++) {
            draft.key = (uint64_t)hosts[n_hosts - 1].number << 32 | hosts[i].number;
            draft.counter = 0;
            if (!is_of_two(draft.kind) && i == n_hosts - 1)
                draft_host_faults(&draft, host);
            if (is_of_two(draft.kind) && i < n_hosts - 1)
                draft_pair(&draft, host, &hosts[i].address);
        }
    }
}
