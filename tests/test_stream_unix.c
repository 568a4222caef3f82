/* SPDX-License-Identifier: MIT
 *
 * Unix sockets: names, what is passed with bytes, and listeners whose queue is full; in each thread layout. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/streams.h"

#ifndef SO_PASSPIDFD /* <sys/socket.h> of before glibc 2.39 */
#define SO_PASSPIDFD 76
#endif

/* A connection over a Unix socket: s->client and s->server. */
static char name[64];

static void listens(void *data)
{
    struct streams *s = data;
    assert_int_equal(trale_stream_listen_unix(s->runtime, name, &s->listener), 0);
}

static int64_t do_connect_unix(struct streams *s, const char *path, struct trale_stream_socket **socket)
{
    struct trale_stream_connect connect;
    int64_t r = trale_block_on(s->runtime, trale_stream_connect_unix(&connect, path));
    if (r == 0)
        *socket = connect.socket;
    return r;
}

static int open_named(void **state, const char *format)
{
    static int n;
    struct streams *s = calloc(1, sizeof *s);
    snprintf(name, sizeof name, format, (int)getpid(), n++);
    unlink(name); /* of an earlier process with this number, which was killed */
    s->runtime = test_open("timer, stream", TEST_TIMER TEST_STREAM);
    test_call_in_task(s->runtime, listens, s);
    assert_int_equal(do_connect_unix(s, name, &s->client), 0);
    assert_int_equal(do_accept(s, &s->server), 0);
    *state = s;
    return 0;
}

static int open_abstract(void **state)
{
    return open_named(state, "@trale-test-%d-%d");
}

static int open_path(void **state)
{
    return open_named(state, "/tmp/trale-test-%d-%d");
}

static int close_path(void **state)
{
    unlink(name);
    return streams_close(state);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static void test_bytes_and_their_end_arrive(void **state)
{
    struct streams *s = *state;
    char buf[16];
    assert_int_equal(do_write(s, s->client, "hello", 5), 5);
    assert_int_equal(do_read_all(s, s->server, buf, 5), 5);
    assert_int_equal(do_shutdown(s, s->client, TRALE_STREAM_WRITES), 0);
    assert_int_equal(do_read(s, s->server, buf, sizeof buf), 0);
    assert_int_equal(do_write(s, s->server, "answer", 6), 6);
    do_close(s, s->server);
    assert_int_equal(do_read_all(s, s->client, buf, 6), 6);
    assert_int_equal(do_read(s, s->client, buf, sizeof buf), 0);
    assert_int_equal(do_write(s, s->client, "gone", 4), -EPIPE);
}

static void test_a_peer_that_closes_without_reading_resets(void **state)
{
    struct streams *s = *state;
    char buf[16];
    assert_int_equal(do_write(s, s->server, "unread", 6), 6);
    do_close(s, s->client);
    for (int i = 0; i < 3; i++)
        assert_int_equal(do_read(s, s->server, buf, sizeof buf), -ECONNRESET);
}

static void test_the_peer_writes_no_more_when_reads_are_shut_down(void **state)
{
    struct streams *s = *state;
    assert_int_equal(do_shutdown(s, s->server, TRALE_STREAM_READS), 0);
    assert_int_equal(do_write(s, s->client, "lost", 4), -EPIPE);
}

static void test_a_file_that_was_left_behind_is_refused(void **state)
{
    struct streams *s = *state;
    TEST_REAL_ONLY("the name of a Unix socket is no file");
    struct stat before;
    assert_int_equal(stat(name, &before), 0);
    do_close_listener(s);
    struct trale_stream_socket *client = NULL;
    assert_int_equal(stat(name, &before), 0);
    assert_int_equal(do_connect_unix(s, name, &client), -ECONNREFUSED);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(do_connect_unix(s, name, &client), -ENOENT);
    test_call_in_task(s->runtime, listens, s);
    assert_int_equal(do_connect_unix(s, name, &client), 0);
}

struct naming {
    struct trale *runtime;
    const char *path;
    struct trale_stream_listener *listener;
    int result;
};

static void listens_at(void *data)
{
    struct naming *naming = data;
    naming->result = trale_stream_listen_unix(naming->runtime, naming->path, &naming->listener);
}

static void test_names_have_1_to_107_bytes(void **state)
{
    struct streams *s = *state;
    char longest[110], too_long[110];
    memset(longest, 'x', sizeof longest);
    memcpy(longest, name, strlen(name)); /* no other test has this beginning */
    memcpy(too_long, longest, sizeof too_long);
    longest[108] = too_long[109] = '\0';
    const struct {
        const char *path;
        int error;
    } samples[] = {{"", -EINVAL},       {"@", -EINVAL}, {too_long, -ENAMETOOLONG}, {too_long + 1, -ENAMETOOLONG},
                   {name, -EADDRINUSE}, {longest, 0}};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct naming naming = {.runtime = s->runtime, .path = samples[i].path};
        struct trale_stream_socket *client = NULL;
        test_call_in_task(s->runtime, listens_at, &naming);
        assert_int_equal(naming.result, samples[i].error);
        if (samples[i].error != -EADDRINUSE)
            assert_int_equal(do_connect_unix(s, samples[i].path, &client), samples[i].error);
    }
    struct trale_stream_socket *client = NULL;
    assert_int_equal(do_connect_unix(s, "@trale-test-nothing-listens-here", &client), -ECONNREFUSED);
    assert_null(client);
}

static void test_a_folder_that_is_not_there_is_named(void **state)
{
    struct streams *s = *state;
    TEST_REAL_ONLY("the name of a Unix socket is no file");
    struct naming naming = {.runtime = s->runtime, .path = "/nonexistent/socket"};
    struct trale_stream_socket *client = NULL;
    test_call_in_task(s->runtime, listens_at, &naming);
    assert_int_equal(naming.result, -ENOENT);
    assert_int_equal(do_connect_unix(s, naming.path, &client), -ENOENT);
}

static void test_a_unix_socket_has_no_address_of_tcp(void **state)
{
    struct streams *s = *state;
    struct trale_address untouched = {0};
    assert_int_equal(s->client->stream->local(s->client->stream->interface.instance, s->client, &untouched),
                     -EAFNOSUPPORT);
    assert_int_equal(s->client->stream->peer(s->client->stream->interface.instance, s->client, &untouched),
                     -EAFNOSUPPORT);
    assert_int_equal(do_set(s, s->client, TRALE_STREAM_NO_DELAY, 1), -EOPNOTSUPP);
    assert_int_equal(do_get(s, s->client, TRALE_STREAM_KEEP_ALIVE), -EOPNOTSUPP);
    assert_int_equal(do_set(s, s->client, TRALE_STREAM_SEND_BUFFER, 4096), 0);
    assert_int_equal(do_get_listener(s, TRALE_STREAM_SEND_QUEUE), -EINVAL);
    assert_int_equal(do_get_listener(s, TRALE_STREAM_RECEIVE_QUEUE), -EINVAL);
}

/* --- a queue that is full ----------------------------------------------------------------------------------------- */

static void test_a_connect_waits_while_the_queue_is_full(void **state)
{
    struct streams *s = *state;
    assert_int_equal(do_set_listener(s, TRALE_STREAM_BACKLOG, 0), 0);
    struct trale_stream_socket *first = NULL, *server = NULL;
    struct trale_stream_connect connects[2];
    assert_int_equal(do_connect_unix(s, name, &first), 0);
    struct trale_task *waiting = begin(s, trale_stream_connect_unix(&connects[0], name));
    struct trale_task *dropped = begin(s, trale_stream_connect_unix(&connects[1], name));
    drop(dropped);
    assert_int_equal(do_accept(s, &server), 0);
    assert_int_equal(trale_join(waiting), 0);
    assert_int_equal(do_accept(s, &server), 0);
    waiting = begin(s, trale_stream_connect_unix(&connects[0], name));
    assert_int_equal(trale_join(waiting), 0);
    waiting = begin(s, trale_stream_connect_unix(&connects[1], name));
    do_close_listener(s);
    assert_int_equal(trale_join(waiting), -ECONNREFUSED);
}

/* --- what is passed ----------------------------------------------------------------------------------------------- */

static int64_t write_with(struct streams *s, const char *text, const struct trale_stream_ancillary *ancillary)
{
    struct trale_stream_write write;
    return trale_block_on(s->runtime, trale_stream_write_with(&write, s->client, text, strlen(text), ancillary));
}

static int64_t read_with(struct streams *s, char *buf, size_t size, struct trale_stream_ancillary *ancillary)
{
    struct trale_stream_read read;
    return trale_block_on(s->runtime, trale_stream_read_with(&read, s->server, buf, size, ancillary));
}

static bool is_same_file(int a, int b)
{
    struct stat first, second;
    return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_ino == second.st_ino &&
           first.st_rdev == second.st_rdev;
}

static void test_fds_are_passed_with_their_bytes(void **state)
{
    struct streams *s = *state;
    TEST_REAL_ONLY("Unix sockets pass neither file descriptors nor credentials");
    int32_t out[2] = {open("/dev/null", O_RDONLY), open("/dev/zero", O_RDONLY)}, in[4] = {-1, -1, -1, -1};
    struct trale_stream_ancillary passed = {.fds = out, .n_fds = 2}, received = {.fds = in, .n_fds = 4};
    char buf[16];
    assert_int_equal(do_write(s, s->client, "before", 6), 6);
    assert_int_equal(write_with(s, "with", &passed), 4);
    assert_int_equal(do_write(s, s->client, "after", 5), 5);
    int64_t n = read_with(s, buf, sizeof buf, &received);
    if (n == 6) { /* a read may end before the bytes with which fds are passed */
        assert_int_equal(received.n_fds, 0);
        received.n_fds = 4;
        n += read_with(s, buf, sizeof buf, &received);
    }
    assert_int_equal(n, 10);
    assert_int_equal(received.n_fds, 2);
    assert_int_equal(received.n_lost, 0);
    for (int i = 0; i < 2; i++) {
        assert_true(is_same_file(in[i], out[i]));
        assert_int_equal(fcntl(in[i], F_GETFD), FD_CLOEXEC);
        close(in[i]);
        close(out[i]);
    }
    assert_int_equal(do_read_all(s, s->server, buf, 5), 5);
}

static size_t next_fd(void)
{
    int fd = dup(0);
    assert_true(fd >= 0);
    close(fd);
    return (size_t)fd;
}

static void test_fds_for_which_there_is_no_room_are_closed_and_counted(void **state)
{
    struct streams *s = *state;
    TEST_REAL_ONLY("Unix sockets pass neither file descriptors nor credentials");
    int32_t out[5], in[2];
    for (int i = 0; i < 5; i++)
        out[i] = open("/dev/null", O_RDONLY);
    struct trale_stream_ancillary passed = {.fds = out, .n_fds = 5}, received = {.fds = in, .n_fds = 2}, none = {0};
    char buf[16];
    size_t n_fds = next_fd();
    assert_int_equal(write_with(s, "five", &passed), 4);
    assert_int_equal(read_with(s, buf, sizeof buf, &received), 4);
    assert_int_equal(received.n_fds, 2);
    assert_int_equal(received.n_lost, 3);
    close(in[0]);
    close(in[1]);
    assert_int_equal(write_with(s, "five", &passed), 4);
    assert_int_equal(read_with(s, buf, sizeof buf, &none), 4);
    assert_int_equal(none.n_lost, 5);
    assert_int_equal(write_with(s, "five", &passed), 4);
    assert_int_equal(do_read_all(s, s->server, buf, 4), 4);
    assert_int_equal(next_fd(), n_fds);
    for (int i = 0; i < 5; i++)
        close(out[i]);
}

static void test_fds_for_which_the_process_has_no_room_are_counted_as_one(void **state)
{
    struct streams *s = *state;
    TEST_REAL_ONLY("Unix sockets pass neither file descriptors nor credentials");
    if (TEST_UNDER_VALGRIND)
        skip();
    int32_t out[3] = {0, 0, 0}, in[3];
    struct trale_stream_ancillary passed = {.fds = out, .n_fds = 3}, received = {.fds = in, .n_fds = 3};
    char buf[16];
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(write_with(s, "three", &passed), 5);
    none = before;
    none.rlim_cur = (rlim_t)next_fd() + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int64_t n = read_with(s, buf, sizeof buf, &received);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(n, 5);
    assert_int_equal(received.n_fds, 1);
    assert_int_equal(received.n_lost, 1);
    close(in[0]);
}

static void test_as_many_fds_are_passed_as_the_kernel_allows(void **state)
{
    struct streams *s = *state;
    TEST_REAL_ONLY("Unix sockets pass neither file descriptors nor credentials");
    int32_t out[TRALE_STREAM_FDS + 1], in[TRALE_STREAM_FDS];
    char buf[16];
    for (size_t i = 0; i <= TRALE_STREAM_FDS; i++)
        out[i] = 0;
    struct trale_stream_ancillary passed = {.fds = out, .n_fds = TRALE_STREAM_FDS + 1},
                                  received = {.fds = in, .n_fds = TRALE_STREAM_FDS};
    assert_int_equal(do_set(s, s->server, TRALE_STREAM_PASS_CREDENTIALS, 1), 0);
    assert_int_equal(write_with(s, "many", &passed), -EINVAL);
    passed.n_fds = TRALE_STREAM_FDS;
    assert_int_equal(write_with(s, "many", &passed), 4);
    assert_int_equal(read_with(s, buf, sizeof buf, &received), 4);
    assert_int_equal(received.n_fds, TRALE_STREAM_FDS);
    assert_int_equal(received.n_lost, 0);
    assert_int_equal(received.has_credentials, 1);
    for (size_t i = 0; i < TRALE_STREAM_FDS; i++)
        close(in[i]);
}

struct adopting {
    struct trale *runtime;
    int fd, result;
    struct trale_stream_socket *socket;
};

static void adopts(void *data)
{
    struct adopting *adopting = data;
    adopting->result = trale_stream_adopt(adopting->runtime, adopting->fd, &adopting->socket);
}

static void test_what_cannot_be_passed_is_refused(void **state)
{
    struct streams *s = *state;
    TEST_REAL_ONLY("Unix sockets pass neither file descriptors nor credentials");
    int32_t closed = dup(0);
    close(closed);
    struct trale_stream_ancillary passed = {.fds = &closed, .n_fds = 1};
    assert_int_equal(write_with(s, "bad", &passed), -EBADF);
    passed.n_fds = 0;
    assert_int_equal(write_with(s, "", &passed), -EINVAL);
    passed.has_credentials = 1;
    passed.credentials = (struct trale_stream_credentials){INT32_MAX, getuid(), getgid()};
    int64_t r = write_with(s, "lies", &passed);
    assert_true(r == -EPERM || r == -ESRCH); /* ESRCH: root may name others, but only those that there are */
    assert_int_equal(do_write(s, s->client, "fine", 4), 4);
    char buf[8];
    assert_int_equal(do_read_all(s, s->server, buf, 4), 4);
    struct trale_stream_read read; /* the connection goes on */
    struct trale_task *reading = begin(s, trale_stream_read(&read, s->client, buf, sizeof buf));
    assert_int_equal(do_write(s, s->server, "back", 4), 4);
    assert_int_equal(trale_join(reading), 4);
}

/* The kernel passes a pidfd with what is read, if the program has asked for that before. */
static void test_a_process_that_is_passed_leaves_no_fd_behind(void **state)
{
    struct streams *s = *state;
    TEST_REAL_ONLY("Unix sockets pass neither file descriptors nor credentials");
    struct adopting adopting = {.runtime = s->runtime};
    const int yes = 1;
    int fds[2];
    char buf[8];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    adopting.fd = fds[0];
    if (setsockopt(fds[0], SOL_SOCKET, SO_PASSPIDFD, &yes, sizeof yes) < 0)
        skip(); /* before Linux 6.5 */
    test_call_in_task(s->runtime, adopts, &adopting);
    assert_int_equal(adopting.result, 0);
    size_t n_fds = next_fd();
    struct trale_stream_ancillary received = {0};
    struct trale_stream_read read;
    assert_int_equal(send(fds[1], "pid", 3, 0), 3);
    assert_int_equal(trale_block_on(s->runtime, trale_stream_read_with(&read, adopting.socket, buf, 8, &received)), 3);
    assert_int_equal(received.n_fds, 0);
    assert_int_equal(next_fd(), n_fds);
    close(fds[1]);
}

static void test_credentials_are_passed_where_they_are_asked_for(void **state)
{
    struct streams *s = *state;
    TEST_REAL_ONLY("Unix sockets pass neither file descriptors nor credentials");
    struct trale_stream_ancillary received = {0};
    char buf[8];
    assert_int_equal(do_write(s, s->client, "none", 4), 4);
    assert_int_equal(read_with(s, buf, sizeof buf, &received), 4);
    assert_int_equal(received.has_credentials, 0);
    assert_int_equal(do_set(s, s->server, TRALE_STREAM_PASS_CREDENTIALS, 1), 0);
    assert_int_equal(do_get(s, s->server, TRALE_STREAM_PASS_CREDENTIALS), 1);
    assert_int_equal(do_write(s, s->client, "mine", 4), 4);
    assert_int_equal(read_with(s, buf, sizeof buf, &received), 4);
    assert_int_equal(received.has_credentials, 1);
    assert_int_equal(received.credentials.pid, getpid());
    assert_int_equal(received.credentials.uid, getuid());
    assert_int_equal(received.credentials.gid, getgid());
    struct trale_stream_ancillary passed = {.has_credentials = 1, .credentials = received.credentials};
    memset(&received, 0, sizeof received);
    assert_int_equal(write_with(s, "named", &passed), 5);
    assert_int_equal(read_with(s, buf, sizeof buf, &received), 5);
    assert_int_equal(received.credentials.pid, getpid());
}

struct asking {
    struct trale_stream_socket *socket;
    struct trale_stream_credentials credentials;
    int result;
};

static void asks_for_credentials(void *data)
{
    struct asking *asking = data;
    asking->result = trale_stream_peer_credentials(asking->socket, &asking->credentials);
}

static void test_both_sides_know_the_process_at_the_other_end(void **state)
{
    struct streams *s = *state;
    TEST_REAL_ONLY("Unix sockets pass neither file descriptors nor credentials");
    struct trale_stream_socket *sockets[] = {s->client, s->server};
    for (int i = 0; i < 2; i++) {
        struct asking asking = {.socket = sockets[i]};
        test_call_in_task(s->runtime, asks_for_credentials, &asking);
        assert_int_equal(asking.result, 0);
        assert_int_equal(asking.credentials.pid, getpid());
        assert_int_equal(asking.credentials.uid, getuid());
    }
}

static void test_tcp_passes_nothing(void **state)
{
    struct streams *s = *state;
    struct trale_stream_ancillary ancillary = {0};
    struct asking asking = {.socket = s->client};
    char buf[8];
    test_call_in_task(s->runtime, asks_for_credentials, &asking);
    assert_int_equal(asking.result, -EOPNOTSUPP);
    assert_int_equal(write_with(s, "text", &ancillary), -EOPNOTSUPP);
    assert_int_equal(read_with(s, buf, sizeof buf, &ancillary), -EOPNOTSUPP);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_abstract, streams_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bytes_and_their_end_arrive, open_path, close_path),
        cmocka_unit_test_setup_teardown(test_a_file_that_was_left_behind_is_refused, open_path, close_path),
        TEST(test_bytes_and_their_end_arrive),
        TEST(test_a_peer_that_closes_without_reading_resets),
        TEST(test_the_peer_writes_no_more_when_reads_are_shut_down),
        TEST(test_names_have_1_to_107_bytes),
        TEST(test_a_folder_that_is_not_there_is_named),
        TEST(test_a_unix_socket_has_no_address_of_tcp),
        TEST(test_a_connect_waits_while_the_queue_is_full),
        TEST(test_fds_are_passed_with_their_bytes),
        TEST(test_fds_for_which_there_is_no_room_are_closed_and_counted),
        TEST(test_fds_for_which_the_process_has_no_room_are_counted_as_one),
        TEST(test_as_many_fds_are_passed_as_the_kernel_allows),
        TEST(test_what_cannot_be_passed_is_refused),
        TEST(test_a_process_that_is_passed_leaves_no_fd_behind),
        TEST(test_credentials_are_passed_where_they_are_asked_for),
        TEST(test_both_sides_know_the_process_at_the_other_end),
        cmocka_unit_test_setup_teardown(test_tcp_passes_nothing, streams_open, streams_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
