/* SPDX-License-Identifier: MIT
 *
 * Two tasks sleep for a second each, at the same time: together they take one second and not two. Start here.
 *
 *     ./dev run          builds everything and runs this first
 */
#include <stdio.h>
#include <stdlib.h>

#include <trale/timer.h>
#include <trale/trale.h>

/* The frame of an async function. The function stops at each await and goes on later; what must survive is here and not
 * in local variables. The future comes first. `sleep`, which is awaited, is embedded: nothing is allocated. */
struct hello {
    struct trale_future future;
    struct trale_sleep sleep;
    int id;
    uint64_t start_ns;
};

static double seconds_since(struct trale *runtime, uint64_t start_ns)
{
    return (double)(trale_now(runtime) - start_ns) / TRALE_SECOND;
}

/* The async function. `self` is its frame; `cx->runtime` is the runtime that runs it. */
trale_async(hello)
{
    trale_begin();

    printf("%.1f s: task %d starts\n", seconds_since(cx->runtime, self->start_ns), self->id);

    trale_try(trale_sleep(&self->sleep, TRALE_SECOND)); /* meanwhile the other task runs; an error would be returned */

    printf("%.1f s: task %d ends\n", seconds_since(cx->runtime, self->start_ns), self->id);
    trale_return(self->id);
}

int main(void)
{
    struct trale *runtime;
    int r = trale_open(&runtime, NULL); /* finds trale.ini and loads the drivers that it names */
    if (r < 0)
        return trale_perror("trale_open", r);

    uint64_t start_ns = trale_now(runtime);
    struct trale_task *first = trale_spawn(runtime, hello, .id = 1, .start_ns = start_ns);
    struct trale_task *second = trale_spawn(runtime, hello, .id = 2, .start_ns = start_ns);

    /* Waits until the tasks are done. A result is the value that the function returned, or a negative errno. */
    int64_t one = trale_join(first);
    int64_t two = trale_join(second);
    double elapsed = seconds_since(runtime, start_ns);
    trale_close(runtime);

    if (one < 0 || two < 0)
        return trale_perror("hello", one < 0 ? one : two);
    printf("two sleeps of 1 second took %.1f seconds\n", elapsed);
    return EXIT_SUCCESS;
}
