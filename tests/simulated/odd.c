/* SPDX-License-Identifier: MIT
 *
 * A program that does not behave as one of several programs of a world should.
 *
 *     odd exits       ends before it has opened a runtime, with status 0
 *     odd waits       never opens one
 *     odd daemon      ends, and a process of another session waits for ever
 *     odd vanishes    ends by _exit(2) after a second, in a task
 *     odd dies        kills itself likewise
 *     odd deaf        sleeps for ever, and does not await SIGTERM
 *     odd stubborn    awaits SIGTERM, and sleeps on
 *     odd slow        needs 5 seconds to end after SIGTERM
 *     odd centuries   sleeps for 200 years, and ends
 *     odd brief       sleeps for a second, and ends */
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <trale/signal.h>
#include <trale/timer.h>

static const char *mode;

static bool is(const char *word)
{
    return strcmp(mode, word) == 0;
}

struct odd {
    struct trale_future future;
    struct trale_sleep sleep;
    struct trale_signal signal;
    int i;
};

trale_async(odd)
{
    trale_begin();
    if (is("deaf"))
        trale_await(trale_sleep(&self->sleep, UINT64_MAX));
    if (is("stubborn") || is("slow"))
        trale_try(trale_signal(&self->signal, SIGTERM));
    if (is("stubborn"))
        trale_await(trale_sleep(&self->sleep, UINT64_MAX));
    if (is("slow"))
        trale_await(trale_sleep(&self->sleep, 5 * TRALE_SECOND));
    for (self->i = 0; is("centuries") && self->i < 200 * 366; self->i += 366)
        trale_await(trale_sleep(&self->sleep, 366 * 86400 * TRALE_SECOND));
    trale_await(trale_sleep(&self->sleep, TRALE_SECOND));
    if (is("dies"))
        kill(getpid(), SIGKILL);
    if (is("vanishes"))
        _exit(0);
    trale_return(0);
}

int main(int argc, char **argv)
{
    struct trale *runtime;
    if (argc != 2)
        return EXIT_FAILURE;
    mode = argv[1];
    if (is("exits"))
        return EXIT_SUCCESS;
    if (is("daemon") && fork() != 0)
        return EXIT_SUCCESS;
    if (is("daemon"))
        setsid();
    while (is("waits") || is("daemon"))
        pause();
    int64_t r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("odd", r);
    r = trale_join(trale_spawn(runtime, odd));
    trale_close(runtime);
    return r < 0 ? trale_perror("odd", r) : EXIT_SUCCESS;
}
