/* SPDX-License-Identifier: MIT
 *
 * Files that are believed: trale.ini and the drivers' shared objects. Looked at before they are opened for use, since
 * what they say is executed. */
#ifndef CORE_CONFIG_TRUSTED_FILE_H
#define CORE_CONFIG_TRUSTED_FILE_H

#include <stddef.h>

/* Room for one of the reasons below. */
#define FILE_REASON 512

/* Opens a regular file for reading, if the file and every folder on its real path belong to root or to the effective
 * user, and nobody else may write them (a folder with the sticky bit, like /tmp, may be written by all). So nobody else
 * can put another file in its place afterwards either, and the path itself may be used.
 * Returns the fd (close-on-exec) and the path with all symbolic links resolved in *real_path, allocated. Or a negative
 * errno and, in `reason`, a sentence that names the file, what was found and the cure: -ENOENT, -EACCES, -ELOOP, ...,
 * -EPERM (not trusted), -EISDIR, -EINVAL (neither file nor folder: a FIFO is refused without waiting), -ENOMEM. */
int file_open_trusted(const char *path, char **real_path, char reason[FILE_REASON]);

#endif
