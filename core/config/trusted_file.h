/* SPDX-License-Identifier: MIT
 *
 * Files that are trusted: trale.ini and the drivers' shared objects. What they say is executed, so their owners and
 * modes are checked before they are read. */
#ifndef CORE_CONFIG_TRUSTED_FILE_H
#define CORE_CONFIG_TRUSTED_FILE_H

#include "core/config/owner.h"

/* Room for one reason. */
#define FILE_REASON 896

/* Takes the reasons why a file is refused, one call each. `reason` is a sentence that names the file or folder, what
 * was found and the cure; it is lent for the call. */
struct file_report {
    void (*write)(void *data, const char *reason);
    void *data;
};

/* Opens a regular file for reading, if it and each folder that leads to it belong to root, to the effective user or to
 * a user in `trust` (NULL: to no other user), and no other user may write them. A folder with the sticky bit, like
 * /tmp, may be writable by all; a symbolic link in it must then belong to one of those users.
 *
 * The path is walked folder by folder, through its symbolic links, by descriptors: the folders that were checked are
 * the folders that the file was opened through, and the file that was checked is the one that is returned, whatever is
 * renamed meanwhile. All folders with a fault are reported.
 *
 * Returns the fd (close-on-exec), and in *real_path, allocated, the path with all symbolic links resolved. Or a
 * negative errno, with at least one report: -ENOENT, -EACCES, -ELOOP, -EMFILE, ..., -EPERM (not trusted), -EISDIR,
 * -EINVAL (neither file nor folder: a FIFO is refused without waiting), -ENOMEM. */
int file_open_trusted(const char *path, const struct file_trust *trust, char **real_path,
                      const struct file_report *report);

#endif
