/* SPDX-License-Identifier: MIT */
#include "core/driver/interface_name.h"

#include <string.h>

#include <trale/driver.h>

#include "core/base/words.h"

#define DIGITS_MAX 9 /* the largest number that certainly fits */
#define NAMES_MAX 64

/* The number behind the last `separator`, and *length without both; 0, and *length unchanged: there is none. A number
 * begins with another digit than 0, and there is something before the separator. */
static uint32_t number_behind(const char *text, size_t *length, char separator)
{
    size_t digits = 0;
    uint32_t number = 0;
    while (digits < *length && text[*length - digits - 1] >= '0' && text[*length - digits - 1] <= '9')
        digits++;
    if (digits == 0 || digits > DIGITS_MAX || digits + 1 >= *length || text[*length - digits - 1] != separator ||
        text[*length - digits] == '0')
        return 0;
    for (size_t i = *length - digits; i < *length; i++)
        number = 10 * number + (uint32_t)(text[i] - '0');
    *length -= digits + 1;
    return number;
}

struct interface_name interface_name_of(const char *text, size_t length)
{
    struct interface_name name = {.text = text};
    name.size = number_behind(text, &length, ':');
    name.length = length;
    name.version = number_behind(text, &length, '/');
    return name;
}

void interface_names_strip(char *list)
{
    const char *rest = list, *word;
    char *end = list;
    size_t length;
    while ((word = words_next(&rest, &length)) != NULL) {
        const struct interface_name name = interface_name_of(word, length);
        if (end > list)
            *end++ = ' ';
        memmove(end, name.text, name.length);
        end += name.length;
    }
    *end = '\0';
}

bool interface_names_have(const char *list, const struct interface_name *name)
{
    const char *word;
    size_t length;
    while ((word = words_next(&list, &length)) != NULL && word != name->text) {
        const struct interface_name other = interface_name_of(word, length);
        if (other.length == name->length && memcmp(other.text, name->text, name->length) == 0)
            return true;
    }
    return false;
}

const char *interface_names_flaw(const char *list, struct interface_name *flawed)
{
    const char *rest = list, *word;
    size_t length, n = 0;
    while ((word = words_next(&rest, &length)) != NULL) {
        const struct interface_name name = *flawed = interface_name_of(word, length);
        if (name.version == 0 || memchr(word, ':', name.length) != NULL)
            return "is not of the form NAME/VERSION or NAME/VERSION:SIZE";
        if (name.size != 0 && (name.size < sizeof(struct trale_interface) || name.size % sizeof(void *) != 0))
            return "has an impossible size: it is that of a table of functions";
        if (interface_names_have(list, &name))
            return "is there twice";
        if (n++ == NAMES_MAX)
            return "is one too many: a driver has at most 64";
    }
    return NULL;
}
