/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1 /* sigabbrev_np(3) */

#include "scenario_value.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* A decimal number times `scale`, such as 1.75; more digits than the scale has are refused, for they would be lost. Up
 * to the first byte that is no part of it: its length, 0: there is none. */
static size_t read_decimal(const char *word, size_t length, uint64_t scale, uint64_t *value)
{
    uint64_t whole = 0, part = 0, unit = scale;
    size_t i = 0;
    for (; i < length && word[i] >= '0' && word[i] <= '9'; i++)
        if (__builtin_mul_overflow(whole, UINT64_C(10), &whole) ||
            __builtin_add_overflow(whole, (uint64_t)(word[i] - '0'), &whole))
            return 0;
    if (i == 0 || __builtin_mul_overflow(whole, scale, &whole))
        return 0;
    if (i < length && word[i] == '.') {
        size_t begin = ++i;
        for (; i < length && word[i] >= '0' && word[i] <= '9'; i++) {
            uint64_t digit = (uint64_t)(word[i] - '0');
            if (unit % 10 != 0 && digit * unit % 10 != 0)
                return 0;
            part += digit * unit / 10;
            unit = unit % 10 == 0 ? unit / 10 : 0;
        }
        if (i == begin)
            return 0;
    }
    return __builtin_add_overflow(whole, part, value) ? 0 : i;
}

static const struct {
    const char *word;
    uint64_t ns;
} units[] = {{"h", UINT64_C(3600000000000)},
             {"min", UINT64_C(60000000000)},
             {"s", 1000000000},
             {"ms", 1000000},
             {"us", 1000},
             {"ns", 1}};

/* The digits of a fraction of a unit, as far as nanoseconds have them. */
static uint64_t read_fraction(const char *digits, size_t length, uint64_t unit_ns)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < length && unit_ns > 1; i++) {
        unit_ns /= 10;
        sum += (uint64_t)(digits[i] - '0') * unit_ns;
    }
    return sum;
}

/* As the durations of trale.ini (core/config/option.c). */
bool value_read_duration(const char *word, size_t length, uint64_t *ns)
{
    size_t n_digits = 0;
    if (length > 0 && strspn(word, "0") >= length) {
        *ns = 0;
        return true;
    }
    while (n_digits < length && ((word[n_digits] >= '0' && word[n_digits] <= '9') || word[n_digits] == '.'))
        n_digits++;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strlen(units[i].word) == length - n_digits &&
            memcmp(units[i].word, word + n_digits, length - n_digits) == 0) {
            const char *point = memchr(word, '.', n_digits);
            size_t n_whole = point != NULL ? (size_t)(point - word) : n_digits, n_rest = n_digits - n_whole;
            uint64_t value;
            if (n_whole == 0 || n_rest == 1 || (n_rest > 1 && memchr(point + 1, '.', n_rest - 1) != NULL) ||
                read_decimal(word, n_whole, units[i].ns, &value) != n_whole)
                return false;
            uint64_t part = n_rest > 1 ? read_fraction(point + 1, n_rest - 1, units[i].ns) : 0;
            if (value > INT64_MAX || part > INT64_MAX - value)
                return false;
            *ns = value + part;
            return true;
        }
    return false;
}

/* value / scale as a decimal number without zeros at its end. */
static void write_decimal(uint64_t value, uint64_t scale, const char *unit, char text[VALUE_TEXT])
{
    char part[24] = "";
    uint64_t rest = value % scale;
    size_t n = 0;
    while (rest != 0) {
        rest *= 10;
        part[n++] = (char)('0' + rest / scale);
        rest %= scale;
    }
    part[n] = '\0';
    snprintf(text, VALUE_TEXT, "%" PRIu64 "%s%s%s", value / scale, n > 0 ? "." : "", part, unit);
}

void value_write_duration(uint64_t ns, char text[VALUE_TEXT])
{
    size_t i = 2; /* seconds */
    while (i < 5 && ns < units[i].ns)
        i++;
    if (ns == 0)
        i = 2;
    write_decimal(ns, units[i].ns, units[i].word, text);
}

bool value_read_step(const char *word, size_t length, int64_t *ns)
{
    bool is_negative = length > 0 && word[0] == '-';
    bool has_sign = is_negative || (length > 0 && word[0] == '+');
    uint64_t size;
    if (!value_read_duration(word + has_sign, length - has_sign, &size) || size > INT64_MAX)
        return false;
    *ns = is_negative ? -(int64_t)size : (int64_t)size;
    return true;
}

bool value_read_rate(const char *word, size_t length, uint32_t *rate)
{
    uint64_t value;
    if (length < 2 || word[length - 1] != '%' || read_decimal(word, length - 1, 10000000, &value) != length - 1 ||
        value > 1000000000)
        return false;
    *rate = (uint32_t)value;
    return true;
}

void value_write_rate(uint32_t rate, char text[VALUE_TEXT])
{
    write_decimal(rate, 10000000, "%", text);
}

/* As the sizes of trale.ini. */
bool value_read_size(const char *word, size_t length, uint64_t *size)
{
    static const char letters[] = "KMG";
    const char *letter = length > 0 ? memchr(letters, word[length - 1], 3) : NULL;
    uint64_t scale = letter != NULL ? UINT64_C(1) << 10 * (letter - letters + 1) : 1, value;
    size_t n_digits = letter != NULL ? length - 1 : length;
    if (memchr(word, '.', length) != NULL || n_digits == 0 || read_decimal(word, n_digits, scale, &value) != n_digits ||
        value > INT64_MAX)
        return false;
    *size = value;
    return true;
}

bool value_read_signal(const char *word, size_t length, uint64_t *number)
{
    uint64_t value;
    for (int i = 1; i < NSIG; i++) {
        const char *name = sigabbrev_np(i);
        if (name != NULL && strlen(name) == length && memcmp(name, word, length) == 0) {
            *number = (uint64_t)i;
            return true;
        }
    }
    if (length == 0 || read_decimal(word, length, 1, &value) != length || value < 1 || value >= NSIG)
        return false;
    *number = value;
    return true;
}

void value_write_signal(uint64_t number, char text[VALUE_TEXT])
{
    const char *name = number < NSIG ? sigabbrev_np((int)number) : NULL;
    if (name != NULL)
        snprintf(text, VALUE_TEXT, "%s", name);
    else
        snprintf(text, VALUE_TEXT, "%" PRIu64, number);
}

bool value_is_host(const char *text, struct trale_address *host)
{
    char with_port[TRALE_ADDRESS_TEXT + 8];
    struct trale_address address;
    snprintf(with_port, sizeof with_port, strchr(text, ':') != NULL ? "[%s]:0" : "%s:0", text);
    if (trale_address_parse(with_port, &address) < 0)
        return false;
    *host = trale_address_unmap(&address);
    return true;
}

void value_write_host(const struct trale_address *host, char text[TRALE_ADDRESS_TEXT])
{
    char with_port[TRALE_ADDRESS_TEXT] = "";
    trale_address_format(host, with_port, sizeof with_port);
    const char *end = strrchr(with_port, ':'), *begin = with_port;
    if (end == NULL)
        end = with_port + strlen(with_port);
    if (begin[0] == '[') {
        begin++;
        end--;
    }
    snprintf(text, TRALE_ADDRESS_TEXT, "%.*s", (int)(end - begin), begin);
}
