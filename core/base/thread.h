/* SPDX-License-Identifier: MIT
 *
 * The threads that a runtime and its drivers make. */
#ifndef CORE_BASE_THREAD_H
#define CORE_BASE_THREAD_H

#include <pthread.h>

/* What this thread belongs to: the `owner` it was started with, or NULL on an application's own thread. It is only
 * compared. */
extern _Thread_local const void *thread_owner __attribute__((tls_model("initial-exec")));

/* Starts a thread that runs run(data). Its name is cut after 15 bytes. It blocks all signals, for those are the
 * application's and go to the application's threads, except
 *     SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS   which come from the instruction that failed,
 *     SIGABRT                                            which comes from abort(3),
 *     SIGPROF                                            by which profilers sample the thread that runs;
 * those of them that the caller's thread blocks are blocked as well.
 * 0, or -ENOMEM, -EAGAIN (pthread_create(3)). */
int thread_start(pthread_t *thread, const char *name, const void *owner, void *(*run)(void *data), void *data);

#endif
