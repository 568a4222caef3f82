/* SPDX-License-Identifier: MIT
 *
 * Whether a run has failed, and how. */
#ifndef CORE_SIMULATE_VERDICT_H
#define CORE_SIMULATE_VERDICT_H

#include "core/simulate/place.h"

enum simulate_verdict {
    VERDICT_PASSED,
    VERDICT_SANITIZER,     /* A sanitizer has reported. */
    VERDICT_HANG,          /* Tasks wait, and nothing can wake one. */
    VERDICT_TIME_LIMIT,    /* The virtual time has reached the option time_limit. */
    VERDICT_NOT_SETTLED,   /* The quiet phase has passed without success. */
    VERDICT_NOT_STOPPED,   /* A program that serves has not ended in time after SIGTERM. */
    VERDICT_DIVERGED,      /* A replay went another way. */
    VERDICT_REFUSED,       /* The guard has found a call that leaves the simulation. */
    VERDICT_SIGNAL,        /* A signal has killed the program. */
    VERDICT_EXIT,          /* The exit status is not 0. */
    VERDICT_TIMEOUT,       /* The real time has reached its limit. */
    VERDICT_OUTPUT,        /* The program has written too much. */
    VERDICT_NO_RUNTIME,    /* The program has opened no runtime, or ended before it was in the world. */
    VERDICT_NONDETERMINED, /* Two runs of the same seed differ. */
};

#define SIMULATE_MESSAGE 512

struct simulate_result {
    enum simulate_verdict verdict;
    uint32_t outcome; /* enum trale_sim_outcome */
    int status;       /* as waitpid(2) says, of the program that failed, or the first one */
    size_t program;   /* which that is */
    uint64_t hash, n_events, virtual_ns, n_polls, n_sent, n_delivered;
    /* One line: what the program, the sanitizer or the guard says of the failure; empty: nothing. */
    char message[SIMULATE_MESSAGE];
};

/* Judges the run that a place has seen. An output that is larger than SIMULATE_OUTPUT_MAX is cut. */
void simulate_judge(const struct simulate_place *place, const struct simulate_setup *setup,
                    struct simulate_result *result);

/* Whether both runs were the same, event for event. */
bool simulate_is_same_run(const struct simulate_result *a, const struct simulate_result *b);

/* Whether both failed in the same way: verdict and message, but for numbers in it. */
bool simulate_is_same_failure(const struct simulate_result *a, const struct simulate_result *b);

/* "hang", "signal": a word for programs. */
const char *simulate_verdict_word(enum simulate_verdict verdict);

/* What happened, for people: "was killed by SIGSEGV (Segmentation fault)". Returns buf. */
#define SIMULATE_VERDICT 160
const char *simulate_verdict_text(const struct simulate_result *result, char buf[SIMULATE_VERDICT]);

#endif
