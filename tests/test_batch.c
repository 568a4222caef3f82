/* SPDX-License-Identifier: MIT
 *
 * Many datagrams in one call, through the whole runtime, in the thread layout that the environment names. */
#include "tests/support.h"

#define N_MAX 100
#define SIZE 32

/* A runtime with two sockets, and room for what goes from one to the other. */
struct fixture {
    struct trale *runtime;
    struct trale_udp_socket *from, *to;
    struct trale_address from_address, to_address;
    struct trale_datagram outgoing[N_MAX], incoming[N_MAX];
    char sent[N_MAX][SIZE], received[N_MAX][SIZE];
    struct trale_udp_batch batch;
};

static void open_pair(struct fixture *f, const char *address)
{
    assert_int_equal(trale_udp_open(f->runtime, address, 0, &f->from), 0);
    assert_int_equal(trale_udp_open(f->runtime, address, 0, &f->to), 0);
    assert_int_equal(trale_udp_local(f->from, &f->from_address), 0);
    assert_int_equal(trale_udp_local(f->to, &f->to_address), 0);
}

static int set_up(void **state)
{
    struct fixture *f = *state = calloc(1, sizeof *f);
    f->runtime = test_open("timer, udp", TEST_TIMER TEST_UDP);
    open_pair(f, "127.0.0.1:0");
    for (int i = 0; i < N_MAX; i++) {
        snprintf(f->sent[i], SIZE, "datagram %d", i);
        f->outgoing[i] = (struct trale_datagram){
            .buf = f->sent[i], .size = strlen(f->sent[i]), .address = f->to_address};
        f->incoming[i] = (struct trale_datagram){.buf = f->received[i], .size = SIZE, .length = 777};
    }
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    int r = trale_close(f->runtime);
    free(f);
    return r;
}

static int64_t send_batch(struct fixture *f, size_t first, size_t n)
{
    return trale_block_on(f->runtime, trale_udp_send_batch(&f->batch, f->from, f->outgoing + first, n));
}

static int64_t recv_batch(struct fixture *f, size_t first, size_t n)
{
    return trale_block_on(f->runtime, trale_udp_recv_batch(&f->batch, f->to, f->incoming + first, n));
}

static void test_a_batch_arrives_whole_and_in_order(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(send_batch(f, 0, 40), 40);
    assert_int_equal(recv_batch(f, 0, N_MAX), 40);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(f->incoming[i].length, strlen(f->sent[i]));
        assert_memory_equal(f->received[i], f->sent[i], strlen(f->sent[i]));
        assert_memory_equal(&f->incoming[i].address, &f->from_address, sizeof(struct sockaddr_in));
        assert_int_equal(f->incoming[i].segment_size, 0);
    }
    assert_int_equal(f->incoming[40].length, 777);
    assert_string_equal(f->received[40], "");
}

static void test_a_batch_moves_at_most_what_the_header_says(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(send_batch(f, 0, N_MAX), TRALE_UDP_BATCH);
    assert_int_equal(send_batch(f, TRALE_UDP_BATCH, N_MAX - TRALE_UDP_BATCH), N_MAX - TRALE_UDP_BATCH);
    assert_int_equal(recv_batch(f, 0, N_MAX), TRALE_UDP_BATCH);
    assert_int_equal(recv_batch(f, TRALE_UDP_BATCH, N_MAX - TRALE_UDP_BATCH), N_MAX - TRALE_UDP_BATCH);
    for (int i = 0; i < N_MAX; i++)
        assert_memory_equal(f->received[i], f->sent[i], strlen(f->sent[i]));
}

static void test_a_batch_is_filled_in_its_order_and_no_further(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(send_batch(f, 0, 5), 5);
    assert_int_equal(recv_batch(f, 0, 2), 2);
    assert_int_equal(f->incoming[2].length, 777);
    assert_int_equal(recv_batch(f, 2, 50), 3);
    assert_memory_equal(f->received[4], f->sent[4], strlen(f->sent[4]));
}

static void test_an_empty_array_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(send_batch(f, 0, 0), -EINVAL);
    assert_int_equal(recv_batch(f, 0, 0), -EINVAL);
}

static void test_empty_and_cut_datagrams_are_told(void **state)
{
    struct fixture *f = *state;
    f->outgoing[1].size = 0;
    f->incoming[0].size = 4;
    f->incoming[2].size = 0;
    assert_int_equal(send_batch(f, 0, 4), 4);
    assert_int_equal(recv_batch(f, 0, 4), 4);
    assert_int_equal(f->incoming[0].length, strlen("datagram 0"));
    assert_string_equal(f->received[0], "data");
    assert_int_equal(f->incoming[1].length, 0);
    assert_int_equal(f->incoming[2].length, strlen("datagram 2"));
    assert_string_equal(f->received[2], "");
    assert_string_equal(f->received[3], "datagram 3");
}

static void test_what_stands_before_a_bad_datagram_is_sent(void **state)
{
    struct fixture *f = *state;
    f->outgoing[2].address.any.sa_family = AF_UNIX;
    assert_int_equal(send_batch(f, 0, 5), 2);
    assert_int_equal(send_batch(f, 2, 3), -EAFNOSUPPORT);
    f->outgoing[3].segment_size = UINT16_MAX + 1;
    assert_int_equal(send_batch(f, 3, 2), -EINVAL);
    f->outgoing[4].address = (struct trale_address){0};
    assert_int_equal(send_batch(f, 4, 1), -EDESTADDRREQ);
    static char huge[65508];
    f->outgoing[1].buf = huge;
    f->outgoing[1].size = sizeof huge;
    assert_int_equal(send_batch(f, 0, 2), 1);
    assert_int_equal(send_batch(f, 1, 1), -EMSGSIZE);
    assert_int_equal(recv_batch(f, 0, N_MAX), 3);
}

static void test_the_connected_peer_needs_no_address(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(trale_udp_connect(f->from, &f->to_address), 0);
    f->outgoing[0].address = f->outgoing[1].address = (struct trale_address){0};
    assert_int_equal(send_batch(f, 0, 2), 2);
    assert_int_equal(recv_batch(f, 0, 2), 2);
    /* A socket that is connected to itself refuses the others: the next call gets the error, and the sender goes on. */
    assert_int_equal(trale_udp_connect(f->to, &f->to_address), 0);
    assert_int_equal(send_batch(f, 0, 1), 1);
    assert_int_equal(send_batch(f, 0, 2), -ECONNREFUSED);
    assert_int_equal(send_batch(f, 0, 1), 1);
}

static void test_both_families_do_it(void **state)
{
    struct fixture *f = *state;
    open_pair(f, "[::1]:0");
    for (int i = 0; i < 3; i++)
        f->outgoing[i].address = f->to_address;
    assert_int_equal(send_batch(f, 0, 3), 3);
    assert_int_equal(recv_batch(f, 0, 3), 3);
    assert_memory_equal(&f->incoming[2].address, &f->from_address, sizeof f->from_address);
    assert_string_equal(f->received[2], "datagram 2");
}

/* --- waiting ------------------------------------------------------------------------------------------------------ */

struct receiver {
    struct trale_future future;
    struct fixture *f;
    struct trale_udp_batch batch;
    struct trale_timeout timeout;
    uint64_t timeout_ns;
};

trale_async(receiver)
{
    trale_begin();
    trale_await(trale_timeout(&self->timeout, trale_udp_recv_batch(&self->batch, self->f->to, self->f->incoming, N_MAX),
                              self->timeout_ns));
    trale_return(trale_result());
}

struct closer {
    struct trale_future future;
    struct trale_udp_socket *socket;
};

trale_async(closer)
{
    trale_begin();
    trale_yield();
    trale_udp_close(self->socket);
    trale_return(0);
}

static void test_a_receive_waits_for_the_first_datagram(void **state)
{
    struct fixture *f = *state;
    struct trale_task *task = trale_spawn(f->runtime, receiver, .f = f, .timeout_ns = UINT64_MAX);
    assert_int_equal(send_batch(f, 0, 1), 1);
    assert_int_equal(trale_join(task), 1);
    assert_string_equal(f->received[0], "datagram 0");
}

static void test_a_dropped_receive_has_taken_nothing(void **state)
{
    struct fixture *f = *state;
    struct trale_task *task = trale_spawn(f->runtime, receiver, .f = f, .timeout_ns = TRALE_MILLISECOND);
    assert_int_equal(trale_join(task), -ETIMEDOUT);
    assert_int_equal(send_batch(f, 0, 2), 2);
    assert_int_equal(recv_batch(f, 0, 2), 2);
    task = trale_spawn(f->runtime, receiver, .f = f, .timeout_ns = UINT64_MAX);
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
    assert_int_equal(send_batch(f, 2, 2), 2);
    assert_int_equal(recv_batch(f, 2, 2), 2);
    assert_string_equal(f->received[2], "datagram 2");
}

static void test_a_closed_socket_resolves_its_batches(void **state)
{
    struct fixture *f = *state;
    struct trale_task *task = trale_spawn(f->runtime, receiver, .f = f, .timeout_ns = UINT64_MAX);
    assert_int_equal(trale_join(trale_spawn(f->runtime, closer, .socket = f->to)), 0);
    assert_int_equal(trale_join(task), -ECANCELED);
}

/* Sends more than buffers hold; what is lost on the way is lost, but every batch is taken in the end. */
struct pourer {
    struct trale_future future;
    struct fixture *f;
    struct trale_udp_batch batch;
    size_t n_sent;
};

trale_async(pourer)
{
    trale_begin();
    while (self->n_sent < 100 * N_MAX) {
        trale_await(trale_udp_send_batch(&self->batch, self->f->from, self->f->outgoing, N_MAX));
        if (trale_result() < 0)
            trale_return(trale_result());
        self->n_sent += (size_t)trale_result();
    }
    trale_return(0);
}

static void test_a_flood_of_batches_ends(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(trale_udp_set(f->from, TRALE_UDP_SEND_BUFFER, 4096), 0);
    assert_int_equal(trale_join(trale_spawn(f->runtime, pourer, .f = f)), 0);
    assert_true(recv_batch(f, 0, N_MAX) > 0);
}

/* Receives one, with as long as it is given. */
struct impatient {
    struct trale_future future;
    struct fixture *f;
    struct trale_udp_recv recv;
    struct trale_timeout timeout;
    uint64_t timeout_ns;
};

trale_async(impatient)
{
    trale_begin();
    trale_await(trale_timeout(&self->timeout, trale_udp_recv_from(&self->recv, self->f->to, self->f->received[0], SIZE),
                              self->timeout_ns));
    trale_return(trale_result());
}

static void test_what_is_there_wins_over_a_timeout_of_nothing(void **state)
{
    struct fixture *f = *state;
    /* Long without a datagram, so that the socket would rather wait first. */
    for (int i = 0; i < 12; i++)
        assert_int_equal(trale_join(trale_spawn(f->runtime, impatient, .f = f, .timeout_ns = 0)), -ETIMEDOUT);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(send_batch(f, 0, 1), 1);
        assert_int_equal(trale_join(trale_spawn(f->runtime, impatient, .f = f, .timeout_ns = 0)), 10);
    }
}

/* --- fairness ----------------------------------------------------------------------------------------------------- */

struct counter {
    struct trale_future future;
    uint64_t *count;
};

trale_async(counter)
{
    trale_begin();
    for (;;) {
        ++*self->count;
        trale_yield();
    }
}

struct glutton {
    struct trale_future future;
    struct fixture *f;
    struct trale_udp_batch batch;
    uint64_t *count, before;
    int n_in_a_row, n_batches;
};

/* How many batches of 40 came in the same turn as the batch before them. */
trale_async(glutton)
{
    trale_begin();
    for (;;) {
        self->before = *self->count;
        trale_await(trale_udp_recv_batch(&self->batch, self->f->to, self->f->incoming, 40));
        if (trale_result() != 40)
            trale_return(self->n_in_a_row);
        self->n_in_a_row += self->n_batches++ > 0 && *self->count == self->before;
    }
}

static void test_a_batch_costs_what_its_datagrams_would(void **state)
{
    struct fixture *f = *state;
    uint64_t count = 0;
    for (int i = 0; i < 4; i++)
        assert_int_equal(send_batch(f, 0, 40), 40);
    assert_int_equal(send_batch(f, 0, 1), 1);
    struct trale_task *others = trale_spawn(f->runtime, counter, .count = &count);
    assert_int_equal(trale_join(trale_spawn(f->runtime, glutton, .f = f, .count = &count)), 0);
    trale_abort(others);
    assert_int_equal(trale_join(others), -ECANCELED);
}

/* --- segmentation by the kernel ----------------------------------------------------------------------------------- */

static void test_one_buffer_is_sent_as_several_datagrams(void **state)
{
    struct fixture *f = *state;
    static char text[450];
    memset(text, 'x', sizeof text);
    f->outgoing[0] = (struct trale_datagram){
        .buf = text, .size = sizeof text, .segment_size = 100, .address = f->to_address};
    assert_int_equal(send_batch(f, 0, 2), 2);
    assert_int_equal(recv_batch(f, 0, N_MAX), 6);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(f->incoming[i].length, i < 4 ? 100 : 50);
        assert_int_equal(f->incoming[i].segment_size, 0);
    }
    assert_string_equal(f->received[5], "datagram 1");
}

static void test_several_datagrams_are_received_in_one_buffer(void **state)
{
    struct fixture *f = *state;
    static char text[450], buf[65536];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)i;
    assert_int_equal(trale_udp_set(f->to, TRALE_UDP_GRO, 1), 0);
    f->outgoing[0] = (struct trale_datagram){
        .buf = text, .size = sizeof text, .segment_size = 100, .address = f->to_address};
    f->incoming[0] = (struct trale_datagram){.buf = buf, .size = sizeof buf};
    assert_int_equal(send_batch(f, 0, 2), 2);
    assert_int_equal(recv_batch(f, 0, N_MAX), 2);
    assert_int_equal(f->incoming[0].length, sizeof text);
    assert_int_equal(f->incoming[0].segment_size, 100);
    assert_memory_equal(buf, text, sizeof text);
    assert_int_equal(f->incoming[1].segment_size, 0);
    assert_string_equal(f->received[1], "datagram 1");
}

static void test_a_socket_that_puts_datagrams_together_receives_batches_alone(void **state)
{
    struct fixture *f = *state;
    struct trale_udp_recv recv;
    int64_t value = 77;
    assert_int_equal(trale_udp_set(f->to, TRALE_UDP_GRO, 1), 0);
    assert_int_equal(trale_udp_get(f->to, TRALE_UDP_GRO, &value), 0);
    assert_int_equal(value, 1);
    assert_int_equal(send_batch(f, 0, 1), 1);
    assert_int_equal(trale_block_on(f->runtime, trale_udp_recv_from(&recv, f->to, f->received[5], SIZE)), -EOPNOTSUPP);
    assert_int_equal(recv_batch(f, 0, 1), 1);
    assert_int_equal(trale_udp_set(f->to, TRALE_UDP_GRO, 2), -EINVAL);
    assert_int_equal(trale_udp_set(f->to, TRALE_UDP_GRO, 0), 0);
    assert_int_equal(send_batch(f, 0, 1), 1);
    assert_int_equal(trale_block_on(f->runtime, trale_udp_recv_from(&recv, f->to, f->received[5], SIZE)), 10);
}

static void test_pieces_that_are_too_many_are_refused(void **state)
{
    struct fixture *f = *state;
    static char text[4096];
    f->outgoing[0] = (struct trale_datagram){
        .buf = text, .size = sizeof text, .segment_size = 1, .address = f->to_address};
    assert_int_equal(send_batch(f, 0, 2), -EINVAL);
    assert_int_equal(send_batch(f, 1, 1), 1);
    assert_int_equal(recv_batch(f, 0, N_MAX), 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_batch_arrives_whole_and_in_order),
        TEST(test_a_batch_moves_at_most_what_the_header_says),
        TEST(test_a_batch_is_filled_in_its_order_and_no_further),
        TEST(test_an_empty_array_is_refused),
        TEST(test_empty_and_cut_datagrams_are_told),
        TEST(test_what_stands_before_a_bad_datagram_is_sent),
        TEST(test_the_connected_peer_needs_no_address),
        TEST(test_both_families_do_it),
        TEST(test_a_receive_waits_for_the_first_datagram),
        TEST(test_a_dropped_receive_has_taken_nothing),
        TEST(test_a_closed_socket_resolves_its_batches),
        TEST(test_a_flood_of_batches_ends),
        TEST(test_what_is_there_wins_over_a_timeout_of_nothing),
        TEST(test_a_batch_costs_what_its_datagrams_would),
        TEST(test_one_buffer_is_sent_as_several_datagrams),
        TEST(test_several_datagrams_are_received_in_one_buffer),
        TEST(test_a_socket_that_puts_datagrams_together_receives_batches_alone),
        TEST(test_pieces_that_are_too_many_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
