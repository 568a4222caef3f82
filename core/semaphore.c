/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "core/line.h"

static int64_t acquire_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_semaphore_acquire *acquire = (struct trale_semaphore_acquire *)(void *)future;
    struct trale_semaphore *semaphore = acquire->semaphore;
    int64_t r;
    pthread_mutex_lock(&semaphore->lock);
    if (semaphore->closed && acquire->waiter.state == WAITER_NEW)
        r = -ECANCELED;
    else
        r = line_take(&semaphore->line, &acquire->waiter, acquire->waiter.n, context) ? 0 : TRALE_PENDING;
    pthread_mutex_unlock(&semaphore->lock);
    return r;
}

static void acquire_drop(struct trale_future *future)
{
    struct trale_semaphore_acquire *acquire = (struct trale_semaphore_acquire *)(void *)future;
    pthread_mutex_lock(&acquire->semaphore->lock);
    line_leave(&acquire->semaphore->line, &acquire->waiter);
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

int trale_semaphore_try_acquire(struct trale_semaphore *semaphore, uint64_t n)
{
    pthread_mutex_lock(&semaphore->lock);
    int r = semaphore->closed ? -ECANCELED : line_try_take(&semaphore->line, n) ? 0 : -EAGAIN;
    pthread_mutex_unlock(&semaphore->lock);
    return r;
}

int trale_semaphore_release(struct trale_semaphore *semaphore, uint64_t n)
{
    int r = -EOVERFLOW;
    pthread_mutex_lock(&semaphore->lock);
    if (n <= UINT64_MAX - semaphore->line.n_free) {
        line_give(&semaphore->line, n);
        r = 0;
    }
    pthread_mutex_unlock(&semaphore->lock);
    return r;
}

void trale_semaphore_close(struct trale_semaphore *semaphore)
{
    pthread_mutex_lock(&semaphore->lock);
    semaphore->closed = 1;
    line_tell(&semaphore->line);
    pthread_mutex_unlock(&semaphore->lock);
}
