/* SPDX-License-Identifier: MIT
 *
 * Where messages go: the application's hook, handed down to whoever may have something to say. */
#ifndef CORE_BASE_LOG_H
#define CORE_BASE_LOG_H

#include <stdint.h>

struct log {
    void (*write)(void *data, uint32_t level, const char *source, const char *message);
    void *data;
};

/* Formats one message, of up to 1,023 bytes, and hands it on; longer ones end in "...". [any thread] */
__attribute__((format(printf, 4, 5))) void log_say(const struct log *log, uint32_t level, const char *source,
                                                   const char *format, ...);

/* The default hook: errors and warnings on stderr, "source: message", a line each. `data` is unused. */
void log_to_stderr(void *data, uint32_t level, const char *source, const char *message);

#endif
