/* SPDX-License-Identifier: MIT
 *
 * trale.ini: what is read, what is refused and in which words, and where it is looked for. */
#include "tests/support.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <trale/trale.h>

#include "core/config.h"

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
#define SAMPLE(text, expected) {text, sizeof(text) - 1, expected}

static struct log log_into(struct test_log *log)
{
    return (struct log){test_log_write, log};
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

/* --- what is refused ---------------------------------------------------------------------------------------------- */

#define NEITHER ": neither a section, nor `key = value`, nor a comment"
#define LONG(length) "a line of " length " bytes; at most 189 are allowed"
#define NAME ": a section's name has 1 to 49 bytes"
#define KEY ": a key has 1 to 49 bytes"
#define INDENTED ": an indented line; every line but a comment starts in the first column"
#define FIRST ": a key before the first section; [runtime] or [driver:NAME] goes first"
#define CONTROL(byte, value) "a control character (byte " byte " is " value "); allowed are text and tabs"
#define UTF8(byte, value) "byte " byte " is " value ", which is not UTF-8"

static const struct sample bad[] = {
    /* Long lines, of which parsers make two. */
    SAMPLE("[a]\nk=" X187 "x\n", "2: " LONG("190")),
    SAMPLE("[a]\nk=" X187 "x", "2: " LONG("190")),
    SAMPLE("[a]\nk=" X187 "x\r\n", "2: " LONG("190")),
    SAMPLE("[a]\nk=" X187 X10 "path=/evil.so\n", "2: " LONG("212")),
    SAMPLE("[a]\n; " X187 X10 "path=/evil.so\n", "2: " LONG("212")),
    SAMPLE("[a]\n#" X187 X10 "path=/evil.so\n", "2: " LONG("211")),
    SAMPLE("[a]\nk = v ; " X187 "\n", "2: " LONG("195")),
    SAMPLE("[" X187 "]\npath = /evil.so\n", "1: " LONG("189") + 0),
    /* Sections. */
    SAMPLE("[" X49 "x]\n", "1: [" X49 "x]" NAME),
    SAMPLE("[]\n", "1: []" NAME),
    SAMPLE("[] ; nameless\nk = v\n", "1: []" NAME),
    SAMPLE("[a\n", "1: [a: a section without its ']'"),
    SAMPLE("[a\nk = v\n", "1: [a: a section without its ']'"),
    SAMPLE("[a\r\n", "1: [a: a section without its ']'"),
    SAMPLE("[", "1: [: a section without its ']'"),
    SAMPLE("[a ;]\n", "1: [a ;]: a '[' or ';' in a section's name"),
    SAMPLE("[a ; b]\nk = v\n", "1: [a ; b]: a '[' or ';' in a section's name"),
    SAMPLE("[a]b\n", "1: [a]b: something follows the section's ']'; allowed is a comment"),
    SAMPLE("[a] b\n", "1: [a] b: something follows the section's ']'; allowed is a comment"),
    SAMPLE("[a]]\n", "1: [a]]: something follows the section's ']'; allowed is a comment"),
    SAMPLE("[a] k = v\n", "1: [a] k = v: something follows the section's ']'; allowed is a comment"),
    SAMPLE("[[a]\n", "1: [[a]: a '[' or ';' in a section's name"),
    SAMPLE("[a[b]\n", "1: [a[b]: a '[' or ';' in a section's name"),
    SAMPLE("[a]\n[a]\n", "2: [a]: given twice, first in line 1"),
    SAMPLE("; c\n[a]\nk = v\n[b]\n[a] ; again\n", "5: [a]: given twice, first in line 2"),
    SAMPLE("[" X49 "]\n[" X49 "]\n", "2: [" X49 "]: given twice, first in line 1"),
    /* Indented lines, which parsers take for a part of the value before. */
    SAMPLE("[a]\nk = v\n  path = /evil.so\n", "3: path = /evil.so" INDENTED),
    SAMPLE("[a]\nk = v\n\tpath = /evil.so\n", "3: path = /evil.so" INDENTED),
    SAMPLE("[a]\nk = v\n\n more\n", "4: more" INDENTED),
    SAMPLE("[a]\n k = v\n", "2: k = v" INDENTED),
    SAMPLE(" [a]\n", "1: [a]" INDENTED),
    SAMPLE(BOM " [a]\n", "1: [a]" INDENTED),
    SAMPLE("[a]\n = v\n", "2: = v" INDENTED),
    /* Bytes that are no text. */
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
    SAMPLE("[a]\rk = v\r", "1: " CONTROL("4", "0x0d")),
    SAMPLE("[a]\r\nk = v\r\r\n", "2: " CONTROL("6", "0x0d")),
    SAMPLE("[a]\r\nk = v\rl = w\r\n", "2: " CONTROL("6", "0x0d")),
    /* What is not UTF-8: a continuation alone, bytes that never occur, overlong, surrogates, beyond U+10FFFF, cut off. */
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

static void test_all_flaws_of_a_file_are_told(void **state)
{
    (void)state;
    static const char text[] = "early = 1\n[a]\nk = v\n indented = 1\n[open\n= 1\nword\n\xff\n[a]\n[b]\n";
    struct test_log log = {0};
    struct config config = {0};
    assert_int_equal(parse(&config, text, sizeof text - 1, &log), -EINVAL);
    assert_string_equal(log.text, "0 trale: t.ini:1: early" FIRST "\n"
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

/* --- what is read ------------------------------------------------------------------------------------------------- */

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
    SAMPLE("[" X49 "]\n[" X49 "y]\n" + 53, "") /* replaced below */,
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
    SAMPLE("[a]\nname = \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n", "[a]@1 a.name=\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80@2 "),
    SAMPLE("[a]\nk = \xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\n", "[a]@1 a.k=\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf@2 "),
    SAMPLE("[a]\nk=" X187 "\nl = w\n", "[a]@1 a.k=" X187 "@2 a.l=w@3 "),
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
