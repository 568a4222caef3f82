/* SPDX-License-Identifier: MIT */
#include "core/simulate/origin.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Prints the comment above the line with this number. False: there is none. */
static bool print_comment(const char *path, unsigned long number, FILE *file)
{
    FILE *config = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    bool is_there = config != NULL && number > 1;
    for (unsigned long i = 1; is_there && i < number; i++)
        is_there = getline(&line, &size, config) > 0;
    is_there = is_there && strncmp(line, ORIGIN, strlen(ORIGIN)) == 0;
    if (is_there) {
        line[strcspn(line, "\n")] = '\0';
        fputs(line + strlen(ORIGIN), file);
    }
    free(line);
    if (config != NULL)
        fclose(config);
    return is_there;
}

/* Many '/' fill the paths of places up to the same length (place.c). */
static void print_path(const char *path, FILE *file)
{
    for (; *path != '\0'; path++)
        if (path[0] != '/' || path[1] != '/')
            putc(*path, file);
}

void simulate_origin_print(const char *path, const char *message, FILE *file)
{
    size_t length = strlen(path);
    char *rest = NULL;
    bool is_about = strncmp(message, path, length) == 0 && message[length] == ':';
    unsigned long number = is_about ? strtoul(message + length + 1, &rest, 10) : 0;
    bool has_comment = is_about && rest[0] == ':' && print_comment(path, number, file);
    if (is_about && !has_comment)
        print_path(path, file);
    fputs(has_comment ? rest : is_about ? message + length : message, file);
}
