/* SPDX-License-Identifier: MIT
 *
 * Streams in a simulated run, through the runtime: what a program sees of faults. */
#include <pthread.h>
#include <semaphore.h>

#include <trale/sim.h>
#include <trale/stream_socket.h>

#include "tests/folder.h"
#include "tests/open_sim.h"

static struct test_log messages;

/* What both sides saw. */
struct sight {
    uint64_t begins_ns;
    uint32_t n_rounds, n_done;        /* of the client: messages to be sent, and that were answered */
    uint64_t answered_ns[64];         /* since the run began */
    int64_t client_result;            /* of the read or write that ended it; 1: none did */
    uint64_t client_ended_ns;         /* likewise */
    int64_t server_result;            /* of the last connection's */
    uint64_t server_ended_ns;         /* likewise */
    uint32_t n_accepted, n_starts;    /* of the server */
    bool server_reads_nothing, stays; /* the client does not close at its end */
};

static uint64_t since(const struct sight *sight, const struct trale *runtime)
{
    return trale_now((struct trale *)(uintptr_t)runtime) - sight->begins_ns;
}

/* --- a server that answers with what it reads --------------------------------------------------------------------- */

struct answering {
    struct trale_future future;
    struct sight *sight;
    struct trale_stream_socket *socket;
    struct trale_stream_read read;
    struct trale_stream_write write;
    struct trale_sleep sleep;
    char buf[64];
};

static void answering_close(struct answering *self)
{
    trale_stream_close(self->socket);
}

trale_async_with(answering, answering_close)
{
    trale_begin();
    if (self->sight->server_reads_nothing)
        trale_await(trale_sleep(&self->sleep, UINT64_MAX));
    for (;;) {
        trale_await(trale_stream_read(&self->read, self->socket, self->buf, sizeof self->buf));
        if (trale_result() <= 0)
            break;
        trale_await(trale_stream_write(&self->write, self->socket, self->buf, (size_t)trale_result()));
        if (trale_result() < 0)
            break;
    }
    self->sight->server_result = trale_result();
    self->sight->server_ended_ns = since(self->sight, cx->runtime);
    trale_return(0);
}

struct server {
    struct trale_future future;
    struct sight *sight;
    struct trale_stream_listener *listener;
    struct trale_stream_accept accept;
};

static void server_close(struct server *self)
{
    trale_stream_close_listener(self->listener);
}

trale_async_with(server, server_close)
{
    trale_begin();
    self->sight->n_starts++;
    int r = trale_stream_listen(cx->runtime, "10.0.0.2:7", 0, &self->listener);
    if (r < 0)
        trale_return(r);
    for (;;) {
        trale_try(trale_stream_accept(&self->accept, self->listener));
        self->sight->n_accepted++;
        trale_detach(trale_spawn(cx->runtime, answering, .sight = self->sight, .socket = self->accept.socket));
    }
}

struct hosting {
    struct trale_future future;
    struct sight *sight;
    struct trale_address address;
    TRALE_SIM_HOST(server) host;
};

trale_async(hosting)
{
    trale_begin();
    trale_await(trale_sim_host(&self->host, &self->address, server, .sight = self->sight));
    trale_return(trale_result());
}

/* --- a client that sends a message each 100 ms -------------------------------------------------------------------- */

struct client {
    struct trale_future future;
    struct sight *sight;
    struct trale_address to;
    struct trale_stream_connect connect;
    struct trale_stream_read read;
    struct trale_stream_write write;
    struct trale_sleep sleep;
    char sent[16], buf[8];
    size_t n_read;
};

static void client_close(struct client *self)
{
    if (!self->sight->stays)
        trale_stream_close(self->connect.socket);
}

/* One message and its answer. */
trale_async_with(client, client_close)
{
    trale_begin();
    self->sight->client_result = 1;
    trale_await(trale_stream_connect(&self->connect, &self->to));
    for (; trale_result() >= 0 && self->sight->n_done < self->sight->n_rounds; self->sight->n_done++) {
        snprintf(self->sent, sizeof self->sent, "%07u", self->sight->n_done);
        trale_await(trale_stream_write(&self->write, self->connect.socket, self->sent, 7));
        self->n_read = 0;
        while (trale_result() > 0 && self->n_read < 7) {
            trale_await(trale_stream_read(&self->read, self->connect.socket, self->buf + self->n_read,
                                          sizeof self->buf - 1 - self->n_read));
            self->n_read += trale_result() > 0 ? (size_t)trale_result() : 0;
        }
        if (self->n_read < 7)
            break;
        assert_memory_equal(self->buf, self->sent, 7);
        self->sight->answered_ns[self->sight->n_done & 63] = since(self->sight, cx->runtime);
        trale_await(trale_sleep(&self->sleep, 100 * TRALE_MILLISECOND));
    }
    if (self->sight->n_done < self->sight->n_rounds)
        self->sight->client_result = trale_result();
    self->sight->client_ended_ns = since(self->sight, cx->runtime);
    trale_return(0);
}

static struct trale *open_run(struct sight *sight, const char *scenario, const char *options)
{
    char text[2048];
    struct trale *runtime = NULL;
    write_file("scenario", scenario, strlen(scenario), 0644);
    snprintf(text, sizeof text, "scenario = %s/scenario\n%s", folder, options);
    if (open_with(&runtime, &messages, text) < 0)
        fail_msg("%s", messages.text);
    sight->begins_ns = trale_now(runtime);
    const struct trale_address address = test_address("10.0.0.2:0");
    trale_detach(trale_spawn(runtime, hosting, .sight = sight, .address = address));
    return runtime;
}

static struct trale_task *spawn_client(struct trale *runtime, struct sight *sight)
{
    return trale_spawn(runtime, client, .sight = sight, .to = test_address("10.0.0.2:7"));
}

static struct sight run(uint32_t n_rounds, const char *scenario, const char *options)
{
    struct sight sight = {.n_rounds = n_rounds};
    struct trale *runtime = open_run(&sight, scenario, options);
    assert_int_equal(trale_join(spawn_client(runtime, &sight)), 0);
    struct trale_sleep sleep;
    assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, TRALE_SECOND)), 0);
    assert_int_equal(trale_close(runtime), 0);
    return sight;
}

/* --- faults ------------------------------------------------------------------------------------------------------- */

static void test_without_faults_an_answer_takes_a_round_trip(void **state)
{
    (void)state;
    struct sight sight = run(20, "", "latency = 3ms");
    assert_int_equal(sight.n_done, 20);
    for (uint32_t i = 0; i < 20; i++)
        assert_int_equal(sight.answered_ns[i], (6 + 106 * i + 6) * TRALE_MILLISECOND);
    assert_int_equal(sight.server_result, 0);
}

static void test_losses_are_latency_and_nothing_else(void **state)
{
    (void)state;
    struct sight sight = run(50,
                             "from 0s loss * -> * 20% keep\nfrom 0s corrupt * -> * 10% unchecked keep\n"
                             "from 0s duplicate * -> * 30% keep\nfrom 0s reorder * -> * 30% by 20ms keep\n",
                             "");
    assert_int_equal(sight.n_done, 50);
    assert_int_equal(sight.server_result, 0);
    uint32_t n_late = 0;
    for (uint32_t i = 1; i < 50; i++)
        n_late += sight.answered_ns[i] - sight.answered_ns[i - 1] > 300 * TRALE_MILLISECOND;
    assert_in_range(n_late, 10, 45);
}

static void test_a_reset_between_two_hosts_is_seen_on_both_at_its_time(void **state)
{
    (void)state;
    struct sight sight = run(50, "at 1050ms reset 10.0.0.1 -> 10.0.0.2\n", "");
    assert_int_equal(sight.client_result, -ECONNRESET);
    assert_int_equal(sight.server_result, -ECONNRESET);
    assert_int_equal(sight.server_ended_ns, 1050 * TRALE_MILLISECOND);
    assert_in_range(sight.client_ended_ns, 1050 * TRALE_MILLISECOND, 1200 * TRALE_MILLISECOND);
    sight = run(50, "at 1050ms reset 10.0.0.3 -> *\n", "");
    assert_int_equal(sight.n_done, 50);
}

static void test_a_partition_delays_and_a_long_one_ends_the_connection(void **state)
{
    (void)state;
    struct sight sight = run(50, "at 1050ms partition 10.0.0.1 | 10.0.0.2 for 20s keep\n", "");
    assert_int_equal(sight.n_done, 50);
    assert_true(sight.client_ended_ns > 21 * TRALE_SECOND);
    sight = run(50, "at 1050ms partition 10.0.0.1 | 10.0.0.2 keep\n", "");
    assert_int_equal(sight.client_result, -ETIMEDOUT);
    assert_in_range(sight.client_ended_ns, 925 * TRALE_SECOND, 1050 * TRALE_SECOND);
    assert_int_equal(sight.server_ended_ns, 0); /* which only reads, and hears of nothing */
}

static void test_a_server_that_starts_again_resets_its_old_connections(void **state)
{
    (void)state;
    struct sight sight = run(50, "at 1050ms crash 10.0.0.2, restart after 2s\n", "");
    assert_int_equal(sight.client_result, -ECONNRESET);
    assert_in_range(sight.client_ended_ns, 3050 * TRALE_MILLISECOND, 6 * TRALE_SECOND);
    assert_int_equal(sight.n_starts, 2);
    sight = run(50, "at 10ms crash 10.0.0.2, restart after 2s\n", ""); /* while it connects, or later */
    assert_int_equal(sight.n_starts, 2);
    assert_int_equal(sight.client_result, -ECONNRESET);
}

static void test_a_paused_server_answers_when_it_goes_on(void **state)
{
    (void)state;
    struct sight sight = run(20, "at 1050ms pause 10.0.0.2 for 3s\n", "");
    assert_int_equal(sight.n_done, 20);
    assert_int_equal(sight.answered_ns[11] / TRALE_MILLISECOND, 4051);
}

/* --- what is slow ------------------------------------------------------------------------------------------------- */

struct writer {
    struct trale_future future;
    struct trale_address to;
    struct trale_stream_connect connect;
    struct trale_stream_write write;
    const char *bytes;
    size_t size;
};

static void writer_close(struct writer *self)
{
    trale_stream_close(self->connect.socket);
}

trale_async_with(writer, writer_close)
{
    trale_begin();
    trale_try(trale_stream_connect(&self->connect, &self->to));
    trale_await(trale_stream_write(&self->write, self->connect.socket, self->bytes, self->size));
    trale_return(trale_result());
}

/* With threads = 0, another thread may abort a task of a runtime that hangs. */
static sem_t is_hung;

static void write_message(void *data, uint32_t level, const char *source, const char *message)
{
    test_log_write(data, level, source, message);
    if (strstr(message, ": hang after ") != NULL)
        sem_post(&is_hung);
}

static void *abort_when_hung(void *task)
{
    while (sem_wait(&is_hung) < 0)
        ;
    trale_abort(task);
    return NULL;
}

static void test_a_writer_whose_peer_does_not_read_hangs_and_is_found(void **state)
{
    (void)state;
    static const char bytes[1 << 20];
    char text[1024];
    struct sight sight = {.server_reads_nothing = true};
    const struct trale_address address = test_address("10.0.0.2:0"), to = test_address("10.0.0.2:7");
    struct trale *runtime = NULL;
    pthread_t thread;
    messages = (struct test_log){0};
    assert_int_equal(sem_init(&is_hung, 0, 0), 0);
    snprintf(
        text, sizeof text,
        "[runtime]\ndrivers = sim\nthreads = 0\ndrivers_folder = %s\n[driver:sim]\npath = sim.so\nreport = %s/report\n",
        TEST_DRIVERS, folder);
    assert_int_equal(
        trale_open(&runtime, &(struct trale_options){.config_text = text, .log = write_message, .log_data = &messages}),
        0);
    trale_detach(trale_spawn(runtime, hosting, .sight = &sight, .address = address));
    struct trale_task *task = trale_spawn(runtime, writer, .to = to, .bytes = bytes, .size = sizeof bytes);
    assert_int_equal(pthread_create(&thread, NULL, abort_when_hung, task), 0);
    assert_int_equal(trale_join(task), -ECANCELED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(trale_close(runtime), 0);
    assert_non_null(strstr(messages.text, "trale_stream_write"));
    const struct trale_sim_report report = report_of(in_folder("report"));
    assert_non_null(strstr(messages.text, ": hang after "));
    assert_in_range(report.n_bytes, 100000, 500000);
    assert_true(report.virtual_ns < 10 * TRALE_SECOND);
}

struct connecting {
    struct trale_future future;
    struct trale_address to;
    struct trale_stream_connect connect;
    uint64_t *connected_ns;
};

trale_async(connecting)
{
    trale_begin();
    trale_try(trale_stream_connect(&self->connect, &self->to));
    *self->connected_ns = trale_now(cx->runtime);
    trale_return(0);
}

/* Accepts nothing before a time. */
struct tardy {
    struct trale_future future;
    struct trale_stream_listener *listener;
    struct trale_stream_accept accept;
    struct trale_sleep sleep;
    uint32_t n;
};

static void tardy_close(struct tardy *self)
{
    trale_stream_close_listener(self->listener);
}

trale_async_with(tardy, tardy_close)
{
    trale_begin();
    int r = trale_stream_listen(cx->runtime, "10.0.0.2:7", 0, &self->listener);
    if (r < 0)
        trale_return(r);
    trale_await(trale_sleep(&self->sleep, 2 * TRALE_SECOND));
    for (; self->n < 4; self->n++)
        trale_try(trale_stream_accept(&self->accept, self->listener));
    trale_return(0);
}

static void test_a_full_accept_queue_delays_connects(void **state)
{
    (void)state;
    struct trale *runtime = open_sim("backlog = 1\n");
    const struct trale_address to = test_address("10.0.0.2:7");
    uint64_t connected_ns[4] = {0}, begins_ns = trale_now(runtime);
    struct trale_task *tardy = trale_spawn(runtime, tardy, .n = 0), *tasks[4];
    struct trale_sleep sleep;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, 10 * TRALE_MILLISECOND)), 0);
        tasks[i] = trale_spawn(runtime, connecting, .to = to, .connected_ns = &connected_ns[i]);
    }
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(trale_join(tasks[i]), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(connected_ns[i] - begins_ns, (12 + 10 * i) * TRALE_MILLISECOND);
    for (size_t i = 2; i < 4; i++) /* after 1 s the queue is still full, after 3 s it is not */
        assert_int_equal(connected_ns[i] - begins_ns, (3012 + 10 * i) * TRALE_MILLISECOND);
    assert_int_equal(trale_join(tardy), 0);
    assert_int_equal(trale_close(runtime), 0);
}

/* --- the same again ----------------------------------------------------------------------------------------------- */

static struct trale_sim_report run_swarm(int seed, const char *more, struct sight *sight)
{
    char options[1024];
    struct trale *runtime = NULL;
    snprintf(options, sizeof options, "seed = %d\nfaults_for = 5s\nreport = %s/report\n%s\n", seed, folder, more);
    *sight = (struct sight){.n_rounds = 60};
    if (open_with(&runtime, &messages, options) < 0)
        fail_msg("%s", messages.text);
    sight->begins_ns = trale_now(runtime);
    const struct trale_address address = test_address("10.0.0.2:0");
    trale_detach(trale_spawn(runtime, hosting, .sight = sight, .address = address));
    assert_int_equal(trale_join(spawn_client(runtime, sight)), 0);
    assert_int_equal(trale_close(runtime), 0);
    return report_of(in_folder("report"));
}

static void test_a_seed_is_a_run_and_its_list_of_faults_the_same(void **state)
{
    (void)state;
    char out[600], in[600];
    uint32_t n_whole = 0, n_reset = 0, n_refused = 0;
    snprintf(out, sizeof out, "swarm = yes\nscenario_out = %s/list", folder);
    snprintf(in, sizeof in, "scenario = %s/list", folder);
    for (int seed = 1; seed <= 40; seed++) {
        struct sight sights[3];
        struct trale_sim_report reports[3];
        reports[0] = run_swarm(seed, out, &sights[0]);
        reports[1] = run_swarm(seed, "swarm = yes", &sights[1]);
        reports[2] = run_swarm(seed, in, &sights[2]);
        for (int i = 1; i < 3; i++) {
            assert_int_equal(reports[i].hash, reports[0].hash);
            assert_int_equal(reports[i].n_events, reports[0].n_events);
            assert_int_equal(sights[i].client_result, sights[0].client_result);
        }
        int64_t result = sights[0].client_result;
        assert_true(result == 1 || result == -ECONNRESET || result == -ECONNREFUSED || result == -ETIMEDOUT);
        assert_true(result != 1 || sights[0].n_done == 60);
        n_whole += result == 1;
        n_reset += result == -ECONNRESET;
        n_refused += result == -ECONNREFUSED;
    }
    assert_in_range(n_whole, 5, 35);
    assert_in_range(n_reset, 3, 35);
    (void)n_refused;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_without_faults_an_answer_takes_a_round_trip),
        TEST_IN_FOLDER(test_losses_are_latency_and_nothing_else),
        TEST_IN_FOLDER(test_a_reset_between_two_hosts_is_seen_on_both_at_its_time),
        TEST_IN_FOLDER(test_a_partition_delays_and_a_long_one_ends_the_connection),
        TEST_IN_FOLDER(test_a_server_that_starts_again_resets_its_old_connections),
        TEST_IN_FOLDER(test_a_paused_server_answers_when_it_goes_on),
        TEST_IN_FOLDER(test_a_writer_whose_peer_does_not_read_hangs_and_is_found),
        TEST_IN_FOLDER(test_a_full_accept_queue_delays_connects),
        TEST_IN_FOLDER(test_a_seed_is_a_run_and_its_list_of_faults_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
