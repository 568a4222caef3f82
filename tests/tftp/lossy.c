/* SPDX-License-Identifier: MIT
 *
 * A bad network for any program (LD_PRELOAD): LOSSY_PERCENT of its datagrams are lost, as they are sent. */
#define _GNU_SOURCE 1 /* RTLD_NEXT, sendmmsg(2) */

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_lost(int fd)
{
    static _Atomic uint64_t state;
    int type = 0;
    socklen_t size = sizeof type;
    const char *percent = getenv("LOSSY_PERCENT");
    if (percent == NULL || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_DGRAM)
        return false;
    uint64_t draw = (state += UINT64_C(0x9e3779b97f4a7c15)) + (uint64_t)getpid() * UINT64_C(0xbf58476d1ce4e5b9);
    draw = (draw ^ draw >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    draw = (draw ^ draw >> 27) * UINT64_C(0x94d049bb133111eb);
    return (draw ^ draw >> 31) % 100 < strtoul(percent, NULL, 10);
}

static size_t size_of(const struct msghdr *message)
{
    size_t size = 0;
    for (size_t i = 0; i < message->msg_iovlen; i++)
        size += message->msg_iov[i].iov_len;
    return size;
}

ssize_t sendto(int fd, const void *buf, size_t size, int flags, const struct sockaddr *to, socklen_t to_size)
{
    ssize_t (*next)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "sendto");
    return is_lost(fd) ? (ssize_t)size : next(fd, buf, size, flags, to, to_size);
}

ssize_t send(int fd, const void *buf, size_t size, int flags)
{
    ssize_t (*next)(int, const void *, size_t, int) = dlsym(RTLD_NEXT, "send");
    return is_lost(fd) ? (ssize_t)size : next(fd, buf, size, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    ssize_t (*next)(int, const struct msghdr *, int) = dlsym(RTLD_NEXT, "sendmsg");
    return is_lost(fd) ? (ssize_t)size_of(message) : next(fd, message, flags);
}

/* One after the other, for each may be lost. */
int sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags)
{
    unsigned i = 0;
    for (; i < n; i++) {
        ssize_t size = sendmsg(fd, &messages[i].msg_hdr, flags);
        if (size < 0)
            break;
        messages[i].msg_len = (unsigned)size;
    }
    return i == 0 && n > 0 ? -1 : (int)i;
}
