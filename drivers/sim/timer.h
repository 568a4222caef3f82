/* SPDX-License-Identifier: MIT
 *
 * trale.timer/1 on the world's clock, which stands still while tasks run. */
#ifndef SIM_TIMER_H
#define SIM_TIMER_H

#include "program.h"
#include "sleeps.h"

/* A clock of this program: `driver` of its sleeps. */
struct timer_clock {
    struct timer *timer;
    uint32_t clock;    /* TRALE_CLOCK_ */
    uint64_t ahead_ns; /* of the world's clock */
};

struct timer {
    struct trale_timer table;
    struct program *program;
    uint32_t configured; /* TRALE_CLOCK_ of the option `clock` */
    uint64_t slack_ns;
    struct timer_clock steady, wall;
    struct sleeps sleeps;
};

/* `wall_ns` is CLOCK_REALTIME when the world begins. */
void timer_init(struct timer *timer, struct program *program, uint32_t configured, uint64_t slack_ns, uint64_t wall_ns);
void timer_deinit(struct timer *timer);

/* When the world's clock must stop for a sleep; UINT64_MAX: never. */
uint64_t timer_next(const struct timer *timer);

/* Wakes the sleeps whose deadlines have come. */
void timer_fire(struct timer *timer);

/* CLOCK_REALTIME is set: `by_ns` forward, or back. Its deadlines follow. */
void timer_step(struct timer *timer, int64_t by_ns);

#endif
