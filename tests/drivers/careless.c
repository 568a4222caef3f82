/* SPDX-License-Identifier: MIT
 *
 * org.example.careless/1: the host table of a driver, for the test. */
#include <errno.h>
#include <stdlib.h>

#include "careless.h"

struct instance {
    struct careless table;
    struct trale_host host;
    void (*call)(const struct trale_host *host, void *data);
    void *data;
};

static void careless_touch(void *data)
{
    trale_host_expect(&((struct instance *)data)->host, "careless.touch");
}

static void careless_at_stop(void *data, void (*call)(const struct trale_host *host, void *data), void *call_data)
{
    struct instance *instance = data;
    instance->call = call;
    instance->data = call_data;
}

static int32_t careless_start(const struct trale_host *host, const struct trale_settings *settings, void **result)
{
    (void)settings;
    struct instance *instance = calloc(1, sizeof *instance);
    if (instance == NULL)
        return -ENOMEM;
    trale_host_copy(&instance->host, host);
    instance->table = (struct careless){
        {sizeof instance->table, 1, instance}, &instance->host, careless_touch, careless_at_stop};
    *result = instance;
    return 0;
}

static void careless_stop(void *data)
{
    struct instance *instance = data;
    if (instance->call != NULL)
        instance->call(&instance->host, instance->data);
    free(instance);
}

static const struct trale_interface *careless_interface(void *data, const char *name)
{
    return strcmp(name, "org.example.careless/1") == 0 ? &((struct instance *)data)->table.interface : NULL;
}

TRALE_DRIVER(.name = "careless", .version = "1.0", .summary = "leaves the mistakes to the test",
             .interfaces = "org.example.careless/1", .start = careless_start, .stop = careless_stop,
             .interface = careless_interface);
