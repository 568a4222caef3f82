/* SPDX-License-Identifier: MIT
 *
 * Which trale.ini is read. */
#ifndef CORE_CONFIG_LOCATE_H
#define CORE_CONFIG_LOCATE_H

#include "core/base/log.h"

/* Where a configuration comes from. */
enum config_origin {
    CONFIG_EXPLICIT,    /* the caller named the file */
    CONFIG_SIMULATION,  /* $TRALE_SIMULATION */
    CONFIG_ENVIRONMENT, /* $TRALE_CONFIG */
    CONFIG_USER,        /* $XDG_CONFIG_HOME/trale/trale.ini or $HOME/.config/trale/trale.ini */
    CONFIG_SYSTEM,      /* TRALE_SYSTEM_CONFIG, a path fixed when trale was built */
    CONFIG_BUILT_IN,    /* no file: TRALE_BUILT_IN_CONFIG, the text of the shipped trale.ini */
};

/* The file that $TRALE_SIMULATION names, or has named when the program began (guard.h), or NULL. A runtime uses it in
 * place of whatever its program names or gives. */
const char *config_simulation(void);

/* Says which file is to be read: *path is allocated, or NULL for CONFIG_BUILT_IN. A user's or system's file that does
 * not exist, or that the process may not look for (-EACCES or -EPERM in a folder above it), is passed over; where that
 * is because of a symbolic link to nothing, it is a warning. Any other trouble with a file is found when it is read.
 * One message of level INFO says which file it is, and why. 0 or -ENOMEM. */
int config_locate(const char *explicit_path, char **path, enum config_origin *origin, const struct log *log);

#endif
