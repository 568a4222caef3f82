/* SPDX-License-Identifier: MIT */
#include "core/base/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

_Thread_local const void *thread_owner;

struct thread {
    char name[16];
    const void *owner;
    void *(*run)(void *data);
    void *data;
};

static void *thread_main(void *data)
{
    const struct thread thread = *(struct thread *)data;
    free(data);
    thread_owner = thread.owner;
    pthread_setname_np(pthread_self(), thread.name);
    return thread.run(thread.data);
}

static void signals_to_block(sigset_t *signals)
{
    static const int unblocked[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGPROF};
    sigset_t callers;
    pthread_sigmask(SIG_BLOCK, NULL, &callers);
    sigfillset(signals);
    for (size_t i = 0; i < sizeof unblocked / sizeof unblocked[0]; i++)
        if (!sigismember(&callers, unblocked[i]))
            sigdelset(signals, unblocked[i]);
}

int thread_start(pthread_t *thread, const char *name, const void *owner, void *(*run)(void *data), void *data)
{
    struct thread *start = malloc(sizeof *start);
    if (start == NULL)
        return -ENOMEM;
    *start = (struct thread){.owner = owner, .run = run, .data = data};
    snprintf(start->name, sizeof start->name, "%s", name);
    sigset_t signals, before;
    signals_to_block(&signals);
    pthread_sigmask(SIG_SETMASK, &signals, &before);
    int r = -pthread_create(thread, NULL, thread_main, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r < 0)
        free(start);
    return r;
}
