/* SPDX-License-Identifier: MIT */
#include "core/config/table.h"

#include <stdlib.h>
#include <string.h>

void config_deinit(struct config *config)
{
    for (size_t i = 0; i < config->n_sections; i++)
        free(config->sections[i].name);
    for (size_t i = 0; i < config->n_entries; i++) {
        free(config->entries[i].key);
        free(config->entries[i].value);
    }
    free(config->sections);
    free(config->entries);
    free(config->name);
    *config = (struct config){0};
}

const struct config_section *config_section(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->n_sections; i++)
        if (strcmp(config->sections[i].name, name) == 0)
            return &config->sections[i];
    return NULL;
}

const struct config_entry *config_entry(const struct config *config, const char *section, const char *key)
{
    const struct config_section *known = config_section(config, section);
    for (size_t i = 0; known != NULL && i < config->n_entries; i++)
        if (&config->sections[config->entries[i].section] == known && strcmp(config->entries[i].key, key) == 0)
            return &config->entries[i];
    return NULL;
}
