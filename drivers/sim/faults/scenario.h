/* SPDX-License-Identifier: MIT
 *
 * The language of scenarios: a fault is a line.
 *
 *     at 1.7s partition 10.0.0.1 | 10.0.0.2, 10.0.0.3 for 400ms
 *     at 2s partition 10.0.0.1 -> 10.0.0.2 for 1s            ; only this direction
 *     from 0s loss 10.0.0.1 -> * 12%
 *     from 2s until 5s latency * -> 10.0.0.2 80ms jitter 20ms
 *     from 0s duplicate * -> * 1%
 *     from 0s reorder * -> * 5% by 30ms                      ; held back for up to 30 ms
 *     from 0s corrupt * -> * 0.1%                            ; dropped by the checksum
 *     from 0s corrupt * -> * 0.1% unchecked                  ; delivered with a bit flipped
 *     at 1s drop 10.0.0.1 -> 10.0.0.2 3                      ; the next 3 datagrams
 *     from 0s mtu * -> 10.0.0.2 1280
 *     from 0s bandwidth * -> 10.0.0.2 64K                    ; bytes a second
 *     from 0s queue * -> 10.0.0.2 16K                        ; bytes that wait for the bandwidth
 *     at 3s crash 10.0.0.3, restart after 2s
 *     at 3s pause 10.0.0.3 for 500ms
 *     at 4s clock 10.0.0.1 step -3s                          ; CLOCK_REALTIME
 *     at 5s signal 10.0.0.1 TERM
 *     at 6s reset 10.0.0.1 -> 10.0.0.2                       ; connections of TCP between them
 *
 * `at` and `from` are the same. Times are counted from the beginning of the run. Without `until`, `for` or `restart` a
 * fault lasts until the faults of the run end; with `keep` as the last word it lasts longer than that. `*` is every
 * host, also one that appears later. A latency, a jitter and the time of `by` are 1h at most. Comments begin with ; or
 * #, behind an entry as well.
 *
 * A host that crashes loses the sockets on it, and what its tasks have. Where several programs share the world, the
 * programs that are at home on the host die, and new processes of them begin at the restart, if `trale simulate` runs
 * them; programs that were started by hand stay dead. */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <trale/address.h>

enum scenario_kind {
    /* Of a link, as long as they last: */
    SCENARIO_LOSS,      /* rate */
    SCENARIO_DUPLICATE, /* rate */
    SCENARIO_REORDER,   /* rate, duration_ns: how long a datagram is held back at most */
    SCENARIO_CORRUPT,   /* rate, is_unchecked */
    SCENARIO_LATENCY,   /* duration_ns, jitter_ns */
    SCENARIO_DROP,      /* amount: datagrams; it is over when these are lost */
    SCENARIO_MTU,       /* amount: bytes */
    SCENARIO_BANDWIDTH, /* amount: bytes a second */
    SCENARIO_QUEUE,     /* amount: bytes */
    SCENARIO_PARTITION, /* is_one_way */
    /* Of hosts: */
    SCENARIO_CRASH, /* until the restart */
    SCENARIO_PAUSE,
    SCENARIO_CLOCK,  /* step_ns; at once */
    SCENARIO_SIGNAL, /* amount: its number; at once */
    /* Of connections: */
    SCENARIO_RESET, /* at once */
    SCENARIO_KINDS
};

#define SCENARIO_HOSTS 16
#define SCENARIO_NEVER UINT64_MAX

/* A set of hosts; n_hosts 0: all. */
struct scenario_side {
    struct trale_address hosts[SCENARIO_HOSTS]; /* with port 0 */
    uint32_t n_hosts;
};

struct scenario_entry {
    uint32_t kind;               /* enum scenario_kind */
    uint32_t rate;               /* in parts of a billion */
    uint64_t begins_ns, ends_ns; /* SCENARIO_NEVER: with the faults, or never if it is kept */
    uint64_t duration_ns, jitter_ns, amount;
    int64_t step_ns;
    struct scenario_side from, to; /* of hosts: `from` alone */
    bool is_kept, is_one_way, is_unchecked;
};

#define SCENARIO_ERROR 256
#define SCENARIO_TEXT 2048

/* Reads a line. Returns 1, and *entry is set; 0, the line has no entry; or -EINVAL: `error` says what was found, and
 * what may be there, and *entry is untouched. */
int scenario_parse(const char *line, struct scenario_entry *entry, char error[SCENARIO_ERROR]);

/* Writes an entry as a line, without a line feed, from which scenario_parse makes the same entry. */
void scenario_format(const struct scenario_entry *entry, char text[SCENARIO_TEXT]);

/* The word for a kind. */
const char *scenario_word(enum scenario_kind kind);

/* Whether the host, an address whose port does not matter, is one of the side's. */
bool scenario_has(const struct scenario_side *side, const struct trale_address *host);

#endif
