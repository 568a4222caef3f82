/* SPDX-License-Identifier: MIT */
#include "core/command/simulate_value.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "core/config/option.h"

int simulate_complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("trale simulate: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("\ntrale simulate: see trale simulate --help\n", stderr);
    va_end(arguments);
    return -1;
}

bool simulate_value_number(const char *text, int64_t *number, const char **rest)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    *rest = end;
    *number = value;
    return text[0] >= '0' && text[0] <= '9' && errno == 0 && value < INT64_MAX;
}

int simulate_value_count(unsigned *count, unsigned least, unsigned most, const char *name, const char *text)
{
    const char *rest;
    int64_t number;
    if (!simulate_value_number(text, &number, &rest) || *rest != '\0' || number < least || number > most)
        return simulate_complain("%s %s: not allowed; allowed: %u to %u", name, text, least, most);
    *count = (unsigned)number;
    return 0;
}

int simulate_value_choice(const char *name, const char *text, const char *const *words, int n_words,
                          const char *allowed)
{
    for (int i = 0; i < n_words; i++)
        if (strcasecmp(text, words[i]) == 0)
            return i;
    simulate_complain("%s %s: not one of %s", name, text, allowed);
    return -1;
}

int simulate_value_duration(const char *name, const char *text, int64_t *ns)
{
    const struct trale_option option = {.name = name, .type = TRALE_OPTION_DURATION};
    int r = option_parse(&option, text, ns);
    if (r == 0 && *ns > 0)
        return 0;
    return simulate_complain("%s %s: not a time; allowed is a number with a unit, such as 500ms, 10s, 2min or 1h", name,
                             text);
}
