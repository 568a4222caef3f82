/* SPDX-License-Identifier: MIT
 *
 * With IP_RECVERR the kernel keeps errors in a queue of their own, and recvmsg(2) with MSG_ERRQUEUE takes them from
 * there (ip(7), ipv6(7)). It also lets the next receive or send fail, as it does for connected sockets. Here both are
 * undone: the driver empties the queue before an operation waits, and repeats a call that failed for an earlier
 * datagram.
 *
 * The errors are kept in a ring of the socket, which is allocated when they are switched on, until a task awaits them.
 * A task that waits already is woken. */
#include "error.h"

#include <linux/errqueue.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "dual.h"

/* --- taking in ---------------------------------------------------------------------------------------------------- */

/* The offender's address follows the error; it has no port, and is all zero if that is this host. */
static void error_describe(struct kept_error *kept, const struct cmsghdr *control)
{
    struct sock_extended_err error;
    size_t size = control->cmsg_len - CMSG_LEN(0), rest = sizeof kept->told.from;
    if (size < sizeof error)
        return;
    memcpy(&error, CMSG_DATA(control), sizeof error);
    kept->told.error = -(int32_t)error.ee_errno;
    kept->told.origin = error.ee_origin;
    kept->told.type = error.ee_type;
    kept->told.code = error.ee_code;
    kept->told.mtu = error.ee_errno == EMSGSIZE ? error.ee_info : 0;
    if (rest > size - sizeof error)
        rest = size - sizeof error;
    memcpy(&kept->told.from, (const char *)CMSG_DATA(control) + sizeof error, rest);
}

/* False: there is none. */
static bool error_read(int fd, struct kept_error *kept)
{
    union {
        struct cmsghdr header; /* aligns */
        char bytes[512];
    } control;
    *kept = (struct kept_error){.n_bytes = 0};
    struct iovec piece = {kept->bytes, sizeof kept->bytes};
    struct msghdr message = {
        .msg_name = &kept->told.to,
        .msg_namelen = sizeof kept->told.to,
        .msg_iov = &piece,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    ssize_t n;
    do
        n = recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return false;
    kept->n_bytes = (size_t)n;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c))
        if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
            (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
            error_describe(kept, c);
    return true;
}

static void error_keep(struct udp_errors *errors, const struct kept_error *kept)
{
    if (errors->n == TRALE_UDP_ERRORS_KEPT) {
        errors->first = (errors->first + 1) % TRALE_UDP_ERRORS_KEPT;
        errors->n--;
        errors->n_lost++;
    }
    errors->kept[(errors->first + errors->n++) % TRALE_UDP_ERRORS_KEPT] = *kept;
}

/* Takes the errno that the next receive or send would fail with, and returns it; 0: there is none. */
static int error_clear(int fd)
{
    int error;
    socklen_t size = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : 0;
}

/* Whether the kernel's error queue has it because a datagram failed. What else comes there are the times of datagrams
 * that were sent, and buffers that are free again, if another process has asked for that. */
static bool error_is_of_datagram(const struct kept_error *kept)
{
    return kept->told.origin == TRALE_UDP_ORIGIN_LOCAL || kept->told.origin == TRALE_UDP_ORIGIN_ICMP ||
           kept->told.origin == TRALE_UDP_ORIGIN_ICMP6;
}

uint32_t udp_error_take_in(struct udp_socket *socket)
{
    struct kept_error kept;
    uint32_t found = 0;
    int error;
    do {
        while (error_read(socket->fd, &kept)) {
            if (!error_is_of_datagram(&kept))
                continue;
            error_keep(udp_socket_errors(socket), &kept);
            found |= UDP_ERROR_FOUND;
            if (kept.told.origin == TRALE_UDP_ORIGIN_LOCAL && kept.told.error == -EMSGSIZE)
                found |= UDP_ERROR_TOO_LARGE;
        }
        error = error_clear(socket->fd);
        if (error == ECONNABORTED)
            udp_socket_end(socket, -ECONNABORTED);
    } while (error != 0); /* an error that found the queue full is in SO_ERROR alone */
    if (found != 0)
        udp_socket_wake_all(socket);
    return found;
}

static void error_queue_empty(int fd)
{
    struct kept_error unwanted;
    while (error_read(fd, &unwanted))
        ;
}

void udp_error_look(struct udp_socket *socket)
{
    struct pollfd ready = {.fd = socket->fd, .events = POLLRDHUP};
    if (poll(&ready, 1, 0) <= 0)
        return;
    if ((ready.revents & POLLERR) != 0 && !socket->keeps_errors)
        error_queue_empty(socket->fd);
    if ((ready.revents & (POLLRDHUP | POLLHUP)) != 0 && socket->end == 0)
        udp_socket_end(socket, -ESHUTDOWN);
}

bool udp_error_is_earlier(int64_t error)
{
    switch (-error) { /* the kernel's icmp_err_convert and icmpv6_err_convert */
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENOPROTOOPT:
    case ECONNREFUSED:
    case EOPNOTSUPP:
    case EHOSTDOWN:
    case ENONET:
    case EPROTO:
    case EACCES:
    case EMSGSIZE:
        return true;
    default:
        return false;
    }
}

/* The chunk gets its array when the first of its sockets keeps errors. */
static bool errors_make(struct udp_socket *socket, struct udp_errors **errors)
{
    struct udp_chunk *chunk = udp_chunk_of(socket);
    if (chunk->errors == NULL)
        chunk->errors = calloc(UDP_CHUNK_SLOTS, sizeof *chunk->errors);
    *errors = chunk->errors != NULL ? calloc(1, sizeof **errors) : NULL;
    return *errors != NULL;
}

int32_t udp_error_switch(struct udp_socket *socket, bool on)
{
    static const struct dual_option option = {{IPPROTO_IP, IP_RECVERR}, {IPPROTO_IPV6, IPV6_RECVERR}};
    struct udp_errors *errors = udp_socket_errors(socket), *fresh = NULL;
    if (on && errors == NULL && !errors_make(socket, &fresh))
        return -ENOMEM;
    int32_t r = dual_set(socket, &option, on);
    if (r < 0) {
        free(fresh);
        return r;
    }
    if (!on && errors != NULL) {
        error_clear(socket->fd); /* the kernel empties the queue and leaves this */
        udp_socket_wake_all(socket);
        free(errors);
    }
    if (fresh != NULL)
        udp_chunk_of(socket)->errors[udp_slot_of(socket)] = fresh;
    socket->keeps_errors = on;
    socket->earlier_error = 0;
    return 0;
}

int32_t udp_error_adopt(struct udp_socket *socket)
{
    int v4 = 0, v6 = 0, off = 0;
    socklen_t v4_size = sizeof v4, v6_size = sizeof v6;
    getsockopt(socket->fd, IPPROTO_IP, IP_RECVERR, &v4, &v4_size);
    if (socket->family == AF_INET6)
        getsockopt(socket->fd, IPPROTO_IPV6, IPV6_RECVERR, &v6, &v6_size);
    if (v4 != 0 || v6 != 0) {
        int32_t r = udp_error_switch(socket, true);
        if (r < 0)
            return r;
    }
    /* What else uses this queue, and would fill it: the times of what was sent, and buffers that are done with. */
    setsockopt(socket->fd, SOL_SOCKET, SO_TIMESTAMPING, &off, sizeof off);
    setsockopt(socket->fd, SOL_SOCKET, SO_ZEROCOPY, &off, sizeof off);
    if (!socket->keeps_errors)
        error_queue_empty(socket->fd);
    return 0;
}
