/* SPDX-License-Identifier: MIT */
#include "deliver.h"

#include "group.h"
#include "list.h"
#include "port.h"

/* --- reports ------------------------------------------------------------------------------------------------------ */

static struct icmp_report report_of(const struct datagram *datagram)
{
    struct icmp_report report = {.sender = datagram->from, .to = datagram->to, .from = datagram->to};
    trale_address_set_port(&report.from, 0);
    report.n_bytes = datagram->size < ICMP_BYTES ? datagram->size : ICMP_BYTES;
    memcpy(report.bytes, datagram->bytes, report.n_bytes);
    return report;
}

/* Sends a report over a link. It is lost as datagrams are, and nothing is said of that. */
static void report_send(struct world *world, struct link *link, const struct icmp_report *report)
{
    enum { SIZE = 28 + 20 + 8 }; /* with the beginning of the datagram */
    struct link_fate fate = link_decide(world, link, SIZE + report->n_bytes, 1, 0);
    if (fate.is_lost)
        return;
    struct icmp_message *message = world_alloc(world, sizeof *message);
    if (message == NULL)
        return;
    message->event.kind = EVENT_REPORT;
    message->report = *report;
    if (world_add(world, &message->event, fate.arrives_ns) < 0)
        world_give(world, message, sizeof *message);
}

static void report_no_socket(struct world *world, struct host *host, const struct datagram *datagram)
{
    struct icmp_report report = report_of(datagram);
    icmp_no_socket(&report);
    /* No report has a foreign address as its source. */
    if (datagram->is_local && !host_has(host, &datagram->to))
        return;
    if (datagram->is_local) {
        /* Linux looks for the socket at the interface of the packet, which in IPv6 is that of the address. */
        bool is_network = datagram->from.any.sa_family == AF_INET6 && !trale_address_is_loopback(&datagram->from);
        deliver_report(world, host, &report, is_network ? HOST_NETWORK : HOST_LOOPBACK);
        return;
    }
    struct trale_address sender = host_identity(&datagram->from);
    struct link *link = link_get(world, &host->identity, &sender);
    if (link != NULL && link_may_report(world, link))
        report_send(world, link, &report);
}

void deliver_too_large(struct world *world, const struct link *link, const struct datagram *datagram)
{
    struct icmp_report report = report_of(datagram);
    struct link *back = link_get(world, &link->to, &link->from);
    icmp_too_large(&report, link->rules.mtu);
    if (back != NULL)
        report_send(world, back, &report);
}

/* As Linux does (__udp4_lib_err): a socket that keeps errors gets each; one that does not, those that are fatal, if it
 * has a peer. */
void deliver_report(struct world *world, struct host *host, const struct icmp_report *report, uint32_t interface_index)
{
    if (report->error == -EMSGSIZE) {
        struct trale_address to = host_identity(&report->to);
        struct link *link = link_get(world, &host->identity, &to);
        if (link != NULL)
            link_report_mtu(world, link, report->mtu);
    }
    struct socket *socket = port_find(world, host, &report->to, &report->sender, interface_index);
    if (socket == NULL)
        return;
    if (socket->errors != NULL) {
        icmp_keep(socket->errors, report);
        socket_wake(socket, SOCKET_FAILING);
    } else if (socket->is_connected && report->error == -ECONNREFUSED) {
        socket_fail(socket, report->error);
    }
}

void deliver_message(struct world *world, struct icmp_message *message)
{
    struct host *host = host_find(world, &message->report.sender);
    if (host != NULL && host->n_down == 0)
        deliver_report(world, host, &message->report, HOST_NETWORK);
    world_give(world, message, sizeof *message);
}

/* --- datagrams ---------------------------------------------------------------------------------------------------- */

static bool is_for(const struct socket *socket, const struct datagram *datagram)
{
    return port_takes(socket, &datagram->from, &datagram->to, datagram->interface_index) &&
           (!trale_address_is_multicast(&datagram->to) ||
            group_takes(socket, &datagram->to, &datagram->from, datagram->interface_index));
}

static struct datagram *datagram_copy(struct world *world, const struct datagram *datagram)
{
    struct datagram *copy = datagram_new(world, datagram->bytes, datagram->size);
    if (copy == NULL)
        return NULL;
    memcpy(copy, datagram, sizeof *datagram);
    copy->sender = NULL;
    return copy;
}

/* To a group or a broadcast: each socket gets a copy. */
static void deliver_to_all(struct world *world, const struct host *host, struct datagram *datagram)
{
    const struct host_port *port = host_port_find(host, trale_address_port(&datagram->to));
    struct socket *last = NULL;
    if (port == NULL || list_is_empty(&port->sockets)) {
        datagram_lose(world, datagram, TRALE_SIM_LOST_NO_SOCKET);
        return;
    }
    for (const struct trale_link *link = port->sockets.next; link != &port->sockets; link = link->next) {
        struct socket *socket = list_entry(link, struct socket, port_link);
        if (!is_for(socket, datagram))
            continue;
        struct datagram *copy = last != NULL ? datagram_copy(world, datagram) : NULL;
        if (copy != NULL)
            socket_push(world, last, copy);
        last = socket;
    }
    if (last != NULL)
        socket_push(world, last, datagram);
    else
        datagram_lose(world, datagram, TRALE_SIM_LOST_FILTERED);
}

void deliver_datagram(struct world *world, struct host *host, struct datagram *datagram)
{
    datagram->arrives_ns = world->now_ns;
    if (trale_address_is_multicast(&datagram->to) || host_broadcasts(host, &datagram->to)) {
        deliver_to_all(world, host, datagram);
        return;
    }
    struct socket *socket = port_find(world, host, &datagram->from, &datagram->to, datagram->interface_index);
    if (socket != NULL) {
        socket_push(world, socket, datagram);
        return;
    }
    report_no_socket(world, host, datagram);
    datagram_lose(world, datagram, TRALE_SIM_LOST_NO_SOCKET);
}

void deliver_arrival(struct world *world, struct datagram *datagram)
{
    struct host *host = datagram->receiver != NULL ? datagram->receiver : host_find(world, &datagram->to);
    if (host == NULL)
        datagram_lose(world, datagram, TRALE_SIM_LOST_NO_HOST);
    else if (host->n_down > 0)
        datagram_lose(world, datagram, TRALE_SIM_LOST_CRASH);
    else
        deliver_datagram(world, host, datagram);
}
