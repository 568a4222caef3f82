/* SPDX-License-Identifier: MIT
 *
 * Short forms: async functions of another file, awaits that assign or return, several futures awaited together without
 * an array that is filled by hand. In the thread layout that the environment names. */
#include <trale/scope.h>

#include "tests/other_file.h"
#include "tests/support.h"

#define LONG_NS (60 * TRALE_SECOND)

/* --- async functions of another file ------------------------------------------------------------------------------ */

static void test_an_async_function_of_another_file_is_spawned(void **state)
{
    struct trale_task *task = trale_spawn(*state, nap, .n_sleeps = 2, .result = 7);
    assert_string_equal(trale_task_name(task), "nap");
    assert_int_equal(trale_join(task), 7);
}

struct caller {
    struct trale_future future;
    struct counted_nap nap;
    struct trale_timeout timeout;
    struct trale_scope scope;
    struct starter {
        struct trale_future future;
        struct trale_scope *scope;
        int *n_ends;
    } starter;
    int n_ends[3];
};

trale_async(starter)
{
    trale_begin();
    for (int i = 0; i < 2; i++)
        if (trale_scope_spawn(self->scope, counted_nap, .n_sleeps = i, .n_ends = self->n_ends) < 0)
            trale_return(-ENOMEM);
    trale_return(0);
}

trale_async(caller)
{
    trale_begin();
    trale_try(trale_call(counted_nap, &self->nap, .n_sleeps = 2, .result = 5, .n_ends = &self->n_ends[0]));
    if (trale_result() != 6)
        trale_return(-EPROTO);
    trale_await(trale_timeout(
        &self->timeout, trale_call(counted_nap, &self->nap, .n_sleeps = 1, .result = -EIO, .n_ends = &self->n_ends[1]),
        LONG_NS));
    if (trale_result() != -EIO)
        trale_return(-EPROTO);
    trale_try(trale_scope(&self->scope,
                          trale_call(starter, &self->starter, .scope = &self->scope, .n_ends = &self->n_ends[2])));
    trale_return(0);
}

static void test_an_async_function_of_another_file_is_awaited_and_cleans_up_once(void **state)
{
    struct caller caller;
    assert_int_equal(trale_block_on(*state, trale_call(caller, &caller)), 0);
    assert_int_equal(caller.n_ends[0], 1);
    assert_int_equal(caller.n_ends[1], 1);
    assert_int_equal(caller.n_ends[2], 2);
}

static void test_an_async_function_of_another_file_that_is_dropped_cleans_up_once(void **state)
{
    int n_ends = 0;
    struct counted_nap nap;
    test_make(trale_call(counted_nap, &nap, .n_ends = &n_ends));
    trale_future_drop(&nap.future);
    assert_int_equal(n_ends, 1);
    struct trale_task *task = trale_spawn(*state, counted_nap, .n_sleeps = 1000000, .n_ends = &n_ends);
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
    assert_int_equal(n_ends, 2);
}

/* --- trale_try and trale_await_to --------------------------------------------------------------------------------- */

struct tries {
    struct trale_future future;
    struct nap nap;
    int64_t results[3];
    int64_t sum;
    int n_tries, n_ends, i;
};

static void tries_end(struct tries *self)
{
    self->n_ends++;
}

trale_async_with(tries, tries_end)
{
    trale_begin();
    for (self->i = 0; self->i < 3; self->i++) {
        int64_t result; /* a local may take the result */
        trale_await_to(result, trale_call(nap, &self->nap, .n_sleeps = self->i, .result = 10 * self->i));
        self->sum += result;
        trale_await_to(self->results[self->i], trale_call(nap, &self->nap, .n_sleeps = 1, .result = -self->i));
    }
    for (;; self->n_tries++)
        if (self->n_tries < 2)
            trale_try(trale_call(nap, &self->nap, .n_sleeps = 1, .result = self->n_tries));
        else
            trale_try(trale_call(nap, &self->nap, .n_sleeps = 1, .result = -ERANGE));
}

static void test_an_await_assigns_its_result_and_try_returns_the_first_error(void **state)
{
    struct tries tries;
    assert_int_equal(trale_block_on(*state, trale_call(tries, &tries)), -ERANGE);
    assert_int_equal(tries.sum, 0 + 10 + 20);
    for (int i = 0; i < 3; i++)
        assert_int_equal(tries.results[i], -i);
    assert_int_equal(tries.n_tries, 2);
    assert_int_equal(tries.n_ends, 1);
}

/* --- several futures ---------------------------------------------------------------------------------------------- */

static struct trale_future *make_nap(int *n_made, struct nap *nap, int n_sleeps, int64_t result)
{
    ++*n_made;
    return trale_call(nap, nap, .n_sleeps = n_sleeps, .result = result);
}

struct races {
    struct trale_future future;
    struct nap first, second;
    struct trale_sleep sleep;
    TRALE_BRANCHES(2) two;
    int n_made;
};

trale_async(races)
{
    trale_begin();
    trale_await(
        trale_race_of(&self->two, trale_sleep(&self->sleep, LONG_NS), make_nap(&self->n_made, &self->first, 1, 42)));
    if (trale_result() != 1 || self->two.branch[1].result != 42 || self->two.branch[0].result != TRALE_PENDING)
        trale_return(-EPROTO);
    /* Both are ready: the first in order wins. */
    for (self->n_made = 0; self->n_made < 20;) {
        trale_await(trale_race_in_order_of(&self->two, make_nap(&self->n_made, &self->first, 0, 3),
                                           make_nap(&self->n_made, &self->second, 0, 4)));
        if (trale_result() != 0 || self->two.branch[0].result != 3)
            trale_return(-EPROTO);
    }
    trale_return(self->n_made);
}

struct alls {
    struct trale_future future;
    struct nap first, second;
    struct trale_sleep sleep;
    TRALE_BRANCHES(2) two;
    TRALE_BRANCHES(3) three;
    struct trale_timeout timeout;
    int n_made;
};

trale_async(alls)
{
    trale_begin();
    /* One in another, with a timeout around. */
    trale_try(trale_timeout(&self->timeout,
                            trale_all_of(&self->three, make_nap(&self->n_made, &self->first, 2, 5), NULL,
                                         trale_race_of(&self->two, trale_sleep(&self->sleep, LONG_NS),
                                                       make_nap(&self->n_made, &self->second, 1, -EIO))),
                            LONG_NS));
    if (self->three.branch[0].result != 5 || self->three.branch[1].result != TRALE_PENDING ||
        self->three.branch[2].result != 1 || self->two.branch[1].result != -EIO)
        trale_return(-EPROTO);
    trale_return(self->n_made);
}

static void test_a_race_of_futures_resolves_to_the_one_that_wins(void **state)
{
    struct races races;
    assert_int_equal(trale_block_on(*state, trale_call(races, &races)), 20);
}

static void test_all_of_several_futures_have_their_results_in_order(void **state)
{
    struct alls alls;
    assert_int_equal(trale_block_on(*state, trale_call(alls, &alls)), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_async_function_of_another_file_is_spawned),
        cmocka_unit_test(test_an_async_function_of_another_file_is_awaited_and_cleans_up_once),
        cmocka_unit_test(test_an_async_function_of_another_file_that_is_dropped_cleans_up_once),
        cmocka_unit_test(test_an_await_assigns_its_result_and_try_returns_the_first_error),
        cmocka_unit_test(test_a_race_of_futures_resolves_to_the_one_that_wins),
        cmocka_unit_test(test_all_of_several_futures_have_their_results_in_order),
    };
    return cmocka_run_group_tests(tests, test_open_timer, test_close_runtime);
}
