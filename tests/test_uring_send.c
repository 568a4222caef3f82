/* SPDX-License-Identifier: MIT
 *
 * The driver uring_udp: sends that the kernel is handed together. Skipped where io_uring is not to be had. */
#include <trale/udp_info.h>

#include "tests/uring.h"

struct sender {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_address to;
    const struct trale_udp_info *info;
    size_t size;
    struct trale_udp_send send;
};

static const char sent_bytes[65536] = "all the same";

trale_async(sender)
{
    trale_begin();
    if (self->info != NULL)
        trale_await(trale_udp_send_info(&self->send, self->socket, sent_bytes, self->size, &self->to, self->info));
    else
        trale_await(trale_udp_send_to(&self->send, self->socket, sent_bytes, self->size, &self->to));
    trale_return(trale_result());
}

/* Tasks that are all runnable at once: their sends are handed over together. */
struct senders {
    struct trale_future future;
    const struct sender *senders;
    const int64_t *results;
    struct trale_task *tasks[16];
    struct trale_join_future joined;
    size_t n, i;
};

trale_async(senders)
{
    trale_begin();
    for (size_t i = 0; i < self->n; i++)
        self->tasks[i] = trale_spawn(cx->runtime, sender, .socket = self->senders[i].socket, .to = self->senders[i].to,
                                     .info = self->senders[i].info, .size = self->senders[i].size);
    for (self->i = 0; self->i < self->n; self->i++) {
        trale_await(trale_join_future(&self->joined, self->tasks[self->i]));
        if (trale_result() != self->results[self->i])
            trale_return(-1 - (int64_t)self->i);
    }
    trale_return(0);
}

/* The size of the next datagram that the driver has sent to the peer. */
static ssize_t peer_size(const struct ends *ends)
{
    static char bytes[65536];
    ssize_t n = recv(ends->peer, bytes, sizeof bytes, 0);
    assert_memory_equal(bytes, sent_bytes, n > 0 ? (size_t)n : 0);
    return n;
}

static void test_each_of_the_sends_that_go_together_has_its_own_answer(void **state)
{
    (void)state;
    struct trale *runtime = open_with("");
    struct ends ends = open_ends(runtime);
    struct trale_address to = {0}, nowhere = {.any.sa_family = AF_UNIX};
    socklen_t length = sizeof to;
    assert_int_equal(getsockname(ends.peer, &to.any, &length), 0);
    static const struct trale_udp_info ttl = {.have = TRALE_UDP_INFO_TTL, .ttl = 9};
    static const struct trale_udp_info no_ttl = {.have = TRALE_UDP_INFO_TTL, .ttl = 256};
    const struct sender all[] = {
        {.socket = ends.socket, .to = to, .size = 10},
        {.socket = ends.socket, .to = to, .size = 11, .info = &ttl},
        {.socket = ends.socket, .to = to, .size = 12, .info = &no_ttl},
        {.socket = ends.socket, .to = to, .size = 0},
        {.socket = ends.socket, .to = to, .size = 65507},
        {.socket = ends.socket, .to = to, .size = 65508},
        {.socket = ends.socket, .to = to, .size = UINT32_MAX},
        {.socket = ends.socket, .to = nowhere, .size = 13},
        {.socket = ends.socket, .size = 14},
        {.socket = ends.socket, .to = to, .size = 15},
        {.socket = ends.socket, .to = to, .size = 16}, /* the last one goes alone */
    };
    static const int64_t results[] = {10, 11, -EINVAL, 0, 65507, -EMSGSIZE, -EMSGSIZE, -EAFNOSUPPORT, -EDESTADDRREQ,
                                      15, 16};
    static const ssize_t sizes[] = {10, 11, 0, 65507, 15, 16};
    for (int i = 0; i < 20; i++) {
        assert_int_equal(trale_join(trale_spawn(runtime, senders, .senders = all, .results = results,
                                                .n = sizeof all / sizeof all[0])),
                         0);
        for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++)
            assert_int_equal(peer_size(&ends), sizes[j]);
    }
    assert_int_equal(recv(ends.peer, &to, sizeof to, MSG_DONTWAIT), -1);
    close_ends(runtime, &ends);
    assert_int_equal(trale_close(runtime), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_of_the_sends_that_go_together_has_its_own_answer),
    };
    if (!uring_is_there())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
