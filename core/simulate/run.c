/* SPDX-License-Identifier: MIT */
#include "core/simulate/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "core/base/deadline.h"
#include "core/simulate/process.h"
#include "core/simulate/world.h"

/* How often reports are looked at, for a program whose tasks hang waits for ever. */
#define LOOK_NS UINT64_C(10000000)
/* How long a program may go on after it has failed. */
#define HANGING_NS UINT64_C(20000000)
#define ABORTED_NS UINT64_C(500000000)

int simulate_interrupted;

/* SIGPIPE comes when what the command prints is no longer read. */
static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};

void simulate_watch_signals(struct simulate_setup *setup)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    for (size_t i = 0; i < sizeof ending_signals / sizeof ending_signals[0]; i++)
        sigaddset(&set, ending_signals[i]);
    /* Inherited as ignored, it would never come; and a child that merely stops has not ended. */
    sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP}, NULL);
    sigprocmask(SIG_BLOCK, &set, &setup->signals);
    simulate_process_adopt();
}

/* --- one place ---------------------------------------------------------------------------------------------------- */

static void kill_place(struct simulate_place *place, const struct simulate_setup *setup)
{
    for (size_t i = 0; i < setup->options->n_programs; i++)
        simulate_process_kill(&place->processes[i]);
    simulate_world_close(place);
    place->is_busy = false;
}

int simulate_start(struct simulate_place *place, const struct simulate_setup *setup, const struct simulate_plan *plan)
{
    int r = simulate_place_prepare(place, setup, plan);
    if (r == 0)
        r = simulate_world_open(place, setup);
    if (r < 0)
        fprintf(stderr, "trale simulate: %s: %s\n", place->folder, strerror(-r));
    place->deadline_ns = deadline_now_ns() + setup->options->limit_ns;
    for (size_t i = 0; r == 0 && i < setup->options->n_programs; i++)
        r = simulate_process_start(place, setup, i);
    place->is_busy = r == 0;
    if (r < 0)
        kill_place(place, setup);
    return r;
}

/* --- waiting ------------------------------------------------------------------------------------------------------ */

static struct simulate_process *find_process(struct simulate_place *places, size_t n_places,
                                             const struct simulate_setup *setup, pid_t pid, size_t *place)
{
    for (size_t i = 0; i < n_places; i++)
        for (size_t j = 0; j < setup->options->n_programs; j++)
            if (places[i].processes[j].pid == pid) {
                *place = i;
                return &places[i].processes[j];
            }
    return NULL;
}

static bool is_running(const struct simulate_place *place, const struct simulate_setup *setup)
{
    for (size_t i = 0; i < setup->options->n_programs; i++)
        if (place->processes[i].pid != 0)
            return true;
    return false;
}

/* Whether a program has failed that has just ended. How one ends that has crashed with its host says nothing. */
static bool has_failed(struct simulate_place *place, size_t number, bool has_left)
{
    struct simulate_process *process = &place->processes[number];
    enum trale_sim_life life = simulate_world_life(place, number);
    if (life == TRALE_SIM_CRASHED) {
        process->status = 0;
        return false;
    }
    /* What goes on in the background is killed, and is no part of the world. */
    bool was_outside = life == TRALE_SIM_EXPECTED || life == TRALE_SIM_RESTARTED ||
                       (has_left && place->page != NULL && life == TRALE_SIM_JOINED);
    place->has_not_joined = process->status == 0 && was_outside;
    if (process->status == 0 && !place->has_not_joined)
        return false;
    place->failed = number;
    return true;
}

/* Takes in the end of one process, with what it has left behind in its group. Returns the index of its place if that
 * was the last one there; -EAGAIN: it was not; -ECHILD: no process has ended. */
static int take_end(struct simulate_place *places, size_t n_places, const struct simulate_setup *setup)
{
    siginfo_t info = {.si_pid = 0};
    size_t i = 0;
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
        return -ECHILD;
    struct simulate_process *process = find_process(places, n_places, setup, info.si_pid, &i);
    if (process == NULL) { /* one that has lost its parent */
        waitpid(info.si_pid, NULL, 0);
        return -EAGAIN;
    }
    bool has_left = simulate_process_end(process);
    if (has_failed(&places[i], (size_t)(process - places[i].processes), has_left))
        kill_place(&places[i], setup);
    if (is_running(&places[i], setup))
        return -EAGAIN;
    simulate_world_close(&places[i]);
    places[i].is_busy = false;
    simulate_place_read_report(&places[i]);
    return (int)i;
}

/* After a failure the driver sim says why, and does no more: a program that hangs waits for ever. One whose tasks were
 * aborted has some time to end by itself. */
static bool is_over(struct simulate_place *place, uint64_t now_ns)
{
    simulate_place_read_report(place);
    uint32_t outcome = place->report.outcome;
    bool is_aborted = outcome == TRALE_SIM_TIME_LIMIT || outcome == TRALE_SIM_NOT_SETTLED ||
                      outcome == TRALE_SIM_NOT_STOPPED || outcome == TRALE_SIM_DIVERGED;
    if (!is_aborted && outcome != TRALE_SIM_HANG)
        return false;
    place->over_ns = place->over_ns != 0 ? place->over_ns : now_ns;
    return now_ns - place->over_ns > (is_aborted ? ABORTED_NS : HANGING_NS);
}

static bool is_flooded(const struct simulate_place *place, const struct simulate_setup *setup)
{
    struct stat status;
    bool is_large = false;
    for (size_t i = 0; i < setup->options->n_programs; i++)
        is_large |= fstat(place->processes[i].output, &status) == 0 && status.st_size > SIMULATE_OUTPUT_MAX;
    return is_large;
}

/* A run that is late may be so because others wait for a program that has not joined them. */
static void find_missing(struct simulate_place *place, const struct simulate_setup *setup)
{
    for (size_t i = 0; i < setup->options->n_programs && !place->has_not_joined; i++) {
        enum trale_sim_life life = simulate_world_life(place, i);
        place->has_not_joined = life == TRALE_SIM_EXPECTED || life == TRALE_SIM_RESTARTED;
        place->failed = place->has_not_joined ? i : 0;
    }
}

/* Kills the runs that are over, late, or write without end. Returns the index of such a place, or -EAGAIN. */
static int look(struct simulate_place *places, size_t n_places, const struct simulate_setup *setup)
{
    uint64_t now_ns = deadline_now_ns();
    for (size_t i = 0; i < n_places; i++) {
        struct simulate_place *place = &places[i];
        if (!place->is_busy)
            continue;
        place->kill = is_over(place, now_ns)         ? KILL_OVER
                      : now_ns >= place->deadline_ns ? KILL_LATE
                      : is_flooded(place, setup)     ? KILL_OUTPUT
                                                     : KILL_NONE;
        if (place->kill == KILL_NONE)
            continue;
        if (place->kill == KILL_LATE)
            find_missing(place, setup);
        kill_place(place, setup);
        return (int)i;
    }
    return -EAGAIN;
}

int simulate_wait(struct simulate_place *places, size_t n_places, const struct simulate_setup *setup, uint64_t limit_ns)
{
    uint64_t end_ns = deadline_now_ns() + limit_ns;
    bool is_busy = false;
    for (size_t i = 0; i < n_places; i++)
        is_busy |= places[i].is_busy;
    if (!is_busy)
        return -ECHILD;
    sigset_t awaited;
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGCHLD);
    for (size_t i = 0; i < sizeof ending_signals / sizeof ending_signals[0]; i++)
        sigaddset(&awaited, ending_signals[i]);
    for (;;) {
        int r = take_end(places, n_places, setup);
        if (r >= 0)
            return r;
        if (r == -EAGAIN)
            continue;
        for (size_t i = 0; r < 0 && i < n_places; i++) {
            int answer = simulate_world_answer(&places[i], setup);
            if (answer < 0)
                return answer;
        }
        r = look(places, n_places, setup);
        if (r >= 0)
            return r;
        if (deadline_now_ns() >= end_ns)
            return -EAGAIN;
        const struct timespec pause = {0, LOOK_NS};
        int signal = sigtimedwait(&awaited, NULL, &pause);
        if (signal > 0 && signal != SIGCHLD) {
            simulate_interrupted = signal;
            return -EINTR;
        }
    }
}

void simulate_kill(struct simulate_place *places, size_t n_places, const struct simulate_setup *setup)
{
    for (size_t i = 0; i < n_places; i++)
        if (places[i].is_busy)
            kill_place(&places[i], setup);
}

int simulate_run(struct simulate_place *place, const struct simulate_setup *setup, const struct simulate_plan *plan,
                 struct simulate_result *result)
{
    int r = simulate_start(place, setup, plan);
    if (r < 0)
        return r;
    do
        r = simulate_wait(place, 1, setup, UINT64_MAX / 2);
    while (r == -EAGAIN);
    if (r < 0)
        simulate_kill(place, 1, setup);
    else
        simulate_judge(place, setup, result);
    return r < 0 ? r : 0;
}
