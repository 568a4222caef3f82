/* SPDX-License-Identifier: MIT
 *
 * The connections of an endpoint: by their connection IDs, and by the time at which they have something to do. */
#ifndef QUIC_TABLE_H
#define QUIC_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include <ngtcp2/ngtcp2.h>

struct connection;
struct table_id;

/* A connection's place among the deadlines: the first member of struct connection. */
struct turn {
    uint64_t deadline_ns;
    size_t position;
};

/* All zero: empty. */
struct table {
    void *ids;           /* tsearch(3): clients choose some IDs, and cannot make a balanced tree slow */
    struct turn **turns; /* a heap: no turn is earlier than the one at half its position */
    size_t n_turns, capacity;
};

/* Adds an ID of the connection, and to the list of its IDs. 0, -EEXIST (it is there already), -ENOMEM. */
int table_add_id(struct table *table, const ngtcp2_cid *id, struct connection *connection, struct table_id **list);
void table_remove_id(struct table *table, const ngtcp2_cid *id);

/* Removes all IDs of the list. */
void table_remove_ids(struct table *table, struct table_id **list);

/* The connection with this ID, or NULL. */
struct connection *table_find(const struct table *table, const uint8_t *id, size_t size);

/* Adds a connection, whose deadline is set. 0 or -ENOMEM. */
int table_add(struct table *table, struct turn *turn);
void table_remove(struct table *table, struct turn *turn);
void table_reschedule(struct table *table, struct turn *turn, uint64_t deadline_ns);

/* The first in time, or NULL. */
struct turn *table_first(const struct table *table);

/* Releases its memory; it is empty. */
void table_free(struct table *table);

#endif
