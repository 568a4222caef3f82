/* SPDX-License-Identifier: MIT
 *
 * Checksums in the form of sha256sum(1): a line for each file, "HEX  NAME". */
#ifndef QUIC_CHECKSUM_H
#define QUIC_CHECKSUM_H

#include <stdbool.h>
#include <stdint.h>

#define CHECKSUM_SIZE 32u
#define CHECKSUM_TEXT (2 * CHECKSUM_SIZE + 1)

/* Writes the checksum in hexadecimal digits. */
void checksum_format(const uint8_t *checksum, char *text);

/* Whether the list, a file, has this checksum for the name. */
bool checksum_is_listed(const char *list, const char *name, const uint8_t *checksum);

#endif
