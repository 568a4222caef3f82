/* SPDX-License-Identifier: MIT
 *
 * Which driver gives an interface to which: layers, and what drivers need, in the order of `drivers`.
 *
 * A driver offers the interfaces in its description. A layer, which has the key `over`, offers those of them that a
 * driver named there offers, and those that no driver before it offers. So of the drivers that offer one interface,
 * each but the first is a layer over the one before, and hides it from the drivers after it and from applications. */
#ifndef CORE_DRIVER_STACK_H
#define CORE_DRIVER_STACK_H

#include "core/config/settings.h"
#include "core/driver/driver.h"

/* Checks the drivers, in the order of settings->drivers, of which those that could not be opened are CLOSED: what each
 * layer is over, that no two others offer the same interface, and that what each needs is offered by a driver before
 * it. Removes from the lists of a layer's interfaces what it does not offer. Each mistake is a message that says what
 * to write. 0, -EINVAL or -ENOMEM. */
int stack_check(struct driver *drivers, const struct settings *settings, const struct config *config,
                const struct log *log);

#endif
