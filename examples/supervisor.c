/* SPDX-License-Identifier: MIT
 *
 * Keeps a command running: starts it again when it fails, with growing delays, and writes what it writes, line by line.
 *
 *     supervisor [-d MILLISECONDS] [-g MILLISECONDS] COMMAND [ARGUMENT...]
 *         -d  the first delay, default 100; it doubles with each failure up to a hundredfold, and begins again after a
 *             run of ten times as long
 *         -g  how long the command may go on after the signal, default 5000
 *
 * It ends when the command ends with status 0. At SIGTERM or SIGINT the command gets SIGTERM, and SIGKILL when its time
 * is up; the exit status is that of the command then, or 128 and its signal. What the command has started, and what is
 * in its process group, ends with it.
 *
 * It needs the drivers signal, stream and process, which the default trale.ini does not load: see
 * examples/supervisor.ini. */
#define _GNU_SOURCE 1 /* getopt(3), sigabbrev_np(3) */

#include <inttypes.h>
#include <stdbool.h>
#include <unistd.h>

#include <trale/process.h>
#include <trale/signal.h>
#include <trale/stream_buffer.h>
#include <trale/stream_socket.h>
#include <trale/sync.h>
#include <trale/timer.h>

#define STOP_SIGNALS (trale_signal_bit(SIGTERM) | trale_signal_bit(SIGINT))
#define LINGER_NS                                                                                                      \
    TRALE_SECOND /* for output that descendants hold back where the kernel reaches no group without its leader */

struct supervisor {
    const char *const *arguments;
    uint64_t delay_ns, grace_ns;
    struct trale_process *process; /* NULL: it does not run */
    struct trale_notify stop;
    bool is_stopping;
};

/* --- one run ------------------------------------------------------------------------------------------------------ */

/* Writes the output of the command until its end. A line that is too long for the buffer comes in pieces. */
struct output {
    struct trale_future future;
    int pid;
    struct trale_stream_socket *pipe;
    struct trale_stream_buffer buffer;
    struct trale_stream_take take;
    char bytes[4096];
};

trale_async(output)
{
    trale_begin();
    trale_stream_buffer_init(&self->buffer, self->pipe, self->bytes, sizeof self->bytes);
    for (;;) {
        trale_await(trale_stream_take_until(&self->take, &self->buffer, "\n", 1));
        if (trale_result() == -ENODATA || trale_result() == -ENOBUFS)
            trale_await(trale_stream_take_some(&self->take, &self->buffer));
        if (trale_result() <= 0)
            trale_return(trale_result());
        int size = (int)trale_result();
        bool has_end = self->take.data[size - 1] == '\n';
        printf("[%d] %.*s%s", self->pid, size, self->take.data, has_end ? "" : "\n");
    }
}

/* Waits for the end of the command, and ends what is left of its group, so that the output ends as well. */
struct ending {
    struct trale_future future;
    struct trale_process *process;
    struct trale_process_wait wait;
    struct trale_sleep linger;
};

trale_async(ending)
{
    trale_begin();
    trale_try(trale_process_wait(&self->wait, self->process));
    trale_process_kill(self->process, SIGKILL);
    trale_try(trale_sleep(&self->linger, LINGER_NS));
    trale_return(0);
}

/* Resolves to the command's exit status, or 128 and its signal; or to an error. */
struct run {
    struct trale_future future;
    struct supervisor *supervisor;
    struct trale_stream_socket *pipe;
    struct output output;
    struct ending ending;
    struct trale_process_wait wait;
    TRALE_BRANCHES(2) race;
};

static int run_start(struct run *self, struct trale *runtime)
{
    struct supervisor *supervisor = self->supervisor;
    struct trale_process_fd fds[] = {{.number = STDOUT_FILENO, .kind = TRALE_PROCESS_OUTPUT},
                                     {.number = STDERR_FILENO, .kind = TRALE_PROCESS_SAME, .fd = STDOUT_FILENO}};
    const struct trale_process_command command = {.path = supervisor->arguments[0],
                                                  .arguments = supervisor->arguments,
                                                  .fds = fds,
                                                  .n_fds = 2,
                                                  .flags = TRALE_PROCESS_GROUP | TRALE_PROCESS_KILL_ON_DROP};
    int r = trale_process_spawn(runtime, &command, &supervisor->process);
    if (r == 0)
        self->pipe = fds[0].stream;
    return r;
}

static void run_close(struct run *self)
{
    trale_stream_close(self->pipe);
    trale_process_close(self->supervisor->process);
    self->supervisor->process = NULL;
}

trale_async_with(run, run_close)
{
    trale_begin();
    int r = run_start(self, cx->runtime);
    if (r < 0)
        trale_return(r);
    printf("[%d] runs %s\n", trale_process_pid(self->supervisor->process), self->supervisor->arguments[0]);
    trale_try(trale_race_of(
        &self->race,
        trale_call(output, &self->output, .pipe = self->pipe, .pid = trale_process_pid(self->supervisor->process)),
        trale_call(ending, &self->ending, .process = self->supervisor->process)));
    trale_try(trale_process_wait(&self->wait, self->supervisor->process));
    trale_return(self->wait.code == CLD_EXITED ? self->wait.status : 128 + self->wait.status);
}

/* --- run after run ------------------------------------------------------------------------------------------------ */

struct supervise {
    struct trale_future future;
    struct supervisor *supervisor;
    uint64_t begin_ns, delay_ns;
    struct run run;
    struct trale_sleep sleep;
    struct trale_notify_wait stop;
    TRALE_BRANCHES(2) race;
    int64_t status;
};

trale_async(supervise)
{
    trale_begin();
    for (self->delay_ns = self->supervisor->delay_ns;;) {
        self->begin_ns = trale_now(cx->runtime);
        trale_await_to(self->status, trale_call(run, &self->run, .supervisor = self->supervisor));
        if (self->status <= 0 || self->supervisor->is_stopping)
            trale_return(self->status);
        if (trale_now(cx->runtime) - self->begin_ns >= 10 * self->delay_ns)
            self->delay_ns = self->supervisor->delay_ns;
        printf("it failed with status %" PRId64 ", and runs again in %" PRIu64 " ms\n", self->status,
               self->delay_ns / TRALE_MILLISECOND);
        trale_try(trale_race_of(&self->race, trale_sleep(&self->sleep, self->delay_ns),
                                trale_notify_wait(&self->stop, &self->supervisor->stop)));
        if (self->supervisor->is_stopping)
            trale_return(self->status);
        if (self->delay_ns < 100 * self->supervisor->delay_ns)
            self->delay_ns *= 2;
    }
}

/* Ends the command at a signal, in order, and then by force. */
struct limit {
    struct trale_future future;
    struct supervisor *supervisor;
    struct trale_signal signal;
    struct trale_sleep grace;
};

static void limit_kill(const struct limit *self, int number)
{
    if (self->supervisor->process != NULL)
        trale_process_kill(self->supervisor->process, number);
}

trale_async(limit)
{
    trale_begin();
    trale_try(trale_signal_any(&self->signal, STOP_SIGNALS));
    printf("SIG%s: ends\n", sigabbrev_np(self->signal.number));
    self->supervisor->is_stopping = true;
    trale_notify_one(&self->supervisor->stop);
    limit_kill(self, SIGTERM);
    trale_try(trale_sleep(&self->grace, self->supervisor->grace_ns));
    limit_kill(self, SIGKILL);
    trale_return(0);
}

int main(int argc, char **argv)
{
    struct supervisor supervisor = {
        .delay_ns = 100 * TRALE_MILLISECOND, .grace_ns = 5 * TRALE_SECOND, .stop = TRALE_NOTIFY};
    bool is_understood = true;
    for (int option; (option = getopt(argc, argv, "+d:g:")) != -1;) {
        is_understood = is_understood && option != '?';
        if (option != '?')
            *(option == 'd' ? &supervisor.delay_ns : &supervisor.grace_ns) = strtoul(optarg, NULL, 10) *
                                                                             TRALE_MILLISECOND;
    }
    if (!is_understood || optind == argc) {
        fprintf(stderr, "usage: %s [-d MILLISECONDS] [-g MILLISECONDS] COMMAND [ARGUMENT...]\n", argv[0]);
        return EXIT_FAILURE;
    }
    supervisor.arguments = (const char *const *)argv + optind;
    setvbuf(stdout, NULL, _IOLBF, 0); /* writes line by line, also into a pipe */

    struct trale *runtime;
    int64_t result = trale_open(&runtime, NULL);
    if (result < 0)
        return trale_perror("trale_open", result);
    if ((STOP_SIGNALS & ~trale_signal_taken(runtime)) != 0) {
        fprintf(stderr, "%s: no driver takes TERM and INT; see examples/supervisor.ini\n", argv[0]);
        trale_close(runtime);
        return EXIT_FAILURE;
    }
    trale_detach(trale_spawn(runtime, limit, .supervisor = &supervisor));
    result = trale_join(trale_spawn(runtime, supervise, .supervisor = &supervisor));
    trale_close(runtime);
    return result < 0 ? trale_perror(supervisor.arguments[0], result) : (int)result;
}
