/* SPDX-License-Identifier: MIT */
#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(int fd, char *bytes, uint64_t size)
{
    for (uint64_t n_read = 0; n_read < size;) {
        ssize_t n = read(fd, bytes + n_read, size - n_read);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            return -EIO;
        n_read += n > 0 ? (uint64_t)n : 0;
    }
    return 0;
}

/* As much of the file as counts. Another program may still write to it. */
static int read_file(struct recording *recording, int fd, char *why, size_t size)
{
    struct stat status;
    struct trale_recording head;
    if (fstat(fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size < sizeof head ||
        read_all(fd, (char *)&head, sizeof head) < 0 || head.magic != TRALE_RECORDING_MAGIC) {
        snprintf(why, size, "it is no recording of a machine like this one");
        return -EBADMSG;
    }
    if (head.version != TRALE_RECORDING_VERSION) {
        snprintf(why, size, "it has version %" PRIu32 " of the format, and this is version %u", head.version,
                 TRALE_RECORDING_VERSION);
        return -EBADMSG;
    }
    if (head.length < sizeof head) {
        snprintf(why, size, "it is corrupt at byte %zu", offsetof(struct trale_recording, length));
        return -EBADMSG;
    }
    recording->state = head.state;
    recording->is_cut = (uint64_t)status.st_size < head.length;
    recording->length = recording->is_cut ? (uint64_t)status.st_size : head.length;
    recording->bytes = malloc(recording->length);
    if (recording->bytes == NULL)
        return -ENOMEM;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return -errno;
    return read_all(fd, recording->bytes, recording->length);
}

static bool record_is_good(const struct trale_record *record)
{
    uint64_t least = sizeof *record;
    if ((record->flags & TRALE_RECORD_INPUTS) != 0)
        least += sizeof(struct trale_record_inputs);
    return record->size >= least && record->check == trale_recording_check(record) &&
           record->kind >= TRALE_RECORD_CALL && record->kind < TRALE_RECORD_KINDS && record->what < TRALE_RECORD_WHATS;
}

/* Finds the end of the last whole record. */
static int check(struct recording *recording, char *why, size_t size)
{
    uint64_t at = sizeof(struct trale_recording);
    while (at < recording->length) {
        const struct trale_record *record = recording_at(recording, at);
        uint64_t left = recording->length - at;
        bool is_whole = left >= sizeof *record && record->size <= left;
        if (!is_whole && recording->is_cut && (left < sizeof *record || record->size % 8 == 0))
            break;
        if (!is_whole || record->size % 8 != 0 || record->size < sizeof *record || !record_is_good(record)) {
            snprintf(why, size, "it is corrupt at byte %" PRIu64 ": record %" PRIu64 " is not what was written", at,
                     recording_count(recording, at));
            return -EBADMSG;
        }
        at += record->size;
    }
    recording->length = at;
    return 0;
}

int recording_open(struct recording *recording, const char *path, char *why, size_t size)
{
    *recording = (struct recording){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int r = fd < 0 ? -errno : read_file(recording, fd, why, size);
    if (r == 0)
        r = check(recording, why, size);
    if (fd >= 0)
        close(fd);
    if (r < 0 && r != -EBADMSG)
        snprintf(why, size, "%s", strerror(-r));
    if (r < 0)
        recording_close(recording);
    return r;
}

void recording_close(struct recording *recording)
{
    free(recording->bytes);
    *recording = (struct recording){0};
}

uint64_t recording_find(const struct recording *recording, uint64_t position, bool is_outside)
{
    const struct trale_record *record;
    while ((record = recording_at(recording, position)) != NULL &&
           ((record->flags & TRALE_RECORD_OUTSIDE) != 0) != is_outside)
        position += record->size;
    return position;
}

const struct trale_record_inputs *record_inputs(const struct trale_record *record)
{
    return (record->flags & TRALE_RECORD_INPUTS) != 0 ? (const struct trale_record_inputs *)(const void *)(record + 1)
                                                      : NULL;
}

const char *record_outputs(const struct trale_record *record, uint64_t *size)
{
    const char *end = (const char *)record + record->size, *begin = (const char *)(record + 1);
    if ((record->flags & TRALE_RECORD_INPUTS) != 0)
        begin += sizeof(struct trale_record_inputs);
    *size = (uint64_t)(end - begin);
    return begin;
}

uint64_t recording_count(const struct recording *recording, uint64_t position)
{
    uint64_t n = 1;
    for (uint64_t at = sizeof(struct trale_recording); at < position; n++)
        at += recording_at(recording, at)->size;
    return n;
}
