/* SPDX-License-Identifier: MIT
 *
 * Transfers of TFTP, as examples/tftp makes them, over a network of this test that loses, repeats and delays. */
#include "examples/tftp/netascii.h"
#include "examples/tftp/transfer.h"

#include "tests/support.h"

#define MILLISECOND UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)
#define BLOCK_MAX 1500
#define FLIGHT_MAX 4096

/* A datagram on its way. */
struct datagram {
    uint64_t at_ns;
    size_t size;
    int to;
    uint8_t bytes[BLOCK_MAX];
};

struct network {
    uint64_t now_ns, random;
    uint32_t loss, duplicate, reorder; /* of 1000 */
    bool doubles_acks;
    uint8_t lost_block; /* is lost once; 0: none */
    size_t n_flying;
    uint64_t n_blocks, n_acks; /* sent */
    struct datagram flying[FLIGHT_MAX];
};

/* One side: a transfer and its file. */
struct side {
    struct transfer transfer;
    uint8_t *file;
    size_t size, at;
    bool has_cr;
    uint8_t window[64 * (BLOCK_MAX + TFTP_HEADER)];
};

static struct network network;
static struct side sides[2]; /* the client, the server */

static uint64_t draw(uint64_t limit)
{
    network.random ^= network.random << 13;
    network.random ^= network.random >> 7;
    network.random ^= network.random << 17;
    return network.random % limit;
}

static void fly(int to, const void *bytes, size_t size)
{
    assert_true(network.n_flying < FLIGHT_MAX && size <= BLOCK_MAX);
    struct datagram *datagram = &network.flying[network.n_flying++];
    datagram->at_ns = network.now_ns + MILLISECOND + network.n_flying;
    if (draw(1000) < network.reorder)
        datagram->at_ns += draw(30 * MILLISECOND);
    datagram->to = to;
    datagram->size = size;
    memcpy(datagram->bytes, bytes, size);
}

static void give_to_network(int to, const uint8_t *bytes, size_t size)
{
    network.n_blocks += bytes[1] == TFTP_DATA;
    network.n_acks += bytes[1] == TFTP_ACK;
    if (bytes[1] == TFTP_DATA && bytes[3] == network.lost_block && network.lost_block != 0)
        network.lost_block = 0;
    else if (draw(1000) >= network.loss)
        fly(to, bytes, size);
    if (draw(1000) < network.duplicate || (network.doubles_acks && bytes[1] == TFTP_ACK))
        fly(to, bytes, size);
}

/* What a program does around a transfer. */
static void work(int number)
{
    struct side *side = &sides[number];
    const void *datagram;
    size_t size;
    if (side->transfer.state == TRANSFER_STORES) {
        side->at += netascii_decode(side->file + side->at, NULL, 0, &side->has_cr);
        transfer_stored(&side->transfer, network.now_ns);
    }
    do {
        while (transfer_wants(&side->transfer)) {
            size_t left = side->size - side->at, piece = left < 700 ? left : 700;
            side->at += transfer_give(&side->transfer, side->file + side->at, piece, piece == left);
        }
        datagram = transfer_output(&side->transfer, network.now_ns, &size);
        if (datagram != NULL)
            give_to_network(1 - number, datagram, size);
    } while (datagram != NULL);
}

static void arrive(struct datagram *datagram)
{
    struct side *side = &sides[datagram->to];
    struct tftp_packet packet;
    assert_int_equal(tftp_read(&packet, datagram->bytes, datagram->size), 0);
    if (transfer_input(&side->transfer, &packet, network.now_ns)) {
        assert_true(side->at + packet.size <= side->size);
        if (side->transfer.setup.mode == TFTP_NETASCII) {
            side->at += netascii_decode(side->file + side->at, packet.data, packet.size, &side->has_cr);
        } else {
            memcpy(side->file + side->at, packet.data, packet.size);
            side->at += packet.size;
        }
    }
    work(datagram->to);
}

/* Lets time pass until both have ended. */
static void run(void)
{
    work(0);
    work(1);
    while (sides[0].transfer.state != TRANSFER_ENDED || sides[1].transfer.state != TRANSFER_ENDED) {
        size_t next = SIZE_MAX;
        network.now_ns += 1000;
        for (size_t i = 0; i < network.n_flying; i++)
            if (next == SIZE_MAX || network.flying[i].at_ns < network.flying[next].at_ns)
                next = i;
        uint64_t deadline_ns = UINT64_MAX;
        int late = 0;
        for (int i = 0; i < 2; i++)
            if (sides[i].transfer.state != TRANSFER_ENDED && sides[i].transfer.deadline_ns < deadline_ns) {
                deadline_ns = sides[i].transfer.deadline_ns;
                late = i;
            }
        if (next != SIZE_MAX && network.flying[next].at_ns <= deadline_ns) {
            struct datagram datagram = network.flying[next];
            network.flying[next] = network.flying[--network.n_flying];
            if (datagram.at_ns > network.now_ns)
                network.now_ns = datagram.at_ns;
            arrive(&datagram);
        } else {
            assert_true(deadline_ns != UINT64_MAX);
            if (deadline_ns > network.now_ns)
                network.now_ns = deadline_ns;
            transfer_timeout(&sides[late].transfer, network.now_ns);
            work(late);
        }
    }
}

struct way {
    bool is_upload;
    enum tftp_mode mode;
    struct tftp_options asked, agreed;
};

static void begin(const struct way *way, uint64_t seed)
{
    network = (struct network){.random = seed * 2654435761 + 1, .now_ns = SECOND};
    for (int i = 0; i < 2; i++) {
        const struct transfer_setup setup = {.is_client = i == 0,
                                             .is_sender = (i == 0) == way->is_upload,
                                             .mode = way->mode,
                                             .name = "file",
                                             .options = i == 0 ? way->asked : way->agreed,
                                             .timeout_ns = SECOND,
                                             .dally_ns = 100 * SECOND,
                                             .n_tries = 20,
                                             .window = sides[i].window};
        sides[i].at = 0;
        sides[i].has_cr = false;
        sides[i].transfer.state = TRANSFER_ENDED;
        if (i == 0 || way->agreed.have != UINT32_MAX)
            transfer_begin(&sides[i].transfer, &setup, network.now_ns);
    }
    /* The server has had the request already. */
    size_t size;
    assert_non_null(transfer_output(&sides[0].transfer, network.now_ns, &size));
}

/* Makes the sender's file, with many ends of lines, and the receiver's room. */
static void files_init(const struct way *way, size_t size)
{
    struct side *sender = &sides[way->is_upload ? 0 : 1], *receiver = &sides[way->is_upload ? 1 : 0];
    sender->file = malloc(size + 1);
    receiver->file = calloc(1, 2 * size + BLOCK_MAX + 2);
    assert_true(sender->file != NULL && receiver->file != NULL);
    for (size_t i = 0; i < size; i++)
        sender->file[i] = i % 7 == 3 ? (uint8_t) "\r\n\0\r"[i / 7 % 4] : (uint8_t)(i * 31 >> 3);
    sender->size = size;
    receiver->size = 2 * size + BLOCK_MAX;
}

static void files_compare(const struct way *way, size_t size)
{
    struct side *sender = &sides[way->is_upload ? 0 : 1], *receiver = &sides[way->is_upload ? 1 : 0];
    assert_int_equal(sides[0].transfer.result, 0);
    assert_int_equal(sides[1].transfer.result, 0);
    assert_int_equal(receiver->at, size);
    assert_memory_equal(receiver->file, sender->file, size);
}

static void files_deinit(void)
{
    free(sides[0].file);
    free(sides[1].file);
}

static const struct tftp_options plain = {0};
static const struct tftp_options small = {.have = TFTP_BLKSIZE, .blksize = 8};
static const struct tftp_options windows = {.have = TFTP_BLKSIZE | TFTP_WINDOWSIZE, .blksize = 1428, .windowsize = 16};
static const struct tftp_options fours = {.have = TFTP_WINDOWSIZE | TFTP_TIMEOUT, .windowsize = 4, .timeout = 1};

static const struct tftp_options *const agreements[] = {&plain, &small, &windows, &fours};

static void test_files_arrive_whole_over_a_bad_network(void **state)
{
    static const size_t sizes[] = {0, 1, 7, 8, 9, 511, 512, 513, 1024, 1428 * 16, 1428 * 17 + 5, 40000};
    (void)state;
    for (size_t i = 0; i < 4 * 2 * 2 * sizeof sizes / sizeof sizes[0]; i++) {
        const struct tftp_options *agreed = agreements[i % 4];
        const struct way way = {.asked = *agreed, .agreed = *agreed, .is_upload = i / 4 % 2 == 1, .mode = i / 8 % 2};
        const size_t size = sizes[i / 16];
        files_init(&way, size);
        for (uint64_t seed = 1; seed <= 10; seed++) {
            begin(&way, seed);
            network.loss = (uint32_t)seed * 15;
            network.duplicate = (uint32_t)(seed % 3) * 100;
            network.reorder = (uint32_t)(seed % 4) * 100;
            run();
            files_compare(&way, size);
        }
        files_deinit();
    }
}

static void test_block_numbers_begin_again_after_65535(void **state)
{
    const size_t size = 8 * 70000 + 3;
    (void)state;
    for (uint32_t window = 1; window <= 64; window *= 8) {
        for (int i = 0; i < 2; i++) {
            const struct tftp_options agreed = {
                .have = TFTP_BLKSIZE | TFTP_WINDOWSIZE, .blksize = 8, .windowsize = window};
            const struct way way = {.asked = agreed, .agreed = agreed, .is_upload = i == 1};
            files_init(&way, size);
            begin(&way, window);
            network.loss = 5;
            network.reorder = 5;
            run();
            files_compare(&way, size);
            files_deinit();
        }
    }
}

static void test_without_loss_each_block_is_sent_once(void **state)
{
    const size_t size = 40000;
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        const struct tftp_options *agreed = agreements[i / 2];
        const struct way way = {.asked = *agreed, .agreed = *agreed, .is_upload = i % 2 == 1};
        const uint32_t blksize = (agreed->have & TFTP_BLKSIZE) != 0 ? agreed->blksize : 512;
        files_init(&way, size);
        begin(&way, 1);
        run();
        files_compare(&way, size);
        files_deinit();
        assert_int_equal(network.n_blocks, size / blksize + 1);
    }
}

/* The sorcerer's apprentice: acknowledgements that come twice make no block be sent twice, but for the one window that
 * could have been lost. */
static void test_repeated_acknowledgements_do_not_repeat_blocks_for_ever(void **state)
{
    const size_t size = 512 * 400;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct way way = {.asked = plain, .agreed = plain, .is_upload = i == 1};
        files_init(&way, size);
        begin(&way, 1);
        network.doubles_acks = true;
        run();
        files_compare(&way, size);
        files_deinit();
        assert_int_equal(network.n_blocks, size / 512 + 1);
    }
    const struct way way = {.asked = fours, .agreed = fours};
    files_init(&way, size);
    begin(&way, 1);
    for (size_t n = 0; n < 2; n++) { /* the first window's acknowledgement comes twice, and no other */
        uint8_t ack[4];
        tftp_write_ack(ack, 0);
        fly(1, ack, sizeof ack);
    }
    run();
    files_compare(&way, size);
    files_deinit();
    assert_true(network.n_blocks <= size / 512 + 1 + 2 * fours.windowsize);
}

/* A window whose first block alone is lost is sent again at once: the receiver says what it has. */
static void test_a_gap_is_filled_without_waiting(void **state)
{
    const struct way way = {.asked = windows, .agreed = windows};
    (void)state;
    files_init(&way, 1428 * 64);
    begin(&way, 1);
    const uint64_t begun_ns = network.now_ns;
    network.lost_block = 17; /* the first of the second window */
    sides[0].transfer.setup.dally_ns = 0;
    run();
    files_compare(&way, 1428 * 64);
    files_deinit();
    assert_true(network.now_ns - begun_ns < SECOND);
}

static void test_a_peer_that_is_gone_ends_the_transfer(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        const struct way way = {.asked = plain, .agreed = i / 2 == 0 ? plain : windows, .is_upload = i % 2 == 1};
        files_init(&way, 2000);
        begin(&way, 1);
        network.loss = 1000;
        run();
        assert_int_equal(sides[0].transfer.result, -ETIMEDOUT);
        assert_int_equal(sides[1].transfer.result, -ETIMEDOUT);
        files_deinit();
    }
}

static struct transfer *server_of(const struct way *way)
{
    begin(way, 1);
    files_init(way, 5000);
    work(1);
    network.n_flying = 0;
    return &sides[1].transfer;
}

static bool hear(struct transfer *transfer, const char *bytes, size_t size)
{
    struct tftp_packet packet;
    assert_int_equal(tftp_read(&packet, bytes, size), 0);
    return transfer_input(transfer, &packet, network.now_ns);
}
#define HEAR(transfer, bytes) hear(transfer, bytes, sizeof(bytes) - 1)

static void test_what_does_not_belong_changes_nothing(void **state)
{
    const struct way down = {.agreed = plain}, up = {.agreed = plain, .is_upload = true};
    size_t size;
    (void)state;
    struct transfer *sender = server_of(&down);
    const uint64_t deadline_ns = sender->deadline_ns;
    network.now_ns += 1000;
    assert_false(HEAR(sender, "\0\4\0\2"));     /* a block that was not sent */
    assert_false(HEAR(sender, "\0\4\xff\xff")); /* one before the first */
    assert_false(HEAR(sender, "\0\4\0\0"));     /* no news */
    assert_false(HEAR(sender, "\0\3\0\1abc"));  /* a block for one that sends */
    assert_false(HEAR(sender, "\0\6"));
    assert_false(HEAR(sender, "\0\1a\0octet\0"));
    assert_null(transfer_output(sender, network.now_ns, &size));
    assert_int_equal(sender->state, TRANSFER_SENDS);
    assert_true(sender->deadline_ns == deadline_ns);
    files_deinit();

    struct transfer *receiver = server_of(&up);
    assert_false(HEAR(receiver, "\0\3\0\0abc"));
    assert_false(HEAR(receiver, "\0\3\0\2abc"));
    assert_false(HEAR(receiver, "\0\4\0\1"));
    assert_null(transfer_output(receiver, network.now_ns, &size));
    assert_int_equal(receiver->state, TRANSFER_RECEIVES);
    assert_true(HEAR(receiver, "\0\3\0\1abc"));
    assert_int_equal(receiver->state, TRANSFER_STORES);
    assert_false(HEAR(receiver, "\0\3\0\1abc"));
    assert_null(transfer_output(receiver, network.now_ns, &size)); /* not before the file is complete */
    transfer_stored(receiver, network.now_ns);
    assert_non_null(transfer_output(receiver, network.now_ns, &size));
    assert_false(HEAR(receiver, "\0\3\0\1abc"));
    assert_non_null(transfer_output(receiver, network.now_ns, &size));
    files_deinit();
}

static void test_errors_end_a_transfer(void **state)
{
    const struct way up = {.agreed = plain, .is_upload = true};
    static char block[4 + 513] = "\0\3\0\1";
    size_t size;
    (void)state;
    struct transfer *receiver = server_of(&up);
    assert_false(HEAR(receiver, "\0\5\0\3disk full\0"));
    assert_int_equal(receiver->result, -ECONNABORTED);
    assert_int_equal(receiver->peer_code, TFTP_FULL);
    assert_string_equal(receiver->peer_message, "disk full");
    assert_null(transfer_output(receiver, network.now_ns, &size));
    files_deinit();

    receiver = server_of(&up);
    assert_false(hear(receiver, block, sizeof block)); /* longer than was agreed on */
    assert_int_equal(receiver->result, -EPROTO);
    const uint8_t *error = transfer_output(receiver, network.now_ns, &size);
    assert_true(error != NULL && error[1] == TFTP_ERROR && error[3] == TFTP_ILLEGAL);
    assert_null(transfer_output(receiver, network.now_ns, &size));
    files_deinit();
}

static void test_a_client_refuses_more_than_it_has_asked_for(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } answers[] = {{"\0\6blksize\0001429\0", 16},
                   {"\0\6windowsize\00017\0", 16},
                   {"\0\6tsize\0001\0", 10},
                   {"\0\6timeout\0002\0", 12}};
    const struct way way = {.asked = windows, .agreed = windows};
    size_t size;
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        begin(&way, 1);
        struct transfer *client = &sides[0].transfer;
        assert_false(hear(client, answers[i].bytes, answers[i].size));
        assert_int_equal(client->result, -EPROTO);
        const uint8_t *error = transfer_output(client, network.now_ns, &size);
        assert_true(error != NULL && error[1] == TFTP_ERROR && error[3] == TFTP_OPTIONS);
    }
    /* A server that knows no options answers with the first block. */
    begin(&way, 1);
    assert_true(HEAR(&sides[0].transfer, "\0\3\0\1abc"));
    assert_int_equal(sides[0].transfer.options.blksize, 512);
}

#define LIMITS(largest_blksize, largest_windowsize)                                                                    \
    (const struct transfer_limits)                                                                                     \
    {                                                                                                                  \
        .blksize = largest_blksize, .windowsize = largest_windowsize, .timeout = 10, .window_bytes = 20000             \
    }

static void test_a_server_agrees_to_what_fits(void **state)
{
    const struct tftp_options asked = {.have = 15, .blksize = 60000, .windowsize = 500, .timeout = 9, .tsize = 5};
    (void)state;
    struct tftp_options agreed = transfer_agree(&asked, &LIMITS(1428, 600));
    assert_int_equal(agreed.have, 15);
    assert_int_equal(agreed.blksize, 1428);
    assert_int_equal(agreed.windowsize, 20000 / 1432);
    assert_int_equal(agreed.timeout, 9);
    assert_int_equal(agreed.tsize, 5);
    agreed = transfer_agree(&asked, &LIMITS(TFTP_BLKSIZE_MAX, 600));
    assert_int_equal(agreed.blksize, 20000 - 4);
    assert_int_equal(agreed.windowsize, 1);
    assert_int_equal(transfer_window_size(&(struct transfer_setup){.options = agreed}), 20000);
    assert_int_equal(transfer_agree(&asked, &LIMITS(100, 7)).windowsize, 7);
    assert_int_equal(transfer_agree(&plain, &LIMITS(100, 7)).have, 0);
    const struct tftp_options patient = {.have = 15, .blksize = 512, .windowsize = 1, .timeout = 11};
    assert_int_equal(transfer_agree(&patient, &LIMITS(1428, 600)).have, 15 & ~TFTP_TIMEOUT);
    assert_int_equal(transfer_window_size(&(struct transfer_setup){.options = plain}), 516);
    /* A server may agree to the window alone, and its blocks have 512 bytes then. */
    const struct tftp_options asks = {.have = TFTP_BLKSIZE | TFTP_WINDOWSIZE, .blksize = 8, .windowsize = 4};
    assert_int_equal(transfer_window_size(&(struct transfer_setup){.is_client = true, .options = asks}), 4 * 516);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_arrive_whole_over_a_bad_network),
        cmocka_unit_test(test_block_numbers_begin_again_after_65535),
        cmocka_unit_test(test_without_loss_each_block_is_sent_once),
        cmocka_unit_test(test_repeated_acknowledgements_do_not_repeat_blocks_for_ever),
        cmocka_unit_test(test_a_gap_is_filled_without_waiting),
        cmocka_unit_test(test_a_peer_that_is_gone_ends_the_transfer),
        cmocka_unit_test(test_what_does_not_belong_changes_nothing),
        cmocka_unit_test(test_errors_end_a_transfer),
        cmocka_unit_test(test_a_client_refuses_more_than_it_has_asked_for),
        cmocka_unit_test(test_a_server_agrees_to_what_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
