/* SPDX-License-Identifier: MIT
 *
 * A simulated world: a clock that stands still until the next event is taken, hosts with their sockets, and the network
 * between them. It knows no futures and no tasks. All of it is in one region of memory, which begins with the struct
 * world, and nothing in it points into a process. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <trale/future.h>
#include <trale/sim_report.h>
#include <trale/sim_runner.h>

#include "draw.h"
#include "event.h"
#include "log.h"
#include "fault.h"
#include "memory.h"
#include "plan.h"

/* The time when a world begins, by CLOCK_MONOTONIC. It is not 0, which callers use for "never". */
#define WORLD_BEGINS_NS UINT64_C(1000000000)

#define WORLD_PROGRAMS TRALE_SIM_PROGRAMS

#define WORLD_HOST_BUCKETS 4096u

struct host;

/* A program that lives in the world: a process with a runtime. */
struct world_program {
    struct event alarm;                /* when it wants to be woken */
    struct trale_link ready;           /* its sockets that have become ready, by their `ready_link` */
    struct trale_link ready_endpoints; /* likewise, of TCP */
    bool has_rung;                     /* the alarm; the program clears it */
    bool is_idle;                      /* it waits for the world */
    bool is_out;                       /* it has left the world, or died, or is down */
    bool is_down;                      /* its host has crashed, and it is started again with that */
    bool starts;                       /* its host is up again, and its process is to be started */
    bool serves;                       /* it runs until SIGTERM */
    uint32_t n_restarts;               /* so far */
    uint64_t signals;                  /* that were sent to it, and that its process has not got: bit `number - 1` */
    struct host *home;                 /* where its tasks are that have bound no address */
};

struct world {
    struct memory memory; /* first */
    uint64_t seed;
    uint64_t now_ns; /* CLOCK_MONOTONIC */
    struct event_heap events;
    struct world_program programs[WORLD_PROGRAMS];
    uint32_t n_programs;
    uint64_t stops_ns; /* when the programs that serve must have ended; UINT64_MAX: others have not ended yet */
    uint32_t doomed;   /* the number of a program that has crashed while it had the baton, to be killed; 0: none */
    uint64_t unseen;   /* programs that have not seen all crashes and restarts of hosts: bit `number - 1` */
    struct log_state log_state;
    /* Of the program that runs now, in the memory of its process: */
    struct log *log;                 /* NULL: events are not logged */
    struct trale_sim_report *report; /* what is counted */
    struct trale_sim_report counts;  /* the report of a world without programs */

    /* The network: */
    struct fault_table faults;
    struct plan plan;
    struct host **hosts; /* buckets, by host_key() */
    struct host *first_host, *last_host;
    uint32_t n_hosts;
    struct link **links; /* buckets, by their keys */
    uint32_t n_links, n_link_buckets;
    struct trale_link links_to_nobody; /* those used last at the end */
    uint32_t n_links_to_nobody;
    uint64_t n_datagrams, n_sockets; /* so far */
    uint64_t n_addresses;            /* that sockets got, and peers */

    /* TCP: */
    struct trale_link local_segments;                /* that have not left their hosts, by their `link` */
    uint64_t n_segments, n_connections, n_endpoints; /* so far */
    uint64_t n_detached;                             /* endpoints that have left their connections */
    uint64_t n_futile, futile_changes; /* events that change nothing as long as world_changes() is this (probe.h) */
};

/* Makes a world; NULL: no memory. */
struct world *world_new(uint64_t seed);

/* Makes a world in memory that is mapped and zero; NULL: the memory is too small. */
struct world *world_init(void *memory, uint64_t size, uint64_t seed);
void world_free(struct world *world);

/* Memory in the world, as memory_alloc and memory_give. */
static inline void *world_alloc(struct world *world, size_t size)
{
    return memory_alloc(&world->memory, size);
}

static inline void world_give(struct world *world, void *pointer, size_t size)
{
    memory_give(&world->memory, pointer, size);
}

/* As event_add and event_remove; an event of the past happens now. */
static inline int world_add(struct world *world, struct event *event, uint64_t at_ns)
{
    return event_add(&world->events, &world->memory, event, at_ns > world->now_ns ? at_ns : world->now_ns);
}

static inline void world_remove(struct world *world, struct event *event)
{
    event_remove(&world->events, event);
}

/* A program that is new in the world; NULL: the world has WORLD_PROGRAMS already. */
struct world_program *world_enter(struct world *world);

/* A program leaves the world: it has no alarm, and no socket of it is left. */
void world_leave(struct world *world, struct world_program *program);

/* The first program by number that is not idle; 0: all are. */
uint32_t world_next_program(const struct world *world);

/* Programs for which something has happened are idle no longer. */
void world_rouse(struct world *world);

/* Sets a program's alarm to that time; UINT64_MAX: never. When the time has come, has_rung is set. 0 or -ENOMEM. */
int world_set_alarm(struct world *world, struct world_program *program, uint64_t at_ns);

/* Stays the same as long as faults and connections do; never 0. */
static inline uint64_t world_changes(const struct world *world)
{
    return world->faults.n_changes + world->n_detached + 1;
}

/* When the next event is; UINT64_MAX: there is none, or none that changes anything. */
static inline uint64_t world_next_ns(const struct world *world)
{
    const struct event *event = event_first(&world->events);
    if (event == NULL || (world->n_futile == world->events.n && world->futile_changes == world_changes(world)))
        return UINT64_MAX;
    return event->at_ns;
}

/* Takes the next event: the clock moves on to its time, and it happens. Returns false if there is none. (step.c) */
bool world_step(struct world *world);

/* A draw with the world's seed. */
static inline uint64_t world_draw(const struct world *world, uint64_t stream, uint64_t key, uint64_t counter)
{
    return draw_number(world->seed, stream, key, counter);
}

#endif
