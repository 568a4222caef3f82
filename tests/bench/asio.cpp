/* SPDX-License-Identifier: MIT
 *
 * Boost.Asio with C++20 coroutines, on one thread. */
#include "bench.h"

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio.hpp>

namespace asio = boost::asio;
using asio::awaitable;
using asio::use_awaitable;
using asio::ip::udp;
using clock_type = std::chrono::steady_clock;

static unsigned long n_given;

static auto rethrow = [](std::exception_ptr exception) {
    if (exception)
        std::rethrow_exception(exception);
};

/* --- tasks -------------------------------------------------------------------------------------------------------- */

static awaitable<void> yielder(uint64_t n)
{
    auto executor = co_await asio::this_coro::executor;
    while (n-- > 0)
        co_await asio::post(executor, use_awaitable);
}

static void bench_yield()
{
    asio::io_context context(1);
    uint64_t start_ns = bench_now_ns();
    for (unsigned long i = 0; i < n_given; i++)
        asio::co_spawn(context, yielder(BENCH_YIELDS / n_given), rethrow);
    context.run();
    bench_print("ns", double(bench_now_ns() - start_ns) / double(BENCH_YIELDS / n_given * n_given));
}

static awaitable<void> nothing()
{
    co_return;
}

/* What stands for joining: the handler that is called when a task is done, and lets the spawner go on after the last. */
static awaitable<void> spawner()
{
    auto executor = co_await asio::this_coro::executor;
    asio::steady_timer done(executor);
    uint64_t start_ns = bench_now_ns(), n_done = 0;
    for (; n_done < BENCH_SPAWNS; n_done += n_given) {
        unsigned long n_left = n_given;
        done.expires_at(clock_type::time_point::max());
        for (unsigned long i = 0; i < n_given; i++)
            asio::co_spawn(executor, nothing(), [&](std::exception_ptr) {
                if (--n_left == 0)
                    done.cancel();
            });
        boost::system::error_code cancelled;
        co_await done.async_wait(asio::redirect_error(use_awaitable, cancelled));
    }
    bench_print("ns", double(bench_now_ns() - start_ns) / double(n_done));
}

/* One by one, the task itself is awaited. */
static awaitable<void> spawner_one_by_one()
{
    auto executor = co_await asio::this_coro::executor;
    uint64_t start_ns = bench_now_ns();
    for (uint64_t i = 0; i < BENCH_SPAWNS; i++)
        co_await asio::co_spawn(executor, nothing(), use_awaitable);
    bench_print("ns", double(bench_now_ns() - start_ns) / BENCH_SPAWNS);
}

static void bench_spawn()
{
    asio::io_context context(1);
    asio::co_spawn(context, n_given == 1 ? spawner_one_by_one() : spawner(), rethrow);
    context.run();
}

static void bench_spawn_outside()
{
    asio::io_context context;
    auto work = asio::make_work_guard(context);
    std::thread thread([&] { context.run(); });
    sem_t done;
    sem_init(&done, 0, 0);
    uint64_t start_ns = bench_now_ns(), n_done = 0;
    for (; n_done < BENCH_SPAWNS; n_done += n_given) {
        unsigned long n_left = n_given; /* counted down on the thread alone */
        for (unsigned long i = 0; i < n_given; i++)
            asio::co_spawn(context, nothing(), [&](std::exception_ptr) {
                if (--n_left == 0)
                    sem_post(&done);
            });
        sem_wait(&done);
    }
    bench_print("ns", double(bench_now_ns() - start_ns) / double(n_done));
    work.reset();
    thread.join();
}

static void bench_wake()
{
    asio::io_context context;
    auto work = asio::make_work_guard(context);
    std::thread thread([&] { context.run(); });
    sem_t answered;
    sem_init(&answered, 0, 0);
    uint64_t start_ns = bench_now_ns();
    for (uint64_t i = 0; i < BENCH_WAKES; i++) {
        asio::post(context, [&] { sem_post(&answered); });
        sem_wait(&answered);
    }
    bench_print("ns", double(bench_now_ns() - start_ns) / BENCH_WAKES);
    work.reset();
    thread.join();
}

/* --- timers ------------------------------------------------------------------------------------------------------- */

static struct bench_sleeps sleeps;

static awaitable<void> sleeper(uint64_t deadline_ns)
{
    asio::steady_timer timer(co_await asio::this_coro::executor,
                             clock_type::time_point(std::chrono::nanoseconds(deadline_ns)));
    co_await timer.async_wait(use_awaitable);
    bench_sleeps_woken(&sleeps, deadline_ns);
}

static void bench_sleep()
{
    asio::io_context context(1);
    sleeps = bench_sleeps_begin(n_given);
    for (unsigned long i = 0; i < n_given; i++)
        asio::co_spawn(context, sleeper(bench_sleeps_deadline_ns(&sleeps)), rethrow);
    context.poll();
    bench_sleeps_stand(&sleeps);
    context.run();
    bench_sleeps_end(&sleeps);
}

static void bench_churn()
{
    asio::io_context context(1);
    std::vector<std::unique_ptr<asio::steady_timer>> others;
    for (unsigned long i = 0; i < n_given; i++) {
        auto deadline = clock_type::now() + std::chrono::minutes(1) + std::chrono::nanoseconds(i);
        others.push_back(std::make_unique<asio::steady_timer>(context, deadline));
        others.back()->async_wait([](boost::system::error_code) {});
    }
    uint64_t start_ns = bench_now_ns();
    for (uint64_t i = 0; i < BENCH_CHURNS; i++) {
        asio::steady_timer timer(context, std::chrono::seconds(1));
        timer.async_wait([](boost::system::error_code) {});
        timer.cancel();
        context.poll_one(); /* the handler is told */
    }
    bench_print("ns", double(bench_now_ns() - start_ns) / BENCH_CHURNS);
}

/* --- datagrams ---------------------------------------------------------------------------------------------------- */

static udp::endpoint endpoint_of(const sockaddr_in &address)
{
    return udp::endpoint(asio::ip::address_v4(ntohl(address.sin_addr.s_addr)), ntohs(address.sin_port));
}

static awaitable<void> pinger(asio::io_context &context, udp::socket socket, udp::endpoint to)
{
    char buf[BENCH_PAYLOAD] = "";
    udp::endpoint from;
    uint64_t start_ns = bench_now_ns();
    for (uint64_t i = 0; i < BENCH_PINGS; i++) {
        co_await socket.async_send_to(asio::buffer(buf), to, use_awaitable);
        co_await socket.async_receive_from(asio::buffer(buf), from, use_awaitable);
    }
    bench_print("ns", double(bench_now_ns() - start_ns) / BENCH_PINGS);
    context.stop();
}

static awaitable<void> echo(udp::socket socket, bench_count *count)
{
    char buf[BENCH_PAYLOAD];
    udp::endpoint from;
    for (;;) {
        size_t n = co_await socket.async_receive_from(asio::buffer(buf), from, use_awaitable);
        co_await socket.async_send_to(asio::buffer(buf, n), from, use_awaitable);
        if (count != nullptr && bench_counted(count, 1, BENCH_ECHOES))
            exit(EXIT_SUCCESS);
    }
}

static udp::socket open_socket(asio::io_context &context, sockaddr_in &address)
{
    return udp::socket(context, udp::v4(), bench_socket(&address));
}

static void bench_ping()
{
    asio::io_context context(1);
    sockaddr_in address, other;
    asio::co_spawn(context, echo(open_socket(context, address), nullptr), rethrow);
    asio::co_spawn(context, pinger(context, open_socket(context, other), endpoint_of(address)), rethrow);
    context.run();
}

static void bench_ping_process()
{
    sockaddr_in address = bench_echo_server(), own;
    asio::io_context context(1);
    asio::co_spawn(context, pinger(context, open_socket(context, own), endpoint_of(address)), rethrow);
    context.run();
}

static void bench_flood_single()
{
    std::vector<sockaddr_in> addresses(n_given);
    std::vector<int> fds(n_given);
    bench_count count = {};
    for (unsigned long i = 0; i < n_given; i++)
        fds[i] = bench_socket(&addresses[i]);
    bench_flood(addresses.data(), n_given);
    asio::io_context context(1);
    for (unsigned long i = 0; i < n_given; i++)
        asio::co_spawn(context, echo(udp::socket(context, udp::v4(), fds[i]), &count), rethrow);
    context.run();
}

static awaitable<void> bulk_sender(udp::socket socket, udp::endpoint to)
{
    static char buf[BENCH_BULK_BYTES];
    auto executor = co_await asio::this_coro::executor;
    for (;;) {
        for (int i = 0; i < 64; i++)
            socket.send_to(asio::buffer(buf), to);
        co_await asio::post(executor, use_awaitable);
    }
}

static awaitable<void> bulk_receiver(udp::socket socket)
{
    static char buf[BENCH_BULK_BYTES];
    udp::endpoint from;
    bench_count count = {};
    socket.non_blocking(true);
    for (;;) {
        co_await socket.async_wait(udp::socket::wait_read, use_awaitable);
        boost::system::error_code error;
        for (int i = 0; i < 64; i++) {
            socket.receive_from(asio::buffer(buf), from, 0, error);
            if (error)
                break;
            if (bench_counted(&count, 1, BENCH_BULK))
                exit(EXIT_SUCCESS);
        }
    }
}

static void bench_bulk()
{
    asio::io_context context(1);
    sockaddr_in address, other;
    asio::co_spawn(context, bulk_receiver(open_socket(context, address)), rethrow);
    asio::co_spawn(context, bulk_sender(open_socket(context, other), endpoint_of(address)), rethrow);
    context.run();
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

static char idle_buffer[BENCH_PAYLOAD];

static awaitable<void> idler(udp::socket socket)
{
    udp::endpoint from;
    co_await socket.async_receive_from(asio::buffer(idle_buffer), from, use_awaitable);
}

static void bench_idle()
{
    asio::io_context context(1);
    uint64_t before = bench_resident_bytes();
    for (unsigned long i = 0; i < n_given; i++) {
        sockaddr_in address;
        asio::co_spawn(context, idler(open_socket(context, address)), rethrow);
    }
    context.poll();
    bench_print("bytes", double(bench_resident_bytes() - before) / double(n_given));
    exit(EXIT_SUCCESS);
}

static void bench_start()
{
    asio::io_context context(1);
    asio::co_spawn(context, nothing(), rethrow);
    context.run();
}

int main(int argc, char **argv)
{
    static const struct {
        std::string name;
        void (*run)();
    } workloads[] = {
        {"yield", bench_yield},
        {"spawn", bench_spawn},
        {"spawn_outside", bench_spawn_outside},
        {"wake", bench_wake},
        {"sleep", bench_sleep},
        {"churn", bench_churn},
        {"ping", bench_ping},
        {"ping_process", bench_ping_process},
        {"flood", bench_flood_single},
        {"bulk", bench_bulk},
        {"idle", bench_idle},
        {"start", bench_start},
    };
    n_given = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    bench_raise_fd_limit();
    for (const auto &workload : workloads) {
        if (argc > 1 && workload.name == argv[1]) {
            workload.run();
            return EXIT_SUCCESS;
        }
    }
    return BENCH_ABSENT;
}
