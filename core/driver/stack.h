/* SPDX-License-Identifier: MIT
 *
 * Which driver gives an interface to which: what they need, in the order of `drivers`. */
#ifndef CORE_DRIVER_STACK_H
#define CORE_DRIVER_STACK_H

#include "core/config/settings.h"
#include "core/driver/driver.h"

/* Checks the drivers, in the order of settings->drivers, of which those that could not be opened are CLOSED: no two
 * offer the same interface, and what each needs is offered by a driver before it. Each mistake is a message that says
 * what to write. 0, -EINVAL or -ENOMEM. */
int stack_check(const struct driver *drivers, const struct settings *settings, const struct config *config,
                const struct log *log);

#endif
