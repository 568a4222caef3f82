/* SPDX-License-Identifier: MIT
 *
 * One list for the process, for a cycle may lead through all its runtimes. Executors on it are compared; followed are
 * only those that a registered thread runs, which stay as long as it does. Threads of the application are not entered:
 * nothing waits for them. */
#include "core/executor/block.h"

#include <errno.h>

#include "core/base/thread.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct trale_link blocks = {&blocks, &blocks};
static pthread_once_t watches_forks = PTHREAD_ONCE_INIT;

static bool runs(const struct executor *inner, const struct executor *executor)
{
    while (inner != NULL && inner != executor)
        inner = inner->outer;
    return inner != NULL;
}

/* A wait whose task has finished is over, although its thread has not left yet. */
static bool is_over(const struct block *block)
{
    const struct trale_task *task = atomic_load_explicit(&block->task, memory_order_acquire);
    return task != NULL && task_is_finished(task);
}

/* Whether the target needs this thread to go on, or to end. A target that only polls needs the thread that runs it; one
 * that is to end needs all threads that its drivers have made as well. Each wait is followed once, however many ways
 * lead to it. */
static bool needs_this_thread(const struct executor *target, bool closes)
{
    if (runs(executor_on_thread, target) || (closes && thread_owner == target))
        return true;
    for (struct trale_link *link = blocks.next; link != &blocks; link = link->next) {
        struct block *block = list_entry(link, struct block, link);
        if (block->is_seen || !(runs(block->inner, target) || (closes && block->owner == target)) || is_over(block))
            continue;
        block->is_seen = true;
        if (needs_this_thread(block->target, block->closes))
            return true;
    }
    return false;
}

static bool closes_cycle(const struct executor *target, bool closes)
{
    for (struct trale_link *link = blocks.next; link != &blocks; link = link->next)
        list_entry(link, struct block, link)->is_seen = false;
    return needs_this_thread(target, closes);
}

/* A child has none of its parent's threads, and so none of their waits, and the lock may have been theirs. */
static void forget_parent(void)
{
    list_init(&blocks);
    pthread_mutex_init(&lock, NULL);
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, forget_parent);
}

int block_enter(struct block *block, const struct executor *target, bool closes, const struct trale_task *task)
{
    *block = (struct block){
        .inner = executor_on_thread, .owner = thread_owner, .target = target, .closes = closes, .task = task};
    if (!executor_is_ours(target))
        return -ECHILD;
    if (block->inner == NULL && block->owner == NULL)
        return 0;
    pthread_once(&watches_forks, watch_forks);
    pthread_mutex_lock(&lock);
    int r = closes_cycle(target, closes) ? -EDEADLK : 0;
    block->is_registered = r == 0;
    if (block->is_registered)
        list_append(&blocks, &block->link);
    pthread_mutex_unlock(&lock);
    return r;
}

void block_leave(struct block *block)
{
    if (!block->is_registered)
        return;
    block->is_registered = false;
    pthread_mutex_lock(&lock);
    list_remove(&block->link);
    pthread_mutex_unlock(&lock);
}
