/* SPDX-License-Identifier: MIT
 *
 * The description that is mapped, compared with the one in the file. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/driver/description.h"
#include "core/driver/description_members.h"

/* A member of a table whose pointer or text is not mapped as it is in the file, or NULL. */
static const char *differing_member(const struct elf *elf, uintptr_t base, uint64_t address, uint64_t size,
                                    const struct member *members, size_t n_members)
{
    for (size_t i = 0; i < n_members; i++) {
        const uint64_t at = address + members[i].offset;
        uint64_t target = 0;
        if (members[i].offset + sizeof target > size)
            continue;
        if (!elf_agrees(elf, base, at, sizeof target))
            return members[i].name;
        const char *text = elf_pointer(elf, at, &target) && target != 0 ? elf_text(elf, target) : NULL;
        if (text != NULL && !elf_agrees(elf, base, target, strlen(text) + 1))
            return members[i].name;
    }
    return NULL;
}

static const char *differing_option(const struct elf *elf, uintptr_t base, uint64_t address, uint64_t option_size,
                                    const struct trale_option *options)
{
    for (; options->name != NULL; options++, address += option_size)
        if (differing_member(elf, base, address, option_size, option_texts, N_ELEMENTS(option_texts)) != NULL ||
            !elf_agrees(elf, base, address, option_size))
            return options->name;
    return elf_agrees(elf, base, address, sizeof(char *)) ? NULL : "options";
}

static const char *difference(const struct elf *elf, uintptr_t base, const struct trale_driver *description)
{
    const uint64_t address = elf->description->st_value, size = description->size;
    const struct trale_driver *found = elf_at(elf, address, size, sizeof(uint64_t));
    uint64_t options = 0;
    if (found == NULL)
        return "description";
    const char *which = differing_member(elf, base, address, size, texts, N_ELEMENTS(texts));
    if (which == NULL)
        which = differing_member(elf, base, address, size, functions, N_ELEMENTS(functions));
    if (which == NULL && !elf_agrees(elf, base, address, size))
        which = "description";
    elf_pointer(elf, address + offsetof(struct trale_driver, options), &options);
    if (which == NULL && options != 0)
        which = differing_option(elf, base, options, found->option_size, description->options);
    return which;
}

int description_map(const struct elf *elf, uintptr_t base, const char *path, struct trale_driver *description,
                    char reason[FILE_REASON])
{
    const char *which = difference(elf, base, description);
    if (which != NULL) {
        snprintf(
            reason, FILE_REASON,
            "%.400s: its description was changed while it was loaded, by a constructor or in the file: '%.200s' is "
            "not what it was when it was read",
            path, which);
        return -ENOEXEC;
    }
    for (size_t i = 0; i < N_ELEMENTS(functions); i++) {
        uintptr_t address = member_get(description, functions[i].offset);
        if (address != 0)
            member_set(description, functions[i].offset, base + address);
    }
    return 0;
}
