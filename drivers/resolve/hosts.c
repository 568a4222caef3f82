/* SPDX-License-Identifier: MIT */
#include "hosts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "name.h"

#define BLANKS " \t\r\n"

static bool has_address(const struct trale_link *records, const struct trale_address *address)
{
    for (const struct trale_link *link = records->next; link != records; link = link->next)
        if (trale_address_equal(&list_entry(link, struct record, link)->address, address))
            return true;
    return false;
}

static int hosts_line(char *line, const struct hosts_search *search, struct trale_link *records)
{
    struct trale_address address;
    char *rest, name[NAME_SIZE];
    bool is_absolute;
    line[strcspn(line, "#")] = '\0';
    const char *word = strtok_r(line, BLANKS, &rest);
    if (word == NULL || name_read_address(word, search->port, &address) != 1)
        return 0;
    if (search->name == NULL) {
        trale_address_set_port(&address, trale_address_port(search->address));
        word = strtok_r(NULL, BLANKS, &rest);
        if (word == NULL || name_copy(name, word, &is_absolute) < 0 || !trale_address_equal(&address, search->address))
            return 0;
        int r = record_add_target(records, name, TRALE_TTL_UNKNOWN);
        return r < 0 ? r : 1;
    }
    while ((word = strtok_r(NULL, BLANKS, &rest)) != NULL) {
        if (name_copy(name, word, &is_absolute) < 0 || !name_equal(name, search->name))
            continue;
        if (!record_is_wanted(search->kind, address.any.sa_family) || has_address(records, &address))
            return 1;
        int r = record_add_address(records, &address, TRALE_TTL_UNKNOWN);
        return r < 0 ? r : 1;
    }
    return 0;
}

int hosts_find(const char *path, const struct hosts_search *search, struct trale_link *records)
{
    char *line = NULL;
    size_t size = 0;
    int found = 0, r = 0;
    FILE *file = path[0] != '\0' ? fopen(path, "re") : NULL;
    if (file == NULL)
        return 0;
    while (r >= 0 && getline(&line, &size, file) >= 0) {
        r = hosts_line(line, search, records);
        found |= r > 0;
    }
    free(line);
    fclose(file);
    return r < 0 ? r : found;
}
