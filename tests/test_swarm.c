/* SPDX-License-Identifier: MIT
 *
 * What a swarm draws from a seed (drivers/sim/faults/swarm.h). */
#include "tests/support.h"

#include "drivers/sim/faults/swarm.h"

#define ENDS_NS (10 * TRALE_SECOND)
#define N_HOSTS 4

struct list {
    struct scenario_entry entries[512];
    size_t n;
};

static void add(void *data, const struct scenario_entry *entry)
{
    struct list *list = data;
    assert_true(list->n < 512);
    list->entries[list->n++] = *entry;
}

/* Plans for N_HOSTS hosts, which appear 100 ms apart. */
static void plan(uint64_t seed, uint32_t kinds, bool crashes, struct list *list)
{
    const struct swarm swarm = {.seed = seed, .kinds = kinds, .ends_ns = ENDS_NS};
    struct swarm_host hosts[N_HOSTS];
    list->n = 0;
    for (uint32_t i = 0; i < N_HOSTS; i++) {
        char text[32];
        sprintf(text, "10.0.0.%u:0", i + 1);
        assert_int_equal(trale_address_parse(text, &hosts[i].address), 0);
        hosts[i].number = i + 1;
        swarm_plan(&swarm, hosts, i + 1, crashes, i * 100 * TRALE_MILLISECOND, add, list);
    }
}

static void assert_same(const struct list *a, const struct list *b)
{
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        char texts[2][SCENARIO_TEXT];
        scenario_format(&a->entries[i], texts[0]);
        scenario_format(&b->entries[i], texts[1]);
        assert_string_equal(texts[0], texts[1]);
    }
}

static void test_a_seed_has_one_plan_and_another_seed_another(void **state)
{
    (void)state;
    static struct list list, again;
    size_t n_equal = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        plan(seed, SWARM_KINDS, true, &list);
        plan(seed, SWARM_KINDS, true, &again);
        assert_same(&list, &again);
        plan(seed + 100, SWARM_KINDS, true, &again);
        n_equal += list.n == again.n;
    }
    assert_true(n_equal < 30);
}

static void test_each_kind_is_in_about_half_of_the_runs(void **state)
{
    (void)state;
    static struct list list;
    size_t n_runs[SCENARIO_KINDS] = {0};
    for (uint64_t seed = 1; seed <= 400; seed++) {
        bool has[SCENARIO_KINDS] = {false};
        plan(seed, SWARM_KINDS, true, &list);
        for (size_t i = 0; i < list.n; i++)
            has[list.entries[i].kind] = true;
        for (size_t kind = 0; kind < SCENARIO_KINDS; kind++)
            n_runs[kind] += has[kind];
    }
    for (size_t kind = 0; kind < SCENARIO_KINDS; kind++)
        if ((SWARM_KINDS & 1u << kind) == 0)
            assert_int_equal(n_runs[kind], 0);
        else
            assert_in_range(n_runs[kind], 150, 250);
}

static void test_an_entry_is_written_and_read_back_and_ends_in_time(void **state)
{
    (void)state;
    static struct list list;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        plan(seed, SWARM_KINDS, true, &list);
        for (size_t i = 0; i < list.n; i++) {
            const struct scenario_entry *entry = &list.entries[i];
            char text[SCENARIO_TEXT], again[SCENARIO_TEXT], error[SCENARIO_ERROR];
            struct scenario_entry read;
            scenario_format(entry, text);
            if (scenario_parse(text, &read, error) != 1)
                fail_msg("%s: %s", text, error);
            scenario_format(&read, again);
            assert_string_equal(text, again);
            assert_true(entry->begins_ns == read.begins_ns && entry->ends_ns == read.ends_ns);
            assert_true(entry->kind == SCENARIO_CLOCK || entry->kind == SCENARIO_RESET ||
                        (entry->ends_ns > entry->begins_ns && entry->ends_ns <= ENDS_NS));
        }
    }
}

/* Copies the entries of other kinds. */
static void copy_without(const struct list *list, uint32_t kind, struct list *copy)
{
    copy->n = 0;
    for (size_t i = 0; i < list->n; i++)
        if (list->entries[i].kind != kind)
            copy->entries[copy->n++] = list->entries[i];
}

static void test_a_kind_that_is_left_out_changes_no_other(void **state)
{
    (void)state;
    static struct list all, rest, some;
    for (uint64_t seed = 1; seed <= 20; seed++)
        for (uint32_t kind = 0; kind < SCENARIO_KINDS; kind++) {
            plan(seed, SWARM_KINDS, true, &all);
            copy_without(&all, kind, &rest);
            plan(seed, SWARM_KINDS & ~(1u << kind), true, &some);
            assert_same(&rest, &some);
        }
}

static void test_only_hosts_that_can_be_started_again_crash(void **state)
{
    (void)state;
    static struct list list;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        plan(seed, SWARM_KINDS, false, &list);
        for (size_t i = 0; i < list.n; i++)
            assert_int_not_equal(list.entries[i].kind, SCENARIO_CRASH);
    }
}

static void test_hosts_that_appear_in_the_quiet_have_no_faults(void **state)
{
    (void)state;
    static struct list list;
    const struct swarm swarm = {.seed = 1, .kinds = SWARM_KINDS, .ends_ns = ENDS_NS};
    struct swarm_host hosts[2] = {{.number = 1}, {.number = 2}};
    assert_int_equal(trale_address_parse("10.0.0.1:0", &hosts[0].address), 0);
    assert_int_equal(trale_address_parse("10.0.0.2:0", &hosts[1].address), 0);
    for (uint64_t now_ns = ENDS_NS - TRALE_MILLISECOND; now_ns < 2 * ENDS_NS; now_ns += TRALE_SECOND)
        swarm_plan(&swarm, hosts, 2, true, now_ns, add, &list);
    assert_int_equal(list.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_seed_has_one_plan_and_another_seed_another),
        cmocka_unit_test(test_each_kind_is_in_about_half_of_the_runs),
        cmocka_unit_test(test_an_entry_is_written_and_read_back_and_ends_in_time),
        cmocka_unit_test(test_a_kind_that_is_left_out_changes_no_other),
        cmocka_unit_test(test_only_hosts_that_can_be_started_again_crash),
        cmocka_unit_test(test_hosts_that_appear_in_the_quiet_have_no_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
