/* SPDX-License-Identifier: MIT */
#include "core/driver/description.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <trale/trale.h>

#include "core/config/option.h"

/* The members of the first version: no driver has less. */
#define DESCRIPTION_SIZE_MIN (offsetof(struct trale_driver, before_wait) + sizeof(void *))
#define OPTION_SIZE_MIN (offsetof(struct trale_option, help) + sizeof(char *))
#define STRUCT_SIZE_MAX 4096

/* The driver's file in memory. */
struct image {
    const struct elf *elf;
    uintptr_t base;
};

static bool is_mapped(const struct image *image, const void *pointer, size_t length, uint32_t flags)
{
    return elf_is_mapped(image->elf, (uintptr_t)pointer - image->base, length, flags);
}

/* Whether a text is in the file and ends there. Control characters in it are escaped where it is shown. */
static bool is_text(const struct image *image, const char *text)
{
    for (; is_mapped(image, text, 1, PF_R); text++)
        if (*text == '\0')
            return true;
    return false;
}

static bool is_text_or_null(const struct image *image, const char *text)
{
    return text == NULL || is_text(image, text);
}

static bool is_code(const struct image *image, uintptr_t function)
{
    return elf_is_code(image->elf, function - image->base);
}

static bool is_code_or_null(const struct image *image, uintptr_t function)
{
    return function == 0 || is_code(image, function);
}

static const char *options_flaw(const struct image *image, const struct trale_option *options, size_t option_size,
                                char why[OPTION_TEXT])
{
    if (option_size < OPTION_SIZE_MIN || option_size > STRUCT_SIZE_MAX)
        return "the options in its description have an impossible size";
    for (const char *at = (const char *)options;; at += option_size) {
        if (!is_mapped(image, at, sizeof(char *), PF_R))
            return "the options in its description have no end";
        struct trale_option option = {0};
        memcpy(&option.name, at, sizeof option.name);
        if (option.name == NULL)
            break;
        if (!is_mapped(image, at, option_size, PF_R))
            return "the options in its description have no end";
        option = option_at((const void *)at, option_size, 0);
        if (!is_text(image, option.name) || !is_text_or_null(image, option.choices) ||
            !is_text_or_null(image, option.default_value) || !is_text_or_null(image, option.help))
            return "the options in its description have a text that is not in the file";
    }
    return option_check_schema(options, option_size, why) < 0 ? why : NULL;
}

/* Why the description cannot be used, or NULL. ABI and size are right. */
static const char *description_flaw(const struct image *image, const struct trale_driver *description,
                                    char why[OPTION_TEXT])
{
    if (description->name == NULL)
        return "its description has no name";
    if (description->version == NULL || description->summary == NULL || description->interfaces == NULL)
        return "its description lacks version, summary or interfaces";
    if (description->start == NULL || description->stop == NULL || description->interface == NULL)
        return "its description lacks start, stop or interface";
    if (!is_text(image, description->name) || !is_text(image, description->version) ||
        !is_text(image, description->summary) || !is_text(image, description->interfaces) ||
        !is_text_or_null(image, description->needs))
        return "its description has a text that is not in the file";
    if (description->name[0] == '\0')
        return "its description has no name";
    for (const char *c = description->name; *c != '\0'; c++)
        if (!isgraph((unsigned char)*c))
            return "the name in its description has a blank or a character that is not printable";
    if (!is_code(image, (uintptr_t)description->start) || !is_code(image, (uintptr_t)description->stop) ||
        !is_code(image, (uintptr_t)description->interface) ||
        !is_code_or_null(image, (uintptr_t)description->before_wait) ||
        !is_code_or_null(image, (uintptr_t)description->settle))
        return "the functions in its description are not in its code";
    return description->options != NULL ? options_flaw(image, description->options, description->option_size, why)
                                        : NULL;
}

int description_read(const struct elf *elf, uintptr_t base, const char *path, struct trale_driver *description,
                     char reason[FILE_REASON])
{
    const struct image image = {elf, base};
    const struct trale_driver *found = (const void *)(base + elf->description->st_value);
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
    struct trale_driver copy = {0};
    char why[OPTION_TEXT];
    memcpy(&copy, found, found->size < sizeof copy ? found->size : sizeof copy);
    const char *flaw = description_flaw(&image, &copy, why);
    if (flaw != NULL) {
        snprintf(reason, FILE_REASON, "%.400s: %s", path, flaw);
        return -ENOEXEC;
    }
    *description = copy;
    return 0;
}
