/* SPDX-License-Identifier: MIT */
#include "hosts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "file.h"
#include "name.h"

#define BLANKS " \t\r\n"

struct hosts_entry {
    char *name;
    bool is_first; /* of the names of its line */
    struct trale_address address;
};

/* --- reading ------------------------------------------------------------------------------------------------------ */

static int hosts_add(struct hosts *hosts, const struct trale_address *address, const char *name, bool is_first)
{
    const size_t n = hosts->n_entries;
    if ((n & (n - 1)) == 0) { /* full */
        struct hosts_entry *more = reallocarray(hosts->entries, n == 0 ? 1 : 2 * n, sizeof *more);
        if (more == NULL)
            return -ENOMEM;
        hosts->entries = more;
    }
    hosts->entries[n] = (struct hosts_entry){strdup(name), is_first, *address};
    if (hosts->entries[n].name == NULL)
        return -ENOMEM;
    hosts->n_entries++;
    return 0;
}

static int hosts_read_line(struct hosts *hosts, char *line)
{
    struct trale_address address;
    char *rest, name[NAME_SIZE];
    bool is_absolute, is_first = true;
    int r = 0;
    line[strcspn(line, "#")] = '\0';
    const char *word = strtok_r(line, BLANKS, &rest);
    if (word == NULL || name_read_address(word, 0, &address) != 1)
        return 0;
    for (; r == 0 && (word = strtok_r(NULL, BLANKS, &rest)) != NULL; is_first = false)
        if (name_copy(name, word, &is_absolute) == 0)
            r = hosts_add(hosts, &address, name, is_first);
    return r;
}

static int compare(const void *a, const void *b)
{
    const struct hosts_entry *left = *(struct hosts_entry *const *)a, *right = *(struct hosts_entry *const *)b;
    int order = strcasecmp(left->name, right->name);
    return order != 0 ? order : (left > right) - (left < right);
}

static int hosts_sort(struct hosts *hosts)
{
    hosts->by_name = reallocarray(NULL, hosts->n_entries + 1, sizeof(struct hosts_entry *));
    if (hosts->by_name == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < hosts->n_entries; i++)
        hosts->by_name[i] = &hosts->entries[i];
    qsort(hosts->by_name, hosts->n_entries, sizeof(struct hosts_entry *), compare);
    return 0;
}

static int hosts_read(struct hosts *hosts)
{
    char *line = NULL;
    size_t size = 0;
    int r = 0;
    if (!S_ISREG(hosts->file.st_mode))
        return 0;
    FILE *file = fopen(hosts->path, "re");
    if (file == NULL)
        return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : 0;
    while (r == 0 && getline(&line, &size, file) >= 0)
        r = hosts_read_line(hosts, line);
    free(line);
    fclose(file);
    return r < 0 ? r : hosts_sort(hosts);
}

void hosts_deinit(struct hosts *hosts)
{
    for (size_t i = 0; i < hosts->n_entries; i++)
        free(hosts->entries[i].name);
    free(hosts->entries);
    free(hosts->by_name);
    *hosts = (struct hosts){.path = hosts->path};
}

/* 0 or an error, and all stays as it was. */
static int hosts_refresh(struct hosts *hosts)
{
    struct hosts fresh = {.path = hosts->path, .file = file_look(hosts->path)};
    if (file_equal(&fresh.file, &hosts->file))
        return 0;
    int r = hosts_read(&fresh);
    if (r < 0) {
        hosts_deinit(&fresh);
        return r;
    }
    hosts_deinit(hosts);
    *hosts = fresh;
    return 0;
}

/* --- searching ---------------------------------------------------------------------------------------------------- */

static bool has_address(const struct trale_link *records, const struct trale_address *address)
{
    for (const struct trale_link *link = records->next; link != records; link = link->next)
        if (trale_address_equal(&list_entry(link, struct record, link)->address, address))
            return true;
    return false;
}

/* Where the name is in `by_name`, or would be. */
static size_t first_of(const struct hosts *hosts, const char *name)
{
    size_t low = 0, high = hosts->n_entries;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcasecmp(hosts->by_name[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int find_addresses(const struct hosts *hosts, const struct hosts_search *search, struct trale_link *records)
{
    int r = 0;
    size_t i = first_of(hosts, search->name), first = i;
    for (; r == 0 && i < hosts->n_entries && strcasecmp(hosts->by_name[i]->name, search->name) == 0; i++) {
        struct trale_address address = hosts->by_name[i]->address;
        trale_address_set_port(&address, search->port);
        if (record_is_wanted(search->kind, address.any.sa_family) && !has_address(records, &address))
            r = record_add_address(records, &address, TRALE_TTL_UNKNOWN);
    }
    return r < 0 ? r : i > first;
}

static int find_names(const struct hosts *hosts, const struct hosts_search *search, struct trale_link *records)
{
    int r = 0, found = 0;
    for (size_t i = 0; r == 0 && i < hosts->n_entries; i++) {
        struct trale_address address = hosts->entries[i].address;
        trale_address_set_port(&address, trale_address_port(search->address));
        if (!hosts->entries[i].is_first || !trale_address_equal(&address, search->address))
            continue;
        r = record_add_target(records, hosts->entries[i].name, TRALE_TTL_UNKNOWN);
        found = 1;
    }
    return r < 0 ? r : found;
}

int hosts_find(struct hosts *hosts, const struct hosts_search *search, struct trale_link *records)
{
    int r = hosts->path[0] != '\0' ? hosts_refresh(hosts) : 0;
    if (r < 0)
        return r;
    return search->name != NULL ? find_addresses(hosts, search, records) : find_names(hosts, search, records);
}
