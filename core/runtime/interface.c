/* SPDX-License-Identifier: MIT
 *
 * The drivers' interfaces as applications find them, and what is said about one that no driver offers. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/config/read.h"
#include "core/driver/interface_name.h"
#include "core/runtime/runtime.h"

/* Interfaces that no driver offers, and what to write into trale.ini: lists for a message. */
struct missing {
    size_t n_names;
    struct text names;    /* "trale.signal/1, trale.blocking/1" */
    struct text drivers;  /* the drivers to name: "signal, blocking" */
    struct text sections; /* those of them without a section: ", [driver:signal] with path = signal.so" */
    struct text offered;  /* interfaces that drivers of these names do offer: "; [driver:timer] offers trale.timer/1" */
};

static const struct driver *loaded_driver(const struct trale *runtime, const char *name)
{
    for (size_t i = 0; i < runtime->n_started; i++)
        if (strcmp(runtime->drivers[i].name, name) == 0)
            return &runtime->drivers[i];
    return NULL;
}

static void missing_add(struct missing *missing, const struct trale *runtime, const char *text)
{
    const struct interface_name name = interface_name_of(text, strlen(text));
    char driver[50], section[sizeof "driver:" + sizeof driver];
    size_t length;
    const char *begin = driver_by_convention(text, name.length, &length);
    snprintf(driver, sizeof driver, "%.*s", (int)length, begin);
    snprintf(section, sizeof section, "driver:%s", driver);
    const struct driver *loaded = loaded_driver(runtime, driver);
    text_add(&missing->names, "%s%.*s", missing->n_names++ > 0 ? ", " : "", (int)name.length, text);
    if (loaded != NULL) {
        text_add(&missing->offered, "; [%s] offers %s", section, loaded->interfaces);
        return;
    }
    text_add(&missing->drivers, "%s%s", missing->drivers.chars != NULL ? ", " : "", driver);
    if (config_section(&runtime->config, section) == NULL)
        text_add(&missing->sections, ", [%s] with path = %s.so", section, driver);
}

/* One message about all of them: at the line of trale.ini that names the drivers. */
static void missing_say(struct missing *missing, const struct trale *runtime, uint32_t level)
{
    const struct trale_value *drivers = &runtime->settings.values[SETTING_DRIVERS];
    const struct log_place place = {runtime->config.name, drivers->line, "runtime", "drivers", NULL};
    const struct executor *executor = executor_on_thread;
    const struct trale_task *task = executor != NULL ? executor->running : NULL;
    const char *named = drivers->text;
    bool has_file = strcmp(runtime->config.name, CONFIG_BUILT_IN_NAME) != 0;
    log_say_at(&runtime->log, level, &place, "no driver offers %s%s%s%s%s%s%s%s%s%s%s%s%s", text_chars(&missing->names),
               task != NULL ? ", which the task " : "", task != NULL ? task_future(task)->type->name : "",
               task != NULL ? " asked for" : "", text_chars(&missing->offered),
               missing->drivers.chars == NULL ? ""
               : missing->n_names > 1         ? "; to load them, write: drivers = "
                                              : "; to load it, write: drivers = ",
               missing->drivers.chars != NULL ? named : "",
               missing->drivers.chars != NULL && named[0] != '\0' ? ", " : "", text_chars(&missing->drivers),
               missing->sections.chars != NULL ? ", and add" : "",
               missing->sections.chars != NULL ? missing->sections.chars + 1 : "",
               missing->names.is_cut || missing->drivers.is_cut || missing->sections.is_cut ? "..." : "",
               has_file ? "" : "; no trale.ini was found: `trale check --help` lists where it may be");
    free(missing->names.chars);
    free(missing->drivers.chars);
    free(missing->sections.chars);
    free(missing->offered.chars);
}

/* Not inlined: trale_interface is on the path of every sleep, and must not have this one's frame. */
static __attribute__((noinline)) void interface_is_missing(struct trale *runtime, const char *name)
{
    struct missing missing = {0};
    if (!interfaces_is_first_miss(&runtime->interfaces, name))
        return;
    missing_add(&missing, runtime, name);
    missing_say(&missing, runtime, TRALE_LOG_WARNING);
}

const void *trale_interface_optional(struct trale *runtime, const char *name, size_t size)
{
    if (!executor_is_ours(&runtime->executor))
        return NULL;
    return interfaces_find(&runtime->interfaces, runtime->interfaces.n_items, name, size);
}

const void *trale_interface(struct trale *runtime, const char *name, size_t size)
{
    const void *table = trale_interface_optional(runtime, name, size);
    if (table == NULL && executor_is_ours(&runtime->executor))
        interface_is_missing(runtime, name);
    return table;
}

int trale_require(struct trale *runtime, const char *interface, ...)
{
    struct missing missing = {0};
    bool is_short = false;
    va_list more;
    if (!executor_is_ours(&runtime->executor))
        return -ECHILD;
    va_start(more, interface);
    for (const char *name = interface; name != NULL; name = va_arg(more, const char *)) {
        if (interfaces_find(&runtime->interfaces, runtime->interfaces.n_items, name, 0) != NULL)
            continue;
        if (interfaces_have(&runtime->interfaces, name)) { /* interfaces_find has said what it lacks */
            is_short = true;
            continue;
        }
        interfaces_is_first_miss(&runtime->interfaces, name);
        missing_add(&missing, runtime, name);
    }
    va_end(more);
    if (missing.n_names == 0)
        return is_short ? -ENODEV : 0;
    missing_say(&missing, runtime, TRALE_LOG_ERROR);
    return -ENODEV;
}
