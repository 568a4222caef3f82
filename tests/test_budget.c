/* SPDX-License-Identifier: MIT
 *
 * What a task's budget must never cost it: a result that was given is seen, and an event that is awaited is not missed,
 * however many results the task took before in the same poll. */
#include "tests/support.h"

#include <inttypes.h>

#include <trale/fiber.h>
#include <trale/scope.h>
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

/* --- the first turn ----------------------------------------------------------------------------------------------- */

/* Passes on what a future says, and counts its polls. */
struct counted {
    struct trale_future future;
    int n_polls;
};

static int64_t counted_poll(struct trale_future *future, struct trale_context *context)
{
    ((struct counted *)(void *)future)->n_polls++;
    return trale_future_poll(future->awaiting, context);
}
static const struct trale_future_type counted_type = {sizeof counted_type, TRALE_ABI, "counted", counted_poll, NULL};

/* Notes in which of these polls it is polled first, and resolves at the next. */
struct probe {
    struct trale_future future;
    const struct counted *outer;
    int begun;
};

static int64_t probe_poll(struct trale_future *future, struct trale_context *context)
{
    struct probe *probe = (struct probe *)(void *)future;
    if (probe->begun > 0)
        return 0;
    probe->begun = probe->outer->n_polls;
    context->waker->table->wake_by_ref(context->waker);
    return TRALE_PENDING;
}
static const struct trale_future_type probe_type = {sizeof probe_type, TRALE_ABI, "probe", probe_poll, NULL};

enum form { ALL, RACE, RACE_IN_ORDER, SCOPE, TIMEOUT, DEADLINE };

struct beginning {
    struct trale_future future;
    struct counted counted;
    struct probe probes[2];
    struct trale_branch branches[2], inner_branches[2];
    struct trale_branches several, inner;
    struct trale_scope scope;
    struct trale_timeout timeout;
    struct spender {
        struct trale_future future;
        struct trale_future ready;
        int n;
    } spender;
    enum form outer, form;
    int n_before;
};

/* Takes that many results. */
trale_async(spender)
{
    trale_begin();
    while (self->n-- > 0) {
        self->ready = (struct trale_future){.type = &ready_type};
        trale_await(&self->ready);
    }
    trale_return(0);
}

static struct trale_future *several(enum form form, struct trale_branches *branches, struct trale_branch *branch)
{
    if (form == ALL)
        return trale_all(branches, branch, 2);
    return form == RACE ? trale_race(branches, branch, 2) : trale_race_in_order(branches, branch, 2);
}

static struct trale_future *beginning_inner(struct beginning *self, struct trale *runtime)
{
    struct trale_future *probe = &self->probes[0].future;
    switch (self->form) {
    case SCOPE:
        return trale_scope(&self->scope, probe);
    case TIMEOUT:
        return trale_timeout(&self->timeout, probe, TRALE_SECOND);
    case DEADLINE:
        return trale_deadline(&self->timeout, probe, trale_now(runtime) + TRALE_SECOND);
    default:
        self->inner_branches[0].future = probe;
        self->inner_branches[1].future = &self->probes[1].future;
        return several(self->form, &self->inner, self->inner_branches);
    }
}

/* A future that spends the account, and one beside it that has not begun. */
trale_async(beginning)
{
    trale_begin();
    for (int i = 0; i < 2; i++)
        self->probes[i] = (struct probe){.future.type = &probe_type, .outer = &self->counted};
    self->branches[0].future = trale_call(spender, &self->spender, .n = self->n_before);
    self->branches[1].future = beginning_inner(self, cx->runtime);
    self->counted.future = (struct trale_future){.type = &counted_type,
                                                 .awaiting = several(self->outer, &self->several, self->branches)};
    trale_await(&self->counted.future);
    trale_return(trale_result() < 0 ? trale_result() : 0);
}

static void test_a_branch_is_polled_in_the_first_turn_whatever_was_taken_before(void **state)
{
    struct world *world = *state;
    for (enum form outer = ALL; outer <= RACE_IN_ORDER; outer++) {
        for (enum form form = ALL; form <= DEADLINE; form++) {
            for (int n_before = 0; n_before < (int)N_BEFORE_MAX; n_before++) {
                struct beginning frame;
                assert_int_equal(trale_block_on(world->runtime, trale_call(beginning, &frame, .outer = outer,
                                                                           .form = form, .n_before = n_before)),
                                 0);
                for (int i = 0; i < (form <= RACE_IN_ORDER ? 2 : 1); i++)
                    if (frame.counted.n_polls > 1 && frame.probes[i].begun != 1)
                        fail_msg("form %d in %d, %d results before: polled first in turn %d", form, outer, n_before,
                                 frame.probes[i].begun);
            }
        }
    }
}

/* --- others take results without end ------------------------------------------------------------------------------ */

enum taking { MODEST, GREEDY, FIBER };

/* Takes result after result until the test ends it; or for 10 s, and then it has held up the futures beside it. */
struct endless {
    struct trale_future future;
    struct trale_future ready;
    struct trale_sleep sleep;
    struct trale_fiber fiber;
    uint64_t end_ns;
    bool modest, told;
};

static bool endless_goes_on(const struct endless *self, struct trale *runtime)
{
    return !self->told && trale_now(runtime) < self->end_ns;
}

trale_async(endless)
{
    trale_begin();
    self->end_ns = trale_now(cx->runtime) + 10 * TRALE_SECOND;
    while (endless_goes_on(self, cx->runtime)) {
        self->ready = (struct trale_future){.type = &ready_type};
        trale_await(self->modest ? trale_sleep(&self->sleep, 0) : &self->ready);
    }
    trale_return(self->told ? 0 : -ETIME);
}

static int64_t endless_body(void *data)
{
    struct endless *endless = data;
    struct trale_sleep sleep;
    int64_t r = 0;
    endless->end_ns = trale_now(trale_current()) + 10 * TRALE_SECOND;
    while (r == 0 && endless_goes_on(endless, trale_current()))
        r = trale_fiber_await(trale_sleep(&sleep, 0));
    return endless->told ? 0 : -ETIME;
}

static struct trale_future *endless_begin(struct endless *endless, enum taking taking)
{
    return taking == FIBER ? trale_fiber(&endless->fiber, endless_body, endless)
                           : trale_call(endless, endless, .modest = taking == MODEST);
}

enum limit { BY_TIMEOUT, BY_DEADLINE, AROUND_A_SCOPE, BY_RACE, BY_RACE_IN_ORDER, BEHIND_IT, BESIDE_IT, N_LIMITS };

/* Tells another future to end. */
struct telling_to_end {
    struct trale_future future;
    struct trale_sleep sleep;
    struct endless *endless;
};

trale_async(telling_to_end)
{
    trale_begin();
    trale_await(trale_sleep(&self->sleep, TRALE_MILLISECOND));
    self->endless->told = true;
    trale_return(0);
}

struct limited {
    struct trale_future future;
    struct endless endless;
    struct trale_timeout timeout;
    struct trale_scope scope;
    struct trale_sleep sleep;
    struct telling_to_end telling;
    TRALE_BRANCHES(2) both;
    enum taking taking;
    enum limit limit;
};

static struct trale_future *limited_begin(struct limited *self, struct trale *runtime)
{
    struct trale_future *endless = endless_begin(&self->endless, self->taking);
    switch (self->limit) {
    case BY_TIMEOUT:
        return trale_timeout(&self->timeout, endless, TRALE_MILLISECOND);
    case BY_DEADLINE:
        return trale_deadline(&self->timeout, endless, trale_now(runtime) + TRALE_MILLISECOND);
    case AROUND_A_SCOPE:
        return trale_timeout(&self->timeout, trale_scope(&self->scope, endless), TRALE_MILLISECOND);
    case BY_RACE:
        return trale_race_of(&self->both, endless, trale_sleep(&self->sleep, TRALE_MILLISECOND));
    case BY_RACE_IN_ORDER:
        return trale_race_in_order_of(&self->both, endless, trale_sleep(&self->sleep, TRALE_MILLISECOND));
    case BESIDE_IT:
        return trale_all_of(&self->both, endless,
                            trale_call(telling_to_end, &self->telling, .endless = &self->endless));
    default:
        return trale_race_in_order_of(
            &self->both, endless,
            trale_timeout(&self->timeout, trale_sleep(&self->sleep, TRALE_SECOND), TRALE_MILLISECOND));
    }
}

trale_async(limited)
{
    trale_begin();
    trale_await(limited_begin(self, cx->runtime));
    trale_return(self->limit == BESIDE_IT ? self->both.branch[0].result : trale_result());
}

static void test_a_future_that_takes_results_without_end_is_ended_in_time(void **state)
{
    struct world *world = *state;
    for (enum limit limit = 0; limit < N_LIMITS; limit++) {
        for (enum taking taking = MODEST; taking <= FIBER; taking++) {
            int64_t expected = limit < BY_RACE ? -ETIMEDOUT : limit == BESIDE_IT ? 0 : 1;
            struct limited frame;
            int64_t result = trale_block_on(world->runtime,
                                            trale_call(limited, &frame, .taking = taking, .limit = limit));
            if (result != expected)
                fail_msg("limit %d, taking %d: %" PRId64, limit, taking, result);
        }
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
        cmocka_unit_test(test_a_branch_is_polled_in_the_first_turn_whatever_was_taken_before),
        cmocka_unit_test(test_a_future_that_takes_results_without_end_is_ended_in_time),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
