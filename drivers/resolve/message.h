/* SPDX-License-Identifier: MIT
 *
 * Messages of the DNS (RFC 1035 4). */
#ifndef RESOLVE_MESSAGE_H
#define RESOLVE_MESSAGE_H

#include "name.h"
#include "record.h"

/* Types of records. */
enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_PTR = 12, TYPE_TXT = 16, TYPE_AAAA = 28, TYPE_SRV = 33 };

#define HEADER_SIZE 12
#define QUERY_SIZE (HEADER_SIZE + 255 + 4 + 11)

/* The largest answer over UDP that servers are asked for (RFC 6891): it fits into one frame of Ethernet. */
#define UDP_ANSWER_SIZE 1232

struct query_message {
    size_t size;
    size_t question_end;
    uint8_t bytes[QUERY_SIZE];
};

/* Writes a question with the id 0; with EDNS or without. 0; -ENOENT (a name below onion: RFC 7686); -EINVAL or
 * -ENOMEM. */
int message_write(struct query_message *query, const char *name, uint16_t type, bool has_edns);

void message_set_id(struct query_message *query, uint16_t id);

enum answer {
    ANSWER_OTHER,     /* It is no answer to this query: late, or forged. */
    ANSWER_RECORDS,   /* It has records, or says that there are none. */
    ANSWER_CUT_OFF,   /* It was too long for a datagram. */
    ANSWER_MALFORMED, /* The server does not understand the query: EDNS, perhaps. */
    ANSWER_FAILURE,   /* The server has failed, or refuses. */
};

/* Looks at the header and the question of a message. *error is set for ANSWER_FAILURE, and for ANSWER_RECORDS if there
 * is no such name (-ENOENT). */
enum answer message_look(const struct query_message *query, const uint8_t *bytes, size_t size, int *error);

/* Appends the records of that type that belong to the name of the question or to its aliases. 0; -ENODATA: there are
 * none; -EBADMSG or -ENOMEM, and nothing was appended. */
int message_read(const uint8_t *bytes, size_t size, uint16_t type, uint16_t port, struct trale_link *records);

#endif
