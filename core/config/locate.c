/* SPDX-License-Identifier: MIT */
#include "core/config/locate.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *environment(const char *name)
{
    const char *value = secure_getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* The user's file, allocated, or NULL with *r untouched or -ENOMEM. A relative XDG_CONFIG_HOME is ignored, as the XDG
 * base directory specification has it. */
static char *user_path(int *r)
{
    const char *config_home = environment("XDG_CONFIG_HOME"), *home = environment("HOME");
    char *path = NULL;
    int n = 0;
    if (config_home != NULL && config_home[0] == '/')
        n = asprintf(&path, "%s/trale/trale.ini", config_home);
    else if (home != NULL && home[0] == '/')
        n = asprintf(&path, "%s/.config/trale/trale.ini", home);
    if (n >= 0)
        return path;
    *r = -ENOMEM;
    return NULL;
}

static bool exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

int config_locate(const char *explicit_path, char **path, enum config_origin *origin)
{
    int r = 0;
    const char *named = explicit_path != NULL ? explicit_path : environment("TRALE_CONFIG");
    enum config_origin found = explicit_path != NULL ? CONFIG_EXPLICIT : CONFIG_ENVIRONMENT;
    char *result = named != NULL ? strdup(named) : user_path(&r);
    if (r < 0 || (named != NULL && result == NULL))
        return -ENOMEM;
    if (named == NULL) {
        found = CONFIG_USER;
        if (result == NULL || !exists(result)) {
            free(result);
            found = CONFIG_SYSTEM;
            result = strdup(TRALE_SYSTEM_CONFIG);
            if (result == NULL)
                return -ENOMEM;
        }
        if (found == CONFIG_SYSTEM && !exists(result)) {
            free(result);
            found = CONFIG_BUILT_IN;
            result = NULL;
        }
    }
    *path = result;
    *origin = found;
    return 0;
}
