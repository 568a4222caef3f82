/* SPDX-License-Identifier: MIT
 *
 * How the driver reads answers: each of the name server's, whole, cut anywhere, and with bytes that are changed at
 * random. Nothing is read outside of the message, and the same bytes always have the same result. */
#include <trale/resolve.h>

#include "drivers/resolve/message.h"
#include "tests/dns_answer.h"

#define N_CHANGES 3000

static const char *const names[] = {"www",    "chain", "other", "none",     "thousand", "text",    "empty", "huge",
                                    "_s",     "_gone", "1",     "ages",     "circle",   "outside", "short", "counts",
                                    "length", "nul",   "blank", "circular", "endless",  "label"};
static const uint16_t types[] = {TYPE_A, TYPE_AAAA, TYPE_SRV, TYPE_TXT, TYPE_PTR};

/* A source of numbers that is the same in each run (splitmix64). */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Reads a message from memory that ends where it ends, so that a sanitizer or valgrind sees a byte too much. */
static int64_t read_copy(const uint8_t *bytes, size_t size, uint16_t type)
{
    struct trale_link records = {0};
    uint8_t *copy = malloc(size > 0 ? size : 1);
    memcpy(copy, bytes, size);
    list_init(&records);
    int r = message_read(copy, size, type, 80, &records);
    int64_t n = 0;
    for (const struct trale_link *link = records.next; link != &records; link = link->next, n++) {
        const struct record *record = list_entry(link, struct record, link);
        for (const char *byte = record->target; byte != NULL && *byte != '\0'; byte++)
            assert_true(*byte == '.' || name_has((uint8_t)*byte));
        for (uint32_t i = 0; i < record->n_strings; i++)
            assert_true(record->strings[i].size <= 255);
    }
    record_free_all(&records);
    free(copy);
    assert_true(r == 0 ? n > 0 : n == 0 && (r == -ENODATA || r == -EBADMSG));
    return r == 0 ? n : r;
}

static bool make(struct dns_message *answer, const char *name, uint16_t type)
{
    static struct query_message query;
    static struct dns_query read;
    assert_int_equal(message_write(&query, name, type, true), 0);
    assert_true(dns_query_read(&read, query.bytes, query.size));
    return dns_answer(answer, &read, true);
}

static void test_an_answer_that_is_cut_anywhere_is_malformed_or_has_nothing(void **state)
{
    (void)state;
    static struct dns_message answer;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        for (size_t j = 0; j < sizeof types / sizeof types[0]; j++) {
            assert_true(make(&answer, names[i], types[j]));
            int64_t whole = read_copy(answer.bytes, answer.size, types[j]);
            assert_int_equal(read_copy(answer.bytes, answer.size, types[j]), whole);
            for (size_t size = 0; size < answer.size && size < 600; size++)
                assert_true(read_copy(answer.bytes, size, types[j]) < 0);
        }
    }
}

static void test_changed_bytes_do_no_harm(void **state)
{
    (void)state;
    static struct dns_message answer;
    uint64_t numbers = 1;
    for (int n = 0; n < N_CHANGES; n++) {
        const char *name = names[draw(&numbers) % (sizeof names / sizeof names[0])];
        const uint16_t type = types[draw(&numbers) % (sizeof types / sizeof types[0])];
        assert_true(make(&answer, name, type));
        for (uint64_t i = draw(&numbers) % 8; i > 0; i--) {
            size_t range = draw(&numbers) % 2 == 0 && answer.size > 100 ? 100 : answer.size;
            answer.bytes[draw(&numbers) % range] = (uint8_t)draw(&numbers);
        }
        read_copy(answer.bytes, answer.size, type);
    }
}

/* The first record has bytes of any kind, which the names of the others are: of n_labels labels with 63 letters. */
static size_t make_long(uint8_t bytes[65535], size_t n_labels)
{
    static const uint8_t question[] = "\3www\7example\0\0\1\0\1", text[] = "\0\0\20\0\1\0\0\0\0",
                         record[] = "\300\0\0\1\0\1\0\0\0\0\0\0", known[] = "\300\14\0\1\0\1\0\0\0\0\0\4\300\0\2\1";
    size_t n = HEADER_SIZE, n_records = 2;
    memset(bytes, 0, 65535);
    memcpy(bytes + n, question, sizeof question - 1);
    n += sizeof question - 1;
    memcpy(bytes + n, known, sizeof known - 1);
    n += sizeof known - 1;
    memcpy(bytes + n, text, sizeof text - 1);
    n += sizeof text - 1;
    const size_t start = n + 2, size = n_labels * 64 + 1;
    bytes[n] = (uint8_t)(size >> 8);
    bytes[n + 1] = (uint8_t)size;
    n += 2;
    for (size_t i = 0; i < n_labels; i++, n += 64) {
        bytes[n] = 63;
        memset(bytes + n + 1, 'a', 63);
    }
    n++;
    for (; n + sizeof record - 1 <= 65535; n += sizeof record - 1, n_records++) {
        memcpy(bytes + n, record, sizeof record - 1);
        bytes[n] |= (uint8_t)(start >> 8);
        bytes[n + 1] = (uint8_t)start;
    }
    bytes[5] = 1;
    bytes[6] = (uint8_t)(n_records >> 8);
    bytes[7] = (uint8_t)n_records;
    return n;
}

/* A message of them takes seconds to expand: the thread that polls would do nothing else. */
static void test_a_name_that_is_too_long_is_malformed(void **state)
{
    (void)state;
    static uint8_t bytes[65535];
    for (size_t n_labels = 1; n_labels < 4; n_labels++)
        assert_int_equal(read_copy(bytes, make_long(bytes, n_labels), TYPE_A), 1);
    for (size_t n_labels = 4; n_labels < 200; n_labels++)
        assert_int_equal(read_copy(bytes, make_long(bytes, n_labels), TYPE_A), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_that_is_cut_anywhere_is_malformed_or_has_nothing),
        cmocka_unit_test(test_changed_bytes_do_no_harm),
        cmocka_unit_test(test_a_name_that_is_too_long_is_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
