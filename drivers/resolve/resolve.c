/* SPDX-License-Identifier: MIT
 *
 * trale.resolve/1 over trale.udp/1, trale.stream/1, trale.timer/1 and trale.random/1, with c-ares for what is data. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lookup.h"

static const void *need(const struct trale_host *host, const char *name, uint64_t size)
{
    return host->interface(host->context, name, size);
}

static int32_t driver_start(const struct trale_host *host, const struct trale_settings *settings, void **instance)
{
    struct resolver *resolver = calloc(1, sizeof *resolver);
    if (resolver == NULL) {
        host->log(host->context, TRALE_LOG_ERROR, "memory is out");
        return -ENOMEM;
    }
    trale_host_copy(&resolver->host, host);
    resolver->table = (struct trale_resolver){{sizeof resolver->table, 1, resolver}, lookup_next, lookup_end};
    resolver->timer = need(host, TRALE_TIMER_1, sizeof *resolver->timer);
    resolver->udp = need(host, TRALE_UDP_1, sizeof *resolver->udp);
    resolver->random = need(host, TRALE_RANDOM_1, sizeof *resolver->random);
    resolver->hosts.path = settings->values[OPTION_HOSTS].text;
    resolver->timeout_ns = (uint64_t)settings->values[OPTION_TIMEOUT].integer;
    resolver->n_tries = (uint64_t)settings->values[OPTION_TRIES].integer;
    resolver->n_turns_max = (size_t)settings->values[OPTION_QUERIES].integer;
    list_init(&resolver->waiting);
    list_init(&resolver->left);
    list_init(&resolver->lookups);
    int r = system_init(&resolver->system, host, settings);
    if (r == 0)
        r = tcp_task_start(&resolver->tcp, host, need(host, TRALE_STREAM_1, sizeof(struct trale_stream)));
    if (r < 0) {
        if (r == -ENOMEM)
            host->log(host->context, TRALE_LOG_ERROR, "memory is out");
        system_deinit(&resolver->system);
        free(resolver);
        return r;
    }
    *instance = resolver;
    return 0;
}

static void driver_stop(void *instance)
{
    struct resolver *resolver = instance;
    lookup_free_all(resolver);
    hosts_deinit(&resolver->hosts);
    system_deinit(&resolver->system);
    free(resolver);
}

static const struct trale_interface *driver_interface(void *instance, const char *name)
{
    return strcmp(name, "trale.resolve/1") == 0 ? &((struct resolver *)instance)->table.interface : NULL;
}

TRALE_DRIVER(.name = "resolve", .version = TRALE_VERSION, .summary = "names, by the DNS and the hosts file",
             .interfaces = TRALE_RESOLVE_1,
             .needs = TRALE_UDP_1 " " TRALE_STREAM_1 " " TRALE_TIMER_1 " " TRALE_RANDOM_1, .options = resolve_options,
             .start = driver_start, .stop = driver_stop, .interface = driver_interface);
