/* SPDX-License-Identifier: MIT
 *
 * The simulated world's memory, chance, events and clock alone. */
#include "tests/support.h"

#include "drivers/sim/world/world.h"

/* --- memory ------------------------------------------------------------------------------------------------------- */

static void test_memory_does_not_overlap_and_is_zeroed(void **state)
{
    (void)state;
    enum { N = 3000 };
    static unsigned char *taken[N];
    static size_t sizes[N];
    struct memory *memory = memory_map(sizeof *memory);
    assert_non_null(memory);
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < N; i++) {
            sizes[i] = (size_t)draw_below(draw_number(1, 2, round, i), i % 10 == 0 ? 70000 : 300);
            taken[i] = memory_alloc(memory, sizes[i]);
            assert_non_null(taken[i]);
            assert_int_equal((uintptr_t)taken[i] % 16, 0);
            for (size_t k = 0; k < sizes[i]; k++)
                if (taken[i][k] != 0)
                    fail_msg("byte %zu of %zu is not zero", k, sizes[i]);
            memset(taken[i], (int)(i % 255 + 1), sizes[i]);
        }
        for (size_t i = 0; i < N; i++) {
            for (size_t k = 0; k < sizes[i]; k++)
                if (taken[i][k] != i % 255 + 1)
                    fail_msg("byte %zu of %zu was overwritten", k, sizes[i]);
            memory_give(memory, taken[i], sizes[i]);
        }
        assert_int_equal(memory->n_live, 0);
    }
    memory_unmap(memory);
}

static void test_memory_that_was_given_back_is_used_again(void **state)
{
    (void)state;
    struct memory *memory = memory_map(sizeof *memory);
    for (size_t size = 0; size < 5000; size++) {
        void *first = memory_take(memory, size);
        memory_give(memory, first, size);
        uint64_t n_used = memory->n_used;
        assert_ptr_equal(memory_take(memory, size), first);
        assert_int_equal(memory->n_used, n_used);
        memory_give(memory, first, size);
    }
    memory_give(memory, NULL, 10);
    memory_unmap(memory);
}

static void test_a_full_region_says_so(void **state)
{
    (void)state;
    struct memory *memory = memory_map(sizeof *memory);
    assert_null(memory_take(memory, SIZE_MAX));
    assert_null(memory_take(memory, MEMORY_SIZE));
    assert_non_null(memory_take(memory, MEMORY_SIZE / 2)); /* nothing of it is touched */
    assert_null(memory_take(memory, MEMORY_SIZE / 2));
    assert_non_null(memory_alloc(memory, 100));
    memory_unmap(memory);
}

/* --- chance ------------------------------------------------------------------------------------------------------- */

static void test_a_draw_depends_on_all_that_it_is_of(void **state)
{
    (void)state;
    uint64_t loss = draw_stream("loss"), latency = draw_stream("latency");
    assert_int_not_equal(loss, latency);
    uint64_t number = draw_number(1, loss, 2, 3);
    assert_int_equal(number, draw_number(1, loss, 2, 3));
    assert_int_not_equal(number, draw_number(2, loss, 2, 3));
    assert_int_not_equal(number, draw_number(1, latency, 2, 3));
    assert_int_not_equal(number, draw_number(1, loss, 3, 2));
    assert_int_not_equal(number, draw_number(1, loss, 2, 4));
}

/* The draws of a stream over counters, over keys and over seeds are as often one as zero in each bit. */
static void test_draws_are_even(void **state)
{
    (void)state;
    enum { N = 20000 };
    for (int kind = 0; kind < 3; kind++) {
        int ones[64] = {0};
        for (uint64_t i = 0; i < N; i++) {
            uint64_t drawn = draw_number(kind == 0 ? i : 7, 11, kind == 1 ? i : 13, kind == 2 ? i : 17);
            for (int bit = 0; bit < 64; bit++)
                ones[bit] += (int)(drawn >> bit & 1);
        }
        for (int bit = 0; bit < 64; bit++)
            assert_in_range(ones[bit], N / 2 - 500, N / 2 + 500); /* 7 standard deviations */
    }
}

static void test_draws_below_a_bound_and_by_a_rate(void **state)
{
    (void)state;
    int below[10] = {0}, n_happened = 0;
    for (uint64_t i = 0; i < 10000; i++) {
        uint64_t drawn = draw_number(5, 6, 7, i);
        below[draw_below(drawn, 10)]++;
        n_happened += draw_happens(drawn, DRAW_ALWAYS / 4);
        assert_true(draw_happens(drawn, DRAW_ALWAYS));
        assert_false(draw_happens(drawn, 0));
        assert_true(!draw_happens(drawn, DRAW_ALWAYS / 4) || draw_happens(drawn, DRAW_ALWAYS / 3));
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(below[i], 800, 1200);
    assert_in_range(n_happened, 2300, 2700);
    assert_int_equal(draw_below(UINT64_MAX, 0), 0);
}

static void test_a_hash_sees_each_byte_and_the_length(void **state)
{
    (void)state;
    char bytes[40] = {0};
    for (size_t size = 0; size < sizeof bytes; size++) {
        uint64_t hash = draw_hash(bytes, size);
        assert_int_not_equal(hash, draw_hash(bytes, size + 1));
        for (size_t i = 0; i < size; i++) {
            bytes[i] = 1;
            assert_int_not_equal(hash, draw_hash(bytes, size));
            bytes[i] = 0;
        }
    }
}

/* --- events ------------------------------------------------------------------------------------------------------- */

struct model {
    struct event event;
    uint64_t order;
};

static struct model *model_first(struct model *models, size_t n)
{
    struct model *first = NULL;
    for (size_t i = 0; i < n; i++) {
        struct model *model = &models[i];
        if (!event_is_pending(&model->event))
            continue;
        if (first == NULL || model->event.at_ns < first->event.at_ns ||
            (model->event.at_ns == first->event.at_ns && model->order < first->order))
            first = model;
    }
    return first;
}

/* Adds, moves, removes and takes; compared with a search through all. */
static void test_events_come_in_the_order_of_time_and_then_of_adding(void **state)
{
    (void)state;
    enum { N = 300, N_STEPS = 30000 };
    static struct model models[N];
    struct memory *memory = memory_map(sizeof *memory);
    struct event_heap heap = {.entries = NULL};
    for (uint64_t step = 1; step <= N_STEPS; step++) {
        struct model *model = &models[draw_below(draw_number(1, 1, 1, step), N)];
        model->event.kind = EVENT_ARRIVAL;
        switch (draw_below(draw_number(1, 1, 2, step), 4)) {
        case 0:
        case 1:
            model->order = step;
            assert_int_equal(event_add(&heap, memory, &model->event, draw_below(draw_number(1, 1, 3, step), 100)), 0);
            break;
        case 2:
            event_remove(&heap, &model->event);
            assert_false(event_is_pending(&model->event));
            break;
        default:
            model = model_first(models, N);
            assert_ptr_equal(event_first(&heap), model);
            if (model != NULL)
                event_remove(&heap, &model->event);
        }
    }
    memory_unmap(memory);
}

static void test_a_fault_comes_before_other_events_of_its_instant(void **state)
{
    (void)state;
    struct memory *memory = memory_map(sizeof *memory);
    struct event_heap heap = {.entries = NULL};
    struct event early = {.kind = EVENT_ARRIVAL}, arrival = {.kind = EVENT_ARRIVAL}, fault = {.kind = EVENT_FAULT};
    event_add(&heap, memory, &arrival, 5);
    event_add(&heap, memory, &fault, 5);
    event_add(&heap, memory, &early, 4);
    struct event *const expected[] = {&early, &fault, &arrival};
    for (size_t i = 0; i < 3; i++) {
        assert_ptr_equal(event_first(&heap), expected[i]);
        event_remove(&heap, expected[i]);
    }
    assert_null(event_first(&heap));
    memory_unmap(memory);
}

/* --- the world ---------------------------------------------------------------------------------------------------- */

static void test_the_clock_moves_to_the_next_event_and_nowhere_else(void **state)
{
    (void)state;
    struct world *world = world_new(1);
    assert_non_null(world);
    assert_int_equal(world_next_ns(world), UINT64_MAX);
    assert_false(world_step(world));
    assert_int_equal(world->now_ns, WORLD_BEGINS_NS);

    struct world_program *program = world_enter(world), *other = world_enter(world);
    assert_int_equal(world_set_alarm(world, program, WORLD_BEGINS_NS + 50), 0);
    assert_int_equal(world_set_alarm(world, other, WORLD_BEGINS_NS + 40), 0);
    assert_int_equal(world_next_ns(world), WORLD_BEGINS_NS + 40);
    assert_int_equal(world_set_alarm(world, other, UINT64_MAX), 0);
    assert_int_equal(world_next_ns(world), WORLD_BEGINS_NS + 50);
    assert_int_equal(world->now_ns, WORLD_BEGINS_NS);
    assert_true(world_step(world));
    assert_true(program->has_rung);
    assert_false(other->has_rung);
    assert_int_equal(world->now_ns, WORLD_BEGINS_NS + 50);
    assert_false(world_step(world));
    world_free(world);
}

static void test_an_event_of_the_past_happens_now(void **state)
{
    (void)state;
    struct world *world = world_new(1);
    struct world_program *program = world_enter(world);
    assert_int_equal(world_set_alarm(world, program, 0), 0);
    assert_int_equal(world_next_ns(world), WORLD_BEGINS_NS);
    world_free(world);
}

static void test_a_world_has_room_for_so_many_programs(void **state)
{
    (void)state;
    struct world *world = world_new(1);
    for (uint32_t i = 0; i < WORLD_PROGRAMS; i++)
        assert_non_null(world_enter(world));
    assert_null(world_enter(world));
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_does_not_overlap_and_is_zeroed),
        cmocka_unit_test(test_memory_that_was_given_back_is_used_again),
        cmocka_unit_test(test_a_full_region_says_so),
        cmocka_unit_test(test_a_draw_depends_on_all_that_it_is_of),
        cmocka_unit_test(test_draws_are_even),
        cmocka_unit_test(test_draws_below_a_bound_and_by_a_rate),
        cmocka_unit_test(test_a_hash_sees_each_byte_and_the_length),
        cmocka_unit_test(test_events_come_in_the_order_of_time_and_then_of_adding),
        cmocka_unit_test(test_a_fault_comes_before_other_events_of_its_instant),
        cmocka_unit_test(test_the_clock_moves_to_the_next_event_and_nowhere_else),
        cmocka_unit_test(test_an_event_of_the_past_happens_now),
        cmocka_unit_test(test_a_world_has_room_for_so_many_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
