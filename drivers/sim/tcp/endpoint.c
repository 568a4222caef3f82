/* SPDX-License-Identifier: MIT */
#include "endpoint.h"

#include <string.h>

#include "list.h"

#define FIRST_WINDOW (10 * ENDPOINT_SEGMENT) /* RFC 6928 */
#define FIRST_RESEND_NS UINT64_C(1000000000)

/* --- connections -------------------------------------------------------------------------------------------------- */

struct connection *connection_new(struct world *world)
{
    struct connection *connection = world_alloc(world, sizeof *connection);
    if (connection != NULL)
        connection->number = ++world->n_connections;
    return connection;
}

void connection_join(struct connection *connection, struct endpoint *endpoint, uint8_t side)
{
    endpoint->connection = connection;
    endpoint->side = side;
    connection->ends[side] = endpoint;
    connection->n_users++;
}

void connection_leave(struct world *world, struct connection *connection)
{
    if (--connection->n_users == 0)
        world_give(world, connection, sizeof *connection);
}

void endpoint_detach(struct world *world, struct endpoint *endpoint)
{
    struct connection *connection = endpoint->connection;
    if (connection == NULL)
        return;
    endpoint->connection = NULL;
    world->n_detached++;
    connection->ends[endpoint->side] = NULL;
    connection_leave(world, connection);
}

/* --- endpoints ---------------------------------------------------------------------------------------------------- */

struct endpoint *endpoint_new(struct world *world, struct host *host, sa_family_t family)
{
    struct endpoint *endpoint = world_alloc(world, sizeof *endpoint);
    if (endpoint == NULL)
        return NULL;
    endpoint->timer.kind = EVENT_ENDPOINT;
    endpoint->number = ++world->n_endpoints;
    endpoint->host = host;
    endpoint->family = family;
    endpoint->options = (struct endpoint_options){.keep_idle_s = 7200,
                                                  .keep_interval_s = 75,
                                                  .keep_count = 9,
                                                  .receive_buffer = ENDPOINT_BUFFER,
                                                  .send_buffer = ENDPOINT_BUFFER};
    endpoint->output = (struct endpoint_output){
        .written = 1, .congestion = FIRST_WINDOW, .threshold = UINT64_MAX, .resend_ns = FIRST_RESEND_NS};
    list_init(&endpoint->input.early);
    list_init(&endpoint->queue);
    list_init(&endpoint->answering);
    list_append(&host->endpoints, &endpoint->host_link);
    return endpoint;
}

void endpoint_free(struct world *world, struct endpoint *endpoint)
{
    endpoint_stop_timer(world, endpoint);
    endpoint_detach(world, endpoint);
    bytes_free(&endpoint->output.queue, &world->memory);
    bytes_free(&endpoint->input.queue, &world->memory);
    if (endpoint->name != NULL)
        world_give(world, endpoint->name, strlen(endpoint->name) + 1);
    list_remove(&endpoint->ready_link);
    list_remove(&endpoint->listener_link);
    list_remove(&endpoint->port_link);
    list_remove(&endpoint->host_link);
    world_give(world, endpoint, sizeof *endpoint);
}

void endpoint_wake(struct endpoint *endpoint, uint32_t ready)
{
    ready &= endpoint->awaited;
    if (ready == 0 || endpoint->program == NULL)
        return;
    endpoint->ready |= ready;
    if (!list_has(&endpoint->ready_link))
        list_append(&endpoint->program->ready_endpoints, &endpoint->ready_link);
}

/* --- the timer ---------------------------------------------------------------------------------------------------- */

void endpoint_set_timer(struct world *world, struct endpoint *endpoint, enum endpoint_timer kind, uint64_t at_ns)
{
    endpoint_stop_timer(world, endpoint);
    if (world_add(world, &endpoint->timer, at_ns) == 0)
        endpoint->timer_kind = kind;
}

void endpoint_stop_timer(struct world *world, struct endpoint *endpoint)
{
    world_remove(world, &endpoint->timer);
    if (endpoint->futile_changes != 0 && endpoint->futile_changes == world->futile_changes)
        world->n_futile--;
    endpoint->futile_changes = 0;
    endpoint->timer_kind = TIMER_NONE;
}

/* --- addresses ---------------------------------------------------------------------------------------------------- */

struct trale_address endpoint_show(const struct endpoint *endpoint, const struct trale_address *address)
{
    if (endpoint->family == AF_INET || address->any.sa_family != AF_INET)
        return *address;
    struct trale_address mapped = {.v6 = {.sin6_family = AF_INET6, .sin6_port = address->v4.sin_port}};
    mapped.v6.sin6_addr.s6_addr[10] = mapped.v6.sin6_addr.s6_addr[11] = 0xff;
    memcpy(&mapped.v6.sin6_addr.s6_addr[12], &address->v4.sin_addr, sizeof address->v4.sin_addr);
    return mapped;
}
