/* SPDX-License-Identifier: MIT */
#include "core/simulate/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/deadline.h"

#define BAR_NS (DEADLINE_SECOND / 10)
#define LINE_NS (10 * DEADLINE_SECOND)
#define BAR_WIDTH 30

void simulate_progress_begin(struct simulate_progress *progress, const char *what, uint64_t n_wanted)
{
    uint64_t now_ns = deadline_now_ns();
    *progress = (struct simulate_progress){
        .is_terminal = isatty(STDERR_FILENO) != 0, .begin_ns = now_ns, .what = what, .n_wanted = n_wanted};
    progress->next_ns = now_ns + (progress->is_terminal ? BAR_NS : LINE_NS);
}

static void show_bar(struct simulate_progress *progress, uint64_t n_done)
{
    char bar[BAR_WIDTH + 1];
    size_t n = (size_t)(progress->n_wanted > 0 ? n_done * BAR_WIDTH / progress->n_wanted : 0);
    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', n < BAR_WIDTH ? n : BAR_WIDTH);
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r[%s] ", bar);
}

void simulate_progress_show(struct simulate_progress *progress, uint64_t n_done, uint64_t n_failed)
{
    uint64_t now_ns = deadline_now_ns();
    if (now_ns < progress->next_ns)
        return;
    progress->next_ns = now_ns + (progress->is_terminal ? BAR_NS : LINE_NS);
    double seconds = (double)(now_ns - progress->begin_ns) / 1e9, rate = (double)n_done / seconds;
    if (progress->is_terminal)
        show_bar(progress, n_done);
    fprintf(stderr, "%llu", (unsigned long long)n_done);
    if (progress->n_wanted > 0)
        fprintf(stderr, " of %llu", (unsigned long long)progress->n_wanted);
    fprintf(stderr, " %s, %.0f per second, %llu failed", progress->what, rate, (unsigned long long)n_failed);
    if (progress->n_wanted > n_done && rate > 0)
        fprintf(stderr, ", %.0f s left", (double)(progress->n_wanted - n_done) / rate);
    fputs(progress->is_terminal ? "\033[K" : "\n", stderr);
    fflush(stderr);
    progress->is_shown = true;
}

void simulate_progress_clear(struct simulate_progress *progress)
{
    if (progress->is_terminal && progress->is_shown)
        fputs("\r\033[K", stderr);
    progress->is_shown = false;
}
