/* SPDX-License-Identifier: MIT
 *
 * Semaphores, notifications and channels against simple models of them, made of numbers and arrays: random polls,
 * drops, gives and closings on one thread. After each step both have given the same results, and exactly the right
 * waiters were woken. A waiter that was served is polled, dropped, or left as it is. */
#include <trale/sync.h>

#include "tests/support.h"

#define N_WAITS 8
#define N_STEPS 4000
#define CAPACITY 3

enum kind { SEMAPHORE, NOTIFY, CHANNEL, N_KINDS };
enum state { IDLE, STANDS, GIVEN };

struct wait {
    struct trale_waker waker;
    int n_wakes, n_due; /* that came, that the model wants */
    enum state state;
    bool begun;
    uint64_t n, value;
    struct line_model *line;
    union {
        struct trale_future future;
        struct trale_semaphore_acquire acquire;
        struct trale_notify_wait notify;
        struct trale_channel_send send;
        struct trale_channel_recv recv;
    };
};

struct line_model {
    uint64_t n_free;
    size_t n_standing;
    struct wait *standing[N_WAITS];
};

struct world {
    enum kind kind;
    bool closed;
    struct trale_semaphore semaphore;
    struct trale_notify notify;
    uint64_t elements[CAPACITY];
    struct trale_channel channel;
    struct line_model lines[2]; /* the second: a channel's elements */
    uint64_t queue[CAPACITY];
    size_t n_queued;
    struct wait waits[N_WAITS]; /* in a channel the first half sends */
};

static uint64_t random_state;

static uint64_t random_below(uint64_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (random_state >> 11) % n;
}

/* --- the model ---------------------------------------------------------------------------------------------------- */

static void line_remove(struct line_model *line, size_t i)
{
    line->n_standing--;
    memmove(&line->standing[i], &line->standing[i + 1], (line->n_standing - i) * sizeof line->standing[0]);
}

static void line_out(struct line_model *line, enum state state)
{
    line->standing[0]->state = state;
    line->standing[0]->n_due++;
    line_remove(line, 0);
}

static void line_give(struct line_model *line, uint64_t n)
{
    line->n_free += n;
    while (line->n_standing > 0 && line->standing[0]->n <= line->n_free) {
        line->n_free -= line->standing[0]->n;
        line_out(line, GIVEN);
    }
}

static void line_tell(struct line_model *line)
{
    while (line->n_standing > 0)
        line_out(line, IDLE);
}

static bool line_try(struct line_model *line, uint64_t n)
{
    bool there = line->n_standing == 0 && line->n_free >= n;
    line->n_free -= there ? n : 0;
    return there;
}

static void wait_leave(const struct world *world, struct wait *wait)
{
    struct line_model *line = wait->line;
    bool kept = world->kind == NOTIFY && line->n_free == 1;
    uint64_t n = wait->state == GIVEN && !kept ? wait->n : 0;
    for (size_t i = 0; i < line->n_standing; i++)
        if (line->standing[i] == wait)
            line_remove(line, i);
    wait->state = IDLE;
    line_give(line, n);
}

static int64_t channel_put(struct world *world, uint64_t value)
{
    world->queue[world->n_queued++] = value;
    line_give(&world->lines[1], 1);
    return 0;
}

static int64_t channel_get(struct world *world, uint64_t value)
{
    assert_int_equal(value, world->queue[0]);
    memmove(world->queue, world->queue + 1, --world->n_queued * sizeof world->queue[0]);
    line_give(&world->lines[0], 1);
    if (world->closed && world->n_queued == 0)
        line_tell(&world->lines[1]);
    return 1;
}

/* What a poll has to answer, `wait->value` being what was received in it. */
static int64_t wait_expected(struct world *world, struct wait *wait)
{
    bool sends = wait->line == &world->lines[0], channel = world->kind == CHANNEL;
    if (world->closed && (channel ? sends || world->n_queued == 0 : wait->state != GIVEN)) {
        wait_leave(world, wait);
        return !channel ? -ECANCELED : sends ? -EPIPE : 0;
    }
    if (wait->state == IDLE && !line_try(wait->line, wait->n)) {
        wait->line->standing[wait->line->n_standing++] = wait;
        wait->state = STANDS;
    }
    if (wait->state == STANDS)
        return TRALE_PENDING;
    wait->state = IDLE;
    return !channel ? 0 : sends ? channel_put(world, wait->value) : channel_get(world, wait->value);
}

/* --- steps -------------------------------------------------------------------------------------------------------- */

static void wake_by_ref(const struct trale_waker *waker)
{
    ((struct wait *)(uintptr_t)waker)->n_wakes++;
}

static void wait_begin(struct world *world, struct wait *wait)
{
    wait->n = world->kind == SEMAPHORE ? random_below(4) : 1;
    wait->value = random_below(1000);
    if (world->kind == SEMAPHORE)
        test_make(trale_semaphore_acquire(&wait->acquire, &world->semaphore, wait->n));
    else if (world->kind == NOTIFY)
        test_make(trale_notify_wait(&wait->notify, &world->notify));
    else if (wait->line == &world->lines[0])
        test_make(trale_channel_send(&wait->send, &world->channel, &wait->value));
    else
        test_make(trale_channel_recv(&wait->recv, &world->channel, &wait->value));
    wait->begun = true;
}

static void wait_step(struct world *world, struct wait *wait)
{
    static const struct trale_waker_table table = {NULL, NULL, wake_by_ref, NULL};
    struct trale_context context = {
        .size = sizeof context, .abi = TRALE_ABI, .waker = &wait->waker, .budget = TRALE_POLL_BUDGET};
    wait->waker.table = &table;
    if (!wait->begun)
        wait_begin(world, wait);
    if (random_below(4) == 0) {
        trale_future_drop(&wait->future);
        memset(&wait->future, 0xff, sizeof wait->future);
        wait_leave(world, wait);
        wait->begun = false;
        return;
    }
    int64_t result = trale_future_poll(&wait->future, &context);
    assert_int_equal(result, wait_expected(world, wait));
    wait->begun = result == TRALE_PENDING;
}

static void semaphore_step(struct world *world)
{
    uint64_t n = random_below(4);
    if (random_below(1000) == 0) {
        trale_semaphore_close(&world->semaphore);
        world->closed = true;
        line_tell(&world->lines[0]);
    } else if (random_below(2) == 0) {
        assert_int_equal(trale_semaphore_release(&world->semaphore, n), 0);
        line_give(&world->lines[0], n);
    } else {
        assert_int_equal(trale_semaphore_try_acquire(&world->semaphore, n), world->closed                   ? -ECANCELED
                                                                            : line_try(&world->lines[0], n) ? 0
                                                                                                            : -EAGAIN);
    }
    assert_int_equal(world->semaphore.queue.n_free, world->lines[0].n_free);
}

static void notify_step(struct world *world)
{
    struct line_model *line = &world->lines[0];
    if (random_below(3) > 0) {
        trale_notify_one(&world->notify);
        line_give(line, line->n_free == 0);
        return;
    }
    trale_notify_all(&world->notify);
    for (size_t i = 0; i < line->n_standing; i++)
        line->standing[i]->n = 0;
    line_give(line, 0);
}

static void channel_step(struct world *world)
{
    uint64_t value = random_below(1000);
    if (random_below(1000) == 0) {
        trale_channel_close(&world->channel);
        world->closed = true;
        line_tell(&world->lines[0]);
        if (world->n_queued == 0)
            line_tell(&world->lines[1]);
    } else if (random_below(2) == 0) {
        int r = trale_channel_try_send(&world->channel, &value);
        assert_int_equal(r, world->closed                   ? -EPIPE
                            : line_try(&world->lines[0], 1) ? channel_put(world, value)
                                                            : -EAGAIN);
    } else {
        int r = trale_channel_try_recv(&world->channel, &value);
        bool over = world->closed && world->n_queued == 0;
        assert_int_equal(r, line_try(&world->lines[1], 1) ? channel_get(world, value) : over ? 0 : -EAGAIN);
    }
}

static void run(enum kind kind, uint64_t seed)
{
    static void (*const steps[])(struct world * world) = {semaphore_step, notify_step, channel_step};
    struct world world = {.kind = kind, .semaphore = TRALE_SEMAPHORE(2), .notify = TRALE_NOTIFY};
    world.channel = (struct trale_channel)TRALE_CHANNEL(world.elements);
    world.lines[0].n_free = kind == SEMAPHORE ? 2 : kind == CHANNEL ? CAPACITY : 0;
    for (size_t i = 0; i < N_WAITS; i++)
        world.waits[i].line = &world.lines[kind == CHANNEL && i >= N_WAITS / 2];
    random_state = seed * UINT64_C(0x9e3779b97f4a7c15);
    for (size_t step = 0; step < N_STEPS; step++) {
        if (random_below(4) == 0)
            steps[kind](&world);
        else
            wait_step(&world, &world.waits[random_below(N_WAITS)]);
        for (size_t i = 0; i < N_WAITS; i++)
            if (world.waits[i].n_wakes != world.waits[i].n_due)
                fail_msg("seed %llu, step %zu: wakes of %zu", (unsigned long long)seed, step, i);
    }
}

static void test_a_semaphore_does_what_its_model_does(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++)
        run(SEMAPHORE, seed);
}

static void test_a_notification_does_what_its_model_does(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++)
        run(NOTIFY, seed);
}

static void test_a_channel_does_what_its_model_does(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++)
        run(CHANNEL, seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_semaphore_does_what_its_model_does),
        cmocka_unit_test(test_a_notification_does_what_its_model_does),
        cmocka_unit_test(test_a_channel_does_what_its_model_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
