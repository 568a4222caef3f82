/* SPDX-License-Identifier: MIT
 *
 * The interface "trale.blocking/1": functions that block or compute for a long time, run on threads of their own while
 * tasks go on. Offered by drivers/blocking/blocking.c, awaited through trale_blocking():
 *
 *     struct size {
 *         struct trale_future future;
 *         struct trale_blocking work;
 *         const char *path;
 *     };
 *
 *     static int64_t file_size(void *path)               runs on another thread, and may take its time
 *     {
 *         struct stat status;
 *         if (path == NULL)
 *             return -ENOMEM;
 *         return stat(path, &status) < 0 ? -errno : status.st_size;
 *     }
 *
 *     static void size_close(struct size *self)          runs however it ends, and frees what the driver does not
 *     {
 *         free(self->work.data);
 *     }
 *
 *     trale_async_with(size, size_close)
 *     {
 *         trale_begin();
 *         trale_await(trale_blocking(&self->work, file_size, strdup(self->path), free));
 *         trale_return(trale_result());
 *     }
 *
 * WHO OWNS DATA. A function that runs cannot be stopped. If its future is dropped, by trale_abort, by a timeout or when
 * the runtime closes, the frame is gone while the function still runs. So `data` never points into a frame or a stack:
 * it is memory that can be given away.
 *   made      From trale_blocking() on it is the future's, in work.data. No other code touches it.
 *   resolved  It is the caller's again, whatever the result, with what the function left there, and still in work.data.
 *             release is not called.
 *   dropped   release(data), unless release is NULL, is called exactly once, when data is no longer used: before the
 *             drop returns, if the function has ended, or has not begun and never will; otherwise when it ends, on the
 *             thread that ran it. work.data is NULL after the drop. So a cleanup function may free it in any case, as
 *             above. A future that was made and is neither polled nor dropped calls nothing, like any other.
 * With release = NULL, data must stay until the function has ended; trale_close waits for that.
 *
 * The threads block signals as the runtime's do (trale.h), and programs that a function executes inherit that: they
 * would not get a SIGTERM. Call trale_signal_mask_clear() between fork(2) and execve(2), or use POSIX_SPAWN_SETSIGMASK
 * (posix_spawn(3)). Threads are made when they are needed, up to `threads` in trale.ini, and kept. A call that finds
 * none free waits in a queue, first in, first out. The queue has no limit of its own: each call in it is awaited by a
 * task, and the application decides how many of those there are.
 */
#ifndef TRALE_BLOCKING_H
#define TRALE_BLOCKING_H

#include <trale/driver.h>
#include <trale/trale.h>

#include <errno.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A call of a function that blocks. The last members are the driver's, from `run` to its end. Frozen: it is part of
 * frames. */
struct trale_blocking {
    struct trale_future future;
    int64_t (*function)(void *data);
    void *data; /* NULL once it was dropped */
    void (*release)(void *data);
    const char *name; /* of the function, for messages; static */

    void *driver;
    void *job;
};

#define TRALE_BLOCKING_1_SIZE 24
#define TRALE_BLOCKING_1 TRALE_INTERFACE("trale.blocking/1", TRALE_BLOCKING_1_SIZE)

struct trale_pool {
    struct trale_interface interface; /* version 1 */

    /* [executor] Makes *blocking a future: `type` is to be set by the driver, what the caller passes is set already,
     * the rest zero. The contract is that of trale_blocking. */
    void (*run)(void *instance, struct trale_blocking *blocking);
};

/* The runtime's pool of threads, or NULL if no driver offers one. [any] */
static inline const struct trale_pool *trale_pool(struct trale *runtime)
{
    return (const struct trale_pool *)trale_interface(runtime, TRALE_BLOCKING_1, sizeof(struct trale_pool));
}

/* The first poll: here the runtime is known, and with it the driver, which takes over. */
static inline int64_t trale_blocking_begin_(struct trale_future *future, struct trale_context *context)
{
    const struct trale_pool *pool = trale_pool(context->runtime);
    if (pool == NULL)
        return -ENODEV;
    pool->run(pool->interface.instance, (struct trale_blocking *)(void *)future);
    return trale_future_poll(future, context);
}

static inline void trale_blocking_drop_(struct trale_future *future)
{
    struct trale_blocking *blocking = (struct trale_blocking *)(void *)future;
    void *data = blocking->data;
    blocking->data = NULL;
    if (blocking->release != NULL)
        blocking->release(data);
}

/* struct trale_future *trale_blocking(struct trale_blocking *blocking, int64_t (*function)(void *data), void *data,
 *                                     void (*release)(void *data))
 *
 * The future of function(data), which is queued at the first poll and runs on a thread of the pool. Resolves to what it
 * returned, a value >= 0 or a negative errno; what it wrote before is visible then. Or, without the function having
 * been called, to -ENODEV (no driver offers this), -ENOMEM, or -EAGAIN (not one thread could be made,
 * pthread_create(3)); or to -EPROTO, if the function returned TRALE_PENDING's value. Dropped before the function has
 * begun, it never does; dropped while it runs, it runs to its end, and its result is lost.
 * data may be NULL, and is then released like any other. The function may call what may be called on any thread
 * (trale.h), and wait for tasks too. trale_close waits for it, and trale_close_within names it when its limit has
 * passed. While the runtime closes, what the function spawns starts cancelled, and what it waits for there ends with
 * -ECANCELED; trale_close in it returns -EDEADLK. The release function does not block. Made anywhere, awaited in a
 * task. */
#define trale_blocking(blocking, function, data, release)                                                              \
    trale_blocking_named((blocking), #function, (function), (data), (release))
TRALE_CHECK_RESULT static inline struct trale_future *trale_blocking_named(struct trale_blocking *blocking,
                                                                           const char *name,
                                                                           int64_t (*function)(void *data), void *data,
                                                                           void (*release)(void *data))
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_blocking", trale_blocking_begin_,
                                                  trale_blocking_drop_};
    memset(blocking, 0, sizeof *blocking);
    blocking->future.type = &type;
    blocking->function = function;
    blocking->data = data;
    blocking->release = release;
    blocking->name = name;
    return &blocking->future;
}

static_assert(sizeof(struct trale_blocking) == 80, "frozen: part of frames");
static_assert(offsetof(struct trale_pool, run) + sizeof(void *) == TRALE_BLOCKING_1_SIZE, "append only");

#ifdef __cplusplus
}
#endif

#endif
