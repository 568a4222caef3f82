/* SPDX-License-Identifier: MIT
 *
 * The settings of an application: a section of trale.ini read by the program's own keys, and every refusal. */
#include "tests/support.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <trale/settings.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))
#define BEGIN "[runtime]\ndrivers =\n"

enum { LISTEN, CLIENTS, BUFFER, TIMEOUT, VERBOSE, MODE, N_KEYS };
static const struct trale_option keys[] = {
    [LISTEN] = {.name = "listen", .type = TRALE_OPTION_TEXT, .default_value = "127.0.0.1:7"},
    [CLIENTS] =
        {.name = "clients", .type = TRALE_OPTION_INTEGER, .minimum = 1, .maximum = 1000, .default_value = "100"},
    [BUFFER] = {.name = "buffer", .type = TRALE_OPTION_SIZE, .default_value = "64K"},
    [TIMEOUT] = {.name = "timeout", .type = TRALE_OPTION_DURATION, .default_value = "5s"},
    [VERBOSE] = {.name = "verbose", .type = TRALE_OPTION_BOOLEAN, .default_value = "no"},
    [MODE] = {.name = "mode", .type = TRALE_OPTION_CHOICE, .choices = "fast | safe", .default_value = "safe"},
    [N_KEYS] = {.name = NULL},
};

static struct trale_options options_of(const char *text, struct test_log *log)
{
    return (struct trale_options){.config_text = text, .config_path = "t.ini", .log = test_log_write, .log_data = log};
}

/* Warnings and errors, without the messages of level INFO. */
static int read_text(struct trale_settings **settings, const char *text, const struct trale_option *schema,
                     struct test_log *log)
{
    const struct trale_options options = options_of(text, log);
    return trale_settings_read(settings, "echo", schema, &options);
}

static void test_a_section_has_the_values_in_the_order_of_the_keys(void **state)
{
    (void)state;
    struct test_log log = {0};
    struct trale_settings *settings = NULL;
    int r = read_text(&settings,
                      BEGIN "[application:other]\nclients = none\n[application:echo]\nmode = fast\nclients = 7\n"
                            "buffer = 1M\ntimeout = 20ms\nverbose = yes\nlisten = [::1]:9\n[end]\n",
                      keys, &log);
    assert_int_equal(r, 0);
    assert_string_equal(log.text, "");
    assert_string_equal(settings->section, "application:echo");
    assert_string_equal(settings->file, "t.ini");
    assert_int_equal(settings->n_values, N_KEYS);
    assert_string_equal(settings->values[LISTEN].text, "[::1]:9");
    assert_int_equal(settings->values[LISTEN].line, 11);
    assert_int_equal(settings->values[CLIENTS].integer, 7);
    assert_int_equal(settings->values[BUFFER].integer, 1 << 20);
    assert_int_equal(settings->values[TIMEOUT].integer, 20 * 1000 * 1000);
    assert_int_equal(settings->values[VERBOSE].integer, 1);
    assert_int_equal(settings->values[MODE].integer, 0);
    trale_settings_free(settings);
}

static void test_without_a_section_all_are_defaults(void **state)
{
    (void)state;
    struct test_log log = {0};
    struct trale_settings *settings = NULL;
    assert_int_equal(read_text(&settings, BEGIN, keys, &log), 0);
    assert_string_equal(log.text, "");
    assert_string_equal(settings->values[LISTEN].text, "127.0.0.1:7");
    assert_int_equal(settings->values[LISTEN].line, 0);
    assert_int_equal(settings->values[MODE].integer, 1);
    trale_settings_free(settings);
    trale_settings_free(NULL);
}

struct refusal {
    const char *text, *messages;
};

static const struct refusal refusals[] = {
    {"[application:echo]\nclients = 0\n",
     "0 trale: t.ini:4: [application:echo] clients = 0: out of range; allowed: 1 to 1000\n"},
    {"[application:echo]\nclients = few\n",
     "0 trale: t.ini:4: [application:echo] clients = few: not an integer; allowed: 1 to 1000\n"},
    {"[application:echo]\ntimeout = 5\n",
     "0 trale: t.ini:4: [application:echo] timeout = 5: not a duration: it has no unit, write for example 5ms; "
     "allowed: a duration such as 500us, 20ms or 1.5s\n"},
    {"[application:echo]\nmode = sage\n",
     "0 trale: t.ini:4: [application:echo] mode = sage: not one of fast or safe; did you mean safe?\n"},
    {"[application:echo]\nverbose =\n",
     "0 trale: t.ini:4: [application:echo] verbose: no value is given; allowed: yes, no, true, false, on or off\n"},
    {"[application:echo]\nlissten = x\n",
     "0 trale: t.ini:4: [application:echo] lissten: no such key; did you mean listen?\n"},
    {"[application:echo]\npath = x.so\n", "0 trale: t.ini:4: [application:echo] path: no such key; "
                                          "allowed are listen, clients, buffer, timeout, verbose, mode\n"},
    {"[application:echo]\nclients = 1\nclients = 2\n",
     "0 trale: t.ini:5: [application:echo] clients: given twice, first in line 4\n"},
    {"[aplication.echo]\n", "0 trale: t.ini:3: [aplication.echo]: no such section; did you mean [application:echo]?\n"},
    {"threads = 7\n[application:echo]\nclients = 0\nmode = x\n",
     "0 trale: t.ini:3: [runtime] threads = 7: out of range; allowed: 0 to 2\n"
     "0 trale: t.ini:5: [application:echo] clients = 0: out of range; allowed: 1 to 1000\n"
     "0 trale: t.ini:6: [application:echo] mode = x: not one of fast or safe\n"},
};

static void test_every_mistake_is_refused_and_leaves_the_old_settings(void **state)
{
    (void)state;
    struct trale_settings *settings = NULL;
    struct test_log first = {0};
    assert_int_equal(read_text(&settings, BEGIN "[application:echo]\nclients = 9\n", keys, &first), 0);
    struct trale_settings *old = settings;
    for (size_t i = 0; i < N_ELEMENTS(refusals); i++) {
        struct test_log log = {0};
        char text[512];
        snprintf(text, sizeof text, BEGIN "%s", refusals[i].text);
        int r = read_text(&settings, text, keys, &log);
        if (r != -EINVAL || strcmp(log.text, refusals[i].messages) != 0)
            fail_msg("%d\n%swanted\n%s", r, log.text, refusals[i].messages);
        assert_ptr_equal(settings, old);
        assert_int_equal(settings->values[CLIENTS].integer, 9);
    }
    trale_settings_free(settings);
}

static void test_a_key_without_a_default_must_be_given(void **state)
{
    (void)state;
    static const struct trale_option must[] = {{.name = "listen", .type = TRALE_OPTION_TEXT}, {.name = NULL}};
    struct trale_settings *settings = NULL;
    struct test_log in_section = {0}, without = {0}, given = {0};
    assert_int_equal(read_text(&settings, BEGIN "[application:echo]\n", must, &in_section), -EINVAL);
    assert_string_equal(in_section.text,
                        "0 trale: t.ini:3: [application:echo] listen: missing, it must be given; allowed: text\n");
    assert_int_equal(read_text(&settings, BEGIN, must, &without), -EINVAL);
    assert_string_equal(without.text,
                        "0 trale: t.ini: [application:echo] listen: missing, it must be given; allowed: text\n");
    assert_null(settings);
    assert_int_equal(read_text(&settings, BEGIN "[application:echo]\nlisten = x\n", must, &given), 0);
    trale_settings_free(settings);
}

static void test_a_section_of_a_similar_name_is_a_warning(void **state)
{
    (void)state;
    struct test_log log = {0};
    struct trale_settings *settings = NULL;
    assert_int_equal(read_text(&settings, BEGIN "[application:ecco]\n[application:another]\n", keys, &log), 0);
    assert_string_equal(log.text, "1 trale: t.ini:3: [application:ecco]: not used: this program reads "
                                  "[application:echo], which is missing\n");
    trale_settings_free(settings);
}

static void test_wrong_keys_and_names_of_the_program_are_refused(void **state)
{
    (void)state;
    static const struct trale_option flawed[] = {{.name = "Listen", .type = TRALE_OPTION_TEXT}, {.name = NULL}};
    static const struct trale_option path[] = {{.name = "path", .type = TRALE_OPTION_TEXT, .default_value = ""},
                                               {.name = NULL}};
    struct trale_settings *settings = NULL;
    struct test_log log = {0}, of_path = {0};
    assert_int_equal(read_text(&settings, BEGIN, flawed, &log), -EINVAL);
    assert_string_equal(log.text, "0 trale: [application:echo]: the option 'Listen' in its description is wrong: its "
                                  "name is not of lower case letters, digits and '_'\n");
    assert_int_equal(read_text(&settings, BEGIN "[application:echo]\npath = /srv\n", path, &of_path), 0);
    assert_string_equal(settings->values[0].text, "/srv");
    trale_settings_free(settings);
    settings = NULL;
    static const char *const names[] = {"", "a b", "a,b", "a]", "0123456789012345678901234567890123456789"};
    for (size_t i = 0; i < N_ELEMENTS(names); i++) {
        struct test_log of_name = {0};
        const struct trale_options options = options_of(BEGIN, &of_name);
        assert_int_equal(trale_settings_read(&settings, names[i], keys, &options), -EINVAL);
        assert_non_null(strstr(of_name.text, ": no section of trale.ini can have this name\n"));
    }
    assert_null(settings);
}

static void test_a_file_is_read_as_trale_open_reads_it(void **state)
{
    (void)state;
    char folder[] = "/tmp/trale-settings-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/t.ini", folder);
    struct test_log log = {0};
    const struct trale_options options = {
        .config_path = path, .require_end = 1, .log = test_log_write, .log_data = &log};
    struct trale_settings *settings = NULL;
    assert_int_equal(trale_settings_read(&settings, "echo", keys, &options), -ENOENT);
    static const char text[] = BEGIN "[application:echo]\nclients = 3\n[end]\n";
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    assert_int_equal(trale_settings_read(&settings, "echo", keys, &options), 0);
    assert_int_equal(settings->values[CLIENTS].integer, 3);
    struct trale_settings *old = settings;
    assert_int_equal(ftruncate(fd, sizeof text - 1 - strlen("[end]\n")), 0);
    assert_int_equal(trale_settings_read(&settings, "echo", keys, &options), -EINVAL);
    assert_non_null(strstr(log.text, "it does not end with the line [end]"));
    assert_int_equal(fchmod(fd, 0666), 0);
    assert_int_equal(trale_settings_read(&settings, "echo", keys, &options), -EPERM);
    assert_ptr_equal(settings, old);
    trale_settings_free(settings);
    close(fd);
    unlink(path);
    rmdir(folder);
}

/* Options of an older program are shorter: what it does not know is the default. */
static void test_shorter_options_are_understood(void **state)
{
    (void)state;
    struct test_log log = {0};
    struct trale_options options = options_of(BEGIN, &log);
    options.require_end = 1; /* and the text has no end */
    struct trale_settings *settings = NULL;
    int r = trale_settings_read_sized(&settings, "echo", keys, &options, offsetof(struct trale_options, require_end));
    assert_int_equal(r, 0);
    trale_settings_free(settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_section_has_the_values_in_the_order_of_the_keys),
        cmocka_unit_test(test_without_a_section_all_are_defaults),
        cmocka_unit_test(test_every_mistake_is_refused_and_leaves_the_old_settings),
        cmocka_unit_test(test_a_key_without_a_default_must_be_given),
        cmocka_unit_test(test_a_section_of_a_similar_name_is_a_warning),
        cmocka_unit_test(test_wrong_keys_and_names_of_the_program_are_refused),
        cmocka_unit_test(test_a_file_is_read_as_trale_open_reads_it),
        cmocka_unit_test(test_shorter_options_are_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
