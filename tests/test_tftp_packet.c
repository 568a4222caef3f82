/* SPDX-License-Identifier: MIT
 *
 * The packets of TFTP, as examples/tftp reads and writes them: what is refused, and that no bytes lead astray. */
#include "examples/tftp/packet.h"

#include "tests/support.h"

/* Reads a datagram in memory of just its size: a sanitizer finds a read beyond it. */
static int read_bytes(struct tftp_packet *packet, const void *bytes, size_t size, void **copy)
{
    *copy = malloc(size > 0 ? size : 1);
    assert_non_null(*copy);
    memcpy(*copy, bytes, size);
    memset(packet, 0xa5, sizeof *packet);
    return tftp_read(packet, *copy, size);
}

#define REFUSED(bytes) assert_refused(bytes, sizeof(bytes) - 1)
static void assert_refused(const void *bytes, size_t size)
{
    struct tftp_packet packet, before;
    void *copy;
    memset(&before, 0xa5, sizeof before);
    assert_int_equal(read_bytes(&packet, bytes, size, &copy), -EBADMSG);
    assert_memory_equal(&packet, &before, sizeof packet);
    free(copy);
}

#define READ(packet, bytes) read_whole(packet, bytes, sizeof(bytes) - 1, buf)
static void read_whole(struct tftp_packet *packet, const void *bytes, size_t size, void *buf)
{
    memcpy(buf, bytes, size);
    memset(packet, 0xa5, sizeof *packet);
    assert_int_equal(tftp_read(packet, buf, size), 0);
}

static void test_what_is_no_packet_is_refused(void **state)
{
    (void)state;
    REFUSED("");
    REFUSED("\0");
    REFUSED("\0\0");
    REFUSED("\0\7ab");
    REFUSED("\1\1a\0octet\0");
    REFUSED("\0\3\0");
    REFUSED("\0\4\0");
    REFUSED("\0\5\0");
    REFUSED("\0\1");
    REFUSED("\0\1file");
    REFUSED("\0\1file\0");
    REFUSED("\0\1file\0octet");
    REFUSED("\0\1\0octet\0");
    REFUSED("\0\1file\0mail\0");
    REFUSED("\0\2file\0octets\0");
    REFUSED("\0\1file\0octet\0blksize");
    REFUSED("\0\1file\0octet\0blksize\0008");
    REFUSED("\0\6blksize");
}

static void test_requests_and_options_that_are_too_long_are_refused(void **state)
{
    static char bytes[TFTP_REQUEST_MAX + 1];
    (void)state;
    memset(bytes, 'a', sizeof bytes);
    memcpy(bytes, "\0\1", 2);
    memcpy(bytes + 2 + TFTP_NAME_MAX - 1, "\0octet", 7);
    struct tftp_packet packet;
    assert_int_equal(tftp_read(&packet, bytes, 2 + TFTP_NAME_MAX - 1 + 7), 0);
    memmove(bytes + 2 + TFTP_NAME_MAX, bytes + 2 + TFTP_NAME_MAX - 1, 7);
    bytes[2 + TFTP_NAME_MAX - 1] = 'a';
    assert_refused(bytes, 2 + TFTP_NAME_MAX + 7);
    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, "\0\1a\0octet", 9);
    assert_int_equal(tftp_read(&packet, bytes, TFTP_REQUEST_MAX), 0);
    assert_refused(bytes, TFTP_REQUEST_MAX + 1);
    memcpy(bytes, "\0\6", 2);
    assert_refused(bytes, TFTP_REQUEST_MAX + 1);
}

static void test_requests_say_what_is_asked_for(void **state)
{
    struct tftp_packet packet;
    char buf[256];
    (void)state;
    READ(&packet, "\0\1a/b\0OCTET\0");
    assert_int_equal(packet.opcode, TFTP_RRQ);
    assert_int_equal(packet.mode, TFTP_OCTET);
    assert_string_equal(packet.name, "a/b");
    assert_int_equal(packet.options.have, 0);
    READ(&packet, "\0\2x\0NetAscii\0BLKSIZE\0001428\0tsize\00099\0timeout\0003\0windowsize\00016\0");
    assert_int_equal(packet.opcode, TFTP_WRQ);
    assert_int_equal(packet.mode, TFTP_NETASCII);
    assert_int_equal(packet.options.have, TFTP_BLKSIZE | TFTP_TIMEOUT | TFTP_TSIZE | TFTP_WINDOWSIZE);
    assert_int_equal(packet.options.blksize, 1428);
    assert_int_equal(packet.options.timeout, 3);
    assert_int_equal(packet.options.tsize, 99);
    assert_int_equal(packet.options.windowsize, 16);
}

static void test_options_out_of_their_range_are_left_out_or_cut(void **state)
{
    struct tftp_packet packet;
    char buf[256];
    (void)state;
    READ(&packet, "\0\1a\0octet\0blksize\0007\0timeout\0000\0windowsize\0000\0tsize\0-1\0multicast\0\0b\0001\0");
    assert_int_equal(packet.options.have, 0);
    READ(&packet, "\0\1a\0octet\0timeout\000256\0blksize\0\0blksize\0001a\0");
    assert_int_equal(packet.options.have, 0);
    READ(&packet,
         "\0\1a\0octet\0blksize\00099999999999999999999\0windowsize\00065536\0tsize\00018446744073709551616\0");
    assert_int_equal(packet.options.blksize, TFTP_BLKSIZE_MAX);
    assert_int_equal(packet.options.windowsize, TFTP_WINDOWSIZE_MAX);
    assert_true(packet.options.tsize == UINT64_MAX);
    READ(&packet, "\0\1a\0octet\0blksize\0008\0blksize\0009\0");
    assert_int_equal(packet.options.blksize, 8);
    READ(&packet, "\0\1a\0octet\0blksize\0008\0\0\0\0");
    assert_int_equal(packet.options.have, TFTP_BLKSIZE);
}

static void test_blocks_acknowledgements_and_errors_are_read(void **state)
{
    struct tftp_packet packet;
    char buf[256];
    (void)state;
    READ(&packet, "\0\3\xff\xfe"
                  "abc");
    assert_int_equal(packet.number, 0xfffe);
    assert_int_equal(packet.size, 3);
    assert_memory_equal(packet.data, "abc", 3);
    READ(&packet, "\0\3\0\1");
    assert_int_equal(packet.size, 0);
    READ(&packet, "\0\4\0\5");
    assert_int_equal(packet.number, 5);
    READ(&packet, "\0\5\0\2no\0more");
    assert_int_equal(packet.number, TFTP_ACCESS);
    assert_int_equal(packet.size, 2);
    READ(&packet, "\0\5\0\2no");
    assert_int_equal(packet.size, 2);
}

static void test_what_is_written_can_be_read(void **state)
{
    const struct tftp_options options = {
        .have = 15, .blksize = 65464, .timeout = 255, .windowsize = 65535, .tsize = UINT64_MAX};
    char long_name[2000];
    uint8_t buf[TFTP_REQUEST_MAX];
    struct tftp_packet packet;
    (void)state;
    memset(long_name, 'n', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';

    size_t size = tftp_write_request(buf, TFTP_WRQ, long_name, TFTP_NETASCII, &options);
    assert_int_equal(tftp_read(&packet, buf, size), 0);
    assert_int_equal(strlen(packet.name), TFTP_NAME_MAX - 1);
    assert_int_equal(packet.mode, TFTP_NETASCII);
    assert_memory_equal(&packet.options, &options, sizeof options);
    size = tftp_write_options(buf, &options);
    assert_int_equal(tftp_read(&packet, buf, size), 0);
    assert_memory_equal(&packet.options, &options, sizeof options);
    size = tftp_write_error(buf, TFTP_FULL, long_name);
    assert_int_equal(tftp_read(&packet, buf, size), 0);
    assert_int_equal(packet.number, TFTP_FULL);
    assert_int_equal(packet.size, TFTP_NAME_MAX - 1);
    assert_int_equal(tftp_read(&packet, buf, tftp_write_ack(buf, 65535)), 0);
    assert_int_equal(packet.opcode, TFTP_ACK);
    assert_int_equal(packet.number, 65535);
    tftp_write_header(buf, 513);
    assert_int_equal(tftp_read(&packet, buf, TFTP_HEADER), 0);
    assert_int_equal(packet.opcode, TFTP_DATA);
    assert_int_equal(packet.number, 513);
}

static void test_no_bytes_lead_out_of_the_datagram(void **state)
{
    uint32_t random = 1;
    (void)state;
    for (int i = 0; i < 200000; i++) {
        uint8_t bytes[64];
        struct tftp_packet packet;
        void *copy;
        for (size_t at = 0; at < sizeof bytes; at++) {
            random = random * 1664525 + 1013904223;
            bytes[at] = (uint8_t)(random >> 30 == 0 ? 0 : random >> 24);
        }
        bytes[0] = 0;
        bytes[1] %= 8;
        const size_t size = random >> 8 & 63;
        if (i % 2 == 0 && size > 16)
            memcpy(bytes + 2, "a\0octet\0blksize", 14);
        if (read_bytes(&packet, bytes, size, &copy) == 0) {
            assert_true(packet.opcode != TFTP_RRQ || strlen(packet.name) < size);
            assert_true(packet.opcode != TFTP_DATA || packet.size == size - TFTP_HEADER);
        }
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_no_packet_is_refused),
        cmocka_unit_test(test_requests_and_options_that_are_too_long_are_refused),
        cmocka_unit_test(test_requests_say_what_is_asked_for),
        cmocka_unit_test(test_options_out_of_their_range_are_left_out_or_cut),
        cmocka_unit_test(test_blocks_acknowledgements_and_errors_are_read),
        cmocka_unit_test(test_what_is_written_can_be_read),
        cmocka_unit_test(test_no_bytes_lead_out_of_the_datagram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
