/* SPDX-License-Identifier: MIT
 *
 * The one check of code that does not run it: whether there is any. */
#include "core/driver/elf.h"

/* As many zeros in a row are in no compiler's code, nor in the constants of assembler code. */
#define CODE_ZEROS_MAX 64

/* As many zeros are at the beginning of no function. */
#if defined __x86_64__ || defined __i386__
#define INSTRUCTION_SIZE 2
#else
#define INSTRUCTION_SIZE 4
#endif

/* The length of the longest run of zeros. */
static uint64_t zeros_in(const unsigned char *bytes, uint64_t length)
{
    uint64_t longest = 0, run = 0;
    for (uint64_t i = 0; i < length; i++) {
        run = bytes[i] == 0 ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

bool elf_is_code(const struct elf *elf, uint64_t address)
{
    for (size_t i = 0; i < elf->n_loads; i++) {
        const ElfW(Phdr) *load = elf->loads[i].header;
        if ((load->p_flags & PF_X) == 0 || !elf_contains(load->p_vaddr, load->p_filesz, address, 4))
            continue;
        const unsigned char *code = elf->loads[i].bytes + (address - load->p_vaddr);
        uint64_t length = load->p_filesz - (address - load->p_vaddr);
        return zeros_in(code, INSTRUCTION_SIZE) < INSTRUCTION_SIZE && zeros_in(code, length < 32 ? length : 32) < 16;
    }
    return false;
}

/* Code that was zeroed, as in a file that was not written to its end before a power cut. Linkers may leave zeros
 * between sections; without section headers, which dlopen does not need, they are not told from zeroed code. */
const char *elf_check_code(struct elf *elf)
{
    const ElfW(Ehdr) *header = &elf->header;
    if (header->e_shentsize != sizeof(ElfW(Shdr)))
        return NULL;
    for (size_t i = 0; i < header->e_shnum; i++) {
        ElfW(Shdr) section;
        if (!elf_read(elf, &section, sizeof section, header->e_shoff + i * sizeof section))
            return NULL;
        if (section.sh_type != SHT_PROGBITS || (section.sh_flags & SHF_EXECINSTR) == 0)
            continue;
        const unsigned char *code = elf_at(elf, section.sh_addr, section.sh_size, 1);
        if (code != NULL && zeros_in(code, section.sh_size) >= CODE_ZEROS_MAX)
            return "it is damaged: a part of its code is zeros";
    }
    return NULL;
}
