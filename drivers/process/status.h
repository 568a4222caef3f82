/* SPDX-License-Identifier: MIT
 *
 * What the kernel says of a child, by its pidfd. */
#ifndef PROCESS_STATUS_H
#define PROCESS_STATUS_H

#include "children.h"

enum status {
    STATUS_RUNNING,
    STATUS_ENDED,  /* The child was waited for; its `outcome`, `code`, `status` and `usage` are set. */
    STATUS_ENDING, /* Another waiter has it, and the kernel will say at once how it ended. */
};

/* Waits for the child if it has ended. */
enum status child_look(struct child *child);

/* Sends a signal to the child, or to its group. 0, or an error of pidfd_send_signal(2) or kill(2). */
int32_t child_signal(const struct child *child, int signal);

#endif
