/* SPDX-License-Identifier: MIT
 *
 * The async macros: control flow around awaits, cleanup, the budget. Polled by hand; no runtime is involved. */
#include "tests/support.h"

static int n_wakes;

static const struct trale_waker *count_clone(const struct trale_waker *waker)
{
    return waker;
}
static void count_wake(const struct trale_waker *waker)
{
    (void)waker;
    n_wakes++;
}
static void count_drop(const struct trale_waker *waker)
{
    (void)waker;
}
static const struct trale_waker_table count_table = {count_clone, count_wake, count_wake, count_drop};
static const struct trale_waker count_waker = {&count_table};

static struct trale_context context_of(uint32_t budget)
{
    return (struct trale_context){
        .size = sizeof(struct trale_context), .abi = TRALE_ABI, .waker = &count_waker, .budget = budget};
}

/* Resolves to `value` at the `after`-th poll beyond the first. */
struct later {
    struct trale_future future;
    int after;
    int64_t value;
    int *n_dropped;
};

static int64_t later_poll(struct trale_future *future, struct trale_context *context)
{
    (void)context;
    struct later *later = (struct later *)future;
    return later->after-- > 0 ? TRALE_PENDING : later->value;
}

static void later_drop(struct trale_future *future)
{
    struct later *later = (struct later *)future;
    if (later->n_dropped != NULL)
        (*later->n_dropped)++;
}

static const struct trale_future_type later_type = {sizeof later_type, TRALE_ABI, "later", later_poll, later_drop};

static struct trale_future *later_after(struct later *later, int after, int64_t value)
{
    *later = (struct later){.future = {.type = &later_type}, .after = after, .value = value};
    return &later->future;
}

/* Polls until there is a result; *n_polls counts. */
static int64_t finish(struct trale_future *future, int *n_polls)
{
    for (*n_polls = 1;; (*n_polls)++) {
        struct trale_context context = context_of(TRALE_POLL_BUDGET);
        int64_t result = trale_future_poll(future, &context);
        if (result != TRALE_PENDING)
            return result;
        assert_true(*n_polls < 1000);
    }
}

struct looping {
    struct trale_future future;
    struct later later;
    int outer, inner;
    int64_t sum;
};

trale_async(looping)
{
    trale_begin();
    for (self->outer = 0; self->outer < 3; self->outer++) {
        self->inner = 0;
        while (self->inner < 4) {
            trale_await(later_after(&self->later, self->inner, 10 * self->outer + self->inner));
            self->sum += trale_result();
            self->inner++;
            if (self->outer == 1 && self->inner == 2)
                break;
        }
    }
    trale_return(self->sum);
}

static void test_await_works_inside_loops(void **state)
{
    (void)state;
    struct looping frame;
    int n_polls;
    assert_int_equal(finish(trale_call(looping, &frame), &n_polls), 6 + 21 + 86);
    assert_int_equal(n_polls, 1 + 6 + 1 + 6);
}

struct switching {
    struct trale_future future;
    struct later later;
    int which;
};

trale_async(switching)
{
    trale_begin();
    switch (self->which) {
    case 0:
        trale_await(later_after(&self->later, 1, 100));
        break;
    case 1:
        trale_await(later_after(&self->later, 2, 200));
        /* fall through */
    case 2:
        if (self->which == 1)
            trale_await(later_after(&self->later, 1, trale_result() + 1));
        else
            trale_await(later_after(&self->later, 0, 300));
        break;
    default:
        trale_return(-EINVAL);
    }
    trale_return(trale_result());
}

static void test_await_works_inside_switch_and_unbraced_if(void **state)
{
    (void)state;
    struct switching frame;
    int n_polls;
    assert_int_equal(finish(trale_call(switching, &frame, .which = 0), &n_polls), 100);
    assert_int_equal(n_polls, 2);
    assert_int_equal(finish(trale_call(switching, &frame, .which = 1), &n_polls), 201);
    assert_int_equal(n_polls, 4);
    assert_int_equal(finish(trale_call(switching, &frame, .which = 2), &n_polls), 300);
    assert_int_equal(n_polls, 1);
    assert_int_equal(finish(trale_call(switching, &frame, .which = 3), &n_polls), -EINVAL);
}

struct evaluating {
    struct trale_future future;
    struct later later;
    int n_evaluated;
};

trale_async(evaluating)
{
    trale_begin();
    trale_await(later_after(&self->later, 5, ++self->n_evaluated));
    trale_return(trale_result());
}

static void test_the_awaited_expression_is_evaluated_once(void **state)
{
    (void)state;
    struct evaluating frame;
    int n_polls;
    assert_int_equal(finish(trale_call(evaluating, &frame), &n_polls), 1);
    assert_int_equal(n_polls, 6);
}

struct nested {
    struct trale_future future;
    struct later later;
    struct nested *inner;
    int *order, *n_order;
    int id;
};

static void nested_cleanup(struct nested *self)
{
    self->order[(*self->n_order)++] = self->id;
}

trale_async_with(nested, nested_cleanup)
{
    trale_begin();
    if (self->inner != NULL)
        trale_await(
            trale_call(nested, self->inner, .order = self->order, .n_order = self->n_order, .id = self->id + 1));
    else
        trale_await(later_after(&self->later, 1, 7));
    trale_return(trale_result() + self->order[0]);
}

static void test_cleanup_runs_once_when_the_function_returns(void **state)
{
    (void)state;
    int order[4] = {1000}, n_order = 1, n_polls;
    struct nested frame;
    assert_int_equal(finish(trale_call(nested, &frame, .order = order, .n_order = &n_order, .id = 1), &n_polls), 1007);
    assert_int_equal(n_order, 2);
}

static void test_dropping_cleans_up_the_leaf_first(void **state)
{
    (void)state;
    int order[4] = {0}, n_order = 0;
    struct nested frame, inner;
    struct trale_context context = context_of(1);
    test_make(trale_call(nested, &frame, .inner = &inner, .order = order, .n_order = &n_order, .id = 1));
    assert_int_equal(trale_future_poll(&frame.future, &context), TRALE_PENDING);
    assert_ptr_equal(frame.future.awaiting, &inner.future);
    assert_ptr_equal(inner.future.awaiting, &inner.later.future);
    int n_dropped = 0;
    inner.later.n_dropped = &n_dropped;
    trale_future_drop(&frame.future);
    assert_int_equal(n_dropped, 1);
    assert_int_equal(n_order, 2);
    assert_int_equal(order[0], 2);
    assert_int_equal(order[1], 1);
}

static void test_dropping_before_the_first_poll_cleans_up(void **state)
{
    (void)state;
    int order[4] = {0}, n_order = 0;
    struct nested frame;
    trale_future_drop(trale_call(nested, &frame, .order = order, .n_order = &n_order, .id = 1));
    assert_int_equal(n_order, 1);
}

struct hasty {
    struct trale_future future;
    struct later later;
    int n;
};

trale_async(hasty)
{
    trale_begin();
    for (; self->n < 10; self->n++)
        trale_await(later_after(&self->later, 0, 0));
    trale_return(self->n);
}

static void test_a_poll_takes_no_more_results_than_its_budget_and_wakes_itself(void **state)
{
    (void)state;
    struct hasty frame;
    test_make(trale_call(hasty, &frame));
    n_wakes = 0;
    struct trale_context context = context_of(4);
    assert_int_equal(trale_future_poll(&frame.future, &context), TRALE_PENDING);
    assert_int_equal(frame.n, 4); /* every result was seen; the fifth future was not polled */
    assert_ptr_equal(frame.future.awaiting, &frame.later.future);
    assert_int_equal(n_wakes, 1);
    assert_int_equal(context.budget, 0);
    context.budget = 7;
    assert_int_equal(trale_future_poll(&frame.future, &context), 10);
    assert_int_equal(n_wakes, 1);
}

static void test_futures_that_ignore_the_budget_are_let_through_for_the_overdraft(void **state)
{
    (void)state;
    struct hasty frame;
    test_make(trale_call(hasty, &frame));
    struct trale_context context = context_of(2);
    context.overdraft = 3;
    assert_int_equal(trale_future_poll(&frame.future, &context), TRALE_PENDING);
    assert_int_equal(frame.n, 5);
    assert_int_equal(context.overdraft, 0);
}

/* A leaf that gives no result when the budget is spent, as trale's own do. */
static int64_t modest_poll(struct trale_future *future, struct trale_context *context)
{
    (void)future;
    return trale_context_may_resolve(context) ? 0 : TRALE_PENDING;
}

struct modest {
    struct trale_future future;
    struct trale_future leaf;
    int n;
};

trale_async(modest)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "leaf", modest_poll, NULL};
    trale_begin();
    for (self->n = 0; self->n < 10; self->n++) {
        self->leaf = (struct trale_future){.type = &type};
        trale_await(&self->leaf);
    }
    trale_return(self->n);
}

static void test_a_leaf_that_looks_at_the_budget_needs_no_overdraft(void **state)
{
    (void)state;
    struct modest frame;
    test_make(trale_call(modest, &frame));
    n_wakes = 0;
    struct trale_context context = context_of(4);
    context.overdraft = 3;
    assert_int_equal(trale_future_poll(&frame.future, &context), TRALE_PENDING);
    assert_int_equal(frame.n, 4);
    assert_int_equal(context.overdraft, 3);
    assert_int_equal(n_wakes, 1);
}

struct careless {
    struct trale_future future;
    struct later later;
    int64_t seen;
    int n_cleanups;
};

static void careless_cleanup(struct careless *self)
{
    self->n_cleanups++;
}

trale_async_with(careless, careless_cleanup)
{
    trale_begin();
    trale_await(later_after(&self->later, 0, 7));
    trale_await(NULL);
    self->seen = trale_result();
    trale_await_to(self->seen, later_after(&self->later, 1, self->seen));
    trale_try(later_after(&self->later, 0, self->seen == -EINVAL ? -EPIPE : 0));
    trale_return(1);
}

static void test_awaiting_nothing_is_an_error_and_try_returns_the_first_error(void **state)
{
    (void)state;
    struct careless frame;
    int n_polls;
    assert_int_equal(finish(trale_call(careless, &frame), &n_polls), -EPIPE);
    assert_int_equal(frame.seen, -EINVAL);
    assert_int_equal(frame.n_cleanups, 1);
}

struct yielding {
    struct trale_future future;
    int n;
};

trale_async(yielding)
{
    trale_begin();
    for (self->n = 0; self->n < 3; self->n++)
        trale_yield();
    trale_return(self->n);
}

static void test_yield_pends_once_and_wakes_itself(void **state)
{
    (void)state;
    struct yielding frame;
    int n_polls;
    n_wakes = 0;
    assert_int_equal(finish(trale_call(yielding, &frame), &n_polls), 3);
    assert_int_equal(n_polls, 4);
    assert_int_equal(n_wakes, 3);
}

static void test_an_await_point_says_where_it_stands(void **state)
{
    (void)state;
    struct evaluating frame;
    struct trale_context context = context_of(1);
    test_make(trale_call(evaluating, &frame));
    assert_null(frame.future.at);
    assert_int_equal(trale_future_poll(&frame.future, &context), TRALE_PENDING);
    assert_string_equal(frame.future.at->expression, "later_after(&self->later, 5, ++self->n_evaluated)");
    assert_non_null(strstr(frame.future.at->file, "test_await.c"));
    assert_string_equal(frame.future.type->name, "evaluating");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_await_works_inside_loops),
        cmocka_unit_test(test_await_works_inside_switch_and_unbraced_if),
        cmocka_unit_test(test_the_awaited_expression_is_evaluated_once),
        cmocka_unit_test(test_cleanup_runs_once_when_the_function_returns),
        cmocka_unit_test(test_dropping_cleans_up_the_leaf_first),
        cmocka_unit_test(test_dropping_before_the_first_poll_cleans_up),
        cmocka_unit_test(test_a_poll_takes_no_more_results_than_its_budget_and_wakes_itself),
        cmocka_unit_test(test_futures_that_ignore_the_budget_are_let_through_for_the_overdraft),
        cmocka_unit_test(test_a_leaf_that_looks_at_the_budget_needs_no_overdraft),
        cmocka_unit_test(test_awaiting_nothing_is_an_error_and_try_returns_the_first_error),
        cmocka_unit_test(test_yield_pends_once_and_wakes_itself),
        cmocka_unit_test(test_an_await_point_says_where_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
