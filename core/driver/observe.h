/* SPDX-License-Identifier: MIT
 *
 * A driver that observes (trale/observer.h). */
#ifndef CORE_DRIVER_OBSERVE_H
#define CORE_DRIVER_OBSERVE_H

#include <trale/observer.h>

#include "core/executor/executor.h"

/* Part of the driver's host. Zeroed: the driver does not observe. */
struct observation {
    struct hooks hooks;        /* first */
    struct executor *executor; /* NULL: it does not */
    struct trale_observer calls;
    void *data;
    struct trale_inspector inspector;
};

/* host.observe, before the executor runs. 0, -EBUSY or -EINVAL. */
int32_t observation_begin(struct observation *self, struct executor *executor, const struct trale_observer *observer,
                          void *data, const struct trale_inspector **inspector);

/* The driver did not start. Before the executor runs. */
void observation_end(struct observation *self);

#endif
