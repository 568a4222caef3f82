/* SPDX-License-Identifier: MIT
 *
 * What the reader finds in the file of a shared object: which files dlopen(3) may load. */
#include "core/driver/elf.h"
#include "tests/object.h"

static int check_fd(int fd, const char *name, char reason[FILE_REASON])
{
    struct elf elf;
    int r = elf_open(&elf, fd, name, ELF_OWN_MACHINE, reason);
    elf_close(&elf);
    return r;
}

static int check(const void *bytes, size_t length, char reason[FILE_REASON])
{
    int fd = open(write_file("object", bytes, length, 0600), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    reason[0] = '\0';
    int r = check_fd(fd, "object", reason);
    close(fd);
    return r;
}

static void assert_no_driver(const struct object *object, size_t length, const char *flaw)
{
    char reason[FILE_REASON], expected[FILE_REASON];
    int r = check(object->bytes, length, reason);
    snprintf(expected, sizeof expected, "object is no driver: it%s%s", flaw[1] == ' ' ? "" : " ", flaw);
    if (r != -ENOEXEC || strcmp(reason, expected) != 0)
        fail_msg("%d: %s; wanted: %s", r, reason, expected);
}

static void test_a_driver_as_built_is_good(void **state)
{
    (void)state;
    char reason[FILE_REASON];
    struct object object = read_object(TEST_DRIVERS "/timer.so");
    assert_int_equal(check(object.bytes, object.length, reason), 0);
    assert_string_equal(reason, "");
    test_free(object.bytes);
}

static void test_what_is_no_shared_object_of_this_machine_is_named(void **state)
{
    (void)state;
    struct object object = read_object(TEST_DRIVERS "/timer.so");
    ElfW(Ehdr) kept = *object.header;
    assert_no_driver(&object, 0, "is empty");
    assert_no_driver(&object, 16, "is too short for an ELF file");
    assert_no_driver(&object, sizeof kept - 1, "is too short for an ELF file");
    memcpy(object.bytes, "#!/bin/sh\n", 10);
    assert_no_driver(&object, object.length, "is not an ELF file");
    *object.header = kept;
    object.header->e_ident[EI_CLASS] ^= 3;
    assert_no_driver(&object, object.length, "is an ELF file of another word size");
    *object.header = kept;
    object.header->e_ident[EI_DATA] ^= 3;
    assert_no_driver(&object, object.length, "is an ELF file of another byte order");
    *object.header = kept;
    object.header->e_machine ^= 0x55;
    assert_no_driver(&object, object.length, "is an ELF file for another machine");
    *object.header = kept;
    object.header->e_type = ET_EXEC;
    assert_no_driver(&object, object.length, "is a program, not a shared object");
    object.header->e_type = ET_REL;
    assert_no_driver(&object, object.length, "is an ELF file, but not a shared object");
    *object.header = kept;
    object.header->e_phnum = 0;
    assert_no_driver(&object, object.length, "is an ELF file with a damaged header");
    object.header->e_phnum = UINT16_MAX;
    assert_no_driver(&object, object.length, "is an ELF file with a damaged header");
    *object.header = kept;
    object.header->e_phentsize++;
    assert_no_driver(&object, object.length, "is an ELF file with a damaged header");
    *object.header = kept;
    object.header->e_phoff = UINT64_MAX - 7;
    assert_no_driver(&object, object.length, "is cut off");
    test_free(object.bytes);
}

static void test_segments_that_would_kill_dlopen_are_found(void **state)
{
    (void)state;
    struct object object = read_object(TEST_DRIVERS "/timer.so");
    ElfW(Phdr) *dynamic = segment(&object, PT_DYNAMIC), *stack = segment(&object, PT_GNU_STACK);
    ElfW(Phdr) *load = segment(&object, PT_LOAD), kept = *dynamic;
    dynamic->p_type = PT_NULL;
    assert_no_driver(&object, object.length, "is an ELF file without a dynamic section");
    *dynamic = kept;
    /* dlopen goes by the address and looks for the end itself. */
    dynamic->p_vaddr = UINT64_MAX - 7;
    assert_no_driver(&object, object.length, "is damaged: its dynamic section is outside of its data");
    *dynamic = kept;
    dynamic->p_memsz = sizeof(ElfW(Dyn));
    assert_no_driver(&object, object.length, "is damaged: its dynamic section has no entries or no end");
    *dynamic = kept;
    kept = *load;
    load->p_filesz = object.length + 1;
    assert_no_driver(&object, object.length, "is cut off");
    *load = kept;
    load->p_align = 3;
    assert_no_driver(&object, object.length, "is damaged: a segment cannot be mapped");
    *load = kept;
    load->p_memsz = UINT64_MAX;
    assert_no_driver(&object, object.length, "is damaged: a segment cannot be mapped");
    *load = kept;
    load->p_memsz = 1 << 20;
    assert_no_driver(&object, object.length, "is damaged: its segments overlap");
    *load = kept;
    stack->p_flags |= PF_X;
    assert_no_driver(&object, object.length, "is built with an executable stack: link it with -z noexecstack");
    stack->p_type = PT_NULL; /* nothing said is dlopen's leave to make the stack executable */
    assert_no_driver(&object, object.length, "is built with an executable stack: link it with -z noexecstack");
    test_free(object.bytes);
}

/* --- tables that dlopen follows ----------------------------------------------------------------------------------- */

/* Gives an entry another tag and value for one check. */
static void assert_entry_refused(const struct object *object, int64_t tag, int64_t new_tag, uint64_t value,
                                 const char *flaw)
{
    ElfW(Dyn) *changed = entry(object, tag), kept = *changed;
    changed->d_tag = new_tag;
    changed->d_un.d_val = value;
    assert_no_driver(object, object->length, flaw);
    *changed = kept;
}

static void test_a_driver_that_brings_its_own_search_path_is_refused(void **state)
{
    (void)state;
    struct object object = read_object(TEST_DRIVERS "/timer.so");
    const uint64_t name = entry(&object, DT_NEEDED)->d_un.d_val;
    char flaw[FILE_REASON], *library = (char *)table(&object, DT_STRTAB) + name;
    const char *how = "has the %s '%s', and what lies there is not checked: link it without -rpath";
    snprintf(flaw, sizeof flaw, how, "RUNPATH", library);
    assert_entry_refused(&object, DT_FINI, DT_RUNPATH, name, flaw);
    snprintf(flaw, sizeof flaw, how, "RPATH", library);
    assert_entry_refused(&object, DT_FINI, DT_RPATH, name, flaw);
    assert_entry_refused(&object, DT_FINI, DT_AUXILIARY, name, "is a filter of another library (ld -f, -F)");
    assert_entry_refused(&object, DT_FINI, DT_FILTER, name, "is a filter of another library (ld -f, -F)");
    static const char *const paths[] = {"a/b", "$LIB", "${ORIGIN}x"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        strcpy(library, paths[i]);
        snprintf(flaw, sizeof flaw, "needs the library '%s' by a path: give that library a soname", paths[i]);
        assert_no_driver(&object, object.length, flaw);
    }
    library[0] = '\0';
    assert_no_driver(&object, object.length, "needs the library '' by a path: give that library a soname");
    test_free(object.bytes);
}

static void test_the_description_is_an_object_of_the_driver_itself(void **state)
{
    (void)state;
    struct object object = read_object(TEST_DRIVERS "/timer.so");
    ElfW(Sym) *symbol = description_symbol(&object), kept = *symbol;
    symbol->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
    assert_no_driver(&object, object.length, "s 'trale_driver' is a function: it must be what TRALE_DRIVER() defines");
    *symbol = kept;
    symbol->st_shndx = SHN_UNDEF;
    assert_no_driver(&object, object.length, "s 'trale_driver' is not in this file: it is in a library that it needs");
    *symbol = kept;
    symbol->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_GNU_IFUNC);
    assert_no_driver(&object, object.length,
                     "s 'trale_driver' is not an object: it must be what TRALE_DRIVER() defines");
    *symbol = kept;
    symbol->st_size = UINT64_MAX;
    assert_no_driver(&object, object.length,
                     "s 'trale_driver' is not an object: it must be what TRALE_DRIVER() defines");
    *symbol = kept;
    strcpy((char *)table(&object, DT_STRTAB) + symbol->st_name, "trale_drivel");
    assert_no_driver(&object, object.length, "has no symbol 'trale_driver'");
    test_free(object.bytes);
}

static void test_tables_outside_of_the_file_are_found(void **state)
{
    (void)state;
    struct object object = read_object(TEST_DRIVERS "/timer.so");
    static const struct {
        int64_t tag;
        const char *flaw;
    } cases[] = {
        {DT_STRTAB, "its strings"},
        {DT_STRSZ, "its strings"},
        {DT_SYMTAB, "its symbols"},
        {DT_SYMENT, "its symbols"},
        {DT_GNU_HASH, "its hash table (GNU)"},
        {DT_RELA, "its relocations"},
        {DT_RELASZ, "its relocations"},
        {DT_RELAENT, "its relocations"},
        {DT_RELACOUNT, "its relocations"},
        {DT_JMPREL, "its relocations"},
        {DT_PLTRELSZ, "its relocations"},
        {DT_PLTREL, "its relocations"},
        {DT_INIT, "its first or last function"},
        {DT_FINI, "its first or last function"},
        {DT_INIT_ARRAY, "the functions that are called when it is loaded or unloaded"},
        {DT_INIT_ARRAYSZ, "the functions that are called when it is loaded or unloaded"},
        {DT_FINI_ARRAY, "the functions that are called when it is loaded or unloaded"},
        {DT_FINI_ARRAYSZ, "the functions that are called when it is loaded or unloaded"},
        {DT_VERNEED, "the versions of its symbols"},
        {DT_VERNEEDNUM, "the versions of its symbols"},
        {DT_VERSYM, "the versions of its symbols"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char flaw[128];
        snprintf(flaw, sizeof flaw, "is damaged: %s", cases[i].flaw);
        assert_entry_refused(&object, cases[i].tag, cases[i].tag, UINT64_MAX - 7, flaw);
        assert_entry_refused(&object, cases[i].tag, cases[i].tag, object.length, flaw);
    }
    assert_entry_refused(&object, DT_GNU_HASH, DT_DEBUG, 0, "is damaged: it has no hash table");
    assert_entry_refused(&object, DT_NEEDED, DT_NEEDED, UINT64_MAX, "is damaged: a name in its dynamic section");
    assert_entry_refused(&object, DT_FINI, DT_TEXTREL, 0, "has relocations in its code: compile it with -fPIC");
    test_free(object.bytes);
}

static void test_wrong_numbers_in_tables_are_found(void **state)
{
    (void)state;
    struct object object = read_object(TEST_DRIVERS "/timer.so");
    uint32_t *hash = table(&object, DT_GNU_HASH), kept = hash[0];
    const uint32_t values[] = {0, UINT32_MAX};
    for (size_t i = 0; i < 2; i++) {
        hash[0] = values[i];
        assert_no_driver(&object, object.length, "is damaged: its hash table (GNU)");
    }
    hash[0] = kept;
    kept = hash[2];
    hash[2] = 3; /* of which ld.so asserts that it is a power of two */
    assert_no_driver(&object, object.length, "is damaged: its hash table (GNU)");
    hash[2] = kept;
    ElfW(Rela) *relocations = table(&object, DT_RELA), first = relocations[0];
    relocations[0].r_info = ELF64_R_INFO(0, 0x7777); /* ld.so asserts that the first ones are relative */
    assert_no_driver(&object, object.length, "is damaged: its relocations");
    relocations[0] = first;
    relocations[0].r_offset = relocations[1].r_offset;
    assert_no_driver(&object, object.length, "is damaged: its relocations");
    relocations[0].r_offset = segment(&object, PT_DYNAMIC)->p_vaddr;
    assert_no_driver(&object, object.length, "is damaged: its relocations");
    relocations[0] = first;
    ElfW(Rela) *plt = table(&object, DT_JMPREL);
    plt[0].r_info = ELF64_R_INFO(UINT32_MAX, ELF64_R_TYPE(plt[0].r_info));
    assert_no_driver(&object, object.length, "is damaged: its relocations");
    test_free(object.bytes);
}

static void test_zeroed_code_is_found(void **state)
{
    (void)state;
    struct object object = read_object(TEST_DRIVERS "/timer.so");
    unsigned char *first = table(&object, DT_INIT), *code = NULL;
    for (size_t i = 0; i < object.header->e_phnum; i++)
        if (object.segments[i].p_type == PT_LOAD && (object.segments[i].p_flags & PF_X) != 0)
            code = object.bytes + object.segments[i].p_offset + object.segments[i].p_filesz / 2;
    assert_non_null(code);
    memset(code, 0, 96); /* in the middle, where the functions are not those that run when it is loaded */
    assert_no_driver(&object, object.length, "is damaged: a part of its code is zeros");
    memset(first, 0, 16);
    assert_no_driver(&object, object.length, "is damaged: its first or last function");
    test_free(object.bytes);
}

/* A program is a shared object too, as ET_DYN: this one. */
static void test_a_program_is_no_driver(void **state)
{
    (void)state;
    char reason[FILE_REASON];
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(check_fd(fd, "self", reason), -ENOEXEC);
    assert_string_equal(reason, "self is no driver: it is a program, not a shared object");
    close(fd);
}

static void test_no_cut_passes_that_would_kill(void **state)
{
    (void)state;
    struct object object = read_object(TEST_DRIVERS "/timer.so");
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
        int r = check_fd(fd, path, reason);
        if ((r == 0) != (length >= needed))
            fail_msg("%zu of %zu bytes, %zu needed: %d", length, object.length, needed, r);
    }
    close(fd);
    test_free(object.bytes);
}

static void test_noise_in_the_headers_is_survived(void **state)
{
    (void)state;
    struct object object = read_object(TEST_DRIVERS "/timer.so");
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
        int r = check_fd(fd, "object", reason);
        assert_true(r == 0 || r == -ENOEXEC);
        assert_int_equal(r == 0, reason[0] == '\0');
        n_refused += r < 0;
        assert_int_equal(pwrite(fd, object.bytes + at, 1, (off_t)at), 1);
    }
    assert_in_range(n_refused, 100, 4900);
    close(fd);
    test_free(object.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_a_driver_as_built_is_good),
        TEST_IN_FOLDER(test_what_is_no_shared_object_of_this_machine_is_named),
        TEST_IN_FOLDER(test_segments_that_would_kill_dlopen_are_found),
        TEST_IN_FOLDER(test_a_driver_that_brings_its_own_search_path_is_refused),
        TEST_IN_FOLDER(test_the_description_is_an_object_of_the_driver_itself),
        TEST_IN_FOLDER(test_tables_outside_of_the_file_are_found),
        TEST_IN_FOLDER(test_wrong_numbers_in_tables_are_found),
        TEST_IN_FOLDER(test_zeroed_code_is_found),
        TEST_IN_FOLDER(test_a_program_is_no_driver),
        TEST_IN_FOLDER(test_no_cut_passes_that_would_kill),
        TEST_IN_FOLDER(test_noise_in_the_headers_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
