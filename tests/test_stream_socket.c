/* SPDX-License-Identifier: MIT
 *
 * What stream_socket.h adds to streams, and the options: files, tries, sockets that are open already; in each thread
 * layout. */
#include <fcntl.h>
#include <net/if.h>
#include <sys/wait.h>

#include "tests/streams.h"

#define NO_FDS "a socket has no file descriptor, so none is adopted or inherited"

/* --- tries -------------------------------------------------------------------------------------------------------- */

struct trial {
    struct trale_stream_socket *socket;
    char *buf;
    size_t size;
    int64_t result;
};

static void tries_read(void *data)
{
    struct trial *trial = data;
    trial->result = trale_stream_try_read(trial->socket, trial->buf, trial->size);
}

static void tries_write(void *data)
{
    struct trial *trial = data;
    trial->result = trale_stream_try_write(trial->socket, trial->buf, trial->size);
}

static int64_t try_read(struct streams *s, struct trale_stream_socket *socket, char *buf, size_t size)
{
    struct trial trial = {socket, buf, size, 0};
    test_call_in_task(s->runtime, tries_read, &trial);
    return trial.result;
}

static int64_t try_write(struct streams *s, struct trale_stream_socket *socket, const char *buf, size_t size)
{
    struct trial trial = {socket, (char *)(uintptr_t)buf, size, 0};
    test_call_in_task(s->runtime, tries_write, &trial);
    return trial.result;
}

static void test_a_try_takes_what_is_there_and_never_waits(void **state)
{
    struct streams *s = *state;
    char buf[8];
    struct trale_stream_read read;
    assert_int_equal(try_read(s, s->server, buf, sizeof buf), -EAGAIN);
    assert_int_equal(try_read(s, s->server, buf, 0), -EINVAL);
    assert_int_equal(try_write(s, s->client, "hello", 5), 5);
    assert_int_equal(try_write(s, s->client, "", 0), 0);
    assert_int_equal(do_read_all(s, s->server, buf, 5), 5);
    struct trale_task *reading = begin(s, trale_stream_read(&read, s->server, buf, sizeof buf));
    assert_int_equal(try_read(s, s->server, buf, sizeof buf), -EBUSY);
    drop(reading);
    do_reset(s, s->client);
    assert_int_equal(do_read(s, s->server, buf, sizeof buf), -ECONNRESET);
    assert_int_equal(try_read(s, s->server, buf, sizeof buf), -ECONNRESET);
    assert_int_equal(try_write(s, s->server, "hello", 5), -ECONNRESET);
}

static void test_a_try_writes_a_part_and_then_nothing(void **state)
{
    struct streams *s = *state;
    static char bytes[1 << 20];
    int64_t n = 0, r;
    while ((r = try_write(s, s->client, bytes, sizeof bytes)) > 0)
        n += r;
    assert_int_equal(r, -EAGAIN);
    assert_true(n > 0);
    struct trale_stream_write write;
    struct trale_task *writing = begin(s, trale_stream_write(&write, s->client, bytes, sizeof bytes));
    assert_int_equal(try_write(s, s->client, bytes, 1), -EBUSY);
    drop(writing);
    do_close(s, s->client);
    n += (int64_t)write.n_written;
    assert_true(n <= (int64_t)sizeof bytes);
    assert_int_equal(do_read_all(s, s->server, bytes, (size_t)n), n);
    assert_int_equal(do_read(s, s->server, bytes, 1), 0);
}

/* --- files -------------------------------------------------------------------------------------------------------- */

#define FILE_SIZE ((size_t)3 << 20)

static char byte_at(size_t i)
{
    return (char)(i * 2654435761u >> 24);
}

static int file_make(size_t size)
{
    char name[] = "/tmp/trale-stream-XXXXXX", bytes[65536];
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(unlink(name), 0);
    for (size_t n = 0; n < size;) {
        size_t length = size - n < sizeof bytes ? size - n : sizeof bytes;
        for (size_t i = 0; i < length; i++)
            bytes[i] = byte_at(n + i);
        assert_int_equal(write(fd, bytes, length), length);
        n += length;
    }
    return fd;
}

static int64_t do_sendfile(struct streams *s, struct trale_stream_socket *socket, int fd, uint64_t offset,
                           uint64_t size)
{
    struct trale_stream_sendfile sendfile;
    return trale_block_on(s->runtime, trale_stream_sendfile(&sendfile, socket, fd, offset, size));
}

static void expect_bytes(struct streams *s, struct trale_stream_socket *socket, size_t from, size_t n)
{
    static char bytes[FILE_SIZE];
    assert_int_equal(do_read_all(s, socket, bytes, n), n);
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != byte_at(from + i))
            fail_msg("byte %zu is another", from + i);
}

static void test_a_file_is_written_from_any_offset_to_its_end(void **state)
{
    struct streams *s = *state;
    int fd = file_make(1000);
    assert_int_equal(do_sendfile(s, s->client, fd, 0, UINT64_MAX), 1000);
    expect_bytes(s, s->server, 0, 1000);
    assert_int_equal(do_sendfile(s, s->client, fd, 10, 20), 20);
    expect_bytes(s, s->server, 10, 20);
    assert_int_equal(do_sendfile(s, s->client, fd, 990, 20), 10);
    expect_bytes(s, s->server, 990, 10);
    assert_int_equal(do_sendfile(s, s->client, fd, 1000, 20), 0);
    assert_int_equal(do_sendfile(s, s->client, fd, 5000, UINT64_MAX), 0);
    assert_int_equal(do_sendfile(s, s->client, fd, 0, 0), 0);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 1000);
    close(fd);
}

static void test_a_header_and_a_file_are_written_behind_each_other(void **state)
{
    struct streams *s = *state;
    int fd = file_make(100);
    struct trale_stream_write write;
    char buf[6];
    assert_int_equal(trale_block_on(s->runtime, trale_stream_write_more(&write, s->client, "header", 6)), 6);
    assert_int_equal(do_sendfile(s, s->client, fd, 0, UINT64_MAX), 100);
    assert_int_equal(do_read_all(s, s->server, buf, 6), 6);
    assert_memory_equal(buf, "header", 6);
    expect_bytes(s, s->server, 0, 100);
    close(fd);
}

static void test_a_large_file_waits_for_the_peer_and_says_how_far_it_came(void **state)
{
    struct streams *s = *state;
    int fd = file_make(FILE_SIZE);
    struct trale_stream_sendfile sendfile;
    struct trale_task *sending = begin(s, trale_stream_sendfile(&sendfile, s->client, fd, 0, UINT64_MAX));
    assert_int_equal(do_write(s, s->client, "between", 7), -EBUSY);
    expect_bytes(s, s->server, 0, FILE_SIZE);
    assert_int_equal(trale_join(sending), FILE_SIZE);
    sending = begin(s, trale_stream_sendfile(&sendfile, s->client, fd, 7, UINT64_MAX));
    drop(sending);
    assert_true(sendfile.n_written > 0 && sendfile.n_written < FILE_SIZE);
    do_close(s, s->client);
    expect_bytes(s, s->server, 7, sendfile.n_written);
    char byte;
    assert_int_equal(do_read(s, s->server, &byte, 1), 0);
    close(fd);
}

static void test_a_file_to_a_peer_that_is_gone_raises_no_signal(void **state)
{
    struct streams *s = *state;
    int fd = file_make(100);
    sigset_t pending;
    do_close(s, s->client);
    int64_t r;
    do
        r = do_sendfile(s, s->server, fd, 0, UINT64_MAX);
    while (r == 100);
    assert_int_equal(r, -EPIPE);
    assert_int_equal(do_sendfile(s, s->server, fd, 0, UINT64_MAX), -EPIPE);
    sigpending(&pending);
    assert_int_equal(sigismember(&pending, SIGPIPE), 0);
    close(fd);
}

#define N_PEERS 400

/* Peers that read a part, and close with the rest unread. */
static void *peers_close(void *address)
{
    static char bytes[1 << 16];
    const struct trale_address *to = address;
    for (int i = 0; i < N_PEERS; i++) {
        int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, &to->any, sizeof to->v4) < 0)
            return address;
        for (int n = i % 32; n > 0 && recv(fd, bytes, sizeof bytes, 0) > 0; n--)
            ;
        close(fd);
    }
    return NULL;
}

/* A call that has written a part, and then meets the reset, returns the part, and raises SIGPIPE all the same. */
static void test_a_peer_that_goes_in_the_middle_of_a_file_raises_no_signal(void **state)
{
    struct streams *s = *state;
    TEST_REAL_ONLY("another thread has no part in a simulation");
    int fd = file_make(FILE_SIZE);
    pthread_t peers;
    void *failed;
    assert_int_equal(pthread_create(&peers, NULL, peers_close, &s->address), 0);
    for (int i = 0; i < N_PEERS; i++) {
        struct trale_stream_socket *socket = NULL;
        assert_int_equal(do_accept(s, &socket), 0);
        int64_t r;
        do
            r = do_sendfile(s, socket, fd, 0, UINT64_MAX);
        while (r >= 0);
        assert_true(r == -EPIPE || r == -ECONNRESET);
        do_close(s, socket);
    }
    pthread_join(peers, &failed);
    assert_null(failed);
    close(fd);
}

/* The kernel has no word for whose error it is, that of the file or of the connection. */
static void test_an_error_of_the_file_is_none_of_the_connection(void **state)
{
    struct streams *s = *state;
    TEST_REAL_ONLY(NO_FDS);
    char buf[8];
    int channel[2];
    struct trale_stream_read read;
    assert_int_equal(pipe(channel), 0);
    int fd = file_make(1);
    assert_int_equal(do_sendfile(s, s->client, channel[0], 0, 1), -ESPIPE);
    assert_true(do_sendfile(s, s->client, fd, INT64_MAX - 1, 1) <= 0); /* some file systems: -EOVERFLOW */
    struct trale_task *reading = begin(s, trale_stream_read(&read, s->client, buf, sizeof buf));
    assert_int_equal(do_write(s, s->server, "hello", 5), 5);
    assert_int_equal(trale_join(reading), 5);
    assert_int_equal(do_shutdown(s, s->server, TRALE_STREAM_WRITES), 0);
    assert_int_equal(do_read(s, s->client, buf, sizeof buf), 0);
    assert_int_equal(do_shutdown(s, s->client, TRALE_STREAM_WRITES), 0);
    assert_int_equal(do_sendfile(s, s->client, channel[0], 0, 1), -ESPIPE);
    assert_int_equal(do_read(s, s->client, buf, sizeof buf), 0);
    close(fd);
    close(channel[0]);
    close(channel[1]);
}

static void test_what_cannot_be_sent_is_refused(void **state)
{
    struct streams *s = *state;
    int fd = file_make(1), closed = dup(fd), write_only = open("/dev/null", O_WRONLY);
    close(closed);
    assert_int_equal(do_sendfile(s, s->client, closed, 0, 1), -EBADF);
    assert_int_equal(do_sendfile(s, s->client, write_only, 0, 1), -EBADF);
    assert_int_equal(do_sendfile(s, s->client, fd, UINT64_MAX, 1), -EINVAL);
    assert_int_equal(do_sendfile(s, s->client, fd, INT64_MAX, 1), -EINVAL);
    struct trale_stream_sendfile sendfile;
    struct trale_future *unpolled = trale_stream_sendfile(&sendfile, s->client, fd, 0, 1);
    do_close(s, s->client);
    assert_int_equal(trale_block_on(s->runtime, unpolled), -ECANCELED);
    close(fd);
    close(write_only);
}

/* --- options ------------------------------------------------------------------------------------------------------ */

static void test_options_are_what_they_were_set_to(void **state)
{
    struct streams *s = *state;
    static const struct {
        uint32_t option;
        int64_t value, low, high;
    } options[] = {
        {TRALE_STREAM_NO_DELAY, 1, -1, 2},
        {TRALE_STREAM_CORK, 1, -1, 2},
        {TRALE_STREAM_KEEP_ALIVE, 1, -1, 2},
        {TRALE_STREAM_KEEP_ALIVE_IDLE, 60, 0, 32768},
        {TRALE_STREAM_KEEP_ALIVE_COUNT, 4, 0, 128},
        {TRALE_STREAM_KEEP_ALIVE_INTERVAL, 7, 0, 32768},
        {TRALE_STREAM_USER_TIMEOUT, 5000, -1, INT64_MAX},
        {TRALE_STREAM_LINGER, 0, -2, 1},
        {TRALE_STREAM_NOT_SENT, 16384, -1, INT64_MAX},
        {TRALE_STREAM_TRAFFIC_CLASS, 46 << 2, -1, 256},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        uint32_t option = options[i].option;
        assert_int_equal(do_set(s, s->client, option, options[i].value), 0);
        assert_int_equal(do_set(s, s->client, option, options[i].low), -EINVAL);
        assert_int_equal(do_set(s, s->client, option, options[i].high), -EINVAL);
        assert_int_equal(do_get(s, s->client, option), options[i].value);
        assert_int_equal(do_set(s, s->client, option, 1u << 31), -EINVAL);
    }
    assert_int_equal(do_set(s, s->client, TRALE_STREAM_LINGER, -1), 0);
    assert_int_equal(do_get(s, s->client, TRALE_STREAM_LINGER), -1);
    assert_int_equal(do_set(s, s->client, TRALE_STREAM_SEND_BUFFER, 8192), 0);
    assert_true(do_get(s, s->client, TRALE_STREAM_SEND_BUFFER) >= 8192);
    assert_int_equal(do_set(s, s->client, TRALE_STREAM_RECEIVE_BUFFER, 8192), 0);
    assert_true(do_get(s, s->client, TRALE_STREAM_RECEIVE_BUFFER) >= 8192);
}

static void test_options_that_a_socket_does_not_have_are_refused(void **state)
{
    struct streams *s = *state;
    static const uint32_t read_only[] = {TRALE_STREAM_SEND_QUEUE, TRALE_STREAM_RECEIVE_QUEUE};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(do_set(s, s->client, read_only[i], 0), -ENOPROTOOPT);
        assert_int_equal(do_get(s, s->client, read_only[i]), 0);
        assert_int_equal(do_get_listener(s, read_only[i]), -EINVAL);
    }
    for (uint32_t option = 0; option < 100; option += TRALE_STREAM_BACKLOG + 1) {
        assert_int_equal(do_set(s, s->client, option, 0), -ENOPROTOOPT);
        assert_int_equal(do_get(s, s->client, option), -ENOPROTOOPT);
    }
    assert_int_equal(do_set(s, s->client, TRALE_STREAM_PASS_CREDENTIALS, 1), -EOPNOTSUPP);
    assert_int_equal(do_get(s, s->client, TRALE_STREAM_PASS_CREDENTIALS), -EOPNOTSUPP);
    assert_int_equal(do_set(s, s->client, TRALE_STREAM_BACKLOG, 1), -EOPNOTSUPP);
    assert_int_equal(do_get(s, s->client, TRALE_STREAM_BACKLOG), -ENOPROTOOPT);
    assert_int_equal(do_set_listener(s, TRALE_STREAM_BACKLOG, 1), 0);
    assert_int_equal(do_set_listener(s, TRALE_STREAM_BACKLOG, -1), -EINVAL);
    assert_int_equal(do_set_listener(s, TRALE_STREAM_BACKLOG, INT64_MAX), -EINVAL);
    assert_int_equal(do_get_listener(s, TRALE_STREAM_BACKLOG), -ENOPROTOOPT);
}

static void test_a_connection_can_be_bound_to_an_interface(void **state)
{
    struct streams *s = *state;
    int64_t loopback = if_nametoindex("lo");
    char buf[8];
    assert_int_equal(do_get(s, s->client, TRALE_STREAM_INTERFACE), 0);
    assert_int_equal(do_set(s, s->client, TRALE_STREAM_INTERFACE, INT32_MAX), -ENODEV);
    assert_int_equal(do_set(s, s->client, TRALE_STREAM_INTERFACE, -1), -EINVAL);
    assert_int_equal(do_set(s, s->client, TRALE_STREAM_INTERFACE, loopback), 0);
    assert_int_equal(do_get(s, s->client, TRALE_STREAM_INTERFACE), loopback);
    assert_int_equal(do_write(s, s->client, "bound", 5), 5);
    assert_int_equal(do_read_all(s, s->server, buf, 5), 5);
}

static void test_the_queues_say_what_was_not_read_yet(void **state)
{
    struct streams *s = *state;
    char buf[8];
    assert_int_equal(do_write(s, s->client, "hello", 5), 5);
    struct trale_stream_read read;
    assert_int_equal(trale_block_on(s->runtime, trale_stream_read(&read, s->server, buf, 1)), 1);
    assert_int_equal(do_get(s, s->server, TRALE_STREAM_RECEIVE_QUEUE), 4);
    assert_int_equal(do_read_all(s, s->server, buf, 4), 4);
    assert_int_equal(do_get(s, s->server, TRALE_STREAM_RECEIVE_QUEUE), 0);
}

/* --- sockets that are open already -------------------------------------------------------------------------------- */

struct adoption {
    struct trale *runtime;
    int fd, result;
    struct trale_stream_socket *socket;
    struct trale_stream_listener *listener;
};

static void adopts(void *data)
{
    struct adoption *a = data;
    a->result = trale_stream_adopt(a->runtime, a->fd, &a->socket);
}

static void adopts_listener(void *data)
{
    struct adoption *a = data;
    a->result = trale_stream_adopt_listener(a->runtime, a->fd, &a->listener);
}

static struct adoption do_adopt(struct streams *s, int fd)
{
    struct adoption a = {.runtime = s->runtime, .fd = fd};
    test_call_in_task(s->runtime, adopts, &a);
    return a;
}

static struct adoption do_adopt_listener(struct streams *s, int fd)
{
    struct adoption a = {.runtime = s->runtime, .fd = fd};
    test_call_in_task(s->runtime, adopts_listener, &a);
    return a;
}

static void releases(void *data)
{
    struct adoption *a = data;
    a->fd = trale_stream_release(a->socket);
}

static int do_release(struct streams *s, struct trale_stream_socket *socket)
{
    struct adoption a = {.socket = socket};
    test_call_in_task(s->runtime, releases, &a);
    return a.fd;
}

static int bound_socket(int family, int type)
{
    struct sockaddr_storage any = {.ss_family = (sa_family_t)family};
    int fd = socket(family, type, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&any, family == AF_UNIX ? sizeof(sa_family_t) : 28), 0);
    return fd;
}

static int listening_socket(int family)
{
    int fd = bound_socket(family, SOCK_STREAM);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

static void test_an_adopted_connection_is_one_like_any_other(void **state)
{
    struct streams *s = *state;
    TEST_REAL_ONLY(NO_FDS);
    int fds[2];
    char buf[8];
    const struct linger linger = {1, 30};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    struct adoption first = do_adopt(s, fds[0]), second = do_adopt(s, fds[1]);
    assert_int_equal(first.result, 0);
    assert_int_equal(second.result, 0);
    assert_int_equal(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
    assert_true((fcntl(fds[0], F_GETFL) & O_NONBLOCK) != 0);
    assert_int_equal(do_get(s, first.socket, TRALE_STREAM_LINGER), -1);
    assert_int_equal(do_adopt(s, fds[0]).result, -EBUSY);
    struct trale_stream_read read;
    struct trale_task *reading = begin(s, trale_stream_read(&read, second.socket, buf, sizeof buf));
    assert_int_equal(do_write(s, first.socket, "hello", 5), 5);
    assert_int_equal(trale_join(reading), 5);
    do_close(s, first.socket);
    assert_int_equal(fcntl(fds[0], F_GETFD), -1);
    assert_int_equal(do_read(s, second.socket, buf, sizeof buf), 0);
}

static void test_an_adopted_listener_accepts(void **state)
{
    struct streams *s = *state;
    TEST_REAL_ONLY(NO_FDS);
    int fd = listening_socket(AF_INET);
    const struct linger linger = {1, 30};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    struct adoption a = do_adopt_listener(s, fd);
    assert_int_equal(a.result, 0);
    assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    assert_int_equal(do_adopt_listener(s, fd).result, -EBUSY);
    struct trale_address bound = {0}, to = test_address("127.0.0.1:0");
    socklen_t length = sizeof bound;
    assert_int_equal(getsockname(fd, &bound.any, &length), 0);
    trale_address_set_port(&to, trale_address_port(&bound));
    struct trale_stream_accept accept;
    struct trale_task *accepting = begin(s, trale_stream_accept(&accept, a.listener));
    struct trale_stream_socket *client = NULL;
    assert_int_equal(do_connect(s, &to, &client), 0);
    assert_int_equal(trale_join(accepting), 0);
    assert_int_equal(do_get(s, accept.socket, TRALE_STREAM_LINGER), -1); /* or its close would block */
}

static void test_what_is_no_stream_is_not_adopted_and_left_alone(void **state)
{
    struct streams *s = *state;
    TEST_REAL_ONLY(NO_FDS);
    const struct {
        int fd, error, listener_error;
    } samples[] = {
        {open("/dev/null", O_RDONLY), -ENOTSOCK, -ENOTSOCK},
        {socket(AF_NETLINK, SOCK_RAW, 0), -EAFNOSUPPORT, -EAFNOSUPPORT},
        {bound_socket(AF_INET, SOCK_DGRAM), -EPROTOTYPE, -EPROTOTYPE},
        {bound_socket(AF_UNIX, SOCK_SEQPACKET), -EPROTOTYPE, -EPROTOTYPE},
        {bound_socket(AF_INET, SOCK_STREAM), -ENOTCONN, -EINVAL},
        {listening_socket(AF_INET6), -ENOTCONN, 0},
        {-1, -EBADF, -EBADF},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        int fd = samples[i].fd;
        assert_int_equal(do_adopt(s, fd).result, samples[i].error);
        if (fd >= 0)
            assert_int_equal(fcntl(fd, F_GETFD) | (fcntl(fd, F_GETFL) & O_NONBLOCK), 0);
        assert_int_equal(do_adopt_listener(s, fd).result, samples[i].listener_error);
        if (fd >= 0 && samples[i].listener_error != 0)
            assert_int_equal(close(fd), 0);
    }
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(do_adopt_listener(s, fds[0]).result, -EINVAL);
    close(fds[0]);
    close(fds[1]);
}

/* --- pipes -------------------------------------------------------------------------------------------------------- */

/* An adopted pipe. */
static void open_pipe(struct streams *s, struct trale_stream_socket **reader, struct trale_stream_socket **writer)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct adoption reads = do_adopt(s, ends[0]), writes = do_adopt(s, ends[1]);
    assert_int_equal(reads.result, 0);
    assert_int_equal(writes.result, 0);
    assert_int_equal(do_adopt(s, ends[0]).result, -EBUSY);
    assert_true((fcntl(ends[0], F_GETFL) & O_NONBLOCK) != 0);
    assert_int_equal(fcntl(ends[1], F_GETFD), FD_CLOEXEC);
    *reader = reads.socket;
    *writer = writes.socket;
}

static void test_an_adopted_pipe_carries_bytes_and_ends(void **state)
{
    struct streams *s = *state;
    TEST_REAL_ONLY(NO_FDS);
    struct trale_stream_socket *reader, *writer;
    char buf[16] = "", other[16] = "";
    open_pipe(s, &reader, &writer);
    struct trale_stream_read read;
    struct trale_task *reading = begin(s, trale_stream_read(&read, reader, buf, sizeof buf));
    assert_int_equal(do_write(s, writer, "hello", 5), 5);
    assert_int_equal(trale_join(reading), 5);
    assert_memory_equal(buf, "hello", 5);
    const struct iovec from[] = {{(char[]){"ab"}, 2}, {buf, 0}, {(char[]){"cde"}, 3}}, to[] = {{buf, 1}, {other, 8}};
    struct trale_stream_write write;
    assert_int_equal(trale_block_on(s->runtime, trale_stream_writev(&write, writer, from, 3)), 5);
    assert_int_equal(trale_block_on(s->runtime, trale_stream_readv(&read, reader, to, 2)), 5);
    assert_memory_equal(buf, "a", 1);
    assert_memory_equal(other, "bcde", 4);
    reading = begin(s, trale_stream_read(&read, reader, buf, sizeof buf));
    do_close(s, writer);
    assert_int_equal(trale_join(reading), 0);
    assert_int_equal(do_read(s, reader, buf, sizeof buf), 0);
    do_close(s, reader);
}

static void test_a_pipe_that_is_full_holds_a_write_up(void **state)
{
    struct streams *s = *state;
    TEST_REAL_ONLY(NO_FDS);
    enum { SIZE = 1000000 };
    struct trale_stream_socket *reader, *writer;
    char *sent = test_malloc(SIZE), *got = test_malloc(SIZE);
    for (int i = 0; i < SIZE; i++)
        sent[i] = (char)(i % 251);
    open_pipe(s, &reader, &writer);
    struct trale_stream_write write;
    struct trale_task *writing = begin(s, trale_stream_write(&write, writer, sent, SIZE));
    assert_int_equal(do_read_all(s, reader, got, SIZE), SIZE);
    assert_int_equal(trale_join(writing), SIZE);
    assert_memory_equal(sent, got, SIZE);
    FILE *file = tmpfile();
    assert_int_equal(fwrite(sent, 1, SIZE, file), SIZE);
    assert_int_equal(fflush(file), 0);
    struct trale_stream_sendfile sendfile;
    writing = begin(s, trale_stream_sendfile(&sendfile, writer, fileno(file), 0, UINT64_MAX));
    memset(got, 0, SIZE);
    assert_int_equal(do_read_all(s, reader, got, SIZE), SIZE);
    assert_int_equal(trale_join(writing), SIZE);
    assert_memory_equal(sent, got, SIZE);
    fclose(file);
    test_free(sent);
    test_free(got);
    do_close(s, writer);
    do_close(s, reader);
}

static void test_a_pipe_without_a_reader_is_an_error_and_no_signal(void **state)
{
    struct streams *s = *state;
    TEST_REAL_ONLY(NO_FDS);
    struct trale_stream_socket *reader, *writer;
    static char much[200000];
    open_pipe(s, &reader, &writer);
    struct trale_stream_write write;
    struct trale_task *writing = begin(s, trale_stream_write(&write, writer, much, sizeof much));
    do_close(s, reader); /* in the middle of the write */
    assert_int_equal(trale_join(writing), -EPIPE);
    assert_int_equal(do_write(s, writer, "x", 1), -EPIPE);
    FILE *file = tmpfile();
    assert_int_equal(fwrite("hello", 1, 5, file), 5);
    assert_int_equal(fflush(file), 0);
    struct trale_stream_sendfile sendfile;
    assert_int_equal(trale_block_on(s->runtime, trale_stream_sendfile(&sendfile, writer, fileno(file), 0, UINT64_MAX)),
                     -EPIPE);
    fclose(file);
    do_close(s, writer);
}

static void test_a_pipe_has_one_direction_and_nothing_else_of_sockets(void **state)
{
    struct streams *s = *state;
    TEST_REAL_ONLY(NO_FDS);
    struct trale_stream_socket *reader, *writer;
    char buf[8];
    open_pipe(s, &reader, &writer);
    assert_int_equal(do_read(s, writer, buf, sizeof buf), -EBADF);
    assert_int_equal(do_write(s, reader, "x", 1), -EBADF);
    assert_int_equal(do_shutdown(s, writer, TRALE_STREAM_WRITES), -EOPNOTSUPP);
    assert_int_equal(do_set(s, writer, TRALE_STREAM_SEND_BUFFER, 4096), -EOPNOTSUPP);
    assert_int_equal(do_get(s, writer, TRALE_STREAM_SEND_QUEUE), -EOPNOTSUPP);
    assert_int_equal(do_write(s, writer, "abc", 3), 3);
    assert_int_equal(do_get(s, reader, TRALE_STREAM_RECEIVE_QUEUE), 3);
    int fd = do_release(s, reader);
    assert_int_equal(read(fd, buf, sizeof buf), 3);
    assert_int_equal(do_adopt_listener(s, fd).result, -ENOTSOCK);
    close(fd);
    do_close(s, writer);
}

static void test_a_released_connection_goes_on_elsewhere(void **state)
{
    struct streams *s = *state;
    TEST_REAL_ONLY(NO_FDS);
    char buf[8];
    struct trale_stream_read read;
    assert_int_equal(do_write(s, s->client, "hello", 5), 5);
    struct trale_task *reading = begin(s, trale_stream_read(&read, s->client, buf, sizeof buf));
    int fd = do_release(s, s->client);
    assert_true(fd >= 0);
    assert_int_equal(trale_join(reading), -ECANCELED);
    assert_int_equal(do_read_all(s, s->server, buf, 5), 5);
    assert_int_equal(send(fd, "again", 5, 0), 5);
    assert_int_equal(do_read_all(s, s->server, buf, 5), 5);
    struct adoption back = do_adopt(s, fd);
    assert_int_equal(back.result, 0);
    reading = begin(s, trale_stream_read(&read, back.socket, buf, sizeof buf));
    assert_int_equal(do_write(s, s->server, "back", 4), 4);
    assert_int_equal(trale_join(reading), 4);
}

/* --- inherited, in a process of its own, as the service manager would start it ------------------------------------ */

#define HOLDS(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return __LINE__;                                                                                           \
    } while (0)

/* A listener, a connection and a file are fd 3 to 5. Returns the line of what does not hold, or 0. */
static int run_as_service(void)
{
    char pid[16];
    int fds[2];
    dup3(listening_socket(AF_INET), 3, 0);
    HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    dup2(fds[0], 4);
    dup2(open("/dev/null", O_RDONLY), 5);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "3", 1);
    setenv("LISTEN_FDNAMES", "web:connection:file", 1);
    struct trale *runtime = test_open("timer, stream", TEST_TIMER TEST_STREAM);
    struct trale_stream_listener *listener = NULL;
    struct trale_stream_socket *connection = NULL;
    HOLDS(trale_stream_inherit_listener(runtime, "unknown", &listener) == -ENOENT);
    HOLDS(trale_stream_inherit_listener(runtime, "file", &listener) == -ENOTSOCK);
    HOLDS(trale_stream_inherit_listener(runtime, "connection", &listener) == -EINVAL);
    HOLDS(trale_stream_inherit(runtime, "web", &connection) == -ENOTCONN);
    HOLDS(trale_stream_inherit_listener(runtime, "web", &listener) == 0);
    HOLDS(trale_stream_inherit_listener(runtime, "web", &listener) == -EBUSY);
    HOLDS(trale_stream_inherit(runtime, "1", &connection) == 0);
    HOLDS(trale_stream_inherit(runtime, "connection", &connection) == -EBUSY);
    struct trale_stream_write write;
    char buf[8];
    HOLDS(trale_block_on(runtime, trale_stream_write(&write, connection, "hello", 5)) == 5);
    HOLDS(read(fds[1], buf, sizeof buf) == 5);
    HOLDS(trale_close(runtime) == 0);
    HOLDS(fcntl(3, F_GETFD) == -1 && fcntl(4, F_GETFD) == -1 && fcntl(5, F_GETFD) == 0);
    return 0;
}

static void test_inherited_sockets_are_taken_by_name_or_number_each_once(void **state)
{
    (void)state;
    TEST_REAL_ONLY(NO_FDS);
    int status, line = 0, channel[2];
    assert_int_equal(pipe(channel), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int out = fcntl(channel[1], F_DUPFD_CLOEXEC, 64);
        line = run_as_service();
        _exit(write(out, &line, sizeof line) != sizeof line);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(read(channel[0], &line, sizeof line), sizeof line);
    close(channel[0]);
    close(channel[1]);
    if (line != 0)
        fail_msg("line %d", line);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, streams_open, streams_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inherited_sockets_are_taken_by_name_or_number_each_once),
        TEST(test_a_try_takes_what_is_there_and_never_waits),
        TEST(test_a_try_writes_a_part_and_then_nothing),
        TEST(test_a_file_is_written_from_any_offset_to_its_end),
        TEST(test_a_header_and_a_file_are_written_behind_each_other),
        TEST(test_a_large_file_waits_for_the_peer_and_says_how_far_it_came),
        TEST(test_a_file_to_a_peer_that_is_gone_raises_no_signal),
        TEST(test_a_peer_that_goes_in_the_middle_of_a_file_raises_no_signal),
        TEST(test_what_cannot_be_sent_is_refused),
        TEST(test_an_error_of_the_file_is_none_of_the_connection),
        TEST(test_options_are_what_they_were_set_to),
        TEST(test_options_that_a_socket_does_not_have_are_refused),
        TEST(test_a_connection_can_be_bound_to_an_interface),
        TEST(test_the_queues_say_what_was_not_read_yet),
        TEST(test_an_adopted_connection_is_one_like_any_other),
        TEST(test_an_adopted_listener_accepts),
        TEST(test_what_is_no_stream_is_not_adopted_and_left_alone),
        TEST(test_an_adopted_pipe_carries_bytes_and_ends),
        TEST(test_a_pipe_that_is_full_holds_a_write_up),
        TEST(test_a_pipe_without_a_reader_is_an_error_and_no_signal),
        TEST(test_a_pipe_has_one_direction_and_nothing_else_of_sockets),
        TEST(test_a_released_connection_goes_on_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
