/* SPDX-License-Identifier: MIT
 *
 * The driver process: what a child is, and what is refused. */
#define _GNU_SOURCE 1 /* pipe2(2) */

#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/processes.h"

/* Where a child does not share memory with the program until it executes another one, as under valgrind, it exits with
 * 127 in place of an error of the spawn. */
#define SKIP_UNDER_VALGRIND()                                                                                          \
    do {                                                                                                               \
        if (TEST_UNDER_VALGRIND)                                                                                       \
            skip();                                                                                                    \
    } while (0)

/* --- what a child is ---------------------------------------------------------------------------------------------- */

static void test_a_child_has_the_arguments_and_the_environment_of_its_command(void **state)
{
    struct trale *runtime = *state;
    char text[256];
    const char *const arguments[] = {"name", "-c", "echo \"$0|$1|$2|$A|$HOME\"", "zero", "a b", "", NULL};
    const char *const environment[] = {"A=1 2", NULL};
    struct trale_process_command command = {.path = "/bin/sh", .arguments = arguments, .environment = environment};
    run(runtime, &command, text, sizeof text);
    assert_string_equal(text, "zero|a b||1 2|\n");
    assert_int_equal(setenv("TRALE_TEST_CHILD", "inherited", 1), 0);
    run_shell(runtime, (struct trale_process_command){0}, "echo $TRALE_TEST_CHILD", text, sizeof text);
    assert_string_equal(text, "inherited\n");
    assert_int_equal(unsetenv("TRALE_TEST_CHILD"), 0);
}

static void test_a_child_has_the_folder_of_its_command(void **state)
{
    struct trale *runtime = *state;
    char text[256], own[256];
    run_shell(runtime, (struct trale_process_command){.folder = "/"}, "pwd", text, sizeof text);
    assert_string_equal(text, "/\n");
    run_shell(runtime, (struct trale_process_command){0}, "pwd -P", text, sizeof text);
    assert_non_null(getcwd(own, sizeof own - 1));
    assert_string_equal(text, strcat(own, "\n"));
    const char *const arguments[] = {"sh", "-c", "pwd", NULL};
    struct trale_process_command command = {.path = "bin/sh", .arguments = arguments, .folder = "/"};
    run(runtime, &command, text, sizeof text);
    assert_string_equal(text, "/\n");
}

static void test_a_name_without_a_slash_is_looked_for_in_path(void **state)
{
    struct trale *runtime = *state;
    char text[256], *before = strdup(getenv("PATH"));
    const char *const arguments[] = {"sh", "-c", "echo found", NULL};
    static const char *const paths[] = {"/nonexistent:/dev/null:/bin", "::/usr/bin:/bin", "/bin:"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct trale_process_command command = {.path = "sh", .arguments = arguments};
        assert_int_equal(setenv("PATH", paths[i], 1), 0);
        run(runtime, &command, text, sizeof text);
        assert_string_equal(text, "found\n");
    }
    struct trale_process_command command = {.path = "sh", .arguments = arguments, .folder = "/bin"};
    struct trale_process *process = NULL;
    if (!TEST_UNDER_VALGRIND) {
        assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
        assert_int_equal(do_spawn(runtime, &command, &process), -ENOENT);
    }
    assert_int_equal(setenv("PATH", ":/nonexistent", 1), 0); /* an empty one is the working folder */
    run(runtime, &command, text, sizeof text);
    assert_int_equal(setenv("PATH", "", 1), 0);
    command = (struct trale_process_command){.path = "sh", .arguments = arguments, .folder = "/bin"};
    run(runtime, &command, text, sizeof text);
    assert_int_equal(unsetenv("PATH"), 0);
    command = (struct trale_process_command){.path = "sh", .arguments = arguments};
    run(runtime, &command, text, sizeof text);
    assert_int_equal(setenv("PATH", before, 1), 0);
    free(before);
}

/* /proc/self/status of a child that shows it. */
static uint64_t child_signals(struct trale *runtime, const char *line)
{
    char text[4096];
    const char *const arguments[] = {"cat", "/proc/self/status", NULL};
    struct trale_process_command command = {.path = "/bin/cat", .arguments = arguments};
    run(runtime, &command, text, sizeof text);
    const char *found = strstr(text, line);
    assert_non_null(found);
    return strtoull(found + strlen(line), NULL, 16);
}

static void test_a_child_has_no_signal_blocked_and_none_ignored(void **state)
{
    struct trale *runtime = *state;
    sigset_t all, before, blocked;
    sigfillset(&all);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &all, &before), 0);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &blocked), 0);
    assert_true(signal(SIGHUP, SIG_IGN) != SIG_ERR);
    assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    assert_true(signal(SIGRTMAX, SIG_IGN) != SIG_ERR);
    assert_int_equal(child_signals(runtime, "SigBlk:"), 0);
    assert_int_equal(child_signals(runtime, "SigIgn:"), 0);
    signal(SIGHUP, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGRTMAX, SIG_DFL);
    sigset_t after;
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, &after), 0);
    assert_memory_equal(&after, &blocked, 8); /* with threads = 0 this thread has spawned */
}

/* --- descriptors -------------------------------------------------------------------------------------------------- */

static void test_a_child_has_the_descriptors_of_its_command_and_no_others(void **state)
{
    struct trale *runtime = *state;
    char text[256], path[] = "/proc/self/fd";
    int open_fd = open("/dev/zero", O_RDONLY), high = fcntl(open_fd, F_DUPFD, 200);
    assert_true(open_fd >= 0 && high >= 200);
    const char *const arguments[] = {"ls", path, NULL};
    struct trale_process_fd fds[] = {{.number = 0, .kind = TRALE_PROCESS_NULL},
                                     {.number = 7, .kind = TRALE_PROCESS_FD, .fd = high},
                                     {.number = 9, .kind = TRALE_PROCESS_SAME, .fd = 7}};
    struct trale_process_command command = {.path = "/bin/ls", .arguments = arguments, .fds = fds, .n_fds = 3};
    run(runtime, &command, text, sizeof text);
    assert_string_equal(text, "0\n1\n2\n3\n7\n9\n"); /* 3 is the folder that ls reads */
    close(open_fd);
    close(high);
}

static void test_a_standard_descriptor_that_is_close_on_exec_is_not_passed_on(void **state)
{
    struct trale *runtime = *state;
    char text[64];
    struct trale_process_fd named = {.number = 2, .kind = TRALE_PROCESS_FD, .fd = 2};
    static const char script[] = "test -e /proc/self/fd/2 && echo open || echo closed";
    assert_int_equal(fcntl(STDERR_FILENO, F_SETFD, FD_CLOEXEC), 0);
    run_shell(runtime, (struct trale_process_command){0}, script, text, sizeof text);
    assert_string_equal(text, "closed\n");
    run_shell(runtime, (struct trale_process_command){.fds = &named, .n_fds = 1}, script, text, sizeof text);
    assert_string_equal(text, "open\n");
    assert_int_equal(fcntl(STDERR_FILENO, F_SETFD, 0), 0);
}

/* A file with this text. */
static int text_file(const char *text)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    fputs(text, file);
    rewind(file);
    int fd = dup(fileno(file));
    fclose(file);
    return fd;
}

static void test_descriptors_may_change_places(void **state)
{
    struct trale *runtime = *state;
    char text[256];
    int a = text_file("a"), b = text_file("b"), c = text_file("c");
    struct trale_process_fd fds[] = {{.number = b, .kind = TRALE_PROCESS_FD, .fd = a},
                                     {.number = c, .kind = TRALE_PROCESS_FD, .fd = b},
                                     {.number = a, .kind = TRALE_PROCESS_FD, .fd = c},
                                     {.number = c + 1, .kind = TRALE_PROCESS_FD, .fd = STDERR_FILENO}};
    char script[256];
    snprintf(script, sizeof script, "cd /proc/self/fd && cat %d %d %d", a, b, c);
    run_shell(runtime, (struct trale_process_command){.fds = fds, .n_fds = 4}, script, text, sizeof text);
    assert_string_equal(text, "cab");
    close(a);
    close(b);
    close(c);
}

static void test_a_child_talks_by_pipes(void **state)
{
    struct trale *runtime = *state;
    char text[64];
    struct trale_process_fd fds[] = {{.number = 0, .kind = TRALE_PROCESS_INPUT},
                                     {.number = 1, .kind = TRALE_PROCESS_OUTPUT},
                                     {.number = 2, .kind = TRALE_PROCESS_SAME, .fd = 1}};
    const int n_before = test_count_fds();
    struct trale_process *process = spawn_shell(runtime, "cat </dev/stdin; echo error >/dev/stderr; exit 3", fds, 3, 0);
    assert_int_equal(test_count_fds(), n_before + 3); /* with the pidfd */
    struct trale_stream_write write;
    assert_int_equal(trale_block_on(runtime, trale_stream_write(&write, fds[0].stream, "hello ", 6)), 6);
    do_close_stream(runtime, fds[0].stream);
    read_output(runtime, fds[1].stream, text, sizeof text);
    assert_string_equal(text, "hello error\n");
    assert_int_equal(do_wait_for_exit(runtime, process), 3);
    do_close(runtime, process);
}

/* --- the user ----------------------------------------------------------------------------------------------------- */

static void test_a_child_may_be_another_user_and_nothing_of_the_old_one(void **state)
{
    struct trale *runtime = *state;
    char text[4096];
    if (geteuid() != 0)
        skip();
    const int dumpable = prctl(PR_GET_DUMPABLE);
    const uint32_t groups[] = {1234, 1235};
    struct trale_process_command command = {
        .flags = TRALE_PROCESS_USER, .uid = 65534, .gid = 65533, .groups = groups, .n_groups = 2};
    run_shell(runtime, command, "grep -E '^(Uid|Gid|Groups|CapEff):' /proc/self/status | tr -s '\\t \\n' ' '", text,
              sizeof text);
    assert_string_equal(text, "Uid: 65534 65534 65534 65534 Gid: 65533 65533 65533 65533 Groups: 1234 1235 "
                              "CapEff: 0000000000000000 ");
    assert_int_equal(getuid(), 0);
    assert_int_equal(prctl(PR_GET_DUMPABLE), dumpable);
    command.n_groups = 0;
    run_shell(runtime, command, "grep -E '^Groups:' /proc/self/status | tr -d '\\t \\n'", text, sizeof text);
    assert_string_equal(text, "Groups:");
    if (TEST_UNDER_VALGRIND)
        return;
    struct trale_process *process = NULL;
    const char *const arguments[] = {"sh", NULL};
    command.path = "/etc/shadow";
    command.arguments = arguments;
    assert_int_equal(do_spawn(runtime, &command, &process), -EACCES);
    command.path = "/bin/sh";
    command.folder = "/root";
    struct stat folder;
    if (stat("/root", &folder) == 0 && (folder.st_mode & 07) == 0)
        assert_int_equal(do_spawn(runtime, &command, &process), -EACCES);
}

/* --- refusals ----------------------------------------------------------------------------------------------------- */

/* Spawns what must be refused with this error, and leave nothing behind. */
static void refuse(struct trale *runtime, struct trale_process_command command, int error)
{
    static const char *const arguments[] = {"x", NULL};
    struct trale_process *process = NULL;
    const int n_before = test_count_fds();
    if (command.arguments == NULL)
        command.arguments = arguments;
    assert_int_equal(do_spawn(runtime, &command, &process), error);
    assert_null(process);
    assert_int_equal(test_count_fds(), n_before);
    assert_no_child();
}

static void test_what_cannot_be_executed_is_the_error_of_the_spawn(void **state)
{
    struct trale *runtime = *state;
    SKIP_UNDER_VALGRIND();
    char folder[] = "/tmp/trale-process-XXXXXX", script[64], text[64];
    assert_non_null(mkdtemp(folder));
    snprintf(script, sizeof script, "%s/script", folder);
    snprintf(text, sizeof text, "%s/text", folder);
    FILE *file = fopen(script, "w");
    fputs("#!/nonexistent/interpreter\n", file);
    fclose(file);
    file = fopen(text, "w");
    fputs("echo no program\n", file);
    fclose(file);
    refuse(runtime, (struct trale_process_command){.path = script}, -EACCES);
    assert_int_equal(chmod(script, 0700) | chmod(text, 0700), 0);
    struct trale_process_fd pipes[] = {{.number = 0, .kind = TRALE_PROCESS_INPUT},
                                       {.number = 1, .kind = TRALE_PROCESS_OUTPUT},
                                       {.number = 2, .kind = TRALE_PROCESS_NULL}};
    refuse(runtime, (struct trale_process_command){.path = script, .fds = pipes, .n_fds = 3}, -ENOENT);
    refuse(runtime, (struct trale_process_command){.path = text}, -ENOEXEC);
    refuse(runtime, (struct trale_process_command){.path = folder}, -EACCES);
    refuse(runtime, (struct trale_process_command){.path = "/nonexistent/file"}, -ENOENT);
    refuse(runtime, (struct trale_process_command){.path = "trale-no-such-program"}, -ENOENT);
    refuse(runtime, (struct trale_process_command){.path = ""}, -ENOENT);
    refuse(runtime, (struct trale_process_command){.path = "/dev/null/file"}, -ENOTDIR);
    refuse(runtime, (struct trale_process_command){.path = "/bin/sh", .folder = "/nonexistent"}, -ENOENT);
    refuse(runtime, (struct trale_process_command){.path = "/bin/sh", .folder = "/dev/null"}, -ENOTDIR);
    unlink(script);
    unlink(text);
    rmdir(folder);
}

static void test_arguments_that_are_too_long_are_refused(void **state)
{
    struct trale *runtime = *state;
    SKIP_UNDER_VALGRIND();
    enum { LENGTH = 200000 }; /* the kernel takes 128 KiB for one */
    char *word = malloc(LENGTH);
    memset(word, 'x', LENGTH - 1);
    word[LENGTH - 1] = '\0';
    const char *const arguments[] = {"sh", word, NULL}, *const environment[] = {word, NULL};
    refuse(runtime, (struct trale_process_command){.path = "/bin/sh", .arguments = arguments}, -E2BIG);
    refuse(runtime, (struct trale_process_command){.path = "/bin/sh", .environment = environment}, -E2BIG);
    refuse(runtime, (struct trale_process_command){.path = word}, -ENOENT); /* no folder of PATH has such a name */
    word[0] = '/';
    refuse(runtime, (struct trale_process_command){.path = word}, -ENAMETOOLONG);
    free(word);
}

static void test_descriptors_that_make_no_sense_are_refused(void **state)
{
    struct trale *runtime = *state;
    const struct {
        struct trale_process_fd fds[2];
        int error;
    } samples[] = {
        {{{.number = -1, .kind = TRALE_PROCESS_NULL}, {.number = 0, .kind = TRALE_PROCESS_NULL}}, -EINVAL},
        {{{.number = INT32_MAX, .kind = TRALE_PROCESS_NULL}, {.number = 0, .kind = TRALE_PROCESS_NULL}}, -EINVAL},
        {{{.number = 3, .kind = TRALE_PROCESS_NULL}, {.number = 3, .kind = TRALE_PROCESS_NULL}}, -EINVAL},
        {{{.number = 3, .kind = TRALE_PROCESS_NULL}, {.number = 4, .kind = TRALE_PROCESS_NULL, .reserved = 1}},
         -EINVAL},
        {{{.number = 3, .kind = 5}, {.number = 4, .kind = TRALE_PROCESS_NULL}}, -EINVAL},
        {{{.number = 3, .kind = TRALE_PROCESS_SAME, .fd = 1}, {.number = 1, .kind = TRALE_PROCESS_NULL}}, -EINVAL},
        {{{.number = 1, .kind = TRALE_PROCESS_OUTPUT}, {.number = 3, .kind = TRALE_PROCESS_FD, .fd = -1}}, -EBADF},
        {{{.number = 1, .kind = TRALE_PROCESS_OUTPUT}, {.number = 3, .kind = TRALE_PROCESS_FD, .fd = 9999}}, -EBADF},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct trale_process_fd fds[] = {samples[i].fds[0], samples[i].fds[1]};
        refuse(runtime, (struct trale_process_command){.path = "/bin/sh", .fds = fds, .n_fds = 2}, samples[i].error);
    }
    SKIP_UNDER_VALGRIND();
    struct trale_process_fd beyond = {.number = 1 << 30, .kind = TRALE_PROCESS_NULL};
    refuse(runtime, (struct trale_process_command){.path = "/bin/sh", .fds = &beyond, .n_fds = 1}, -EBADF);
}

static void test_commands_that_make_no_sense_are_refused(void **state)
{
    struct trale *runtime = *state;
    struct trale_process *process = NULL;
    struct trale_process_command command = {.path = "/bin/sh"};
    assert_int_equal(do_spawn(runtime, &command, &process), -EINVAL);
    refuse(runtime, (struct trale_process_command){0}, -EINVAL);
    refuse(runtime, (struct trale_process_command){.path = "/bin/sh", .flags = 8}, -EINVAL);
    refuse(runtime, (struct trale_process_command){.path = "/bin/sh", .reserved = 1}, -EINVAL);
    const char *const none[] = {NULL};
    refuse(runtime, (struct trale_process_command){.path = "/bin/sh", .arguments = none}, -EINVAL);
}

/* Lowers a limit of this process for one spawn. */
static int spawn_within(struct trale *runtime, struct trale_process_command command, int resource, rlim_t limit)
{
    struct rlimit before, lowered;
    struct trale_process *process = NULL;
    assert_int_equal(getrlimit((unsigned)resource, &before), 0);
    lowered = before;
    lowered.rlim_cur = limit;
    assert_int_equal(setrlimit((unsigned)resource, &lowered), 0);
    int r = do_spawn(runtime, &command, &process);
    assert_int_equal(setrlimit((unsigned)resource, &before), 0);
    return r;
}

static void test_a_number_may_be_the_last_within_the_limit(void **state)
{
    struct trale *runtime = *state;
    SKIP_UNDER_VALGRIND();
    const char *const arguments[] = {"true", NULL};
    struct trale_process_fd fd = {.number = 255, .kind = TRALE_PROCESS_NULL};
    struct trale_process_command command = {.path = "/bin/true", .arguments = arguments, .fds = &fd, .n_fds = 1};
    assert_int_equal(spawn_within(runtime, command, RLIMIT_NOFILE, 256), 0);
    fd.number = 256;
    assert_int_equal(spawn_within(runtime, command, RLIMIT_NOFILE, 256), -EBADF);
}

static void test_a_shortage_is_the_error_of_the_spawn_and_the_next_one_succeeds(void **state)
{
    struct trale *runtime = *state;
    SKIP_UNDER_VALGRIND();
    const int n_before = test_count_fds();
    struct trale_process_fd pipes[] = {{.number = 0, .kind = TRALE_PROCESS_INPUT},
                                       {.number = 1, .kind = TRALE_PROCESS_OUTPUT}};
    const char *const arguments[] = {"true", NULL};
    struct trale_process_command command = {.path = "/bin/true", .arguments = arguments, .fds = pipes, .n_fds = 2};
    const int lowest = dup(0); /* a free number: all numbers below are taken */
    close(lowest);
    for (int n_free = 0; n_free < 4; n_free++)
        assert_int_equal(spawn_within(runtime, command, RLIMIT_NOFILE, (rlim_t)(lowest + n_free)), -EMFILE);
    assert_int_equal(test_count_fds(), n_before);
    assert_no_child();
    do_close(runtime, spawn_shell(runtime, "exit", NULL, 0, 0));
}

struct reuse {
    struct trale *runtime;
    struct trale_process_command command;
    int spawned, fd;
};

/* The number of the pidfd is free again when the spawn has failed, and the program takes it. */
static void fails_to_spawn_and_opens(void *data)
{
    struct reuse *reuse = data;
    struct trale_process *process;
    reuse->spawned = trale_process_spawn(reuse->runtime, &reuse->command, &process);
    reuse->fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void test_a_failed_spawn_closes_no_descriptor_that_the_program_opens_later(void **state)
{
    struct trale *runtime = *state;
    SKIP_UNDER_VALGRIND();
    const char *const arguments[] = {"x", NULL};
    struct reuse reuse = {.runtime = runtime, .command = {.path = "/nonexistent/file", .arguments = arguments}};
    test_call_in_task(runtime, fails_to_spawn_and_opens, &reuse);
    test_call_in_task(runtime, test_nothing, NULL); /* what the driver puts off is done */
    test_call_in_task(runtime, test_nothing, NULL);
    assert_int_equal(reuse.spawned, -ENOENT);
    assert_true(fcntl(reuse.fd, F_GETFD) >= 0);
    close(reuse.fd);
}

/* The limit does not hold for root, so root tries it as another user, who meets it when it executes its program. */
static void test_a_user_with_too_many_processes_starts_no_more(void **state)
{
    struct trale *runtime = *state;
    SKIP_UNDER_VALGRIND();
    const char *const arguments[] = {"cat", NULL};
    struct trale_process_fd pipe = {.number = 0, .kind = TRALE_PROCESS_INPUT};
    struct trale_process_command command = {.path = "/bin/cat", .arguments = arguments, .fds = &pipe, .n_fds = 1};
    struct trale_process *process = NULL;
    if (geteuid() == 0) {
        command.flags = TRALE_PROCESS_USER;
        command.uid = command.gid = 64321;
    }
    assert_int_equal(do_spawn(runtime, &command, &process), 0);
    struct trale_stream_socket *input = pipe.stream;
    assert_int_equal(spawn_within(runtime, command, RLIMIT_NPROC, 0), -EAGAIN);
    do_close_stream(runtime, input);
    assert_int_equal(do_wait_for_exit(runtime, process), 0);
    do_close(runtime, process);
}

static void test_without_the_driver_or_without_streams_there_is_none(void **state)
{
    (void)state;
    struct trale *runtime = test_open("timer", TEST_TIMER);
    const char *const arguments[] = {"true", NULL};
    struct trale_process_fd pipe = {.number = 1, .kind = TRALE_PROCESS_OUTPUT};
    struct trale_process_command command = {.path = "/bin/true", .arguments = arguments, .fds = &pipe, .n_fds = 1};
    struct trale_process *process = NULL;
    assert_int_equal(do_spawn(runtime, &command, &process), -ENODEV);
    assert_int_equal(trale_close(runtime), 0);
    TEST_REAL_ONLY("a simulation has no child processes");
    runtime = test_open("process", "[driver:process]\npath = process.so\n");
    assert_int_equal(do_spawn(runtime, &command, &process), -ENODEV);
    command.n_fds = 0;
    assert_int_equal(do_spawn(runtime, &command, &process), 0);
    assert_int_equal(do_wait_for_exit(runtime, process), 0);
    assert_int_equal(trale_close(runtime), 0);
    assert_no_child();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_processes, close_processes)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_child_has_the_arguments_and_the_environment_of_its_command),
        TEST(test_a_child_has_the_folder_of_its_command),
        TEST(test_a_name_without_a_slash_is_looked_for_in_path),
        TEST(test_a_child_has_no_signal_blocked_and_none_ignored),
        TEST(test_a_child_has_the_descriptors_of_its_command_and_no_others),
        TEST(test_a_standard_descriptor_that_is_close_on_exec_is_not_passed_on),
        TEST(test_descriptors_may_change_places),
        TEST(test_a_child_talks_by_pipes),
        TEST(test_a_child_may_be_another_user_and_nothing_of_the_old_one),
        TEST(test_what_cannot_be_executed_is_the_error_of_the_spawn),
        TEST(test_arguments_that_are_too_long_are_refused),
        TEST(test_descriptors_that_make_no_sense_are_refused),
        TEST(test_commands_that_make_no_sense_are_refused),
        TEST(test_a_number_may_be_the_last_within_the_limit),
        TEST(test_a_shortage_is_the_error_of_the_spawn_and_the_next_one_succeeds),
        TEST(test_a_failed_spawn_closes_no_descriptor_that_the_program_opens_later),
        TEST(test_a_user_with_too_many_processes_starts_no_more),
        cmocka_unit_test(test_without_the_driver_or_without_streams_there_is_none),
    };
    const struct CMUnitTest simulated[] = {cmocka_unit_test(test_without_the_driver_or_without_streams_there_is_none)};
    return test_is_simulated() ? cmocka_run_group_tests(simulated, NULL, NULL)
                               : cmocka_run_group_tests(tests, NULL, NULL);
}
