/* SPDX-License-Identifier: MIT
 *
 * A program that fails in some scenarios: with a partition of 100 ms or more, a loss of 3% or more, and a drop of 2
 * datagrams or more. Without a partition it fails in another way, if there is a crash. If a task is cancelled, only the
 * second and the fourth await count. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trale/trale.h>

#include "standin.h"

/* The number behind the last blank of the line that has the word, or -1: there is none. A duration is in ms. */
static double strength(const char *text, const char *word)
{
    const char *found = strstr(text, word);
    if (found == NULL)
        return -1;
    const char *end = strchr(found, '\n'), *number = end;
    while (number > found && number[-1] != ' ')
        number--;
    char *unit;
    double value = strtod(number, &unit);
    return unit[0] == 's' ? value * 1000 : value;
}

int main(void)
{
    struct trale *runtime;
    int r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("trale_open", r);
    const struct faults *faults = (const struct faults *)trale_interface(runtime, ORG_EXAMPLE_FAULTS_1, sizeof *faults);
    if (faults == NULL)
        return 2;
    bool is_crossed = strength(faults->text, "partition") >= 100 && strength(faults->text, "loss") >= 3 &&
                      strength(faults->text, "drop") >= 2;
    bool has_crash = strstr(faults->text, "partition") == NULL && strstr(faults->text, "crash") != NULL;
    int64_t cancel_await = faults->cancel_await;
    trale_close(runtime);
    const char *failure = cancel_await == 2 || cancel_await == 4 ? "a lock is held by a task that was cancelled"
                          : cancel_await > 0                     ? NULL
                          : is_crossed                           ? "an acknowledgement of 17 was lost"
                          : has_crash                            ? "a crash"
                                                                 : NULL;
    if (failure != NULL)
        puts(failure);
    return failure != NULL;
}
