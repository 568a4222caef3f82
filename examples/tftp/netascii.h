/* SPDX-License-Identifier: MIT
 *
 * Text as it is sent in mode netascii (RFC 764): the end of a line is CR LF, and a CR alone is CR NUL. */
#ifndef TFTP_NETASCII_H
#define TFTP_NETASCII_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Turns what was received into bytes of the file. *has_cr, at first false, is kept between calls: the last byte was a
 * CR, and the next decides on it. `to` has room for size + 1 bytes. Returns how many it has written. At the end of the
 * file a call with size 0 writes a CR that is left. */
size_t netascii_decode(uint8_t *to, const uint8_t *from, size_t size, bool *has_cr);

#endif
