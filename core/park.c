/* SPDX-License-Identifier: MIT */
#include "core/park.h"

#include "core/futex.h"

uint64_t futex_park_wait(void *futex_park, bool may_block)
{
    struct futex_park *park = futex_park;
    uint32_t posted = atomic_load_explicit(&park->posted, memory_order_acquire);
    while (may_block && posted == park->taken) {
        futex_wait(&park->posted, posted);
        posted = atomic_load_explicit(&park->posted, memory_order_acquire);
    }
    uint32_t n_interrupts = posted - park->taken;
    park->taken = posted;
    return n_interrupts;
}

void futex_park_interrupt(void *futex_park)
{
    struct futex_park *park = futex_park;
    atomic_fetch_add_explicit(&park->posted, 1, memory_order_release);
    futex_wake_all(&park->posted);
}
