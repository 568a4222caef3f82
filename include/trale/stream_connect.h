/* SPDX-License-Identifier: MIT
 *
 * Connecting to the first of several addresses that answers (RFC 8305, "Happy Eyeballs"), over stream.h and timer.h:
 * the addresses of a name, of which some may not work from here.
 *
 *     struct fetch { ... struct trale_stream_connect_any connect; struct trale_stream_attempt attempts[4]; ... };
 *     trale_try(trale_stream_connect_any(&self->connect, self->attempts, 4, self->addresses, self->n_addresses));
 *     self->connect.socket is connected to self->addresses[self->connect.index]
 */
#ifndef TRALE_STREAM_CONNECT_H
#define TRALE_STREAM_CONNECT_H

#include <trale/stream.h>
#include <trale/timer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* After how long the next address is tried as well (RFC 8305, 8). */
#define TRALE_STREAM_ATTEMPT_DELAY (250 * TRALE_MILLISECOND)

/* Room for one connect that is under way. */
struct trale_stream_attempt {
    struct trale_stream_connect connect;
    size_t index; /* of its address; SIZE_MAX: none is under way */
};

struct trale_stream_connect_any {
    struct trale_future future;
    struct trale_stream_socket *socket; /* when it resolved to 0, the caller's, to be closed */
    size_t index;                       /* when it resolved to 0: of the address */
    uint64_t delay_ns; /* TRALE_STREAM_ATTEMPT_DELAY, which may be changed before the future is awaited */
    /* The future's own: */
    const struct trale_address *addresses;
    size_t n_addresses, n_begun;
    size_t next[2]; /* the next address of the first address's family, and of the other families */
    struct trale_stream_attempt *attempts;
    size_t n_attempts, n_running;
    int64_t error; /* of the attempt that has failed first */
    struct trale_sleep sleep;
    int32_t is_sleeping;
    int32_t is_due; /* the next attempt may begin */
};

/* The next address of one of the two kinds, from i on; n_addresses: none. */
static inline size_t trale_stream_any_find_(const struct trale_stream_connect_any *any, size_t i, int other)
{
    while (i < any->n_addresses && (any->addresses[i].any.sa_family != any->addresses[0].any.sa_family) != (other != 0))
        i++;
    return i;
}

/* The kinds take turns, as long as both have addresses; in each the order is that of the array. */
static inline size_t trale_stream_any_next_(struct trale_stream_connect_any *any)
{
    size_t kind = any->n_begun % 2;
    if (any->next[kind] == any->n_addresses)
        kind = 1 - kind;
    size_t index = any->next[kind];
    any->next[kind] = trale_stream_any_find_(any, index + 1, (int)kind);
    any->n_begun++;
    return index;
}

static inline void trale_stream_any_rest_(struct trale_stream_connect_any *any)
{
    if (any->is_sleeping)
        trale_future_drop(&any->sleep.future);
    any->is_sleeping = 0;
}

static inline void trale_stream_any_drop_(struct trale_future *future)
{
    struct trale_stream_connect_any *any = (struct trale_stream_connect_any *)(void *)future;
    trale_stream_any_rest_(any);
    for (size_t i = 0; i < any->n_attempts; i++) {
        if (any->attempts[i].index != SIZE_MAX)
            trale_future_drop(&any->attempts[i].connect.future);
        any->attempts[i].index = SIZE_MAX;
    }
}

/* Begins an attempt, if one may begin. */
static inline void trale_stream_any_begin_(struct trale_stream_connect_any *any)
{
    size_t i = 0;
    while (i < any->n_attempts && any->attempts[i].index != SIZE_MAX)
        i++;
    if (!any->is_due || i == any->n_attempts || any->n_begun == any->n_addresses)
        return;
    struct trale_stream_attempt *attempt = &any->attempts[i];
    attempt->index = trale_stream_any_next_(any);
    struct trale_future *connect = trale_stream_connect(&attempt->connect, &any->addresses[attempt->index]);
    (void)connect;
    any->n_running++;
    any->is_due = 0;
    trale_stream_any_rest_(any);
    if (any->n_begun == any->n_addresses)
        return;
    trale_sleep_for_(&any->sleep, any->delay_ns);
    any->is_sleeping = 1;
}

/* Polls the attempts. Returns 0: one has connected. */
static inline int64_t trale_stream_any_poll_attempts_(struct trale_stream_connect_any *any,
                                                      struct trale_context *context)
{
    for (size_t i = 0; i < any->n_attempts; i++) {
        struct trale_stream_attempt *attempt = &any->attempts[i];
        if (attempt->index == SIZE_MAX)
            continue;
        int64_t result = trale_future_poll(&attempt->connect.future, context);
        if (result == TRALE_PENDING)
            continue;
        any->index = attempt->index;
        attempt->index = SIZE_MAX;
        if (result == 0) {
            any->socket = attempt->connect.socket;
            return 0;
        }
        any->n_running--;
        any->error = any->error == 0 ? result : any->error;
        any->is_due = 1;
    }
    return TRALE_PENDING;
}

static inline int64_t trale_stream_any_poll_(struct trale_future *future, struct trale_context *context)
{
    struct trale_stream_connect_any *any = (struct trale_stream_connect_any *)(void *)future;
    if (any->n_addresses == 0 || any->n_attempts == 0)
        return -EINVAL;
    do {
        trale_stream_any_begin_(any);
        if (trale_stream_any_poll_attempts_(any, context) == 0) {
            trale_stream_any_drop_(future);
            return 0;
        }
        if (any->is_sleeping && trale_future_poll(&any->sleep.future, context) != TRALE_PENDING) {
            any->is_sleeping = 0;
            any->is_due = 1;
        }
        if (any->n_running == 0 && any->n_begun == any->n_addresses)
            return any->error;
    } while (any->is_due && any->n_running < any->n_attempts && any->n_begun < any->n_addresses);
    return TRALE_PENDING;
}

/* A future that connects to the addresses one after the other: to the next as soon as one has failed, or after
 * `delay_ns` without an answer, while the former go on, until one has connected. They are tried in the order of the
 * array (trale_resolve_sort sorts it), but the two families take turns, beginning with that of the first address. At
 * most n_attempts are under way at a time; the next waits for one of them to fail. Both arrays are lent until the
 * future resolves or is dropped.
 * Resolves to 0, and sets `socket` and `index`; the other connects are given up. Or to -EINVAL (an array is empty), or,
 * when all have failed, to the error of the one that has failed first (trale_stream_connect). */
TRALE_CHECK_RESULT static inline struct trale_future *
trale_stream_connect_any(struct trale_stream_connect_any *any, struct trale_stream_attempt *attempts, size_t n_attempts,
                         const struct trale_address *addresses, size_t n_addresses)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_stream_connect_any",
                                                  trale_stream_any_poll_, trale_stream_any_drop_};
    memset(any, 0, sizeof *any);
    trale_future_init(&any->future, &type);
    any->delay_ns = TRALE_STREAM_ATTEMPT_DELAY;
    any->addresses = addresses;
    any->n_addresses = n_addresses;
    any->next[1] = trale_stream_any_find_(any, 0, 1);
    any->attempts = attempts;
    any->n_attempts = n_attempts;
    any->is_due = 1;
    for (size_t i = 0; i < n_attempts; i++)
        attempts[i].index = SIZE_MAX;
    return &any->future;
}

#ifdef __cplusplus
}
#endif

#endif
