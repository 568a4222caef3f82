/* SPDX-License-Identifier: MIT
 *
 * Files, through the runtime, in the thread layout that the environment names: operations that are dropped, files that
 * are closed, and limits. */
#include <sched.h>
#include <semaphore.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "tests/files.h"
#include "tests/sandbox.h"

#define N_TASKS 1000

/* --- tasks -------------------------------------------------------------------------------------------------------- */

/* One operation, whose memory is the frame's. */
struct work {
    struct trale_future future;
    struct trale_file_op op;
    struct trale_file *file;
    int64_t *result; /* may be NULL */
    uint32_t kind;
    _Alignas(8) char bytes[4096];
};

static void work_close(struct work *self)
{
    memset(self->bytes, 0x55, sizeof self->bytes);
    if (self->kind == TRALE_FILE_OPEN)
        trale_file_close(self->op.file);
}

trale_async_with(work, work_close)
{
    trale_begin();
    switch (self->kind) {
    case TRALE_FILE_OPEN:
        trale_await(trale_file_open(&self->op, cx->runtime, in_folder("file"), O_RDONLY, 0));
        break;
    case TRALE_FILE_READ:
        trale_await(trale_file_read(&self->op, self->file, self->bytes, sizeof self->bytes, 0));
        break;
    case TRALE_FILE_WRITE:
        trale_await(trale_file_write(&self->op, self->file, self->bytes, sizeof self->bytes, 0));
        break;
    case TRALE_FILE_STATUS:
        trale_await(trale_file_status(&self->op, self->file, (struct trale_file_status *)(void *)self->bytes));
        break;
    case TRALE_FILE_TRUNCATE:
        trale_await(trale_file_truncate(&self->op, self->file, 100));
        break;
    default:
        trale_await(trale_file_sync(&self->op, self->file, 0));
        break;
    }
    if (self->result != NULL)
        *self->result = trale_result();
    trale_return(trale_result());
}

static void spawn_all(struct trale *runtime, struct trale_task *tasks[], int n, uint32_t kind, struct trale_file *file)
{
    for (int i = 0; i < n; i++)
        tasks[i] = trale_spawn(runtime, work, .kind = kind, .file = file);
    test_call_in_task(runtime, test_nothing, NULL); /* all have begun */
}

/* --- drops -------------------------------------------------------------------------------------------------------- */

/* The frames are freed at once, so a sanitizer sees a late write. */
static void test_a_dropped_operation_leaves_the_frame_alone(void **state)
{
    const uint32_t kinds[] = {TRALE_FILE_READ, TRALE_FILE_STATUS, TRALE_FILE_WRITE, TRALE_FILE_SYNC};
    const struct files *files = *state;
    struct trale_task *tasks[64];
    struct trale_file *file = files_open(files, "file", O_RDWR | O_CREAT);
    assert_int_equal(truncate(in_folder("file"), 8192), 0);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        spawn_all(files->runtime, tasks, 64, kinds[i], file);
        for (int k = 0; k < 64; k++) {
            trale_abort(tasks[k]);
            int64_t r = trale_join(tasks[k]);
            assert_true(r == -ECANCELED || r >= 0);
        }
    }
    files_close(files, file);
}

static void test_a_dropped_open_closes_its_file(void **state)
{
    const struct files *files = *state;
    static struct trale_task *tasks[N_TASKS];
    int n_fds = test_count_fds();
    write_file("file", "12345", 5, 0600);
    struct trale *runtime = files_open_runtime("");
    spawn_all(runtime, tasks, N_TASKS, TRALE_FILE_OPEN, NULL);
    for (int i = 0; i < N_TASKS; i++)
        trale_abort(tasks[i]);
    for (int i = 0; i < N_TASKS; i++) {
        int64_t r = trale_join(tasks[i]);
        assert_true(r == -ECANCELED || r == 0);
    }
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(test_count_fds(), n_fds);
    assert_non_null(files->runtime);
}

/* The one thread of the pool. */
struct plug {
    sem_t begun, go;
};

static int64_t plug_run(void *data)
{
    struct plug *plug = data;
    sem_post(&plug->begun);
    sem_wait(&plug->go);
    return 0;
}

struct plugged {
    struct trale_future future;
    struct trale_blocking work;
    struct plug *plug;
};

trale_async(plugged)
{
    trale_begin();
    trale_await(trale_blocking(&self->work, plug_run, self->plug, NULL));
    trale_return(0);
}

static void test_what_has_not_begun_is_not_done(void **state)
{
    TEST_REAL_ONLY("a function that blocks runs to its end before any task goes on");
    const struct files *files = *state;
    struct plug plug;
    struct stat status;
    struct trale_file_op op;
    char sections[512];
    snprintf(sections, sizeof sections,
             TEST_TIMER "[driver:blocking]\npath = blocking.so\nthreads = 1\n[driver:file]\npath = file.so\n");
    struct trale *runtime = test_open("timer, blocking, file", sections);
    sem_init(&plug.begun, 0, 0);
    sem_init(&plug.go, 0, 0);
    assert_int_equal(trale_block_on(runtime, trale_file_open(&op, runtime, in_folder("file"), O_RDWR | O_CREAT, 0600)),
                     0);
    struct trale_file *file = op.file;
    struct trale_task *blocker = trale_spawn(runtime, plugged, .plug = &plug);
    test_call_in_task(runtime, test_nothing, NULL);
    sem_wait(&plug.begun);
    struct trale_task *task, *closed;
    spawn_all(runtime, &task, 1, TRALE_FILE_TRUNCATE, file);
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
    spawn_all(runtime, &closed, 1, TRALE_FILE_TRUNCATE, file);
    test_call_in_task(runtime, files_closes, file);
    assert_int_equal(trale_join(closed), -ECANCELED);
    sem_post(&plug.go);
    assert_int_equal(trale_join(blocker), 0);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(stat(in_folder("file"), &status), 0);
    assert_int_equal(status.st_size, 0);
    assert_non_null(files->runtime);
}

static void test_a_runtime_closes_with_operations_in_flight(void **state)
{
    const uint32_t kinds[] = {TRALE_FILE_READ,   TRALE_FILE_WRITE, TRALE_FILE_OPEN,
                              TRALE_FILE_STATUS, TRALE_FILE_SYNC,  TRALE_FILE_TRUNCATE};
    const struct files *files = *state;
    struct trale_file_op op;
    int n_fds = test_count_fds();
    write_file("file", "12345", 5, 0600);
    struct trale *runtime = files_open_runtime("");
    assert_int_equal(trale_block_on(runtime, trale_file_open(&op, runtime, in_folder("file"), O_RDWR, 0)), 0);
    for (int i = 0; i < N_TASKS; i++)
        trale_detach(trale_spawn(runtime, work, .kind = kinds[i % 6], .file = op.file));
    test_call_in_task(runtime, test_nothing, NULL);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(test_count_fds(), n_fds);
    assert_non_null(files->runtime);
}

static void test_closing_a_file_ends_its_operations(void **state)
{
    const struct files *files = *state;
    struct trale_task *tasks[64];
    struct trale_file *file = files_open(files, "file", O_RDWR | O_CREAT);
    assert_int_equal(truncate(in_folder("file"), 8192), 0);
    spawn_all(files->runtime, tasks, 64, TRALE_FILE_READ, file);
    files_close(files, file);
    for (int i = 0; i < 64; i++) {
        int64_t r = trale_join(tasks[i]);
        assert_true(r == -ECANCELED || r == 4096);
    }
}

struct late {
    struct trale_future future;
    const char *path;
    struct trale_file *file;
    struct trale_file_op op, other;
    uint32_t kind;
    char bytes[16];
};

static void late_close(struct late *self)
{
    trale_file_close(self->other.file);
}

/* Between the making of the operation and its first poll, its file is closed, and another one is opened. */
trale_async_with(late, late_close)
{
    trale_begin();
    (void)(self->kind == TRALE_FILE_READ   ? trale_file_read(&self->op, self->file, self->bytes, 16, 0)
           : self->kind == TRALE_FILE_SYNC ? trale_file_sync(&self->op, self->file, 0)
                                           : trale_file_open_in(&self->op, self->file, "file", O_RDONLY, 0));
    trale_file_close(self->file);
    trale_try(trale_file_open(&self->other, cx->runtime, self->path, O_RDONLY, 0));
    trale_await(&self->op.future);
    trale_return(trale_result());
}

static void test_an_operation_that_begins_after_the_close_is_canceled(void **state)
{
    const struct files *files = *state;
    static const uint32_t kinds[] = {TRALE_FILE_READ, TRALE_FILE_SYNC, TRALE_FILE_OPEN};
    files_close(files, files_open(files, "file", O_RDWR | O_CREAT));
    for (size_t i = 0; i < 3; i++) {
        const char *path = in_folder(kinds[i] == TRALE_FILE_OPEN ? "." : "file");
        struct late late;
        struct trale_file_op op;
        assert_int_equal(files_wait(files, trale_file_open(&op, files->runtime, path, O_RDONLY, 0)), 0);
        int64_t r = trale_block_on(files->runtime,
                                   trale_call(late, &late, .file = op.file, .path = path, .kind = kinds[i]));
        assert_int_equal(r, -ECANCELED);
    }
}

/* --- limits ------------------------------------------------------------------------------------------------------- */

static void test_a_limit_of_sizes_is_an_error_and_no_signal(void **state)
{
    const struct files *files = *state;
    struct trale_file_op op;
    struct rlimit old, limit;
    static char bytes[200000];
    struct trale_file *file = files_open(files, "file", O_WRONLY | O_CREAT);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = (struct rlimit){100000, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int64_t written = files_wait(files, trale_file_write(&op, file, bytes, sizeof bytes, 0));
    int64_t rest = files_wait(files, trale_file_write(&op, file, bytes, 1000, 100000));
    int64_t longer = files_wait(files, trale_file_truncate(&op, file, 100001));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(written, 100000);
    assert_int_equal(rest, -EFBIG);
    assert_int_equal(longer, -EFBIG);
    files_close(files, file);
}

/* In a child, on a file system of 256 KiB. */
static int fill_disk(void)
{
    static char bytes[1 << 20];
    struct files files = {0};
    struct trale_file_op op;
    if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return CANNOT_REFUSE;
    if (mount("none", "/", "", MS_REC | MS_PRIVATE, NULL) < 0 || mount("tmpfs", folder, "tmpfs", 0, "size=256k") < 0)
        return CANNOT_REFUSE;
    files.runtime = files_open_runtime("");
    if (files_wait(&files, trale_file_open(&op, files.runtime, in_folder("full"), O_RDWR | O_CREAT, 0600)) < 0)
        return OTHERWISE;
    struct trale_file *file = op.file;
    int64_t n = files_wait(&files, trale_file_write(&op, file, bytes, sizeof bytes, 0));
    if (n <= 0 || n >= (int64_t)sizeof bytes)
        return OTHERWISE;
    if (files_wait(&files, trale_file_write(&op, file, bytes, 4096, (uint64_t)n)) != -ENOSPC)
        return OTHERWISE;
    bool is_right = files_wait(&files, trale_file_read(&op, file, bytes, sizeof bytes, 0)) == n;
    trale_close(files.runtime);
    return is_right ? AS_WANTED : OTHERWISE;
}

/* The first test, when no thread has run. */
static void test_a_full_disk_takes_no_more_than_it_says(void **state)
{
    (void)state;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(fill_disk());
    assert_as_wanted(child);
}

static int64_t call_nothing(void *data)
{
    (void)data;
    return 0;
}

/* By their numbers: to read a folder, one must close it. */
static int count_fds_without_closing(void)
{
    int n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* Drops the open when that wakes it, and does not poll it again. */
struct opener {
    struct trale_future future;
    struct trale_file_op op;
    bool has_begun;
};

static int64_t opener_poll(struct trale_future *future, struct trale_context *context)
{
    struct opener *opener = (struct opener *)(void *)future;
    if (opener->has_begun) {
        trale_future_drop(&opener->op.future);
        return 7;
    }
    opener->has_begun = true;
    return trale_future_poll(trale_file_open(&opener->op, context->runtime, in_folder("file"), O_RDONLY, 0), context);
}

static void refuses_to_close(void *refused)
{
    *(int *)refused = refuse_call_on_thread(SYS_close, EIO);
}

/* In a child where close(2) fails on the thread that polls tasks; a thread of the pool is there already. */
static int drop_open_that_is_done(void)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "opener", opener_poll, NULL};
    char text[1024];
    int refused = 0;
    struct files files = {0};
    struct opener opener = {.future.type = &type};
    const char *backend = getenv("TRALE_TEST_FILE_BACKEND");
    struct trale_blocking work;
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = timer, blocking, file\nthreads = %d\ndrivers_folder = %s\n" TEST_TIMER
             "[driver:blocking]\npath = blocking.so\nthreads = 1\n[driver:file]\npath = file.so\nbackend = %s\n",
             test_threads(), TEST_DRIVERS, backend != NULL ? backend : "auto");
    if (trale_open(&files.runtime, &(struct trale_options){.config_text = text}) < 0 ||
        files_wait(&files, trale_blocking(&work, call_nothing, NULL, NULL)) != 0)
        return OTHERWISE;
    int n_fds = count_fds_without_closing();
    test_call_in_task(files.runtime, refuses_to_close, &refused);
    if (refused < 0)
        return CANNOT_REFUSE;
    if (files_wait(&files, &opener.future) != 7)
        return OTHERWISE;
    struct trale_sleep sleep;
    for (int i = 0; i < 5000 && count_fds_without_closing() > n_fds; i++)
        if (files_wait(&files, trale_sleep(&sleep, TRALE_MILLISECOND)) < 0)
            return OTHERWISE;
    return count_fds_without_closing() == n_fds ? AS_WANTED : OTHERWISE;
}

static void test_an_open_that_is_dropped_when_it_is_done_is_not_closed_by_the_executor(void **state)
{
    TEST_REAL_ONLY("another thread has no part in a simulation");
    (void)state;
    if (TEST_UNDER_VALGRIND || TEST_LIMITS_CHILDREN)
        skip();
    write_file("file", "12345", 5, 0600);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(drop_open_that_is_done());
    assert_as_wanted(child);
}

/* --- several ------------------------------------------------------------------------------------------------------ */

static void test_instances_have_files_of_their_own(void **state)
{
    TEST_REAL_ONLY("another thread has no part in a simulation");
    char text[1024];
    struct trale_group *group = NULL;
    struct trale_file_op op;
    (void)state;
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = timer, blocking, file\nthreads = %d\ninstances = 3\ndrivers_folder = %s\n" TEST_TIMER
             "[driver:blocking]\npath = blocking.so\n[driver:file]\npath = file.so\n",
             test_threads(), TEST_DRIVERS);
    assert_int_equal(trale_group_open(&group, &(struct trale_options){.config_text = text}), 0);
    for (size_t i = 0; i < 3; i++) {
        struct files files = {.runtime = trale_group_runtime(group, i)};
        struct trale_file *file = files_open(&files, "shared", O_WRONLY | O_CREAT | O_APPEND);
        assert_int_equal(files_wait(&files, trale_file_write(&op, file, "x", 1, 0)), 1);
    }
    struct stat status;
    assert_int_equal(stat(in_folder("shared"), &status), 0);
    assert_int_equal(status.st_size, 3);
    assert_int_equal(trale_group_close(group), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_a_full_disk_takes_no_more_than_it_says),
        TEST_IN_FOLDER(test_an_open_that_is_dropped_when_it_is_done_is_not_closed_by_the_executor),
        FILES_TEST(test_a_dropped_operation_leaves_the_frame_alone),
        FILES_TEST(test_a_dropped_open_closes_its_file),
        FILES_TEST(test_what_has_not_begun_is_not_done),
        FILES_TEST(test_a_runtime_closes_with_operations_in_flight),
        FILES_TEST(test_closing_a_file_ends_its_operations),
        FILES_TEST(test_an_operation_that_begins_after_the_close_is_canceled),
        FILES_TEST(test_a_limit_of_sizes_is_an_error_and_no_signal),
        TEST_IN_FOLDER(test_instances_have_files_of_their_own),
    };
    return cmocka_run_group_tests_name("file_end", tests, NULL, NULL);
}
