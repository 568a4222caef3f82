/* SPDX-License-Identifier: MIT
 *
 * trale.signal/1 on signalfd(2), which reports that a signal is pending, and sigtimedwait(2), which takes it.
 *
 * Signals belong to the process, which may have other runtimes. So the driver takes no signal that no task here awaits:
 * the signal stays pending in the kernel. A wait takes its signal itself, when it is polled. So a wait that is dropped
 * has taken none, although it was woken.
 *
 * The signalfd watches for the signals of those waits that found none. When it reports one, it is set to watch for
 * nothing, and a task of the driver's own wakes all waits; a wait that finds no signal again adds its signals again. So
 * a signal for a wait that is gone is reported only once. A signal that is already pending when it is added is reported
 * too: signalfd(2) checks again then.
 *
 * The wait that takes a signal gives it to all waits for it. They resolve when they are polled, whether or not they are
 * still on the list then.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "list.h"
#include "signals.h"

enum option { OPTION_SIGNALS, N_OPTIONS };

static const struct trale_option signal_options[] = {
    [OPTION_SIGNALS] = {.name = "signals",
                        .type = TRALE_OPTION_TEXT,
                        .default_value = "TERM INT",
                        .help = "those that are blocked and can be awaited: names, RTMIN+1, or numbers"},
    [N_OPTIONS] = {.name = NULL},
};

struct driver {
    struct trale_signals table;
    struct trale_host host;
    uint64_t taken; /* sets of signals are bits, as in the interface */
    struct signals_mask mask;
    int fd;
    uint64_t watched;            /* what the fd watches for */
    struct trale_link waiting;   /* waits that were polled and have no signal yet */
    struct trale_future watcher; /* the driver's task */
    bool is_watched;             /* there is the task; where it had to end, the next wait makes it anew */
    bool told;                   /* there was a message that waits fail, and no success since */
    struct trale_wait wait;
};

static int driver_watch(struct driver *driver, uint64_t signals)
{
    if (signals == driver->watched)
        return 0;
    sigset_t set;
    signals_set(&set, signals);
    if (signalfd(driver->fd, &set, 0) < 0)
        return -errno;
    driver->watched = signals;
    return 0;
}

/* --- a wait: in the list from its first poll until it has its signal or an error, or is dropped ------------------- */

/* Takes a signal that is pending, and gives it to all waits for it; the taker need not be in the list. */
static bool signal_take(struct driver *driver, struct trale_signal *taker)
{
    static const struct timespec at_once = {0, 0};
    sigset_t set;
    siginfo_t info = {0};
    signals_set(&set, taker->signals);
    if (sigtimedwait(&set, &info, &at_once) < 0)
        return false;
    list_remove(&taker->link);
    signals_tell(taker, &info);
    for (struct trale_link *link = driver->waiting.next, *next; link != &driver->waiting; link = next) {
        struct trale_signal *signal = list_entry(link, struct trale_signal, link);
        next = link->next;
        if ((signal->signals & trale_signal_bit(info.si_signo)) == 0)
            continue;
        list_remove(&signal->link);
        signals_tell(signal, &info);
        signal->waker->table->wake_by_ref(signal->waker);
    }
    return true;
}

/* Why a wait is refused, or 0. */
static int32_t signal_flaw(const struct driver *driver, const struct trale_signal *signal)
{
    if (signal->signals == 0)
        return -EINVAL;
    return (signal->signals & ~driver->taken) != 0 ? -ENOENT : 0;
}

static const struct trale_future_type watcher_type;

/* Sees to it that there is the driver's task. */
static int32_t driver_start_watcher(struct driver *driver)
{
    if (driver->is_watched)
        return 0;
    trale_future_init(&driver->watcher, &watcher_type);
    int32_t r = driver->host.spawn(driver->host.context, &driver->watcher);
    driver->is_watched = r == 0;
    return r;
}

static int64_t signal_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_signal *signal = (struct trale_signal *)(void *)future;
    struct driver *driver = signal->driver;
    if (signal->number > 0)
        return signal->number;
    int32_t r = signal->number < 0 ? signal->number : signal_flaw(driver, signal);
    signal->number = 0;
    /* A wait that begins need not look for signals that the fd watches: it would report them. */
    bool looks = list_has(&signal->link) || (signal->signals & ~driver->watched) != 0 ||
                 (driver->host.hints & TRALE_HOST_LEVEL) == 0;
    if (r == 0 && looks && signal_take(driver, signal))
        return signal->number;
    if (r == 0)
        r = driver_start_watcher(driver);
    if (r == 0)
        r = driver_watch(driver, driver->watched | signal->signals);
    if (r < 0) {
        list_remove(&signal->link);
        return r;
    }
    if (!list_has(&signal->link))
        list_append(&driver->waiting, &signal->link);
    signal->waker = context->waker;
    return TRALE_PENDING;
}

static void signal_drop(struct trale_future *future)
{
    list_remove(&((struct trale_signal *)(void *)future)->link);
}

static void driver_wait(void *instance, struct trale_signal *signal)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_signal", signal_poll, signal_drop};
    trale_host_expect(&((struct driver *)instance)->host, "trale_signals.wait");
    signal->future.type = &type;
    signal->driver = instance;
}

static uint64_t driver_taken(void *instance)
{
    return ((struct driver *)instance)->taken;
}

/* --- the driver's task -------------------------------------------------------------------------------------------- */

static void driver_wake_all(struct driver *driver)
{
    for (struct trale_link *link = driver->waiting.next; link != &driver->waiting; link = link->next) {
        const struct trale_waker *waker = list_entry(link, struct trale_signal, link)->waker;
        waker->table->wake_by_ref(waker);
    }
}

/* All that wait resolve to the error. Later waits may succeed. */
static void driver_fail(struct driver *driver, int32_t error)
{
    if (!driver->told)
        driver->host.log(driver->host.context, TRALE_LOG_ERROR, "cannot wait for the signalfd: waits for signals fail");
    driver->told = true;
    while (!list_is_empty(&driver->waiting)) {
        struct trale_signal *signal = list_entry(driver->waiting.next, struct trale_signal, link);
        list_remove(&signal->link);
        signal->number = error;
        signal->waker->table->wake_by_ref(signal->waker);
    }
}

static int64_t watcher_poll(struct trale_future *future, struct trale_context *context)
{
    struct driver *driver = (struct driver *)(void *)((char *)future - offsetof(struct driver, watcher));
    const struct trale_host *host = &driver->host;
    int32_t r;
    do {
        r = driver_watch(driver, 0);
        driver_wake_all(driver);
        host->cancel_wait(host->context, &driver->wait);
        driver->wait.waker = context->waker;
        if (r == 0)
            r = host->register_waker(host->context, driver->fd, TRALE_READABLE, &driver->wait);
    } while (r == 1);
    if (r < 0) {
        driver->is_watched = false;
        driver_fail(driver, r);
        return r;
    }
    driver->told = false;
    return TRALE_PENDING;
}

static void watcher_drop(struct trale_future *future)
{
    struct driver *driver = (struct driver *)(void *)((char *)future - offsetof(struct driver, watcher));
    driver->host.cancel_wait(driver->host.context, &driver->wait);
}

static const struct trale_future_type watcher_type = {sizeof watcher_type, TRALE_ABI, "signalfd", watcher_poll,
                                                      watcher_drop};

/* --- the driver --------------------------------------------------------------------------------------------------- */

static void driver_stop(void *instance)
{
    struct driver *driver = instance;
    driver->host.forget_fd(driver->host.context, driver->fd);
    close(driver->fd);
    signals_unblock(&driver->mask);
    free(driver);
}

static int32_t driver_read_settings(struct driver *driver, const struct trale_settings *settings)
{
    const struct trale_value *value = &settings->values[OPTION_SIGNALS];
    char why[192], message[512];
    int r = signals_parse(value->text, &driver->taken, why, sizeof why);
    if (r < 0) {
        snprintf(message, sizeof message, "%s:%u: [%s] signals: %s", settings->file, value->line, settings->section,
                 why);
        driver->host.log(driver->host.context, TRALE_LOG_ERROR, message);
    }
    return r;
}

static int32_t driver_start(const struct trale_host *host, const struct trale_settings *settings, void **instance)
{
    sigset_t none;
    struct driver *driver = calloc(1, sizeof *driver);
    if (driver == NULL)
        return -ENOMEM;
    trale_host_copy(&driver->host, host);
    driver->table = (struct trale_signals){{sizeof driver->table, 1, driver}, driver_taken, driver_wait};
    list_init(&driver->waiting);
    driver->fd = -1;
    int32_t r = driver_read_settings(driver, settings);
    if (r < 0)
        goto fail;
    sigemptyset(&none);
    driver->fd = signalfd(-1, &none, SFD_NONBLOCK | SFD_CLOEXEC);
    if (driver->fd < 0) {
        r = -errno;
        host->log(host->context, TRALE_LOG_ERROR, "signalfd failed");
        goto fail;
    }
    r = driver_start_watcher(driver);
    if (r < 0)
        goto fail;
    signals_block(&driver->mask, driver->taken);
    *instance = driver;
    return 0;
fail:
    if (driver->fd >= 0)
        close(driver->fd);
    free(driver);
    return r;
}

static const struct trale_interface *driver_interface(void *instance, const char *name)
{
    return strcmp(name, "trale.signal/1") == 0 ? &((struct driver *)instance)->table.interface : NULL;
}

TRALE_DRIVER(.name = "signal", .version = TRALE_VERSION, .summary = "signals, on signalfd",
             .interfaces = TRALE_SIGNAL_1, .options = signal_options, .start = driver_start, .stop = driver_stop,
             .interface = driver_interface);
