/* SPDX-License-Identifier: MIT
 *
 * Which files are believed, and which of them dlopen(3) may be given. */
#include "tests/support.h"

#include <elf.h>
#include <fcntl.h>
#include <ftw.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/config/trusted_file.h"
#include "core/driver/elf.h"

static char folder[256];

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

static int make_folder(void **state)
{
    (void)state;
    char path[] = "/tmp/trale-file-XXXXXX";
    if (mkdtemp(path) == NULL || realpath(path, folder) == NULL)
        return -1;
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The path of `name` in the test's folder; good for the next fifteen calls. */
static const char *in_folder(const char *name)
{
    static char paths[16][512];
    static size_t turn;
    char *path = paths[turn++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static const char *write_file(const char *name, const void *bytes, size_t length, mode_t mode)
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

/* --- trust -------------------------------------------------------------------------------------------------------- */

static void assert_refused(const char *path, int error, const char *words)
{
    char reason[FILE_REASON] = "", *real_path = (char *)"untouched";
    int r = file_open_trusted(path, &real_path, reason);
    if (r != error || strstr(reason, words) == NULL)
        fail_msg("%s: %d (%s), wanted %d and \"%s\"", path, r, reason, error, words);
    assert_string_equal(real_path, "untouched");
}

static void assert_opened(const char *path, const char *expected)
{
    char reason[FILE_REASON] = "", *real_path = NULL;
    int fd = file_open_trusted(path, &real_path, reason);
    if (fd < 0)
        fail_msg("%s: %d (%s)", path, fd, reason);
    assert_string_equal(real_path, expected);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
    free(real_path);
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
    /* In a sticky folder nobody moves what is another's. */
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
    /* To that user both are as good as root's. */
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(seteuid(65534), 0);
    char reason[FILE_REASON], *real_path = NULL;
    int fd = file_open_trusted(path, &real_path, reason);
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
    assert_refused("/dev/tty", -ENXIO, "/dev/tty");
    assert_int_equal(symlink("loop", in_folder("loop")), 0);
    assert_refused(in_folder("loop"), -ELOOP, "Too many levels of symbolic links");
    char *path = test_malloc(5000);
    memset(path, 'x', 4999);
    path[4999] = '\0';
    assert_refused(path, -ENAMETOOLONG, "File name too long");
    test_free(path);
    alarm(0);
}

/* --- shared objects ----------------------------------------------------------------------------------------------- */

/* A driver as it was built, and what is in it. */
struct object {
    unsigned char *bytes;
    size_t length;
    ElfW(Ehdr) * header;
    ElfW(Phdr) * segments;
};

static struct object read_object(void)
{
    struct stat status;
    int fd = open(TEST_DRIVERS "/timer.so", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    struct object object = {.length = (size_t)status.st_size, .bytes = test_malloc((size_t)status.st_size)};
    assert_int_equal(read(fd, object.bytes, object.length), object.length);
    close(fd);
    object.header = (void *)object.bytes;
    object.segments = (void *)(object.bytes + object.header->e_phoff);
    return object;
}

static ElfW(Phdr) * segment(const struct object *object, uint32_t type)
{
    for (size_t i = 0; i < object->header->e_phnum; i++)
        if (object->segments[i].p_type == type)
            return &object->segments[i];
    fail_msg("no segment of type %u", type);
    return NULL;
}

static int check(const void *bytes, size_t length, char reason[FILE_REASON])
{
    int fd = open(write_file("object", bytes, length, 0600), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    reason[0] = '\0';
    int r = elf_check_shared_object(fd, "object", reason);
    close(fd);
    return r;
}

static void assert_no_driver(const struct object *object, size_t length, const char *flaw)
{
    char reason[FILE_REASON], expected[FILE_REASON];
    int r = check(object->bytes, length, reason);
    snprintf(expected, sizeof expected, "object is no driver: it is %s", flaw);
    if (r != -ENOEXEC || strcmp(reason, expected) != 0)
        fail_msg("%d: %s; wanted: %s", r, reason, expected);
}

static void test_a_driver_as_built_is_good(void **state)
{
    (void)state;
    char reason[FILE_REASON];
    struct object object = read_object();
    assert_int_equal(check(object.bytes, object.length, reason), 0);
    assert_string_equal(reason, "");
    test_free(object.bytes);
}

static void test_what_is_no_shared_object_of_this_machine_is_named(void **state)
{
    (void)state;
    struct object object = read_object();
    ElfW(Ehdr) kept = *object.header;
    assert_no_driver(&object, 0, "empty");
    assert_no_driver(&object, 16, "too short for an ELF file");
    assert_no_driver(&object, sizeof kept - 1, "too short for an ELF file");
    memcpy(object.bytes, "#!/bin/sh\n", 10);
    assert_no_driver(&object, object.length, "not an ELF file");
    *object.header = kept;
    object.header->e_ident[EI_CLASS] ^= 3;
    assert_no_driver(&object, object.length, "an ELF file of another word size");
    *object.header = kept;
    object.header->e_ident[EI_DATA] ^= 3;
    assert_no_driver(&object, object.length, "an ELF file of another byte order");
    *object.header = kept;
    object.header->e_machine ^= 0x55;
    assert_no_driver(&object, object.length, "an ELF file for another machine");
    *object.header = kept;
    object.header->e_type = ET_EXEC;
    assert_no_driver(&object, object.length, "a program, not a shared object");
    object.header->e_type = ET_REL;
    assert_no_driver(&object, object.length, "an ELF file, but not a shared object");
    *object.header = kept;
    object.header->e_phnum = 0;
    assert_no_driver(&object, object.length, "an ELF file with a damaged header");
    object.header->e_phnum = UINT16_MAX;
    assert_no_driver(&object, object.length, "an ELF file with a damaged header");
    *object.header = kept;
    object.header->e_phentsize++;
    assert_no_driver(&object, object.length, "an ELF file with a damaged header");
    *object.header = kept;
    object.header->e_phoff = UINT64_MAX - 7;
    assert_no_driver(&object, object.length, "cut off");
    test_free(object.bytes);
}

static void test_segments_that_would_kill_dlopen_are_found(void **state)
{
    (void)state;
    struct object object = read_object();
    ElfW(Phdr) *dynamic = segment(&object, PT_DYNAMIC), *stack = segment(&object, PT_GNU_STACK);
    ElfW(Phdr) *load = segment(&object, PT_LOAD), kept = *dynamic;
    dynamic->p_type = PT_NULL;
    assert_no_driver(&object, object.length, "an ELF file without a dynamic section");
    *dynamic = kept;
    dynamic->p_offset = UINT64_MAX;
    assert_no_driver(&object, object.length, "cut off");
    *dynamic = kept;
    dynamic->p_filesz = UINT64_MAX;
    assert_no_driver(&object, object.length, "cut off");
    *dynamic = kept;
    kept = *load;
    load->p_filesz = object.length + 1;
    assert_no_driver(&object, object.length, "cut off");
    *load = kept;
    stack->p_flags |= PF_X;
    assert_no_driver(&object, object.length, "built with an executable stack: link it with -z noexecstack");
    stack->p_type = PT_NULL; /* nothing said is dlopen's leave to make the stack executable */
    assert_no_driver(&object, object.length, "built with an executable stack: link it with -z noexecstack");
    test_free(object.bytes);
}

/* A program is a shared object too, as ET_DYN: this one. */
static void test_a_program_is_no_driver(void **state)
{
    (void)state;
    char reason[FILE_REASON];
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(elf_check_shared_object(fd, "self", reason), -ENOEXEC);
    assert_string_equal(reason, "self is no driver: it is a program, not a shared object");
    close(fd);
}

static void test_no_cut_passes_that_would_kill(void **state)
{
    (void)state;
    struct object object = read_object();
    size_t needed = 0;
    for (size_t i = 0; i < object.header->e_phnum; i++)
        if (object.segments[i].p_type == PT_LOAD && object.segments[i].p_offset + object.segments[i].p_filesz > needed)
            needed = object.segments[i].p_offset + object.segments[i].p_filesz;
    assert_in_range(needed, 1000, object.length);
    const char *path = write_file("object", object.bytes, object.length, 0600);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    for (size_t length = object.length; length > 0; length -= length < 97 ? length : 97) {
        char reason[FILE_REASON];
        assert_int_equal(ftruncate(fd, (off_t)length), 0);
        int r = elf_check_shared_object(fd, path, reason);
        if ((r == 0) != (length >= needed))
            fail_msg("%zu of %zu bytes, %zu needed: %d", length, object.length, needed, r);
    }
    close(fd);
    test_free(object.bytes);
}

static void test_noise_in_the_headers_is_survived(void **state)
{
    (void)state;
    struct object object = read_object();
    size_t headers = object.header->e_phoff + object.header->e_phnum * sizeof object.segments[0];
    int fd = open(write_file("object", object.bytes, object.length, 0600), O_RDWR | O_CLOEXEC);
    uint64_t random = 0x9e3779b97f4a7c15;
    size_t n_refused = 0;
    for (size_t i = 0; i < 5000; i++) {
        char reason[FILE_REASON] = "";
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        size_t at = random % headers;
        unsigned char byte = (unsigned char)(random >> 32);
        assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
        int r = elf_check_shared_object(fd, "object", reason);
        assert_true(r == 0 || r == -ENOEXEC);
        assert_int_equal(r == 0, reason[0] == '\0');
        n_refused += r < 0;
        assert_int_equal(pwrite(fd, object.bytes + at, 1, (off_t)at), 1);
    }
    assert_in_range(n_refused, 100, 4900);
    close(fd);
    test_free(object.bytes);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_file_that_only_its_owner_writes_is_opened),
        TEST(test_a_file_that_others_may_write_is_refused),
        TEST(test_a_file_that_others_may_replace_is_refused),
        TEST(test_a_file_of_another_user_is_refused),
        TEST(test_what_is_no_file_is_refused_at_once),
        TEST(test_a_driver_as_built_is_good),
        TEST(test_what_is_no_shared_object_of_this_machine_is_named),
        TEST(test_segments_that_would_kill_dlopen_are_found),
        cmocka_unit_test(test_a_program_is_no_driver),
        TEST(test_no_cut_passes_that_would_kill),
        TEST(test_noise_in_the_headers_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
