/* SPDX-License-Identifier: MIT */
#include "core/config/advice.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Texts that are longer get no advice. */
#define TEXT_MAX 64

size_t advice_distance(const char *a, const char *b)
{
    size_t row[64];
    size_t length = strlen(b);
    if (length > 63 || strlen(a) > 63)
        return SIZE_MAX;
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t least = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < least)
                least = row[j] + 1;
            if (row[j - 1] + 1 < least)
                least = row[j - 1] + 1;
            row[j] = least;
        }
    }
    return row[length];
}

static bool is_value(const struct trale_option *option, const char *text)
{
    int64_t integer;
    int r = option_parse(option, text, &integer);
    return r == 0 || r == -ERANGE;
}

/* Changes all letters to capitals or to small letters. */
static void change_case(char *text, int (*change)(int))
{
    for (; *text != '\0'; text++)
        *text = (char)change((unsigned char)*text);
}

/* Whether another spelling of the text is a value: without blanks, in capitals or in small letters. */
static bool respell(const struct trale_option *option, const char *text, char buf[OPTION_TEXT])
{
    char squeezed[TEXT_MAX], spelling[TEXT_MAX];
    size_t n = 0;
    for (const char *c = text; *c != '\0'; c++)
        if (*c != ' ' && *c != '\t')
            squeezed[n++] = *c;
    squeezed[n] = '\0';
    int (*const changes[])(int) = {NULL, tolower, toupper};
    for (size_t i = 0; i < 3; i++) {
        strcpy(spelling, squeezed);
        if (changes[i] != NULL)
            change_case(spelling, changes[i]);
        if (!is_value(option, spelling))
            continue;
        bool had_blanks = strcmp(squeezed, text) != 0, has_case = strcmp(squeezed, spelling) != 0;
        snprintf(buf, OPTION_TEXT, "%s%s%s, write %s", had_blanks ? "it has a blank inside" : "",
                 had_blanks && has_case ? " and " : "", has_case ? "capitals and small letters differ" : "", spelling);
        return true;
    }
    return false;
}

/* About a number with an unknown unit, or without one. */
static const char *advise_quantity(const struct trale_option *option, const char *text, char buf[OPTION_TEXT])
{
    bool is_size = option->type == TRALE_OPTION_SIZE;
    size_t digits = strspn(text, "0123456789");
    const char *unit = text + digits + strspn(text + digits, " \t");
    if (text[0] == '-')
        return is_size ? "a size is not negative" : "a duration is not negative";
    if (digits == 0)
        return NULL;
    if (unit[0] == '.' && is_size)
        return "a size has no fraction";
    if (unit[0] == '.')
        unit += 1 + strspn(unit + 1, "0123456789");
    int length = (int)(unit - text);
    if (unit[0] == '\0' && !is_size)
        snprintf(buf, OPTION_TEXT, "it has no unit, write for example %sms", text);
    else if (is_size && (strcasecmp(unit + 1, "B") == 0 || strcasecmp(unit + 1, "iB") == 0) &&
             strchr("kKmMgG", unit[0]) != NULL)
        snprintf(buf, OPTION_TEXT, "there is no unit %s, write %.*s%c", unit, (int)digits, text,
                 toupper((unsigned char)unit[0]));
    else if (isalpha((unsigned char)unit[0]) || (unsigned char)unit[0] >= 0x80)
        snprintf(buf, OPTION_TEXT, "there is no unit %s, write %.*s with %s", unit, length, text,
                 is_size ? "K, M or G" : "ns, us, ms, s, min or h");
    else
        return NULL;
    return buf;
}

static const char *advise_choice(const struct trale_option *option, const char *text, char buf[OPTION_TEXT])
{
    size_t length, least = ADVICE_DISTANCE + 1;
    const char *choices = option->choices, *word;
    while ((word = option_next_choice(&choices, &length)) != NULL) {
        char choice[TEXT_MAX];
        snprintf(choice, sizeof choice, "%.*s", (int)length, word);
        size_t off = advice_distance(text, choice);
        if (off >= least || off >= length)
            continue;
        least = off;
        snprintf(buf, OPTION_TEXT, "did you mean %s?", choice);
    }
    return least <= ADVICE_DISTANCE ? buf : NULL;
}

const char *advice_value(const struct trale_option *option, const char *text, char buf[OPTION_TEXT])
{
    if (strlen(text) >= TEXT_MAX)
        return NULL;
    if (respell(option, text, buf))
        return buf;
    switch (option->type) {
    case TRALE_OPTION_SIZE:
    case TRALE_OPTION_DURATION:
        return advise_quantity(option, text, buf);
    case TRALE_OPTION_BOOLEAN:
        return strcmp(text, "1") == 0 ? "write yes" : strcmp(text, "0") == 0 ? "write no" : NULL;
    case TRALE_OPTION_CHOICE:
        return advise_choice(option, text, buf);
    default:
        return NULL;
    }
}
