/* SPDX-License-Identifier: MIT */
#include "core/driver/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <trale/trale.h>

#include "core/base/words.h"

struct interface_copy {
    struct interface_copy *next;
    size_t size;
    _Alignas(max_align_t) char table[];
};

struct interface_miss {
    struct interface_miss *next;
    char name[];
};

void interfaces_init(struct interfaces *interfaces)
{
    *interfaces = (struct interfaces){0};
    pthread_mutex_init(&interfaces->lock, NULL);
}

void interfaces_deinit(struct interfaces *interfaces)
{
    for (size_t i = 0; i < interfaces->n_items; i++) {
        for (struct interface_copy *copy = interfaces->items[i].copies, *next; copy != NULL; copy = next) {
            next = copy->next;
            free(copy);
        }
        free(interfaces->items[i].name);
    }
    for (struct interface_miss *miss = interfaces->misses, *next; miss != NULL; miss = next) {
        next = miss->next;
        free(miss);
    }
    free(interfaces->items);
    pthread_mutex_destroy(&interfaces->lock);
}

int interfaces_reserve(struct interfaces *interfaces, const struct driver *drivers, size_t n_drivers)
{
    size_t n_names = 0, length;
    for (size_t i = 0; i < n_drivers; i++) {
        const char *list = drivers[i].description.interfaces;
        while (list != NULL && words_next(&list, &length) != NULL)
            n_names++;
    }
    interfaces->items = calloc(n_names + 1, sizeof *interfaces->items);
    return interfaces->items != NULL ? 0 : -ENOMEM;
}

static int interfaces_add_name(struct interfaces *interfaces, const struct driver *driver, const char *name,
                               size_t length)
{
    struct interface *item = &interfaces->items[interfaces->n_items];
    *item = (struct interface){.name = strndup(name, length)};
    if (item->name == NULL)
        return -ENOMEM;
    interfaces->n_items++;
    item->table = driver->description.interface(driver->instance, item->name);
    if (item->table != NULL && item->table->size >= sizeof *item->table)
        return 0;
    log_say(driver->log, TRALE_LOG_ERROR, "trale", "[%s] %s promises %s and does not give it", driver->section->name,
            driver->path, item->name);
    return -EPROTO;
}

int interfaces_add(struct interfaces *interfaces, const struct driver *driver)
{
    const char *list = driver->description.interfaces, *name;
    size_t length;
    int r = 0;
    while (r == 0 && (name = words_next(&list, &length)) != NULL)
        r = interfaces_add_name(interfaces, driver, name, length);
    return r;
}

/* A copy of the driver's table with `size` bytes, more than the driver has: the rest is zero. */
static const void *interface_copy(struct interface *interface, size_t size)
{
    for (struct interface_copy *copy = interface->copies; copy != NULL; copy = copy->next)
        if (copy->size == size)
            return copy->table;
    struct interface_copy *copy = calloc(1, sizeof *copy + size);
    if (copy == NULL)
        return NULL;
    memcpy(copy->table, interface->table, interface->table->size);
    copy->size = size;
    copy->next = interface->copies;
    interface->copies = copy;
    return copy->table;
}

const void *interfaces_find(struct interfaces *interfaces, size_t n_items, const char *name, size_t size)
{
    for (size_t i = n_items; i-- > 0;) {
        struct interface *interface = &interfaces->items[i];
        if (strcmp(interface->name, name) != 0)
            continue;
        if (interface->table->size >= size)
            return interface->table;
        pthread_mutex_lock(&interfaces->lock);
        const void *copy = interface_copy(interface, size);
        pthread_mutex_unlock(&interfaces->lock);
        return copy;
    }
    return NULL;
}

bool interfaces_is_first_miss(struct interfaces *interfaces, const char *name)
{
    for (size_t i = 0; i < interfaces->n_items; i++)
        if (strcmp(interfaces->items[i].name, name) == 0)
            return false;
    if (interfaces->group != NULL)
        interfaces = interfaces->group;
    pthread_mutex_lock(&interfaces->lock);
    struct interface_miss *miss = interfaces->misses;
    while (miss != NULL && strcmp(miss->name, name) != 0)
        miss = miss->next;
    bool is_first = miss == NULL;
    if (is_first && (miss = malloc(sizeof *miss + strlen(name) + 1)) != NULL) {
        strcpy(miss->name, name);
        miss->next = interfaces->misses;
        interfaces->misses = miss;
    }
    pthread_mutex_unlock(&interfaces->lock);
    return is_first;
}
