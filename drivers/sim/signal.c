/* SPDX-License-Identifier: MIT
 *
 * A signal of the world is sent to the process by the kernel, so one that the program does not take has its usual
 * effect. A wait looks for its signals when it is polled; and before the world's clock moves on, all waits look. So a
 * signal that a task sends to its own process comes at the time when it was sent. */
#include "signal.h"

#include <errno.h>
#include <time.h>

/* Takes one of the signals that are pending. */
static bool source_take(uint64_t signals, siginfo_t *info)
{
    static const struct timespec at_once = {0, 0};
    sigset_t set;
    memset(info, 0, sizeof *info);
    signals_set(&set, signals);
    return sigtimedwait(&set, info, &at_once) > 0;
}

/* Gives a signal to all waits for it. The process's own number is in the signal, and differs from run to run; so it is
 * not in the log. */
static void source_give(struct signal_source *source, const siginfo_t *info)
{
    log_event(&source->program->log, LOG_SIGNAL, log_number("number", info->si_signo),
              log_number("code", info->si_code));
    for (struct trale_link *link = source->waiting.next, *next; link != &source->waiting; link = next) {
        struct trale_signal *signal = list_entry(link, struct trale_signal, link);
        next = link->next;
        if ((signal->signals & trale_signal_bit(info->si_signo)) == 0)
            continue;
        list_remove(&signal->link);
        signals_tell(signal, info);
        program_wake(source->program, signal->waker);
    }
}

void signal_source_look(struct signal_source *source)
{
    struct world_program *place = source->program->place;
    siginfo_t info;
    uint64_t awaited;
    for (; place->signals != 0; place->signals &= place->signals - 1)
        kill(getpid(), __builtin_ctzll(place->signals) + 1);
    do {
        awaited = 0;
        for (struct trale_link *link = source->waiting.next; link != &source->waiting; link = link->next)
            awaited |= list_entry(link, struct trale_signal, link)->signals;
        if (awaited == 0 || !source_take(awaited, &info))
            return;
        source_give(source, &info);
    } while (true);
}

/* --- a wait ------------------------------------------------------------------------------------------------------- */

static int64_t signal_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_signal *signal = (struct trale_signal *)(void *)future;
    struct signal_source *source = signal->driver;
    siginfo_t info;
    if (signal->number > 0)
        return signal->number;
    if (signal->signals == 0)
        return -EINVAL;
    if ((signal->signals & ~source->taken) != 0)
        return -ENOENT;
    if (source_take(signal->signals, &info)) {
        list_remove(&signal->link);
        source_give(source, &info);
        signals_tell(signal, &info);
        return signal->number;
    }
    if (!list_has(&signal->link))
        list_append(&source->waiting, &signal->link);
    signal->waker = context->waker;
    return TRALE_PENDING;
}

static void signal_drop(struct trale_future *future)
{
    list_remove(&((struct trale_signal *)(void *)future)->link);
}

static void source_block(struct signal_source *source)
{
    if (!source->is_blocked)
        signals_block(&source->mask, source->taken);
    source->is_blocked = true;
}

static void source_wait(void *instance, struct trale_signal *signal)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_signal", signal_poll, signal_drop};
    trale_host_expect(&((struct signal_source *)instance)->program->host, "trale_signals.wait");
    source_block(instance);
    signal->future.type = &type;
    signal->driver = instance;
}

static uint64_t source_taken(void *instance)
{
    source_block(instance);
    return ((struct signal_source *)instance)->taken;
}

int signal_source_init(struct signal_source *source, struct program *program, const char *names, bool is_default,
                       char *why, size_t size)
{
    *source = (struct signal_source){.table = {{sizeof source->table, 1, source}, source_taken, source_wait},
                                     .program = program};
    list_init(&source->waiting);
    int r = signals_parse(names, &source->taken, why, size);
    if (r == 0 && !is_default)
        source_block(source);
    return r;
}

void signal_source_deinit(struct signal_source *source)
{
    if (source->is_blocked)
        signals_unblock(&source->mask);
}
