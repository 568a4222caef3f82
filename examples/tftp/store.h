/* SPDX-License-Identifier: MIT
 *
 * The files that the server has: those of one folder, and none outside of it. A file that is read must be a regular
 * one that all users may read (o+r), as tftpd has always had it. One that is written is made under another name, which
 * is not served, and gets its own when it is complete. */
#ifndef TFTP_STORE_H
#define TFTP_STORE_H

#include <trale/file_folder.h>

#include "packet.h"
#include "settings.h"

/* A file of the store that is read or written. */
struct stored {
    struct trale_file *folder; /* the store's; lent */
    char path[TFTP_NAME_MAX];  /* below it */
    struct trale_file *file;
    uint64_t size; /* of one that is read */

    /* Of one that is written: */
    struct trale_file *parent; /* the folder of the file */
    const char *name;          /* the last component of `path` */
    uint32_t mode;
    char temporary[48]; /* its name until it is complete; "": none */
};

/* The path of a name that a client asks for: without the '/' at its beginning, because all names are below the
 * folder. 0, or -ENOENT: it is empty, or of a file that is not complete. */
int stored_init(struct stored *stored, struct trale_file *folder, const char *name);

/* Closes the file; a temporary file stays. */
void stored_close(struct stored *stored);

/* Opens the file for reading. Resolves to 0 or a negative errno. */
struct stored_read {
    struct trale_future future;
    struct stored *stored;
    struct trale_file_op op;
    struct trale_file_status status;
};
trale_async_declare(stored_read);

/* Makes a temporary file, if the file may be written. `number` is one for each file of this process. Resolves to 0 or a
 * negative errno. */
struct stored_write {
    struct trale_future future;
    struct stored *stored;
    enum tftp_writes writes;
    uint64_t number;
    struct trale_file_op op;
    struct trale_file *old;
    struct trale_file_status status;
};
trale_async_declare(stored_write);

/* The temporary file becomes the file; with `syncs`, on the disk too. Resolves to 0 or a negative errno. */
struct stored_complete {
    struct trale_future future;
    struct stored *stored;
    bool syncs;
    struct trale_file_op op;
};
trale_async_declare(stored_complete);

/* Removes the temporary file, if there is one. Resolves to 0. */
struct stored_discard {
    struct trale_future future;
    struct stored *stored;
    struct trale_file_op op;
};
trale_async_declare(stored_discard);

#endif
