/* SPDX-License-Identifier: MIT */
#include "core/simulate/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/text.h"

/* --- the line of the source --------------------------------------------------------------------------------------- */

/* What addr2line(1) says of the place: the function, and "file:line", in buf. False: it is not installed, or the module
 * has no debugging information. */
static bool ask_addr2line(const struct simulate_call *call, char buf[1024], char **function, char **line)
{
    char *const argv[] = {
        (char[]){"addr2line"}, (char[]){"-s"}, (char[]){"-Cf"}, (char[]){"-e"}, call->module, call->offset, NULL};
    int ends[2];
    pid_t pid;
    posix_spawn_file_actions_t actions;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return false;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    bool is_spawned = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    size_t length = 0;
    for (ssize_t n; is_spawned && (n = read(ends[0], buf + length, 1023 - length)) > 0;)
        length += (size_t)n;
    close(ends[0]);
    if (is_spawned)
        waitpid(pid, NULL, 0);
    buf[length] = '\0';
    *function = buf;
    *line = strchr(buf, '\n');
    if (*line == NULL)
        return false;
    *(*line)++ = '\0';
    (*line)[strcspn(*line, "\n (")] = '\0';
    return buf[0] != '?';
}

/* "gettimeofday, called by main (echo.c:12)", or as much of it as is known. */
static char *describe(const struct simulate_call *call)
{
    char buf[1024], *function, *line;
    struct text text = {0};
    bool is_known = ask_addr2line(call, buf, &function, &line);
    const char *name = strrchr(call->module, '/');
    text_add(&text, "%s, called by ", call->function);
    if (is_known || call->symbol[0] != '\0')
        text_add(&text, "%s ", is_known ? function : call->symbol);
    if (is_known && line[0] != '?')
        text_add(&text, "(%s)", line);
    else
        text_add(&text, "(%s, %s)", name != NULL ? name + 1 : call->module, call->offset);
    return text.chars;
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

static bool is_known(const struct simulate_calls *calls, char *const columns[6])
{
    for (size_t i = 0; i < calls->n_items; i++) {
        const struct simulate_call *call = &calls->items[i];
        if (strcmp(call->function, columns[2]) == 0 && strcmp(call->module, columns[3]) == 0 &&
            strcmp(call->offset, columns[4]) == 0)
            return true;
    }
    return false;
}

/* A line is the action, the kind, the function, the module, the offset and the symbol, between tabs. */
static int add_line(struct simulate_calls *calls, char *line)
{
    char *columns[6];
    for (int i = 0; i < 6; i++) {
        columns[i] = strsep(&line, "\t");
        if (columns[i] == NULL)
            return 0;
    }
    if (is_known(calls, columns))
        return 0;
    struct simulate_call *items = reallocarray(calls->items, calls->n_items + 1, sizeof *items);
    if (items == NULL)
        return -ENOMEM;
    calls->items = items;
    struct simulate_call *call = &items[calls->n_items++];
    *call = (struct simulate_call){.is_refused = strcmp(columns[0], "refused") == 0,
                                   .function = strdup(columns[2]),
                                   .module = strdup(columns[3]),
                                   .offset = strdup(columns[4]),
                                   .symbol = strdup(columns[5])};
    snprintf(call->kind, sizeof call->kind, "%s", columns[1]);
    if (call->function != NULL && call->module != NULL && call->offset != NULL && call->symbol != NULL)
        call->text = describe(call);
    return call->text != NULL ? 0 : -ENOMEM;
}

int simulate_calls_add(struct simulate_calls *calls, const struct simulate_place *place,
                       const struct simulate_setup *setup)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < setup->options->n_programs; i++) {
        struct stat status;
        if (fstat(place->processes[i].guard, &status) < 0 || status.st_size == 0)
            continue;
        char *text = malloc((size_t)status.st_size + 1), *rest = text;
        ssize_t length = text != NULL ? pread(place->processes[i].guard, text, (size_t)status.st_size, 0) : -1;
        if (length >= 0)
            text[length] = '\0';
        r = length < 0 ? -ENOMEM : 0;
        for (char *line; r == 0 && (line = strsep(&rest, "\n")) != NULL;)
            r = add_line(calls, line);
        free(text);
    }
    return r;
}

const struct simulate_call *simulate_calls_find(const struct simulate_calls *calls, const char *kind, bool is_refused)
{
    for (size_t i = 0; i < calls->n_items; i++)
        if (calls->items[i].is_refused == is_refused && (kind == NULL || strcmp(calls->items[i].kind, kind) == 0))
            return &calls->items[i];
    return NULL;
}

void simulate_calls_deinit(struct simulate_calls *calls)
{
    for (size_t i = 0; i < calls->n_items; i++) {
        free(calls->items[i].function);
        free(calls->items[i].module);
        free(calls->items[i].offset);
        free(calls->items[i].symbol);
        free(calls->items[i].text);
    }
    free(calls->items);
}
