/* SPDX-License-Identifier: MIT
 *
 * The memory of tasks alone: it is lent once at a time, and goes back to the kernel, whichever thread gives it back.
 * And the count of a task's references. */
#include <pthread.h>
#include <sys/mman.h>

#include "core/executor/task.h"
#include "tests/support.h"

/* --- the memory that the kernel maps and unmaps ------------------------------------------------------------------- */

/* mmap(2) is called mmap64 where offsets have 64 bits, as meson has them. */
static _Atomic int64_t n_bytes_mapped;
static _Atomic bool mmap_fails;

void *__real_mmap64(void *address, size_t size, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *address, size_t size);
void *__wrap_mmap64(void *address, size_t size, int protection, int flags, int fd, off_t offset);
int __wrap_munmap(void *address, size_t size);

void *__wrap_mmap64(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (mmap_fails)
        return MAP_FAILED;
    n_bytes_mapped += (int64_t)size;
    return __real_mmap64(address, size, protection, flags, fd, offset);
}

int __wrap_munmap(void *address, size_t size)
{
    n_bytes_mapped -= (int64_t)size;
    return __real_munmap(address, size);
}

/* --- one thread --------------------------------------------------------------------------------------------------- */

#define CLASS 8u
#define BLOCK_SIZE (CLASS * TASK_POOL_CLASS_BYTES)
#define N_BLOCKS 500000u

static void *blocks[N_BLOCKS];

static struct task_returns returns;
static struct task_pool pool;

static void begin(void)
{
    returns = (struct task_returns){0};
    task_pool_init(&pool, &returns);
}

static void get_all(void)
{
    for (size_t i = 0; i < N_BLOCKS; i++) {
        blocks[i] = task_pool_get(&pool, CLASS);
        assert_non_null(blocks[i]);
        memset(blocks[i], (int)i, BLOCK_SIZE);
    }
}

/* In the order in which they came, so that each slab becomes empty while all later ones are in use. */
static void test_slabs_go_back_when_their_blocks_have(void **state)
{
    (void)state;
    int64_t before = n_bytes_mapped;
    begin();
    get_all();
    assert_true(n_bytes_mapped - before >= (int64_t)N_BLOCKS * BLOCK_SIZE);
    for (size_t i = 0; i < N_BLOCKS; i++)
        task_pool_put(&pool, blocks[i]);
    assert_in_range(n_bytes_mapped - before, 0, TASK_POOL_KEPT + TASK_SLAB_ALIGNMENT);
    assert_int_equal(n_bytes_mapped - before, pool.classes[CLASS].n_bytes);
    task_pool_deinit(&pool);
    assert_int_equal(n_bytes_mapped, before);
}

static void test_what_was_returned_goes_back_when_the_pool_is_tidied(void **state)
{
    (void)state;
    int64_t before = n_bytes_mapped;
    begin();
    get_all();
    for (size_t i = 0; i < N_BLOCKS; i++)
        task_pool_return(blocks[i]);
    task_pool_tidy(&pool);
    assert_in_range(n_bytes_mapped - before, 0, TASK_POOL_KEPT + TASK_SLAB_ALIGNMENT);
    task_pool_deinit(&pool);
    assert_int_equal(n_bytes_mapped, before);
}

static void test_without_memory_there_is_no_block_and_later_there_is(void **state)
{
    (void)state;
    begin();
    mmap_fails = true;
    assert_null(task_pool_get(&pool, CLASS));
    mmap_fails = false;
    void *block = task_pool_get(&pool, CLASS);
    assert_non_null(block);
    task_pool_put(&pool, block);
    task_pool_deinit(&pool);
}

/* --- several threads, and pools that end -------------------------------------------------------------------------- */

#define N_THREADS 3
#define N_PLACES 256
#define N_POOLS 200
#define N_STEPS 3000

static _Atomic(uint64_t *) places[N_PLACES];
static _Atomic bool is_over;

/* What is written into a block that is lent. */
static void mark(uint64_t *block, uint64_t size_class)
{
    block[0] = size_class;
    for (size_t i = 1; i < size_class * TASK_POOL_CLASS_BYTES / sizeof *block; i++)
        block[i] = (uint64_t)(uintptr_t)block ^ i;
}

static void check_mark(const uint64_t *block)
{
    for (size_t i = 1; i < block[0] * TASK_POOL_CLASS_BYTES / sizeof *block; i++)
        if (block[i] != ((uint64_t)(uintptr_t)block ^ i))
            fail_msg("a block was lent twice");
}

static void *return_blocks(void *data)
{
    uint32_t number = *(uint32_t *)data;
    while (!is_over) {
        number = number * 1664525 + 1013904223;
        uint64_t *block = atomic_exchange(&places[(number >> 16) % N_PLACES], NULL);
        if (block == NULL)
            continue;
        check_mark(block);
        task_pool_return(block);
    }
    return NULL;
}

/* The blocks of a pool that ends are given back later: by other threads, or by this one, which has another pool with
 * the same returns by then. */
static void test_blocks_outlive_their_pool_on_any_thread(void **state)
{
    (void)state;
    pthread_t threads[N_THREADS];
    uint32_t numbers[N_THREADS] = {1, 2, 3}, number = 4;
    int64_t before = n_bytes_mapped;
    is_over = false;
    returns = (struct task_returns){0};
    for (size_t i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, return_blocks, &numbers[i]), 0);
    for (size_t n = 0; n < N_POOLS; n++) {
        task_pool_init(&pool, &returns);
        for (size_t step = 0; step < N_STEPS; step++) {
            number = number * 1664525 + 1013904223;
            uint8_t size_class = (uint8_t)(5 + (number >> 8) % 4);
            uint64_t *block = task_pool_get(&pool, size_class);
            mark(block, size_class);
            block = atomic_exchange(&places[(number >> 16) % N_PLACES], block);
            if (block == NULL)
                continue;
            check_mark(block);
            task_pool_put(&pool, block);
        }
        task_pool_deinit(&pool);
    }
    is_over = true;
    for (size_t i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < N_PLACES; i++)
        if (places[i] != NULL)
            task_pool_return(places[i]);
    assert_int_equal(n_bytes_mapped, before);
}

/* --- the count of references -------------------------------------------------------------------------------------- */

static int64_t never_poll(struct trale_future *future, struct trale_context *context)
{
    (void)future;
    (void)context;
    return TRALE_PENDING;
}

/* A task outside any pool, with so many references. */
static struct trale_task *task_with(const struct executor_home *home, uint32_t n_references)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "never", never_poll, NULL};
    const struct trale_future future = {.type = &type};
    struct trale_task *task = task_new(NULL, home, &future, sizeof future, 0);
    assert_non_null(task);
    atomic_store(&task->shared, n_references * TASK_REFERENCE);
    return task;
}

static uint32_t count(const struct trale_task *task)
{
    return atomic_load(&task->shared) / TASK_REFERENCE;
}

static void test_up_to_the_limit_references_are_counted(void **state)
{
    (void)state;
    const uint32_t limit = TASK_REFERENCES_MAX / TASK_REFERENCE;
    struct executor_home home = {.executor = NULL};
    struct trale_task *task = task_with(&home, limit - 3);
    for (uint32_t i = 1; i <= 3; i++) {
        task_reference(task);
        assert_int_equal(count(task), limit - 3 + i);
    }
    for (uint32_t i = 1; i < limit; i++)
        task_release(task, NULL);
    assert_int_equal(count(task), 1);
    task_release(task, NULL); /* frees it */
}

/* A thread that releases looks at the count first, and subtracts later. */
static void test_what_other_threads_release_does_not_undo_the_limit(void **state)
{
    (void)state;
    enum { N_RELEASING = 1000, N_UNCOUNTED = 5000 };
    struct executor_home home = {.executor = NULL};
    struct trale_task *task = task_with(&home, TASK_REFERENCES_MAX / TASK_REFERENCE);
    for (int i = 0; i < N_UNCOUNTED; i++)
        task_reference(task);
    atomic_fetch_sub(&task->shared, N_RELEASING * TASK_REFERENCE);
    uint32_t before = count(task);
    for (int i = 0; i < N_UNCOUNTED; i++)
        task_release(task, NULL);
    assert_int_equal(count(task), before);
    for (int i = 0; i < N_UNCOUNTED; i++)
        task_reference(task);
    assert_int_equal(count(task), before);
    free(task);
}

/* Likewise a thread that makes a reference. */
static void test_what_other_threads_add_does_not_undo_the_limit(void **state)
{
    (void)state;
    enum { N_ADDING = 1000 };
    struct executor_home home = {.executor = NULL};
    struct trale_task *task = task_with(&home, TASK_REFERENCES_MAX / TASK_REFERENCE);
    task_reference(task);
    atomic_fetch_add(&task->shared, N_ADDING * TASK_REFERENCE);
    uint32_t before = count(task);
    task_release(task, NULL);
    assert_int_equal(count(task), before);
    task_finish(task, NULL, 7);
    assert_int_equal(count(task), before);
    assert_true(task_is_finished(task));
    assert_int_equal(*task_result(task), 7);
    free(task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slabs_go_back_when_their_blocks_have),
        cmocka_unit_test(test_what_was_returned_goes_back_when_the_pool_is_tidied),
        cmocka_unit_test(test_without_memory_there_is_no_block_and_later_there_is),
        cmocka_unit_test(test_blocks_outlive_their_pool_on_any_thread),
        cmocka_unit_test(test_up_to_the_limit_references_are_counted),
        cmocka_unit_test(test_what_other_threads_release_does_not_undo_the_limit),
        cmocka_unit_test(test_what_other_threads_add_does_not_undo_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
