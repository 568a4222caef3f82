/* SPDX-License-Identifier: MIT
 *
 * The functions that are called when the driver is loaded and when the process ends: constructors and destructors. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/driver/elf_relocations.h"

#define ADDRESS_SIZE sizeof(ElfW(Addr))
#define NAMED_MAX 256 /* so many functions are looked up among the symbols, which is slow */

/* --- which functions they are ------------------------------------------------------------------------------------- */

/* The addresses of all of them. */
struct calls {
    uint64_t *addresses; /* allocated */
    size_t n;
};

static const char *add_call(const struct elf *elf, struct calls *calls, uint64_t address, const char *flaw)
{
    uint64_t *addresses = reallocarray(calls->addresses, calls->n + 1, sizeof *addresses);
    if (addresses == NULL)
        return elf_no_memory;
    calls->addresses = addresses;
    addresses[calls->n++] = address;
    return elf_is_code(elf, address) ? NULL : flaw;
}

/* An array of functions: each slot is written by one relocation, with the address of code. */
static const char *add_array(const struct elf *elf, struct calls *calls, int64_t tag, int64_t size_tag)
{
    static const char damaged[] = "it is damaged: the functions that are called when it is loaded or unloaded";
    const char *flaw = NULL;
    uint64_t address, size;
    if (!elf_tag(elf, tag, &address))
        return NULL;
    if (!elf_tag(elf, size_tag, &size) || size % ADDRESS_SIZE != 0 || !elf_is_mapped(elf, address, size, PF_R))
        return damaged;
    for (uint64_t at = address; flaw == NULL && at < address + size; at += ADDRESS_SIZE) {
        const struct relocation *found = elf_relocation_in(elf, at, ADDRESS_SIZE);
        if (found == NULL || found->address != at)
            return damaged;
        bool is_symbol = found->kind == KIND_SYMBOL;
        flaw = add_call(elf, calls, is_symbol ? elf->symbols[found->symbol].st_value : found->addend, damaged);
    }
    return flaw;
}

static const char *find_calls(const struct elf *elf, struct calls *calls)
{
    static const char damaged[] = "it is damaged: its first or last function";
    const char *flaw = NULL;
    uint64_t address;
    if (elf_tag(elf, DT_INIT, &address))
        flaw = add_call(elf, calls, address, damaged);
    if (flaw == NULL && elf_tag(elf, DT_FINI, &address))
        flaw = add_call(elf, calls, address, damaged);
    if (flaw == NULL)
        flaw = add_array(elf, calls, DT_INIT_ARRAY, DT_INIT_ARRAYSZ);
    return flaw != NULL ? flaw : add_array(elf, calls, DT_FINI_ARRAY, DT_FINI_ARRAYSZ);
}

const char *elf_check_calls(struct elf *elf)
{
    struct calls calls = {0};
    const char *flaw = find_calls(elf, &calls);
    free(calls.addresses);
    return flaw;
}

/* --- what they are called ----------------------------------------------------------------------------------------- */

/* The table of all symbols, unless it was stripped: the debugger's, so it is not mapped, and may be damaged. */
struct symbol_table {
    ElfW(Sym) * symbols;
    char *strings; /* they end with '\0' */
    uint64_t n_symbols, strings_size;
};

static void *read_section(const struct elf *elf, const ElfW(Shdr) * section)
{
    char *bytes = section->sh_size <= elf->size ? calloc(section->sh_size + 1, 1) : NULL;
    if (bytes != NULL && elf_read(elf, bytes, section->sh_size, section->sh_offset))
        return bytes;
    free(bytes);
    return NULL;
}

static bool read_section_header(const struct elf *elf, uint64_t i, ElfW(Shdr) * section)
{
    return i < elf->header.e_shnum && elf->header.e_shentsize == sizeof *section &&
           elf_read(elf, section, sizeof *section, elf->header.e_shoff + i * sizeof *section);
}

static void read_symbol_table(const struct elf *elf, struct symbol_table *table)
{
    ElfW(Shdr) section = {0}, strings;
    uint64_t i = 0;
    while (read_section_header(elf, i, &section) && section.sh_type != SHT_SYMTAB)
        i++;
    *table = (struct symbol_table){0};
    if (section.sh_type != SHT_SYMTAB || !read_section_header(elf, section.sh_link, &strings))
        return;
    table->symbols = read_section(elf, &section);
    table->strings = read_section(elf, &strings);
    table->strings_size = strings.sh_size;
    if (table->symbols != NULL && table->strings != NULL)
        table->n_symbols = section.sh_size / sizeof table->symbols[0];
}

/* NULL: it is not known. */
static const char *name_of(const struct symbol_table *table, uint64_t address)
{
    for (uint64_t i = 0; i < table->n_symbols; i++)
        if (table->symbols[i].st_value == address && ELF64_ST_TYPE(table->symbols[i].st_info) == STT_FUNC &&
            table->symbols[i].st_name < table->strings_size)
            return table->strings + table->symbols[i].st_name;
    return NULL;
}

/* Those of the C compiler's start-up files, of sanitizers and profilers, and of Rust's standard library, which notes
 * the program's arguments. */
static bool is_compilers(const char *name)
{
    static const char *const parts[] = {"_init", "_fini", "frame_dummy", "__do_global_dtors_aux",
                                        /* and those of which the name is a part: */
                                        "_sub_I_00099_", "_sub_D_00099_", "_sub_I_00100_", "_sub_D_00100_",
                                        ".module_ctor", ".module_dtor", "__llvm_", "llvm_writeout_and_clear",
                                        "ARGV_INIT_ARRAY", "init_have_lse_atomics"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (i < 4 ? strcmp(name, parts[i]) == 0 : strstr(name, parts[i]) != NULL)
            return true;
    return false;
}

/* How many functions the compiler adds to a file without names: to DT_INIT, DT_FINI and the two arrays one each, for
 * aarch64 one that finds out whether the machine has atomic instructions, and Rust's one more. The names of Rust's own
 * sources, for its panics, tell that it is Rust. */
static size_t count_compilers(const struct elf *elf)
{
    static const char rust[] = "library/std/src/";
    uint64_t value;
    size_t n = 2 + elf_tag(elf, DT_INIT, &value) + elf_tag(elf, DT_FINI, &value);
    n += elf->header.e_machine == EM_AARCH64;
    for (size_t i = 0; i < elf->n_loads; i++)
        if (memmem(elf->loads[i].bytes, elf->loads[i].header->p_filesz, rust, strlen(rust)) != NULL)
            return n + 1;
    return n;
}

size_t elf_count_constructors(const struct elf *elf, char name[ELF_NAME])
{
    struct calls calls = {0};
    struct symbol_table table;
    size_t n = 0, n_nameless = 0, n_compilers;
    name[0] = '\0';
    find_calls(elf, &calls);
    read_symbol_table(elf, &table);
    for (size_t i = 0; i < calls.n; i++) {
        const char *found = i < NAMED_MAX ? name_of(&table, calls.addresses[i]) : NULL;
        n_nameless += found == NULL;
        if (found == NULL || is_compilers(found))
            continue;
        snprintf(name, ELF_NAME, "%s", found);
        n++;
    }
    if (n_nameless > 0 && n_nameless > (n_compilers = count_compilers(elf)))
        n += n_nameless - n_compilers;
    free(table.symbols);
    free(table.strings);
    free(calls.addresses);
    return n;
}
