/* SPDX-License-Identifier: MIT */
#include "core/view/datagrams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The words of their events, and the field that has their number. */
static const struct words {
    const char *number, *sent, *lost, *delivered, *received;
} words[] = {[DATAGRAMS_UDP] = {"datagram", "sent", "lost", "delivered", "received"},
             [DATAGRAMS_SEGMENTS] = {"segment", "segment", "segment-lost", "segment-arrived", ""}};

/* Where the event is kept in its datagram; NULL: it is about no datagram. */
static const struct event **place_of(struct datagram *datagram, const struct words *is, const struct event *event)
{
    if (strcmp(event->kind, is->sent) == 0)
        return &datagram->sent;
    if (strcmp(event->kind, is->lost) == 0)
        return &datagram->lost;
    if (strcmp(event->kind, is->delivered) == 0)
        return &datagram->delivered;
    return strcmp(event->kind, is->received) == 0 ? &datagram->received : NULL;
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

int datagrams_find(struct datagrams *datagrams, enum datagrams_kind kind, const struct events *events)
{
    const struct words *is = &words[kind];
    struct datagram *items = calloc(events->n_items + 1, sizeof *items);
    size_t n = 0;
    if (items == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < events->n_items; i++) {
        const struct event *event = &events->items[i], **place = place_of(&items[n], is, event);
        if (place == NULL || event_field(event, is->number) == NULL)
            continue;
        *place = event;
        items[n++].number = event_number(event, is->number);
    }
    qsort(items, n, sizeof *items, compare);
    *datagrams = (struct datagrams){kind, items, merge(items, n)};
    return 0;
}

void datagrams_free(struct datagrams *datagrams)
{
    free(datagrams->items);
    *datagrams = (struct datagrams){0};
}

struct datagram *datagrams_of(const struct datagrams *datagrams, const struct event *event)
{
    const char *number = words[datagrams->kind].number;
    if (event_field(event, number) == NULL)
        return NULL;
    const struct datagram key = {.number = event_number(event, number)};
    return bsearch(&key, datagrams->items, datagrams->n_items, sizeof key, compare);
}
