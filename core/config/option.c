/* SPDX-License-Identifier: MIT */
#include "core/config/option.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trale/trale.h>

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit sizes[] = {{"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {NULL, 0}};
static const struct unit durations[] = {{"ns", 1},
                                        {"us", 1000},
                                        {"ms", 1000 * 1000},
                                        {"s", 1000 * 1000 * 1000},
                                        {"min", INT64_C(60) * 1000 * 1000 * 1000},
                                        {"h", INT64_C(3600) * 1000 * 1000 * 1000},
                                        {NULL, 0}};

const char *option_kind(const struct trale_option *option)
{
    static const char *const kinds[] = {
        [TRALE_OPTION_INTEGER] = "integer", [TRALE_OPTION_SIZE] = "size",     [TRALE_OPTION_DURATION] = "duration",
        [TRALE_OPTION_BOOLEAN] = "boolean", [TRALE_OPTION_CHOICE] = "choice", [TRALE_OPTION_TEXT] = "text",
    };
    return option->type < sizeof kinds / sizeof kinds[0] ? kinds[option->type] : NULL;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static int parse_integer(const char *text, int64_t *integer)
{
    const char *digits = text + (text[0] == '-');
    if (!isdigit((unsigned char)digits[0]))
        return -EINVAL;
    bool hexadecimal = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, hexadecimal ? 16 : 10); /* 010 is ten */
    if (*end != '\0')
        return -EINVAL;
    if (errno == ERANGE)
        return -ERANGE;
    *integer = value;
    return 0;
}

/* Digits, a fraction if that is allowed, and a unit; the fraction's digits count as far as the unit has them. */
static int parse_quantity(const char *text, const struct unit *units, bool fractions, int64_t *integer)
{
    const char *end = text;
    uint64_t whole = 0;
    bool too_large = false;
    for (; isdigit((unsigned char)*end); end++)
        too_large |= __builtin_mul_overflow(whole, 10u, &whole) ||
                     __builtin_add_overflow(whole, (uint64_t)(*end - '0'), &whole);
    if (end == text)
        return -EINVAL;
    const char *fraction = fractions && *end == '.' ? end + 1 : NULL;
    if (fraction != NULL)
        for (end = fraction; isdigit((unsigned char)*end); end++)
            ;
    if (fraction == end)
        return -EINVAL;
    if (*end == '\0' && whole == 0 && fraction == NULL && !too_large) {
        *integer = 0;
        return 0;
    }
    while (units->name != NULL && strcmp(units->name, end) != 0)
        units++;
    if (units->name == NULL)
        return -EINVAL;
    int64_t value, place = units->factor;
    if (too_large || whole > INT64_MAX || __builtin_mul_overflow((int64_t)whole, units->factor, &value))
        return -ERANGE;
    for (; fraction != NULL && fraction != end && place > 1; fraction++) {
        place /= 10;
        if (__builtin_add_overflow(value, (*fraction - '0') * place, &value))
            return -ERANGE;
    }
    *integer = value;
    return 0;
}

static int parse_boolean(const char *text, int64_t *integer)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(text, words[i]) == 0) {
            *integer = (int64_t)(i % 2);
            return 0;
        }
    }
    return -EINVAL;
}

const char *option_next_choice(const char **choices, size_t *length)
{
    const char *word = *choices + strspn(*choices, " |");
    *length = strcspn(word, " |");
    *choices = word + *length;
    return *length > 0 ? word : NULL;
}

static int parse_choice(const char *choices, const char *text, int64_t *integer)
{
    size_t length;
    const char *word;
    for (int64_t i = 0; (word = option_next_choice(&choices, &length)) != NULL; i++) {
        if (strlen(text) == length && memcmp(text, word, length) == 0) {
            *integer = i;
            return 0;
        }
    }
    return -EINVAL;
}

int option_parse(const struct trale_option *option, const char *text, int64_t *integer)
{
    int64_t value = 0;
    int r = -EINVAL;
    switch (option->type) {
    case TRALE_OPTION_INTEGER:
        r = parse_integer(text, &value);
        break;
    case TRALE_OPTION_SIZE:
        r = parse_quantity(text, sizes, false, &value);
        break;
    case TRALE_OPTION_DURATION:
        r = parse_quantity(text, durations, true, &value);
        break;
    case TRALE_OPTION_BOOLEAN:
        r = parse_boolean(text, &value);
        break;
    case TRALE_OPTION_CHOICE:
        r = parse_choice(option->choices, text, &value);
        break;
    case TRALE_OPTION_TEXT:
        r = 0;
        break;
    }
    if (r < 0)
        return r;
    bool has_range = option->type <= TRALE_OPTION_DURATION && (option->minimum != 0 || option->maximum != 0);
    if (has_range && (value < option->minimum || value > option->maximum))
        return -ERANGE;
    *integer = value;
    return 0;
}

/* --- words about them --------------------------------------------------------------------------------------------- */

static void write_quantity(char *buf, size_t size, int64_t value, const struct unit *units)
{
    const struct unit *best = units;
    for (; units->name != NULL; units++)
        if (value != 0 && value % units->factor == 0)
            best = units;
    snprintf(buf, size, "%lld%s", (long long)(value / best->factor), value != 0 ? best->name : "");
}

static void write_range(const struct trale_option *option, char *buf, size_t size)
{
    const struct unit *units = option->type == TRALE_OPTION_DURATION ? durations : sizes;
    char minimum[32], maximum[32];
    buf[0] = '\0';
    if (option->minimum == 0 && option->maximum == 0)
        return;
    if (option->type == TRALE_OPTION_INTEGER) {
        snprintf(buf, size, "%lld to %lld", (long long)option->minimum, (long long)option->maximum);
        return;
    }
    write_quantity(minimum, sizeof minimum, option->minimum, units);
    write_quantity(maximum, sizeof maximum, option->maximum, units);
    snprintf(buf, size, ", %s to %s", minimum, maximum);
}

static void write_choices(const char *choices, char *buf, size_t size)
{
    size_t length, used = 0;
    const char *word = option_next_choice(&choices, &length);
    for (const char *separator = ""; word != NULL && used < size;) {
        int n = snprintf(buf + used, size - used, "%s%.*s", separator, (int)length, word);
        used += n > 0 ? (size_t)n : 0;
        word = option_next_choice(&choices, &length);
        separator = choices[strspn(choices, " |")] == '\0' ? " or " : ", ";
    }
    if (used >= size)
        memcpy(buf + size - 4, "...", 4);
}

const char *option_allowed(const struct trale_option *option, char buf[OPTION_TEXT])
{
    char range[80];
    write_range(option, range, sizeof range);
    switch (option->type) {
    case TRALE_OPTION_INTEGER:
        snprintf(buf, OPTION_TEXT, "%s", range[0] != '\0' ? range : "an integer");
        break;
    case TRALE_OPTION_SIZE:
        snprintf(buf, OPTION_TEXT, "a size such as 4096, 64K or 8M%s", range);
        break;
    case TRALE_OPTION_DURATION:
        snprintf(buf, OPTION_TEXT, "a duration such as 500us, 20ms or 1.5s%s", range);
        break;
    case TRALE_OPTION_BOOLEAN:
        snprintf(buf, OPTION_TEXT, "yes, no, true, false, on or off");
        break;
    case TRALE_OPTION_CHOICE:
        write_choices(option->choices, buf, OPTION_TEXT);
        break;
    default:
        snprintf(buf, OPTION_TEXT, "text");
    }
    return buf;
}

/* --- schemas ------------------------------------------------------------------------------------------------------ */

const char *const option_runtime_keys[] = {"path", "over", NULL};

static const char *option_flaw(const struct trale_option *option, const char *const *also)
{
    int64_t integer;
    if (option->name[0] == '\0' || option->name[strspn(option->name, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '\0')
        return "its name is not of lower case letters, digits and '_'";
    if (strlen(option->name) > 49)
        return "its name has more than 49 bytes";
    for (const char *const *key = also; key != NULL && *key != NULL; key++)
        if (strcmp(option->name, *key) == 0)
            return "its name is a key of the runtime's";
    if (option_kind(option) == NULL)
        return "its type is unknown";
    if (option->minimum > option->maximum)
        return "its range is empty";
    if (option->type == TRALE_OPTION_CHOICE &&
        (option->choices == NULL || option->choices[strspn(option->choices, " |")] == '\0'))
        return "it has no choices";
    if (option->default_value != NULL && option_parse(option, option->default_value, &integer) < 0)
        return "its default is not a value that it allows";
    return NULL;
}

static bool is_repeated(const struct trale_option *options, size_t i, const char *name)
{
    while (i-- > 0)
        if (strcmp(options[i].name, name) == 0)
            return true;
    return false;
}

int option_check_schema(const struct trale_option *options, const char *const *also, char why[OPTION_TEXT])
{
    for (size_t i = 0; i < 1024; i++) {
        if (options[i].name == NULL)
            return (int)i;
        const char *flaw = option_flaw(&options[i], also);
        if (flaw == NULL && is_repeated(options, i, options[i].name))
            flaw = "an option before it has the same name";
        if (flaw != NULL) {
            snprintf(why, OPTION_TEXT, "the option '%s' in its description is wrong: %s", options[i].name, flaw);
            return -EINVAL;
        }
    }
    snprintf(why, OPTION_TEXT, "the options in its description have no end");
    return -EINVAL;
}
