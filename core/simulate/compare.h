/* SPDX-License-Identifier: MIT
 *
 * Two runs of one seed that differ: what the program depends on, and the first event that differs. */
#ifndef CORE_SIMULATE_COMPARE_H
#define CORE_SIMULATE_COMPARE_H

#include "core/simulate/events.h"
#include "core/simulate/run.h"

enum simulate_cause {
    CAUSE_UNKNOWN, /* The runs did not differ again. */
    CAUSE_ADDRESS, /* They differ when memory is at other addresses. */
    CAUSE_MEMORY,  /* They differ when memory that was not written holds something else. */
    CAUSE_CLOCK,   /* They differ without that, and the program reads a real clock. */
    CAUSE_ENTROPY, /* The same, and it draws real random numbers. */
    CAUSE_THREAD,  /* The same, and it has threads. */
    CAUSE_OTHER,   /* The same, and the guard has found nothing of this. */
};

struct simulate_difference {
    enum simulate_cause cause;
    struct simulate_result other;    /* of the run that differs */
    char *folder;                    /* of that run; NULL: none differed again */
    struct simulate_event events[2]; /* the first that differs, in each */
    char *call;                      /* of the guard, with CAUSE_CLOCK to CAUSE_THREAD; NULL: none */
};

/* Finds what makes the run differ from another one of the same seed. `place` has seen the first run, with its events,
 * and `first` is its result. 0 or a negative errno, after a message. */
int simulate_compare(struct simulate_difference *difference, const struct simulate_setup *setup, int64_t seed,
                     const struct simulate_place *place, const struct simulate_result *first);
void simulate_difference_deinit(struct simulate_difference *difference);

/* "address", "memory", ...: a word for programs. */
const char *simulate_cause_word(enum simulate_cause cause);

/* What the program depends on, as a sentence. */
const char *simulate_cause_text(enum simulate_cause cause);

#endif
