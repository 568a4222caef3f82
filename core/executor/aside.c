/* SPDX-License-Identifier: MIT */
#include "core/executor/aside.h"

#include <pthread.h>
#include <stdlib.h>

#define N_PLACES 65536u
#define N_LOCKS 64u

struct aside_name {
    struct aside_name *next;
    const struct trale_task *task;
    const char *name;
};

/* Zero until it is used, so it costs no memory where it is not. */
static struct aside table[N_PLACES];
static pthread_mutex_t locks[N_LOCKS] = {[0 ... N_LOCKS - 1] = PTHREAD_MUTEX_INITIALIZER};

static size_t place_number(const struct trale_task *task)
{
    return (size_t)((uint64_t)(uintptr_t)task * UINT64_C(0x9e3779b97f4a7c15) >> 48);
}

/* A child has a copy of the table. No thread changes it while the copy is made. */
static void lock_all(void)
{
    for (size_t i = 0; i < N_LOCKS; i++)
        pthread_mutex_lock(&locks[i]);
}

static void unlock_all(void)
{
    for (size_t i = N_LOCKS; i-- > 0;)
        pthread_mutex_unlock(&locks[i]);
}

static void watch_forks(void)
{
    pthread_atfork(lock_all, unlock_all, unlock_all);
}

struct aside *aside_lock(const struct trale_task *task)
{
    static pthread_once_t watches_forks = PTHREAD_ONCE_INIT;
    size_t number = place_number(task);
    pthread_once(&watches_forks, watch_forks);
    pthread_mutex_lock(&locks[number % N_LOCKS]);
    return &table[number];
}

void aside_unlock(const struct aside *aside)
{
    pthread_mutex_unlock(&locks[(size_t)(aside - table) % N_LOCKS]);
}

struct trale_join_future *aside_find_join(const struct aside *aside, const struct trale_task *task)
{
    struct trale_link *link = aside->joins;
    if (link == NULL)
        return NULL;
    do {
        struct trale_join_future *join = list_entry(link, struct trale_join_future, link);
        if (join->task == task)
            return join;
        link = link->next;
    } while (link != aside->joins);
    return NULL;
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static struct aside_name **name_find(struct aside *aside, const struct trale_task *task)
{
    struct aside_name **found = &aside->names;
    while (*found != NULL && (*found)->task != task)
        found = &(*found)->next;
    return found;
}

bool aside_set_name(const struct trale_task *task, const char *text)
{
    struct aside *aside = aside_lock(task);
    struct aside_name **found = name_find(aside, task);
    if (*found == NULL) {
        struct aside_name *made = malloc(sizeof *made);
        if (made != NULL)
            *made = (struct aside_name){.next = NULL, .task = task};
        *found = made;
    }
    bool is_set = *found != NULL;
    if (is_set)
        (*found)->name = text;
    aside_unlock(aside);
    return is_set;
}

const char *aside_name(const struct trale_task *task)
{
    struct aside *aside = aside_lock(task);
    const char *text = (*name_find(aside, task))->name;
    aside_unlock(aside);
    return text;
}

void aside_forget_name(const struct trale_task *task)
{
    struct aside *aside = aside_lock(task);
    struct aside_name **found = name_find(aside, task), *name = *found;
    *found = name->next;
    aside_unlock(aside);
    free(name);
}
