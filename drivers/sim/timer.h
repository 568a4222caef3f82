/* SPDX-License-Identifier: MIT
 *
 * trale.timer/1 on the world's clock, which stands still while tasks run. */
#ifndef SIM_TIMER_H
#define SIM_TIMER_H

#include "host.h"
#include "program.h"
#include "sleeps.h"

/* A clock of a host, as this program uses it: `driver` of its sleeps. */
struct timer_clock {
    struct timer *timer;
    uint32_t clock; /* TRALE_CLOCK_MONOTONIC, or TRALE_CLOCK_REALTIME */
    const struct host *host;
    int64_t followed_ns; /* of CLOCK_REALTIME: host->clock_ns as far as the deadlines have followed it */
};

struct timer {
    struct trale_timer table;
    struct program *program;
    uint32_t configured; /* TRALE_CLOCK_ of the option `clock` */
    uint64_t slack_ns;
    uint64_t wall_ahead_ns;      /* CLOCK_REALTIME of a host whose clock was not set, before the world's clock */
    struct timer_clock **clocks; /* two of each host, by its number, as far as they were used; NULL: not used */
    uint32_t n_clocks;
    struct sleeps sleeps;
};

/* `wall_ns` is CLOCK_REALTIME when the world begins. */
void timer_init(struct timer *timer, struct program *program, uint32_t configured, uint64_t slack_ns, uint64_t wall_ns);
void timer_deinit(struct timer *timer);

/* When the world's clock must stop for a sleep; UINT64_MAX: never. */
uint64_t timer_next(const struct timer *timer);

/* Wakes the sleeps whose deadlines have come. */
void timer_fire(struct timer *timer);

/* CLOCK_REALTIME of the host of the task that runs. */
uint64_t timer_wall(const struct timer *timer);

#endif
