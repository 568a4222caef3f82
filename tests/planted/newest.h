/* SPDX-License-Identifier: MIT
 *
 * A bug for the example `reliable`: a receiver knows only the newest number that it has applied, so what comes again
 * after that is applied twice (contiki-os/contiki, issue 2085, where that was to be the remedy). */
#define RULE_ARRIVE
#include "rules.h"

static inline enum arrival window_arrive(struct window *window, uint32_t session, uint32_t number)
{
    if (session == window->session && number == window->floor)
        return ARRIVAL_DUPLICATE;
    *window = (struct window){.session = session, .floor = number};
    return ARRIVAL_NEW;
}
