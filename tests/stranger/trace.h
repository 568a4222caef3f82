/* SPDX-License-Identifier: MIT
 *
 * The interface "org.example.trace/1" of the layer `trace`, which counts the operations and calls of the drivers that
 * it is over. */
#ifndef TRACE_H
#define TRACE_H

#include <trale/driver.h>

struct trace {
    struct trale_interface interface; /* version 1 */

    /* [any] How often: of an operation "sleep made", "sleep polled", "sleep resolved" (to a value >= 0), "sleep failed"
     * (to an error) or "sleep dropped", likewise "recv", "send", "recv_batch", "send_batch", "recv_error", "signal" and
     * "blocking"; of a call its name in the table, such as "open". -1: there is no such count. */
    int64_t (*count)(void *instance, const char *what);

    /* [any] The trace below this one, or NULL. */
    const struct trace *(*below)(void *instance);
};

#endif
