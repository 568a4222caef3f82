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

/* What is found of the versions. */
struct versions {
    uint32_t highest; /* index */
    bool is_glibc;    /* Some are of glibc. */
    bool has_relr;    /* One of them tells glibc that the file has packed relocations. */
};

/* The versions that are needed of one library: aux entries that begin at `address`. */
static bool check_needed_aux(const struct elf *elf, uint64_t address, uint32_t n, struct versions *versions)
{
    for (uint32_t i = 0; i < n; i++) {
        const ElfW(Vernaux) *aux = elf_at(elf, address, sizeof *aux, sizeof(uint32_t));
        if (aux == NULL || aux->vna_name >= elf->strings_size || (aux->vna_next == 0) != (i + 1 == n))
            return false;
        uint32_t index = aux->vna_other & INDEX_MASK;
        versions->highest = index > versions->highest ? index : versions->highest;
        versions->has_relr |= strcmp(elf->strings + aux->vna_name, "GLIBC_ABI_DT_RELR") == 0;
        address += aux->vna_next;
    }
    return n > 0;
}

static bool check_needed(const struct elf *elf, uint64_t address, uint64_t n, struct versions *versions)
{
    for (uint64_t i = 0; i < n; i++) {
        const ElfW(Verneed) *needed = elf_at(elf, address, sizeof *needed, sizeof(uint32_t));
        if (needed == NULL || needed->vn_version != VER_NEED_CURRENT || needed->vn_file >= elf->strings_size ||
            !is_needed(elf, needed->vn_file) || (needed->vn_next == 0) != (i + 1 == n) ||
            !check_needed_aux(elf, address + needed->vn_aux, needed->vn_cnt, versions))
            return false;
        versions->is_glibc |= strncmp(elf->strings + needed->vn_file, "libc.so.", 8) == 0;
        address += needed->vn_next;
    }
    return n > 0;
}

static bool check_defined(const struct elf *elf, uint64_t address, uint64_t n, struct versions *versions)
{
    for (uint64_t i = 0; i < n; i++) {
        const ElfW(Verdef) *defined = elf_at(elf, address, sizeof *defined, sizeof(uint32_t));
        if (defined == NULL || defined->vd_version != VER_DEF_CURRENT || (defined->vd_next == 0) != (i + 1 == n))
            return false;
        const ElfW(Verdaux) *aux = elf_at(elf, address + defined->vd_aux, sizeof *aux, sizeof(uint32_t));
        if (aux == NULL || aux->vda_name >= elf->strings_size)
            return false;
        uint32_t index = defined->vd_ndx & INDEX_MASK;
        versions->highest = index > versions->highest ? index : versions->highest;
        address += defined->vd_next;
    }
    return n > 0;
}

const char *elf_check_versions(struct elf *elf)
{
    static const char flaw[] = "it is damaged: the versions of its symbols";
    uint64_t needed, n_needed, defined, n_defined, address;
    struct versions versions = {0};
    bool has_needed = elf_tag(elf, DT_VERNEED, &needed), has_defined = elf_tag(elf, DT_VERDEF, &defined);
    if (has_needed && (!elf_tag(elf, DT_VERNEEDNUM, &n_needed) || !check_needed(elf, needed, n_needed, &versions)))
        return flaw;
    if (has_defined && (!elf_tag(elf, DT_VERDEFNUM, &n_defined) || !check_defined(elf, defined, n_defined, &versions)))
        return flaw;
    if (elf_tag(elf, DT_RELR, &address) && versions.is_glibc && !versions.has_relr && elf_is_own_machines(elf))
        return "it has packed relocations, and not the version GLIBC_ABI_DT_RELR, without which glibc does not load "
               "it: link it with -z pack-relative-relocs, not with --pack-dyn-relocs=relr";
    if (!elf_tag(elf, DT_VERSYM, &address))
        return versions.highest == 0 ? NULL : flaw;
    const uint16_t *indices = elf_at(elf, address, elf->n_symbols * sizeof *indices, sizeof *indices);
    if (indices == NULL || versions.highest == 0)
        return flaw;
    for (uint64_t i = 0; i < elf->n_symbols; i++)
        if ((indices[i] & INDEX_MASK) > versions.highest)
            return flaw;
    return NULL;
}
