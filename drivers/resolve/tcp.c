/* SPDX-License-Identifier: MIT */
#include "tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int tcp_open(struct tcp *tcp, const struct trale_host *host, const struct trale_address *server,
             const struct query_message *query)
{
    memset(tcp, 0, sizeof *tcp);
    tcp->host = host;
    tcp->fd = socket(server->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (tcp->fd < 0)
        return -errno;
    if (connect(tcp->fd, &server->any, trale_address_length(server)) < 0 && errno != EINPROGRESS) {
        int r = -errno;
        close(tcp->fd);
        tcp->fd = -1;
        return r;
    }
    tcp->query[0] = (uint8_t)(query->size >> 8);
    tcp->query[1] = (uint8_t)query->size;
    memcpy(tcp->query + 2, query->bytes, query->size);
    tcp->query_size = 2 + query->size;
    return 0;
}

/* Receives what is missing of `size` bytes, of which the first ones are at `offset` in the stream. The result is that
 * of recv(2), or 1 if nothing is missing. */
static ssize_t receive(struct tcp *tcp, uint8_t *bytes, size_t offset, size_t size)
{
    size_t there = tcp->n_received - offset;
    if (there == size)
        return 1;
    ssize_t n = recv(tcp->fd, bytes + there, size - there, 0);
    if (n == 0) /* the server has closed it in the middle */
        errno = ECONNRESET;
    if (n <= 0)
        return -1;
    tcp->n_received += (size_t)n;
    return n;
}

/* One step: 1: there is more to do; 0: the answer is there; or a negative errno, -EAGAIN if it has to wait. */
static int step(struct tcp *tcp)
{
    ssize_t n;
    if (tcp->n_sent < tcp->query_size) {
        n = send(tcp->fd, tcp->query + tcp->n_sent, tcp->query_size - tcp->n_sent, MSG_NOSIGNAL);
        if (n > 0)
            tcp->n_sent += (size_t)n;
    } else if (tcp->n_received < sizeof tcp->prefix) {
        n = receive(tcp, tcp->prefix, 0, sizeof tcp->prefix);
    } else if (tcp->answer == NULL) {
        tcp->answer_size = (size_t)tcp->prefix[0] << 8 | tcp->prefix[1];
        if (tcp->answer_size < HEADER_SIZE)
            return -EBADMSG;
        tcp->answer = malloc(tcp->answer_size);
        return tcp->answer != NULL ? 1 : -ENOMEM;
    } else if (tcp->n_received == sizeof tcp->prefix + tcp->answer_size) {
        return 0;
    } else {
        n = receive(tcp, tcp->answer, sizeof tcp->prefix, tcp->answer_size);
    }
    return n >= 0 || errno == EINTR ? 1 : -errno;
}

int64_t tcp_poll(struct tcp *tcp, struct trale_context *context)
{
    tcp_suspend(tcp);
    for (;;) {
        int r = step(tcp);
        if (r == 1)
            continue;
        if (r != -EAGAIN)
            return r;
        const uint32_t interest = tcp->n_sent < tcp->query_size ? TRALE_WRITABLE : TRALE_READABLE;
        tcp->wait.waker = context->waker;
        r = tcp->host->register_waker(tcp->host->context, tcp->fd, interest, &tcp->wait);
        if (r < 0)
            return r;
        if (r == 0)
            return TRALE_PENDING;
    }
}

void tcp_suspend(struct tcp *tcp)
{
    if (tcp->fd >= 0)
        tcp->host->cancel_wait(tcp->host->context, &tcp->wait);
}

void tcp_close(struct tcp *tcp)
{
    if (tcp->fd < 0)
        return;
    tcp_suspend(tcp);
    tcp->host->forget_fd(tcp->host->context, tcp->fd);
    close(tcp->fd);
    tcp->fd = -1;
    free(tcp->answer);
    tcp->answer = NULL;
}
