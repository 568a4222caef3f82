/* SPDX-License-Identifier: MIT */
#include "world.h"

#include "list.h"

static struct world *world_begin(struct memory *memory, uint64_t seed)
{
    struct world *world = (struct world *)(void *)memory;
    world->seed = seed;
    world->now_ns = WORLD_BEGINS_NS;
    world->report = &world->counts;
    world->faults.defaults = (struct fault_rules){.latency_ns = 1000000, .mtu = 1500};
    list_init(&world->faults.active);
    list_init(&world->plan.notices);
    list_init(&world->plan.active);
    list_init(&world->local_segments);
    world->plan.list_fd = -1;
    world->plan.quiet_ns = WORLD_BEGINS_NS;
    world->stops_ns = UINT64_MAX;
    world->hosts = world_alloc(world, WORLD_HOST_BUCKETS * sizeof *world->hosts);
    return world->hosts != NULL ? world : NULL;
}

struct world *world_new(uint64_t seed)
{
    struct memory *memory = memory_map(sizeof(struct world));
    return memory != NULL ? world_begin(memory, seed) : NULL;
}

struct world *world_init(void *memory, uint64_t size, uint64_t seed)
{
    return world_begin(memory_init(memory, size, sizeof(struct world)), seed);
}

void world_free(struct world *world)
{
    memory_unmap(&world->memory);
}

struct world_program *world_enter(struct world *world)
{
    if (world->n_programs == WORLD_PROGRAMS)
        return NULL;
    struct world_program *program = &world->programs[world->n_programs++];
    program->alarm.kind = EVENT_ALARM;
    return program;
}

int world_set_alarm(struct world *world, struct world_program *program, uint64_t at_ns)
{
    if (event_is_pending(&program->alarm) && program->alarm.at_ns == at_ns)
        return 0;
    if (at_ns != UINT64_MAX)
        return world_add(world, &program->alarm, at_ns);
    world_remove(world, &program->alarm);
    return 0;
}

/* --- programs ----------------------------------------------------------------------------------------------------- */

void world_leave(struct world *world, struct world_program *program)
{
    world_remove(world, &program->alarm);
    program->is_out = program->is_idle = true;
}

uint32_t world_next_program(const struct world *world)
{
    for (uint32_t i = 0; i < world->n_programs; i++)
        if (!world->programs[i].is_idle)
            return i + 1;
    return 0;
}

void world_rouse(struct world *world)
{
    for (uint32_t i = 0; i < world->n_programs; i++) {
        struct world_program *program = &world->programs[i];
        if (!program->is_out && (program->has_rung || program->signals != 0 || !list_is_empty(&program->ready) ||
                                 !list_is_empty(&program->ready_endpoints)))
            program->is_idle = false;
    }
}
