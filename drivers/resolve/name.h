/* SPDX-License-Identifier: MIT
 *
 * Names as text. */
#ifndef RESOLVE_NAME_H
#define RESOLVE_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include <trale/address.h>

#define NAME_SIZE 256 /* of any name with its NUL */

/* Whether names may have this byte within a label (resolve.h, NAMES). */
bool name_has(uint8_t byte);

/* Copies a name, without the dot at its end, and says whether there was one. The root is "". 0 or -EINVAL. */
int name_copy(char copy[NAME_SIZE], const char *text, bool *is_absolute);

/* Puts a domain behind a name. Whether that is a name, for it may be too long. */
bool name_append(char joined[NAME_SIZE], const char *name, const char *domain);

/* Reads an address without a port: 1; 0: it is none; -ENODEV: its zone is no interface; -EINVAL: it is neither a name
 * nor an address, for its last label is a number. */
int name_read_address(const char *text, uint16_t port, struct trale_address *address);

/* The name under which the names of an address are, such as "1.2.0.192.in-addr.arpa". 0 or -EINVAL. */
int name_of_address(char name[NAME_SIZE], const struct trale_address *address);

bool name_equal(const char *a, const char *b);

/* Whether it is localhost, or below it. */
bool name_is_local(const char *name);

#endif
