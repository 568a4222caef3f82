/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1 /* struct rusage's members */

#include "status.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* <linux/pidfd.h> of later kernels: a group by the pidfd of its leader, of Linux 6.9; how a process ended that was
 * waited for, of Linux 6.15. */
#define SIGNAL_PROCESS_GROUP 4u
#define INFO_EXIT 8u
struct info {
    uint64_t mask;
    uint64_t others[6];
    int32_t id, exit_code; /* as waitpid(2) gives it */
};
#define GET_INFO _IOWR(0xff, 11, struct info)
_Static_assert(sizeof(struct info) == 64, "the first version of struct pidfd_info");

static uint64_t nanoseconds(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_usec * 1000;
}

static void usage_set(struct trale_process_usage *usage, const struct rusage *found)
{
    *usage = (struct trale_process_usage){
        .user_ns = nanoseconds(found->ru_utime),
        .system_ns = nanoseconds(found->ru_stime),
        .peak_memory = (uint64_t)found->ru_maxrss * 1024,
        .minor_faults = (uint64_t)found->ru_minflt,
        .major_faults = (uint64_t)found->ru_majflt,
        .blocks_read = (uint64_t)found->ru_inblock,
        .blocks_written = (uint64_t)found->ru_oublock,
        .voluntary_switches = (uint64_t)found->ru_nvcsw,
        .involuntary_switches = (uint64_t)found->ru_nivcsw,
    };
}

/* One that was waited for by another waiter, or by the kernel. */
static enum status child_look_back(struct child *child)
{
    struct info info = {.mask = INFO_EXIT};
    child->outcome = 0;
    if (ioctl(child->pidfd, GET_INFO, &info) < 0) {
        child->outcome = -ECHILD;
        return STATUS_ENDED;
    }
    if ((info.mask & INFO_EXIT) == 0)
        return STATUS_ENDING;
    bool has_exited = WIFEXITED(info.exit_code);
    child->code = has_exited ? CLD_EXITED : WCOREDUMP(info.exit_code) ? CLD_DUMPED : CLD_KILLED;
    child->status = has_exited ? WEXITSTATUS(info.exit_code) : WTERMSIG(info.exit_code);
    return STATUS_ENDED;
}

enum status child_look(struct child *child)
{
    siginfo_t info = {0};
    struct rusage usage;
    long r;
    do
        r = syscall(SYS_waitid, P_PIDFD, child->pidfd, &info, WEXITED | WNOHANG, &usage);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return child_look_back(child);
    if (info.si_pid == 0)
        return STATUS_RUNNING;
    child->outcome = 0;
    child->code = info.si_code;
    child->status = info.si_status;
    usage_set(&child->usage, &usage);
    return STATUS_ENDED;
}

static int32_t pidfd_send(const struct child *child, int signal, unsigned flags)
{
    return syscall(SYS_pidfd_send_signal, child->pidfd, signal, NULL, flags) < 0 ? -errno : 0;
}

/* 0: the child has not been waited for, so its id, and that of its group, belong to no other. */
static int32_t child_keeps_its_id(const struct child *child)
{
    siginfo_t info;
    int r;
    do
        r = waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG | WNOWAIT);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -ESRCH : 0;
}

/* By the id where the kernel does not do it by the pidfd: a group, before Linux 6.9; or a sandbox allows no
 * pidfd_send_signal(2). */
int32_t child_signal(const struct child *child, int signal)
{
    bool is_group = (child->flags & TRALE_PROCESS_GROUP) != 0;
    int32_t r = pidfd_send(child, signal, is_group ? SIGNAL_PROCESS_GROUP : 0);
    if (r != -ENOSYS && r != -EPERM && !(is_group && r == -EINVAL))
        return r;
    r = child_keeps_its_id(child);
    if (r == 0 && kill(is_group ? -child->pid : child->pid, signal) < 0)
        r = -errno;
    return r;
}
