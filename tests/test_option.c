/* SPDX-License-Identifier: MIT
 *
 * Options: which texts are values, which schemas are accepted, and the messages about others; and the sections. */
#include "tests/support.h"

#include <trale/driver.h>
#include <trale/trale.h>

#include "core/config/advice.h"
#include "core/config/parse.h"
#include "core/config/settings.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))
#define KIBI INT64_C(1024)
#define SECOND_NS INT64_C(1000000000)

/* --- values ------------------------------------------------------------------------------------------------------- */

struct value {
    uint32_t type;
    const char *text;
    int r;
    int64_t integer;
};

static const struct value values[] = {
    {TRALE_OPTION_INTEGER, "0", 0, 0},
    {TRALE_OPTION_INTEGER, "-1", 0, -1},
    {TRALE_OPTION_INTEGER, "010", 0, 10}, /* no octal numbers */
    {TRALE_OPTION_INTEGER, "0x1F", 0, 31},
    {TRALE_OPTION_INTEGER, "-0x10", 0, -16},
    {TRALE_OPTION_INTEGER, "9223372036854775807", 0, INT64_MAX},
    {TRALE_OPTION_INTEGER, "-9223372036854775808", 0, INT64_MIN},
    {TRALE_OPTION_INTEGER, "9223372036854775808", -ERANGE, 0},
    {TRALE_OPTION_INTEGER, "-9223372036854775809", -ERANGE, 0},
    {TRALE_OPTION_INTEGER, "", -EINVAL, 0},
    {TRALE_OPTION_INTEGER, "-", -EINVAL, 0},
    {TRALE_OPTION_INTEGER, "+1", -EINVAL, 0},
    {TRALE_OPTION_INTEGER, " 1", -EINVAL, 0},
    {TRALE_OPTION_INTEGER, "1 ", -EINVAL, 0},
    {TRALE_OPTION_INTEGER, "--1", -EINVAL, 0},
    {TRALE_OPTION_INTEGER, "0x", -EINVAL, 0},
    {TRALE_OPTION_INTEGER, "0b1", -EINVAL, 0},
    {TRALE_OPTION_INTEGER, "1.5", -EINVAL, 0},
    {TRALE_OPTION_INTEGER, "1e3", -EINVAL, 0},
    {TRALE_OPTION_INTEGER, "many", -EINVAL, 0},

    {TRALE_OPTION_SIZE, "0", 0, 0},
    {TRALE_OPTION_SIZE, "4096", 0, 4096},
    {TRALE_OPTION_SIZE, "64K", 0, 64 * KIBI},
    {TRALE_OPTION_SIZE, "8M", 0, 8 * KIBI *KIBI},
    {TRALE_OPTION_SIZE, "1G", 0, KIBI *KIBI *KIBI},
    {TRALE_OPTION_SIZE, "0K", 0, 0},
    {TRALE_OPTION_SIZE, "9223372036854775807", 0, INT64_MAX},
    {TRALE_OPTION_SIZE, "9223372036854775808", -ERANGE, 0},
    {TRALE_OPTION_SIZE, "18446744073709551616", -ERANGE, 0},
    {TRALE_OPTION_SIZE, "8589934592G", -ERANGE, 0},
    {TRALE_OPTION_SIZE, "99999999999999999999999999", -ERANGE, 0},
    {TRALE_OPTION_SIZE, "", -EINVAL, 0},
    {TRALE_OPTION_SIZE, "K", -EINVAL, 0},
    {TRALE_OPTION_SIZE, "-1", -EINVAL, 0},
    {TRALE_OPTION_SIZE, "1.5M", -EINVAL, 0},
    {TRALE_OPTION_SIZE, "64k", -EINVAL, 0},
    {TRALE_OPTION_SIZE, "64 K", -EINVAL, 0},
    {TRALE_OPTION_SIZE, "64KB", -EINVAL, 0},
    {TRALE_OPTION_SIZE, "1T", -EINVAL, 0},

    {TRALE_OPTION_DURATION, "0", 0, 0},
    {TRALE_OPTION_DURATION, "1ns", 0, 1},
    {TRALE_OPTION_DURATION, "500us", 0, 500 * 1000},
    {TRALE_OPTION_DURATION, "20ms", 0, 20 * 1000 * 1000},
    {TRALE_OPTION_DURATION, "1.5s", 0, SECOND_NS * 3 / 2},
    {TRALE_OPTION_DURATION, "0.000000001s", 0, 1},
    {TRALE_OPTION_DURATION, "0.0000000019s", 0, 1}, /* beyond a nanosecond there is nothing */
    {TRALE_OPTION_DURATION, "0.5ns", 0, 0},
    {TRALE_OPTION_DURATION, "1.25min", 0, 75 * SECOND_NS},
    {TRALE_OPTION_DURATION, "2h", 0, 7200 * SECOND_NS},
    {TRALE_OPTION_DURATION, "2562047h", 0, INT64_C(2562047) * 3600 * SECOND_NS},
    {TRALE_OPTION_DURATION, "2562048h", -ERANGE, 0},
    {TRALE_OPTION_DURATION, "2562047.8h", -ERANGE, 0},
    {TRALE_OPTION_DURATION, "9223372036854775808ns", -ERANGE, 0},
    {TRALE_OPTION_DURATION, "99999999999999999999s", -ERANGE, 0},
    {TRALE_OPTION_DURATION, "", -EINVAL, 0},
    {TRALE_OPTION_DURATION, "1", -EINVAL, 0}, /* of what? */
    {TRALE_OPTION_DURATION, "s", -EINVAL, 0},
    {TRALE_OPTION_DURATION, ".5s", -EINVAL, 0},
    {TRALE_OPTION_DURATION, "1.s", -EINVAL, 0},
    {TRALE_OPTION_DURATION, "1.5.5s", -EINVAL, 0},
    {TRALE_OPTION_DURATION, "-1s", -EINVAL, 0},
    {TRALE_OPTION_DURATION, "1 s", -EINVAL, 0},
    {TRALE_OPTION_DURATION, "1S", -EINVAL, 0},
    {TRALE_OPTION_DURATION, "1day", -EINVAL, 0},

    {TRALE_OPTION_BOOLEAN, "yes", 0, 1},
    {TRALE_OPTION_BOOLEAN, "true", 0, 1},
    {TRALE_OPTION_BOOLEAN, "on", 0, 1},
    {TRALE_OPTION_BOOLEAN, "no", 0, 0},
    {TRALE_OPTION_BOOLEAN, "false", 0, 0},
    {TRALE_OPTION_BOOLEAN, "off", 0, 0},
    {TRALE_OPTION_BOOLEAN, "", -EINVAL, 0},
    {TRALE_OPTION_BOOLEAN, "1", -EINVAL, 0},
    {TRALE_OPTION_BOOLEAN, "Yes", -EINVAL, 0},
    {TRALE_OPTION_BOOLEAN, "yes!", -EINVAL, 0},

    {TRALE_OPTION_CHOICE, "one", 0, 0},
    {TRALE_OPTION_CHOICE, "two", 0, 1},
    {TRALE_OPTION_CHOICE, "three", 0, 2},
    {TRALE_OPTION_CHOICE, "", -EINVAL, 0},
    {TRALE_OPTION_CHOICE, "on", -EINVAL, 0},
    {TRALE_OPTION_CHOICE, "ones", -EINVAL, 0},
    {TRALE_OPTION_CHOICE, "one | two", -EINVAL, 0},
    {TRALE_OPTION_CHOICE, "|", -EINVAL, 0},

    {TRALE_OPTION_TEXT, "", 0, 0},
    {TRALE_OPTION_TEXT, "anything = at all", 0, 0},
};

static void test_a_text_is_a_value_or_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ELEMENTS(values); i++) {
        const struct trale_option option = {.name = "x", .type = values[i].type, .choices = "one|two | three"};
        int64_t integer = -77;
        int r = option_parse(&option, values[i].text, &integer);
        if (r != values[i].r || integer != (r == 0 ? values[i].integer : -77))
            fail_msg("%s \"%s\": %d, %lld", option_kind(&option), values[i].text, r, (long long)integer);
    }
}

static void test_a_range_holds_at_both_ends(void **state)
{
    (void)state;
    const struct trale_option integer = {.type = TRALE_OPTION_INTEGER, .minimum = -3, .maximum = 3};
    const struct trale_option duration = {.type = TRALE_OPTION_DURATION, .minimum = 1000, .maximum = SECOND_NS};
    int64_t value = 0;
    assert_int_equal(option_parse(&integer, "-3", &value), 0);
    assert_int_equal(option_parse(&integer, "3", &value), 0);
    assert_int_equal(option_parse(&integer, "-4", &value), -ERANGE);
    assert_int_equal(option_parse(&integer, "4", &value), -ERANGE);
    assert_int_equal(value, 3);
    assert_int_equal(option_parse(&duration, "999ns", &value), -ERANGE);
    assert_int_equal(option_parse(&duration, "0", &value), -ERANGE);
    assert_int_equal(option_parse(&duration, "1us", &value), 0);
    assert_int_equal(option_parse(&duration, "1000ms", &value), 0);
    assert_int_equal(option_parse(&duration, "1000.000001ms", &value), -ERANGE);
    assert_int_equal(value, SECOND_NS);
}

static void test_no_text_is_misread(void **state)
{
    (void)state;
    /* All short texts of letters that have a meaning: a value that is read is the same when written and read again. */
    static const char letters[] = "-0179xs.mnKG ";
    for (uint32_t type = 0; type <= TRALE_OPTION_TEXT; type++) {
        const struct trale_option option = {.type = type, .choices = "s|m s"};
        for (uint32_t n = 0; n < 13 * 13 * 13 * 13; n++) {
            char text[5] = "", again[32];
            uint32_t rest = n;
            for (size_t i = 0; i < 4; i++, rest /= 13)
                text[i] = letters[rest % 13];
            int64_t integer = 0, same = 1;
            int r = option_parse(&option, text, &integer);
            assert_true(r == 0 || r == -EINVAL || r == -ERANGE);
            if (r < 0 || type > TRALE_OPTION_DURATION)
                continue;
            snprintf(again, sizeof again, "%lld%s", (long long)integer, type == TRALE_OPTION_DURATION ? "ns" : "");
            if (option_parse(&option, again, &same) != 0 || same != integer)
                fail_msg("%s \"%s\": %lld, then %lld", option_kind(&option), text, (long long)integer, (long long)same);
        }
    }
}

/* --- words -------------------------------------------------------------------------------------------------------- */

static void test_what_is_allowed_is_said_in_the_units_that_are_read(void **state)
{
    (void)state;
    static const struct {
        struct trale_option option;
        const char *words;
    } samples[] = {
        {{.type = TRALE_OPTION_INTEGER}, "an integer"},
        {{.type = TRALE_OPTION_INTEGER, .minimum = 1, .maximum = 255}, "1 to 255"},
        {{.type = TRALE_OPTION_INTEGER, .minimum = INT64_MIN, .maximum = INT64_MAX},
         "-9223372036854775808 to 9223372036854775807"},
        {{.type = TRALE_OPTION_SIZE}, "a size such as 4096, 64K or 8M"},
        {{.type = TRALE_OPTION_SIZE, .maximum = 1 << 30}, "a size such as 4096, 64K or 8M, 0 to 1G"},
        {{.type = TRALE_OPTION_SIZE, .minimum = 1500, .maximum = 3 << 20},
         "a size such as 4096, 64K or 8M, 1500 to 3M"},
        {{.type = TRALE_OPTION_DURATION, .minimum = 1500000, .maximum = 3600 * SECOND_NS},
         "a duration such as 500us, 20ms or 1.5s, 1500us to 1h"},
        {{.type = TRALE_OPTION_BOOLEAN}, "yes, no, true, false, on or off"},
        {{.type = TRALE_OPTION_CHOICE, .choices = "one"}, "one"},
        {{.type = TRALE_OPTION_CHOICE, .choices = "one|two"}, "one or two"},
        {{.type = TRALE_OPTION_CHOICE, .choices = " one | two | three |"}, "one, two or three"},
        {{.type = TRALE_OPTION_TEXT}, "text"},
    };
    for (size_t i = 0; i < N_ELEMENTS(samples); i++) {
        char words[OPTION_TEXT];
        assert_string_equal(option_allowed(&samples[i].option, words), samples[i].words);
    }
}

static void test_choices_longer_than_the_room_are_cut(void **state)
{
    (void)state;
    char choices[2048], words[OPTION_TEXT];
    for (size_t i = 0; i < sizeof choices; i++)
        choices[i] = i % 8 == 7 ? '|' : 'x';
    choices[sizeof choices - 1] = '\0';
    const struct trale_option option = {.type = TRALE_OPTION_CHOICE, .choices = choices};
    assert_int_equal(strlen(option_allowed(&option, words)), OPTION_TEXT - 1);
}

/* --- schemas ------------------------------------------------------------------------------------------------------ */

static void assert_flawed(struct trale_option option, const char *flaw)
{
    const struct trale_option options[] = {{.name = "fine", .type = TRALE_OPTION_TEXT}, option, {0}};
    char why[OPTION_TEXT] = "";
    int r = option_check_schema(options, option_runtime_keys, why);
    if (r != -EINVAL || strstr(why, flaw) == NULL)
        fail_msg("%d: \"%s\", wanted \"%s\"", r, why, flaw);
}

static void test_an_unsound_schema_is_refused(void **state)
{
    (void)state;
    const char *name = "its name is not of lower case letters, digits and '_'";
    const char *value = "its default is not a value that it allows";
    assert_flawed((struct trale_option){.name = ""}, name);
    assert_flawed((struct trale_option){.name = "Clock"}, name);
    assert_flawed((struct trale_option){.name = "a key"}, name);
    assert_flawed((struct trale_option){.name = "a;b"}, name);
    assert_flawed((struct trale_option){.name = "caf\xc3\xa9"}, name);
    assert_flawed((struct trale_option){.name = "path"}, "its name is a key of the runtime's");
    assert_flawed((struct trale_option){.name = "over"}, "its name is a key of the runtime's");
    assert_flawed((struct trale_option){.name = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
                  "its name has more than 49 bytes");
    assert_flawed((struct trale_option){.name = "x", .type = 99}, "its type is unknown");
    assert_flawed((struct trale_option){.type = TRALE_OPTION_INTEGER, .name = "x", .minimum = 2, .maximum = 1},
                  "its range is empty");
    assert_flawed((struct trale_option){.name = "x", .type = TRALE_OPTION_CHOICE}, "it has no choices");
    assert_flawed((struct trale_option){.name = "x", .type = TRALE_OPTION_CHOICE, .choices = " | |"},
                  "it has no choices");
    assert_flawed((struct trale_option){.name = "x", .type = TRALE_OPTION_BOOLEAN, .default_value = "2"}, value);
    assert_flawed((struct trale_option){.type = TRALE_OPTION_INTEGER, .name = "x", .maximum = 1, .default_value = "2"},
                  value);
    assert_flawed(
        (struct trale_option){.name = "x", .type = TRALE_OPTION_CHOICE, .choices = "a|b", .default_value = "c"}, value);
    assert_flawed((struct trale_option){.type = TRALE_OPTION_INTEGER, .name = "fine"},
                  "an option before it has the same name");
}

static void test_a_schema_without_end_is_refused(void **state)
{
    (void)state;
    static struct trale_option options[1024];
    static char names[1024][8];
    char why[OPTION_TEXT] = "";
    for (size_t i = 0; i < N_ELEMENTS(options); i++) {
        snprintf(names[i], sizeof names[i], "x%zu", i);
        options[i] = (struct trale_option){.name = names[i], .type = TRALE_OPTION_TEXT};
    }
    assert_int_equal(option_check_schema(options, option_runtime_keys, why), -EINVAL);
    assert_string_equal(why, "the options in its description have no end");
    options[1023].name = NULL;
    assert_int_equal(option_check_schema(options, option_runtime_keys, why), 1023);
}

/* --- sections ----------------------------------------------------------------------------------------------------- */

static const struct trale_option schema[] = {
    {.name = "clock", .type = TRALE_OPTION_CHOICE, .choices = "monotonic|boottime", .default_value = "monotonic"},
    {.name = "slack", .type = TRALE_OPTION_DURATION, .maximum = SECOND_NS, .default_value = "0"},
    {.name = "count", .type = TRALE_OPTION_INTEGER, .minimum = 1, .maximum = 9, .default_value = "3"},
    {.name = "label", .type = TRALE_OPTION_TEXT},
    {0},
};
#define N_OPTIONS 4

static int read_text(const char *text, const char *also, struct trale_value *found, struct config *config,
                     struct test_log *log)
{
    struct log into = {.write = test_log_write, .data = log};
    assert_int_equal(config_parse(config, "t.ini", text, strlen(text), &into), 0);
    const char *const keys[] = {also, NULL};
    return option_read_section(config, config_section(config, "driver:t"), keys, schema, N_OPTIONS, found, &into);
}

static void test_a_section_fills_the_values_in_the_schemas_order(void **state)
{
    (void)state;
    struct test_log log = {0};
    struct config config = {0};
    struct trale_value found[N_OPTIONS] = {{0}};
    static const char text[] = "[driver:t]\nlabel = x y\npath = t.so\nclock = boottime\n";
    assert_int_equal(read_text(text, "path", found, &config, &log), 0);
    assert_string_equal(log.text, "");
    assert_int_equal(found[0].integer, 1);
    assert_int_equal(found[0].line, 4);
    assert_string_equal(found[1].text, "0");
    assert_int_equal(found[1].line, 0);
    assert_int_equal(found[2].integer, 3);
    assert_string_equal(found[3].text, "x y");
    assert_int_equal(found[3].line, 2);
    config_deinit(&config);
}

static void test_every_flaw_of_a_section_is_a_message_in_the_order_of_lines(void **state)
{
    (void)state;
    static const char text[] = "[driver:t]\nclok = boottime\nclock = sundial\nslack = 2s\ncount = few\npath = t.so\n"
                               "quite_another = 1\n";
    struct test_log log = {0};
    struct config config = {0};
    struct trale_value found[N_OPTIONS] = {{0}};
    assert_int_equal(read_text(text, NULL, found, &config, &log), -EINVAL);
    assert_string_equal(
        log.text,
        "0 trale: t.ini:2: [driver:t] clok: no such key; did you mean clock?\n"
        "0 trale: t.ini:3: [driver:t] clock = sundial: not one of monotonic or boottime\n"
        "0 trale: t.ini:4: [driver:t] slack = 2s: out of range; allowed: a duration such as 500us, 20ms or 1.5s, 0 to "
        "1s\n"
        "0 trale: t.ini:5: [driver:t] count = few: not an integer; allowed: 1 to 9\n"
        "0 trale: t.ini:6: [driver:t] path: no such key; allowed are clock, slack, count, label\n"
        "0 trale: t.ini:7: [driver:t] quite_another: no such key; allowed are clock, slack, count, label\n"
        "0 trale: t.ini:1: [driver:t] label: missing, it must be given; allowed: text\n");
    config_deinit(&config);
}

static void test_an_absent_section_has_the_defaults(void **state)
{
    (void)state;
    struct test_log log = {0};
    struct config config = {0};
    struct trale_value found[N_OPTIONS] = {{0}};
    struct log into = {.write = test_log_write, .data = &log};
    assert_int_equal(config_parse(&config, "t.ini", "", 0, &into), 0);
    assert_int_equal(option_read_section(&config, NULL, NULL, schema, N_OPTIONS - 1, found, &into), 0);
    assert_string_equal(found[0].text, "monotonic");
    assert_int_equal(found[2].integer, 3);
    config_deinit(&config);
}

static void test_a_value_that_is_not_given_is_named(void **state)
{
    (void)state;
    struct test_log log = {0};
    struct config config = {0};
    struct trale_value found[N_OPTIONS] = {{0}};
    assert_int_equal(read_text("[driver:t]\ncount =\nslack = 1 MS\nlabel =\n", NULL, found, &config, &log), -EINVAL);
    assert_string_equal(
        log.text, "0 trale: t.ini:2: [driver:t] count: no value is given; allowed: 1 to 9\n"
                  "0 trale: t.ini:3: [driver:t] slack = 1 MS: not a duration: it has a blank inside and capitals "
                  "and small letters differ, write 1ms; allowed: a duration such as 500us, 20ms or 1.5s, 0 to 1s\n");
    config_deinit(&config);
}

static void test_a_list_of_keys_that_is_cut_says_so(void **state)
{
    (void)state;
    static struct trale_option many[100];
    static char names[100][16];
    struct trale_value found[N_ELEMENTS(many)] = {{0}};
    struct test_log log = {0};
    struct config config = {0};
    const struct log into = {.write = test_log_write, .data = &log};
    for (size_t i = 0; i < N_ELEMENTS(many); i++) {
        snprintf(names[i], sizeof names[i], "option_%zu", i);
        many[i] = (struct trale_option){.name = names[i], .type = TRALE_OPTION_TEXT, .default_value = ""};
    }
    assert_int_equal(config_parse(&config, "t.ini", "[a]\nx = 1\n", 10, &into), 0);
    assert_int_equal(option_read_section(&config, config.sections, NULL, many, N_ELEMENTS(many), found, &into),
                     -EINVAL);
    assert_string_equal(log.text + log.length - 4, "...\n");
    config_deinit(&config);
}

/* --- advice ------------------------------------------------------------------------------------------------------- */

static void test_advice_says_what_exactly_is_wrong_with_a_value(void **state)
{
    (void)state;
    static const struct {
        uint32_t type;
        const char *text, *advice;
    } samples[] = {
        {TRALE_OPTION_SIZE, "64k", "capitals and small letters differ, write 64K"},
        {TRALE_OPTION_SIZE, "64 K", "it has a blank inside, write 64K"},
        {TRALE_OPTION_SIZE, "64\tk", "it has a blank inside and capitals and small letters differ, write 64K"},
        {TRALE_OPTION_SIZE, "64KB", "there is no unit KB, write 64K"},
        {TRALE_OPTION_SIZE, "64 kiB", "there is no unit kiB, write 64K"},
        {TRALE_OPTION_SIZE, "1T", "there is no unit T, write 1 with K, M or G"},
        {TRALE_OPTION_SIZE, "1.5M", "a size has no fraction"},
        {TRALE_OPTION_SIZE, "-1", "a size is not negative"},
        {TRALE_OPTION_SIZE, "much", NULL},
        {TRALE_OPTION_DURATION, "1 ms", "it has a blank inside, write 1ms"},
        {TRALE_OPTION_DURATION, "1MS", "capitals and small letters differ, write 1ms"},
        {TRALE_OPTION_DURATION, "1.5 S", "it has a blank inside and capitals and small letters differ, write 1.5s"},
        {TRALE_OPTION_DURATION, "20", "it has no unit, write for example 20ms"},
        {TRALE_OPTION_DURATION, "1.5", "it has no unit, write for example 1.5ms"},
        {TRALE_OPTION_DURATION, "1day", "there is no unit day, write 1 with ns, us, ms, s, min or h"},
        {TRALE_OPTION_DURATION, "5\xc2\xb5s", "there is no unit \xc2\xb5s, write 5 with ns, us, ms, s, min or h"},
        {TRALE_OPTION_DURATION, "-1s", "a duration is not negative"},
        {TRALE_OPTION_DURATION, "soon", NULL},
        {TRALE_OPTION_BOOLEAN, "Yes", "capitals and small letters differ, write yes"},
        {TRALE_OPTION_BOOLEAN, "OFF", "capitals and small letters differ, write off"},
        {TRALE_OPTION_BOOLEAN, "1", "write yes"},
        {TRALE_OPTION_BOOLEAN, "0", "write no"},
        {TRALE_OPTION_BOOLEAN, "maybe", NULL},
        {TRALE_OPTION_CHOICE, "Monotonic", "capitals and small letters differ, write monotonic"},
        {TRALE_OPTION_CHOICE, "monotone", "did you mean monotonic?"},
        {TRALE_OPTION_CHOICE, "lunar", NULL},
        {TRALE_OPTION_INTEGER, "1 000", "it has a blank inside, write 1000"},
        {TRALE_OPTION_INTEGER, "many", NULL},
    };
    for (size_t i = 0; i < N_ELEMENTS(samples); i++) {
        const struct trale_option option = {.type = samples[i].type, .choices = "monotonic | boottime"};
        char buf[OPTION_TEXT];
        const char *advice = advice_value(&option, samples[i].text, buf);
        if ((advice == NULL) != (samples[i].advice == NULL) ||
            (advice != NULL && strcmp(advice, samples[i].advice) != 0))
            fail_msg("%s: \"%s\", wanted \"%s\"", samples[i].text, advice != NULL ? advice : "nothing",
                     samples[i].advice != NULL ? samples[i].advice : "nothing");
    }
}

static void test_long_texts_get_no_advice(void **state)
{
    (void)state;
    char text[4096], buf[OPTION_TEXT];
    memset(text, '1', sizeof text);
    text[sizeof text - 1] = '\0';
    for (uint32_t type = 0; type <= TRALE_OPTION_TEXT; type++) {
        const struct trale_option option = {.type = type, .choices = "a | b"};
        assert_null(advice_value(&option, text, buf));
    }
    assert_int_equal(advice_distance(text, "a"), SIZE_MAX);
    assert_int_equal(advice_distance("a", text), SIZE_MAX);
}

/* --- [runtime], and the names of sections ------------------------------------------------------------------------- */

static void assert_settings(const char *text, int expected, const char *messages)
{
    struct test_log log = {0};
    struct config config = {0};
    struct settings settings = {0};
    const struct log into = {.write = test_log_write, .data = &log};
    assert_int_equal(config_parse(&config, "t.ini", text, strlen(text), &into), 0);
    int r = settings_read(&settings, &config, &into);
    if (r != expected || strcmp(log.text, messages) != 0)
        fail_msg("%d\n%swanted %d\n%s", r, log.text, expected, messages);
    settings_deinit(&settings);
    config_deinit(&config);
}

#define NO_DRIVERS                                                                                                     \
    "missing, so no driver is loaded; `drivers = NAME, ...` loads a [driver:NAME] each, `drivers =` loads none\n"

static void test_a_configuration_that_names_no_driver_is_a_warning(void **state)
{
    (void)state;
    assert_settings("", 0, "1 trale: t.ini: [runtime] drivers: " NO_DRIVERS);
    assert_settings("; a file that is just being writ", 0, "1 trale: t.ini: [runtime] drivers: " NO_DRIVERS);
    assert_settings("\n[runtime]\nthreads = 1\n", 0, "1 trale: t.ini:2: [runtime] drivers: " NO_DRIVERS);
    assert_settings("[runtime]\ndrivers =\n", 0, "");
    assert_settings("[runtime]\ndrivers = a\n[driver:a]\n", 0, "");
}

#define SECTION(line, name) "0 trale: t.ini:" line ": [" name "]: no such section; "
#define ALLOWED "allowed are [runtime], [driver:NAME], [application:NAME] and [end]\n"

static void test_a_section_that_there_is_not_is_refused_with_the_nearest(void **state)
{
    (void)state;
    assert_settings("[runtime]\ndrivers =\n[runtme]\n", -EINVAL, SECTION("3", "runtme") "did you mean [runtime]?\n");
    assert_settings("[runtime]\ndrivers =\n[Runtime]\n", -EINVAL, SECTION("3", "Runtime") "did you mean [runtime]?\n");
    static const char *const spellings[] = {"drivers:x", "Driver.x", "driver: x", "drvier/x", "driver x"};
    for (size_t i = 0; i < N_ELEMENTS(spellings); i++) {
        char text[128], expected[128];
        snprintf(text, sizeof text, "[runtime]\ndrivers =\n[%s]\n", spellings[i]);
        snprintf(expected, sizeof expected, SECTION("3", "%s") "did you mean [driver:x]?\n", spellings[i]);
        assert_settings(text, -EINVAL, expected);
    }
    assert_settings("[runtime]\ndrivers =\n[aplication.x]\n", -EINVAL,
                    SECTION("3", "aplication.x") "did you mean [application:x]?\n");
    assert_settings("[runtime]\ndrivers =\n[application:x]\nany = thing\n", 0, "");
    assert_settings("[runtime]\ndrivers =\n[application:]\n", -EINVAL, SECTION("3", "application:") ALLOWED);
    assert_settings("[runtime]\ndrivers = a\n[a]\n[driver:a]\n[b]\n", -EINVAL,
                    "0 trale: t.ini:3: [a]: no such section; did you mean [driver:a]?\n"
                    "0 trale: t.ini:5: [b]: no such section; " ALLOWED);
    assert_settings("[runtime]\ndrivers =\n[driver:]\n[driver:a b]\n", -EINVAL,
                    "0 trale: t.ini:3: [driver:]: no such section; " ALLOWED
                    "0 trale: t.ini:4: [driver:a b]: no such section; " ALLOWED);
    assert_settings("[runtime]\ndrivers =\n[End]\n", -EINVAL, SECTION("3", "End") "did you mean [end]?\n");
}

static void test_a_driver_without_a_section_is_refused_with_the_nearest(void **state)
{
    (void)state;
    assert_settings("[runtime]\ndrivers = upd x udp, udp\n[driver:udp]\n", -EINVAL,
                    "0 trale: t.ini:2: [runtime] drivers: upd: there is no section [driver:upd]; did you mean udp?\n"
                    "0 trale: t.ini:2: [runtime] drivers: x: there is no section [driver:x]\n"
                    "0 trale: t.ini:2: [runtime] drivers: udp: named twice\n");
}

static void test_nothing_follows_the_end(void **state)
{
    (void)state;
    assert_settings("[runtime]\ndrivers =\n[end]\n; comment\n\n", 0, "");
    assert_settings("[runtime]\ndrivers =\n[end]", 0, "");
    assert_settings("[end]\n[runtime]\ndrivers =\n", -EINVAL,
                    "0 trale: t.ini:1: [end]: text follows; allowed are blank lines and comments\n");
    assert_settings("[runtime]\ndrivers =\n[end]\nthreads = 1\n", -EINVAL,
                    "0 trale: t.ini:3: [end]: text follows; allowed are blank lines and comments\n");
}

/* Wherever a file is cut off, it lacks its end, or is refused by the parser. */
static void test_a_file_that_is_cut_off_is_not_complete(void **state)
{
    (void)state;
    static const char text[] = "; comment\n[runtime]\ndrivers = a\n[driver:a]\npath = a.so\n[end]\n";
    for (size_t length = 0; length < sizeof text; length++) {
        struct test_log log = {0};
        struct config config = {0};
        const struct log into = {.write = test_log_write, .data = &log};
        int r = config_parse(&config, "t.ini", text, length, &into);
        if (r == 0)
            r = settings_check_end(&config, &into);
        assert_int_equal(r, length < sizeof text - 2 ? -EINVAL : 0);
        assert_int_equal(log.length > 0, r < 0);
        config_deinit(&config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_text_is_a_value_or_is_refused),
        cmocka_unit_test(test_a_range_holds_at_both_ends),
        cmocka_unit_test(test_no_text_is_misread),
        cmocka_unit_test(test_what_is_allowed_is_said_in_the_units_that_are_read),
        cmocka_unit_test(test_choices_longer_than_the_room_are_cut),
        cmocka_unit_test(test_an_unsound_schema_is_refused),
        cmocka_unit_test(test_a_schema_without_end_is_refused),
        cmocka_unit_test(test_a_section_fills_the_values_in_the_schemas_order),
        cmocka_unit_test(test_every_flaw_of_a_section_is_a_message_in_the_order_of_lines),
        cmocka_unit_test(test_an_absent_section_has_the_defaults),
        cmocka_unit_test(test_a_value_that_is_not_given_is_named),
        cmocka_unit_test(test_a_list_of_keys_that_is_cut_says_so),
        cmocka_unit_test(test_advice_says_what_exactly_is_wrong_with_a_value),
        cmocka_unit_test(test_long_texts_get_no_advice),
        cmocka_unit_test(test_a_configuration_that_names_no_driver_is_a_warning),
        cmocka_unit_test(test_a_section_that_there_is_not_is_refused_with_the_nearest),
        cmocka_unit_test(test_a_driver_without_a_section_is_refused_with_the_nearest),
        cmocka_unit_test(test_nothing_follows_the_end),
        cmocka_unit_test(test_a_file_that_is_cut_off_is_not_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
