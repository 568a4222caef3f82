/* SPDX-License-Identifier: MIT
 *
 * What was probably meant by a text that is wrong. */
#ifndef CORE_CONFIG_ADVICE_H
#define CORE_CONFIG_ADVICE_H

#include "core/config/option.h"

/* How many letters must be changed, added or removed to turn one name into the other; SIZE_MAX for names of more than
 * 63 bytes. With more than ADVICE_DISTANCE they are different words. */
#define ADVICE_DISTANCE 2
size_t advice_distance(const char *a, const char *b);

/* What exactly is wrong with a text that is no value of the option, and what to write instead, as a clause: "it has a
 * blank inside, write 1ms". Returns buf, or NULL where there is nothing to say but what the option allows. */
const char *advice_value(const struct trale_option *option, const char *text, char buf[OPTION_TEXT]);

#endif
