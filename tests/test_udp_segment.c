/* SPDX-License-Identifier: MIT
 *
 * Datagrams to be cut up on a way out that cannot: sendmmsg(2) and sendmsg(2) are replaced by functions that refuse
 * them, as the kernel does where there are no checksums in hardware. */
#include <sys/syscall.h>
#include <unistd.h>

#include <trale/udp_info.h>
#include <trale/udp_socket.h>

#include "tests/support.h"

/* --- the way out -------------------------------------------------------------------------------------------------- */

static struct {
    bool can_cut;
    int n_refused;        /* datagrams that were to be cut up */
    int refusal;          /* with which error; 0: EIO */
    int n_calls;          /* that were let through */
    unsigned at_once;     /* how many messages a call takes; 0: all */
    int fail_at, failure; /* the call that fails, and how */
    int n_sends;          /* calls of sendmsg(2) */
    int failures[4];      /* how the first of them fail; 0: they do not */
} way;

static bool is_to_be_cut(const struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR((struct msghdr *)(uintptr_t)message, c))
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == 103 /* UDP_SEGMENT */)
            return true;
    return false;
}

static int refuse(void)
{
    way.n_refused++;
    errno = way.refusal != 0 ? way.refusal : EIO;
    return -1;
}

/* The driver calls the program's definitions, not those of libc. */
ssize_t test_sendmsg(int fd, const struct msghdr *message, int flags) __asm__("sendmsg");
ssize_t test_sendmsg(int fd, const struct msghdr *message, int flags)
{
    size_t i = (size_t)way.n_sends++;
    if (i < sizeof way.failures / sizeof way.failures[0] && way.failures[i] != 0) {
        errno = way.failures[i];
        return -1;
    }
    return !way.can_cut && is_to_be_cut(message) ? refuse() : syscall(SYS_sendmsg, fd, message, flags);
}

int test_sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags) __asm__("sendmmsg");
int test_sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags)
{
    for (unsigned i = 0; i < n; i++) {
        if (way.can_cut || !is_to_be_cut(&messages[i].msg_hdr))
            continue;
        if (i > 0) {
            n = i;
            break;
        }
        return refuse();
    }
    if (++way.n_calls == way.fail_at) {
        errno = way.failure;
        return -1;
    }
    return (int)syscall(SYS_sendmmsg, fd, messages, way.at_once > 0 && way.at_once < n ? way.at_once : n, flags);
}

/* --- what arrives ------------------------------------------------------------------------------------------------- */

struct setting {
    struct trale *runtime;
    struct trale_udp_socket *sender, *receiver;
    struct trale_address to;
    char bytes[1000];
};

static struct setting open_setting(void)
{
    struct setting s = {.runtime = test_open("timer, udp", TEST_TIMER TEST_UDP)};
    memset(&way, 0, sizeof way);
    for (size_t i = 0; i < sizeof s.bytes; i++)
        s.bytes[i] = (char)(i * 7 + i / 256);
    assert_int_equal(trale_udp_open(s.runtime, "127.0.0.1:0", 0, &s.sender), 0);
    assert_int_equal(trale_udp_open(s.runtime, "127.0.0.1:0", 0, &s.receiver), 0);
    assert_int_equal(trale_udp_local(s.receiver, &s.to), 0);
    return s;
}

static int64_t send_batch(struct setting *s, struct trale_datagram *datagrams, size_t n)
{
    struct trale_udp_batch batch;
    return trale_block_on(s->runtime, trale_udp_send_batch(&batch, s->sender, datagrams, n));
}

/* Pieces of `segment` bytes, which are in order the bytes of what there is to send from `at` to `end`. */
static void assert_arrives_from(struct setting *s, size_t at, size_t end, size_t segment)
{
    char buf[sizeof s->bytes];
    struct trale_udp_recv recv;
    for (; at < end; at += segment) {
        size_t wanted = end - at < segment ? end - at : segment;
        assert_int_equal(trale_udp_try_recv_from(&recv, s->receiver, buf, sizeof buf), wanted);
        assert_memory_equal(buf, s->bytes + at, wanted);
    }
}

static void assert_arrives(struct setting *s, size_t size, size_t segment)
{
    assert_arrives_from(s, 0, size, segment);
}

static void assert_nothing_arrives(struct setting *s)
{
    char byte;
    struct trale_udp_recv recv;
    assert_int_equal(trale_udp_try_recv_from(&recv, s->receiver, &byte, 1), -EAGAIN);
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void test_what_cannot_be_cut_up_is_sent_in_pieces(void **state)
{
    (void)state;
    TEST_REAL_ONLY("no system call is made that could fail, or be interrupted");
    struct setting s = open_setting();
    struct trale_datagram datagrams[] = {
        {.buf = s.bytes, .size = 10, .address = s.to},
        {.buf = s.bytes, .size = 1000, .address = s.to, .segment_size = 300},
        {.buf = s.bytes, .size = 1000, .address = s.to, .segment_size = 10}, /* more than one call takes */
    };
    assert_int_equal(send_batch(&s, datagrams, 3), 1);
    assert_int_equal(send_batch(&s, datagrams + 1, 2), 1);
    assert_int_equal(send_batch(&s, datagrams + 2, 1), 1);
    assert_int_equal(way.n_refused, 2);
    assert_arrives(&s, 10, 10);
    assert_arrives(&s, 1000, 300);
    assert_arrives(&s, 1000, 10);
    assert_nothing_arrives(&s);
    assert_int_equal(trale_close(s.runtime), 0);
}

static void test_pieces_go_to_the_peer_and_say_what_the_datagram_says(void **state)
{
    (void)state;
    TEST_REAL_ONLY("no system call is made that could fail, or be interrupted");
    struct setting s = open_setting();
    struct trale_udp_info said = {.have = TRALE_UDP_INFO_TTL, .ttl = 9}, told;
    struct trale_datagram datagram = {.buf = s.bytes, .size = 400, .segment_size = 200, .info = &said};
    assert_int_equal(trale_udp_connect(s.sender, &s.to), 0);
    assert_int_equal(trale_udp_set(s.receiver, TRALE_UDP_INFO, TRALE_UDP_INFO_TTL), 0);
    assert_int_equal(send_batch(&s, &datagram, 1), 1);
    for (int i = 0; i < 2; i++) {
        char buf[200];
        struct trale_udp_batch batch;
        struct trale_datagram received = {.buf = buf, .size = sizeof buf, .info = &told};
        assert_int_equal(trale_udp_try_recv_batch(&batch, s.receiver, &received, 1), 1);
        assert_int_equal(received.length, 200);
        assert_int_equal(told.ttl, 9);
    }
    assert_int_equal(trale_close(s.runtime), 0);
}

static void test_pieces_wait_for_room_and_go_on_where_they_were(void **state)
{
    (void)state;
    TEST_REAL_ONLY("no system call is made that could fail, or be interrupted");
    struct setting s = open_setting();
    struct trale_datagram datagram = {.buf = s.bytes, .size = 1000, .address = s.to, .segment_size = 100};
    way.at_once = 3;
    way.fail_at = 2;
    way.failure = EAGAIN;
    assert_int_equal(send_batch(&s, &datagram, 1), 1);
    assert_int_equal(way.n_refused, 1);
    assert_arrives(&s, 1000, 100);
    assert_nothing_arrives(&s);
    assert_int_equal(trale_close(s.runtime), 0);
}

static void test_tries_send_each_piece_once(void **state)
{
    (void)state;
    TEST_REAL_ONLY("no system call is made that could fail, or be interrupted");
    struct setting s = open_setting();
    struct trale_datagram datagram = {.buf = s.bytes, .size = 1000, .address = s.to, .segment_size = 100};
    struct trale_udp_batch batch;
    for (int i = 1; i <= 3; i++) {
        way.at_once = 2;
        way.fail_at = way.n_calls + 2;
        way.failure = EAGAIN;
        assert_int_equal(trale_udp_try_send_batch(&batch, s.sender, &datagram, 1), -EAGAIN);
        assert_int_equal(datagram.n_sent, i * 200);
    }
    assert_int_equal(trale_udp_try_send_batch(&batch, s.sender, &datagram, 1), 1);
    assert_int_equal(datagram.n_sent, 0);
    assert_int_equal(way.n_refused, 1);
    assert_arrives(&s, 1000, 100);
    assert_nothing_arrives(&s);
    assert_int_equal(trale_close(s.runtime), 0);
}

static void test_a_send_that_was_dropped_between_pieces_can_be_ended_or_begun_anew(void **state)
{
    (void)state;
    TEST_REAL_ONLY("no system call is made that could fail, or be interrupted");
    for (int anew = 0; anew <= 1; anew++) {
        struct setting s = open_setting();
        struct trale_datagram datagram = {.buf = s.bytes, .size = 1000, .address = s.to, .segment_size = 100};
        struct trale_udp_batch batch;
        way.at_once = 3;
        way.fail_at = 2;
        way.failure = EAGAIN;
        assert_int_equal(trale_udp_try_send_batch(&batch, s.sender, &datagram, 1), -EAGAIN);
        if (anew)
            datagram.n_sent = 0;
        assert_int_equal(send_batch(&s, &datagram, 1), 1);
        if (anew)
            assert_arrives(&s, 300, 100);
        assert_arrives(&s, 1000, 100);
        assert_nothing_arrives(&s);
        datagram.n_sent = 1001;
        assert_int_equal(send_batch(&s, &datagram, 1), -EINVAL);
        assert_int_equal(trale_close(s.runtime), 0);
    }
}

static void test_a_datagram_that_was_sent_in_part_is_ended_also_behind_others(void **state)
{
    (void)state;
    TEST_REAL_ONLY("no system call is made that could fail, or be interrupted");
    struct setting s = open_setting();
    struct trale_datagram datagrams[] = {
        {.buf = s.bytes, .size = 10, .address = s.to},
        {.buf = s.bytes, .size = 1000, .address = s.to, .segment_size = 100},
    };
    struct trale_udp_batch batch;
    way.at_once = 3;
    way.fail_at = 2;
    way.failure = EAGAIN;
    assert_int_equal(trale_udp_try_send_batch(&batch, s.sender, &datagrams[1], 1), -EAGAIN);
    assert_arrives(&s, 300, 100);
    way.can_cut = true;
    way.at_once = 0;
    assert_int_equal(send_batch(&s, datagrams, 2), 1);
    assert_arrives(&s, 10, 10);
    assert_int_equal(send_batch(&s, &datagrams[1], 1), 1);
    assert_arrives_from(&s, 300, 1000, 100);
    assert_nothing_arrives(&s);
    assert_int_equal(trale_close(s.runtime), 0);
}

static void test_segments_that_do_not_fit_the_way_out_are_sent_in_pieces(void **state)
{
    (void)state;
    TEST_REAL_ONLY("no system call is made that could fail, or be interrupted");
    static const int refusals[] = {EMSGSIZE, EINVAL};
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct setting s = open_setting();
        struct trale_datagram datagrams[] = {
            {.buf = s.bytes, .size = 10, .address = s.to},
            {.buf = s.bytes, .size = 1000, .address = s.to, .segment_size = 300},
            {.buf = s.bytes, .size = 20, .address = s.to},
        };
        way.refusal = refusals[i];
        assert_int_equal(send_batch(&s, datagrams, 3), 1);
        assert_int_equal(send_batch(&s, datagrams + 1, 2), 1);
        assert_int_equal(send_batch(&s, datagrams + 2, 1), 1);
        assert_arrives(&s, 10, 10);
        assert_arrives(&s, 1000, 300);
        assert_arrives(&s, 20, 20);
        assert_nothing_arrives(&s);
        assert_int_equal(trale_close(s.runtime), 0);
    }
}

static void test_what_has_too_many_segments_is_refused(void **state)
{
    (void)state;
    struct setting s = open_setting();
    struct trale_datagram datagram = {.buf = s.bytes, .size = 650, .address = s.to, .segment_size = 10};
    way.refusal = EINVAL;
    assert_int_equal(send_batch(&s, &datagram, 1), -EINVAL);
    assert_nothing_arrives(&s);
    assert_int_equal(trale_close(s.runtime), 0);
}

static void test_an_error_between_pieces_is_told(void **state)
{
    (void)state;
    TEST_REAL_ONLY("no system call is made that could fail, or be interrupted");
    struct setting s = open_setting();
    struct trale_datagram datagram = {.buf = s.bytes, .size = 1000, .address = s.to, .segment_size = 100};
    way.at_once = 3;
    way.fail_at = 2;
    way.failure = ENETUNREACH;
    assert_int_equal(send_batch(&s, &datagram, 1), -ENETUNREACH);
    assert_arrives(&s, 300, 100);
    assert_nothing_arrives(&s);
    assert_int_equal(trale_close(s.runtime), 0);
}

/* The second datagram fails for an earlier one, and when it is sent again there is no room. */
static void test_an_error_within_a_batch_is_told_also_if_the_batch_ends_there(void **state)
{
    (void)state;
    TEST_REAL_ONLY("no system call is made that could fail, or be interrupted");
    struct setting s = open_setting();
    struct trale_datagram datagrams[] = {{.buf = s.bytes, .size = 10}, {.buf = s.bytes, .size = 20}};
    struct trale_udp_recv recv;
    char byte;
    assert_int_equal(trale_udp_connect(s.sender, &s.to), 0);
    way.failures[1] = ECONNREFUSED;
    way.failures[2] = EAGAIN;
    assert_int_equal(send_batch(&s, datagrams, 2), 1);
    assert_int_equal(trale_udp_try_recv_from(&recv, s.sender, &byte, 1), -ECONNREFUSED);
    assert_int_equal(send_batch(&s, &datagrams[1], 1), 1);
    assert_arrives(&s, 10, 10);
    assert_arrives(&s, 20, 20);
    assert_nothing_arrives(&s);
    assert_int_equal(trale_close(s.runtime), 0);
}

static void test_an_empty_datagram_is_sent_as_one_piece(void **state)
{
    (void)state;
    TEST_REAL_ONLY("no system call is made that could fail, or be interrupted");
    struct setting s = open_setting();
    struct trale_datagram datagram = {.buf = NULL, .size = 0, .address = s.to, .segment_size = 100};
    char byte;
    struct trale_udp_recv recv;
    assert_int_equal(send_batch(&s, &datagram, 1), 1);
    assert_int_equal(way.n_refused, 1);
    assert_int_equal(trale_udp_try_recv_from(&recv, s.receiver, &byte, 1), 0);
    assert_nothing_arrives(&s);
    assert_int_equal(trale_close(s.runtime), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_cannot_be_cut_up_is_sent_in_pieces),
        cmocka_unit_test(test_pieces_go_to_the_peer_and_say_what_the_datagram_says),
        cmocka_unit_test(test_pieces_wait_for_room_and_go_on_where_they_were),
        cmocka_unit_test(test_tries_send_each_piece_once),
        cmocka_unit_test(test_a_send_that_was_dropped_between_pieces_can_be_ended_or_begun_anew),
        cmocka_unit_test(test_a_datagram_that_was_sent_in_part_is_ended_also_behind_others),
        cmocka_unit_test(test_segments_that_do_not_fit_the_way_out_are_sent_in_pieces),
        cmocka_unit_test(test_what_has_too_many_segments_is_refused),
        cmocka_unit_test(test_an_error_between_pieces_is_told),
        cmocka_unit_test(test_an_error_within_a_batch_is_told_also_if_the_batch_ends_there),
        cmocka_unit_test(test_an_empty_datagram_is_sent_as_one_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
