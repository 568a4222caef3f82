/* SPDX-License-Identifier: MIT
 *
 * trale.random/1 on getrandom(2). Nothing is kept from one call to the next: a copy of the process, by fork(2) or by a
 * snapshot of the machine, draws other bytes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <trale/random.h>

struct driver {
    struct trale_random table;
};

/* With GRND_NONBLOCK it does not wait for the kernel's first random bytes either. */
static int32_t driver_fill(void *instance, void *buf, uint64_t size)
{
    (void)instance;
    for (uint64_t n_filled = 0; n_filled < size;) {
        ssize_t n = getrandom((char *)buf + n_filled, size - n_filled, GRND_NONBLOCK);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            return -EIO; /* a filter of system calls (seccomp(2)) answers so */
        n_filled += n > 0 ? (uint64_t)n : 0;
    }
    return 0;
}

static int32_t driver_start(const struct trale_host *host, const struct trale_settings *settings, void **instance)
{
    struct driver *driver = calloc(1, sizeof *driver);
    char byte;
    (void)settings;
    if (driver == NULL)
        return -ENOMEM;
    int32_t r = driver_fill(driver, &byte, sizeof byte);
    if (r == -EAGAIN) {
        host->log(host->context, TRALE_LOG_WARNING, "the kernel has no random bytes yet: until it has, calls fail");
    } else if (r < 0) {
        host->log(host->context, TRALE_LOG_ERROR, "getrandom failed");
        free(driver);
        return r;
    }
    driver->table.interface.size = sizeof driver->table;
    driver->table.interface.version = 1;
    driver->table.interface.instance = driver;
    driver->table.fill = driver_fill;
    *instance = driver;
    return 0;
}

static void driver_stop(void *instance)
{
    free(instance);
}

static const struct trale_interface *driver_interface(void *instance, const char *name)
{
    return strcmp(name, "trale.random/1") == 0 ? &((struct driver *)instance)->table.interface : NULL;
}

TRALE_DRIVER(.name = "random", .version = TRALE_VERSION, .summary = "random bytes of the kernel",
             .interfaces = TRALE_RANDOM_1, .start = driver_start, .stop = driver_stop, .interface = driver_interface);
