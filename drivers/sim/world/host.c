/* SPDX-License-Identifier: MIT */
#include "host.h"

#include "list.h"

/* --- addresses ---------------------------------------------------------------------------------------------------- */

static const uint8_t v6_prefix[12] = {0xfd};

static struct trale_address v4_of(const uint8_t bytes[4])
{
    struct trale_address address = {.v4 = {.sin_family = AF_INET}};
    memcpy(&address.v4.sin_addr, bytes, 4);
    return address;
}

struct trale_address host_identity(const struct trale_address *address)
{
    const struct trale_address unmapped = trale_address_unmap(address);
    if (unmapped.any.sa_family == AF_INET)
        return v4_of((const uint8_t *)&unmapped.v4.sin_addr);
    const uint8_t *bytes = unmapped.v6.sin6_addr.s6_addr;
    if (memcmp(bytes, v6_prefix, sizeof v6_prefix) == 0)
        return v4_of(bytes + sizeof v6_prefix);
    return (struct trale_address){.v6 = {.sin6_family = AF_INET6, .sin6_addr = unmapped.v6.sin6_addr}};
}

uint64_t host_key(const struct trale_address *identity)
{
    if (identity->any.sa_family == AF_INET)
        return draw_fold(4, identity->v4.sin_addr.s_addr);
    return draw_fold(6, draw_hash(&identity->v6.sin6_addr, sizeof identity->v6.sin6_addr));
}

bool host_is_same(const struct trale_address *a, const struct trale_address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return false;
    if (a->any.sa_family == AF_INET)
        return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
    return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0;
}

bool host_has(const struct host *host, const struct trale_address *address)
{
    if (trale_address_is_loopback(address))
        return true;
    struct trale_address identity = host_identity(address);
    return host_is_same(&identity, &host->identity);
}

bool host_broadcasts(const struct host *host, const struct trale_address *address)
{
    if (address->any.sa_family != AF_INET)
        return false;
    uint32_t number = ntohl(address->v4.sin_addr.s_addr);
    if (number == INADDR_BROADCAST || number == 0x7fffffff)
        return true;
    return host->v4.any.sa_family == AF_INET && number == (ntohl(host->v4.v4.sin_addr.s_addr) | 0xff);
}

/* --- hosts -------------------------------------------------------------------------------------------------------- */

static struct host *bucket_find(struct host *const *bucket, const struct trale_address *identity)
{
    struct host *host = *bucket;
    while (host != NULL && !host_is_same(&host->identity, identity))
        host = host->next;
    return host;
}

struct host *host_find(const struct world *world, const struct trale_address *address)
{
    struct trale_address identity = host_identity(address);
    return bucket_find(&world->hosts[host_key(&identity) % WORLD_HOST_BUCKETS], &identity);
}

static void host_name(struct host *host, const struct trale_address *identity)
{
    const bool is_v4 = identity->any.sa_family == AF_INET;
    host->identity = *identity;
    inet_ntop(identity->any.sa_family,
              is_v4 ? (const void *)&identity->v4.sin_addr : (const void *)&identity->v6.sin6_addr, host->name,
              sizeof host->name);
    if (identity->any.sa_family == AF_INET) {
        host->v4 = *identity;
        host->v6.v6.sin6_family = AF_INET6;
        memcpy(host->v6.v6.sin6_addr.s6_addr, v6_prefix, sizeof v6_prefix);
        memcpy(host->v6.v6.sin6_addr.s6_addr + sizeof v6_prefix, &identity->v4.sin_addr, 4);
    } else {
        host->v6 = *identity;
        if (trale_address_is_link_local(identity))
            host->v6.v6.sin6_scope_id = HOST_NETWORK;
    }
}

void host_mark(struct host *host, const struct fault *fault, uint32_t change)
{
    if (!scenario_has(&fault->entry.from, &host->identity))
        return;
    if (fault->entry.kind == SCENARIO_CRASH) {
        host->n_down += change;
        return;
    }
    host->n_paused += change;
    if (host->n_paused > 0 && fault->ends_ns > host->resumes_ns)
        host->resumes_ns = fault->ends_ns;
}

struct host *host_get(struct world *world, const struct trale_address *address)
{
    struct trale_address identity = host_identity(address);
    uint64_t key = host_key(&identity);
    struct host **bucket = &world->hosts[key % WORLD_HOST_BUCKETS], *host = bucket_find(bucket, &identity);
    if (host != NULL)
        return host;
    host = world_alloc(world, sizeof *host);
    if (host == NULL)
        return NULL;
    host_name(host, &identity);
    host->key = key;
    host->number = ++world->n_hosts;
    list_init(&host->sockets);
    list_init(&host->endpoints);
    host->next = *bucket;
    *bucket = host;
    host->following = NULL;
    *(world->last_host != NULL ? &world->last_host->following : &world->first_host) = host;
    world->last_host = host;
    const struct trale_link *active = &world->plan.active;
    for (const struct trale_link *link = active->next; link != active; link = link->next)
        host_mark(host, list_entry(link, struct fault, link), 1);
    return host;
}

/* --- ports -------------------------------------------------------------------------------------------------------- */

struct host_port *host_port_find(const struct host *host, uint16_t number)
{
    const struct host_page *page = host->pages[number / HOST_PORTS_IN_PAGE];
    return page != NULL ? page->ports[number % HOST_PORTS_IN_PAGE] : NULL;
}

struct host_port *host_port_get(struct world *world, struct host *host, uint16_t number)
{
    struct host_page **page = &host->pages[number / HOST_PORTS_IN_PAGE];
    if (*page == NULL)
        *page = world_alloc(world, sizeof **page);
    if (*page == NULL)
        return NULL;
    struct host_port **port = &(*page)->ports[number % HOST_PORTS_IN_PAGE];
    if (*port == NULL)
        *port = world_alloc(world, sizeof **port);
    if (*port != NULL && (*port)->sockets.next == NULL) {
        list_init(&(*port)->sockets);
        list_init(&(*port)->endpoints);
    }
    return *port;
}
