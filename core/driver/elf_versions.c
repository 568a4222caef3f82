/* SPDX-License-Identifier: MIT
 *
 * Symbol versions: which version of which library each symbol is of. dlopen(3) follows their offsets as they are, makes
 * a table as long as the highest index, and reads it at the index that each symbol has. */
#include "core/driver/elf.h"

#include <string.h>

#define INDEX_MASK 0x7fff /* the highest bit hides a version */

static bool is_needed(const struct elf *elf, uint64_t name)
{
    for (size_t i = 0; i < elf->n_dynamic; i++)
        if (elf->dynamic[i].d_tag == DT_NEEDED &&
            strcmp(elf->strings + elf->dynamic[i].d_un.d_val, elf->strings + name) == 0)
            return true;
    return false;
}

/* The versions that are needed of one library: aux entries that begin at `address`. */
static bool check_needed_aux(const struct elf *elf, uint64_t address, uint32_t n, uint32_t *highest)
{
    for (uint32_t i = 0; i < n; i++) {
        const ElfW(Vernaux) *aux = elf_at(elf, address, sizeof *aux, sizeof(uint32_t));
        if (aux == NULL || aux->vna_name >= elf->strings_size || (aux->vna_next == 0) != (i + 1 == n))
            return false;
        uint32_t index = aux->vna_other & INDEX_MASK;
        *highest = index > *highest ? index : *highest;
        address += aux->vna_next;
    }
    return n > 0;
}

static bool check_needed(const struct elf *elf, uint64_t address, uint64_t n, uint32_t *highest)
{
    for (uint64_t i = 0; i < n; i++) {
        const ElfW(Verneed) *needed = elf_at(elf, address, sizeof *needed, sizeof(uint32_t));
        if (needed == NULL || needed->vn_version != VER_NEED_CURRENT || needed->vn_file >= elf->strings_size ||
            !is_needed(elf, needed->vn_file) || (needed->vn_next == 0) != (i + 1 == n) ||
            !check_needed_aux(elf, address + needed->vn_aux, needed->vn_cnt, highest))
            return false;
        address += needed->vn_next;
    }
    return n > 0;
}

static bool check_defined(const struct elf *elf, uint64_t address, uint64_t n, uint32_t *highest)
{
    for (uint64_t i = 0; i < n; i++) {
        const ElfW(Verdef) *defined = elf_at(elf, address, sizeof *defined, sizeof(uint32_t));
        if (defined == NULL || defined->vd_version != VER_DEF_CURRENT || (defined->vd_next == 0) != (i + 1 == n))
            return false;
        const ElfW(Verdaux) *aux = elf_at(elf, address + defined->vd_aux, sizeof *aux, sizeof(uint32_t));
        if (aux == NULL || aux->vda_name >= elf->strings_size)
            return false;
        uint32_t index = defined->vd_ndx & INDEX_MASK;
        *highest = index > *highest ? index : *highest;
        address += defined->vd_next;
    }
    return n > 0;
}

const char *elf_check_versions(struct elf *elf)
{
    static const char flaw[] = "it is damaged: the versions of its symbols";
    uint64_t needed, n_needed, defined, n_defined, address;
    uint32_t highest = 0;
    bool has_needed = elf_tag(elf, DT_VERNEED, &needed), has_defined = elf_tag(elf, DT_VERDEF, &defined);
    if (has_needed && (!elf_tag(elf, DT_VERNEEDNUM, &n_needed) || !check_needed(elf, needed, n_needed, &highest)))
        return flaw;
    if (has_defined && (!elf_tag(elf, DT_VERDEFNUM, &n_defined) || !check_defined(elf, defined, n_defined, &highest)))
        return flaw;
    if (!elf_tag(elf, DT_VERSYM, &address))
        return highest == 0 ? NULL : flaw;
    const uint16_t *indices = elf_at(elf, address, elf->n_symbols * sizeof *indices, sizeof *indices);
    if (indices == NULL || highest == 0)
        return flaw;
    for (uint64_t i = 0; i < elf->n_symbols; i++)
        if ((indices[i] & INDEX_MASK) > highest)
            return flaw;
    return NULL;
}
