/* SPDX-License-Identifier: MIT
 *
 * What the tests of [runtime] checks share: a runtime with checks, whose messages are kept. */
#ifndef TRALE_TESTS_CHECKS_H
#define TRALE_TESTS_CHECKS_H

#include <pthread.h>

#include "tests/drivers/careless.h"
#include "tests/support.h"

struct fixture {
    struct trale *runtime; /* NULL: the test has closed it */
    const struct careless *careless;
    pthread_mutex_t lock;
    struct test_log log, dump;
};

static inline void fixture_log(void *data, uint32_t level, const char *source, const char *message)
{
    struct fixture *f = data;
    pthread_mutex_lock(&f->lock);
    test_log_write(&f->log, level, source, message);
    pthread_mutex_unlock(&f->lock);
}

static inline int fixture_open(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    char text[1024];
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = timer, careless\nthreads = %d\nchecks = yes\n[driver:timer]\npath = %s/timer.so\n"
             "[driver:careless]\npath = %s/careless.so\n",
             test_threads(), TEST_DRIVERS, TEST_FLAWED_DRIVERS);
    pthread_mutex_init(&f->lock, NULL);
    int r = trale_open(&f->runtime, &(struct trale_options){.config_text = text, .log = fixture_log, .log_data = f});
    if (r == 0)
        f->careless = trale_interface(f->runtime, "org.example.careless/1", sizeof *f->careless);
    *state = f;
    return r;
}

static inline int fixture_close(void **state)
{
    struct fixture *f = *state;
    int r = trale_close(f->runtime);
    free(f);
    return r;
}

/* What has been said up to now is there. */
static inline void assert_said(struct fixture *f, const char *text)
{
    pthread_mutex_lock(&f->lock);
    if (strstr(f->log.text, text) == NULL)
        print_message("not said: %s\nbut: %s\n", text, f->log.text);
    bool is_said = strstr(f->log.text, text) != NULL;
    pthread_mutex_unlock(&f->lock);
    assert_true(is_said);
}

/* How many messages of the checks there are. */
static inline void assert_findings(struct fixture *f, int n)
{
    int n_found = 0;
    pthread_mutex_lock(&f->lock);
    for (const char *at = f->log.text; (at = strstr(at, "checks: ")) != NULL; at++)
        n_found++;
    if (n_found != n)
        print_message("%s\n", f->log.text);
    pthread_mutex_unlock(&f->lock);
    assert_int_equal(n_found, n);
}

static inline void fixture_dump(void *data, const char *text)
{
    struct test_log *log = data;
    size_t length = strlen(text);
    assert_true(log->length + length < sizeof log->text);
    memcpy(log->text + log->length, text, length + 1);
    log->length += length;
}

static inline void assert_dumped(struct fixture *f, const char *text)
{
    f->dump.length = 0;
    assert_int_equal(trale_dump(f->runtime, fixture_dump, &f->dump), 0);
    if (strstr(f->dump.text, text) == NULL)
        fail_msg("not dumped: %s\nbut: %s", text, f->dump.text);
}

/* When it returns, every task that was spawned or woken before has been polled. */
struct test_turn {
    struct trale_future future;
    int n_polls;
};

static inline int64_t test_turn_poll(struct trale_future *future, struct trale_context *context)
{
    struct test_turn *turn = (struct test_turn *)(void *)future;
    if (turn->n_polls++ == 3)
        return 0;
    context->waker->table->wake_by_ref(context->waker);
    return TRALE_PENDING;
}

static inline void let_tasks_run(struct trale *runtime)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "test_turn", test_turn_poll, NULL};
    struct test_turn turn = {.future = {.type = &type}};
    assert_int_equal(trale_block_on(runtime, &turn.future), 0);
}

#endif
