/* SPDX-License-Identifier: MIT
 *
 * A driver as it was built, in memory, for tests that change it. */
#ifndef TRALE_TESTS_OBJECT_H
#define TRALE_TESTS_OBJECT_H

#include <elf.h>
#include <inttypes.h>
#include <link.h>

#include "tests/folder.h"

struct object {
    unsigned char *bytes;
    size_t length;
    ElfW(Ehdr) * header;
    ElfW(Phdr) * segments;
};

static inline struct object read_object(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    struct object object = {.length = (size_t)status.st_size, .bytes = test_malloc((size_t)status.st_size)};
    assert_int_equal(read(fd, object.bytes, object.length), object.length);
    close(fd);
    object.header = (void *)object.bytes;
    object.segments = (void *)(object.bytes + object.header->e_phoff);
    return object;
}

static inline ElfW(Phdr) * segment(const struct object *object, uint32_t type)
{
    for (size_t i = 0; i < object->header->e_phnum; i++)
        if (object->segments[i].p_type == type)
            return &object->segments[i];
    fail_msg("no segment of type %u", type);
    return NULL;
}

/* The segment that is mapped at the address. */
static inline ElfW(Phdr) * segment_at(const struct object *object, uint64_t address)
{
    for (size_t i = 0; i < object->header->e_phnum; i++) {
        ElfW(Phdr) *load = &object->segments[i];
        if (load->p_type == PT_LOAD && address >= load->p_vaddr && address - load->p_vaddr < load->p_filesz)
            return load;
    }
    fail_msg("nothing is mapped at %" PRIx64, address);
    return NULL;
}

/* The bytes of the file that are mapped at the address. */
static inline void *at(const struct object *object, uint64_t address)
{
    const ElfW(Phdr) *load = segment_at(object, address);
    return object->bytes + load->p_offset + (address - load->p_vaddr);
}

static inline ElfW(Dyn) * entry(const struct object *object, int64_t tag)
{
    ElfW(Dyn) *entries = at(object, segment(object, PT_DYNAMIC)->p_vaddr);
    while (entries->d_tag != DT_NULL && entries->d_tag != tag)
        entries++;
    if (entries->d_tag != tag)
        fail_msg("no dynamic entry %" PRIx64, (uint64_t)tag);
    return entries;
}

static inline void *table(const struct object *object, int64_t tag)
{
    return at(object, entry(object, tag)->d_un.d_ptr);
}

static inline ElfW(Sym) * description_symbol(const struct object *object)
{
    ElfW(Sym) *symbol = table(object, DT_SYMTAB);
    const char *strings = table(object, DT_STRTAB);
    while (strcmp(strings + symbol->st_name, "trale_driver") != 0)
        symbol++;
    return symbol;
}

/* The relocation of DT_RELA that writes at the address. */
static inline ElfW(Rela) * relocation(const struct object *object, uint64_t address)
{
    ElfW(Rela) *relocations = table(object, DT_RELA);
    const size_t n = entry(object, DT_RELASZ)->d_un.d_val / sizeof *relocations;
    for (size_t i = 0; i < n; i++)
        if (relocations[i].r_offset == address)
            return &relocations[i];
    fail_msg("no relocation at %" PRIx64, address);
    return NULL;
}

#endif
