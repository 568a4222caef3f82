/* SPDX-License-Identifier: MIT
 *
 * A child shares the memory of the program until it executes another one, and meanwhile the thread that made it waits
 * (CLONE_VM, CLONE_VFORK), so the size of the program costs nothing. It shares even `errno` and the locks of libc,
 * which other threads may hold, and a function of libc may send signals to those threads (nptl(7)). So between clone(2)
 * and execve(2) the child makes system calls alone, by syscall(2), on a stack of its own, and all signals are blocked
 * until their handlers are gone.
 *
 * A child that changes its user has a copy of the memory instead: else the kernel would take the program for one that
 * has changed its user, of which no core is dumped, and another process of that user could write to its memory.
 */
#define _GNU_SOURCE 1 /* clone(2) */

#include "plan.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES 65536u
#define GUARD_BYTES 65536u /* a page, on every system */

#define N_SIGNALS 64      /* the kernel's */
#define SIGNAL_SET_SIZE 8 /* of the kernel's sigset_t */

/* TSan's clone(2) notes in the memory of the child that it has no threads, and so in that of the program. */
#if defined __SANITIZE_THREAD__
#define SHARES_MEMORY 0
#elif defined __has_feature
#if __has_feature(thread_sanitizer)
#define SHARES_MEMORY 0
#endif
#endif
#ifndef SHARES_MEMORY
#define SHARES_MEMORY CLONE_VM
#endif

#ifndef CLOSE_RANGE_CLOEXEC /* <linux/close_range.h>, of Linux 5.11 */
#define CLOSE_RANGE_CLOEXEC 4u
#endif

struct memory {
    char guard[GUARD_BYTES]; /* cannot be read or written */
    char stack[STACK_BYTES];
    struct plan plan;
};

struct plan *plan_make(void)
{
    struct memory *memory = mmap(NULL, sizeof *memory, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    mprotect(memory->guard, sizeof memory->guard, PROT_NONE);
    return &memory->plan;
}

static struct memory *plan_memory(struct plan *plan)
{
    return (struct memory *)(void *)((char *)plan - offsetof(struct memory, plan));
}

void plan_free(struct plan *plan)
{
    if (plan != NULL)
        munmap(plan_memory(plan), sizeof(struct memory));
}

int plan_check_kernel(void)
{
    return syscall(SYS_close_range, UINT_MAX, UINT_MAX, CLOSE_RANGE_CLOEXEC) < 0 ? -errno : 0;
}

/* --- in the child ------------------------------------------------------------------------------------------------- */

/* The first of several calls that fails ends the child. */
static int child_must(long result)
{
    return result < 0 ? errno : 0;
}

/* The kernel's own `struct sigaction` with SIG_DFL, and an empty set of signals, are zeros. */
static const uint64_t zeros[8];

static void child_reset_signals(void)
{
    for (int number = 1; number <= N_SIGNALS; number++)
        syscall(SYS_rt_sigaction, number, zeros, NULL, SIGNAL_SET_SIZE);
}

static int child_change_user(const struct trale_process_command *command)
{
    int error = child_must(syscall(SYS_setgroups, (size_t)command->n_groups, command->groups));
    if (error == 0)
        error = child_must(syscall(SYS_setresgid, command->gid, command->gid, command->gid));
    if (error == 0)
        error = child_must(syscall(SYS_setresuid, command->uid, command->uid, command->uid));
    return error;
}

static bool is_number(const struct trale_process_command *command, int32_t fd)
{
    for (uint32_t i = 0; i < command->n_fds; i++)
        if (command->fds[i].number == fd)
            return true;
    return false;
}

/* Copies it to a number that is free, and that the command does not have. Copies that come first at numbers of the
 * command are replaced when those numbers are made. */
static int child_copy_fd(const struct trale_process_command *command, struct trale_process_fd *fd)
{
    int error = 0;
    fd->driver[1] = STDERR_FILENO;
    do {
        fd->driver[1] = (int32_t)syscall(SYS_fcntl, fd->driver[0], F_DUPFD_CLOEXEC, fd->driver[1] + 1);
        error = child_must(fd->driver[1]);
    } while (error == 0 && is_number(command, fd->driver[1]));
    return error == EINVAL ? EMFILE : error; /* beyond the limit */
}

/* A number of the command may be that of a descriptor which another number is made of. So all are first copied.
 * Everything else is closed by execve(2). */
static int child_set_fds(const struct plan *plan)
{
    const struct trale_process_command *command = &plan->command;
    int error = 0;
    for (uint32_t i = 0; error == 0 && i < command->n_fds; i++)
        error = child_copy_fd(command, &command->fds[i]);
    if (error == 0)
        error = child_must(syscall(SYS_close_range, 3u, UINT_MAX, CLOSE_RANGE_CLOEXEC));
    for (uint32_t i = 0; error == 0 && i < command->n_fds; i++)
        error = child_must(syscall(SYS_dup3, command->fds[i].driver[1], command->fds[i].number, 0));
    return error;
}

/* Puts a folder and the path together; false: they are too long. */
static bool plan_set_file(struct plan *plan, const char *folder, size_t length)
{
    size_t path_length = strlen(plan->command.path);
    if (length + 1 + path_length >= sizeof plan->file)
        return false;
    memcpy(plan->file, folder, length);
    plan->file[length] = '/';
    memcpy(plan->file + length + (length > 0), plan->command.path, path_length + 1);
    return true;
}

static int child_execute(const struct plan *plan, const char *file)
{
    syscall(SYS_execve, file, plan->command.arguments, plan->environment);
    return errno;
}

/* As execvp(3), which is not for children of programs with threads: a file that may not be executed is passed over, and
 * the error if there is no other. An empty folder is the working folder. */
static int child_search(struct plan *plan)
{
    int found = ENOENT;
    const char *folder = plan->search;
    for (;;) {
        size_t length = strcspn(folder, ":");
        int error = plan_set_file(plan, folder, length) ? child_execute(plan, plan->file) : ENAMETOOLONG;
        if (error == EACCES)
            found = EACCES;
        else if (error != ENOENT && error != ENOTDIR && error != ENAMETOOLONG)
            return error;
        if (folder[length] == '\0')
            return found;
        folder += length + 1;
    }
}

static int child_carry_out(struct plan *plan)
{
    const struct trale_process_command *command = &plan->command;
    int error = 0;
    child_reset_signals();
    if ((command->flags & TRALE_PROCESS_GROUP) != 0)
        error = child_must(syscall(SYS_setpgid, 0, 0));
    if (error == 0 && (command->flags & TRALE_PROCESS_USER) != 0)
        error = child_change_user(command);
    if (error == 0 && command->folder != NULL)
        error = child_must(syscall(SYS_chdir, command->folder));
    if (error == 0)
        error = child_set_fds(plan);
    if (error != 0)
        return error;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, zeros, NULL, SIGNAL_SET_SIZE);
    return plan->search != NULL ? child_search(plan) : child_execute(plan, command->path);
}

/* What it returns is the exit status, for which the driver alone waits. */
static int child_run(void *data)
{
    struct plan *plan = data;
    plan->error = child_carry_out(plan);
    return 127;
}

/* --- in the program ----------------------------------------------------------------------------------------------- */

int plan_run(struct plan *plan, int *pid, int *pidfd)
{
    static const uint64_t all = UINT64_MAX;
    const int memory = (plan->command.flags & TRALE_PROCESS_USER) != 0 ? 0 : SHARES_MEMORY;
    struct memory *shared = plan_memory(plan);
    uint64_t before;
    plan->error = 0;
    /* pthread_sigmask(3) leaves out those of libc. */
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, SIGNAL_SET_SIZE);
    int child = clone(child_run, shared->stack + sizeof shared->stack, memory | CLONE_VFORK | CLONE_PIDFD | SIGCHLD,
                      plan, pidfd);
    int error = child < 0 ? errno : 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, SIGNAL_SET_SIZE);
    if (child < 0) {
        *pidfd = -1; /* clone(2) may have set it */
        return -error;
    }
    *pid = child;
    if (plan->error == 0)
        return 0;
    siginfo_t info;
    while (waitid(P_PIDFD, (id_t)*pidfd, &info, WEXITED) < 0 && errno == EINTR)
        ;
    close(*pidfd);
    *pidfd = -1;
    return -plan->error;
}
