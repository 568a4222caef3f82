/* SPDX-License-Identifier: MIT
 *
 * The table's spawn: from a command to a child. */
#ifndef PROCESS_SPAWN_H
#define PROCESS_SPAWN_H

#include "children.h"

int32_t process_spawn(void *instance, const struct trale_process_command *command, struct trale_process **process);

#endif
