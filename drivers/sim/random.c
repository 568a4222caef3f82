/* SPDX-License-Identifier: MIT */
#include "random.h"

#include <string.h>

#include "draw.h"

/* Each call begins with a number of its own, of which it may use a part. */
static int32_t entropy_fill(void *instance, void *buf, uint64_t size)
{
    struct entropy *entropy = instance;
    struct program *program = entropy->program;
    const uint64_t stream = draw_stream("entropy");
    for (uint64_t n_filled = 0; n_filled < size;) {
        uint64_t drawn = world_draw(program->world, stream, program_key(program), entropy->n_drawn++);
        uint64_t n = size - n_filled < sizeof drawn ? size - n_filled : sizeof drawn;
        memcpy((char *)buf + n_filled, &drawn, n);
        n_filled += n;
    }
    program->report->n_entropy += size;
    log_event(&program->log, LOG_ENTROPY, log_number("size", (int64_t)size), log_hash(buf, size));
    return 0;
}

void entropy_init(struct entropy *entropy, struct program *program)
{
    *entropy = (struct entropy){.table = {.interface = {sizeof entropy->table, 1, entropy}, .fill = entropy_fill},
                                .program = program};
}
