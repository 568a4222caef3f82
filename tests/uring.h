/* SPDX-License-Identifier: MIT
 *
 * What the tests of the driver uring_udp share: a runtime with io_uring, and a socket with its peer. */
#ifndef TRALE_TESTS_URING_H
#define TRALE_TESTS_URING_H

#include <sys/socket.h>

#include <trale/udp_socket.h>

#include "tests/support.h"

static inline void write_config(char text[1024], const char *keys, int n_instances)
{
    snprintf(text, 1024,
             "[runtime]\ndrivers = timer, udp\nthreads = %d\ninstances = %d\ndrivers_folder = %s\n" TEST_TIMER
             "[driver:udp]\npath = uring_udp.so\n%s\n",
             test_threads(), n_instances, TEST_DRIVERS, keys);
}

static inline int try_open(struct trale **runtime, struct test_log *log, const char *keys)
{
    char text[1024];
    write_config(text, keys, 1);
    struct trale_options options = {.config_text = text, .log = test_log_write, .log_data = log};
    return trale_open(runtime, &options);
}

static struct test_log test_log;

/* With io_uring, and an empty log. */
static inline struct trale *open_with(const char *keys)
{
    char all_keys[256];
    struct trale *runtime = NULL;
    snprintf(all_keys, sizeof all_keys, "fallback = fail\n%s", keys);
    test_log.length = 0;
    test_log.text[0] = '\0';
    assert_int_equal(try_open(&runtime, &test_log, all_keys), 0);
    return runtime;
}

/* A socket of the runtime, and one of the kernel's that is connected to it. */
struct ends {
    struct trale_udp_socket *socket;
    int peer;
};

static inline struct ends open_ends(struct trale *runtime)
{
    struct ends ends;
    struct trale_address address;
    assert_int_equal(trale_udp_open(runtime, "127.0.0.1:0", 0, &ends.socket), 0);
    assert_int_equal(trale_udp_local(ends.socket, &address), 0);
    ends.peer = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(ends.peer, &address.any, trale_address_length(&address)), 0);
    return ends;
}

static inline void close_ends(struct trale *runtime, const struct ends *ends)
{
    test_close_socket(runtime, ends->socket);
    close(ends->peer);
}

static inline void peer_sends(const struct ends *ends, int number)
{
    assert_int_equal(send(ends->peer, &number, sizeof number, 0), sizeof number);
}

static inline size_t count(const char *text, const char *word)
{
    size_t n = 0;
    for (; (text = strstr(text, word)) != NULL; text++)
        n++;
    return n;
}

/* Receives a number. */
struct taker {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_udp_recv recv;
    int number;
};

trale_async(taker)
{
    trale_begin();
    trale_await(trale_udp_recv_from(&self->recv, self->socket, &self->number, sizeof self->number));
    trale_return(trale_result() == sizeof self->number ? self->number : trale_result());
}

static inline int64_t take(struct trale *runtime, const struct ends *ends)
{
    return trale_join(trale_spawn(runtime, taker, .socket = ends->socket));
}

/* Whether io_uring is to be had; if not, it is said why. */
static inline bool uring_is_there(void)
{
    struct trale *runtime;
    if (try_open(&runtime, &test_log, "fallback = fail") < 0) {
        print_message("%s", test_log.text);
        return false;
    }
    trale_close(runtime);
    return true;
}

#endif
