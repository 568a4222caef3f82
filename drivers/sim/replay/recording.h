/* SPDX-License-Identifier: MIT
 *
 * A recording that was read into memory and checked (trale/recording.h). */
#ifndef SIM_RECORDING_H
#define SIM_RECORDING_H

#include <stdbool.h>

#include <trale/recording.h>

struct recording {
    char *bytes;
    uint64_t length; /* up to the last whole record */
    uint32_t state;  /* TRALE_RECORDING_ */
    bool is_cut;     /* the file is shorter than it says */
};

/* Reads a file. 0; or an error of open(2) or read(2), -ENOMEM, or -EBADMSG: then `why` says what is wrong, and at which
 * byte. */
int recording_open(struct recording *recording, const char *path, char *why, size_t size);
void recording_close(struct recording *recording);

/* A position is that of a record, or `length`. The first record of one of the streams from there on. */
uint64_t recording_find(const struct recording *recording, uint64_t position, bool is_outside);

/* The record at a position; NULL: the end. */
static inline const struct trale_record *recording_at(const struct recording *recording, uint64_t position)
{
    return position < recording->length ? (const struct trale_record *)(const void *)(recording->bytes + position)
                                        : NULL;
}

/* What the record has of these; NULL: no inputs. */
const struct trale_record_inputs *record_inputs(const struct trale_record *record);
const char *record_outputs(const struct trale_record *record, uint64_t *size);

/* The number of the record at a position, from 1. */
uint64_t recording_count(const struct recording *recording, uint64_t position);

#endif
