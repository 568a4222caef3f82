/* SPDX-License-Identifier: MIT
 *
 * A folder for the files of one test: TEST_IN_FOLDER(test). */
#ifndef TRALE_TESTS_FOLDER_H
#define TRALE_TESTS_FOLDER_H

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support.h"

static char folder[256];

static inline int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

static inline int make_folder(void **state)
{
    (void)state;
    char path[] = "/tmp/trale-file-XXXXXX";
    if (mkdtemp(path) == NULL || realpath(path, folder) == NULL)
        return -1;
    return 0;
}

static inline int remove_folder(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The path of `name` in the test's folder; good for the next fifteen calls. */
static inline const char *in_folder(const char *name)
{
    static char paths[16][512];
    static size_t turn;
    char *path = paths[turn++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline const char *write_file(const char *name, const void *bytes, size_t length, mode_t mode)
{
    const char *path = in_folder(name);
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), length);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
    return path;
}

#define TEST_IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

#endif
