/* SPDX-License-Identifier: MIT */
#include "core/simulate/options.h"

const char *simulate_guard_name(enum simulate_guard guard)
{
    static const char *const names[] = {"virtualise", "warn", "refuse", "off"};
    return names[guard];
}
