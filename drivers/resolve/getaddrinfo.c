/* SPDX-License-Identifier: MIT
 *
 * trale.resolve/1 over getaddrinfo(3) and getnameinfo(3), on threads of trale.blocking/1: for builds without c-ares.
 *
 * The call of a lookup is a future in the memory of the lookup. It keeps a clone of its waker, so it may stay as it is
 * between two waits. A lookup that ends before drops it: then a thread frees the question, when it is done with it. */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include <trale/blocking.h>

#include "name.h"
#include "option.h"
#include "record.h"

/* What a thread works on. */
struct question {
    uint32_t kind;
    char name[NAME_SIZE + 1]; /* as it was written, with a dot at its end if it has one */
    struct trale_address address;
    struct addrinfo *found;
    char target[NI_MAXHOST];
};

struct resolver {
    struct trale_resolver table;
    struct trale_host host;
    const struct trale_pool *pool;
    struct trale_link lookups; /* by their `link` */
};

struct lookup {
    struct trale_link link;
    uint32_t kind;
    uint16_t port;
    char name[NAME_SIZE];
    bool is_asking; /* `work` is a future that has no result yet */
    struct trale_blocking work;
    struct trale_link found; /* records that were not given yet */
    struct record *given;    /* the last one; NULL: none yet */
};

/* --- on a thread -------------------------------------------------------------------------------------------------- */

static int error_of(int code)
{
    switch (code) {
    case 0:
        return 0;
    case EAI_NONAME:
        return -ENOENT;
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
        return -ENODATA;
    case EAI_AGAIN:
        return -ETIME;
    case EAI_MEMORY:
        return -ENOMEM;
    case EAI_SYSTEM:
        return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : -EREMOTEIO;
    default:
        return -EREMOTEIO;
    }
}

static int64_t question_run(void *data)
{
    struct question *question = data;
    const struct trale_address *address = &question->address;
    if (question->kind == TRALE_LOOKUP_REVERSE)
        return error_of(getnameinfo(&address->any, trale_address_length(address), question->target,
                                    sizeof question->target, NULL, 0, NI_NAMEREQD));
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM,
                                   .ai_family = question->kind == TRALE_LOOKUP_V4   ? AF_INET
                                                : question->kind == TRALE_LOOKUP_V6 ? AF_INET6
                                                                                    : AF_UNSPEC};
    return error_of(getaddrinfo(question->name, NULL, &hints, &question->found));
}

static void question_free(void *data)
{
    struct question *question = data;
    if (question != NULL && question->found != NULL)
        freeaddrinfo(question->found);
    free(question);
}

/* --- a lookup ----------------------------------------------------------------------------------------------------- */

static int take_addresses(struct lookup *lookup, const struct question *question)
{
    int r = 0;
    for (const struct addrinfo *info = question->found; info != NULL && r == 0; info = info->ai_next) {
        struct trale_address address = {.any.sa_family = AF_UNSPEC};
        if (!record_is_wanted(lookup->kind, (sa_family_t)info->ai_family) || info->ai_addrlen > sizeof address)
            continue;
        memcpy(&address, info->ai_addr, info->ai_addrlen);
        trale_address_set_port(&address, lookup->port);
        r = record_add_address(&lookup->found, &address, TRALE_TTL_UNKNOWN);
    }
    return r;
}

static int take_answer(struct lookup *lookup, int64_t result)
{
    const struct question *question = lookup->work.data;
    char target[NAME_SIZE];
    bool is_absolute;
    int r = (int)result;
    if (lookup->kind != TRALE_LOOKUP_REVERSE) {
        if ((r == -ENOENT || r == -ENODATA) && name_is_local(lookup->name))
            return record_add_local(&lookup->found, lookup->kind, lookup->port);
        return r < 0 ? r : take_addresses(lookup, question);
    }
    if (r < 0)
        return r;
    if (name_copy(target, question->target, &is_absolute) < 0)
        return -EBADMSG;
    return record_add_target(&lookup->found, target, TRALE_TTL_UNKNOWN);
}

static int ask(struct lookup *lookup, const struct resolver *resolver, const struct trale_lookup *asked)
{
    struct question *question = calloc(1, sizeof *question);
    if (question == NULL)
        return -ENOMEM;
    question->kind = lookup->kind;
    question->address = trale_address_unmap(&asked->address);
    if (asked->name != NULL && lookup->kind != TRALE_LOOKUP_REVERSE)
        strcpy(question->name, asked->name);
    memset(&lookup->work, 0, sizeof lookup->work);
    lookup->work.function = question_run;
    lookup->work.data = question;
    lookup->work.release = question_free;
    lookup->work.name = "getaddrinfo";
    resolver->pool->run(resolver->pool->interface.instance, &lookup->work);
    lookup->is_asking = true;
    return 0;
}

/* Finds the record here, or asks the system. 0 or an error. */
static int lookup_begin(struct lookup *lookup, const struct resolver *resolver, const struct trale_lookup *asked)
{
    struct trale_address address;
    bool is_absolute;
    int r = 0;
    if (lookup->kind == TRALE_LOOKUP_REVERSE) {
        if (trale_address_length(&asked->address) == 0)
            return -EINVAL;
    } else {
        r = name_read_address(asked->name, lookup->port, &address);
        if (r == 1 && !record_is_wanted(lookup->kind, address.any.sa_family))
            return -ENODATA;
        if (r == 1)
            return record_add_address(&lookup->found, &address, TRALE_TTL_UNKNOWN);
        if (r == 0)
            r = name_copy(lookup->name, asked->name, &is_absolute);
    }
    return r < 0 ? r : ask(lookup, resolver, asked);
}

static void lookup_free(struct lookup *lookup)
{
    if (lookup->is_asking)
        trale_future_drop(&lookup->work.future);
    question_free(lookup->work.data);
    record_free_all(&lookup->found);
    record_free(lookup->given);
    list_remove(&lookup->link);
    free(lookup);
}

static int lookup_new(struct resolver *resolver, const struct trale_lookup *asked, struct lookup **made)
{
    if (asked->kind > TRALE_LOOKUP_REVERSE || (asked->name == NULL && asked->kind != TRALE_LOOKUP_REVERSE))
        return -EINVAL;
    if (asked->kind == TRALE_LOOKUP_SRV || asked->kind == TRALE_LOOKUP_TXT)
        return -EOPNOTSUPP;
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (lookup == NULL)
        return -ENOMEM;
    lookup->kind = asked->kind;
    lookup->port = asked->port;
    list_init(&lookup->found);
    list_append(&resolver->lookups, &lookup->link);
    int r = lookup_begin(lookup, resolver, asked);
    if (r < 0) {
        lookup_free(lookup);
        return r;
    }
    *made = lookup;
    return 0;
}

/* --- the future --------------------------------------------------------------------------------------------------- */

static void driver_end(void *instance, struct trale_lookup *lookup)
{
    trale_host_expect(&((struct resolver *)instance)->host, "trale_resolver.end");
    lookup_free(lookup->state);
    lookup->state = NULL;
    lookup->target = NULL;
}

/* 1: there are records; 0: all were given; or an error. */
static int64_t lookup_wait(struct lookup *lookup, struct trale_context *context)
{
    if (lookup->is_asking) {
        int64_t result = trale_future_poll(&lookup->work.future, context);
        if (result == TRALE_PENDING)
            return TRALE_PENDING;
        lookup->is_asking = false;
        int r = take_answer(lookup, result);
        if (r < 0)
            return r;
    }
    if (list_is_empty(&lookup->found))
        return lookup->given != NULL ? 0 : -ENODATA;
    return 1;
}

static int64_t next_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_lookup *request = (struct trale_lookup *)(void *)future;
    struct resolver *resolver = (struct resolver *)(uintptr_t)future->own;
    struct lookup *lookup = request->state;
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
        driver_end(resolver, request);
        return result;
    }
    record_give(&lookup->found, &lookup->given, request);
    return 1;
}

static void driver_next(void *instance, struct trale_lookup *lookup)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_lookup_next", next_poll, NULL};
    trale_host_expect(&((struct resolver *)instance)->host, "trale_resolver.next");
    lookup->future.type = &type;
    lookup->future.own = (uint64_t)(uintptr_t)instance;
}

/* --- the driver --------------------------------------------------------------------------------------------------- */

static int32_t driver_start(const struct trale_host *host, const struct trale_settings *settings, void **instance)
{
    for (enum option option = 0; option < N_OPTIONS; option++) {
        if (settings->values[option].line == 0)
            continue;
        option_refuse(host, settings, option, "this driver is built without c-ares, and asks getaddrinfo(3)");
        return -EOPNOTSUPP;
    }
    struct resolver *resolver = calloc(1, sizeof *resolver);
    if (resolver == NULL) {
        host->log(host->context, TRALE_LOG_ERROR, "memory is out");
        return -ENOMEM;
    }
    trale_host_copy(&resolver->host, host);
    resolver->table = (struct trale_resolver){{sizeof resolver->table, 1, resolver}, driver_next, driver_end};
    resolver->pool = host->interface(host->context, TRALE_BLOCKING_1, sizeof *resolver->pool);
    list_init(&resolver->lookups);
    *instance = resolver;
    return 0;
}

/* No future of another driver is dropped here. So a call of a lookup that the program has left open is lost: that
 * thread may still run. */
static void driver_stop(void *instance)
{
    struct resolver *resolver = instance;
    while (!list_is_empty(&resolver->lookups)) {
        struct lookup *lookup = list_entry(resolver->lookups.next, struct lookup, link);
        if (lookup->is_asking)
            lookup->work.data = NULL;
        lookup->is_asking = false;
        lookup_free(lookup);
    }
    free(resolver);
}

static const struct trale_interface *driver_interface(void *instance, const char *name)
{
    return strcmp(name, "trale.resolve/1") == 0 ? &((struct resolver *)instance)->table.interface : NULL;
}

TRALE_DRIVER(.name = "resolve", .version = TRALE_VERSION, .summary = "names, by getaddrinfo(3)",
             .interfaces = TRALE_RESOLVE_1, .needs = TRALE_BLOCKING_1, .options = resolve_options,
             .start = driver_start, .stop = driver_stop, .interface = driver_interface);
