/* SPDX-License-Identifier: MIT
 *
 * What dlopen(3) writes into the driver's data. */
#include <stdlib.h>

#include "core/driver/elf_relocations.h"

static const char damaged[] = "it is damaged: its relocations";

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
        return symbol->st_shndx == SHN_UNDEF || (ELF64_ST_TYPE(symbol->st_info) == STT_TLS) == is_tls ||
               (relocation->kind == KIND_TLS && ELF64_ST_TYPE(symbol->st_info) == STT_SECTION && elf->tls_size > 0);
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
    return !is_bound && symbol->st_shndx != SHN_UNDEF && ELF64_ST_BIND(symbol->st_info) == STB_GLOBAL &&
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

/* Each writes into the driver's data, not into the dynamic section, and no two into one place. Sorts them, and takes
 * out those that write nothing. */
static const char *check_all(struct elf *elf, struct relocations *all)
{
    const uint64_t dynamic_size = (elf->n_dynamic + 1) * sizeof elf->dynamic[0];
    uint64_t n = 0;
    for (uint64_t i = 0; i < all->n; i++) {
        const struct relocation *relocation = &all->items[i];
        const uint64_t width = relocation_width(relocation);
        if (relocation->symbol >= elf->n_symbols || !value_is_sound(elf, relocation))
            return damaged;
        if (relocation->kind == KIND_NONE)
            continue;
        if (relocation->kind == KIND_SYMBOL && is_exposed(elf, &elf->symbols[relocation->symbol]))
            elf->exposed[relocation->symbol] = 1;
        if (!elf_is_mapped(elf, relocation->address, width, PF_W) ||
            elf_overlaps(elf->dynamic_address, dynamic_size, relocation->address, width))
            return damaged;
        all->items[n++] = *relocation;
    }
    all->n = n;
    if (n > 0)
        qsort(all->items, n, sizeof all->items[0], by_address);
    for (uint64_t i = 1; i < n; i++)
        if (all->items[i - 1].address + relocation_width(&all->items[i - 1]) > all->items[i].address)
            return damaged;
    return NULL;
}

const struct relocation *elf_relocation_in(const struct elf *elf, uint64_t address, uint64_t length)
{
    uint64_t first = 0, end = elf->n_relocations; /* of those that may be it */
    while (first < end) {
        const uint64_t middle = first + (end - first) / 2;
        const struct relocation *relocation = &elf->relocations[middle];
        if (relocation->address + relocation_width(relocation) <= address)
            first = middle + 1;
        else
            end = middle;
    }
    if (first == elf->n_relocations)
        return NULL;
    const struct relocation *found = &elf->relocations[first];
    return elf_overlaps(address, length, found->address, relocation_width(found)) ? found : NULL;
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
    elf->relocations = all.items;
    elf->n_relocations = flaw == NULL ? all.n : 0;
    return flaw;
}
