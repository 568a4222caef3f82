/* SPDX-License-Identifier: MIT */
#include "core/simulate/marks.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTION "trale_sometimes"

struct file {
    const char *bytes;
    size_t size;
};

/* The bytes [offset, offset + size) of the file, or NULL. */
static const void *part(const struct file *file, uint64_t offset, uint64_t size)
{
    return offset <= file->size && size <= file->size - offset ? file->bytes + offset : NULL;
}

/* The section of that name; NULL: there is none. */
static const Elf64_Shdr *find_section(const struct file *file, const char *name)
{
    const Elf64_Ehdr *head = part(file, 0, sizeof *head);
    if (head == NULL || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 || head->e_ident[EI_CLASS] != ELFCLASS64 ||
        head->e_shentsize != sizeof(Elf64_Shdr) || head->e_shstrndx >= head->e_shnum || head->e_shoff % 8 != 0)
        return NULL;
    const Elf64_Shdr *sections = part(file, head->e_shoff, (uint64_t)head->e_shnum * sizeof *sections);
    if (sections == NULL)
        return NULL;
    const Elf64_Shdr *names = &sections[head->e_shstrndx];
    const char *text = part(file, names->sh_offset, names->sh_size);
    for (size_t i = 0; text != NULL && i < head->e_shnum; i++) {
        uint32_t at = sections[i].sh_name;
        if (at < names->sh_size && names->sh_size - at > strlen(name) && strcmp(text + at, name) == 0)
            return &sections[i];
    }
    return NULL;
}

/* Reports have so much of a name. */
static void cut(char name[TRALE_SIM_MARK_NAME], const char *text, size_t length)
{
    length = length < TRALE_SIM_MARK_NAME ? length : TRALE_SIM_MARK_NAME - 1;
    memset(name, 0, TRALE_SIM_MARK_NAME);
    memcpy(name, text, length);
}

static struct simulate_mark *find(const struct simulate_marks *marks, const char name[TRALE_SIM_MARK_NAME])
{
    for (size_t i = 0; i < marks->n_items; i++)
        if (memcmp(marks->items[i].name, name, TRALE_SIM_MARK_NAME) == 0)
            return &marks->items[i];
    return NULL;
}

/* Adds the mark, if it is new. */
static int add(struct simulate_marks *marks, const char *text, size_t length)
{
    char name[TRALE_SIM_MARK_NAME];
    cut(name, text, length);
    if (length == 0 || find(marks, name) != NULL) /* the linker may pad with zeros */
        return 0;
    struct simulate_mark *items = reallocarray(marks->items, marks->n_items + 1, sizeof *items);
    if (items == NULL)
        return -ENOMEM;
    marks->items = items;
    memcpy(items[marks->n_items].name, name, sizeof name);
    items[marks->n_items++].n_runs = 0;
    return 0;
}

static int read_file(struct simulate_marks *marks, const struct file *file)
{
    const Elf64_Shdr *section = find_section(file, SECTION);
    const char *text = section != NULL ? part(file, section->sh_offset, section->sh_size) : NULL;
    const char *end = text != NULL ? text + section->sh_size : NULL;
    int r = 0;
    while (r == 0 && text < end) {
        size_t length = strnlen(text, (size_t)(end - text));
        r = add(marks, text, length);
        text += length + 1;
    }
    return r;
}

int simulate_marks_read(struct simulate_marks *marks, const char *path)
{
    struct stat status;
    int r = 0, fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    void *map = fstat(fd, &status) == 0 && status.st_size > 0
                    ? mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0)
                    : MAP_FAILED;
    close(fd);
    if (map != MAP_FAILED) {
        r = read_file(marks, &(struct file){map, (size_t)status.st_size});
        munmap(map, (size_t)status.st_size);
    }
    return r;
}

void simulate_marks_reached(struct simulate_marks *marks, const struct trale_sim_report *report)
{
    if (marks->n_items == 0 || report->magic != TRALE_SIM_REPORT_MAGIC)
        return;
    for (size_t i = 0; i < report->n_marks; i++) {
        struct simulate_mark *mark = report->marks[i].n_reached > 0 ? find(marks, report->marks[i].name) : NULL;
        if (mark != NULL)
            mark->n_runs++;
    }
}

void simulate_marks_deinit(struct simulate_marks *marks)
{
    free(marks->items);
}
