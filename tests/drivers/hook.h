/* SPDX-License-Identifier: MIT
 *
 * The interface of a driver that calls a function of the test from its own hooks. */
#ifndef TRALE_TESTS_HOOK_H
#define TRALE_TESTS_HOOK_H

#include <trale/driver.h>

#define HOOK_BEFORE_WAIT 1u
#define HOOK_STOP 2u

struct hook {
    struct trale_interface interface;
    /* [executor] Has call(data, which) called in the hook HOOK_... */
    void (*set)(void *instance, uint32_t which, void (*call)(void *data), void *data);
    /* [executor] Has answer(data, idle) called in before_wait, for its result. */
    void (*set_answer)(void *instance, uint64_t (*answer)(void *data, uint32_t idle), void *data);
};

#endif
