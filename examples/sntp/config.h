/* SPDX-License-Identifier: MIT
 *
 * The settings of the SNTP server: [application:sntp] in trale.ini. */
#ifndef SNTP_CONFIG_H
#define SNTP_CONFIG_H

#include <trale/address.h>
#include <trale/settings.h>

#include "packet.h"

#define SNTP_LISTENERS_MAX 16

struct sntp_config {
    struct trale_address listen[SNTP_LISTENERS_MAX];
    size_t n_listen;
    struct sntp_clock clock; /* but for `reference` */
    uint64_t rate_interval_ns, rate_burst;
    uint64_t n_clients;
    int64_t log;
};

/* Reads them. Each mistake is a message. 0, or an error of trale_settings_read, and *config stays as it was. */
int sntp_config_read(struct sntp_config *config, const struct trale_options *options);

#endif
