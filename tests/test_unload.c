/* SPDX-License-Identifier: MIT
 *
 * libtrale in a program that loads it and gives it back while its threads run, in the thread layout that the
 * environment names. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <trale/trale.h>

struct answer {
    struct trale_future future;
};

trale_async(answer)
{
    trale_begin();
    trale_yield();
    trale_return(42);
}

static void test_libtrale_stays_while_its_threads_run(void **state)
{
    (void)state;
    char text[128];
    const char *threads = getenv("TRALE_TEST_THREADS");
    struct trale *runtime;
    void *library = dlopen(TEST_LIBTRALE, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(library);
    int (*open_sized)(struct trale **, const struct trale_options *, size_t) = dlsym(library, "trale_open_sized");
    int64_t (*block_on)(struct trale *, struct trale_future *) = dlsym(library, "trale_block_on");
    int (*close)(struct trale *) = dlsym(library, "trale_close");
    assert_true(open_sized != NULL && block_on != NULL && close != NULL);
    snprintf(text, sizeof text, "[runtime]\ndrivers =\nthreads = %s\n", threads != NULL ? threads : "1");
    struct trale_options options = {.config_text = text};
    assert_int_equal(open_sized(&runtime, &options, sizeof options), 0);
    assert_int_equal(dlclose(library), 0);
    for (int i = 0; i < 100; i++) {
        struct answer answer;
        assert_int_equal(block_on(runtime, trale_call(answer, &answer)), 42);
    }
    assert_int_equal(close(runtime), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_libtrale_stays_while_its_threads_run)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
