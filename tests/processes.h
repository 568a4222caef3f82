/* SPDX-License-Identifier: MIT
 *
 * What the tests of processes share: children are spawned, awaited and closed on the thread that polls, as programs
 * do. */
#ifndef TRALE_TESTS_PROCESSES_H
#define TRALE_TESTS_PROCESSES_H

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <trale/process.h>
#include <trale/stream_socket.h>

#include "tests/support.h"

#define TEST_PROCESS                                                                                                   \
    "[driver:timer]\npath = timer.so\n[driver:stream]\npath = stream.so\n[driver:process]\npath = process.so\n"

/* --- calls on the thread that polls ------------------------------------------------------------------------------- */

struct process_call {
    struct trale *runtime;
    const struct trale_process_command *command;
    struct trale_process *process;
    struct trale_stream_socket *stream;
    int number, result;
};

static inline void process_spawns(void *data)
{
    struct process_call *call = data;
    call->result = trale_process_spawn(call->runtime, call->command, &call->process);
}
static inline int do_spawn(struct trale *runtime, const struct trale_process_command *command,
                           struct trale_process **process)
{
    struct process_call call = {.runtime = runtime, .command = command, .process = *process};
    test_call_in_task(runtime, process_spawns, &call);
    *process = call.process;
    return call.result;
}

static inline void process_closes(void *data)
{
    trale_process_close(data);
}
static inline void do_close(struct trale *runtime, struct trale_process *process)
{
    test_call_in_task(runtime, process_closes, process);
}

static inline void process_kills(void *data)
{
    struct process_call *call = data;
    call->result = trale_process_kill(call->process, call->number);
}
static inline int do_kill(struct trale *runtime, struct trale_process *process, int number)
{
    struct process_call call = {.process = process, .number = number};
    test_call_in_task(runtime, process_kills, &call);
    return call.result;
}

static inline void process_tells_pid(void *data)
{
    struct process_call *call = data;
    call->result = trale_process_pid(call->process);
}
static inline int do_pid(struct trale *runtime, struct trale_process *process)
{
    struct process_call call = {.process = process};
    test_call_in_task(runtime, process_tells_pid, &call);
    return call.result;
}

static inline void process_is_released(void *data)
{
    struct process_call *call = data;
    call->result = trale_process_release(call->process);
}
static inline int do_release(struct trale *runtime, struct trale_process *process)
{
    struct process_call call = {.process = process};
    test_call_in_task(runtime, process_is_released, &call);
    return call.result;
}

static inline void stream_closes(void *data)
{
    trale_stream_close(data);
}
static inline void do_close_stream(struct trale *runtime, struct trale_stream_socket *stream)
{
    test_call_in_task(runtime, stream_closes, stream);
}

/* --- waits, in tasks: the driver sets them up on the thread that polls -------------------------------------------- */

struct process_waiter {
    struct trale_future future;
    struct trale_process *process;
    struct trale_process_wait wait, *found;
    _Atomic int *begun;
};

trale_async(process_waiter)
{
    trale_begin();
    if (self->begun != NULL)
        (*self->begun)++;
    trale_await(trale_process_wait(&self->wait, self->process));
    if (self->found != NULL)
        *self->found = self->wait;
    trale_return(trale_result());
}

static inline int64_t do_wait(struct trale *runtime, struct trale_process *process, struct trale_process_wait *found)
{
    struct process_waiter waiter;
    return trale_block_on(runtime, trale_call(process_waiter, &waiter, .process = process, .found = found));
}

/* Spawns a task that waits when this returns. */
static inline struct trale_task *begin_wait(struct trale *runtime, struct trale_process *process)
{
    struct trale_task *task = trale_spawn(runtime, process_waiter, .process = process);
    test_call_in_task(runtime, test_nothing, NULL);
    return task;
}

/* The exit status; -1: it did not exit. */
static inline int do_wait_for_exit(struct trale *runtime, struct trale_process *process)
{
    struct trale_process_wait wait = {0};
    assert_int_equal(do_wait(runtime, process, &wait), 0);
    return wait.code == CLD_EXITED ? wait.status : -1;
}

/* --- children ----------------------------------------------------------------------------------------------------- */

/* Spawns a shell that runs this text. */
static inline struct trale_process *spawn_shell(struct trale *runtime, const char *text, struct trale_process_fd *fds,
                                                uint32_t n_fds, uint32_t flags)
{
    const char *const arguments[] = {"sh", "-c", text, NULL};
    struct trale_process_command command = {
        .path = "/bin/sh", .arguments = arguments, .fds = fds, .n_fds = n_fds, .flags = flags};
    struct trale_process *process = NULL;
    assert_int_equal(do_spawn(runtime, &command, &process), 0);
    return process;
}

/* Reads a child's output to its end, as a text, and closes it. */
static inline void read_output(struct trale *runtime, struct trale_stream_socket *stream, char *text, size_t size)
{
    size_t n = 0;
    int64_t r = 1;
    while (r > 0 && n + 1 < size) {
        struct trale_stream_read read;
        r = trale_block_on(runtime, trale_stream_read(&read, stream, text + n, size - 1 - n));
        n += r > 0 ? (size_t)r : 0;
    }
    assert_int_equal(r, 0);
    text[n] = '\0';
    do_close_stream(runtime, stream);
}

/* What such a command writes to its descriptor 1, which it must not name. It exits with 0. */
static inline void run(struct trale *runtime, struct trale_process_command *command, char *text, size_t size)
{
    struct trale_process_fd fds[8] = {{.number = 1, .kind = TRALE_PROCESS_OUTPUT}};
    struct trale_process *process = NULL;
    assert_in_range(command->n_fds, 0, 7);
    for (uint32_t i = 0; i < command->n_fds; i++)
        fds[i + 1] = command->fds[i];
    command->fds = fds;
    command->n_fds++;
    assert_int_equal(do_spawn(runtime, command, &process), 0);
    read_output(runtime, fds[0].stream, text, size);
    assert_int_equal(do_wait_for_exit(runtime, process), 0);
    do_close(runtime, process);
}

static inline void run_shell(struct trale *runtime, struct trale_process_command command, const char *script,
                             char *text, size_t size)
{
    const char *const arguments[] = {"sh", "-c", script, NULL};
    command.path = "/bin/sh";
    command.arguments = arguments;
    run(runtime, &command, text, size);
}

/* This process has no child, neither one that runs nor a zombie. */
static inline void assert_no_child(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* --- a group of tests --------------------------------------------------------------------------------------------- */

static inline int open_processes(void **state)
{
    *state = test_open("timer, stream, process", TEST_PROCESS);
    test_call_in_task(*state, test_nothing, NULL);
    return 0;
}

static inline int close_processes(void **state)
{
    int r = trale_close(*state);
    assert_no_child();
    return r;
}

#endif
