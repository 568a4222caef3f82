/* SPDX-License-Identifier: MIT */
#include "core/driver/stack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trale/trale.h>

#include "core/base/printable.h"
#include "core/base/text.h"
#include "core/base/words.h"
#include "core/driver/interface_name.h"

struct stack {
    struct driver *drivers;
    const struct settings *settings;
    const struct config *config;
    const struct log *log;
    bool *moves; /* of each driver: in the cure it goes before the driver under examination */
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

/* Writes `drivers` as it should be: `before`, a list that ends in ", ", and the drivers that move, before driver i. */
static void write_order(const struct stack *stack, size_t i, const char *before, struct text *order)
{
    const char *separator = "write drivers = ";
    for (size_t j = 0; j < stack->settings->n_drivers; j++) {
        if (stack->moves[j])
            continue;
        text_add(order, "%s%s%s", separator, j == i ? before : "", name_of(stack, j));
        separator = ", ";
    }
}

static void forget_moves(const struct stack *stack)
{
    memset(stack->moves, 0, stack->settings->n_drivers * sizeof *stack->moves);
}

/* --- layers ------------------------------------------------------------------------------------------------------- */

/* Whether driver j offers one of the interfaces in the description of driver i. */
static bool has_common(const struct stack *stack, size_t i, size_t j)
{
    const char *list = stack->drivers[i].description.interfaces, *name;
    size_t length;
    while ((name = words_next(&list, &length)) != NULL)
        if (driver_offers(&stack->drivers[j], name, length))
            return true;
    return false;
}

/* Says why driver i is no layer over a driver that comes later, or that `drivers` does not name, and the cure. */
static void refuse_absent(const struct stack *stack, size_t i, const struct log_place *place, const char *word,
                          size_t length)
{
    char name[PRINTABLE_SIZE], section[PRINTABLE_SIZE + sizeof "driver:"];
    struct text before = {0}, order = {0};
    size_t j = find_name(stack, word, length);
    bool is_later = j < stack->settings->n_drivers;
    snprintf(section, sizeof section, "driver:%s", printable_part(name, word, length));
    text_add(&before, "%s, ", name);
    if (is_later)
        stack->moves[j] = true;
    write_order(stack, i, text_chars(&before), &order);
    forget_moves(stack);
    if (is_later || config_section(stack->config, section) != NULL)
        log_say_at(stack->log, TRALE_LOG_ERROR, place, "%s %s: %s", name,
                   is_later ? "comes later, and a layer comes after what it is over" : "is not in drivers",
                   text_chars(&order));
    else
        log_say_at(stack->log, TRALE_LOG_ERROR, place, "there is no driver %s; drivers = %s", name,
                   stack->settings->values[SETTING_DRIVERS].text);
    free(before.chars);
    free(order.chars);
}

static int check_over_word(const struct stack *stack, size_t i, const struct log_place *place, const char *word,
                           size_t length)
{
    size_t j = find_name(stack, word, length);
    if (j > i) {
        refuse_absent(stack, i, place, word, length);
        return -EINVAL;
    }
    if (j == i) {
        log_say_at(stack->log, TRALE_LOG_ERROR, place, "a driver is no layer over itself");
        return -EINVAL;
    }
    if (stack->drivers[j].state == DRIVER_CLOSED || has_common(stack, i, j))
        return 0;
    log_say_at(stack->log, TRALE_LOG_ERROR, place,
               "%s offers %s, and %s offers %s: a layer offers an interface of each driver that it is over",
               name_of(stack, j), stack->drivers[j].description.interfaces, name_of(stack, i),
               stack->drivers[i].description.interfaces);
    return -EINVAL;
}

static int check_over(const struct stack *stack, size_t i)
{
    const struct driver *driver = &stack->drivers[i];
    const char *list = driver->over, *word;
    size_t length, n_words = 0;
    int result = 0;
    if (list == NULL)
        return 0;
    const struct log_place place = {stack->config->name, driver->over_line, driver->section->name, "over", list};
    for (; (word = words_next(&list, &length)) != NULL; n_words++)
        if (check_over_word(stack, i, &place, word, length) < 0)
            result = -EINVAL;
    if (n_words > 0)
        return result;
    log_say_at(stack->log, TRALE_LOG_ERROR, &place,
               "no driver is named; a driver that is no layer does not have this line");
    return -EINVAL;
}

static bool is_over(const struct driver *driver, const char *name)
{
    const char *list = driver->over, *word;
    size_t length;
    while ((word = words_next(&list, &length)) != NULL)
        if (is_word(word, length, name))
            return true;
    return false;
}

static bool layer_offers(const struct stack *stack, size_t i, const char *name, size_t length)
{
    bool is_new = true;
    for (size_t j = 0; j < i; j++) {
        if (!driver_offers(&stack->drivers[j], name, length))
            continue;
        if (is_over(&stack->drivers[i], name_of(stack, j)))
            return true;
        is_new = false;
    }
    return is_new;
}

/* Removes the names of those that the layer does not offer from a list, in which names may have sizes. */
static void shorten_list(const struct stack *stack, size_t i, char *list)
{
    const char *rest = list, *word;
    char *end = list;
    size_t length;
    while ((word = words_next(&rest, &length)) != NULL) {
        if (!layer_offers(stack, i, word, interface_name_of(word, length).length))
            continue;
        if (end > list)
            *end++ = ' ';
        memmove(end, word, length);
        end += length;
    }
    *end = '\0';
}

static void shorten_offers(const struct stack *stack, size_t i)
{
    struct driver *driver = &stack->drivers[i];
    if (driver->over == NULL)
        return;
    shorten_list(stack, i, driver->offers);
    shorten_list(stack, i, (char *)(uintptr_t)driver->description.interfaces);
}

/* --- offers ------------------------------------------------------------------------------------------------------- */

static int check_offer(const struct stack *stack, size_t i, const char *name, size_t length)
{
    size_t first = find_offer(stack, 0, i, name, length);
    /* A layer before what it is over has a message already. */
    if (first == i || (stack->drivers[first].over != NULL && is_over(&stack->drivers[first], name_of(stack, i))))
        return 0;
    const struct config_section *section = stack->settings->drivers[i];
    const struct log_place place = {.file = stack->config->name, .line = section->line, .section = section->name};
    log_say_about(stack->log, TRALE_LOG_ERROR, &place,
                  "%s:%u: [%s] offers %.*s, which [%s] does already: load one of them, or, if %s is a layer, write "
                  "over = %s in its section",
                  stack->config->name, section->line, section->name, (int)length, name,
                  stack->settings->drivers[first]->name, name_of(stack, i), name_of(stack, first));
    return -EINVAL;
}

/* Of a layer, the list has only what it may offer. */
static int check_offers(const struct stack *stack, size_t i)
{
    const char *list = stack->drivers[i].description.interfaces, *name;
    size_t length;
    int result = 0;
    if (stack->drivers[i].over != NULL)
        return 0;
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
};

/* Driver i needs an interface that no driver before it offers. */
static void shortage_add(struct shortage *shortage, const struct stack *stack, size_t i, const char *name,
                         size_t length)
{
    const size_t n_drivers = stack->settings->n_drivers;
    text_add(&shortage->names, "%s%.*s", shortage->names.chars != NULL ? ", " : "", (int)length, name);
    size_t later = find_offer(stack, i + 1, n_drivers, name, length);
    if (later < n_drivers) {
        if (!stack->moves[later])
            text_add(&shortage->drivers, "%s, ", name_of(stack, later));
        stack->moves[later] = true;
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
    const struct log_place place = {stack->config->name, stack->settings->values[SETTING_DRIVERS].line, "runtime",
                                    settings_options[SETTING_DRIVERS].name, NULL};
    if (shortage->drivers.chars != NULL)
        write_order(stack, i, shortage->drivers.chars, &shortage->order);
    forget_moves(stack);
    log_say_at(stack->log, TRALE_LOG_ERROR, &place, "[driver:%s] needs %s, which no driver before it offers%s%s%s%s",
               name_of(stack, i), text_chars(&shortage->names), text_chars(&shortage->offered),
               shortage->order.chars != NULL ? ": " : "", text_chars(&shortage->order),
               text_chars(&shortage->sections));
}

/* What a driver that could not be opened offers is not known: there is a message about it already. */
static int check_needs(const struct stack *stack, size_t i)
{
    const char *list = stack->drivers[i].description.needs, *name;
    size_t length;
    if (list == NULL || is_any_closed(stack))
        return 0;
    struct shortage shortage = {0};
    while ((name = words_next(&list, &length)) != NULL)
        if (find_offer(stack, 0, i, name, length) == i)
            shortage_add(&shortage, stack, i, name, length);
    bool is_short = shortage.names.chars != NULL;
    if (is_short)
        shortage_say(&shortage, stack, i);
    struct text *texts[] = {&shortage.names, &shortage.drivers, &shortage.sections, &shortage.offered, &shortage.order};
    for (size_t j = 0; j < sizeof texts / sizeof texts[0]; j++)
        free(texts[j]->chars);
    return is_short ? -EINVAL : 0;
}

int stack_check(struct driver *drivers, const struct settings *settings, const struct config *config,
                const struct log *log)
{
    const struct stack stack = {drivers, settings, config, log, calloc(settings->n_drivers + 1, sizeof(bool))};
    int result = 0;
    if (stack.moves == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < settings->n_drivers; i++) {
        if (check_over(&stack, i) < 0)
            result = -EINVAL;
        shorten_offers(&stack, i);
        if (check_offers(&stack, i) < 0)
            result = -EINVAL;
    }
    for (size_t i = 0; i < settings->n_drivers; i++)
        if (check_needs(&stack, i) < 0)
            result = -EINVAL;
    free(stack.moves);
    return result;
}
