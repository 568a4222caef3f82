/* SPDX-License-Identifier: MIT
 *
 * A driver that sends its process a SIGHUP while it starts. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include <trale/driver.h>

static int32_t early_start(const struct trale_host *host, const struct trale_settings *settings, void **instance)
{
    static char nothing;
    (void)host;
    (void)settings;
    *instance = &nothing;
    return kill(getpid(), SIGHUP) < 0 ? -errno : 0;
}

static void early_stop(void *instance)
{
    (void)instance;
}

static const struct trale_interface *early_interface(void *instance, const char *name)
{
    (void)instance;
    (void)name;
    return NULL;
}

TRALE_DRIVER(.name = "early", .version = "1", .summary = "sends SIGHUP", .interfaces = "", .start = early_start,
             .stop = early_stop, .interface = early_interface);
