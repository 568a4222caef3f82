/* SPDX-License-Identifier: MIT
 *
 * Packets of TFTP, and transfers that get them in any order and at any time.
 *
 * Over: examples/tftp/packet.c examples/tftp/transfer.c examples/tftp/sender.c examples/tftp/receiver.c */
#include <string.h>

#include "examples/tftp/transfer.h"
#include "tests/fuzz/check.h"

#define WINDOW 4
#define BLKSIZE 16

/* The first byte says which kind of transfer it is. After that, a byte below 200 is the size of a packet that follows;
 * another one is a timeout, or the end of the file that is written. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static uint8_t window[WINDOW * (TFTP_BLKSIZE_DEFAULT + TFTP_HEADER)];
    static struct transfer transfer;
    struct tftp_packet packet;
    struct transfer_setup setup = {
        .name = "file",
        .options = {.have = TFTP_BLKSIZE | TFTP_WINDOWSIZE, .blksize = BLKSIZE, .windowsize = WINDOW},
        .timeout_ns = 1000,
        .dally_ns = 1000,
        .n_tries = 5,
        .window = window};
    if (size == 0)
        return 0;
    (void)tftp_read(&packet, bytes, size);
    setup.is_client = (bytes[0] & 1) != 0;
    setup.is_sender = (bytes[0] & 2) != 0;
    setup.mode = (bytes[0] & 4) != 0 ? TFTP_NETASCII : TFTP_OCTET;
    if ((bytes[0] & 8) != 0)
        setup.options.have = 0;
    CHECK(!setup.is_sender || transfer_window_size(&setup) <= sizeof window);
    transfer_begin(&transfer, &setup, 1);
    for (size_t at = 1, n = 0; at < size; at += n) {
        const uint64_t now_ns = at * 100;
        size_t length, n_outputs = 0;
        n = 1;
        if (bytes[at] < 200) {
            n += bytes[at] < size - at - 1 ? bytes[at] : size - at - 1;
            if (tftp_read(&packet, bytes + at + 1, n - 1) == 0 && transfer_input(&transfer, &packet, now_ns))
                CHECK(packet.opcode == TFTP_DATA && packet.size <= transfer.options.blksize);
        } else if (bytes[at] < 240) {
            transfer_timeout(&transfer, now_ns);
        } else {
            transfer_stored(&transfer, now_ns);
        }
        while (transfer_wants(&transfer))
            CHECK(transfer_give(&transfer, bytes, size, bytes[at] % 16 == 0) <= size);
        for (const void *output; (output = transfer_output(&transfer, now_ns, &length)) != NULL;)
            CHECK(length >= 2 && tftp_read(&packet, output, length) == 0 && n_outputs++ <= WINDOW);
        CHECK(transfer.n_acknowledged <= transfer.n_filled && transfer.n_filled - transfer.n_acknowledged <= WINDOW);
    }
    return 0;
}
