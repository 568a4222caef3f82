/* SPDX-License-Identifier: MIT */
#include "option.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trale/trale.h>

#define SECOND_NS INT64_C(1000000000)

const struct trale_option sim_options[N_OPTIONS + 1] = {
    [OPTION_SEED] = {.name = "seed",
                     .type = TRALE_OPTION_INTEGER,
                     .maximum = INT64_MAX,
                     .default_value = "1",
                     .help = "all that is left to chance is drawn from this number"},
    [OPTION_ADDRESS] = {.name = "address",
                        .type = TRALE_OPTION_TEXT,
                        .default_value = "10.0.0.1",
                        .help = "the host of tasks that have bound no address of a host"},
    [OPTION_LATENCY] = {.name = "latency",
                        .type = TRALE_OPTION_DURATION,
                        .maximum = 3600 * SECOND_NS,
                        .default_value = "1ms",
                        .help = "how long a datagram takes from host to host"},
    [OPTION_JITTER] = {.name = "jitter",
                       .type = TRALE_OPTION_DURATION,
                       .maximum = 3600 * SECOND_NS,
                       .default_value = "0",
                       .help = "by how much that varies in both directions"},
    [OPTION_LOSS] = {.name = "loss",
                     .type = TRALE_OPTION_TEXT,
                     .default_value = "0%",
                     .help = "how many datagrams are lost on their way"},
    [OPTION_DUPLICATE] = {.name = "duplicate",
                          .type = TRALE_OPTION_TEXT,
                          .default_value = "0%",
                          .help = "how many datagrams arrive twice"},
    [OPTION_REORDER] = {.name = "reorder",
                        .type = TRALE_OPTION_TEXT,
                        .default_value = "0%",
                        .help = "how many datagrams are held back, so that others overtake them"},
    [OPTION_CORRUPT] = {.name = "corrupt",
                        .type = TRALE_OPTION_TEXT,
                        .default_value = "0%",
                        .help = "how many datagrams lose a bit, and are lost by their checksums"},
    [OPTION_MTU] = {.name = "mtu",
                    .type = TRALE_OPTION_INTEGER,
                    .minimum = 68,
                    .maximum = 65535,
                    .default_value = "1500",
                    .help = "the largest packet between hosts, with the headers of IP and UDP"},
    [OPTION_BANDWIDTH] = {.name = "bandwidth",
                          .type = TRALE_OPTION_SIZE,
                          .maximum = INT64_C(1) << 40,
                          .default_value = "0",
                          .help = "bytes a second from one host to another; 0: no limit"},
    [OPTION_QUEUE] = {.name = "queue",
                      .type = TRALE_OPTION_SIZE,
                      .maximum = INT64_C(1) << 40,
                      .default_value = "0",
                      .help = "bytes that may wait for the bandwidth; 0: only send buffers limit them"},
    [OPTION_RECEIVE_BUFFER] = {.name = "receive_buffer",
                               .type = TRALE_OPTION_SIZE,
                               .maximum = INT64_C(1) << 30,
                               .default_value = "0",
                               .help = "of new sockets, as in [driver:udp]; 0 and the largest are 208K"},
    [OPTION_SEND_BUFFER] = {.name = "send_buffer",
                            .type = TRALE_OPTION_SIZE,
                            .maximum = INT64_C(1) << 30,
                            .default_value = "0",
                            .help = "of new sockets, as in [driver:udp]; 0 and the largest are 208K"},
    [OPTION_BACKLOG] = {.name = "backlog",
                        .type = TRALE_OPTION_INTEGER,
                        .minimum = 1,
                        .maximum = 4096,
                        .default_value = "4096",
                        .help = "how many connections of a new listener may wait for an accept"},
    [OPTION_SWARM] = {.name = "swarm",
                      .type = TRALE_OPTION_BOOLEAN,
                      .default_value = "no",
                      .help = "whether faults are drawn from the seed, and which kinds, and how strong"},
    [OPTION_FAULTS] = {.name = "faults",
                       .type = TRALE_OPTION_TEXT,
                       .default_value = "all",
                       .help = "the kinds that may be drawn: all, none, or words of drivers/sim/faults/scenario.h"},
    [OPTION_FAULTS_FOR] = {.name = "faults_for",
                           .type = TRALE_OPTION_DURATION,
                           .maximum = INT64_MAX / 4,
                           .default_value = "10s",
                           .help = "for how long there are faults; then it is quiet"},
    [OPTION_SCENARIO] = {.name = "scenario",
                         .type = TRALE_OPTION_TEXT,
                         .default_value = "",
                         .help = "a file with a list of faults, in place of those that are drawn"},
    [OPTION_SCENARIO_OUT] = {.name = "scenario_out",
                             .type = TRALE_OPTION_TEXT,
                             .default_value = "",
                             .help = "a file for the list of the run's faults, from which it can be run again"},
    [OPTION_START_TIME] = {.name = "start_time",
                           .type = TRALE_OPTION_TEXT,
                           .default_value = "2030-01-01T00:00:00Z",
                           .help = "the time of day when the world begins (RFC 3339)"},
    [OPTION_CLOCK] = {.name = "clock",
                      .type = TRALE_OPTION_CHOICE,
                      .choices = "monotonic | boottime | realtime",
                      .default_value = "monotonic",
                      .help = "what deadlines are measured on, as in [driver:timer]"},
    [OPTION_SLACK] = {.name = "slack",
                      .type = TRALE_OPTION_DURATION,
                      .maximum = SECOND_NS,
                      .default_value = "0",
                      .help = "how late sleeps may end, as in [driver:timer]"},
    [OPTION_SIGNALS] = {.name = "signals",
                        .type = TRALE_OPTION_TEXT,
                        .default_value = "TERM INT",
                        .help = "those that can be awaited, as in [driver:signal]"},
    [OPTION_BLOCKING_THREADS] = {.name = "blocking_threads",
                                 .type = TRALE_OPTION_INTEGER,
                                 .minimum = 1,
                                 .maximum = 256,
                                 .default_value = "4",
                                 .help =
                                     "how many functions that block run at once, as `threads` in [driver:blocking]"},
    [OPTION_BLOCKING_TIME] = {.name = "blocking_time",
                              .type = TRALE_OPTION_DURATION,
                              .maximum = 3600 * SECOND_NS,
                              .default_value = "1ms",
                              .help = "how long a function that blocks takes, in the world's time"},
    [OPTION_TIME_LIMIT] = {.name = "time_limit",
                           .type = TRALE_OPTION_DURATION,
                           .maximum = INT64_MAX / 2,
                           .default_value = "0",
                           .help = "when all tasks are aborted, in the world's time since it began; 0: never"},
    [OPTION_EVENTS] = {.name = "events",
                       .type = TRALE_OPTION_TEXT,
                       .default_value = "",
                       .help = "a file for a line on each event; drivers/sim/world/log.h describes them"},
    [OPTION_EVENTS_LIMIT] = {.name = "events_limit",
                             .type = TRALE_OPTION_SIZE,
                             .maximum = INT64_C(1) << 50,
                             .default_value = "1G",
                             .help =
                                 "how large the file of events may become; the run goes on without it; 0: no limit"},
    [OPTION_CAPTURE] = {.name = "capture",
                        .type = TRALE_OPTION_BOOLEAN,
                        .default_value = "no",
                        .help = "whether the lines on datagrams have their payload"},
    [OPTION_CHAINS] = {.name = "chains",
                       .type = TRALE_OPTION_BOOLEAN,
                       .default_value = "no",
                       .help = "whether the lines on polls have the async backtrace of the task"},
    [OPTION_REPORT] = {.name = "report",
                       .type = TRALE_OPTION_TEXT,
                       .default_value = "",
                       .help = "a file for the outcome, the hash and the counts (trale/sim_report.h)"},
    [OPTION_SETTLE] = {.name = "settle",
                       .type = TRALE_OPTION_DURATION,
                       .maximum = INT64_MAX / 2,
                       .default_value = "0",
                       .help =
                           "within this time after `faults_for` the program must end or report success; 0: no limit"},
    [OPTION_WORLD] = {.name = "world",
                      .type = TRALE_OPTION_TEXT,
                      .default_value = "",
                      .help = "a file for a world that several programs share; a new one for each run"},
    [OPTION_PROGRAMS] = {.name = "programs",
                         .type = TRALE_OPTION_INTEGER,
                         .minimum = 1,
                         .maximum = 64,
                         .default_value = "1",
                         .help = "how many programs share `world`"},
    [OPTION_PROGRAM] = {.name = "program",
                        .type = TRALE_OPTION_INTEGER,
                        .minimum = 1,
                        .maximum = 64,
                        .default_value = "1",
                        .help = "which of them this one is; of programs that can go on, the lowest does"},
    [OPTION_SERVES] =
        {.name = "serves",
         .type = TRALE_OPTION_BOOLEAN,
         .default_value = "no",
         .help = "whether this program of `world` runs until SIGTERM, which it gets when all others have ended"},
    [OPTION_STOP_WITHIN] = {.name = "stop_within",
                            .type = TRALE_OPTION_DURATION,
                            .minimum = 1,
                            .maximum = INT64_MAX / 2,
                            .default_value = "90s",
                            .help = "within this time after SIGTERM programs that serve must have ended"},
    [OPTION_CANCEL_TASK] = {.name = "cancel_task",
                            .type = TRALE_OPTION_TEXT,
                            .default_value = "",
                            .help = "the name of a task (or of several) whose awaits are counted"},
    [OPTION_CANCEL_AWAIT] = {.name = "cancel_await",
                             .type = TRALE_OPTION_INTEGER,
                             .maximum = INT64_MAX,
                             .default_value = "0",
                             .help = "the await, from 1, at which that task is aborted; 0: at none"},
    [OPTION_REPLAY] = {.name = "replay",
                       .type = TRALE_OPTION_TEXT,
                       .default_value = "",
                       .help = "a file of [driver:record]: the program gets from it what it got then"},
    [N_OPTIONS] = {.name = NULL},
};

int option_refuse(const struct trale_host *host, const struct trale_settings *settings, enum option option,
                  const char *why)
{
    char message[512];
    const struct trale_value *value = &settings->values[option];
    snprintf(message, sizeof message, "%s:%u: [%s] %s = %s: %s", settings->file, value->line, settings->section,
             sim_options[option].name, value->text, why);
    host->log(host->context, TRALE_LOG_ERROR, message);
    return -EINVAL;
}

/* --- a time of day ------------------------------------------------------------------------------------------------ */

/* Reads `n_digits` digits and the character behind them, one of `ends`; returns that, or 0. */
static char parse_part(const char **text, int n_digits, const char *ends, int64_t minimum, int64_t maximum,
                       int64_t *number)
{
    *number = 0;
    for (int i = 0; i < n_digits; i++, (*text)++) {
        if (**text < '0' || **text > '9')
            return 0;
        *number = 10 * *number + **text - '0';
    }
    if (*number < minimum || *number > maximum || **text == '\0' || strchr(ends, **text) == NULL)
        return 0;
    return *(*text)++;
}

/* Days since 1970-01-01, by the rules of the Gregorian calendar. */
static int64_t days_before(int64_t year, int64_t month, int64_t day)
{
    static const int64_t before_month[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t last = month > 2 ? year : year - 1; /* the last year whose leap day has come */
    int64_t n_leap_days = last / 4 - last / 100 + last / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
    return (year - 1970) * 365 + n_leap_days + before_month[month - 1] + day - 1;
}

static int64_t days_of_month(int64_t year, int64_t month)
{
    return month == 12 ? 31 : days_before(year, month + 1, 1) - days_before(year, month, 1);
}

/* "+01:00" behind the sign: seconds. */
static bool parse_zone(const char *text, int64_t *zone)
{
    int64_t hours, minutes;
    const char *digits = text;
    char end[] = "00_";
    if (parse_part(&digits, 2, ":", 0, 23, &hours) == 0 || strlen(digits) != 2)
        return false;
    memcpy(end, digits, 2);
    digits = end;
    if (parse_part(&digits, 2, "_", 0, 59, &minutes) == 0)
        return false;
    *zone = hours * 3600 + minutes * 60;
    return true;
}

int option_parse_time(const char *text, uint64_t *time_ns)
{
    int64_t year, month, day, hour, minute, second, zone = 0, fraction = 0;
    if (parse_part(&text, 4, "-", 1970, 2262, &year) == 0 || parse_part(&text, 2, "-", 1, 12, &month) == 0 ||
        parse_part(&text, 2, "Tt ", 1, days_of_month(year, month), &day) == 0 ||
        parse_part(&text, 2, ":", 0, 23, &hour) == 0 || parse_part(&text, 2, ":", 0, 59, &minute) == 0)
        return -EINVAL;
    char end = parse_part(&text, 2, ".Zz+-", 0, 60, &second);
    if (end == '.') {
        int64_t place = SECOND_NS / 10, n_digits = 0;
        for (; *text >= '0' && *text <= '9'; text++, place /= 10, n_digits++)
            fraction += place * (*text - '0');
        end = n_digits > 0 && *text != '\0' && strchr("Zz+-", *text) != NULL ? *text++ : '\0';
    }
    if (end == '\0' || (end == '+' || end == '-' ? !parse_zone(text, &zone) : text[0] != '\0'))
        return -EINVAL;
    int64_t seconds = days_before(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    seconds -= end == '-' ? -zone : zone;
    if (seconds < 0 || seconds >= INT64_MAX / SECOND_NS)
        return -EINVAL;
    *time_ns = (uint64_t)(seconds * SECOND_NS + fraction);
    return 0;
}
