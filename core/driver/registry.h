/* SPDX-License-Identifier: MIT
 *
 * Interfaces: what applications ask the drivers for, by name. */
#ifndef CORE_DRIVER_REGISTRY_H
#define CORE_DRIVER_REGISTRY_H

#include <pthread.h>

#include "core/driver/driver.h"

struct interface {
    char *sized_name;            /* with the size of its first version, if the driver gives it: "trale.timer/1:56" */
    char *name;                  /* without it */
    const struct driver *driver; /* lent */
    _Atomic uint32_t complete;   /* so many bytes of the table are there, and none of them is a NULL */
    _Atomic bool is_told;        /* There was a message about a table that is too short. */
    const struct trale_interface *table; /* the driver's */
    struct interface_copy *copies;       /* for callers that know more members than the driver */
};

/* The items are in the order in which the drivers were started. They have their room before the first driver starts,
 * for the threads of a started driver may look up its interfaces while others are started. */
struct interfaces {
    struct interface *items;
    size_t n_items;
    struct interface_miss *misses; /* names that no driver offers, and that were asked for */
    struct interfaces *group;      /* whose misses count instead, in a group of runtimes; or NULL */
    pthread_mutex_t lock;          /* of the copies and the misses */
};

void interfaces_init(struct interfaces *interfaces);
void interfaces_deinit(struct interfaces *interfaces);

/* Makes room for all interfaces of these drivers. 0 or -ENOMEM. */
int interfaces_reserve(struct interfaces *interfaces, const struct driver *drivers, size_t n_drivers);

/* Whether the drivers that were started give what this one needs: where stack_check has found it so, a table can still
 * be shorter than the size in the name. 0, -ENOMEM, or -EPROTO and a message. */
int interfaces_check_needs(struct interfaces *interfaces, const struct driver *driver);

/* Adds the interfaces of a started driver. 0, -ENOMEM, or -EPROTO and a message: it does not offer what it promised, in
 * the version that it promised, with all functions of the first version of the table. */
int interfaces_add(struct interfaces *interfaces, const struct driver *driver);

/* The last one of that name among the first `n_items`; trale_interface looks at all. If the name has a size, the table
 * has no less; else NULL, and a message once. [any] */
const void *interfaces_find(struct interfaces *interfaces, size_t n_items, const char *name, size_t size);

/* Whether a driver offers the interface, be its table complete or not. [any] */
bool interfaces_have(const struct interfaces *interfaces, const char *name);

/* Whether no driver offers the interface, and this call is the first for its name, in all of a group. [any] */
bool interfaces_is_first_miss(struct interfaces *interfaces, const char *name);

#endif
