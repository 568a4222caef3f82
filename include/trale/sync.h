/* SPDX-License-Identifier: MIT
 *
 * What tasks use to wait for each other and for other threads: semaphores, mutexes, notifications, oneshots, channels.
 *
 * Each is plain memory that the user provides and initialises with the macro beside it. It holds no fd, allocates
 * nothing, and needs no cleanup. It must stay where it is while a future waits for it. Its functions may be called on
 * any thread, inside and outside of tasks, of one runtime or several; each takes the object's lock for a few
 * instructions. A thread that is no task waits with trale_block_on().
 *
 * Fair. Futures wait in a queue, first come, first served: what is given goes to the first one, and a future that comes
 * later cannot take it before.
 *
 * Safe to cancel. A wait that is dropped has taken nothing. What was given to it meanwhile goes to the next in the
 * queue.
 *
 * Futures that wait are frozen structs: they are part of frames. These objects are for what is held over an await; to
 * guard a few instructions without an await, use a pthread_mutex_t.
 */
#ifndef TRALE_SYNC_H
#define TRALE_SYNC_H

#include <trale/trale.h>

#include <pthread.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A waiter, and the queue in which it waits. Their members are for the functions below only. */
struct trale_waiter {
    struct trale_link link;
    const struct trale_waker *waker;
    uint64_t n; /* how many permits it waits for */
    uint32_t state;
    uint32_t reserved;
};
struct trale_wait_queue {
    uint64_t n_free;
    struct trale_link waiters; /* zeroed, or the head of a list */
};
#define TRALE_WAIT_QUEUE_(n_free)                                                                                      \
    {                                                                                                                  \
        (n_free),                                                                                                      \
        {                                                                                                              \
            NULL, NULL                                                                                                 \
        }                                                                                                              \
    }

/* --- semaphores --------------------------------------------------------------------------------------------------- */

/* A number of permits. A task takes some, or waits until there are enough. */
struct trale_semaphore {
    pthread_mutex_t lock;
    struct trale_wait_queue queue;
    uint32_t closed;
};
#define TRALE_SEMAPHORE(n_permits)                                                                                     \
    {                                                                                                                  \
        PTHREAD_MUTEX_INITIALIZER, TRALE_WAIT_QUEUE_(n_permits), 0                                                     \
    }

struct trale_semaphore_acquire {
    struct trale_future future;
    struct trale_semaphore *semaphore;
    struct trale_waiter waiter;
};

/* A future that resolves to 0 when the caller has `n` permits; to -ECANCELED if the semaphore is closed. A waiter that
 * asks for many permits is not overtaken by one that asks for few. A waiter that asks for more than there will ever be
 * waits for ever, and so do all behind it. */
TRALE_CHECK_RESULT TRALE_API struct trale_future *
trale_semaphore_acquire(struct trale_semaphore_acquire *acquire, struct trale_semaphore *semaphore, uint64_t n);

/* Takes `n` permits without waiting. 0, or -EAGAIN (too few, or others are waiting), -ECANCELED (closed). */
TRALE_API int trale_semaphore_try_acquire(struct trale_semaphore *semaphore, uint64_t n);

/* Gives `n` permits, taken before or new. 0, or -EOVERFLOW, and none is given, if there would be more than UINT64_MAX.
 * Permits that a dropped acquire gives back beyond that number are lost. */
TRALE_API int trale_semaphore_release(struct trale_semaphore *semaphore, uint64_t n);

/* From now on no permit is given, and every waiter resolves to -ECANCELED, except those that were given their permits
 * before and have not been polled since: they keep them. Releasing stays allowed. */
TRALE_API void trale_semaphore_close(struct trale_semaphore *semaphore);

/* --- mutexes ------------------------------------------------------------------------------------------------------ */

/* Belongs to one task at a time. It is not recursive, and it does not record its owner. */
struct trale_mutex {
    struct trale_semaphore semaphore;
};
#define TRALE_MUTEX                                                                                                    \
    {                                                                                                                  \
        TRALE_SEMAPHORE(1)                                                                                             \
    }

struct trale_mutex_lock {
    struct trale_semaphore_acquire acquire;
};

/* A future that resolves to 0 when the caller has the mutex. */
TRALE_CHECK_RESULT TRALE_API struct trale_future *trale_mutex_lock(struct trale_mutex_lock *lock,
                                                                   struct trale_mutex *mutex);

/* 0, or -EAGAIN: it is locked. */
static inline int trale_mutex_try_lock(struct trale_mutex *mutex)
{
    return trale_semaphore_try_acquire(&mutex->semaphore, 1);
}

/* 0; or -EPERM, and nothing is done: it is not locked. With [runtime] checks = yes that is a message too. */
TRALE_API int trale_mutex_unlock(struct trale_mutex *mutex);

/* --- notifications ------------------------------------------------------------------------------------------------ */

/* "Something has changed, look again." */
struct trale_notify {
    pthread_mutex_t lock;
    struct trale_wait_queue queue;
};
#define TRALE_NOTIFY                                                                                                   \
    {                                                                                                                  \
        PTHREAD_MUTEX_INITIALIZER, TRALE_WAIT_QUEUE_(0)                                                                \
    }

struct trale_notify_wait {
    struct trale_future future;
    struct trale_notify *notify;
    struct trale_waiter waiter;
};

/* A future that resolves to 0 when it is notified; at its first poll, if a notification was kept. */
TRALE_CHECK_RESULT TRALE_API struct trale_future *trale_notify_wait(struct trale_notify_wait *wait,
                                                                    struct trale_notify *notify);

/* Notifies the first waiter. If there is none, the notification is kept for the next one; at most one is kept. */
TRALE_API void trale_notify_one(struct trale_notify *notify);

/* Notifies all waiters that have been polled by now; nothing is kept. */
TRALE_API void trale_notify_all(struct trale_notify *notify);

/* --- oneshots ----------------------------------------------------------------------------------------------------- */

/* A value that is sent once, from any thread. All waiters get it, those that come later too. */
struct trale_oneshot {
    pthread_mutex_t lock;
    struct trale_wait_queue queue;
    int64_t value;
    uint32_t state;
};
#define TRALE_ONESHOT                                                                                                  \
    {                                                                                                                  \
        PTHREAD_MUTEX_INITIALIZER, TRALE_WAIT_QUEUE_(0), 0, 0                                                          \
    }

struct trale_oneshot_wait {
    struct trale_future future;
    struct trale_oneshot *oneshot;
    struct trale_waiter waiter;
};

/* A future that resolves to the value; to -ECANCELED if the oneshot is closed without one. */
TRALE_CHECK_RESULT TRALE_API struct trale_future *trale_oneshot_wait(struct trale_oneshot_wait *wait,
                                                                     struct trale_oneshot *oneshot);

/* Sets the value, which becomes a future's result. 0, or -EALREADY (it has a value), -EPIPE (it is closed), -EINVAL
 * (the value is TRALE_PENDING). */
TRALE_API int trale_oneshot_send(struct trale_oneshot *oneshot, int64_t value);

/* Says that no value will come; does nothing if there is one. */
TRALE_API void trale_oneshot_close(struct trale_oneshot *oneshot);

/* --- channels ----------------------------------------------------------------------------------------------------- */

/* A bounded queue of elements of one size, in memory that the user provides; any number of senders and receivers. */
struct trale_channel {
    pthread_mutex_t lock;
    struct trale_wait_queue slots; /* free places: a send takes one */
    struct trale_wait_queue items; /* elements: a receive takes one */
    char *elements;
    size_t element_size, capacity;
    size_t n_elements;
    size_t next_in, next_out; /* positions below capacity */
    uint32_t closed;
    uint32_t begun; /* the free slots are counted */
};
/* Of an array: struct message buffer[16]; struct trale_channel channel = TRALE_CHANNEL(buffer); */
#define TRALE_CHANNEL(array) TRALE_CHANNEL_OF(array, sizeof(array)[0], sizeof(array) / sizeof(array)[0])
/* Of `n` elements of `size` bytes each at `memory`, n at least 1. */
#define TRALE_CHANNEL_OF(memory, size, n)                                                                              \
    {                                                                                                                  \
        PTHREAD_MUTEX_INITIALIZER, TRALE_WAIT_QUEUE_(0), TRALE_WAIT_QUEUE_(0), (char *)(memory), (size), (n), 0, 0, 0, \
            0, 0                                                                                                       \
    }

struct trale_channel_send {
    struct trale_future future;
    struct trale_channel *channel;
    const void *element;
    struct trale_waiter waiter;
};
struct trale_channel_recv {
    struct trale_future future;
    struct trale_channel *channel;
    void *element;
    struct trale_waiter waiter;
};

/* A future that resolves to 0 when a copy of *element is in the queue; to -EPIPE if the channel is closed. The element
 * is lent until then. If the future is dropped, nothing was sent. */
TRALE_CHECK_RESULT TRALE_API struct trale_future *
trale_channel_send(struct trale_channel_send *send, struct trale_channel *channel, const void *element);

/* A future that resolves to 1 when an element was moved into *element; to 0 if the channel is closed and empty. The
 * memory is lent until then. If the future is dropped, no element was taken. */
TRALE_CHECK_RESULT TRALE_API struct trale_future *trale_channel_recv(struct trale_channel_recv *recv,
                                                                     struct trale_channel *channel, void *element);

/* The same without waiting: -EAGAIN if the queue is full or empty, or others are waiting. */
TRALE_API int trale_channel_try_send(struct trale_channel *channel, const void *element);
TRALE_API int trale_channel_try_recv(struct trale_channel *channel, void *element);

/* Ends sending: sends that wait resolve to -EPIPE. Elements in the queue can still be received, then comes the end. */
TRALE_API void trale_channel_close(struct trale_channel *channel);

static_assert(sizeof(struct trale_waiter) == 40, "frozen: part of frames");
static_assert(sizeof(struct trale_semaphore_acquire) == 80, "frozen: part of frames");
static_assert(sizeof(struct trale_notify_wait) == 80, "frozen: part of frames");
static_assert(sizeof(struct trale_oneshot_wait) == 80, "frozen: part of frames");
static_assert(sizeof(struct trale_channel_send) == 88, "frozen: part of frames");
static_assert(sizeof(struct trale_channel_recv) == 88, "frozen: part of frames");

#ifdef __cplusplus
}
#endif

#endif
