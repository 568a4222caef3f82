/* SPDX-License-Identifier: MIT
 *
 * The file of a recording: mapped, so that what was recorded is there whatever becomes of the process, and bounded. */
#ifndef RECORD_FILE_H
#define RECORD_FILE_H

#include <stdbool.h>

#include <trale/recording.h>

struct file {
    int fd; /* -1: none */
    char *bytes;
    uint64_t limit;     /* the bound, which is mapped */
    uint64_t allocated; /* how much of it has room on the disk */
    uint64_t used;      /* with the record that is being written */
    int error;          /* of the record that is being written: -EFBIG, -ENOSPC, ...; 0: none */
};

/* Makes the file. One that exists gets the name PATH.old. 0; -EBUSY: another runtime records to it; or an error of
 * open(2), rename(2), mmap(2) or posix_fallocate(3). */
int file_open(struct file *file, const char *path, uint64_t limit);

/* Cuts off what is not used. */
void file_close(struct file *file);

static inline struct trale_recording *file_head(const struct file *file)
{
    return (struct trale_recording *)(void *)file->bytes;
}

/* Begins a record with these bytes, goes on with it, and completes it. */
void file_begin(struct file *file, const struct trale_record *record);
void file_put(struct file *file, const void *bytes, uint64_t size);

/* 0; or the error that has kept a byte of it from being written, and it is not in the file. */
int file_end(struct file *file);

#endif
