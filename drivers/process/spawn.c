/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1 /* environ, pipe2(2) */

#include "spawn.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plan.h"
#include "watch.h"

#define ALL_FLAGS (TRALE_PROCESS_GROUP | TRALE_PROCESS_KILL_ON_DROP | TRALE_PROCESS_USER)

/* --- is the command one? ------------------------------------------------------------------------------------------ */

/* The entry before entry n that makes the child's descriptor `number`; NULL: none does. */
static const struct trale_process_fd *fd_before(const struct trale_process_command *command, uint32_t n, int number)
{
    for (uint32_t i = 0; i < n; i++)
        if (command->fds[i].number == number)
            return &command->fds[i];
    return NULL;
}

static int32_t command_check(const struct driver *driver, const struct trale_process_command *command)
{
    if (command->path == NULL || command->arguments == NULL || command->arguments[0] == NULL ||
        (command->flags & ~ALL_FLAGS) != 0 || command->reserved != 0)
        return -EINVAL;
    for (uint32_t i = 0; i < command->n_fds; i++) {
        const struct trale_process_fd *fd = &command->fds[i];
        bool is_pipe = fd->kind == TRALE_PROCESS_INPUT || fd->kind == TRALE_PROCESS_OUTPUT;
        if (fd->number < 0 || fd->number == INT_MAX || fd->kind > TRALE_PROCESS_OUTPUT || fd->reserved != 0 ||
            fd_before(command, i, fd->number) != NULL ||
            (fd->kind == TRALE_PROCESS_SAME && fd_before(command, i, fd->fd) == NULL))
            return -EINVAL;
        if (is_pipe && driver->stream == NULL)
            return -ENODEV;
    }
    return 0;
}

/* --- its descriptors ---------------------------------------------------------------------------------------------- */

/* Makes the pipe: the child's end, and the program's as a stream. */
static int32_t fd_make_pipe(const struct driver *driver, struct trale_process_fd *fd)
{
    const bool is_input = fd->kind == TRALE_PROCESS_INPUT;
    int ends[2]; /* that for reading first */
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    int32_t r = driver->stream->adopt(driver->stream->interface.instance, ends[is_input], &fd->stream);
    if (r < 0) {
        close(ends[0]);
        close(ends[1]);
        return r;
    }
    fd->driver[0] = ends[!is_input];
    return 0;
}

static int32_t fd_open(const struct driver *driver, const struct trale_process_command *command, uint32_t i)
{
    struct trale_process_fd *fd = &command->fds[i];
    switch (fd->kind) {
    case TRALE_PROCESS_FD:
        fd->driver[0] = fd->fd;
        return fcntl(fd->fd, F_GETFD) < 0 ? -errno : 0;
    case TRALE_PROCESS_SAME:
        fd->driver[0] = fd_before(command, i, fd->fd)->driver[0];
        return 0;
    case TRALE_PROCESS_NULL:
        fd->driver[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
        return fd->driver[0] < 0 ? -errno : 0;
    default:
        return fd_make_pipe(driver, fd);
    }
}

/* Closes the child's of the first n; if there is no child, the streams as well. */
static void fds_close(const struct trale_process_command *command, uint32_t n, bool has_child)
{
    for (uint32_t i = 0; i < n; i++) {
        struct trale_process_fd *fd = &command->fds[i];
        if (fd->kind == TRALE_PROCESS_FD || fd->kind == TRALE_PROCESS_SAME)
            continue;
        close(fd->driver[0]);
        if (fd->kind != TRALE_PROCESS_NULL && !has_child) {
            trale_stream_close(fd->stream);
            fd->stream = NULL;
        }
    }
}

/* --- the plan ----------------------------------------------------------------------------------------------------- */

static void plan_set(struct plan *plan, const struct trale_process_command *command)
{
    const char *folders = getenv("PATH");
    plan->command = *command;
    plan->environment = command->environment != NULL ? command->environment : (const char *const *)environ;
    plan->search = folders != NULL ? folders : "/bin:/usr/bin";
    if (command->path[0] == '\0' || strchr(command->path, '/') != NULL)
        plan->search = NULL;
}

static int32_t command_run(struct driver *driver, const struct trale_process_command *command, struct child *child)
{
    uint32_t n = 0;
    int32_t r = 0;
    while (r == 0 && n < command->n_fds) {
        r = fd_open(driver, command, n);
        n += r == 0;
    }
    if (r == 0) {
        plan_set(driver->plan, command);
        r = plan_run(driver->plan, &child->pid, &child->pidfd);
    }
    fds_close(command, n, r == 0);
    return r;
}

int32_t process_spawn(void *instance, const struct trale_process_command *command, struct trale_process **process)
{
    struct driver *driver = instance;
    trale_host_expect(&driver->host, "trale_processes.spawn");
    int32_t r = command_check(driver, command);
    if (r < 0)
        return r;
    struct child *child = child_make(driver);
    if (child == NULL)
        return -ENOMEM;
    child->flags = command->flags;
    /* First what can fail without a trace. */
    r = child_watch(child);
    if (r == 0)
        r = command_run(driver, command, child);
    if (r == 0) {
        child->state = CHILD_RUNNING;
        *process = &child->handle;
    } else {
        child->generation = 0;
        child_recycle(child);
    }
    return r;
}
