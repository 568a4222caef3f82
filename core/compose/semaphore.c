/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "core/compose/wait_queue.h"
#include "core/executor/executor.h"

static int64_t acquire_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_semaphore_acquire *acquire = (struct trale_semaphore_acquire *)(void *)future;
    struct trale_semaphore *semaphore = acquire->semaphore;
    int64_t r;
    pthread_mutex_lock(&semaphore->lock);
    if (semaphore->closed && acquire->waiter.state == WAITER_NEW)
        r = -ECANCELED;
    else
        r = wait_queue_take(&semaphore->queue, &acquire->waiter, acquire->waiter.n, context) ? 0 : TRALE_PENDING;
    pthread_mutex_unlock(&semaphore->lock);
    return r;
}

static void acquire_drop(struct trale_future *future)
{
    struct trale_semaphore_acquire *acquire = (struct trale_semaphore_acquire *)(void *)future;
    pthread_mutex_lock(&acquire->semaphore->lock);
    wait_queue_leave(&acquire->semaphore->queue, &acquire->waiter);
    pthread_mutex_unlock(&acquire->semaphore->lock);
}

struct trale_future *trale_semaphore_acquire(struct trale_semaphore_acquire *acquire, struct trale_semaphore *semaphore,
                                             uint64_t n)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_semaphore_acquire", acquire_poll,
                                                  acquire_drop};
    *acquire = (struct trale_semaphore_acquire){.future = {.type = &type}, .semaphore = semaphore, .waiter = {.n = n}};
    return &acquire->future;
}

struct trale_future *trale_mutex_lock(struct trale_mutex_lock *lock, struct trale_mutex *mutex)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_mutex_lock", acquire_poll,
                                                  acquire_drop};
    lock->acquire = (struct trale_semaphore_acquire){
        .future = {.type = &type}, .semaphore = &mutex->semaphore, .waiter = {.n = 1}};
    return &lock->acquire.future;
}

int trale_semaphore_try_acquire(struct trale_semaphore *semaphore, uint64_t n)
{
    pthread_mutex_lock(&semaphore->lock);
    int r = semaphore->closed ? -ECANCELED : wait_queue_try_take(&semaphore->queue, n) ? 0 : -EAGAIN;
    pthread_mutex_unlock(&semaphore->lock);
    return r;
}

int trale_semaphore_release(struct trale_semaphore *semaphore, uint64_t n)
{
    int r = -EOVERFLOW;
    pthread_mutex_lock(&semaphore->lock);
    if (n <= UINT64_MAX - semaphore->queue.n_free) {
        wait_queue_give(&semaphore->queue, n);
        r = 0;
    }
    pthread_mutex_unlock(&semaphore->lock);
    return r;
}

int trale_mutex_unlock(struct trale_mutex *mutex)
{
    struct trale_semaphore *semaphore = &mutex->semaphore;
    pthread_mutex_lock(&semaphore->lock);
    bool is_locked = semaphore->queue.n_free == 0;
    if (is_locked)
        wait_queue_give(&semaphore->queue, 1);
    pthread_mutex_unlock(&semaphore->lock);
    if (is_locked)
        return 0;
    if (executor_on_thread != NULL)
        HOOKS_CALL(executor_on_thread->hooks, free_mutex_unlocked, mutex);
    return -EPERM;
}

void trale_semaphore_close(struct trale_semaphore *semaphore)
{
    pthread_mutex_lock(&semaphore->lock);
    semaphore->closed = 1;
    wait_queue_wake_all(&semaphore->queue);
    pthread_mutex_unlock(&semaphore->lock);
}
