/* SPDX-License-Identifier: MIT */
#include "link.h"

#include "host.h"
#include "list.h"

#define SECOND_NS UINT64_C(1000000000)
#define FIRST_BUCKETS 256u

#define REPORT_BURST 6u
#define REPORTED_MTU_NS (600 * SECOND_NS)
/* The kernel takes no less for true (net.ipv4.route.min_pmtu). */
#define REPORTED_MTU_MIN 552u

/* --- the table ---------------------------------------------------------------------------------------------------- */

static bool links_grow(struct world *world)
{
    uint32_t n = world->n_link_buckets > 0 ? 4 * world->n_link_buckets : FIRST_BUCKETS;
    struct link **buckets = world_alloc(world, n * sizeof(struct link *));
    if (buckets == NULL)
        return false;
    for (uint32_t i = 0; i < world->n_link_buckets; i++)
        for (struct link *link = world->links[i], *next; link != NULL; link = next) {
            next = link->next;
            link->next = buckets[link->key % n];
            buckets[link->key % n] = link;
        }
    world_give(world, world->links, world->n_link_buckets * sizeof(struct link *));
    world->links = buckets;
    world->n_link_buckets = n;
    return true;
}

static void link_free(struct world *world, struct link *link)
{
    struct link **place = &world->links[link->key % world->n_link_buckets];
    while (*place != link)
        place = &(*place)->next;
    *place = link->next;
    world->n_links--;
    list_remove(&link->nobody);
    world->n_links_to_nobody--;
    world_give(world, link, sizeof *link);
}

static bool is_to_nobody(const struct world *world, const struct link *link)
{
    return host_find(world, &link->from) == NULL || host_find(world, &link->to) == NULL;
}

/* The link is the one of its list that was used last. It leaves the list when its hosts are there. */
static void link_use(struct world *world, struct link *link)
{
    list_remove(&link->nobody);
    if (is_to_nobody(world, link))
        list_append(&world->links_to_nobody, &link->nobody);
    else
        world->n_links_to_nobody--;
}

/* Forgets the links that were not used for longest. */
static void links_bound(struct world *world)
{
    while (world->n_links_to_nobody > LINKS_TO_NOBODY) {
        struct link *oldest = list_entry(world->links_to_nobody.next, struct link, nobody);
        if (is_to_nobody(world, oldest))
            link_free(world, oldest);
        else
            link_use(world, oldest);
    }
}

static struct link *link_new(struct world *world, uint64_t key, const struct trale_address *from,
                             const struct trale_address *to)
{
    if (world->n_links >= world->n_link_buckets && !links_grow(world))
        return NULL;
    struct link *link = world_alloc(world, sizeof *link);
    if (link == NULL)
        return NULL;
    link->key = key;
    link->from = *from;
    link->to = *to;
    link->report_credit_ns = REPORT_BURST * SECOND_NS;
    link->next = world->links[key % world->n_link_buckets];
    world->links[key % world->n_link_buckets] = link;
    world->n_links++;
    world->n_links_to_nobody++;
    link_use(world, link);
    links_bound(world);
    return link;
}

struct link *link_get(struct world *world, const struct trale_address *from, const struct trale_address *to)
{
    uint64_t key = draw_fold(host_key(from), host_key(to));
    struct link *link = world->n_links > 0 ? world->links[key % world->n_link_buckets] : NULL;
    while (link != NULL &&
           (link->key != key || !trale_address_equal(&link->from, from) || !trale_address_equal(&link->to, to)))
        link = link->next;
    if (link == NULL)
        link = link_new(world, key, from, to);
    else if (list_has(&link->nobody))
        link_use(world, link);
    if (link != NULL && (!link->has_rules || link->n_changes != world->faults.n_changes)) {
        fault_look(&world->faults, from, to, &link->rules);
        link->n_changes = world->faults.n_changes;
        link->has_rules = true;
    }
    return link;
}

/* --- what happens ------------------------------------------------------------------------------------------------- */

/* The streams of chance; each is the hash of its name. */
enum stream {
    STREAM_LATENCY,
    STREAM_LOSS,
    STREAM_DUPLICATE,
    STREAM_COPY,
    STREAM_REORDER,
    STREAM_HOLD,
    STREAM_CORRUPT,
    STREAM_BIT
};

/* One of those that take a link: the counter is that of its kind. */
struct traveller {
    const struct world *world;
    const struct link *link;
    uint64_t kind, counter;
};

#define KIND_DATAGRAM UINT64_C(0x6c696e6b)
#define KIND_SEGMENT UINT64_C(0x7365676d)

static uint64_t link_draw(const struct traveller *traveller, enum stream stream, uint64_t counter)
{
    return world_draw(traveller->world, draw_fold(traveller->kind, stream), traveller->link->key, counter);
}

static bool link_happens(const struct traveller *traveller, enum stream stream, uint64_t counter, uint32_t rate)
{
    return rate > 0 && draw_happens(link_draw(traveller, stream, counter), rate);
}

/* The latency, from latency - jitter to latency + jitter, and never less than 0. */
static uint64_t link_latency(const struct traveller *traveller, enum stream stream)
{
    const struct fault_rules *rules = &traveller->link->rules;
    if (rules->jitter_ns == 0)
        return rules->latency_ns;
    uint64_t varied = draw_below(link_draw(traveller, stream, traveller->counter), 2 * rules->jitter_ns + 1);
    uint64_t sum = rules->latency_ns + varied;
    return sum > rules->jitter_ns ? sum - rules->jitter_ns : 0;
}

/* Puts it into the queue, from which it has departed when all before it and itself are through. False: it is full. */
static bool link_queue(const struct world *world, struct link *link, uint32_t size, uint64_t *departs_ns)
{
    const struct fault_rules *rules = &link->rules;
    *departs_ns = world->now_ns;
    if (rules->bandwidth == 0)
        return true;
    uint64_t begins_ns = link->idle_ns > world->now_ns ? link->idle_ns : world->now_ns;
    /* How many bytes wait, by the time that they will take. */
    uint64_t n_waiting = (uint64_t)((unsigned __int128)(begins_ns - world->now_ns) * rules->bandwidth / SECOND_NS);
    if (rules->queue > 0 && n_waiting > 0 && n_waiting + size > rules->queue)
        return false;
    *departs_ns = begins_ns + (uint64_t)((unsigned __int128)size * SECOND_NS / rules->bandwidth);
    link->idle_ns = *departs_ns;
    return true;
}

static struct link_fate link_lose(struct link_fate fate, enum trale_sim_loss reason)
{
    fate.is_lost = true;
    fate.reason = reason;
    return fate;
}

static struct link_fate decide(struct world *world, struct link *link, const struct traveller *traveller, uint32_t size,
                               uint32_t n_fragments, uint32_t n_bits)
{
    const struct fault_rules *rules = &link->rules;
    struct link_fate fate = {.departs_ns = world->now_ns};
    uint64_t counter = traveller->counter;
    world->report->n_linked++;
    if (!link_queue(world, link, size, &fate.departs_ns))
        return link_lose(fate, TRALE_SIM_LOST_QUEUE);
    if (rules->cut)
        return link_lose(fate, TRALE_SIM_LOST_PARTITION);
    if (rules->drops && fault_drops(&world->faults, &link->from, &link->to))
        return link_lose(fate, TRALE_SIM_LOST_LOSS);
    /* The loss of one fragment is the loss of the datagram. */
    for (uint32_t i = 0; i < n_fragments && rules->loss > 0; i++)
        if (link_happens(traveller, STREAM_LOSS, counter << 12 | i, rules->loss))
            return link_lose(fate, TRALE_SIM_LOST_LOSS);
    if (link_happens(traveller, STREAM_CORRUPT, counter, rules->corrupt)) {
        world->report->n_corrupted++;
        if (!rules->unchecked || n_bits == 0)
            return link_lose(fate, TRALE_SIM_LOST_CHECKSUM);
        fate.flipped_bit = 1 + (uint32_t)draw_below(link_draw(traveller, STREAM_BIT, counter), n_bits);
    }
    fate.arrives_ns = fate.departs_ns + link_latency(traveller, STREAM_LATENCY);
    if (link_happens(traveller, STREAM_DUPLICATE, counter, rules->duplicate)) {
        world->report->n_duplicated++;
        fate.copy_ns = fate.departs_ns + link_latency(traveller, STREAM_COPY);
        if (fate.copy_ns < link->last_arrival_ns)
            fate.copy_ns = link->last_arrival_ns;
    }
    if (link_happens(traveller, STREAM_REORDER, counter, rules->reorder)) {
        uint64_t longest_ns = 2 * (rules->latency_ns + rules->jitter_ns) + SECOND_NS / 1000;
        if (rules->hold_ns > 0)
            longest_ns = rules->hold_ns;
        fate.arrives_ns += 1 + draw_below(link_draw(traveller, STREAM_HOLD, counter), longest_ns);
    } else {
        if (fate.arrives_ns < link->last_arrival_ns)
            fate.arrives_ns = link->last_arrival_ns;
        link->last_arrival_ns = fate.arrives_ns;
    }
    return fate;
}

struct link_fate link_decide(struct world *world, struct link *link, uint32_t size, uint32_t n_fragments,
                             uint32_t n_bits)
{
    const struct traveller traveller = {world, link, KIND_DATAGRAM, link->n_sent++};
    return decide(world, link, &traveller, size, n_fragments, n_bits);
}

struct link_fate link_decide_segment(struct world *world, struct link *link, uint32_t size)
{
    const struct traveller traveller = {world, link, KIND_SEGMENT, link->n_segments++};
    return decide(world, link, &traveller, size, 1, 0);
}

/* --- reports ------------------------------------------------------------------------------------------------------ */

bool link_may_report(const struct world *world, struct link *link)
{
    uint64_t credit_ns = link->report_credit_ns + (world->now_ns - link->report_credit_since_ns);
    if (credit_ns > REPORT_BURST * SECOND_NS)
        credit_ns = REPORT_BURST * SECOND_NS;
    link->report_credit_since_ns = world->now_ns;
    bool may = credit_ns >= SECOND_NS;
    link->report_credit_ns = may ? credit_ns - SECOND_NS : credit_ns;
    return may;
}

uint32_t link_path_mtu(const struct world *world, const struct link *link)
{
    uint32_t mtu = world->faults.defaults.mtu;
    if (link->reported_mtu > 0 && world->now_ns < link->reported_until_ns && link->reported_mtu < mtu)
        mtu = link->reported_mtu;
    return mtu;
}

void link_report_mtu(const struct world *world, struct link *link, uint32_t mtu)
{
    link->reported_mtu = mtu > REPORTED_MTU_MIN ? mtu : REPORTED_MTU_MIN;
    link->reported_until_ns = world->now_ns + REPORTED_MTU_NS;
}
