/* SPDX-License-Identifier: MIT
 *
 * C without async functions: what it uses of trale is C11 without extensions, as -Wpedantic has it. It is compiled and
 * does not run. */
#include <trale/address.h>
#include <trale/blocking.h>
#include <trale/fiber.h>
#include <trale/scope.h>
#include <trale/signal.h>
#include <trale/sync.h>
#include <trale/timer.h>
#include <trale/trale.h>
#include <trale/udp.h>
#include <trale/udp_info.h>

struct nap {
    struct trale_future future;
    struct trale_sleep sleep;
    int n;
};

static int64_t nap_poll(struct trale_future *future, struct trale_context *context)
{
    struct nap *nap = (struct nap *)(void *)future;
    if (future->awaiting == NULL)
        future->awaiting = trale_sleep(&nap->sleep, TRALE_SECOND);
    int64_t result = trale_future_await(future->awaiting, context);
    if (result != TRALE_PENDING)
        future->awaiting = NULL;
    return result;
}
static const struct trale_future_type nap_type = {sizeof nap_type, TRALE_ABI, "nap", nap_poll, NULL};

static int buffer[4];
static struct trale_channel channel = TRALE_CHANNEL(buffer);
static struct trale_semaphore semaphore = TRALE_SEMAPHORE(3);
static struct trale_mutex mutex = TRALE_MUTEX;
static struct trale_notify notify = TRALE_NOTIFY;
static struct trale_oneshot oneshot = TRALE_ONESHOT;

static int64_t work(void *data)
{
    (void)data;
    trale_errno = 0;
    return trale_fiber_yield();
}

static int64_t body(void *data)
{
    struct trale_sleep first, second;
    struct trale_fiber fiber;
    struct trale_blocking blocking;
    TRALE_BRANCHES(2) branches;
    int64_t result = trale_fiber_await(trale_sleep(&first, TRALE_SECOND));
    result += trale_fiber_await(trale_race_of(&branches, trale_sleep(&first, 1), trale_sleep(&second, 2)));
    result += trale_fiber_await(trale_all_of(&branches, trale_sleep(&first, 1), trale_sleep(&second, 2)));
    result += trale_fiber_await(trale_fiber(&fiber, work, NULL));
    result += trale_fiber_await(trale_blocking(&blocking, work, NULL, NULL));
    result += trale_scope_spawn(data, nap) + trale_scope_spawn(data, nap, .n = 1);
    return result + trale_scope_spawn_fiber(data, work, NULL);
}

extern int64_t start(struct trale *runtime, struct trale_scope *scope);
int64_t start(struct trale *runtime, struct trale_scope *scope)
{
    trale_detach(trale_spawn(runtime, nap));
    trale_detach(trale_spawn(runtime, nap, .n = 1));
    trale_mutex_unlock(&mutex);
    trale_channel_close(&channel);
    trale_notify_all(&notify);
    trale_oneshot_close(&oneshot);
    trale_semaphore_close(&semaphore);
    return trale_join(trale_fiber_spawn(runtime, body, scope));
}
