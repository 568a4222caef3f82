/* SPDX-License-Identifier: MIT */
#include "option.h"

#include <limits.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>

#include "socket.h"
#include "error.h"
#include "info.h"

#ifndef UDP_GRO /* <netinet/udp.h> of before glibc 2.34 */
#define UDP_GRO 104
#endif

#ifndef SO_BINDTOIFINDEX /* <sys/socket.h> of before glibc 2.31 */
#define SO_BINDTOIFINDEX 62
#endif
#ifndef IPV6_MULTICAST_ALL /* <netinet/in.h> of before glibc 2.30 */
#define IPV6_MULTICAST_ALL 29
#endif

/* What one option is called in each family; name 0: not at all. */
struct option {
    struct {
        int level, name;
    } v4, v6;
    int64_t minimum, maximum;
};

static const struct option options[] = {
    [TRALE_UDP_BROADCAST] = {{SOL_SOCKET, SO_BROADCAST}, {0, 0}, 0, 1},
    [TRALE_UDP_TTL] = {{IPPROTO_IP, IP_TTL}, {IPPROTO_IPV6, IPV6_UNICAST_HOPS}, 1, 255},
    [TRALE_UDP_MULTICAST_TTL] = {{IPPROTO_IP, IP_MULTICAST_TTL}, {IPPROTO_IPV6, IPV6_MULTICAST_HOPS}, 0, 255},
    [TRALE_UDP_MULTICAST_LOOP] = {{IPPROTO_IP, IP_MULTICAST_LOOP}, {IPPROTO_IPV6, IPV6_MULTICAST_LOOP}, 0, 1},
    [TRALE_UDP_MULTICAST_INTERFACE] = {{IPPROTO_IP, IP_MULTICAST_IF}, {IPPROTO_IPV6, IPV6_MULTICAST_IF}, 0, INT_MAX},
    [TRALE_UDP_RECEIVE_BUFFER] = {{SOL_SOCKET, SO_RCVBUF}, {SOL_SOCKET, SO_RCVBUF}, 1, INT_MAX},
    [TRALE_UDP_SEND_BUFFER] = {{SOL_SOCKET, SO_SNDBUF}, {SOL_SOCKET, SO_SNDBUF}, 1, INT_MAX},
    [TRALE_UDP_GRO] = {{IPPROTO_UDP, UDP_GRO}, {IPPROTO_UDP, UDP_GRO}, 0, 1},
    [TRALE_UDP_TRAFFIC_CLASS] = {{IPPROTO_IP, IP_TOS}, {IPPROTO_IPV6, IPV6_TCLASS}, 0, 255},
    [TRALE_UDP_INTERFACE] = {{SOL_SOCKET, SO_BINDTOIFINDEX}, {SOL_SOCKET, SO_BINDTOIFINDEX}, 0, INT_MAX},
    [TRALE_UDP_MULTICAST_ALL] = {{IPPROTO_IP, IP_MULTICAST_ALL}, {IPPROTO_IPV6, IPV6_MULTICAST_ALL}, 0, 1},
};

/* Where the kernel keeps an option of this socket; false if it has no such option. */
static bool option_find(const struct udp_socket *socket, uint32_t option, int *level, int *name)
{
    if (option >= sizeof options / sizeof options[0])
        return false;
    bool v6 = socket->family == AF_INET6;
    *level = v6 ? options[option].v6.level : options[option].v4.level;
    *name = v6 ? options[option].v6.name : options[option].v4.name;
    return *name != 0;
}

static bool is_v4_multicast_interface(const struct udp_socket *socket, uint32_t option)
{
    return option == TRALE_UDP_MULTICAST_INTERFACE && socket->family == AF_INET;
}

int32_t udp_option_set(void *instance, struct trale_udp_socket *base, uint32_t option, int64_t value)
{
    (void)instance;
    struct udp_socket *socket = (struct udp_socket *)base;
    int level, name;
    if (option == TRALE_UDP_INFO)
        return udp_info_set(socket, value);
    if (option == TRALE_UDP_ERRORS)
        return value == 0 || value == 1 ? udp_error_switch(socket, value == 1) : -EINVAL;
    if (!option_find(socket, option, &level, &name))
        return -ENOPROTOOPT;
    if (value < options[option].minimum || value > options[option].maximum)
        return -EINVAL;
    int number = (int)value;
    /* The kernel would bind it to an interface that does not exist. */
    char interface[IF_NAMESIZE];
    if (option == TRALE_UDP_INTERFACE && number > 0 && if_indextoname((unsigned)number, interface) == NULL)
        return -ENODEV;
    if (!is_v4_multicast_interface(socket, option)) {
        if (setsockopt(socket->fd, level, name, &number, sizeof number) < 0)
            return -errno;
        if (option == TRALE_UDP_GRO)
            socket->gro = number != 0;
        return 0;
    }
    struct ip_mreqn request = {.imr_ifindex = number};
    if (setsockopt(socket->fd, level, name, &request, sizeof request) < 0)
        return errno == EADDRNOTAVAIL ? -ENODEV : -errno;
    socket->multicast_interface = number;
    return 0;
}

static int32_t memory_get(int fd, size_t which, int64_t *value)
{
    uint32_t memory[SK_MEMINFO_VARS];
    socklen_t size = sizeof memory;
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &size) < 0)
        return -errno;
    *value = memory[which];
    return 0;
}

/* What is no option of the kernel; -ENOPROTOOPT for what is no such option. */
static int32_t reading_get(const struct udp_socket *socket, uint32_t option, int64_t *value)
{
    int n_bytes, fd = socket->fd;
    switch (option) {
    case TRALE_UDP_INFO:
        *value = socket->info;
        return 0;
    case TRALE_UDP_ERRORS:
        *value = socket->errors != NULL;
        return 0;
    case TRALE_UDP_SEND_QUEUE:
        if (ioctl(fd, SIOCOUTQ, &n_bytes) < 0)
            return -errno;
        *value = n_bytes;
        return 0;
    case TRALE_UDP_RECEIVE_QUEUE:
        return memory_get(fd, SK_MEMINFO_RMEM_ALLOC, value);
    case TRALE_UDP_DROPS:
        return memory_get(fd, SK_MEMINFO_DROPS, value);
    default:
        return -ENOPROTOOPT;
    }
}

int32_t udp_option_get(void *instance, struct trale_udp_socket *base, uint32_t option, int64_t *value)
{
    (void)instance;
    struct udp_socket *socket = (struct udp_socket *)base;
    int level, name, number = socket->multicast_interface;
    if (!option_find(socket, option, &level, &name))
        return reading_get(socket, option, value);
    socklen_t size = sizeof number;
    if (!is_v4_multicast_interface(socket, option) && getsockopt(socket->fd, level, name, &number, &size) < 0)
        return -errno;
    *value = number;
    return 0;
}
