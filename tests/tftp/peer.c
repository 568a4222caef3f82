/* SPDX-License-Identifier: MIT
 *
 * The other end of TFTP, by hand, for what clients and servers do not do by themselves.
 *
 *     peer strangers PORT FILE LOCAL   reads a file, while a stranger sends to the transfer as well; compares it
 *     peer hold PORT FILE              asks for a file, says what comes, acknowledges nothing, and waits for an ERROR
 *     peer crowd PORT FILE             asks for a file a hundred times, says so, and waits for a signal
 *     peer impostor                    a server of two blocks; between them another sends a block to the client
 *     peer give COMMAND...             runs a server with a socket as a service manager does */
#define _GNU_SOURCE 1

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int failed(const char *what)
{
    perror(what);
    exit(1);
}

/* A socket on a free port of 127.0.0.1. */
static int open_socket(struct sockaddr_in *address)
{
    socklen_t size = sizeof *address;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || bind(fd, (struct sockaddr *)address, size) < 0 ||
        getsockname(fd, (struct sockaddr *)address, &size) < 0)
        failed("socket");
    return fd;
}

static void send_to(int fd, const void *bytes, size_t size, const struct sockaddr_in *to)
{
    if (sendto(fd, bytes, size, 0, (const struct sockaddr *)to, sizeof *to) < 0)
        failed("sendto");
}

/* Ends the program if nothing comes within a minute. */
static size_t receive(int fd, void *bytes, size_t size, struct sockaddr_in *from)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    socklen_t from_size = sizeof *from;
    if (poll(&wait, 1, 60000) != 1)
        failed("nothing comes");
    ssize_t n = recvfrom(fd, bytes, size, 0, (struct sockaddr *)from, &from_size);
    if (n < 4)
        failed("recvfrom");
    return (size_t)n;
}

static void ask(int fd, const char *port, const char *file)
{
    char request[512] = "\0\1";
    struct sockaddr_in server = {.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                 .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
    size_t size = 2 + (size_t)snprintf(request + 2, sizeof request - 2, "%s%coctet", file, 0) + 1;
    send_to(fd, request, size, &server);
}

static int strangers(const char *port, const char *file, const char *local)
{
    static const char *const packets[] = {"\0\4\0\1", "\0\4\0\2", "\0\5\0\0no", "\0\3\0\1x", "\0\1a\0octet"};
    struct sockaddr_in address, from;
    int fd = open_socket(&address), stranger = open_socket(&address);
    FILE *wanted = fopen(local, "r");
    if (wanted == NULL)
        failed(local);
    ask(fd, port, file);
    for (unsigned number = 1;; number++) {
        unsigned char block[600], bytes[512];
        size_t size;
        do
            size = receive(fd, block, sizeof block, &from) - 4;
        while (block[1] == 3 && (unsigned)(block[2] << 8 | block[3]) == number - 1); /* sent again meanwhile */
        if (block[1] != 3 || (unsigned)(block[2] << 8 | block[3]) != number || size > 512 ||
            fread(bytes, 1, 512, wanted) != size || memcmp(bytes, block + 4, size) != 0) {
            fprintf(stderr, "block %u is packet %u, number %u, with %zu bytes\n", number, block[1],
                    block[2] << 8 | block[3], size);
            return 1;
        }
        for (size_t i = 0; i < sizeof packets / sizeof packets[0]; i++)
            send_to(stranger, packets[i], i == 4 ? 10 : 5, &from);
        const unsigned char ack[4] = {0, 4, block[2], block[3]};
        send_to(fd, ack, sizeof ack, &from);
        if (size < 512)
            return 0;
    }
}

static int hold(const char *port, const char *file)
{
    struct sockaddr_in address, from;
    char bytes[600];
    int fd = open_socket(&address);
    ask(fd, port, file);
    (void)receive(fd, bytes, sizeof bytes, &from);
    printf("packet %d %d\n", bytes[1], bytes[3]);
    fflush(stdout);
    while (bytes[1] != 5)
        bytes[receive(fd, bytes, sizeof bytes - 1, &from)] = '\0';
    printf("error %d %s\n", bytes[3], bytes + 4);
    return 0;
}

static int crowd(const char *port, const char *file)
{
    struct sockaddr_in address;
    for (int i = 0; i < 100; i++)
        ask(open_socket(&address), port, file);
    printf("asked\n");
    fflush(stdout);
    return pause();
}

/* The client must keep to the one that has answered first. */
static int impostor(void)
{
    struct sockaddr_in address, client, from;
    char bytes[600];
    int fd = open_socket(&address), transfer = open_socket(&from), other = open_socket(&from);
    printf("listening on 127.0.0.1:%u\n", ntohs(address.sin_port));
    fflush(stdout);
    const size_t n_request = receive(fd, bytes, sizeof bytes, &client);
    memset(bytes, 'a', sizeof bytes);
    memcpy(bytes, "\0\3\0\1", 4);
    send_to(transfer, bytes, 516, &client);
    (void)receive(transfer, bytes, sizeof bytes, &from); /* ACK 1 */
    send_to(other, "\0\3\0\2wrong", 9, &client);
    send_to(transfer, "\0\3\0\2right", 9, &client);
    (void)receive(transfer, bytes, sizeof bytes, &from);
    printf("the server gets %zu bytes, then %d %d\n", n_request, bytes[1], bytes[3]);
    return 0;
}

static int give(char **command)
{
    struct sockaddr_in address;
    char number[24];
    int fd = open_socket(&address);
    if (dup2(fd, 3) < 0)
        failed("dup2");
    snprintf(number, sizeof number, "%d", (int)getpid());
    setenv("LISTEN_PID", number, 1);
    setenv("LISTEN_FDS", "1", 1);
    execv(command[0], command);
    return failed(command[0]);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "strangers") == 0)
        return strangers(argv[2], argv[3], argv[4]);
    if (argc == 4 && strcmp(argv[1], "hold") == 0)
        return hold(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "crowd") == 0)
        return crowd(argv[2], argv[3]);
    if (argc == 2 && strcmp(argv[1], "impostor") == 0)
        return impostor();
    if (argc > 2 && strcmp(argv[1], "give") == 0)
        return give(argv + 2);
    fprintf(stderr, "usage: %s strangers PORT FILE LOCAL | hold PORT FILE | impostor | give COMMAND...\n", argv[0]);
    return 2;
}
