/* SPDX-License-Identifier: MIT
 *
 * A simulated host against the kernel: the same operations, at random, on sockets of both, in a network namespace of
 * the test's own. They must answer the same, and the same sockets must receive the
 * same datagrams. Skipped where no namespace may be made. $TRALE_TEST_SEED runs one seed, and shows its steps. */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/route.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <trale/udp_info.h>
#include <trale/udp_socket.h>

#include "tests/support.h"

#define SKIPPED 77

enum { N_SLOTS = 6, N_STEPS = 400, N_SEEDS = 60 };
enum world { KERNEL, SIMULATED, N_WORLDS };

static struct trale *runtimes[N_WORLDS];
static struct trale_udp_socket *slots[N_SLOTS][N_WORLDS];
static uint64_t random_state;
static bool is_verbose;
static char step_text[256];
static uint64_t step_seed;

static uint32_t random_below(uint32_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 33) % bound;
}

/* Stands where a rule of Linux is avoided that the simulation does not follow. Those in docs/simulation.md are the same
 * (tests/differences.sh). */
#define NOT_AS_LINUX(difference) ((void)(difference))

#define PICK(array) (array)[random_below(sizeof(array) / sizeof(array)[0])]

static void step(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(step_text, sizeof step_text, format, arguments);
    va_end(arguments);
    if (is_verbose)
        printf("%s\n", step_text);
}

static void assert_same(const char *what, int64_t kernel, int64_t simulated)
{
    if (kernel != simulated)
        fail_msg("seed %" PRIu64 ": %s: %s: the kernel answers %" PRId64 ", the simulation %" PRId64, step_seed,
                 step_text, what, kernel, simulated);
}

static void assert_same_address(const char *what, const struct trale_address *kernel,
                                const struct trale_address *simulated)
{
    char texts[2][TRALE_ADDRESS_TEXT] = {"-", "-"};
    trale_address_format(kernel, texts[0], sizeof texts[0]);
    trale_address_format(simulated, texts[1], sizeof texts[1]);
    if (strcmp(texts[0], texts[1]) != 0)
        fail_msg("seed %" PRIu64 ": %s: %s: the kernel has %s, the simulation %s", step_seed, step_text, what, texts[0],
                 texts[1]);
}

/* --- what both do ------------------------------------------------------------------------------------------------- */

static const char *const locals[] = {
    "127.0.0.1", "127.0.0.2",          "0.0.0.0",          "10.0.0.1",  "[::1]",
    "[::]",      "[::ffff:127.0.0.1]", "[::ffff:0.0.0.0]", "239.1.2.3", "[fd00::a00:1]"};
static const char *const remotes[] = {
    "127.0.0.1", "127.0.0.2",     "127.255.255.255", "[::1]",     "[::ffff:127.0.0.2]", "0.0.0.0",
    "[::]",      "239.1.2.3",     "224.0.0.1",       "[ff11::5]", "10.0.0.1",           "[fd00::a00:1]",
    "10.0.0.2",  "[fd00::a00:2]", "10.0.0.255",      "[ff15::5]", "255.255.255.255",    "127.0.0.1",
    "[::1]",     "239.1.2.3",     "10.0.0.1"};
static const char *const groups[] = {"239.1.2.3:0", "239.1.2.4:0", "[::ffff:239.1.2.3]:0", "[ff11::5]:0",
                                     "127.0.0.1:0"};
static const char *const sources[] = {"127.0.0.1:0", "127.0.0.2:0", "[::1]:0", "[::ffff:127.0.0.1]:0", "10.0.0.1:0"};

static struct trale_address random_address(const char *host)
{
    char text[TRALE_ADDRESS_TEXT];
    snprintf(text, sizeof text, "%s:%u", host, 5001 + random_below(3));
    return test_address(text);
}

static const char *text_of(const struct trale_address *address)
{
    static char texts[4][TRALE_ADDRESS_TEXT];
    static int next;
    next = (next + 1) % 4;
    strcpy(texts[next], "-");
    trale_address_format(address, texts[next], sizeof texts[next]);
    return texts[next];
}

static void do_open(size_t i)
{
    static const uint32_t flags[] = {0, 0, TRALE_UDP_V6_ONLY};
    const struct trale_address local = random_address(PICK(locals));
    NOT_AS_LINUX("of sockets that share an address and fit alike, the one that was bound last receives");
    const uint32_t flag = PICK(flags) | (trale_address_is_multicast(&local) ? TRALE_UDP_REUSE_ADDRESS : 0);
    int64_t r[N_WORLDS];
    step("open %zu %s flags %u", i, text_of(&local), flag);
    for (int w = 0; w < N_WORLDS; w++)
        r[w] = trale_udp_open_at(runtimes[w], &local, flag, &slots[i][w]);
    assert_same("open", r[0], r[1]);
    for (int w = 0; w < N_WORLDS && r[0] == 0; w++)
        assert_int_equal(trale_udp_set(slots[i][w], TRALE_UDP_INFO,
                                       TRALE_UDP_INFO_LOCAL | TRALE_UDP_INFO_TTL | TRALE_UDP_INFO_TRAFFIC_CLASS),
                         0);
    for (int w = 0; w < N_WORLDS && r[0] == 0; w++)
        assert_int_equal(trale_udp_set(slots[i][w], TRALE_UDP_MULTICAST_INTERFACE, 1), 0);
}

static void do_close(size_t i)
{
    step("close %zu", i);
    for (int w = 0; w < N_WORLDS; w++) {
        trale_udp_close(slots[i][w]);
        slots[i][w] = NULL;
    }
}

static void do_connect(size_t i)
{
    struct trale_address peer = random_address(PICK(remotes)), former;
    const bool had_peer = trale_udp_peer(slots[i][KERNEL], &former) == 0;
    int64_t r[N_WORLDS];
    if (random_below(4) == 0)
        memset(&peer, 0, sizeof peer);
    step("connect %zu %s", i, text_of(&peer));
    for (int w = 0; w < N_WORLDS; w++)
        r[w] = trale_udp_connect(slots[i][w], &peer);
    assert_same("connect", r[0], r[1]);
    NOT_AS_LINUX("a connect that fails leaves the former peer as it was");
    if (r[0] < 0 && had_peer)
        do_close(i);
}

static void do_send(size_t i)
{
    static const char bytes[100];
    struct trale_address to = random_address(PICK(remotes));
    const size_t size = random_below(sizeof bytes);
    struct trale_udp_info info = {.have = 0};
    int64_t r[N_WORLDS];
    if (random_below(4) == 0)
        memset(&to, 0, sizeof to);
    if (random_below(4) == 0)
        info = (struct trale_udp_info){.have = TRALE_UDP_INFO_LOCAL, .local = test_address(PICK(sources))};
    step("send %zu %s of %zu from %s", i, text_of(&to), size, text_of(&info.local));
    for (int w = 0; w < N_WORLDS; w++) {
        struct trale_udp_send send;
        r[w] = trale_udp_try_send_info(&send, slots[i][w], bytes, size, &to, &info);
    }
    assert_same("send", r[0], r[1]);
}

static bool has_broadcast_peer(size_t i)
{
    struct trale_address peer;
    if (trale_udp_peer(slots[i][KERNEL], &peer) < 0)
        return false;
    peer = trale_address_unmap(&peer);
    return peer.any.sa_family == AF_INET && (ntohl(peer.v4.sin_addr.s_addr) & 0xff) == 0xff;
}

static void do_set(size_t i)
{
    static const struct {
        uint32_t option, bound;
    } options[] = {{TRALE_UDP_BROADCAST, 2},           {TRALE_UDP_TTL, 5},           {TRALE_UDP_MULTICAST_TTL, 3},
                   {TRALE_UDP_MULTICAST_LOOP, 2},      {TRALE_UDP_INTERFACE, 3},     {TRALE_UDP_TRAFFIC_CLASS, 256},
                   {TRALE_UDP_MULTICAST_ALL, 2},       {TRALE_UDP_MTU_DISCOVERY, 7}, {TRALE_UDP_ERRORS, 3},
                   {TRALE_UDP_MULTICAST_INTERFACE, 4}, {TRALE_UDP_DROPS, 2},         {99, 2}};
    const size_t k = random_below(sizeof options / sizeof options[0]);
    int64_t value = random_below(options[k].bound);
    NOT_AS_LINUX("whether broadcasts are allowed is looked at with each datagram");
    if (options[k].option == TRALE_UDP_BROADCAST && has_broadcast_peer(i))
        value = 1;
    int64_t r[N_WORLDS], values[N_WORLDS] = {-1, -1};
    step("set %zu option %u to %" PRId64, i, options[k].option, value);
    for (int w = 0; w < N_WORLDS; w++)
        r[w] = trale_udp_set(slots[i][w], options[k].option, value);
    assert_same("set", r[0], r[1]);
    for (int w = 0; w < N_WORLDS; w++)
        r[w] = trale_udp_get(slots[i][w], options[k].option, &values[w]);
    assert_same("get", r[0], r[1]);
    assert_same("value", values[0], values[1]);
}

static void do_group(size_t i)
{
    const struct trale_address group = test_address(PICK(groups)), source = test_address(PICK(sources));
    const uint32_t what = random_below(4), interface_index = random_below(8) > 0 ? random_below(3) : 77;
    int64_t r[N_WORLDS];
    step("group %zu %s %s source %s interface %u", i, what < 2 ? "join" : "leave", text_of(&group),
         what % 2 == 0 ? "any" : text_of(&source), interface_index);
    for (int w = 0; w < N_WORLDS; w++) {
        struct trale_udp_socket *socket = slots[i][w];
        r[w] = what == 0   ? trale_udp_join_group(socket, &group, interface_index)
               : what == 1 ? trale_udp_join_source_group(socket, &group, &source, interface_index)
               : what == 2 ? trale_udp_leave_group(socket, &group, interface_index)
                           : trale_udp_leave_source_group(socket, &group, &source, interface_index);
    }
    assert_same("group", r[0], r[1]);
}

/* --- what is the same after each step ----------------------------------------------------------------------------- */

static void compare_received(size_t i)
{
    char what[64], buf[2][100];
    for (int n = 0;; n++) {
        int64_t r[N_WORLDS];
        struct trale_udp_recv recv[N_WORLDS];
        struct trale_udp_info info[N_WORLDS] = {{.have = 0}, {.have = 0}};
        for (int w = 0; w < N_WORLDS; w++)
            r[w] = trale_udp_try_recv_info(&recv[w], slots[i][w], buf[w], sizeof buf[w], &info[w]);
        snprintf(what, sizeof what, "receive %d of %zu", n, i);
        assert_same(what, r[0], r[1]);
        if (r[0] < 0 && r[0] != -ECONNREFUSED)
            return;
        if (r[0] < 0)
            continue;
        assert_same_address("sender", &recv[0].from, &recv[1].from);
        assert_same_address("local", &info[0].local, &info[1].local);
        assert_same("interface", info[0].interface_index, info[1].interface_index);
        assert_same("ttl", info[0].ttl, info[1].ttl);
        assert_same("class", info[0].traffic_class, info[1].traffic_class);
    }
}

static void compare_errors(size_t i)
{
    for (;;) {
        int64_t r[N_WORLDS], values[N_WORLDS];
        struct trale_udp_error error[N_WORLDS];
        for (int w = 0; w < N_WORLDS; w++) {
            struct trale_timeout timeout;
            assert_int_equal(trale_udp_get(slots[i][w], TRALE_UDP_ERRORS, &values[w]), 0);
            r[w] = values[w] == 0
                       ? -ETIMEDOUT
                       : trale_block_on(
                             runtimes[w],
                             trale_timeout(&timeout, trale_udp_recv_error(&error[w], slots[i][w], NULL, 0), 0));
        }
        assert_same("wait for an error", r[0], r[1]);
        if (r[0] < 0)
            return;
        assert_same("error", error[0].error, error[1].error);
        assert_same("origin", error[0].origin, error[1].origin);
        assert_same("type", error[0].type, error[1].type);
        assert_same("code", error[0].code, error[1].code);
        assert_same_address("destination", &error[0].to, &error[1].to);
        assert_same_address("reporter", &error[0].from, &error[1].from);
    }
}

static void compare(size_t i)
{
    struct trale_address address[N_WORLDS];
    int64_t r[N_WORLDS];
    for (int w = 0; w < N_WORLDS; w++)
        assert_int_equal(trale_udp_local(slots[i][w], &address[w]), 0);
    assert_same_address("local address", &address[0], &address[1]);
    for (int w = 0; w < N_WORLDS; w++)
        r[w] = trale_udp_peer(slots[i][w], &address[w]);
    assert_same("peer", r[0], r[1]);
    if (r[0] == 0)
        assert_same_address("peer", &address[0], &address[1]);
    compare_received(i);
    compare_errors(i);
}

static void run(uint64_t seed)
{
    step_seed = seed;
    random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    runtimes[KERNEL] = test_open("timer, udp", TEST_TIMER TEST_UDP);
    runtimes[SIMULATED] = test_open("sim", "[driver:sim]\npath = sim.so\n");
    memset(slots, 0, sizeof slots);
    for (int n = 0; n < N_STEPS; n++) {
        const size_t i = random_below(N_SLOTS);
        const uint32_t what = random_below(16);
        if (slots[i][KERNEL] == NULL)
            do_open(i);
        else if (what == 0)
            do_close(i);
        else if (what == 1)
            do_connect(i);
        else if (what <= 4)
            do_set(i);
        else if (what <= 7)
            do_group(i);
        else
            do_send(i);
        for (size_t k = 0; k < N_SLOTS; k++)
            if (slots[k][KERNEL] != NULL)
                compare(k);
    }
    for (int w = 0; w < N_WORLDS; w++)
        assert_int_equal(trale_close(runtimes[w]), 0);
}

static void test_a_simulated_host_answers_as_the_kernel_does(void **state)
{
    (void)state;
    const char *seed = getenv("TRALE_TEST_SEED");
    is_verbose = seed != NULL;
    if (seed != NULL)
        run(strtoull(seed, NULL, 10));
    for (uint64_t i = 0; seed == NULL && i < N_SEEDS; i++)
        run(i);
}

/* --- the machine: a loopback interface, and one that leads to a default route, as a simulated host has ------------ */

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return written;
}

static bool interface_up(int control, const char *name)
{
    struct ifreq request = {.ifr_flags = IFF_UP | IFF_RUNNING};
    strcpy(request.ifr_name, name);
    return ioctl(control, SIOCSIFFLAGS, &request) == 0;
}

static struct sockaddr_in v4_address(const char *text)
{
    return test_address(text).v4;
}

static bool v4_open(int control)
{
    struct ifreq request = {.ifr_name = "net"};
    struct sockaddr_in address = v4_address("10.0.0.1:0"), mask = v4_address("255.255.255.0:0");
    struct rtentry route;
    char name[] = "net";
    memcpy(&request.ifr_addr, &address, sizeof address);
    if (ioctl(control, SIOCSIFADDR, &request) < 0)
        return false;
    memcpy(&request.ifr_netmask, &mask, sizeof mask);
    if (ioctl(control, SIOCSIFNETMASK, &request) < 0 || !interface_up(control, "net"))
        return false;
    memset(&route, 0, sizeof route);
    address = v4_address("0.0.0.0:0");
    memcpy(&route.rt_dst, &address, sizeof address);
    memcpy(&route.rt_genmask, &address, sizeof address);
    route.rt_flags = RTF_UP;
    route.rt_dev = name;
    return ioctl(control, SIOCADDRT, &route) == 0;
}

static bool v6_open(int control)
{
    struct {
        struct in6_addr address;
        uint32_t prefix_length;
        int interface_index;
    } request = {test_address("[fd00::a00:1]:0").v6.sin6_addr, 64, 2}; /* struct in6_ifreq, <linux/ipv6.h> */
    union {
        struct in6_rtmsg v6;
        struct rtentry v4; /* valgrind takes every route for one of these */
    } route;
    memset(&route, 0, sizeof route);
    route.v6.rtmsg_metric = 1;
    route.v6.rtmsg_flags = RTF_UP;
    route.v6.rtmsg_ifindex = 2;
    return ioctl(control, SIOCSIFADDR, &request) == 0 && ioctl(control, SIOCADDRT, &route) == 0;
}

/* Waits until the kernel has taken the address into use, which it does on a thread of its own. */
static bool v6_is_ready(int control)
{
    const struct trale_address address = test_address("[fd00::a00:1]:0");
    for (int i = 0; i < 10000; i++) {
        if (bind(control, &address.any, sizeof address.v6) == 0)
            return true;
        usleep(1000);
    }
    return false;
}

static bool machine_open(void)
{
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI, .ifr_name = "net"};
    if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return false;
    int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    write_file("/proc/sys/net/ipv4/icmp_ratemask", "0"); /* else it might report fewer errors */
    write_file("/proc/sys/net/ipv6/icmp/ratelimit", "0");
    int v4 = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), v6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool opened = tun >= 0 && ioctl(tun, TUNSETIFF, &request) == 0 && if_nametoindex("net") == 2 &&
                  write_file("/proc/sys/net/ipv6/conf/net/accept_dad", "0") &&
                  write_file("/proc/sys/net/ipv6/conf/net/addr_gen_mode", "1") &&
                  /* no address of fe80::/10 */ interface_up(v4, "lo") && v4_open(v4) && v6_open(v6) && v6_is_ready(v6);
    close(v4);
    close(v6);
    return opened; /* what goes out by the interface is never read */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_simulated_host_answers_as_the_kernel_does),
    };
    setenv("TRALE_TEST_THREADS", "0", 1);
    if (!machine_open()) {
        printf("no interface can be made here: %s\n", strerror(errno));
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
