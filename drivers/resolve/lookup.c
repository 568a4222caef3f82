/* SPDX-License-Identifier: MIT
 *
 * A lookup keeps its state in memory of the driver, not in the frame: it may be left between two waits, and what it
 * waits for then has no waker. */
#include "lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "query.h"
#include "service.h"

struct lookup {
    struct trale_link link;
    struct resolver *resolver;
    uint32_t kind;
    uint16_t port;
    bool is_absolute;        /* the search list does not apply */
    char name[NAME_SIZE];    /* without a dot at its end */
    char asked[NAME_SIZE];   /* the name, with the domain that is tried */
    size_t n_asked;          /* of the names to be tried */
    struct query queries[2]; /* of `asked`; those in use are not ENDED */
    struct trale_link found; /* records that were not given yet */
    struct record *given;    /* the last one; NULL: none yet */
    int error;               /* of the names that were tried */
};

/* --- errors ------------------------------------------------------------------------------------------------------- */

/* Of two errors the one that says more: that the servers could not tell, before that there is no such record, before
 * that there is no such name. */
static int worse(int a, int b)
{
    if (a == 0 || a == -ENOENT)
        return b;
    if (b == 0 || b == -ENOENT)
        return a;
    return a == -ENODATA ? b : a;
}

/* --- what is asked ------------------------------------------------------------------------------------------------ */

static const uint16_t *types_of(uint32_t kind)
{
    static const uint16_t types[][3] = {
        [TRALE_LOOKUP_ADDRESSES] = {TYPE_AAAA, TYPE_A},
        [TRALE_LOOKUP_V4] = {TYPE_A},
        [TRALE_LOOKUP_V6] = {TYPE_AAAA},
        [TRALE_LOOKUP_SRV] = {TYPE_SRV},
        [TRALE_LOOKUP_TXT] = {TYPE_TXT},
        [TRALE_LOOKUP_REVERSE] = {TYPE_PTR},
    };
    return types[kind];
}

/* Writes the next name to be tried (resolv.conf(5), ndots). False: there is none. */
static bool next_name(struct lookup *lookup)
{
    const struct system *system = &lookup->resolver->system;
    size_t n_dots = 0, n_domains = lookup->is_absolute ? 0 : system->n_domains;
    for (const char *byte = lookup->name; *byte != '\0'; byte++)
        n_dots += *byte == '.';
    const size_t plain = n_dots >= system->n_dots ? 0 : n_domains; /* when the name is tried as it is */
    while (lookup->n_asked <= n_domains) {
        size_t n = lookup->n_asked++;
        if (n == plain) {
            strcpy(lookup->asked, lookup->name);
            return true;
        }
        if (name_append(lookup->asked, lookup->name, system->domains[n < plain ? n : n - 1]))
            return true;
    }
    return false;
}

/* Asks for the next name. 0, or -ENODATA: there is none. */
static int ask(struct lookup *lookup)
{
    if (!next_name(lookup))
        return -ENODATA;
    const uint16_t *types = types_of(lookup->kind);
    for (size_t i = 0; types[i] != 0; i++) {
        int r = query_begin(&lookup->queries[i], lookup->resolver, lookup->asked, types[i], lookup->port);
        lookup->error = worse(lookup->error, r);
    }
    return 0;
}

/* --- what needs no servers ---------------------------------------------------------------------------------------- */

/* 1: the lookup has all its records; 0: servers are to be asked; or an error. */
static int find_here(struct lookup *lookup, const struct trale_lookup *asked)
{
    const bool is_address = lookup->kind <= TRALE_LOOKUP_V6, is_reverse = lookup->kind == TRALE_LOOKUP_REVERSE;
    struct trale_address address;
    int r = is_address ? name_read_address(asked->name, lookup->port, &address) : 0;
    if (r < 0)
        return r;
    if (r == 1) {
        if (!record_is_wanted(lookup->kind, address.any.sa_family))
            return -ENODATA;
        r = record_add_address(&lookup->found, &address, TRALE_TTL_UNKNOWN);
        return r < 0 ? r : 1;
    }
    if (is_reverse)
        address = trale_address_unmap(&asked->address);
    r = is_reverse ? name_of_address(lookup->name, &address)
                   : name_copy(lookup->name, asked->name, &lookup->is_absolute);
    lookup->is_absolute |= is_reverse;
    if (r < 0 || (!is_address && !is_reverse))
        return r;
    const struct hosts_search search = {
        .name = is_reverse ? NULL : lookup->name, .kind = lookup->kind, .port = lookup->port, .address = &address};
    r = hosts_find(&lookup->resolver->hosts, &search, &lookup->found);
    if (r == 0 && is_address && name_is_local(lookup->name))
        r = record_add_local(&lookup->found, lookup->kind, lookup->port) < 0 ? -ENOMEM : 1;
    return r == 1 && list_is_empty(&lookup->found) ? -ENODATA : r;
}

static void lookup_free(struct lookup *lookup)
{
    for (size_t i = 0; i < 2; i++)
        query_end(&lookup->queries[i]);
    record_free_all(&lookup->found);
    record_free(lookup->given);
    list_remove(&lookup->link);
    free(lookup);
}

/* 0 or an error, and there is no lookup. */
static int lookup_new(struct resolver *resolver, const struct trale_lookup *asked, struct lookup **made)
{
    if (asked->kind > TRALE_LOOKUP_REVERSE || (asked->name == NULL && asked->kind != TRALE_LOOKUP_REVERSE))
        return -EINVAL;
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (lookup == NULL)
        return -ENOMEM;
    lookup->resolver = resolver;
    lookup->kind = asked->kind;
    lookup->port = asked->port;
    list_init(&lookup->found);
    list_append(&resolver->lookups, &lookup->link);
    int r = find_here(lookup, asked);
    if (r == 0) {
        system_refresh(&resolver->system);
        resolver->n_lookups++;
        r = ask(lookup);
    }
    if (r < 0) {
        lookup_free(lookup);
        return r;
    }
    *made = lookup;
    return 0;
}

/* --- the future --------------------------------------------------------------------------------------------------- */

static void lookup_suspend(struct lookup *lookup)
{
    for (size_t i = 0; i < 2; i++)
        if (lookup->queries[i].state != QUERY_ENDED)
            query_suspend(&lookup->queries[i]);
}

/* A poll ends the loan of the last one's waker: the turn that one query gives up may be for the other one, which is
 * polled next. */
static void lookup_forget_waker(struct lookup *lookup)
{
    for (size_t i = 0; i < 2; i++)
        lookup->queries[i].turn.waker = NULL;
}

/* Polls the queries of one name. Whether any is still in flight. */
static bool lookup_ask(struct lookup *lookup, struct trale_context *context)
{
    bool waits = false;
    uint32_t budget = context->budget;
    for (size_t i = 0; i < 2; i++) {
        struct trale_link records = {0};
        list_init(&records);
        if (lookup->queries[i].state == QUERY_ENDED)
            continue;
        trale_context_lend(context, budget);
        int64_t r = query_poll(&lookup->queries[i], context, &records);
        if (r == TRALE_PENDING) {
            waits = true;
            continue;
        }
        lookup->error = worse(lookup->error, (int)r);
        if (lookup->kind == TRALE_LOOKUP_SRV)
            service_order(&records, lookup->resolver->random);
        record_move(&lookup->found, &records);
        record_free_all(&records);
    }
    return waits;
}

/* Whether the next name is tried after this error. */
static bool goes_on_after(int error)
{
    return error == -ENOENT || error == -ENODATA || error == -EREMOTEIO || error == -EACCES;
}

/* The result of a wait. */
static int64_t lookup_wait(struct lookup *lookup, struct trale_context *context)
{
    for (;;) {
        bool waits = lookup_ask(lookup, context);
        if (!list_is_empty(&lookup->found))
            return 1;
        if (waits)
            return TRALE_PENDING;
        if (lookup->given != NULL)
            return 0;
        if (lookup->error == 0 || !goes_on_after(lookup->error) || ask(lookup) < 0)
            return lookup->error != 0 ? lookup->error : -ENODATA;
    }
}

static int64_t next_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_lookup *request = (struct trale_lookup *)(void *)future;
    struct resolver *resolver = (struct resolver *)(uintptr_t)future->own;
    struct lookup *lookup = request->state;
    if (lookup != NULL)
        lookup_forget_waker(lookup);
    if (!trale_context_may_resolve(context))
        return TRALE_PENDING;
    if (lookup == NULL) {
        int r = lookup_new(resolver, request, &lookup);
        if (r < 0)
            return r;
        request->state = lookup;
    }
    int64_t result = lookup_wait(lookup, context);
    if (result == TRALE_PENDING)
        return TRALE_PENDING;
    if (result <= 0) {
        lookup_end(lookup->resolver, request);
        return result;
    }
    lookup_suspend(lookup);
    record_give(&lookup->found, &lookup->given, request);
    return 1;
}

static void next_drop(struct trale_future *future)
{
    struct lookup *lookup = ((struct trale_lookup *)(void *)future)->state;
    if (lookup != NULL)
        lookup_suspend(lookup);
}

void lookup_next(void *instance, struct trale_lookup *lookup)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_lookup_next", next_poll, next_drop};
    trale_host_expect(&((struct resolver *)instance)->host, "trale_resolver.next");
    lookup->future.type = &type;
    lookup->future.own = (uint64_t)(uintptr_t)instance;
}

void lookup_end(void *instance, struct trale_lookup *lookup)
{
    trale_host_expect(&((struct resolver *)instance)->host, "trale_resolver.end");
    lookup_free(lookup->state);
    lookup->state = NULL;
    lookup->target = NULL;
    lookup->strings = NULL;
    lookup->n_strings = 0;
}

void lookup_free_all(struct resolver *resolver)
{
    while (!list_is_empty(&resolver->lookups))
        lookup_free(list_entry(resolver->lookups.next, struct lookup, link));
}
