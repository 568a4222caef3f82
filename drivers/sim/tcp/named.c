/* SPDX-License-Identifier: MIT */
#include "named.h"

#include <errno.h>
#include <string.h>

#include "input.h"
#include "list.h"

int named_check(const char *name)
{
    const size_t n = strlen(name);
    const bool is_abstract = name[0] == '@';
    if (n == 0 || (is_abstract && n == 1))
        return -EINVAL;
    return n - is_abstract >= NAMED_MAX ? -ENAMETOOLONG : 0;
}

static struct endpoint *find(const struct host *here, const char *name)
{
    for (const struct trale_link *link = here->endpoints.next; link != &here->endpoints; link = link->next) {
        struct endpoint *endpoint = list_entry(link, struct endpoint, host_link);
        if (endpoint->state == ENDPOINT_LISTENS && endpoint->name != NULL && strcmp(endpoint->name, name) == 0)
            return endpoint;
    }
    return NULL;
}

int named_listen(struct world *world, struct host *here, const char *name, struct endpoint **listener)
{
    if (find(here, name) != NULL)
        return -EADDRINUSE;
    struct endpoint *endpoint = endpoint_new(world, here, AF_UNIX);
    char *kept = endpoint != NULL ? world_alloc(world, strlen(name) + 1) : NULL;
    if (kept == NULL) {
        if (endpoint != NULL)
            endpoint_free(world, endpoint);
        return -ENOMEM;
    }
    endpoint->name = strcpy(kept, name);
    endpoint->state = ENDPOINT_LISTENS;
    *listener = endpoint;
    return 0;
}

/* One side of a connection, which is open at once. */
static void open_side(struct connection *connection, struct endpoint *endpoint, uint8_t side)
{
    connection_join(connection, endpoint, side);
    endpoint->state = ENDPOINT_OPEN;
    endpoint->is_local = true;
    endpoint->output.first = endpoint->output.next = endpoint->output.highest = endpoint->output.written;
    endpoint->input.next = 1;
    input_open(endpoint);
}

/* Makes the connection, whose other side waits for an accept. 0 or -ENOMEM. */
static int join(struct world *world, struct endpoint *listener, struct endpoint *near)
{
    struct connection *connection = connection_new(world);
    struct endpoint *far = connection != NULL ? endpoint_new(world, listener->host, AF_UNIX) : NULL;
    if (far == NULL) {
        world_give(world, connection, sizeof *connection);
        return -ENOMEM;
    }
    far->options = listener->options;
    open_side(connection, near, 0);
    open_side(connection, far, 1);
    near->output.window_end = far->input.window_end;
    far->output.window_end = near->input.window_end;
    far->listener = listener;
    list_append(&listener->queue, &far->listener_link);
    listener->n_queued++;
    world->report->n_opened += 2;
    log_event(world->log, LOG_OPENED, log_number("socket", (int64_t)near->number),
              log_number("connection", (int64_t)connection->number), log_text("name", listener->name));
    endpoint_wake(listener, ENDPOINT_READABLE);
    return 0;
}

int named_connect(struct world *world, struct host *here, const char *name, struct endpoint **endpoint)
{
    struct endpoint *listener = find(here, name);
    if (listener == NULL)
        return name[0] == '@' ? -ECONNREFUSED : -ENOENT;
    struct endpoint *near = endpoint_new(world, here, AF_UNIX);
    if (near == NULL)
        return -ENOMEM;
    near->state = ENDPOINT_CONNECTS;
    int r = 0;
    if (listener->n_queued > listener->backlog)
        list_append(&listener->answering, &near->listener_link);
    else
        r = join(world, listener, near);
    if (r < 0)
        endpoint_free(world, near);
    else
        *endpoint = near;
    return r;
}

void named_go_on(struct world *world, struct endpoint *listener)
{
    if (list_is_empty(&listener->answering) || listener->n_queued > listener->backlog)
        return;
    struct endpoint *near = list_entry(listener->answering.next, struct endpoint, listener_link);
    list_remove(&near->listener_link);
    int r = join(world, listener, near);
    if (r < 0)
        ending_break(world, near, r);
    else
        endpoint_wake(near, ENDPOINT_WRITABLE);
}
