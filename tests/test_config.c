/* SPDX-License-Identifier: MIT
 *
 * trale.ini: which texts are read, which are refused with which messages, and which file is used. */
#include "tests/support.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <trale/trale.h>

#include "core/config/parse.h"
#include "core/config/read.h"

#define X10 "xxxxxxxxxx"
#define X49 X10 X10 X10 X10 "xxxxxxxxx"
#define X187 X49 X49 X49 X10 X10 X10 X10
#define BOM "\xef\xbb\xbf"
#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

struct sample {
    const char *text;
    size_t length;
    const char *expected;
};
#define SAMPLE(text, expected)                                                                                         \
    {                                                                                                                  \
        text, sizeof(text) - 1, expected                                                                               \
    }

static struct log log_into(struct test_log *log)
{
    return (struct log){.write = test_log_write, .data = log};
}

static void assert_empty(const struct config *config)
{
    assert_null(config->name);
    assert_null(config->sections);
    assert_null(config->entries);
    assert_int_equal(config->n_sections, 0);
    assert_int_equal(config->n_entries, 0);
}

/* Parses a copy that ends where the text ends, so that a byte read behind it is seen by the sanitizers. */
static int parse(struct config *config, const char *text, size_t length, struct test_log *log)
{
    char *copy = test_malloc(length > 0 ? length : 1);
    memcpy(copy, text, length);
    struct log into = log_into(log);
    int r = config_parse(config, "t.ini", copy, length, &into);
    test_free(copy);
    return r;
}

/* --- refused texts ------------------------------------------------------------------------------------------------ */

#define NEITHER ": neither a section, nor `key = value`, nor a comment"
#define NAME ": a section's name has 1 to 49 bytes"
#define KEY ": a key has 1 to 49 bytes"
#define INDENTED ": an indented line; every line but a comment starts in the first column"
#define FIRST ": a key before the first section; [runtime] or [driver:NAME] goes first"
#define CONTROL(byte, value) "a control character (byte " byte " is " value "); allowed are text and tabs"
#define UTF8(byte, value) "byte " byte " is " value ", which is not UTF-8"

static const struct sample bad[] = {
    /* Sections. */
    SAMPLE("[" X187 "]\n", "1: [" X187 "]" NAME),
    SAMPLE("[" X49 "x]\n", "1: [" X49 "x]" NAME),
    SAMPLE("[]\n", "1: []" NAME),
    SAMPLE("[] ; nameless\nk = v\n", "1: []" NAME),
    SAMPLE("[a\n", "1: [a: a section without its ']'"),
    SAMPLE("[a\nk = v\n", "1: [a: a section without its ']'"),
    SAMPLE("[a\r\n", "1: [a: a section without its ']'"),
    SAMPLE("[", "1: [: a section without its ']'"),
    SAMPLE("[a ;]\n", "1: [a ;]: a '[' or ';' in a section's name"),
    SAMPLE("[a ; b]\nk = v\n", "1: [a ; b]: a '[' or ';' in a section's name"),
    SAMPLE("[a]b\n", "1: [a]b: text follows the section's ']'; allowed is a comment"),
    SAMPLE("[a] b\n", "1: [a] b: text follows the section's ']'; allowed is a comment"),
    SAMPLE("[a]]\n", "1: [a]]: text follows the section's ']'; allowed is a comment"),
    SAMPLE("[a] k = v\n", "1: [a] k = v: text follows the section's ']'; allowed is a comment"),
    SAMPLE("[[a]\n", "1: [[a]: a '[' or ';' in a section's name"),
    SAMPLE("[a[b]\n", "1: [a[b]: a '[' or ';' in a section's name"),
    SAMPLE("[a]\n[a]\n", "2: [a]: given twice, first in line 1"),
    SAMPLE("; c\n[a]\nk = v\n[b]\n[a] ; again\n", "5: [a]: given twice, first in line 2"),
    SAMPLE("[" X49 "]\n[" X49 "]\n", "2: [" X49 "]: given twice, first in line 1"),
    /* Indented lines, which some parsers append to the value before. */
    SAMPLE("[a]\nk = v\n  path = /evil.so\n", "3: path = /evil.so" INDENTED),
    SAMPLE("[a]\nk = v\n\tpath = /evil.so\n", "3: path = /evil.so" INDENTED),
    SAMPLE("[a]\nk = v\n\n more\n", "4: more" INDENTED),
    SAMPLE("[a]\n k = v\n", "2: k = v" INDENTED),
    SAMPLE(" [a]\n", "1: [a]" INDENTED),
    SAMPLE(BOM " [a]\n", "1: [a]" INDENTED),
    SAMPLE("[a]\n = v\n", "2: = v" INDENTED),
    /* Control characters. */
    SAMPLE("[a]\nk = v\0w\n", "2: " CONTROL("6", "0x00")),
    SAMPLE("[a]\n\0k = v\n", "2: " CONTROL("1", "0x00")),
    SAMPLE("[a\0]\n", "1: " CONTROL("3", "0x00")),
    SAMPLE("; a\0b\n", "1: " CONTROL("4", "0x00")),
    SAMPLE("\0", "1: " CONTROL("1", "0x00")),
    SAMPLE("[a]\nk = \x01\n", "2: " CONTROL("5", "0x01")),
    SAMPLE("[a]\nk = \x1b[2J\n", "2: " CONTROL("5", "0x1b")),
    SAMPLE("# \x1b[2J\n", "1: " CONTROL("3", "0x1b")),
    SAMPLE("[a]\nk = v\x7f\n", "2: " CONTROL("6", "0x7f")),
    SAMPLE("[a]\n\vk = v\n", "2: " CONTROL("1", "0x0b")),
    SAMPLE("[a]\nk = v\f\n", "2: " CONTROL("6", "0x0c")),
    SAMPLE("[a]\nk = \xc2\x9b"
           "2J\n",
           "2: " CONTROL("5", "0x9b")),
    SAMPLE("[a\xc2\x85]\n", "1: " CONTROL("3", "0x85")),
    SAMPLE("[a]\rk = v\r", "1: " CONTROL("4", "0x0d")),
    SAMPLE("[a]\r\nk = v\r\r\n", "2: " CONTROL("6", "0x0d")),
    SAMPLE("[a]\r\nk = v\rl = w\r\n", "2: " CONTROL("6", "0x0d")),
    /* Not UTF-8: continuations alone, bytes that never occur, overlong, surrogates, too large, cut off. */
    SAMPLE("[a]\nk = \x80\n", "2: " UTF8("5", "0x80")),
    SAMPLE("[a]\nk = \xbf\n", "2: " UTF8("5", "0xbf")),
    SAMPLE("[a]\nk = \xff\n", "2: " UTF8("5", "0xff")),
    SAMPLE("[a]\nk = \xf5\x80\x80\x80\n", "2: " UTF8("5", "0xf5")),
    SAMPLE("[a]\nk = \xc0\x80\n", "2: " UTF8("5", "0xc0")),
    SAMPLE("[a]\nk = \xc1\xbf\n", "2: " UTF8("5", "0xc1")),
    SAMPLE("[a]\nk = \xe0\x9f\xbf\n", "2: " UTF8("5", "0xe0")),
    SAMPLE("[a]\nk = \xf0\x8f\xbf\xbf\n", "2: " UTF8("5", "0xf0")),
    SAMPLE("[a]\nk = \xed\xa0\x80\n", "2: " UTF8("5", "0xed")),
    SAMPLE("[a]\nk = \xf4\x90\x80\x80\n", "2: " UTF8("5", "0xf4")),
    SAMPLE("[a]\nk = \xc3\n", "2: " UTF8("5", "0xc3")),
    SAMPLE("[a]\nk = \xe2\x82", "2: " UTF8("5", "0xe2")),
    SAMPLE("[a]\nk = \xf0\x9f\x98\n", "2: " UTF8("5", "0xf0")),
    SAMPLE("[a]\nk = \xc3(\n", "2: " UTF8("5", "0xc3")),
    SAMPLE("; caf\xe9\n", "1: " UTF8("6", "0xe9")),
    SAMPLE("[\xe9]\n", "1: " UTF8("2", "0xe9")),
    SAMPLE("\xff\xfe[\0a\0]\0", "1: " UTF8("1", "0xff")),
    SAMPLE("\xef\xbb[a]\n", "1: " UTF8("1", "0xef")),
    /* Keys. */
    SAMPLE("k = v\n[a]\n", "1: k" FIRST),
    SAMPLE("; c\n\nlong key = v\n", "3: long key" FIRST),
    SAMPLE("[a]\n= v\n", "2: = v" KEY),
    SAMPLE("[a]\n: v\n", "2: : v" KEY),
    SAMPLE("[a]\n=\n", "2: =" KEY),
    SAMPLE("[a]\n" X49 "x = v\n", "2: " X49 "x = v" KEY),
    SAMPLE("[a]\nk\n", "2: k" NEITHER),
    SAMPLE("[a]\ndrivers timer\n", "2: drivers timer" NEITHER),
    SAMPLE("[a]\nk ; = v\n", "2: k ; = v" NEITHER),
    SAMPLE("[a]\nk;l = v\n", "2: k;l = v" NEITHER),
    SAMPLE("[a]\nk ; a comment\n", "2: k ; a comment" NEITHER),
    SAMPLE("[a]\n" BOM "[b]\n", "2: " BOM "[b]" NEITHER),
    SAMPLE(BOM BOM "[a]\n", "1: " BOM "[a]" NEITHER),
    SAMPLE("[a]\nk = v\nk = v\n", "3: [a] k: given twice, first in line 2"),
    SAMPLE("[a]\nk = v\nl = v\nk:\n", "4: [a] k: given twice, first in line 2"),
    SAMPLE("[a]\nk = 1\n[b]\nk = 1\nk=2\n", "5: [b] k: given twice, first in line 4"),
};
_Static_assert(N_ELEMENTS(bad) >= 60, "the list of what is refused was cut");

static void test_each_flaw_is_refused_with_its_line_and_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
        struct test_log log = {0};
        struct config config = {0};
        char expected[512];
        snprintf(expected, sizeof expected, "%u trale: t.ini:%s\n", TRALE_LOG_ERROR, bad[i].expected);
        int r = parse(&config, bad[i].text, bad[i].length, &log);
        if (r != -EINVAL || strcmp(log.text, expected) != 0)
            fail_msg("sample %zu: %d\n%swanted\n%s", i, r, log.text, expected);
        assert_empty(&config);
    }
}

static void test_all_flaws_of_a_file_are_reported(void **state)
{
    (void)state;
    static const char text[] = "early = 1\n[a]\nk = v\n indented = 1\n[open\n= 1\nword\n\xff\n[a]\n[b]\n";
    struct test_log log = {0};
    struct config config = {0};
    assert_int_equal(parse(&config, text, sizeof text - 1, &log), -EINVAL);
    assert_string_equal(log.text,
                        "0 trale: t.ini:1: early" FIRST "\n"
                        "0 trale: t.ini:4: indented = 1" INDENTED "\n"
                        "0 trale: t.ini:5: [open: a section without its ']'\n"
                        "0 trale: t.ini:6: = 1" KEY "\n"
                        "0 trale: t.ini:7: word" NEITHER "\n"
                        "0 trale: t.ini:8: " UTF8("1", "0xff") "\n"
                                                               "0 trale: t.ini:9: [a]: given twice, first in line 2\n");
    assert_empty(&config);

    log = (struct test_log){0};
    static const char twice[] = "[a]\nk = 1\nk = 2\nl = 1\nk = 3\nl = 2\n";
    assert_int_equal(parse(&config, twice, sizeof twice - 1, &log), -EINVAL);
    assert_string_equal(log.text, "0 trale: t.ini:3: [a] k: given twice, first in line 2\n"
                                  "0 trale: t.ini:5: [a] k: given twice, first in line 2\n"
                                  "0 trale: t.ini:6: [a] l: given twice, first in line 4\n");
    assert_empty(&config);
}

/* --- texts that are read ------------------------------------------------------------------------------------------ */

/* The expected texts: sections with their lines, then entries, "section.key=value@line". */
static const struct sample good[] = {
    SAMPLE("", ""),
    SAMPLE("\n\n", ""),
    SAMPLE(BOM, ""),
    SAMPLE("; nothing\n# but comments\n  ; indented\n\t# too\n", ""),
    SAMPLE("[a]", "[a]@1 "),
    SAMPLE("[a]\n[b]\n\n[driver:c]\n", "[a]@1 [b]@2 [driver:c]@4 "),
    SAMPLE("[a] ; comment\n[b]# comment\n[c]\t\n", "[a]@1 [b]@2 [c]@3 "),
    SAMPLE("[" X49 "]\n" X49 " = v\n", "[" X49 "]@1 " X49 "." X49 "=v@2 "),
    SAMPLE("[a]\nk = v\n", "[a]@1 a.k=v@2 "),
    SAMPLE("[a]\nk = v", "[a]@1 a.k=v@2 "),
    SAMPLE("[a]\r\n\r\nk = v\r\nl = w\r\n", "[a]@1 a.k=v@3 a.l=w@4 "),
    SAMPLE("[a]\r\nk = v\r", "[a]@1 a.k=v@2 "),
    SAMPLE(BOM "[a]\nk = v\n", "[a]@1 a.k=v@2 "),
    SAMPLE(BOM "; comment\n[a]\nk = v\n", "[a]@2 a.k=v@3 "),
    SAMPLE("[a]\nk=v\nl: w\nm :x\nn\t=\ty\t\n", "[a]@1 a.k=v@2 a.l=w@3 a.m=x@4 a.n=y@5 "),
    SAMPLE("[a]\nk = a = b : c\nl : = d\n", "[a]@1 a.k=a = b : c@2 a.l== d@3 "),
    SAMPLE("[a]\nk =\nl = \nm:\nn = ; nothing\n", "[a]@1 a.k=@2 a.l=@3 a.m=@4 a.n=@5 "),
    SAMPLE("[a]\nk = v ; comment\nl = v\t; comment\n", "[a]@1 a.k=v@2 a.l=v@3 "),
    SAMPLE("[a]\nk = a;b\nl = a;b ;c\nm = a # b\n", "[a]@1 a.k=a;b@2 a.l=a;b@3 a.m=a # b@4 "),
    SAMPLE("[a]\nk = \"v\"\nl = [b]\nm = v]\n", "[a]@1 a.k=\"v\"@2 a.l=[b]@3 a.m=v]@4 "),
    SAMPLE("[a]\nk =   v   w   \n", "[a]@1 a.k=v   w@2 "),
    SAMPLE("[a]\nk = v\n ; comment\n\nl = w\n", "[a]@1 a.k=v@2 a.l=w@5 "),
    SAMPLE("[a]\nk = 1\n[b]\nk = 2\nK = 3\n", "[a]@1 [b]@3 a.k=1@2 b.k=2@4 b.K=3@5 "),
    SAMPLE("[a]\nname = \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n",
           "[a]@1 a.name=\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80@2 "),
    SAMPLE("[a]\nk = \xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\n",
           "[a]@1 a.k=\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf@2 "),
    SAMPLE("[a]\nk = \xc2\xa0\n", "[a]@1 a.k=\xc2\xa0@2 "),
    SAMPLE("[a]\nk=;v\nl = ;v\nm =\t;v\n", "[a]@1 a.k=;v@2 a.l=@3 a.m=@4 "),
    /* Lines that a parser with a buffer of 200 bytes splits in two. */
    SAMPLE("[a]\nk=" X187 "\nl = w\n", "[a]@1 a.k=" X187 "@2 a.l=w@3 "),
    SAMPLE("[a]\nk=" X187 X10 "path=/evil.so\nl = w\n", "[a]@1 a.k=" X187 X10 "path=/evil.so@2 a.l=w@3 "),
    SAMPLE("[a]\nk = " X187 "x", "[a]@1 a.k=" X187 "x@2 "),
    SAMPLE("[a]\nk : " X187 X187 "  ; " X187 "\r\nl = w\n", "[a]@1 a.k=" X187 X187 "@2 a.l=w@3 "),
    SAMPLE("[a]\n; " X187 X10 "path=/evil.so\nk = v\n", "[a]@1 a.k=v@3 "),
    SAMPLE("#" X187 X10 "[evil]\n[a] ; " X187 X10 "\nk = v ; " X187 "l = w\n", "[a]@2 a.k=v@3 "),
    SAMPLE(" ; " X187 X187 "\n[" X49 "] ;" X187 "\n" X49 "=" X187 ";\n", "[" X49 "]@2 " X49 "." X49 "=" X187 ";@3 "),
    SAMPLE(BOM "; " X187 "\r\n[a]\nk=" X187 "\r\n", "[a]@2 a.k=" X187 "@3 "),
};

static void describe(const struct config *config, char *buf, size_t size)
{
    size_t used = 0;
    buf[0] = '\0';
    for (size_t i = 0; i < config->n_sections; i++)
        used += (size_t)snprintf(buf + used, size - used, "[%s]@%u ", config->sections[i].name,
                                 config->sections[i].line);
    for (size_t i = 0; i < config->n_entries; i++) {
        const struct config_entry *entry = &config->entries[i];
        used += (size_t)snprintf(buf + used, size - used, "%s.%s=%s@%u ", config->sections[entry->section].name,
                                 entry->key, entry->value, entry->line);
    }
}

static void test_what_is_allowed_is_read_as_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ELEMENTS(good); i++) {
        struct test_log log = {0};
        struct config config = {0};
        char found[2048];
        int r = parse(&config, good[i].text, good[i].length, &log);
        if (r != 0)
            fail_msg("sample %zu: %d\n%s", i, r, log.text);
        describe(&config, found, sizeof found);
        assert_string_equal(found, good[i].expected);
        assert_string_equal(config.name, "t.ini");
        assert_string_equal(log.text, "");
        config_deinit(&config);
        assert_empty(&config);
    }
}

static void test_a_line_of_any_length_is_read_as_written(void **state)
{
    (void)state;
    /* Lengths around the sizes of parsers' buffers, and up to a path of PATH_MAX. */
    static char text[4 * 4096], expected[4096 + 1];
    memset(expected, 'x', sizeof expected);
    for (size_t length = 1; length < sizeof expected; length += length < 300 ? 1 : 97) {
        struct test_log log = {0};
        struct config config = {0};
        int n = snprintf(text, sizeof text, "[a] ;%.*s\n;%.*s\nk = %.*s ; comment\nl = w\n", (int)length, expected,
                         (int)length, expected, (int)length, expected);
        int r = parse(&config, text, (size_t)n, &log);
        if (r < 0)
            fail_msg("%zu bytes: %d\n%s", length, r, log.text);
        const struct config_entry *entry = config_entry(&config, "a", "k");
        assert_int_equal(strlen(entry->value), length);
        assert_memory_equal(entry->value, expected, length);
        assert_int_equal(entry->line, 3);
        assert_int_equal(config_entry(&config, "a", "l")->line, 4);
        config_deinit(&config);
    }
}

static void test_sections_and_entries_are_found_by_name(void **state)
{
    (void)state;
    static const char text[] = "[a]\nk = 1\n[b]\n[c]\nk = 3\n";
    struct test_log log = {0};
    struct config config = {0};
    assert_int_equal(parse(&config, text, sizeof text - 1, &log), 0);
    assert_ptr_equal(config_section(&config, "b"), &config.sections[1]);
    assert_null(config_section(&config, "d"));
    assert_null(config_section(&config, ""));
    assert_string_equal(config_entry(&config, "a", "k")->value, "1");
    assert_string_equal(config_entry(&config, "c", "k")->value, "3");
    assert_null(config_entry(&config, "b", "k"));
    assert_null(config_entry(&config, "d", "k"));
    assert_null(config_entry(&config, "a", "l"));
    config_deinit(&config);
}

/* --- mutations ---------------------------------------------------------------------------------------------------- */

static uint64_t random_state;

static size_t random_below(size_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (size_t)(random_state % limit);
}

#define SHIPPED_MAX 16384

static size_t read_shipped(char text[SHIPPED_MAX])
{
    FILE *file = fopen(TEST_SOURCE_ROOT "/config/trale.ini", "r");
    assert_non_null(file);
    size_t length = fread(text, 1, SHIPPED_MAX, file);
    fclose(file);
    assert_in_range(length, 1000, SHIPPED_MAX - 1);
    return length;
}

static void test_the_shipped_file_is_read(void **state)
{
    (void)state;
    char text[SHIPPED_MAX];
    size_t length = read_shipped(text);
    struct test_log log = {0};
    struct config config = {0};
    assert_int_equal(parse(&config, text, length, &log), 0);
    assert_string_equal(log.text, "");
    assert_int_equal(config.n_sections, 11);
    assert_string_equal(config_entry(&config, "runtime", "drivers")->value, "timer, udp, random");
    assert_string_equal(config_entry(&config, "driver:timer", "clock")->value, "monotonic");
    assert_string_equal(config_entry(&config, "driver:udp", "send_buffer")->value, "0");
    assert_string_equal(config_entry(&config, "driver:signal", "signals")->value, "TERM INT");
    assert_string_equal(config_entry(&config, "driver:sim", "seed")->value, "1");
    config_deinit(&config);
}

/* Replaces a byte, inserts a text that has a meaning in INI files, removes some bytes, or copies some elsewhere. */
static size_t mutate(char *text, size_t length)
{
    static const struct sample tokens[] = {
        SAMPLE("[", ""),   SAMPLE("]", ""),   SAMPLE("=", ""),     SAMPLE(":", ""),  SAMPLE(";", ""),
        SAMPLE(" ;", ""),  SAMPLE("#", ""),   SAMPLE("\n", ""),    SAMPLE("\r", ""), SAMPLE("\r\n", ""),
        SAMPLE(" ", ""),   SAMPLE("\t", ""),  SAMPLE("\0", ""),    SAMPLE(BOM, ""),  SAMPLE("\xff", ""),
        SAMPLE("\n ", ""), SAMPLE("[x]", ""), SAMPLE("\nk=", ""),  SAMPLE("\v", ""), SAMPLE("\xc3\xa9", ""),
        SAMPLE(X187, ""),  SAMPLE(X10, ""),   SAMPLE("\n[y ", ""),
    };
    size_t at = random_below(length), run = 1 + random_below(20);
    const struct sample *token = &tokens[random_below(N_ELEMENTS(tokens))];
    switch (random_below(5)) {
    case 0:
        text[at] = (char)random_below(256);
        return length;
    case 1: /* out */
        if (at + run >= length)
            return length;
        memmove(text + at, text + at + run, length - at - run);
        return length - run;
    case 2: /* copied */
        if (at + run >= length)
            return length;
        memmove(text + random_below(length - run), text + at, run);
        return length;
    default:
        if (length + token->length > SHIPPED_MAX)
            return length;
        memmove(text + at + token->length, text + at, length - at);
        memcpy(text + at, token->text, token->length);
        return length + token->length;
    }
}

static void test_no_mutation_of_the_shipped_file_is_half_understood(void **state)
{
    (void)state;
    char shipped[SHIPPED_MAX], text[SHIPPED_MAX];
    size_t shipped_length = read_shipped(shipped), n_read = 0, n_refused = 0;
    random_state = 0x7261a1e;
    for (size_t i = 0; i < 20000; i++) {
        struct test_log log;
        struct config config = {0};
        log.length = 0;
        log.text[0] = '\0';
        size_t length = shipped_length;
        memcpy(text, shipped, length);
        for (size_t n = 1 + random_below(4); n > 0; n--)
            length = mutate(text, length);
        int r = parse(&config, text, length, &log);
        /* The parser finds in a vetted text what the vetting found. */
        if ((r < 0) != (log.length > 0) || strstr(log.text, "the parser found") != NULL)
            fail_msg("mutation %zu: %d\n%s\n%.*s", i, r, log.text, (int)length, text);
        if (r < 0)
            assert_empty(&config);
        for (size_t j = 0; j < config.n_entries; j++)
            if (config.entries[j].key[0] == '\0' || config.entries[j].section >= config.n_sections ||
                config.sections[config.entries[j].section].name[0] == '\0' ||
                config.entries[j].line <= config.sections[config.entries[j].section].line)
                fail_msg("mutation %zu: entry %zu\n%.*s", i, j, (int)length, text);
        *(r == 0 ? &n_read : &n_refused) += 1;
        config_deinit(&config);
    }
    assert_in_range(n_read, 2000, 18000);
    assert_in_range(n_refused, 2000, 18000);
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static char folder[64];

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/trale-config-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The path of `name` in the test's folder, good until the next call. */
static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static const char *write_file(const char *name, const char *text, size_t length, mode_t mode)
{
    const char *path = in_folder(name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, length), length);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
    return path;
}

static void assert_not_read(const char *path, int error, const char *expected)
{
    struct test_log log = {0};
    struct config config = {0};
    struct log into = log_into(&log);
    alarm(20); /* ends the test if it waits for a writer of a FIFO */
    int r = config_read(&config, path, NULL, &into);
    alarm(0);
    if (r != error || strstr(log.text, expected) == NULL || strstr(log.text, path) == NULL)
        fail_msg("%d (%s), wanted %d and \"%s\"; messages:\n%s", r, strerror(-r), error, expected, log.text);
    assert_int_equal(strchr(log.text, '\n') - log.text + 1, strlen(log.text)); /* one message */
    assert_empty(&config);
}

static void test_a_file_that_is_none_is_refused(void **state)
{
    (void)state;
    assert_not_read(in_folder("absent.ini"), -ENOENT, "absent.ini: No such file or directory");
    assert_not_read("", -ENOENT, "No such file or directory");
    assert_not_read(folder, -EISDIR, "is a folder");
    assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
    assert_not_read(in_folder("fifo"), -EINVAL, "is not a regular file");
    assert_not_read("/dev/null", -EINVAL, "/dev/null is not a regular file");
    assert_not_read(write_file("open.ini", "[a]\n", 4, 0602), -EPERM, "is writable by others (mode 0602)");
    assert_not_read(write_file("bad.ini", "[a]\nk", 5, 0600), -EINVAL, "bad.ini:2: k" NEITHER);
}

static void test_a_file_that_may_not_be_read_is_refused(void **state)
{
    (void)state;
    const char *path = write_file("secret.ini", "[a]\n", 4, 0000);
    if (geteuid() != 0) {
        assert_not_read(path, -EACCES, "Permission denied");
        return;
    }
    /* Root may read everything, so be another user meanwhile; and fail as root again. */
    struct test_log log = {0};
    struct config config = {0};
    struct log into = log_into(&log);
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(seteuid(65534), 0);
    int r = config_read(&config, path, NULL, &into);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(r, -EACCES);
    assert_non_null(strstr(log.text, "secret.ini: Permission denied"));
    assert_empty(&config);
}

static void test_a_file_has_at_most_64_kilobytes(void **state)
{
    (void)state;
    char *text = test_malloc(CONFIG_SIZE_MAX + 1);
    memset(text, '\n', CONFIG_SIZE_MAX + 1);
    memcpy(text, "[a]\n", 4);
    memcpy(text + CONFIG_SIZE_MAX - 5, "k = v", 5);
    struct test_log log = {0};
    struct config config = {0};
    struct log into = log_into(&log);
    int r = config_read(&config, write_file("full.ini", text, CONFIG_SIZE_MAX, 0600), NULL, &into);
    assert_string_equal(log.text, "");
    assert_int_equal(r, 0);
    assert_string_equal(config_entry(&config, "a", "k")->value, "v");
    assert_int_equal(config_entry(&config, "a", "k")->line, CONFIG_SIZE_MAX - 4 - 5 + 1 + 1);
    config_deinit(&config);

    assert_not_read(write_file("over.ini", text, CONFIG_SIZE_MAX + 1, 0600), -EFBIG, "at most 65536 bytes are allowed");
    assert_int_equal(truncate(in_folder("over.ini"), (off_t)1 << 40), 0);
    assert_not_read(in_folder("over.ini"), -EFBIG, "at most 65536 bytes are allowed");
    test_free(text);
}

static void test_an_empty_file_is_an_empty_configuration(void **state)
{
    (void)state;
    struct test_log log = {0};
    struct config config = {0};
    struct log into = log_into(&log);
    const char *path = write_file("empty.ini", "", 0, 0644);
    assert_int_equal(config_read(&config, path, NULL, &into), 0);
    assert_string_equal(log.text, "");
    assert_string_equal(config.name, path);
    assert_int_equal(config.n_sections + config.n_entries, 0);
    config_deinit(&config);
}

/* --- which file is used ------------------------------------------------------------------------------------------- */

static void assert_located(const char *explicit_path, enum config_origin origin, const char *path)
{
    char *found = NULL;
    enum config_origin from = CONFIG_EXPLICIT;
    struct test_log log = {0};
    struct log into = log_into(&log);
    assert_int_equal(config_locate(explicit_path, &found, &from, &into), 0);
    assert_int_equal(from, origin);
    assert_string_equal(found, path);
    char expected[512];
    snprintf(expected, sizeof expected, "2 trale: configuration: %s (%s)\n", path,
             origin == CONFIG_EXPLICIT      ? "named by the program"
             : origin == CONFIG_SIMULATION  ? "named by $TRALE_SIMULATION, in place of any other"
             : origin == CONFIG_ENVIRONMENT ? "named by $TRALE_CONFIG"
                                            : "the user's");
    assert_string_equal(log.text, expected);
    free(found);
}

/* Neither the program, nor the environment, nor the user has a file. The messages, in `log`, contain `reason`. */
static void assert_located_beyond_the_user_with(const char *reason, struct test_log *log)
{
    char *found = (char *)"untouched";
    enum config_origin from = CONFIG_EXPLICIT;
    struct log into = log_into(log);
    assert_int_equal(config_locate(NULL, &found, &from, &into), 0);
    if (strstr(log->text, reason) == NULL || strstr(log->text, "2 trale: configuration: ") == NULL)
        fail_msg("wanted \"%s\":\n%s", reason, log->text);
    if (from == CONFIG_BUILT_IN) {
        assert_null(found);
        return;
    }
    assert_int_equal(from, CONFIG_SYSTEM);
    assert_int_equal(found[0], '/');
    assert_null(strstr(found, folder));
    assert_int_equal(access(found, F_OK), 0);
    free(found);
}

static void assert_located_beyond_the_user(void)
{
    struct test_log log = {0};
    assert_located_beyond_the_user_with("", &log);
    assert_int_equal(strchr(log.text, '\n') - log.text + 1, log.length); /* one message */
}

static void test_the_nearest_of_the_places_is_taken(void **state)
{
    (void)state;
    char home_path[256], xdg_path[256], xdg[128];
    snprintf(xdg, sizeof xdg, "%s/xdg", folder);
    snprintf(home_path, sizeof home_path, "%s/.config/trale/trale.ini", folder);
    snprintf(xdg_path, sizeof xdg_path, "%s/trale/trale.ini", xdg);
    const char *folders[] = {".config", ".config/trale", "xdg", "xdg/trale"};
    for (size_t i = 0; i < N_ELEMENTS(folders); i++)
        assert_int_equal(mkdir(in_folder(folders[i]), 0700), 0);
    setenv("TRALE_CONFIG", "/elsewhere/t.ini", 1);
    setenv("XDG_CONFIG_HOME", xdg, 1);
    setenv("HOME", folder, 1);

    /* A file that was named is used, also if it does not exist. */
    assert_located("named.ini", CONFIG_EXPLICIT, "named.ini");
    assert_located("", CONFIG_EXPLICIT, "");
    assert_located(NULL, CONFIG_ENVIRONMENT, "/elsewhere/t.ini");
    setenv("TRALE_SIMULATION", "/simulated/t.ini", 1);
    assert_located(NULL, CONFIG_SIMULATION, "/simulated/t.ini");
    assert_located("named.ini", CONFIG_EXPLICIT, "named.ini"); /* the command's; a program's is not passed on */
    setenv("TRALE_SIMULATION", "", 1);
    assert_located(NULL, CONFIG_ENVIRONMENT, "/elsewhere/t.ini");
    unsetenv("TRALE_SIMULATION");
    setenv("TRALE_CONFIG", "", 1);
    assert_located_beyond_the_user();
    unsetenv("TRALE_CONFIG");
    assert_located_beyond_the_user();

    write_file(".config/trale/trale.ini", "", 0, 0600);
    assert_located_beyond_the_user(); /* XDG_CONFIG_HOME replaces ~/.config */
    write_file("xdg/trale/trale.ini", "", 0, 0600);
    assert_located(NULL, CONFIG_USER, xdg_path);
    setenv("TRALE_CONFIG", "t.ini", 1);
    assert_located(NULL, CONFIG_ENVIRONMENT, "t.ini");
    unsetenv("TRALE_CONFIG");

    setenv("XDG_CONFIG_HOME", "relative", 1);
    assert_located(NULL, CONFIG_USER, home_path);
    setenv("XDG_CONFIG_HOME", "", 1);
    assert_located(NULL, CONFIG_USER, home_path);
    unsetenv("XDG_CONFIG_HOME");
    assert_located(NULL, CONFIG_USER, home_path);
    setenv("HOME", "relative", 1);
    assert_located_beyond_the_user();
    unsetenv("HOME");
    assert_located_beyond_the_user();
}

static void test_a_users_file_with_a_fault_is_used_and_refused(void **state)
{
    (void)state;
    char path[256];
    snprintf(path, sizeof path, "%s/.config/trale/trale.ini", folder);
    unsetenv("TRALE_CONFIG");
    unsetenv("XDG_CONFIG_HOME");
    setenv("HOME", folder, 1);
    /* Below a file, which is no folder, there is no trale.ini. A loop of links is an error. */
    write_file(".config", "", 0, 0600);
    assert_located_beyond_the_user();
    assert_int_equal(unlink(in_folder(".config")), 0);
    assert_int_equal(symlink(".config", in_folder(".config")), 0);
    assert_located(NULL, CONFIG_USER, path);
    assert_not_read(path, -ELOOP, "Too many levels of symbolic links");
}

static void test_a_file_that_may_not_be_looked_for_is_absent(void **state)
{
    (void)state;
    char path[256];
    snprintf(path, sizeof path, "%s/.config/trale/trale.ini", folder);
    unsetenv("TRALE_CONFIG");
    unsetenv("XDG_CONFIG_HOME");
    setenv("HOME", folder, 1);
    assert_int_equal(mkdir(in_folder(".config"), 0700), 0);
    assert_int_equal(mkdir(in_folder(".config/trale"), 0700), 0);
    write_file(".config/trale/trale.ini", "[runtime]\n", 10, 0600);
    assert_located(NULL, CONFIG_USER, path);

    /* Root may look into every folder, so be another user meanwhile. */
    bool is_root = geteuid() == 0;
    assert_int_equal(chmod(folder, is_root ? 0711 : 0000), 0);
    assert_int_equal(seteuid(is_root ? 65534 : geteuid()), 0);
    struct test_log log = {0};
    assert_located_beyond_the_user_with(".config/trale/trale.ini: Permission denied", &log);
    assert_null(strstr(log.text, "1 trale:"));
    assert_int_equal(seteuid(is_root ? 0 : geteuid()), 0);
    assert_int_equal(chmod(folder, 0700), 0);

    /* A file that exists and may not be read is an error. */
    assert_located(NULL, CONFIG_USER, path);
    assert_int_equal(chmod(path, 0000), 0);
    assert_located(NULL, CONFIG_USER, path);
}

static void assert_dangling(const char *link)
{
    char expected[512];
    struct test_log log = {0};
    snprintf(expected, sizeof expected, "1 trale: %s/.config/trale/trale.ini: %s is a symbolic link to nowhere, which",
             folder, in_folder(link));
    assert_int_equal(symlink("nowhere", in_folder(link)), 0);
    assert_located_beyond_the_user_with(expected, &log);
    assert_int_equal(unlink(in_folder(link)), 0);
}

static void test_a_link_to_nothing_is_a_warning(void **state)
{
    (void)state;
    unsetenv("TRALE_CONFIG");
    unsetenv("XDG_CONFIG_HOME");
    setenv("HOME", folder, 1);
    assert_dangling(".config");
    assert_int_equal(mkdir(in_folder(".config"), 0700), 0);
    assert_dangling(".config/trale");
    assert_int_equal(mkdir(in_folder(".config/trale"), 0700), 0);
    assert_dangling(".config/trale/trale.ini");
    assert_located_beyond_the_user();
}

/* --- what a runtime uses in place of all of them ------------------------------------------------------------------ */

static int open_simulated(struct trale **runtime, struct trale_options options, const char *text, struct test_log *log)
{
    setenv("TRALE_SIMULATION", text != NULL ? write_file("simulated.ini", text, strlen(text), 0600) : "/absent.ini", 1);
    *log = (struct test_log){.length = 0};
    options.log = test_log_write;
    options.log_data = log;
    int r = trale_open(runtime, &options);
    unsetenv("TRALE_SIMULATION");
    return r;
}

static void test_a_simulation_replaces_what_the_program_says(void **state)
{
    (void)state;
    static const struct trale_options programs[] = {
        {.config_text = "[runtime]\ndrivers =\nthreads = 1\n", .config_path = "text.ini"},
        {.config_path = "/nonexistent/program.ini"},
        {.config_path = NULL},
    };
    for (size_t i = 0; i < N_ELEMENTS(programs); i++) {
        struct trale *runtime;
        struct test_log log;
        assert_int_equal(open_simulated(&runtime, programs[i], "[runtime]\ndrivers =\nthreads = 0\n", &log), 0);
        assert_int_equal(trale_turn(runtime), 0); /* -EOPNOTSUPP with threads */
        assert_int_equal(trale_close(runtime), 0);
        assert_non_null(strstr(log.text, "simulated.ini (named by $TRALE_SIMULATION, in place of any other)\n"));
    }
}

static void test_the_file_of_a_simulation_is_checked_as_any_other(void **state)
{
    (void)state;
    static const char text[] = "[runtime]\ndrivers =\nthreads = 0\n";
    struct trale_options program = {.config_text = "[runtime]\ndrivers =\n[end]\n"};
    struct trale *runtime = NULL;
    struct test_log log;
    assert_int_equal(open_simulated(&runtime, program, NULL, &log), -ENOENT);
    assert_int_equal(open_simulated(&runtime, program, "[runtime]\nthreds = 1\n", &log), -EINVAL);
    assert_non_null(strstr(log.text, "simulated.ini:2: [runtime] threds: no such key; did you mean threads?\n"));
    program.require_end = 1;
    assert_int_equal(open_simulated(&runtime, program, text, &log), -EINVAL);
    assert_non_null(strstr(log.text, "simulated.ini: it does not end with the line [end]"));
    assert_null(runtime);
    setenv("TRALE_SIMULATION", write_file("everyones.ini", text, strlen(text), 0600), 1);
    assert_int_equal(chmod(in_folder("everyones.ini"), 0666), 0);
    assert_int_equal(trale_open(&runtime, &(struct trale_options){.log = test_log_write, .log_data = &log}), -EPERM);
    unsetenv("TRALE_SIMULATION");
    assert_null(runtime);
}

#define TEST_IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_flaw_is_refused_with_its_line_and_reason),
        cmocka_unit_test(test_all_flaws_of_a_file_are_reported),
        cmocka_unit_test(test_what_is_allowed_is_read_as_written),
        cmocka_unit_test(test_a_line_of_any_length_is_read_as_written),
        cmocka_unit_test(test_sections_and_entries_are_found_by_name),
        cmocka_unit_test(test_the_shipped_file_is_read),
        cmocka_unit_test(test_no_mutation_of_the_shipped_file_is_half_understood),
        TEST_IN_FOLDER(test_a_file_that_is_none_is_refused),
        TEST_IN_FOLDER(test_a_file_that_may_not_be_read_is_refused),
        TEST_IN_FOLDER(test_a_file_has_at_most_64_kilobytes),
        TEST_IN_FOLDER(test_an_empty_file_is_an_empty_configuration),
        TEST_IN_FOLDER(test_the_nearest_of_the_places_is_taken),
        TEST_IN_FOLDER(test_a_users_file_with_a_fault_is_used_and_refused),
        TEST_IN_FOLDER(test_a_file_that_may_not_be_looked_for_is_absent),
        TEST_IN_FOLDER(test_a_link_to_nothing_is_a_warning),
        TEST_IN_FOLDER(test_a_simulation_replaces_what_the_program_says),
        TEST_IN_FOLDER(test_the_file_of_a_simulation_is_checked_as_any_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
