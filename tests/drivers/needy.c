/* SPDX-License-Identifier: MIT
 *
 * org.example.needy/1 over org.example.probe/1, which another driver must offer before it. It tells the log what is
 * called, with the number of the probe, so that the log shows whether the probe was there. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trale/driver.h>

#ifndef NEEDS
#define NEEDS "org.example.probe/1"
#endif

/* The probe of flawed.c, with a member that it does not have. */
struct probe {
    struct trale_interface interface;
    int64_t (*number)(void *instance);
    int64_t (*later)(void *instance);
};

struct needy {
    struct probe table; /* `number`: what the probe answers, plus 1 */
    struct trale_host host;
    const struct probe *probe;
};

static void needy_log(const struct needy *needy, const char *what)
{
    char text[64];
    snprintf(text, sizeof text, "%s %lld", what, (long long)needy->probe->number(needy->probe->interface.instance));
    needy->host.log(needy->host.context, 1, text);
}

static int64_t needy_number(void *instance)
{
    const struct needy *needy = instance;
    return needy->probe->number(needy->probe->interface.instance) + 1;
}

static const char *needy_flaw(const struct needy *needy)
{
    const struct trale_host *host = &needy->host;
    const struct probe *probe = needy->probe;
    if (probe == NULL)
        return "the interface that it needs is not there";
    if (probe->later != NULL)
        return "a member that the other driver does not have is not NULL";
    if (host->interface(host->context, "org.example.probe/1", sizeof *probe) != probe)
        return "a second call returned another table";
    if (host->interface(host->context, "org.example.probe/1", sizeof(struct trale_interface)) == NULL)
        return "a shorter table was refused";
    if (host->interface(host->context, "org.example.needy/1", sizeof(struct trale_interface)) != NULL)
        return "it got its own interface";
    if (host->interface(host->context, "org.example.other/1", sizeof(struct trale_interface)) != NULL)
        return "it got the interface of a driver that was not started yet";
    return NULL;
}

static int32_t needy_start(const struct trale_host *host, const struct trale_settings *settings, void **instance)
{
    struct needy *needy = calloc(1, sizeof *needy);
    if (needy == NULL)
        return -ENOMEM;
    trale_host_copy(&needy->host, host);
    needy->probe = (const struct probe *)host->interface(host->context, "org.example.probe/1", sizeof(struct probe));
    const char *flaw = needy_flaw(needy);
    if (flaw != NULL)
        host->log(host->context, 0, flaw);
    else
        needy_log(needy, "start");
    if (flaw != NULL || settings->values[0].integer != 0) {
        free(needy);
        return -EPROTO;
    }
    needy->table = (struct probe){{sizeof needy->table, 1, needy}, needy_number, needy_number};
    *instance = needy;
    return 0;
}

static int32_t needy_settle(void *instance, uint64_t deadline_ns)
{
    (void)deadline_ns;
    needy_log(instance, "settle");
    return 0;
}

static void needy_stop(void *instance)
{
    needy_log(instance, "stop");
    free(instance);
}

static const struct trale_interface *needy_interface(void *instance, const char *name)
{
    return strcmp(name, "org.example.needy/1") == 0 ? &((struct needy *)instance)->table.interface : NULL;
}

static const struct trale_option options[] = {
    {.name = "fails", .type = TRALE_OPTION_BOOLEAN, .default_value = "no", .help = "whether its start fails"},
    {.name = NULL},
};

TRALE_DRIVER(.name = "needy", .version = "1.0", .summary = "uses another driver", .interfaces = "org.example.needy/1",
             .needs = NEEDS, .options = options, .start = needy_start, .stop = needy_stop, .interface = needy_interface,
             .settle = needy_settle);
