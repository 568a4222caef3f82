/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <trale/timer.h>

#include "../service/log.h"

enum {
    LISTEN,
    STRATUM,
    REFERENCE_ID,
    LEAP,
    PRECISION,
    ROOT_DELAY,
    ROOT_DISPERSION,
    RATE_INTERVAL,
    RATE_BURST,
    CLIENTS,
    LOG,
    N_KEYS
};

static const struct trale_option keys[] = {
    [LISTEN] = {.name = "listen",
                .type = TRALE_OPTION_TEXT,
                .default_value = "0.0.0.0:123, [::]:123",
                .help = "the addresses, if no service manager passes sockets"},
    [STRATUM] = {.name = "stratum",
                 .type = TRALE_OPTION_INTEGER,
                 .minimum = 1,
                 .maximum = SNTP_STRATUM_MAX,
                 .default_value = "10",
                 .help = "1: this host has a reference clock; else one more than its server's"},
    [REFERENCE_ID] = {.name = "reference_id",
                      .type = TRALE_OPTION_TEXT,
                      .default_value = "LOCL",
                      .help = "up to four letters, or the IPv4 address of the server that this host follows"},
    [LEAP] = {.name = "leap",
              .type = TRALE_OPTION_CHOICE,
              .choices = "none | insert | delete | unsynchronized", /* in the order of the numbers on the wire */
              .default_value = "none",
              .help = "whether a second is inserted or deleted at the end of the day; or no client uses the answers"},
    [PRECISION] = {.name = "precision",
                   .type = TRALE_OPTION_INTEGER,
                   .minimum = -32,
                   .maximum = 0,
                   .default_value = "-20",
                   .help = "of the clock in seconds, as a power of two: -20 is a microsecond"},
    [ROOT_DELAY] = {.name = "root_delay",
                    .type = TRALE_OPTION_DURATION,
                    .maximum = 1000 * (int64_t)TRALE_SECOND,
                    .default_value = "0",
                    .help = "the round trip to the reference clock"},
    [ROOT_DISPERSION] = {.name = "root_dispersion",
                         .type = TRALE_OPTION_DURATION,
                         .maximum = 1000 * (int64_t)TRALE_SECOND,
                         .default_value = "10ms",
                         .help = "how far the clock may be from the reference clock"},
    [RATE_INTERVAL] = {.name = "rate_interval",
                       .type = TRALE_OPTION_DURATION,
                       .maximum = 3600 * (int64_t)TRALE_SECOND,
                       .default_value = "1s",
                       .help = "how often a client is answered, in the long run; 0: no limit"},
    [RATE_BURST] = {.name = "rate_burst",
                    .type = TRALE_OPTION_INTEGER,
                    .minimum = 1,
                    .maximum = 1000,
                    .default_value = "16",
                    .help = "how many answers a client gets at once"},
    [CLIENTS] = {.name = "clients",
                 .type = TRALE_OPTION_INTEGER,
                 .minimum = 1,
                 .maximum = 1 << 24,
                 .default_value = "65536",
                 .help = "of how many clients the rate is known at once, 16 bytes each"},
    [LOG] = SERVICE_LOG_OPTION,
    [N_KEYS] = {.name = NULL},
};

static int refuse(const struct trale_settings *settings, int key, const char *reason)
{
    const struct trale_value *value = &settings->values[key];
    service_log(LOG_ERR, "%s:%u: [%s] %s = %s: %s", settings->file, value->line, settings->section, keys[key].name,
                value->text, reason);
    return -EINVAL;
}

/* A list of addresses with commas or blanks between them. */
static int read_addresses(struct sntp_config *config, const struct trale_settings *settings)
{
    static const char separators[] = ", \t";
    const char *word = settings->values[LISTEN].text;
    while (*(word += strspn(word, separators)) != '\0') {
        char text[TRALE_ADDRESS_TEXT] = "";
        size_t length = strcspn(word, separators);
        if (config->n_listen == SNTP_LISTENERS_MAX)
            return refuse(settings, LISTEN, "more than 16 addresses");
        if (length < sizeof text)
            memcpy(text, word, length);
        if (trale_address_parse(text, &config->listen[config->n_listen++]) < 0)
            return refuse(settings, LISTEN, "not addresses such as 192.0.2.1:123, [2001:db8::1]:123");
        word += length;
    }
    return config->n_listen > 0 ? 0 : refuse(settings, LISTEN, "no address");
}

static int read_reference_id(struct sntp_config *config, const struct trale_settings *settings)
{
    const char *text = settings->values[REFERENCE_ID].text;
    size_t length = strlen(text);
    if (inet_pton(AF_INET, text, config->clock.reference_id) == 1)
        return 0;
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~')
            length = 5;
    if (length < 1 || length > 4)
        return refuse(settings, REFERENCE_ID, "neither 1 to 4 letters nor an IPv4 address");
    memcpy(config->clock.reference_id, text, length);
    return 0;
}

/* The least power of two in seconds that is not shorter. */
static uint8_t poll_of(uint64_t interval_ns)
{
    uint8_t poll = 0;
    while (TRALE_SECOND << poll < interval_ns)
        poll++;
    return poll;
}

int sntp_config_read(struct sntp_config *config, const struct trale_options *options)
{
    struct trale_settings *settings;
    int r = trale_settings_read(&settings, "sntp", keys, options);
    if (r < 0)
        return r;
    const struct trale_value *values = settings->values;
    struct sntp_config found = {
        .clock = {.leap = (uint8_t)values[LEAP].integer,
                  .stratum = (uint8_t)values[STRATUM].integer,
                  .precision = (int8_t)values[PRECISION].integer,
                  .poll = poll_of((uint64_t)values[RATE_INTERVAL].integer),
                  .root_delay = sntp_short((uint64_t)values[ROOT_DELAY].integer),
                  .root_dispersion = sntp_short((uint64_t)values[ROOT_DISPERSION].integer)},
        .rate_interval_ns = (uint64_t)values[RATE_INTERVAL].integer,
        .rate_burst = (uint64_t)values[RATE_BURST].integer,
        .n_clients = (uint64_t)values[CLIENTS].integer,
        .log = values[LOG].integer,
    };
    r = read_addresses(&found, settings);
    int result = read_reference_id(&found, settings);
    r = r < 0 ? r : result;
    if (r == 0)
        *config = found;
    trale_settings_free(settings);
    return r;
}
