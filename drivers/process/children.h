/* SPDX-License-Identifier: MIT
 *
 * The instance, and the memory of its children. The memory of one that is over is used for a later one, and freed only
 * when the driver stops: a wait for a closed child looks at the generation before anything else. */
#ifndef PROCESS_CHILDREN_H
#define PROCESS_CHILDREN_H

#include <stdbool.h>

#include <trale/process.h>
#include <trale/stream_socket.h>

struct plan;

struct driver {
    struct trale_processes table;
    struct trale_host host;
    const struct trale_stream *stream; /* NULL: no driver before this one offers streams */
    struct plan *plan;                 /* of the spawn that is under way, see plan.h */
    struct trale_link children, free;  /* of struct child, by `link` */
    uint64_t generation;               /* of the last child that was made */
    bool told;                         /* there was a message that a status is lost */
};

enum child_state {
    CHILD_GONE,    /* There is no such process, or none that the driver waits for: it was not spawned, or released. */
    CHILD_RUNNING, /* It has not ended, as far as the driver knows. */
    CHILD_ENDED,   /* It has ended, and was waited for. */
};

struct child {
    struct trale_process handle; /* first: what applications pass on */
    struct driver *driver;
    struct trale_link link;
    uint64_t generation; /* no other child that is not closed has it; 0: closed */
    struct trale_link waits;
    struct trale_future watcher; /* the task of the driver's own that waits for the pidfd */
    struct trale_wait wait;
    enum child_state state;
    bool is_watched; /* there is the task */
    uint32_t flags;  /* of the command */
    int pid, pidfd;  /* pidfd: -1 when the child is gone */
    /* When it has ended: */
    int32_t outcome; /* 0, or -ECHILD: the status is lost */
    int32_t code, status;
    struct trale_process_usage usage;
};

static inline struct child *child_of(struct trale_process *process)
{
    return (struct child *)(void *)process;
}

/* Makes one that is gone, with a generation. NULL: memory is out. */
struct child *child_make(struct driver *driver);

/* Takes the memory back, if the child is closed and nothing waits for its end any more. */
void child_recycle(struct child *child);

/* Frees the memory of all. */
void children_free(struct driver *driver);

#endif
