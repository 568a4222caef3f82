/* SPDX-License-Identifier: MIT
 *
 * Operations of a program that is replayed. */
#ifndef SIM_REPLAY_OPERATION_H
#define SIM_REPLAY_OPERATION_H

#include "replay_state.h"

/* Makes a future of an operation, whose inputs are set. `what` is SLEEP or one of the operations of UDP. */
void replay_operation_make(struct replay *replay, uint32_t what, struct trale_future *future);

/* The number of one that was polled; 0: it was not. */
uint64_t replay_operation_number(uint32_t what, struct trale_future *future);

/* What a socket is called in records: 0 if it is closed. */
static inline uint64_t replay_socket_number(const struct trale_udp_socket *socket)
{
    return ((const struct replay_socket *)(const void *)socket)->number;
}

/* Gives an operation, or a try, what it was given in the recording (replay_output.c). False: the record has not what it
 * should have. */
bool replay_outputs(const struct trale_record *record, struct trale_future *future);

#endif
