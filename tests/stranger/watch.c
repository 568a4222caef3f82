/* SPDX-License-Identifier: MIT
 *
 * Watches a folder, creates files in it from a second task, and says what it saw. An application of a driver that trale
 * has never heard of.
 *
 *     watch FOLDER
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <trale/timer.h>
#include <trale/trale.h>

#include "inotify.h"

/* Creates a file. */
struct create {
    struct trale_future future;
    const char *folder;
    const char *name;
};

trale_async(create)
{
    char path[PATH_MAX];
    trale_begin();
    snprintf(path, sizeof path, "%s/%s", self->folder, self->name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        trale_return(-errno);
    close(fd);
    trale_return(0);
}

/* Waits for one change. */
struct wait {
    struct trale_future future;
    struct inotify_watch *watch;
    struct inotify_change change;
};

trale_async(wait)
{
    trale_begin();
    trale_await(inotify_next(&self->change, self->watch));
    trale_return(trale_result());
}

struct watch {
    struct trale_future future;
    const char *folder;
    struct inotify_watch *watch;
    struct inotify_change one, two;
    struct trale_task *waiting;
    struct trale_join_future joined;
    struct trale_branch branches[2];
    struct trale_branches both;
    struct trale_timeout timeout;
};

static void watch_close(struct watch *self)
{
    inotify_close(self->watch);
}

trale_async_with(watch, watch_close)
{
    trale_begin();

    int r = inotify_open(cx->runtime, self->folder, IN_CREATE, &self->watch);
    if (r < 0)
        trale_return(r);

    trale_detach(trale_spawn(cx->runtime, create, .folder = self->folder, .name = "first"));
    trale_await(inotify_next(&self->one, self->watch));
    if (trale_result() < 0)
        trale_return(trale_result());
    printf("created: %s\n", self->one.name);

    /* Two futures at once on one watch: each gets a change. */
    trale_detach(trale_spawn(cx->runtime, create, .folder = self->folder, .name = "second"));
    trale_detach(trale_spawn(cx->runtime, create, .folder = self->folder, .name = "third"));
    self->branches[0] = (struct trale_branch){.future = inotify_next(&self->one, self->watch)};
    self->branches[1] = (struct trale_branch){.future = inotify_next(&self->two, self->watch)};
    trale_await(trale_all(&self->both, self->branches, 2));
    if (self->branches[0].result < 0 || self->branches[1].result < 0)
        trale_return(-EIO);
    printf("created: %s and %s\n", self->one.name, self->two.name);

    /* A future that is given up goes out of the driver, and the watch goes on. */
    trale_await(trale_timeout(&self->timeout, inotify_next(&self->one, self->watch), 20 * TRALE_MILLISECOND));
    if (trale_result() != -ETIMEDOUT)
        trale_return(-EIO);
    printf("nothing more\n");

    trale_detach(trale_spawn(cx->runtime, create, .folder = self->folder, .name = "fourth"));
    trale_await(inotify_next(&self->one, self->watch));
    if (trale_result() < 0)
        trale_return(trale_result());
    printf("created: %s\n", self->one.name);

    /* Closed while another task waits, once that has had its turn. */
    self->waiting = trale_spawn(cx->runtime, wait, .watch = self->watch);
    trale_yield();
    inotify_close(self->watch);
    self->watch = NULL;
    trale_await(trale_join_future(&self->joined, self->waiting));
    printf("closed: %s\n", strerror((int)-trale_result()));
    trale_return(0);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return EXIT_FAILURE;
    }
    struct trale *runtime;
    int r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("trale_open", r);
    int64_t result = trale_join(trale_spawn(runtime, watch, .folder = argv[1]));
    trale_close(runtime);
    return result < 0 ? trale_perror(argv[1], result) : EXIT_SUCCESS;
}
