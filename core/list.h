/* SPDX-License-Identifier: MIT
 *
 * Intrusive doubly linked lists. A node that is in no list is linked to itself, so removing it again does nothing. */
#ifndef TRALE_CORE_LIST_H
#define TRALE_CORE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *previous;
};

/* The structure that a node stands in. */
#define list_entry(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* Makes a list empty, or a node a node of no list. */
static inline void list_init(struct list *list)
{
    list->next = list->previous = list;
}

static inline bool list_is_empty(const struct list *list)
{
    return list->next == list;
}

/* Appends a node of no list. */
static inline void list_append(struct list *list, struct list *node)
{
    node->previous = list->previous;
    node->next = list;
    list->previous->next = node;
    list->previous = node;
}

static inline void list_remove(struct list *node)
{
    node->previous->next = node->next;
    node->next->previous = node->previous;
    list_init(node);
}

/* Moves all nodes of `from` to the end of `list`. */
static inline void list_append_all(struct list *list, struct list *from)
{
    if (list_is_empty(from))
        return;
    from->next->previous = list->previous;
    list->previous->next = from->next;
    from->previous->next = list;
    list->previous = from->previous;
    list_init(from);
}

#endif
