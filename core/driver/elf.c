/* SPDX-License-Identifier: MIT
 *
 * A look at a shared object before dlopen(3) maps it, which would end the process with SIGBUS where the file is cut
 * off, and says little where it is for another machine. */
#include "core/driver/elf.h"

#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define N_HEADERS_MAX 128
#define N_DYNAMIC_MAX 512

/* Our own ELF header, which the linker provides: what a driver must agree with. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

struct elf {
    int fd;
    uint64_t size;
    ElfW(Ehdr) header;
    ElfW(Phdr) segments[N_HEADERS_MAX];
};

static bool elf_read(const struct elf *elf, void *buf, uint64_t length, uint64_t offset)
{
    if (offset > elf->size || length > elf->size - offset)
        return false;
    return pread(elf->fd, buf, length, (off_t)offset) == (ssize_t)length;
}

static const char *check_header(const struct elf *elf)
{
    const ElfW(Ehdr) *header = &elf->header, *own = &__ehdr_start;
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return "not an ELF file";
    if (header->e_ident[EI_CLASS] != own->e_ident[EI_CLASS])
        return "an ELF file of another word size";
    if (header->e_ident[EI_DATA] != own->e_ident[EI_DATA])
        return "an ELF file of another byte order";
    if (header->e_machine != own->e_machine)
        return "an ELF file for another machine";
    if (header->e_type == ET_EXEC)
        return "a program, not a shared object";
    if (header->e_type != ET_DYN)
        return "an ELF file, but not a shared object";
    if (header->e_phentsize != sizeof(ElfW(Phdr)) || header->e_phnum == 0 || header->e_phnum > N_HEADERS_MAX)
        return "an ELF file with a damaged header";
    return NULL;
}

static const char *check_dynamic(const struct elf *elf, const ElfW(Phdr) * segment)
{
    ElfW(Dyn) entries[N_DYNAMIC_MAX];
    uint64_t n_entries = segment->p_filesz / sizeof entries[0];
    if (n_entries > N_DYNAMIC_MAX)
        n_entries = N_DYNAMIC_MAX;
    if (!elf_read(elf, entries, n_entries * sizeof entries[0], segment->p_offset))
        return "cut off";
    for (uint64_t i = 0; i < n_entries && entries[i].d_tag != DT_NULL; i++)
        if (entries[i].d_tag == DT_FLAGS_1 && (entries[i].d_un.d_val & DF_1_PIE) != 0)
            return "a program, not a shared object";
    return NULL;
}

static const char *check_segments(const struct elf *elf)
{
    const char *flaw = "an ELF file without a dynamic section";
    uint32_t stack = PF_X; /* without a word about it dlopen(3) makes the stack executable */
    for (size_t i = 0; i < elf->header.e_phnum; i++) {
        const ElfW(Phdr) *segment = &elf->segments[i];
        if (segment->p_type == PT_GNU_STACK)
            stack = segment->p_flags;
        if (segment->p_type != PT_LOAD && segment->p_type != PT_DYNAMIC)
            continue;
        if (segment->p_offset > elf->size || segment->p_filesz > elf->size - segment->p_offset)
            return "cut off";
        if (segment->p_type == PT_DYNAMIC) {
            flaw = check_dynamic(elf, segment);
            if (flaw != NULL)
                return flaw;
        }
    }
    if (flaw == NULL && (stack & PF_X) != 0)
        flaw = "built with an executable stack: link it with -z noexecstack";
    return flaw;
}

static const char *elf_check(struct elf *elf)
{
    if (elf->size < sizeof elf->header)
        return elf->size == 0 ? "empty" : "too short for an ELF file";
    if (!elf_read(elf, &elf->header, sizeof elf->header, 0))
        return "not readable";
    const char *flaw = check_header(elf);
    if (flaw != NULL)
        return flaw;
    if (!elf_read(elf, elf->segments, elf->header.e_phnum * sizeof elf->segments[0], elf->header.e_phoff))
        return "cut off";
    return check_segments(elf);
}

int elf_check_shared_object(int fd, const char *path, char reason[FILE_REASON])
{
    struct stat status;
    if (fstat(fd, &status) < 0) {
        snprintf(reason, FILE_REASON, "%.400s: %s", path, strerror(errno));
        return -EIO;
    }
    struct elf elf = {.fd = fd, .size = (uint64_t)status.st_size};
    const char *flaw = elf_check(&elf);
    if (flaw == NULL)
        return 0;
    snprintf(reason, FILE_REASON, "%.400s is no driver: it is %s", path, flaw);
    return -ENOEXEC;
}
