/* SPDX-License-Identifier: MIT
 *
 * The datagrams of a run, or its segments of TCP, put together from its events. */
#ifndef CORE_VIEW_DATAGRAMS_H
#define CORE_VIEW_DATAGRAMS_H

#include "core/view/events.h"

/* One copy of a datagram has one number, so a duplicate is a datagram of its own that was not sent. */
struct datagram {
    uint64_t number;
    const struct event *sent;      /* NULL: a duplicate, or the beginning of the file is missing */
    const struct event *lost;      /* NULL: it was not */
    const struct event *delivered; /* NULL: it was not */
    const struct event *received;  /* NULL: it was not */
};

/* What is found. Segments are not received, for a program takes bytes. */
enum datagrams_kind { DATAGRAMS_UDP, DATAGRAMS_SEGMENTS };

struct datagrams {
    enum datagrams_kind kind;
    struct datagram *items; /* in the order of their numbers */
    size_t n_items;
};

/* 0 or -ENOMEM. The events are lent until datagrams_free. */
int datagrams_find(struct datagrams *datagrams, enum datagrams_kind kind, const struct events *events);
void datagrams_free(struct datagrams *datagrams);

/* The datagram of an event that has one; NULL: there is none by that number. */
struct datagram *datagrams_of(const struct datagrams *datagrams, const struct event *event);

#endif
