/* SPDX-License-Identifier: MIT
 *
 * The driver process: how children end, and who waits for them. With $TRALE_TEST_OLD_LINUX the kernel is one of before
 * Linux 6.9, as far as pidfds are concerned; if that is "sandbox", it has no pidfd_send_signal(2) either. */
#define _GNU_SOURCE 1 /* P_PIDFD */

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "tests/processes.h"

/* --- an old kernel ------------------------------------------------------------------------------------------------ */

static bool linux_is_old(void)
{
    return getenv("TRALE_TEST_OLD_LINUX") != NULL;
}

static bool linux_is_sandboxed(void)
{
    return linux_is_old() && strcmp(getenv("TRALE_TEST_OLD_LINUX"), "sandbox") == 0;
}

#define PIDFD_GET_INFO 0xc040ff0bu

/* Has the kernel refuse what it learned later, in this process and its children. */
static void make_linux_old(void)
{
#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define IS(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)
#define ANSWER(what) BPF_STMT(BPF_RET | BPF_K, what)
    const uint32_t error = linux_is_sandboxed() ? ENOSYS : EINVAL;
    struct sock_filter program[] = {
        LOAD(nr),
        IS(SYS_pidfd_send_signal, 0, 3),
        LOAD(args[3]), /* the flags */
        IS(0, linux_is_sandboxed() ? 0 : 4, 0),
        ANSWER(SECCOMP_RET_ERRNO | error),
        IS(SYS_ioctl, 0, 2),
        LOAD(args[1]),
        IS(PIDFD_GET_INFO, 1, 0),
        ANSWER(SECCOMP_RET_ALLOW),
        ANSWER(SECCOMP_RET_ERRNO | ENOTTY),
    };
    const struct sock_fprog filter = {sizeof program / sizeof program[0], program};
    assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
}

/* Whether this kernel says how a child ended that was waited for. */
static bool linux_remembers(void)
{
    uint64_t info[8] = {8};
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    assert_true(pidfd >= 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    bool remembers = ioctl(pidfd, PIDFD_GET_INFO, info) == 0 && (info[0] & 8) != 0;
    close(pidfd);
    return remembers;
}

/* --- the status --------------------------------------------------------------------------------------------------- */

static void test_a_wait_tells_how_the_child_ended(void **state)
{
    struct trale *runtime = *state;
    struct trale_process_wait wait = {0};
    struct trale_process *process = spawn_shell(runtime, "exit 255", NULL, 0, 0);
    assert_int_equal(do_wait(runtime, process, &wait), 0);
    assert_int_equal(wait.code, CLD_EXITED);
    assert_int_equal(wait.status, 255);
    do_close(runtime, process);
    process = spawn_shell(runtime, "kill -USR1 $$; sleep 1000", NULL, 0, 0);
    assert_int_equal(do_wait(runtime, process, &wait), 0);
    assert_int_equal(wait.code, CLD_KILLED);
    assert_int_equal(wait.status, SIGUSR1);
    do_close(runtime, process);
}

static void test_a_wait_tells_what_the_child_has_used(void **state)
{
    struct trale *runtime = *state;
    struct trale_process_wait wait = {0};
    struct trale_process *process = spawn_shell(runtime, "i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done", NULL, 0,
                                                0);
    assert_int_equal(do_wait(runtime, process, &wait), 0);
    assert_true(wait.usage.user_ns + wait.usage.system_ns > 0);
    assert_true(wait.usage.user_ns < 1000 * TRALE_SECOND);
    assert_true(wait.usage.peak_memory > 100 * 1024);
    assert_true(wait.usage.minor_faults > 0);
    do_close(runtime, process);
}

static void test_any_number_of_waits_resolve_also_after_the_end(void **state)
{
    struct trale *runtime = *state;
    struct trale_process_fd pipe = {.number = 0, .kind = TRALE_PROCESS_INPUT};
    struct trale_process *process = spawn_shell(runtime, "read line; exit 7", &pipe, 1, 0);
    struct trale_task *tasks[3];
    for (int i = 0; i < 3; i++)
        tasks[i] = begin_wait(runtime, process);
    trale_abort(tasks[1]); /* which has no effect on the child */
    assert_int_equal(trale_join(tasks[1]), -ECANCELED);
    do_close_stream(runtime, pipe.stream);
    assert_int_equal(trale_join(tasks[0]), 0);
    assert_int_equal(trale_join(tasks[2]), 0);
    assert_int_equal(do_wait_for_exit(runtime, process), 7);
    assert_int_equal(do_wait_for_exit(runtime, process), 7);
    do_close(runtime, process);
}

/* --- signals ------------------------------------------------------------------------------------------------------ */

/* Spawns a shell that runs this text, which writes a line when it is ready. */
static struct trale_process *spawn_ready(struct trale *runtime, const char *text, uint32_t flags,
                                         struct trale_stream_socket **output)
{
    char line[64];
    struct trale_process_fd pipe = {.number = 1, .kind = TRALE_PROCESS_OUTPUT};
    struct trale_process *process = spawn_shell(runtime, text, &pipe, 1, flags);
    struct trale_stream_read read;
    assert_true(trale_block_on(runtime, trale_stream_read(&read, pipe.stream, line, sizeof line)) > 0);
    *output = pipe.stream;
    return process;
}

static void test_a_signal_reaches_the_child_and_none_once_it_has_ended(void **state)
{
    struct trale *runtime = *state;
    struct trale_stream_socket *output;
    struct trale_process *process = spawn_ready(runtime, "trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done",
                                                0, &output);
    assert_int_equal(do_kill(runtime, process, 0), 0);
    assert_int_equal(do_kill(runtime, process, 1000), -EINVAL);
    assert_int_equal(kill(do_pid(runtime, process), 0), 0);
    assert_int_equal(do_kill(runtime, process, SIGTERM), 0);
    assert_int_equal(do_wait_for_exit(runtime, process), 5);
    assert_int_equal(do_kill(runtime, process, SIGKILL), -ESRCH);
    assert_int_equal(do_kill(runtime, process, 0), -ESRCH);
    do_close(runtime, process);
    do_close_stream(runtime, output);
}

/* The end of the output says that all of the group have ended. */
static void assert_ends(struct trale *runtime, struct trale_stream_socket *output)
{
    char text[64];
    read_output(runtime, output, text, sizeof text);
}

static void test_a_signal_reaches_all_of_a_group(void **state)
{
    struct trale *runtime = *state;
    struct trale_stream_socket *output;
    struct trale_process_wait wait = {0};
    struct trale_process *process = spawn_ready(runtime, "sleep 1000 & sleep 1000 & echo ready; wait",
                                                TRALE_PROCESS_GROUP, &output);
    assert_int_equal(getpgid(do_pid(runtime, process)), do_pid(runtime, process));
    assert_int_equal(do_kill(runtime, process, 1000), -EINVAL);
    assert_int_equal(do_kill(runtime, process, SIGTERM), 0);
    assert_int_equal(do_wait(runtime, process, &wait), 0);
    assert_int_equal(wait.status, SIGTERM);
    assert_ends(runtime, output);
    do_close(runtime, process);
}

static void test_a_group_is_reached_after_the_end_of_its_leader(void **state)
{
    struct trale *runtime = *state;
    struct trale_stream_socket *output;
    struct trale_process *process = spawn_ready(runtime, "{ echo ready; exec sleep 1000; } & wait", TRALE_PROCESS_GROUP,
                                                &output);
    pid_t group = do_pid(runtime, process);
    assert_int_equal(kill(group, SIGKILL), 0);
    assert_int_equal(do_wait(runtime, process, NULL), 0);
    int r = do_kill(runtime, process, SIGKILL);
    if (r == -ESRCH) /* before Linux 6.9 */
        assert_int_equal(kill(-group, SIGKILL), 0);
    else
        assert_int_equal(r, 0);
    if (linux_is_old())
        assert_int_equal(r, -ESRCH);
    assert_ends(runtime, output);
    do_close(runtime, process);
}

/* --- dropped, closed, released ------------------------------------------------------------------------------------ */

static void test_a_child_is_killed_with_its_wait_if_it_was_asked_for(void **state)
{
    struct trale *runtime = *state;
    struct trale_stream_socket *output;
    const uint32_t flags = TRALE_PROCESS_KILL_ON_DROP | TRALE_PROCESS_GROUP;
    struct trale_process *process = spawn_ready(runtime, "sleep 1000 & echo ready; wait", flags, &output);
    struct trale_task *waits = begin_wait(runtime, process);
    trale_abort(waits);
    assert_int_equal(trale_join(waits), -ECANCELED);
    struct trale_process_wait wait = {0};
    assert_int_equal(do_wait(runtime, process, &wait), 0);
    assert_int_equal(wait.code, CLD_KILLED);
    assert_int_equal(wait.status, SIGKILL);
    assert_ends(runtime, output);
    do_close(runtime, process);
}

struct within {
    struct trale_future future;
    struct trale_process *process;
    struct trale_process_wait wait;
    struct trale_timeout timeout;
};

trale_async(within)
{
    trale_begin();
    trale_await(trale_timeout(&self->timeout, trale_process_wait(&self->wait, self->process), TRALE_MILLISECOND));
    trale_return(trale_result());
}

static void test_a_timeout_of_a_wait_leaves_the_child_alone_without_that(void **state)
{
    struct trale *runtime = *state;
    struct trale_process_fd pipe = {.number = 0, .kind = TRALE_PROCESS_INPUT};
    struct trale_process *process = spawn_shell(runtime, "read line; exit 6", &pipe, 1, 0);
    struct within within;
    assert_int_equal(trale_block_on(runtime, trale_call(within, &within, .process = process)), -ETIMEDOUT);
    assert_int_equal(do_kill(runtime, process, 0), 0);
    do_close_stream(runtime, pipe.stream);
    assert_int_equal(do_wait_for_exit(runtime, process), 6);
    do_close(runtime, process);
}

static void test_a_close_cancels_waits_and_kills_only_if_it_was_asked_for(void **state)
{
    struct trale *runtime = *state;
    struct trale_stream_socket *killed, *left;
    struct trale_process *process = spawn_ready(runtime, "echo ready; exec sleep 1000", TRALE_PROCESS_KILL_ON_DROP,
                                                &killed);
    struct trale_process *other = spawn_ready(runtime, "echo ready; exec sleep 1000", 0, &left);
    const pid_t pid = do_pid(runtime, other);
    struct trale_task *waits = begin_wait(runtime, process), *other_waits = begin_wait(runtime, other);
    do_close(runtime, process);
    do_close(runtime, other);
    do_close(runtime, NULL);
    assert_int_equal(trale_join(waits), -ECANCELED);
    assert_int_equal(trale_join(other_waits), -ECANCELED);
    assert_ends(runtime, killed);
    assert_int_equal(kill(pid, 0), 0);
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_ends(runtime, left);
}

static void test_a_released_child_is_the_callers(void **state)
{
    struct trale *runtime = *state;
    struct trale_stream_socket *output;
    struct trale_process *process = spawn_ready(runtime, "echo ready; exec sleep 1000", 0, &output);
    struct trale_task *waits = begin_wait(runtime, process);
    pid_t pid = do_pid(runtime, process);
    int pidfd = do_release(runtime, process);
    assert_true(pidfd >= 0);
    assert_int_equal(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(trale_join(waits), -ECANCELED);
    siginfo_t info;
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED), 0);
    assert_int_equal(info.si_status, SIGTERM);
    assert_ends(runtime, output);
    close(pidfd);
    process = spawn_shell(runtime, "exit 4", NULL, 0, 0);
    assert_int_equal(do_wait_for_exit(runtime, process), 4);
    assert_int_equal(do_release(runtime, process), -ESRCH);
    assert_int_equal(do_wait_for_exit(runtime, process), 4);
    do_close(runtime, process);
}

/* --- no zombies --------------------------------------------------------------------------------------------------- */

struct crowd {
    struct trale_future future;
    int n_left;
    struct trale_process *process;
    struct trale_process_wait wait;
};

/* Spawns children one after the other: it awaits the end of every second one, and closes the others while they run. */
trale_async(crowd)
{
    trale_begin();
    for (; self->n_left > 0; self->n_left--) {
        const char *const arguments[] = {"true", NULL};
        struct trale_process_command command = {.path = "/bin/true", .arguments = arguments};
        int r = trale_process_spawn(cx->runtime, &command, &self->process);
        if (r < 0)
            trale_return(r);
        if (self->n_left % 2 == 0) {
            trale_try(trale_process_wait(&self->wait, self->process));
            if (self->wait.code != CLD_EXITED || self->wait.status != 0)
                trale_return(-EPROTO);
        }
        trale_process_close(self->process);
    }
    trale_return(0);
}

static void test_a_thousand_children_leave_no_zombie_and_no_descriptor(void **state)
{
    (void)state;
    struct trale *runtime = test_open("timer, stream, process", TEST_PROCESS);
    test_call_in_task(runtime, test_nothing, NULL);
    const int n_fds = test_count_fds();
    struct trale_task *tasks[20];
    for (int i = 0; i < 20; i++)
        tasks[i] = trale_spawn(runtime, crowd, .n_left = TEST_UNDER_VALGRIND ? 4 : 50);
    for (int i = 0; i < 20; i++)
        assert_int_equal(trale_join(tasks[i]), 0);
    /* Of those that were closed the driver waits for the end. */
    struct trale_sleep sleep;
    while (waitpid(-1, NULL, WNOHANG | WNOWAIT) >= 0 || test_count_fds() > n_fds)
        assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, TRALE_MILLISECOND)), 0);
    assert_no_child();
    assert_int_equal(trale_close(runtime), 0);
}

static void test_the_programs_own_children_are_left_to_it(void **state)
{
    struct trale *runtime = *state;
    int status = 0;
    pid_t own = fork();
    if (own == 0)
        _exit(9);
    struct trale_process *process = spawn_shell(runtime, "exit 3", NULL, 0, 0);
    assert_int_equal(do_wait_for_exit(runtime, process), 3);
    do_close(runtime, process);
    assert_int_equal(waitpid(own, &status, 0), own);
    assert_int_equal(WEXITSTATUS(status), 9);
}

/* --- others that wait --------------------------------------------------------------------------------------------- */

struct thief {
    struct trale *runtime;
    const char *text;
    struct trale_process *process;
    int status;
};

/* No task of the driver's runs between the spawn and the wait. */
static void steals(void *data)
{
    struct thief *thief = data;
    const char *const arguments[] = {"sh", "-c", thief->text, NULL};
    struct trale_process_command command = {.path = "/bin/sh", .arguments = arguments};
    assert_int_equal(trale_process_spawn(thief->runtime, &command, &thief->process), 0);
    assert_int_equal(waitpid(-1, &thief->status, 0), trale_process_pid(thief->process));
}

/* What a wait says of a child whose status another waiter has taken. */
static void assert_status_is_lost_or_kept(struct trale *runtime, struct trale_process *process, bool remembers,
                                          int code, int status)
{
    struct trale_process_wait wait = {0};
    assert_int_equal(do_wait(runtime, process, &wait), remembers ? 0 : -ECHILD);
    if (remembers) {
        assert_int_equal(wait.code, code);
        assert_int_equal(wait.status, status);
        assert_int_equal(wait.usage.peak_memory, 0);
    }
    assert_int_equal(do_kill(runtime, process, SIGKILL), -ESRCH);
    do_close(runtime, process);
}

static void test_a_program_that_waits_for_any_child_gets_the_status_and_the_wait_ends(void **state)
{
    struct trale *runtime = *state;
    const bool remembers = linux_remembers();
    struct thief thief = {.runtime = runtime, .text = "exit 77"};
    test_call_in_task(runtime, steals, &thief);
    assert_int_equal(WEXITSTATUS(thief.status), 77);
    assert_status_is_lost_or_kept(runtime, thief.process, remembers, CLD_EXITED, 77);
    thief.text = "kill -KILL $$";
    test_call_in_task(runtime, steals, &thief);
    assert_status_is_lost_or_kept(runtime, thief.process, remembers, CLD_KILLED, SIGKILL);
}

static void test_a_program_that_ignores_sigchld_has_children_and_waits_that_end(void **state)
{
    struct trale *runtime = *state;
    const bool remembers = linux_remembers();
    assert_true(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
    struct trale_process *process = spawn_shell(runtime, "exit 78", NULL, 0, 0);
    assert_status_is_lost_or_kept(runtime, process, remembers, CLD_EXITED, 78);
    if (!TEST_UNDER_VALGRIND) {
        const char *const arguments[] = {"x", NULL};
        struct trale_process_command command = {.path = "/nonexistent", .arguments = arguments};
        assert_int_equal(do_spawn(runtime, &command, &process), -ENOENT);
    }
    signal(SIGCHLD, SIG_DFL);
}

/* --- the end of the runtime --------------------------------------------------------------------------------------- */

static void test_a_runtime_that_closes_kills_what_runs_with_its_groups(void **state)
{
    (void)state;
    int ends[2];
    char byte;
    struct trale *runtime = test_open("timer, stream, process", TEST_PROCESS);
    assert_int_equal(pipe(ends), 0);
    struct trale_process_fd output = {.number = 1, .kind = TRALE_PROCESS_FD, .fd = ends[1]};
    struct trale_process *process = spawn_shell(runtime, "sleep 1000 & echo; trap '' TERM; wait", &output, 1,
                                                TRALE_PROCESS_GROUP);
    struct trale_process *closed = spawn_shell(runtime, "exec sleep 1000", &output, 1, 0);
    struct trale_task *waits = begin_wait(runtime, process);
    do_close(runtime, closed);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(trale_join(waits), -ECANCELED);
    assert_no_child();
    assert_int_equal(read(ends[0], &byte, 1), 0);
    close(ends[0]);
}

static void test_a_runtime_waits_for_its_children_no_longer_than_it_may(void **state)
{
    (void)state;
    int ready[2];
    char byte = 0;
    if (TEST_UNDER_VALGRIND || TEST_LIMITS_CHILDREN)
        skip();
    struct trale *runtime = test_open("timer, stream, process", TEST_PROCESS);
    struct trale_process *process = spawn_shell(runtime, "exec sleep 1000", NULL, 0, 0);
    const pid_t pid = do_pid(runtime, process);
    assert_int_equal(pipe(ready), 0);
    /* A child that a debugger holds cannot be waited for. */
    pid_t debugger = fork();
    if (debugger == 0) {
        byte = ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 ? 'x' : 'o';
        if (write(ready[1], &byte, 1) == 1)
            pause();
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    if (byte == 'o')
        assert_int_equal(trale_close_within(runtime, 20 * TRALE_MILLISECOND), -ETIMEDOUT);
    assert_int_equal(kill(debugger, SIGKILL), 0);
    assert_int_equal(waitpid(debugger, NULL, 0), debugger);
    assert_int_equal(trale_close(runtime), 0);
    assert_no_child();
    close(ready[0]);
    close(ready[1]);
    if (byte != 'o')
        skip(); /* this user may debug nothing */
}

static void test_two_runtimes_have_children_of_their_own(void **state)
{
    struct trale *runtime = *state, *other = test_open("process", "[driver:process]\npath = process.so\n");
    struct trale_process *process = spawn_shell(runtime, "exit 1", NULL, 0, 0);
    struct trale_process *second = spawn_shell(other, "exit 2", NULL, 0, 0);
    assert_int_equal(do_wait_for_exit(other, second), 2);
    do_close(other, second);
    assert_int_equal(trale_close(other), 0);
    assert_int_equal(do_wait_for_exit(runtime, process), 1);
    do_close(runtime, process);
}

static void test_a_child_of_the_program_spawns_nothing(void **state)
{
    struct trale *runtime = *state;
    int status;
    if (TEST_LIMITS_CHILDREN)
        skip();
    const char *const arguments[] = {"true", NULL};
    struct trale_process_command command = {.path = "/bin/true", .arguments = arguments};
    pid_t child = fork();
    if (child == 0) {
        struct trale_process *process;
        _exit(trale_process_spawn(runtime, &command, &process) == -ENODEV ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* --- failures ----------------------------------------------------------------------------------------------------- */

static _Atomic int n_failures; /* of the next calls that add a pidfd */

int __real_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);

int __wrap_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    char path[64], name[64] = ""; /* "anon_inode:[pidfd]", since Linux 6.9 "pidfd:[inode]" */
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (operation == EPOLL_CTL_ADD && n_failures > 0 && readlink(path, name, sizeof name - 1) > 0 &&
        strstr(name, "pidfd") != NULL) {
        n_failures--;
        errno = ENOSPC;
        return -1;
    }
    return __real_epoll_ctl(epoll, operation, fd, event);
}

static void test_a_pidfd_that_cannot_be_watched_is_tried_again_by_the_next_wait(void **state)
{
    struct trale *runtime = *state;
    struct trale_process_fd pipe = {.number = 0, .kind = TRALE_PROCESS_INPUT};
    struct trale_process *process = NULL;
    const char *const arguments[] = {"sh", "-c", "read line; exit 11", NULL};
    struct trale_process_command command = {.path = "/bin/sh", .arguments = arguments, .fds = &pipe, .n_fds = 1};
    n_failures = 1;
    assert_int_equal(do_spawn(runtime, &command, &process), 0);
    struct trale_sleep sleep;
    while (n_failures > 0)
        assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, TRALE_MILLISECOND)), 0);
    n_failures = 1;
    assert_int_equal(do_wait(runtime, process, NULL), -ENOSPC);
    struct trale_task *waits = begin_wait(runtime, process);
    do_close_stream(runtime, pipe.stream);
    assert_int_equal(trale_join(waits), 0);
    assert_int_equal(do_wait_for_exit(runtime, process), 11);
    do_close(runtime, process);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_processes, close_processes)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_wait_tells_how_the_child_ended),
        TEST(test_a_wait_tells_what_the_child_has_used),
        TEST(test_any_number_of_waits_resolve_also_after_the_end),
        TEST(test_a_signal_reaches_the_child_and_none_once_it_has_ended),
        TEST(test_a_signal_reaches_all_of_a_group),
        TEST(test_a_group_is_reached_after_the_end_of_its_leader),
        TEST(test_a_child_is_killed_with_its_wait_if_it_was_asked_for),
        TEST(test_a_timeout_of_a_wait_leaves_the_child_alone_without_that),
        TEST(test_a_close_cancels_waits_and_kills_only_if_it_was_asked_for),
        TEST(test_a_released_child_is_the_callers),
        cmocka_unit_test(test_a_thousand_children_leave_no_zombie_and_no_descriptor),
        TEST(test_the_programs_own_children_are_left_to_it),
        TEST(test_a_program_that_waits_for_any_child_gets_the_status_and_the_wait_ends),
        TEST(test_a_program_that_ignores_sigchld_has_children_and_waits_that_end),
        cmocka_unit_test(test_a_runtime_that_closes_kills_what_runs_with_its_groups),
        cmocka_unit_test(test_a_runtime_waits_for_its_children_no_longer_than_it_may),
        TEST(test_two_runtimes_have_children_of_their_own),
        TEST(test_a_child_of_the_program_spawns_nothing),
        TEST(test_a_pidfd_that_cannot_be_watched_is_tried_again_by_the_next_wait),
    };
    if (linux_is_old())
        make_linux_old();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
