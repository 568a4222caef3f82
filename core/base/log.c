/* SPDX-License-Identifier: MIT */
#include "core/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <trale/trale.h>

void log_say(const struct log *log, uint32_t level, const char *source, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length >= (int)sizeof text)
        memcpy(text + sizeof text - 4, "...", 4);
    log->write(log->data, level, source, text);
}

void log_to_stderr(void *data, uint32_t level, const char *source, const char *message)
{
    (void)data;
    if (level <= TRALE_LOG_WARNING)
        fprintf(stderr, "%s: %s\n", source, message);
}
