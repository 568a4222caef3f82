/* SPDX-License-Identifier: MIT
 *
 * What a layer is over, and what it offers. */
#include "core/driver/stack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trale/trale.h>

#include "core/base/printable.h"
#include "core/base/words.h"
#include "core/driver/interface_name.h"

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
    size_t j = stack_find_name(stack, word, length);
    bool is_later = j < stack->settings->n_drivers;
    snprintf(section, sizeof section, "driver:%s", printable_part(name, word, length));
    text_add(&before, "%s, ", name);
    if (is_later)
        stack->moves[j] = true;
    stack_write_order(stack, i, text_chars(&before), &order);
    stack_forget_moves(stack);
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
    size_t j = stack_find_name(stack, word, length);
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
               stack_name(stack, j), stack->drivers[j].description.interfaces, stack_name(stack, i),
               stack->drivers[i].description.interfaces);
    return -EINVAL;
}

int stack_check_over(const struct stack *stack, size_t i)
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

static bool layer_offers(const struct stack *stack, size_t i, const char *name, size_t length)
{
    bool is_new = true;
    for (size_t j = 0; j < i; j++) {
        if (!driver_offers(&stack->drivers[j], name, length))
            continue;
        if (words_have(stack->drivers[i].over, stack_name(stack, j)))
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

void stack_shorten_offers(const struct stack *stack, size_t i)
{
    struct driver *driver = &stack->drivers[i];
    if (driver->over == NULL)
        return;
    shorten_list(stack, i, driver->offers);
    shorten_list(stack, i, (char *)(uintptr_t)driver->description.interfaces);
}
