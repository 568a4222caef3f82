/* SPDX-License-Identifier: MIT
 *
 * Mapping a driver's file into the process. The only part that knows dlopen(3). */
#ifndef CORE_DRIVER_LOAD_H
#define CORE_DRIVER_LOAD_H

#include "core/driver/elf.h"

/* Maps the file that elf->fd has open, with the libraries that it needs, and runs their constructors. It is the file
 * that was checked, whatever its path names by now: it is opened again through the descriptor, by /proc. If the file is
 * mapped already, that mapping is used. It stays mapped until the process ends. `path` is the file's name in messages,
 * debuggers and backtraces.
 *
 * Returns 0 and the address at which the file's address 0 is. Or a negative errno and the reason: -ENOENT (a library
 * that it needs is missing, or /proc), -EACCES (its file system is mounted noexec), -EMFILE, -ENFILE, -ENOMEM, ... from
 * the system, -ENOEXEC for what else dlopen says. */
int load_file(const struct elf *elf, const char *path, uintptr_t *base, char reason[FILE_REASON]);

/* Counts the names that the driver exports and refers to, and that the program or its libraries define too; *first is
 * one of them. To be called before load_file. */
size_t load_count_clashes(const struct elf *elf, const char **first);

#endif
