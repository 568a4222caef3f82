/* SPDX-License-Identifier: MIT
 *
 * Intrusive doubly linked lists, of `struct trale_link` (trale/future.h). A head is initialised, and stays where it is.
 * A node that is in no list is zero, so removing it again does nothing. */
#ifndef CORE_BASE_LIST_H
#define CORE_BASE_LIST_H

#include <stdbool.h>

#include <trale/future.h>

/* The structure that a node is a member of. */
#define list_entry(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* Makes a list empty. */
static inline void list_init(struct trale_link *list)
{
    list->next = list->previous = list;
}

static inline bool list_is_empty(const struct trale_link *list)
{
    return list->next == list;
}

/* Whether a node is in a list. */
static inline bool list_has(const struct trale_link *node)
{
    return node->next != NULL;
}

/* Appends a node of no list. */
static inline void list_append(struct trale_link *list, struct trale_link *node)
{
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

/* Rings: lists without a head. The pointer to one is NULL, or leads to the first, whose previous is the last. */
static inline void ring_append(struct trale_link **ring, struct trale_link *link)
{
    if (*ring == NULL) {
        list_init(link);
        *ring = link;
    } else {
        list_append(*ring, link);
    }
}

/* False: the link was on no ring any more. */
static inline bool ring_remove(struct trale_link **ring, struct trale_link *link)
{
    struct trale_link *next = link->next;
    if (next == NULL)
        return false;
    if (next == link) {
        *ring = NULL;
    } else {
        if (*ring == link)
            *ring = next;
        next->previous = link->previous;
        next->previous->next = next;
    }
    link->next = link->previous = NULL;
    return true;
}

#endif
