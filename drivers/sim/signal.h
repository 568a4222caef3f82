/* SPDX-License-Identifier: MIT
 *
 * trale.signal/1: signals that the world sends to the program, and those that the program sends to itself by kill(2) or
 * raise(3), which are the kernel's. */
#ifndef SIM_SIGNAL_H
#define SIM_SIGNAL_H

#include <trale/signal.h>

#include "list.h"
#include "program.h"
#include "signals.h"

struct signal_source {
    struct trale_signals table;
    struct program *program;
    uint64_t taken;  /* sets of signals are bits, as in the interface */
    bool is_blocked; /* they are */
    struct signals_mask mask;
    struct trale_link waiting; /* waits that were polled and have no signal yet */
};

/* `names` is the option `signals`. If it is the default, the signals are blocked when the program first asks for one:
 * another program is ended by SIGINT. Otherwise they are blocked on this thread now. 0, or -EINVAL with the reason in
 * `why`. */
int signal_source_init(struct signal_source *source, struct program *program, const char *names, bool is_default,
                       char *why, size_t size);

/* Unblocks them. */
void signal_source_deinit(struct signal_source *source);

/* Gives signals that have come to the waits for them. */
void signal_source_look(struct signal_source *source);

/* Whether a wait might still get a signal from outside of the world. */
static inline int signal_source_waits(const struct signal_source *source)
{
    return !list_is_empty(&source->waiting);
}

#endif
