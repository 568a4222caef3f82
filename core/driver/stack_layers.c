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

/* Whether driver j offers an interface that driver i may offer over it. */
static bool has_common(const struct stack *stack, size_t i, size_t j)
{
    const char *list = stack->drivers[i].interfaces, *name;
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
    if (words_find(stack->drivers[i].over, word, length) != word) {
        log_say_at(stack->log, TRALE_LOG_ERROR, place, "%s is named twice", stack_name(stack, j));
        return -EINVAL;
    }
    if (stack->drivers[j].state == DRIVER_CLOSED || has_common(stack, i, j))
        return 0;
    log_say_at(stack->log, TRALE_LOG_ERROR, place,
               "%s offers %s, and %s offers %s: a layer offers an interface of each driver that it is over",
               stack_name(stack, j), stack->drivers[j].interfaces, stack_name(stack, i), stack->drivers[i].interfaces);
    return -EINVAL;
}

/* A driver with `layers` and without the key: says what to write. */
static int refuse_unplaced(const struct stack *stack, size_t i)
{
    const struct config_section *section = stack->settings->drivers[i];
    const struct log_place place = {.file = stack->config->name, .line = section->line, .section = section->name};
    struct text over = {0};
    for (size_t j = 0; j < i; j++)
        if (has_common(stack, i, j))
            text_add(&over, "%s%s", over.chars != NULL ? ", " : "", stack_name(stack, j));
    if (over.chars != NULL)
        log_say_about(stack->log, TRALE_LOG_ERROR, &place, "%s:%u: [%s] is a layer: write over = %s in its section",
                      stack->config->name, place.line, place.section, text_chars(&over));
    else
        log_say_about(stack->log, TRALE_LOG_ERROR, &place,
                      "%s:%u: [%s] is a layer, and has no key over, which names drivers before it that offer %s",
                      stack->config->name, place.line, place.section, stack->drivers[i].description.layers);
    free(over.chars);
    return -EINVAL;
}

int stack_check_over(const struct stack *stack, size_t i)
{
    const struct driver *driver = &stack->drivers[i];
    const char *list = driver->over, *word;
    size_t length, n_words = 0;
    int result = 0;
    if (list == NULL)
        return driver->description.layers != NULL ? refuse_unplaced(stack, i) : 0;
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
    const char *layers = stack->drivers[i].description.layers;
    bool is_own = layers == NULL || words_find(layers, name, length) == NULL;
    for (size_t j = 0; j < i; j++) {
        if (!driver_offers(&stack->drivers[j], name, length))
            continue;
        if (words_find(stack->drivers[i].over, stack_name(stack, j), strlen(stack_name(stack, j))) != NULL)
            return true;
        is_own = false;
    }
    return is_own;
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
    shorten_list(stack, i, driver->interfaces);
}
