/* SPDX-License-Identifier: MIT */
#include "core/simulate/verdict.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/printable.h"
#include "core/simulate/guard.h"

/* --- the line that names the failure ------------------------------------------------------------------------------ */

/* Lines of a file, which is mapped. */
struct lines {
    const char *text;
    size_t size, at;
};

static struct lines open_lines(int fd)
{
    struct stat status;
    struct lines lines = {0};
    if (fstat(fd, &status) < 0 || status.st_size == 0)
        return lines;
    void *map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return lines;
    lines.text = map;
    lines.size = (size_t)status.st_size;
    return lines;
}

static void close_lines(struct lines *lines)
{
    if (lines->text != NULL)
        munmap((void *)lines->text, lines->size);
}

/* The next line without its newline, or NULL. */
static const char *next_line(struct lines *lines, size_t *length)
{
    if (lines->at >= lines->size)
        return NULL;
    const char *line = lines->text + lines->at, *end = memchr(line, '\n', lines->size - lines->at);
    *length = end != NULL ? (size_t)(end - line) : lines->size - lines->at;
    lines->at += *length + 1;
    return line;
}

static bool line_has(const char *line, size_t length, const char *words)
{
    return memmem(line, length, words, strlen(words)) != NULL;
}

static bool is_of_sanitizer(const char *line, size_t length)
{
    return line_has(line, length, "ERROR: AddressSanitizer") || line_has(line, length, "ERROR: LeakSanitizer") ||
           line_has(line, length, "WARNING: ThreadSanitizer") || line_has(line, length, "WARNING: MemorySanitizer") ||
           line_has(line, length, "ERROR: ThreadSanitizer") || line_has(line, length, ": runtime error: ");
}

static bool is_of_assertion(const char *line, size_t length)
{
    return line_has(line, length, "ssertion") && line_has(line, length, "failed");
}

/* What the driver sim says at the end of each run that it ends; the verdict says it as well. */
static bool is_of_driver(const char *line, size_t length)
{
    return length > 5 && memcmp(line, "sim: ", 5) == 0;
}

/* Finds the first line of a sanitizer, else the first failed assertion, else the last line that says something. Returns
 * whether it is a sanitizer's. */
static bool find_message(int output, char message[SIMULATE_MESSAGE])
{
    struct lines lines = open_lines(output);
    const char *line, *best = NULL;
    size_t length, best_length = 0;
    enum { NONE, LAST, ASSERTION, SANITIZER } rank = NONE;
    while (rank < SANITIZER && (line = next_line(&lines, &length)) != NULL) {
        bool is_blank = true;
        for (size_t i = 0; i < length && is_blank; i++)
            is_blank = isspace((unsigned char)line[i]);
        int found = is_of_sanitizer(line, length)                        ? SANITIZER
                    : is_of_assertion(line, length) && rank != ASSERTION ? ASSERTION
                    : is_blank || is_of_driver(line, length)             ? NONE
                                                                         : LAST;
        if (found == NONE || found < (int)rank)
            continue;
        rank = found;
        best = line;
        best_length = length;
    }
    message[0] = '\0';
    if (best != NULL)
        printable(message, SIMULATE_MESSAGE, best, best_length);
    close_lines(&lines);
    return rank == SANITIZER;
}

/* How much of an output without end is kept. */
#define OUTPUT_KEPT (1 << 20)

static void shorten_output(int output)
{
    struct stat status;
    if (fstat(output, &status) == 0 && status.st_size > SIMULATE_OUTPUT_MAX && ftruncate(output, OUTPUT_KEPT) < 0)
        return; /* it stays as it is */
}

/* --- the verdict -------------------------------------------------------------------------------------------------- */

static enum simulate_verdict judge_status(const struct simulate_place *place, int status)
{
    static const enum simulate_verdict outcomes[] = {[TRALE_SIM_HANG] = VERDICT_HANG,
                                                     [TRALE_SIM_TIME_LIMIT] = VERDICT_TIME_LIMIT,
                                                     [TRALE_SIM_NOT_SETTLED] = VERDICT_NOT_SETTLED,
                                                     [TRALE_SIM_NOT_STOPPED] = VERDICT_NOT_STOPPED,
                                                     [TRALE_SIM_DIVERGED] = VERDICT_DIVERGED};
    uint32_t outcome = place->report.outcome;
    if (outcome < sizeof outcomes / sizeof outcomes[0] && outcomes[outcome] != VERDICT_PASSED)
        return outcomes[outcome];
    if (place->kill == KILL_LATE)
        return VERDICT_TIMEOUT;
    if (place->kill == KILL_OUTPUT)
        return VERDICT_OUTPUT;
    if (WIFSIGNALED(status))
        return VERDICT_SIGNAL;
    /* After a success the driver has aborted the tasks, which a program may take for a failure. */
    if (WEXITSTATUS(status) != 0 && outcome != TRALE_SIM_SETTLED)
        return VERDICT_EXIT;
    return place->report.magic == TRALE_SIM_REPORT_MAGIC && !place->has_not_joined ? VERDICT_PASSED
                                                                                   : VERDICT_NO_RUNTIME;
}

static void judge_calls(const struct simulate_place *place, const struct simulate_setup *setup,
                        struct simulate_result *result)
{
    struct simulate_calls calls = {0};
    simulate_calls_add(&calls, place, setup);
    const struct simulate_call *call = simulate_calls_find(&calls, NULL, true);
    if (call != NULL) {
        result->verdict = VERDICT_REFUSED;
        snprintf(result->message, sizeof result->message, "%s", call->text);
    }
    simulate_calls_deinit(&calls);
}

/* What is said of a program that fails by how it behaves among others. */
static void judge_program(const struct simulate_place *place, const struct simulate_setup *setup,
                          struct simulate_result *result)
{
    const struct simulate_program *program = &setup->options->programs[place->failed];
    bool is_late = result->verdict == VERDICT_NO_RUNTIME || result->verdict == VERDICT_TIMEOUT;
    if (is_late && place->has_not_joined)
        snprintf(result->message, sizeof result->message, "%s has not joined the other programs", program->argv[0]);
    if (result->verdict == VERDICT_SIGNAL && WTERMSIG(result->status) == SIGTERM && program->serves)
        snprintf(result->message, sizeof result->message, "%s does not await SIGTERM (trale/signal.h)",
                 program->argv[0]);
}

void simulate_judge(const struct simulate_place *place, const struct simulate_setup *setup,
                    struct simulate_result *result)
{
    const struct trale_sim_report *report = &place->report;
    *result = (struct simulate_result){.outcome = report->outcome,
                                       .hash = report->hash,
                                       .n_events = report->n_events,
                                       .virtual_ns = report->virtual_ns,
                                       .n_polls = report->n_polls,
                                       .n_sent = report->n_sent,
                                       .n_delivered = report->n_delivered,
                                       .program = place->failed};
    char message[SIMULATE_MESSAGE];
    result->status = place->processes[place->failed].status;
    result->verdict = judge_status(place, result->status);
    for (size_t i = 0; i < setup->options->n_programs; i++) {
        shorten_output(place->processes[i].output);
        bool is_sanitizers = find_message(place->processes[i].output, message);
        if (is_sanitizers)
            result->verdict = VERDICT_SANITIZER;
        if (is_sanitizers || i == place->failed)
            memcpy(result->message, message, sizeof message);
    }
    judge_program(place, setup, result);
    if (setup->options->guard == GUARD_REFUSE)
        judge_calls(place, setup, result);
    bool names_wait = result->verdict == VERDICT_HANG || result->verdict == VERDICT_NOT_STOPPED;
    if (names_wait && report->failure[0] != '\0')
        printable(result->message, sizeof result->message, report->failure,
                  strnlen(report->failure, sizeof report->failure));
    if (result->verdict == VERDICT_PASSED)
        result->message[0] = '\0';
}

bool simulate_is_same_run(const struct simulate_result *a, const struct simulate_result *b)
{
    return a->verdict == b->verdict && a->outcome == b->outcome && a->status == b->status && a->hash == b->hash &&
           a->n_events == b->n_events;
}

/* --- the same failure --------------------------------------------------------------------------------------------- */

/* Moves behind a number, which may be hexadecimal. */
static const char *skip_number(const char *text)
{
    if (text[0] == '0' && text[1] == 'x' && isxdigit((unsigned char)text[2])) {
        for (text += 2; isxdigit((unsigned char)*text); text++)
            ;
        return text;
    }
    while (isdigit((unsigned char)*text))
        text++;
    return text;
}

/* Whether the number at `text` is that of a line, as in "main.c:12": it stays as it is. */
static bool is_line_number(const char *begin, const char *text)
{
    return text - begin >= 3 && text[-1] == ':' && isalpha((unsigned char)text[-2]) &&
           (text[-3] == '.' || isalpha((unsigned char)text[-3]));
}

bool simulate_is_same_failure(const struct simulate_result *a, const struct simulate_result *b)
{
    const char *left = a->message, *right = b->message;
    if (a->verdict != b->verdict || (a->verdict == VERDICT_SIGNAL && a->status != b->status) ||
        (a->verdict == VERDICT_EXIT && a->status != b->status))
        return false;
    while (*left != '\0' && *right != '\0') {
        bool are_numbers = isdigit((unsigned char)*left) && isdigit((unsigned char)*right);
        if (are_numbers && !is_line_number(a->message, left)) {
            left = skip_number(left);
            right = skip_number(right);
            continue;
        }
        if (*left != *right)
            return false;
        left++;
        right++;
    }
    return *left == *right;
}

/* --- in words ----------------------------------------------------------------------------------------------------- */

const char *simulate_verdict_word(enum simulate_verdict verdict)
{
    static const char *const words[] = {
        [VERDICT_PASSED] = "passed",
        [VERDICT_SANITIZER] = "sanitizer",
        [VERDICT_HANG] = "hang",
        [VERDICT_TIME_LIMIT] = "time limit",
        [VERDICT_NOT_SETTLED] = "not settled",
        [VERDICT_NOT_STOPPED] = "not stopped",
        [VERDICT_DIVERGED] = "diverged",
        [VERDICT_REFUSED] = "refused",
        [VERDICT_SIGNAL] = "signal",
        [VERDICT_EXIT] = "exit",
        [VERDICT_TIMEOUT] = "timeout",
        [VERDICT_OUTPUT] = "output",
        [VERDICT_NO_RUNTIME] = "no runtime",
        [VERDICT_NONDETERMINED] = "not deterministic",
    };
    return words[verdict];
}

const char *simulate_verdict_text(const struct simulate_result *result, char buf[SIMULATE_VERDICT])
{
    static const char *const texts[] = {
        [VERDICT_PASSED] = "passed",
        [VERDICT_SANITIZER] = "a sanitizer has reported",
        [VERDICT_HANG] = "hang: tasks wait, and nothing can wake one",
        [VERDICT_TIME_LIMIT] = "the virtual time has reached time_limit",
        [VERDICT_NOT_SETTLED] = "not settled: no end and no success in the time of quiet",
        [VERDICT_NOT_STOPPED] = "not stopped: a program that serves has not ended in time after SIGTERM",
        [VERDICT_DIVERGED] = "the replay has diverged from what was recorded",
        [VERDICT_REFUSED] = "a call that leaves the simulation",
        [VERDICT_TIMEOUT] = "the real time has reached its limit (--timeout)",
        [VERDICT_OUTPUT] = "the output is larger than 256 MB",
        [VERDICT_NO_RUNTIME] = "the program has ended without a runtime in the simulation",
        [VERDICT_NONDETERMINED] = "not deterministic: two runs differ",
    };
    int status = result->status;
    if (result->verdict == VERDICT_SIGNAL)
        snprintf(buf, SIMULATE_VERDICT, "killed by SIG%s (%s)",
                 sigabbrev_np(WTERMSIG(status)) != NULL ? sigabbrev_np(WTERMSIG(status)) : "?",
                 strsignal(WTERMSIG(status)));
    else if (result->verdict == VERDICT_EXIT)
        snprintf(buf, SIMULATE_VERDICT, "exit status %d", WEXITSTATUS(status));
    else
        snprintf(buf, SIMULATE_VERDICT, "%s", texts[result->verdict]);
    return buf;
}
