/* SPDX-License-Identifier: MIT
 *
 * The driver: trale.udp/1 on the kernel's sockets, which wait by the reactor. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "instance.h"

static const struct trale_option udp_options[] = {UDP_OPTIONS, [N_UDP_OPTIONS] = {.name = NULL}};

static void udp_stop(void *instance)
{
    udp_deinit(instance);
    free(instance);
}

static int32_t udp_start(const struct trale_host *host, const struct trale_settings *settings, void **instance)
{
    struct udp *udp = calloc(1, sizeof *udp);
    if (udp == NULL || udp_init(udp, host, settings) < 0) {
        host->log(host->context, TRALE_LOG_ERROR, "memory is out");
        if (udp != NULL)
            udp_stop(udp);
        return -ENOMEM;
    }
    *instance = udp;
    return 0;
}

static const struct trale_interface *udp_interface(void *instance, const char *name)
{
    return strcmp(name, "trale.udp/1") == 0 ? &((struct udp *)instance)->table.interface : NULL;
}

TRALE_DRIVER(.name = "udp", .version = TRALE_VERSION, .summary = "datagrams, on the kernel's UDP sockets",
             .interfaces = TRALE_UDP_1, .options = udp_options, .start = udp_start, .stop = udp_stop,
             .interface = udp_interface);
