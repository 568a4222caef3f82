/* SPDX-License-Identifier: MIT */
#include "core/executor/park.h"

#include "core/base/futex.h"

/* Every interrupt passes here before the 32 bits wrap: the executor sleeps again only when it has seen the last. */
static bool futex_park_look(struct futex_park *park)
{
    uint32_t posted = atomic_load_explicit(&park->posted, memory_order_acquire);
    bool is_new = posted != park->seen;
    park->n_interrupts += posted - park->seen;
    park->seen = posted;
    return is_new;
}

void futex_park_wait(void *futex_park, uint64_t limit_ns, bool all_tasks_ran)
{
    (void)all_tasks_ran;
    struct futex_park *park = futex_park;
    if (futex_park_look(park) || limit_ns == PARK_LOOK)
        return;
    futex_wait_for(&park->posted, park->seen, limit_ns);
    futex_park_look(park);
}

uint64_t futex_park_n_interrupts(void *futex_park)
{
    struct futex_park *park = futex_park;
    futex_park_look(park);
    return park->n_interrupts;
}

void futex_park_interrupt(void *futex_park)
{
    struct futex_park *park = futex_park;
    atomic_fetch_add_explicit(&park->posted, 1, memory_order_release);
    futex_wake_all(&park->posted);
}
