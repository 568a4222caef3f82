/* SPDX-License-Identifier: MIT
 *
 * Work that may crash, end the process or hang: done in a child process, with a time limit. */
#ifndef CORE_COMMAND_CHILD_H
#define CORE_COMMAND_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#define CHILD_LIMIT_SECONDS 10

enum child_end {
    CHILD_RETURNED, /* The work returned. */
    CHILD_DIED,     /* The child ended in the midst of it; `status` is as in waitpid(2). */
    CHILD_HUNG,     /* It was killed at the time limit. */
    CHILD_NONE,     /* There was no child: out of processes, fds or memory. */
};

struct child {
    enum child_end end;
    int status;
    char *output; /* what the work wrote to `fd`, allocated; "" if it wrote nothing */
};

/* Runs `work` in a child process that is like this one, has no thread but its own, and prints to stderr only. The
 * caller frees child->output, unless it is NULL (CHILD_NONE). */
void child_run(struct child *child, void (*work)(const void *data, int fd), const void *data);

/* Says how it ended, for "it ...": "crashed (Segmentation fault)", "did not end within 10 s". Returns buf. */
#define CHILD_TEXT 128
const char *child_how(const struct child *child, char buf[CHILD_TEXT]);

#endif
