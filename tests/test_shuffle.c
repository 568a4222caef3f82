/* SPDX-License-Identifier: MIT
 *
 * [runtime] shuffle: in which order a seed has tasks polled, in each thread layout. */
#include "core/executor/shuffle.h"
#include "tests/support.h"

#define N_MAX 10

static struct trale *open_with_seed(unsigned seed)
{
    char text[64];
    snprintf(text, sizeof text, "shuffle = %u\n", seed);
    return test_open("", text);
}

/* Writes its letter each time that it is polled. */
struct letter {
    struct trale_future future;
    char letter;
    char *text;
    int n; /* polls */
};

trale_async(letter)
{
    trale_begin();
    for (; self->n > 0; self->n--) {
        strncat(self->text, &self->letter, 1);
        if (self->n > 1)
            trale_yield();
    }
    trale_return(0);
}

/* Spawns a task for each letter while none of them runs, and waits for all. */
struct speller {
    struct trale_future future;
    const char *letters;
    const uint32_t *priorities; /* of each; NULL: normal */
    int n;
    char *text;
    struct trale_task *tasks[N_MAX];
    struct trale_join_future join;
    size_t i;
};

trale_async(speller)
{
    trale_begin();
    for (self->i = 0; self->letters[self->i] != '\0'; self->i++) {
        self->tasks[self->i] = trale_spawn(cx->runtime, letter, .letter = self->letters[self->i], .text = self->text,
                                           .n = self->n);
        if (self->priorities != NULL)
            trale_prioritise(self->tasks[self->i], self->priorities[self->i]);
    }
    for (self->i = 0; self->letters[self->i] != '\0'; self->i++)
        trale_await(trale_join_future(&self->join, self->tasks[self->i]));
    trale_return(0);
}

static void spell(unsigned seed, const char *letters, int n, char *text)
{
    struct speller speller;
    struct trale *runtime = open_with_seed(seed);
    text[0] = '\0';
    assert_int_equal(trale_block_on(runtime, trale_call(speller, &speller, .letters = letters, .n = n, .text = text)),
                     0);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_without_a_seed_tasks_run_in_the_order_of_their_spawns(void **state)
{
    (void)state;
    char text[64];
    spell(0, "abcd", 2, text);
    assert_string_equal(text, "abcdabcd");
}

static void test_a_seed_gives_the_same_order_each_time(void **state)
{
    (void)state;
    char first[64], second[64], other[64];
    spell(7, "abcdefgh", 4, first);
    spell(7, "abcdefgh", 4, second);
    spell(8, "abcdefgh", 4, other);
    assert_int_equal(strlen(first), 32);
    assert_string_equal(first, second);
    assert_string_not_equal(first, other);
}

static void test_each_order_of_four_tasks_comes_with_some_seed(void **state)
{
    (void)state;
    char orders[24][5];
    size_t n_orders = 0;
    for (unsigned seed = 1; seed <= 300; seed++) {
        char text[64];
        size_t i = 0;
        spell(seed, "abcd", 1, text);
        while (i < n_orders && strcmp(orders[i], text) != 0)
            i++;
        if (i < n_orders)
            continue;
        assert_in_range(n_orders, 0, 23);
        assert_int_equal(strlen(text), 4);
        memcpy(orders[n_orders++], text, sizeof orders[0]);
    }
    assert_int_equal(n_orders, 24);
}

/* The first of the tasks that is polled spawns another one. */
struct opener {
    struct trale_future future;
    char *text;
};

trale_async(opener)
{
    trale_begin();
    if (self->text[0] == '\0')
        trale_detach(trale_spawn(cx->runtime, letter, .letter = 'x', .text = self->text, .n = 1));
    strcat(self->text, "o");
    trale_return(0);
}

struct opening {
    struct trale_future future;
    char *text;
    int i;
};

trale_async(opening)
{
    trale_begin();
    for (self->i = 0; self->i < 3; self->i++)
        trale_detach(trale_spawn(cx->runtime, opener, .text = self->text));
    trale_return(0);
}

static void test_a_task_that_comes_later_may_go_before_those_that_wait(void **state)
{
    (void)state;
    static const char *const orders[] = {"oxoo", "ooxo", "ooox"};
    int n_found[3] = {0};
    for (unsigned seed = 1; seed <= 60; seed++) {
        char text[64] = "";
        struct trale *runtime = open_with_seed(seed);
        struct opening opening;
        assert_int_equal(trale_block_on(runtime, trale_call(opening, &opening, .text = text)), 0);
        assert_int_equal(trale_run(runtime), 0);
        assert_int_equal(trale_close(runtime), 0);
        for (size_t i = 0; i < 3; i++)
            n_found[i] += strcmp(text, orders[i]) == 0;
    }
    assert_int_equal(n_found[0] + n_found[1] + n_found[2], 60);
    for (size_t i = 0; i < 3; i++)
        assert_in_range(n_found[i], 8, 40);
}

static void test_priorities_hold_with_a_seed_too(void **state)
{
    (void)state;
    static const uint32_t priorities[] = {TRALE_PRIORITY_LOW, TRALE_PRIORITY_HIGH, TRALE_PRIORITY_NORMAL,
                                          TRALE_PRIORITY_LOW, TRALE_PRIORITY_HIGH};
    for (unsigned seed = 1; seed <= 20; seed++) {
        char text[64] = "";
        struct speller speller;
        struct trale *runtime = open_with_seed(seed);
        /* A priority counts from the next wake on: all are polled once, and then in order. */
        assert_int_equal(trale_block_on(runtime, trale_call(speller, &speller, .letters = "lhnLH", .n = 2,
                                                            .priorities = priorities, .text = text)),
                         0);
        assert_int_equal(trale_close(runtime), 0);
        assert_int_equal(strlen(text), 10);
        const char *last_high = strrchr(text, 'h') > strrchr(text, 'H') ? strrchr(text, 'h') : strrchr(text, 'H');
        const char *last_low = strrchr(text, 'l') < strrchr(text, 'L') ? strrchr(text, 'l') : strrchr(text, 'L');
        assert_true(strrchr(text, 'n') < last_low);
        assert_true(last_high < last_low);
    }
}

/* --- starvation --------------------------------------------------------------------------------------------------- */

#define N_POLLS 20000

struct counter {
    struct trale_future future;
    int *n_polls; /* of all */
    int last;     /* when it was polled */
    int *longest; /* how many polls others had in a row */
    int *n_own;   /* how many it had */
};

trale_async(counter)
{
    trale_begin();
    while (*self->n_polls < N_POLLS) {
        int gap = *self->n_polls - self->last;
        *self->longest = gap > *self->longest ? gap : *self->longest;
        self->last = ++*self->n_polls;
        ++*self->n_own;
        trale_yield();
    }
    trale_return(0);
}

struct counting {
    struct trale_future future;
    int n_polls, longest[N_MAX], n_own[N_MAX];
};

trale_async(counting)
{
    trale_begin();
    for (int i = 0; i < N_MAX; i++)
        trale_detach(trale_spawn(cx->runtime, counter, .n_polls = &self->n_polls, .longest = &self->longest[i],
                                 .n_own = &self->n_own[i]));
    trale_return(0);
}

static void test_no_task_starves(void **state)
{
    (void)state;
    struct trale *runtime = open_with_seed(3);
    struct counting counting;
    assert_int_equal(trale_block_on(runtime, trale_call(counting, &counting)), 0);
    assert_int_equal(trale_run(runtime), 0);
    assert_int_equal(trale_close(runtime), 0);
    for (int i = 0; i < N_MAX; i++) {
        assert_in_range(counting.longest[i], 10, 300); /* (9/10)^300 is 2e-14 */
        assert_in_range(counting.n_own[i], N_POLLS / N_MAX * 9 / 10, N_POLLS / N_MAX * 11 / 10);
    }
}

/* --- the tasks that wait for their poll --------------------------------------------------------------------------- */

static void count_task(void *data, const struct trale_task_info *task)
{
    if (task->runnable && strcmp(task->name, "letter") == 0)
        ++*(int *)data;
}

struct lister {
    struct trale_future future;
    char *text;
    int n_listed;
    struct trale_stats stats;
    int i;
};

trale_async(lister)
{
    trale_begin();
    for (self->i = 0; self->i < 20; self->i++)
        trale_detach(trale_spawn(cx->runtime, letter, .letter = 'a', .text = self->text, .n = 2));
    trale_yield();
    for (; self->i > 0; self->i--) {
        self->n_listed = 0;
        trale_tasks(cx->runtime, count_task, &self->n_listed);
        trale_stats(cx->runtime, &self->stats);
        if (self->n_listed != (int)self->stats.n_runnable || (self->i == 20 && self->n_listed < 15))
            trale_return(-1);
        trale_yield();
    }
    trale_return(0);
}

static void test_runnable_tasks_are_listed_counted_and_dropped_at_the_end(void **state)
{
    (void)state;
    char text[64] = "";
    struct lister lister;
    struct trale *runtime = open_with_seed(1);
    assert_int_equal(trale_block_on(runtime, trale_call(lister, &lister, .text = text)), 0);
    assert_int_equal(trale_close(runtime), 0);
}

/* --- the tree ----------------------------------------------------------------------------------------------------- */

static void count_link(void *data, struct trale_link *link)
{
    (void)link;
    ++*(int *)data;
}

static void test_each_link_is_picked_once_and_each_as_often_as_the_others(void **state)
{
    (void)state;
    enum { N = 1000, N_DRAWS = 50000 };
    static struct trale_link links[N];
    static bool is_taken[N];
    struct shuffle shuffle = {0};
    int n = 0, counts[5] = {0};
    for (size_t i = 0; i < N; i++)
        shuffle_add(&shuffle, &links[i]);
    shuffle_each(&shuffle, count_link, &n);
    assert_int_equal(n, N);
    for (size_t i = 0; i < N; i++) {
        size_t taken = (size_t)(shuffle_pick(&shuffle, 1, i) - links);
        assert_false(is_taken[taken]);
        assert_null(links[taken].next);
        is_taken[taken] = true;
        if (i % 3 == 0) { /* and back, so that it is picked again */
            shuffle_add(&shuffle, &links[taken]);
            is_taken[taken] = false;
        }
    }
    for (size_t i = 0; shuffle.n_links > 0; i++) {
        size_t taken = (size_t)(shuffle_pick(&shuffle, 2, i) - links);
        assert_false(is_taken[taken]);
        is_taken[taken] = true;
    }
    for (size_t i = 0; i < N; i++)
        assert_true(is_taken[i]);
    for (size_t i = 0; i < 5; i++)
        shuffle_add(&shuffle, &links[i]);
    for (uint64_t i = 0; i < N_DRAWS; i++) {
        struct trale_link *link = shuffle_pick(&shuffle, 1, i);
        counts[link - links]++;
        shuffle_add(&shuffle, link);
    }
    for (size_t i = 0; i < 5; i++)
        assert_in_range(counts[i], N_DRAWS / 5 - 500, N_DRAWS / 5 + 500); /* five and a half standard deviations */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_seed_tasks_run_in_the_order_of_their_spawns),
        cmocka_unit_test(test_a_seed_gives_the_same_order_each_time),
        cmocka_unit_test(test_each_order_of_four_tasks_comes_with_some_seed),
        cmocka_unit_test(test_a_task_that_comes_later_may_go_before_those_that_wait),
        cmocka_unit_test(test_priorities_hold_with_a_seed_too),
        cmocka_unit_test(test_no_task_starves),
        cmocka_unit_test(test_runnable_tasks_are_listed_counted_and_dropped_at_the_end),
        cmocka_unit_test(test_each_link_is_picked_once_and_each_as_often_as_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
