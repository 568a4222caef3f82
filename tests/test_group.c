/* SPDX-License-Identifier: MIT
 *
 * Several runtimes from one configuration, in the thread layout that the environment names. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "tests/support.h"

static struct trale_group *open_group(int n_instances)
{
    char text[1024];
    struct trale_group *group = NULL;
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = timer, udp\nthreads = %d\ndrivers_folder = %s\ninstances = %d\n" TEST_TIMER TEST_UDP,
             test_threads(), TEST_DRIVERS, n_instances);
    int r = trale_group_open(&group, &(struct trale_options){.config_text = text});
    if (r < 0)
        fail_msg("trale_group_open: %s", strerror(-r));
    return group;
}

struct who {
    struct trale_future future;
    struct trale_sleep sleep;
};

/* Which runtime polls, as a number to be compared. */
trale_async(who)
{
    trale_begin();
    trale_await(trale_sleep(&self->sleep, TRALE_MILLISECOND));
    trale_return((int64_t)(uintptr_t)trale_current());
}

static void test_a_group_has_as_many_runtimes_as_the_setting_says(void **state)
{
    (void)state;
    struct trale_group *group = open_group(3);
    assert_int_equal(trale_group_size(group), 3);
    assert_null(trale_group_runtime(group, 3));
    struct trale_task *tasks[3];
    for (size_t i = 0; i < 3; i++)
        tasks[i] = trale_spawn(trale_group_runtime(group, i), who, .future.at = NULL);
    for (size_t i = 0; i < 3; i++) {
        assert_ptr_not_equal(trale_group_runtime(group, i), trale_group_runtime(group, (i + 1) % 3));
        assert_int_equal(trale_join(tasks[i]), (uintptr_t)trale_group_runtime(group, i));
    }
    assert_int_equal(trale_group_close(group), 0);
    assert_int_equal(trale_group_close(NULL), 0);
}

static void test_zero_is_a_runtime_for_each_core(void **state)
{
    (void)state;
    cpu_set_t cores;
    assert_int_equal(sched_getaffinity(0, sizeof cores, &cores), 0);
    struct trale_group *group = open_group(0);
    assert_int_equal(trale_group_size(group), CPU_COUNT(&cores));
    assert_int_equal(trale_group_close(group), 0);
}

static void test_a_group_that_does_not_open_leaves_its_result_alone(void **state)
{
    (void)state;
    struct test_log log = {0};
    struct trale_group *group = (struct trale_group *)&log;
    const struct trale_options options = {
        .config_text = "[runtime]\ninstances = -1\n", .log = test_log_write, .log_data = &log};
    assert_int_equal(trale_group_open(&group, &options), -EINVAL);
    assert_ptr_equal(group, &log);
    assert_string_equal(log.text, "0 trale: (text):2: [runtime] instances = -1: out of range; allowed: 0 to 1024\n");
}

struct closer {
    struct trale_future future;
    struct trale_group *group;
};

trale_async(closer)
{
    trale_begin();
    trale_return(trale_group_close(self->group));
}

static void test_a_group_is_not_closed_from_inside(void **state)
{
    (void)state;
    struct trale_group *group = open_group(2);
    assert_int_equal(trale_join(trale_spawn(trale_group_runtime(group, 1), closer, .group = group)), -EDEADLK);
    struct trale_task *left = trale_spawn(trale_group_runtime(group, 0), who, .future.at = NULL);
    assert_int_equal(trale_group_close(group), 0);
    int64_t result = trale_join(left);
    assert_true(result == -ECANCELED || result > 0);
}

struct busybody {
    struct trale_future future;
    struct trale_group *group;
    _Atomic int *n_rounds;
};

trale_async(busybody)
{
    trale_begin();
    for (;;) {
        for (size_t i = 0; i < trale_group_size(self->group); i++)
            trale_detach(trale_spawn(trale_group_runtime(self->group, i), who, .future.at = NULL));
        ++*self->n_rounds;
        trale_yield();
    }
}

static void test_tasks_may_use_each_others_runtimes_until_the_group_is_closed(void **state)
{
    (void)state;
    static _Atomic int n_rounds;
    for (int round = 0; round < 10; round++) {
        struct trale_group *group = open_group(3);
        n_rounds = 0;
        for (size_t i = 0; i < 3; i++)
            trale_detach(trale_spawn(trale_group_runtime(group, i), busybody, .group = group, .n_rounds = &n_rounds));
        while (test_threads() > 0 && n_rounds < 10)
            sched_yield();
        assert_int_equal(trale_group_close(group), 0);
    }
}

/* --- one port, several sockets ------------------------------------------------------------------------------------ */

#define N_CLIENTS 64

struct echo {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_udp_recv recv;
    struct trale_udp_send send;
    _Atomic int *n_echoes;
    char buf[16];
};

trale_async(echo)
{
    trale_begin();
    for (;;) {
        trale_await(trale_udp_recv_from(&self->recv, self->socket, self->buf, sizeof self->buf));
        if (trale_result() < 0)
            trale_return(trale_result());
        trale_await(trale_udp_send_to(&self->send, self->socket, self->buf, (size_t)trale_result(), &self->recv.from));
        ++*self->n_echoes;
    }
}

struct client {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_udp_recv recv;
    struct trale_udp_send send;
    struct trale_timeout timeout;
    struct trale_address to;
    char buf[16];
};

trale_async(client)
{
    trale_begin();
    trale_await(trale_udp_send_to(&self->send, self->socket, "ping", 4, &self->to));
    trale_await(trale_timeout(&self->timeout,
                              trale_udp_recv_from(&self->recv, self->socket, self->buf, sizeof self->buf),
                              20 * TRALE_SECOND));
    trale_return(trale_result());
}

static void *poll_runtime(void *runtime)
{
    trale_run(runtime);
    return NULL;
}

static void test_the_kernel_spreads_senders_over_the_sockets_of_one_port(void **state)
{
    (void)state;
    struct trale_group *group = open_group(2);
    static _Atomic int n_echoes[2];
    struct trale_task *echoes[2], *clients[N_CLIENTS];
    struct trale_address address;
    struct trale_udp_socket *socket, *sockets[N_CLIENTS];
    struct trale *own = test_open("timer, udp", TEST_TIMER TEST_UDP);
    pthread_t pollers[2];
    assert_int_equal(trale_address_parse("127.0.0.1:0", &address), 0);
    for (size_t i = 0; i < 2; i++) {
        struct trale *runtime = trale_group_runtime(group, i);
        n_echoes[i] = 0;
        assert_int_equal(trale_udp_open_at(runtime, &address, TRALE_UDP_REUSE_PORT, &socket), 0);
        assert_int_equal(trale_udp_local(socket, &address), 0);
        echoes[i] = trale_spawn(runtime, echo, .socket = socket, .n_echoes = &n_echoes[i]);
        if (test_threads() == 0)
            pthread_create(&pollers[i], NULL, poll_runtime, runtime);
    }
    for (size_t i = 0; i < N_CLIENTS; i++)
        assert_int_equal(trale_udp_open(own, "127.0.0.1:0", 0, &sockets[i]), 0);
    for (size_t i = 0; i < N_CLIENTS; i++)
        clients[i] = trale_spawn(own, client, .socket = sockets[i], .to = address);
    for (size_t i = 0; i < N_CLIENTS; i++)
        assert_int_equal(trale_join(clients[i]), 4);
    for (size_t i = 0; i < 2; i++) {
        trale_abort(echoes[i]);
        assert_int_equal(trale_join(echoes[i]), -ECANCELED);
        if (test_threads() == 0)
            pthread_join(pollers[i], NULL);
    }
    /* That all went to one of them is as likely as 63 heads in a row. */
    assert_true(n_echoes[0] > 0 && n_echoes[1] > 0);
    assert_int_equal(n_echoes[0] + n_echoes[1], N_CLIENTS);
    assert_int_equal(trale_close(own), 0);
    assert_int_equal(trale_group_close(group), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_group_has_as_many_runtimes_as_the_setting_says),
        cmocka_unit_test(test_zero_is_a_runtime_for_each_core),
        cmocka_unit_test(test_a_group_that_does_not_open_leaves_its_result_alone),
        cmocka_unit_test(test_a_group_is_not_closed_from_inside),
        cmocka_unit_test(test_tasks_may_use_each_others_runtimes_until_the_group_is_closed),
        cmocka_unit_test(test_the_kernel_spreads_senders_over_the_sockets_of_one_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
