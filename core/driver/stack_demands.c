/* SPDX-License-Identifier: MIT
 *
 * What a driver demands of [runtime]. */
#include "core/driver/stack.h"

#include <errno.h>
#include <stdlib.h>

#include <trale/trale.h>

#include "core/base/words.h"

/* Driver i runs only where the setting has that value. */
static int check_setting(const struct stack *stack, size_t i, size_t setting, int64_t wanted)
{
    const struct trale_value *value = &stack->settings->values[setting];
    const char *key = settings_options[setting].name;
    const struct config_section *runtime = config_section(stack->config, "runtime");
    const uint32_t line = value->line > 0 ? value->line : runtime != NULL ? runtime->line : 0;
    const struct log_place place = {stack->config->name, line, "runtime", key, value->line > 0 ? value->text : NULL};
    if (value->text == NULL || value->integer == wanted) /* NULL: there is a message already */
        return 0;
    if (value->line > 0)
        log_say_at(stack->log, TRALE_LOG_ERROR, &place, "[driver:%s] runs only with %lld: write %s = %lld",
                   stack_name(stack, i), (long long)wanted, key, (long long)wanted);
    else
        log_say_at(stack->log, TRALE_LOG_ERROR, &place,
                   "missing, so it is %s, and [driver:%s] runs only with %lld: add %s = %lld", value->text,
                   stack_name(stack, i), (long long)wanted, key, (long long)wanted);
    return -EINVAL;
}

bool stack_is_alone(const struct stack *stack, size_t i)
{
    return (stack->drivers[i].description.demands & TRALE_DRIVER_DEMANDS_ONE_THREAD) != 0;
}

/* Adds the interfaces that driver j offers as driver i does. */
static void add_shared(const struct stack *stack, size_t i, size_t j, struct text *names)
{
    const char *list = stack->drivers[j].interfaces, *name;
    size_t length;
    while (list != NULL && (name = words_next(&list, &length)) != NULL)
        if (driver_offers(&stack->drivers[i], name, length))
            text_add(names, "%s%.*s", names->chars != NULL ? ", " : "", (int)length, name);
}

/* Of the drivers that offer what driver i offers, which is alone, only layers may stay. */
static int check_alone(const struct stack *stack, size_t i)
{
    struct text others = {0}, order = {0};
    for (size_t j = 0; j < stack->settings->n_drivers; j++) {
        struct text names = {0};
        if (j != i && stack->drivers[j].over == NULL)
            add_shared(stack, i, j, &names);
        stack->moves[j] = names.chars != NULL;
        if (names.chars != NULL)
            text_add(&others, "%s%s of [driver:%s]", others.chars != NULL ? ", " : "", names.chars,
                     stack_name(stack, j));
        free(names.chars);
    }
    if (others.chars != NULL) {
        const struct log_place place = {stack->config->name, stack->settings->values[SETTING_DRIVERS].line, "runtime",
                                        settings_options[SETTING_DRIVERS].name, NULL};
        stack_write_order(stack, i, "", &order);
        log_say_at(stack->log, TRALE_LOG_ERROR, &place, "[driver:%s] takes the place of %s: %s", stack_name(stack, i),
                   others.chars, text_chars(&order));
    }
    bool is_alone = others.chars == NULL;
    stack_forget_moves(stack);
    free(others.chars);
    free(order.chars);
    return is_alone ? 0 : -EINVAL;
}

int stack_check_demands(const struct stack *stack, size_t i)
{
    if (!stack_is_alone(stack, i))
        return 0;
    int alone = check_alone(stack, i);
    int threads = check_setting(stack, i, SETTING_THREADS, 0);
    int instances = check_setting(stack, i, SETTING_INSTANCES, 1);
    return alone < 0 || threads < 0 ? -EINVAL : instances;
}
