/* SPDX-License-Identifier: MIT
 *
 * Faults in a simulated run, through the runtime: each kind does what the scenario says, not before and not after. */
#include <trale/sim.h>

#include "tests/folder.h"
#include "tests/open_sim.h"

static struct test_log messages;

/* Opens a runtime with a scenario, and further options. */
static int open_scenario(struct trale **runtime, const char *scenario, const char *options)
{
    char text[2048];
    write_file("scenario", scenario, strlen(scenario), 0644);
    snprintf(text, sizeof text, "scenario = %s/scenario\n%s", folder, options);
    return open_with(runtime, &messages, text);
}

/* Sends a number every 100 ms, at the times 0, 100 ms, ..., and notes when each has come. */
#define N_NUMBERS 50
struct line {
    uint64_t came_ns[N_NUMBERS]; /* since the run began; 0: it did not come */
    uint32_t n_came[N_NUMBERS];
    uint32_t order[4 * N_NUMBERS], n_order;
    uint64_t begins_ns;
    const char *from, *to;
};

struct sender {
    struct trale_future future;
    struct line *line;
    struct trale_udp_socket *socket;
    struct trale_address to;
    struct trale_udp_send send;
    struct trale_sleep sleep;
    uint32_t number;
};

static void sender_close(struct sender *self)
{
    trale_udp_close(self->socket);
}

trale_async_with(sender, sender_close)
{
    trale_begin();
    int r = trale_udp_open(cx->runtime, self->line->from, 0, &self->socket);
    if (r < 0 || trale_address_parse(self->line->to, &self->to) < 0)
        trale_return(r);
    for (; self->number < N_NUMBERS; self->number++) {
        trale_await(trale_udp_send_to(&self->send, self->socket, &self->number, sizeof self->number, &self->to));
        trale_try(trale_sleep(&self->sleep, 100 * TRALE_MILLISECOND));
    }
    trale_return(0);
}

struct receiver {
    struct trale_future future;
    struct line *line;
    struct trale_udp_socket *socket;
    struct trale_udp_recv recv;
    uint32_t number;
};

static void receiver_close(struct receiver *self)
{
    trale_udp_close(self->socket);
}

trale_async_with(receiver, receiver_close)
{
    trale_begin();
    int r = trale_udp_open(cx->runtime, self->line->to, 0, &self->socket);
    if (r < 0)
        trale_return(r);
    for (;;) {
        trale_try(trale_udp_recv(&self->recv, self->socket, &self->number, sizeof self->number));
        if (self->number >= N_NUMBERS)
            continue;
        struct line *line = self->line;
        if (line->n_came[self->number]++ == 0)
            line->came_ns[self->number] = trale_now(cx->runtime) - line->begins_ns;
        if (line->n_order < 4 * N_NUMBERS)
            line->order[line->n_order++] = self->number;
    }
}

static struct line run_line(const char *scenario, const char *options)
{
    struct line line = {.from = "10.0.0.1:1000", .to = "10.0.0.2:2000"};
    struct trale *runtime = NULL;
    if (open_scenario(&runtime, scenario, options) < 0)
        fail_msg("%s", messages.text);
    line.begins_ns = trale_now(runtime);
    struct trale_task *receiver = trale_spawn(runtime, receiver, .line = &line);
    assert_int_equal(trale_join(trale_spawn(runtime, sender, .line = &line)), 0);
    trale_abort(receiver);
    assert_int_equal(trale_join(receiver), -ECANCELED);
    assert_int_equal(trale_close(runtime), 0);
    return line;
}

static uint32_t count(const struct line *line)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < N_NUMBERS; i++)
        n += line->n_came[i] > 0;
    return n;
}

/* Whether just those numbers came whose time is not in [begins, ends). */
static void assert_cut(const struct line *line, uint32_t begins, uint32_t ends)
{
    for (uint32_t i = 0; i < N_NUMBERS; i++)
        if ((line->n_came[i] == 0) != (i >= begins && i < ends))
            fail_msg("number %u: came %u times", i, line->n_came[i]);
}

static void test_without_faults_all_comes_after_the_latency(void **state)
{
    (void)state;
    struct line line = run_line("", "latency = 3ms");
    assert_int_equal(count(&line), N_NUMBERS);
    for (uint32_t i = 0; i < N_NUMBERS; i++)
        assert_int_equal(line.came_ns[i], (100 * i + 3) * TRALE_MILLISECOND);
}

static void test_a_partition_cuts_off_for_its_time_and_no_longer(void **state)
{
    (void)state;
    struct line line = run_line("at 1s partition 10.0.0.1 | 10.0.0.2 for 500ms\n", "");
    assert_cut(&line, 10, 15);
    line = run_line("at 1s partition 10.0.0.2 | * for 500ms\n", "");
    assert_cut(&line, 10, 15);
    line = run_line("at 1s partition 10.0.0.1 -> 10.0.0.2 for 500ms\n", "");
    assert_cut(&line, 10, 15);
    line = run_line("at 1s partition 10.0.0.2 -> 10.0.0.1 for 500ms\n", "");
    assert_cut(&line, 0, 0);
    line = run_line("at 1s partition 10.0.0.3 | * for 500ms\n", "");
    assert_cut(&line, 0, 0);
}

static void test_a_host_may_be_named_by_each_of_its_addresses(void **state)
{
    (void)state;
    struct line line = run_line("at 1s partition fd00::a00:1 | ::ffff:10.0.0.2 for 500ms\n", "");
    assert_cut(&line, 10, 15);
    line = run_line("at 1s partition 10.0.0.1 -> fd00::a00:2 for 500ms\n", "");
    assert_cut(&line, 10, 15);
    line = run_line("from 1s until 1500ms loss fd00::a00:1 -> * 100%\n", "");
    assert_cut(&line, 10, 15);
    line = run_line("at 1050ms pause fd00::a00:2 for 1s\n", "latency = 3ms");
    assert_int_equal(line.came_ns[11], 2050 * TRALE_MILLISECOND);
}

static void test_the_report_says_which_faults_did_nothing(void **state)
{
    (void)state;
    char options[300];
    snprintf(options, sizeof options, "report = %s/report", folder);
    run_line("at 1s loss * -> fd00::a00:2 1%\nat 1s crash 10.0.0.9\nat 1s loss 10.0.0.9, 10.0.0.1 -> * 1%\n"
             "at 1h pause * for 1s\nat 2s pause 10.0.0.1 for 1ms\n",
             options);
    assert_int_equal(report_of(in_folder("report")).idle_faults, 1 << 1 | 1 << 2 | 1 << 3);
}

static void test_a_fault_without_an_end_lasts_until_the_quiet_unless_it_is_kept(void **state)
{
    (void)state;
    struct line line = run_line("at 1s partition * | *\n", "faults_for = 2s");
    assert_cut(&line, 10, 20);
    line = run_line("at 1s partition * | * keep\n", "faults_for = 2s");
    assert_cut(&line, 10, N_NUMBERS);
}

static void test_rates_are_of_the_size_that_is_said(void **state)
{
    (void)state;
    struct line line = run_line("from 0s loss 10.0.0.1 -> * 50%\n", "");
    assert_in_range(count(&line), 10, 40);
    line = run_line("from 0s loss 10.0.0.1 -> * 100%\n", "");
    assert_int_equal(count(&line), 0);
    line = run_line("from 0s loss * -> 10.0.0.1 100%\n", "");
    assert_int_equal(count(&line), N_NUMBERS);
    line = run_line("from 0s duplicate * -> * 100%\n", "");
    assert_int_equal(line.n_order, 2 * N_NUMBERS);
    line = run_line("from 0s corrupt * -> * 100%\n", "");
    assert_int_equal(count(&line), 0);
}

static void test_reordered_datagrams_are_overtaken(void **state)
{
    (void)state;
    struct line line = run_line("from 0s reorder * -> * 30% by 500ms\n", "");
    uint32_t n_overtaken = 0;
    assert_true(count(&line) >= N_NUMBERS - 5); /* the last may still be held back */
    for (uint32_t i = 1; i < line.n_order; i++)
        n_overtaken += line.order[i] < line.order[i - 1];
    assert_in_range(n_overtaken, 3, 30);
}

static void test_so_many_datagrams_are_dropped_as_is_said(void **state)
{
    (void)state;
    struct line line = run_line("at 1s drop 10.0.0.1 -> 10.0.0.2 3\n", "");
    assert_cut(&line, 10, 13);
}

static void test_a_latency_replaces_the_other_one(void **state)
{
    (void)state;
    struct line line = run_line("from 1s until 2s latency * -> * 40ms\n", "latency = 3ms");
    for (uint32_t i = 0; i < N_NUMBERS; i++)
        assert_int_equal(line.came_ns[i], (100 * i + (i >= 10 && i < 20 ? 40 : 3)) * TRALE_MILLISECOND);
}

static void test_what_comes_to_a_paused_host_waits(void **state)
{
    (void)state;
    struct line line = run_line("at 1050ms pause 10.0.0.2 for 1s\n", "latency = 3ms");
    assert_int_equal(count(&line), N_NUMBERS);
    for (uint32_t i = 0; i < N_NUMBERS; i++)
        assert_int_equal(line.came_ns[i] / TRALE_MILLISECOND, i > 10 && i < 21 ? 2050 : 100 * i + 3);
}

static void test_the_sleeps_of_a_paused_host_end_when_it_goes_on(void **state)
{
    (void)state;
    struct line line = run_line("at 1050ms pause 10.0.0.1 for 1s\nat 1500ms pause 10.0.0.1 for 700ms\n",
                                "latency = 3ms");
    assert_int_equal(count(&line), N_NUMBERS);
    for (uint32_t i = 0; i < N_NUMBERS; i++)
        assert_int_equal(line.came_ns[i] / TRALE_MILLISECOND, i > 10 ? 2203 + 100 * (i - 11) : 100 * i + 3);
}

/* --- hosts that crash --------------------------------------------------------------------------------------------- */

struct life {
    uint32_t n_starts, n_ends, n_helpers_ended;
    uint64_t started_ns[4];
    struct line *line;
};

struct helper {
    struct trale_future future;
    struct life *life;
    struct trale_sleep sleep;
};

static void helper_close(struct helper *self)
{
    self->life->n_helpers_ended++;
}

trale_async_with(helper, helper_close)
{
    trale_begin();
    trale_await(trale_sleep(&self->sleep, UINT64_MAX));
    trale_return(0);
}

/* Receives as `receiver` does, with a task of its own beside it. */
struct server {
    struct trale_future future;
    struct life *life;
    struct receiver receiver;
    uint32_t n_polls; /* of this start */
};

static void server_close(struct server *self)
{
    self->life->n_ends++;
}

trale_async_with(server, server_close)
{
    trale_begin();
    assert_int_equal(self->n_polls++, 0);
    self->life->started_ns[self->life->n_starts++ & 3] = trale_now(cx->runtime) - self->life->line->begins_ns;
    trale_detach(trale_spawn(cx->runtime, helper, .life = self->life));
    trale_await(trale_call(receiver, &self->receiver, .line = self->life->line));
    trale_return(trale_result());
}

struct cluster {
    struct trale_future future;
    struct life *life;
    struct trale_address address;
    TRALE_SIM_HOST(server) host;
};

trale_async(cluster)
{
    trale_begin();
    trale_await(trale_sim_host(&self->host, &self->address, server, .life = self->life));
    trale_return(trale_result());
}

/* A host whose program waits. */
struct idler {
    struct trale_future future;
    struct life *life;
    struct trale_address address;
    TRALE_SIM_HOST(helper) host;
};

trale_async(idler)
{
    trale_begin();
    trale_await(trale_sim_host(&self->host, &self->address, helper, .life = self->life));
    trale_return(trale_result());
}

static void test_a_host_that_crashes_begins_again(void **state)
{
    (void)state;
    struct line line = {.from = "10.0.0.1:1000", .to = "10.0.0.2:2000"};
    struct life life = {.line = &line};
    struct trale_address address;
    struct trale *runtime = NULL;
    assert_int_equal(trale_address_parse(line.to, &address), 0);
    assert_int_equal(open_scenario(&runtime,
                                   "at 1050ms crash 10.0.0.2, restart after 1s\n"
                                   "at 3050ms crash 10.0.0.2, restart after 200ms\n"
                                   "at 3100ms crash 10.0.0.2, restart after 400ms\n",
                                   ""),
                     0);
    line.begins_ns = trale_now(runtime);
    struct trale_task *cluster = trale_spawn(runtime, cluster, .life = &life, .address = address);
    assert_int_equal(trale_join(trale_spawn(runtime, sender, .line = &line)), 0);
    assert_int_equal(life.n_starts, 3);
    assert_int_equal(life.n_ends, 2);
    assert_int_equal(life.n_helpers_ended, 2);
    assert_int_equal(life.started_ns[1], 2050 * TRALE_MILLISECOND);
    assert_int_equal(life.started_ns[2], 3500 * TRALE_MILLISECOND);
    for (uint32_t i = 0; i < N_NUMBERS; i++)
        assert_int_equal(line.n_came[i], (i > 10 && i < 21) || (i > 30 && i < 35) ? 0 : 1);
    trale_abort(cluster);
    assert_int_equal(trale_join(cluster), -ECANCELED);
    assert_int_equal(life.n_ends, 3);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(life.n_helpers_ended, 3);
}

static uint64_t processor_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * TRALE_SECOND + (uint64_t)now.tv_nsec;
}

/* How long so many hosts take to crash, and to begin again. */
static uint64_t crash_all(uint32_t n_hosts)
{
    struct life life = {.line = NULL};
    struct trale *runtime = NULL;
    struct trale_sleep sleep;
    struct trale_task **tasks = calloc(n_hosts, sizeof *tasks);
    assert_int_equal(open_scenario(&runtime, "at 1s crash *, restart after 1s\n", ""), 0);
    for (uint32_t i = 0; i < n_hosts; i++) {
        struct trale_address address = test_address("10.0.0.1:0");
        address.v4.sin_addr.s_addr = htonl(0x0a000001 + i);
        tasks[i] = trale_spawn(runtime, idler, .life = &life, .address = address);
    }
    assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, 999 * TRALE_MILLISECOND)), 0);
    uint64_t began_ns = processor_ns();
    assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, 2 * TRALE_SECOND)), 0);
    uint64_t took_ns = processor_ns() - began_ns;
    assert_int_equal(life.n_helpers_ended, n_hosts);
    for (uint32_t i = 0; i < n_hosts; i++)
        trale_abort(tasks[i]);
    for (uint32_t i = 0; i < n_hosts; i++)
        assert_int_equal(trale_join(tasks[i]), -ECANCELED);
    assert_int_equal(life.n_helpers_ended, 2 * n_hosts);
    assert_int_equal(trale_close(runtime), 0);
    free(tasks);
    return took_ns;
}

static void test_a_crash_of_all_hosts_takes_time_in_proportion_to_their_number(void **state)
{
    (void)state;
    uint64_t few_ns = UINT64_MAX, many_ns = UINT64_MAX;
    for (int i = 0; i < 3; i++) {
        uint64_t took_ns = crash_all(100);
        few_ns = took_ns < few_ns ? took_ns : few_ns;
        took_ns = crash_all(3200);
        many_ns = took_ns < many_ns ? took_ns : many_ns;
    }
    if (many_ns > 32 * 4 * few_ns)
        fail_msg("%.3f ms for 100 hosts, %.3f ms for 3200", (double)few_ns / 1e6, (double)many_ns / 1e6);
}

/* How often the program of 10.0.0.2 began and ended, until the last number was sent. */
static struct life run_life(const char *scenario, uint64_t appears_ns)
{
    struct line line = {.from = "10.0.0.1:1000", .to = "10.0.0.2:2000"};
    struct life life = {.line = &line};
    struct trale_address address;
    struct trale *runtime = NULL;
    struct trale_sleep sleep;
    assert_int_equal(trale_address_parse(line.to, &address), 0);
    if (open_scenario(&runtime, scenario, "") < 0)
        fail_msg("%s", messages.text);
    line.begins_ns = trale_now(runtime);
    assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, appears_ns)), 0);
    struct trale_task *cluster = trale_spawn(runtime, cluster, .life = &life, .address = address);
    assert_int_equal(trale_join(trale_spawn(runtime, sender, .line = &line)), 0);
    struct life seen = life;
    trale_abort(cluster);
    assert_int_equal(trale_join(cluster), -ECANCELED);
    assert_int_equal(trale_close(runtime), 0);
    return seen;
}

static void test_two_crashes_of_one_moment_are_one(void **state)
{
    (void)state;
    struct life life = run_life("at 1s crash 10.0.0.2, restart after 1s\n"
                                "at 1s crash 10.0.0.2, 10.0.0.9, restart after 2s\n",
                                0);
    assert_int_equal(life.n_starts, 2);
    assert_int_equal(life.n_ends, 1);
    assert_int_equal(life.started_ns[1], 3 * TRALE_SECOND);
}

static void test_a_host_that_appears_in_a_crash_begins_after_it(void **state)
{
    (void)state;
    struct life life = run_life("at 1s crash 10.0.0.2, restart after 1s\nat 3s crash 10.0.0.2, restart after 1s\n",
                                1500 * TRALE_MILLISECOND);
    assert_int_equal(life.n_starts, 2);
    assert_int_equal(life.n_ends, 1);
    assert_int_equal(life.started_ns[0], 2 * TRALE_SECOND);
    assert_int_equal(life.started_ns[1], 4 * TRALE_SECOND);
}

static void test_a_pause_holds_for_a_host_that_appears_in_it_and_ends(void **state)
{
    (void)state;
    struct line line = run_line("from 0s pause 10.0.0.2 for 1s\n", "latency = 3ms");
    assert_int_equal(count(&line), N_NUMBERS);
    for (uint32_t i = 0; i < N_NUMBERS; i++)
        assert_int_equal(line.came_ns[i] / TRALE_MILLISECOND, i < 10 ? 1000 : 100 * i + 3);
}

static void test_a_host_is_its_program_where_there_is_no_simulation(void **state)
{
    (void)state;
    struct line line = {.from = "127.0.0.1:0"};
    char to[TRALE_ADDRESS_TEXT];
    char text[1024];
    struct trale *runtime = NULL;
    snprintf(text, sizeof text, "[runtime]\ndrivers = timer, udp\nthreads = 0\ndrivers_folder = %s\n%s%s", TEST_DRIVERS,
             TEST_TIMER, TEST_UDP);
    assert_int_equal(trale_open(&runtime, &(struct trale_options){.config_text = text}), 0);
    struct trale_udp_socket *socket;
    struct trale_address address;
    assert_int_equal(trale_udp_open(runtime, "127.0.0.1:0", 0, &socket), 0);
    assert_int_equal(trale_udp_local(socket, &address), 0);
    trale_udp_close(socket);
    trale_address_format(&address, to, sizeof to);
    line.to = to;
    struct life life = {.line = &line};
    struct trale_task *cluster = trale_spawn(runtime, cluster, .life = &life, .address = address);
    struct trale_sleep sleep;
    assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, TRALE_MILLISECOND)), 0);
    trale_abort(cluster);
    assert_int_equal(trale_join(cluster), -ECANCELED);
    assert_int_equal(life.n_starts, 1);
    assert_int_equal(life.n_ends, 1);
    assert_int_equal(trale_close(runtime), 0);
}

/* --- clocks ------------------------------------------------------------------------------------------------------- */

static void test_a_step_of_the_clock_moves_the_time_of_day_alone(void **state)
{
    (void)state;
    struct trale *runtime = NULL;
    struct trale_sleep sleep;
    assert_int_equal(open_scenario(&runtime, "at 1s clock * step -1h\nat 2s clock * step 2min\n", ""), 0);
    uint64_t wall = trale_now_on(runtime, TRALE_CLOCK_REALTIME), steady = trale_now(runtime);
    assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, 1500 * TRALE_MILLISECOND)), 0);
    assert_int_equal(trale_now(runtime), steady + 1500 * TRALE_MILLISECOND);
    assert_int_equal(trale_now_on(runtime, TRALE_CLOCK_REALTIME),
                     wall + 1500 * TRALE_MILLISECOND - 3600 * TRALE_SECOND);
    assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, TRALE_SECOND)), 0);
    assert_int_equal(trale_now_on(runtime, TRALE_CLOCK_REALTIME),
                     wall + 2500 * TRALE_MILLISECOND - 3480 * TRALE_SECOND);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_the_time_of_day_stays_between_1970_and_2262(void **state)
{
    (void)state;
    struct trale *runtime = NULL;
    struct trale_sleep sleep;
    assert_int_equal(open_scenario(&runtime,
                                   "at 1s clock * step 2562047h\nat 2s clock * step 2562047h\n"
                                   "at 3s clock * step -2562047h\nat 4s clock * step -2562047h\n",
                                   ""),
                     0);
    assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, 2500 * TRALE_MILLISECOND)), 0);
    assert_in_range(trale_now_on(runtime, TRALE_CLOCK_REALTIME), INT64_MAX, INT64_MAX + TRALE_SECOND);
    assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, 2 * TRALE_SECOND)), 0);
    assert_in_range(trale_now_on(runtime, TRALE_CLOCK_REALTIME), 0, TRALE_SECOND);
    assert_int_equal(trale_close(runtime), 0);
}

/* On the host of its address, until the host's clock reaches a time of day; resolves to how long that took, in ms. */
struct waiter {
    struct trale_future future;
    const char *address;
    struct trale_udp_socket *socket;
    struct trale_sleep sleep;
    uint64_t began_ns;
};

static void waiter_close(struct waiter *self)
{
    trale_udp_close(self->socket);
}

trale_async_with(waiter, waiter_close)
{
    trale_begin();
    int r = trale_udp_open(cx->runtime, self->address, 0, &self->socket);
    if (r < 0)
        trale_return(r);
    self->began_ns = trale_now(cx->runtime);
    trale_await(trale_sleep_on(&self->sleep, TRALE_CLOCK_REALTIME,
                               trale_now_on(cx->runtime, TRALE_CLOCK_REALTIME) + 10 * TRALE_SECOND, 0));
    trale_return((int64_t)((trale_now(cx->runtime) - self->began_ns) / TRALE_MILLISECOND));
}

static void test_each_host_has_a_time_of_day_of_its_own_and_deadlines_follow_it(void **state)
{
    (void)state;
    struct trale *runtime = NULL;
    assert_int_equal(open_scenario(&runtime, "at 1s clock 10.0.0.2 step 4s\nat 2s clock 10.0.0.3 step -3s\n", ""), 0);
    struct trale_task *first = trale_spawn(runtime, waiter, .address = "10.0.0.5:1000");
    struct trale_task *second = trale_spawn(runtime, waiter, .address = "10.0.0.2:1000");
    struct trale_task *third = trale_spawn(runtime, waiter, .address = "10.0.0.3:1000");
    assert_int_equal(trale_join(first), 10000);
    assert_int_equal(trale_join(second), 6000);
    assert_int_equal(trale_join(third), 13000);
    assert_int_equal(trale_close(runtime), 0);
}

/* --- lists -------------------------------------------------------------------------------------------------------- */

static void test_a_list_that_was_drawn_is_the_same_run_as_a_scenario(void **state)
{
    (void)state;
    char options[1024];
    for (int seed = 1; seed <= 20; seed++) {
        struct trale_sim_report reports[2];
        for (int i = 0; i < 2; i++) {
            struct line line = {.from = "10.0.0.1:1000", .to = "10.0.0.2:2000"};
            struct trale *runtime = NULL;
            snprintf(options, sizeof options, "seed = %d\nfaults_for = 5s\nreport = %s/report\n%s%s%s", seed, folder,
                     i == 0 ? "swarm = yes\nscenario_out = " : "scenario = ", folder, i == 0 ? "/list" : "/list");
            char text[2048];
            snprintf(text, sizeof text,
                     "[runtime]\ndrivers = sim\nthreads = 0\ndrivers_folder = %s\n[driver:sim]\npath = sim.so\n%s\n",
                     TEST_DRIVERS, options);
            assert_int_equal(trale_open(&runtime, &(struct trale_options){.config_text = text}), 0);
            line.begins_ns = trale_now(runtime);
            struct trale_task *receiver = trale_spawn(runtime, receiver, .line = &line);
            assert_int_equal(trale_join(trale_spawn(runtime, sender, .line = &line)), 0);
            trale_detach(receiver);
            assert_int_equal(trale_close(runtime), 0);
            reports[i] = report_of(in_folder("report"));
        }
        assert_int_equal(reports[0].hash, reports[1].hash);
        assert_int_equal(reports[0].n_events, reports[1].n_events);
        assert_int_equal(reports[0].n_faults, reports[1].n_faults);
    }
}

/* Whether any line of the list has a fault between two hosts of which one is 10.0.0.1, the home of the program. */
static bool list_has_home(void)
{
    char line[256];
    bool has_home = false;
    FILE *file = fopen(in_folder("list"), "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL)
        has_home |= strstr(line, "10.0.0.1") != NULL && strstr(line, "10.0.0.2") != NULL;
    fclose(file);
    return has_home;
}

static void test_a_socket_of_any_address_has_faults_that_are_drawn(void **state)
{
    (void)state;
    const char *const froms[] = {"0.0.0.0:0", "[::]:0", "127.0.0.1:0"};
    uint32_t n_with_home[3] = {0};
    for (size_t i = 0; i < 3; i++)
        for (int seed = 1; seed <= 20; seed++) {
            struct line line = {.from = froms[i], .to = i == 1 ? "[fd00::a00:2]:2000" : "10.0.0.2:2000"};
            char options[600];
            snprintf(options, sizeof options, "seed = %d\nswarm = yes\nscenario_out = %s/list\n", seed, folder);
            struct trale *runtime = open_sim(options);
            struct trale_task *receiver = trale_spawn(runtime, receiver, .line = &line);
            trale_join(trale_spawn(runtime, sender, .line = &line));
            trale_detach(receiver);
            trale_close(runtime);
            n_with_home[i] += list_has_home();
        }
    assert_in_range(n_with_home[0], 10, 20);
    assert_in_range(n_with_home[1], 10, 20);
    assert_int_equal(n_with_home[2], 0); /* of loopback alone */
}

static void test_a_scenario_that_is_wrong_is_refused_with_its_line(void **state)
{
    (void)state;
    struct trale *runtime = NULL;
    assert_int_equal(open_scenario(&runtime, "; a comment\n\nat 1s los * -> * 1%\n", ""), -EINVAL);
    assert_non_null(strstr(messages.text, "/scenario:3: 'los' is not a fault: loss,"));
    assert_int_equal(open_scenario(&runtime, "at 1s loss * -> * 1%\nat 10s loss * -> * 1%\n", ""), -EINVAL);
    assert_non_null(strstr(messages.text, "/scenario:2: the fault begins when the faults of the run have ended "
                                          "(faults_for = 10s); say when it ends, or that it lasts, by 'keep'"));
    assert_int_equal(open_scenario(&runtime, "at 1s crash 10.0.0.1", "faults_for = 1s"), -EINVAL);
    assert_non_null(strstr(messages.text, "/scenario:1: the fault begins when"));
    assert_int_equal(open_scenario(&runtime, "", "faults = loss, flood"), -EINVAL);
    assert_non_null(strstr(messages.text, "faults = loss, flood: allowed are all, none, or words of loss,"));
    assert_int_equal(open_scenario(&runtime, "", "scenario_out = /nowhere/list"), -ENOENT);
    assert_non_null(strstr(messages.text, "scenario_out = /nowhere/list: No such file or directory"));
    assert_null(runtime);
}

static void test_a_scenario_may_go_on_when_the_faults_of_the_run_have_ended(void **state)
{
    (void)state;
    struct trale *runtime = NULL;
    const char *scenario = "at 10s loss * -> * 1% for 1s\nat 10s crash 10.0.0.1, restart after 1s\n"
                           "from 11s until 12s mtu * -> * 576\nat 20s pause * keep\n"
                           "at 11s clock 10.0.0.1 step 1s\nat 11s signal 10.0.0.1 TERM\nat 11s reset * -> *\n";
    assert_int_equal(open_scenario(&runtime, scenario, ""), 0);
    assert_int_equal(trale_close(runtime), 0);
}

/* Opens with a scenario of these bytes, and expects that it is refused with this message. */
static void assert_refused(const char *bytes, size_t size, const char *message)
{
    char text[1024];
    struct trale *runtime = NULL;
    messages = (struct test_log){0};
    write_file("bytes", bytes, size, 0644);
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = sim\nthreads = 0\ndrivers_folder = %s\n[driver:sim]\npath = sim.so\n"
             "scenario = %s/bytes\n",
             TEST_DRIVERS, folder);
    const struct trale_options options = {.config_text = text, .log = test_log_write, .log_data = &messages};
    assert_int_equal(trale_open(&runtime, &options), -EINVAL);
    if (strstr(messages.text, message) == NULL)
        fail_msg("%s", messages.text);
}

static void test_a_scenario_that_is_no_text_is_refused(void **state)
{
    (void)state;
    static const char at_the_end[] = "at 1s crash 10.0.0.1\0, restart after 1s", in_between[] = "\n\0\nat 1s\n";
    static char large[100000];
    assert_refused(at_the_end, sizeof at_the_end - 1, "/bytes:1: the line has a byte 0");
    assert_refused(in_between, sizeof in_between - 1, "/bytes:2: the line has a byte 0");
    memset(large, 'x', sizeof large);
    assert_refused(large, sizeof large, "/bytes:1: the line has more than 2047 bytes");
}

static void test_files_that_could_not_be_written_are_named_at_the_end(void **state)
{
    (void)state;
    struct line line = run_line("at 1s pause 10.0.0.2 for 1s\n", "events = /dev/full\nscenario_out = /dev/full");
    assert_int_equal(count(&line), N_NUMBERS);
    assert_non_null(strstr(messages.text, "events = /dev/full: No space left on device"));
    assert_non_null(strstr(messages.text, "scenario_out = /dev/full: No space left on device"));
}

/* --- marks -------------------------------------------------------------------------------------------------------- */

struct marker {
    struct trale_future future;
};

trale_async(marker)
{
    trale_begin();
    for (int i = 0; i < 3; i++)
        trale_sometimes("this line is reached");
    trale_sim_success(cx->runtime);
    trale_return(0);
}

static void test_marks_and_success_are_in_the_report(void **state)
{
    (void)state;
    struct trale *runtime = NULL;
    struct trale_sim_report report;
    char options[300];
    snprintf(options, sizeof options, "report = %s/report", folder);
    assert_int_equal(open_scenario(&runtime, "", options), 0);
    assert_int_equal(trale_join(trale_spawn(runtime, marker)), 0);
    assert_int_equal(trale_close(runtime), 0);
    report = report_of(in_folder("report"));
    assert_int_equal(report.n_marks, 1);
    assert_string_equal(report.marks[0].name, "this line is reached");
    assert_int_equal(report.marks[0].n_reached, 1);
    assert_int_equal(report.success_ns, 0);
}

struct many_marks {
    struct trale_future future;
};

/* Marks whose names are as long as can be, and differ at the end. */
trale_async(many_marks)
{
    trale_begin();
    for (int i = 0; i < 2 * (TRALE_SIM_MARKS + 8); i++) {
        char name[TRALE_SIM_MARK_NAME];
        snprintf(name, sizeof name, "%0*d", (int)sizeof name - 1, i / 2);
        const struct trale_sim *sim = trale_sim(cx->runtime);
        sim->reached(sim->interface.instance, name);
    }
    trale_return(0);
}

static void test_marks_with_long_names_are_told_apart_and_too_many_are_said(void **state)
{
    (void)state;
    struct trale *runtime = NULL;
    char options[300], name[TRALE_SIM_MARK_NAME];
    snprintf(options, sizeof options, "report = %s/report", folder);
    assert_int_equal(open_scenario(&runtime, "", options), 0);
    assert_int_equal(trale_join(trale_spawn(runtime, many_marks)), 0);
    assert_int_equal(trale_close(runtime), 0);
    const struct trale_sim_report report = report_of(in_folder("report"));
    assert_int_equal(report.n_marks, TRALE_SIM_MARKS);
    assert_int_equal(report.n_marks_lost, 2 * 8);
    for (int i = 0; i < TRALE_SIM_MARKS; i++) {
        snprintf(name, sizeof name, "%0*d", (int)sizeof name - 1, i);
        assert_string_equal(report.marks[i].name, name);
        assert_int_equal(report.marks[i].n_reached, 2);
    }
    assert_non_null(strstr(messages.text, "more than 512 marks were reached; not counted: trale_sometimes(\"0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_without_faults_all_comes_after_the_latency),
        TEST_IN_FOLDER(test_a_partition_cuts_off_for_its_time_and_no_longer),
        TEST_IN_FOLDER(test_a_host_may_be_named_by_each_of_its_addresses),
        TEST_IN_FOLDER(test_the_report_says_which_faults_did_nothing),
        TEST_IN_FOLDER(test_a_fault_without_an_end_lasts_until_the_quiet_unless_it_is_kept),
        TEST_IN_FOLDER(test_rates_are_of_the_size_that_is_said),
        TEST_IN_FOLDER(test_reordered_datagrams_are_overtaken),
        TEST_IN_FOLDER(test_so_many_datagrams_are_dropped_as_is_said),
        TEST_IN_FOLDER(test_a_latency_replaces_the_other_one),
        TEST_IN_FOLDER(test_what_comes_to_a_paused_host_waits),
        TEST_IN_FOLDER(test_the_sleeps_of_a_paused_host_end_when_it_goes_on),
        TEST_IN_FOLDER(test_a_host_that_crashes_begins_again),
        TEST_IN_FOLDER(test_a_crash_of_all_hosts_takes_time_in_proportion_to_their_number),
        TEST_IN_FOLDER(test_two_crashes_of_one_moment_are_one),
        TEST_IN_FOLDER(test_a_host_that_appears_in_a_crash_begins_after_it),
        TEST_IN_FOLDER(test_a_pause_holds_for_a_host_that_appears_in_it_and_ends),
        TEST_IN_FOLDER(test_a_host_is_its_program_where_there_is_no_simulation),
        TEST_IN_FOLDER(test_a_step_of_the_clock_moves_the_time_of_day_alone),
        TEST_IN_FOLDER(test_the_time_of_day_stays_between_1970_and_2262),
        TEST_IN_FOLDER(test_each_host_has_a_time_of_day_of_its_own_and_deadlines_follow_it),
        TEST_IN_FOLDER(test_a_list_that_was_drawn_is_the_same_run_as_a_scenario),
        TEST_IN_FOLDER(test_a_socket_of_any_address_has_faults_that_are_drawn),
        TEST_IN_FOLDER(test_a_scenario_that_is_wrong_is_refused_with_its_line),
        TEST_IN_FOLDER(test_a_scenario_may_go_on_when_the_faults_of_the_run_have_ended),
        TEST_IN_FOLDER(test_a_scenario_that_is_no_text_is_refused),
        TEST_IN_FOLDER(test_files_that_could_not_be_written_are_named_at_the_end),
        TEST_IN_FOLDER(test_marks_and_success_are_in_the_report),
        TEST_IN_FOLDER(test_marks_with_long_names_are_told_apart_and_too_many_are_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
