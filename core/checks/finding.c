/* SPDX-License-Identifier: MIT */
#include "core/checks/finding.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FINDING_TEXT 768

struct finding {
    struct finding *next;
    /* What makes two of them the same. */
    const char *format, *driver, *file, *future;
    int64_t line;
    uint64_t n;
    char text[FINDING_TEXT]; /* of the first one */
};

void findings_init(struct findings *findings, const struct log *log)
{
    *findings = (struct findings){.log = log};
    pthread_mutex_init(&findings->lock, NULL);
}

void findings_deinit(struct findings *findings)
{
    for (struct finding *finding = findings->first, *next; finding != NULL; finding = next) {
        next = finding->next;
        free(finding);
    }
    pthread_mutex_destroy(&findings->lock);
}

static bool is_same(const struct finding *finding, const struct place *place, const char *format)
{
    return finding->format == format && finding->driver == place->driver && finding->file == place->file &&
           finding->line == place->line && finding->future == place->future;
}

/* Counts it. The finding if this is the first one, else NULL; also if memory is out. */
static struct finding *findings_count(struct findings *findings, const struct place *place, const char *format)
{
    struct finding **end = &findings->first;
    for (; *end != NULL; end = &(*end)->next) {
        if (is_same(*end, place, format)) {
            (*end)->n++;
            return NULL;
        }
    }
    struct finding *finding = calloc(1, sizeof *finding);
    if (finding == NULL)
        return NULL;
    *finding = (struct finding){.format = format,
                                .driver = place->driver,
                                .file = place->file,
                                .line = place->line,
                                .future = place->future,
                                .n = 1};
    *end = finding;
    return finding;
}

/* "checks: [driver:udp] task 5 (serve) in trale_udp_recv at serve.c:42, on thread worker: ", as much as is known. */
static size_t compose_place(char text[FINDING_TEXT], const struct place *place)
{
    char driver[96] = "", task[96] = "", future[96] = "", at[256] = "", thread[80] = "";
    if (place->driver != NULL)
        snprintf(driver, sizeof driver, " [driver:%s]", place->driver);
    if (place->task_id != 0)
        snprintf(task, sizeof task, " task %" PRIu64 " (%s)", place->task_id, place->task);
    if (place->future != NULL)
        snprintf(future, sizeof future, " in %s", place->future);
    if (place->file != NULL)
        snprintf(at, sizeof at, " at %s:%d", place->file, (int)place->line);
    if (place->thread[0] != '\0')
        snprintf(thread, sizeof thread, " on thread %s", place->thread);
    int n = snprintf(text, FINDING_TEXT, "checks:%s%s%s%s%s: ", driver, task, future, at, thread);
    return n > 0 && n < FINDING_TEXT ? (size_t)n : 0;
}

void findings_say(struct findings *findings, uint32_t level, const struct place *place, const char *format, ...)
{
    char text[FINDING_TEXT];
    size_t used = compose_place(text, place);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, sizeof text - used, format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&findings->lock);
    struct finding *finding = findings_count(findings, place, format);
    if (finding != NULL)
        memcpy(finding->text, text, sizeof text);
    pthread_mutex_unlock(&findings->lock);
    if (finding != NULL)
        log_say(findings->log, level, place->driver != NULL ? place->driver : "trale", "%s", text);
}

void findings_dump(struct findings *findings, void (*write)(void *data, const char *text), void *data)
{
    char count[32];
    pthread_mutex_lock(&findings->lock);
    for (const struct finding *finding = findings->first; finding != NULL; finding = finding->next) {
        snprintf(count, sizeof count, "%" PRIu64 " x ", finding->n);
        write(data, count);
        write(data, finding->text);
        write(data, "\n");
    }
    pthread_mutex_unlock(&findings->lock);
}
