/* SPDX-License-Identifier: MIT
 *
 * Boost.Asio with C++20 coroutines, on one thread; as ../asio.cpp. */
#include "stream.h"

#include <utility>
#include <vector>

#include <boost/asio.hpp>

namespace asio = boost::asio;
using asio::ip::tcp;
using executor_type = asio::io_context::executor_type;
using task = asio::awaitable<void, executor_type>;
using socket_type = asio::basic_stream_socket<tcp, executor_type>;

static constexpr asio::use_awaitable_t<executor_type> use_awaitable;
static struct bench_count count;
static uint64_t n_pings, start_ns;

static auto rethrow = [](std::exception_ptr exception) {
    if (exception)
        std::rethrow_exception(exception);
};

static socket_type adopt(asio::io_context &context, int fd)
{
    socket_type socket(context, tcp::v4(), fd);
    socket.non_blocking(true);
    return socket;
}

/* Bytes go out at once, nearly always: they are awaited only if the socket has no room. Returns how many have gone. */
static size_t sent_at_once(socket_type &socket, asio::const_buffer bytes)
{
    boost::system::error_code error;
    size_t n = socket.write_some(bytes, error);
    if (error && error != asio::error::would_block)
        throw boost::system::system_error(error);
    return n;
}

static task echo(socket_type socket, bool counts)
{
    char buf[BENCH_STREAM_ROOM];
    for (;;) {
        size_t n = co_await socket.async_read_some(asio::buffer(buf), use_awaitable);
        size_t sent = sent_at_once(socket, asio::buffer(buf, n));
        if (sent < n)
            co_await asio::async_write(socket, asio::buffer(buf + sent, n - sent), use_awaitable);
        if (counts && bench_counted(&count, 1, BENCH_STREAM_PINGS))
            exit(EXIT_SUCCESS);
    }
}

static task pinger(socket_type socket)
{
    char buf[BENCH_STREAM_ROOM] = "";
    for (;;) {
        size_t sent = sent_at_once(socket, asio::buffer(buf, BENCH_PAYLOAD));
        if (sent < BENCH_PAYLOAD)
            co_await asio::async_write(socket, asio::buffer(buf + sent, BENCH_PAYLOAD - sent), use_awaitable);
        for (size_t n = 0; n < BENCH_PAYLOAD;)
            n += co_await socket.async_read_some(asio::buffer(buf + n, sizeof buf - n), use_awaitable);
        if (bench_stream_pinged(&n_pings, start_ns))
            exit(EXIT_SUCCESS);
    }
}

static void bench_ping(size_t n)
{
    std::vector<int> near(n), far(n);
    bench_stream_pairs(near.data(), far.data(), n);
    asio::io_context context(1);
    for (size_t i = 0; i < n; i++) {
        asio::co_spawn(context, echo(adopt(context, far[i]), false), rethrow);
        asio::co_spawn(context, pinger(adopt(context, near[i])), rethrow);
    }
    start_ns = bench_now_ns();
    context.run();
}

static void bench_echo(size_t n)
{
    std::vector<int> fds(n);
    bench_stream_clients(fds.data(), n);
    asio::io_context context(1);
    for (int fd : fds)
        asio::co_spawn(context, echo(adopt(context, fd), true), rethrow);
    context.run();
}

static char block[BENCH_STREAM_BLOCK];

static task sender(socket_type socket)
{
    for (;;) {
        size_t n = sent_at_once(socket, asio::buffer(block));
        if (n < sizeof block)
            co_await asio::async_write(socket, asio::buffer(block + n, sizeof block - n), use_awaitable);
        if (bench_stream_counted(&count, sizeof block))
            exit(EXIT_SUCCESS);
    }
}

static void bench_send(size_t)
{
    int fd = bench_stream_process(0);
    asio::io_context context(1);
    asio::co_spawn(context, sender(adopt(context, fd)), rethrow);
    context.run();
}

static task receiver(socket_type socket)
{
    for (;;) {
        size_t n = co_await socket.async_read_some(asio::buffer(block), use_awaitable);
        if (bench_stream_counted(&count, n))
            exit(EXIT_SUCCESS);
    }
}

static void bench_recv(size_t)
{
    int fd = bench_stream_process(1);
    asio::io_context context(1);
    asio::co_spawn(context, receiver(adopt(context, fd)), rethrow);
    context.run();
}

int main(int argc, char **argv)
{
    return bench_stream_main(argc, argv, bench_ping, bench_echo, bench_send, bench_recv);
}
