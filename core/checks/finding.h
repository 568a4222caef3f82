/* SPDX-License-Identifier: MIT
 *
 * What the checks have found: each finding is a message the first time, and counted at every place after that. */
#ifndef CORE_CHECKS_FINDING_H
#define CORE_CHECKS_FINDING_H

#include <pthread.h>
#include <stdint.h>

#include "core/base/log.h"

#define FINDING_NAME 48

/* Where something was found, as far as that is known. */
struct place {
    const char *driver;      /* the section's name without "driver:"; NULL: no driver's */
    uint64_t task_id;        /* 0: no task */
    char task[FINDING_NAME]; /* its name, cut */
    const char *file;        /* of the await point, static; NULL: none */
    int64_t line;
    const char *future;        /* the name of the future's type, static; NULL: none */
    char thread[FINDING_NAME]; /* the thread, where that matters; else "" */
};

struct finding;

struct findings {
    const struct log *log; /* lent */
    pthread_mutex_t lock;  /* of the list */
    struct finding *first;
};

void findings_init(struct findings *findings, const struct log *log);
void findings_deinit(struct findings *findings);

/* Says what was found and what is right, unless that was said with this format for this driver at this place before:
 * then it is counted. `format` is static. The caller holds no lock: the application's hook is called. [any] */
__attribute__((format(printf, 4, 5))) void findings_say(struct findings *findings, uint32_t level,
                                                        const struct place *place, const char *format, ...);

/* Writes each finding and its count, a line each. [any] */
void findings_dump(struct findings *findings, void (*write)(void *data, const char *text), void *data);

#endif
