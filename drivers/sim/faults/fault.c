/* SPDX-License-Identifier: MIT */
#include "fault.h"

#include "list.h"

void fault_begin(struct fault_table *table, struct fault *fault)
{
    list_remove(&fault->link);
    list_append(&table->active, &fault->link);
    table->n_changes++;
}

void fault_end(struct fault_table *table, struct fault *fault)
{
    if (!list_has(&fault->link))
        return;
    list_remove(&fault->link);
    table->n_changes++;
}

static bool fault_holds(const struct fault *fault, const struct trale_address *from, const struct trale_address *to)
{
    const struct scenario_entry *entry = &fault->entry;
    bool both_ways = entry->kind == SCENARIO_PARTITION && !entry->is_one_way;
    return (scenario_has(&entry->from, from) && scenario_has(&entry->to, to)) ||
           (both_ways && scenario_has(&entry->from, to) && scenario_has(&entry->to, from));
}

static void fault_apply(const struct scenario_entry *entry, struct fault_rules *rules)
{
    switch ((enum scenario_kind)entry->kind) {
    case SCENARIO_LOSS:
        rules->loss = entry->rate;
        break;
    case SCENARIO_DUPLICATE:
        rules->duplicate = entry->rate;
        break;
    case SCENARIO_REORDER:
        rules->reorder = entry->rate;
        rules->hold_ns = entry->duration_ns;
        break;
    case SCENARIO_CORRUPT:
        rules->corrupt = entry->rate;
        rules->unchecked = entry->is_unchecked;
        break;
    case SCENARIO_LATENCY:
        rules->latency_ns = entry->duration_ns;
        rules->jitter_ns = entry->jitter_ns;
        break;
    case SCENARIO_DROP:
        rules->drops = true;
        break;
    case SCENARIO_MTU:
        rules->mtu = (uint32_t)entry->amount;
        break;
    case SCENARIO_BANDWIDTH:
        rules->bandwidth = entry->amount;
        break;
    case SCENARIO_QUEUE:
        rules->queue = entry->amount;
        break;
    case SCENARIO_PARTITION:
        rules->cut = true;
        break;
    default: /* of hosts */
        break;
    }
}

void fault_look(const struct fault_table *table, const struct trale_address *from, const struct trale_address *to,
                struct fault_rules *rules)
{
    *rules = table->defaults;
    for (const struct trale_link *link = table->active.next; link != &table->active; link = link->next) {
        const struct fault *fault = list_entry(link, struct fault, link);
        if (fault_holds(fault, from, to))
            fault_apply(&fault->entry, rules);
    }
}

bool fault_drops(struct fault_table *table, const struct trale_address *from, const struct trale_address *to)
{
    for (struct trale_link *link = table->active.next; link != &table->active; link = link->next) {
        struct fault *fault = list_entry(link, struct fault, link);
        if (fault->entry.kind != SCENARIO_DROP || !fault_holds(fault, from, to) || fault->entry.amount == 0)
            continue;
        if (--fault->entry.amount == 0)
            fault_end(table, fault);
        return true;
    }
    return false;
}
