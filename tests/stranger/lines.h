/* SPDX-License-Identifier: MIT
 *
 * The interface "org.example.lines/1": what comes out of a pipe or a terminal, line by line, as futures. Offered by
 * lines.cpp; a header for C and C++. */
#ifndef ORG_EXAMPLE_LINES_H
#define ORG_EXAMPLE_LINES_H

#include <errno.h>
#include <string.h>

#include <trale/driver.h>
#include <trale/trale.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An fd that is read. The driver's own begins with this; applications only pass the pointer on. */
struct lines_source {
    const struct lines *lines;
};

/* Waiting for a line. The last member is the driver's. */
struct lines_next {
    struct trale_future future;
    struct lines_source *source;
    char *buf;
    uint64_t size;

    struct trale_wait wait;
};

/* The name of the interface, with the size of version 1 of its table. */
#define ORG_EXAMPLE_LINES_1 TRALE_INTERFACE("org.example.lines/1", 40)

struct lines {
    struct trale_interface interface; /* version 1 */

    /* The contracts are those of the lines_ functions below. */
    int32_t (*open)(void *instance, int32_t fd, struct lines_source **source);
    void (*close)(void *instance, struct lines_source *source);
    /* Makes *next a future: `type` is to be set by the driver, what the caller passes is set already, the rest zero. */
    void (*next)(void *instance, struct lines_next *next);
};

/* Takes the fd over, and closes it at the end. 0; or -ENODEV (no driver offers this), -ENOMEM, or an error of fcntl(2),
 * and the fd is still the caller's. [executor] */
TRALE_CHECK_RESULT static inline int lines_open(struct trale *runtime, int fd, struct lines_source **source)
{
    const struct lines *lines = (const struct lines *)trale_interface(runtime, ORG_EXAMPLE_LINES_1,
                                                                      sizeof(struct lines));
    return lines == NULL ? -ENODEV : lines->open(lines->interface.instance, fd, source);
}

/* Ends it. Futures that still wait resolve to -ECANCELED. [executor] */
static inline void lines_close(struct lines_source *source)
{
    source->lines->close(source->lines->interface.instance, source);
}

/* The future of the next line, copied into buf without its newline, as far as `size` goes. Resolves to the line's whole
 * length, or to -ENODATA (the end), -ENOMEM, -ECANCELED, or an error of read(2). Dropped, or
 * after -ENOMEM, it has taken no line. */
TRALE_CHECK_RESULT static inline struct trale_future *lines_next(struct lines_next *next, struct lines_source *source,
                                                                 char *buf, size_t size)
{
    memset(next, 0, sizeof *next);
    next->source = source;
    next->buf = buf;
    next->size = size;
    source->lines->next(source->lines->interface.instance, next);
    return &next->future;
}

static_assert(offsetof(struct lines, next) + sizeof(void *) == 40, "version 1 does not change");

#ifdef __cplusplus
}
#endif

#endif
