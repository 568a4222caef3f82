/* SPDX-License-Identifier: MIT
 *
 * What the tests of trale.file/1 share: a runtime with the driver, and a folder for each test. */
#ifndef TRALE_TESTS_FILES_H
#define TRALE_TESTS_FILES_H

#include <trale/file_folder.h>

#include "tests/folder.h"

struct files {
    struct trale *runtime;
    struct trale_file *folder; /* that of the test */
};

/* With the backend that the environment names. */
static inline struct trale *files_open_runtime(const char *keys)
{
    char sections[512];
    const char *backend = getenv("TRALE_TEST_FILE_BACKEND");
    snprintf(sections, sizeof sections,
             TEST_TIMER "[driver:blocking]\npath = blocking.so\n[driver:file]\npath = file.so\n%s%s\n%s\n",
             backend != NULL ? "backend = " : "", backend != NULL ? backend : "", keys);
    return test_open("timer, blocking, file", sections);
}

static inline int64_t files_wait(const struct files *files, struct trale_future *future)
{
    return trale_block_on(files->runtime, future);
}

static inline struct trale_file *files_open(const struct files *files, const char *name, uint32_t flags)
{
    struct trale_file_op op;
    assert_int_equal(files_wait(files, trale_file_open(&op, files->runtime, in_folder(name), flags, 0600)), 0);
    return op.file;
}

static inline void files_closes(void *file)
{
    trale_file_close(file);
}

static inline void files_close(const struct files *files, struct trale_file *file)
{
    test_call_in_task(files->runtime, files_closes, file);
}

static inline int files_begin(void **state)
{
    struct files *files = calloc(1, sizeof *files);
    assert_int_equal(make_folder(NULL), 0);
    files->runtime = files_open_runtime("");
    files->folder = files_open(files, ".", O_RDONLY | O_DIRECTORY);
    *state = files;
    return 0;
}

/* The folder is closed with the runtime. */
static inline int files_end(void **state)
{
    struct files *files = *state;
    trale_close(files->runtime);
    free(files);
    return remove_folder(NULL);
}

#define FILES_TEST(test) cmocka_unit_test_setup_teardown(test, files_begin, files_end)

#endif
