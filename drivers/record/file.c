/* SPDX-License-Identifier: MIT */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

/* The file grows by this. */
#define STEP (UINT64_C(1) << 20)

/* The recording before is what one wants to see after a crash, and the program may have been started again since. */
static int keep_old(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    int r = 0;
    size_t size = strlen(path) + sizeof ".old";
    char *old = malloc(size);
    if (old == NULL)
        r = -ENOMEM;
    else if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        r = errno == EWOULDBLOCK ? -EBUSY : -errno;
    else if (snprintf(old, size, "%s.old", path) > 0 && rename(path, old) < 0)
        r = -errno;
    free(old);
    close(fd);
    return r;
}

static int file_map(struct file *file)
{
    if (flock(file->fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    void *mapped = mmap(NULL, file->limit, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
    if (mapped == MAP_FAILED)
        return -errno;
    file->bytes = mapped;
    return 0;
}

int file_open(struct file *file, const char *path, uint64_t limit)
{
    *file = (struct file){.fd = -1, .limit = limit};
    int r = keep_old(path);
    if (r < 0)
        return r;
    file->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file->fd < 0)
        return -errno;
    r = file_map(file);
    if (r == 0) {
        file_put(file, &(struct trale_recording){.version = TRALE_RECORDING_VERSION}, sizeof(struct trale_recording));
        r = file->error;
    }
    if (r < 0) {
        file_close(file);
        return r;
    }
    file_head(file)->length = file->used;
    __atomic_store_n(&file_head(file)->magic, TRALE_RECORDING_MAGIC, __ATOMIC_RELEASE);
    return 0;
}

void file_close(struct file *file)
{
    uint64_t length = file->used;
    if (file->bytes != NULL) {
        if (file->allocated > 0)
            length = file_head(file)->length;
        munmap(file->bytes, file->limit);
    }
    if (file->fd >= 0) {
        (void)!ftruncate(file->fd, (off_t)length);
        close(file->fd);
    }
    *file = (struct file){.fd = -1};
}

/* Room on the disk first, so that no write to the mapping fails (SIGBUS). */
static int file_grow(struct file *file, uint64_t needed)
{
    uint64_t until = (needed + STEP - 1) / STEP * STEP;
    if (needed > file->limit)
        return -EFBIG;
    until = until < file->limit ? until : file->limit;
    int error = posix_fallocate(file->fd, (off_t)file->allocated, (off_t)(until - file->allocated));
    if (error == 0)
        file->allocated = until;
    return -error;
}

void file_put(struct file *file, const void *bytes, uint64_t size)
{
    if (file->error == 0 && file->used + size > file->allocated)
        file->error = file_grow(file, file->used + size);
    if (file->error < 0 || size == 0)
        return;
    memcpy(file->bytes + file->used, bytes, size);
    file->used += size;
}

void file_begin(struct file *file, const struct trale_record *record)
{
    file_put(file, record, sizeof *record);
}

int file_end(struct file *file)
{
    static const char zeros[8];
    struct trale_recording *head = file_head(file);
    file_put(file, zeros, (8 - file->used % 8) % 8);
    int r = file->error;
    if (r < 0) {
        file->used = head->length;
        file->error = 0;
        return r;
    }
    struct trale_record *record = (struct trale_record *)(void *)(file->bytes + head->length);
    record->size = (uint32_t)(file->used - head->length);
    record->check = trale_recording_check(record);
    head->n_records++;
    __atomic_store_n(&head->length, file->used, __ATOMIC_RELEASE);
    return 0;
}
