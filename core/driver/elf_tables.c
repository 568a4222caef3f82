/* SPDX-License-Identifier: MIT
 *
 * The dynamic section, and the tables by which dlopen(3) finds names: strings, symbols and their hash tables. */
#include "core/driver/elf.h"

#include <stdlib.h>
#include <string.h>

#include <trale/driver.h>

#define DT_ANDROID_REL 0x6000000f
#define DT_ANDROID_RELA 0x60000011
#define DT_ANDROID_RELR 0x6fffe000

bool elf_tag(const struct elf *elf, int64_t tag, uint64_t *value)
{
    for (size_t i = elf->n_dynamic; i-- > 0;)
        if (elf->dynamic[i].d_tag == tag) {
            *value = elf->dynamic[i].d_un.d_val;
            return true;
        }
    return false;
}

static bool has_tag(const struct elf *elf, int64_t tag)
{
    uint64_t value;
    return elf_tag(elf, tag, &value);
}

/* dlopen goes by the address of the dynamic section, to its DT_NULL, and writes into it. */
static const char *read_dynamic(struct elf *elf, const ElfW(Phdr) * segment)
{
    uint64_t size = segment->p_filesz < segment->p_memsz ? segment->p_filesz : segment->p_memsz;
    elf->dynamic_address = segment->p_vaddr;
    elf->dynamic = elf_at(elf, segment->p_vaddr, size, sizeof(ElfW(Addr)));
    if (elf->dynamic == NULL || !elf_is_mapped(elf, segment->p_vaddr, segment->p_memsz, PF_R | PF_W))
        return "it is damaged: its dynamic section is outside of its data";
    size_t n = size / sizeof elf->dynamic[0];
    while (elf->n_dynamic < n && elf->dynamic[elf->n_dynamic].d_tag != DT_NULL)
        elf->n_dynamic++;
    if (elf->n_dynamic == 0 || elf->n_dynamic == n)
        return "it is damaged: its dynamic section has no entries or no end";
    return NULL;
}

static const char *read_strings(struct elf *elf)
{
    uint64_t address;
    if (!elf_tag(elf, DT_STRTAB, &address) || !elf_tag(elf, DT_STRSZ, &elf->strings_size) || elf->strings_size == 0 ||
        (elf->strings = elf_at(elf, address, elf->strings_size, 1)) == NULL ||
        elf->strings[elf->strings_size - 1] != '\0')
        return "it is damaged: its strings";
    return NULL;
}

/* What the driver asks dlopen to do beside mapping it. */
static const char *check_requests(struct elf *elf)
{
    uint64_t flags = 0;
    if (elf_tag(elf, DT_FLAGS_1, &flags) && (flags & DF_1_PIE) != 0)
        return "it is a program, not a shared object";
    if ((flags & DF_1_NOOPEN) != 0)
        return "it is linked with -z nodlopen";
    flags = 0;
    if (has_tag(elf, DT_TEXTREL) || (elf_tag(elf, DT_FLAGS, &flags) && (flags & DF_TEXTREL) != 0))
        return "it has relocations in its code: compile it with -fPIC";
    if (has_tag(elf, DT_ANDROID_REL) || has_tag(elf, DT_ANDROID_RELA) || has_tag(elf, DT_ANDROID_RELR))
        return "it has packed relocations that only Android reads: link it with -z pack-relative-relocs instead";
    if (has_tag(elf, DT_AUXILIARY) || has_tag(elf, DT_FILTER))
        return "it is a filter of another library (ld -f, -F)";
    for (size_t i = 0; i < elf->n_dynamic; i++) {
        int64_t tag = elf->dynamic[i].d_tag;
        uint64_t value = elf->dynamic[i].d_un.d_val;
        if (tag != DT_NEEDED && tag != DT_SONAME && tag != DT_RPATH && tag != DT_RUNPATH)
            continue;
        if (value >= elf->strings_size)
            return "it is damaged: a name in its dynamic section";
        const char *text = elf->strings + value;
        if (tag == DT_RPATH || tag == DT_RUNPATH)
            return elf_flaw(elf, "it has the %s '%.200s', and what lies there is not checked: link it without -rpath",
                            tag == DT_RPATH ? "RPATH" : "RUNPATH", text);
        /* dlopen replaces $ORIGIN and $LIB in the name by paths. */
        if (tag == DT_NEEDED && (strpbrk(text, "/$") != NULL || text[0] == '\0'))
            return elf_flaw(elf, "it needs the library '%.200s' by a path: give that library a soname", text);
    }
    return NULL;
}

/* The table of DT_GNU_HASH. Each chain goes up to an entry whose lowest bit is set. Raises *n_symbols. */
static const char *check_gnu_hash(const struct elf *elf, uint64_t address, uint64_t *n_symbols)
{
    static const char flaw[] = "it is damaged: its hash table (GNU)";
    const uint32_t *head = elf_at(elf, address, 4 * sizeof *head, sizeof(ElfW(Addr)));
    if (head == NULL)
        return flaw;
    const uint64_t n_buckets = head[0], first = head[1], n_bloom = head[2];
    if (n_buckets == 0 || n_bloom == 0 || (n_bloom & (n_bloom - 1)) != 0 || head[3] >= 8 * sizeof(ElfW(Addr)))
        return flaw;
    uint64_t size = 4 * sizeof *head + n_bloom * sizeof(ElfW(Addr)) + n_buckets * sizeof *head;
    if (elf_at(elf, address, size, sizeof(ElfW(Addr))) == NULL)
        return flaw;
    const uint32_t *buckets = head + size / sizeof *head - n_buckets;
    uint64_t last = 0;
    for (uint64_t i = 0; i < n_buckets; i++) {
        if (buckets[i] != 0 && buckets[i] < first)
            return flaw;
        last = buckets[i] > last ? buckets[i] : last;
    }
    uint64_t n = last > 0 ? last : first;
    for (const uint32_t *chain; last > 0; last++) {
        chain = elf_at(elf, address + size + (last - first) * sizeof *chain, sizeof *chain, sizeof *chain);
        if (chain == NULL)
            return flaw;
        n = last + 1;
        if ((*chain & 1) != 0)
            break;
    }
    *n_symbols = n > *n_symbols ? n : *n_symbols;
    return NULL;
}

/* The table of DT_HASH. No symbol may be in it twice, or dlopen could go in circles. Raises *n_symbols. */
static const char *check_hash(const struct elf *elf, uint64_t address, uint64_t *n_symbols)
{
    const char *flaw = "it is damaged: its hash table";
    const uint32_t *head = elf_at(elf, address, 2 * sizeof *head, sizeof *head);
    if (head == NULL || head[0] == 0 || head[1] == 0)
        return flaw;
    const uint64_t n_links = (uint64_t)head[0] + head[1];
    if (elf_at(elf, address, (2 + n_links) * sizeof *head, sizeof *head) == NULL)
        return flaw;
    unsigned char *seen = calloc(head[1], 1);
    if (seen == NULL)
        return elf_no_memory;
    uint64_t i = 0;
    for (; i < n_links; i++) {
        uint32_t next = head[2 + i];
        if (next >= head[1] || (next != 0 && seen[next]++ != 0))
            break;
    }
    free(seen);
    *n_symbols = head[1] > *n_symbols ? head[1] : *n_symbols;
    return i == n_links ? NULL : flaw;
}

static const char *read_symbols(struct elf *elf)
{
    uint64_t address, size, gnu_hash = 0, hash = 0;
    const char *flaw = NULL;
    bool has_gnu_hash = elf_tag(elf, DT_GNU_HASH, &gnu_hash), has_hash = elf_tag(elf, DT_HASH, &hash);
    if (!has_gnu_hash && !has_hash)
        return "it is damaged: it has no hash table";
    if (has_gnu_hash)
        flaw = check_gnu_hash(elf, gnu_hash, &elf->n_symbols);
    if (flaw == NULL && has_hash)
        flaw = check_hash(elf, hash, &elf->n_symbols);
    if (flaw != NULL)
        return flaw;
    if (!elf_tag(elf, DT_SYMTAB, &address) || !elf_tag(elf, DT_SYMENT, &size) || size != sizeof elf->symbols[0] ||
        (elf->symbols = elf_at(elf, address, elf->n_symbols * size, sizeof(ElfW(Addr)))) == NULL)
        return "it is damaged: its symbols";
    return NULL;
}

static const char *check_description(struct elf *elf, const ElfW(Sym) * symbol)
{
    if (symbol->st_shndx == SHN_UNDEF)
        return "its '" TRALE_DRIVER_SYMBOL "' is not in this file: it is in a library that it needs";
    if (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC)
        return "its '" TRALE_DRIVER_SYMBOL "' is a function: it must be what TRALE_DRIVER() defines";
    if (ELF64_ST_TYPE(symbol->st_info) != STT_OBJECT || ELF64_ST_BIND(symbol->st_info) != STB_GLOBAL ||
        symbol->st_size < 2 * sizeof(uint32_t) || symbol->st_value % sizeof(void *) != 0 ||
        !elf_is_mapped(elf, symbol->st_value, symbol->st_size, PF_R))
        return "its '" TRALE_DRIVER_SYMBOL "' is not an object: it must be what TRALE_DRIVER() defines";
    if (elf_at(elf, symbol->st_value, symbol->st_size, 1) == NULL)
        return "its '" TRALE_DRIVER_SYMBOL "' is not in the file, and zero when it is loaded (.bss)";
    elf->description = symbol;
    return NULL;
}

/* dlopen resolves each symbol that a relocation names, and calls those that are ifuncs. */
static const char *check_symbols(struct elf *elf)
{
    for (uint64_t i = 0; i < elf->n_symbols; i++) {
        const ElfW(Sym) *symbol = &elf->symbols[i];
        if (symbol->st_name >= elf->strings_size)
            return "it is damaged: the name of a symbol";
        const char *name = elf->strings + symbol->st_name;
        if (strcmp(name, TRALE_DRIVER_SYMBOL) == 0) {
            const char *flaw = check_description(elf, symbol);
            if (flaw != NULL)
                return flaw;
        }
        bool is_public = ELF64_ST_BIND(symbol->st_info) != STB_LOCAL && (symbol->st_other & 3) == STV_DEFAULT;
        if (i > 0 && symbol->st_shndx == SHN_UNDEF && (name[0] == '\0' || !is_public))
            return "it is damaged: a symbol of another library";
        if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx == SHN_ABS)
            continue;
        if (ELF64_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC)
            return elf_flaw(elf, "it exports '%.200s', whose address a function chooses (ifunc)", name);
        if (symbol->st_value > (ELF64_ST_TYPE(symbol->st_info) == STT_TLS ? elf->tls_size : elf->end))
            return elf_flaw(elf, "it is damaged: the address of '%.200s'", name);
    }
    return elf->description != NULL ? NULL : "it has no symbol '" TRALE_DRIVER_SYMBOL "'";
}

const char *elf_next_export(const struct elf *elf, size_t *position)
{
    while (*position < elf->n_symbols) {
        const ElfW(Sym) *symbol = &elf->symbols[(*position)++];
        const int type = ELF64_ST_TYPE(symbol->st_info);
        const char *name = elf->strings + symbol->st_name;
        bool is_exported = symbol->st_shndx != SHN_UNDEF && symbol->st_shndx != SHN_ABS &&
                           ELF64_ST_BIND(symbol->st_info) == STB_GLOBAL && (symbol->st_other & 3) != STV_HIDDEN;
        if (is_exported && (type == STT_FUNC || type == STT_OBJECT || type == STT_TLS) && symbol != elf->description &&
            strncmp(name, "__", 2) != 0)
            return name;
    }
    return NULL;
}

const char *elf_check_tables(struct elf *elf, const ElfW(Phdr) * dynamic)
{
    static const char *(*const steps[])(struct elf *) = {
        read_strings, check_requests, read_symbols, check_symbols, elf_check_versions, elf_check_relocations,
    };
    const char *flaw = read_dynamic(elf, dynamic);
    for (size_t i = 0; flaw == NULL && i < sizeof steps / sizeof steps[0]; i++)
        flaw = steps[i](elf);
    return flaw;
}
