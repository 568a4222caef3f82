/* SPDX-License-Identifier: MIT
 *
 * One driver of one runtime: found, opened, checked, started, stopped. */
#ifndef CORE_DRIVER_DRIVER_H
#define CORE_DRIVER_DRIVER_H

#include <stdbool.h>

#include <trale/driver.h>

#include "core/config/table.h"
#include "core/config/trusted_file.h"
#include "core/base/log.h"

enum driver_state {
    DRIVER_CLOSED,  /* Nothing is held. */
    DRIVER_OPENED,  /* Its file, its description and its settings are checked; nothing of it is mapped. */
    DRIVER_LOADED,  /* Its file is mapped; its constructors have run, and nothing else was called. */
    DRIVER_STARTED, /* start succeeded; left by stop. */
};

struct driver {
    enum driver_state state;
    const struct config_section *section; /* lent */
    const char *name;                     /* the section's, without "driver:" */
    char *path;                           /* of its file, with all links resolved */
    uint32_t line;                        /* of the section's `path` */
    struct elf *elf;                      /* OPENED: the file, which elf->fd has open; else NULL */
    struct trale_driver description;      /* as far as both sides know it; its functions are there once it is LOADED */
    char *interfaces;                     /* that it offers, without sizes; stack_check shortens that of a layer */
    char *offers;                         /* the same, with the sizes of their first versions */
    char *needs;                          /* description.needs with sizes; NULL: none */
    const char *over;                     /* the drivers that it is a layer over; NULL: it is none; lent */
    uint32_t over_line;                   /* in trale.ini */
    struct trale_value *values;
    struct trale_settings settings;
    struct trale_host host;
    const struct log *log; /* lent */
    void *instance;
};

/* Finds the file that the section's `path` names, a bare name in `folder`; checks that its owner and the owners of its
 * folders can be trusted (file_open_trusted), and that it is a sound shared object (elf_open); reads its description
 * out of it (description_read); and reads its options from the section. Each thing wrong is a message that names the
 * line of the configuration and the file. Nothing of the driver runs, and nothing is mapped.
 *
 * The zeroed *driver is then OPENED; on failure it stays CLOSED.
 * 0, -EINVAL, -EPERM (not trusted), -ENOEXEC (not a driver), -EPROTONOSUPPORT, or from the system -ENOENT, -EACCES,
 * -EMFILE, -ENFILE, -ENOMEM and the like. */
int driver_open(struct driver *driver, const struct config *config, const struct config_section *section,
                const char *folder, const struct file_trust *trust, const struct log *log);

/* The same without the options: the section may lack those that must be given. For looking at a driver, not for loading
 * it. */
int driver_describe(struct driver *driver, const struct config *config, const struct config_section *section,
                    const char *folder, const struct file_trust *trust, const struct log *log);

/* Maps exactly the file that was opened (load_file), with which its constructors run, and compares the description with
 * what was read. After a failure it is still OPENED.
 *
 * Security: the libraries that it needs are found as the program's own are (ld.so(8): LD_LIBRARY_PATH, the program's
 * RPATH, the system's folders), and are not checked. A driver that names other places for them, by an RPATH, a RUNPATH
 * or a path, is refused. Trusting a file means trusting those who may write it to do so at any time, also while it is
 * loaded.
 *
 * 0, -ENOEXEC, or an error of load_file, with a message. */
int driver_load(struct driver *driver, const struct config *config);

/* Starts the loaded driver with driver->host, which the caller has filled in. 0, what start answered, or -EPROTO if
 * that was neither 0 nor a negative errno. */
int driver_start(struct driver *driver);

/* Waits until nothing of a started driver runs any more, but no longer than until the deadline on CLOCK_MONOTONIC;
 * UINT64_MAX is no limit. 0 or -ETIMEDOUT. */
int driver_settle(const struct driver *driver, uint64_t deadline_ns);

/* Stops it if it was started, and frees what it holds, in any state. The file stays mapped. */
void driver_close(struct driver *driver);

/* Whether the driver offers the interface; a CLOSED one does not. */
bool driver_offers(const struct driver *driver, const char *interface, size_t length);

/* The name of the driver that offers an interface by convention, as a part of the interface's name: NAME in
 * "domain.NAME/version". */
const char *driver_by_convention(const char *interface, size_t interface_length, size_t *length);

#endif
