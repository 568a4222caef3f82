/* SPDX-License-Identifier: MIT
 *
 * What the two sides of a transfer and its states share: sender.c, receiver.c and transfer.c. */
#ifndef TFTP_TRANSFER_SIDES_H
#define TFTP_TRANSFER_SIDES_H

#include "transfer.h"

/* The deadline of what was sent now. */
void transfer_arm(struct transfer *transfer, uint64_t now_ns);

/* The peer has done something new: tries are counted anew. */
void transfer_progress(struct transfer *transfer, uint64_t now_ns);

void transfer_end(struct transfer *transfer, int result);

/* Acknowledges what was received. */
void transfer_confirm(struct transfer *transfer);

/* An ACK for a sender, a DATA for a receiver (as transfer_input). */
void transfer_input_ack(struct transfer *transfer, uint16_t number, uint64_t now_ns);
bool transfer_input_data(struct transfer *transfer, const struct tftp_packet *packet, uint64_t now_ns);

/* As transfer_output, for a sender's blocks. */
const void *transfer_output_block(struct transfer *transfer, size_t *size);

#endif
