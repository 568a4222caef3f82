/* SPDX-License-Identifier: MIT
 *
 * What the configuration says to a driver: the keys that it takes in its section of trale.ini, and their values. Part
 * of driver.h, which includes it. */
#ifndef TRALE_DRIVER_OPTION_H
#define TRALE_DRIVER_OPTION_H

#include <trale/future.h>

/* Kinds of options: how a value is written in trale.ini, and which member of trale_value the driver reads. */
#define TRALE_OPTION_INTEGER 1u  /* 42, -1, 0x10: value.integer */
#define TRALE_OPTION_SIZE 2u     /* 4096, 64K, 8M, 1G (powers of 1024): value.integer in bytes */
#define TRALE_OPTION_DURATION 3u /* 10ns, 5us, 20ms, 1.5s, 2min, 1h: value.integer in nanoseconds */
#define TRALE_OPTION_BOOLEAN 4u  /* yes, no, true, false, on, off: value.integer 1 or 0 */
#define TRALE_OPTION_CHOICE 5u   /* one of `choices`: value.integer is its position, from 0; value.text the word */
#define TRALE_OPTION_TEXT 6u     /* anything: value.text */

/* One key that the driver takes in its section. `path` is the runtime's key. */
struct trale_option {
    const char *name; /* lower case, digits and '_'; NULL ends the array */
    uint32_t type;    /* TRALE_OPTION_ */
    uint32_t reserved;
    int64_t minimum, maximum;  /* of INTEGER, SIZE, DURATION: the values allowed; not checked if both are 0 */
    const char *choices;       /* of CHOICE: words separated by " | " */
    const char *default_value; /* as written in trale.ini; NULL: the key must be given */
    const char *help;          /* one line */
};

/* One option's value. */
struct trale_value {
    int64_t integer;
    const char *text; /* as written; never NULL */
    uint32_t line;    /* in trale.ini; 0: the default */
    uint32_t reserved;
};

/* The argument of start: a checked value for each option, in the order of the driver's own array. Lent until stop. */
struct trale_settings {
    uint32_t size;
    uint32_t abi;
    const char *section; /* "driver:udp" */
    const struct trale_value *values;
    uint64_t n_values;
    const char *file; /* the name of trale.ini, for messages */
};

static_assert(sizeof(struct trale_value) == 24, "frozen: an array element");

#endif
