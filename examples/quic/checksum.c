/* SPDX-License-Identifier: MIT */
#include "checksum.h"

#include <stdio.h>
#include <string.h>

void checksum_format(const uint8_t *checksum, char *text)
{
    for (uint32_t i = 0; i < CHECKSUM_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", checksum[i]);
}

bool checksum_is_listed(const char *list, const char *name, const uint8_t *checksum)
{
    char wanted[CHECKSUM_TEXT], line[4096];
    bool is_listed = false;
    FILE *file = fopen(list, "r");
    if (file == NULL)
        return false;
    checksum_format(checksum, wanted);
    while (!is_listed && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        is_listed = strlen(line) > CHECKSUM_TEXT && strncmp(line, wanted, CHECKSUM_TEXT - 1) == 0 &&
                    strcmp(line + CHECKSUM_TEXT + 1, name) == 0;
    }
    fclose(file);
    return is_listed;
}
