/* SPDX-License-Identifier: MIT
 *
 * The values in a scenario, as text. The readers take a word of `length` bytes, and return whether it is such a value;
 * if not, *value is untouched. What is written is read back as the same. */
#ifndef SIM_SCENARIO_VALUE_H
#define SIM_SCENARIO_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <trale/address.h>

#define VALUE_TEXT 32

/* 10ns, 5us, 20ms, 1.5s, 2min, 1h */
bool value_read_duration(const char *word, size_t length, uint64_t *ns);
void value_write_duration(uint64_t ns, char text[VALUE_TEXT]);

/* The same, which may be negative. */
bool value_read_step(const char *word, size_t length, int64_t *ns);

/* 0% to 100%, in parts of a billion */
bool value_read_rate(const char *word, size_t length, uint32_t *rate);
void value_write_rate(uint32_t rate, char text[VALUE_TEXT]);

/* 1280, 64K, 8M, 1G (powers of 1024) */
bool value_read_size(const char *word, size_t length, uint64_t *size);

/* TERM, HUP, RTMIN+1, 15 */
bool value_read_signal(const char *word, size_t length, uint64_t *number);
void value_write_signal(uint64_t number, char text[VALUE_TEXT]);

/* An address without a port. */
bool value_is_host(const char *text, struct trale_address *host);
void value_write_host(const struct trale_address *host, char text[TRALE_ADDRESS_TEXT]);

#endif
