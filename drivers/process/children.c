/* SPDX-License-Identifier: MIT */
#include "children.h"

#include <stdlib.h>
#include <unistd.h>

#include "list.h"

struct child *child_make(struct driver *driver)
{
    struct child *child;
    if (list_is_empty(&driver->free)) {
        child = malloc(sizeof *child);
    } else {
        child = list_entry(driver->free.next, struct child, link);
        list_remove(&child->link);
    }
    if (child == NULL)
        return NULL;
    *child = (struct child){.handle.processes = &driver->table,
                            .driver = driver,
                            .generation = ++driver->generation,
                            .state = CHILD_GONE,
                            .pidfd = -1};
    list_append(&driver->children, &child->link);
    return child;
}

void child_recycle(struct child *child)
{
    if (child->generation != 0 || child->is_watched || child->state == CHILD_RUNNING)
        return;
    if (child->pidfd >= 0)
        close(child->pidfd);
    list_remove(&child->link);
    list_append(&child->driver->free, &child->link);
}

static void list_free(struct trale_link *list)
{
    while (!list_is_empty(list)) {
        struct child *child = list_entry(list->next, struct child, link);
        list_remove(&child->link);
        free(child);
    }
}

void children_free(struct driver *driver)
{
    for (struct trale_link *link = driver->children.next; link != NULL && link != &driver->children; link = link->next)
        if (list_entry(link, struct child, link)->pidfd >= 0)
            close(list_entry(link, struct child, link)->pidfd);
    list_free(&driver->children);
    list_free(&driver->free);
}
