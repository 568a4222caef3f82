/* SPDX-License-Identifier: MIT */
#include "core/driver/stack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trale/trale.h>

#include "core/base/text.h"
#include "core/base/words.h"

struct stack {
    const struct driver *drivers;
    const struct settings *settings;
    const struct config *config;
    const struct log *log;
};

/* The name of a driver, which may be CLOSED, in trale.ini. */
static const char *name_of(const struct stack *stack, size_t i)
{
    return strchr(stack->settings->drivers[i]->name, ':') + 1;
}

/* The first of the drivers [begin, end) that offers the interface, or `end`. */
static size_t find_offer(const struct stack *stack, size_t begin, size_t end, const char *interface, size_t length)
{
    size_t i = begin;
    while (i < end && !driver_offers(&stack->drivers[i], interface, length))
        i++;
    return i;
}

static bool is_word(const char *word, size_t length, const char *text)
{
    return strlen(text) == length && memcmp(word, text, length) == 0;
}

/* The driver by that name, or n_drivers. */
static size_t find_name(const struct stack *stack, const char *name, size_t length)
{
    size_t i = 0;
    while (i < stack->settings->n_drivers && !is_word(name, length, name_of(stack, i)))
        i++;
    return i;
}

static bool is_any_closed(const struct stack *stack)
{
    for (size_t i = 0; i < stack->settings->n_drivers; i++)
        if (stack->drivers[i].state == DRIVER_CLOSED)
            return true;
    return false;
}

/* --- offers ------------------------------------------------------------------------------------------------------- */

static int check_offer(const struct stack *stack, size_t i, const char *name, size_t length)
{
    size_t first = find_offer(stack, 0, i, name, length);
    if (first == i)
        return 0;
    const struct config_section *section = stack->settings->drivers[i];
    const struct log_place place = {.file = stack->config->name, .line = section->line, .section = section->name};
    log_say_about(stack->log, TRALE_LOG_ERROR, &place,
                  "%s:%u: [%s] offers %.*s, which [%s] does already: load one of them", stack->config->name,
                  section->line, section->name, (int)length, name, stack->settings->drivers[first]->name);
    return -EINVAL;
}

static int check_offers(const struct stack *stack, size_t i)
{
    const char *list = stack->drivers[i].description.interfaces, *name;
    size_t length;
    int result = 0;
    while (list != NULL && (name = words_next(&list, &length)) != NULL)
        if (check_offer(stack, i, name, length) < 0)
            result = -EINVAL;
    return result;
}

/* --- needs -------------------------------------------------------------------------------------------------------- */

/* The interfaces that a driver needs and does not have, and the cure: lists for a message. */
struct shortage {
    struct text names;    /* the interfaces: "trale.timer/1, trale.signal/1" */
    struct text drivers;  /* those to be written before this driver: "timer, signal, " */
    struct text sections; /* for those of them that lack one: ", and add [driver:timer] with path = timer.so" */
    struct text offered;  /* what drivers of these names offer instead: "; [driver:timer] offers trale.timer/1" */
    struct text order;    /* the list of drivers as it should be */
    bool *moves;          /* of each driver: it comes later and must come before */
};

/* Driver i needs an interface that no driver before it offers. */
static void shortage_add(struct shortage *shortage, const struct stack *stack, size_t i, const char *name,
                         size_t length)
{
    const size_t n_drivers = stack->settings->n_drivers;
    text_add(&shortage->names, "%s%.*s", shortage->names.chars != NULL ? ", " : "", (int)length, name);
    size_t later = find_offer(stack, i + 1, n_drivers, name, length);
    if (later < n_drivers) {
        if (!shortage->moves[later])
            text_add(&shortage->drivers, "%s, ", name_of(stack, later));
        shortage->moves[later] = true;
        return;
    }
    size_t driver_length;
    const char *driver = driver_by_convention(name, length, &driver_length);
    size_t known = find_name(stack, driver, driver_length);
    if (known < n_drivers) {
        text_add(&shortage->offered, "; [driver:%.*s] offers %s", (int)driver_length, driver,
                 stack->drivers[known].description.interfaces);
        return;
    }
    char section[64];
    snprintf(section, sizeof section, "driver:%.*s", (int)driver_length, driver);
    text_add(&shortage->drivers, "%.*s, ", (int)driver_length, driver);
    if (config_section(stack->config, section) == NULL)
        text_add(&shortage->sections, ", and add [%s] with path = %.*s.so", section, (int)driver_length, driver);
}

static void shortage_say(struct shortage *shortage, const struct stack *stack, size_t i)
{
    const char *separator = ": write drivers = ";
    const struct log_place place = {stack->config->name, stack->settings->values[SETTING_DRIVERS].line, "runtime",
                                    settings_options[SETTING_DRIVERS].name, NULL};
    for (size_t j = 0; shortage->drivers.chars != NULL && j < stack->settings->n_drivers; j++) {
        if (shortage->moves[j])
            continue;
        text_add(&shortage->order, "%s%s%s", separator, j == i ? shortage->drivers.chars : "", name_of(stack, j));
        separator = ", ";
    }
    log_say_at(stack->log, TRALE_LOG_ERROR, &place, "[driver:%s] needs %s, which no driver before it offers%s%s%s",
               name_of(stack, i), text_chars(&shortage->names), text_chars(&shortage->offered),
               text_chars(&shortage->order), text_chars(&shortage->sections));
}

/* What a driver that could not be opened offers is not known: there is a message about it already. */
static int check_needs(const struct stack *stack, size_t i)
{
    const char *list = stack->drivers[i].description.needs, *name;
    size_t length;
    if (list == NULL || is_any_closed(stack))
        return 0;
    struct shortage shortage = {.moves = calloc(stack->settings->n_drivers, sizeof *shortage.moves)};
    if (shortage.moves == NULL)
        return -ENOMEM;
    while ((name = words_next(&list, &length)) != NULL)
        if (find_offer(stack, 0, i, name, length) == i)
            shortage_add(&shortage, stack, i, name, length);
    bool is_short = shortage.names.chars != NULL;
    if (is_short)
        shortage_say(&shortage, stack, i);
    struct text *texts[] = {&shortage.names, &shortage.drivers, &shortage.sections, &shortage.offered, &shortage.order};
    for (size_t j = 0; j < sizeof texts / sizeof texts[0]; j++)
        free(texts[j]->chars);
    free(shortage.moves);
    return is_short ? -EINVAL : 0;
}

int stack_check(const struct driver *drivers, const struct settings *settings, const struct config *config,
                const struct log *log)
{
    const struct stack stack = {drivers, settings, config, log};
    int result = 0;
    for (size_t i = 0; i < settings->n_drivers; i++) {
        int r = check_offers(&stack, i);
        result = result < 0 ? result : r;
    }
    for (size_t i = 0; i < settings->n_drivers; i++) {
        int r = check_needs(&stack, i);
        result = result < 0 ? result : r;
    }
    return result;
}
