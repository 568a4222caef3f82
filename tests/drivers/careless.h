/* SPDX-License-Identifier: MIT
 *
 * The interface of a driver that gives its host table to the test, which makes the mistakes. */
#ifndef TRALE_TESTS_CARELESS_H
#define TRALE_TESTS_CARELESS_H

#include <trale/driver.h>

struct careless {
    struct trale_interface interface;
    const struct trale_host *host;
    /* [executor] Does nothing, and says trale_host_expect. */
    void (*touch)(void *instance);
    /* [any] Has stop call this. */
    void (*at_stop)(void *instance, void (*call)(const struct trale_host *host, void *data), void *data);
};

#endif
