/* SPDX-License-Identifier: MIT
 *
 * Which files are trusted. */
#include <limits.h>
#include <sched.h>
#include <sys/wait.h>

#include "core/config/trusted_file.h"
#include "tests/folder.h"

/* Collects reasons, a line each. */
static void add_reason(void *data, const char *reason)
{
    char *reasons = data;
    snprintf(reasons + strlen(reasons), 4096 - strlen(reasons), "%s\n", reason);
}

static int open_trusted(const char *path, const struct file_trust *trust, char **real_path, char reasons[4096])
{
    reasons[0] = '\0';
    return file_open_trusted(path, trust, real_path, &(struct file_report){add_reason, reasons});
}

static void assert_refused(const char *path, int error, const char *words)
{
    char reasons[4096], *real_path = (char *)"untouched";
    int r = open_trusted(path, NULL, &real_path, reasons);
    if (r != error || strstr(reasons, words) == NULL)
        fail_msg("%s: %d (%s), wanted %d and \"%s\"", path, r, reasons, error, words);
    assert_string_equal(real_path, "untouched");
}

static void assert_opened_by(const struct file_trust *trust, const char *path, const char *expected)
{
    char reasons[4096], *real_path = NULL;
    int fd = open_trusted(path, trust, &real_path, reasons);
    if (fd < 0)
        fail_msg("%s: %d (%s)", path, fd, reasons);
    assert_string_equal(real_path, expected);
    assert_string_equal(reasons, "");
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
    free(real_path);
}

static void assert_opened(const char *path, const char *expected)
{
    assert_opened_by(NULL, path, expected);
}

static void test_a_file_that_only_its_owner_writes_is_opened(void **state)
{
    (void)state;
    const char *path = write_file("mine", "x", 1, 0644);
    assert_opened(path, path);
    assert_int_equal(symlink("mine", in_folder("link")), 0);
    assert_opened(in_folder("link"), path);
    assert_int_equal(chmod(path, 0600), 0);
    assert_opened(path, path);
    assert_int_equal(chdir(folder), 0);
    assert_opened("./mine", path);
    assert_refused("./mine/../mine", -ENOTDIR, "Not a directory");
    assert_int_equal(chdir("/"), 0);
}

static void test_a_file_that_others_may_write_is_refused(void **state)
{
    (void)state;
    assert_refused(write_file("group", "x", 1, 0664), -EPERM, "group is writable by others (mode 0664)");
    assert_refused(write_file("all", "x", 1, 0602), -EPERM,
                   "all is writable by others (mode 0602): it must not be (chmod go-w)");
    /* The sticky bit protects what is in a folder, not what is in a file. */
    assert_refused(write_file("sticky", "x", 1, 01666), -EPERM, "writable by others");
}

static void test_a_file_that_others_may_replace_is_refused(void **state)
{
    (void)state;
    const char *open_folder = in_folder("open");
    assert_int_equal(mkdir(open_folder, 0700), 0);
    assert_int_equal(mkdir(in_folder("open/inner"), 0700), 0);
    const char *path = write_file("open/inner/file", "x", 1, 0600);
    assert_opened(path, path);
    assert_int_equal(chmod(open_folder, 0770), 0);
    assert_refused(path, -EPERM, "/open is writable by others (mode 0770)");
    assert_int_equal(chmod(open_folder, 0707), 0);
    assert_refused(path, -EPERM, "/open is writable by others (mode 0707)");
    /* Reached by a link from a folder that is closed it is the same file. */
    assert_int_equal(symlink("open/inner/file", in_folder("link")), 0);
    assert_refused(in_folder("link"), -EPERM, "/open is writable by others");
    /* In a sticky folder no user moves the files of another. */
    assert_int_equal(chmod(open_folder, 01777), 0);
    assert_opened(path, path);
}

static void test_a_file_of_another_user_is_refused(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    const char *path = write_file("theirs", "x", 1, 0600);
    assert_int_equal(chown(path, 65534, 65534), 0);
    assert_refused(path, -EPERM, "theirs belongs to user 65534: it must be root's or yours (chown)");
    const char *inner = in_folder("folder");
    assert_int_equal(mkdir(inner, 0755), 0);
    path = write_file("folder/mine", "x", 1, 0644);
    assert_int_equal(chown(inner, 65534, 65534), 0);
    assert_refused(path, -EPERM, "/folder belongs to user 65534");
    /* That user may open it: the folder is its own, the file is root's. */
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(seteuid(65534), 0);
    char reasons[4096], *real_path = NULL;
    int fd = open_trusted(path, NULL, &real_path, reasons);
    assert_int_equal(seteuid(0), 0);
    assert_true(fd >= 0);
    close(fd);
    free(real_path);
}

static void test_what_is_no_file_is_refused_at_once(void **state)
{
    (void)state;
    alarm(20); /* should an open wait */
    assert_refused(in_folder("absent"), -ENOENT, "No such file or directory");
    assert_refused("", -ENOENT, "No such file or directory");
    assert_refused(folder, -EISDIR, "is a folder");
    assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
    assert_refused(in_folder("fifo"), -EINVAL, "is not a regular file");
    assert_refused("/dev/zero", -EINVAL, "is not a regular file");
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    char pipe_path[64];
    snprintf(pipe_path, sizeof pipe_path, "/dev/fd/%d", ends[0]);
    assert_refused(pipe_path, -EINVAL, "is not a regular file");
    close(ends[0]);
    close(ends[1]);
    assert_refused("/dev/tty", -EINVAL, "/dev/tty is not a regular file");
    assert_refused("/", -EISDIR, "/ is a folder");
    assert_int_equal(symlink("loop", in_folder("loop")), 0);
    assert_refused(in_folder("loop"), -ELOOP, "Too many levels of symbolic links");
    char *path = test_malloc(5000);
    memset(path, 'x', 4999);
    path[4999] = '\0';
    assert_refused(path, -ENAMETOOLONG, "File name too long");
    test_free(path);
    alarm(0);
}

static void test_each_path_leads_where_the_kernel_goes(void **state)
{
    (void)state;
    const char *path = write_file("file", "x", 1, 0600);
    assert_int_equal(mkdir(in_folder("a"), 0700), 0);
    assert_int_equal(mkdir(in_folder("a/b"), 0700), 0);
    assert_int_equal(symlink("../.././file", in_folder("a/b/up")), 0);
    assert_int_equal(symlink("a/b", in_folder("down")), 0);
    assert_int_equal(symlink(folder, in_folder("a/absolute")), 0);
    assert_opened(in_folder("a/b/up"), path);
    assert_opened(in_folder("down/up"), path);
    assert_opened(in_folder("down/../../file"), path);
    assert_opened(in_folder(".//a/.//../down/./up"), path);
    assert_opened(in_folder("a/absolute/a/absolute/file"), path);
    assert_refused(in_folder("file/"), -ENOTDIR, "file: Not a directory");
    assert_refused(in_folder("file/."), -ENOTDIR, "file: Not a directory");
    assert_refused(in_folder("a/b/"), -EISDIR, "is a folder");
    assert_refused(in_folder("a/nothing/file"), -ENOENT, "a/nothing/file: ");
    assert_int_equal(symlink("nothing", in_folder("dangling")), 0);
    assert_refused(in_folder("dangling"), -ENOENT, "/nothing: No such file or directory");
}

static void test_a_path_may_be_as_long_as_the_kernel_allows(void **state)
{
    (void)state;
    const char *file = write_file("file", "x", 1, 0600);
    char path[PATH_MAX + 1];
    size_t length = strlen(folder);
    memset(path, '/', sizeof path);
    memcpy(path, folder, length);
    strcpy(path + PATH_MAX - 1 - strlen("file"), "file");
    assert_int_equal(strlen(path), PATH_MAX - 1);
    assert_opened(path, file);
}

static void test_all_folders_with_a_fault_are_reported(void **state)
{
    (void)state;
    char reasons[4096], *real_path = NULL;
    assert_int_equal(mkdir(in_folder("one"), 0700), 0);
    assert_int_equal(mkdir(in_folder("one/two"), 0700), 0);
    assert_int_equal(mkdir(in_folder("one/two/three"), 0700), 0);
    const char *path = write_file("one/two/three/file", "x", 1, 0622);
    assert_int_equal(chmod(in_folder("one"), 0770), 0);
    assert_int_equal(chmod(in_folder("one/two/three"), 0707), 0);
    assert_int_equal(open_trusted(path, NULL, &real_path, reasons), -EPERM);
    assert_non_null(strstr(reasons, "/one is writable by others (mode 0770)"));
    assert_non_null(strstr(reasons, "/one/two/three is writable by others (mode 0707)"));
    assert_non_null(strstr(reasons, "/file is writable by others (mode 0622)"));
    assert_null(strstr(reasons, "/two is"));
}

static void test_a_folder_that_a_link_goes_through_is_checked_as_well(void **state)
{
    (void)state;
    const char *path = write_file("file", "x", 1, 0600);
    assert_int_equal(mkdir(in_folder("open"), 0700), 0);
    assert_int_equal(symlink("../file", in_folder("open/link")), 0);
    assert_opened(in_folder("open/link"), path);
    /* Other users can now put another link there. */
    assert_int_equal(chmod(in_folder("open"), 0777), 0);
    assert_refused(in_folder("open/link"), -EPERM, "/open is writable by others");
    assert_int_equal(chmod(in_folder("open"), 01777), 0);
    assert_opened(in_folder("open/link"), path);
    if (geteuid() != 0)
        skip();
    assert_int_equal(lchown(in_folder("open/link"), 1234, 1234), 0);
    assert_refused(in_folder("open/link"), -EPERM,
                   "/open/link is a link of user 1234 in a folder that others may write");
}

static void test_a_program_may_trust_more_users(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    const uint32_t uids[] = {77, 1234};
    const struct file_trust trust = {uids, 2}, other = {uids, 1};
    char reasons[4096], *real_path = NULL;
    assert_int_equal(mkdir(in_folder("theirs"), 0700), 0);
    const char *path = write_file("theirs/file", "x", 1, 0600);
    assert_int_equal(chown(path, 1234, 1234), 0);
    assert_int_equal(chown(in_folder("theirs"), 1234, 1234), 0);
    assert_opened_by(&trust, path, path);
    assert_int_equal(open_trusted(path, &other, &real_path, reasons), -EPERM);
    assert_non_null(strstr(reasons, "theirs belongs to user 1234"));
    assert_non_null(strstr(reasons, "file belongs to user 1234"));
    /* Trust in a user is no trust in all who may write. */
    assert_int_equal(chmod(path, 0622), 0);
    assert_int_equal(open_trusted(path, &trust, &real_path, reasons), -EPERM);
}

/* In a child, in a user namespace that maps no user: 0 if all is as it should be. */
static int unmapped_child(const char *path)
{
    const uint32_t uids[] = {65534};
    const struct file_trust trust = {uids, 1};
    char reasons[4096], *real_path = NULL;
    if (unshare(CLONE_NEWUSER) < 0)
        return 77;
    int r = open_trusted(path, NULL, &real_path, reasons);
    if (r != -EPERM || strstr(reasons, "not mapped in this user namespace") == NULL ||
        strstr(reasons, "trusted_uids") == NULL) {
        fprintf(stderr, "%d: %s\n", r, reasons);
        return 1;
    }
    r = open_trusted(path, &trust, &real_path, reasons);
    if (r < 0)
        fprintf(stderr, "%d: %s\n", r, reasons);
    return r < 0;
}

static void test_users_that_a_namespace_does_not_map_are_not_trusted_unless_named(void **state)
{
    (void)state;
    const char *path = write_file("file", "x", 1, 0644);
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(unmapped_child(path));
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_a_file_that_only_its_owner_writes_is_opened),
        TEST_IN_FOLDER(test_a_file_that_others_may_write_is_refused),
        TEST_IN_FOLDER(test_a_file_that_others_may_replace_is_refused),
        TEST_IN_FOLDER(test_a_file_of_another_user_is_refused),
        TEST_IN_FOLDER(test_what_is_no_file_is_refused_at_once),
        TEST_IN_FOLDER(test_each_path_leads_where_the_kernel_goes),
        TEST_IN_FOLDER(test_a_path_may_be_as_long_as_the_kernel_allows),
        TEST_IN_FOLDER(test_all_folders_with_a_fault_are_reported),
        TEST_IN_FOLDER(test_a_folder_that_a_link_goes_through_is_checked_as_well),
        TEST_IN_FOLDER(test_a_program_may_trust_more_users),
        TEST_IN_FOLDER(test_users_that_a_namespace_does_not_map_are_not_trusted_unless_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
