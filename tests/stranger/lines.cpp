/* SPDX-License-Identifier: MIT
 *
 * A driver in C++: org.example.lines/1 on read(2).
 *
 * The runtime and applications call it from C, so no exception may leave it: its functions are noexcept, and report
 * memory that is out as -ENOMEM. A future holds a reference to its source, so that a source may be closed while a task
 * waits for it.
 */
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <list>
#include <memory>
#include <new>
#include <optional>
#include <string>

#include "lines.h"

namespace
{

enum { OPTION_LONGEST };

constexpr struct trale_option options[] = {
    {"longest", TRALE_OPTION_SIZE, 0, 16, 1024 * 1024, nullptr, "4K", "how many bytes a line has before it is cut"},
    {nullptr, 0, 0, 0, 0, nullptr, nullptr, nullptr},
};

class line_source;

struct line_driver {
    struct lines table = {};
    struct trale_host host = {};
    size_t longest = 0;
    std::list<std::shared_ptr<line_source>> sources; /* those that are open */
};

class line_source : public lines_source, public std::enable_shared_from_this<line_source>
{
  public:
    line_driver &driver;

    explicit line_source(line_driver &opened_by) : lines_source{&opened_by.table}, driver(opened_by)
    {
    }
    ~line_source()
    {
        close();
    }

    void open(int opened_fd) noexcept
    {
        fd = opened_fd;
    }

    void close() noexcept
    {
        if (fd < 0)
            return;
        driver.host.forget_fd(driver.host.context, fd); /* wakes the tasks that wait; always before close(2) */
        ::close(fd);
        fd = -1;
    }

    void hold()
    {
        if (n_futures++ == 0)
            me = shared_from_this();
    }

    void release() noexcept
    {
        if (--n_futures == 0)
            std::shared_ptr<line_source>(std::move(me)).reset();
    }

    std::optional<std::string> take()
    {
        size_t newline = text.find('\n');
        size_t length = std::min(std::min(newline, text.size()), driver.longest);
        bool is_whole = newline != std::string::npos || length == driver.longest || (at_end && length > 0);
        if (!is_whole)
            return std::nullopt;
        std::string line = text.substr(0, length);
        text.erase(0, length == newline ? length + 1 : length);
        return line;
    }

    /* 0: there is more text, or the end. -EAGAIN, -ENODATA (it has ended before), or another negative errno. If it
     * throws, it has read nothing. */
    int fill()
    {
        char piece[512];
        ssize_t n;
        if (fd < 0)
            return -ECANCELED;
        if (at_end)
            return -ENODATA;
        text.reserve(text.size() + sizeof piece);
        do
            n = read(fd, piece, sizeof piece);
        while (n < 0 && errno == EINTR);
        if (n < 0)
            return -errno;
        at_end = n == 0;
        text.append(piece, static_cast<size_t>(n));
        return 0;
    }

    int wait(struct trale_wait &wait) noexcept
    {
        return driver.host.register_waker(driver.host.context, fd, TRALE_READABLE, &wait);
    }

    void cancel(struct trale_wait &wait) noexcept
    {
        driver.host.cancel_wait(driver.host.context, &wait);
    }

  private:
    int fd = -1; /* -1: closed */
    bool at_end = false;
    std::string text; /* read, and not taken */
    unsigned n_futures = 0;
    std::shared_ptr<line_source> me; /* while futures refer to it */
};

line_source &source_of(const struct lines_next *next) noexcept
{
    return *static_cast<line_source *>(next->source);
}

/* --- the future --------------------------------------------------------------------------------------------------- */

int64_t next_end(struct lines_next *next, int64_t result) noexcept
{
    source_of(next).cancel(next->wait);
    source_of(next).release();
    return result;
}

int64_t next_try(struct lines_next *next, const struct trale_context *context)
{
    line_source &source = source_of(next);
    for (;;) {
        if (std::optional<std::string> line = source.take()) {
            std::copy_n(line->data(), std::min<size_t>(line->size(), next->size), next->buf);
            return next_end(next, static_cast<int64_t>(line->size()));
        }
        int r = source.fill();
        if (r == -EAGAIN) {
            next->wait.waker = context->waker;
            r = source.wait(next->wait);
            if (r == 0)
                return TRALE_PENDING;
        }
        if (r < 0)
            return next_end(next, r);
    }
}

int64_t next_poll(struct trale_future *future, struct trale_context *context) noexcept
{
    auto *next = reinterpret_cast<struct lines_next *>(future);
    source_of(next).cancel(next->wait); /* of a poll before, with an old waker */
    if (!trale_context_may_resolve(context))
        return TRALE_PENDING;
    try {
        return next_try(next, context);
    } catch (const std::bad_alloc &) {
        return next_end(next, -ENOMEM);
    }
}

void next_drop(struct trale_future *future) noexcept
{
    next_end(reinterpret_cast<struct lines_next *>(future), 0);
}

constexpr struct trale_future_type next_type = {sizeof next_type, TRALE_ABI, "lines_next", next_poll, next_drop};

/* --- the interface ------------------------------------------------------------------------------------------------ */

void driver_next(void *, struct lines_next *next) noexcept
{
    source_of(next).hold();
    next->future.type = &next_type;
}

int32_t driver_open(void *instance, int32_t fd, struct lines_source **base) noexcept
{
    auto &driver = *static_cast<line_driver *>(instance);
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    try {
        auto &source = driver.sources.emplace_back(std::make_shared<line_source>(driver));
        source->open(fd);
        *base = source.get();
        return 0;
    } catch (const std::bad_alloc &) {
        return -ENOMEM;
    }
}

void driver_close(void *instance, struct lines_source *base) noexcept
{
    auto &driver = *static_cast<line_driver *>(instance);
    static_cast<line_source *>(base)->close();
    driver.sources.remove_if([base](const auto &source) { return source.get() == base; });
}

/* --- the driver --------------------------------------------------------------------------------------------------- */

int32_t driver_start(const struct trale_host *host, const struct trale_settings *settings, void **instance) noexcept
{
    auto *driver = new (std::nothrow) line_driver;
    if (driver == nullptr) {
        host->log(host->context, TRALE_LOG_ERROR, "memory is out");
        return -ENOMEM;
    }
    trale_host_copy(&driver->host, host);
    driver->longest = static_cast<size_t>(settings->values[OPTION_LONGEST].integer);
    driver->table = {{sizeof driver->table, 1, driver}, driver_open, driver_close, driver_next};
    *instance = driver;
    return 0;
}

void driver_stop(void *instance) noexcept
{
    delete static_cast<line_driver *>(instance); /* closes the sources that are open */
}

const struct trale_interface *driver_interface(void *instance, const char *name) noexcept
{
    auto *driver = static_cast<line_driver *>(instance);
    return strcmp(name, "org.example.lines/1") == 0 ? &driver->table.interface : nullptr;
}

} // namespace

TRALE_DRIVER(driver.name = "lines", driver.version = "1.0", driver.summary = "lines of pipes and terminals, as futures",
             driver.interfaces = ORG_EXAMPLE_LINES_1, driver.options = options, driver.start = driver_start,
             driver.stop = driver_stop, driver.interface = driver_interface);
