/* SPDX-License-Identifier: MIT
 *
 * TCP as a program uses it: what the system calls do, without waiting. Each function delivers what has come of it on
 * this host. */
#ifndef SIM_TCP_H
#define SIM_TCP_H

#include "endpoint.h"

struct tcp_flags {
    bool reuse_port, v6_only;
};

/* Listens on an address; a host that has it appears. An address that no host can have alone, such as 0.0.0.0 or
 * 127.0.0.1, is one of `here`. 0, or -EADDRINUSE, -EADDRNOTAVAIL, -EINVAL, -ENOMEM. */
int tcp_listen(struct world *world, struct host *here, const struct trale_address *local, const struct tcp_flags *flags,
               struct endpoint **listener);

/* Begins to connect; `from` is as for tcp_listen, or AF_UNSPEC. It is writable when that is done, and tcp_connected
 * tells how. 0, or -EAFNOSUPPORT, -EADDRINUSE, -EADDRNOTAVAIL, -ENETUNREACH, -EINVAL, -ENOMEM. */
int tcp_connect(struct world *world, struct host *here, const struct trale_address *to,
                const struct trale_address *from, struct endpoint **endpoint);

/* 0, -EAGAIN: not yet, or why it is not connected. */
int tcp_connected(const struct endpoint *endpoint);

/* The next connection of a listener, which is the caller's from then on; NULL: none waits. */
struct endpoint *tcp_accept(struct world *world, struct endpoint *listener);

/* Takes bytes: how many, 0 at the end of the stream, -EAGAIN, or why the connection has broken off. `size` > 0. */
int64_t tcp_read(struct world *world, struct endpoint *endpoint, void *buf, uint64_t size);

/* Whether tcp_read would not say -EAGAIN. */
bool tcp_is_readable(const struct endpoint *endpoint);

/* Sends bytes: how many the send buffer has taken, -EAGAIN, -EPIPE, or why the connection has broken off. */
int64_t tcp_write(struct world *world, struct endpoint *endpoint, const void *buf, uint64_t size);

/* Ends directions. 0, or -ENOTCONN. */
int tcp_shutdown(struct world *world, struct endpoint *endpoint, bool reads, bool writes);

/* Takes up options that have changed. */
void tcp_configure(struct world *world, struct endpoint *endpoint);

/* The program has closed the endpoint, and does not use it any more. */
void tcp_close(struct world *world, struct endpoint *endpoint);

/* The host has crashed: it has forgotten its connections, and their peers hear nothing. Programs may go on to use and
 * to close their endpoints: nothing comes. */
void tcp_crash(struct world *world, struct host *host);

/* The program has died: its endpoints are closed. */
void tcp_leave(struct world *world, struct world_program *program);

/* Something between the two sides resets all connections between them. */
void tcp_reset(struct world *world, const struct scenario_side *from, const struct scenario_side *to);

#endif
