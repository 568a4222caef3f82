/* SPDX-License-Identifier: MIT */
#include "course_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <trale/trale.h>

#include "course.h"
#include "option.h"

static void say(const struct program *program, const char *message)
{
    program->host.log(program->host.context, TRALE_LOG_ERROR, message);
}

/* Reads a line, without its end. 1; 0, there is none; or -EINVAL and *why. */
static int read_line(FILE *file, char line[SCENARIO_TEXT], char why[SCENARIO_ERROR])
{
    size_t length = 0;
    int c;
    why[0] = '\0';
    while ((c = getc_unlocked(file)) != EOF && c != '\n' && why[0] == '\0') {
        if (c == '\0')
            snprintf(why, SCENARIO_ERROR, "the line has a byte 0");
        else if (length == SCENARIO_TEXT - 1)
            snprintf(why, SCENARIO_ERROR, "the line has more than %d bytes", SCENARIO_TEXT - 1);
        else
            line[length++] = (char)c;
    }
    line[length] = '\0';
    if (why[0] != '\0')
        return -EINVAL;
    return c != EOF || length > 0;
}

/* Whether a fault begins when those of the run have ended, which would end it at once. */
static bool is_too_late(const struct plan *plan, const struct scenario_entry *entry)
{
    return entry->kind < SCENARIO_CLOCK && entry->ends_ns == SCENARIO_NEVER && !entry->is_kept &&
           entry->begins_ns >= plan->quiet_ns - WORLD_BEGINS_NS;
}

/* The times of a scenario that lies in a file. */
static int read_scenario(const struct program *program, const char *path)
{
    char line[SCENARIO_TEXT], error[SCENARIO_ERROR], message[SCENARIO_ERROR + 300];
    FILE *file = fopen(path, "re");
    int r = file != NULL ? 0 : -errno;
    if (r < 0)
        option_refuse(&program->host, program->settings, OPTION_SCENARIO, strerror(-r));
    for (unsigned number = 1; r == 0 && (r = read_line(file, line, error)) != 0; number++) {
        struct scenario_entry entry;
        if (r > 0)
            r = scenario_parse(line, &entry, error);
        if (r > 0 && is_too_late(&program->world->plan, &entry)) {
            snprintf(error, sizeof error,
                     "the fault begins when the faults of the run have ended (faults_for = %s); "
                     "say when it ends, or that it lasts, by 'keep'",
                     program->settings->values[OPTION_FAULTS_FOR].text);
            r = -EINVAL;
        }
        if (r < 0) {
            snprintf(message, sizeof message, "%.200s:%u: %s", path, number, error);
            say(program, message);
        } else if (r > 0) {
            r = course_add(program->world, &entry);
        }
    }
    if (r == 0 && ferror(file)) {
        r = -EIO;
        option_refuse(&program->host, program->settings, OPTION_SCENARIO, "the file cannot be read");
    }
    if (file != NULL)
        fclose(file);
    return r;
}

/* The kinds of fault that may be drawn: "all", "none", or words. */
static int read_kinds(const struct program *program, uint32_t *kinds)
{
    const char *text = program->settings->values[OPTION_FAULTS].text;
    *kinds = 0;
    if (strcmp(text, "all") == 0)
        *kinds = SWARM_KINDS;
    if (strcmp(text, "all") == 0 || strcmp(text, "none") == 0)
        return 0;
    while (*(text += strspn(text, " ,")) != '\0') {
        size_t length = strcspn(text, " ,");
        uint32_t kind = 0;
        while (kind < SCENARIO_KINDS &&
               (strlen(scenario_word(kind)) != length || strncmp(scenario_word(kind), text, length) != 0))
            kind++;
        if (kind == SCENARIO_KINDS || (SWARM_KINDS & 1u << kind) == 0)
            return option_refuse(&program->host, program->settings, OPTION_FAULTS,
                                 "allowed are all, none, or words of loss, duplicate, reorder, corrupt, latency, "
                                 "partition, crash, pause, clock and reset");
        *kinds |= 1u << kind;
        text += length;
    }
    return 0;
}

static int open_list(const struct program *program)
{
    const char *path = option_text(program->settings, OPTION_SCENARIO_OUT);
    struct plan *plan = &program->world->plan;
    plan->list_fd = -1;
    if (path == NULL)
        return 0;
    plan->list_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (program->is_first ? O_TRUNC : 0), 0644);
    int r = plan->list_fd >= 0 ? 0 : -errno;
    if (r < 0)
        option_refuse(&program->host, program->settings, OPTION_SCENARIO_OUT, strerror(-r));
    return r;
}

int course_open(struct program *program)
{
    const struct trale_settings *settings = program->settings;
    struct plan *plan = &program->world->plan;
    const char *scenario = option_text(settings, OPTION_SCENARIO);
    uint64_t faults_for_ns = (uint64_t)option_integer(settings, OPTION_FAULTS_FOR);
    uint32_t kinds;
    int r = read_kinds(program, &kinds);
    if (r == 0)
        r = open_list(program);
    if (r < 0 || !program->is_first)
        return r;
    plan->quiet_ns = WORLD_BEGINS_NS + faults_for_ns;
    plan->draws = option_integer(settings, OPTION_SWARM) != 0 && scenario == NULL;
    plan->swarm = (struct swarm){.seed = program->world->seed, .kinds = kinds, .ends_ns = faults_for_ns};
    r = scenario != NULL ? read_scenario(program, scenario) : 0;
    /* What begins with the run holds for what is done at its first moment. */
    while (r == 0 && world_next_ns(program->world) <= program->world->now_ns)
        world_step(program->world);
    return r;
}

void course_close(struct program *program)
{
    struct plan *plan = &program->world->plan;
    if (plan->list_fd >= 0)
        close(plan->list_fd);
    if (plan->list_fd >= 0 && plan->list_error < 0)
        option_refuse(&program->host, program->settings, OPTION_SCENARIO_OUT, strerror(-plan->list_error));
    plan->list_fd = -1;
}
