/* SPDX-License-Identifier: MIT
 *
 * What is said about interfaces that no driver offers, and about configurations that are not complete. */
#include "tests/support.h"

#include <pthread.h>

#include <trale/signal.h>
#include <trale/trale.h>

/* Messages come from the executor thread as well. */
static struct test_log messages;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void write_message(void *data, uint32_t level, const char *source, const char *message)
{
    if (level > TRALE_LOG_WARNING)
        return;
    pthread_mutex_lock(&lock);
    test_log_write(data, level, source, message);
    pthread_mutex_unlock(&lock);
}

static int open_text(struct trale **runtime, const char *drivers, const char *sections, uint32_t require_end)
{
    char text[1024];
    snprintf(text, sizeof text, "[runtime]\nthreads = %d\ndrivers_folder = %s\ndrivers = %s\n%s", test_threads(),
             TEST_DRIVERS, drivers, sections);
    messages.length = 0;
    messages.text[0] = '\0';
    return trale_open(runtime, &(struct trale_options){.config_text = text,
                                                       .config_path = "t.ini",
                                                       .log = write_message,
                                                       .log_data = &messages,
                                                       .require_end = require_end});
}

struct nap {
    struct trale_future future;
    struct trale_sleep sleep;
};

trale_async(nap)
{
    trale_begin();
    trale_await(trale_sleep(&self->sleep, 1));
    trale_return(trale_result());
}

#define AT "trale: t.ini:4: [runtime] drivers: no driver offers "

static void test_a_missing_interface_is_one_warning_that_names_the_task(void **state)
{
    (void)state;
    struct trale *runtime;
    assert_int_equal(open_text(&runtime, "", "", 0), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(trale_join(trale_spawn(runtime, nap)), -ENODEV);
    assert_string_equal(messages.text,
                        "1 " AT "trale.timer/1, which the task nap asked for; to load it, write: drivers "
                        "= timer, and add [driver:timer] with path = timer.so\n");
    trale_close(runtime);
}

static void test_each_missing_interface_is_a_warning(void **state)
{
    (void)state;
    struct trale *runtime;
    assert_int_equal(open_text(&runtime, "timer", TEST_TIMER "[driver:signal]\npath = signal.so\n", 0), 0);
    for (int i = 0; i < 2; i++) {
        assert_non_null(trale_interface(runtime, "trale.timer/1", 8));
        assert_null(trale_signals(runtime));
        assert_null(trale_interface(runtime, "trale.timer/2", 8));
        assert_null(trale_interface(runtime, "odd\n", 8));
    }
    assert_string_equal(messages.text,
                        "1 " AT "trale.signal/1; to load it, write: drivers = timer, signal\n"
                        "1 " AT "trale.timer/2; [driver:timer] offers trale.timer/1\n"
                        "1 " AT "odd\\x0a; to load it, write: drivers = timer, odd\\x0a, and add [driver:odd\\x0a] "
                        "with path = odd\\x0a.so\n");
    trale_close(runtime);
}

static void test_what_a_program_requires_is_named_in_one_message(void **state)
{
    (void)state;
    struct trale *runtime;
    assert_int_equal(open_text(&runtime, "timer", TEST_TIMER "[driver:signal]\npath = signal.so\n", 0), 0);
    assert_int_equal(trale_require(runtime, "trale.timer/1", NULL), 0);
    assert_string_equal(messages.text, "");
    assert_int_equal(trale_require(runtime, "trale.signal/1", "trale.timer/1", "trale.udp/1", NULL), -ENODEV);
    assert_string_equal(messages.text, "0 " AT "trale.signal/1, trale.udp/1; to load them, write: drivers = timer, "
                                       "signal, udp, and add [driver:udp] with path = udp.so\n");
    /* Said once, also where it is asked for afterwards. */
    assert_null(trale_udp(runtime));
    assert_int_equal(strchr(messages.text, '\n') - messages.text + 1, messages.length);
    trale_close(runtime);
}

/* The number of calls that found nothing, from several threads at once. */
static void *ask(void *runtime)
{
    for (int i = 0; i < 1000; i++)
        if (trale_interface(runtime, i % 2 == 0 ? "a/1" : "b/1", 8) != NULL)
            return NULL;
    return runtime;
}

static void test_threads_that_ask_at_once_get_one_warning_for_each(void **state)
{
    (void)state;
    struct trale *runtime;
    pthread_t threads[4];
    assert_int_equal(open_text(&runtime, "", "", 0), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, runtime), 0);
    for (size_t i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_ptr_equal(result, runtime);
    }
    size_t n_lines = 0;
    for (const char *c = messages.text; *c != '\0'; c++)
        n_lines += *c == '\n';
    assert_int_equal(n_lines, 2);
    trale_close(runtime);
}

static void test_runtimes_of_a_group_warn_once(void **state)
{
    (void)state;
    struct trale_group *group;
    char text[128];
    snprintf(text, sizeof text, "[runtime]\nthreads = %d\ninstances = 3\n", test_threads());
    messages.length = 0;
    messages.text[0] = '\0';
    const struct trale_options options = {
        .config_text = text, .config_path = "t.ini", .log = write_message, .log_data = &messages};
    assert_int_equal(trale_group_open(&group, &options), 0);
    for (size_t i = 0; i < 3; i++)
        assert_null(trale_interface(trale_group_runtime(group, 2 - i), "a/1", 8));
    assert_string_equal(messages.text,
                        "1 trale: t.ini:1: [runtime] drivers: missing, so no driver is loaded; `drivers = NAME, ...` "
                        "loads a [driver:NAME] each, `drivers =` loads none\n"
                        "1 trale: t.ini: [runtime] drivers: no driver offers a/1; to load it, write: drivers = a, and "
                        "add [driver:a] with path = a.so\n");
    assert_int_equal(trale_group_close(group), 0);
}

static void test_an_optional_interface_that_is_missing_is_no_warning(void **state)
{
    (void)state;
    struct trale *runtime;
    assert_int_equal(open_text(&runtime, "timer", "[driver:timer]\npath = timer.so\n", 0), 0);
    assert_null(trale_interface_optional(runtime, "org.example.absent/1", 16));
    assert_string_equal(messages.text, "");
    assert_ptr_equal(trale_interface_optional(runtime, TRALE_TIMER_1, TRALE_TIMER_1_SIZE), trale_timer(runtime));
    assert_int_equal(trale_close(runtime), 0);
}

static void test_a_program_may_require_that_the_configuration_is_complete(void **state)
{
    (void)state;
    struct trale *runtime = NULL;
    assert_int_equal(open_text(&runtime, "", "", 1), -EINVAL);
    assert_null(runtime);
    assert_non_null(strstr(messages.text, "0 trale: t.ini: it does not end with the line [end]"));
    assert_int_equal(open_text(&runtime, "", "[end]\n", 1), 0);
    assert_string_equal(messages.text, "");
    trale_close(runtime);
    assert_int_equal(open_text(&runtime, "", "[end]\n", 0), 0);
    trale_close(runtime);
}

static void test_the_built_in_configuration_is_complete(void **state)
{
    (void)state;
    struct trale *runtime;
    test_use_built_in_config();
    const struct trale_options options = {.require_end = 1, .log = write_message, .log_data = &messages};
    assert_int_equal(trale_open(&runtime, &options), 0);
    messages.length = 0;
    assert_int_equal(trale_require(runtime, "trale.signal/1", NULL), -ENODEV);
    assert_non_null(strstr(messages.text, "write: drivers = timer, udp, random, signal; no trale.ini was found"));
    trale_close(runtime);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_missing_interface_is_one_warning_that_names_the_task),
        cmocka_unit_test(test_each_missing_interface_is_a_warning),
        cmocka_unit_test(test_what_a_program_requires_is_named_in_one_message),
        cmocka_unit_test(test_threads_that_ask_at_once_get_one_warning_for_each),
        cmocka_unit_test(test_runtimes_of_a_group_warn_once),
        cmocka_unit_test(test_an_optional_interface_that_is_missing_is_no_warning),
        cmocka_unit_test(test_a_program_may_require_that_the_configuration_is_complete),
        cmocka_unit_test(test_the_built_in_configuration_is_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
