/* SPDX-License-Identifier: MIT */
#include "core/driver/description.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trale/trale.h>

#include "core/base/words.h"
#include "core/config/option.h"
#include "core/driver/description_members.h"
#include "core/driver/interface_name.h"

/* The members of the first version: no driver has less. */
#define DESCRIPTION_SIZE_MIN (offsetof(struct trale_driver, before_wait) + sizeof(void *))
#define OPTION_SIZE_MIN (offsetof(struct trale_option, help) + sizeof(char *))
#define STRUCT_SIZE_MAX 4096
#define OPTIONS_MAX 1024

/* --- reading ------------------------------------------------------------------------------------------------------ */

struct reading {
    const struct elf *elf;
    char *why;  /* set by the functions that return false: what is wrong */
    int *error; /* -ENOEXEC, unless memory is out */
};

__attribute__((format(printf, 2, 3))) static bool fail(const struct reading *reading, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reading->why, FILE_REASON / 2, format, arguments);
    va_end(arguments);
    return false;
}

static bool fail_no_memory(const struct reading *reading)
{
    *reading->error = -ENOMEM;
    return fail(reading, "%s", elf_no_memory);
}

/* Whether what is there is known without any other file, the program's included. */
static bool needs_nothing(const struct reading *reading, uint64_t address, uint64_t length, const char *what)
{
    bool is_own;
    const char *symbol = elf_needed_symbol(reading->elf, address, length, &is_own);
    if (symbol == NULL)
        return true;
    if (is_own)
        return fail(reading,
                    "%s points to '%.200s', which is exported, so the program's or a library's may take its place: "
                    "make it static, or compile with -fvisibility=hidden",
                    what, symbol);
    return fail(reading, "%s points to '%.200s', which is not in this file: all of the description must be", what,
                symbol);
}

/* Copies `size` bytes of a table from the file: its pointers to texts become pointers into elf's bytes, its other
 * pointers addresses in the file. */
static bool read_texts(const struct reading *reading, uint64_t address, uint64_t size, const struct member *members,
                       size_t n_members, void *table, const char *what)
{
    for (size_t i = 0; i < n_members; i++) {
        const struct member *member = &members[i];
        uint64_t target = 0;
        const char *text = NULL;
        if (member->offset + sizeof target > size)
            continue;
        bool is_pointer = elf_pointer(reading->elf, address + member->offset, &target);
        if (is_pointer && target == 0 && !member->is_optional)
            return fail(reading, "%s has no %s", what, member->name);
        if (!is_pointer || (target != 0 && (text = elf_text(reading->elf, target)) == NULL))
            return fail(reading, "the %s in %s is no text in the file", member->name, what);
        member_set(table, member->offset, (uintptr_t)text);
    }
    return true;
}

static bool read_functions(const struct reading *reading, uint64_t address, uint64_t size,
                           struct trale_driver *description)
{
    for (size_t i = 0; i < N_ELEMENTS(functions); i++) {
        const struct member *member = &functions[i];
        uint64_t target;
        if (member->offset + sizeof target > size)
            continue;
        bool is_pointer = elf_pointer(reading->elf, address + member->offset, &target);
        if (is_pointer && target == 0 && !member->is_optional)
            return fail(reading, "its description has no %s", member->name);
        if (!is_pointer || (target != 0 && !elf_is_code(reading->elf, target)))
            return fail(reading, "the %s in its description is no function in its code", member->name);
        member_set(description, member->offset, (uintptr_t)target);
    }
    return true;
}

/* One element: true also at the end, where its name is NULL. */
static bool read_option(const struct reading *reading, uint64_t address, uint64_t size, struct trale_option *option)
{
    static const char what[] = "an option in its description", endless[] = "the options in its description have no end";
    uint64_t name = 0;
    memset(option, 0, sizeof *option);
    if (elf_at(reading->elf, address, sizeof name, sizeof name) == NULL)
        return fail(reading, "%s", endless);
    if (elf_pointer(reading->elf, address, &name) && name == 0)
        return true;
    const unsigned char *bytes = elf_at(reading->elf, address, size, sizeof name);
    if (bytes == NULL)
        return fail(reading, "%s", endless);
    if (!needs_nothing(reading, address, size, what))
        return false;
    memcpy(option, bytes, size < sizeof *option ? size : sizeof *option);
    const size_t plain = offsetof(struct trale_option, type), plain_end = offsetof(struct trale_option, choices);
    if (elf_data(reading->elf, address + plain, plain_end - plain, 1) == NULL)
        return fail(reading, "%s has an address where a number must be", what);
    return read_texts(reading, address, size, option_texts, N_ELEMENTS(option_texts), option, what);
}

/* Reads the options into an allocated array, with the one at the end that has no name. */
static bool read_options(const struct reading *reading, uint64_t address, uint64_t option_size,
                         struct trale_option **options)
{
    char why[OPTION_TEXT];
    if (option_size < OPTION_SIZE_MIN || option_size > STRUCT_SIZE_MAX || option_size % sizeof(void *) != 0)
        return fail(reading, "the options in its description have an impossible size, %llu bytes each",
                    (unsigned long long)option_size);
    if (address % sizeof(void *) != 0)
        return fail(reading, "the options in its description are not aligned");
    for (size_t i = 0; i < OPTIONS_MAX; i++) {
        struct trale_option *longer = reallocarray(*options, i + 1, sizeof *longer);
        if (longer == NULL)
            return fail_no_memory(reading);
        *options = longer;
        if (!read_option(reading, address + i * option_size, option_size, &longer[i]))
            return false;
        if (longer[i].name == NULL)
            return option_check_schema(longer, option_runtime_keys, why) >= 0 || fail(reading, "%s", why);
    }
    return fail(reading, "the options in its description have no end");
}

static bool read_demands(const struct reading *reading, uint64_t address, uint64_t size, uint32_t *demands)
{
    const uint64_t offset = offsetof(struct trale_driver, demands);
    if (size < offset + sizeof *demands)
        return true;
    const uint32_t *found = elf_data(reading->elf, address + offset, sizeof *demands, sizeof *demands);
    if (found == NULL)
        return fail(reading, "its description has an address where a number must be");
    *demands = *found;
    if ((*found & ~TRALE_DRIVER_DEMANDS_ONE_THREAD) == 0)
        return true;
    *reading->error = -EPROTONOSUPPORT;
    return fail(reading, "it demands what trale " TRALE_VERSION " does not know (%#x): it needs a later trale",
                *found & ~TRALE_DRIVER_DEMANDS_ONE_THREAD);
}

static bool check_interfaces(const struct reading *reading, const char *member, const char *list)
{
    struct interface_name name;
    const char *flaw = list != NULL ? interface_names_flaw(list, &name) : NULL;
    return flaw == NULL ||
           fail(reading, "'%.*s' in the %s of its description %s", (int)name.length, name.text, member, flaw);
}

static bool check_layers(const struct reading *reading, const struct trale_driver *description)
{
    const char *list = description->layers, *word;
    size_t length;
    if (description->interfaces == NULL && list == NULL)
        return fail(reading, "its description has no interfaces");
    while (description->interfaces != NULL && list != NULL && (word = words_next(&list, &length)) != NULL) {
        const struct interface_name name = interface_name_of(word, length);
        if (interface_names_have(description->interfaces, &name))
            return fail(reading, "'%.*s' is in the interfaces and in the layers of its description", (int)name.length,
                        name.text);
    }
    return true;
}

static bool read_all(const struct reading *reading, const struct trale_driver *found, uint64_t address,
                     struct trale_driver *description)
{
    static const char what[] = "its description";
    uint64_t options;
    memcpy(description, found, offsetof(struct trale_driver, name));
    if (!needs_nothing(reading, address, found->size, what) ||
        !read_texts(reading, address, found->size, texts, N_ELEMENTS(texts), description, what) ||
        !read_functions(reading, address, found->size, description) ||
        !read_demands(reading, address, found->size, &description->demands))
        return false;
    if (!check_interfaces(reading, "interfaces", description->interfaces) ||
        !check_interfaces(reading, "layers", description->layers) ||
        !check_interfaces(reading, "needs", description->needs) || !check_layers(reading, description))
        return false;
    if (description->name[0] == '\0')
        return fail(reading, "its description has no name");
    for (const char *c = description->name; *c != '\0'; c++)
        if (!isgraph((unsigned char)*c))
            return fail(reading, "the name in its description has a blank or a character that is not printable");
    if (!elf_pointer(reading->elf, address + offsetof(struct trale_driver, options), &options))
        return fail(reading, "the options in its description are not in the file");
    struct trale_option *array = NULL;
    bool is_read = options == 0 || read_options(reading, options, found->option_size, &array);
    description->options = array;
    return is_read;
}

/* --- a copy of its own -------------------------------------------------------------------------------------------- */

/* Copies the texts to `memory`, one behind the other; NULL: only counts. Returns how many bytes they have. */
static size_t copy_texts(void *table, const struct member *members, size_t n_members, char *memory)
{
    size_t used = 0;
    for (size_t i = 0; i < n_members; i++) {
        const char *text = (const char *)member_get(table, members[i].offset);
        size_t size = text != NULL ? strlen(text) + 1 : 0;
        if (memory != NULL && text != NULL)
            member_set(table, members[i].offset, (uintptr_t)memcpy(memory + used, text, size));
        used += size;
    }
    return used;
}

static size_t copy_all(struct trale_driver *description, struct trale_option *options, char *memory)
{
    size_t used = copy_texts(description, texts, N_ELEMENTS(texts), memory);
    for (struct trale_option *option = options; option != NULL && option->name != NULL; option++)
        used += copy_texts(option, option_texts, N_ELEMENTS(option_texts), memory != NULL ? memory + used : NULL);
    return used;
}

/* The options are read into memory of their own already; the texts go behind them. */
static bool own(const struct reading *reading, struct trale_driver *description)
{
    size_t n = 0;
    struct trale_option *options = (struct trale_option *)(uintptr_t)description->options;
    while (options != NULL && options[n++].name != NULL)
        ;
    char *memory = realloc(options, n * sizeof *options + copy_all(description, options, NULL));
    if (memory == NULL)
        return fail_no_memory(reading);
    options = n > 0 ? (struct trale_option *)(void *)memory : NULL;
    copy_all(description, options, memory + n * sizeof *options);
    description->options = options;
    description->option_size = sizeof *options;
    return true;
}

void description_free(struct trale_driver *description)
{
    /* Options and texts are one block, which begins with the options, or else with the name. */
    free(description->options != NULL ? (void *)(uintptr_t)description->options : (void *)(uintptr_t)description->name);
    memset(description, 0, sizeof *description);
}

int description_read(const struct elf *elf, const char *path, struct trale_driver *description,
                     char reason[FILE_REASON])
{
    const uint64_t address = elf->description->st_value;
    const struct trale_driver *found = elf_data(elf, address, offsetof(struct trale_driver, name), sizeof(uint64_t));
    char why[FILE_REASON / 2];
    int error = -ENOEXEC;
    struct trale_driver read = {0};
    if (found == NULL) {
        snprintf(reason, FILE_REASON, "%.400s: its description has an address where a number must be", path);
        return -ENOEXEC;
    }
    if (found->abi != TRALE_ABI) {
        snprintf(reason, FILE_REASON,
                 "%.400s is a driver for ABI %u, this runtime has ABI %u: rebuild it against the headers of "
                 "trale " TRALE_VERSION,
                 path, found->abi, TRALE_ABI);
        return -EPROTONOSUPPORT;
    }
    if (found->size < DESCRIPTION_SIZE_MIN || found->size > STRUCT_SIZE_MAX ||
        found->size > elf->description->st_size) {
        snprintf(reason, FILE_REASON, "%.400s: its description has %u bytes, ABI %u has at least %zu, the file has %zu",
                 path, found->size, TRALE_ABI, DESCRIPTION_SIZE_MIN, (size_t)elf->description->st_size);
        return -ENOEXEC;
    }
    const struct reading reading = {elf, why, &error};
    if (read_all(&reading, found, address, &read) && own(&reading, &read)) {
        *description = read;
        return 0;
    }
    free((void *)(uintptr_t)read.options);
    snprintf(reason, FILE_REASON, "%.400s: %s", path, why);
    return error;
}
