/* SPDX-License-Identifier: MIT
 *
 * The memory of UDP sockets, in each thread layout. Where no task runs, the test's thread may use the sockets. */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <trale/udp_info.h>
#include <trale/udp_socket.h>

#include "tests/support.h"

#define N_SOCKETS 5000u /* more than two chunks hold */

/* Room for `n` sockets and what else the process has open. */
static void raise_limit(rlim_t n)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur >= n + 100)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max < n + 100 || setrlimit(RLIMIT_NOFILE, &limit) < 0)
        skip();
}

/* All bound to one port, which a kernel gives and no other process has. */
static void open_all(struct trale *runtime, struct trale_udp_socket *sockets[], size_t n)
{
    struct trale_address local = test_address("127.0.0.1:0");
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(trale_udp_open_at(runtime, &local, TRALE_UDP_REUSE_PORT, &sockets[i]), 0);
        if (i == 0)
            assert_int_equal(trale_udp_local(sockets[0], &local), 0);
    }
}

static void close_all(struct trale_udp_socket *sockets[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        trale_udp_close(sockets[i]);
}

static bool is_resident(const void *address)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    unsigned char resident = 0;
    assert_int_equal(mincore((void *)((uintptr_t)address & ~(page - 1)), page, &resident), 0);
    return (resident & 1) != 0;
}

static size_t count_resident(struct trale_udp_socket *const sockets[], size_t n)
{
    size_t n_resident = 0;
    for (size_t i = 0; i < n; i++)
        n_resident += is_resident(sockets[i]);
    return n_resident;
}

/* Sockets are closed on the thread that polls, for drivers have tasks of their own. */
static void do_in_task(void (*function)(void *runtime))
{
    raise_limit(N_SOCKETS);
    struct trale *runtime = test_open("udp", TEST_UDP);
    test_call_in_task(runtime, function, runtime);
    trale_close(runtime);
}

/* --- memory goes back --------------------------------------------------------------------------------------------- */

enum order { FIRST_TO_LAST, LAST_TO_FIRST, MIXED, N_ORDERS };

static void close_in_order(struct trale_udp_socket *sockets[], size_t n, enum order order)
{
    for (size_t i = 0; i < n; i++)
        trale_udp_close(sockets[order == FIRST_TO_LAST ? i : order == LAST_TO_FIRST ? n - 1 - i : i * 1999 % n]);
}

static void closed_sockets_give_their_memory_back(void *runtime)
{
    static struct trale_udp_socket *sockets[N_SOCKETS];
    for (enum order order = FIRST_TO_LAST; order < N_ORDERS; order++) {
        open_all(runtime, sockets, N_SOCKETS);
        assert_int_equal(count_resident(sockets, N_SOCKETS), N_SOCKETS);
        close_in_order(sockets, N_SOCKETS, order);
        assert_in_range(count_resident(sockets, N_SOCKETS), 0, N_SOCKETS / 2); /* at most one chunk */
    }
}

static void test_sockets_that_are_closed_give_their_memory_back(void **state)
{
    (void)state;
    do_in_task(closed_sockets_give_their_memory_back);
}

static void one_open_socket_keeps_its_chunk(void *runtime)
{
    static struct trale_udp_socket *sockets[N_SOCKETS];
    open_all(runtime, sockets, N_SOCKETS);
    close_all(sockets, N_SOCKETS - 1);
    assert_true(is_resident(sockets[N_SOCKETS - 1]));
    assert_false(is_resident(sockets[N_SOCKETS / 2]));
    struct trale_address local;
    assert_int_equal(trale_udp_local(sockets[N_SOCKETS - 1], &local), 0);
    trale_udp_close(sockets[N_SOCKETS - 1]);
}

static void test_one_open_socket_keeps_no_more_than_its_chunk(void **state)
{
    (void)state;
    do_in_task(one_open_socket_keeps_its_chunk);
}

static void sockets_come_and_go(void *runtime)
{
    static struct trale_udp_socket *sockets[N_SOCKETS];
    open_all(runtime, sockets, N_SOCKETS);
    for (uint32_t round = 0; round < 4; round++) {
        for (size_t i = round; i < N_SOCKETS; i += 3 + round)
            trale_udp_close(sockets[i]);
        for (size_t i = round; i < N_SOCKETS; i += 3 + round)
            open_all(runtime, &sockets[i], 1);
        for (size_t i = 0; i < N_SOCKETS; i += 7)
            assert_int_equal(trale_udp_set(sockets[i], TRALE_UDP_ERRORS, i % 2), 0);
    }
    for (size_t i = 0; i < N_SOCKETS; i += 7) {
        int64_t value = -1;
        assert_int_equal(trale_udp_get(sockets[i], TRALE_UDP_ERRORS, &value), 0);
        assert_int_equal(value, i % 2);
    }
    close_all(sockets, N_SOCKETS / 2); /* the runtime closes the others */
}

static void test_sockets_keep_what_they_are_while_others_come_and_go(void **state)
{
    (void)state;
    do_in_task(sockets_come_and_go);
}

/* --- operations of closed sockets --------------------------------------------------------------------------------- */

struct canceled {
    struct trale_future future;
    struct trale_udp_socket **sockets;
    struct trale_udp_recv recv, dropped;
    struct trale_udp_error error;
    struct trale_udp_send send;
    char buf[8];
};

/* A future that is polled, and others that are not, outlive the memory of their sockets. */
trale_async(canceled)
{
    trale_begin();
    struct trale_future *made = trale_udp_recv_from(&self->recv, self->sockets[0], self->buf, sizeof self->buf);
    made = trale_udp_send_to(&self->send, self->sockets[N_SOCKETS / 2], self->buf, 1, NULL);
    made = trale_udp_recv_error(&self->error, self->sockets[N_SOCKETS - 1], NULL, 0);
    made = trale_udp_recv_from(&self->dropped, self->sockets[N_SOCKETS / 2], self->buf, sizeof self->buf);
    if (trale_future_await(made, cx) != TRALE_PENDING)
        trale_return(-EPROTO);
    close_all(self->sockets, N_SOCKETS);
    if (is_resident(self->sockets[N_SOCKETS / 2]))
        trale_return(-ENOTEMPTY);
    trale_future_drop(&self->dropped.future);
    trale_await(&self->recv.future);
    if (trale_result() != -ECANCELED)
        trale_return(-EPROTO);
    trale_await(&self->send.future);
    if (trale_result() != -ECANCELED)
        trale_return(-EPROTO);
    trale_await(&self->error.future);
    trale_return(trale_result());
}

static void test_operations_are_cancelled_also_when_the_memory_of_their_socket_is_gone(void **state)
{
    (void)state;
    static struct trale_udp_socket *sockets[N_SOCKETS];
    raise_limit(N_SOCKETS);
    struct trale *runtime = test_open("udp", TEST_UDP);
    open_all(runtime, sockets, N_SOCKETS);
    assert_int_equal(trale_join(trale_spawn(runtime, canceled, .sockets = sockets)), -ECANCELED);
    trale_close(runtime);
}

struct reused {
    struct trale_future future;
    struct trale_udp_socket *before, *after;
    struct trale_udp_recv recv;
    char buf[8];
};

trale_async(reused)
{
    trale_begin();
    struct trale_future *made = trale_udp_recv_from(&self->recv, self->before, self->buf, sizeof self->buf);
    trale_udp_close(self->before);
    if (trale_udp_open(cx->runtime, "127.0.0.1:0", 0, &self->after) < 0)
        trale_return(-EPROTO);
    if (self->after != self->before)
        trale_return(-EXDEV);
    trale_await(made);
    trale_return(trale_result());
}

static void test_an_operation_is_not_of_the_next_socket_in_the_same_memory(void **state)
{
    (void)state;
    struct trale *runtime = test_open("udp", TEST_UDP);
    struct trale_udp_socket *socket;
    open_all(runtime, &socket, 1);
    assert_int_equal(trale_join(trale_spawn(runtime, reused, .before = socket)), -ECANCELED);
    trale_close(runtime);
}

/* --- AddressSanitizer --------------------------------------------------------------------------------------------- */

#if defined __SANITIZE_ADDRESS__
#define HAS_ADDRESS_SANITIZER true
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define HAS_ADDRESS_SANITIZER true
#endif
#endif
#ifndef HAS_ADDRESS_SANITIZER
#define HAS_ADDRESS_SANITIZER false
#endif

static void test_address_sanitizer_sees_a_use_of_a_closed_socket(void **state)
{
    (void)state;
    if (!HAS_ADDRESS_SANITIZER)
        skip();
    struct trale *runtime = test_open("udp", TEST_UDP);
    struct trale_udp_socket *socket;
    open_all(runtime, &socket, 1);
    test_close_socket(runtime, socket);
    pid_t child = fork();
    if (child == 0) {
        close(STDERR_FILENO);
        struct trale_address local;
        trale_udp_local(socket, &local);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    trale_close(runtime);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sockets_that_are_closed_give_their_memory_back),
        cmocka_unit_test(test_one_open_socket_keeps_no_more_than_its_chunk),
        cmocka_unit_test(test_sockets_keep_what_they_are_while_others_come_and_go),
        cmocka_unit_test(test_operations_are_cancelled_also_when_the_memory_of_their_socket_is_gone),
        cmocka_unit_test(test_an_operation_is_not_of_the_next_socket_in_the_same_memory),
        cmocka_unit_test(test_address_sanitizer_sees_a_use_of_a_closed_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
