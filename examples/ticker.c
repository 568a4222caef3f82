/* SPDX-License-Identifier: MIT
 *
 * Timers: a heart that beats every 10 ms, and a guard that gives up after 100 ms without a beat.
 *
 *     ticker [skip | burst | delay]      what happens to missed beats, default skip
 *
 * After the fifth beat the heart stops for 45 ms, and after the tenth for good. The guard is one sleep, which every
 * beat postpones. It may end up to 5 ms late, because it is not urgent, and it counts also while the machine is
 * suspended.
 */
#include <inttypes.h>
#include <stdbool.h>

#include <trale/timer.h>

#define BEAT_NS (10 * TRALE_MILLISECOND)
#define SILENCE_NS (100 * TRALE_MILLISECOND)

struct guard {
    struct trale_future future;
    struct trale_sleep silence;
    bool over;
};

trale_async(guard)
{
    trale_begin();
    uint64_t deadline_ns = trale_now_on(cx->runtime, TRALE_CLOCK_BOOTTIME) + SILENCE_NS;
    trale_try(trale_sleep_on(&self->silence, TRALE_CLOCK_BOOTTIME, deadline_ns, 5 * TRALE_MILLISECOND));
    self->over = true; /* a sleep that has resolved cannot be postponed */
    printf("silence\n");
    trale_return(0);
}

struct heart {
    struct trale_future future;
    struct guard *guard;
    struct trale_interval interval;
    struct trale_sleep pause;
    uint32_t missed;
    int64_t n_beats, n_awaits;
};

trale_async(heart)
{
    trale_begin();
    trale_interval_start(&self->interval, trale_now(cx->runtime), BEAT_NS);
    self->interval.missed = self->missed;
    while (self->n_awaits < 10) {
        trale_try(trale_tick(&self->interval));
        self->n_beats += trale_result();
        self->n_awaits++;
        if (!self->guard->over)
            trale_sleep_reset(&self->guard->silence, trale_now_on(cx->runtime, TRALE_CLOCK_BOOTTIME) + SILENCE_NS);
        if (self->n_awaits == 5)
            trale_try(trale_sleep(&self->pause, 45 * TRALE_MILLISECOND));
    }
    printf("awaited 10 times, %" PRId64 " beats\n", self->n_beats);
    trale_return(0);
}

struct watch {
    struct trale_future future;
    struct guard guard;
    struct heart heart;
    uint32_t missed;
    TRALE_BRANCHES(2) both;
};

trale_async(watch)
{
    trale_begin();
    trale_try(trale_all_of(&self->both, trale_call(guard, &self->guard),
                           trale_call(heart, &self->heart, .guard = &self->guard, .missed = self->missed)));
    trale_return(self->both.branch[0].result < 0 ? self->both.branch[0].result : self->both.branch[1].result);
}

int main(int argc, char **argv)
{
    static const char *const policies[] = {"skip", "burst", "delay"}; /* in the order of TRALE_TICKS_ */
    uint32_t missed = 0;
    while (argc > 1 && missed < 3 && strcmp(argv[1], policies[missed]) != 0)
        missed++;
    if (missed == 3) {
        fprintf(stderr, "usage: %s [skip | burst | delay]\n", argv[0]);
        return EXIT_FAILURE;
    }
    struct trale *runtime;
    int r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("trale_open", r);
    int64_t result = trale_join(trale_spawn(runtime, watch, .missed = missed));
    trale_close(runtime);
    return result < 0 ? trale_perror(argv[0], result) : EXIT_SUCCESS;
}
