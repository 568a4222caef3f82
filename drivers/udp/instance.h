/* SPDX-License-Identifier: MIT
 *
 * An instance: the memory of its sockets, and the table of functions. The driver uring_udp is made of the same files,
 * and replaces functions of the table. */
#ifndef UDP_INSTANCE_H
#define UDP_INSTANCE_H

#include "memory.h"

/* The first options of each driver. */
enum udp_option { UDP_OPTION_RECEIVE_BUFFER, UDP_OPTION_SEND_BUFFER, N_UDP_OPTIONS };

#define UDP_BUFFER_OPTION(key, about)                                                                                  \
    {                                                                                                                  \
        .name = key, .type = TRALE_OPTION_SIZE, .maximum = INT64_C(1) << 30, .default_value = "0", .help = about,      \
    }
#define UDP_OPTIONS                                                                                                    \
    [UDP_OPTION_RECEIVE_BUFFER] = UDP_BUFFER_OPTION("receive_buffer",                                                  \
                                                    "SO_RCVBUF of new sockets; 0 leaves net.core.rmem_default"),       \
    [UDP_OPTION_SEND_BUFFER] = UDP_BUFFER_OPTION("send_buffer",                                                        \
                                                 "SO_SNDBUF of new sockets; 0 leaves net.core.wmem_default")

/* Makes a zeroed *udp an instance whose table waits by the reactor. 0 or -ENOMEM; udp_deinit takes it down after
 * either. */
int32_t udp_init(struct udp *udp, const struct trale_host *host, const struct trale_settings *settings);

/* Closes the sockets that are open, by the table, and frees the memory of all. */
void udp_deinit(struct udp *udp);

/* The table's close. */
void udp_close(void *instance, struct trale_udp_socket *socket);

#endif
