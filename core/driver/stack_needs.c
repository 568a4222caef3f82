/* SPDX-License-Identifier: MIT
 *
 * What a driver needs, and the line to write if it is not there. */
#include "core/driver/stack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trale/trale.h>

#include "core/base/words.h"

static bool is_any_closed(const struct stack *stack)
{
    for (size_t i = 0; i < stack->settings->n_drivers; i++)
        if (stack->drivers[i].state == DRIVER_CLOSED)
            return true;
    return false;
}

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
    size_t later = stack_find_offer(stack, i + 1, n_drivers, name, length);
    if (later < n_drivers) {
        if (!stack->moves[later])
            text_add(&shortage->drivers, "%s, ", stack_name(stack, later));
        stack->moves[later] = true;
        return;
    }
    size_t driver_length;
    const char *driver = driver_by_convention(name, length, &driver_length);
    size_t known = stack_find_name(stack, driver, driver_length);
    if (known < n_drivers) {
        text_add(&shortage->offered, "; [driver:%.*s] offers %s", (int)driver_length, driver,
                 stack->drivers[known].interfaces);
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
        stack_write_order(stack, i, shortage->drivers.chars, &shortage->order);
    stack_forget_moves(stack);
    log_say_at(stack->log, TRALE_LOG_ERROR, &place, "[driver:%s] needs %s, which no driver before it offers%s%s%s%s",
               stack_name(stack, i), text_chars(&shortage->names), text_chars(&shortage->offered),
               shortage->order.chars != NULL ? ": " : "", text_chars(&shortage->order),
               text_chars(&shortage->sections));
}

/* What a driver that could not be opened offers is not known: there is a message about it already. */
int stack_check_needs(const struct stack *stack, size_t i)
{
    const char *list = stack->drivers[i].description.needs, *name;
    size_t length;
    if (list == NULL || is_any_closed(stack))
        return 0;
    struct shortage shortage = {0};
    while ((name = words_next(&list, &length)) != NULL)
        if (stack_find_offer(stack, 0, i, name, length) == i)
            shortage_add(&shortage, stack, i, name, length);
    bool is_short = shortage.names.chars != NULL;
    if (is_short)
        shortage_say(&shortage, stack, i);
    struct text *texts[] = {&shortage.names, &shortage.drivers, &shortage.sections, &shortage.offered, &shortage.order};
    for (size_t j = 0; j < sizeof texts / sizeof texts[0]; j++)
        free(texts[j]->chars);
    return is_short ? -EINVAL : 0;
}
