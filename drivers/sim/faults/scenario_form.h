/* SPDX-License-Identifier: MIT
 *
 * The form of each kind of entry, for the reader and the writer. */
#ifndef SIM_SCENARIO_FORM_H
#define SIM_SCENARIO_FORM_H

#include "scenario.h"

/* What follows the word of a kind. */
enum rest {
    REST_RATE = 1,
    REST_BY = 2,        /* by DURATION */
    REST_UNCHECKED = 4, /* may be there */
    REST_DURATION = 8,  /* and a jitter, which may be there */
    REST_AMOUNT = 16,
    REST_STEP = 32,
    REST_SIGNAL = 64,
    REST_RESTART = 128, /* may be there */
    REST_FOR = 256,     /* may be there */
    REST_LINK = 512,    /* hosts on both sides */
};

struct scenario_form {
    const char *word;
    unsigned rest; /* of enum rest */
};

extern const struct scenario_form scenario_forms[SCENARIO_KINDS] __attribute__((visibility("hidden")));

#endif
