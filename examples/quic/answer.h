/* SPDX-License-Identifier: MIT
 *
 * Packets that a server writes without a connection. None is longer than the packet that it answers. Each function
 * returns the size of what it has written into ANSWER_SIZE bytes; 0: there is no answer. */
#ifndef QUIC_ANSWER_H
#define QUIC_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ngtcp2/ngtcp2.h>

#define ANSWER_SIZE 1200u
#define ANSWER_SECRET_SIZE 32u
#define ANSWER_RESET_RANDOM 26u /* as many bytes as make a reset look like any packet */

/* The versions that are known (RFC 9000, 6). `random` makes the answer look like no version's. */
size_t answer_versions(uint8_t *room, const ngtcp2_version_cid *ids, uint8_t random);

/* A reset (RFC 9000, 10.3) for a packet of this size, with ANSWER_RESET_RANDOM random bytes. It is shorter than the
 * packet, so two servers do not reset each other without end. */
size_t answer_reset(uint8_t *room, const ngtcp2_version_cid *ids, size_t size, const uint8_t *secret,
                    const uint8_t *random);

/* The token by which a peer believes a reset of this ID. 0 or negative. */
int answer_reset_token(uint8_t *token, const ngtcp2_cid *id, const uint8_t *secret);

/* A retry with a token for this address (RFC 9000, 8.1.2); `id` is the one that the client is to use next. */
size_t answer_retry(uint8_t *room, const ngtcp2_pkt_hd *head, const ngtcp2_addr *client, const ngtcp2_cid *id,
                    const uint8_t *secret, uint64_t now_ns);

/* Whether the head has a token of the last 10 seconds for this address. *original is then the ID that the client had
 * chosen before the retry. */
bool answer_retry_verify(ngtcp2_cid *original, const ngtcp2_pkt_hd *head, const ngtcp2_addr *client,
                         const uint8_t *secret, uint64_t now_ns);

/* The end of a connection that was not begun, by an error of QUIC. */
size_t answer_refusal(uint8_t *room, const ngtcp2_pkt_hd *head, uint64_t error);

#endif
