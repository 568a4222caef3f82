/* SPDX-License-Identifier: MIT
 *
 * Files, through the runtime, in the thread layout that the environment names: what is read, written and opened. */
#include "tests/files.h"

/* --- bytes -------------------------------------------------------------------------------------------------------- */

static void test_what_was_written_is_read_back_in_pieces(void **state)
{
    const size_t size = 300001; /* several pieces of 64 KiB, and a bit */
    const struct files *files = *state;
    struct trale_file_op op;
    struct trale_file *file = files_open(files, "large", O_RDWR | O_CREAT | O_EXCL);
    char *written = malloc(size), *read = calloc(1, size + 100);
    for (size_t i = 0; i < size; i++)
        written[i] = (char)(i * 7 + i / 251);
    assert_int_equal(files_wait(files, trale_file_write(&op, file, written, size, 0)), size);
    assert_int_equal(files_wait(files, trale_file_read(&op, file, read, size + 100, 0)), size);
    assert_memory_equal(read, written, size);
    assert_int_equal(files_wait(files, trale_file_read(&op, file, read, 10, size - 3)), 3);
    assert_memory_equal(read, written + size - 3, 3);
    assert_int_equal(files_wait(files, trale_file_read(&op, file, read, 10, size)), 0);
    assert_int_equal(files_wait(files, trale_file_read(&op, file, read, 10, size + 1000)), 0);
    assert_int_equal(files_wait(files, trale_file_read(&op, file, NULL, 0, 0)), 0);
    assert_int_equal(files_wait(files, trale_file_write(&op, file, NULL, 0, 0)), 0);
    files_close(files, file);
    free(written);
    free(read);
}

static void test_offsets_are_those_of_large_files(void **state)
{
    const uint64_t far = (UINT64_C(5) << 30) + 3;
    const struct files *files = *state;
    struct trale_file_op op;
    struct trale_file_status status;
    char read[8] = "";
    struct trale_file *file = files_open(files, "far", O_RDWR | O_CREAT);
    assert_int_equal(files_wait(files, trale_file_write(&op, file, "far", 3, far)), 3);
    assert_int_equal(files_wait(files, trale_file_read(&op, file, read, sizeof read, far - 2)), 5);
    assert_memory_equal(read, "\0\0far", 5);
    assert_int_equal(files_wait(files, trale_file_status(&op, file, &status)), 0);
    assert_true(status.size == far + 3);
    assert_true(status.stored < far);
    assert_int_equal(files_wait(files, trale_file_truncate(&op, file, 7)), 0);
    assert_int_equal(files_wait(files, trale_file_status(&op, file, &status)), 0);
    assert_int_equal(status.size, 7);
    assert_int_equal(files_wait(files, trale_file_read(&op, file, read, 1, UINT64_MAX)), -EINVAL);
    assert_int_equal(files_wait(files, trale_file_write(&op, file, read, 8, INT64_MAX - 7)), -EINVAL);
    assert_int_equal(files_wait(files, trale_file_truncate(&op, file, UINT64_MAX)), -EINVAL);
    files_close(files, file);
}

static void test_a_status_is_that_of_the_kernel(void **state)
{
    const struct files *files = *state;
    struct trale_file_op op;
    struct trale_file_status status;
    struct stat expected;
    struct trale_file *file = files_open(files, "status", O_RDWR | O_CREAT);
    assert_int_equal(files_wait(files, trale_file_write(&op, file, "12345", 5, 0)), 5);
    assert_int_equal(files_wait(files, trale_file_status(&op, file, &status)), 0);
    assert_int_equal(stat(in_folder("status"), &expected), 0);
    assert_int_equal(status.size, 5);
    assert_int_equal(status.stored, expected.st_blocks * 512);
    assert_int_equal(status.kind, TRALE_FILE_KIND_REGULAR);
    assert_int_equal(status.mode, expected.st_mode & 07777);
    assert_int_equal(status.node, expected.st_ino);
    assert_int_equal(status.n_links, 1);
    assert_int_equal(status.modified_s, expected.st_mtim.tv_sec);
    assert_int_equal(status.modified_ns, expected.st_mtim.tv_nsec);
    assert_int_equal(status.user, geteuid());
    assert_int_equal(files_wait(files, trale_file_status(&op, files->folder, &status)), 0);
    assert_int_equal(status.kind, TRALE_FILE_KIND_FOLDER);
    files_close(files, file);
}

static void test_a_sync_is_one_of_files_and_folders(void **state)
{
    const struct files *files = *state;
    struct trale_file_op op;
    struct trale_file *file = files_open(files, "synced", O_WRONLY | O_CREAT);
    assert_int_equal(files_wait(files, trale_file_write(&op, file, "x", 1, 0)), 1);
    assert_int_equal(files_wait(files, trale_file_sync(&op, file, 0)), 0);
    assert_int_equal(files_wait(files, trale_file_sync(&op, file, TRALE_FILE_DATA)), 0);
    assert_int_equal(files_wait(files, trale_file_sync(&op, file, 2)), -EINVAL);
    assert_int_equal(files_wait(files, trale_file_sync(&op, files->folder, 0)), 0);
    files_close(files, file);
}

static void test_an_appended_write_goes_to_the_end(void **state)
{
    const struct files *files = *state;
    struct trale_file_op op;
    char read[8] = "";
    struct trale_file *file = files_open(files, "log", O_RDWR | O_CREAT | O_APPEND);
    assert_int_equal(files_wait(files, trale_file_write(&op, file, "one", 3, 0)), 3);
    assert_int_equal(files_wait(files, trale_file_write(&op, file, "two", 3, 0)), 3);
    assert_int_equal(files_wait(files, trale_file_read(&op, file, read, 8, 0)), 6);
    assert_string_equal(read, "onetwo");
    files_close(files, file);
}

/* --- what is refused ---------------------------------------------------------------------------------------------- */

static int64_t try_open(const struct files *files, const char *name, uint32_t flags)
{
    struct trale_file_op op;
    int64_t r = files_wait(files, trale_file_open(&op, files->runtime, in_folder(name), flags, 0600));
    if (r < 0)
        assert_null(op.file);
    else
        files_close(files, op.file);
    return r;
}

static void test_files_that_do_not_open(void **state)
{
    const struct files *files = *state;
    struct trale_file_op op;
    char name[5000];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    files_close(files, files_open(files, "there", O_WRONLY | O_CREAT));
    assert_int_equal(try_open(files, "missing", O_RDONLY), -ENOENT);
    assert_int_equal(try_open(files, "there", O_WRONLY | O_CREAT | O_EXCL), -EEXIST);
    assert_int_equal(try_open(files, "there/below", O_RDONLY), -ENOTDIR);
    assert_int_equal(try_open(files, ".", O_WRONLY), -EISDIR);
    assert_int_equal(try_open(files, "there", O_RDONLY | O_DIRECTORY), -ENOTDIR);
    assert_int_equal(try_open(files, "there", O_ACCMODE), -EINVAL);
    assert_int_equal(try_open(files, "there", O_RDONLY | O_PATH), -EINVAL);
    assert_int_equal(try_open(files, "there", O_RDONLY | O_DIRECT), -EINVAL);
    assert_int_equal(files_wait(files, trale_file_open(&op, files->runtime, name, O_RDONLY, 0)), -ENAMETOOLONG);
    name[300] = '\0';
    assert_int_equal(try_open(files, name, O_RDONLY), -ENAMETOOLONG);
}

/* And nothing waits for the other end of a FIFO. */
static void test_what_is_no_file_is_refused(void **state)
{
    const struct files *files = *state;
    struct trale_file_op op;
    int n_fds = test_count_fds();
    assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
    assert_int_equal(try_open(files, "fifo", O_RDONLY), -EOPNOTSUPP);
    assert_int_equal(try_open(files, "fifo", O_WRONLY), -ENXIO);
    assert_int_equal(files_wait(files, trale_file_open(&op, files->runtime, "/dev/null", O_RDWR, 0)), -EOPNOTSUPP);
    assert_int_equal(files_wait(files, trale_file_open(&op, files->runtime, "/dev/tty", O_RDWR, 0)) < 0, 1);
    assert_int_equal(test_count_fds(), n_fds);
}

static void test_a_file_does_only_what_it_was_opened_for(void **state)
{
    const struct files *files = *state;
    struct trale_file_op op;
    struct trale_file_entry entry;
    char byte = 'x';
    struct trale_file *reader = files_open(files, "reader", O_RDONLY | O_CREAT);
    struct trale_file *writer = files_open(files, "reader", O_WRONLY);
    assert_int_equal(files_wait(files, trale_file_write(&op, reader, &byte, 1, 0)), -EBADF);
    assert_int_equal(files_wait(files, trale_file_read(&op, writer, &byte, 1, 0)), -EBADF);
    assert_int_equal(files_wait(files, trale_file_read(&op, files->folder, &byte, 1, 0)), -EISDIR);
    assert_int_equal(files_wait(files, trale_file_list(&op, reader, &entry, 1)), -ENOTDIR);
    assert_int_equal(files_wait(files, trale_file_list(&op, files->folder, &entry, 0)), -EINVAL);
    assert_int_equal(files_wait(files, trale_file_truncate(&op, reader, 0)), -EINVAL);
    trale_file_init_(&op, 99, reader);
    assert_int_equal(files_wait(files, trale_file_begin_(&op, reader->files)), -EOPNOTSUPP);
    assert_int_equal(byte, 'x');
    files_close(files, reader);
    files_close(files, writer);
}

static void test_without_a_driver_there_are_no_files(void **state)
{
    (void)state;
    struct trale_file_op op;
    struct trale *runtime = test_open("timer", TEST_TIMER);
    assert_int_equal(trale_block_on(runtime, trale_file_open(&op, runtime, "/", O_RDONLY, 0)), -ENODEV);
    trale_close(runtime);
}

/* --- paths below a folder ----------------------------------------------------------------------------------------- */

static int64_t try_open_in(const struct files *files, struct trale_file *root, const char *path, uint32_t flags)
{
    struct trale_file_op op;
    int64_t r = files_wait(files, trale_file_open_in(&op, root, path, flags, 0600));
    if (r == 0)
        files_close(files, op.file);
    return r;
}

static void test_a_path_below_a_folder_never_leaves_it(void **state)
{
    const struct files *files = *state;
    struct trale_file_op op;
    if (TEST_UNDER_VALGRIND) /* which has no openat2(2) */
        skip();
    files_close(files, files_open(files, "outside", O_WRONLY | O_CREAT));
    assert_int_equal(files_wait(files, trale_file_make_folder(&op, files->folder, "root", 0700)), 0);
    assert_int_equal(symlink("../outside", in_folder("root/up")), 0);
    assert_int_equal(symlink(in_folder("outside"), in_folder("root/absolute")), 0);
    assert_int_equal(symlink("inside", in_folder("root/link")), 0);
    assert_int_equal(symlink("ring", in_folder("root/ring")), 0);
    struct trale_file *root = files_open(files, "root", O_RDONLY | O_DIRECTORY);

    assert_int_equal(try_open_in(files, root, "inside", O_WRONLY | O_CREAT), 0);
    assert_int_equal(try_open_in(files, root, "link", O_RDONLY), 0);
    assert_int_equal(try_open_in(files, root, ".", O_RDONLY), 0);
    assert_int_equal(try_open_in(files, root, "./../root/inside", O_RDONLY), -EXDEV);
    assert_int_equal(try_open_in(files, root, "..", O_RDONLY), -EXDEV);
    assert_int_equal(try_open_in(files, root, "../outside", O_RDONLY), -EXDEV);
    assert_int_equal(try_open_in(files, root, "up", O_RDONLY), -EXDEV);
    assert_int_equal(try_open_in(files, root, "absolute", O_RDONLY), -EXDEV);
    assert_int_equal(try_open_in(files, root, in_folder("root/inside"), O_RDONLY), -EXDEV);
    assert_int_equal(try_open_in(files, root, "new/../../outside", O_WRONLY | O_CREAT), -ENOENT);
    assert_int_equal(try_open_in(files, root, "ring", O_RDONLY), -ELOOP);
    assert_int_equal(try_open_in(files, root, "link", O_RDONLY | O_NOFOLLOW), -ELOOP);
    assert_int_equal(try_open_in(files, root, "link", O_RDONLY | TRALE_FILE_NO_LINKS), -ELOOP);
    assert_int_equal(try_open_in(files, root, "inside", O_RDONLY | TRALE_FILE_NO_LINKS), 0);
    assert_int_equal(try_open_in(files, root, "", O_RDONLY), -ENOENT);
    files_close(files, root);

    struct trale_file *file = files_open(files, "outside", O_RDONLY);
    assert_int_equal(try_open_in(files, file, "x", O_RDONLY), -ENOTDIR);
    files_close(files, file);
    assert_int_equal(files_wait(files, trale_file_open(&op, files->runtime, "/proc/self", O_RDONLY, 0)), 0);
    root = op.file;
    assert_int_equal(try_open_in(files, root, "exe", O_RDONLY), -ELOOP);
    files_close(files, root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILES_TEST(test_what_was_written_is_read_back_in_pieces),
        FILES_TEST(test_offsets_are_those_of_large_files),
        FILES_TEST(test_a_status_is_that_of_the_kernel),
        FILES_TEST(test_a_sync_is_one_of_files_and_folders),
        FILES_TEST(test_an_appended_write_goes_to_the_end),
        FILES_TEST(test_files_that_do_not_open),
        FILES_TEST(test_what_is_no_file_is_refused),
        FILES_TEST(test_a_file_does_only_what_it_was_opened_for),
        cmocka_unit_test(test_without_a_driver_there_are_no_files),
        FILES_TEST(test_a_path_below_a_folder_never_leaves_it),
    };
    return cmocka_run_group_tests_name("file_io", tests, NULL, NULL);
}
