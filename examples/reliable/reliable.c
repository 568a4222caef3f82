/* SPDX-License-Identifier: MIT
 *
 * Reliable delivery over UDP: several nodes send each other values, and each value is applied exactly once, whatever
 * the network loses, repeats or delays. Data is sent again, after longer and longer waits, until it is acknowledged
 * (rules.h); a receiver acknowledges all data, and applies what it has not had before.
 *
 *     reliable [-m VALUES] [-p MILLISECONDS] ADDRESS ADDRESS...
 *         -m  how many values each node sends to each other node, default 10
 *         -p  how long it waits after a value, default 0
 *
 * What a node has sent and applied is in its journal, which a real program would keep in a file: a node that crashes
 * begins again with its journal. The program ends when all is acknowledged, or at once when a node finds a value that
 * was applied twice.
 */
#define _GNU_SOURCE 1 /* getopt(3) */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <trale/random.h>
#include <trale/sim.h>

#include "node.h"

/* A node on its host. */
struct host {
    struct trale_future future;
    struct node *node;
    TRALE_SIM_HOST(node_run) host;
};

trale_async(host)
{
    trale_begin();
    trale_await(
        trale_sim_host(&self->host, &self->node->world->addresses[self->node->number], node_run, .node = self->node));
    trale_return(trale_result());
}

/* The body of a scope with all hosts in it. */
struct hosts {
    struct trale_future future;
    struct world *world;
    struct trale_scope *scope;
};

trale_async(hosts)
{
    trale_begin();
    for (size_t i = 0; i < self->world->n_nodes; i++)
        if (trale_scope_spawn(self->scope, host, .node = &self->world->nodes[i]) < 0)
            trale_return(-ENOMEM);
    trale_return(0);
}

/* Runs the nodes until all is acknowledged, or one of them fails. */
struct run {
    struct trale_future future;
    struct world *world;
    struct trale_scope scope;
    struct hosts hosts;
    struct trale_notify_wait wait;
    TRALE_BRANCHES(2) race;
};

trale_async(run)
{
    trale_begin();
    trale_try(trale_race_of(
        &self->race,
        trale_scope(&self->scope, trale_call(hosts, &self->hosts, .world = self->world, .scope = &self->scope)),
        trale_notify_wait(&self->wait, &self->world->all_acknowledged)));
    trale_return(self->race.branch[trale_result()].result);
}

static int world_init(struct world *world, struct trale *runtime, char **addresses)
{
    world->all_acknowledged = (struct trale_notify)TRALE_NOTIFY;
    world->n_unacknowledged = (uint64_t)world->n_nodes * (world->n_nodes - 1) * world->n_values;
    for (size_t i = 0; i < world->n_nodes; i++) {
        struct node *node = &world->nodes[i];
        node->world = world;
        node->number = i;
        int r = trale_address_parse(addresses[i], &world->addresses[i]);
        if (r == 0)
            r = trale_random_fill(runtime, &node->journal.session, sizeof node->journal.session);
        for (size_t peer = 0; peer < world->n_nodes && r == 0; peer++) {
            node->journal.peers[peer].oldest = 1;
            node->journal.peers[peer].is_acknowledged = calloc(world->n_values, sizeof(bool));
            node->journal.peers[peer].n_applied = calloc(world->n_values, sizeof(uint32_t));
            if (node->journal.peers[peer].is_acknowledged == NULL || node->journal.peers[peer].n_applied == NULL)
                r = -ENOMEM;
        }
        if (r < 0)
            return r;
    }
    return 0;
}

static void world_deinit(struct world *world)
{
    for (size_t i = 0; i < world->n_nodes * world->n_nodes; i++) {
        struct peer *peer = &world->nodes[i / world->n_nodes].journal.peers[i % world->n_nodes];
        free(peer->is_acknowledged);
        free(peer->n_applied);
    }
}

/* Whether each value was applied once. */
static bool world_is_complete(const struct world *world)
{
    for (size_t to = 0; to < world->n_nodes; to++)
        for (size_t from = 0; from < world->n_nodes; from++)
            for (uint32_t i = 0; i < world->n_values && from != to; i++)
                if (world->nodes[to].journal.peers[from].n_applied[i] != 1) {
                    fprintf(stderr, "value %" PRIu32 " of node %zu was acknowledged, and node %zu has not applied it\n",
                            i + 1, from, to);
                    return false;
                }
    return true;
}

static bool read_option(struct world *world, int option, const char *value)
{
    uint32_t pause_ms;
    if (option == 'm')
        return sscanf(value, "%" SCNu32, &world->n_values) == 1 && world->n_values > 0 && world->n_values <= N_VALUES;
    if (option != 'p' || sscanf(value, "%" SCNu32, &pause_ms) != 1)
        return false;
    world->pause_ns = pause_ms * TRALE_MILLISECOND;
    return true;
}

int main(int argc, char **argv)
{
    static struct world world = {.n_values = 10};
    struct trale *runtime;
    bool is_understood = true;
    for (int option; (option = getopt(argc, argv, "m:p:")) != -1;)
        is_understood = read_option(&world, option, optarg) && is_understood;
    world.n_nodes = (size_t)(argc - optind);
    if (!is_understood || world.n_nodes < 2 || world.n_nodes > N_NODES) {
        fprintf(stderr,
                "usage: %s [-m VALUES] [-p MILLISECONDS] ADDRESS ADDRESS...   (%d values and %d addresses at most)\n",
                argv[0], N_VALUES, N_NODES);
        return EXIT_FAILURE;
    }
    int r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("trale_open", r);
    struct run run;
    int64_t result = world_init(&world, runtime, argv + optind);
    if (result == 0)
        result = trale_block_on(runtime, trale_call(run, &run, .world = &world));
    trale_close(runtime);
    bool is_complete = result == 0 && world_is_complete(&world);
    if (is_complete)
        printf("%zu nodes, %" PRIu32 " values from each to each other, all applied once; %" PRIu64
               " messages sent, %" PRIu64 " of them again, %" PRIu64 " duplicates received\n",
               world.n_nodes, world.n_values, world.n_sent, world.n_repeated, world.n_duplicates);
    world_deinit(&world);
    if (result < 0)
        return trale_perror("reliable", result);
    return is_complete ? EXIT_SUCCESS : EXIT_FAILURE;
}
