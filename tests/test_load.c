/* SPDX-License-Identifier: MIT
 *
 * The file that was checked is the file that is mapped. */
#include <dlfcn.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include <trale/timer.h>

#include "core/driver/description.h"
#include "core/driver/load.h"
#include "tests/folder.h"

#define SKIPPED 77
#define EVIL "TRALE_TEST_EVIL" /* what the constructor of flaw_evil.so sets */

/* A driver of the tests defines it too, and calls its own. */
int clash_with_the_program(void);
int clash_with_the_program(void)
{
    return 1;
}

/* --- helpers ------------------------------------------------------------------------------------------------------ */

static void copy_file(const char *from, const char *to, mode_t mode)
{
    char buf[65536];
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(in >= 0 && out >= 0);
    for (ssize_t n; (n = read(in, buf, sizeof buf)) > 0;)
        assert_int_equal(write(out, buf, (size_t)n), n);
    assert_int_equal(fchmod(out, mode), 0);
    close(in);
    close(out);
}

/* A copy in the test's folder. */
static const char *copy(const char *from, const char *name)
{
    const char *to = in_folder(name);
    copy_file(from, to, 0644);
    return to;
}

static void add_reason(void *data, const char *reason)
{
    char *reasons = data;
    snprintf(reasons, FILE_REASON, "%s", reason);
}

/* Called when a file was checked and is not mapped yet. */
static void (*between)(const char *path);

/* Checks and maps a file as a driver is. */
static int load(const char *path, struct trale_driver *description, char reason[FILE_REASON])
{
    struct elf elf;
    char *real_path = NULL;
    uintptr_t base = 0;
    reason[0] = '\0';
    int fd = file_open_trusted(path, NULL, &real_path, &(struct file_report){add_reason, reason});
    if (fd < 0)
        return fd;
    *description = (struct trale_driver){0};
    int r = elf_open(&elf, fd, real_path, ELF_OWN_MACHINE, reason);
    if (r == 0)
        r = description_read(&elf, real_path, description, reason);
    if (r == 0 && between != NULL)
        between(path);
    if (r == 0)
        r = load_file(&elf, real_path, &base, reason);
    if (r == 0)
        r = description_map(&elf, base, real_path, description, reason);
    if (r < 0)
        description_free(description);
    elf_close(&elf);
    close(fd);
    free(real_path);
    return r;
}

/* Returns the description without texts and options. */
static struct trale_driver assert_loaded(const char *path, const char *name)
{
    char reason[FILE_REASON];
    struct trale_driver description;
    int r = load(path, &description, reason);
    if (r < 0)
        fail_msg("%s: %d (%s)", path, r, reason);
    assert_string_equal(description.name, name);
    const struct trale_driver functions = {.start = description.start};
    description_free(&description);
    return functions;
}

static void assert_not_loaded(const char *path, int error, const char *words)
{
    char reason[FILE_REASON];
    struct trale_driver description;
    int r = load(path, &description, reason);
    if (r != error || strstr(reason, words) == NULL)
        fail_msg("%s: %d (%s), wanted %d and \"%s\"", path, r, reason, error, words);
}

/* Runs a part of a test that changes its process in a child; skips the test if the child may not. */
static void in_child(int (*body)(void))
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(body());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* In a child: whether loading fails with the error and the words. */
static bool fails(const char *path, int error, const char *words)
{
    char reason[FILE_REASON];
    struct trale_driver description;
    int r = load(path, &description, reason);
    if (r == error && strstr(reason, words) != NULL)
        return true;
    fprintf(stderr, "%s: %d (%s), wanted %d and \"%s\"\n", path, r, reason, error, words);
    return false;
}

#define TIMER TEST_DRIVERS "/timer.so"
#define UDP TEST_DRIVERS "/udp.so"

/* --- which file is mapped ----------------------------------------------------------------------------------------- */

static void test_nothing_in_a_path_is_expanded(void **state)
{
    (void)state;
    const char *names[] = {"$LIB", "$ORIGIN", "$PLATFORM", "${LIB}"};
    const char *libs[] = {"lib", "lib64", "lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu"};
    assert_int_equal(mkdir(in_folder("lib"), 0755), 0);
    for (size_t i = 0; i < sizeof libs / sizeof libs[0]; i++) {
        char name[128];
        mkdir(in_folder(libs[i]), 0755);
        snprintf(name, sizeof name, "%s/driver.so", libs[i]);
        copy(TEST_FLAWED_DRIVERS "/flaw_evil.so", name);
    }
    unsetenv(EVIL);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char name[128];
        assert_int_equal(mkdir(in_folder(names[i]), 0755), 0);
        snprintf(name, sizeof name, "%s/driver.so", names[i]);
        assert_loaded(copy(TEST_FLAWED_DRIVERS "/flaw_none.so", name), "flawed");
    }
    assert_null(getenv(EVIL));
}

/* The number of the fd is the same each time, and glibc takes equal names for one file. */
static void test_drivers_are_told_apart_though_their_fds_have_one_number(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        char one[32], other[32];
        snprintf(one, sizeof one, "a%d.so", i);
        snprintf(other, sizeof other, "b%d.so", i);
        const struct trale_driver timer = assert_loaded(copy(TIMER, one), "timer");
        const struct trale_driver udp = assert_loaded(copy(UDP, other), "udp");
        assert_ptr_not_equal(timer.start, udp.start);
        assert_ptr_equal(assert_loaded(in_folder(one), "timer").start, timer.start);
    }
}

static void test_a_driver_that_was_replaced_is_another_one(void **state)
{
    (void)state;
    const char *path = copy(TIMER, "driver.so");
    assert_loaded(path, "timer");
    assert_int_equal(rename(copy(UDP, "new.so"), path), 0);
    assert_loaded(path, "udp");
}

static void test_the_name_of_a_mapped_driver_is_its_path(void **state)
{
    (void)state;
    char long_name[NAME_MAX + 1];
    memset(long_name, 'x', NAME_MAX);
    strcpy(long_name + NAME_MAX - 3, ".so");
    const char *names[] = {"named.so", long_name};
    for (size_t i = 0; i < 2; i++) {
        const char *path = copy(TIMER, names[i]);
        struct trale_driver timer = assert_loaded(path, "timer");
        Dl_info info;
        assert_int_not_equal(dladdr((void *)timer.start, &info), 0);
        assert_string_equal(info.dli_fname, path);
    }
    char line[PATH_MAX + 128];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL)
        found |= strstr(line, in_folder("named.so")) != NULL;
    fclose(maps);
    assert_true(found);
}

/* --- files that change meanwhile ---------------------------------------------------------------------------------- */

/* Shared with the process that flips. */
struct flips {
    _Atomic uint64_t n;
    char paths[4][2][512]; /* pairs that change places */
};

/* Each pair changes places and back, in turn. */
static void flip_for_ever(struct flips *flips)
{
    for (;;) {
        const size_t i = flips->n / 2 % 4;
        if (renameat2(AT_FDCWD, flips->paths[i][0], AT_FDCWD, flips->paths[i][1], RENAME_EXCHANGE) == 0)
            flips->n++;
    }
}

/* A folder that holds the good file or folder of the level below and its evil twin. */
static void make_levels(struct flips *flips)
{
    static const char *const folders[] = {"top", "top/a", "top/a/b", "top/a/evil_b", "top/evil_a", "top/evil_a/b"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        assert_int_equal(mkdir(in_folder(folders[i]), 0755), 0);
    /* Evil files: writable by others, or in a folder that is. */
    copy_file(TEST_FLAWED_DRIVERS "/flaw_none.so", in_folder("top/a/b/driver.so"), 0644);
    copy_file(TEST_FLAWED_DRIVERS "/flaw_evil.so", in_folder("top/a/b/evil.so"), 0666);
    copy_file(TEST_FLAWED_DRIVERS "/flaw_evil.so", in_folder("top/a/evil_b/driver.so"), 0644);
    copy_file(TEST_FLAWED_DRIVERS "/flaw_evil.so", in_folder("top/evil_a/b/driver.so"), 0644);
    assert_int_equal(chmod(in_folder("top/a/evil_b"), 0777), 0);
    assert_int_equal(chmod(in_folder("top/evil_a"), 0777), 0);
    assert_int_equal(symlink("top/a/b/driver.so", in_folder("link.so")), 0);
    assert_int_equal(symlink("top/a/evil_b/driver.so", in_folder("evil_link.so")), 0);
    static const char *const pairs[4][2] = {{"top/a/b/driver.so", "top/a/b/evil.so"},
                                            {"top/a/b", "top/a/evil_b"},
                                            {"top/a", "top/evil_a"},
                                            {"link.so", "evil_link.so"}};
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 2; j++)
            snprintf(flips->paths[i][j], sizeof flips->paths[i][j], "%s", in_folder(pairs[i][j]));
}

#define LOADED 1
#define REFUSED 2
#define EVIL_RAN 3

/* In a process of its own, for a file that is mapped already is not mapped again. */
static int load_in_child(const char *path)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char reason[FILE_REASON];
        struct trale_driver description;
        int r = load(path, &description, reason);
        _exit(getenv(EVIL) != NULL ? EVIL_RAN : r < 0 ? REFUSED : LOADED);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* TRALE_TEST_FLIPS says how many flips, 100,000 without it; after 20 seconds it is enough. */
static void test_no_swap_of_files_folders_or_links_gets_an_unchecked_file_in(void **state)
{
    (void)state;
    const char *wanted = getenv("TRALE_TEST_FLIPS");
    const uint64_t n_wanted = wanted != NULL ? strtoull(wanted, NULL, 10) : 100000;
    struct flips *flips = mmap(NULL, sizeof *flips, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(flips, MAP_FAILED);
    make_levels(flips);
    unsetenv(EVIL);
    pid_t flipper = fork();
    assert_true(flipper >= 0);
    if (flipper == 0)
        flip_for_ever(flips);
    uint64_t n[4] = {0};
    const char *paths[] = {in_folder("link.so"), in_folder("top/a/b/driver.so")};
    const time_t end = time(NULL) + 20;
    for (uint64_t i = 0; flips->n < n_wanted && time(NULL) < end && n[EVIL_RAN] == 0; i++)
        n[load_in_child(paths[i % 2]) % 4]++;
    kill(flipper, SIGKILL);
    waitpid(flipper, NULL, 0);
    print_message("%" PRIu64 " flips, %" PRIu64 " loads, %" PRIu64 " refusals\n", (uint64_t)flips->n, n[LOADED],
                  n[REFUSED]);
    munmap(flips, sizeof *flips);
    assert_int_equal(n[EVIL_RAN], 0);
    assert_true(n[LOADED] > 0);
    assert_true(n[REFUSED] > 0);
}

static void put_udp_in_its_place(const char *path)
{
    assert_int_equal(rename(copy(UDP, "new.so"), path), 0);
}

static void test_a_file_that_replaces_a_checked_one_is_not_the_one_that_is_mapped(void **state)
{
    (void)state;
    const char *path = copy(TIMER, "driver.so");
    between = put_udp_in_its_place;
    const struct trale_driver timer = assert_loaded(path, "timer");
    between = NULL;
    const struct trale_driver udp = assert_loaded(path, "udp");
    assert_ptr_not_equal(timer.start, udp.start);
}

/* The evil driver is one: if it is loaded, that is seen. */
static int load_evil(void)
{
    struct trale_driver description;
    char reason[FILE_REASON];
    return load(TEST_FLAWED_DRIVERS "/flaw_evil.so", &description, reason) < 0 || getenv(EVIL) == NULL;
}

static void test_an_evil_driver_that_is_loaded_is_seen(void **state)
{
    (void)state;
    in_child(load_evil);
}

/* --- what the system refuses -------------------------------------------------------------------------------------- */

/* At each limit of fds the answer is -EMFILE, until the limit is high enough. */
static int run_out_of_fds(void)
{
    int first = dup(0), n_refused = 0;
    for (rlim_t limit = (rlim_t)first; limit < (rlim_t)first + 20; limit++) {
        char reason[FILE_REASON];
        struct trale_driver description;
        struct rlimit files = {limit, limit};
        if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){limit, 1024}) < 0)
            return SKIPPED;
        int r = load(TIMER, &description, reason);
        if (r == 0)
            return n_refused == 0;
        if (r != -EMFILE || strstr(reason, "Too many open files") == NULL) {
            fprintf(stderr, "limit %u: %d (%s)\n", (unsigned)files.rlim_cur, r, reason);
            return 1;
        }
        n_refused++;
    }
    return 1;
}

/* The same where the driver's own file is open already, and dlopen has no fd left. */
static int run_out_of_fds_in_dlopen(void)
{
    struct elf elf;
    char reason[FILE_REASON];
    uintptr_t base;
    int fd = open(TIMER, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || elf_open(&elf, fd, TIMER, ELF_OWN_MACHINE, reason) < 0)
        return 1;
    while (dup(0) >= 0)
        ;
    int r = load_file(&elf, TIMER, &base, reason);
    elf_close(&elf);
    if (r != -EMFILE || strcmp(reason, TIMER " cannot be loaded: cannot open shared object file: Too many open files"))
        fprintf(stderr, "%d (%s)\n", r, reason);
    return r != -EMFILE;
}

static void test_without_a_free_fd_the_error_is_emfile(void **state)
{
    (void)state;
    in_child(run_out_of_fds);
    in_child(run_out_of_fds_in_dlopen);
}

static int run_out_of_memory(void)
{
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
    return SKIPPED;
#else
    struct elf elf;
    char reason[FILE_REASON];
    uintptr_t base;
    int fd = open(TIMER, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || elf_open(&elf, fd, TIMER, ELF_OWN_MACHINE, reason) < 0 ||
        setrlimit(RLIMIT_AS, &(struct rlimit){1, 1}) < 0)
        return 1;
    int r = load_file(&elf, TIMER, &base, reason);
    if (r != -ENOMEM || strstr(reason, "Cannot allocate memory") == NULL)
        fprintf(stderr, "%d (%s)\n", r, reason);
    return r != -ENOMEM;
#endif
}

static void test_without_memory_to_map_the_error_is_enomem(void **state)
{
    (void)state;
    in_child(run_out_of_memory);
}

static int load_without_proc(void)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return SKIPPED;
    if (umount2("/proc", MNT_DETACH) < 0)
        return SKIPPED;
    return !fails(TIMER, -ENOENT, "/proc is not mounted here");
}

static void test_without_proc_the_message_says_so(void **state)
{
    (void)state;
    in_child(load_without_proc);
}

static int load_from_noexec(void)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", folder, "tmpfs", MS_NOEXEC, "mode=700") < 0)
        return SKIPPED;
    copy(TIMER, "timer.so");
    return !fails(in_folder("timer.so"), -EACCES, "timer.so cannot be loaded: its file system is mounted noexec");
}

static void test_on_a_file_system_without_exec_the_message_says_so(void **state)
{
    (void)state;
    in_child(load_from_noexec);
}

/* As in a setcap program: /proc/self belongs to root then. */
static int load_undumpable(void)
{
    char reason[FILE_REASON];
    struct trale_driver description;
    if (setuid(65534) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
        return SKIPPED;
    int r = load(in_folder("driver.so"), &description, reason);
    if (r < 0)
        fprintf(stderr, "%d (%s)\n", r, reason);
    return r < 0;
}

static void test_a_process_that_cannot_be_traced_loads_drivers_too(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    copy(TIMER, "driver.so");
    assert_int_equal(chmod(folder, 0755), 0);
    in_child(load_undumpable);
}

static void *load_on_thread(void *path)
{
    assert_loaded(path, "timer");
    _exit(0);
}

/* /proc/self/fd is empty then. */
static int load_after_main_has_ended(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, load_on_thread, (void *)TIMER) != 0)
        return 1;
    pthread_exit(NULL);
}

static void test_drivers_are_loaded_after_the_main_thread_has_ended(void **state)
{
    (void)state;
    in_child(load_after_main_has_ended);
}

/* The text of the driver's file that is this one becomes another of the same length. */
static void change_text(const char *path, const char *from, const char *to)
{
    struct stat status;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(fstat(fd, &status), 0);
    char *bytes = test_malloc((size_t)status.st_size);
    assert_int_equal(read(fd, bytes, (size_t)status.st_size), status.st_size);
    char *text = memmem(bytes, (size_t)status.st_size, from, strlen(from) + 1);
    assert_non_null(text);
    assert_int_equal(pwrite(fd, to, strlen(to), text - bytes), strlen(to));
    test_free(bytes);
    close(fd);
}

/* Reads the file, then changes it, and then loads it. */
static void assert_change_is_seen(const char *name, const char *from, const char *to, const char *words)
{
    char reason[FILE_REASON];
    struct elf elf;
    struct trale_driver description;
    uintptr_t base;
    const char *path = copy(TIMER, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(elf_open(&elf, fd, path, ELF_OWN_MACHINE, reason), 0);
    assert_int_equal(description_read(&elf, path, &description, reason), 0);
    change_text(path, from, to);
    assert_int_equal(load_file(&elf, path, &base, reason), 0);
    assert_int_equal(description_map(&elf, base, path, &description, reason), -ENOEXEC);
    if (strstr(reason, words) == NULL)
        fail_msg("%s", reason);
    description_free(&description);
    elf_close(&elf);
    close(fd);
}

static void test_a_description_that_changes_after_it_was_read_is_refused(void **state)
{
    (void)state;
    assert_change_is_seen("b.so", TRALE_TIMER_1, "trale.timed/1",
                          ": its description was changed while it was loaded, by a constructor or in the file: "
                          "'interfaces' is not what it was when it was read");
    assert_change_is_seen("c.so", "monotonic | boottime | realtime", "monotonic | boottime | realtims",
                          ": 'clock' is not what");
}

/* --- libraries and symbols ---------------------------------------------------------------------------------------- */

static void test_a_missing_library_is_named_with_the_driver(void **state)
{
    (void)state;
    const char *path = copy(TIMER, "driver.so");
    change_text(path, "libc.so.6", "libq.so.6");
    assert_not_loaded(path, -ENOENT,
                      "/driver.so cannot be loaded, for a library that it needs: libq.so.6: cannot open");
}

static void test_an_undefined_symbol_is_named_with_the_driver(void **state)
{
    (void)state;
    const char *path = TEST_FLAWED_DRIVERS "/flaw_undefined_symbol.so";
    assert_not_loaded(path, -ENOEXEC,
                      "flaw_undefined_symbol.so cannot be loaded: undefined symbol: trale_nobody_defines_this");
}

static void test_exported_names_that_the_program_has_too_are_told(void **state)
{
    (void)state;
    struct test_log log = {0};
    struct trale *runtime;
    struct trale_options options = {.config_text = "[runtime]\ndrivers = x\nthreads = 0\n[driver:x]\n"
                                                   "path = " TEST_FLAWED_DRIVERS "/flaw_clash.so\n",
                                    .config_path = "t.ini",
                                    .log = test_log_write,
                                    .log_data = &log};
    assert_int_equal(trale_open(&runtime, &options), 0);
    trale_close(runtime);
    if (strstr(log.text, "1 trale: t.ini:5: [driver:x] " TEST_FLAWED_DRIVERS "/flaw_clash.so exports 1 name that the "
                         "program has too, such as clash_with_the_program, and will use the program's") == NULL)
        fail_msg("%s", log.text);
    log = (struct test_log){0};
    options.config_text = "[runtime]\ndrivers = x\nthreads = 0\n[driver:x]\npath = " TIMER "\n";
    assert_int_equal(trale_open(&runtime, &options), 0);
    trale_close(runtime);
    assert_null(strstr(log.text, "exports"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_nothing_in_a_path_is_expanded),
        TEST_IN_FOLDER(test_drivers_are_told_apart_though_their_fds_have_one_number),
        TEST_IN_FOLDER(test_a_driver_that_was_replaced_is_another_one),
        TEST_IN_FOLDER(test_the_name_of_a_mapped_driver_is_its_path),
        TEST_IN_FOLDER(test_no_swap_of_files_folders_or_links_gets_an_unchecked_file_in),
        TEST_IN_FOLDER(test_a_file_that_replaces_a_checked_one_is_not_the_one_that_is_mapped),
        TEST_IN_FOLDER(test_a_description_that_changes_after_it_was_read_is_refused),
        cmocka_unit_test(test_an_evil_driver_that_is_loaded_is_seen),
        cmocka_unit_test(test_without_a_free_fd_the_error_is_emfile),
        cmocka_unit_test(test_without_memory_to_map_the_error_is_enomem),
        cmocka_unit_test(test_without_proc_the_message_says_so),
        TEST_IN_FOLDER(test_on_a_file_system_without_exec_the_message_says_so),
        TEST_IN_FOLDER(test_a_process_that_cannot_be_traced_loads_drivers_too),
        cmocka_unit_test(test_drivers_are_loaded_after_the_main_thread_has_ended),
        TEST_IN_FOLDER(test_a_missing_library_is_named_with_the_driver),
        cmocka_unit_test(test_an_undefined_symbol_is_named_with_the_driver),
        cmocka_unit_test(test_exported_names_that_the_program_has_too_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
