/* SPDX-License-Identifier: MIT */
#include "core/driver/stack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <trale/trale.h>

#include "core/base/words.h"

const char *stack_name(const struct stack *stack, size_t i)
{
    return strchr(stack->settings->drivers[i]->name, ':') + 1;
}

size_t stack_find_offer(const struct stack *stack, size_t begin, size_t end, const char *interface, size_t length)
{
    size_t i = begin;
    while (i < end && !driver_offers(&stack->drivers[i], interface, length))
        i++;
    return i;
}

size_t stack_find_name(const struct stack *stack, const char *name, size_t length)
{
    size_t i = 0;
    while (i < stack->settings->n_drivers && !word_is(name, length, stack_name(stack, i)))
        i++;
    return i;
}

void stack_write_order(const struct stack *stack, size_t i, const char *before, struct text *order)
{
    const char *separator = "write drivers = ";
    for (size_t j = 0; j < stack->settings->n_drivers; j++) {
        if (stack->moves[j])
            continue;
        text_add(order, "%s%s%s", separator, j == i ? before : "", stack_name(stack, j));
        separator = ", ";
    }
}

void stack_forget_moves(const struct stack *stack)
{
    memset(stack->moves, 0, stack->settings->n_drivers * sizeof *stack->moves);
}

static void stack_write_order_without(const struct stack *stack, size_t i, struct text *order)
{
    stack->moves[i] = true;
    stack_write_order(stack, i, "", order);
    stack_forget_moves(stack);
}

static int check_offer(const struct stack *stack, size_t i, const char *name, size_t length)
{
    size_t first = stack_find_offer(stack, 0, i, name, length);
    if (first == i || stack_is_alone(stack, first) || stack_is_alone(stack, i))
        return 0;
    const struct config_section *section = stack->settings->drivers[i];
    struct text order = {0};
    stack_write_order_without(stack, i, &order);
    text_add(&order, "%s", " or ");
    stack_write_order_without(stack, first, &order);
    const struct log_place place = {.file = stack->config->name, .line = section->line, .section = section->name};
    log_say_about(stack->log, TRALE_LOG_ERROR, &place,
                  "%s:%u: [%s] offers %.*s, which [%s] does already: load one of them, so %s; or, if %s is a layer, "
                  "write over = %s in its section",
                  stack->config->name, section->line, section->name, (int)length, name,
                  stack->settings->drivers[first]->name, text_chars(&order), stack_name(stack, i),
                  stack_name(stack, first));
    free(order.chars);
    return -EINVAL;
}

/* Of a layer, the list has only what it may offer. */
static int check_offers(const struct stack *stack, size_t i)
{
    const char *list = stack->drivers[i].interfaces, *name;
    size_t length;
    int result = 0;
    if (stack->drivers[i].over != NULL)
        return 0;
    while (list != NULL && (name = words_next(&list, &length)) != NULL)
        if (check_offer(stack, i, name, length) < 0)
            result = -EINVAL;
    return result;
}

int stack_check(struct driver *drivers, const struct settings *settings, const struct config *config,
                const struct log *log)
{
    const struct stack stack = {drivers, settings, config, log, calloc(settings->n_drivers + 1, sizeof(bool))};
    int result = 0;
    if (stack.moves == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < settings->n_drivers; i++) {
        if (stack_check_over(&stack, i) < 0) {
            driver_close(&drivers[i]); /* what it offers is not known */
            result = -EINVAL;
        }
        stack_shorten_offers(&stack, i);
        if (check_offers(&stack, i) < 0)
            result = -EINVAL;
    }
    for (size_t i = 0; i < settings->n_drivers; i++)
        if (stack_check_needs(&stack, i) < 0 || stack_check_demands(&stack, i) < 0)
            result = -EINVAL;
    free(stack.moves);
    return result;
}
