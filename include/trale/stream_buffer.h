/* SPDX-License-Identifier: MIT
 *
 * Buffered reading, over stream.h: lines, headers and messages of a known length. The bytes are read into memory of the
 * caller, and stay there: a take resolves with a pointer into it.
 *
 *     trale_stream_buffer_init(&self->buffer, socket, self->bytes, sizeof self->bytes);
 *     for (;;) {
 *         trale_await(trale_stream_take_until(&self->take, &self->buffer, "\n", 1));
 *         if (trale_result() <= 0)
 *             ...                                   0: the stream has ended between two lines
 *         self->take.data is a line of trale_result() bytes, with its "\n"
 *     }
 *
 * All functions are used as those of stream.h, and their futures are reads of the socket. While one waits, another one
 * of the same buffer resolves to -EBUSY. */
#ifndef TRALE_STREAM_BUFFER_H
#define TRALE_STREAM_BUFFER_H

#include <trale/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The bytes that were read and not taken yet: from `begin` to `end`. */
struct trale_stream_buffer {
    struct trale_stream_socket *socket;
    char *bytes; /* lent until the last take */
    size_t size;
    size_t begin, end;
    struct trale_stream_take *taker; /* the take that waits; NULL: none */
};

static inline void trale_stream_buffer_init(struct trale_stream_buffer *buffer, struct trale_stream_socket *socket,
                                            void *bytes, size_t size)
{
    buffer->socket = socket;
    buffer->bytes = (char *)bytes;
    buffer->size = size;
    buffer->begin = buffer->end = 0;
    buffer->taker = NULL;
}

/* A take. */
struct trale_stream_take {
    struct trale_future future;
    struct trale_stream_buffer *buffer;
    /* Set when it resolved to a value > 0: the bytes, in the buffer, up to the next take; or `into`. */
    char *data;
    /* The future's own: */
    const char *delimiter; /* lent */
    size_t n_delimiter;
    size_t n_searched; /* bytes at which no delimiter begins */
    char *into;        /* lent */
    size_t n_wanted;
    size_t n_taken; /* of trale_stream_take_into: how many bytes are in `into`; stays when it fails or is dropped */
    struct trale_stream_read read;
};

/* --- what makes the futures --------------------------------------------------------------------------------------- */

static inline size_t trale_stream_buffered_(const struct trale_stream_buffer *buffer)
{
    return buffer->end - buffer->begin;
}

static inline int64_t trale_stream_take_bytes_(struct trale_stream_take *take, size_t n)
{
    take->data = take->buffer->bytes + take->buffer->begin;
    take->buffer->begin += n;
    return (int64_t)n;
}

/* Each of these looks at what is there. 0: more is needed; else the result. */
static inline int64_t trale_stream_look_until_(struct trale_stream_take *take)
{
    struct trale_stream_buffer *buffer = take->buffer;
    const char *start = buffer->bytes + buffer->begin;
    const size_t n = trale_stream_buffered_(buffer), n_delimiter = take->n_delimiter;
    if (n_delimiter == 0)
        return -EINVAL;
    while (take->n_searched + n_delimiter <= n) {
        const char *from = start + take->n_searched;
        const char *found = (const char *)memchr(from, take->delimiter[0], n - n_delimiter + 1 - take->n_searched);
        take->n_searched = found != NULL ? (size_t)(found - start) : n - n_delimiter + 1;
        if (found != NULL && memcmp(found, take->delimiter, n_delimiter) == 0)
            return trale_stream_take_bytes_(take, take->n_searched + n_delimiter);
        take->n_searched += found != NULL;
    }
    return n == buffer->size ? -ENOBUFS : 0;
}

static inline int64_t trale_stream_look_exactly_(struct trale_stream_take *take)
{
    if (take->n_wanted == 0)
        return -EINVAL;
    if (take->n_wanted > take->buffer->size)
        return -EMSGSIZE;
    if (trale_stream_buffered_(take->buffer) < take->n_wanted)
        return 0;
    return trale_stream_take_bytes_(take, take->n_wanted);
}

static inline int64_t trale_stream_look_some_(struct trale_stream_take *take)
{
    if (take->buffer->size == 0)
        return -EINVAL;
    return trale_stream_take_bytes_(take, trale_stream_buffered_(take->buffer));
}

static inline int64_t trale_stream_look_into_(struct trale_stream_take *take)
{
    size_t n = trale_stream_buffered_(take->buffer), n_missing = take->n_wanted - take->n_taken;
    if (take->n_wanted == 0)
        return -EINVAL;
    n = n < n_missing ? n : n_missing;
    if (n > 0) {
        trale_stream_take_bytes_(take, n);
        memcpy(take->into + take->n_taken, take->data, n);
        take->n_taken += n;
    }
    take->data = take->into;
    return take->n_taken == take->n_wanted ? (int64_t)take->n_taken : 0;
}

/* Begins to read more: into the buffer, where bytes are moved to its beginning if that at least doubles the room behind
 * them; or to where they belong. */
static inline struct trale_future *trale_stream_take_more_(struct trale_stream_take *take)
{
    struct trale_stream_buffer *buffer = take->buffer;
    if (take->into != NULL)
        return trale_stream_read(&take->read, buffer->socket, take->into + take->n_taken,
                                 take->n_wanted - take->n_taken);
    if (buffer->begin > 0 && (buffer->begin == buffer->end || buffer->size - buffer->end <= buffer->begin)) {
        memmove(buffer->bytes, buffer->bytes + buffer->begin, trale_stream_buffered_(buffer));
        buffer->end -= buffer->begin;
        buffer->begin = 0;
    }
    return trale_stream_read(&take->read, buffer->socket, buffer->bytes + buffer->end, buffer->size - buffer->end);
}

static inline int64_t trale_stream_take_run_(struct trale_stream_take *take, struct trale_context *context,
                                             int64_t (*look)(struct trale_stream_take *take))
{
    struct trale_future *future = &take->future;
    struct trale_stream_buffer *buffer = take->buffer;
    for (;;) {
        if (future->awaiting == NULL) {
            if (!trale_context_may_resolve(context))
                return TRALE_PENDING;
            int64_t result = look(take);
            if (result != 0)
                return result;
            future->awaiting = trale_stream_take_more_(take);
        }
        int64_t n = trale_future_await(future->awaiting, context);
        if (n == TRALE_PENDING)
            return TRALE_PENDING;
        future->awaiting = NULL;
        if (n == 0)
            return trale_stream_buffered_(buffer) > 0 || take->n_taken > 0 ? -ENODATA : 0;
        if (n < 0)
            return n;
        if (take->into != NULL)
            take->n_taken += (size_t)n;
        else
            buffer->end += (size_t)n;
    }
}

/* A take that waits has its read's bytes behind those in the buffer: another one would move them. */
static inline int64_t trale_stream_take_poll_(struct trale_future *future, struct trale_context *context,
                                              int64_t (*look)(struct trale_stream_take *take))
{
    struct trale_stream_take *take = (struct trale_stream_take *)(void *)future;
    struct trale_stream_buffer *buffer = take->buffer;
    if (buffer->taker != NULL && buffer->taker != take)
        return -EBUSY;
    int64_t result = trale_stream_take_run_(take, context, look);
    buffer->taker = result == TRALE_PENDING ? take : NULL;
    return result;
}

static inline void trale_stream_take_drop_(struct trale_future *future)
{
    struct trale_stream_take *take = (struct trale_stream_take *)(void *)future;
    if (take->buffer->taker == take)
        take->buffer->taker = NULL;
}

static inline int64_t trale_stream_take_until_poll_(struct trale_future *future, struct trale_context *context)
{
    return trale_stream_take_poll_(future, context, trale_stream_look_until_);
}
static inline int64_t trale_stream_take_exactly_poll_(struct trale_future *future, struct trale_context *context)
{
    return trale_stream_take_poll_(future, context, trale_stream_look_exactly_);
}
static inline int64_t trale_stream_take_some_poll_(struct trale_future *future, struct trale_context *context)
{
    return trale_stream_take_poll_(future, context, trale_stream_look_some_);
}
static inline int64_t trale_stream_take_into_poll_(struct trale_future *future, struct trale_context *context)
{
    return trale_stream_take_poll_(future, context, trale_stream_look_into_);
}

static inline void trale_stream_take_init_(struct trale_stream_take *take, struct trale_stream_buffer *buffer,
                                           const struct trale_future_type *type)
{
    memset(take, 0, sizeof *take);
    trale_future_init(&take->future, type);
    take->buffer = buffer;
}

/* --- takes -------------------------------------------------------------------------------------------------------- */

/* A future that takes all up to a delimiter, of 1 byte or more, such as "\n" or "\r\n\r\n", which is lent until the
 * future resolves or is dropped. Resolves to the number of bytes, with the delimiter, and sets `data`; to 0: the stream
 * has ended, and nothing is left; or to:
 *   -ENODATA  The stream has ended, and what is left has no delimiter.
 *   -ENOBUFS  The buffer is full, and has no delimiter.
 *   -EINVAL   The delimiter is empty.
 * or to an error of trale_stream_read. After an error, and when it is dropped, the bytes stay in the buffer:
 * trale_stream_take_some takes them. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_stream_take_until(struct trale_stream_take *take,
                                                                              struct trale_stream_buffer *buffer,
                                                                              const char *delimiter, size_t length)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_stream_take_until",
                                                  trale_stream_take_until_poll_, trale_stream_take_drop_};
    trale_stream_take_init_(take, buffer, &type);
    take->delimiter = delimiter;
    take->n_delimiter = length;
    return &take->future;
}

/* The same for exactly n bytes. -ENODATA: the stream has ended before; -EMSGSIZE: n is more than the buffer's size;
 * -EINVAL: n is 0. */
TRALE_CHECK_RESULT static inline struct trale_future *
trale_stream_take_exactly(struct trale_stream_take *take, struct trale_stream_buffer *buffer, size_t n)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_stream_take_exactly",
                                                  trale_stream_take_exactly_poll_, trale_stream_take_drop_};
    trale_stream_take_init_(take, buffer, &type);
    take->n_wanted = n;
    return &take->future;
}

/* The same for what is in the buffer, or, if that is nothing, for what the next read finds: 1 byte to the buffer's
 * size, 0 at the end of the stream. -EINVAL: the buffer has no byte. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_stream_take_some(struct trale_stream_take *take,
                                                                             struct trale_stream_buffer *buffer)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_stream_take_some",
                                                  trale_stream_take_some_poll_, trale_stream_take_drop_};
    trale_stream_take_init_(take, buffer, &type);
    return &take->future;
}

/* A future that takes exactly n bytes to memory of the caller, which is lent until the future resolves or is dropped:
 * those in the buffer are copied, the others are read there. So n may be more than the buffer's size. Resolves to n; or
 * to 0 and the errors of trale_stream_take_exactly but -EMSGSIZE. After an error, and when it is dropped, `n_taken`
 * bytes are in `into`, and no longer in the buffer. */
TRALE_CHECK_RESULT static inline struct trale_future *
trale_stream_take_into(struct trale_stream_take *take, struct trale_stream_buffer *buffer, void *into, size_t n)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_stream_take_into",
                                                  trale_stream_take_into_poll_, trale_stream_take_drop_};
    trale_stream_take_init_(take, buffer, &type);
    take->into = (char *)into;
    take->n_wanted = n;
    return &take->future;
}

#ifdef __cplusplus
}
#endif

#endif
