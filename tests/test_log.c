/* SPDX-License-Identifier: MIT
 *
 * Messages: what they look like, whatever the texts in them. */
#include "tests/support.h"

#include <trale/trale.h>

#include "core/base/log.h"
#include "core/base/printable.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static bool memory_is_out;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return memory_is_out ? NULL : __real_malloc(size);
}

static void test_what_steers_a_terminal_is_written_out(void **state)
{
    (void)state;
    static const char *const samples[][2] = {
        {"", ""},
        {"plain text, \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 \\ \"",
         "plain text, \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 \\ \""},
        {"\033[2J", "\\x1b[2J"},
        {"a\nb\r\tc", "a\\x0ab\\x0d\\x09c"},
        {"\x7f", "\\x7f"},
        {"\xc2\x9b"
         "2J",
         "\\xc2\\x9b2J"}, /* U+009B, which some terminals take for ESC [ */
        {"\xc2\xa0", "\xc2\xa0"},
        {"caf\xe9", "caf\\xe9"},
        {"\xe2\x82", "\\xe2\\x82"},
        {"\x9b"
         "2J",
         "\\x9b2J"},
    };
    for (size_t i = 0; i < N_ELEMENTS(samples); i++) {
        char buf[64];
        assert_int_equal(printable(buf, sizeof buf, samples[i][0], strlen(samples[i][0])), strlen(samples[i][1]));
        assert_string_equal(buf, samples[i][1]);
    }
}

static void test_what_does_not_fit_is_cut_at_a_character(void **state)
{
    (void)state;
    static const char text[] = "ab\xc3\xa4\033c\xe2\x82\xac!";
    char whole[64];
    size_t length = printable(whole, sizeof whole, text, strlen(text));
    for (size_t size = 4; size < 32; size++) {
        char buf[33];
        memset(buf, '#', sizeof buf);
        assert_int_equal(printable(buf, size, text, strlen(text)), length);
        size_t written = strlen(buf);
        assert_true(written < size);
        assert_int_equal(buf[size], '#');
        if (size > length) {
            assert_string_equal(buf, whole);
            continue;
        }
        assert_string_equal(buf + written - 3, "...");
        assert_memory_equal(buf, whole, written - 3);
        assert_true(utf8_length((const unsigned char *)whole + written - 3, length - written + 3) > 0);
    }
}

static void test_a_place_is_written_in_front(void **state)
{
    (void)state;
    struct test_log log = {0};
    const struct log into = {.write = test_log_write, .data = &log};
    log_say_at(&into, TRALE_LOG_ERROR, &(struct log_place){.file = "t.ini", .line = 3}, "%s", "x");
    log_say_at(&into, TRALE_LOG_ERROR, &(struct log_place){.file = "t.ini"}, "x");
    log_say_at(&into, TRALE_LOG_ERROR, &(struct log_place){.file = "t.ini", .line = 3, .section = "a"}, "x");
    log_say_at(&into, TRALE_LOG_ERROR, &(struct log_place){"t.ini", 3, "a", "k", NULL}, "x");
    log_say_at(&into, TRALE_LOG_WARNING, &(struct log_place){"t.ini", 3, "a", "k", "v\n"}, "x");
    assert_string_equal(log.text, "0 trale: t.ini:3: x\n"
                                  "0 trale: t.ini: x\n"
                                  "0 trale: t.ini:3: [a]: x\n"
                                  "0 trale: t.ini:3: [a] k: x\n"
                                  "1 trale: t.ini:3: [a] k = v\\x0a: x\n");
}

static void note_place(void *data, uint32_t level, const struct log_place *place, const char *message)
{
    snprintf(data, 128, "%u %u %s %s", level, place->line, place->key, message);
}

static void test_a_place_is_handed_on_as_such(void **state)
{
    (void)state;
    char noted[128] = "";
    const struct log into = {.data = noted, .write_at = note_place};
    log_say_at(&into, TRALE_LOG_WARNING, &(struct log_place){"t.ini", 3, "a", "k", NULL}, "x");
    assert_string_equal(noted, "1 3 k t.ini:3: [a] k: x");
    log_say_about(&into, TRALE_LOG_WARNING, &(struct log_place){"t.ini", 3, "a", "k", NULL}, "in line 3\n");
    assert_string_equal(noted, "1 3 k in line 3\\x0a");
}

/* Messages of the lengths around that of the buffers, of letters and of what is written out. */
static void test_long_messages_are_whole_or_say_that_they_are_cut(void **state)
{
    (void)state;
    static char text[5000];
    static struct test_log log;
    const struct log into = {.write = test_log_write, .data = &log};
    for (size_t length = 900; length < sizeof text; length += length < 1100 ? 1 : 500) {
        for (int escape = 0; escape < 2; escape++) {
            memset(text, 'x', length);
            text[length] = '\0';
            if (escape)
                text[10] = '\033';
            log.length = 0;
            log_say(&into, TRALE_LOG_ERROR, "trale", "%s", text);
            assert_int_equal(log.length, strlen("0 trale: \n") + length + (escape ? 3 : 0));
            log.length = 0;
            memory_is_out = true;
            log_say(&into, TRALE_LOG_ERROR, "trale", "%s", text);
            memory_is_out = false;
            if (length > 1030)
                assert_string_equal(log.text + log.length - 4, "...\n");
            assert_in_range(log.length, 900, strlen("0 trale: \n") + 1023);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_steers_a_terminal_is_written_out),
        cmocka_unit_test(test_what_does_not_fit_is_cut_at_a_character),
        cmocka_unit_test(test_a_place_is_written_in_front),
        cmocka_unit_test(test_a_place_is_handed_on_as_such),
        cmocka_unit_test(test_long_messages_are_whole_or_say_that_they_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
