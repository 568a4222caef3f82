/* SPDX-License-Identifier: MIT
 *
 * Where messages go: the application's hook, handed down to every part that has messages. */
#ifndef CORE_BASE_LOG_H
#define CORE_BASE_LOG_H

#include <stdarg.h>
#include <stdint.h>

/* The place in a configuration that a message is about. Members that are NULL or 0 are left out. */
struct log_place {
    const char *file;
    uint32_t line;
    const char *section, *key;
    const char *value; /* shown behind the key; at most 200 bytes of it */
};

struct log {
    void (*write)(void *data, uint32_t level, const char *source, const char *message);
    void *data;
    /* Called instead, if it is set, with messages that have a place; `message` names the place as well. */
    void (*write_at)(void *data, uint32_t level, const struct log_place *place, const char *message);
};

/* Formats one message and hands it on, with control characters and what is not UTF-8 as \xNN. A message of more than
 * 1,023 bytes needs memory; if there is none it is cut, and ends in "...". [any thread] */
__attribute__((format(printf, 4, 5))) void log_say(const struct log *log, uint32_t level, const char *source,
                                                   const char *format, ...);

/* The same for a message of trale's about a place: "file:line: [section] key = value: message". */
__attribute__((format(printf, 4, 5))) void log_say_at(const struct log *log, uint32_t level,
                                                      const struct log_place *place, const char *format, ...);

/* The same for a message that names the place in words of its own: nothing is written in front. */
__attribute__((format(printf, 4, 5))) void log_say_about(const struct log *log, uint32_t level,
                                                         const struct log_place *place, const char *format, ...);

/* The default hook: errors and warnings on stderr, "source: message", a line each. `data` is unused. */
void log_to_stderr(void *data, uint32_t level, const char *source, const char *message);

#endif
