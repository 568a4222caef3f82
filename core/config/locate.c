/* SPDX-License-Identifier: MIT */
#include "core/config/locate.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <trale/guard.h>
#include <trale/trale.h>

static const char *environment(const char *name)
{
    const char *value = secure_getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* The user's file: *path is allocated, or NULL where the environment names no folder. A relative XDG_CONFIG_HOME is
 * ignored, as the XDG base directory specification has it. 0 or -ENOMEM. */
static int user_path(char **path)
{
    const char *config_home = environment("XDG_CONFIG_HOME"), *home = environment("HOME");
    int n = 0;
    *path = NULL;
    if (config_home != NULL && config_home[0] == '/')
        n = asprintf(path, "%s/trale/trale.ini", config_home);
    else if (home != NULL && home[0] == '/')
        n = asprintf(path, "%s/.config/trale/trale.ini", home);
    if (n < 0)
        *path = NULL;
    return n < 0 ? -ENOMEM : 0;
}

/* Warns if the file is missing because the path, or a folder on it, is a symbolic link to nothing. */
static void warn_of_dangling_link(const char *path, const struct log *log)
{
    char part[PATH_MAX], target[PATH_MAX];
    struct stat status;
    for (size_t end = 1; end <= strlen(path) && end < sizeof part; end++) {
        if (path[end] != '/' && path[end] != '\0')
            continue;
        memcpy(part, path, end);
        part[end] = '\0';
        if (stat(part, &status) == 0)
            continue;
        ssize_t length = errno == ENOENT || errno == ENOTDIR ? readlink(part, target, sizeof target) : -1;
        if (length >= 0)
            log_say(log, TRALE_LOG_WARNING, "trale", "%s: %s is a symbolic link to %.*s, which does not exist", path,
                    part, (int)length, target);
        return;
    }
}

/* Whether the file is there, as far as this process may look; *error says why not. */
static bool is_there(const char *path, int *error, const struct log *log)
{
    struct stat status;
    *error = stat(path, &status) == 0 ? 0 : errno;
    if (*error == ENOENT || *error == ENOTDIR)
        warn_of_dangling_link(path, log);
    return *error != ENOENT && *error != ENOTDIR && *error != EACCES && *error != EPERM;
}

/* The first of the user's and the system's file that is there; NULL, and CONFIG_BUILT_IN, if neither is. */
static int search(char **path, enum config_origin *origin, const struct log *log)
{
    char *user, *system = strdup(TRALE_SYSTEM_CONFIG);
    const char *ignored = getauxval(AT_SECURE) != 0 ? "; a setuid or setcap program ignores the environment" : "";
    int user_error = ENOENT, system_error = 0, r = user_path(&user);
    *path = NULL;
    if (r < 0 || system == NULL) {
        r = -ENOMEM;
    } else if (user != NULL && is_there(user, &user_error, log)) {
        *path = user;
        *origin = CONFIG_USER;
        log_say(log, TRALE_LOG_INFO, "trale", "configuration: %s (the user's)", user);
    } else if (is_there(system, &system_error, log)) {
        *path = system;
        *origin = CONFIG_SYSTEM;
        log_say(log, TRALE_LOG_INFO, "trale", "configuration: %s (the system's; %s%s%s%s)", system,
                user != NULL ? user : "no file of the user", user != NULL ? ": " : "",
                user != NULL ? strerror(user_error) : "", ignored);
    } else {
        *origin = CONFIG_BUILT_IN;
        log_say(log, TRALE_LOG_INFO, "trale", "configuration: built in (%s%s%s, %s: %s%s)",
                user != NULL ? user : "no file of the user", user != NULL ? ": " : "",
                user != NULL ? strerror(user_error) : "", system, strerror(system_error), ignored);
    }
    if (*path != user)
        free(user);
    if (*path != system)
        free(system);
    return r;
}

/* Without $TRALE_SIMULATION the guard, if it is there, knows whether the program has had it. */
extern trale_guard_simulation_fn trale_guard_simulation __attribute__((weak));

const char *config_simulation(void)
{
    const char *path = environment("TRALE_SIMULATION");
    return path == NULL && trale_guard_simulation != NULL ? trale_guard_simulation() : path;
}

int config_locate(const char *explicit_path, char **path, enum config_origin *origin, const struct log *log)
{
    static const char *const namers[] = {
        [CONFIG_EXPLICIT] = "the program",
        [CONFIG_SIMULATION] = "$TRALE_SIMULATION, in place of any other",
        [CONFIG_ENVIRONMENT] = "$TRALE_CONFIG",
    };
    const char *named = explicit_path;
    enum config_origin namer = CONFIG_EXPLICIT;
    if (named == NULL && (named = config_simulation()) != NULL)
        namer = CONFIG_SIMULATION;
    else if (named == NULL && (named = environment("TRALE_CONFIG")) != NULL)
        namer = CONFIG_ENVIRONMENT;
    if (named == NULL)
        return search(path, origin, log);
    char *copy = strdup(named);
    if (copy == NULL)
        return -ENOMEM;
    int error;
    is_there(named, &error, log); /* for its warning */
    *path = copy;
    *origin = namer;
    log_say(log, TRALE_LOG_INFO, "trale", "configuration: %s (named by %s)", named, namers[namer]);
    return 0;
}
