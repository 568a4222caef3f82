/* SPDX-License-Identifier: MIT */
#include "names.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEPARATORS " \t,"
#define NUMBER_MAX 64 /* of the bits that there are */

/* The number that a word of digits says; -1 for any other word. */
static int parse_number(const char *text)
{
    return text[0] != '\0' && strlen(text) <= 3 && text[strspn(text, "0123456789")] == '\0' ? atoi(text) : -1;
}

/* The number of a signal by its name without SIG, or -1. */
static int parse_name(const char *name)
{
    bool from_first = strncmp(name, "RTMIN", 5) == 0, from_last = strncmp(name, "RTMAX", 5) == 0;
    if (from_first || from_last) {
        const char *rest = name + 5;
        int distance = rest[0] == (from_first ? '+' : '-') ? parse_number(rest + 1) : rest[0] == '\0' ? 0 : -1;
        if (distance < 0 || distance > SIGRTMAX - SIGRTMIN)
            return -1;
        return from_first ? SIGRTMIN + distance : SIGRTMAX - distance;
    }
    for (int number = 1; number <= NUMBER_MAX; number++) {
        const char *known = sigabbrev_np(number);
        if (known != NULL && strcmp(known, name) == 0)
            return number;
    }
    return strcmp(name, "IO") == 0 ? SIGIO : -1; /* the other name of POLL */
}

/* Why no program can wait for the signal, or NULL. */
static const char *number_flaw(int number)
{
    if (number < 1 || number > SIGRTMAX || number > NUMBER_MAX)
        return "is no signal; allowed are names such as TERM or USR1, RTMIN to RTMAX, RTMIN+1, and numbers";
    switch (number) {
    case SIGKILL:
    case SIGSTOP:
        return "cannot be blocked, so it cannot be awaited (signal(7))";
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
        return "comes from the instruction that failed, and cannot be blocked (pthread_sigmask(3))";
    }
    /* Between the standard signals and SIGRTMIN, what the C library keeps for itself (nptl(7)). */
    return number >= 32 && number < SIGRTMIN ? "is the C library's own (nptl(7))" : NULL;
}

int signal_names_parse(const char *names, uint64_t *signals, char *why, size_t size)
{
    uint64_t found = 0;
    const char *at = names + strspn(names, SEPARATORS);
    for (size_t length; *at != '\0'; at += length + strspn(at + length, SEPARATORS)) {
        char word[16] = "";
        length = strcspn(at, SEPARATORS);
        if (length < sizeof word)
            memcpy(word, at, length);
        int number = parse_number(word);
        if (number < 0)
            number = parse_name(strncmp(word, "SIG", 3) == 0 ? word + 3 : word);
        const char *flaw = number_flaw(number);
        if (flaw != NULL) {
            snprintf(why, size, "%.*s %s", (int)length, at, flaw);
            return -EINVAL;
        }
        found |= UINT64_C(1) << (number - 1);
    }
    if (found == 0) {
        snprintf(why, size, "it names no signal");
        return -EINVAL;
    }
    *signals = found;
    return 0;
}
