/* SPDX-License-Identifier: MIT
 *
 * Answers of name servers: the first byte says what was asked for, the others are the answer, to which the question's
 * own bytes are put in front, or not.
 *
 * Over: drivers/resolve/message.c drivers/resolve/name.c drivers/resolve/record.c
 * With: libcares */
#include <string.h>

#include "drivers/resolve/message.h"
#include "tests/fuzz/check.h"

static void read_answer(const uint8_t *bytes, size_t size, uint16_t type)
{
    struct trale_link records = {0};
    list_init(&records);
    int r = message_read(bytes, size, type, 80, &records);
    CHECK(r == 0 ? records.next != &records : records.next == &records);
    for (const struct trale_link *link = records.next; link != &records; link = link->next) {
        const struct record *record = list_entry(link, struct record, link);
        for (const char *byte = record->target; byte != NULL && *byte != '\0'; byte++)
            CHECK(*byte == '.' || name_has((uint8_t)*byte));
    }
    record_free_all(&records);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const uint16_t types[] = {TYPE_A, TYPE_AAAA, TYPE_SRV, TYPE_TXT, TYPE_PTR};
    static struct query_message query;
    if (size == 0)
        return 0;
    uint16_t type = types[(bytes[0] & 127) % 5];
    size_t front = (bytes[0] & 128) != 0 ? sizeof query.bytes : 0;
    CHECK(message_write(&query, "www.example.org", type, false) == 0);
    front = front > 0 ? query.question_end : 0;
    uint8_t *answer = malloc(front + size);
    CHECK(answer != NULL);
    memcpy(answer, query.bytes, front);
    if (front > 0)
        answer[2] |= 0x80; /* an answer */
    if (front > 0 && size > 1)
        answer[7] = bytes[1]; /* with so many records */
    memcpy(answer + front, bytes + 1, size - 1);
    int error = 0;
    enum answer found = message_look(&query, answer, front + size - 1, &error);
    if (found == ANSWER_RECORDS && error == 0)
        read_answer(answer, front + size - 1, type);
    free(answer);
    return 0;
}
