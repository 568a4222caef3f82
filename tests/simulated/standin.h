/* SPDX-License-Identifier: MIT
 *
 * "org.example.faults/1": the scenario that the stand-in has read. */
#ifndef STANDIN_H
#define STANDIN_H

#include <trale/driver.h>

#define ORG_EXAMPLE_FAULTS_1 "org.example.faults/1"

struct faults {
    struct trale_interface interface;
    const char *text; /* lines */
    int64_t cancel_await;
};

#endif
