/* SPDX-License-Identifier: MIT
 *
 * The interface "trale.resolve/1": names to addresses and other records, by the hosts file and the DNS (RFC 1034, RFC
 * 1035). Offered by drivers/resolve/, awaited through the functions at the end.
 *
 * A lookup is an object in the caller's frame. It gives its results one at a time, as they arrive: A and AAAA records
 * are asked for at the same time, so a program connects to the first address while the other family is on its way.
 *
 *     struct visit {
 *         struct trale_future future;
 *         struct trale_lookup lookup;
 *     };
 *
 *     static void visit_close(struct visit *self)     runs however the task ends
 *     {
 *         trale_lookup_end(&self->lookup);
 *     }
 *
 *     trale_async_with(visit, visit_close)
 *     {
 *         trale_begin();
 *         trale_lookup(&self->lookup, TRALE_LOOKUP_ADDRESSES, "www.example.org", 443);
 *         for (;;) {
 *             trale_try(trale_lookup_next(&self->lookup));
 *             if (trale_result() == 0)
 *                 trale_return(0);                    there are no more
 *             ...                                     self->lookup.address, with port 443
 *         }
 *     }
 *
 * A dropped wait loses nothing: the next one goes on, so a lookup may be a branch of a race. Between two waits a
 * question holds one of the `queries` of trale.ini until its server has had its time; if others wait for one by then,
 * it is asked again in the next wait. trale_lookup_end() ends a
 * lookup: its sockets are closed, and answers that are on their way reach nothing. What a program has not ended is
 * freed with the runtime. Where one address is enough, trale_resolve() is a future that leaves nothing behind.
 *
 * NAMES. A name is at most 253 bytes: labels of 1 to 63 letters, digits, '-', '_' and '/', with dots between them. A
 * dot at the end makes it absolute: no domain of the search list is tried. Other alphabets have a form in these letters
 * (RFC 5890). Answers with other names than these are as if malformed, for programs take names into commands and files.
 * In this order, a name is
 *   numeric     an address as text, of IPv6 with a zone if it has one (RFC 4007); nothing is read or asked
 *   a host      of the hosts file (hosts(5)), in the order of the file
 *   local       localhost, or below it: 127.0.0.1 and [::1] (RFC 6761)
 *   asked for   from the name servers. One with fewer dots than `ndots` is tried in each domain of the search list
 *               first, and then as it is; another one the other way round (resolv.conf(5)). The first of these that has
 *               a record, in either family, is the one. If the servers fail for one of them, the next is tried.
 * Addresses come as the answers have them; resolve_sort.h sorts them (RFC 6724).
 *
 * SERVERS. They are asked one after the other, each for `timeout`, which doubles with each of the `tries`. One that
 * answers with a failure, or is not there, is not waited for. Each question has a socket of its own and a random id,
 * and an answer must have that id, and that question (RFC 5452). One that is cut off is asked for again over TCP (RFC
 * 7766). The servers and the search list are those of trale.ini, or else of the system.
 *
 * FILES. The hosts file is kept in memory, and the system's settings too: each lookup that needs them asks by stat(2)
 * whether hosts or resolv.conf is another file, or has another size or time, and reads it again then. What is no
 * regular file is as if it were not there.
 *
 * NO CACHE. Each lookup asks: a cache belongs to the host, where all programs share it (systemd-resolved, unbound,
 * dnsmasq), or to the program, which knows from ttl_s how long it may keep what it has found.
 *
 * RESULTS. A wait resolves to 1: there is a record, in the members of the lookup, until the next wait or the end. To 0:
 * there was a record, and there are no more. Or, if there was none, to a negative errno, and the lookup has ended:
 *   -ENOENT      There is no such name (NXDOMAIN).
 *   -ENODATA     The name is there, and has no such record.
 *   -EREMOTEIO   The servers failed: SERVFAIL, FORMERR, NOTIMP or another code.
 *   -EACCES      The servers refuse to answer (REFUSED).
 *   -EBADMSG     The answers are malformed.
 *   -EMSGSIZE    The answers are cut off, and were not to be had over TCP.
 *   -ETIME       No server has answered in time. (-ETIMEDOUT is trale_timeout's.)
 *   -EHOSTDOWN   No server is reached: their ports are closed, or no route leads there.
 *   -EINVAL      It is no name, or the kind is unknown.
 *   -ENODEV      The zone is no interface; or no driver offers this.
 *   -EOPNOTSUPP  The driver cannot do that: see below.
 *   -EMFILE, -ENFILE, -ENOMEM, or an error of the source of random bytes.
 * If the servers failed in different ways, it is what the last one that answered has said.
 *
 * THE DRIVER uses trale.udp/1, trale.stream/1, trale.timer/1 and trale.random/1, so it works in a simulation. Of c-ares
 * it uses what is data: the system's settings, queries and names. The engine of c-ares 1.18 has a clock and ids of its
 * own, and cannot end one query of several.
 *
 * WITHOUT C-ARES the driver is built over getaddrinfo(3), which runs on threads of trale.blocking/1. Then SRV and TXT
 * records are -EOPNOTSUPP, ttl_s is TRALE_TTL_UNKNOWN, and the order of names and addresses is that of the system. The
 * options of trale.ini but `path` are refused, the two families arrive together, and of the errors it has -ENOENT (also
 * in place of -ENODATA where the system does not tell them apart), -EREMOTEIO (it failed for good), -ETIME (it failed
 * for now), and those from -EINVAL on. A lookup that has ended runs on until getaddrinfo(3) returns, and trale_close
 * waits for that.
 */
#ifndef TRALE_RESOLVE_H
#define TRALE_RESOLVE_H

#include <trale/trale.h>

#include <trale/address.h>
#include <trale/driver.h>

#include <errno.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is looked up. */
#define TRALE_LOOKUP_ADDRESSES 0u /* IPv4 and IPv6, in the order in which they arrive */
#define TRALE_LOOKUP_V4 1u
#define TRALE_LOOKUP_V6 2u
#define TRALE_LOOKUP_SRV 3u     /* hosts that offer a service, such as "_sip._udp.example.org" (RFC 2782) */
#define TRALE_LOOKUP_TXT 4u     /* texts (RFC 1035 3.3.14) */
#define TRALE_LOOKUP_REVERSE 5u /* names of an address (RFC 1035 3.5, RFC 3596 2.5) */

/* No ttl: the record does not come from the DNS. */
#define TRALE_TTL_UNKNOWN UINT32_MAX

/* One string of a TXT record: any bytes, which no NUL ends. */
struct trale_text {
    const void *bytes;
    uint64_t size; /* 0 to 255 */
};

/* A lookup. Frozen: it is part of frames. */
struct trale_lookup {
    struct trale_future future;
    const char *name;             /* lent until the lookup ends; with TRALE_LOOKUP_REVERSE, NULL */
    struct trale_address address; /* with TRALE_LOOKUP_REVERSE, of what; else a result: */

    /* Set when a wait resolved to 1: `address` with the port of the lookup and, if it is numeric, its zone; or */
    uint32_t ttl_s;                   /* how many seconds the record may be kept, the least of it and its aliases */
    const char *target;               /* SRV, REVERSE: a name, without a dot at its end */
    const struct trale_text *strings; /* TXT: the strings of one record */
    uint32_t n_strings;
    uint16_t priority, weight, target_port; /* SRV */

    /* As trale_lookup has it. */
    uint16_t port;
    uint32_t kind;
    uint32_t reserved;

    const struct trale_resolver *resolver; /* NULL before the first poll */
    void *state;                           /* the driver's; NULL before the first poll and when it has ended */
};

#define TRALE_RESOLVE_1_SIZE 32
#define TRALE_RESOLVE_1 TRALE_INTERFACE("trale.resolve/1", TRALE_RESOLVE_1_SIZE)

struct trale_resolver {
    struct trale_interface interface; /* version 1 */

    /* [executor] Makes *lookup a future that waits for the next record: the driver sets its `type`, here and in polls
     * alone, for a layer (layer.h) may have replaced it. The contract is that of trale_lookup_next. */
    void (*next)(void *instance, struct trale_lookup *lookup);

    /* [executor] The contract is that of trale_lookup_end, for a lookup of which `next` was called. */
    void (*end)(void *instance, struct trale_lookup *lookup);
};

/* The runtime's resolver, or NULL if no driver offers one. [any] */
static inline const struct trale_resolver *trale_resolver(struct trale *runtime)
{
    return (const struct trale_resolver *)trale_interface(runtime, TRALE_RESOLVE_1, sizeof(struct trale_resolver));
}

/* Makes *lookup one for this name and kind that has not begun. Addresses get the port. What it was before must have
 * ended. Nothing is allocated or opened before the first poll. [any] */
static inline void trale_lookup(struct trale_lookup *lookup, uint32_t kind, const char *name, uint16_t port)
{
    memset(lookup, 0, sizeof *lookup);
    lookup->kind = kind;
    lookup->name = name;
    lookup->port = port;
}

/* The same for the names of an address, whose port does not matter. The results are in `target`. [any] */
static inline void trale_lookup_reverse(struct trale_lookup *lookup, const struct trale_address *address)
{
    struct trale_address copy = *address;
    trale_lookup(lookup, TRALE_LOOKUP_REVERSE, NULL, 0);
    lookup->address = copy;
}

/* The first poll: here the runtime is known, and with it the driver, which takes over. */
static inline int64_t trale_lookup_begin_(struct trale_future *future, struct trale_context *context)
{
    struct trale_lookup *lookup = (struct trale_lookup *)(void *)future;
    if (lookup->resolver == NULL)
        lookup->resolver = trale_resolver(context->runtime);
    if (lookup->resolver == NULL)
        return -ENODEV;
    lookup->resolver->next(lookup->resolver->interface.instance, lookup);
    return trale_future_poll(future, context);
}

/* A future that waits for the next record of the lookup, and resolves as said above. A dropped wait takes nothing. Once
 * the lookup has ended, by 0, by an error or by trale_lookup_end, it begins anew. SRV records come in the order in
 * which their hosts are to be tried: by priority, and among equals drawn by weight. A service that is not there by its
 * own word (the target ".") is -ENODATA. Made anywhere, awaited in a task. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_lookup_next(struct trale_lookup *lookup)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_lookup_next", trale_lookup_begin_,
                                                  NULL};
    trale_future_init(&lookup->future, &type);
    return &lookup->future;
}

/* Ends the lookup, and frees what it has, `target` and `strings` too. No future of it is awaited at that time. Does
 * nothing for one that has ended, that has not begun, or that is all zero. [executor] */
static inline void trale_lookup_end(struct trale_lookup *lookup)
{
    if (lookup->state != NULL)
        lookup->resolver->end(lookup->resolver->interface.instance, lookup);
}

/* --- one address -------------------------------------------------------------------------------------------------- */

/* A future that resolves to 0 with the first address that a lookup gives, and ends that, as a drop does. */
struct trale_resolve {
    struct trale_future future;
    struct trale_address address; /* set when it resolved to 0 */
    uint32_t ttl_s;
    struct trale_lookup lookup;
};

static inline void trale_resolve_drop_(struct trale_future *future)
{
    trale_lookup_end(&((struct trale_resolve *)(void *)future)->lookup);
}

static inline int64_t trale_resolve_poll_(struct trale_future *future, struct trale_context *context)
{
    struct trale_resolve *resolve = (struct trale_resolve *)(void *)future;
    int64_t result = trale_future_poll(future->awaiting, context);
    if (result == TRALE_PENDING)
        return TRALE_PENDING;
    future->awaiting = NULL;
    if (result == 1) {
        resolve->address = resolve->lookup.address;
        resolve->ttl_s = resolve->lookup.ttl_s;
        result = 0;
    }
    trale_lookup_end(&resolve->lookup);
    return result;
}

/* The first address of a name, of the kinds TRALE_LOOKUP_ADDRESSES (whichever family is faster), _V4 or _V6. Errors are
 * those of a lookup, and -EINVAL for another kind. `name` is lent until it resolves or is dropped. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_resolve(struct trale_resolve *resolve, uint32_t kind,
                                                                    const char *name, uint16_t port)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_resolve", trale_resolve_poll_,
                                                  trale_resolve_drop_};
    memset(resolve, 0, sizeof *resolve);
    trale_future_init(&resolve->future, &type);
    trale_lookup(&resolve->lookup, kind <= TRALE_LOOKUP_V6 ? kind : UINT32_MAX, name, port);
    resolve->future.awaiting = trale_lookup_next(&resolve->lookup);
    return &resolve->future;
}

/* Splits "NAME:PORT", as in "www.example.org:443", "localhost:53", "192.0.2.1:53" and "[fe80::1%eth0]:53": copies the
 * name to `name`, without brackets, which has room for `size` bytes, and the port to *port. 0; -EINVAL: there is no
 * colon, or what follows it is no port; -ENOSPC. */
TRALE_CHECK_RESULT static inline int trale_resolve_split(const char *text, char *name, size_t size, uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    uint32_t number = 0;
    size_t length = colon != NULL ? (size_t)(colon - text) : 0;
    if (colon == NULL || !trale_address_parse_number_(colon + 1, UINT16_MAX, &number))
        return -EINVAL;
    if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    } else if (memchr(text, ':', length) != NULL) {
        return -EINVAL;
    }
    if (length >= size)
        return -ENOSPC;
    memcpy(name, text, length);
    name[length] = '\0';
    *port = (uint16_t)number;
    return 0;
}

static_assert(sizeof(struct trale_text) == 16, "frozen: an array element");
static_assert(sizeof(struct trale_lookup) == 128, "frozen: part of frames");
static_assert(sizeof(struct trale_resolve) == 192, "frozen: part of frames");
static_assert(offsetof(struct trale_resolver, end) + sizeof(void *) == TRALE_RESOLVE_1_SIZE, "append only");

#ifdef __cplusplus
}
#endif

#endif
