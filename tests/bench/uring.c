/* SPDX-License-Identifier: MIT
 *
 * Another limit: io_uring, by hand, for the workloads that are system calls. raw.c waits until an fd is ready and then
 * makes the call; this submits the operation and waits until it is done. */
#include "bench.h"

#include <liburing.h>
#include <stdbool.h>

static struct io_uring ring;
static unsigned long n_given;

/* With what newer kernels can do to spare interrupts, if this is one. */
static void ring_open(unsigned n_entries, unsigned n_completions)
{
    struct io_uring_params params = {.flags = IORING_SETUP_CQSIZE | IORING_SETUP_COOP_TASKRUN |
                                              IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
                                     .cq_entries = n_completions};
    if (io_uring_queue_init_params(n_entries, &ring, &params) == 0)
        return;
    params = (struct io_uring_params){.flags = IORING_SETUP_CQSIZE, .cq_entries = n_completions};
    if (io_uring_queue_init_params(n_entries, &ring, &params) < 0)
        exit(BENCH_ABSENT); /* containers often forbid it */
}

static struct io_uring_sqe *next_sqe(void)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
    if (sqe != NULL)
        return sqe;
    if (io_uring_submit(&ring) < 0)
        bench_die("io_uring_submit");
    return io_uring_get_sqe(&ring);
}

/* --- round trips: a send and the receive of the answer go in together --------------------------------------------- */

struct message {
    struct msghdr header;
    struct iovec vector;
    struct sockaddr_in address;
    char bytes[BENCH_PAYLOAD];
};

static void message_init(struct message *message)
{
    *message = (struct message){.vector = {message->bytes, sizeof message->bytes}};
    message->header = (struct msghdr){.msg_name = &message->address,
                                      .msg_namelen = sizeof message->address,
                                      .msg_iov = &message->vector,
                                      .msg_iovlen = 1};
}

/* Sends from one socket, and waits until both that is done and the other socket has received. */
static void send_and_receive(int from, struct message *out, int to, struct message *in)
{
    struct io_uring_cqe *cqe;
    io_uring_prep_recvmsg(next_sqe(), to, &in->header, 0);
    io_uring_prep_sendmsg(next_sqe(), from, &out->header, 0);
    if (io_uring_submit_and_wait(&ring, 2) < 0)
        bench_die("io_uring_submit_and_wait");
    for (int i = 0; i < 2; i++) {
        if (io_uring_wait_cqe(&ring, &cqe) < 0 || cqe->res < 0)
            bench_die("a datagram");
        io_uring_cqe_seen(&ring, cqe);
    }
}

static void bench_ping(void)
{
    struct message out, in;
    struct sockaddr_in address, other;
    int fd = bench_socket(&address), other_fd = bench_socket(&other);
    message_init(&out);
    message_init(&in);
    ring_open(8, 16);
    uint64_t start_ns = bench_now_ns();
    for (uint64_t i = 0; i < BENCH_PINGS; i++) {
        out.address = other;
        send_and_receive(fd, &out, other_fd, &in);
        send_and_receive(other_fd, &in, fd, &out);
    }
    bench_print("ns", (double)(bench_now_ns() - start_ns) / BENCH_PINGS);
}

static void bench_ping_process(void)
{
    struct message out, in;
    struct sockaddr_in address, server = bench_echo_server();
    int fd = bench_socket(&address);
    message_init(&out);
    message_init(&in);
    out.address = server;
    ring_open(8, 16);
    uint64_t start_ns = bench_now_ns();
    for (uint64_t i = 0; i < BENCH_PINGS; i++)
        send_and_receive(fd, &out, fd, &in);
    bench_print("ns", (double)(bench_now_ns() - start_ns) / BENCH_PINGS);
}

/* --- floods: a receive that goes on and on, into buffers that are lent to the kernel ------------------------------ */

enum { N_BUFFERS = 1024, GROUP = 0 };
struct buffer {
    char received[sizeof(struct io_uring_recvmsg_out) + sizeof(struct sockaddr_in) + BENCH_PAYLOAD];
    struct msghdr header;
    struct iovec vector;
};
static struct buffer buffers[N_BUFFERS];
static struct io_uring_buf_ring *lent;
static struct msghdr layout = {.msg_namelen = sizeof(struct sockaddr_in)};

/* What a completion belongs to, in its data: a buffer that was sent, or, above those, a socket that receives. */
static void receive_on(int fd)
{
    struct io_uring_sqe *sqe = next_sqe();
    io_uring_prep_recvmsg_multishot(sqe, fd, &layout, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = GROUP;
    io_uring_sqe_set_data64(sqe, (uint64_t)fd + N_BUFFERS);
}

static void lend(unsigned index)
{
    io_uring_buf_ring_add(lent, buffers[index].received, sizeof buffers[index].received, (unsigned short)index,
                          io_uring_buf_ring_mask(N_BUFFERS), 0);
    io_uring_buf_ring_advance(lent, 1);
}

static void echo(int fd, struct io_uring_cqe *cqe)
{
    unsigned index = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
    struct buffer *buffer = &buffers[index];
    struct io_uring_recvmsg_out *out = io_uring_recvmsg_validate(buffer->received, cqe->res, &layout);
    if (out == NULL)
        bench_die("recvmsg");
    buffer->vector = (struct iovec){io_uring_recvmsg_payload(out, &layout),
                                    io_uring_recvmsg_payload_length(out, cqe->res, &layout)};
    buffer->header = (struct msghdr){.msg_name = io_uring_recvmsg_name(out),
                                     .msg_namelen = layout.msg_namelen,
                                     .msg_iov = &buffer->vector,
                                     .msg_iovlen = 1};
    struct io_uring_sqe *sqe = next_sqe();
    io_uring_prep_sendmsg(sqe, fd, &buffer->header, 0);
    io_uring_sqe_set_data64(sqe, index);
}

/* True when all is done. */
static bool flood_completed(struct io_uring_cqe *cqe, struct bench_count *count)
{
    uint64_t data = io_uring_cqe_get_data64(cqe);
    if (data < N_BUFFERS) {
        lend((unsigned)data);
        return bench_counted(count, 1, BENCH_ECHOES);
    }
    int fd = (int)(data - N_BUFFERS);
    if (cqe->res >= 0)
        echo(fd, cqe);
    else if (cqe->res != -ENOBUFS)
        bench_die("recvmsg");
    if ((cqe->flags & IORING_CQE_F_MORE) == 0)
        receive_on(fd);
    return false;
}

static void bench_flood_all(void)
{
    struct sockaddr_in *addresses = calloc(n_given, sizeof *addresses);
    int *fds = calloc(n_given, sizeof *fds);
    struct bench_count count = {0};
    for (unsigned long i = 0; i < n_given; i++)
        fds[i] = bench_socket(&addresses[i]);
    bench_flood(addresses, n_given);
    ring_open(1024, 8192);
    if (posix_memalign((void **)&lent, 4096, N_BUFFERS * sizeof(struct io_uring_buf)) != 0)
        bench_die("posix_memalign");
    struct io_uring_buf_reg registration = {
        .ring_addr = (uint64_t)(uintptr_t)lent, .ring_entries = N_BUFFERS, .bgid = GROUP};
    if (io_uring_register_buf_ring(&ring, &registration, 0) < 0)
        exit(BENCH_ABSENT);
    io_uring_buf_ring_init(lent);
    for (unsigned i = 0; i < N_BUFFERS; i++)
        lend(i);
    for (unsigned long i = 0; i < n_given; i++)
        receive_on(fds[i]);
    for (;;) {
        struct io_uring_cqe *cqe;
        unsigned head, n = 0;
        bool done = false;
        if (io_uring_submit_and_wait(&ring, 1) < 0)
            bench_die("io_uring_submit_and_wait");
        io_uring_for_each_cqe(&ring, head, cqe)
        {
            done = done || flood_completed(cqe, &count);
            n++;
        }
        io_uring_cq_advance(&ring, n);
        if (done)
            return;
    }
}

/* --- timers: one of the kernel's for each ------------------------------------------------------------------------- */

static struct __kernel_timespec timespec_of(uint64_t ns)
{
    return (struct __kernel_timespec){.tv_sec = (int64_t)(ns / 1000000000u), .tv_nsec = (long long)(ns % 1000000000u)};
}

static void bench_sleep(void)
{
    ring_open(4096, 65536);
    struct bench_sleeps sleeps = bench_sleeps_begin(n_given);
    struct __kernel_timespec time;
    for (unsigned long i = 0; i < n_given; i++) {
        uint64_t deadline_ns = bench_sleeps_deadline_ns(&sleeps);
        struct io_uring_sqe *sqe = next_sqe();
        time = timespec_of(deadline_ns);
        io_uring_prep_timeout(sqe, &time, 0, IORING_TIMEOUT_ABS);
        io_uring_sqe_set_data64(sqe, deadline_ns);
        if (io_uring_submit(&ring) < 0) /* reads the time */
            bench_die("io_uring_submit");
    }
    bench_sleeps_stand(&sleeps);
    while (sleeps.n_woken < n_given) {
        struct io_uring_cqe *cqe;
        unsigned head, n = 0;
        if (io_uring_submit_and_wait(&ring, 1) < 0)
            bench_die("io_uring_submit_and_wait");
        io_uring_for_each_cqe(&ring, head, cqe)
        {
            bench_sleeps_woken(&sleeps, io_uring_cqe_get_data64(cqe));
            n++;
        }
        io_uring_cq_advance(&ring, n);
    }
    bench_sleeps_end(&sleeps);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } workloads[] = {
        {"sleep", bench_sleep},
        {"ping", bench_ping},
        {"ping_process", bench_ping_process},
        {"flood", bench_flood_all},
        {"flood_batch", bench_flood_all},
    };
    n_given = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    bench_raise_fd_limit();
    for (size_t i = 0; argc > 1 && i < sizeof workloads / sizeof workloads[0]; i++) {
        if (strcmp(argv[1], workloads[i].name) == 0) {
            workloads[i].run();
            return EXIT_SUCCESS;
        }
    }
    return BENCH_ABSENT;
}
