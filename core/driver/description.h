/* SPDX-License-Identifier: MIT
 *
 * What a driver says of itself, read out of its file: nothing of it is mapped or runs. */
#ifndef CORE_DRIVER_DESCRIPTION_H
#define CORE_DRIVER_DESCRIPTION_H

#include <trale/driver.h>

#include "core/driver/elf.h"

/* Reads and checks the description in the file: ABI, size, texts that end, options that are sound, functions that are
 * code, all of it in the file itself. *description gets it as far as both sides know it; its texts and options are
 * copies, which description_free frees; its option_size is that of struct trale_option here; its functions are
 * addresses in the file, which must not be called.
 * 0, or -EPROTONOSUPPORT, -ENOEXEC or -ENOMEM and the reason. */
int description_read(const struct elf *elf, const char *path, struct trale_driver *description,
                     char reason[FILE_REASON]);

/* Compares the description that was read with what is mapped at `base`, and sets its functions to where they are.
 * 0, or -ENOEXEC and the reason: they differ. */
int description_map(const struct elf *elf, uintptr_t base, const char *path, struct trale_driver *description,
                    char reason[FILE_REASON]);

void description_free(struct trale_driver *description);

#endif
