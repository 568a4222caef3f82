/* SPDX-License-Identifier: MIT
 *
 * The tables of relocations: DT_RELA, DT_REL, DT_RELR and DT_JMPREL. */
#include "core/driver/elf_relocations.h"

#include <stdlib.h>
#include <string.h>

#if !defined __LP64__ || !(defined __x86_64__ || defined __aarch64__)
#error "drivers are read on x86-64 and aarch64: add the numbers of this machine to `machines`"
#endif

#define ADDRESS_SIZE sizeof(ElfW(Addr))

/* The types of relocations by machine: both machines' drivers can be read on either. */
struct machine {
    uint16_t machine;
    uint32_t relative, symbol[3], tls[3], descriptor, chosen;
};

static const struct machine machines[] = {
    {EM_X86_64,
     R_X86_64_RELATIVE,
     {R_X86_64_64, R_X86_64_GLOB_DAT, R_X86_64_JUMP_SLOT},
     {R_X86_64_DTPMOD64, R_X86_64_DTPOFF64, R_X86_64_TPOFF64},
     R_X86_64_TLSDESC,
     R_X86_64_IRELATIVE},
    {EM_AARCH64,
     R_AARCH64_RELATIVE,
     {R_AARCH64_ABS64, R_AARCH64_GLOB_DAT, R_AARCH64_JUMP_SLOT},
     {R_AARCH64_TLS_DTPMOD, R_AARCH64_TLS_DTPREL, R_AARCH64_TLS_TPREL},
     R_AARCH64_TLSDESC,
     R_AARCH64_IRELATIVE},
};

static enum kind kind_of(const struct elf *elf, uint32_t type)
{
    const struct machine *machine = machines;
    while (machine->machine != elf->header.e_machine)
        machine++; /* elf_open has refused others */
    if (type == 0)
        return KIND_NONE;
    if (type == machine->relative)
        return KIND_RELATIVE;
    for (size_t i = 0; i < 3; i++) {
        if (type == machine->symbol[i])
            return KIND_SYMBOL;
        if (type == machine->tls[i])
            return KIND_TLS;
    }
    return type == machine->descriptor ? KIND_DESCRIPTOR : type == machine->chosen ? KIND_CHOSEN : KIND_FORBIDDEN;
}

uint64_t elf_word_at(const struct elf *elf, uint64_t address)
{
    ElfW(Addr) word = 0;
    const void *bytes = elf_at(elf, address, sizeof word, 1);
    if (bytes != NULL)
        memcpy(&word, bytes, sizeof word);
    return word;
}

/* No more than the file has words: two would write to one place. */
static bool is_full(const struct elf *elf, const struct relocations *all)
{
    return all->n > elf->size / ADDRESS_SIZE;
}

static bool add(struct relocations *all, const struct relocation *relocation)
{
    if (all->n == all->capacity) {
        uint64_t capacity = all->capacity * 2 + 256;
        struct relocation *items = reallocarray(all->items, capacity, sizeof *items);
        if (items == NULL)
            return false;
        all->items = items;
        all->capacity = capacity;
    }
    all->items[all->n++] = *relocation;
    return true;
}

static const char damaged[] = "it is damaged: its relocations";

/* A table of ElfW(Rela), or without addends of ElfW(Rel), which begins with ElfW(Rela)'s first two members. */
static const char *read_table(const struct elf *elf, struct relocations *all, uint64_t address, uint64_t size,
                              bool has_addends)
{
    const uint64_t entry_size = has_addends ? sizeof(ElfW(Rela)) : sizeof(ElfW(Rel));
    const unsigned char *table = elf_at(elf, address, size, ADDRESS_SIZE);
    if (table == NULL || size % entry_size != 0)
        return damaged;
    for (uint64_t at = 0; at < size; at += entry_size) {
        ElfW(Rela) entry = {0};
        memcpy(&entry, table + at, entry_size);
        struct relocation relocation = {entry.r_offset, (uint64_t)entry.r_addend, (uint32_t)ELF64_R_SYM(entry.r_info),
                                        kind_of(elf, (uint32_t)ELF64_R_TYPE(entry.r_info))};
        if (!has_addends)
            relocation.addend = elf_word_at(elf, entry.r_offset);
        if (is_full(elf, all))
            return damaged;
        if (!add(all, &relocation))
            return elf_no_memory;
    }
    return NULL;
}

/* DT_RELA or DT_REL; of the first DT_RELACOUNT or DT_RELCOUNT entries dlopen asserts that they are relative. */
static const char *read_main_table(const struct elf *elf, struct relocations *all, bool has_addends)
{
    uint64_t address, size, entry_size, n_relative = 0;
    if (!elf_tag(elf, has_addends ? DT_RELA : DT_REL, &address))
        return NULL;
    if (!elf_tag(elf, has_addends ? DT_RELASZ : DT_RELSZ, &size) ||
        !elf_tag(elf, has_addends ? DT_RELAENT : DT_RELENT, &entry_size) ||
        entry_size != (has_addends ? sizeof(ElfW(Rela)) : sizeof(ElfW(Rel))))
        return damaged;
    uint64_t before = all->n;
    const char *flaw = read_table(elf, all, address, size, has_addends);
    elf_tag(elf, has_addends ? DT_RELACOUNT : DT_RELCOUNT, &n_relative);
    if (flaw == NULL && n_relative > all->n - before)
        return damaged;
    for (uint64_t i = 0; flaw == NULL && i < n_relative; i++)
        if (all->items[before + i].kind != KIND_RELATIVE)
            return damaged;
    return flaw;
}

static const char *read_plt_table(const struct elf *elf, struct relocations *all)
{
    uint64_t address, size, type;
    bool has_address = elf_tag(elf, DT_JMPREL, &address), has_size = elf_tag(elf, DT_PLTRELSZ, &size);
    bool has_type = elf_tag(elf, DT_PLTREL, &type);
    if (!has_address && !has_size && !has_type)
        return NULL;
    if (!has_address || !has_size || !has_type || (type != DT_RELA && type != DT_REL))
        return damaged;
    return read_table(elf, all, address, size, type == DT_RELA);
}

/* DT_RELR: an address is an even number, and an odd one a bitmap of the words behind the last address. */
static const char *read_packed_table(const struct elf *elf, struct relocations *all)
{
    uint64_t address, size, entry_size, next = 0;
    if (!elf_tag(elf, DT_RELR, &address))
        return NULL;
    const ElfW(Relr) *entries = NULL;
    if (!elf_tag(elf, DT_RELRSZ, &size) || !elf_tag(elf, DT_RELRENT, &entry_size) || entry_size != sizeof *entries ||
        size % sizeof *entries != 0 || (entries = elf_at(elf, address, size, sizeof *entries)) == NULL ||
        (entries[0] & 1) != 0)
        return damaged;
    for (uint64_t i = 0; i < size / sizeof *entries; i++) {
        bool is_bitmap = (entries[i] & 1) != 0;
        uint64_t bits = is_bitmap ? entries[i] >> 1 : 1;
        if (!is_bitmap)
            next = entries[i];
        for (uint64_t at = next; bits != 0; bits >>= 1, at += ADDRESS_SIZE) {
            struct relocation relocation = {at, elf_word_at(elf, at), 0, KIND_RELATIVE};
            if (is_full(elf, all))
                return damaged;
            if ((bits & 1) != 0 && !add(all, &relocation))
                return elf_no_memory;
        }
        next += is_bitmap ? (8 * sizeof *entries - 1) * ADDRESS_SIZE : ADDRESS_SIZE;
    }
    return NULL;
}

const char *elf_read_relocations(const struct elf *elf, struct relocations *all)
{
    const char *flaw = read_main_table(elf, all, true);
    if (flaw == NULL)
        flaw = read_main_table(elf, all, false);
    if (flaw == NULL)
        flaw = read_packed_table(elf, all);
    return flaw != NULL ? flaw : read_plt_table(elf, all);
}
