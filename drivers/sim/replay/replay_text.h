/* SPDX-License-Identifier: MIT
 *
 * Records as text, for messages. */
#ifndef SIM_REPLAY_TEXT_H
#define SIM_REPLAY_TEXT_H

#include <trale/recording.h>

#define REPLAY_TEXT 256

/* "udp.send: socket 1, size 5, address 127.0.0.1:4000, hash 0123456789abcdef" and the like. */
void replay_describe(char text[REPLAY_TEXT], enum trale_record_kind kind, uint32_t what, uint64_t number,
                     const struct trale_record_inputs *inputs);

#endif
