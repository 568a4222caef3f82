/* SPDX-License-Identifier: MIT
 *
 * What a driver says of itself, read out of its file: also out of one that was made to crash the reader. */
#include "core/driver/description.h"
#include "core/driver/interface_name.h"
#include "tests/object.h"

#define TIMER TEST_DRIVERS "/timer.so"

/* Reads the file's description, which description_free frees. */
static int read_bytes(const void *bytes, size_t length, struct trale_driver *description, char reason[FILE_REASON])
{
    static struct elf elf;
    int fd = open(write_file("driver", bytes, length, 0600), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    *description = (struct trale_driver){0};
    int r = elf_open(&elf, fd, "driver", ELF_OWN_MACHINE, reason);
    if (r == 0)
        r = description_read(&elf, "driver", description, reason);
    elf_close(&elf);
    close(fd);
    return r;
}

static void assert_refused(const struct object *object, const char *flaw)
{
    char reason[FILE_REASON] = "";
    struct trale_driver description;
    int r = read_bytes(object->bytes, object->length, &description, reason);
    description_free(&description);
    if (r != -ENOEXEC || strstr(reason, flaw) == NULL)
        fail_msg("%d (%s), wanted \"%s\"", r, reason, flaw);
}

/* The relocation that writes a member of the description. */
#define MEMBER(object, member)                                                                                         \
    relocation(object, description_symbol(object)->st_value + offsetof(struct trale_driver, member))

/* Gives a pointer in the description another target for one check. */
static void assert_target_refused(const struct object *object, ElfW(Rela) * pointer, uint64_t target, const char *flaw)
{
    const ElfW(Rela) kept = *pointer;
    memset(at(object, pointer->r_offset), 0, sizeof(uint64_t)); /* GNU's linker writes the target in place too */
    pointer->r_addend = (int64_t)target;
    assert_refused(object, flaw);
    *pointer = kept;
    memset(at(object, pointer->r_offset), 0, sizeof(uint64_t));
}

static void test_the_shipped_drivers_are_read_without_being_loaded(void **state)
{
    (void)state;
    static const char *const names[] = {"timer", "udp", "signal", "blocking"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[512], reason[FILE_REASON] = "", interface[64];
        struct trale_driver description;
        snprintf(path, sizeof path, TEST_DRIVERS "/%s.so", names[i]);
        snprintf(interface, sizeof interface, "trale.%s/1", names[i]);
        struct object object = read_object(path);
        int r = read_bytes(object.bytes, object.length, &description, reason);
        if (r < 0)
            fail_msg("%s", reason);
        test_free(object.bytes); /* the description is a copy */
        assert_string_equal(description.name, names[i]);
        assert_memory_equal(description.interfaces, interface, strlen(interface));
        assert_int_equal(description.abi, TRALE_ABI);
        assert_non_null(description.start);
        description_free(&description);
    }
}

static void test_options_are_read_with_all_their_texts(void **state)
{
    (void)state;
    char reason[FILE_REASON];
    struct trale_driver description;
    struct object object = read_object(TIMER);
    assert_int_equal(read_bytes(object.bytes, object.length, &description, reason), 0);
    test_free(object.bytes);
    const struct trale_option *clock = description.options;
    while (clock->name != NULL && strcmp(clock->name, "clock") != 0)
        clock++;
    assert_string_equal(clock->name, "clock");
    assert_int_equal(clock->type, TRALE_OPTION_CHOICE);
    assert_string_equal(clock->choices, "monotonic | boottime | realtime");
    assert_string_equal(clock->default_value, "monotonic");
    assert_non_null(clock->help);
    description_free(&description);
}

static void test_packed_relocations_are_applied(void **state)
{
    (void)state;
    char reason[FILE_REASON];
    struct trale_driver description;
    struct object object = read_object(TEST_FLAWED_DRIVERS "/flaw_relr.so");
    const ElfW(Dyn) *entries = at(&object, segment(&object, PT_DYNAMIC)->p_vaddr);
    bool is_packed = false;
    for (; entries->d_tag != DT_NULL; entries++)
        is_packed |= entries->d_tag == DT_RELR;
    if (is_packed) {
        assert_int_equal(read_bytes(object.bytes, object.length, &description, reason), 0);
        assert_string_equal(description.name, "flawed");
        assert_string_equal(description.options[0].name, "number");
        assert_non_null(description.stop);
        description_free(&description);
        uint64_t *packed = table(&object, DT_RELR);
        packed[0] |= 1; /* a bitmap, and no address before it */
        assert_refused(&object, "is damaged: its relocations");
        packed[0] &= ~UINT64_C(1);
        char *strings = table(&object, DT_STRTAB);
        char *version = memmem(strings, entry(&object, DT_STRSZ)->d_un.d_val, "GLIBC_ABI_DT_RELR", 17);
        if (version != NULL) {
            version[0] = 'X';
            assert_refused(&object, "it has packed relocations, and not the version GLIBC_ABI_DT_RELR, without which");
        }
    }
    test_free(object.bytes);
    if (!is_packed)
        skip();
}

static void test_texts_end_in_the_file(void **state)
{
    (void)state;
    struct object object = read_object(TIMER);
    ElfW(Rela) *name = MEMBER(&object, name), *summary = MEMBER(&object, summary);
    ElfW(Phdr) *texts = segment_at(&object, (uint64_t)name->r_addend);
    static const char flaw[] = "driver: the name in its description is no text in the file";
    assert_target_refused(&object, name, UINT64_C(1) << 20, "is damaged: its relocations");
    object.bytes[texts->p_offset + texts->p_filesz - 1] = 'x'; /* the last byte, and no '\0' behind it */
    assert_target_refused(&object, name, texts->p_vaddr + texts->p_filesz - 1, flaw);
    assert_target_refused(&object, name, texts->p_vaddr + texts->p_filesz, flaw);
    /* Behind p_filesz there are zeros when it is loaded, but not in the file. */
    ElfW(Phdr) *data = segment_at(&object, name->r_offset);
    if (data->p_memsz > data->p_filesz)
        assert_target_refused(&object, name, data->p_vaddr + data->p_filesz, flaw);
    /* A text in which an address is written is not known. */
    assert_target_refused(&object, summary, summary->r_offset, "the summary in its description is no text in the file");
    test_free(object.bytes);
}

static void test_pointers_are_relocated(void **state)
{
    (void)state;
    struct object object = read_object(TIMER);
    ElfW(Rela) *version = MEMBER(&object, version), kept = *version;
    version->r_info = ELF64_R_INFO(0, 0); /* no relocation: the word is what the linker left there */
    entry(&object, DT_RELACOUNT)->d_un.d_val = 0;
    memset(at(&object, version->r_offset), 0x41, 8);
    assert_refused(&object, "driver: the version in its description is no text in the file");
    memset(at(&object, version->r_offset), 0, 8);
    assert_refused(&object, "driver: its description has no version");
    *version = kept;
    version->r_offset = description_symbol(&object)->st_value; /* where size and ABI are numbers */
    uint64_t *head = at(&object, version->r_offset), kept_head = *head;
    *head = 0;
    assert_refused(&object, "driver: its description has an address where a number must be");
    *head = kept_head;
    version->r_offset = kept.r_offset + 4;
    assert_refused(&object, "is damaged: its relocations"); /* it overlaps the next one */
    *version = kept;
    assert_target_refused(&object, MEMBER(&object, start), (uint64_t)kept.r_addend,
                          "driver: the start in its description is no function in its code");
    test_free(object.bytes);
}

static void test_the_description_is_an_aligned_part_of_the_file(void **state)
{
    (void)state;
    struct object object = read_object(TIMER);
    ElfW(Sym) *symbol = description_symbol(&object), kept = *symbol;
    ElfW(Phdr) *data = segment_at(&object, symbol->st_value);
    symbol->st_value += 4;
    assert_refused(&object, "'trale_driver' is not an object");
    *symbol = kept;
    symbol->st_size = 8;
    assert_refused(&object, "driver: its description has ");
    data->p_memsz += 4096;
    symbol->st_size = kept.st_size;
    symbol->st_value = (data->p_vaddr + data->p_filesz + 7) / 8 * 8;
    assert_refused(&object, "'trale_driver' is not in the file, and zero when it is loaded");
    symbol->st_value = (data->p_vaddr + data->p_filesz - 16) / 8 * 8; /* half of it is */
    assert_refused(&object, "'trale_driver' is not in the file, and zero when it is loaded");
    test_free(object.bytes);
}

static void test_options_are_an_array_with_an_end(void **state)
{
    (void)state;
    struct object object = read_object(TIMER);
    ElfW(Rela) *options = MEMBER(&object, options);
    const uint64_t size_at = description_symbol(&object)->st_value + offsetof(struct trale_driver, option_size);
    uint64_t *option_size = at(&object, size_at), kept = *option_size;
    ElfW(Phdr) *data = segment_at(&object, options->r_offset);
    const uint64_t sizes[] = {0, 8, 4097, UINT64_MAX, 57, UINT64_C(1) << 32};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        *option_size = sizes[i];
        assert_refused(&object, "driver: the options in its description have an impossible size");
    }
    *option_size = 4096; /* the second one is somewhere else */
    assert_refused(&object, "driver: ");
    *option_size = kept;
    assert_target_refused(&object, options, (uint64_t)options->r_addend + 4,
                          "driver: the options in its description are not aligned");
    assert_target_refused(&object, options, (data->p_vaddr + data->p_filesz) / 8 * 8,
                          "driver: the options in its description have no end");
    /* A name where it ends, and the file behind it */
    relocation(&object, (uint64_t)options->r_addend)->r_addend = (int64_t)data->p_vaddr + 1;
    assert_refused(&object, "driver: ");
    test_free(object.bytes);
}

static void test_noise_in_the_description_and_its_relocations_is_survived(void **state)
{
    (void)state;
    struct object object = read_object(TEST_DRIVERS "/udp.so");
    const ElfW(Sym) *symbol = description_symbol(&object);
    unsigned char *ranges[] = {at(&object, symbol->st_value), table(&object, DT_RELA)};
    const size_t sizes[] = {symbol->st_size, entry(&object, DT_RELASZ)->d_un.d_val};
    uint64_t random = 0x9e3779b97f4a7c15;
    size_t n_refused = 0;
    for (size_t i = 0; i < 3000; i++) {
        char reason[FILE_REASON] = "";
        struct trale_driver description;
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        unsigned char *byte = ranges[i % 2] + random % sizes[i % 2], kept = *byte;
        *byte = (unsigned char)(random >> 32);
        int r = read_bytes(object.bytes, object.length, &description, reason);
        description_free(&description);
        assert_int_equal(r == 0, reason[0] == '\0');
        n_refused += r < 0;
        *byte = kept;
    }
    assert_in_range(n_refused, 500, 2999);
    test_free(object.bytes);
}

static void test_a_name_of_an_interface_has_one_form(void **state)
{
    (void)state;
    static const char *const good[] = {"", "a/1", "a/1:16", "org.example.a/999999999:24, b/2", "a/1 a/2"};
    static const char *const bad[] = {"a",         "/1",        "a/",       "a/0",          "a/01",           "a/1x",
                                      "a/1:",      "a/1:0",     "a/1:024",  "a/1:8",        "a/1:20",         "a/1:-8",
                                      "a/1:24:24", "b/1 a",     "a/1:0x18", "a/1000000000", "a/1:1000000000", ":24",
                                      "a:24/1",    "a/1 a/1:16"};
    struct interface_name flawed;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (interface_names_flaw(good[i], &flawed) != NULL)
            fail_msg("%s: %s", good[i], interface_names_flaw(good[i], &flawed));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (interface_names_flaw(bad[i], &flawed) == NULL)
            fail_msg("%s is accepted", bad[i]);
}

static void test_demands_are_a_number_in_the_file(void **state)
{
    (void)state;
    struct object object = read_object(TEST_FLAWED_DRIVERS "/flaw_one_thread.so");
    const ElfW(Sym) *symbol = description_symbol(&object);
    char reason[FILE_REASON];
    struct trale_driver description;
    assert_int_equal(read_bytes(object.bytes, object.length, &description, reason), 0);
    assert_int_equal(description.demands, TRALE_DRIVER_DEMANDS_ONE_THREAD);
    description_free(&description);
    /* A driver from before there were demands. */
    uint32_t *size = at(&object, symbol->st_value);
    *size = offsetof(struct trale_driver, demands);
    assert_int_equal(read_bytes(object.bytes, object.length, &description, reason), 0);
    assert_int_equal(description.demands, 0);
    description_free(&description);
    *size = sizeof(struct trale_driver);
    ElfW(Rela) *pointer = MEMBER(&object, options);
    pointer->r_offset = symbol->st_value + offsetof(struct trale_driver, demands);
    memset(at(&object, pointer->r_offset), 0, sizeof(uint64_t));
    assert_refused(&object, "its description has an address where a number must be");
    test_free(object.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_the_shipped_drivers_are_read_without_being_loaded),
        TEST_IN_FOLDER(test_options_are_read_with_all_their_texts),
        TEST_IN_FOLDER(test_packed_relocations_are_applied),
        TEST_IN_FOLDER(test_texts_end_in_the_file),
        TEST_IN_FOLDER(test_pointers_are_relocated),
        TEST_IN_FOLDER(test_the_description_is_an_aligned_part_of_the_file),
        TEST_IN_FOLDER(test_options_are_an_array_with_an_end),
        TEST_IN_FOLDER(test_demands_are_a_number_in_the_file),
        cmocka_unit_test(test_a_name_of_an_interface_has_one_form),
        TEST_IN_FOLDER(test_noise_in_the_description_and_its_relocations_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
