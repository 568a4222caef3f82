/* SPDX-License-Identifier: MIT
 *
 * What a simulation has no place for: threads, sockets and processes of the program's own. They are named, and pass. */
#include <netdb.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <threads.h>
#include <unistd.h>

#include "guard.h"

#define HERE __builtin_return_address(0)

int guard_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *data)
    GUARD_FOR(pthread_create);
int guard_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *data)
{
    GUARD_REAL(int(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *), "pthread_create");
    guard_call(GUARD_THREAD, "pthread_create", HERE, false);
    return real(thread, attributes, run, data);
}

int guard_thrd_create(thrd_t *thread, thrd_start_t run, void *data) GUARD_FOR(thrd_create);
int guard_thrd_create(thrd_t *thread, thrd_start_t run, void *data)
{
    GUARD_REAL(int(thrd_t *, thrd_start_t, void *), "thrd_create");
    guard_call(GUARD_THREAD, "thrd_create", HERE, false);
    return real(thread, run, data);
}

int guard_socket(int family, int type, int protocol) GUARD_FOR(socket);
int guard_socket(int family, int type, int protocol)
{
    GUARD_REAL(int(int, int, int), "socket");
    guard_call(GUARD_SOCKET, "socket", HERE, false);
    return real(family, type, protocol);
}

int guard_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
    GUARD_FOR(getaddrinfo);
int guard_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    GUARD_REAL(int(const char *, const char *, const struct addrinfo *, struct addrinfo **), "getaddrinfo");
    if (hints == NULL || (hints->ai_flags & AI_NUMERICHOST) == 0)
        guard_call(GUARD_SOCKET, "getaddrinfo", HERE, false);
    return real(node, service, hints, result);
}

pid_t guard_fork(void) GUARD_FOR(fork);
pid_t guard_fork(void)
{
    GUARD_REAL(pid_t(void), "fork");
    guard_call(GUARD_PROCESS, "fork", HERE, false);
    return real();
}

int guard_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                      const posix_spawnattr_t *attributes, char *const argv[], char *const environment[])
    GUARD_FOR(posix_spawn);
int guard_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                      const posix_spawnattr_t *attributes, char *const argv[], char *const environment[])
{
    GUARD_REAL(int(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const *,
                   char *const *),
               "posix_spawn");
    guard_call(GUARD_PROCESS, "posix_spawn", HERE, false);
    return real(pid, path, actions, attributes, argv, environment);
}

int guard_posix_spawnp(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const environment[])
    GUARD_FOR(posix_spawnp);
int guard_posix_spawnp(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const environment[])
{
    GUARD_REAL(int(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const *,
                   char *const *),
               "posix_spawnp");
    guard_call(GUARD_PROCESS, "posix_spawnp", HERE, false);
    return real(pid, path, actions, attributes, argv, environment);
}

int guard_system(const char *command) GUARD_FOR(system);
int guard_system(const char *command)
{
    GUARD_REAL(int(const char *), "system");
    guard_call(GUARD_PROCESS, "system", HERE, false);
    return real(command);
}

FILE *guard_popen(const char *command, const char *mode) GUARD_FOR(popen);
FILE *guard_popen(const char *command, const char *mode)
{
    GUARD_REAL(FILE * (const char *, const char *), "popen");
    guard_call(GUARD_PROCESS, "popen", HERE, false);
    return real(command, mode);
}
