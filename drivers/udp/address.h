/* SPDX-License-Identifier: MIT
 *
 * Addresses: their length for the kernel, and the table's two functions for their text. */
#ifndef UDP_ADDRESS_H
#define UDP_ADDRESS_H

#include <trale/udp.h>

/* The address's length for bind(2) and its like; 0 if its family is neither IPv4 nor IPv6. */
socklen_t udp_address_length(const struct trale_address *address);

int32_t udp_address_parse(void *instance, const char *text, struct trale_address *address);
int32_t udp_address_format(void *instance, const struct trale_address *address, char *buf, uint64_t size);

#endif
