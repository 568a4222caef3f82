/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1 /* tdestroy(3) */

#include "table.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

/* --- IDs ---------------------------------------------------------------------------------------------------------- */

struct table_id {
    ngtcp2_cid id;
    struct connection *connection;
    struct table_id *next, **from; /* in the list of the connection's IDs */
};

static int compare(const void *a, const void *b)
{
    const struct table_id *left = a, *right = b;
    if (left->id.datalen != right->id.datalen)
        return left->id.datalen < right->id.datalen ? -1 : 1;
    return memcmp(left->id.data, right->id.data, left->id.datalen);
}

int table_add_id(struct table *table, const ngtcp2_cid *id, struct connection *connection, struct table_id **list)
{
    struct table_id *entry = malloc(sizeof *entry);
    if (entry == NULL)
        return -ENOMEM;
    *entry = (struct table_id){*id, connection, *list, list};
    struct table_id **found = tsearch(entry, &table->ids, compare);
    if (found == NULL || *found != entry) {
        free(entry);
        return found == NULL ? -ENOMEM : -EEXIST;
    }
    if (entry->next != NULL)
        entry->next->from = &entry->next;
    *list = entry;
    return 0;
}

void table_remove_id(struct table *table, const ngtcp2_cid *id)
{
    struct table_id key = {.id = *id};
    struct table_id **found = tfind(&key, &table->ids, compare), *entry;
    if (found == NULL)
        return;
    entry = *found;
    tdelete(entry, &table->ids, compare);
    *entry->from = entry->next;
    if (entry->next != NULL)
        entry->next->from = entry->from;
    free(entry);
}

void table_remove_ids(struct table *table, struct table_id **list)
{
    while (*list != NULL)
        table_remove_id(table, &(*list)->id);
}

struct connection *table_find(const struct table *table, const uint8_t *id, size_t size)
{
    struct table_id key = {0};
    if (size > sizeof key.id.data)
        return NULL;
    ngtcp2_cid_init(&key.id, id, size);
    struct table_id **found = tfind(&key, &table->ids, compare);
    return found != NULL ? (*found)->connection : NULL;
}

/* --- deadlines ---------------------------------------------------------------------------------------------------- */

static void put(struct table *table, size_t position, struct turn *turn)
{
    table->turns[position] = turn;
    turn->position = position;
}

/* Moves the turn to its place, from a position that is free. */
static void sift(struct table *table, size_t position, struct turn *turn)
{
    while (position > 0 && turn->deadline_ns < table->turns[(position - 1) / 2]->deadline_ns) {
        put(table, position, table->turns[(position - 1) / 2]);
        position = (position - 1) / 2;
    }
    for (size_t child; (child = 2 * position + 1) < table->n_turns; position = child) {
        if (child + 1 < table->n_turns && table->turns[child + 1]->deadline_ns < table->turns[child]->deadline_ns)
            child++;
        if (turn->deadline_ns <= table->turns[child]->deadline_ns)
            break;
        put(table, position, table->turns[child]);
    }
    put(table, position, turn);
}

int table_add(struct table *table, struct turn *turn)
{
    if (table->n_turns == table->capacity) {
        size_t capacity = table->capacity > 0 ? 2 * table->capacity : 8;
        struct turn **turns = realloc(table->turns, capacity * sizeof *turns);
        if (turns == NULL)
            return -ENOMEM;
        table->turns = turns;
        table->capacity = capacity;
    }
    table->turns[table->n_turns] = turn;
    sift(table, table->n_turns++, turn);
    return 0;
}

void table_remove(struct table *table, struct turn *turn)
{
    struct turn *last = table->turns[--table->n_turns];
    if (last != turn)
        sift(table, turn->position, last);
}

void table_reschedule(struct table *table, struct turn *turn, uint64_t deadline_ns)
{
    turn->deadline_ns = deadline_ns;
    sift(table, turn->position, turn);
}

struct turn *table_first(const struct table *table)
{
    return table->n_turns > 0 ? table->turns[0] : NULL;
}

void table_free(struct table *table)
{
    tdestroy(table->ids, free);
    free(table->turns);
    *table = (struct table){0};
}
