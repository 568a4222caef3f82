/* SPDX-License-Identifier: MIT */
#include "option.h"

#include <errno.h>
#include <stdio.h>

#include <trale/trale.h>

#define SECOND INT64_C(1000000000)

const struct trale_option resolve_options[N_OPTIONS + 1] = {
    [OPTION_SERVERS] = {.name = "servers",
                        .type = TRALE_OPTION_TEXT,
                        .default_value = "",
                        .help = "addresses of name servers, with or without a port; empty: those of resolv_conf"},
    [OPTION_SEARCH] = {.name = "search",
                       .type = TRALE_OPTION_TEXT,
                       .default_value = "",
                       .help = "domains for names with few dots; '.': none; empty: those of resolv_conf"},
    [OPTION_NDOTS] = {.name = "ndots",
                      .type = TRALE_OPTION_INTEGER,
                      .minimum = -1,
                      .maximum = 15,
                      .default_value = "-1",
                      .help = "names with fewer dots are looked for in `search` first; -1: as in resolv_conf"},
    [OPTION_TIMEOUT] = {.name = "timeout",
                        .type = TRALE_OPTION_DURATION,
                        .minimum = SECOND / 1000,
                        .maximum = 60 * SECOND,
                        .default_value = "2s",
                        .help = "how long a server has for its answer; doubles with each of the tries"},
    [OPTION_TRIES] = {.name = "tries",
                      .type = TRALE_OPTION_INTEGER,
                      .minimum = 1,
                      .maximum = 10,
                      .default_value = "3",
                      .help = "how often each server is asked"},
    [OPTION_QUERIES] = {.name = "queries",
                        .type = TRALE_OPTION_INTEGER,
                        .minimum = 1,
                        .maximum = 10000,
                        .default_value = "256",
                        .help = "how many questions, each with a socket, are in flight at once; others wait"},
    [OPTION_HOSTS] = {.name = "hosts",
                      .type = TRALE_OPTION_TEXT,
                      .default_value = "/etc/hosts",
                      .help = "the hosts file, read by each lookup; empty: none"},
    [OPTION_RESOLV_CONF] = {.name = "resolv_conf",
                            .type = TRALE_OPTION_TEXT,
                            .default_value = "/etc/resolv.conf",
                            .help = "the system's servers and search list, read again when it has changed"},
    [N_OPTIONS] = {.name = NULL},
};

int option_refuse(const struct trale_host *host, const struct trale_settings *settings, enum option option,
                  const char *why)
{
    char message[400];
    const struct trale_value *value = &settings->values[option];
    snprintf(message, sizeof message, "%s:%u: [%s] %s = %.200s: %s", settings->file, value->line, settings->section,
             resolve_options[option].name, value->text, why);
    host->log(host->context, TRALE_LOG_ERROR, message);
    return -EINVAL;
}
