/* SPDX-License-Identifier: MIT
 *
 * Prints what a driver's file says of itself, for any machine:
 *
 *     read_driver DRIVER */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/driver/description.h"

static void print(const struct trale_driver *driver)
{
    printf("%s %s, ABI %u: %s; %s\n", driver->name, driver->version, driver->abi, driver->summary, driver->interfaces);
    for (const struct trale_option *option = driver->options; option != NULL && option->name != NULL; option++)
        printf("%s: %u, %" PRId64 " to %" PRId64 ", %s, %s, %s\n", option->name, option->type, option->minimum,
               option->maximum, option->choices != NULL ? option->choices : "-",
               option->default_value != NULL ? option->default_value : "-", option->help != NULL ? option->help : "-");
}

int main(int argc, char **argv)
{
    static struct elf elf;
    char reason[FILE_REASON], name[ELF_NAME];
    struct trale_driver driver = {0};
    ElfW(Ehdr) header;
    int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0 || pread(fd, &header, sizeof header, 0) != sizeof header) {
        fprintf(stderr, "usage: read_driver DRIVER\n");
        return 2;
    }
    int r = elf_open(&elf, fd, argv[1], header.e_machine, reason);
    if (r == 0)
        r = description_read(&elf, argv[1], &driver, reason);
    if (r == 0) {
        print(&driver);
        printf("%zu constructors\n", elf_count_constructors(&elf, name));
    } else {
        fprintf(stderr, "%s\n", reason);
    }
    description_free(&driver);
    elf_close(&elf);
    close(fd);
    return r < 0;
}
