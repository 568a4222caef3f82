/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "draw.h"

static int64_t guard_now_ns(void *instance, int32_t clock)
{
    struct guard *guard = instance;
    uint32_t known = clock == CLOCK_REALTIME   ? TRALE_CLOCK_REALTIME
                     : clock == CLOCK_BOOTTIME ? TRALE_CLOCK_BOOTTIME
                                               : TRALE_CLOCK_MONOTONIC;
    if (known == TRALE_CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC)
        return -EINVAL;
    return (int64_t)guard->timer->table.now_on(guard->timer, known);
}

/* A stream of its own: the numbers of trale.random/1 do not depend on these. */
static void guard_draw(void *instance, void *buffer, size_t size)
{
    struct guard *guard = instance;
    struct program *program = guard->program;
    const uint64_t stream = draw_stream("guard");
    for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
        uint64_t drawn = world_draw(program->world, stream, program_key(program), guard->n_drawn++);
        memcpy((char *)buffer + at, &drawn, size - at < sizeof drawn ? size - at : sizeof drawn);
    }
    log_event(&program->log, LOG_ENTROPY, log_number("size", (int64_t)size), log_hash(buffer, size));
}

static void guard_block(void *instance, uint64_t ns)
{
    struct guard *guard = instance;
    guard->pass(guard->data, ns);
}

void guard_open(struct guard *guard, struct program *program, struct timer *timer,
                void (*pass)(void *data, uint64_t ns), void *data)
{
    *guard = (struct guard){.source = {.size = sizeof guard->source,
                                       .instance = guard,
                                       .now_ns = guard_now_ns,
                                       .draw = guard_draw,
                                       .block = guard_block},
                            .program = program,
                            .timer = timer,
                            .attach = (trale_guard_attach_fn *)dlsym(RTLD_DEFAULT, TRALE_GUARD_ATTACH),
                            .pass = pass,
                            .data = data};
    if (guard->attach != NULL && guard->attach(&guard->source) < 0)
        guard->attach = NULL;
}

void guard_close(struct guard *guard)
{
    if (guard->attach != NULL)
        guard->attach(NULL);
    guard->attach = NULL;
}
