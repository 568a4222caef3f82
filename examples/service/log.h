/* SPDX-License-Identifier: MIT
 *
 * What a service says: lines on stderr that begin with "<N>", the priority, as journald understands them
 * (sd-daemon(3)); by hand they read as well. A service ignores SIGPIPE, which would end it when the reader of its
 * stderr has gone. */
#ifndef SERVICE_LOG_H
#define SERVICE_LOG_H

#include <stdint.h>
#include <syslog.h>

/* A key of the service's section: the least important messages that are written. Its value is for service_log_set. */
#define SERVICE_LOG_OPTION                                                                                             \
    {                                                                                                                  \
        .name = "log", .type = TRALE_OPTION_CHOICE, .choices = "error | warning | notice | info | debug",              \
        .default_value = "info", .help = "the least important messages that are written"                               \
    }

/* From 0, errors alone, to 4, all. [any thread] */
void service_log_set(int64_t level);

/* Writes a line of a priority from LOG_ERR to LOG_DEBUG (syslog(3)) by one write(2), if its priority is wanted. Bytes
 * that are not printable ASCII, which a peer may have sent, and backslashes are written as \xNN; what is longer than
 * 1,000 bytes is cut, and ends in "...". [any thread] */
__attribute__((format(printf, 2, 3))) void service_log(int priority, const char *format, ...);

/* The same for the messages of trale: a value of trale_options.log. */
void service_log_trale(void *data, uint32_t level, const char *source, const char *message);

#endif
