/* SPDX-License-Identifier: MIT */
#include "core/view/datagrams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where the event is kept in its datagram; NULL: it is about no datagram. */
static const struct event **place_of(struct datagram *datagram, const struct event *event)
{
    static const struct {
        const char *kind;
        size_t offset;
    } places[] = {{"sent", offsetof(struct datagram, sent)},
                  {"lost", offsetof(struct datagram, lost)},
                  {"delivered", offsetof(struct datagram, delivered)},
                  {"received", offsetof(struct datagram, received)}};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (strcmp(places[i].kind, event->kind) == 0)
            return (const struct event **)(void *)((char *)datagram + places[i].offset);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    const struct datagram *first = a, *second = b;
    return (first->number > second->number) - (first->number < second->number);
}

/* A datagram for each event that is about one; of those with one number, the first gets all events. */
static size_t merge(struct datagram *items, size_t n_items)
{
    size_t n = 0;
    for (size_t i = 0; i < n_items; i++) {
        if (n == 0 || items[n - 1].number != items[i].number) {
            items[n++] = items[i];
            continue;
        }
        struct datagram *whole = &items[n - 1];
        whole->sent = whole->sent != NULL ? whole->sent : items[i].sent;
        whole->lost = whole->lost != NULL ? whole->lost : items[i].lost;
        whole->delivered = whole->delivered != NULL ? whole->delivered : items[i].delivered;
        whole->received = whole->received != NULL ? whole->received : items[i].received;
    }
    return n;
}

int datagrams_find(struct datagrams *datagrams, const struct events *events)
{
    struct datagram *items = calloc(events->n_items + 1, sizeof *items);
    size_t n = 0;
    if (items == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < events->n_items; i++) {
        const struct event *event = &events->items[i], **place = place_of(&items[n], event);
        if (place == NULL || event_field(event, "datagram") == NULL)
            continue;
        *place = event;
        items[n++].number = event_number(event, "datagram");
    }
    qsort(items, n, sizeof *items, compare);
    *datagrams = (struct datagrams){items, merge(items, n)};
    return 0;
}

void datagrams_free(struct datagrams *datagrams)
{
    free(datagrams->items);
    *datagrams = (struct datagrams){0};
}

struct datagram *datagrams_of(const struct datagrams *datagrams, const struct event *event)
{
    if (event_field(event, "datagram") == NULL)
        return NULL;
    const struct datagram key = {.number = event_number(event, "datagram")};
    return bsearch(&key, datagrams->items, datagrams->n_items, sizeof key, compare);
}
