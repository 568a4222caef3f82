/* SPDX-License-Identifier: MIT
 *
 * Folders, an addition to file.h: their entries, and the names in them. A folder is a file that was opened with
 * O_DIRECTORY. Threads, drops and errors as in file.h. */
#ifndef TRALE_FILE_FOLDER_H
#define TRALE_FILE_FOLDER_H

#include <trale/file.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An entry of a folder. Frozen: an array element. */
struct trale_file_entry {
    uint64_t node;
    uint32_t kind; /* TRALE_FILE_KIND_, of the entry itself: links are not followed */
    uint32_t length;
    char name[256]; /* ends in NUL; any other byte but '/' may be in it */
};

/* Lists a folder, a batch after the other (getdents64(2)): resolves to how many of these `n` entries it has set, and to
 * 0 when all were given. "." and ".." are left out, the order is that of the file system, and what is made or removed
 * meanwhile may be in the list or not. A dropped wait loses nothing. One list of a file is awaited at a time, or
 * -EBUSY; to begin anew, open the folder again. -ENOTDIR: it is no folder. */
TRALE_CHECK_RESULT static inline struct trale_future *
trale_file_list(struct trale_file_op *op, struct trale_file *folder, struct trale_file_entry *entries, size_t n)
{
    trale_file_init_(op, TRALE_FILE_LIST, folder);
    op->data = entries;
    op->size = n;
    return trale_file_begin_(op, folder->files);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

/* Gives a file of one folder a name in the same or another folder, in place of a file that has that name
 * (renameat(2)). Resolves to 0. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_file_rename(struct trale_file_op *op,
                                                                        struct trale_file *folder, const char *name,
                                                                        struct trale_file *new_folder,
                                                                        const char *new_name)
{
    trale_file_init_(op, TRALE_FILE_RENAME, folder);
    op->path = name;
    op->folder = new_folder;
    op->new_name = new_name;
    return trale_file_begin_(op, folder->files);
}

/* Removes a name from a folder (unlinkat(2)): of a file, or with the flag O_DIRECTORY of an empty folder. Resolves to
 * 0. */
TRALE_CHECK_RESULT static inline struct trale_future *
trale_file_unlink(struct trale_file_op *op, struct trale_file *folder, const char *name, uint32_t flags)
{
    trale_file_init_(op, TRALE_FILE_UNLINK, folder);
    op->path = name;
    op->flags = flags;
    return trale_file_begin_(op, folder->files);
}

/* Makes a folder in a folder (mkdirat(2)). Resolves to 0. */
TRALE_CHECK_RESULT static inline struct trale_future *
trale_file_make_folder(struct trale_file_op *op, struct trale_file *folder, const char *name, uint32_t mode)
{
    trale_file_init_(op, TRALE_FILE_MAKE_FOLDER, folder);
    op->path = name;
    op->mode = mode;
    return trale_file_begin_(op, folder->files);
}

static_assert(sizeof(struct trale_file_entry) == 272, "frozen: an array element");

#ifdef __cplusplus
}
#endif

#endif
