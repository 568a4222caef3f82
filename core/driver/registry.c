/* SPDX-License-Identifier: MIT */
#include "core/driver/registry.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trale/trale.h>

#include "core/base/words.h"
#include "core/driver/interface_name.h"

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
        free(interfaces->items[i].sized_name);
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
        const char *list = drivers[i].offers;
        while (list != NULL && words_next(&list, &length) != NULL)
            n_names++;
    }
    interfaces->items = calloc(n_names + 1, sizeof *interfaces->items);
    return interfaces->items != NULL ? 0 : -ENOMEM;
}

__attribute__((format(printf, 2, 3))) static void say(const struct interface *item, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    log_say(item->driver->log, TRALE_LOG_ERROR, "trale", "[%s] %s offers %s%s", item->driver->section->name,
            item->driver->path, item->name, text);
}

/* Whether the first `size` bytes of the table are there, and each function in them; if not, there is a message once. */
static bool is_complete(struct interface *item, uint32_t size)
{
    const struct trale_interface *table = item->table;
    if (size <= item->complete)
        return true;
    uint32_t at = sizeof *table;
    while (at < size && table->size - at >= sizeof(void *) &&
           *(void *const *)(const void *)((const char *)table + at) != NULL)
        at += (uint32_t)sizeof(void *);
    if (at >= size) {
        item->complete = size;
        return true;
    }
    if (atomic_exchange(&item->is_told, true))
        return false;
    if (table->size < size)
        say(item, " with a table of %u bytes, of which version %u has at least %u: build it with the header of that",
            table->size, table->version, size);
    else
        say(item, ", and function %zu of its table, at byte %u, is NULL: each of the first version must be there",
            (at - sizeof *table) / sizeof(void *) + 1, at);
    return false;
}

static bool is_sound(struct interface *item, const struct interface_name *name)
{
    const struct trale_interface *table = item->table;
    if (table == NULL)
        say(item, ", and does not give it");
    else if (table->size < sizeof *table)
        say(item, " with a table of %u bytes, less than its head has", table->size);
    else if (table->version != name->version)
        say(item, " with a table of version %u", table->version);
    else
        return is_complete(item, name->size);
    return false;
}

/* Whether it is the interface of that name, with any size or none. */
static bool is_called(const struct interface *item, const char *name)
{
    const size_t length = strlen(item->name);
    return strncmp(item->name, name, length) == 0 &&
           (name[length] == '\0' || interface_name_of(name, strlen(name)).length == length);
}

static int interfaces_add_name(struct interfaces *interfaces, const struct driver *driver, const char *text,
                               size_t length)
{
    struct interface *item = &interfaces->items[interfaces->n_items];
    const struct interface_name name = interface_name_of(text, length);
    *item = (struct interface){.sized_name = strndup(text, length),
                               .name = strndup(text, name.length),
                               .driver = driver,
                               .complete = sizeof(struct trale_interface)};
    interfaces->n_items++;
    if (item->sized_name == NULL || item->name == NULL)
        return -ENOMEM;
    item->table = driver->description.interface(driver->instance, item->name);
    return is_sound(item, &name) ? 0 : -EPROTO;
}

static int check_need(struct interfaces *interfaces, const struct driver *driver, const char *name)
{
    if (interfaces_find(interfaces, interfaces->n_items, name, 0) != NULL)
        return 0;
    log_say(driver->log, TRALE_LOG_ERROR, "trale", "[%s] needs %s, of which no table before it has all functions",
            driver->section->name, name);
    return -EPROTO;
}

int interfaces_check_needs(struct interfaces *interfaces, const struct driver *driver)
{
    const char *list = driver->needs, *word;
    size_t length;
    int r = 0;
    while (r == 0 && list != NULL && (word = words_next(&list, &length)) != NULL) {
        char *name = strndup(word, length);
        r = name != NULL ? check_need(interfaces, driver, name) : -ENOMEM;
        free(name);
    }
    return r;
}

int interfaces_add(struct interfaces *interfaces, const struct driver *driver)
{
    const char *list = driver->offers, *name;
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
    struct interface_copy *copy = size <= PTRDIFF_MAX - sizeof *copy ? calloc(1, sizeof *copy + size) : NULL;
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
        struct interface *item = &interfaces->items[i];
        /* Most often both sides give the same size, which was checked when the driver started. */
        if (strcmp(item->sized_name, name) != 0) {
            if (!is_called(item, name))
                continue;
            if (!is_complete(item, interface_name_of(name, strlen(name)).size))
                return NULL;
        }
        if (item->table->size >= size)
            return item->table;
        pthread_mutex_lock(&interfaces->lock);
        const void *copy = interface_copy(item, size);
        pthread_mutex_unlock(&interfaces->lock);
        return copy;
    }
    return NULL;
}

bool interfaces_have(const struct interfaces *interfaces, const char *name)
{
    for (size_t i = 0; i < interfaces->n_items; i++)
        if (is_called(&interfaces->items[i], name))
            return true;
    return false;
}

bool interfaces_is_first_miss(struct interfaces *interfaces, const char *name)
{
    if (interfaces_have(interfaces, name))
        return false;
    if (interfaces->group != NULL)
        interfaces = interfaces->group;
    pthread_mutex_lock(&interfaces->lock);
    const size_t length = interface_name_of(name, strlen(name)).length;
    struct interface_miss *miss = interfaces->misses;
    while (miss != NULL && (strncmp(miss->name, name, length) != 0 || miss->name[length] != '\0'))
        miss = miss->next;
    bool is_first = miss == NULL;
    if (is_first && (miss = calloc(1, sizeof *miss + length + 1)) != NULL) {
        memcpy(miss->name, name, length);
        miss->next = interfaces->misses;
        interfaces->misses = miss;
    }
    pthread_mutex_unlock(&interfaces->lock);
    return is_first;
}
