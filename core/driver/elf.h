/* SPDX-License-Identifier: MIT
 *
 * What a shared object is, read from its file before dlopen(3) maps it. */
#ifndef CORE_DRIVER_ELF_H
#define CORE_DRIVER_ELF_H

#include "core/config/trusted_file.h"

/* Checks that the open file is a shared object that dlopen(3) can load: ELF, of this machine and word size, complete (a
 * truncated one kills the process with SIGBUS), not a program, without an executable stack. Reads the file alone and
 * runs nothing. 0, or -ENOEXEC with the reason, or -EIO, -ENOMEM. */
int elf_check_shared_object(int fd, const char *path, char reason[FILE_REASON]);

#endif
