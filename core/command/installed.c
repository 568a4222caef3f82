/* SPDX-License-Identifier: MIT */
#include "core/command/installed.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUFFIX ".so"

static int is_driver(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name), end = strlen(SUFFIX);
    return length > end && entry->d_name[0] != '.' && strcmp(entry->d_name + length - end, SUFFIX) == 0 &&
           strcmp(entry->d_name, INSTALLED_GUARD) != 0;
}

static int add(struct config *config, const char *file)
{
    struct config_section *section = &config->sections[config->n_sections];
    struct config_entry *entry = &config->entries[config->n_entries];
    int length = (int)(strlen(file) - strlen(SUFFIX));
    if (asprintf(&section->name, "driver:%.*s", length, file) < 0)
        return -ENOMEM;
    entry->section = config->n_sections++;
    entry->key = strdup("path");
    entry->value = strdup(file);
    config->n_entries++;
    return entry->key != NULL && entry->value != NULL ? 0 : -ENOMEM;
}

int installed_find(struct config *config, const char *folder)
{
    struct dirent **files;
    int n = scandir(folder, &files, is_driver, alphasort), r = 0;
    if (n < 0)
        return -errno;
    config->name = strdup(folder);
    config->sections = calloc((size_t)n + 1, sizeof *config->sections);
    config->entries = calloc((size_t)n + 1, sizeof *config->entries);
    if (config->name == NULL || config->sections == NULL || config->entries == NULL)
        r = -ENOMEM;
    for (int i = 0; i < n; i++) {
        if (r == 0)
            r = add(config, files[i]->d_name);
        free(files[i]);
    }
    free(files);
    return r;
}
