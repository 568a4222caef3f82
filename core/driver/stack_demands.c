/* SPDX-License-Identifier: MIT
 *
 * What a driver demands of [runtime]. */
#include "core/driver/stack.h"

#include <errno.h>

#include <trale/trale.h>

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

int stack_check_demands(const struct stack *stack, size_t i)
{
    if ((stack->drivers[i].description.demands & TRALE_DRIVER_DEMANDS_ONE_THREAD) == 0)
        return 0;
    int threads = check_setting(stack, i, SETTING_THREADS, 0);
    int instances = check_setting(stack, i, SETTING_INSTANCES, 1);
    return threads < 0 ? threads : instances;
}
