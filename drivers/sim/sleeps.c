/* SPDX-License-Identifier: MIT */
#include "sleeps.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define FIRST_ROOM 64u

static bool is_before(const struct sleeps_entry *a, const struct sleeps_entry *b)
{
    return a->deadline_ns != b->deadline_ns ? a->deadline_ns < b->deadline_ns : a->order < b->order;
}

static void entry_put(struct sleeps *sleeps, size_t i, struct sleeps_entry entry)
{
    sleeps->entries[i] = entry;
    entry.sleep->position = (uint32_t)i;
}

static void entry_rise(struct sleeps *sleeps, size_t i, struct sleeps_entry entry)
{
    for (; i > 0 && is_before(&entry, &sleeps->entries[(i - 1) / 2]); i = (i - 1) / 2)
        entry_put(sleeps, i, sleeps->entries[(i - 1) / 2]);
    entry_put(sleeps, i, entry);
}

static void entry_sink(struct sleeps *sleeps, size_t i, struct sleeps_entry entry)
{
    for (size_t child; (child = 2 * i + 1) < sleeps->n; i = child) {
        if (child + 1 < sleeps->n && is_before(&sleeps->entries[child + 1], &sleeps->entries[child]))
            child++;
        if (!is_before(&sleeps->entries[child], &entry))
            break;
        entry_put(sleeps, i, sleeps->entries[child]);
    }
    entry_put(sleeps, i, entry);
}

void sleeps_deinit(struct sleeps *sleeps)
{
    free(sleeps->entries);
    *sleeps = (struct sleeps){0};
}

int sleeps_add(struct sleeps *sleeps, struct trale_sleep *sleep, uint64_t deadline_ns, uint64_t latest_ns)
{
    if (sleeps->n == UINT32_MAX)
        return -ENOMEM;
    if (sleeps->n == sleeps->room) {
        size_t room = sleeps->room > 0 ? 2 * sleeps->room : FIRST_ROOM;
        struct sleeps_entry *entries = reallocarray(sleeps->entries, room, sizeof *entries);
        if (entries == NULL)
            return -ENOMEM;
        sleeps->entries = entries;
        sleeps->room = room;
    }
    sleep->state = SLEEP_WAITING;
    entry_rise(sleeps, sleeps->n++, (struct sleeps_entry){deadline_ns, latest_ns, sleeps->n_added++, sleep});
    return 0;
}

void sleeps_remove(struct sleeps *sleeps, struct trale_sleep *sleep)
{
    size_t i = sleep->position;
    struct sleeps_entry last = sleeps->entries[--sleeps->n];
    sleep->state = SLEEP_READY;
    if (i == sleeps->n)
        return;
    if (i > 0 && is_before(&last, &sleeps->entries[(i - 1) / 2]))
        entry_rise(sleeps, i, last);
    else
        entry_sink(sleeps, i, last);
}

/* The least `latest_ns` below entry i, but `least_ns` at most. Where a deadline is later than that, so are those below
 * it. Without slack only the first entry is looked at, and those of the same deadline. */
static uint64_t find_latest(const struct sleeps *sleeps, size_t i, uint64_t least_ns)
{
    if (i >= sleeps->n || sleeps->entries[i].deadline_ns >= least_ns)
        return least_ns;
    if (sleeps->entries[i].latest_ns < least_ns)
        least_ns = sleeps->entries[i].latest_ns;
    least_ns = find_latest(sleeps, 2 * i + 1, least_ns);
    return find_latest(sleeps, 2 * i + 2, least_ns);
}

uint64_t sleeps_next(const struct sleeps *sleeps)
{
    return find_latest(sleeps, 0, UINT64_MAX);
}

struct trale_sleep *sleeps_take(struct sleeps *sleeps, uint64_t now_ns)
{
    if (sleeps->n == 0 || sleeps->entries[0].deadline_ns > now_ns)
        return NULL;
    struct trale_sleep *sleep = sleeps->entries[0].sleep;
    sleeps_remove(sleeps, sleep);
    return sleep;
}

/* A time that is moved; UINT64_MAX, which never comes, and what would come after it stay there. */
static uint64_t time_move(uint64_t time_ns, int64_t by_ns)
{
    if (by_ns >= 0 || time_ns == UINT64_MAX)
        return trale_time_add(time_ns, (uint64_t)by_ns);
    uint64_t back_ns = (uint64_t)-by_ns;
    return time_ns > back_ns ? time_ns - back_ns : 0;
}

void sleeps_move(struct sleeps *sleeps, const void *driver, int64_t by_ns)
{
    for (size_t i = 0; i < sleeps->n; i++) {
        struct sleeps_entry *entry = &sleeps->entries[i];
        if (entry->sleep->driver != driver)
            continue;
        entry->deadline_ns = time_move(entry->deadline_ns, by_ns);
        entry->latest_ns = time_move(entry->latest_ns, by_ns);
    }
    for (size_t i = sleeps->n / 2; i-- > 0;)
        entry_sink(sleeps, i, sleeps->entries[i]);
}
