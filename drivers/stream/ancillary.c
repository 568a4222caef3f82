/* SPDX-License-Identifier: MIT */
#include "ancillary.h"

#include <unistd.h>

#ifndef SCM_PIDFD /* <sys/socket.h> of before glibc 2.39; what SO_PASSPIDFD, of an adopted socket, adds */
#define SCM_PIDFD 4
#endif

_Static_assert(sizeof(struct ucred) == sizeof(struct trale_stream_credentials), "the kernel's form");
_Static_assert(sizeof(struct ucred) == 3 * sizeof(int), "there is room for them");

/* Takes the fds of one control message: those for which there is room go to the caller, the others are closed. */
static void fds_take(const struct cmsghdr *header, struct trale_stream_ancillary *ancillary, uint32_t n_room)
{
    size_t n_fds = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < n_fds; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
        if (ancillary->n_fds < n_room) {
            ancillary->fds[ancillary->n_fds++] = fd;
        } else {
            close(fd);
            ancillary->n_lost++;
        }
    }
}

ssize_t stream_ancillary_receive(const struct stream_socket *socket, struct msghdr *message,
                                 struct trale_stream_ancillary *ancillary)
{
    union stream_control control;
    message->msg_control = &control;
    message->msg_controllen = sizeof control;
    ssize_t n = recvmsg(socket->fd, message, MSG_CMSG_CLOEXEC);
    if (n < 0)
        return n;
    uint32_t n_room = ancillary->n_fds;
    ancillary->n_fds = 0;
    ancillary->n_lost = 0;
    ancillary->has_credentials = 0;
    if ((message->msg_flags & MSG_CTRUNC) != 0) /* RLIMIT_NOFILE: the kernel has closed some, and not counted them */
        ancillary->n_lost = 1;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL; header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET)
            continue;
        if (header->cmsg_type == SCM_RIGHTS) {
            fds_take(header, ancillary, n_room);
        } else if (header->cmsg_type == SCM_CREDENTIALS) {
            memcpy(&ancillary->credentials, CMSG_DATA(header), sizeof ancillary->credentials);
            ancillary->has_credentials = 1;
        } else if (header->cmsg_type == SCM_PIDFD) {
            int fd;
            memcpy(&fd, CMSG_DATA(header), sizeof fd);
            if (fd >= 0)
                close(fd);
        }
    }
    return n;
}

static void control_add(struct msghdr *message, union stream_control *control, int type, const void *data, size_t size)
{
    struct cmsghdr *header = (struct cmsghdr *)(void *)(control->bytes + message->msg_controllen);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(header), data, size);
    message->msg_control = control;
    message->msg_controllen += CMSG_SPACE(size);
}

int32_t stream_ancillary_add(const struct trale_stream_ancillary *ancillary, struct msghdr *message,
                             union stream_control *control)
{
    if (ancillary->n_fds > TRALE_STREAM_FDS)
        return -EINVAL;
    memset(control, 0, sizeof *control);
    message->msg_controllen = 0;
    if (ancillary->n_fds > 0)
        control_add(message, control, SCM_RIGHTS, ancillary->fds, ancillary->n_fds * sizeof(int));
    if (ancillary->has_credentials != 0)
        control_add(message, control, SCM_CREDENTIALS, &ancillary->credentials, sizeof ancillary->credentials);
    return 0;
}

int32_t stream_peer_credentials(void *instance, struct trale_stream_socket *base,
                                struct trale_stream_credentials *credentials)
{
    trale_host_expect(&((struct stream *)instance)->host, "trale_stream.peer_credentials");
    const struct stream_socket *socket = stream_connection(base);
    struct ucred found;
    socklen_t size = sizeof found;
    if (socket->family != AF_UNIX)
        return -EOPNOTSUPP;
    if (getsockopt(socket->fd, SOL_SOCKET, SO_PEERCRED, &found, &size) < 0)
        return -errno;
    *credentials = (struct trale_stream_credentials){found.pid, found.uid, found.gid};
    return 0;
}
