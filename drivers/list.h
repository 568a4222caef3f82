/* SPDX-License-Identifier: MIT
 *
 * Intrusive doubly linked lists of `struct trale_link` (trale/future.h), for the drivers: the functions of
 * core/base/list.h, which drivers cannot include. A zeroed head is an empty list; a head stays where it is once
 * something was appended. A node that is in no list is zero, so removing it again does nothing. */
#ifndef DRIVERS_LIST_H
#define DRIVERS_LIST_H

#include <stdbool.h>

#include <trale/future.h>

/* The structure that a node is a member of. */
#define list_entry(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* Makes a list empty. One walks through a list from list->next to the head. */
static inline void list_init(struct trale_link *list)
{
    list->next = list->previous = list;
}

static inline bool list_is_empty(const struct trale_link *list)
{
    return list->next == list || list->next == NULL;
}

/* Whether a node is in a list. */
static inline bool list_has(const struct trale_link *node)
{
    return node->next != NULL;
}

/* Appends a node of no list. */
static inline void list_append(struct trale_link *list, struct trale_link *node)
{
    if (list->next == NULL)
        list_init(list);
    node->previous = list->previous;
    node->next = list;
    list->previous->next = node;
    list->previous = node;
}

static inline void list_remove(struct trale_link *node)
{
    if (node->next == NULL)
        return;
    node->previous->next = node->next;
    node->next->previous = node->previous;
    node->next = node->previous = NULL;
}

#endif
