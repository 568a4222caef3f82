/* SPDX-License-Identifier: MIT
 *
 * Boost.Asio with C++20 coroutines, on one thread. The executor's type is spelled out everywhere: any_io_executor, which
 * the library's short names mean, would sometimes cost an indirect call and an allocation. */
#include "bench.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio.hpp>

namespace asio = boost::asio;
using asio::ip::udp;
using clock_type = std::chrono::steady_clock;
using executor_type = asio::io_context::executor_type;
using task = asio::awaitable<void, executor_type>;
using timer_type = asio::basic_waitable_timer<clock_type, asio::wait_traits<clock_type>, executor_type>;
using socket_type = asio::basic_datagram_socket<udp, executor_type>;

static constexpr asio::use_awaitable_t<executor_type> use_awaitable;
static unsigned long n_given;

static auto rethrow = [](std::exception_ptr exception) {
    if (exception)
        std::rethrow_exception(exception);
};

/* --- tasks -------------------------------------------------------------------------------------------------------- */

static task yielder(uint64_t n)
{
    while (n-- > 0)
        co_await asio::post(use_awaitable);
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

static task nothing()
{
    co_return;
}

/* What one task of the loop waits for; to be rung in the loop's thread, when it waits. */
class bell
{
  public:
    task wait()
    {
        return asio::async_initiate<decltype(use_awaitable), void()>(
            [this](handler_type handler) { waiting.emplace(std::move(handler)); }, use_awaitable);
    }

    void ring()
    {
        handler_type handler = std::move(*waiting);
        waiting.reset();
        std::move(handler)();
    }

  private:
    using handler_type = asio::async_result<asio::use_awaitable_t<executor_type>, void()>::handler_type;
    std::optional<handler_type> waiting;
};

/* In place of joining: the handler that is called when a task is done; the last one lets the spawner go on. */
static task spawner()
{
    auto executor = co_await asio::this_coro::executor;
    bell done;
    uint64_t start_ns = bench_now_ns(), n_done = 0;
    for (; n_done < BENCH_SPAWNS; n_done += n_given) {
        unsigned long n_left = n_given;
        for (unsigned long i = 0; i < n_given; i++)
            asio::co_spawn(executor, nothing(), [&](std::exception_ptr) {
                if (--n_left == 0)
                    done.ring();
            });
        co_await done.wait();
    }
    bench_print("ns", double(bench_now_ns() - start_ns) / double(n_done));
}

/* One by one, the task itself is awaited. */
static task spawner_one_by_one()
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
    asio::io_context context(1);
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

static task waked(bell &rung, sem_t &answered)
{
    for (;;) {
        co_await rung.wait();
        sem_post(&answered);
    }
}

/* What is posted runs in the loop's thread, where the task waits again by then. */
static void bench_wake()
{
    asio::io_context context(1);
    bell rung;
    sem_t answered;
    sem_init(&answered, 0, 0);
    asio::co_spawn(context, waked(rung, answered), rethrow);
    context.poll();
    auto work = asio::make_work_guard(context);
    std::thread thread([&] { context.run(); });
    uint64_t start_ns = bench_now_ns();
    for (uint64_t i = 0; i < BENCH_WAKES; i++) {
        asio::post(context, [&] { rung.ring(); });
        sem_wait(&answered);
    }
    bench_print("ns", double(bench_now_ns() - start_ns) / BENCH_WAKES);
    work.reset();
    context.stop();
    thread.join();
}

/* --- timers ------------------------------------------------------------------------------------------------------- */

static struct bench_sleeps sleeps;

template <typename Timer> static task sleeper(uint64_t deadline_ns)
{
    Timer timer(co_await asio::this_coro::executor, clock_type::time_point(std::chrono::nanoseconds(deadline_ns)));
    co_await timer.async_wait(use_awaitable);
    bench_sleeps_woken(&sleeps, deadline_ns);
}

template <typename Timer> static void sleep_with()
{
    asio::io_context context(1);
    sleeps = bench_sleeps_begin(n_given);
    for (unsigned long i = 0; i < n_given; i++)
        asio::co_spawn(context, sleeper<Timer>(bench_sleeps_deadline_ns(&sleeps)), rethrow);
    context.poll();
    bench_sleeps_stand(&sleeps);
    context.run();
    bench_sleeps_end(&sleeps);
}

static void bench_sleep()
{
    sleep_with<timer_type>();
}

/* How long the reactor waits is for the timer's traits to say. */
struct traits_with_slack {
    static clock_type::duration to_wait_duration(const clock_type::duration &duration)
    {
        return duration + std::chrono::milliseconds(1);
    }

    static clock_type::duration to_wait_duration(const clock_type::time_point &time)
    {
        return to_wait_duration(time - clock_type::now());
    }
};

static void bench_sleep_slack()
{
    sleep_with<asio::basic_waitable_timer<clock_type, traits_with_slack, executor_type>>();
}

/* A timer that was cancelled tells its handler, from the loop; every 64 timers that is let happen. */
static task churn(asio::io_context &context)
{
    uint64_t start_ns = bench_now_ns(), n_told = 0;
    for (uint64_t i = 0; i < BENCH_CHURNS; i++) {
        timer_type timer(context, std::chrono::seconds(1));
        timer.async_wait([&](boost::system::error_code error) { n_told += error == asio::error::operation_aborted; });
        timer.cancel();
        if (i % 64 == 63)
            co_await asio::post(use_awaitable);
    }
    if (n_told != BENCH_CHURNS)
        bench_die("a timer that was cancelled");
    bench_print("ns", double(bench_now_ns() - start_ns) / BENCH_CHURNS);
    context.stop();
}

static void bench_churn()
{
    asio::io_context context(1);
    std::vector<std::unique_ptr<timer_type>> others;
    for (unsigned long i = 0; i < n_given; i++) {
        auto deadline = clock_type::now() + std::chrono::minutes(1) + std::chrono::nanoseconds(i);
        others.push_back(std::make_unique<timer_type>(context, deadline));
        others.back()->async_wait([](boost::system::error_code) {});
    }
    asio::co_spawn(context, churn(context), rethrow);
    context.run();
}

/* --- datagrams ---------------------------------------------------------------------------------------------------- */

static udp::endpoint endpoint_of(const sockaddr_in &address)
{
    return udp::endpoint(asio::ip::address_v4(ntohl(address.sin_addr.s_addr)), ntohs(address.sin_port));
}

/* A datagram goes out at once, nearly always: it is awaited only if the socket has no room, and the loop is spared. */
static bool sent_at_once(socket_type &socket, asio::const_buffer bytes, const udp::endpoint &to)
{
    boost::system::error_code error;
    socket.send_to(bytes, to, 0, error);
    if (error && error != asio::error::would_block)
        throw boost::system::system_error(error);
    return !error;
}

static task pinger(asio::io_context &context, socket_type socket, udp::endpoint to)
{
    char buf[BENCH_PAYLOAD] = "";
    udp::endpoint from;
    uint64_t start_ns = bench_now_ns();
    for (uint64_t i = 0; i < BENCH_PINGS; i++) {
        if (!sent_at_once(socket, asio::buffer(buf), to))
            co_await socket.async_send_to(asio::buffer(buf), to, use_awaitable);
        co_await socket.async_receive_from(asio::buffer(buf), from, use_awaitable);
    }
    bench_print("ns", double(bench_now_ns() - start_ns) / BENCH_PINGS);
    context.stop();
}

static task echo(socket_type socket, bench_count *count)
{
    char buf[BENCH_PAYLOAD];
    udp::endpoint from;
    for (;;) {
        size_t n = co_await socket.async_receive_from(asio::buffer(buf), from, use_awaitable);
        if (!sent_at_once(socket, asio::buffer(buf, n), from))
            co_await socket.async_send_to(asio::buffer(buf, n), from, use_awaitable);
        if (count != nullptr && bench_counted(count, 1, BENCH_ECHOES))
            exit(EXIT_SUCCESS);
    }
}

static socket_type adopt_socket(asio::io_context &context, int fd)
{
    socket_type socket(context, udp::v4(), fd);
    socket.non_blocking(true);
    return socket;
}

static socket_type open_socket(asio::io_context &context, sockaddr_in &address)
{
    return adopt_socket(context, bench_socket(&address));
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
        asio::co_spawn(context, echo(adopt_socket(context, fds[i]), &count), rethrow);
    context.run();
}

static task bulk_sender(socket_type socket, udp::endpoint to)
{
    static char buf[BENCH_BULK_BYTES];
    for (;;) {
        for (int i = 0; i < 64 && sent_at_once(socket, asio::buffer(buf), to);)
            i++;
        co_await asio::post(use_awaitable);
    }
}

static task bulk_receiver(socket_type socket)
{
    static char buf[BENCH_BULK_BYTES];
    udp::endpoint from;
    bench_count count = {};
    for (;;) {
        co_await socket.async_wait(socket_type::wait_read, use_awaitable);
        boost::system::error_code error;
        for (int i = 0; i < 64; i++) {
            socket.receive_from(asio::buffer(buf), from, 0, error);
            if (error == asio::error::would_block)
                break;
            if (error)
                throw boost::system::system_error(error);
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

static task idler(socket_type socket)
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
        {"yield", bench_yield},        {"spawn", bench_spawn}, {"spawn_outside", bench_spawn_outside},
        {"wake", bench_wake},          {"sleep", bench_sleep}, {"sleep_slack", bench_sleep_slack},
        {"churn", bench_churn},        {"ping", bench_ping},   {"ping_process", bench_ping_process},
        {"flood", bench_flood_single}, {"bulk", bench_bulk},   {"idle", bench_idle},
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
