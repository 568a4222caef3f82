/* SPDX-License-Identifier: MIT
 *
 * The instance, and open files. */
#ifndef FILE_FILES_H
#define FILE_FILES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <trale/blocking.h>
#include <trale/file_folder.h>

#include "list.h"
#include "ring_job.h"

/* What the program has of a file. The memory is used for a later one, and freed only when the driver stops: the first
 * poll of an operation looks at the generation before anything else. */
struct handle {
    struct trale_file base; /* first */
    uint64_t generation;    /* no other file that is open has it; 0: closed */
    struct file *file;      /* while it is open */
    struct handle *next;    /* in files->closed */
};

struct file {
    struct handle *handle; /* while it is open */
    struct files *files;
    struct trale_link link;     /* in files->open */
    int fd;                     /* -1: it is not open */
    atomic_uint n_users;        /* the program, until it closes the file, and jobs */
    struct trale_link waiting;  /* operations of the file that have begun, by their `link` */
    bool is_listing;            /* one of them is a list */
    int64_t position;           /* what lists have given so far, as d_off of getdents64(2) */
    pthread_mutex_t descriptor; /* held while a thread lists: the fd has one position */
    struct file *next;          /* in the list of the closer, or of what it has given to a thread */
    struct ring_job ring_job;   /* that closes it */
};

/* The driver's own task, of which there is one, because a start that fails cannot take a task back: closes files that
 * have no user any more, on a thread of the pool, and waits for completions of io_uring(7). */
struct closer {
    struct trale_future future;
    const struct trale_waker *waker; /* lent; NULL: it is not polled */
    struct file *files;
    struct trale_blocking work; /* pending while the future awaits it */
};

struct files {
    struct trale_files table;
    struct trale_host host;
    const struct trale_pool *pool;
    uint32_t buffer_size; /* bytes of one piece of a read or a write */
    struct trale_link open;
    struct handle *closed;
    uint64_t generation; /* of the last file that was opened */
    struct closer closer;
    struct submission *submission; /* io_uring(7); NULL: threads do all */
};

/* Of one that is open. */
static inline struct file *file_of(struct trale_file *base)
{
    return ((struct handle *)(void *)base)->file;
}

/* operation.c: the futures. */
void operation_begin(void *instance, struct trale_file_op *op);

/* [executor] The operation ends without a result: its future resolves to -ECANCELED. */
void operation_cancel(struct trale_file_op *op);

/* open_file.c: a file that is not open, with the caller as its user. NULL: no memory. */
struct file *file_new(struct files *files);

/* Gives one that was opened to the program, which is its user then. 0 or -ENOMEM. */
int file_give(struct file *file);

/* Takes one user away. The last one closes the file: on the executor, the closer does that. */
void file_unref(struct file *file);
void file_unref_on_thread(struct file *file);

/* Closes the file, if it has an fd, and frees it. */
void file_free(struct file *file);

/* Has a thread do that. */
void file_give_to_closer(struct file *file);

void file_close(void *instance, struct trale_file *base);

/* Makes the closer's future. */
void closer_init(struct files *files);

/* [stop] Closes what the program has left open, and what the closer has not closed. */
void files_close_all(struct files *files);

#endif
