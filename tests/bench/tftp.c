/* SPDX-License-Identifier: MIT
 *
 * Reads a file from a TFTP server of this host: `tftp PORT FILE BLKSIZE WINDOWSIZE PARALLEL TRANSFERS` makes TRANSFERS
 * of it, PARALLEL at once, and compares what comes with the file, whose name for the server is its last component.
 * Without options with a BLKSIZE of 512 and a WINDOWSIZE of 1. Prints megabytes a second. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PARALLEL_MAX 1000
#define PACKET_MAX 65536
#define SILENCE_S 1.0 /* after which what was sent last is sent again */
#define AGAIN_MAX 100 /* of all transfers */

struct transfer {
    int fd;
    int is_connected;
    uint64_t n_received; /* blocks, all before them too */
    unsigned n_in_window;
    int has_gap; /* the window has one, and was acknowledged */
    double heard;
    uint8_t last[512]; /* what was sent last */
    size_t last_size;
};

static struct sockaddr_in server;
static const char *name;
static const uint8_t *file;
static size_t file_size;
static unsigned blksize, windowsize, n_again;
static struct transfer transfers[PARALLEL_MAX];
static struct pollfd fds[PARALLEL_MAX];

static void die(const char *what)
{
    fprintf(stderr, "tftp: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void say(struct transfer *t)
{
    ssize_t n = t->is_connected ? send(t->fd, t->last, t->last_size, 0)
                                : sendto(t->fd, t->last, t->last_size, 0, (struct sockaddr *)&server, sizeof server);
    if (n < 0)
        die("send");
    t->heard = now();
}

static void acknowledge(struct transfer *t)
{
    uint8_t ack[] = {0, 4, (uint8_t)(t->n_received >> 8), (uint8_t)t->n_received};
    memcpy(t->last, ack, t->last_size = sizeof ack);
    t->n_in_window = 0;
    say(t);
}

static int begin(struct transfer *t)
{
    *t = (struct transfer){.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (t->fd < 0)
        die("socket");
    char *at = (char *)t->last;
    at += sprintf(at, "%c%c%s%coctet", 0, 1, name, 0) + 1;
    if (blksize != 512 || windowsize != 1)
        at += sprintf(at, "blksize%c%u", 0, blksize) + 1;
    if (windowsize != 1)
        at += sprintf(at, "windowsize%c%u", 0, windowsize) + 1;
    t->last_size = (size_t)(at - (char *)t->last);
    say(t);
    return t->fd;
}

/* Returns whether the transfer has ended. */
static int take(struct transfer *t, const uint8_t *packet, size_t size)
{
    size_t offset = (size_t)t->n_received * blksize, left = file_size - offset, n = left < blksize ? left : blksize;
    if (size < 4 || packet[1] == 5)
        die("an ERROR");
    if (packet[1] == 6) {
        if (t->n_received == 0)
            acknowledge(t);
        return 0;
    }
    unsigned ahead = (uint16_t)((packet[2] << 8 | packet[3]) - (unsigned)t->n_received);
    if (packet[1] != 3 || ahead != 1) {
        if (ahead > 1 && ahead <= windowsize && !t->has_gap) {
            t->has_gap = 1;
            acknowledge(t);
        }
        return 0;
    }
    if (size - 4 != n || memcmp(packet + 4, file + offset, n) != 0)
        die("a block differs");
    t->n_received++;
    t->has_gap = 0;
    if (++t->n_in_window == windowsize || n < blksize)
        acknowledge(t);
    return n < blksize;
}

/* The same for all that has come. */
static int receive(struct transfer *t)
{
    static uint8_t packet[PACKET_MAX];
    struct sockaddr_in from;
    for (;;) {
        socklen_t length = sizeof from;
        ssize_t n = recvfrom(t->fd, packet, sizeof packet, 0, (struct sockaddr *)&from, &length);
        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n < 0 || (!t->is_connected && connect(t->fd, (struct sockaddr *)&from, length) < 0))
            die("receive");
        t->is_connected = 1;
        if (take(t, packet, (size_t)n))
            return 1;
    }
}

static void look_for_silence(unsigned n)
{
    double limit = now() - SILENCE_S;
    for (unsigned i = 0; i < n; i++) {
        if (fds[i].fd < 0 || transfers[i].heard > limit)
            continue;
        if (++n_again > AGAIN_MAX)
            die("too many packets are lost");
        say(&transfers[i]);
    }
}

static void map_file(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0)
        die(path);
    file_size = (size_t)status.st_size;
    file = mmap(NULL, file_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (file == MAP_FAILED)
        die(path);
    name = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
}

int main(int argc, char **argv)
{
    if (argc != 7 || strlen(argv[2]) > 200)
        return EXIT_FAILURE;
    server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
    inet_pton(AF_INET, "127.0.0.1", &server.sin_addr);
    map_file(argv[2]);
    blksize = (unsigned)atoi(argv[3]);
    windowsize = (unsigned)atoi(argv[4]);
    unsigned n = (unsigned)atoi(argv[5]), n_wanted = (unsigned)atoi(argv[6]), n_begun = 0, n_done = 0;
    if (n < 1 || n > PARALLEL_MAX || n > n_wanted)
        return EXIT_FAILURE;
    double start = now();
    for (; n_begun < n; n_begun++)
        fds[n_begun] = (struct pollfd){begin(&transfers[n_begun]), POLLIN, 0};
    while (n_done < n_wanted) {
        if (poll(fds, n, (int)(SILENCE_S * 1000)) == 0)
            look_for_silence(n);
        for (unsigned i = 0; i < n; i++) {
            if (fds[i].fd < 0 || fds[i].revents == 0 || !receive(&transfers[i]))
                continue;
            close(fds[i].fd);
            n_done++;
            fds[i].fd = n_begun < n_wanted ? begin(&transfers[i]) : -1;
            n_begun += fds[i].fd >= 0;
        }
    }
    if (n_again > 0)
        fprintf(stderr, "tftp: %u packets sent again\n", n_again);
    printf("%.1f MB a second\n", (double)file_size * n_wanted / 1e6 / (now() - start));
    return EXIT_SUCCESS;
}
