/* SPDX-License-Identifier: MIT
 *
 * Sleeps beyond the plain one: reset, with a slack, on other clocks; intervals and what becomes of missed ticks;
 * deadlines. In the thread layout that the environment names. */
#include <time.h>

#include "tests/support.h"

#define HOUR (3600 * TRALE_SECOND)

/* A runtime whose time moves to the next deadline when nothing is runnable; its driver knows only what the interface
 * had in the beginning. */
static struct trale *open_simulation(void)
{
    return test_open("simulation", "[driver:simulation]\npath = " TEST_FLAWED_DRIVERS "/simulated_timer.so\n");
}

/* --- reset -------------------------------------------------------------------------------------------------------- */

struct sleeper {
    struct trale_future future;
    struct trale_sleep *sleep;
};

trale_async(sleeper)
{
    trale_begin();
    trale_await(&self->sleep->future);
    trale_return(trale_result() < 0 ? trale_result() : (int64_t)trale_now(cx->runtime));
}

/* Sets another task's sleep again, after so many yields, to so much from now. */
struct resetter {
    struct trale_future future;
    struct trale_sleep *sleep;
    uint64_t duration_ns;
    int n_yields;
};

trale_async(resetter)
{
    trale_begin();
    while (self->n_yields-- > 0)
        trale_yield();
    uint64_t deadline_ns = trale_now(cx->runtime) + self->duration_ns;
    int r = trale_sleep_reset(self->sleep, deadline_ns);
    trale_return(r < 0 ? r : (int64_t)deadline_ns);
}

static void test_a_sleep_that_is_set_earlier_ends_earlier(void **state)
{
    struct trale_sleep sleep;
    test_make(trale_sleep(&sleep, HOUR));
    struct trale_task *sleeps = trale_spawn(*state, sleeper, .sleep = &sleep);
    struct trale_task *resets = trale_spawn(*state, resetter, .sleep = &sleep, .duration_ns = TRALE_MILLISECOND,
                                            .n_yields = 2);
    int64_t deadline_ns = trale_join(resets);
    assert_true(deadline_ns > 0);
    assert_true(trale_join(sleeps) >= deadline_ns);
}

struct postponed {
    struct trale_future future;
    struct trale_sleep sleep;
    uint64_t deadline_ns;
};

trale_async(postponed)
{
    trale_begin();
    if (trale_future_poll(trale_sleep(&self->sleep, HOUR), cx) != TRALE_PENDING)
        trale_return(-EILSEQ);
    self->deadline_ns = trale_now(cx->runtime) + 20 * TRALE_MILLISECOND;
    trale_sleep_reset(&self->sleep, self->deadline_ns - 15 * TRALE_MILLISECOND);
    trale_sleep_reset(&self->sleep, self->deadline_ns);
    trale_await(&self->sleep.future);
    trale_return(trale_now(cx->runtime) >= self->deadline_ns ? 0 : -ETIME);
}

static void test_a_sleep_that_is_set_later_ends_later(void **state)
{
    struct postponed frame;
    assert_int_equal(trale_block_on(*state, trale_call(postponed, &frame)), 0);
}

static void test_a_sleep_that_has_not_begun_can_be_set(void **state)
{
    struct trale_sleep sleep;
    test_make(trale_sleep(&sleep, HOUR));
    int64_t deadline_ns = trale_join(trale_spawn(*state, resetter, .sleep = &sleep, .duration_ns = TRALE_MILLISECOND));
    assert_true(deadline_ns > 0);
    assert_true(trale_join(trale_spawn(*state, sleeper, .sleep = &sleep)) >= deadline_ns);
}

static void test_outside_of_tasks_only_a_sleep_that_has_not_begun_can_be_set(void **state)
{
    struct trale_sleep sleep;
    test_make(trale_sleep(&sleep, HOUR));
    assert_int_equal(trale_sleep_reset(&sleep, 1), 0); /* long ago */
    assert_true(trale_join(trale_spawn(*state, sleeper, .sleep = &sleep)) > 0);
    assert_int_equal(trale_sleep_reset(&sleep, 1), -EPERM);
}

struct overtaken {
    struct trale_future future;
    struct trale_sleep sleep;
    uint64_t deadline_ns;
    uint32_t waiting; /* the driver's state of a sleep that waits */
};

/* Its wake is on its way when it is set anew. */
trale_async(overtaken)
{
    trale_begin();
    if (trale_future_poll(trale_sleep(&self->sleep, TRALE_MILLISECOND), cx) != TRALE_PENDING)
        trale_return(-EILSEQ);
    self->waiting = self->sleep.state;
    while (self->sleep.state == self->waiting)
        trale_yield();
    self->deadline_ns = trale_now(cx->runtime) + 2 * TRALE_MILLISECOND;
    if (trale_sleep_reset(&self->sleep, self->deadline_ns) < 0)
        trale_return(-ENOTSUP);
    trale_await(&self->sleep.future);
    trale_return(trale_now(cx->runtime) >= self->deadline_ns ? 0 : -ETIME);
}

static void test_a_wake_that_was_on_its_way_does_not_end_a_sleep_that_was_set_later(void **state)
{
    struct overtaken frame;
    assert_int_equal(trale_block_on(*state, trale_call(overtaken, &frame)), 0);
}

enum { N_SLEEPS = 64, N_RESETS = 2600000, N_RESETS_IN_A_POLL = 1000 };

/* Awaits many sleeps at once, and sets them again and again, to up to 100 us from now. */
struct juggler {
    struct trale_future future;
    struct trale_sleep sleeps[N_SLEEPS];
    uint64_t deadlines_ns[N_SLEEPS];
    int n_resets, n_ended, n_early;
    unsigned seed;
};

static unsigned juggler_draw(struct juggler *juggler)
{
    juggler->seed = juggler->seed * 1103515245 + 12345;
    return juggler->seed >> 8;
}

static void juggler_poll_sleep(struct juggler *juggler, size_t i, struct trale_context *context)
{
    if (trale_future_poll(&juggler->sleeps[i].future, context) == TRALE_PENDING)
        return;
    uint64_t now_ns = trale_now(context->runtime);
    juggler->n_ended++;
    juggler->n_early += now_ns < juggler->deadlines_ns[i];
    juggler->deadlines_ns[i] = now_ns + juggler_draw(juggler) % 100000;
    (void)!trale_sleep_until(&juggler->sleeps[i], juggler->deadlines_ns[i]);
    context->waker->table->wake_by_ref(context->waker);
}

static int64_t juggler_poll(struct trale_future *future, struct trale_context *context)
{
    struct juggler *juggler = (struct juggler *)(void *)future;
    context->budget = TRALE_POLL_BUDGET; /* this is one task, and alone */
    for (size_t i = 0; i < N_SLEEPS; i++)
        juggler_poll_sleep(juggler, i, context);
    if (juggler->n_resets >= N_RESETS) {
        for (size_t i = 0; i < N_SLEEPS; i++)
            trale_future_drop(&juggler->sleeps[i].future);
        return juggler->n_early;
    }
    uint64_t now_ns = trale_now(context->runtime);
    for (int n = 0; n < N_RESETS_IN_A_POLL; n++, juggler->n_resets++) {
        size_t i = juggler_draw(juggler) % N_SLEEPS;
        juggler->deadlines_ns[i] = now_ns + juggler_draw(juggler) % 100000;
        trale_sleep_reset(&juggler->sleeps[i], juggler->deadlines_ns[i]);
    }
    context->waker->table->wake_by_ref(context->waker);
    return TRALE_PENDING;
}

static void test_of_millions_of_resets_none_ends_a_sleep_early(void **state)
{
    TEST_REAL_ONLY("time stands still while tasks are runnable, but for a little after a thousand rounds");
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "juggler", juggler_poll, NULL};
    static struct juggler juggler;
    juggler = (struct juggler){.future = {.type = &type}, .seed = 7};
    for (size_t i = 0; i < N_SLEEPS; i++)
        (void)!trale_sleep_until(&juggler.sleeps[i], 0);
    assert_int_equal(trale_block_on(*state, &juggler.future), 0);
    assert_in_range(juggler.n_resets, N_RESETS, N_RESETS + N_RESETS_IN_A_POLL);
    assert_true(juggler.n_ended > N_SLEEPS);
}

static void test_a_simulated_sleep_is_set_anew_too(void **state)
{
    (void)state;
    struct trale *runtime = open_simulation();
    assert_int_equal(trale_join(trale_spawn(runtime, postponed)), 0);
    trale_close(runtime);
}

static void test_a_driver_says_that_it_does_not_know_a_clock(void **state)
{
    (void)state;
    struct trale *runtime = open_simulation();
    struct trale_sleep sleep;
    assert_int_equal(trale_block_on(runtime, trale_sleep_on(&sleep, TRALE_CLOCK_REALTIME, HOUR, 0)), -EINVAL);
    assert_int_equal(trale_block_on(runtime, trale_sleep_on(&sleep, TRALE_CLOCK_MONOTONIC, HOUR, 1)), 0);
    assert_int_equal(trale_now_on(runtime, TRALE_CLOCK_MONOTONIC), HOUR);
    assert_int_equal(trale_now_on(runtime, TRALE_CLOCK_REALTIME), 0);
    trale_close(runtime);
}

/* --- slack and clocks --------------------------------------------------------------------------------------------- */

struct pair {
    struct trale_future future;
    struct trale_sleep patient, strict;
    struct trale_branch branches[2];
    struct trale_branches all;
    uint64_t began_ns;
};

/* The patient one would do so for a minute, but the machine wakes for the strict one and both end. */
trale_async(pair)
{
    trale_begin();
    self->began_ns = trale_now(cx->runtime);
    self->branches[0].future = trale_sleep_on(&self->patient, TRALE_CLOCK_CONFIGURED,
                                              self->began_ns + 2 * TRALE_MILLISECOND, 60 * TRALE_SECOND);
    self->branches[1].future = trale_sleep_until(&self->strict, self->began_ns + 10 * TRALE_MILLISECOND);
    trale_await(trale_all(&self->all, self->branches, 2));
    uint64_t took_ns = trale_now(cx->runtime) - self->began_ns;
    trale_return(took_ns >= 10 * TRALE_MILLISECOND && took_ns < 30 * TRALE_SECOND ? 0 : -ETIME);
}

static void test_a_sleep_with_slack_ends_when_another_one_does(void **state)
{
    struct pair frame;
    assert_int_equal(trale_block_on(*state, trale_call(pair, &frame)), 0);
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * TRALE_SECOND + (uint64_t)now.tv_nsec;
}

static void test_each_clock_has_its_sleeps(void **state)
{
    TEST_REAL_ONLY("the clocks are those of the world, and not the machine's");
    static const struct {
        uint32_t clock;
        clockid_t id;
    } clocks[] = {{TRALE_CLOCK_MONOTONIC, CLOCK_MONOTONIC},
                  {TRALE_CLOCK_BOOTTIME, CLOCK_BOOTTIME},
                  {TRALE_CLOCK_REALTIME, CLOCK_REALTIME}};
    for (size_t i = 0; i < 3; i++) {
        struct trale_sleep sleep;
        uint64_t before_ns = clock_ns(clocks[i].id), now_ns = trale_now_on(*state, clocks[i].clock);
        assert_true(now_ns >= before_ns && now_ns <= clock_ns(clocks[i].id));
        uint64_t deadline_ns = now_ns + 3 * TRALE_MILLISECOND;
        test_make(trale_sleep_on(&sleep, clocks[i].clock, deadline_ns, 0));
        assert_int_equal(trale_block_on(*state, &sleep.future), 0);
        assert_true(clock_ns(clocks[i].id) >= deadline_ns);
    }
}

static void test_a_clock_that_is_none_is_refused(void **state)
{
    struct trale_sleep sleep;
    for (uint32_t clock = TRALE_CLOCK_REALTIME + 1; clock != 0; clock <<= 1) {
        test_make(trale_sleep_on(&sleep, clock, 1, 0));
        assert_int_equal(trale_block_on(*state, &sleep.future), -EINVAL);
        assert_int_equal(trale_now_on(*state, clock), 0);
    }
}

static void test_a_clock_costs_an_fd_when_it_is_used_and_gives_it_back(void **state)
{
    (void)state;
    TEST_REAL_ONLY("the driver has no file descriptors and no tasks of its own");
    int before = test_count_fds();
    struct trale *runtime = test_open("timer", TEST_TIMER);
    int with_one = test_count_fds();
    for (int i = 0; i < 3; i++) {
        struct trale_sleep sleep;
        test_make(trale_sleep_on(&sleep, TRALE_CLOCK_BOOTTIME, 1, 0));
        assert_int_equal(trale_block_on(runtime, &sleep.future), 0);
        test_make(trale_sleep_on(&sleep, TRALE_CLOCK_MONOTONIC, 1, 0));
        assert_int_equal(trale_block_on(runtime, &sleep.future), 0);
    }
    assert_int_equal(test_count_fds(), with_one + 1);
    trale_close(runtime);
    assert_int_equal(test_count_fds(), before);
}

/* --- intervals ---------------------------------------------------------------------------------------------------- */

/* Ticks at 10, is busy until 47, then takes four ticks: what each said, and when. */
struct ticking {
    struct trale_future future;
    struct trale_interval interval;
    struct trale_sleep sleep;
    uint32_t missed;
    int n;
    char *text;
};

trale_async(ticking)
{
    trale_begin();
    trale_interval_start(&self->interval, 10, 10);
    self->interval.missed = self->missed;
    trale_await(trale_tick(&self->interval));
    trale_await(trale_sleep_until(&self->sleep, 47));
    for (self->n = 0; self->n < 4; self->n++) {
        trale_await(trale_tick(&self->interval));
        sprintf(self->text + strlen(self->text), " %d@%d", (int)trale_result(), (int)trale_now(cx->runtime));
    }
    trale_return(0);
}

static void check_ticks(uint32_t missed, const char *expected)
{
    struct trale *runtime = open_simulation();
    char text[128] = "";
    assert_int_equal(trale_join(trale_spawn(runtime, ticking, .missed = missed, .text = text)), 0);
    assert_string_equal(text, expected);
    trale_close(runtime);
}

static void test_missed_ticks_are_skipped_and_counted(void **state)
{
    (void)state;
    check_ticks(TRALE_TICKS_SKIP, " 3@47 1@50 1@60 1@70");
}

static void test_missed_ticks_come_in_a_burst(void **state)
{
    (void)state;
    check_ticks(TRALE_TICKS_BURST, " 1@47 1@47 1@47 1@50");
}

static void test_missed_ticks_delay_all_later_ones(void **state)
{
    (void)state;
    check_ticks(TRALE_TICKS_DELAY, " 1@47 1@57 1@67 1@77");
}

/* --- deadlines ---------------------------------------------------------------------------------------------------- */

static void test_a_period_of_nothing_is_a_nanosecond(void **state)
{
    (void)state;
    struct trale *runtime = test_open("timer", TEST_TIMER);
    struct trale_interval interval;
    uint64_t first_ns = trale_now(runtime) - 1000;
    trale_interval_start(&interval, first_ns, 0);
    int64_t n_ticks = trale_block_on(runtime, trale_tick(&interval));
    assert_true(n_ticks >= 1000);
    assert_int_equal(interval.next_ns, first_ns + (uint64_t)n_ticks);
    assert_int_equal(trale_close(runtime), 0);
}

struct hurried {
    struct trale_future future;
    struct trale_timeout inner, outer;
    struct trale_sleep sleep;
    uint64_t inner_ns, outer_ns;
};

trale_async(hurried)
{
    trale_begin();
    trale_await(trale_deadline(
        &self->outer, trale_deadline(&self->inner, trale_sleep(&self->sleep, 100), self->inner_ns), self->outer_ns));
    trale_return(trale_result() < 0 ? trale_result() * 1000 - (int64_t)trale_now(cx->runtime) : trale_result());
}

static void test_the_nearest_deadline_of_a_chain_counts(void **state)
{
    (void)state;
    struct trale *runtime = open_simulation();
    struct hurried frame;
    assert_int_equal(trale_block_on(runtime, trale_call(hurried, &frame, .inner_ns = 30, .outer_ns = 60)),
                     -ETIMEDOUT * 1000 - 30);
    assert_int_equal(trale_block_on(runtime, trale_call(hurried, &frame, .inner_ns = 90, .outer_ns = 60)),
                     -ETIMEDOUT * 1000 - 60);
    assert_int_equal(trale_block_on(runtime, trale_call(hurried, &frame, .inner_ns = 500, .outer_ns = 600)), 0);
    /* One that has passed. */
    assert_int_equal(trale_block_on(runtime, trale_call(hurried, &frame, .inner_ns = 5, .outer_ns = 600)),
                     -ETIMEDOUT * 1000 - 160);
    trale_close(runtime);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sleep_that_is_set_earlier_ends_earlier),
        cmocka_unit_test(test_a_sleep_that_is_set_later_ends_later),
        cmocka_unit_test(test_a_sleep_that_has_not_begun_can_be_set),
        cmocka_unit_test(test_outside_of_tasks_only_a_sleep_that_has_not_begun_can_be_set),
        cmocka_unit_test(test_a_wake_that_was_on_its_way_does_not_end_a_sleep_that_was_set_later),
        cmocka_unit_test(test_of_millions_of_resets_none_ends_a_sleep_early),
        cmocka_unit_test(test_a_simulated_sleep_is_set_anew_too),
        cmocka_unit_test(test_a_driver_says_that_it_does_not_know_a_clock),
        cmocka_unit_test(test_a_sleep_with_slack_ends_when_another_one_does),
        cmocka_unit_test(test_each_clock_has_its_sleeps),
        cmocka_unit_test(test_a_clock_that_is_none_is_refused),
        cmocka_unit_test(test_a_clock_costs_an_fd_when_it_is_used_and_gives_it_back),
        cmocka_unit_test(test_missed_ticks_are_skipped_and_counted),
        cmocka_unit_test(test_missed_ticks_come_in_a_burst),
        cmocka_unit_test(test_missed_ticks_delay_all_later_ones),
        cmocka_unit_test(test_a_period_of_nothing_is_a_nanosecond),
        cmocka_unit_test(test_the_nearest_deadline_of_a_chain_counts),
    };
    return cmocka_run_group_tests(tests, test_open_timer, test_close_runtime);
}
