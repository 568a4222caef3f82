/* SPDX-License-Identifier: MIT
 *
 * Packets of SNTP, as examples/sntp reads and writes them. */
#include "tests/support.h"

#include <errno.h>

#include "examples/sntp/packet.h"

#define SECOND_NS UINT64_C(1000000000)
#define NONCE UINT64_C(0x0123456789abcdef)

static const struct sntp_clock server = {.leap = 1,
                                         .stratum = 3,
                                         .precision = -20,
                                         .poll = 8,
                                         .root_delay = 0x00010002,
                                         .root_dispersion = 0x00030004,
                                         .reference_id = {192, 0, 2, 1},
                                         .reference = UINT64_C(0x1111111122222222)};

static void test_a_timestamp_counts_from_1900_and_begins_again_in_2036(void **state)
{
    (void)state;
    assert_int_equal(sntp_timestamp(0), UINT64_C(0x83aa7e8000000000));
    assert_int_equal(sntp_timestamp(SECOND_NS / 2), UINT64_C(0x83aa7e8080000000));
    assert_int_equal(sntp_timestamp(SECOND_NS - 1), UINT64_C(0x83aa7e80fffffffb));
    assert_int_equal(sntp_timestamp(UINT64_C(2085978496) * SECOND_NS), 0); /* 2036-02-07 06:28:16 UTC */
    assert_int_equal(sntp_timestamp(UINT64_C(2085978495) * SECOND_NS), UINT64_C(0xffffffff00000000));
}

static void test_a_difference_is_right_across_the_end_of_the_era(void **state)
{
    (void)state;
    static const int64_t differences[] = {
        0, 1, 999999999, 1000000000, 123456789012345, 60 * 365 * 86400 * (int64_t)SECOND_NS};
    for (size_t i = 0; i < sizeof differences / sizeof differences[0]; i++) {
        uint64_t from_ns = UINT64_C(2085978490) * SECOND_NS;
        uint64_t earlier = sntp_timestamp(from_ns), later = sntp_timestamp(from_ns + (uint64_t)differences[i]);
        assert_in_range(sntp_difference_ns(later, earlier) + 1 - differences[i], 0, 2);
        assert_in_range(sntp_difference_ns(earlier, later) + 1 + differences[i], 0, 2);
    }
}

static void test_a_short_duration_is_rounded_up_and_has_a_largest_value(void **state)
{
    (void)state;
    assert_int_equal(sntp_short(0), 0);
    assert_int_equal(sntp_short(1), 1);
    assert_int_equal(sntp_short(SECOND_NS), 65536);
    assert_int_equal(sntp_short(1500 * SECOND_NS / 1000), 98304);
    assert_int_equal(sntp_short(65535 * SECOND_NS), UINT32_C(0xffff0000));
    assert_int_equal(sntp_short(65536 * SECOND_NS - 1), UINT32_MAX);
    assert_int_equal(sntp_short(65536 * SECOND_NS), UINT32_MAX);
    assert_int_equal(sntp_short(UINT64_MAX), UINT32_MAX);
}

static void test_only_clients_of_version_1_to_4_are_answered(void **state)
{
    (void)state;
    uint8_t bytes[SNTP_SIZE + 20] = {0};
    for (int head = 0; head < 256; head++) {
        int version = head >> 3 & 7, mode = head & 7; /* the leap indicator does not matter */
        bytes[0] = (uint8_t)head;
        bool is_request = (mode == 3 && version >= 1 && version <= 4) || (mode == 0 && version == 1);
        for (size_t size = 0; size <= sizeof bytes; size++)
            assert_int_equal(sntp_look(bytes, size), size < SNTP_SIZE ? SNTP_CUT
                                                     : is_request     ? SNTP_REQUEST
                                                                      : SNTP_OTHER);
    }
}

static void test_an_answer_has_the_clients_words_and_the_clocks(void **state)
{
    (void)state;
    uint8_t bytes[SNTP_SIZE];
    sntp_ask(bytes, NONCE);
    bytes[0] = 3 << 6 | 2 << 3 | 3; /* version 2 */
    bytes[2] = 6;
    memset(bytes + 16, 0xee, 24); /* what a client has left there */
    sntp_answer(bytes, &server, UINT64_C(0x3333333344444444));
    sntp_stamp(bytes, UINT64_C(0x5555555566666666));
    static const uint8_t wanted[SNTP_SIZE] = {1 << 6 | 2 << 3 | 4,
                                              3,
                                              6,
                                              0xec,
                                              0,
                                              1,
                                              0,
                                              2,
                                              0,
                                              3,
                                              0,
                                              4,
                                              192,
                                              0,
                                              2,
                                              1,
                                              0x11,
                                              0x11,
                                              0x11,
                                              0x11,
                                              0x22,
                                              0x22,
                                              0x22,
                                              0x22,
                                              0x01,
                                              0x23,
                                              0x45,
                                              0x67,
                                              0x89,
                                              0xab,
                                              0xcd,
                                              0xef,
                                              0x33,
                                              0x33,
                                              0x33,
                                              0x33,
                                              0x44,
                                              0x44,
                                              0x44,
                                              0x44,
                                              0x55,
                                              0x55,
                                              0x55,
                                              0x55,
                                              0x66,
                                              0x66,
                                              0x66,
                                              0x66};
    assert_memory_equal(bytes, wanted, SNTP_SIZE);
}

/* Else clients refuse the answer: its reference timestamp is after its transmit timestamp (RFC 5905, A.5.1.1). */
static void test_a_clock_that_is_behind_its_reference_was_set_at_the_request(void **state)
{
    (void)state;
    static const int64_t later[] = {1, 0, -1, -100 * (INT64_C(1) << 32)};
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        uint64_t receive = server.reference + (uint64_t)later[i], reference = 0;
        uint8_t bytes[SNTP_SIZE];
        sntp_ask(bytes, NONCE);
        sntp_answer(bytes, &server, receive);
        for (size_t at = 16; at < 24; at++)
            reference = reference << 8 | bytes[at];
        assert_int_equal(reference, later[i] < 0 ? receive : server.reference);
    }
}

static void test_a_refusal_is_no_time_and_says_how_long_to_wait(void **state)
{
    (void)state;
    struct sntp_reading reading = {.stratum = 99};
    uint8_t bytes[SNTP_SIZE];
    sntp_ask(bytes, NONCE);
    sntp_refuse(bytes, &server, 1);
    assert_int_equal(bytes[0], 3 << 6 | 4 << 3 | 4);
    assert_int_equal(bytes[2], 8);
    assert_int_equal(sntp_read(&reading, bytes, SNTP_SIZE, NONCE), -EBUSY);
    assert_int_equal(reading.stratum, 99);
    sntp_ask(bytes, NONCE);
    bytes[2] = 10; /* the client waits longer already */
    sntp_refuse(bytes, &server, 1);
    assert_int_equal(bytes[2], 10);
}

/* Makes the answer to NONCE, with one byte that is another. */
static int read_changed(size_t at, uint8_t byte)
{
    struct sntp_reading reading;
    uint8_t bytes[SNTP_SIZE];
    sntp_ask(bytes, NONCE);
    sntp_answer(bytes, &server, 7);
    sntp_stamp(bytes, 9);
    bytes[at] = byte;
    return sntp_read(&reading, bytes, SNTP_SIZE, NONCE);
}

static void test_a_client_takes_only_answers_to_its_request(void **state)
{
    (void)state;
    struct sntp_reading reading;
    uint8_t bytes[SNTP_SIZE];
    sntp_ask(bytes, NONCE);
    sntp_answer(bytes, &server, 7);
    sntp_stamp(bytes, 9);
    assert_int_equal(sntp_read(&reading, bytes, SNTP_SIZE, NONCE), 0);
    assert_int_equal(reading.leap, 1);
    assert_int_equal(reading.stratum, 3);
    assert_int_equal(reading.receive, 7);
    assert_int_equal(reading.transmit, 9);
    assert_memory_equal(reading.reference_id, server.reference_id, 4);
    assert_int_equal(sntp_read(&reading, bytes, SNTP_SIZE, NONCE + 1), -ESTALE);
    for (size_t size = 0; size < SNTP_SIZE; size++) /* what anyone can send who knows the ports */
        assert_int_equal(sntp_read(&reading, bytes, size, NONCE), -ESTALE);
    bytes[0] = 0;
    assert_int_equal(sntp_read(&reading, bytes, SNTP_SIZE, NONCE + 1), -ESTALE);
    assert_int_equal(read_changed(0, 4 << 3 | 3), -EPROTO);          /* a request */
    assert_int_equal(read_changed(0, 3 << 3 | 4), -EPROTO);          /* of another version */
    assert_int_equal(read_changed(0, 3 << 6 | 4 << 3 | 4), -EPROTO); /* a clock that is not synchronized */
    assert_int_equal(read_changed(1, SNTP_STRATUM_MAX + 1), -EPROTO);
    assert_int_equal(read_changed(1, 0), -EPROTO);  /* a kiss-o'-death of another code */
    assert_int_equal(read_changed(47, 0), -EPROTO); /* no transmit timestamp */
    assert_int_equal(read_changed(47, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_timestamp_counts_from_1900_and_begins_again_in_2036),
        cmocka_unit_test(test_a_difference_is_right_across_the_end_of_the_era),
        cmocka_unit_test(test_a_short_duration_is_rounded_up_and_has_a_largest_value),
        cmocka_unit_test(test_only_clients_of_version_1_to_4_are_answered),
        cmocka_unit_test(test_an_answer_has_the_clients_words_and_the_clocks),
        cmocka_unit_test(test_a_clock_that_is_behind_its_reference_was_set_at_the_request),
        cmocka_unit_test(test_a_refusal_is_no_time_and_says_how_long_to_wait),
        cmocka_unit_test(test_a_client_takes_only_answers_to_its_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
