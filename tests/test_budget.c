/* SPDX-License-Identifier: MIT
 *
 * What a task's budget must never cost it: a result that was given is seen, and an event that is awaited is not missed,
 * however many results the task took before in the same poll. */
#include "tests/support.h"

#include <trale/fiber.h>
#include <trale/sync.h>

/* From no result before, over a spent budget, to a spent overdraft. */
#define N_BEFORE_MAX (TRALE_POLL_BUDGET + TRALE_POLL_OVERDRAFT + 4)

enum kind { LOCK, ELEMENT, DATAGRAM };

struct world {
    struct trale *runtime;
    struct trale_udp_socket *socket;
    struct trale_address address;
    struct trale_mutex mutex;
    struct trale_channel channel;
    int buffer[4];
    bool modest; /* the results before look at the budget */
};

/* A future that is ready, and does not look at the budget. */
static int64_t ready_poll(struct trale_future *future, struct trale_context *context)
{
    (void)future, (void)context;
    return 0;
}
static const struct trale_future_type ready_type = {sizeof ready_type, TRALE_ABI, "ready", ready_poll, NULL};

/* --- what is taken, by an async function and by a fiber ----------------------------------------------------------- */

/* What one await of the kind needs. */
struct take {
    struct trale_mutex_lock lock;
    struct trale_channel_recv element;
    struct trale_udp_recv datagram;
    int value;
    char bytes[4];
};

static struct trale_future *take_begin(struct take *take, struct world *world, enum kind kind)
{
    switch (kind) {
    case LOCK:
        return trale_mutex_lock(&take->lock, &world->mutex);
    case ELEMENT:
        return trale_channel_recv(&take->element, &world->channel, &take->value);
    default:
        return trale_udp_recv_from(&take->datagram, world->socket, take->bytes, sizeof take->bytes);
    }
}

struct taker {
    struct trale_future future;
    struct world *world;
    struct take take;
    struct trale_sleep sleep;
    struct trale_future ready;
    enum kind kind;
    int n_before, i;
    bool *taken; /* set when the result was seen */
};

trale_async(taker)
{
    trale_begin();
    for (self->i = 0; self->i < self->n_before; self->i++) {
        self->ready = (struct trale_future){.type = &ready_type};
        trale_await(self->world->modest ? trale_sleep(&self->sleep, 0) : &self->ready);
    }
    trale_await(take_begin(&self->take, self->world, self->kind));
    *self->taken = trale_result() >= 0;
    for (;;)
        trale_await(trale_sleep(&self->sleep, 0));
}

static int64_t taking_body(void *data)
{
    struct taker *taker = data;
    for (int i = 0; i < taker->n_before; i++) {
        struct trale_future ready = {.type = &ready_type};
        struct trale_sleep sleep;
        if (trale_fiber_await(taker->world->modest ? trale_sleep(&sleep, 0) : &ready) < 0)
            return -ECANCELED;
    }
    int64_t result = trale_fiber_await(take_begin(&taker->take, taker->world, taker->kind));
    *taker->taken = result >= 0;
    return result;
}

/* --- each is offered, taken by a task that is aborted at once, and must be there or have been seen ---------------- */

struct trial {
    struct trale_future future;
    struct world *world;
    struct taker taker;
    struct trale_fiber fiber;
    struct trale_udp_send send;
    struct trale_sleep sleep;
    struct trale_timeout timeout;
    struct take again;
    struct trale_join_future join;
    struct trale_task *task;
    enum kind kind;
    int n_before, n_turns;
    bool fiber_form, taken;
};

static int64_t give_back(struct trial *self)
{
    if (self->kind == LOCK)
        trale_mutex_unlock(&self->world->mutex);
    return 0;
}

trale_async(trial)
{
    int one = 1;
    trale_begin();
    if (self->kind == ELEMENT)
        trale_channel_try_send(&self->world->channel, &one);
    if (self->kind == DATAGRAM)
        trale_try(trale_udp_send_to(&self->send, self->world->socket, "x", 1, &self->world->address));
    self->taker = (struct taker){.future = {.type = &taker_type},
                                 .world = self->world,
                                 .kind = self->kind,
                                 .n_before = self->n_before,
                                 .taken = &self->taken};
    if (self->fiber_form)
        self->task = trale_spawn_frame(cx->runtime, trale_fiber(&self->fiber, taking_body, &self->taker),
                                       sizeof self->fiber);
    else
        self->task = trale_spawn_frame(cx->runtime, &self->taker.future, sizeof self->taker);
    while (self->n_turns-- > 0)
        trale_yield();
    trale_abort(self->task);
    trale_await(trale_join_future(&self->join, self->task));
    if (self->taken)
        trale_return(give_back(self));
    trale_await(trale_timeout(&self->timeout, take_begin(&self->again, self->world, self->kind), 10 * TRALE_SECOND));
    if (trale_result() < 0)
        trale_return(trale_result());
    trale_return(give_back(self));
}

static void try_each(struct world *world, enum kind kind, bool fiber_form, bool modest)
{
    struct trial trial;
    world->modest = modest;
    for (int n_before = 0; n_before < (int)N_BEFORE_MAX; n_before++) {
        for (int n_turns = 1; n_turns < 4; n_turns++) {
            int64_t result = trale_block_on(world->runtime,
                                            trale_call(trial, &trial, .world = world, .kind = kind, .n_turns = n_turns,
                                                       .n_before = n_before, .fiber_form = fiber_form));
            if (result < 0)
                fail_msg("kind %d, %d results before, %d turns: lost (%s)", kind, n_before, n_turns,
                         strerror((int)-result));
        }
    }
}

static void test_what_an_aborted_task_was_given_it_has_seen(void **state)
{
    for (enum kind kind = LOCK; kind <= DATAGRAM; kind++)
        for (int modest = 0; modest < 2; modest++)
            try_each(*state, kind, false, modest);
}

static void test_what_an_aborted_fiber_was_given_it_has_seen(void **state)
{
    for (enum kind kind = LOCK; kind <= DATAGRAM; kind++)
        for (int modest = 0; modest < 2; modest++)
            try_each(*state, kind, true, modest);
}

/* --- events ------------------------------------------------------------------------------------------------------- */

struct listener {
    struct trale_future future;
    struct trale_notify *notify;
    struct trale_notify_wait wait;
    struct trale_sleep sleep;
    int n_before, i;
    bool listens;
};

trale_async(listener)
{
    trale_begin();
    for (self->i = 0; self->i < self->n_before; self->i++)
        trale_await(trale_sleep(&self->sleep, 0));
    self->listens = true;
    trale_await(trale_notify_wait(&self->wait, self->notify));
    trale_return(trale_result());
}

struct notifier {
    struct trale_future future;
    struct trale_notify notify;
    struct listener listener;
    struct trale_timeout timeout;
    TRALE_BRANCHES(2) both;
    struct telling {
        struct trale_future future;
        struct notifier *notifier;
    } telling;
    int n_before;
};

/* Notifies all as soon as the listener is at its await. */
trale_async(telling)
{
    trale_begin();
    while (!self->notifier->listener.listens)
        trale_yield();
    trale_notify_all(&self->notifier->notify);
    trale_return(0);
}

trale_async(notifier)
{
    trale_begin();
    trale_await(trale_timeout(
        &self->timeout,
        trale_all_of(&self->both,
                     trale_call(listener, &self->listener, .notify = &self->notify, .n_before = self->n_before),
                     trale_call(telling, &self->telling, .notifier = self)),
        10 * TRALE_SECOND));
    trale_return(trale_result());
}

static void test_a_notification_that_is_awaited_is_not_missed(void **state)
{
    struct world *world = *state;
    for (int n_before = 0; n_before < (int)N_BEFORE_MAX; n_before++) {
        struct notifier notifier;
        assert_int_equal(trale_block_on(world->runtime,
                                        trale_call(notifier, &notifier, .notify = TRALE_NOTIFY, .n_before = n_before)),
                         0);
    }
}

/* --- the runtime -------------------------------------------------------------------------------------------------- */

static int set_up(void **state)
{
    static struct world world;
    world = (struct world){.mutex = TRALE_MUTEX, .channel = TRALE_CHANNEL(world.buffer)};
    world.runtime = test_open("timer, udp", TEST_TIMER TEST_UDP);
    assert_int_equal(trale_udp_open(world.runtime, "127.0.0.1:0", 0, &world.socket), 0);
    assert_int_equal(trale_udp_local(world.socket, &world.address), 0);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    return trale_close(((struct world *)*state)->runtime);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_an_aborted_task_was_given_it_has_seen),
        cmocka_unit_test(test_what_an_aborted_fiber_was_given_it_has_seen),
        cmocka_unit_test(test_a_notification_that_is_awaited_is_not_missed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
