/* SPDX-License-Identifier: MIT
 *
 * What the layer `record` writes of a run with real drivers, and what [driver:sim] replay = FILE makes of it: the same
 * run; or the first thing that the program does differently. */
#include <inttypes.h>
#include <sys/stat.h>

#include <trale/branches.h>
#include <trale/random.h>
#include <trale/recording.h>
#include <trale/sim_report.h>
#include <trale/stream_unix.h>
#include <trale/sync.h>
#include <trale/udp_info.h>
#include <trale/udp_socket.h>

#include "tests/folder.h"
#include "tests/support.h"

static int open_with(struct trale **runtime, struct test_log *log, const char *text)
{
    static struct test_log unread;
    log = log != NULL ? log : &unread;
    *log = (struct test_log){0};
    return trale_open(runtime, &(struct trale_options){.config_text = text, .log = test_log_write, .log_data = log});
}

/* A line of [runtime] in both of these. */
static const char *in_runtime = "";

/* Drivers before the recorder, beside those that are recorded, with a comma behind each. */
static const char *before_record = "";

/* A runtime with real drivers that is recorded; `options` are lines of [driver:record]. */
static int open_recorded(struct trale **runtime, struct test_log *log, const char *options)
{
    char text[2048];
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = timer, udp, random, %srecord\n%s\nthreads = %d\ndrivers_folder = %s\n%s%s"
             "[driver:random]\npath = random.so\n[driver:record]\npath = record.so\nover = timer, udp, random\n"
             "file = %s\n%s\n",
             before_record, in_runtime, test_threads(), TEST_DRIVERS, TEST_TIMER, TEST_UDP, in_folder("recording"),
             options);
    return open_with(runtime, log, text);
}

static int open_replayed(struct trale **runtime, struct test_log *log, const char *file)
{
    char text[2048];
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = sim\n%s\nthreads = 0\ndrivers_folder = %s\n[driver:sim]\npath = sim.so\n"
             "replay = %s\nreport = %s\n",
             in_runtime, TEST_DRIVERS, in_folder(file), in_folder("report"));
    return open_with(runtime, log, text);
}

static enum trale_sim_outcome outcome(void)
{
    struct trale_sim_report report;
    int fd = open(in_folder("report"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, &report, sizeof report), sizeof report);
    close(fd);
    return report.outcome;
}

static void assert_says(const struct test_log *log, const char *text)
{
    if (strstr(log->text, text) == NULL)
        fail_msg("\"%s\" is not in the log:\n%s", text, log->text);
}

/* --- a program that uses much, and writes down all that it gets --------------------------------------------------- */

struct transcript {
    char text[16384];
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void note(struct transcript *transcript, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(transcript->text + transcript->length, sizeof transcript->text - transcript->length, format,
                      arguments);
    va_end(arguments);
    assert_true(n >= 0 && (size_t)n < sizeof transcript->text - transcript->length);
    transcript->length += (size_t)n;
}

static void note_address(struct transcript *transcript, const struct trale_address *address)
{
    char text[TRALE_ADDRESS_TEXT] = "none";
    trale_address_format(address, text, sizeof text);
    note(transcript, "%s\n", text);
}

/* What is changed in a program between its recording and its replay. */
struct changes {
    const char *word;   /* that is sent; NULL: as always */
    bool asks_the_time; /* once more, in the middle */
    bool ends_early;    /* before its last call */
    bool sleeps;        /* where it did not */
};

struct work {
    struct trale_future future;
    struct transcript *transcript;
    const struct changes *changes;
    struct trale_udp_socket *socket, *other;
    struct trale_address address;
    struct trale_udp_send send;
    struct trale_udp_recv recv;
    struct trale_udp_batch batch;
    struct trale_udp_error error;
    struct trale_udp_info info;
    struct trale_datagram datagrams[3];
    struct trale_sleep sleep;
    struct trale_timeout timeout;
    struct trale_interval interval;
    TRALE_BRANCHES(2) race;
    char buf[64], others[3][64];
    uint64_t number;
};

static int work_open(struct work *self, struct trale *runtime)
{
    int64_t value = 0;
    int r = trale_udp_open(runtime, "127.0.0.1:0", 0, &self->socket);
    if (r < 0)
        return r;
    r = trale_udp_open(runtime, "127.0.0.1:0", 0, &self->other);
    if (r < 0)
        return r;
    note(self->transcript, "local %d\n", trale_udp_local(self->socket, &self->address));
    note_address(self->transcript, &self->address);
    note(self->transcript, "peer %d\n", trale_udp_peer(self->other, &self->address));
    note(self->transcript, "connect %d\n", trale_udp_connect(self->other, &self->address));
    note(self->transcript, "set %d\n", trale_udp_set(self->socket, TRALE_UDP_INFO, TRALE_UDP_INFO_TIME | 3));
    note(self->transcript, "get %d", trale_udp_get(self->socket, TRALE_UDP_RECEIVE_BUFFER, &value));
    note(self->transcript, " %" PRId64 "\n", value);
    for (size_t i = 0; i < 3; i++)
        self->datagrams[i] = (struct trale_datagram){.buf = self->others[i], .size = i + 1};
    memcpy(self->others, "a", 1);
    return 0;
}

static void note_time(struct work *self, struct trale *runtime)
{
    note(self->transcript, "%" PRIu64 "\n", trale_now(runtime));
    note(self->transcript, "%" PRIu64 "\n", trale_now_on(runtime, TRALE_CLOCK_REALTIME));
}

static void work_close(struct work *self)
{
    trale_udp_close(self->socket);
    trale_udp_close(self->other);
}

#define NOTE(future)                                                                                                   \
    do {                                                                                                               \
        trale_await(future);                                                                                           \
        note(self->transcript, "%d: %" PRId64 "\n", __LINE__, trale_result());                                         \
    } while (0)

trale_async_with(work, work_close)
{
    trale_begin();
    int r = work_open(self, cx->runtime);
    if (r < 0)
        trale_return(r);
    note_time(self, cx->runtime);
    r = trale_random_below(cx->runtime, 0, &self->number);
    note(self->transcript, "random %d %" PRIu64 "\n", r, self->number);

    NOTE(trale_udp_send(&self->send, self->other, self->changes->word != NULL ? self->changes->word : "hello", 5));
    if (self->changes->asks_the_time)
        note_time(self, cx->runtime);
    if (self->changes->sleeps)
        NOTE(trale_sleep(&self->sleep, 1));
    NOTE(trale_udp_recv_info(&self->recv, self->socket, self->buf, 4, &self->info));
    note(self->transcript, "%.4s %u %u %x %" PRIu64 "\n", self->buf, self->recv.length, self->recv.truncated,
         self->info.have, self->info.time_ns);
    note_address(self->transcript, &self->recv.from);

    NOTE(trale_timeout(&self->timeout, trale_udp_recv(&self->recv, self->socket, self->buf, sizeof self->buf),
                       2 * TRALE_MILLISECOND));
    NOTE(trale_udp_send_batch(&self->batch, self->other, self->datagrams, 3));
    memset(self->others, 0, sizeof self->others);
    NOTE(trale_udp_recv_batch(&self->batch, self->socket, self->datagrams, 3));
    for (size_t i = 0; i < 3; i++)
        note_address(self->transcript, &self->datagrams[i].address);

    NOTE(trale_race_of(&self->race, trale_sleep(&self->sleep, TRALE_MILLISECOND),
                       trale_udp_recv(&self->recv, self->other, self->buf, sizeof self->buf)));
    note(self->transcript, "%" PRId64 "\n",
         trale_udp_try_recv_from(&self->recv, self->socket, self->buf, sizeof self->buf));
    note(self->transcript, "%" PRId64 "\n", trale_udp_try_send(&self->send, self->other, "try", 3));
    NOTE(trale_udp_recv(&self->recv, self->socket, self->buf, sizeof self->buf));

    /* Its peer has gone. */
    trale_udp_close(self->socket);
    self->socket = NULL;
    note(self->transcript, "errors %d\n", trale_udp_set(self->other, TRALE_UDP_ERRORS, 1));
    NOTE(trale_udp_send(&self->send, self->other, "gone", 4));
    NOTE(trale_udp_recv_error(&self->error, self->other, self->buf, sizeof self->buf));
    note(self->transcript, "%d %u\n", self->error.error, self->error.origin);

    trale_interval_start(&self->interval, trale_now(cx->runtime), TRALE_MILLISECOND);
    NOTE(trale_tick(&self->interval));
    NOTE(trale_tick(&self->interval));
    NOTE(trale_sleep_on(&self->sleep, 99, 0, 0));
    if (!self->changes->ends_early)
        note_time(self, cx->runtime);
    trale_return(0);
}

static int64_t run_work(struct trale *runtime, struct transcript *transcript, const struct changes *changes)
{
    static struct work work;
    *transcript = (struct transcript){.length = 0};
    return trale_block_on(runtime, trale_call(work, &work, .transcript = transcript, .changes = changes));
}

static void record_work(struct transcript *transcript)
{
    struct trale *runtime = NULL;
    assert_int_equal(open_recorded(&runtime, NULL, ""), 0);
    assert_int_equal(run_work(runtime, transcript, &(struct changes){.word = NULL}), 0);
    assert_int_equal(trale_close(runtime), 0);
}

static enum trale_sim_outcome replay_work(struct transcript *transcript, struct test_log *log,
                                          const struct changes *changes)
{
    struct trale *runtime = NULL;
    assert_int_equal(open_replayed(&runtime, log, "recording"), 0);
    run_work(runtime, transcript, changes);
    assert_int_equal(trale_close(runtime), 0);
    return outcome();
}

static void test_a_replay_gives_the_program_what_the_recorded_run_got(void **state)
{
    (void)state;
    static struct transcript recorded, replayed;
    static struct test_log log;
    record_work(&recorded);
    enum trale_sim_outcome ended = replay_work(&replayed, &log, &(struct changes){.word = NULL});
    assert_string_equal(replayed.text, recorded.text);
    if (ended != TRALE_SIM_CLOSED)
        fail_msg("%s:\n%s", trale_sim_outcome_name(ended), log.text);
}

static void test_a_replay_can_be_recorded_and_replayed_itself(void **state)
{
    (void)state;
    static struct transcript recorded, replayed;
    record_work(&recorded);
    for (int i = 0; i < 3; i++)
        assert_int_equal(replay_work(&replayed, NULL, &(struct changes){.word = NULL}), TRALE_SIM_CLOSED);
    assert_string_equal(replayed.text, recorded.text);
}

/* --- differences -------------------------------------------------------------------------------------------------- */

static void assert_found(const struct changes *changes, const char *recorded, const char *did)
{
    static struct transcript transcript;
    static struct test_log log;
    record_work(&transcript);
    assert_int_equal(replay_work(&transcript, &log, changes), TRALE_SIM_DIVERGED);
    assert_says(&log, recorded);
    assert_says(&log, did);
}

static void test_one_byte_of_a_datagram_is_found(void **state)
{
    (void)state;
    static struct transcript transcript;
    static struct test_log log;
    record_work(&transcript);
    assert_int_equal(replay_work(&transcript, &log, &(struct changes){.word = "hallo"}), TRALE_SIM_DIVERGED);
    assert_says(&log, ": udp.send: socket 2, size 5, hash ");
    assert_says(&log, "; the program: udp.send: socket 2, size 5, hash ");
    assert_says(&log, "in task 1 \"work\", which had waited at:");
    assert_says(&log, "work at ");
}

static void test_one_more_call_is_found(void **state)
{
    (void)state;
    assert_found(&(struct changes){.asks_the_time = true}, ": udp.recv: socket 1, size 4, info 1 (task 1); ",
                 "; the program: timer.now\n");
}

static void test_one_call_less_is_found(void **state)
{
    (void)state;
    assert_found(&(struct changes){.ends_early = true}, ": timer.now (task 1); ",
                 "; the program: udp.close: socket 2\n");
}

static void test_another_await_is_found(void **state)
{
    (void)state;
    assert_found(&(struct changes){.sleeps = true}, ": udp.recv: ", "; the program: timer.now\n");
}

/* --- several tasks ------------------------------------------------------------------------------------------------ */

#define N_PLAYERS 8
#define N_ROUNDS 40

/* Players sleep for times that chance gives, take turns at a lock, and send each other datagrams. */
struct player {
    struct trale_future future;
    struct players *players;
    size_t number;
    size_t n_rounds;
    struct trale_sleep sleep;
    struct trale_mutex_lock lock;
    struct trale_udp_send send;
    struct trale_udp_recv recv;
    struct trale_timeout timeout;
    char buf[16];
    uint64_t pause;
};

struct players {
    struct trale_future future;
    struct transcript *transcript;
    struct trale_mutex mutex;
    struct trale_udp_socket *sockets[N_PLAYERS];
    struct trale_address addresses[N_PLAYERS];
    struct trale_task *tasks[N_PLAYERS];
    struct trale_join_future join;
    size_t n_opened, n_joined;
};

trale_async(player)
{
    trale_begin();
    for (self->n_rounds = 0; self->n_rounds < N_ROUNDS; self->n_rounds++) {
        trale_try(trale_random_below(cx->runtime, 200, &self->pause) < 0
                      ? NULL
                      : trale_sleep(&self->sleep, self->pause * 1000));
        trale_try(trale_mutex_lock(&self->lock, &self->players->mutex));
        note(self->players->transcript, "%zu ", self->number);
        trale_mutex_unlock(&self->players->mutex);
        trale_await(trale_udp_send_to(&self->send, self->players->sockets[self->number], &self->number,
                                      sizeof self->number,
                                      &self->players->addresses[(self->number + self->pause) % N_PLAYERS]));
        trale_await(trale_timeout(
            &self->timeout,
            trale_udp_recv(&self->recv, self->players->sockets[self->number], self->buf, sizeof self->buf),
            100 * TRALE_MICROSECOND));
        note(self->players->transcript, "%zu:%" PRId64 " ", self->number, trale_result());
    }
    trale_return(0);
}

static void players_close(struct players *self)
{
    for (size_t i = 0; i < self->n_opened; i++)
        trale_udp_close(self->sockets[i]);
}

trale_async_with(players, players_close)
{
    trale_begin();
    self->mutex = (struct trale_mutex)TRALE_MUTEX;
    for (; self->n_opened < N_PLAYERS; self->n_opened++) {
        int r = trale_udp_open(cx->runtime, "127.0.0.1:0", 0, &self->sockets[self->n_opened]);
        if (r < 0)
            trale_return(r);
        trale_udp_local(self->sockets[self->n_opened], &self->addresses[self->n_opened]);
    }
    for (size_t i = 0; i < N_PLAYERS; i++)
        self->tasks[i] = trale_spawn(cx->runtime, player, .players = self, .number = i);
    for (; self->n_joined < N_PLAYERS; self->n_joined++)
        trale_try(trale_join_future(&self->join, self->tasks[self->n_joined]));
    trale_return(0);
}

static void play(struct trale *runtime, struct transcript *transcript)
{
    static struct players players;
    *transcript = (struct transcript){.length = 0};
    assert_int_equal(trale_block_on(runtime, trale_call(players, &players, .transcript = transcript)), 0);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_tasks_run_in_the_order_of_the_recording(void **state)
{
    (void)state;
    static struct transcript recorded, replayed;
    static struct test_log log;
    struct trale *runtime = NULL;
    assert_int_equal(open_recorded(&runtime, NULL, ""), 0);
    play(runtime, &recorded);
    assert_int_equal(open_replayed(&runtime, &log, "recording"), 0);
    play(runtime, &replayed);
    assert_string_equal(replayed.text, recorded.text);
    if (outcome() != TRALE_SIM_CLOSED)
        fail_msg("%s", log.text);
}

/* --- files -------------------------------------------------------------------------------------------------------- */

struct sleeper {
    struct trale_future future;
    struct trale_sleep sleep;
    int n_left;
};

trale_async(sleeper)
{
    trale_begin();
    for (; self->n_left > 0; self->n_left--)
        trale_try(trale_sleep(&self->sleep, 1));
    trale_return(7);
}

static int64_t sleep_often(struct trale *runtime, int n)
{
    struct sleeper frame;
    return trale_block_on(runtime, trale_call(sleeper, &frame, .n_left = n));
}

static size_t read_recording(char *bytes, size_t size)
{
    int fd = open(in_folder("recording"), O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, bytes, size);
    assert_true(n > 0 && (size_t)n < size);
    close(fd);
    return (size_t)n;
}

static void test_a_full_file_is_said_once_and_replayed_up_to_its_end(void **state)
{
    (void)state;
    static struct test_log log;
    struct trale *runtime = NULL;
    struct stat status;
    assert_int_equal(open_recorded(&runtime, &log, "size = 8K"), 0);
    assert_int_equal(sleep_often(runtime, 500), 7);
    assert_int_equal(trale_close(runtime), 0);
    assert_says(&log, "the file is full: ");
    assert_null(strstr(strstr(log.text, "the file is full: ") + 1, "the file is full: "));
    assert_int_equal(stat(in_folder("recording"), &status), 0);
    assert_true(status.st_size <= 8192 && status.st_size > 8192 - 256);

    assert_int_equal(open_replayed(&runtime, &log, "recording"), 0);
    assert_int_equal(sleep_often(runtime, 500), -ECANCELED);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(outcome(), TRALE_SIM_RECORDING_ENDS);
    assert_says(&log, "the recording ends here, after ");
    assert_says(&log, "its file was full");
}

/* What is in the file while the program runs is what a crash would leave. */
static void test_a_recording_without_trale_close_is_replayed_up_to_its_end(void **state)
{
    (void)state;
    static char bytes[2 << 20];
    static struct test_log log;
    struct trale *runtime = NULL;
    assert_int_equal(open_recorded(&runtime, NULL, ""), 0);
    assert_int_equal(sleep_often(runtime, 10), 7);
    write_file("crashed", bytes, read_recording(bytes, sizeof bytes), 0600);
    assert_int_equal(trale_close(runtime), 0);

    assert_int_equal(open_replayed(&runtime, &log, "crashed"), 0);
    assert_int_equal(sleep_often(runtime, 10), 7);
    assert_int_equal(sleep_often(runtime, 1), -ECANCELED);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(outcome(), TRALE_SIM_RECORDING_ENDS);
    assert_says(&log, "its program ended without trale_close");
}

static void test_a_file_that_was_cut_off_is_replayed_up_to_its_last_whole_record(void **state)
{
    (void)state;
    static char bytes[1 << 16];
    static struct test_log log;
    struct trale *runtime = NULL;
    assert_int_equal(open_recorded(&runtime, NULL, ""), 0);
    assert_int_equal(sleep_often(runtime, 10), 7);
    assert_int_equal(trale_close(runtime), 0);
    size_t size = read_recording(bytes, sizeof bytes);
    for (size_t cut = sizeof(struct trale_recording); cut < size; cut += 13) {
        write_file("cut", bytes, cut, 0600);
        assert_int_equal(open_replayed(&runtime, &log, "cut"), 0);
        assert_int_equal(sleep_often(runtime, 10), -ECANCELED);
        assert_int_equal(trale_close(runtime), 0);
        assert_int_equal(outcome(), TRALE_SIM_RECORDING_ENDS);
        assert_says(&log, "the file was cut off");
    }
}

static void test_a_corrupt_record_is_refused_with_its_place(void **state)
{
    (void)state;
    static char bytes[1 << 16];
    static struct test_log log;
    struct trale *runtime = NULL;
    assert_int_equal(open_recorded(&runtime, NULL, ""), 0);
    assert_int_equal(sleep_often(runtime, 3), 7);
    assert_int_equal(trale_close(runtime), 0);
    size_t size = read_recording(bytes, sizeof bytes);
    for (size_t i = sizeof(struct trale_recording); i < size; i++) {
        bytes[i] = (char)(bytes[i] ^ 0x10);
        write_file("corrupt", bytes, size, 0600);
        bytes[i] = (char)(bytes[i] ^ 0x10);
        assert_int_equal(open_replayed(&runtime, &log, "corrupt"), -EBADMSG);
        assert_says(&log, "[driver:sim] replay = ");
        assert_says(&log, "it is corrupt at byte ");
    }
    assert_int_equal(open_replayed(&runtime, &log, "none"), -ENOENT);
    write_file("text", "hello", 5, 0600);
    assert_int_equal(open_replayed(&runtime, &log, "text"), -EBADMSG);
    assert_says(&log, "it is no recording");
    bytes[offsetof(struct trale_recording, version)]++;
    write_file("new", bytes, size, 0600);
    assert_int_equal(open_replayed(&runtime, &log, "new"), -EBADMSG);
    assert_says(&log, "version 2 of the format");
}

/* Each record alone: what it says of sizes must not be relied on. */
static void test_records_with_a_right_check_and_wrong_contents_end_the_replay(void **state)
{
    (void)state;
    static char bytes[1 << 16];
    static struct transcript transcript;
    static struct test_log log;
    record_work(&transcript);
    size_t size = read_recording(bytes, sizeof bytes);
    for (size_t at = sizeof(struct trale_recording); at < size;) {
        struct trale_record *record = (struct trale_record *)(void *)(bytes + at), kept = *record;
        static char all[1 << 12];
        assert_true(kept.size <= sizeof all);
        memcpy(all, record, kept.size);
        for (size_t i = offsetof(struct trale_record, n_polls); i < kept.size; i += 8) {
            memset((char *)record + i, 0xff, kept.size - i < 8 ? kept.size - i : 8);
            record->check = trale_recording_check(record);
            write_file("recording", bytes, size, 0600);
            memcpy(record, all, kept.size);
            replay_work(&transcript, &log, &(struct changes){.word = NULL});
        }
        at += kept.size;
    }
}

static void test_the_recording_before_is_kept_and_one_that_is_written_is_not_shared(void **state)
{
    (void)state;
    static struct test_log log;
    struct trale *first = NULL, *second = NULL;
    assert_int_equal(open_recorded(&first, NULL, ""), 0);
    assert_int_equal(open_recorded(&second, &log, ""), -EBUSY);
    assert_says(&log, "another runtime records to this file");
    assert_int_equal(access(in_folder("recording.old"), F_OK), -1);
    assert_int_equal(trale_close(first), 0);
    assert_int_equal(open_recorded(&first, NULL, ""), 0);
    assert_int_equal(trale_close(first), 0);
    assert_int_equal(access(in_folder("recording.old"), F_OK), 0);
}

/* In a real run the drivers have tasks as well, so a seed picks others there. */
static void test_tasks_that_are_shuffled_are_neither_recorded_nor_replayed(void **state)
{
    (void)state;
    static struct transcript transcript;
    static struct test_log log;
    struct trale *runtime = NULL;
    record_work(&transcript);
    in_runtime = "shuffle = 7";
    int recorded = open_recorded(&runtime, &log, "");
    assert_says(&log, "a run whose tasks are shuffled cannot be replayed: remove [runtime] shuffle");
    int replayed = open_replayed(&runtime, &log, "recording");
    assert_says(&log, "tasks run in the order of the recording: remove [runtime] shuffle");
    in_runtime = "";
    assert_int_equal(recorded, -EINVAL);
    assert_int_equal(replayed, -EINVAL);
    assert_int_equal(access(in_folder("recording.old"), F_OK), -1);
    assert_int_equal(replay_work(&transcript, &log, &(struct changes){.word = NULL}), TRALE_SIM_CLOSED);
}

/* --- streams ------------------------------------------------------------------------------------------------------ */

struct caller {
    struct trale_future future;
    struct trale_stream_connect connect;
    struct trale_address to;
};

trale_async(caller)
{
    trale_begin();
    trale_await(trale_stream_connect(&self->connect, &self->to));
    trale_return(trale_result());
}

static void test_streams_are_not_recorded_and_a_replay_refuses_them_by_name(void **state)
{
    (void)state;
    static struct transcript transcript;
    static struct test_log log;
    struct trale *runtime = NULL;
    struct trale_stream_listener *listener = NULL;
    record_work(&transcript);
    assert_int_equal(open_replayed(&runtime, &log, "recording"), 0);
    assert_int_equal(trale_stream_listen(runtime, "127.0.0.1:0", 0, &listener), -EOPNOTSUPP);
    assert_says(&log, "trale_stream_listen: streams are not recorded, so a replay has none, and refuses them");
    assert_int_equal(trale_stream_listen_unix(runtime, "@name", &listener), -EOPNOTSUPP);
    assert_null(strstr(log.text, "trale_stream_listen_unix")); /* said once */
    assert_null(listener);
    trale_close(runtime);
    assert_int_equal(open_replayed(&runtime, &log, "recording"), 0);
    struct trale_task *task = trale_spawn(runtime, caller, .to = test_address("127.0.0.1:1"));
    assert_int_equal(trale_join(task), -EOPNOTSUPP);
    assert_says(&log, "trale_stream_connect: streams are not recorded, so a replay has none, and refuses them");
    trale_close(runtime);
}

static void test_the_recorder_warns_of_streams_where_there_are_any(void **state)
{
    (void)state;
    static struct transcript transcript;
    static struct test_log log;
    struct trale *runtime = NULL;
    const char *warning = "streams are not recorded (trale.stream/1)";
    assert_int_equal(open_recorded(&runtime, &log, ""), 0);
    assert_null(strstr(log.text, warning));
    assert_int_equal(trale_close(runtime), 0);
    before_record = "stream, ";
    int r = open_recorded(&runtime, &log, "[driver:stream]\npath = stream.so\n");
    before_record = "";
    assert_int_equal(r, 0);
    assert_says(&log, warning);
    run_work(runtime, &transcript, &(struct changes){.word = NULL}); /* all else is recorded */
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(replay_work(&transcript, &log, &(struct changes){.word = NULL}), TRALE_SIM_CLOSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_a_replay_gives_the_program_what_the_recorded_run_got),
        TEST_IN_FOLDER(test_a_replay_can_be_recorded_and_replayed_itself),
        TEST_IN_FOLDER(test_one_byte_of_a_datagram_is_found),
        TEST_IN_FOLDER(test_one_more_call_is_found),
        TEST_IN_FOLDER(test_one_call_less_is_found),
        TEST_IN_FOLDER(test_another_await_is_found),
        TEST_IN_FOLDER(test_tasks_run_in_the_order_of_the_recording),
        TEST_IN_FOLDER(test_a_full_file_is_said_once_and_replayed_up_to_its_end),
        TEST_IN_FOLDER(test_a_recording_without_trale_close_is_replayed_up_to_its_end),
        TEST_IN_FOLDER(test_a_file_that_was_cut_off_is_replayed_up_to_its_last_whole_record),
        TEST_IN_FOLDER(test_a_corrupt_record_is_refused_with_its_place),
        TEST_IN_FOLDER(test_records_with_a_right_check_and_wrong_contents_end_the_replay),
        TEST_IN_FOLDER(test_the_recording_before_is_kept_and_one_that_is_written_is_not_shared),
        TEST_IN_FOLDER(test_tasks_that_are_shuffled_are_neither_recorded_nor_replayed),
        TEST_IN_FOLDER(test_streams_are_not_recorded_and_a_replay_refuses_them_by_name),
        TEST_IN_FOLDER(test_the_recorder_warns_of_streams_where_there_are_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
