/* SPDX-License-Identifier: MIT
 *
 * The driver file: with io_uring, and where that is not to be had. Skipped where it is not. */
#include "tests/files.h"
#include "tests/sandbox.h"

static struct test_log test_log;

static void write_config(char text[1024], const char *backend, int n_instances)
{
    snprintf(
        text, 1024,
        "[runtime]\ndrivers = timer, blocking, file\nthreads = %d\ninstances = %d\ndrivers_folder = %s\n" TEST_TIMER
        "[driver:blocking]\npath = blocking.so\n[driver:file]\npath = file.so\nbackend = %s\n",
        test_threads(), n_instances, TEST_DRIVERS, backend);
}

static int try_open(struct trale **runtime, const char *backend)
{
    char text[1024];
    write_config(text, backend, 1);
    test_log.length = 0;
    test_log.text[0] = '\0';
    return trale_open(runtime,
                      &(struct trale_options){.config_text = text, .log = test_log_write, .log_data = &test_log});
}

/* Whether all kinds of operations work, without cmocka: the child of a process calls it. */
static bool files_work(struct trale *runtime)
{
    const struct files files = {.runtime = runtime};
    struct trale_file_op op;
    struct trale_file_status status;
    char bytes[8] = "";
    if (files_wait(&files, trale_file_open(&op, runtime, in_folder("file"), O_RDWR | O_CREAT, 0600)) < 0)
        return false;
    struct trale_file *file = op.file;
    bool works = files_wait(&files, trale_file_write(&op, file, "12345", 5, 0)) == 5 &&
                 files_wait(&files, trale_file_sync(&op, file, TRALE_FILE_DATA)) == 0 &&
                 files_wait(&files, trale_file_status(&op, file, &status)) == 0 && status.size == 5 &&
                 files_wait(&files, trale_file_read(&op, file, bytes, sizeof bytes, 0)) == 5 &&
                 strcmp(bytes, "12345") == 0;
    files_close(&files, file);
    return works;
}

/* With backend = uring it does not open; with auto all runtimes of a group do, with one message. */
static int child_does_without(int error)
{
    char text[1024];
    struct trale *runtime;
    struct trale_group *group;
    if (try_open(&runtime, "uring") != -error || strstr(test_log.text, "0 file: ") == NULL ||
        strstr(test_log.text, "seccomp filter") == NULL)
        return OTHERWISE;
    write_config(text, "auto", 2);
    test_log.length = 0;
    test_log.text[0] = '\0';
    struct trale_options options = {.config_text = text, .log = test_log_write, .log_data = &test_log};
    if (trale_group_open(&group, &options) < 0)
        return OTHERWISE;
    const char *said = strstr(test_log.text, "2 file: no io_uring: io_uring_");
    if (said == NULL || strstr(said, "seccomp filter") == NULL ||
        strstr(said + strlen("2 file: no"), "no io_uring") != NULL)
        return OTHERWISE;
    for (size_t i = 0; i < 2; i++)
        if (!files_work(trale_group_runtime(group, i)))
            return OTHERWISE;
    return trale_group_close(group) == 0 ? AS_WANTED : OTHERWISE;
}

static int child_enters_a_sandbox(void)
{
    struct trale *runtime;
    if (try_open(&runtime, "uring") < 0 || !files_work(runtime))
        return OTHERWISE;
    if (refuse_call(SYS_io_uring_enter, EPERM) < 0)
        return CANNOT_REFUSE;
    return files_work(runtime) && files_work(runtime) && trale_close(runtime) == 0 ? AS_WANTED : OTHERWISE;
}

/* The kernel is short of memory from now on: what is queued never gets there, and is closed all the same. */
static int child_runs_short(void)
{
    struct trale *runtime;
    int n_fds = test_count_fds();
    if (try_open(&runtime, "uring") < 0)
        return OTHERWISE;
    const struct files files = {.runtime = runtime};
    struct trale_file_op op;
    if (files_wait(&files, trale_file_open(&op, runtime, in_folder("file"), O_RDWR | O_CREAT, 0600)) < 0)
        return OTHERWISE;
    if (refuse_call(SYS_io_uring_enter, EAGAIN) < 0)
        return CANNOT_REFUSE;
    files_close(&files, op.file);
    return trale_close(runtime) == 0 && test_count_fds() == n_fds ? AS_WANTED : OTHERWISE;
}

static void test_without_a_system_call_threads_work_and_the_filter_is_named(void **state)
{
    const uint32_t calls[] = {SYS_io_uring_setup, SYS_io_uring_enter};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        int error = i % 2 == 0 ? EPERM : ENOSYS;
        pid_t child = sandbox_fork();
        if (child == 0)
            _exit(refuse_call(calls[i / 2], (uint32_t)error) < 0 ? CANNOT_REFUSE : child_does_without(error));
        assert_as_wanted(child);
    }
}

static void test_in_a_sandbox_that_comes_later_threads_go_on(void **state)
{
    (void)state;
    assert_in_child(child_enters_a_sandbox);
}

static void test_a_file_is_closed_with_the_runtime_if_the_kernel_takes_no_close(void **state)
{
    (void)state;
    assert_in_child(child_runs_short);
}

/* --- threads that end --------------------------------------------------------------------------------------------- */

#define N_SYNCS 32

struct syncing {
    struct trale_future future;
    struct trale_file_op op;
    struct trale_file *file;
};

trale_async(syncing)
{
    trale_begin();
    trale_await(trale_file_sync(&self->op, self->file, 0));
    trale_return(trale_result());
}

static void *turn_on_a_thread(void *runtime)
{
    test_call_in_task(runtime, test_nothing, NULL);
    trale_turn(runtime);
    return NULL;
}

/* io_uring gives up what a thread has handed over when the thread ends: with threads = 0 that is any thread. */
static void test_the_thread_that_began_an_operation_may_end(void **state)
{
    (void)state;
    struct trale *runtime = NULL;
    struct trale_file_op op;
    struct trale_task *tasks[N_SYNCS];
    assert_int_equal(try_open(&runtime, "uring"), 0);
    assert_int_equal(
        trale_block_on(runtime, trale_file_open(&op, runtime, in_folder("file"), O_WRONLY | O_CREAT, 0600)), 0);
    struct trale_file *file = op.file;
    for (int i = 0; i < N_SYNCS; i++)
        tasks[i] = trale_spawn(runtime, syncing, .file = file);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, turn_on_a_thread, runtime), 0);
    pthread_join(thread, NULL);
    for (int i = 0; i < N_SYNCS; i++)
        assert_int_equal(trale_join(tasks[i]), 0);
    assert_int_equal(trale_close(runtime), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_the_thread_that_began_an_operation_may_end),
        TEST_IN_FOLDER(test_without_a_system_call_threads_work_and_the_filter_is_named),
        TEST_IN_FOLDER(test_in_a_sandbox_that_comes_later_threads_go_on),
        TEST_IN_FOLDER(test_a_file_is_closed_with_the_runtime_if_the_kernel_takes_no_close),
    };
    struct trale *runtime;
    if (try_open(&runtime, "uring") < 0) {
        print_message("%s", test_log.text);
        return 77;
    }
    trale_close(runtime);
    return cmocka_run_group_tests_name("file_uring", tests, NULL, NULL);
}
