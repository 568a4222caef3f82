/* SPDX-License-Identifier: MIT */
#include "core/simulate/scenario.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/base/words.h"

/* --- lists of lines ----------------------------------------------------------------------------------------------- */

static int add_line(struct simulate_scenario *scenario, const char *line)
{
    char **lines = reallocarray(scenario->lines, scenario->n_lines + 1, sizeof *lines);
    if (lines == NULL)
        return -ENOMEM;
    scenario->lines = lines;
    lines[scenario->n_lines] = strdup(line);
    if (lines[scenario->n_lines] == NULL)
        return -ENOMEM;
    scenario->n_lines++;
    return 0;
}

int simulate_scenario_read(struct simulate_scenario *scenario, const char *path)
{
    *scenario = (struct simulate_scenario){0};
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    int r = 0;
    if (file == NULL)
        return -errno;
    while (r == 0 && getline(&line, &size, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        const char *begin = line + strspn(line, " \t");
        if (begin[0] != '\0' && begin[0] != '#' && begin[0] != ';')
            r = add_line(scenario, begin);
    }
    free(line);
    fclose(file);
    return r;
}

int simulate_scenario_write(const struct simulate_scenario *scenario, const char *path)
{
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return -errno;
    for (size_t i = 0; i < scenario->n_lines; i++)
        fprintf(file, "%s\n", scenario->lines[i]);
    bool failed = ferror(file) != 0;
    return fclose(file) == 0 && !failed ? 0 : -EIO;
}

void simulate_scenario_deinit(struct simulate_scenario *scenario)
{
    for (size_t i = 0; i < scenario->n_lines; i++)
        free(scenario->lines[i]);
    free(scenario->lines);
    *scenario = (struct simulate_scenario){0};
}

/* --- strengths ---------------------------------------------------------------------------------------------------- */

enum strength {
    STRENGTH_NONE,
    STRENGTH_DURATION, /* half of it is weaker */
    STRENGTH_RATE,
    STRENGTH_COUNT,
    STRENGTH_LIMIT, /* twice as much is weaker */
};

static const struct {
    const char *name;
    double ns;
} units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"min", 60e9}, {"h", 3600e9}};

/* Reads "-1.5s": the number, and what follows it up to the end of the word. */
static bool read_number(const char *word, size_t length, double *number, char unit[8])
{
    char *end;
    if (length == 0 || !isdigit((unsigned char)word[word[0] == '-']))
        return false;
    *number = strtod(word, &end);
    size_t rest = length - (size_t)(end - word);
    if (end > word + length || rest >= 8)
        return false;
    memcpy(unit, end, rest);
    unit[rest] = '\0';
    return true;
}

static bool is_time(const char *unit)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(unit, units[i].name) == 0)
            return true;
    return false;
}

/* What the word is in its line: `before` is the word in front of it, `kind` the kind of the fault. */
static enum strength strength_of(const char *word, size_t length, const char *before, const char *kind)
{
    double number;
    char unit[8];
    if (!read_number(word, length, &number, unit))
        return STRENGTH_NONE;
    bool is_moment = strcmp(before, "at") == 0 || strcmp(before, "from") == 0 || strcmp(before, "until") == 0;
    if (is_time(unit))
        return is_moment ? STRENGTH_NONE : STRENGTH_DURATION;
    if (strcmp(unit, "%") == 0)
        return STRENGTH_RATE;
    if (unit[0] == '\0' && strcmp(kind, "drop") == 0)
        return STRENGTH_COUNT;
    bool is_limit = strcmp(kind, "mtu") == 0 || strcmp(kind, "bandwidth") == 0 || strcmp(kind, "queue") == 0;
    bool is_size = unit[0] == '\0' || strcmp(unit, "K") == 0 || strcmp(unit, "M") == 0 || strcmp(unit, "G") == 0;
    return is_limit && is_size ? STRENGTH_LIMIT : STRENGTH_NONE;
}

/* A duration with at most three digits, but for many seconds, as people write it. */
static void write_duration(char text[32], double ns)
{
    double size = ns < 0 ? -ns : ns;
    size_t i = size < 1e3 ? 0 : size < 1e6 ? 1 : size < 1e9 ? 2 : 3;
    snprintf(text, 32, size < 1e12 ? "%.3g%s" : "%.0f%s", ns / units[i].ns, units[i].name);
}

/* The word at half its strength; false: it is as weak as it gets. */
static bool weaken_word(enum strength strength, const char *word, size_t length, char text[32])
{
    double number, ns = 0;
    char unit[8];
    if (!read_number(word, length, &number, unit))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        ns = strcmp(unit, units[i].name) == 0 ? number * units[i].ns : ns;
    switch (strength) {
    case STRENGTH_DURATION:
        write_duration(text, ns / 2);
        return ns >= 2e6 || ns <= -2e6;
    case STRENGTH_RATE:
        snprintf(text, 32, "%.2g%%", number / 2);
        return number >= 0.02;
    case STRENGTH_COUNT:
        snprintf(text, 32, "%.0f", number / 2);
        return number >= 2;
    case STRENGTH_LIMIT:
        snprintf(text, 32, "%.0f%s", number * 2, unit);
        return number < 1e6;
    default:
        return false;
    }
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

/* Walks over the words of a line. A comma belongs to none. */
struct walk {
    const char *line, *word;
    size_t length;
    char before[16], kind[16];
};

static void copy_word(char copy[16], const char *word, size_t length)
{
    snprintf(copy, 16, "%.*s", (int)length, word);
}

static bool walk_next(struct walk *walk)
{
    if (walk->word != NULL)
        copy_word(walk->before, walk->word, walk->length);
    walk->word = words_next(&walk->line, &walk->length);
    if (walk->word == NULL)
        return false;
    bool is_kind = walk->kind[0] == '\0' && islower((unsigned char)walk->word[0]) &&
                   !word_is(walk->word, walk->length, "at") && !word_is(walk->word, walk->length, "from") &&
                   !word_is(walk->word, walk->length, "until");
    if (is_kind)
        copy_word(walk->kind, walk->word, walk->length);
    return true;
}

size_t simulate_count_strengths(const char *line)
{
    struct walk walk = {.line = line};
    size_t n = 0;
    while (walk_next(&walk))
        n += strength_of(walk.word, walk.length, walk.before, walk.kind) != STRENGTH_NONE;
    return n;
}

char *simulate_weaken(const char *line, size_t which)
{
    struct walk walk = {.line = line};
    while (walk_next(&walk)) {
        enum strength strength = strength_of(walk.word, walk.length, walk.before, walk.kind);
        if (strength == STRENGTH_NONE || which-- > 0)
            continue;
        char weaker[32], *text = NULL;
        if (!weaken_word(strength, walk.word, walk.length, weaker) ||
            asprintf(&text, "%.*s%s%s", (int)(walk.word - line), line, weaker, walk.word + walk.length) < 0)
            return NULL;
        return text;
    }
    return NULL;
}
