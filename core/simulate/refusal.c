/* SPDX-License-Identifier: MIT */
#include "core/simulate/refusal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/simulate/origin.h"

/* Messages of trale's, and of the driver sim, say themselves what they are about. */
static void print_line(const char *config_path, char *line)
{
    const char *source = strsep(&line, "\t");
    if (line == NULL)
        return;
    line[strcspn(line, "\n")] = '\0';
    fputs("error: ", stderr);
    if (strcmp(source, "trale") != 0 && strcmp(source, "sim") != 0)
        fprintf(stderr, "[driver:%s] ", source);
    simulate_origin_print(config_path, line, stderr);
    putc('\n', stderr);
}

int simulate_check_refusal(const struct simulate_place *place, const struct simulate_setup *setup)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < setup->options->n_programs; i++) {
        const struct simulate_process *process = &place->processes[i];
        char *line = NULL;
        size_t size = 0;
        FILE *file = fopen(process->errors_path, "re");
        r = file != NULL ? -EINVAL : 0;
        while (file != NULL && getline(&line, &size, file) > 0)
            print_line(process->config_path, line);
        if (file != NULL)
            fclose(file);
        free(line);
    }
    return r;
}
