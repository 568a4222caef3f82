/* SPDX-License-Identifier: MIT
 *
 * Datagrams over more than one interface: two TUN devices in a network namespace of the test's own, where the test
 * writes the packets that come in and reads those that go out. Skipped where neither may be made.
 *
 *     way_in   10.1.0.1/24, 169.254.1.1/16, fd01::1/64, fe80::1/64
 *     way_out  10.2.0.1/24, 169.254.2.1/16, fd02::1/64, fe80::2/64, MTU 1400, and the routes to 10.9.9.9 and fd09::9
 * The route to fd0b::9 leads through both. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <trale/udp_info.h>
#include <trale/udp_socket.h>

#include "tests/support.h"

#define SKIPPED 77

enum way { WAY_IN, WAY_OUT, N_WAYS };

static const char *const names[N_WAYS] = {"way_in", "way_out"};
static int ways[N_WAYS];

/* --- interfaces --------------------------------------------------------------------------------------------------- */

static struct sockaddr_in v4(const char *host)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    inet_pton(AF_INET, host, &address.sin_addr);
    return address;
}

static bool address_add(int control, const char *name, const char *host, const char *mask)
{
    struct ifreq request = {.ifr_flags = 0};
    struct sockaddr_in address = v4(host), netmask = v4(mask);
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    memcpy(&request.ifr_addr, &address, sizeof address);
    if (ioctl(control, SIOCSIFADDR, &request) < 0)
        return false;
    memcpy(&request.ifr_netmask, &netmask, sizeof netmask);
    return ioctl(control, SIOCSIFNETMASK, &request) == 0;
}

static struct in6_addr v6(const char *host)
{
    struct in6_addr address = {.s6_addr = {0}};
    inet_pton(AF_INET6, host, &address);
    return address;
}

static bool v6_address_add(int control, const char *name, const char *host)
{
    struct {
        struct in6_addr address;
        uint32_t prefix_length;
        int interface_index;
    } request = {v6(host), 64, (int)if_nametoindex(name)}; /* struct in6_ifreq, <linux/ipv6.h> */
    return ioctl(control, SIOCSIFADDR, &request) == 0;
}

/* Waits until the kernel has taken the addresses into use, which it does on a thread of its own. */
static bool v6_addresses_are_ready(void)
{
    enum { TENTATIVE = 0x40 /* IFA_F_TENTATIVE */ };
    for (int i = 0; i < 1000; i++) {
        unsigned flags, n_ready = 0, n_tentative = 0;
        FILE *addresses = fopen("/proc/net/if_inet6", "r");
        while (addresses != NULL && fscanf(addresses, "%*s %*x %*x %*x %x %*s", &flags) == 1)
            *((flags & TENTATIVE) != 0 ? &n_tentative : &n_ready) += 1;
        if (addresses == NULL)
            return false;
        fclose(addresses);
        if (n_tentative == 0 && n_ready >= 4)
            return true;
        poll(NULL, 0, 10);
    }
    return false;
}

static bool v6_route_add(int control, const char *name, const char *host)
{
    union {
        struct in6_rtmsg v6;
        struct rtentry v4; /* valgrind takes every route for one of these */
    } route;
    memset(&route, 0, sizeof route);
    route.v6.rtmsg_dst = v6(host);
    route.v6.rtmsg_dst_len = 128;
    route.v6.rtmsg_metric = 1;
    route.v6.rtmsg_flags = RTF_UP | RTF_HOST;
    route.v6.rtmsg_ifindex = (int)if_nametoindex(name);
    return ioctl(control, SIOCADDRT, &route) == 0;
}

/* The addresses and routes of IPv6. */
static bool v6_open(void)
{
    int control = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool opened = control >= 0 && v6_address_add(control, "way_in", "fd01::1") &&
                  v6_address_add(control, "way_in", "fe80::1") && v6_address_add(control, "way_out", "fd02::1") &&
                  v6_address_add(control, "way_out", "fe80::2") && v6_route_add(control, "way_out", "fd09::9") &&
                  v6_route_add(control, "way_out", "fd0b::9") && v6_route_add(control, "way_in", "fd0b::9") &&
                  v6_addresses_are_ready();
    close(control);
    return opened;
}

/* Loose, so that a datagram may come in where its answer does not go out. */
static bool loosen_source_check(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "/proc/sys/net/ipv4/conf/%s/rp_filter", name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, "2", 1) == 1;
    close(fd);
    return written;
}

static bool interface_up(int control, const char *name, int mtu)
{
    struct ifreq request = {.ifr_flags = 0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    request.ifr_mtu = mtu;
    if (mtu > 0 && ioctl(control, SIOCSIFMTU, &request) < 0)
        return false;
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    return ioctl(control, SIOCSIFFLAGS, &request) == 0;
}

static bool tun_open(enum way way)
{
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", names[way]);
    ways[way] = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    return ways[way] >= 0 && ioctl(ways[way], TUNSETIFF, &request) == 0 && loosen_source_check(names[way]);
}

static bool ways_open(void)
{
    char out[] = "way_out";
    struct rtentry route;
    memset(&route, 0, sizeof route); /* with its padding, which the system call copies */
    route.rt_flags = RTF_UP | RTF_HOST;
    route.rt_dev = out;
    struct sockaddr_in far_away = v4("10.9.9.9");
    memcpy(&route.rt_dst, &far_away, sizeof far_away);
    if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return false;
    int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool opened = control >= 0 && tun_open(WAY_IN) && tun_open(WAY_OUT) && interface_up(control, "lo", 0) &&
                  address_add(control, "way_in", "10.1.0.1", "255.255.255.0") &&
                  address_add(control, "way_in:1", "169.254.1.1", "255.255.0.0") &&
                  address_add(control, "way_out", "10.2.0.1", "255.255.255.0") &&
                  address_add(control, "way_out:1", "169.254.2.1", "255.255.0.0") &&
                  interface_up(control, "way_in", 0) && interface_up(control, "way_out", 1400) &&
                  ioctl(control, SIOCADDRT, &route) == 0 && v6_open();
    close(control);
    return opened;
}

/* --- packets ------------------------------------------------------------------------------------------------------ */

struct packet {
    struct ip ip;
    union {
        struct udphdr udp;
        struct {
            struct icmphdr head;
            char quoted[sizeof(struct ip) + 8]; /* RFC 792: the header that is complained of, and 8 bytes */
        } icmp;
        char bytes[2048];
    };
};

static uint16_t checksum(const void *data, size_t size)
{
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < size; i += 2)
        sum += (uint32_t)((const uint8_t *)data)[i] << 8 | ((const uint8_t *)data)[i + 1];
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)~sum);
}

static void packet_write(enum way way, struct packet *packet, uint8_t protocol, size_t size, const char *from,
                         const char *to)
{
    size += sizeof packet->ip;
    packet->ip = (struct ip){.ip_hl = 5,
                             .ip_v = 4,
                             .ip_len = htons((uint16_t)size),
                             .ip_ttl = 64,
                             .ip_p = protocol,
                             .ip_src = v4(from).sin_addr,
                             .ip_dst = v4(to).sin_addr};
    packet->ip.ip_sum = checksum(&packet->ip, sizeof packet->ip);
    assert_int_equal(write(ways[way], packet, size), size);
}

/* A datagram of one byte from port 9 comes in there. Its checksum is left out (RFC 768). */
static void come_in(enum way way, const char *from, const char *to, in_port_t port)
{
    struct packet packet = {.udp = {.source = htons(9), .dest = port, .len = htons(sizeof packet.udp + 1)}};
    packet_write(way, &packet, IPPROTO_UDP, sizeof packet.udp + 1, from, to);
}

/* The next packet of IPv4 that goes out there; false: there is none. */
static bool go_out(enum way way, struct packet *packet)
{
    for (;;) {
        ssize_t n = read(ways[way], packet, sizeof *packet);
        if (n < 0)
            return false;
        if (n >= (ssize_t)sizeof packet->ip && packet->ip.ip_v == 4)
            return true;
    }
}

/* --- sockets ------------------------------------------------------------------------------------------------------ */

struct setting {
    struct trale *runtime;
    struct trale_udp_socket *socket;
    in_port_t port;
    bool v6;
};

static struct setting open_setting(bool v6)
{
    struct setting s = {.runtime = test_open("udp", TEST_UDP), .v6 = v6};
    struct trale_address local;
    struct packet unread;
    for (int way = 0; way < N_WAYS; way++)
        while (go_out((enum way)way, &unread))
            ;
    assert_int_equal(trale_udp_open(s.runtime, v6 ? "[::]:0" : "0.0.0.0:0", 0, &s.socket), 0);
    assert_int_equal(trale_udp_local(s.socket, &local), 0);
    s.port = local.v4.sin_port; /* in the same place in both families */
    return s;
}

static struct trale_address address_of(const struct setting *s, const char *host)
{
    char text[TRALE_ADDRESS_TEXT];
    struct trale_address address;
    snprintf(text, sizeof text, s->v6 ? "[::ffff:%s]:9" : "%s:9", host);
    assert_int_equal(trale_address_parse(text, &address), 0);
    return address;
}

/* A question comes in, and is sent back with its info. */
static void answer(const struct setting *s, enum way way, const char *from, const char *to, uint32_t have)
{
    char byte;
    struct trale_udp_batch batch;
    struct trale_udp_info info;
    struct trale_datagram datagram = {.buf = &byte, .size = 1, .info = &info};
    assert_int_equal(trale_udp_set(s->socket, TRALE_UDP_INFO, TRALE_UDP_INFO_LOCAL), 0);
    come_in(way, from, to, s->port);
    assert_int_equal(trale_block_on(s->runtime, trale_udp_recv_batch(&batch, s->socket, &datagram, 1)), 1);
    assert_int_equal(info.have, TRALE_UDP_INFO_LOCAL);
    assert_int_equal(info.interface_index, if_nametoindex(names[way]));
    info.have = have;
    assert_int_equal(trale_block_on(s->runtime, trale_udp_send_batch(&batch, s->socket, &datagram, 1)), 1);
}

static void assert_goes_out(enum way way, const char *from, const char *to)
{
    struct packet packet;
    assert_false(go_out(way == WAY_IN ? WAY_OUT : WAY_IN, &packet));
    assert_true(go_out(way, &packet));
    assert_int_equal(packet.ip.ip_src.s_addr, v4(from).sin_addr.s_addr);
    assert_int_equal(packet.ip.ip_dst.s_addr, v4(to).sin_addr.s_addr);
}

static int64_t send_bytes(const struct setting *s, const char *to, size_t size)
{
    static const char bytes[4096];
    struct trale_udp_send send;
    struct trale_address address = address_of(s, to);
    return trale_udp_try_send_to(&send, s->socket, bytes, size, &address);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void test_an_answer_takes_its_route_and_not_the_way_of_the_question(void **state)
{
    (void)state;
    for (int v6 = 0; v6 <= 1; v6++) {
        struct setting s = open_setting(v6);
        answer(&s, WAY_IN, "10.9.9.9", "10.1.0.1", TRALE_UDP_INFO_LOCAL);
        assert_goes_out(WAY_OUT, "10.1.0.1", "10.9.9.9");
        assert_int_equal(trale_close(s.runtime), 0);
    }
}

static void test_an_interface_that_is_asked_for_overrides_the_route(void **state)
{
    (void)state;
    for (int v6 = 0; v6 <= 1; v6++) {
        struct setting s = open_setting(v6);
        answer(&s, WAY_IN, "10.9.9.9", "10.1.0.1", TRALE_UDP_INFO_LOCAL | TRALE_UDP_INFO_INTERFACE);
        assert_goes_out(WAY_IN, "10.1.0.1", "10.9.9.9");
        answer(&s, WAY_IN, "10.9.9.9", "10.1.0.1", TRALE_UDP_INFO_INTERFACE);
        assert_goes_out(WAY_IN, "10.1.0.1", "10.9.9.9");
        assert_int_equal(trale_close(s.runtime), 0);
    }
}

static void test_an_answer_between_link_local_addresses_goes_back_where_the_question_came_in(void **state)
{
    (void)state;
    static const char *const locals[N_WAYS] = {"169.254.1.1", "169.254.2.1"};
    for (int v6 = 0; v6 <= 1; v6++) {
        struct setting s = open_setting(v6);
        for (int way = 0; way < N_WAYS; way++) {
            answer(&s, (enum way)way, "169.254.9.9", locals[way], TRALE_UDP_INFO_LOCAL);
            assert_goes_out((enum way)way, locals[way], "169.254.9.9");
            answer(&s, (enum way)way, "169.254.9.9", "10.1.0.1", TRALE_UDP_INFO_LOCAL);
            assert_goes_out((enum way)way, "10.1.0.1", "169.254.9.9");
        }
        assert_int_equal(trale_close(s.runtime), 0);
    }
}

/* --- answers, IPv6 ------------------------------------------------------------------------------------------------ */

struct v6_packet {
    struct ip6_hdr ip;
    struct udphdr udp;
    uint8_t byte, even;
};

/* A datagram of one byte from port 9 comes in there, with the checksum that IPv6 requires. */
static void v6_come_in(enum way way, const char *from, const char *to, in_port_t port)
{
    enum { SIZE = sizeof(struct udphdr) + 1 };
    struct v6_packet packet = {.ip = {.ip6_src = v6(from), .ip6_dst = v6(to)},
                               .udp = {.source = htons(9), .dest = port, .len = htons(SIZE)}};
    /* The pseudo header of RFC 8200, 8.1: for the checksum, the fields before the addresses are others. */
    packet.ip.ip6_plen = htons(SIZE);
    packet.ip.ip6_hlim = IPPROTO_UDP;
    packet.udp.check = checksum(&packet, offsetof(struct v6_packet, even) + 1);
    packet.ip.ip6_flow = htonl(6u << 28);
    packet.ip.ip6_nxt = IPPROTO_UDP;
    packet.ip.ip6_hlim = 64;
    assert_int_equal(write(ways[way], &packet, offsetof(struct v6_packet, even)), offsetof(struct v6_packet, even));
}

/* The next datagram of IPv6 that goes out there; false: there is none. */
static bool v6_goes_out(enum way way, struct v6_packet *packet)
{
    for (;;) {
        ssize_t n = read(ways[way], packet, sizeof *packet);
        if (n < 0)
            return false;
        if (n == offsetof(struct v6_packet, even) && packet->ip.ip6_vfc >> 4 == 6 && packet->ip.ip6_nxt == IPPROTO_UDP)
            return true;
    }
}

static void v6_assert_answer(enum way question, enum way answer, const char *from, const char *to, uint32_t have)
{
    struct setting s = open_setting(true);
    struct v6_packet packet;
    char byte;
    struct trale_udp_batch batch;
    struct trale_udp_info info;
    struct trale_datagram datagram = {.buf = &byte, .size = 1, .info = &info};
    struct in6_addr source = v6(to), destination = v6(from);
    assert_int_equal(trale_udp_set(s.socket, TRALE_UDP_INFO, TRALE_UDP_INFO_LOCAL), 0);
    v6_come_in(question, from, to, s.port);
    assert_int_equal(trale_block_on(s.runtime, trale_udp_recv_batch(&batch, s.socket, &datagram, 1)), 1);
    assert_int_equal(info.interface_index, if_nametoindex(names[question]));
    info.have = have;
    assert_int_equal(trale_block_on(s.runtime, trale_udp_send_batch(&batch, s.socket, &datagram, 1)), 1);
    assert_false(v6_goes_out(answer == WAY_IN ? WAY_OUT : WAY_IN, &packet));
    assert_true(v6_goes_out(answer, &packet));
    assert_memory_equal(&packet.ip.ip6_src, &source, sizeof source);
    assert_memory_equal(&packet.ip.ip6_dst, &destination, sizeof destination);
    assert_int_equal(trale_close(s.runtime), 0);
}

static void test_an_ipv6_answer_takes_its_route_its_interface_or_its_zone(void **state)
{
    (void)state;
    const uint32_t local = TRALE_UDP_INFO_LOCAL, interface = TRALE_UDP_INFO_INTERFACE;
    v6_assert_answer(WAY_IN, WAY_OUT, "fd09::9", "fd01::1", local);
    v6_assert_answer(WAY_OUT, WAY_OUT, "fd09::9", "fd01::1", local);
    v6_assert_answer(WAY_IN, WAY_OUT, "fd09::9", "fd01::1", local | interface);
    v6_assert_answer(WAY_IN, WAY_IN, "fd0b::9", "fd01::1", interface);
    v6_assert_answer(WAY_OUT, WAY_OUT, "fd0b::9", "fd02::1", interface);
    v6_assert_answer(WAY_IN, WAY_IN, "fd0b::9", "fd01::1", local | interface);
    v6_assert_answer(WAY_OUT, WAY_OUT, "fd0b::9", "fd01::1", local | interface);
    /* Link-local addresses are on both. */
    v6_assert_answer(WAY_IN, WAY_IN, "fe80::9", "fe80::1", local);
    v6_assert_answer(WAY_OUT, WAY_OUT, "fe80::9", "fe80::2", local);
}

static void test_an_ipv6_interface_without_a_route_is_no_way(void **state)
{
    (void)state;
    struct setting s = open_setting(true);
    struct trale_udp_batch batch;
    struct trale_udp_info info = {.have = TRALE_UDP_INFO_INTERFACE, .interface_index = if_nametoindex("way_in")};
    struct trale_datagram datagram = {.buf = NULL, .info = &info};
    assert_int_equal(trale_address_parse("[fd09::9]:9", &datagram.address), 0);
    assert_int_equal(trale_udp_try_send_batch(&batch, s.socket, &datagram, 1), -ENETUNREACH);
    assert_int_equal(trale_close(s.runtime), 0);
}

/* --- disconnects -------------------------------------------------------------------------------------------------- */

static void test_a_disconnected_socket_hears_its_interface_alone(void **state)
{
    (void)state;
    static const struct trale_address none;
    struct setting s = open_setting(false);
    struct trale_address peer = address_of(&s, "10.1.0.9");
    char byte;
    struct trale_udp_recv recv;
    assert_int_equal(trale_udp_set(s.socket, TRALE_UDP_INTERFACE, if_nametoindex("way_in")), 0);
    assert_int_equal(trale_udp_connect(s.socket, &peer), 0);
    assert_int_equal(trale_udp_connect(s.socket, &none), 0);
    come_in(WAY_OUT, "10.2.0.9", "10.2.0.1", s.port);
    come_in(WAY_IN, "10.1.0.7", "10.1.0.1", s.port);
    assert_int_equal(trale_block_on(s.runtime, trale_udp_recv_from(&recv, s.socket, &byte, 1)), 1);
    assert_int_equal(recv.from.v4.sin_addr.s_addr, v4("10.1.0.7").sin_addr.s_addr);
    assert_int_equal(trale_close(s.runtime), 0);
}

/* --- the path's MTU ----------------------------------------------------------------------------------------------- */

/* How many packets a datagram of that size is; all of them may be cut by routers, or none. 0: -EMSGSIZE. */
static int n_packets(const struct setting *s, size_t size, bool dont_fragment)
{
    int n = 0;
    struct packet packet;
    int64_t sent = send_bytes(s, "10.9.9.9", size);
    if (sent != -EMSGSIZE)
        assert_int_equal(sent, size);
    for (; go_out(WAY_OUT, &packet); n++)
        assert_int_equal((ntohs(packet.ip.ip_off) & IP_DF) != 0, dont_fragment);
    assert_int_equal(n > 0, sent != -EMSGSIZE);
    return n;
}

/* A router says that what has just gone out is too big for its next link. */
static void too_big(const struct setting *s, uint16_t mtu)
{
    struct packet sent, packet = {.icmp.head = {.type = ICMP_DEST_UNREACH, .code = ICMP_FRAG_NEEDED}};
    assert_int_equal(send_bytes(s, "10.9.9.9", 1300), 1300);
    assert_true(go_out(WAY_OUT, &sent));
    packet.icmp.head.un.frag.mtu = htons(mtu);
    memcpy(packet.icmp.quoted, &sent, sizeof packet.icmp.quoted);
    packet.icmp.head.checksum = checksum(&packet.icmp, sizeof packet.icmp);
    packet_write(WAY_OUT, &packet, IPPROTO_ICMP, sizeof packet.icmp, "10.2.0.254", "10.2.0.1");
    send_bytes(s, "10.9.9.9", 1); /* may say -EMSGSIZE of the one before */
    while (go_out(WAY_OUT, &sent))
        ;
}

static void test_mtu_discovery_says_what_happens_to_large_datagrams(void **state)
{
    (void)state;
    static const struct {
        int value;
        int large; /* packets of a datagram that the interface is too small for */
        bool small_df, large_df;
    } cases[] = {
        {TRALE_UDP_MTU_FRAGMENT, 2, false, false},    {TRALE_UDP_MTU_FOLLOW, 2, true, false},
        {TRALE_UDP_MTU_DONT_FRAGMENT, 0, true, true}, {TRALE_UDP_MTU_PROBE, 0, true, true},
        {TRALE_UDP_MTU_INTERFACE, 0, false, false},   {TRALE_UDP_MTU_INTERFACE_FRAGMENT, 2, false, false},
    };
    for (int v6 = 0; v6 <= 1; v6++) {
        struct setting s = open_setting(v6);
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            assert_int_equal(trale_udp_set(s.socket, TRALE_UDP_MTU_DISCOVERY, cases[i].value), 0);
            assert_int_equal(n_packets(&s, 1372, cases[i].small_df), 1);
            assert_int_equal(n_packets(&s, 2000, cases[i].large_df), cases[i].large);
        }
        assert_int_equal(trale_close(s.runtime), 0);
    }
}

static void test_the_path_mtu_falls_when_a_router_says_so_and_a_probe_ignores_it(void **state)
{
    (void)state;
    for (int v6 = 0; v6 <= 1; v6++) {
        struct setting s = open_setting(v6);
        struct trale_address peer = address_of(&s, "10.9.9.9");
        uint16_t mtu = v6 ? 1100 : 1200; /* the route remembers the first */
        int64_t known;
        assert_int_equal(trale_udp_connect(s.socket, &peer), 0);
        assert_int_equal(trale_udp_set(s.socket, TRALE_UDP_MTU_DISCOVERY, TRALE_UDP_MTU_PROBE), 0);
        assert_int_equal(trale_udp_get(s.socket, TRALE_UDP_PATH_MTU, &known), 0);
        assert_int_equal(known, v6 ? 1200 : 1400);
        too_big(&s, mtu);
        assert_int_equal(trale_udp_get(s.socket, TRALE_UDP_PATH_MTU, &known), 0);
        assert_int_equal(known, mtu);
        assert_int_equal(n_packets(&s, 1300, true), 1);
        assert_int_equal(trale_udp_set(s.socket, TRALE_UDP_MTU_DISCOVERY, TRALE_UDP_MTU_DONT_FRAGMENT), 0);
        assert_int_equal(n_packets(&s, mtu - 28u, true), 1);
        assert_int_equal(n_packets(&s, mtu - 27u, true), 0);
        assert_int_equal(trale_close(s.runtime), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_takes_its_route_and_not_the_way_of_the_question),
        cmocka_unit_test(test_an_interface_that_is_asked_for_overrides_the_route),
        cmocka_unit_test(test_an_answer_between_link_local_addresses_goes_back_where_the_question_came_in),
        cmocka_unit_test(test_an_ipv6_answer_takes_its_route_its_interface_or_its_zone),
        cmocka_unit_test(test_an_ipv6_interface_without_a_route_is_no_way),
        cmocka_unit_test(test_a_disconnected_socket_hears_its_interface_alone),
        cmocka_unit_test(test_mtu_discovery_says_what_happens_to_large_datagrams),
        cmocka_unit_test(test_the_path_mtu_falls_when_a_router_says_so_and_a_probe_ignores_it),
    };
    if (!ways_open()) {
        printf("no interfaces can be made here: %s\n", strerror(errno));
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
