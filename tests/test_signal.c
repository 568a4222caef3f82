/* SPDX-License-Identifier: MIT
 *
 * The signal driver, through the runtime, in the thread layout that the environment names. Every test opens its own
 * runtime: opening and closing change the mask of the thread, which is part of what is tested. */
#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <trale/blocking.h>
#include <trale/signal.h>

#include "tests/support.h"

#define TEST_SIGNAL "[driver:signal]\npath = signal.so\n"
#define TEST_BLOCKING "[driver:blocking]\npath = blocking.so\n"
#define USUAL TEST_SIGNAL "signals = USR1 USR2\n"

static bool is_blocked(int number)
{
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    return sigismember(&mask, number) == 1;
}

static bool is_pending(int number)
{
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, number) == 1;
}

static void send_to_process(int number)
{
    assert_int_equal(kill(getpid(), number), 0);
}

/* --- tasks -------------------------------------------------------------------------------------------------------- */

struct turn {
    struct trale_future future;
};

trale_async(turn)
{
    trale_begin();
    trale_return(0);
}

/* When it returns, every task that was spawned before has been polled. */
static void let_tasks_begin(struct trale *runtime)
{
    struct turn turn;
    assert_int_equal(trale_block_on(runtime, trale_call(turn, &turn)), 0);
}

/* Has the runtime, which must have a timer, look at its reactor, unless this thread is held up meanwhile. */
static void let_signals_come(struct trale *runtime)
{
    struct trale_sleep sleep;
    assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, 200 * TRALE_MICROSECOND)), 0);
}

struct waiter {
    struct trale_future future;
    struct trale_signal signal;
    uint64_t signals;
    struct trale_signal *found;
    _Atomic int *n_found;
};

trale_async(waiter)
{
    trale_begin();
    trale_await(trale_signal_any(&self->signal, self->signals));
    if (self->found != NULL)
        *self->found = self->signal;
    if (self->n_found != NULL)
        (*self->n_found)++;
    trale_return(trale_result());
}

/* Spawns one that waits when this returns. */
static struct trale_task *begin_to_wait(struct trale *runtime, int number, struct trale_signal *found)
{
    struct trale_task *task = trale_spawn(runtime, waiter, .signals = trale_signal_bit(number), .found = found);
    let_tasks_begin(runtime);
    return task;
}

static int64_t await_signal(struct trale *runtime, int number, struct trale_signal *signal)
{
    struct trale_signal own;
    return trale_block_on(runtime, trale_signal(signal != NULL ? signal : &own, number));
}

/* --- what is awaited ---------------------------------------------------------------------------------------------- */

static void test_a_signal_tells_its_number_and_its_sender(void **state)
{
    (void)state;
    struct trale *runtime = test_open("signal", USUAL);
    struct trale_signal found;
    struct trale_task *task = begin_to_wait(runtime, SIGUSR1, &found);
    send_to_process(SIGUSR1);
    assert_int_equal(trale_join(task), SIGUSR1);
    assert_int_equal(found.number, SIGUSR1);
    assert_int_equal(found.code, SI_USER);
    assert_int_equal(found.pid, getpid());
    assert_int_equal(found.uid, getuid());
    assert_int_equal(found.value, 0);
    assert_int_equal(found.status, 0);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_a_signal_that_came_before_the_wait_is_not_lost(void **state)
{
    (void)state;
    struct trale *runtime = test_open("signal", USUAL);
    send_to_process(SIGUSR1);
    send_to_process(SIGUSR2);
    assert_int_equal(await_signal(runtime, SIGUSR2, NULL), SIGUSR2);
    assert_int_equal(await_signal(runtime, SIGUSR1, NULL), SIGUSR1);
    for (int i = 0; i < 100; i++) {
        send_to_process(SIGUSR1);
        assert_int_equal(await_signal(runtime, SIGUSR1, NULL), SIGUSR1);
    }
    assert_false(is_pending(SIGUSR1));
    assert_int_equal(trale_close(runtime), 0);
}

static void test_a_wait_for_several_tells_which_came(void **state)
{
    (void)state;
    struct trale *runtime = test_open("signal", USUAL);
    struct trale_signal signal;
    uint64_t both = trale_signal_bit(SIGUSR1) | trale_signal_bit(SIGUSR2);
    assert_int_equal(trale_signal_taken(runtime), both);
    send_to_process(SIGUSR2);
    assert_int_equal(trale_block_on(runtime, trale_signal_any(&signal, both)), SIGUSR2);
    struct trale_task *task = trale_spawn(runtime, waiter, .signals = both);
    let_tasks_begin(runtime);
    send_to_process(SIGUSR1);
    assert_int_equal(trale_join(task), SIGUSR1);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_all_who_wait_are_told_and_nobody_else(void **state)
{
    (void)state;
    struct trale *runtime = test_open("signal", USUAL);
    struct trale_task *tasks[10];
    struct trale_signal found[10];
    struct trale_task *other = begin_to_wait(runtime, SIGUSR2, NULL);
    for (int i = 0; i < 10; i++)
        tasks[i] = begin_to_wait(runtime, SIGUSR1, &found[i]);
    send_to_process(SIGUSR1);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(trale_join(tasks[i]), SIGUSR1);
        assert_int_equal(found[i].pid, getpid());
    }
    assert_false(is_pending(SIGUSR1));
    send_to_process(SIGUSR2);
    assert_int_equal(trale_join(other), SIGUSR2);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_who_began_to_wait_later_takes_nobodys_place(void **state)
{
    (void)state;
    struct trale *runtime = test_open("signal", USUAL);
    struct trale_task *first = begin_to_wait(runtime, SIGUSR2, NULL), *last = begin_to_wait(runtime, SIGUSR1, NULL);
    send_to_process(SIGUSR2);
    assert_int_equal(trale_join(first), SIGUSR2);
    first = begin_to_wait(runtime, SIGUSR2, NULL);
    send_to_process(SIGUSR1);
    assert_int_equal(trale_join(last), SIGUSR1);
    send_to_process(SIGUSR2);
    assert_int_equal(trale_join(first), SIGUSR2);
    assert_int_equal(trale_close(runtime), 0);
}

static void send_value(int number, int value)
{
    assert_int_equal(sigqueue(getpid(), number, (union sigval){.sival_int = value}), 0);
}

static void test_values_come_in_the_order_they_were_queued(void **state)
{
    (void)state;
    struct trale *runtime = test_open("signal", TEST_SIGNAL "signals = RTMIN+1 USR1\n");
    struct trale_task *other = begin_to_wait(runtime, SIGUSR1, NULL);
    struct trale_signal found;
    struct trale_task *task = begin_to_wait(runtime, SIGRTMIN + 1, &found);
    for (int i = 0; i < 20; i++)
        send_value(SIGRTMIN + 1, 1000 + i);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(trale_join(task), SIGRTMIN + 1);
        assert_int_equal(found.value, 1000 + i);
        assert_int_equal(found.code, SI_QUEUE);
        assert_int_equal(found.pid, getpid());
        task = i < 19 ? trale_spawn(runtime, waiter, .signals = trale_signal_bit(SIGRTMIN + 1), .found = &found) : NULL;
    }
    union sigval value = {.sival_ptr = &found};
    assert_int_equal(sigqueue(getpid(), SIGUSR1, value), 0);
    assert_int_equal(trale_join(other), SIGUSR1);
    assert_int_equal(sigqueue(getpid(), SIGRTMIN + 1, value), 0);
    assert_int_equal(await_signal(runtime, SIGRTMIN + 1, &found), SIGRTMIN + 1);
    assert_ptr_equal((void *)(uintptr_t)found.pointer, &found);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_the_end_of_a_child_can_be_awaited(void **state)
{
    (void)state;
    struct trale *runtime = test_open("signal", TEST_SIGNAL "signals = CHLD\n");
    struct trale_signal found;
    struct trale_task *task = begin_to_wait(runtime, SIGCHLD, &found);
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", "exit 7", NULL); /* leaves nothing that a tool could complain of */
        _exit(1);
    }
    assert_true(child > 0);
    assert_int_equal(trale_join(task), SIGCHLD);
    assert_int_equal(found.pid, child);
    assert_int_equal(found.code, CLD_EXITED);
    assert_int_equal(found.status, 7);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(trale_close(runtime), 0);
}

/* What the kernel does not send cannot be awaited; the wait goes on and gets the next that is sent. */
static void test_the_end_of_a_child_is_not_sent_where_it_is_ignored(void **state)
{
    (void)state;
    struct trale *runtime = test_open("signal", TEST_SIGNAL "signals = CHLD\n");
    void (*before)(int) = signal(SIGCHLD, SIG_IGN);
    struct trale_signal found;
    struct trale_task *task = begin_to_wait(runtime, SIGCHLD, &found);
    pid_t child = fork();
    if (child == 0)
        _exit(7);
    assert_true(child > 0);
    assert_int_equal(waitpid(child, NULL, 0), -1); /* returns when it has ended, and nothing is left of it */
    assert_int_equal(errno, ECHILD);
    signal(SIGCHLD, before);
    send_to_process(SIGCHLD);
    assert_int_equal(trale_join(task), SIGCHLD);
    assert_int_equal(found.pid, getpid());
    assert_int_equal(trale_close(runtime), 0);
}

static void test_what_is_ignored_can_be_awaited(void **state)
{
    (void)state;
    struct trale *runtime = test_open("signal", USUAL);
    void (*before)(int) = signal(SIGUSR1, SIG_IGN);
    send_to_process(SIGUSR1);
    assert_int_equal(await_signal(runtime, SIGUSR1, NULL), SIGUSR1);
    signal(SIGUSR1, before);
    assert_int_equal(trale_close(runtime), 0);
}

struct raiser {
    struct trale_future future;
    struct trale_signal signal;
};

trale_async(raiser)
{
    trale_begin();
    raise(SIGUSR1);
    trale_await(trale_signal(&self->signal, SIGUSR1));
    trale_return(trale_result());
}

static void test_a_task_gets_what_it_raised_itself(void **state)
{
    (void)state;
    struct trale *runtime = test_open("signal", USUAL);
    assert_int_equal(trale_join(trale_spawn(runtime, raiser)), SIGUSR1);
    struct trale_task *task = begin_to_wait(runtime, SIGUSR1, NULL);
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
    assert_int_equal(trale_join(trale_spawn(runtime, raiser)), SIGUSR1);
    assert_int_equal(trale_close(runtime), 0);
}

struct bystander {
    sem_t go;
    int number, value;
};

/* Waits until the test asks it to look for a signal of its own. */
static void *bystander_run(void *data)
{
    struct bystander *bystander = data;
    sigset_t usr1;
    siginfo_t info = {0};
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sem_wait(&bystander->go);
    bystander->number = sigtimedwait(&usr1, &info, &(struct timespec){0, 0});
    bystander->value = info.si_value.sival_int;
    return NULL;
}

static void test_what_is_sent_to_another_thread_is_left_to_it(void **state)
{
    (void)state;
    struct trale *runtime = test_open("timer, signal", TEST_TIMER USUAL);
    struct bystander bystander = {0};
    pthread_t thread;
    sem_init(&bystander.go, 0, 0);
    assert_int_equal(pthread_create(&thread, NULL, bystander_run, &bystander), 0);
    struct trale_signal found;
    struct trale_task *task = begin_to_wait(runtime, SIGUSR1, &found);
    assert_int_equal(pthread_sigqueue(thread, SIGUSR1, (union sigval){.sival_int = 1}), 0);
    let_signals_come(runtime);
    send_value(SIGUSR1, 2);
    assert_int_equal(trale_join(task), SIGUSR1);
    assert_int_equal(found.value, 2);
    sem_post(&bystander.go);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(bystander.number, SIGUSR1);
    assert_int_equal(bystander.value, 1);
    assert_int_equal(trale_close(runtime), 0);
}

/* --- giving up ---------------------------------------------------------------------------------------------------- */

static void test_a_dropped_wait_has_taken_nothing(void **state)
{
    (void)state;
    struct trale *runtime = test_open("signal", USUAL);
    for (int round = 0; round < 300; round++) {
        struct trale_task *task = begin_to_wait(runtime, SIGUSR1, NULL);
        send_to_process(SIGUSR1);
        trale_abort(task);
        int64_t result = trale_join(task);
        assert_true(result == SIGUSR1 || result == -ECANCELED);
        assert_int_equal(is_pending(SIGUSR1), result == -ECANCELED);
        if (result == -ECANCELED)
            assert_int_equal(await_signal(runtime, SIGUSR1, NULL), SIGUSR1);
    }
    assert_int_equal(trale_close(runtime), 0);
}

static void test_others_get_the_signal_when_one_is_dropped(void **state)
{
    (void)state;
    struct trale *runtime = test_open("signal", USUAL);
    for (int round = 0; round < 300; round++) {
        struct trale_task *one = begin_to_wait(runtime, SIGUSR1, NULL);
        struct trale_task *two = begin_to_wait(runtime, SIGUSR1, NULL);
        send_to_process(SIGUSR1);
        trale_abort(round % 2 == 0 ? one : two);
        int64_t result = trale_join(round % 2 == 0 ? one : two);
        assert_true(result == SIGUSR1 || result == -ECANCELED);
        assert_int_equal(trale_join(round % 2 == 0 ? two : one), SIGUSR1);
        assert_false(is_pending(SIGUSR1));
    }
    assert_int_equal(trale_close(runtime), 0);
}

struct limited {
    struct trale_future future;
    struct trale_timeout timeout;
    struct trale_signal signal;
    uint64_t limit_ns;
};

trale_async(limited)
{
    trale_begin();
    trale_await(trale_timeout(&self->timeout, trale_signal(&self->signal, SIGUSR1), self->limit_ns));
    trale_return(trale_result());
}

static void test_what_is_pending_wins_over_a_timeout_of_nothing(void **state)
{
    (void)state;
    struct trale *runtime = test_open("timer, signal", TEST_TIMER USUAL);
    for (int round = 0; round < 20; round++) {
        assert_int_equal(trale_join(trale_spawn(runtime, limited, .limit_ns = 0)), -ETIMEDOUT);
        send_to_process(SIGUSR1);
        assert_int_equal(trale_join(trale_spawn(runtime, limited, .limit_ns = 0)), SIGUSR1);
    }
    assert_int_equal(trale_join(trale_spawn(runtime, limited, .limit_ns = TRALE_MILLISECOND)), -ETIMEDOUT);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_what_nobody_awaits_keeps_nobody_busy(void **state)
{
    (void)state;
    struct trale *runtime = test_open("timer, signal", TEST_TIMER USUAL);
    struct trale_task *other = begin_to_wait(runtime, SIGUSR2, NULL);
    struct trale_task *task = begin_to_wait(runtime, SIGUSR1, NULL);
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
    send_to_process(SIGUSR1);
    struct trale_sleep sleep;
    struct timespec before, after;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, 300 * TRALE_MILLISECOND)), 0);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    assert_true((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 < 150);
    assert_true(is_pending(SIGUSR1));
    assert_int_equal(await_signal(runtime, SIGUSR1, NULL), SIGUSR1);
    send_to_process(SIGUSR2);
    assert_int_equal(trale_join(other), SIGUSR2);
    assert_int_equal(trale_close(runtime), 0);
}

/* --- opening and closing ------------------------------------------------------------------------------------------ */

static void test_the_mask_is_put_back_as_it_was(void **state)
{
    (void)state;
    sigset_t usr2;
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &usr2, NULL);
    struct trale *runtime = test_open("signal", USUAL);
    assert_true(is_blocked(SIGUSR1));
    assert_true(is_blocked(SIGUSR2));
    assert_false(is_blocked(SIGTERM));
    assert_int_equal(trale_close(runtime), 0);
    assert_false(is_blocked(SIGUSR1));
    assert_true(is_blocked(SIGUSR2));
    pthread_sigmask(SIG_UNBLOCK, &usr2, NULL);
}

static void test_a_runtime_that_does_not_open_leaves_the_mask_alone(void **state)
{
    (void)state;
    char text[1024];
    struct test_log log = {0};
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = signal, broken\nthreads = %d\ndrivers_folder = %s\n" USUAL
             "[driver:broken]\npath = %s/flaw_fails_start.so\n",
             test_threads(), TEST_DRIVERS, TEST_FLAWED_DRIVERS);
    struct trale *runtime;
    const struct trale_options options = {.config_text = text, .log = test_log_write, .log_data = &log};
    assert_int_equal(trale_open(&runtime, &options), -EADDRNOTAVAIL);
    assert_non_null(strstr(log.text, "[driver:signal] started"));
    assert_false(is_blocked(SIGUSR1));
}

/* On a thread that has inherited the mask; returns whether it still has it. */
static void *close_elsewhere(void *runtime)
{
    trale_close(runtime);
    return is_blocked(SIGUSR1) ? runtime : NULL;
}

static void test_closing_on_another_thread_leaves_the_masks_alone(void **state)
{
    (void)state;
    struct trale *runtime = test_open("signal", USUAL);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, close_elsewhere, runtime), 0);
    void *still_blocked;
    assert_int_equal(pthread_join(thread, &still_blocked), 0);
    assert_non_null(still_blocked);
    assert_true(is_blocked(SIGUSR1));
    sigset_t usual;
    sigemptyset(&usual);
    sigaddset(&usual, SIGUSR1);
    sigaddset(&usual, SIGUSR2);
    pthread_sigmask(SIG_UNBLOCK, &usual, NULL);
}

static void *open_here(void *data)
{
    *(struct trale **)data = test_open("signal", USUAL);
    return NULL;
}

/* The C library gives a new thread the pthread_t of one that has ended. */
static void test_closing_on_a_thread_in_the_place_of_the_opener_s_leaves_the_masks_alone(void **state)
{
    (void)state;
    struct trale *runtime;
    pthread_t opener, closer;
    void *still_blocked;
    sigset_t usr1;
    assert_int_equal(pthread_create(&opener, NULL, open_here, &runtime), 0);
    assert_int_equal(pthread_join(opener, NULL), 0);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &usr1, NULL);
    assert_int_equal(pthread_create(&closer, NULL, close_elsewhere, runtime), 0);
    pthread_sigmask(SIG_UNBLOCK, &usr1, NULL);
    assert_int_equal(pthread_join(closer, &still_blocked), 0);
    assert_non_null(still_blocked);
}

static volatile sig_atomic_t n_handled;

static void count_signal(int number)
{
    (void)number;
    n_handled++;
}

static void test_what_nobody_awaited_takes_its_course_at_the_end(void **state)
{
    (void)state;
    void (*before)(int) = signal(SIGUSR1, count_signal);
    struct trale *runtime = test_open("signal", USUAL);
    n_handled = 0;
    send_to_process(SIGUSR1);
    assert_int_equal(await_signal(runtime, SIGUSR1, NULL), SIGUSR1);
    send_to_process(SIGUSR1);
    assert_int_equal(n_handled, 0);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(n_handled, 1);
    signal(SIGUSR1, before);
}

static void test_tasks_that_wait_are_cancelled_when_the_runtime_closes(void **state)
{
    (void)state;
    struct trale *runtime = test_open("signal", USUAL);
    struct trale_task *one = begin_to_wait(runtime, SIGUSR1, NULL), *two = begin_to_wait(runtime, SIGUSR1, NULL);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(trale_join(one), -ECANCELED);
    assert_int_equal(trale_join(two), -ECANCELED);
}

/* --- the threads' masks ------------------------------------------------------------------------------------------- */

static const int unblocked[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGPROF};
enum { N_UNBLOCKED = sizeof unblocked / sizeof unblocked[0] };

static _Atomic int n_crashes;

static void count_crash(int number)
{
    (void)number;
    n_crashes++;
}

static int64_t raise_all(void *data)
{
    (void)data;
    for (size_t i = 0; i < N_UNBLOCKED; i++)
        raise(unblocked[i]);
    return n_crashes;
}

struct crash {
    struct trale_future future;
    struct trale_blocking work;
};

trale_async(crash)
{
    trale_begin();
    if (raise_all(NULL) != N_UNBLOCKED)
        trale_return(-EBADMSG);
    trale_await(trale_blocking(&self->work, raise_all, NULL, NULL));
    trale_return(trale_result());
}

static void test_handlers_of_crashes_and_profilers_run_on_the_runtime_s_threads(void **state)
{
    (void)state;
    void (*before[N_UNBLOCKED])(int);
    struct trale *runtime = test_open("blocking", TEST_BLOCKING);
    n_crashes = 0;
    for (size_t i = 0; i < N_UNBLOCKED; i++)
        before[i] = signal(unblocked[i], count_crash);
    int64_t n = trale_join(trale_spawn(runtime, crash));
    for (size_t i = 0; i < N_UNBLOCKED; i++)
        signal(unblocked[i], before[i]);
    assert_int_equal(n, 2 * N_UNBLOCKED);
    assert_int_equal(trale_close(runtime), 0);
}

/* Reads the name and the mask of one of the process's threads. */
static bool read_thread(const char *id, char name[32], uint64_t *blocked)
{
    char path[300], line[256];
    int n_found = 0;
    snprintf(path, sizeof path, "/proc/self/task/%s/status", id);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        n_found += sscanf(line, "Name: %31s", name) == 1 || sscanf(line, "SigBlk: %" SCNx64, blocked) == 1;
    if (file != NULL)
        fclose(file);
    return n_found == 2;
}

/* Threads of runtimes that have this mask; -1 if one has another. */
static int count_threads_that_block(uint64_t wanted)
{
    char name[32];
    uint64_t blocked;
    int n = 0;
    DIR *folder = opendir("/proc/self/task");
    for (struct dirent *entry; (entry = readdir(folder)) != NULL && n >= 0;)
        if (read_thread(entry->d_name, name, &blocked) && strncmp(name, "trale", 5) == 0)
            n = blocked == wanted ? n + 1 : -1;
    closedir(folder);
    return n;
}

static int64_t do_nothing(void *data)
{
    (void)data;
    return 0;
}

static void test_all_threads_of_a_runtime_block_the_same_signals(void **state)
{
    (void)state;
    if (TEST_UNDER_VALGRIND)
        skip();
    char text[512], name[32], id[32];
    uint64_t own, wanted = ~(UINT64_C(3) << 31); /* 32 and 33 are the C library's */
    sigset_t usr1, before;
    struct trale *runtime;
    struct trale_blocking work;
    int n_threads = 0;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &usr1, &before);
    snprintf(id, sizeof id, "%d", (int)gettid());
    assert_true(read_thread(id, name, &own));
    assert_int_equal(own, trale_signal_bit(SIGUSR1));
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = blocking\nthreads = %d\ndrivers_folder = %s\nwatchdog = 1h\n" TEST_BLOCKING,
             test_threads(), TEST_DRIVERS);
    assert_int_equal(trale_open(&runtime, &(struct trale_options){.config_text = text}), 0);
    assert_int_equal(trale_block_on(runtime, trale_blocking(&work, do_nothing, NULL, NULL)), 0);
    for (size_t i = 0; i < N_UNBLOCKED; i++)
        wanted &= ~trale_signal_bit(unblocked[i]);
    wanted &= ~(trale_signal_bit(SIGKILL) | trale_signal_bit(SIGSTOP));
    /* The watchdog's and the pool's are there as well. A thread of an earlier test may be seen for a moment. */
    for (int i = 0; i < 5000 && n_threads != test_threads() + 2; i++) {
        n_threads = count_threads_that_block(wanted);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    assert_int_equal(n_threads, test_threads() + 2);
    assert_int_equal(trale_close(runtime), 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void test_a_signal_that_the_opener_blocks_is_blocked_on_the_runtime_s_threads(void **state)
{
    (void)state;
    if (TEST_UNDER_VALGRIND)
        skip();
    struct trale *runtime = test_open("signal", TEST_SIGNAL "signals = PROF ABRT\n");
    send_to_process(SIGPROF); /* would end the process on a thread that does not block it */
    send_to_process(SIGABRT);
    assert_int_equal(await_signal(runtime, SIGPROF, NULL), SIGPROF);
    assert_int_equal(await_signal(runtime, SIGABRT, NULL), SIGABRT);
    assert_int_equal(trale_close(runtime), 0);
}

/* Forks a child that executes a program which sends itself SIGTERM, with or without having cleared its mask. */
struct parent {
    struct trale_future future;
    bool clears;
};

trale_async(parent)
{
    trale_begin();
    pid_t child = fork();
    if (child == 0) {
        if (self->clears)
            trale_signal_mask_clear();
        execl("/bin/sh", "sh", "-c", "kill -TERM $$; exit 7", NULL);
        _exit(1);
    }
    trale_return(child);
}

static void test_a_child_of_a_task_feels_signals_when_its_mask_was_cleared(void **state)
{
    (void)state;
    struct trale *runtime = test_open("", "");
    sigset_t term, before;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &term, &before); /* as the runtime's threads do, where there are some */
    for (int clears = 0; clears < 2; clears++) {
        int status;
        pid_t child = (pid_t)trale_join(trale_spawn(runtime, parent, .clears = clears));
        assert_true(child > 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        if (clears)
            assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
        else
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(trale_close(runtime), 0);
}

/* --- two runtimes ------------------------------------------------------------------------------------------------- */

static void test_a_runtime_where_nobody_waits_takes_nothing_from_another(void **state)
{
    (void)state;
    struct trale *one = test_open("signal", USUAL), *two = test_open("timer, signal", TEST_TIMER USUAL);
    for (int round = 0; round < 200; round++) {
        /* In the other runtime a task has waited before, and was aborted. */
        struct trale_task *gone = begin_to_wait(two, SIGUSR1, NULL), *task = begin_to_wait(one, SIGUSR1, NULL);
        trale_abort(gone);
        assert_int_equal(trale_join(gone), -ECANCELED);
        send_to_process(SIGUSR1);
        let_signals_come(two);
        assert_int_equal(trale_join(task), SIGUSR1);
    }
    assert_int_equal(trale_close(two), 0);
    assert_int_equal(trale_close(one), 0);
    assert_false(is_blocked(SIGUSR1));
}

static void test_of_two_runtimes_that_wait_one_gets_the_signal(void **state)
{
    (void)state;
    struct trale *runtimes[2];
    for (int i = 0; i < 2; i++)
        runtimes[i] = test_open("timer, signal", TEST_TIMER USUAL);
    for (int round = 0; round < 50; round++) {
        _Atomic int n_found = 0;
        struct trale_task *tasks[2];
        for (int i = 0; i < 2; i++)
            tasks[i] = trale_spawn(runtimes[i], waiter, .signals = trale_signal_bit(SIGUSR1), .n_found = &n_found);
        for (int n = 1; n <= 2; n++) {
            send_to_process(SIGUSR1);
            while (atomic_load(&n_found) < n)
                for (int i = 0; i < 2; i++)
                    let_signals_come(runtimes[i]);
            assert_int_equal(atomic_load(&n_found), n);
            assert_false(is_pending(SIGUSR1));
        }
        assert_int_equal(trale_join(tasks[0]), SIGUSR1);
        assert_int_equal(trale_join(tasks[1]), SIGUSR1);
    }
    assert_int_equal(trale_close(runtimes[1]), 0);
    assert_int_equal(trale_close(runtimes[0]), 0);
}

/* --- what is refused ---------------------------------------------------------------------------------------------- */

static void test_waits_for_what_is_not_taken_fail(void **state)
{
    (void)state;
    struct trale_signal signal;
    struct trale *runtime = test_open("signal", USUAL);
    assert_int_equal(await_signal(runtime, SIGHUP, NULL), -ENOENT);
    assert_int_equal(trale_block_on(runtime, trale_signal_any(&signal, UINT64_MAX)), -ENOENT);
    const int no_signals[] = {0, -1, 65, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof no_signals / sizeof no_signals[0]; i++)
        assert_int_equal(await_signal(runtime, no_signals[i], NULL), -EINVAL);
    assert_int_equal(trale_block_on(runtime, trale_signal_any(&signal, 0)), -EINVAL);
    assert_int_equal(trale_close(runtime), 0);

    runtime = test_open("", "");
    assert_int_equal(await_signal(runtime, SIGUSR1, NULL), -ENODEV);
    assert_int_equal(trale_signal_taken(runtime), 0);
    assert_null(trale_signals(runtime));
    assert_int_equal(trale_close(runtime), 0);
}

static void test_names_of_signals_are_read(void **state)
{
    (void)state;
    const struct {
        const char *names;
        int first, last;
    } cases[] = {
        {"HUP, SIGTERM", SIGHUP, SIGTERM},
        {"10,12", 10, 12},
        {"RTMIN RTMAX", SIGRTMIN, SIGRTMAX},
        {"RTMIN+2 RTMAX-0", SIGRTMIN + 2, SIGRTMAX},
        {"IO\t\tSYS", SIGIO, SIGSYS},
        {"WINCH", SIGWINCH, SIGWINCH},
        {"POLL,", SIGIO, SIGIO},
        {"64", 64, 64},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char section[128];
        snprintf(section, sizeof section, TEST_SIGNAL "signals = %s\n", cases[i].names);
        struct trale *runtime = test_open("signal", section);
        uint64_t wanted = trale_signal_bit(cases[i].first) | trale_signal_bit(cases[i].last);
        assert_int_equal(trale_signal_taken(runtime), wanted);
        assert_true(is_blocked(cases[i].first) && is_blocked(cases[i].last));
        assert_int_equal(trale_close(runtime), 0);
    }
    struct trale *runtime = test_open("signal", TEST_SIGNAL);
    assert_int_equal(trale_signal_taken(runtime), trale_signal_bit(SIGTERM) | trale_signal_bit(SIGINT));
    assert_int_equal(trale_close(runtime), 0);
}

static void test_names_that_are_no_signals_are_refused(void **state)
{
    (void)state;
    const struct {
        const char *names, *message;
    } cases[] = {
        {"TERM KILL", "KILL cannot be blocked"},
        {"STOP", "STOP cannot be blocked"},
        {"9", "9 cannot be blocked"},
        {"TERM, SEGV", "SEGV comes from the instruction that failed"},
        {"TERN", "TERN is no signal"},
        {"term", "term is no signal"},
        {"0", "0 is no signal"},
        {"65", "65 is no signal"},
        {"32", "32 is the C library's own"},
        {"RTMIN+31", "RTMIN+31 is no signal"},
        {"RTMIN-1", "RTMIN-1 is no signal"},
        {"RTMAX+1", "RTMAX+1 is no signal"},
        {"RTMIN+", "RTMIN+ is no signal"},
        {"4294967297", "4294967297 is no signal"},
        {"SIG", "SIG is no signal"},
        {"TERMINATETERMINATE", "TERMINATETERMINATE is no signal"},
        {"RTMINX", "RTMINX is no signal"},
        {"-15", "-15 is no signal"},
        {",", "it names no signal"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024];
        struct test_log log = {0};
        snprintf(text, sizeof text, "[runtime]\ndrivers = signal\ndrivers_folder = %s\n" TEST_SIGNAL "signals = %s\n",
                 TEST_DRIVERS, cases[i].names);
        struct trale *runtime;
        const struct trale_options options = {.config_text = text, .log = test_log_write, .log_data = &log};
        assert_int_equal(trale_open(&runtime, &options), -EINVAL);
        if (strstr(log.text, cases[i].message) == NULL || strstr(log.text, ":6: [driver:signal] signals: ") == NULL)
            fail_msg("signals = %s: %s", cases[i].names, log.text);
        assert_false(is_blocked(SIGTERM));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_signal_tells_its_number_and_its_sender),
        cmocka_unit_test(test_a_signal_that_came_before_the_wait_is_not_lost),
        cmocka_unit_test(test_a_wait_for_several_tells_which_came),
        cmocka_unit_test(test_all_who_wait_are_told_and_nobody_else),
        cmocka_unit_test(test_who_began_to_wait_later_takes_nobodys_place),
        cmocka_unit_test(test_values_come_in_the_order_they_were_queued),
        cmocka_unit_test(test_the_end_of_a_child_can_be_awaited),
        cmocka_unit_test(test_the_end_of_a_child_is_not_sent_where_it_is_ignored),
        cmocka_unit_test(test_what_is_ignored_can_be_awaited),
        cmocka_unit_test(test_a_task_gets_what_it_raised_itself),
        cmocka_unit_test(test_what_is_sent_to_another_thread_is_left_to_it),
        cmocka_unit_test(test_a_dropped_wait_has_taken_nothing),
        cmocka_unit_test(test_others_get_the_signal_when_one_is_dropped),
        cmocka_unit_test(test_what_is_pending_wins_over_a_timeout_of_nothing),
        cmocka_unit_test(test_what_nobody_awaits_keeps_nobody_busy),
        cmocka_unit_test(test_the_mask_is_put_back_as_it_was),
        cmocka_unit_test(test_a_runtime_that_does_not_open_leaves_the_mask_alone),
        cmocka_unit_test(test_closing_on_another_thread_leaves_the_masks_alone),
        cmocka_unit_test(test_closing_on_a_thread_in_the_place_of_the_opener_s_leaves_the_masks_alone),
        cmocka_unit_test(test_what_nobody_awaited_takes_its_course_at_the_end),
        cmocka_unit_test(test_tasks_that_wait_are_cancelled_when_the_runtime_closes),
        cmocka_unit_test(test_handlers_of_crashes_and_profilers_run_on_the_runtime_s_threads),
        cmocka_unit_test(test_all_threads_of_a_runtime_block_the_same_signals),
        cmocka_unit_test(test_a_signal_that_the_opener_blocks_is_blocked_on_the_runtime_s_threads),
        cmocka_unit_test(test_a_child_of_a_task_feels_signals_when_its_mask_was_cleared),
        cmocka_unit_test(test_a_runtime_where_nobody_waits_takes_nothing_from_another),
        cmocka_unit_test(test_of_two_runtimes_that_wait_one_gets_the_signal),
        cmocka_unit_test(test_waits_for_what_is_not_taken_fail),
        cmocka_unit_test(test_names_of_signals_are_read),
        cmocka_unit_test(test_names_that_are_no_signals_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
