/* SPDX-License-Identifier: MIT
 *
 * The members of a description that are pointers. */
#ifndef CORE_DRIVER_DESCRIPTION_MEMBERS_H
#define CORE_DRIVER_DESCRIPTION_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <trale/driver.h>

struct member {
    const char *name;
    size_t offset;
    bool is_optional;
};

static const struct member texts[] = {
    {"name", offsetof(struct trale_driver, name), false},
    {"version", offsetof(struct trale_driver, version), false},
    {"summary", offsetof(struct trale_driver, summary), false},
    {"interfaces", offsetof(struct trale_driver, interfaces), true},
    {"layers", offsetof(struct trale_driver, layers), true},
    {"needs", offsetof(struct trale_driver, needs), true},
};
static const struct member functions[] = {
    {"start", offsetof(struct trale_driver, start), false},
    {"stop", offsetof(struct trale_driver, stop), false},
    {"interface", offsetof(struct trale_driver, interface), false},
    {"before_wait", offsetof(struct trale_driver, before_wait), true},
    {"settle", offsetof(struct trale_driver, settle), true},
};
static const struct member option_texts[] = {
    {"name", offsetof(struct trale_option, name), false},
    {"choices", offsetof(struct trale_option, choices), true},
    {"default_value", offsetof(struct trale_option, default_value), true},
    {"help", offsetof(struct trale_option, help), true},
};
#define N_ELEMENTS(array) (sizeof(array) / sizeof(array)[0])

/* The pointer at an offset of a table. */
static inline uintptr_t member_get(const void *table, size_t offset)
{
    uintptr_t pointer;
    memcpy(&pointer, (const char *)table + offset, sizeof pointer);
    return pointer;
}

static inline void member_set(void *table, size_t offset, uintptr_t pointer)
{
    memcpy((char *)table + offset, &pointer, sizeof pointer);
}

#endif
