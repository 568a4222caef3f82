/* SPDX-License-Identifier: MIT
 *
 * Header and segments. */
#include "core/driver/elf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Our own ELF header, which the linker provides: what a driver must agree with. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

const char elf_no_memory[] = "no memory to check it";

const char *elf_flaw(struct elf *elf, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(elf->flaw, sizeof elf->flaw, format, arguments);
    va_end(arguments);
    return elf->flaw;
}

bool elf_read(const struct elf *elf, void *buf, uint64_t length, uint64_t offset)
{
    if (offset > elf->size || length > elf->size - offset)
        return false;
    for (uint64_t done = 0; done < length;) {
        ssize_t n = pread(elf->fd, (char *)buf + done, length - done, (off_t)(offset + done));
        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        done += n > 0 ? (uint64_t)n : 0;
    }
    return true;
}

const void *elf_at(const struct elf *elf, uint64_t address, uint64_t length, size_t alignment)
{
    if (address % alignment != 0)
        return NULL;
    for (size_t i = 0; i < elf->n_loads; i++) {
        const ElfW(Phdr) *load = elf->loads[i].header;
        if ((load->p_flags & PF_R) != 0 && elf_contains(load->p_vaddr, load->p_filesz, address, length))
            return elf->loads[i].bytes + (address - load->p_vaddr);
    }
    return NULL;
}

bool elf_is_mapped(const struct elf *elf, uint64_t address, uint64_t length, uint32_t flags)
{
    for (size_t i = 0; i < elf->n_loads; i++) {
        const ElfW(Phdr) *load = elf->loads[i].header;
        if ((load->p_flags & flags) == flags && elf_contains(load->p_vaddr, load->p_memsz, address, length))
            return true;
    }
    return false;
}

bool elf_is_own_machines(const struct elf *elf)
{
    return elf->header.e_machine == __ehdr_start.e_machine;
}

static const char *check_header(const struct elf *elf, uint16_t machine)
{
    const ElfW(Ehdr) *header = &elf->header, *own = &__ehdr_start;
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return "it is not an ELF file";
    if (header->e_ident[EI_CLASS] != own->e_ident[EI_CLASS])
        return "it is an ELF file of another word size";
    if (header->e_ident[EI_DATA] != own->e_ident[EI_DATA])
        return "it is an ELF file of another byte order";
    if (machine != ELF_OWN_MACHINE ? header->e_machine != machine : !elf_is_own_machines(elf))
        return "it is an ELF file for another machine";
    if (header->e_type == ET_EXEC)
        return "it is a program, not a shared object";
    if (header->e_type != ET_DYN)
        return "it is an ELF file, but not a shared object";
    if (header->e_phentsize != sizeof(ElfW(Phdr)) || header->e_phnum == 0 || header->e_phnum > ELF_SEGMENTS_MAX)
        return "it is an ELF file with a damaged header";
    return NULL;
}

/* Whether dlopen can map the segment behind the one before it. Linkers write them in ascending order, of addresses and
 * of offsets, and none shares a page with another. */
static const char *check_load(const struct elf *elf, const ElfW(Phdr) * load, const ElfW(Phdr) * before)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), align = load->p_align;
    if (load->p_offset > elf->size || load->p_filesz > elf->size - load->p_offset)
        return "it is cut off";
    bool is_aligned = align >= page && (align & (align - 1)) == 0 && (load->p_vaddr - load->p_offset) % align == 0;
    if (!is_aligned || load->p_memsz == 0 || load->p_filesz > load->p_memsz || load->p_vaddr > PTRDIFF_MAX - page ||
        load->p_memsz > PTRDIFF_MAX - page - load->p_vaddr)
        return "it is damaged: a segment cannot be mapped";
    if (before == NULL)
        return NULL;
    uint64_t before_end = (before->p_vaddr + before->p_memsz + page - 1) / page * page;
    if (load->p_vaddr / page * page < before_end || load->p_offset < before->p_offset + before->p_filesz)
        return "it is damaged: its segments overlap";
    return NULL;
}

/* Finds, checks and reads the PT_LOAD segments. */
static const char *read_loads(struct elf *elf)
{
    const ElfW(Phdr) *before = NULL;
    uint64_t total = 0;
    for (size_t i = 0; i < elf->header.e_phnum; i++) {
        const ElfW(Phdr) *load = &elf->segments[i];
        if (load->p_type != PT_LOAD)
            continue;
        const char *flaw = check_load(elf, load, before);
        if (flaw != NULL)
            return flaw;
        total += load->p_filesz + 2 * sizeof(uint64_t);
        elf->loads[elf->n_loads++].header = before = load;
    }
    elf->bytes = malloc(total + 1);
    if (elf->bytes == NULL)
        return elf_no_memory;
    unsigned char *next = elf->bytes;
    for (size_t i = 0; i < elf->n_loads; i++) {
        const ElfW(Phdr) *load = elf->loads[i].header;
        next += (load->p_vaddr - (uintptr_t)next) % sizeof(uint64_t); /* as aligned as it will be */
        if (!elf_read(elf, next, load->p_filesz, load->p_offset))
            return "it is cut off";
        elf->loads[i].bytes = next;
        next += load->p_filesz;
        elf->end = load->p_vaddr + load->p_memsz;
    }
    return NULL;
}

/* dlopen looks for properties (of control flow) among the notes, by their addresses. */
static bool notes_are_sound(const struct elf *elf, const ElfW(Phdr) * segment)
{
    const unsigned char *notes = elf_at(elf, segment->p_vaddr, segment->p_memsz, 1);
    uint64_t align = segment->p_align == 8 ? 8 : 4, at = 0;
    while (notes != NULL && segment->p_memsz - at >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note;
        memcpy(&note, notes + at, sizeof note);
        uint64_t name = at + sizeof note;
        uint64_t description = (name + note.n_namesz + align - 1) / align * align;
        uint64_t end = description + note.n_descsz;
        if (end > segment->p_memsz)
            return false;
        at = (end + align - 1) / align * align;
        if (at > segment->p_memsz)
            break;
    }
    return notes != NULL;
}

/* dlopen makes these pages read-only after it has relocated them. */
static bool relro_is_sound(const struct elf *elf, const ElfW(Phdr) * segment)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < elf->n_loads; i++) {
        const ElfW(Phdr) *load = elf->loads[i].header;
        uint64_t pages = (load->p_vaddr + load->p_memsz + page - 1) / page * page;
        if ((load->p_flags & PF_W) != 0 &&
            elf_contains(load->p_vaddr, pages - load->p_vaddr, segment->p_vaddr, segment->p_memsz))
            return true;
    }
    return false;
}

static const char *check_segment(struct elf *elf, const ElfW(Phdr) * segment)
{
    const uint64_t headers_size = elf->header.e_phnum * sizeof elf->segments[0], align = segment->p_align;
    switch (segment->p_type) {
    case PT_NOTE:
    case PT_GNU_PROPERTY:
        return segment->p_memsz == 0 || notes_are_sound(elf, segment) ? NULL : "it is damaged: its notes";
    case PT_GNU_RELRO:
        return relro_is_sound(elf, segment) ? NULL : "it is damaged: its read-only segment";
    case PT_PHDR: {
        const void *headers = elf_at(elf, segment->p_vaddr, headers_size, 1);
        return headers != NULL && memcmp(headers, elf->segments, headers_size) == 0
                   ? NULL
                   : "it is damaged: its program headers";
    }
    case PT_TLS:
        if (segment->p_memsz == 0)
            return NULL;
        if (elf->tls_size != 0 || segment->p_filesz > segment->p_memsz || segment->p_memsz > INT32_MAX ||
            (align & (align - 1)) != 0 || align > 65536 ||
            (segment->p_filesz > 0 && elf_at(elf, segment->p_vaddr, segment->p_filesz, 1) == NULL))
            return "it is damaged: its thread-local variables";
        elf->tls_size = segment->p_memsz;
        return NULL;
    default:
        return NULL;
    }
}

static const char *check_segments(struct elf *elf)
{
    const char *flaw = read_loads(elf);
    const ElfW(Phdr) *dynamic = NULL;
    uint32_t stack = PF_X; /* without a PT_GNU_STACK dlopen(3) makes the stack executable */
    for (size_t i = 0; flaw == NULL && i < elf->header.e_phnum; i++) {
        const ElfW(Phdr) *segment = &elf->segments[i];
        flaw = check_segment(elf, segment);
        if (segment->p_type == PT_GNU_STACK)
            stack = segment->p_flags;
        if (segment->p_type == PT_DYNAMIC && dynamic != NULL)
            return "it is damaged: it has two dynamic sections";
        if (segment->p_type == PT_DYNAMIC)
            dynamic = segment;
    }
    if (flaw == NULL)
        flaw = dynamic == NULL ? "it is an ELF file without a dynamic section" : elf_check_tables(elf, dynamic);
    if (flaw == NULL)
        flaw = elf_check_calls(elf);
    if (flaw == NULL)
        flaw = elf_check_code(elf);
    if (flaw == NULL && (stack & PF_X) != 0)
        flaw = "it is built with an executable stack: link it with -z noexecstack";
    return flaw;
}

static const char *check_file(struct elf *elf, uint16_t machine)
{
    if (elf->size < sizeof elf->header)
        return elf->size == 0 ? "it is empty" : "it is too short for an ELF file";
    if (!elf_read(elf, &elf->header, sizeof elf->header, 0))
        return "it is not readable";
    const char *flaw = check_header(elf, machine);
    if (flaw != NULL)
        return flaw;
    if (!elf_read(elf, elf->segments, elf->header.e_phnum * sizeof elf->segments[0], elf->header.e_phoff))
        return "it is cut off";
    return check_segments(elf);
}

int elf_open(struct elf *elf, int fd, const char *path, uint16_t machine, char reason[FILE_REASON])
{
    struct stat status;
    memset(elf, 0, sizeof *elf);
    elf->fd = fd;
    if (fstat(fd, &status) < 0) {
        snprintf(reason, FILE_REASON, "%.400s: %s", path, strerror(errno));
        return -EIO;
    }
    elf->size = (uint64_t)status.st_size;
    const char *flaw = check_file(elf, machine);
    if (flaw == NULL)
        return 0;
    snprintf(reason, FILE_REASON, flaw == elf_no_memory ? "%.400s: %s" : "%.400s is no driver: %s", path, flaw);
    return flaw == elf_no_memory ? -ENOMEM : -ENOEXEC;
}

void elf_close(struct elf *elf)
{
    free(elf->bytes);
    free(elf->exposed);
    free(elf->relocations);
    elf->bytes = elf->exposed = NULL;
    elf->relocations = NULL;
}
