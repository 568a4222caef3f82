/* SPDX-License-Identifier: MIT
 *
 * Which driver gives an interface to which: layers, and what drivers need, in the order of `drivers`.
 *
 * A driver offers the interfaces in its description. A layer, which has the key `over`, offers of its `layers` those
 * that a driver named there offers; of its `interfaces` these as well, and those that no driver before it offers. So of
 * the drivers that offer one interface, each but the first is a layer over the one before, and hides it from
 * applications and from the drivers after it. */
#ifndef CORE_DRIVER_STACK_H
#define CORE_DRIVER_STACK_H

#include "core/base/text.h"
#include "core/config/settings.h"
#include "core/driver/driver.h"

/* Checks the drivers, in the order of settings->drivers, of which those that could not be opened are CLOSED: what each
 * layer is over, that no two others offer the same interface, that what each needs is offered by a driver before it,
 * and that [runtime] is as each demands. Removes from the lists of a layer's interfaces what it does not offer, and
 * closes a layer whose `over` is wrong. Each mistake is a message that says what to write. 0, -EINVAL or -ENOMEM. */
int stack_check(struct driver *drivers, const struct settings *settings, const struct config *config,
                const struct log *log);

/* --- among the stack*.c files ------------------------------------------------------------------------------------- */

struct stack {
    struct driver *drivers;
    const struct settings *settings;
    const struct config *config;
    const struct log *log;
    bool *moves; /* of each driver: in the cure it goes before the driver under examination */
};

/* The name of a driver, which may be CLOSED, in trale.ini. */
const char *stack_name(const struct stack *stack, size_t i);

/* The first of the drivers [begin, end) that offers the interface, or `end`. */
size_t stack_find_offer(const struct stack *stack, size_t begin, size_t end, const char *interface, size_t length);

/* The driver by that name, or n_drivers. */
size_t stack_find_name(const struct stack *stack, const char *name, size_t length);

/* Writes `drivers` as it should be: `before`, a list that ends in ", ", and the drivers that move, before driver i. */
void stack_write_order(const struct stack *stack, size_t i, const char *before, struct text *order);
void stack_forget_moves(const struct stack *stack);

/* Checks what driver i is over, if it is a layer; a CLOSED one is right. 0, or -EINVAL and messages. */
int stack_check_over(const struct stack *stack, size_t i);

/* Removes from the interfaces of driver i, if it is a layer, those that it does not offer. */
void stack_shorten_offers(const struct stack *stack, size_t i);

/* Checks that the drivers before driver i offer what it needs. 0, or -EINVAL and a message. */
int stack_check_needs(const struct stack *stack, size_t i);

/* Whether driver i demands to be alone in what it does: no other driver offers what it offers. */
bool stack_is_alone(const struct stack *stack, size_t i);

/* Checks that [runtime] is as driver i demands. 0, or -EINVAL and messages. */
int stack_check_demands(const struct stack *stack, size_t i);

#endif
