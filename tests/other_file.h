/* SPDX-License-Identifier: MIT
 *
 * Async functions that another file defines, as a library would offer them. */
#ifndef TRALE_TESTS_OTHER_FILE_H
#define TRALE_TESTS_OTHER_FILE_H

#include <trale/timer.h>

/* Sleeps that often, not at all long, and returns `result`. */
struct nap {
    struct trale_future future;
    struct trale_sleep sleep;
    int n_sleeps;
    int64_t result;
};
trale_async_declare(nap);

/* The same, and counts its end in *n_ends. */
struct counted_nap {
    struct trale_future future;
    struct nap nap;
    int n_sleeps;
    int64_t result;
    int *n_ends;
};
trale_async_declare(counted_nap);

#endif
