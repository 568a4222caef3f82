/* SPDX-License-Identifier: MIT
 *
 * Options: what a text in trale.ini means, by the schema that the runtime or a driver gives. */
#ifndef CORE_CONFIG_OPTION_H
#define CORE_CONFIG_OPTION_H

#include <stddef.h>
#include <stdint.h>

#include <trale/driver.h>

#include "core/config/table.h"

/* Reads `text` as the option's kind into *integer. 0, -EINVAL (not a value of that kind), or -ERANGE. */
int option_parse(const struct trale_option *option, const char *text, int64_t *integer);

/* Says in a few words what the option allows: "0, 1 or 2", "1 to 255", "a size such as 4096, 64K or 8M, 0 to 1G",
 * "monotonic, boottime or realtime". Returns buf. */
#define OPTION_TEXT 256
const char *option_allowed(const struct trale_option *option, char buf[OPTION_TEXT]);

/* Returns the next word of "a | b | c", *length bytes long, and moves *choices behind it; NULL at the end. */
const char *option_next_choice(const char **choices, size_t *length);

/* The kind's name: "integer", "size", "duration", "boolean", "choice", "text"; NULL for an unknown kind. */
const char *option_kind(const struct trale_option *option);

/* Checks a schema: names, which are none of those in `also` (NULL: all are allowed), kinds, ranges, and that defaults
 * are values.
 * Writes why not into `why` and returns -EINVAL, or returns the number of options. */
int option_check_schema(const struct trale_option *options, const char *const *also, char why[OPTION_TEXT]);

/* The keys of the runtime in the section of a driver, which no option has as its name; NULL ends them. */
extern const char *const option_runtime_keys[];

/* Fills the zeroed values[0..n), which are in the schema's order, from the section's entries and from defaults. The
 * section may also have the keys in `also`, an array that ends with NULL; NULL: no others. Every unknown key (with the
 * nearest known name) and wrong value, in the order of lines, and then every missing key, is an error message. The
 * texts are lent by config and schema. A section that is NULL has no entries. 0 or -EINVAL. */
int option_read_section(const struct config *config, const struct config_section *section, const char *const *also,
                        const struct trale_option *options, size_t n_options, struct trale_value *values,
                        const struct log *log);

#endif
