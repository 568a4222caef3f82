/* SPDX-License-Identifier: MIT
 *
 * Scopes: children do not outlive them, whatever ends them, in the thread layout that the environment names. */
#include <stdatomic.h>

#include <trale/fiber.h>
#include <trale/scope.h>
#include <trale/sync.h>

#include "tests/support.h"

/* What happened, in order: "+a" a child begins, "-a" it ends by itself, "xa" it is dropped. */
struct record {
    char text[256];
    int n_alive;
};

static void record_add(struct record *record, char what, char who)
{
    size_t length = strlen(record->text);
    assert_true(length + 2 < sizeof record->text);
    record->text[length] = what;
    record->text[length + 1] = who;
    record->text[length + 2] = '\0';
}

/* A child that yields some times, waits for a semaphore, and returns a result. */
struct child {
    struct trale_future future;
    struct record *record;
    struct trale_semaphore *semaphore; /* NULL: does not wait */
    struct trale_semaphore_acquire acquire;
    char name;
    bool ended;
    int n_yields;
    int64_t result;
};

static void child_cleanup(struct child *self)
{
    self->record->n_alive--;
    record_add(self->record, self->ended ? '-' : 'x', self->name);
}

trale_async_with(child, child_cleanup)
{
    trale_begin();
    record_add(self->record, '+', self->name);
    while (self->n_yields-- > 0)
        trale_yield();
    if (self->semaphore != NULL)
        trale_await(trale_semaphore_acquire(&self->acquire, self->semaphore, 1));
    self->ended = true;
    trale_return(self->result);
}

/* The body: spawns what `plan` says ("a3" child a after 3 yields, result 0; "A3" the same with -EIO; "w0" one that
 * waits for ever), yields, and returns. */
struct body {
    struct trale_future future;
    struct trale_scope *scope;
    struct record *record;
    struct trale_semaphore *never;
    struct trale_semaphore_acquire acquire;
    const char *plan;
    int n_yields;
    bool cancels, waits, ended;
    int64_t result;
};

static void body_cleanup(struct body *self)
{
    record_add(self->record, self->ended ? '-' : 'x', '!');
}

static int body_spawn(const struct body *body, const char *plan)
{
    body->record->n_alive++;
    int r = trale_scope_spawn(body->scope, child, .record = body->record, .name = plan[0], .n_yields = plan[1] - '0',
                              .semaphore = plan[0] == 'w' ? body->never : NULL,
                              .result = plan[0] >= 'A' && plan[0] <= 'Z' ? -EIO : 0);
    if (r < 0)
        body->record->n_alive--;
    return r;
}

trale_async_with(body, body_cleanup)
{
    trale_begin();
    for (const char *plan = self->plan; plan[0] != '\0'; plan += 2)
        assert_int_equal(body_spawn(self, plan), 0);
    while (self->n_yields-- > 0)
        trale_yield();
    if (self->cancels) {
        trale_scope_cancel(self->scope);
        assert_int_equal(body_spawn(self, "z0"), -ECANCELED); /* child z would say "xz" if it was dropped */
    }
    if (self->waits)
        trale_await(trale_semaphore_acquire(&self->acquire, self->never, 1));
    self->ended = true;
    trale_return(self->result);
}

/* Runs a scope to its end, or to a timeout. */
struct run {
    struct trale_future future;
    struct trale_scope scope;
    struct trale_timeout timeout;
    struct body body;
    struct record record;
    struct trale_semaphore never;
    uint64_t timeout_ns;
    int n_alive_after;
};

trale_async(run)
{
    trale_begin();
    self->never = (struct trale_semaphore)TRALE_SEMAPHORE(0);
    self->body.future = (struct trale_future){.type = &body_type};
    self->body.scope = &self->scope;
    self->body.record = &self->record;
    self->body.never = &self->never;
    if (self->timeout_ns > 0)
        trale_await(trale_timeout(&self->timeout, trale_scope(&self->scope, &self->body.future), self->timeout_ns));
    else
        trale_await(trale_scope(&self->scope, &self->body.future));
    self->n_alive_after = self->record.n_alive;
    trale_return(trale_result());
}

static int64_t run(void **state, struct run *run)
{
    run->future.type = &run_type;
    int64_t result = trale_block_on(*state, &run->future);
    assert_int_equal(run->n_alive_after, 0);
    return result;
}

static void test_a_scope_ends_when_its_last_child_has(void **state)
{
    struct run all = {.body = {.plan = "a0b3c1", .result = 7}};
    assert_int_equal(run(state, &all), 7);
    assert_string_equal(all.record.text, "-!+a-a+b+c-c-b");
}

static void test_a_scope_without_children_is_its_body(void **state)
{
    struct run alone = {.body = {.plan = "", .n_yields = 2, .result = 3}};
    assert_int_equal(run(state, &alone), 3);
    struct run failed = {.body = {.plan = "", .result = -EPROTO}};
    assert_int_equal(run(state, &failed), -EPROTO);
}

static void test_the_first_error_of_a_child_ends_the_others(void **state)
{
    struct run failing = {.body = {.plan = "w0E2w0F3", .waits = true}};
    assert_int_equal(run(state, &failing), -EIO);
    assert_string_equal(failing.record.text, "+w+E+w+F-Ex!xwxwxF");
}

static void test_an_error_of_the_body_ends_the_children(void **state)
{
    struct run failing = {.body = {.plan = "w0w0", .n_yields = 1, .result = -EPROTO}};
    assert_int_equal(run(state, &failing), -EPROTO);
    assert_string_equal(failing.record.text, "+w+w-!xwxw");
}

static void test_children_that_had_no_turn_are_dropped_as_well(void **state)
{
    struct run failing = {.body = {.plan = "w0w0", .result = -EPROTO}};
    assert_int_equal(run(state, &failing), -EPROTO);
    assert_string_equal(failing.record.text, "-!xwxw");
}

static void test_cancelling_ends_body_and_children(void **state)
{
    struct run cancelled = {.body = {.plan = "w0a9", .n_yields = 2, .cancels = true, .waits = true}};
    assert_int_equal(run(state, &cancelled), -ECANCELED);
    assert_string_equal(cancelled.record.text, "+w+ax!xwxa");
}

static void test_a_deadline_around_a_scope_leaves_nothing_running(void **state)
{
    struct run late = {.timeout_ns = 100 * TRALE_MILLISECOND, .body = {.plan = "w0w0"}};
    assert_int_equal(run(state, &late), -ETIMEDOUT);
    assert_string_equal(late.record.text, "-!+w+wxwxw");
}

/* Starts a run that stays where it is, as a task, and lets it come to its waits. */
struct started {
    struct trale_branch branch;
    struct trale_branches all;
};

static struct trale_task *start(struct trale *runtime, struct run *run, struct started *started)
{
    run->future.type = &run_type;
    started->branch.future = &run->future;
    struct trale_task *task = trale_spawn_frame(runtime, trale_all(&started->all, &started->branch, 1),
                                                sizeof started->all);
    for (int i = 0; i < 3; i++) {
        struct run turn = {.body = {.plan = ""}, .future.type = &run_type};
        assert_int_equal(trale_block_on(runtime, &turn.future), 0);
    }
    return task;
}

static void test_aborting_the_task_around_a_scope_drops_the_children(void **state)
{
    struct run aborted = {.body = {.plan = "w0w0", .waits = true}};
    struct started started;
    struct trale_task *task = start(*state, &aborted, &started);
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
    assert_string_equal(aborted.record.text, "+w+wx!xwxw");
}

static void test_closing_the_runtime_drops_scopes_and_children(void **state)
{
    (void)state;
    struct trale *runtime = test_open("", "");
    struct run left = {.body = {.plan = "w0w0", .waits = true}};
    struct started started;
    struct trale_task *task = start(runtime, &left, &started);
    trale_close(runtime);
    assert_int_equal(trale_join(task), -ECANCELED);
    assert_int_equal(left.record.n_alive, 0);
    /* The order depends on which waited first. */
    assert_int_equal(strlen(left.record.text), strlen("+w+wx!xwxw"));
}

/* A body, or a child of it, that spawns a child of its own when it is dropped, and again. */
struct heir {
    struct trale_future future;
    struct trale_scope *scope;
    struct record *record;
    struct trale_semaphore *never;
    struct trale_semaphore_acquire acquire;
    int64_t *results; /* of the two spawns */
    char name;
};

static int64_t heir_spawn(const struct heir *heir, char name);

static void heir_cleanup(struct heir *self)
{
    record_add(self->record, 'x', self->name);
    if (self->results == NULL)
        return;
    self->results[0] = heir_spawn(self, 'a');
    self->results[1] = heir_spawn(self, 'b');
}

trale_async_with(heir, heir_cleanup)
{
    trale_begin();
    if (self->name == '!')
        assert_int_equal(heir_spawn(self, 'c'), 0);
    trale_await(trale_semaphore_acquire(&self->acquire, self->never, 1));
    trale_return(0);
}

/* Child c has the same cleanup; a and b leave nothing. */
static int64_t heir_spawn(const struct heir *heir, char name)
{
    return trale_scope_spawn(heir->scope, heir, .scope = heir->scope, .record = heir->record, .never = heir->never,
                             .results = name == 'c' ? heir->results + 2 : NULL, .name = name);
}

struct legacy {
    struct trale_future future;
    struct trale_scope scope;
    struct heir heir;
    struct record *record;
    struct trale_semaphore *never;
    int64_t *results;
};

trale_async(legacy)
{
    trale_begin();
    trale_await(trale_scope(&self->scope, trale_call(heir, &self->heir, .scope = &self->scope, .record = self->record,
                                                     .never = self->never, .results = self->results, .name = '!')));
    trale_return(trale_result());
}

static void test_a_frame_that_is_refused_is_untouched_unless_the_runtime_closes(void **state)
{
    (void)state;
    struct trale *runtime = test_open("", "");
    struct trale_semaphore never = TRALE_SEMAPHORE(0);
    struct record record = {.n_alive = 0};
    int64_t results[4] = {1, 1, 1, 1}; /* of the body, and of child c */
    struct trale_task *task = trale_spawn(runtime, legacy, .record = &record, .never = &never, .results = results);
    for (int i = 0; i < 3; i++) {
        struct run turn = {.body = {.plan = ""}, .future.type = &run_type};
        assert_int_equal(trale_block_on(runtime, &turn.future), 0);
    }
    trale_close(runtime);
    assert_int_equal(trale_join(task), -ECANCELED);
    /* The first spawn of all is refused by the runtime, and cancels the scope, which refuses the others. */
    bool body_first = results[0] == -ESHUTDOWN;
    assert_int_equal(results[0], body_first ? -ESHUTDOWN : -ECANCELED);
    assert_int_equal(results[1], -ECANCELED);
    assert_int_equal(results[2], body_first ? -ECANCELED : -ESHUTDOWN);
    assert_int_equal(results[3], -ECANCELED);
    assert_string_equal(record.text, body_first ? "x!xaxc" : "xcxax!");
}

/* --- scopes in scopes, and refusals ------------------------------------------------------------------------------- */

struct nested {
    struct trale_future future;
    struct run inner;
    struct record *outer;
};

static void nested_cleanup(struct nested *self)
{
    record_add(self->outer, '0' + (char)self->inner.record.n_alive, '?');
}

trale_async_with(nested, nested_cleanup)
{
    trale_begin();
    self->inner.future.type = &run_type;
    trale_await(&self->inner.future);
    trale_return(trale_result());
}

struct outer {
    struct trale_future future;
    struct trale_scope *scope;
    struct record *record;
};

trale_async(outer)
{
    trale_begin();
    assert_int_equal(
        trale_scope_spawn(self->scope, nested, .outer = self->record, .inner.body = {.plan = "w0w0", .waits = true}),
        0);
    assert_int_equal(trale_scope_spawn(self->scope, nested, .outer = self->record, .inner.body = {.plan = "w0E4"}), 0);
    trale_return(0);
}

static void test_an_error_in_an_inner_scope_ends_all_of_the_outer_one(void **state)
{
    struct record record = {.n_alive = 0};
    struct trale_scope scope;
    struct outer outer = {.future.type = &outer_type, .scope = &scope, .record = &record};
    assert_int_equal(trale_block_on(*state, trale_scope(&scope, &outer.future)), -EIO);
    /* Each inner scope had no child left when its task was over. */
    assert_string_equal(record.text, "0?0?");
}

/* Waits in a scope that has a scope around it, a timeout and a fiber beside it. */
static int64_t fiber_body(void *data)
{
    struct record *record = data;
    struct trale_sleep sleep;
    record->n_alive++;
    int64_t result = trale_fiber_await(trale_sleep(&sleep, 60 * TRALE_SECOND));
    record->n_alive--;
    return result;
}

struct crowd {
    struct trale_future future;
    struct trale_scope scope;
    struct crowd_body {
        struct trale_future future;
        struct trale_scope *scope;
        struct record *record;
        struct trale_sleep sleep;
    } body;
    struct trale_timeout timeout;
    struct record *record;
};

trale_async(crowd_body)
{
    trale_begin();
    assert_int_equal(
        trale_scope_spawn(self->scope, nested, .outer = self->record, .inner.body = {.plan = "w0w0", .waits = true}),
        0);
    assert_int_equal(trale_scope_spawn(self->scope, nested, .outer = self->record,
                                       .inner = {.timeout_ns = 60 * TRALE_SECOND, .body = {.plan = "w0a1"}}),
                     0);
    assert_int_equal(trale_scope_spawn_fiber(self->scope, fiber_body, self->record), 0);
    trale_try(trale_sleep(&self->sleep, 60 * TRALE_SECOND));
    trale_return(0);
}

trale_async(crowd)
{
    trale_begin();
    trale_await(trale_timeout(
        &self->timeout,
        trale_scope(&self->scope, trale_call(crowd_body, &self->body, .scope = &self->scope, .record = self->record)),
        60 * TRALE_SECOND));
    trale_return(trale_result());
}

static void test_closing_the_runtime_drops_scopes_in_scopes_timeouts_and_fibers(void **state)
{
    (void)state;
    struct trale *runtime = test_open("timer", TEST_TIMER);
    struct record record = {.n_alive = 0};
    struct trale_task *task = trale_spawn(runtime, crowd, .record = &record);
    for (int i = 0; i < 5; i++) {
        struct run turn = {.body = {.plan = ""}, .future.type = &run_type};
        assert_int_equal(trale_block_on(runtime, &turn.future), 0);
    }
    trale_close(runtime);
    assert_int_equal(trale_join(task), -ECANCELED);
    assert_int_equal(record.n_alive, 0);      /* the fiber has run to its end */
    assert_string_equal(record.text, "0?0?"); /* no inner scope had a child left */
}

static void test_without_a_future_a_timeout_fails_and_a_scope_is_over(void **state)
{
    struct trale_timeout timeout;
    struct trale_scope scope;
    assert_int_equal(trale_block_on(*state, trale_timeout(&timeout, NULL, TRALE_SECOND)), -EINVAL);
    assert_int_equal(trale_block_on(*state, trale_deadline(&timeout, NULL, 0)), -EINVAL);
    assert_int_equal(trale_block_on(*state, trale_scope(&scope, NULL)), 0);
}

static void test_a_timeout_and_a_scope_are_tasks_when_they_are_spawned(void **state)
{
    struct trale_timeout timeout;
    struct trale_scope scope;
    struct trale_sleep sleep;
    struct record record = {.n_alive = 1};
    struct child child = {.future.type = &child_type, .record = &record, .name = 'a', .n_yields = 3, .result = 42};
    struct trale_future *limited = trale_timeout(&timeout, trale_sleep(&sleep, UINT64_MAX), TRALE_MILLISECOND);
    assert_int_equal(trale_join(trale_spawn_frame(*state, limited, sizeof timeout)), -ETIMEDOUT);
    assert_int_equal(trale_join(trale_spawn_frame(*state, trale_scope(&scope, &child.future), sizeof scope)), 42);
}

static void test_a_spawn_from_elsewhere_is_refused(void **state)
{
    struct trale_scope scope;
    struct record record = {.n_alive = 0};
    struct body body = {.future.type = &body_type, .plan = "", .scope = &scope, .record = &record};
    test_make(trale_scope(&scope, &body.future));
    assert_int_equal(trale_scope_spawn(&scope, child, .record = &record, .name = 'a'), -EINVAL);
    assert_int_equal(trale_block_on(*state, &scope.future), 0);
    assert_int_equal(trale_scope_spawn(&scope, child, .record = &record, .name = 'a'), -ECANCELED);
    assert_string_equal(record.text, "-!");
}

/* Spawns into a scope that is over, in its own task. */
struct late {
    struct trale_future future;
    struct trale_scope scope;
    struct record record;
    struct body body;
};

trale_async(late)
{
    trale_begin();
    self->body = (struct body){.future.type = &body_type, .plan = "a0", .scope = &self->scope, .record = &self->record};
    trale_await(trale_scope(&self->scope, &self->body.future));
    trale_return(trale_scope_spawn(&self->scope, child, .record = &self->record, .name = 'z'));
}

static void test_a_scope_that_is_over_takes_nothing_more(void **state)
{
    struct late late = {.body = {.plan = NULL}};
    assert_int_equal(trale_block_on(*state, trale_call(late, &late)), -ECANCELED);
    assert_string_equal(late.record.text, "-!+a-a");
}

/* Awaits a scope that is not in its frame. */
struct visitor {
    struct trale_future future;
    struct trale_scope *scope;
};

trale_async(visitor)
{
    trale_begin();
    trale_await(&self->scope->future);
    trale_return(trale_result());
}

struct canceller {
    struct trale_future future;
    struct trale_scope *scope;
};

trale_async(canceller)
{
    trale_begin();
    trale_scope_cancel(self->scope);
    trale_return(0);
}

static void test_cancelling_a_scope_that_is_over_wakes_nobody(void **state)
{
    struct trale_scope scope;
    struct record record = {.n_alive = 0};
    struct body body = {.future.type = &body_type, .plan = "", .scope = &scope, .record = &record};
    test_make(trale_scope(&scope, &body.future));
    assert_int_equal(trale_join(trale_spawn(*state, visitor, .scope = &scope)), 0);
    /* The task that it would wake is gone. */
    assert_int_equal(trale_join(trale_spawn(*state, canceller, .scope = &scope)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_scope_ends_when_its_last_child_has),
        cmocka_unit_test(test_a_scope_without_children_is_its_body),
        cmocka_unit_test(test_the_first_error_of_a_child_ends_the_others),
        cmocka_unit_test(test_an_error_of_the_body_ends_the_children),
        cmocka_unit_test(test_children_that_had_no_turn_are_dropped_as_well),
        cmocka_unit_test(test_cancelling_ends_body_and_children),
        cmocka_unit_test(test_a_deadline_around_a_scope_leaves_nothing_running),
        cmocka_unit_test(test_aborting_the_task_around_a_scope_drops_the_children),
        cmocka_unit_test(test_closing_the_runtime_drops_scopes_and_children),
        cmocka_unit_test(test_closing_the_runtime_drops_scopes_in_scopes_timeouts_and_fibers),
        cmocka_unit_test(test_a_frame_that_is_refused_is_untouched_unless_the_runtime_closes),
        cmocka_unit_test(test_without_a_future_a_timeout_fails_and_a_scope_is_over),
        cmocka_unit_test(test_an_error_in_an_inner_scope_ends_all_of_the_outer_one),
        cmocka_unit_test(test_a_timeout_and_a_scope_are_tasks_when_they_are_spawned),
        cmocka_unit_test(test_a_spawn_from_elsewhere_is_refused),
        cmocka_unit_test(test_a_scope_that_is_over_takes_nothing_more),
        cmocka_unit_test(test_cancelling_a_scope_that_is_over_wakes_nobody),
    };
    return cmocka_run_group_tests(tests, test_open_timer, test_close_runtime);
}
