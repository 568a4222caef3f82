/* SPDX-License-Identifier: MIT
 *
 * The options of both drivers, so that one trale.ini fits both. */
#ifndef RESOLVE_OPTION_H
#define RESOLVE_OPTION_H

#include <trale/driver.h>

enum option {
    OPTION_SERVERS,
    OPTION_SEARCH,
    OPTION_NDOTS,
    OPTION_TIMEOUT,
    OPTION_TRIES,
    OPTION_QUERIES,
    OPTION_HOSTS,
    OPTION_RESOLV_CONF,
    N_OPTIONS
};

extern const struct trale_option resolve_options[N_OPTIONS + 1];

/* Logs what is wrong with an option's value, and returns -EINVAL. */
int option_refuse(const struct trale_host *host, const struct trale_settings *settings, enum option option,
                  const char *why);

#endif
