/* SPDX-License-Identifier: MIT */
#include "outbox.h"

uint8_t *outbox_room(struct outbox *outbox, size_t size)
{
    bool has_room = outbox->n_datagrams < TRALE_UDP_BATCH && OUTBOX_SIZE - outbox->n_bytes >= size;
    return has_room ? outbox->bytes + outbox->n_bytes : NULL;
}

static struct trale_address address_of(const ngtcp2_addr *addr)
{
    struct trale_address address = {0};
    memcpy(&address, addr->addr, addr->addrlen < sizeof address ? addr->addrlen : sizeof address);
    return address;
}

/* Whether the packet goes on the way of the last datagram, and fits behind it. A datagram of one packet has no segment
 * size yet; one whose last packet was shorter is full. */
static bool outbox_joins(const struct outbox *outbox, size_t size, const struct trale_datagram *next,
                         const struct trale_udp_info *info)
{
    if (!outbox->joins || outbox->n_datagrams == 0)
        return false;
    const struct trale_datagram *last = &outbox->datagrams[outbox->n_datagrams - 1];
    const struct trale_udp_info *last_info = &outbox->infos[outbox->n_datagrams - 1];
    uint64_t segment_size = last->segment_size != 0 ? last->segment_size : last->size;
    return size <= segment_size && last->size % segment_size == 0 && last->size / segment_size < OUTBOX_SEGMENTS &&
           info->traffic_class == last_info->traffic_class && info->have == last_info->have &&
           trale_address_equal(&next->address, &last->address) && trale_address_equal(&info->local, &last_info->local);
}

void outbox_add(struct outbox *outbox, size_t size, const ngtcp2_path *path, uint32_t ecn)
{
    struct trale_udp_info info = {.have = TRALE_UDP_INFO_TRAFFIC_CLASS, .traffic_class = (int32_t)ecn};
    struct trale_datagram next = {.buf = outbox->bytes + outbox->n_bytes, .size = size};
    next.address = address_of(&path->remote);
    if (outbox->sets_local) {
        info.have |= TRALE_UDP_INFO_LOCAL;
        info.local = address_of(&path->local);
        trale_address_set_port(&info.local, 0);
    }
    outbox->n_bytes += size;
    if (outbox_joins(outbox, size, &next, &info)) {
        struct trale_datagram *last = &outbox->datagrams[outbox->n_datagrams - 1];
        if (last->segment_size == 0)
            last->segment_size = (uint32_t)last->size;
        last->size += size;
        return;
    }
    outbox->infos[outbox->n_datagrams] = info;
    next.info = &outbox->infos[outbox->n_datagrams];
    outbox->datagrams[outbox->n_datagrams++] = next;
}

void outbox_clear(struct outbox *outbox)
{
    outbox->n_bytes = 0;
    outbox->n_datagrams = 0;
}
