/* SPDX-License-Identifier: MIT */
#include "core/base/process.h"

#include <pthread.h>

/* Not atomic: it is written where there is one thread. */
uint32_t process_generation;

static void count_fork(void)
{
    process_generation++;
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, count_fork);
}

void process_watch_forks(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
}
