/* SPDX-License-Identifier: MIT
 *
 * What drivers that offer trale.signal/1 share: the names of signals in trale.ini, the mask of the thread that opens
 * the runtime, and what a signal tells. */
#ifndef DRIVERS_SIGNALS_H
#define DRIVERS_SIGNALS_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <trale/signal.h>

/* --- names -------------------------------------------------------------------------------------------------------- */

#define SIGNALS_SEPARATORS " \t,"
#define SIGNALS_NUMBER_MAX 64 /* of the bits that there are */

/* The number that a word of digits says; -1 for any other word. */
static inline int signals_parse_number_(const char *text)
{
    return text[0] != '\0' && strlen(text) <= 3 && text[strspn(text, "0123456789")] == '\0' ? atoi(text) : -1;
}

/* The number of a signal by its name without SIG, or -1. */
static inline int signals_parse_name_(const char *name)
{
    bool from_first = strncmp(name, "RTMIN", 5) == 0, from_last = strncmp(name, "RTMAX", 5) == 0;
    if (from_first || from_last) {
        const char *rest = name + 5;
        int distance = rest[0] == (from_first ? '+' : '-') ? signals_parse_number_(rest + 1) : rest[0] == '\0' ? 0 : -1;
        if (distance < 0 || distance > SIGRTMAX - SIGRTMIN)
            return -1;
        return from_first ? SIGRTMIN + distance : SIGRTMAX - distance;
    }
    for (int number = 1; number <= SIGNALS_NUMBER_MAX; number++) {
        const char *known = sigabbrev_np(number);
        if (known != NULL && strcmp(known, name) == 0)
            return number;
    }
    return strcmp(name, "IO") == 0 ? SIGIO : -1; /* the other name of POLL */
}

/* Why no program can wait for the signal, or NULL. */
static inline const char *signals_number_flaw_(int number)
{
    if (number < 1 || number > SIGRTMAX || number > SIGNALS_NUMBER_MAX)
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

/* Reads names separated by blanks or commas: "TERM", "SIGTERM", "RTMIN+1", "RTMAX-1" or a number. Sets the bit
 * `number - 1` for each in *signals. 0, or -EINVAL with the reason in `why`: there is none, one is no signal, or it
 * cannot be awaited. */
static inline int signals_parse(const char *names, uint64_t *signals, char *why, size_t size)
{
    uint64_t found = 0;
    const char *at = names + strspn(names, SIGNALS_SEPARATORS);
    for (size_t length; *at != '\0'; at += length + strspn(at + length, SIGNALS_SEPARATORS)) {
        char word[16] = "";
        length = strcspn(at, SIGNALS_SEPARATORS);
        if (length < sizeof word)
            memcpy(word, at, length);
        int number = signals_parse_number_(word);
        if (number < 0)
            number = signals_parse_name_(strncmp(word, "SIG", 3) == 0 ? word + 3 : word);
        const char *flaw = signals_number_flaw_(number);
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

/* --- the mask ----------------------------------------------------------------------------------------------------- */

/* The set of these bits. */
static inline void signals_set(sigset_t *set, uint64_t signals)
{
    sigemptyset(set);
    for (int number = 1; number <= 64; number++)
        if ((signals & trale_signal_bit(number)) != 0)
            sigaddset(set, number);
}

/* Signals that were blocked for a runtime. */
struct signals_mask {
    uint64_t blocked; /* those that were not blocked before */
    pid_t opener;     /* the thread; a pthread_t is used again as soon as its thread has ended */
};

/* Blocks signals on this thread. */
static inline void signals_block(struct signals_mask *mask, uint64_t signals)
{
    sigset_t set, before;
    signals_set(&set, signals);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    mask->opener = gettid();
    mask->blocked = 0;
    for (int number = 1; number <= 64; number++)
        if ((signals & trale_signal_bit(number)) != 0 && sigismember(&before, number) == 0)
            mask->blocked |= trale_signal_bit(number);
}

/* Only on the thread that opened the runtime: the masks of other threads are the application's. */
static inline void signals_unblock(const struct signals_mask *mask)
{
    sigset_t set;
    signals_set(&set, mask->blocked);
    if (mask->opener == gettid())
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* --- what a signal tells ------------------------------------------------------------------------------------------ */

/* Most of a siginfo_t is a union: which member is there, the code says (the kernel's siginfo_layout). */
static inline void signals_tell(struct trale_signal *signal, const siginfo_t *info)
{
    int code = info->si_code;
    bool is_child = info->si_signo == SIGCHLD && code >= CLD_EXITED && code <= CLD_CONTINUED;
    bool is_sent = code <= 0 && code != SI_TIMER && code != SI_SIGIO;
    signal->number = info->si_signo;
    signal->code = code;
    if (is_sent || is_child) {
        signal->pid = info->si_pid;
        signal->uid = info->si_uid;
    }
    if (is_child)
        signal->status = info->si_status;
    if (code < 0 && code != SI_SIGIO) {
        signal->value = info->si_value.sival_int;
        signal->pointer = (uint64_t)(uintptr_t)info->si_value.sival_ptr;
    }
}

#endif
