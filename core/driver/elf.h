/* SPDX-License-Identifier: MIT
 *
 * A driver's shared object, read from its file before dlopen(3) maps it.
 *
 * dlopen trusts what the linker wrote: a file that is cut off, has zeroed pages or mangled tables makes it follow wild
 * pointers, call wrong addresses, loop or abort. So every table that it follows is followed here first, with bounds.
 * What cannot be seen here is damage inside the code and data of the driver itself. */
#ifndef CORE_DRIVER_ELF_H
#define CORE_DRIVER_ELF_H

#include <link.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/config/trusted_file.h"

#define ELF_SEGMENTS_MAX 128

/* One PT_LOAD segment. */
struct elf_load {
    const ElfW(Phdr) * header;
    const unsigned char *bytes; /* header->p_filesz of them */
};

struct elf {
    int fd;
    uint64_t size; /* of the file */
    ElfW(Ehdr) header;
    ElfW(Phdr) segments[ELF_SEGMENTS_MAX];
    struct elf_load loads[ELF_SEGMENTS_MAX]; /* in the order of their addresses */
    size_t n_loads;
    unsigned char *bytes; /* of all loads */
    uint64_t end;         /* the address behind the last load */
    uint64_t tls_size;
    const ElfW(Dyn) * dynamic; /* without the DT_NULL at its end */
    size_t n_dynamic;
    uint64_t dynamic_address;
    const char *strings; /* the last byte is '\0' */
    uint64_t strings_size;
    const ElfW(Sym) * symbols;
    uint64_t n_symbols;
    const ElfW(Sym) * description;  /* the symbol trale_driver */
    unsigned char *exposed;         /* of each symbol: 1 if elf_next_exposed gives it */
    struct relocation *relocations; /* by address */
    uint64_t n_relocations;
    char flaw[FILE_REASON / 2];
};

/* Reads the open file and checks that it is a driver that dlopen(3) can load: a complete shared object with tables in
 * which every address, index and string is where it may be, no executable stack, no relocations of code, no RPATH or
 * RUNPATH, no needed library named by a path, and `trale_driver` defined as an object. Nothing is run. `machine` is
 * ELF_OWN_MACHINE; or EM_X86_64 or EM_AARCH64, and then the file is only to be looked at.
 * 0; or -ENOEXEC, -EIO, -ENOMEM and the reason. elf_close is to be called in each case. */
#define ELF_OWN_MACHINE EM_NONE
int elf_open(struct elf *elf, int fd, const char *path, uint16_t machine, char reason[FILE_REASON]);
void elf_close(struct elf *elf);

/* Counts the constructors and destructors, but for those that every shared object of a C compiler, of a sanitizer or of
 * Rust has. If the file says what one of them is called, `name` gets that name, else "". */
#define ELF_NAME 128
size_t elf_count_constructors(const struct elf *elf, char name[ELF_NAME]);

/* The next function or object beside trale_driver that the driver exports, but for reserved names ("__...") and those
 * that may be in several objects (C++ templates). Begin with *position = 0; NULL at the end. */
const char *elf_next_export(const struct elf *elf, size_t *position);

/* --- data, as dlopen(3) will have relocated it: all in the file, in one segment that can be read ------------------ */

/* `length` bytes in which no relocation writes; NULL if they are not there, or if the address is no multiple of
 * `alignment`, at most 8. */
const void *elf_data(const struct elf *elf, uint64_t address, uint64_t length, size_t alignment);

/* A text, with its '\0', in which no relocation writes; NULL if there is none. */
const char *elf_text(const struct elf *elf, uint64_t address);

/* A pointer to something in the file, as its address there; 0 is NULL. False if there is no pointer, or none that can
 * be known before the driver is loaded. */
bool elf_pointer(const struct elf *elf, uint64_t address, uint64_t *target);

/* If a relocation in these bytes needs a symbol: the name, or "" if it has none; *is_own: whether this file defines it.
 * NULL: none does. */
const char *elf_needed_symbol(const struct elf *elf, uint64_t address, uint64_t length, bool *is_own);

/* Whether `length` bytes of the file at the address, relocated, are those that are mapped at `base` + address. */
bool elf_agrees(const struct elf *elf, uintptr_t base, uint64_t address, uint64_t length);

/* Whether `length` bytes at the address are in one segment that is mapped with all of the `flags` (PF_R, ...). */
bool elf_is_mapped(const struct elf *elf, uint64_t address, uint64_t length, uint32_t flags);

/* The next name of a function or object that the driver defines, exports and refers to by a relocation: if the program
 * has one of that name, the driver gets the program's. Begin with *position = 0; NULL at the end. */
const char *elf_next_exposed(const struct elf *elf, size_t *position);

/* --- among the elf*.c files --------------------------------------------------------------------------------------- */

bool elf_is_own_machines(const struct elf *elf);

static inline bool elf_contains(uint64_t start, uint64_t size, uint64_t address, uint64_t length)
{
    return address >= start && address - start <= size && length <= size - (address - start);
}

static inline bool elf_overlaps(uint64_t start, uint64_t size, uint64_t address, uint64_t length)
{
    return address < start + size && start < address + length;
}

/* Bytes of the file that are mapped readable at the address; NULL if they are not all there, or if the address is no
 * multiple of `alignment`, at most 8. */
const void *elf_at(const struct elf *elf, uint64_t address, uint64_t length, size_t alignment);

/* Whether there is code at the address; zeros are none. */
bool elf_is_code(const struct elf *elf, uint64_t address);

/* Reads bytes at an offset of the file; false if they are not all there. */
bool elf_read(const struct elf *elf, void *buf, uint64_t length, uint64_t offset);

/* The value of a dynamic entry. Of several with one tag the last counts, as for dlopen. */
bool elf_tag(const struct elf *elf, int64_t tag, uint64_t *value);

/* Formats what is wrong into elf->flaw, and returns it. */
__attribute__((format(printf, 2, 3))) const char *elf_flaw(struct elf *elf, const char *format, ...);

/* Each returns what is wrong, as "it is cut off", or NULL. */
extern const char elf_no_memory[];
const char *elf_check_tables(struct elf *elf, const ElfW(Phdr) * dynamic);
const char *elf_check_versions(struct elf *elf);
const char *elf_check_relocations(struct elf *elf);
const char *elf_check_code(struct elf *elf);
const char *elf_check_calls(struct elf *elf);

#endif
