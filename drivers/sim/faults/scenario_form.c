/* SPDX-License-Identifier: MIT */
#include "scenario_form.h"

const struct scenario_form scenario_forms[SCENARIO_KINDS] = {
    [SCENARIO_LOSS] = {"loss", REST_LINK | REST_RATE | REST_FOR},
    [SCENARIO_DUPLICATE] = {"duplicate", REST_LINK | REST_RATE | REST_FOR},
    [SCENARIO_REORDER] = {"reorder", REST_LINK | REST_RATE | REST_BY | REST_FOR},
    [SCENARIO_CORRUPT] = {"corrupt", REST_LINK | REST_RATE | REST_UNCHECKED | REST_FOR},
    [SCENARIO_LATENCY] = {"latency", REST_LINK | REST_DURATION | REST_FOR},
    [SCENARIO_DROP] = {"drop", REST_LINK | REST_AMOUNT | REST_FOR},
    [SCENARIO_MTU] = {"mtu", REST_LINK | REST_AMOUNT | REST_FOR},
    [SCENARIO_BANDWIDTH] = {"bandwidth", REST_LINK | REST_AMOUNT | REST_FOR},
    [SCENARIO_QUEUE] = {"queue", REST_LINK | REST_AMOUNT | REST_FOR},
    [SCENARIO_PARTITION] = {"partition", REST_LINK | REST_FOR},
    [SCENARIO_CRASH] = {"crash", REST_RESTART},
    [SCENARIO_PAUSE] = {"pause", REST_FOR},
    [SCENARIO_CLOCK] = {"clock", REST_STEP},
    [SCENARIO_SIGNAL] = {"signal", REST_SIGNAL},
    [SCENARIO_RESET] = {"reset", REST_LINK},
};

const char *scenario_word(enum scenario_kind kind)
{
    return scenario_forms[kind].word;
}

bool scenario_has(const struct scenario_side *side, const struct trale_address *host)
{
    struct trale_address address = trale_address_unmap(host);
    trale_address_set_port(&address, 0);
    for (uint32_t i = 0; i < side->n_hosts; i++)
        if (trale_address_equal(&side->hosts[i], &address))
            return true;
    return side->n_hosts == 0;
}
