/* SPDX-License-Identifier: MIT
 *
 * `trale check --start`: a runtime of its own, opened and closed in a child process. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <trale/trale.h>

#include "core/command/child.h"
#include "core/command/examine.h"

/* What the child writes: a line for each message, which begins with its level as a digit, and this line. */
#define STARTED "started"

struct report {
    int fd;
    pthread_mutex_t lock; /* messages may come on several threads at once */
};

static void report_line(struct report *report, const char *head, const char *text)
{
    pthread_mutex_lock(&report->lock);
    dprintf(report->fd, "%s%s\n", head, text);
    pthread_mutex_unlock(&report->lock);
}

static void report_message(void *data, uint32_t level, const char *source, const char *message)
{
    char head[128];
    bool is_driver = strcmp(source, "trale") != 0;
    snprintf(head, sizeof head, "%u%s%s%s", level < 10 ? level : 9, is_driver ? "[driver:" : "",
             is_driver ? source : "", is_driver ? "] " : "");
    report_line(data, head, message);
}

static void open_and_close(const void *data, int fd)
{
    struct report report = {fd, PTHREAD_MUTEX_INITIALIZER};
    struct trale *runtime;
    const struct trale_options options = {.config_path = data, .log = report_message, .log_data = &report};
    if (trale_open(&runtime, &options) < 0)
        return;
    report_line(&report, STARTED, "");
    trale_close(runtime);
}

/* Takes over the child's errors and warnings, as far as they are new. Returns whether it started; *last is the last
 * line that says how far it came. */
static bool read_report(struct messages *messages, char *output, const char **last)
{
    bool started = false;
    *last = NULL;
    for (char *rest = output, *line = strsep(&rest, "\n"); rest != NULL; line = strsep(&rest, "\n")) {
        uint32_t level = (uint32_t)(line[0] - '0');
        if (strcmp(line, STARTED) == 0)
            started = true;
        else if (level <= TRALE_LOG_WARNING && !messages_have(messages, line + 1))
            log_say(&messages->log, level, "trale", "%s", line + 1);
        else if (level == TRALE_LOG_INFO)
            *last = line + 1;
    }
    return started;
}

bool examination_start(struct examination *examination)
{
    struct messages *messages = &examination->messages;
    struct child child;
    char how[CHILD_TEXT];
    child_run(&child, open_and_close, examination->path);
    if (child.end == CHILD_NONE) {
        log_say(&messages->log, TRALE_LOG_ERROR, "trale", "cannot start a process for the drivers");
        return false;
    }
    const char *last;
    size_t n_errors = messages->n_errors;
    bool started = read_report(messages, child.output, &last);
    if (child.end != CHILD_RETURNED)
        log_say(&messages->log, TRALE_LOG_ERROR, "trale", "%s the drivers %s%s%s%s", started ? "stopping" : "starting",
                child_how(&child, how), last != NULL ? "; the last message was \"" : "", last != NULL ? last : "",
                last != NULL ? "\"" : "");
    else if (!started && messages->n_errors == n_errors)
        log_say(&messages->log, TRALE_LOG_ERROR, "trale", "the runtime does not open, and does not say why");
    free(child.output);
    return child.end == CHILD_RETURNED && started;
}
