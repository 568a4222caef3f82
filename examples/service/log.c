/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1000

static _Atomic int highest = LOG_INFO;

void service_log_set(int64_t level)
{
    highest = LOG_ERR + (int)level;
}

static void write_line(int priority, const char *text, bool is_cut)
{
    char line[LINE_MAX_BYTES + 16];
    size_t n = (size_t)snprintf(line, sizeof line, "<%d>", priority), end = LINE_MAX_BYTES;
    for (; *text != '\0'; text++) {
        bool is_printable = *text >= ' ' && *text <= '~' && *text != '\\';
        if (n + (is_printable ? 1 : 4) > end) {
            is_cut = true;
            break;
        }
        if (is_printable)
            line[n++] = *text;
        else
            n += (size_t)snprintf(line + n, 5, "\\x%02x", (unsigned char)*text);
    }
    if (is_cut) {
        memcpy(line + n, "...", 3);
        n += 3;
    }
    line[n++] = '\n';
    if (write(STDERR_FILENO, line, n) < 0)
        return; /* stderr is closed: there is no other place to say so */
}

void service_log(int priority, const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    if (priority > highest)
        return;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length >= 0)
        write_line(priority, text, length >= (int)sizeof text);
}

void service_log_trale(void *data, uint32_t level, const char *source, const char *message)
{
    static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
    (void)data;
    service_log(priorities[level < 4 ? level : 3], "%s: %s", source, message);
}
