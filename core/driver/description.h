/* SPDX-License-Identifier: MIT
 *
 * What a driver says of itself, in a file that is mapped and of which nothing was called. */
#ifndef CORE_DRIVER_DESCRIPTION_H
#define CORE_DRIVER_DESCRIPTION_H

#include <trale/driver.h>

#include "core/driver/elf.h"

/* Checks the description in the file, which is mapped at `base`, and copies it as far as both sides know it: ABI, size,
 * texts that end, options that are sound, functions that are code. All of it must be in the file itself.
 * 0, or -EPROTONOSUPPORT or -ENOEXEC and the reason. */
int description_read(const struct elf *elf, uintptr_t base, const char *path, struct trale_driver *description,
                     char reason[FILE_REASON]);

#endif
