/* SPDX-License-Identifier: MIT
 *
 * A name server to test forwarders with: every name has the address 192.0.2.1. Plain poll and recvfrom, without trale.
 *
 *     dns_upstream [-k K] [-l] [-v]
 *         -k  answers each K-th query alone; 0: none
 *         -l  lies before it answers: sends 198.51.100.66 under another id, for another question, and as a query
 *         -v  prints a line for each query: its number and id
 *
 * It prints the address it listens on, and after SIGTERM the number of queries that came.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER 12

struct packet {
    size_t size;
    unsigned char bytes[4096];
};

static volatile sig_atomic_t stopped;

static void stop(int number)
{
    (void)number;
    stopped = 1;
}

/* The question and, for type A, one record. 0 if the query makes no sense. */
static size_t make_answer(struct packet *answer, const struct packet *query, const unsigned char address[4])
{
    static const unsigned char record[] = {0xc0, HEADER, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4};
    size_t end = HEADER;
    while (end < query->size && query->bytes[end] != 0)
        end += 1u + query->bytes[end];
    end += 1 + 4;
    if (end > query->size)
        return 0;

    *answer = *query;
    answer->bytes[2] = 0x80 | (query->bytes[2] & 0x79);
    answer->bytes[3] = 0x80;
    memset(answer->bytes + 6, 0, HEADER - 6);
    if (query->bytes[end - 4] == 0 && query->bytes[end - 3] == 1) {
        answer->bytes[7] = 1;
        memcpy(answer->bytes + end, record, sizeof record);
        memcpy(answer->bytes + end + sizeof record, address, 4);
        end += sizeof record + 4;
    }
    return answer->size = end;
}

static void respond(int fd, const struct packet *query, const struct sockaddr_in *client, int lies)
{
    static const unsigned char true_address[4] = {192, 0, 2, 1}, false_address[4] = {198, 51, 100, 66};
    struct packet answer;
    for (int lie = lies ? 3 : 0; lie >= 0; lie--) {
        if (make_answer(&answer, query, lie > 0 ? false_address : true_address) == 0)
            return;
        if (lie == 1)
            answer.bytes[1] ^= 1; /* the id */
        else if (lie == 2)
            answer.bytes[HEADER + 1] ^= 1; /* the question's first letter */
        else if (lie == 3)
            answer.bytes[2] &= 0x7f; /* QR */
        sendto(fd, answer.bytes, answer.size, 0, (const struct sockaddr *)client, sizeof *client);
    }
}

static int listen_anywhere(void)
{
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof local;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&local, size) < 0 ||
        getsockname(fd, (struct sockaddr *)&local, &size) < 0) {
        perror("socket");
        exit(EXIT_FAILURE);
    }
    printf("listening on 127.0.0.1:%d\n", ntohs(local.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    unsigned long every = 1, n_queries = 0;
    int lies = 0, verbose = 0;
    for (int option; (option = getopt(argc, argv, "k:lv")) != -1;) {
        if (option == 'k')
            every = strtoul(optarg, NULL, 10);
        else if (option == 'l')
            lies = 1;
        else if (option == 'v')
            verbose = 1;
        else
            return EXIT_FAILURE;
    }

    /* The signal comes in ppoll alone, so that it is never missed between looking at `stopped` and waiting. */
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    sigdelset(&before, SIGTERM);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = stop}, NULL);

    struct pollfd wait = {.fd = listen_anywhere(), .events = POLLIN};
    while (!stopped) {
        struct packet query;
        struct sockaddr_in client;
        socklen_t client_size = sizeof client;
        if (ppoll(&wait, 1, NULL, &before) <= 0)
            continue;
        ssize_t n = recvfrom(wait.fd, query.bytes, sizeof query.bytes / 2, 0, (struct sockaddr *)&client, &client_size);
        if (n < HEADER)
            continue;
        query.size = (size_t)n;
        n_queries++;
        if (verbose) {
            printf("query %lu id %02x%02x\n", n_queries, query.bytes[0], query.bytes[1]);
            fflush(stdout);
        }
        if (every != 0 && n_queries % every == 0)
            respond(wait.fd, &query, &client, lies);
    }
    close(wait.fd);
    printf("queries %lu\n", n_queries);
    return EXIT_SUCCESS;
}
