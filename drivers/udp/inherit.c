/* SPDX-License-Identifier: MIT
 *
 * Sockets that are open already: adopted by number, or inherited from a service manager, which says in the environment
 * how many there are, from fd 3 on, and their names (sd_listen_fds(3)).
 *
 * The flag FD_CLOEXEC tells which of them were taken: an inherited fd came through execve(2) and so has it clear;
 * udp_adopt sets it. */
#include "inherit.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connect.h"
#include "error.h"
#include "info.h"

#define FIRST_FD 3

/* --- the environment ---------------------------------------------------------------------------------------------- */

/* Reads a number of nothing but digits. 0, or -EINVAL. */
static int number_parse(const char *text, long maximum, long *number)
{
    if (text[0] < '0' || text[0] > '9' || text[strspn(text, "0123456789")] != '\0')
        return -EINVAL;
    errno = 0;
    long value = strtol(text, NULL, 10);
    if (errno != 0 || value > maximum)
        return -EINVAL;
    *number = value;
    return 0;
}

/* Counts the fds that this process has inherited. 0, -EINVAL, or -ENOENT: none. */
static int inherited_count(long *n_fds)
{
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
    long number;
    if (pid == NULL || fds == NULL)
        return -ENOENT;
    if (number_parse(pid, INT_MAX, &number) < 0 || number_parse(fds, INT_MAX - FIRST_FD, n_fds) < 0)
        return -EINVAL;
    return number == getpid() && *n_fds > 0 ? 0 : -ENOENT; /* else they are another process's */
}

static bool is_taken(int fd)
{
    int flags = fcntl(fd, F_GETFD);
    return flags < 0 || (flags & FD_CLOEXEC) != 0;
}

/* The first fd of that name that was not taken yet. The list of names has colons between them, and may be shorter than
 * that of the fds. -ENOENT: no fd has the name; -EBUSY: all that have it were taken. */
static int inherited_by_name(const char *names, long n_fds, const char *name)
{
    size_t length = strlen(name);
    int r = -ENOENT;
    for (int i = 0; names != NULL && i < n_fds; i++) {
        size_t n = strcspn(names, ":");
        if (n == length && memcmp(names, name, length) == 0) {
            if (!is_taken(FIRST_FD + i))
                return FIRST_FD + i;
            r = -EBUSY;
        }
        names = names[n] == ':' ? names + n + 1 : NULL;
    }
    return r;
}

/* The fd of that name; if no fd has it, that of that number. */
static int inherited_find(const char *name)
{
    long n_fds, number;
    int r = inherited_count(&n_fds);
    if (r < 0)
        return r;
    r = inherited_by_name(getenv("LISTEN_FDNAMES"), n_fds, name);
    if (r != -ENOENT || number_parse(name, n_fds - 1, &number) < 0)
        return r;
    return is_taken(FIRST_FD + (int)number) ? -EBUSY : FIRST_FD + (int)number;
}

/* --- sockets ------------------------------------------------------------------------------------------------------ */

static int32_t fd_get(int fd, int name, int *value)
{
    socklen_t size = sizeof *value;
    return getsockopt(fd, SOL_SOCKET, name, value, &size) < 0 ? -errno : 0;
}

/* Two sockets of one fd would both close it, and the second close might hit a new fd of that number. */
static bool is_open(const struct udp *udp, int fd)
{
    size_t position = 0;
    for (const struct udp_socket *socket; (socket = udp_memory_next(udp, &position)) != NULL;)
        if (socket->fd == fd)
            return true;
    return false;
}

int32_t udp_adopt(void *instance, int32_t fd, struct trale_udp_socket **base)
{
    trale_host_expect(&((struct udp *)instance)->host, "trale_udp.adopt");
    int family = 0, type = 0, protocol = 0;
    int32_t r = fd_get(fd, SO_DOMAIN, &family);
    if (r == 0)
        r = fd_get(fd, SO_TYPE, &type);
    if (r == 0)
        r = fd_get(fd, SO_PROTOCOL, &protocol);
    if (r < 0)
        return r;
    if (family != AF_INET && family != AF_INET6)
        return -EAFNOSUPPORT;
    if (type != SOCK_DGRAM || protocol != IPPROTO_UDP)
        return -EPROTOTYPE;
    if (is_open(instance, fd))
        return -EBUSY;
    struct udp_socket *socket = udp_socket_new(instance, fd, (sa_family_t)family);
    if (socket == NULL)
        return -ENOMEM;
    r = udp_error_adopt(socket);
    if (r < 0) {
        udp_socket_free(socket);
        return r;
    }
    udp_info_adopt(socket);
    struct trale_address peer;
    socket->connected = udp_peer(instance, &socket->base, &peer) == 0;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    int64_t gro;
    socket->gro = udp_option_get(instance, &socket->base, TRALE_UDP_GRO, &gro) == 0 && gro != 0;
    *base = &socket->base;
    return 0;
}

int32_t udp_inherit(void *instance, const char *name, struct trale_udp_socket **base)
{
    trale_host_expect(&((struct udp *)instance)->host, "trale_udp.inherit");
    int fd = inherited_find(name);
    return fd < 0 ? fd : udp_adopt(instance, fd, base);
}
