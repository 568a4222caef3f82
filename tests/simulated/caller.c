/* SPDX-License-Identifier: MIT
 *
 *     caller WAY NAME...      calls these functions; WAY is direct, symbol or library. The last name may be "fail"
 *     caller list             prints the names
 *
 * Each is called before the runtime is opened, in a task, and after it was closed. How long the task sleeps depends on
 * what they gave, so the runs of a seed differ where that does. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <trale/timer.h>

#include "calls.h"

static uint64_t make_calls(char **argv)
{
    const struct call *calls = strcmp(argv[1], "direct") == 0   ? calls_direct
                               : strcmp(argv[1], "symbol") == 0 ? calls_symbol
                                                                : calls_library;
    uint64_t sum = 0;
    for (char **name = argv + 2; *name != NULL; name++)
        for (const struct call *call = calls; call->make != NULL; call++)
            if (strcmp(call->name, *name) == 0) {
                uint64_t number = call->make();
                printf("%s %llu\n", call->name, (unsigned long long)number);
                sum = sum * 31 + number;
            }
    return sum;
}

struct work {
    struct trale_future future;
    struct trale_sleep sleep;
    char **argv;
    uint64_t sum;
    bool is_wrong;
};

/* The clocks of libc are those of the runtime. */
static bool has_other_time(struct trale *runtime)
{
    struct timespec steady, wall;
    clock_gettime(CLOCK_MONOTONIC, &steady);
    clock_gettime(CLOCK_REALTIME, &wall);
    return (uint64_t)steady.tv_sec * 1000000000 + (uint64_t)steady.tv_nsec !=
               trale_now_on(runtime, TRALE_CLOCK_MONOTONIC) ||
           (uint64_t)wall.tv_sec * 1000000000 + (uint64_t)wall.tv_nsec != trale_now_on(runtime, TRALE_CLOCK_REALTIME);
}

trale_async(work)
{
    trale_begin();
    self->sum += make_calls(self->argv);
    trale_await(trale_sleep(&self->sleep, 1 + self->sum % TRALE_SECOND));
    self->sum = make_calls(self->argv);
    trale_await(trale_sleep(&self->sleep, 1 + self->sum % TRALE_SECOND));
    trale_return(strcmp(self->argv[1], "direct") == 0 && self->argv[3] == NULL && has_other_time(cx->runtime));
}

int main(int argc, char **argv)
{
    if (argc == 2) {
        for (const struct call *call = calls_direct; call->make != NULL; call++)
            puts(call->name);
        return 0;
    }
    uint64_t sum = make_calls(argv);
    struct trale *runtime;
    int r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("trale_open", r);
    struct trale_task *task = trale_spawn(runtime, work, .argv = argv, .sum = sum);
    long result = task != NULL ? trale_join(task) : -1;
    trale_close(runtime);
    make_calls(argv);
    return strcmp(argv[argc - 1], "fail") == 0 || result != 0;
}
