/* SPDX-License-Identifier: MIT */
#include "service.h"

/* Of the records that are left those of the lowest priority count. */
static uint16_t lowest_priority(const struct trale_link *records, uint64_t *weights)
{
    uint16_t lowest = UINT16_MAX;
    *weights = 0;
    for (const struct trale_link *link = records->next; link != records; link = link->next) {
        const struct record *record = list_entry(link, struct record, link);
        if (record->priority < lowest) {
            lowest = record->priority;
            *weights = 0;
        }
        if (record->priority == lowest)
            *weights += record->weight;
    }
    return lowest;
}

/* The record at which the sum of the weights reaches the number. One without weight is chosen for 0, or as the last. */
static struct record *pick(const struct trale_link *records, uint16_t priority, uint64_t number)
{
    struct record *weighty = NULL, *weightless = NULL;
    uint64_t sum = 0;
    for (const struct trale_link *link = records->next; link != records; link = link->next) {
        struct record *record = list_entry(link, struct record, link);
        if (record->priority != priority)
            continue;
        if (record->weight == 0 && weightless == NULL)
            weightless = record;
        if (record->weight > 0 && (weighty == NULL || sum < number)) {
            weighty = record;
            sum += record->weight;
        }
    }
    return weighty == NULL || (number == 0 && weightless != NULL) ? weightless : weighty;
}

void service_order(struct trale_link *records, const struct trale_random *random)
{
    struct trale_link ordered = {0};
    list_init(&ordered);
    while (!list_is_empty(records)) {
        uint64_t weights, number = 0;
        const uint16_t priority = lowest_priority(records, &weights);
        if (weights > 0 && random->fill(random->interface.instance, &number, sizeof number) < 0)
            number = 1;
        struct record *record = pick(records, priority, number % (weights + 1));
        list_remove(&record->link);
        list_append(&ordered, &record->link);
    }
    record_move(records, &ordered);
}
