/* SPDX-License-Identifier: MIT */
#include "job.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096  /* PATH_MAX: the kernel takes no longer ones */
#define ENTRY_SIZE 280u /* the longest that getdents64(2) gives */

/* What programs may ask for. The others make files that wait, or need aligned memory, or are no files to read. */
#define OPEN_FLAGS                                                                                                     \
    (O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_SYNC | O_DSYNC |     \
     O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

static uint32_t smaller(uint64_t a, uint32_t b)
{
    return a < b ? (uint32_t)a : b;
}

/* --- made --------------------------------------------------------------------------------------------------------- */

static bool is_name(const char *name)
{
    return name[0] != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* How large the buffer must be, or an error. */
static int64_t measure(const struct files *files, const struct trale_file_op *op)
{
    switch (op->kind) {
    case TRALE_FILE_OPEN:
        if ((op->flags & ~(OPEN_FLAGS | TRALE_FILE_NO_LINKS)) != 0 || (op->flags & O_ACCMODE) == O_ACCMODE)
            return -EINVAL;
        return strnlen(op->path, PATH_SIZE) < PATH_SIZE ? (int64_t)strlen(op->path) + 1 : -ENAMETOOLONG;
    case TRALE_FILE_READ:
    case TRALE_FILE_WRITE:
        if (op->offset > INT64_MAX || op->size > INT64_MAX - op->offset)
            return -EINVAL;
        return smaller(op->size, files->buffer_size);
    case TRALE_FILE_SYNC:
        return (op->flags & ~TRALE_FILE_DATA) != 0 ? -EINVAL : 0;
    case TRALE_FILE_STATUS:
        return sizeof(struct statx);
    case TRALE_FILE_LIST:
        if (op->size == 0)
            return -EINVAL;
        return file_of(op->file)->is_listing                ? -EBUSY
               : op->size < files->buffer_size / ENTRY_SIZE ? (int64_t)op->size * ENTRY_SIZE
                                                            : files->buffer_size;
    case TRALE_FILE_TRUNCATE:
        return op->size > INT64_MAX ? -EINVAL : 0;
    case TRALE_FILE_UNLINK:
        if ((op->flags & ~(uint32_t)O_DIRECTORY) != 0)
            return -EINVAL;
        break;
    case TRALE_FILE_RENAME:
    case TRALE_FILE_MAKE_FOLDER:
        break;
    default:
        return -EOPNOTSUPP;
    }
    const char *new_name = op->kind == TRALE_FILE_RENAME ? op->new_name : op->path;
    if (!is_name(op->path) || !is_name(new_name))
        return -EINVAL;
    return strlen(op->path) < NAME_SIZE && strlen(new_name) < NAME_SIZE ? 2 * NAME_SIZE : -ENAMETOOLONG;
}

static struct file *file_use(struct trale_file *base)
{
    struct file *file = base != NULL ? file_of(base) : NULL;
    if (file != NULL)
        atomic_fetch_add_explicit(&file->n_users, 1, memory_order_relaxed);
    return file;
}

static void set_open(struct job *job, const struct trale_file_op *op)
{
    job->how.flags = (op->flags & ~TRALE_FILE_NO_LINKS) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    job->how.mode = (op->flags & O_CREAT) != 0 ? op->mode & 07777 : 0;
    job->how.resolve = (op->folder != NULL ? RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS : 0) |
                       ((op->flags & TRALE_FILE_NO_LINKS) != 0 ? RESOLVE_NO_SYMLINKS : 0);
}

int job_new(struct files *files, const struct trale_file_op *op, struct job **made)
{
    int64_t capacity = measure(files, op);
    if (capacity < 0)
        return (int)capacity;
    struct file *file = op->kind == TRALE_FILE_OPEN ? file_new(files) : file_use(op->file);
    struct job *job = file != NULL ? malloc(sizeof *job + (size_t)capacity) : NULL;
    if (job == NULL) {
        if (file != NULL)
            file_unref(file);
        return -ENOMEM;
    }
    *job = (struct job){.kind = op->kind,
                        .flags = op->flags,
                        .mode = op->mode,
                        .file = file,
                        .folder = file_use(op->folder),
                        .offset = op->size,
                        .capacity = (uint32_t)capacity};
    if (op->kind == TRALE_FILE_OPEN)
        set_open(job, op);
    if (op->path != NULL)
        strcpy(job->buffer, op->path);
    if (op->kind == TRALE_FILE_RENAME)
        strcpy(job->buffer + NAME_SIZE, op->new_name);
    job_next_piece(job, op);
    *made = job;
    return 0;
}

void job_next_piece(struct job *job, const struct trale_file_op *op)
{
    if (job->kind == TRALE_FILE_LIST)
        job->offset = (uint64_t)job->file->position;
    if (job->kind != TRALE_FILE_READ && job->kind != TRALE_FILE_WRITE)
        return;
    job->offset = op->offset + op->done;
    job->size = smaller(op->size - op->done, job->capacity);
    if (job->kind == TRALE_FILE_WRITE && job->size > 0)
        memcpy(job->buffer, (const char *)op->data + op->done, job->size);
}

/* --- taken -------------------------------------------------------------------------------------------------------- */

static int take_open(struct job *job, struct trale_file_op *op)
{
    int r = file_give(job->file);
    if (r < 0)
        return r;
    op->file = &job->file->handle->base;
    job->file = NULL;
    return 0;
}

static void take_status(const struct job *job, const struct trale_file_op *op)
{
    const struct statx *found = (const struct statx *)(const void *)job->buffer;
    *(struct trale_file_status *)op->data = (struct trale_file_status){.size = found->stx_size,
                                                                       .stored = found->stx_blocks * 512,
                                                                       .modified_s = found->stx_mtime.tv_sec,
                                                                       .modified_ns = found->stx_mtime.tv_nsec,
                                                                       .mode = found->stx_mode & 07777u,
                                                                       .kind = (found->stx_mode & S_IFMT) >> 12,
                                                                       .n_links = found->stx_nlink,
                                                                       .device = (uint64_t)found->stx_dev_major << 32 |
                                                                                 found->stx_dev_minor,
                                                                       .node = found->stx_ino,
                                                                       .user = found->stx_uid,
                                                                       .group = found->stx_gid};
}

/* Returns how many entries were given. */
static int64_t take_entries(const struct job *job, const struct trale_file_op *op, int64_t size)
{
    struct trale_file_entry *entries = op->data;
    uint64_t n = 0;
    for (int64_t at = 0; at < size && n < op->size;) {
        const struct dirent64 *found = (const struct dirent64 *)(const void *)(job->buffer + at);
        at += found->d_reclen;
        job->file->position = found->d_off;
        if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0)
            continue;
        struct trale_file_entry *entry = &entries[n++];
        entry->node = found->d_ino;
        entry->kind = found->d_type;
        entry->length = (uint32_t)strnlen(found->d_name, sizeof entry->name - 1);
        memcpy(entry->name, found->d_name, entry->length);
        entry->name[entry->length] = '\0';
    }
    return (int64_t)n;
}

/* A read ends with what is not whole; a write goes on until an error. */
static int take_bytes(const struct job *job, struct trale_file_op *op, int64_t *result)
{
    int64_t r = *result;
    if (r > 0) {
        if (job->kind == TRALE_FILE_READ)
            memcpy((char *)op->data + op->done, job->buffer, (size_t)r);
        op->done += (uint64_t)r;
    }
    if (r > 0 && op->done < op->size && (job->kind == TRALE_FILE_WRITE || (uint64_t)r == job->size))
        return 1;
    if (op->done > 0)
        *result = (int64_t)op->done;
    return 0;
}

int job_take(struct job *job, struct trale_file_op *op, int64_t *result)
{
    if (job->kind == TRALE_FILE_READ || job->kind == TRALE_FILE_WRITE)
        return take_bytes(job, op, result);
    if (*result < 0)
        return 0;
    if (job->kind == TRALE_FILE_LIST && *result > 0) {
        *result = take_entries(job, op, *result);
        return *result == 0;
    }
    if (job->kind == TRALE_FILE_STATUS)
        take_status(job, op);
    if (job->kind == TRALE_FILE_OPEN)
        *result = take_open(job, op);
    return 0;
}

/* --- ended -------------------------------------------------------------------------------------------------------- */

void job_end(struct job *job)
{
    if (job->file != NULL)
        file_unref(job->file);
    if (job->folder != NULL)
        file_unref(job->folder);
    free(job);
}

void job_release(void *data)
{
    struct job *job = data;
    if (!job->has_run || !pthread_equal(job->thread, pthread_self())) {
        job_end(job);
        return;
    }
    if (job->file != NULL)
        file_unref_on_thread(job->file);
    if (job->folder != NULL)
        file_unref_on_thread(job->folder);
    free(job);
}
