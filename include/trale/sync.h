/* SPDX-License-Identifier: MIT
 *
 * What tasks use to wait for each other and for other threads: semaphores, mutexes, notifications, oneshots, channels.
 *
 * Each is plain memory that the user provides and initialises with the macro beside it; it holds no fd, nothing is ever
 * allocated, and nothing needs to be taken down. It must stay where it is while anybody waits for it. Its functions may
 * be called on any thread, inside tasks and outside, of one runtime or several; each takes the object's lock for a few
 * instructions. A thread that is no task waits with trale_block_on().
 *
 * Fair. Who waits stands in a line, first come, first served: what is given goes to the first in it, and nobody who
 * comes later gets it in between.
 *
 * Safe to cancel. A wait that is dropped has taken nothing. What had been given to it by then goes to the next in line.
 *
 * Futures that wait are frozen structs: they stand in frames. A mutex that stays locked over an await is what these
 * are for; for a few instructions without an await a pthread_mutex_t is the right one.
 */
#ifndef TRALE_SYNC_H
#define TRALE_SYNC_H

#include <pthread.h>

#include <trale/trale.h>

/* One that waits, and the line it stands in. Their contents are nobody else's. */
struct trale_waiter {
    struct trale_link link;
    const struct trale_waker *waker;
    uint64_t n; /* of what the line gives */
    uint32_t state;
    uint32_t reserved;
};
struct trale_wait_queue {
    uint64_t n_free;
    struct trale_link waiters; /* zeroed, or the head of a list */
};

/* --- semaphores --------------------------------------------------------------------------------------------------- */

/* A number of permits. A task takes some, or waits until so many are there. */
struct trale_semaphore {
    pthread_mutex_t lock;
    struct trale_wait_queue queue;
    uint32_t closed;
};
#define TRALE_SEMAPHORE(n_permits)                                                                                     \
    {                                                                                                                  \
        .lock = PTHREAD_MUTEX_INITIALIZER, .queue = {.n_free = (n_permits) }                                           \
    }

struct trale_semaphore_acquire {
    struct trale_future future;
    struct trale_semaphore *semaphore;
    struct trale_waiter waiter;
};

/* The future that resolves to 0 when the caller has `n` permits; to -ECANCELED if the semaphore is closed. Who asks for
 * many is not overtaken by those who ask for few; who asks for more than there will ever be waits for ever, and so do
 * all behind it. */
TRALE_CHECK_RESULT TRALE_API struct trale_future *
trale_semaphore_acquire(struct trale_semaphore_acquire *acquire, struct trale_semaphore *semaphore, uint64_t n);

/* The same at once or not at all: 0, -EAGAIN (too few, or others wait already), -ECANCELED (closed). */
TRALE_API int trale_semaphore_try_acquire(struct trale_semaphore *semaphore, uint64_t n);

/* Gives permits, taken before or new. 0, or -EOVERFLOW, and nothing given, if there would be more than UINT64_MAX; what
 * a dropped acquire gives back beyond that is lost. */
TRALE_API int trale_semaphore_release(struct trale_semaphore *semaphore, uint64_t n);

/* From now on nobody is given a permit, and who waits is told; who was given some before and has not been polled since
 * still gets them. Releasing stays allowed. */
TRALE_API void trale_semaphore_close(struct trale_semaphore *semaphore);

/* --- mutexes ------------------------------------------------------------------------------------------------------ */

/* Belongs to one task at a time. It is not recursive, and it is the user who knows whose it is. */
struct trale_mutex {
    struct trale_semaphore semaphore;
};
#define TRALE_MUTEX                                                                                                    \
    {                                                                                                                  \
        .semaphore = TRALE_SEMAPHORE(1)                                                                                \
    }

struct trale_mutex_lock {
    struct trale_semaphore_acquire acquire;
};

/* The future that resolves to 0 when the mutex is the caller's. */
TRALE_CHECK_RESULT TRALE_API struct trale_future *trale_mutex_lock(struct trale_mutex_lock *lock,
                                                                   struct trale_mutex *mutex);

/* 0, or -EAGAIN: it is somebody's. */
static inline int trale_mutex_try_lock(struct trale_mutex *mutex)
{
    return trale_semaphore_try_acquire(&mutex->semaphore, 1);
}

static inline void trale_mutex_unlock(struct trale_mutex *mutex)
{
    trale_semaphore_release(&mutex->semaphore, 1);
}

/* --- notifications ------------------------------------------------------------------------------------------------ */

/* "Something has changed, look again." */
struct trale_notify {
    pthread_mutex_t lock;
    struct trale_wait_queue queue;
};
#define TRALE_NOTIFY                                                                                                   \
    {                                                                                                                  \
        .lock = PTHREAD_MUTEX_INITIALIZER                                                                              \
    }

struct trale_notify_wait {
    struct trale_future future;
    struct trale_notify *notify;
    struct trale_waiter waiter;
};

/* The future that resolves to 0 when it is notified; at its first poll, if a notification was kept. */
TRALE_CHECK_RESULT TRALE_API struct trale_future *trale_notify_wait(struct trale_notify_wait *wait,
                                                                    struct trale_notify *notify);

/* Notifies the first that waits. If nobody does, the notification is kept for the next who comes; one, not more. */
TRALE_API void trale_notify_one(struct trale_notify *notify);

/* Notifies all that wait now, that is, were polled; nothing is kept. */
TRALE_API void trale_notify_all(struct trale_notify *notify);

/* --- oneshots ----------------------------------------------------------------------------------------------------- */

/* A value that comes once, from anywhere; all that wait for it get it, and so does who comes later. */
struct trale_oneshot {
    pthread_mutex_t lock;
    struct trale_wait_queue queue;
    int64_t value;
    uint32_t state;
};
#define TRALE_ONESHOT                                                                                                  \
    {                                                                                                                  \
        .lock = PTHREAD_MUTEX_INITIALIZER                                                                              \
    }

struct trale_oneshot_wait {
    struct trale_future future;
    struct trale_oneshot *oneshot;
    struct trale_waiter waiter;
};

/* The future that resolves to the value; to -ECANCELED if the oneshot is closed without one. */
TRALE_CHECK_RESULT TRALE_API struct trale_future *trale_oneshot_wait(struct trale_oneshot_wait *wait,
                                                                     struct trale_oneshot *oneshot);

/* Sets the value: a result as any future has it, so not TRALE_PENDING (-EINVAL). 0, or -EALREADY: it has one, or
 * -EPIPE: it is closed. */
TRALE_API int trale_oneshot_send(struct trale_oneshot *oneshot, int64_t value);

/* There will be no value; does nothing if there is one. */
TRALE_API void trale_oneshot_close(struct trale_oneshot *oneshot);

/* --- channels ----------------------------------------------------------------------------------------------------- */

/* A bounded queue of elements of one size, in memory that the user provides; any number of senders and receivers. */
struct trale_channel {
    pthread_mutex_t lock;
    struct trale_wait_queue slots; /* free places: who sends takes one */
    struct trale_wait_queue items; /* elements: who receives takes one */
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
        .lock = PTHREAD_MUTEX_INITIALIZER, .elements = (char *)(memory), .element_size = (size), .capacity = (n)       \
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

/* The future that resolves to 0 when a copy of *element is in the queue; to -EPIPE if the channel is closed. The
 * element is lent until then. Dropped, it has not sent. */
TRALE_CHECK_RESULT TRALE_API struct trale_future *
trale_channel_send(struct trale_channel_send *send, struct trale_channel *channel, const void *element);

/* The future that resolves to 1 when an element was moved into *element; to 0 if the channel is closed and empty. The
 * memory is lent until then. Dropped, it has taken no element. */
TRALE_CHECK_RESULT TRALE_API struct trale_future *trale_channel_recv(struct trale_channel_recv *recv,
                                                                     struct trale_channel *channel, void *element);

/* The same at once or not at all: -EAGAIN if the queue is full or empty, or others wait already. */
TRALE_API int trale_channel_try_send(struct trale_channel *channel, const void *element);
TRALE_API int trale_channel_try_recv(struct trale_channel *channel, void *element);

/* Nothing more is sent; who waits to send gets -EPIPE. What is in the queue can be received, then comes the end. */
TRALE_API void trale_channel_close(struct trale_channel *channel);

#if UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(struct trale_waiter) == 40, "frozen: stands in frames");
_Static_assert(sizeof(struct trale_semaphore_acquire) == 80, "frozen: stands in frames");
_Static_assert(sizeof(struct trale_notify_wait) == 80, "frozen: stands in frames");
_Static_assert(sizeof(struct trale_oneshot_wait) == 80, "frozen: stands in frames");
_Static_assert(sizeof(struct trale_channel_send) == 88, "frozen: stands in frames");
_Static_assert(sizeof(struct trale_channel_recv) == 88, "frozen: stands in frames");
#endif

#endif
