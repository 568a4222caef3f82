/* SPDX-License-Identifier: MIT */
#include "network.h"

#include <errno.h>
#include <string.h>

#include "host.h"
#include "option.h"
#include "scenario_value.h"

static int read_rate(const struct program *program, enum option option, uint32_t *rate)
{
    const char *text = program->settings->values[option].text;
    if (value_read_rate(text, strlen(text), rate))
        return 0;
    return option_refuse(&program->host, program->settings, option, "allowed is a rate from 0% to 100%, such as 0.5%");
}

static int read_rates(const struct program *program, struct fault_rules *rules)
{
    int r = read_rate(program, OPTION_LOSS, &rules->loss);
    if (r == 0)
        r = read_rate(program, OPTION_DUPLICATE, &rules->duplicate);
    if (r == 0)
        r = read_rate(program, OPTION_REORDER, &rules->reorder);
    return r < 0 ? r : read_rate(program, OPTION_CORRUPT, &rules->corrupt);
}

/* A host that other hosts can reach. */
static int read_address(struct program *program)
{
    struct trale_address address;
    const char *text = program->settings->values[OPTION_ADDRESS].text;
    if (!value_is_host(text, &address) || trale_address_is_unspecified(&address) ||
        trale_address_is_loopback(&address) || trale_address_is_multicast(&address))
        return option_refuse(&program->host, program->settings, OPTION_ADDRESS,
                             "allowed is the address of a host, such as 10.0.0.1 or fd00::a00:1");
    program->here = program->home = host_get(program->world, &address);
    return program->home != NULL ? 0 : -ENOMEM;
}

int network_open(struct program *program)
{
    const struct trale_settings *settings = program->settings;
    struct fault_rules rules = {
        .latency_ns = (uint64_t)option_integer(settings, OPTION_LATENCY),
        .jitter_ns = (uint64_t)option_integer(settings, OPTION_JITTER),
        .mtu = (uint32_t)option_integer(settings, OPTION_MTU),
        .bandwidth = (uint64_t)option_integer(settings, OPTION_BANDWIDTH),
        .queue = (uint64_t)option_integer(settings, OPTION_QUEUE),
    };
    int r = read_rates(program, &rules);
    if (r < 0)
        return r;
    if (program->is_first)
        program->world->faults.defaults = rules;
    return read_address(program);
}
