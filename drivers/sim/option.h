/* SPDX-License-Identifier: MIT
 *
 * The options of [driver:sim]. */
#ifndef SIM_OPTION_H
#define SIM_OPTION_H

#include <trale/driver.h>

/* New ones are added before N_OPTIONS, and to the table in option.c. */
enum option {
    OPTION_SEED,
    OPTION_ADDRESS,
    OPTION_LATENCY,
    OPTION_JITTER,
    OPTION_LOSS,
    OPTION_DUPLICATE,
    OPTION_REORDER,
    OPTION_CORRUPT,
    OPTION_MTU,
    OPTION_BANDWIDTH,
    OPTION_QUEUE,
    OPTION_RECEIVE_BUFFER,
    OPTION_SEND_BUFFER,
    OPTION_BACKLOG,
    OPTION_SWARM,
    OPTION_FAULTS,
    OPTION_FAULTS_FOR,
    OPTION_SCENARIO,
    OPTION_SCENARIO_OUT,
    OPTION_START_TIME,
    OPTION_CLOCK,
    OPTION_SLACK,
    OPTION_SIGNALS,
    OPTION_BLOCKING_THREADS,
    OPTION_BLOCKING_TIME,
    OPTION_TIME_LIMIT,
    OPTION_EVENTS,
    OPTION_EVENTS_LIMIT,
    OPTION_CAPTURE,
    OPTION_CHAINS,
    OPTION_REPORT,
    OPTION_SETTLE,
    OPTION_WORLD,
    OPTION_PROGRAMS,
    OPTION_PROGRAM,
    OPTION_SERVES,
    OPTION_STOP_WITHIN,
    OPTION_CANCEL_TASK,
    OPTION_CANCEL_AWAIT,
    OPTION_REPLAY,
    N_OPTIONS,
};

extern const struct trale_option sim_options[N_OPTIONS + 1];

/* The value of an option as a number, and as text; an empty text is NULL. */
static inline int64_t option_integer(const struct trale_settings *settings, enum option option)
{
    return settings->values[option].integer;
}

static inline const char *option_text(const struct trale_settings *settings, enum option option)
{
    const char *text = settings->values[option].text;
    return text[0] != '\0' ? text : NULL;
}

/* Says in the log why the value of an option is refused: "FILE:LINE: [driver:sim] seed = x: WHY". Returns -EINVAL. */
int option_refuse(const struct trale_host *host, const struct trale_settings *settings, enum option option,
                  const char *why);

/* Reads a time of day as RFC 3339 writes it, such as 2026-01-31T23:59:60.25+01:00, into nanoseconds since 1970 in
 * UTC. 0, or -EINVAL: it is none, or not between 1970 and 2262. */
int option_parse_time(const char *text, uint64_t *time_ns);

#endif
