/* SPDX-License-Identifier: MIT */
#include "transfer_sides.h"

#include <errno.h>

bool transfer_input_data(struct transfer *t, const struct tftp_packet *packet, uint64_t now_ns)
{
    const int16_t ahead = (int16_t)(uint16_t)(packet->number - (uint16_t)(t->n_received + 1));
    if (packet->size > t->options.blksize) {
        transfer_fail(t, TFTP_ILLEGAL, "block too long", -EPROTO);
        return false;
    }
    if (ahead != 0) {
        /* The last block that was acknowledged: the acknowledgement was lost. Behind a gap: what is missing. */
        const bool is_last = packet->number == (uint16_t)t->n_confirmed && t->n_received == t->n_confirmed;
        if (t->n_received > 0 && is_last && ahead < 0) {
            t->has_control = true;
            t->n_repeated++;
        } else if (ahead > 0 && ahead < (int64_t)t->options.windowsize && !t->is_gap_confirmed) {
            t->is_gap_confirmed = true;
            if (t->n_received > 0)
                transfer_confirm(t);
            t->has_control = true;
        }
        return false;
    }
    t->n_received++;
    t->is_gap_confirmed = false;
    transfer_progress(t, now_ns);
    if (packet->size < t->options.blksize) {
        t->state = TRANSFER_STORES;
        t->deadline_ns = UINT64_MAX;
        t->has_control = false;
    } else if (t->n_received - t->n_confirmed >= t->options.windowsize) {
        transfer_confirm(t);
    }
    return true;
}

void transfer_stored(struct transfer *t, uint64_t now_ns)
{
    if (t->state != TRANSFER_STORES)
        return;
    transfer_confirm(t);
    t->state = TRANSFER_DALLIES;
    t->deadline_ns = now_ns + t->setup.dally_ns;
}
