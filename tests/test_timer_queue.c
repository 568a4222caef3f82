/* SPDX-License-Identifier: MIT
 *
 * The timer driver's queue alone, against a list that is searched from end to end. */
#include "tests/support.h"

#include "drivers/timer/queue.h"

#define N_SLEEPS 600

static uint64_t random_state;

static uint64_t random_number(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* Deadlines near and far, many of them equal: up to 2^bits after now, in steps of 2^(bits - 4). */
static uint64_t bits_max = 64;
static uint64_t random_deadline(uint64_t now_ns)
{
    uint64_t bits = 4 + random_number() % (bits_max - 4);
    return trale_time_add(now_ns, (random_number() >> (64 - bits)) & ~((UINT64_C(1) << (bits - 4)) - 1));
}

struct model {
    struct trale_sleep sleep;
    uint64_t slack_ns;
    uint64_t order; /* in which it was added; 0: it is not in the queue */
};

static uint64_t latest_ns(const struct model *model)
{
    return trale_time_add(model->sleep.future.own, model->slack_ns);
}

static struct model *earliest(struct model *models)
{
    struct model *first = NULL;
    for (size_t i = 0; i < N_SLEEPS; i++) {
        struct model *model = &models[i];
        if (model->order == 0)
            continue;
        if (first == NULL || latest_ns(model) < latest_ns(first) ||
            (latest_ns(model) == latest_ns(first) && model->order < first->order))
            first = model;
    }
    return first;
}

/* Adds, removes, takes what is due; time goes by in steps of all sizes, and sometimes back. */
static void run(uint64_t seed, uint64_t now_ns, size_t n_steps)
{
    static struct model models[N_SLEEPS];
    struct timer_queue *queue = calloc(1, sizeof *queue);
    uint64_t order = 0;
    memset(models, 0, sizeof models);
    random_state = seed;
    for (size_t step = 0; step < n_steps; step++) {
        struct model *model = &models[random_number() % N_SLEEPS], *first = earliest(models);
        uint64_t next_ns = timer_queue_next(queue), first_ns = first != NULL ? latest_ns(first) : NEVER;
        if (bits_max == 64 ? next_ns != first_ns : next_ns > first_ns)
            fail_msg("seed %llu, step %zu: next", (unsigned long long)seed, step);
        if (model->order == 0) {
            model->sleep.future.own = random_deadline(now_ns);
            model->slack_ns = random_number() % 2 == 0 ? 0 : random_deadline(0) >> 1;
            if (latest_ns(model) == NEVER) /* these have no order, so none may come */
                model->sleep.future.own = NEVER;
            model->sleep.slack_ns = model->slack_ns;
            model->order = ++order;
            assert_int_equal(timer_queue_add(queue, &model->sleep), 0);
        } else if (random_number() % 2 == 0) {
            timer_queue_remove(queue, &model->sleep);
            assert_int_equal(model->sleep.slack_ns, model->slack_ns);
            model->order = 0;
        }
        if (step % 3 != 0)
            continue;
        now_ns = random_number() % 8 == 0 ? now_ns - now_ns / 1000 : random_deadline(now_ns);
        for (struct trale_sleep *taken; (taken = timer_queue_take(queue, now_ns)) != NULL;) {
            first = earliest(models);
            if (first == NULL || taken != &first->sleep || taken->future.own > now_ns)
                fail_msg("seed %llu, step %zu: take", (unsigned long long)seed, step);
            first->order = 0;
        }
        first = earliest(models);
        assert_true(first == NULL || first->sleep.future.own > now_ns);
        if (now_ns > UINT64_MAX / 2)
            now_ns = 1;
    }
    timer_queue_deinit(queue);
    free(queue);
}

static void test_sleeps_are_taken_in_order_whatever_happens_meanwhile(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++)
        run(seed, seed % 2 == 0 ? 0 : UINT64_C(1) << (seed % 60), 3000);
}

/* Most sleeps share slots, which are divided; what timer_queue_next says may be earlier then. */
static void test_sleeps_close_together_are_taken_in_order_whatever_happens_meanwhile(void **state)
{
    (void)state;
    for (bits_max = 9; bits_max < 40; bits_max++)
        for (uint64_t seed = 1; seed <= 4; seed++)
            run(seed, seed % 2 == 0 ? 0 : UINT64_C(1) << (seed * bits_max % 62), 3000);
    bits_max = 64;
}

static void test_deadlines_of_all_magnitudes_come_in_turn(void **state)
{
    (void)state;
    static struct trale_sleep sleeps[64];
    struct timer_queue *queue = calloc(1, sizeof *queue);
    for (size_t i = 0; i < 64; i++) {
        sleeps[i].future.own = UINT64_C(1) << i;
        assert_int_equal(timer_queue_add(queue, &sleeps[i]), 0);
    }
    for (size_t i = 0; i < 64; i++) {
        assert_ptr_equal(timer_queue_take(queue, (UINT64_C(1) << i) - 1), NULL);
        assert_int_equal(timer_queue_next(queue), UINT64_C(1) << i);
        assert_ptr_equal(timer_queue_take(queue, UINT64_C(1) << i), &sleeps[i]);
    }
    assert_int_equal(timer_queue_next(queue), NEVER);
    assert_null(timer_queue_take(queue, UINT64_MAX));
    timer_queue_deinit(queue);
    free(queue);
}

/* So many that slots are divided, while a sleep that is far away waits as well, and others are added meanwhile. */
static void test_many_sleeps_are_taken_in_order(void **state)
{
    (void)state;
    enum { N = 20000 };
    static struct trale_sleep sleeps[N], away;
    struct timer_queue *queue = calloc(1, sizeof *queue);
    uint64_t last_ns = 0, now_ns = 0;
    size_t n_added = 1, n_taken = 0;
    random_state = 7;
    away.future.own = 3600 * TRALE_SECOND;
    assert_int_equal(timer_queue_add(queue, &away), 0);
    while (n_taken < N) {
        for (size_t i = 0; i < N / 4 && n_added <= N; i++) {
            struct trale_sleep *sleep = &sleeps[n_added++ - 1];
            sleep->future.own = now_ns + random_number() % TRALE_SECOND;
            assert_int_equal(timer_queue_add(queue, sleep), 0);
        }
        uint64_t next_ns = timer_queue_next(queue);
        now_ns = next_ns > now_ns ? next_ns : now_ns;
        for (struct trale_sleep *taken; (taken = timer_queue_take(queue, now_ns)) != NULL; n_taken++) {
            assert_true(taken->future.own <= now_ns);
            if (taken->future.own < last_ns)
                fail_msg("sleep %zu is late", n_taken);
            last_ns = taken->future.own;
        }
    }
    assert_int_equal(queue->n_entries, 1);
    assert_int_equal(timer_queue_next(queue), away.future.own);
    timer_queue_deinit(queue);
    free(queue);
}

/* A slot of 372 sleeps that all go to different slots of two levels when it is divided. */
static void test_a_slot_may_be_divided_into_slots_of_all_lower_levels(void **state)
{
    (void)state;
    enum { N = 255 + 117 };
    static struct trale_sleep sleeps[N];
    struct timer_queue *queue = calloc(1, sizeof *queue);
    uint64_t start_ns = UINT64_C(1) << 16;
    for (size_t i = 0; i < N; i++) {
        sleeps[i].future.own = start_ns + (i < 117 ? i + 1 : (i - 116) << 8);
        assert_int_equal(timer_queue_add(queue, &sleeps[i]), 0);
    }
    assert_null(timer_queue_take(queue, start_ns));
    for (size_t i = 0; i < N; i++)
        assert_ptr_equal(timer_queue_take(queue, UINT64_MAX - 1), &sleeps[i]);
    timer_queue_deinit(queue);
    free(queue);
}

/* Of each hundred sleeps one stays, and the others are removed while later ones have come already. */
static void test_sleeps_that_stay_among_many_that_go_take_little_memory(void **state)
{
    (void)state;
    enum { N = 100000, N_WAIT = 1000 };
    static struct trale_sleep sleeps[N];
    struct timer_queue *queue = calloc(1, sizeof *queue);
    for (size_t i = 0; i < N + N_WAIT; i++) {
        if (i < N) {
            sleeps[i].future.own = 3600 * TRALE_SECOND + i;
            assert_int_equal(timer_queue_add(queue, &sleeps[i]), 0);
        }
        if (i >= N_WAIT && (i - N_WAIT) % 100 != 0)
            timer_queue_remove(queue, &sleeps[i - N_WAIT]);
    }
    assert_int_equal(queue->n_entries, N / 100);
    assert_in_range(queue->far->n_chunks * sizeof(struct far_chunk), 1, 64 * N / 100);
    for (size_t i = 0; i < N; i += 100)
        assert_ptr_equal(timer_queue_take(queue, UINT64_MAX - 1), &sleeps[i]);
    timer_queue_deinit(queue);
    free(queue);
}

static void test_a_sleep_that_never_ends_keeps_its_slack(void **state)
{
    (void)state;
    struct timer_queue queue = {.n_entries = 0};
    struct trale_sleep sleep = {.future.own = NEVER};
    sleep.slack_ns = TRALE_SECOND;
    assert_int_equal(timer_queue_add(&queue, &sleep), 0);
    timer_queue_remove(&queue, &sleep);
    sleep.future.own = 1; /* it is reset */
    assert_int_equal(timer_queue_add(&queue, &sleep), 0);
    assert_int_equal(timer_queue_next(&queue), TRALE_SECOND + 1);
    timer_queue_deinit(&queue);
}

static void test_a_sleep_that_never_ends_is_never_armed(void **state)
{
    (void)state;
    struct trale_sleep never = {.future.own = UINT64_MAX}, soon = {.future.own = 5};
    struct timer_queue *queue = calloc(1, sizeof *queue);
    assert_int_equal(timer_queue_add(queue, &never), 0);
    assert_int_equal(timer_queue_next(queue), NEVER);
    assert_int_equal(timer_queue_add(queue, &soon), 0);
    assert_ptr_equal(timer_queue_take(queue, UINT64_MAX - 1), &soon);
    assert_null(timer_queue_take(queue, UINT64_MAX - 1));
    timer_queue_remove(queue, &never);
    assert_int_equal(queue->n_entries, 0);
    timer_queue_deinit(queue);
    free(queue);
}

static void test_a_huge_slack_is_of_its_own_sleep(void **state)
{
    (void)state;
    enum { N = 1000 };
    static struct trale_sleep sleeps[N];
    struct trale_sleep huge = {.future.own = 3600 * TRALE_SECOND, .slack_ns = 7200 * TRALE_SECOND};
    struct timer_queue *queue = calloc(1, sizeof *queue);
    assert_int_equal(timer_queue_add(queue, &huge), 0);
    assert_null(timer_queue_take(queue, 1));
    for (size_t i = 0; i < N; i++) {
        sleeps[i] = (struct trale_sleep){.future.own = (i + 1) * TRALE_SECOND};
        assert_int_equal(timer_queue_add(queue, &sleeps[i]), 0);
    }
    assert_null(timer_queue_take(queue, 2));
    assert_int_equal(queue->n_near, 0);
    timer_queue_remove(queue, &huge);
    for (size_t i = 0; i < N; i++) {
        assert_null(timer_queue_take(queue, (i + 1) * TRALE_SECOND - 1));
        assert_ptr_equal(timer_queue_take(queue, (i + 1) * TRALE_SECOND), &sleeps[i]);
        assert_in_range(queue->n_near, 0, 62);
    }
    timer_queue_deinit(queue);
    free(queue);
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static bool memory_is_out;
static uint64_t n_allocations; /* of the heap and of chunks */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_reallocarray(void *old, size_t n, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);

void *__wrap_malloc(size_t size)
{
    n_allocations++;
    return memory_is_out ? NULL : __real_malloc(size);
}

void *__wrap_reallocarray(void *old, size_t n, size_t size)
{
    n_allocations++;
    return memory_is_out ? NULL : __real_reallocarray(old, n, size);
}

enum { N_BURST = 400000 };
static struct trale_sleep burst[N_BURST];

static struct timer_queue *queue_with_burst(void)
{
    struct timer_queue *queue = calloc(1, sizeof *queue);
    random_state = 3;
    for (size_t i = 0; i < N_BURST; i++) {
        burst[i] = (struct trale_sleep){.future.own = 1 + random_number() % (10 * TRALE_SECOND)};
        assert_int_equal(timer_queue_add(queue, &burst[i]), 0);
    }
    assert_true(queue->n_room >= N_BURST);
    assert_true(queue->far->n_chunks >= N_BURST / FAR_CHUNK_ENTRIES);
    return queue;
}

static void assert_little_is_kept(struct timer_queue *queue)
{
    assert_int_equal(queue->n_entries, 0);
    assert_in_range(queue->n_room * sizeof *queue->heap, 0, 512 * 1024);
    assert_in_range(queue->far->n_chunks * sizeof(struct far_chunk), 0, 1100 * 1024);
    timer_queue_deinit(queue);
    free(queue);
}

static void test_memory_goes_back_when_the_sleeps_of_a_burst_have_ended(void **state)
{
    (void)state;
    struct timer_queue *queue = queue_with_burst();
    for (uint64_t now_ns = 0; queue->n_entries > 0; now_ns += TRALE_MILLISECOND)
        while (timer_queue_take(queue, now_ns) != NULL)
            ;
    assert_little_is_kept(queue);
    queue = queue_with_burst(); /* all at once */
    while (timer_queue_take(queue, UINT64_MAX - 1) != NULL)
        ;
    assert_little_is_kept(queue);
}

static void test_memory_goes_back_when_the_sleeps_of_a_burst_are_dropped(void **state)
{
    (void)state;
    struct timer_queue *queue = queue_with_burst();
    for (size_t i = 0; i < N_BURST; i++)
        timer_queue_remove(queue, &burst[i * 7 % N_BURST]);
    assert_little_is_kept(queue);
}

static void test_a_burst_after_a_burst_is_taken_in_order(void **state)
{
    (void)state;
    struct timer_queue *queue = queue_with_burst();
    for (int round = 0; round < 3; round++) {
        uint64_t last_ns = 0, base_ns = queue->far->base_ns;
        for (struct trale_sleep *sleep; (sleep = timer_queue_take(queue, UINT64_MAX - 1)) != NULL;) {
            assert_true(sleep->future.own >= last_ns);
            last_ns = sleep->future.own;
        }
        for (size_t i = 0; round < 2 && i < N_BURST; i++) {
            burst[i].future.own = base_ns + 20 * TRALE_SECOND + random_number() % TRALE_SECOND;
            assert_int_equal(timer_queue_add(queue, &burst[i]), 0);
        }
    }
    assert_little_is_kept(queue);
}

/* A second of sleeps, of which each begins anew when it ends. The largest division of a slot is the one when deadlines
 * pass 2^32 ns. */
static void test_a_steady_load_allocates_nothing(void **state)
{
    (void)state;
    enum { N = 100000 };
    struct timer_queue *queue = calloc(1, sizeof *queue);
    random_state = 5;
    for (size_t i = 0; i < N; i++) {
        burst[i] = (struct trale_sleep){.future.own = 1 + random_number() % TRALE_SECOND};
        assert_int_equal(timer_queue_add(queue, &burst[i]), 0);
    }
    uint64_t warm = 0;
    for (uint64_t now_ns = 0; now_ns < 14 * TRALE_SECOND; now_ns += TRALE_MILLISECOND) {
        if (now_ns == 5 * TRALE_SECOND)
            warm = n_allocations;
        for (struct trale_sleep *sleep; (sleep = timer_queue_take(queue, now_ns)) != NULL;) {
            sleep->future.own = now_ns + TRALE_SECOND;
            assert_int_equal(timer_queue_add(queue, sleep), 0);
        }
    }
    assert_int_equal(n_allocations, warm);
    timer_queue_deinit(queue);
    free(queue);
}

/* --- the driver, without a runtime -------------------------------------------------------------------------------- */

static int32_t host_spawn(void *context, struct trale_future *future)
{
    (void)context;
    (void)future;
    return 0;
}

static void host_forget_fd(void *context, int32_t fd)
{
    (void)context;
    (void)fd;
}

extern const struct trale_driver trale_driver;

static const struct trale_timer *driver_start(void **instance)
{
    static const struct trale_host host = {
        .size = sizeof host, .abi = TRALE_ABI, .spawn = host_spawn, .forget_fd = host_forget_fd};
    const struct trale_value values[2] = {{.integer = 0}};
    const struct trale_settings settings = {.size = sizeof settings, .abi = TRALE_ABI, .values = values, .n_values = 2};
    assert_int_equal(trale_driver.start(&host, &settings, instance), 0);
    return (const struct trale_timer *)(const void *)trale_driver.interface(*instance, "trale.timer/1");
}

static int n_wakes;

static void count_wake(const struct trale_waker *waker)
{
    (void)waker;
    n_wakes++;
}

/* Sleeps are reset until that takes memory, and there is none. */
static void test_a_reset_without_memory_ends_the_sleep(void **state)
{
    (void)state;
    enum { N = 1000 };
    static const struct trale_waker_table table = {.wake_by_ref = count_wake};
    static const struct trale_waker waker = {&table};
    static struct trale_sleep sleeps[N];
    struct trale_context context = {
        .size = sizeof context, .abi = TRALE_ABI, .waker = &waker, .budget = 1, .overdraft = 1};
    void *instance;
    const struct trale_timer *timer = driver_start(&instance);
    uint64_t later_ns = timer->now(instance) + 3600 * TRALE_SECOND;
    int n_failed = 0;
    n_wakes = 0;
    for (size_t i = 0; i < N; i++) {
        timer->sleep_until(instance, &sleeps[i], later_ns);
        assert_int_equal(trale_future_poll(&sleeps[i].future, &context), TRALE_PENDING);
    }
    memory_is_out = true;
    for (size_t i = 0; i < N; i += 2)
        timer->reset(instance, &sleeps[i], later_ns + 1000 * TRALE_SECOND);
    memory_is_out = false;
    for (size_t i = 0; i < N; i++) {
        int64_t result = trale_future_poll(&sleeps[i].future, &context);
        assert_true(result == TRALE_PENDING || (i % 2 == 0 && result == -ENOMEM));
        n_failed += result == -ENOMEM;
    }
    assert_in_range(n_failed, 1, N / 2);
    assert_int_equal(n_wakes, n_failed);
    for (size_t i = 0; i < N; i++)
        trale_future_drop(&sleeps[i].future);
    trale_driver.stop(instance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sleeps_are_taken_in_order_whatever_happens_meanwhile),
        cmocka_unit_test(test_sleeps_close_together_are_taken_in_order_whatever_happens_meanwhile),
        cmocka_unit_test(test_deadlines_of_all_magnitudes_come_in_turn),
        cmocka_unit_test(test_many_sleeps_are_taken_in_order),
        cmocka_unit_test(test_a_slot_may_be_divided_into_slots_of_all_lower_levels),
        cmocka_unit_test(test_sleeps_that_stay_among_many_that_go_take_little_memory),
        cmocka_unit_test(test_a_sleep_that_never_ends_keeps_its_slack),
        cmocka_unit_test(test_a_sleep_that_never_ends_is_never_armed),
        cmocka_unit_test(test_a_huge_slack_is_of_its_own_sleep),
        cmocka_unit_test(test_memory_goes_back_when_the_sleeps_of_a_burst_have_ended),
        cmocka_unit_test(test_memory_goes_back_when_the_sleeps_of_a_burst_are_dropped),
        cmocka_unit_test(test_a_burst_after_a_burst_is_taken_in_order),
        cmocka_unit_test(test_a_steady_load_allocates_nothing),
        cmocka_unit_test(test_a_reset_without_memory_ends_the_sleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
