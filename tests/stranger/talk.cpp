/* SPDX-License-Identifier: MIT
 *
 * A program in C++: futures that are written by hand, fibers, a scope, a channel, datagrams and a function that blocks,
 * and the driver lines.cpp. Each part prints a line.
 */
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>

#include <trale/blocking.h>
#include <trale/fiber.h>
#include <trale/scope.h>
#include <trale/sync.h>
#include <trale/timer.h>
#include <trale/trale.h>
#include <trale/udp.h>
#include <trale/udp_info.h>
#include <trale/udp_socket.h>

#include "lines.h"

namespace
{

/* --- a future by hand: reads lines to the end, and resolves to their total length ---------------------------------- */

struct reader {
    struct trale_future future;
    struct lines_source *source;
    struct lines_next next;
    char line[80];
    int64_t total;
    unsigned *n_dropped;
};

int64_t reader_poll(struct trale_future *future, struct trale_context *context)
{
    auto *self = reinterpret_cast<reader *>(future);
    for (;;) {
        if (future->awaiting == nullptr)
            future->awaiting = lines_next(&self->next, self->source, self->line, sizeof self->line);
        int64_t length = trale_future_await(future->awaiting, context);
        if (length == TRALE_PENDING)
            return TRALE_PENDING;
        future->awaiting = nullptr;
        if (length < 0)
            return length == -ENODATA ? self->total : length;
        printf("line: %.*s\n", static_cast<int>(length), self->line);
        self->total += length;
    }
}

void reader_drop(struct trale_future *future)
{
    ++*reinterpret_cast<reader *>(future)->n_dropped;
}

constexpr struct trale_future_type reader_type = {sizeof reader_type, TRALE_ABI, "reader", reader_poll, reader_drop};

reader reader_of(struct lines_source *source, unsigned *n_dropped)
{
    reader frame = {};
    trale_future_init(&frame.future, &reader_type);
    frame.source = source;
    frame.n_dropped = n_dropped;
    return frame;
}

/* --- memory that is out -------------------------------------------------------------------------------------------- */

thread_local bool memory_is_out;

} // namespace

/* Not inlined: gcc would take free(3) for a mismatch with operator new. */
__attribute__((noinline)) void *operator new(std::size_t size, const std::nothrow_t &) noexcept
{
    return memory_is_out ? nullptr : std::malloc(size);
}

__attribute__((noinline)) void *operator new(std::size_t size)
{
    void *memory = operator new(size, std::nothrow);
    if (memory == nullptr)
        throw std::bad_alloc();
    return memory;
}

__attribute__((noinline)) void operator delete(void *memory) noexcept
{
    std::free(memory);
}

__attribute__((noinline)) void operator delete(void *memory, std::size_t) noexcept
{
    std::free(memory);
}

namespace
{

/* --- lines from a pipe ---------------------------------------------------------------------------------------------- */

struct pipe_ends {
    int read, write;
};

int64_t write_lines(void *data)
{
    auto *ends = static_cast<pipe_ends *>(data);
    struct trale_sleep sleep;
    for (const std::string text : {"one\ntw", "o\n", "three"}) {
        if (write(ends->write, text.data(), text.size()) < 0)
            return -errno;
        trale_fiber_await(trale_sleep(&sleep, TRALE_MILLISECOND));
    }
    return close(ends->write);
}

int64_t read_lines(void *data)
{
    auto *ends = static_cast<pipe_ends *>(data);
    struct trale *runtime = trale_current();
    unsigned n_dropped = 0;
    struct lines_source *source;
    int r = lines_open(runtime, ends->read, &source);
    if (r < 0)
        return r;

    /* Nothing is written yet: the sleep wins the race, and the reader is dropped. */
    TRALE_BRANCHES(2) race;
    struct trale_sleep sleep;
    reader early = reader_of(source, &n_dropped);
    int64_t winner = trale_fiber_await(trale_race_of(&race, &early.future, trale_sleep(&sleep, TRALE_MILLISECOND)));
    printf("winner: %" PRId64 ", dropped: %u\n", winner, n_dropped);

    /* Memory is out when a line comes, which the next future gets then. */
    struct lines_next next;
    struct trale_timeout timeout;
    char line[80];
    const std::string text = "a line that does not fit into a short std::string\n";
    if (write(ends->write, text.data(), text.size()) < 0)
        return -errno;
    memory_is_out = true;
    int64_t refused = trale_fiber_await(lines_next(&next, source, line, sizeof line));
    memory_is_out = false;
    int64_t length = trale_fiber_await(
        trale_timeout(&timeout, lines_next(&next, source, line, sizeof line), 10 * TRALE_SECOND));
    printf("memory is out: %s, then: %" PRId64 "\n", refused == -ENOMEM ? "-ENOMEM" : "no error", length);

    trale_detach(trale_fiber_spawn(runtime, write_lines, ends));
    struct trale_join_future joined;
    int64_t total = trale_fiber_await(trale_join_future(&joined, trale_spawn(runtime, reader_of(source, &n_dropped))));
    lines_close(source);
    return total;
}

/* --- a scope: children that are futures by hand and fibers ----------------------------------------------------------- */

unsigned n_children_dropped;

struct child {
    struct trale_future future;
    struct trale_sleep sleep;
    uint64_t ms;
    int64_t result;
};

int64_t child_poll(struct trale_future *future, struct trale_context *context)
{
    auto *self = reinterpret_cast<child *>(future);
    if (future->awaiting == nullptr)
        future->awaiting = trale_sleep(&self->sleep, self->ms * TRALE_MILLISECOND);
    int64_t slept = trale_future_await(future->awaiting, context);
    if (slept != TRALE_PENDING)
        future->awaiting = nullptr;
    return slept == 0 ? self->result : slept;
}

void child_drop(struct trale_future *)
{
    n_children_dropped++;
}

constexpr struct trale_future_type child_type = {sizeof child_type, TRALE_ABI, "child", child_poll, child_drop};

int64_t fiber_child(void *)
{
    struct trale_sleep sleep;
    return trale_fiber_await(trale_sleep(&sleep, 3600 * TRALE_SECOND));
}

int64_t start_children(void *data)
{
    auto *scope = static_cast<struct trale_scope *>(data);
    child frame = {};
    trale_future_init(&frame.future, &child_type);
    frame.ms = 3600 * 1000;
    int r = trale_scope_spawn(scope, frame);
    if (r == 0)
        r = trale_scope_spawn_fiber(scope, fiber_child, nullptr);
    frame.ms = 1;
    frame.result = -EDOM;
    return r == 0 ? trale_scope_spawn(scope, frame) : r;
}

int64_t run_scope(void *)
{
    struct trale_scope scope;
    struct trale_fiber body;
    return trale_fiber_await(trale_scope(&scope, trale_fiber(&body, start_children, &scope)));
}

/* --- a channel that another thread fills ------------------------------------------------------------------------------ */

int numbers_buffer[2];
struct trale_channel numbers = TRALE_CHANNEL(numbers_buffer);
struct trale_mutex mutex = TRALE_MUTEX;
struct trale_notify notify = TRALE_NOTIFY;
struct trale_oneshot oneshot = TRALE_ONESHOT;

int64_t sum_numbers(void *)
{
    struct trale_channel_recv recv;
    struct trale_mutex_lock lock;
    struct trale_notify_wait wait;
    struct trale_oneshot_wait value;
    int64_t sum = trale_fiber_await(trale_mutex_lock(&lock, &mutex));
    int number;
    while (trale_fiber_await(trale_channel_recv(&recv, &numbers, &number)) == 1)
        sum += number;
    trale_mutex_unlock(&mutex);
    sum += trale_fiber_await(trale_notify_wait(&wait, &notify));
    return sum + trale_fiber_await(trale_oneshot_wait(&value, &oneshot));
}

int64_t send_numbers(struct trale *runtime)
{
    for (int number = 1; number <= 10; number++) {
        struct trale_channel_send send;
        int64_t r = trale_block_on(runtime, trale_channel_send(&send, &numbers, &number));
        if (r < 0)
            return r;
    }
    trale_channel_close(&numbers);
    trale_notify_one(&notify);
    return trale_oneshot_send(&oneshot, 100);
}

/* --- datagrams ---------------------------------------------------------------------------------------------------------- */

int64_t ping(void *)
{
    struct trale_udp_socket *socket = nullptr;
    struct trale_address local;
    struct trale_udp_send send;
    struct trale_udp_recv recv;
    struct trale_udp_batch batch;
    struct trale_timeout timeout;
    char buf[16];
    int r = trale_udp_open(trale_current(), "127.0.0.1:0", 0, &socket);
    if (r < 0)
        return r;
    trale_udp_local(socket, &local);
    int64_t n = trale_fiber_await(trale_udp_send_to(&send, socket, "ping", 4, &local));
    if (n == 4)
        n = trale_fiber_await(
            trale_timeout(&timeout, trale_udp_recv_from(&recv, socket, buf, sizeof buf), 10 * TRALE_SECOND));
    if (n == 4 && trale_address_equal(&recv.from, &local)) {
        struct trale_datagram datagram = {};
        struct trale_udp_info info = {};
        datagram.buf = buf;
        datagram.size = sizeof buf;
        datagram.info = &info;
        trale_udp_set(socket, TRALE_UDP_INFO, TRALE_UDP_INFO_LOCAL);
        n = trale_udp_try_send_to(&send, socket, "pong!", 5, &local);
        if (n == 5 && trale_fiber_await(trale_udp_recv_batch(&batch, socket, &datagram, 1)) == 1)
            n = info.have == TRALE_UDP_INFO_LOCAL ? static_cast<int64_t>(datagram.length) : -ENOMSG;
    }
    trale_udp_close(socket);
    return n;
}

/* --- a function that blocks ----------------------------------------------------------------------------------------------- */

int64_t measure(void *data)
{
    return static_cast<int64_t>(static_cast<std::string *>(data)->size());
}

void release(void *data)
{
    delete static_cast<std::string *>(data);
}

int64_t block(void *)
{
    struct trale_blocking work;
    int64_t length = trale_fiber_await(trale_blocking(&work, measure, new std::string("on another thread"), release));
    release(work.data);
    return length;
}

/* --- an exception within a fiber ------------------------------------------------------------------------------------------ */

struct guard {
    int &n_left;
    ~guard()
    {
        n_left++;
    }
};

void nap_and_throw(int &n_left)
{
    guard guard{n_left};
    struct trale_sleep sleep;
    trale_fiber_await(trale_sleep(&sleep, TRALE_MILLISECOND));
    throw std::runtime_error("thrown");
}

int64_t catch_it(void *)
{
    int n_left = 0;
    try {
        nap_and_throw(n_left);
    } catch (const std::runtime_error &error) {
        return static_cast<int64_t>(std::string(error.what()).size()) + 100 * n_left;
    }
    return -ENOMSG;
}

int64_t catch_two(void *)
{
    struct trale *runtime = trale_current();
    struct trale_task *other = trale_fiber_spawn(runtime, catch_it, nullptr);
    struct trale_join_future joined;
    int64_t own = catch_it(nullptr);
    return own + trale_fiber_await(trale_join_future(&joined, other));
}

} // namespace

int main()
{
    struct trale *runtime;
    struct trale_options options = {};
    int r = trale_open(&runtime, &options);
    if (r < 0)
        return trale_perror("trale_open", r);

    pipe_ends ends;
    if (pipe2(&ends.read, O_CLOEXEC) < 0)
        return trale_perror("pipe2", -errno);
    printf("lines: %" PRId64 "\n", trale_join(trale_fiber_spawn(runtime, read_lines, &ends)));

    printf("scope: %" PRId64 ", dropped: ", trale_join(trale_fiber_spawn(runtime, run_scope, nullptr)));
    printf("%u\n", n_children_dropped);

    struct trale_task *sum = trale_fiber_spawn(runtime, sum_numbers, nullptr);
    int64_t sent = -1;
    std::thread sender([&] { sent = send_numbers(runtime); });
    sender.join();
    printf("sent: %" PRId64 ", sum: ", sent);
    printf("%" PRId64 "\n", trale_join(sum));

    printf("ping: %" PRId64 "\n", trale_join(trale_fiber_spawn(runtime, ping, nullptr)));
    printf("blocking: %" PRId64 "\n", trale_join(trale_fiber_spawn(runtime, block, nullptr)));

    printf("caught: %" PRId64 "\n", trale_join(trale_fiber_spawn(runtime, catch_two, nullptr)));

    struct trale_stats stats;
    r = trale_stats(runtime, &stats);
    printf("tasks left: %d\n", r == 0 ? static_cast<int>(stats.n_tasks) : r);
    return -trale_close(runtime);
}
