/* SPDX-License-Identifier: MIT
 *
 * Asks an NTP server of this host for the time: `sntp PORT WINDOW ANSWERS` sends WINDOW requests at once, at most 64,
 * waits for their answers, and goes on until it has had ANSWERS. Prints answers a second, and to stderr how many were
 * lost, if any were. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define WINDOW_MAX 64
#define SIZE 48
#define LOST_MAX 1000

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Sends the window, and counts what comes for it within a second. */
static unsigned ask(int socket, struct mmsghdr *messages, unsigned window)
{
    unsigned n = 0;
    for (unsigned i = 0; i < window; i++) {
        uint8_t *bytes = messages[i].msg_hdr.msg_iov->iov_base;
        memset(bytes, 0, SIZE);
        bytes[0] = 4 << 3 | 3;
        bytes[SIZE - 1] = (uint8_t)(i + 1);
    }
    for (unsigned sent = 0; sent < window;) {
        int r = sendmmsg(socket, messages + sent, window - sent, 0);
        if (r < 0)
            return 0;
        sent += (unsigned)r;
    }
    while (n < window) {
        int r = recvmmsg(socket, messages, window - n, MSG_WAITFORONE, NULL);
        if (r < 0)
            break;
        n += (unsigned)r;
    }
    return n;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return EXIT_FAILURE;
    unsigned window = (unsigned)atoi(argv[2]);
    uint64_t wanted = strtoull(argv[3], NULL, 10), n = 0, n_lost = 0;
    static uint8_t packets[WINDOW_MAX][SIZE];
    static struct iovec parts[WINDOW_MAX];
    static struct mmsghdr messages[WINDOW_MAX];
    for (unsigned i = 0; i < WINDOW_MAX; i++) {
        parts[i] = (struct iovec){packets[i], SIZE};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    int client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct timeval second = {.tv_sec = 1};
    if (client < 0 || window < 1 || window > WINDOW_MAX ||
        setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second) < 0 ||
        connect(client, (struct sockaddr *)&address, sizeof address) < 0)
        return EXIT_FAILURE;
    double begin = now();
    while (n < wanted) {
        unsigned got = ask(client, messages, window);
        n += got;
        n_lost += window - got;
        if (n_lost > LOST_MAX)
            return EXIT_FAILURE;
    }
    if (n_lost > 0)
        fprintf(stderr, "%llu lost\n", (unsigned long long)n_lost);
    printf("%.0f answers a second\n", (double)n / (now() - begin));
    return EXIT_SUCCESS;
}
