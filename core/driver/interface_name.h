/* SPDX-License-Identifier: MIT
 *
 * Names of interfaces: "trale.timer/1", or with the size of the first version of its table "trale.timer/1:56". */
#ifndef CORE_DRIVER_INTERFACE_NAME_H
#define CORE_DRIVER_INTERFACE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct interface_name {
    const char *text; /* lent */
    size_t length;    /* without the size */
    uint32_t version; /* 0: none is given */
    uint32_t size;    /* of the first version of the table; 0: not given */
};

/* Reads a name of any form: what is no size belongs to the name. */
struct interface_name interface_name_of(const char *text, size_t length);

/* Takes the sizes out of a list of names, in place. */
void interface_names_strip(char *list);

/* Whether the list has the name, with any size or none; if the name is a word of the list itself, whether it is there
 * before. */
bool interface_names_have(const char *list, const struct interface_name *name);

/* Checks a list of names in a description: each has a version, sizes are those of tables, and none is there twice. The
 * first flaw, and in *flawed the name that has it; or NULL. */
const char *interface_names_flaw(const char *list, struct interface_name *flawed);

#endif
