/* SPDX-License-Identifier: MIT
 *
 * What dlopen(3) writes into the driver's data, and the functions that it calls then. */
#include <stdlib.h>

#include "core/driver/elf_relocations.h"

#define ADDRESS_SIZE sizeof(ElfW(Addr))
#if UINTPTR_MAX == UINT64_MAX
#define ST_TYPE ELF64_ST_TYPE
#define ST_BIND ELF64_ST_BIND
#else
#define ST_TYPE ELF32_ST_TYPE
#define ST_BIND ELF32_ST_BIND
#endif

static const char damaged[] = "it is damaged: its relocations";

static uint64_t width(const struct relocation *relocation)
{
    return relocation->kind == KIND_NONE ? 0 : relocation->kind == KIND_DESCRIPTOR ? 2 * ADDRESS_SIZE : ADDRESS_SIZE;
}

/* Whether what it writes can be right. GNU's linker for x86-64 writes the address in place as well; others write 0. */
static bool value_is_sound(const struct elf *elf, const struct relocation *relocation)
{
    const ElfW(Sym) *symbol = &elf->symbols[relocation->symbol];
    bool is_tls = relocation->kind == KIND_TLS || relocation->kind == KIND_DESCRIPTOR;
    switch (relocation->kind) {
    case KIND_RELATIVE: {
        uint64_t in_place = elf_word_at(elf, relocation->address);
        return relocation->addend <= elf->end && (in_place == 0 || in_place == relocation->addend);
    }
    case KIND_CHOSEN:
        return elf_is_code(elf, relocation->addend);
    case KIND_SYMBOL:
    case KIND_TLS:
    case KIND_DESCRIPTOR:
        if (relocation->symbol == 0)
            return is_tls && elf->tls_size > 0;
        /* gold refers to the variables of this file by the section that they are in. */
        return symbol->st_shndx == SHN_UNDEF || (ST_TYPE(symbol->st_info) == STT_TLS) == is_tls ||
               (relocation->kind == KIND_TLS && ST_TYPE(symbol->st_info) == STT_SECTION && elf->tls_size > 0);
    default:
        return relocation->kind != KIND_FORBIDDEN;
    }
}

static int by_address(const void *a, const void *b)
{
    const struct relocation *one = a, *other = b;
    return (one->address > other->address) - (one->address < other->address);
}

/* Whether another definition of the symbol, which dlopen finds first, would be used instead of this one. */
static bool is_exposed(const struct elf *elf, const ElfW(Sym) * symbol)
{
    uint64_t flags = 0, value;
    bool is_bound = elf_tag(elf, DT_SYMBOLIC, &value) || (elf_tag(elf, DT_FLAGS, &flags) && (flags & DF_SYMBOLIC) != 0);
    return !is_bound && symbol->st_shndx != SHN_UNDEF && ST_BIND(symbol->st_info) == STB_GLOBAL &&
           (symbol->st_other & 3) == STV_DEFAULT;
}

const char *elf_next_exposed(const struct elf *elf, size_t *position)
{
    while (*position < elf->n_symbols) {
        size_t i = (*position)++;
        if (elf->exposed[i])
            return elf->strings + elf->symbols[i].st_name;
    }
    return NULL;
}

/* Each writes into the driver's data, not into the dynamic section, and no two into one place. Sorts them. */
static const char *check_all(struct elf *elf, struct relocations *all)
{
    const uint64_t dynamic_end = elf->dynamic_address + (elf->n_dynamic + 1) * sizeof elf->dynamic[0];
    for (uint64_t i = 0; i < all->n; i++) {
        const struct relocation *relocation = &all->items[i];
        if (relocation->symbol >= elf->n_symbols || !value_is_sound(elf, relocation))
            return damaged;
        if (relocation->kind == KIND_NONE)
            continue;
        if (relocation->kind == KIND_SYMBOL && is_exposed(elf, &elf->symbols[relocation->symbol]))
            elf->exposed[relocation->symbol] = 1;
        if (!elf_is_mapped(elf, relocation->address, width(relocation), PF_W) ||
            (relocation->address < dynamic_end && relocation->address + width(relocation) > elf->dynamic_address))
            return damaged;
    }
    if (all->n > 0)
        qsort(all->items, all->n, sizeof all->items[0], by_address);
    for (uint64_t i = 1; i < all->n; i++)
        if (all->items[i - 1].address + width(&all->items[i - 1]) > all->items[i].address)
            return damaged;
    return NULL;
}

/* An array of functions: each slot is written by one relocation, with the address of code. */
static const char *check_functions(const struct elf *elf, const struct relocations *all, int64_t tag, int64_t size_tag)
{
    static const char flaw[] = "it is damaged: the functions that are called when it is loaded or unloaded";
    uint64_t address, size;
    if (!elf_tag(elf, tag, &address))
        return NULL;
    if (!elf_tag(elf, size_tag, &size) || size % ADDRESS_SIZE != 0 || !elf_is_mapped(elf, address, size, PF_R))
        return flaw;
    for (uint64_t at = address; at < address + size; at += ADDRESS_SIZE) {
        const struct relocation key = {.address = at}, *found = NULL;
        if (all->n > 0)
            found = bsearch(&key, all->items, all->n, sizeof key, by_address);
        if (found == NULL)
            return flaw;
        uint64_t function = found->addend;
        if (found->kind == KIND_SYMBOL)
            function = elf->symbols[found->symbol].st_value;
        if (found->kind != KIND_ANY && !elf_is_code(elf, function))
            return flaw;
    }
    return NULL;
}

static const char *check_calls(const struct elf *elf, const struct relocations *all)
{
    static const int64_t tags[] = {DT_INIT, DT_FINI};
    for (size_t i = 0; i < 2; i++) {
        uint64_t address;
        if (elf_tag(elf, tags[i], &address) && !elf_is_code(elf, address))
            return "it is damaged: its first or last function";
    }
    const char *flaw = check_functions(elf, all, DT_INIT_ARRAY, DT_INIT_ARRAYSZ);
    return flaw != NULL ? flaw : check_functions(elf, all, DT_FINI_ARRAY, DT_FINI_ARRAYSZ);
}

const char *elf_check_relocations(struct elf *elf)
{
    struct relocations all = {0};
    elf->exposed = calloc(elf->n_symbols, sizeof elf->exposed[0]);
    if (elf->exposed == NULL)
        return elf_no_memory;
    const char *flaw = elf_read_relocations(elf, &all);
    if (flaw == NULL)
        flaw = check_all(elf, &all);
    if (flaw == NULL)
        flaw = check_calls(elf, &all);
    free(all.items);
    return flaw;
}
