/* SPDX-License-Identifier: MIT
 *
 * org.example.hook/1: calls a function of the test in before_wait or in stop. */
#include <errno.h>
#include <stdlib.h>

#include "hook.h"

struct instance {
    struct hook hook;
    uint32_t which;
    void (*call)(void *data);
    void *data;
    uint64_t (*answer)(void *data, uint32_t idle);
    void *answer_data;
};

static void instance_call(struct instance *instance, uint32_t which)
{
    if (instance->which == which)
        instance->call(instance->data);
}

static void hook_set(void *data, uint32_t which, void (*call)(void *data), void *call_data)
{
    struct instance *instance = data;
    instance->which = which;
    instance->call = call;
    instance->data = call_data;
}

static void hook_set_answer(void *data, uint64_t (*answer)(void *data, uint32_t idle), void *answer_data)
{
    struct instance *instance = data;
    instance->answer = answer;
    instance->answer_data = answer_data;
}

static uint64_t hook_before_wait(void *data, uint32_t idle)
{
    struct instance *instance = data;
    instance_call(instance, HOOK_BEFORE_WAIT);
    return instance->answer != NULL ? instance->answer(instance->answer_data, idle) : UINT64_MAX;
}

static void hook_stop(void *data)
{
    instance_call(data, HOOK_STOP);
    free(data);
}

static int32_t hook_start(const struct trale_host *host, const struct trale_settings *settings, void **result)
{
    (void)host, (void)settings;
    struct instance *instance = calloc(1, sizeof *instance);
    if (instance == NULL)
        return -ENOMEM;
    instance->hook = (struct hook){{sizeof instance->hook, 1, instance}, hook_set, hook_set_answer};
    *result = instance;
    return 0;
}

static const struct trale_interface *hook_interface(void *data, const char *name)
{
    return strcmp(name, "org.example.hook/1") == 0 ? &((struct instance *)data)->hook.interface : NULL;
}

TRALE_DRIVER(.name = "hook", .version = "1.0", .summary = "calls back", .interfaces = "org.example.hook/1",
             .start = hook_start, .stop = hook_stop, .interface = hook_interface, .before_wait = hook_before_wait);
