/* SPDX-License-Identifier: MIT
 *
 * The driver's data as it will be when dlopen(3) has relocated it, read without that. */
#include <string.h>

#include "core/driver/elf_relocations.h"

const void *elf_data(const struct elf *elf, uint64_t address, uint64_t length, size_t alignment)
{
    const void *bytes = elf_at(elf, address, length, alignment);
    return bytes != NULL && elf_relocation_in(elf, address, length) == NULL ? bytes : NULL;
}

const char *elf_text(const struct elf *elf, uint64_t address)
{
    for (size_t i = 0; i < elf->n_loads; i++) {
        const ElfW(Phdr) *load = elf->loads[i].header;
        if ((load->p_flags & PF_R) == 0 || !elf_contains(load->p_vaddr, load->p_filesz, address, 1))
            continue;
        const uint64_t offset = address - load->p_vaddr;
        const char *text = (const char *)elf->loads[i].bytes + offset;
        const char *end = memchr(text, '\0', load->p_filesz - offset);
        return end != NULL ? elf_data(elf, address, (uint64_t)(end - text) + 1, 1) : NULL;
    }
    return NULL;
}

bool elf_pointer(const struct elf *elf, uint64_t address, uint64_t *target)
{
    if (elf_at(elf, address, sizeof(uint64_t), sizeof(uint64_t)) == NULL)
        return false;
    const struct relocation *relocation = elf_relocation_in(elf, address, sizeof(uint64_t));
    if (relocation == NULL) {
        *target = 0;
        return elf_word_at(elf, address) == 0;
    }
    if (relocation->kind != KIND_RELATIVE || relocation->address != address)
        return false;
    *target = relocation->addend;
    return true;
}

const char *elf_needed_symbol(const struct elf *elf, uint64_t address, uint64_t length, bool *is_own)
{
    for (const uint64_t end = address + length; address < end;) {
        const struct relocation *relocation = elf_relocation_in(elf, address, end - address);
        if (relocation == NULL)
            return NULL;
        if (relocation->kind != KIND_RELATIVE) {
            *is_own = elf->symbols[relocation->symbol].st_shndx != SHN_UNDEF;
            return elf->strings + elf->symbols[relocation->symbol].st_name;
        }
        address = relocation->address + relocation_width(relocation);
    }
    return NULL;
}

bool elf_agrees(const struct elf *elf, uintptr_t base, uint64_t address, uint64_t length)
{
    const unsigned char *bytes = elf_at(elf, address, length, 1), *mapped = (const unsigned char *)(base + address);
    if (bytes == NULL)
        return false;
    for (uint64_t done = 0; done < length;) {
        const struct relocation *relocation = elf_relocation_in(elf, address + done, length - done);
        const uint64_t plain_end = relocation != NULL ? relocation->address - address : length;
        if (relocation != NULL && (relocation->kind != KIND_RELATIVE || relocation->address < address + done ||
                                   length - plain_end < sizeof(uint64_t)))
            return false;
        if (memcmp(mapped + done, bytes + done, plain_end - done) != 0)
            return false;
        done = plain_end;
        if (relocation == NULL)
            continue;
        const uint64_t word = base + relocation->addend;
        if (memcmp(mapped + done, &word, sizeof word) != 0)
            return false;
        done += sizeof word;
    }
    return true;
}
