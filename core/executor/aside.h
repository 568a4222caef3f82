/* SPDX-License-Identifier: MIT
 *
 * What few tasks have, and what therefore takes no room in a task: futures on other executors that wait for its result,
 * and a name that was set. One table for the process; tasks are only compared. [any] */
#ifndef CORE_EXECUTOR_ASIDE_H
#define CORE_EXECUTOR_ASIDE_H

#include <trale/trale.h>

#include "core/base/list.h"

/* What the tasks have that share a place in the table. */
struct aside {
    struct trale_link *joins; /* a ring of struct trale_join_future */
    struct aside_name *names;
};

/* The place of a task, locked until aside_unlock. */
struct aside *aside_lock(const struct trale_task *task);
void aside_unlock(const struct aside *aside);

/* The first of the futures that wait for the task, or NULL. */
struct trale_join_future *aside_find_join(const struct aside *aside, const struct trale_task *task);

/* Sets the name of a task; false, and it keeps the name that it has, when memory is out. */
bool aside_set_name(const struct trale_task *task, const char *name);

/* The name that was set. */
const char *aside_name(const struct trale_task *task);

/* Forgets it, before the task is freed. */
void aside_forget_name(const struct trale_task *task);

#endif
