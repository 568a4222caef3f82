/* SPDX-License-Identifier: MIT */
#include "core/view/tracks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare_tasks(const void *a, const void *b)
{
    const struct track *first = *(struct track *const *)a, *second = *(struct track *const *)b;
    if (first->program != second->program)
        return first->program < second->program ? -1 : 1;
    return (first->task > second->task) - (first->task < second->task);
}

/* And those of one task in their own order. */
static int compare_found(const void *a, const void *b)
{
    const struct track *first = *(struct track *const *)a, *second = *(struct track *const *)b;
    int order = compare_tasks(a, b);
    return order != 0 ? order : (first->number > second->number) - (first->number < second->number);
}

static int compare_places(const void *a, const void *b)
{
    const struct track *first = a, *second = b;
    if (first->host != second->host)
        return first->host < second->host ? -1 : 1;
    return (first->number > second->number) - (first->number < second->number);
}

/* Adds a track for each task that an event names; there may be several of one task. */
static size_t collect(struct track *items, const struct events *events)
{
    size_t n = 0;
    for (size_t i = 0; i < events->n_items; i++) {
        const struct event *event = &events->items[i];
        items[n] = (struct track){
            .program = event->program, .task = event->task, .name = event->name, .host_name = event->host, .number = n};
        n++;
        if (event_field(event, "id") != NULL) {
            const char *name = event_field(event, "task");
            items[n] = (struct track){.program = event->program,
                                      .task = event_number(event, "id"),
                                      .name = name != NULL ? name : "-",
                                      .host_name = "-",
                                      .number = n};
            n++;
        }
    }
    return n;
}

static bool is_known(const char *word)
{
    return strcmp(word, "-") != 0;
}

/* Leaves one track for each task: in the place of its first, with the name and the host that were known last. */
static size_t merge(struct track *items, struct track **sorted, size_t n)
{
    struct track *whole = NULL;
    for (size_t i = 0; i < n; i++)
        sorted[i] = &items[i];
    qsort(sorted, n, sizeof *sorted, compare_found);
    for (size_t i = 0; i < n; i++) {
        struct track *track = sorted[i];
        if (whole == NULL || whole->program != track->program || whole->task != track->task) {
            whole = track;
            continue;
        }
        if (is_known(track->name))
            whole->name = track->name;
        if (is_known(track->host_name))
            whole->host_name = track->host_name;
        track->number = SIZE_MAX;
    }
    size_t n_left = 0;
    for (size_t i = 0; i < n; i++)
        if (items[i].number != SIZE_MAX)
            items[n_left++] = items[i];
    return n_left;
}

/* Numbers the hosts in the order of their first tracks. */
static void number_hosts(struct tracks *tracks)
{
    for (size_t i = 0; i < tracks->n_items; i++) {
        size_t host = 0;
        while (host < tracks->n_hosts && strcmp(tracks->hosts[host], tracks->items[i].host_name) != 0)
            host++;
        if (host == tracks->n_hosts)
            tracks->hosts[tracks->n_hosts++] = tracks->items[i].host_name;
        tracks->items[i].host = host;
    }
}

int tracks_find(struct tracks *tracks, const struct events *events)
{
    const size_t room = 2 * events->n_items + 1;
    *tracks = (struct tracks){.items = calloc(room, sizeof *tracks->items),
                              .by_task = calloc(room, sizeof *tracks->by_task)};
    if (tracks->items != NULL && tracks->by_task != NULL) {
        tracks->n_items = merge(tracks->items, tracks->by_task, collect(tracks->items, events));
        tracks->hosts = calloc(tracks->n_items + 1, sizeof *tracks->hosts);
    }
    if (tracks->hosts == NULL) {
        tracks_free(tracks);
        return -ENOMEM;
    }
    number_hosts(tracks);
    qsort(tracks->items, tracks->n_items, sizeof *tracks->items, compare_places);
    for (size_t i = 0; i < tracks->n_items; i++) {
        tracks->items[i].number = i;
        tracks->items[i].is_first_of_host = i == 0 || tracks->items[i].host != tracks->items[i - 1].host;
        tracks->by_task[i] = &tracks->items[i];
    }
    qsort(tracks->by_task, tracks->n_items, sizeof *tracks->by_task, compare_tasks);
    return 0;
}

void tracks_free(struct tracks *tracks)
{
    free(tracks->items);
    free(tracks->by_task);
    free(tracks->hosts);
    *tracks = (struct tracks){0};
}

struct track *tracks_of(const struct tracks *tracks, const struct event *event, uint64_t task)
{
    struct track wanted = {.program = event->program, .task = task}, *key = &wanted;
    struct track **found = bsearch(&key, tracks->by_task, tracks->n_items, sizeof key, compare_tasks);
    return *found;
}
