/* SPDX-License-Identifier: MIT
 *
 * The language of scenarios (drivers/sim/faults/scenario.h): what is written is read back, and what is no entry is
 * refused. */
#include "tests/support.h"

#include "core/config/option.h"
#include "drivers/sim/faults/scenario.h"
#include "drivers/sim/faults/scenario_value.h"

static struct scenario_entry read_line(const char *line)
{
    struct scenario_entry entry;
    char error[SCENARIO_ERROR];
    if (scenario_parse(line, &entry, error) != 1)
        fail_msg("%s: %s", line, error);
    return entry;
}

static void test_entries_are_written_as_they_were_read(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "at 1.7s partition 10.0.0.1 | 10.0.0.2, 10.0.0.3 for 400ms",
        "at 2s partition 10.0.0.1 -> fd00::2 for 1s",
        "from 0s loss 10.0.0.1 -> * 12%",
        "from 0s loss * -> * 0.0000001%",
        "from 2s until 5s latency * -> 10.0.0.2 80ms jitter 20ms",
        "from 0s duplicate * -> * 1% keep",
        "from 0s reorder * -> * 5% by 30ms",
        "from 0s corrupt * -> * 0.1% unchecked",
        "from 1s drop 10.0.0.1 -> 10.0.0.2 3",
        "from 0s mtu * -> 10.0.0.2 1280",
        "from 0s bandwidth * -> 10.0.0.2 65536",
        "from 0s queue * -> 10.0.0.2 16384",
        "at 3s crash 10.0.0.3, restart after 2s",
        "at 3s crash *, restart after 2s",
        "at 3s crash 10.0.0.3 keep",
        "at 1.000000001s pause 10.0.0.3, 10.0.0.4 for 1ns",
        "at 4s clock 10.0.0.1 step -3s",
        "at 5s signal 10.0.0.1 TERM",
        "at 6s reset 10.0.0.1, 10.0.0.2 -> *",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char text[SCENARIO_TEXT];
        struct scenario_entry entry = read_line(lines[i]);
        scenario_format(&entry, text);
        assert_string_equal(text, lines[i]);
    }
}

static void test_other_ways_to_write_an_entry_are_read(void **state)
{
    (void)state;
    struct scenario_entry entry = read_line("  from 500ms\tloss 10.0.0.1->* 50%  for 1s ; half");
    assert_int_equal(entry.kind, SCENARIO_LOSS);
    assert_int_equal(entry.rate, 500000000);
    assert_int_equal(entry.begins_ns, 500000000);
    assert_int_equal(entry.ends_ns, 1500000000);
    assert_int_equal(read_line("at 1min queue *->* 64K").amount, 65536);
    assert_int_equal(read_line("at 1h pause *").ends_ns, SCENARIO_NEVER);
    assert_int_equal(read_line("at 0s signal 10.0.0.1 15").amount, 15);
}

static void test_lines_without_an_entry_are_left_out(void **state)
{
    (void)state;
    struct scenario_entry entry;
    char error[SCENARIO_ERROR];
    assert_int_equal(scenario_parse("", &entry, error), 0);
    assert_int_equal(scenario_parse("   ; a comment", &entry, error), 0);
    assert_int_equal(scenario_parse("# at 1s crash 10.0.0.1", &entry, error), 0);
}

static void test_what_is_no_entry_is_refused_with_what_may_be_there(void **state)
{
    (void)state;
    static const struct {
        const char *line, *error;
    } cases[] = {
        {"loss * -> * 1%", "'loss' is not 'at' or 'from'"},
        {"at", "the line ends where a time, such as 250ms or 1.5s should follow"},
        {"at 5 loss", "'5' is not a time, such as 250ms or 1.5s"},
        {"at 1.s loss * -> * 1%", "'1.s' is not a time"},
        {"at 1m loss * -> * 1%", "'1m' is not a time"},
        {"at 99999999999h loss * -> * 1%", "'99999999999h' is not a time"},
        {"at 1s lose * -> * 1%", "'lose' is not a fault: loss, duplicate"},
        {"at 1s",
         "the line ends where a fault: loss, duplicate, reorder, corrupt, latency, drop, mtu, bandwidth, queue, "
         "partition, crash, pause, clock, signal or reset should follow"},
        {"from 2s until 1s loss * -> * 1%", "'1s' is not an end that is later than the beginning"},
        {"at 1s loss 10.0.0 -> * 1%", "'10.0.0' is not the address of a host, such as 10.0.0.1 or fd00::1"},
        {"at 1s loss 10.0.0.1 | * 1%", "'|' is not '->'"},
        {"at 1s partition 10.0.0.1 10.0.0.2", "'10.0.0.2' is not '|' or '->'"},
        {"at 1s loss * -> * 101%", "'101%' is not a rate from 0% to 100%"},
        {"at 1s loss * -> * 1", "'1' is not a rate"},
        {"at 1s loss * -> *", "the line ends where a rate from 0% to 100%, such as 0.5% should follow"},
        {"at 1s loss * -> * 1% 2%", "'2%' is not expected here: the entry is complete"},
        {"from 0s until 2s loss * -> * 1% for 1s", "'for' is not allowed behind 'until'"},
        {"at 1s mtu * -> * 20", "'20' is not an MTU from 68 to 65535"},
        {"at 1s queue * -> * 0", "'0' is not a number above 0"},
        {"at 1s crash 10.0.0.1, restart after 0s", "'0s' is not a time above 0"},
        {"at 1s pause 10.0.0.1 for 0ms", "'0ms' is not a time above 0"},
        {"at 1s latency * -> * 2562047h", "'2562047h' is not a time up to 1h"},
        {"at 1s latency * -> * 1s jitter 61min", "'61min' is not a time up to 1h"},
        {"at 1s reorder * -> * 1% by 2562047h", "'2562047h' is not a time up to 1h"},
        {"at 1s reorder * -> * 1% 3ms", "'3ms' is not 'by'"},
        {"at 1s crash 10.0.0.1, again", "'again' is not the address of a host"},
        {"at 1s crash *, again", "'again' is not 'restart'"},
        {"at 1s crash 10.0.0.1, restart in 2s", "'in' is not 'after'"},
        {"at 1s signal 10.0.0.1 NOPE", "'NOPE' is not the name of a signal, such as TERM"},
        {"at 1s clock * step 3", "'3' is not a step, such as 2s or -2s"},
        {"at 1s pause * keep keep", "'keep' is not allowed behind 'keep'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scenario_entry entry = {.kind = 77};
        char error[SCENARIO_ERROR];
        assert_int_equal(scenario_parse(cases[i].line, &entry, error), -EINVAL);
        if (strstr(error, cases[i].error) == NULL)
            fail_msg("%s: %s", cases[i].line, error);
        assert_int_equal(entry.kind, 77);
    }
}

/* Words, and whether they are durations, or sizes. */
static void test_durations_and_sizes_are_those_of_trale_ini(void **state)
{
    (void)state;
    /* clang-format off */
    static const char *const words[] = {
        "0", "00", "0s", "0.0s", "1", "1ns", "1us", "1ms", "1s", "1min", "1h", "1m", "1d", "1S", "1.5s", "1.s",
        ".5s", "1.", ".", "s", "", "1..s", "1.5.s", "-1s", "+1s", "1.25min", "0.1h", "0.5ns", "2.9ns",
        "0.0000000019s", "1.123456789123s", "0.00000000000027h", "2562047h", "1 s", "010s", "0x1s", "64K", "1M",
        "1G", "1T", "64k", "1.5K", "K", "4096", "010", "0x10", "8388607G", "9007199254740993K", "5124095h",
        "18014398509481985K",
    };
    /* clang-format on */
    const struct trale_option duration = {.type = TRALE_OPTION_DURATION}, size = {.type = TRALE_OPTION_SIZE};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        uint64_t value = 77;
        int64_t wanted = 77;
        bool is_duration = value_read_duration(words[i], strlen(words[i]), &value);
        if (is_duration != (option_parse(&duration, words[i], &wanted) == 0) || value != (uint64_t)wanted)
            fail_msg("duration %s: %d, %lld and %lld", words[i], is_duration, (long long)value, (long long)wanted);
        bool is_size = value_read_size(words[i], strlen(words[i]), &value);
        if (is_size != (option_parse(&size, words[i], &wanted) == 0) || value != (uint64_t)wanted)
            fail_msg("size %s: %d, %lld and %lld", words[i], is_size, (long long)value, (long long)wanted);
    }
}

static void test_a_side_has_so_many_hosts_and_no_more(void **state)
{
    (void)state;
    char line[1024] = "at 1s pause 10.0.0.1", text[SCENARIO_TEXT], error[SCENARIO_ERROR];
    struct scenario_entry entry;
    for (int i = 2; i <= SCENARIO_HOSTS; i++)
        sprintf(line + strlen(line), ", 10.0.0.%d", i);
    entry = read_line(line);
    scenario_format(&entry, text);
    assert_string_equal(text, line);
    strcat(line, ", 10.0.0.99");
    assert_int_equal(scenario_parse(line, &entry, error), -EINVAL);
    assert_non_null(strstr(error, "a side has 16 hosts at most"));
}

static void test_a_host_is_on_a_side_whatever_its_port(void **state)
{
    (void)state;
    struct scenario_entry entry = read_line("at 1s partition 10.0.0.1, fd00::1 | *");
    struct trale_address address;
    assert_int_equal(trale_address_parse("10.0.0.1:53", &address), 0);
    assert_true(scenario_has(&entry.from, &address));
    assert_true(scenario_has(&entry.to, &address));
    assert_int_equal(trale_address_parse("[::ffff:10.0.0.1]:53", &address), 0);
    assert_true(scenario_has(&entry.from, &address));
    assert_int_equal(trale_address_parse("[fd00::1]:7", &address), 0);
    assert_true(scenario_has(&entry.from, &address));
    assert_int_equal(trale_address_parse("10.0.0.2:53", &address), 0);
    assert_false(scenario_has(&entry.from, &address));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries_are_written_as_they_were_read),
        cmocka_unit_test(test_other_ways_to_write_an_entry_are_read),
        cmocka_unit_test(test_lines_without_an_entry_are_left_out),
        cmocka_unit_test(test_what_is_no_entry_is_refused_with_what_may_be_there),
        cmocka_unit_test(test_durations_and_sizes_are_those_of_trale_ini),
        cmocka_unit_test(test_a_side_has_so_many_hosts_and_no_more),
        cmocka_unit_test(test_a_host_is_on_a_side_whatever_its_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
