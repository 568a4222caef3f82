/* SPDX-License-Identifier: MIT
 *
 * Folders, through the runtime, in the thread layout that the environment names: entries and names. */
#include "tests/files.h"

/* --- entries ------------------------------------------------------------------------------------------------------ */

#define N_FILES 500

static struct trale_file *make_files(const struct files *files)
{
    struct trale_file_op op;
    char name[32];
    assert_int_equal(files_wait(files, trale_file_make_folder(&op, files->folder, "many", 0700)), 0);
    for (int i = 0; i < N_FILES; i++) {
        snprintf(name, sizeof name, "many/%d", i);
        write_file(name, "", 0, 0600);
    }
    return files_open(files, "many", O_RDONLY | O_DIRECTORY);
}

/* Counts them, and checks that none comes twice. */
static int take_entries(const struct trale_file_entry *entries, int64_t n, bool seen[N_FILES])
{
    for (int64_t i = 0; i < n; i++) {
        int number = atoi(entries[i].name);
        assert_in_range(number, 0, N_FILES - 1);
        assert_int_equal(entries[i].length, strlen(entries[i].name));
        assert_int_equal(entries[i].kind, TRALE_FILE_KIND_REGULAR);
        assert_false(seen[number]);
        seen[number] = true;
    }
    return (int)n;
}

static void test_each_entry_comes_once_in_batches_of_any_size(void **state)
{
    const size_t sizes[] = {1, 3, 64, N_FILES, 4 * N_FILES};
    const struct files *files = *state;
    static struct trale_file_entry entries[4 * N_FILES];
    struct trale_file_op op;
    files_close(files, make_files(files));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct trale_file *many = files_open(files, "many", O_RDONLY | O_DIRECTORY);
        bool seen[N_FILES] = {false};
        int total = 0;
        int64_t n;
        while ((n = files_wait(files, trale_file_list(&op, many, entries, sizes[i]))) > 0) {
            assert_in_range(n, 1, sizes[i]);
            total += take_entries(entries, n, seen);
        }
        assert_int_equal(n, 0);
        assert_int_equal(total, N_FILES);
        assert_int_equal(files_wait(files, trale_file_list(&op, many, entries, 1)), 0);
        files_close(files, many);
    }
}

static void test_an_empty_folder_has_no_entries(void **state)
{
    const struct files *files = *state;
    struct trale_file_op op;
    struct trale_file_entry entry;
    assert_int_equal(files_wait(files, trale_file_list(&op, files->folder, &entry, 1)), 0);
}

static void test_kinds_and_long_names_are_told(void **state)
{
    const struct files *files = *state;
    struct trale_file_op op;
    struct trale_file_entry entries[4];
    char name[256];
    memset(name, 'n', 255);
    name[255] = '\0';
    write_file(name, "", 0, 0600);
    assert_int_equal(files_wait(files, trale_file_make_folder(&op, files->folder, "folder", 0700)), 0);
    assert_int_equal(symlink(name, in_folder("link")), 0);
    assert_int_equal(files_wait(files, trale_file_list(&op, files->folder, entries, 4)), 3);
    for (int i = 0; i < 3; i++) {
        uint32_t expected = strcmp(entries[i].name, "folder") == 0 ? TRALE_FILE_KIND_FOLDER
                            : strcmp(entries[i].name, "link") == 0 ? TRALE_FILE_KIND_LINK
                                                                   : TRALE_FILE_KIND_REGULAR;
        assert_int_equal(entries[i].kind, expected);
        if (expected == TRALE_FILE_KIND_REGULAR)
            assert_string_equal(entries[i].name, name);
    }
}

/* A list that is dropped when it has been polled once. */
struct glance {
    struct trale_future future;
    struct trale_file_op op;
    struct trale_file *folder;
    struct trale_file_entry entries[8];
};

static int64_t glance_poll(struct trale_future *future, struct trale_context *context)
{
    struct glance *glance = (struct glance *)(void *)future;
    struct trale_future *list = trale_file_list(&glance->op, glance->folder, glance->entries, 8);
    int64_t r = trale_future_poll(list, context);
    if (r != TRALE_PENDING)
        return r;
    struct trale_file_op second;
    assert_int_equal(trale_future_poll(trale_file_list(&second, glance->folder, glance->entries, 8), context), -EBUSY);
    trale_future_drop(list);
    return 0;
}

static void test_a_dropped_list_loses_nothing(void **state)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "glance", glance_poll, NULL};
    const struct files *files = *state;
    struct trale_file_entry entries[8];
    struct trale_file_op op;
    struct trale_file *many = make_files(files);
    bool seen[N_FILES] = {false};
    int total = 0;
    int64_t n;
    do {
        for (int i = 0; i < 3; i++) {
            struct glance glance = {{.type = &type}, .folder = many};
            assert_int_equal(trale_block_on(files->runtime, &glance.future), 0);
        }
        n = files_wait(files, trale_file_list(&op, many, entries, 8));
        total += take_entries(entries, n, seen);
    } while (n > 0);
    assert_int_equal(total, N_FILES);
    files_close(files, many);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static void test_a_name_moves_between_folders(void **state)
{
    const struct files *files = *state;
    struct trale_file_op op;
    write_file("old", "1", 1, 0600);
    assert_int_equal(files_wait(files, trale_file_make_folder(&op, files->folder, "other", 0700)), 0);
    assert_int_equal(files_wait(files, trale_file_make_folder(&op, files->folder, "other", 0700)), -EEXIST);
    struct trale_file *other = files_open(files, "other", O_RDONLY | O_DIRECTORY);
    assert_int_equal(files_wait(files, trale_file_rename(&op, files->folder, "old", other, "new")), 0);
    assert_int_equal(access(in_folder("other/new"), F_OK), 0);
    assert_int_equal(access(in_folder("old"), F_OK), -1);
    assert_int_equal(files_wait(files, trale_file_rename(&op, files->folder, "old", other, "new")), -ENOENT);
    assert_int_equal(files_wait(files, trale_file_unlink(&op, files->folder, "other", O_DIRECTORY)), -ENOTEMPTY);
    assert_int_equal(files_wait(files, trale_file_unlink(&op, other, "new", 0)), 0);
    assert_int_equal(files_wait(files, trale_file_unlink(&op, other, "new", 0)), -ENOENT);
    assert_int_equal(files_wait(files, trale_file_unlink(&op, files->folder, "other", 0)), -EISDIR);
    assert_int_equal(files_wait(files, trale_file_unlink(&op, files->folder, "other", O_DIRECTORY)), 0);
    files_close(files, other);
}

static void test_a_name_is_one_component(void **state)
{
    const char *const names[] = {"", ".", "..", "a/b", "/a", "../a", "a/"};
    const struct files *files = *state;
    struct trale_file_op op;
    char name[300];
    write_file("there", "1", 1, 0600);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(files_wait(files, trale_file_unlink(&op, files->folder, names[i], 0)), -EINVAL);
        assert_int_equal(files_wait(files, trale_file_make_folder(&op, files->folder, names[i], 0700)), -EINVAL);
        assert_int_equal(files_wait(files, trale_file_rename(&op, files->folder, names[i], files->folder, "x")),
                         -EINVAL);
        assert_int_equal(files_wait(files, trale_file_rename(&op, files->folder, "there", files->folder, names[i])),
                         -EINVAL);
    }
    memset(name, 'x', sizeof name);
    name[256] = '\0';
    assert_int_equal(files_wait(files, trale_file_unlink(&op, files->folder, name, 0)), -ENAMETOOLONG);
    assert_int_equal(files_wait(files, trale_file_unlink(&op, files->folder, "there", 1)), -EINVAL);
    assert_int_equal(access(in_folder("there"), F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILES_TEST(test_each_entry_comes_once_in_batches_of_any_size),
        FILES_TEST(test_an_empty_folder_has_no_entries),
        FILES_TEST(test_kinds_and_long_names_are_told),
        FILES_TEST(test_a_dropped_list_loses_nothing),
        FILES_TEST(test_a_name_moves_between_folders),
        FILES_TEST(test_a_name_is_one_component),
    };
    return cmocka_run_group_tests_name("file_folder", tests, NULL, NULL);
}
