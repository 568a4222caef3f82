/* SPDX-License-Identifier: MIT
 *
 * A simulated world without a runtime, with a host and faults. */
#ifndef TRALE_TESTS_OPEN_WORLD_H
#define TRALE_TESTS_OPEN_WORLD_H

#include "tests/support.h"

#include "drivers/sim/faults/fault.h"
#include "drivers/sim/faults/scenario.h"
#include "drivers/sim/world/host.h"
#include "drivers/sim/world/world.h"

#define SECOND UINT64_C(1000000000)
#define MILLISECOND UINT64_C(1000000)

static struct world *world;
static struct host *here; /* 10.0.0.1 */
static struct fault faults[16];
static size_t n_faults;

static inline void world_open_with(uint64_t seed)
{
    const struct trale_address address = test_address("10.0.0.1:0");
    world = world_new(seed);
    assert_non_null(world);
    here = host_get(world, &address);
    assert_non_null(here);
    memset(faults, 0, sizeof faults);
    n_faults = 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_free(world);
    return 0;
}

/* Begins the fault of a scenario's line, whatever its time. */
static struct fault *begin(const char *line)
{
    char error[SCENARIO_ERROR];
    struct fault *fault = &faults[n_faults++];
    if (scenario_parse(line, &fault->entry, error) != 1)
        fail_msg("%s: %s", line, error);
    fault_begin(&world->faults, fault);
    return fault;
}

static void run(void)
{
    while (world_step(world))
        ;
}

/* Until a time since the world began. */
static void run_until(uint64_t at_ns)
{
    while (world_next_ns(world) <= at_ns + WORLD_BEGINS_NS)
        world_step(world);
    world->now_ns = at_ns + WORLD_BEGINS_NS;
}

static uint64_t now_ns(void)
{
    return world->now_ns - WORLD_BEGINS_NS;
}

#endif
