/* SPDX-License-Identifier: MIT
 *
 * File descriptors and credentials that are passed over Unix sockets, as control messages (unix(7), cmsg(3)). */
#ifndef STREAM_ANCILLARY_H
#define STREAM_ANCILLARY_H

#include <sys/socket.h>

#include "memory.h"

/* Room for the control messages of one write or read. */
union stream_control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(TRALE_STREAM_FDS * sizeof(int)) + CMSG_SPACE(3 * sizeof(int))];
};

/* recvmsg(2), with what was passed. */
ssize_t stream_ancillary_receive(const struct stream_socket *socket, struct msghdr *message,
                                 struct trale_stream_ancillary *ancillary);

/* Adds what is passed to a message. 0, or -EINVAL: too many fds. */
int32_t stream_ancillary_add(const struct trale_stream_ancillary *ancillary, struct msghdr *message,
                             union stream_control *control);

/* The table's. */
int32_t stream_peer_credentials(void *instance, struct trale_stream_socket *socket,
                                struct trale_stream_credentials *credentials);

#endif
