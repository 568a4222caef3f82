/* SPDX-License-Identifier: MIT
 *
 * The one check of code that does not run it: whether there is any. */
#include "core/driver/elf.h"

#include <string.h>

/* As many zeros in a row are in no code. Constants among the code of libcrypto have 65. */
#define CODE_ZEROS_MAX 96

/* As many are not near a function that is called when the driver is loaded: padding is shorter. */
#define NEAR_ZEROS_MAX 20

/* Linkers for aarch64 may fill the space before an aligned function with zeros; those for x86-64 do not. */
static uint64_t padding_of(const struct elf *elf, const ElfW(Shdr) * section)
{
    return elf->header.e_machine != EM_X86_64 && section->sh_addralign > 0 ? section->sh_addralign : 1;
}

/* The length of the longest run of zeros in a part of a section, without those that the alignment explains. */
static uint64_t zeros_in(const struct elf *elf, const ElfW(Shdr) * section, uint64_t address, uint64_t length)
{
    const unsigned char *bytes = elf_at(elf, address, length, 1);
    const uint64_t padding = padding_of(elf, section);
    uint64_t longest = 0, run = 0;
    for (uint64_t i = 0; i < length; i++) {
        if (run > 0 && run < padding && (address + i) % padding == 0)
            run = 0;
        run += bytes[i] == 0;
        if (bytes[i] == 0 && i + 1 < length)
            continue;
        longest = run > longest ? run : longest;
        run = 0;
    }
    return longest;
}

/* Reads the i-th section header; false if it is none of code. Linkers may leave zeros between sections. */
static bool read_code_section(const struct elf *elf, size_t i, ElfW(Shdr) * section)
{
    return elf->header.e_shentsize == sizeof *section &&
           elf_read(elf, section, sizeof *section, elf->header.e_shoff + i * sizeof *section) &&
           section->sh_type == SHT_PROGBITS && (section->sh_flags & SHF_EXECINSTR) != 0 &&
           elf_at(elf, section->sh_addr, section->sh_size, 1) != NULL;
}

/* Whether the code around the address is there: what its function calls first is most often just before it. */
static bool is_whole_around(const struct elf *elf, uint64_t address)
{
    ElfW(Shdr) section;
    for (size_t i = 0; i < elf->header.e_shnum; i++) {
        if (!read_code_section(elf, i, &section) || !elf_contains(section.sh_addr, section.sh_size, address, 1))
            continue;
        uint64_t before = address - section.sh_addr, after = section.sh_size - before;
        before = before < 128 ? before : 128;
        after = after < 16 ? after : 16;
        return zeros_in(elf, &section, address - before, before + after) < NEAR_ZEROS_MAX;
    }
    return true; /* dlopen needs no section headers */
}

bool elf_is_code(const struct elf *elf, uint64_t address)
{
    static const unsigned char zeros[4];
    const size_t instruction_size = elf->header.e_machine == EM_X86_64 ? 2 : 4; /* the least that a function has */
    for (size_t i = 0; i < elf->n_loads; i++) {
        const ElfW(Phdr) *load = elf->loads[i].header;
        if ((load->p_flags & PF_X) == 0 || !elf_contains(load->p_vaddr, load->p_filesz, address, instruction_size))
            continue;
        const unsigned char *code = elf->loads[i].bytes + (address - load->p_vaddr);
        return memcmp(code, zeros, instruction_size) != 0 && is_whole_around(elf, address);
    }
    return false;
}

/* Code that was zeroed, as in a file that was not written to its end before a power cut. */
const char *elf_check_code(struct elf *elf)
{
    ElfW(Shdr) section;
    for (size_t i = 0; i < elf->header.e_shnum; i++)
        if (read_code_section(elf, i, &section) &&
            zeros_in(elf, &section, section.sh_addr, section.sh_size) >= CODE_ZEROS_MAX)
            return "it is damaged: a part of its code is zeros";
    return NULL;
}
