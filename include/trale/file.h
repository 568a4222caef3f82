/* SPDX-License-Identifier: MIT
 *
 * The interface "trale.file/1": regular files, and in file_folder.h folders. Offered by drivers/file/, used through the
 * functions at the end.
 *
 *     struct first_bytes {
 *         struct trale_future future;
 *         struct trale_file_op op;
 *         struct trale_file *file;
 *         char bytes[512];
 *     };
 *
 *     static void first_bytes_close(struct first_bytes *self)       runs however the task ends
 *     {
 *         trale_file_close(self->file);
 *     }
 *
 *     trale_async_with(first_bytes, first_bytes_close)
 *     {
 *         trale_begin();
 *         trale_try(trale_file_open(&self->op, cx->runtime, "/etc/hosts", O_RDONLY, 0));
 *         self->file = self->op.file;
 *         trale_try(trale_file_read(&self->op, self->file, self->bytes, sizeof self->bytes, 0));
 *         trale_return(trale_result());
 *     }
 *
 * An operation is a future in the caller's frame, and the same memory serves one after the other. It may be made
 * anywhere, and is awaited in a task of the runtime that the file belongs to. Files are closed on the executor thread.
 *
 * BUFFERS. The kernel and threads work on memory of the driver alone, from which a read is copied when it resolves, and
 * to which a write is copied when it is polled first. An operation larger than `buffer` in trale.ini is done in pieces
 * of that size, one after the other.
 *
 * A DROPPED OPERATION touches the frame no more, and the drop does not block. What was not begun is not done. What was
 * begun goes on: a write may be written, whole or in part; a file may be made or truncated, and an open one is closed
 * again; a name may be changed. trale_close waits for that. After a failed or a dropped write the program does not know
 * what the file has, as after write(2).
 *
 * ORDER. Operations on one file that are in flight together are done in any order. Two that must follow each other are
 * awaited one after the other.
 *
 * PATHS. trale_file_open takes a path as open(2) does. trale_file_open_in takes a path below a folder, and never leaves
 * that (openat2(2), RESOLVE_BENEATH): for names that come from a peer. Other functions take a name in a folder: one
 * component, without '/', and not "." or "..", or -EINVAL. Paths and names are lent until the operation resolves or is
 * dropped.
 *
 * ERRORS are those of the system call that the function names, as negative errno, and:
 *   -EXDEV       trale_file_open_in: the path is absolute, or leads out of the folder, by ".." or by a symbolic link.
 *   -ELOOP       Too many symbolic links; one where TRALE_FILE_NO_LINKS forbids them, or as the last component where
 *                O_NOFOLLOW does; or, below a folder, a link of /proc that is no path.
 *   -EAGAIN      trale_file_open_in: other processes have renamed folders while the path has "..", time and again. Or
 *                another process has a lease of the file (fcntl(2)). Or no thread could be made.
 *   -EOPNOTSUPP  What was opened is neither a regular file nor a folder, but a FIFO, a device or the like; it was not
 *                waited for. Or the driver does not know the operation.
 *   -ENXIO       A FIFO without a reader, a socket, or a device that is not there.
 *   -EINVAL      Flags that are not supported, an offset beyond INT64_MAX, a name that is none.
 *   -ECANCELED   The file was closed meanwhile.
 *   -EBADF       The file was not opened for that.
 *   -ENOSPC, -EDQUOT, -EFBIG (a limit of sizes, RLIMIT_FSIZE too: no SIGXFSZ ends the process), -EIO
 *   -ENODEV      No driver offers this.
 *   -ENOSYS      trale_file_open_in, TRALE_FILE_NO_LINKS: a sandbox, or Linux before 5.6, has no openat2(2).
 *   -ENOMEM
 *
 * IN A SIMULATION files are the real ones, and operations are done in an order that depends on the seed alone.
 */
#ifndef TRALE_FILE_H
#define TRALE_FILE_H

#include <trale/trale.h>

#include <trale/blocking.h>
#include <trale/driver.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

struct trale_files;

/* An open file or folder. A driver's own begins with this; applications use only the pointer. */
struct trale_file {
    /* The table of functions for this file. The driver sets it when it opens the file, and does not read it: a layer
     * (layer.h) replaces it by its own. */
    const struct trale_files *files;
};

/* What an operation does. A driver that does not know one answers -EOPNOTSUPP. */
#define TRALE_FILE_OPEN 1u
#define TRALE_FILE_READ 2u
#define TRALE_FILE_WRITE 3u
#define TRALE_FILE_SYNC 4u
#define TRALE_FILE_STATUS 5u
#define TRALE_FILE_LIST 6u
#define TRALE_FILE_TRUNCATE 7u
#define TRALE_FILE_RENAME 8u
#define TRALE_FILE_UNLINK 9u
#define TRALE_FILE_MAKE_FOLDER 10u

/* A flag of an open, beside those of open(2): no component of the path is a symbolic link. */
#define TRALE_FILE_NO_LINKS 0x80000000u

/* A flag of a sync: what is needed to read the bytes back, and not the times (fdatasync(2)). */
#define TRALE_FILE_DATA 1u

/* The kind of a file: S_IFMT of its mode, shifted (DT_REG and others of readdir(3)). */
#define TRALE_FILE_KIND_UNKNOWN 0u /* of an entry: the file system does not tell */
#define TRALE_FILE_KIND_FOLDER 4u
#define TRALE_FILE_KIND_REGULAR 8u
#define TRALE_FILE_KIND_LINK 10u

/* What a file is. Frozen: it is part of frames. */
struct trale_file_status {
    uint64_t size;         /* in bytes */
    uint64_t stored;       /* bytes of storage that it takes */
    int64_t modified_s;    /* the time of the last change of its bytes, since 1970 */
    uint32_t modified_ns;  /* 0 to 999,999,999 */
    uint32_t mode;         /* permissions: 07777 */
    uint32_t kind;         /* TRALE_FILE_KIND_ */
    uint32_t n_links;      /* names */
    uint64_t device, node; /* together the file's identity */
    uint32_t user, group;
};

/* An operation. Frozen: it is part of frames. */
struct trale_file_op {
    struct trale_future future;
    /* The file; of an open, the result, set when it resolved to 0. */
    struct trale_file *file;
    struct trale_file *folder; /* OPEN: below this, NULL: anywhere. RENAME: the new name is in this. */
    const char *path;          /* the path or the name */
    const char *new_name;      /* RENAME */
    void *data;                /* what is read, or written, a status, or entries */
    uint64_t offset;
    uint64_t size;  /* of data, in bytes; LIST: in entries; TRUNCATE: of the file */
    uint32_t kind;  /* TRALE_FILE_ */
    uint32_t flags; /* OPEN, SYNC */
    uint32_t mode;  /* OPEN, MAKE_FOLDER */

    /* The driver's, zero before it begins: */
    uint32_t state;
    struct trale_link link;
    const struct trale_waker *waker;
    void *job;
    uint64_t done; /* of the bytes */
    struct trale_blocking work;
};

#define TRALE_FILE_1_SIZE 32
#define TRALE_FILE_1 TRALE_INTERFACE("trale.file/1", TRALE_FILE_1_SIZE)

struct trale_files {
    struct trale_interface interface; /* version 1 */

    /* [any] Makes *op a future: the driver sets its `type`, here and in polls alone, for a layer (layer.h) may
     * have replaced it. The caller has set what it passes; the rest is zero. */
    void (*begin)(void *instance, struct trale_file_op *op);

    /* [executor] The contract is that of trale_file_close. */
    void (*close)(void *instance, struct trale_file *file);
};

/* The runtime's interface to files; NULL: no driver offers it. [any] */
static inline const struct trale_files *trale_files(struct trale *runtime)
{
    return (const struct trale_files *)trale_interface(runtime, TRALE_FILE_1, sizeof(struct trale_files));
}

static inline int64_t trale_file_missing_(struct trale_future *future, struct trale_context *context)
{
    (void)future;
    (void)context;
    return -ENODEV;
}

static inline void trale_file_init_(struct trale_file_op *op, uint32_t kind, struct trale_file *file)
{
    memset(op, 0, sizeof *op);
    op->kind = kind;
    op->file = file;
}

static inline struct trale_future *trale_file_begin_(struct trale_file_op *op, const struct trale_files *files)
{
    static const struct trale_future_type missing = {sizeof missing, TRALE_ABI, "trale_file_open", trale_file_missing_,
                                                     NULL};
    if (files != NULL)
        files->begin(files->interface.instance, op);
    else
        op->future.type = &missing;
    return &op->future;
}

/* --- open and close ----------------------------------------------------------------------------------------------- */

/* Opens a file or a folder, and resolves to 0 with it in op->file, which the caller closes. `flags` are those of
 * open(2): O_RDONLY, O_WRONLY or O_RDWR; O_CREAT with the permissions in `mode`, of which the umask takes some away,
 * O_EXCL, O_TRUNC, O_APPEND (a write goes to the end, whatever its offset is), O_DIRECTORY, O_NOFOLLOW, O_NOATIME,
 * O_SYNC, O_DSYNC; and TRALE_FILE_NO_LINKS. Programs that this process executes do not inherit the file. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_file_open(struct trale_file_op *op, struct trale *runtime,
                                                                      const char *path, uint32_t flags, uint32_t mode)
{
    trale_file_init_(op, TRALE_FILE_OPEN, NULL);
    op->path = path;
    op->flags = flags;
    op->mode = mode;
    return trale_file_begin_(op, trale_files(runtime));
}

/* The same for a path below a folder, which it never leaves. "." is the folder itself. */
TRALE_CHECK_RESULT static inline struct trale_future *
trale_file_open_in(struct trale_file_op *op, struct trale_file *folder, const char *path, uint32_t flags, uint32_t mode)
{
    trale_file_init_(op, TRALE_FILE_OPEN, NULL);
    op->folder = folder;
    op->path = path;
    op->flags = flags;
    op->mode = mode;
    return trale_file_begin_(op, folder->files);
}

/* Closes a file; NULL is allowed. It does not block: close(2) follows in the background, when operations that were
 * begun are done. Futures of the file that have not resolved resolve to -ECANCELED, also if they are not polled yet;
 * and those may be done or not, as dropped ones. Errors of close(2) are lost: a program that must know awaits
 * trale_file_sync before. What a program has not closed is closed with the runtime. [executor] */
static inline void trale_file_close(struct trale_file *file)
{
    if (file != NULL)
        file->files->close(file->files->interface.instance, file);
}

/* --- bytes -------------------------------------------------------------------------------------------------------- */

/* Reads at an offset (pread(2)), and resolves to how many bytes there are in `buf`. That may be fewer than `size`,
 * mostly because the file ends there; 0 is the end, if `size` is not. An error after some bytes is one of the next
 * read. A folder is -EISDIR. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_file_read(struct trale_file_op *op, struct trale_file *file,
                                                                      void *buf, size_t size, uint64_t offset)
{
    trale_file_init_(op, TRALE_FILE_READ, file);
    op->data = buf;
    op->size = size;
    op->offset = offset;
    return trale_file_begin_(op, file->files);
}

/* Writes at an offset (pwrite(2)), and resolves to how many bytes the file has taken: all of them; or fewer, and what
 * kept it from the rest, such as a full disk, is the error of a write of the rest. They are on the disk only after
 * trale_file_sync, which may have an error of a write that had none. */
TRALE_CHECK_RESULT static inline struct trale_future *
trale_file_write(struct trale_file_op *op, struct trale_file *file, const void *buf, size_t size, uint64_t offset)
{
    trale_file_init_(op, TRALE_FILE_WRITE, file);
    op->data = (void *)(uintptr_t)buf;
    op->size = size;
    op->offset = offset;
    return trale_file_begin_(op, file->files);
}

/* Resolves to 0 when all writes that have resolved before are on the disk (fsync(2)); with the flag TRALE_FILE_DATA, as
 * fdatasync(2). A new or renamed file is there after a crash when its folder was synced too. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_file_sync(struct trale_file_op *op, struct trale_file *file,
                                                                      uint32_t flags)
{
    trale_file_init_(op, TRALE_FILE_SYNC, file);
    op->flags = flags;
    return trale_file_begin_(op, file->files);
}

/* Makes the file so long, with zeros at its end, or without what is behind it (ftruncate(2)). Resolves to 0. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_file_truncate(struct trale_file_op *op,
                                                                          struct trale_file *file, uint64_t size)
{
    trale_file_init_(op, TRALE_FILE_TRUNCATE, file);
    op->size = size;
    return trale_file_begin_(op, file->files);
}

/* --- what there is ------------------------------------------------------------------------------------------------ */

/* Resolves to 0 with what the file is in *status (statx(2)), which is lent until then. */
TRALE_CHECK_RESULT static inline struct trale_future *
trale_file_status(struct trale_file_op *op, struct trale_file *file, struct trale_file_status *status)
{
    trale_file_init_(op, TRALE_FILE_STATUS, file);
    op->data = status;
    op->size = sizeof *status;
    return trale_file_begin_(op, file->files);
}

static_assert(sizeof(struct trale_file_status) == 64, "frozen: part of frames");
static_assert(sizeof(struct trale_file_op) == 224, "frozen: part of frames");
static_assert(offsetof(struct trale_files, close) + sizeof(void *) == TRALE_FILE_1_SIZE, "append only");

#ifdef __cplusplus
}
#endif

#endif
