/* SPDX-License-Identifier: MIT
 *
 * The interface "trale.process/1": programs that run as children of this one, and their end as a future. Offered by
 * drivers/process/process.c, used through the functions at the end. Needs Linux 5.11.
 *
 *     struct trale_process_fd fds[] = {{.number = 1, .kind = TRALE_PROCESS_OUTPUT}};
 *     const char *const arguments[] = {"date", "-u", NULL};
 *     struct trale_process_command command = {.path = "date", .arguments = arguments, .fds = fds, .n_fds = 1};
 *     int r = trale_process_spawn(context->runtime, &command, &self->process);
 *     ... read fds[0].stream to its end ...
 *     trale_await_to(r, trale_process_wait(&self->wait, self->process));
 *     trale_process_close(self->process);
 *
 * A CHILD begins with no signal blocked and each signal at its default, also those that this program ignores. Of the
 * program's file descriptors it has those that the command names, close-on-exec or not, and of 0, 1 and 2 those that
 * the command does not name, unless they are close-on-exec. No other fd is passed on. Its working folder, environment
 * and user are those of the program, but for what the command says. Its umask, limits, priority and capabilities are
 * inherited as execve(2) describes.
 *
 * THE END. The driver waits for each child by its pidfd, by waitid(2) for this child alone, whether or not a task
 * awaits it. So no child is left as a zombie, and a program may have other children and wait for those. But if the
 * program waits for any child (waitpid(-1), wait(2)) or has set SIGCHLD to SIG_IGN or SA_NOCLDWAIT, the system may give
 * a status away before the driver has it. From Linux 6.15 on the driver learns how the child ended all the same, but
 * not what it has used; before, the wait resolves to -ECHILD.
 *
 * CLOSING. When the runtime closes, children that still run are killed by SIGKILL, with their groups, and waited for:
 * trale_close_within sets a limit. Let them end before, or take them out by trale_process_release. Children of a
 * program that ends without closing its runtime go on.
 *
 * TIME. A spawn returns when the child executes its program, and until then the thread that polls tasks waits: 0.1 ms
 * where a core is free, whatever the size of this program; longer if the beginning of the file must first be read from
 * a disk or a network. With TRALE_PROCESS_USER the memory maps of this program are copied as well, as by fork(2): 16 ms
 * for each GiB in use, and each page costs a fault when it is next written. (Measured on a virtual machine.)
 *
 * All functions are called on the executor thread, unless they are marked [any]. Errors are negative errno values.
 */
#ifndef TRALE_PROCESS_H
#define TRALE_PROCESS_H

#include <trale/driver.h>
#include <trale/trale.h>

#include <errno.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

struct trale_stream_socket;
struct trale_process_command;
struct trale_process_wait;

/* A child. A driver's own begins with this; applications use only the pointer. The driver sets the table when it makes
 * the child, and does not read it: a layer (layer.h) replaces it by its own. */
struct trale_process {
    const struct trale_processes *processes;
};

#define TRALE_PROCESS_1_SIZE 64
#define TRALE_PROCESS_1 TRALE_INTERFACE("trale.process/1", TRALE_PROCESS_1_SIZE)

struct trale_processes {
    struct trale_interface interface; /* version 1 */

    /* The contracts are those of the trale_process_ functions. */
    int32_t (*spawn)(void *instance, const struct trale_process_command *command, struct trale_process **process);
    void (*close)(void *instance, struct trale_process *process);
    int32_t (*pid)(void *instance, struct trale_process *process);
    int32_t (*kill)(void *instance, struct trale_process *process, int32_t signal);
    int32_t (*release)(void *instance, struct trale_process *process);
    /* Makes *wait a future: the driver sets its `type`, here and in polls alone. The caller has set `process`; the rest
     * is zero. */
    void (*wait)(void *instance, struct trale_process_wait *wait);
};

/* The runtime's processes; NULL: no driver offers them. [any] */
static inline const struct trale_processes *trale_processes(struct trale *runtime)
{
    return (const struct trale_processes *)trale_interface(runtime, TRALE_PROCESS_1, sizeof(struct trale_processes));
}

/* --- what is executed --------------------------------------------------------------------------------------------- */

/* What a file descriptor of a child is. */
enum trale_process_fd_kind {
    TRALE_PROCESS_FD,     /* the same file as `fd`, which is lent for the call */
    TRALE_PROCESS_NULL,   /* /dev/null */
    TRALE_PROCESS_SAME,   /* the same as the child's descriptor `fd`, which comes earlier in the array: 2>&1 */
    TRALE_PROCESS_INPUT,  /* the reading end of a pipe; `stream` writes to it */
    TRALE_PROCESS_OUTPUT, /* the writing end of a pipe; `stream` reads from it */
};

struct trale_process_fd {
    int32_t number; /* in the child, 0 or more; each once */
    uint32_t kind;  /* enum trale_process_fd_kind */
    int32_t fd;
    int32_t driver[2]; /* the driver's, during the call */
    uint32_t reserved; /* 0 */
    /* Of a pipe, set when the child was spawned: the program's end, which is the caller's, to be closed
     * (trale_stream_adopt says what such a stream can do). A child reads the end of its input when this stream is
     * closed. The end of the output is read when the child and all that have inherited it from the child have closed
     * it, which may be long after the child's end. */
    struct trale_stream_socket *stream;
};

/* What is lent is lent for the call. */
struct trale_process_command {
    /* The file. Without a slash it is looked for in the folders of the program's PATH, and in /bin and /usr/bin if that
     * is not set; a relative path begins in the child's folder. */
    const char *path;
    const char *const *arguments;   /* NULL at its end; the first is the name of the program by custom */
    const char *const *environment; /* "NAME=value", NULL at its end; NULL: the program's own */
    const char *folder;             /* the working folder; NULL: the program's own */
    struct trale_process_fd *fds;   /* not lent but filled in: `stream` */
    uint32_t n_fds;
    uint32_t flags; /* TRALE_PROCESS_ bits below */
    /* With TRALE_PROCESS_USER: */
    uint32_t uid, gid;      /* real, effective and saved */
    const uint32_t *groups; /* supplementary groups, none but these */
    uint32_t n_groups;
    uint32_t reserved; /* 0 */
};

/* The child leads a process group of its own: signals of the terminal do not reach it, and trale_process_kill reaches
 * all of the group, so also what the child has started. */
#define TRALE_PROCESS_GROUP 1u
/* The child gets SIGKILL when a wait for it is dropped before it has resolved, be it in a timeout, a race or with its
 * task, and when the child is closed; with TRALE_PROCESS_GROUP, all of its group. Without this flag it goes on. */
#define TRALE_PROCESS_KILL_ON_DROP 2u
/* The child has the user and the groups of the command. Mind that a uid of 0 is root, and set both. */
#define TRALE_PROCESS_USER 4u

/* Starts a program. Returns 0, and *process is the caller's, to be closed; the pipes are there. Or an error; then there
 * is no child, no pipe, and nothing has changed:
 *   -ENODEV        No driver of the runtime offers processes; or a pipe is asked for, and no driver that comes before
 *                  it in trale.ini offers streams.
 *   -EINVAL        No path or no arguments, unknown flags or kind, a negative or repeated number, a
 *                  TRALE_PROCESS_SAME of a number that does not come before it, `reserved`.
 *   -EBADF         `fd` is not open, or a number is beyond the limit of open files (RLIMIT_NOFILE).
 *   -ENOENT, -ENOTDIR, -EACCES, -ELOOP  The file, its interpreter or the folder does not exist, or may not be used; a
 *                  file that is not executable is -EACCES.
 *   -ENOEXEC       The file is no program; a script needs its #! line.
 *   -E2BIG         Arguments and environment are too long.
 *   -EAGAIN        The user has as many processes as its limit allows (RLIMIT_NPROC), or the cgroup.
 *   -EPERM         The user may not be changed.
 *   -EMFILE, -ENFILE, -ENOMEM, or another error of clone(2), pipe(2) or execve(2).
 * Reads PATH and `environ`: threads must not change the environment at the same time. */
TRALE_CHECK_RESULT static inline int
trale_process_spawn(struct trale *runtime, const struct trale_process_command *command, struct trale_process **process)
{
    const struct trale_processes *processes = trale_processes(runtime);
    return processes == NULL ? -ENODEV : processes->spawn(processes->interface.instance, command, process);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

/* What a child has used, with those of its children that it has waited for (getrusage(2)). */
struct trale_process_usage {
    uint64_t user_ns, system_ns; /* CPU time */
    uint64_t peak_memory;        /* in bytes; the most that one process had */
    uint64_t minor_faults, major_faults;
    uint64_t blocks_read, blocks_written; /* of 512 bytes */
    uint64_t voluntary_switches, involuntary_switches;
};

/* A wait for the end of a child. `future.own`, `waker` and `link` are the driver's. */
struct trale_process_wait {
    struct trale_future future;
    struct trale_process *process;
    /* Set when it resolved to 0: */
    int32_t code;   /* CLD_EXITED, CLD_KILLED or CLD_DUMPED (signal.h) */
    int32_t status; /* the exit status, or the number of the signal */
    struct trale_process_usage usage;

    const struct trale_waker *waker;
    struct trale_link link;
};

/* A future that waits for the end of a child. Resolves to 0 when the child has ended, in whatever way; `code` and
 * `status` say how. Or to:
 *   -ECHILD     It has ended, and its status is lost, as the head of this file says. A message names the reasons.
 *   -ECANCELED  It was closed or released.
 *   -ENOMEM, -ENOSPC  Its pidfd cannot be waited for (epoll_ctl(2)). A later wait tries again.
 * Any number of waits are possible, also after the end. A dropped wait has no effect, unless the child has
 * TRALE_PROCESS_KILL_ON_DROP. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_process_wait(struct trale_process_wait *wait,
                                                                         struct trale_process *process)
{
    memset(wait, 0, sizeof *wait);
    wait->process = process;
    process->processes->wait(process->processes->interface.instance, wait);
    return &wait->future;
}

/* Gives the child back: no function may be called with it after that. Its waits that have no result yet resolve to
 * -ECANCELED at their next poll. With TRALE_PROCESS_KILL_ON_DROP it is killed if it still runs; else it goes on. In
 * both cases the driver waits for its end. NULL is allowed. */
static inline void trale_process_close(struct trale_process *process)
{
    if (process != NULL)
        process->processes->close(process->processes->interface.instance, process);
}

/* Its process id, for messages and for files in /proc. It may belong to another process once the child has ended. */
static inline int trale_process_pid(struct trale_process *process)
{
    return process->processes->pid(process->processes->interface.instance, process);
}

/* Sends a signal, by its number; 0 sends none and only looks. With TRALE_PROCESS_GROUP it goes to all of the group.
 * Never hits another process that has the same id later, but for this: where a sandbox forbids pidfd_send_signal(2),
 * and for a group before Linux 6.9, it goes by the id, and the system must not give that away in the moment before, as
 * it may if the program sets SIGCHLD to SIG_IGN or waits for any child. 0, or -ESRCH: the child has ended (a group is
 * reached as long as it has members, from Linux 6.9 on and without such a sandbox); -EINVAL (no such signal), -EPERM:
 * the child has changed its user. */
static inline int trale_process_kill(struct trale_process *process, int signal)
{
    return process->processes->kill(process->processes->interface.instance, process, signal);
}

/* Takes the child out of the runtime, such as a daemon that goes on when this program closes its runtime. Returns its
 * pidfd, which is the caller's, and close-on-exec; the child is closed, but goes on, and the caller waits for its end:
 * waitid(P_PIDFD). -ESRCH: it has ended and was waited for, and is as it was. */
TRALE_CHECK_RESULT static inline int trale_process_release(struct trale_process *process)
{
    return process->processes->release(process->processes->interface.instance, process);
}

static_assert(sizeof(struct trale_process_fd) == 32, "frozen: an array of the caller's");
static_assert(sizeof(struct trale_process_command) == 72, "frozen: the caller's");
static_assert(sizeof(struct trale_process_wait) == 144, "frozen: part of frames");
static_assert(offsetof(struct trale_processes, wait) + sizeof(void *) == TRALE_PROCESS_1_SIZE, "append only");

#ifdef __cplusplus
}
#endif

#endif
