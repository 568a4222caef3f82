/* SPDX-License-Identifier: MIT
 *
 * Asks about the words of a file, and says what it heard. An application of a driver in Rust.
 *
 *     count FILE PIPE      PIPE is a named pipe: reading it takes until this program writes into it
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <trale/timer.h>
#include <trale/trale.h>

#include "words.h"

#define N_TASKS 200

struct asker {
    struct trale_future future;
    const char *path;
    struct words_question question;
};

trale_async(asker)
{
    trale_begin();
    trale_await(words_count(&self->question, cx->runtime, self->path));
    trale_return(trale_result());
}

struct count {
    struct trale_future future;
    const char *file, *pipe;
    struct words_question question, more[3];
    struct trale_branch branches[3];
    struct trale_branches all;
    struct trale_timeout timeout;
    struct trale_sleep sleep;
    struct trale_task *tasks[N_TASKS];
    struct trale_join_future joined;
    int64_t sum;
    int i;
};

static void say(const char *what, int64_t result)
{
    if (result < 0)
        printf("%s: %s\n", what, strerror((int)-result));
    else
        printf("%s: %lld\n", what, (long long)result);
}

/* More tasks at once than there are threads, which is one; every second one is given up. */
static void begin_many(struct count *self, struct trale *runtime)
{
    for (int i = 0; i < N_TASKS; i++)
        self->tasks[i] = trale_spawn(runtime, asker, .path = self->file);
}

trale_async(count)
{
    trale_begin();
    trale_await(words_count(&self->question, cx->runtime, self->file));
    say("words", trale_result());
    trale_await(words_count(&self->question, cx->runtime, "/nonexistent"));
    say("no file", trale_result());
    trale_await(words_length(&self->question, cx->runtime, self->file, 2));
    say("third word", trale_result());
    trale_await(words_length(&self->question, cx->runtime, self->file, 1000));
    say("thousandth word", trale_result());

    for (self->i = 0; self->i < 3; self->i++)
        self->branches[self->i].future = words_count(&self->more[self->i], cx->runtime, self->file);
    trale_await(trale_all(&self->all, self->branches, 3));
    say("three at once", self->branches[0].result + self->branches[1].result + self->branches[2].result);

    begin_many(self, cx->runtime);
    trale_yield();
    for (self->i = 0; self->i < N_TASKS; self->i += 2) {
        trale_abort(self->tasks[self->i]);
        trale_detach(self->tasks[self->i]);
    }
    for (self->i = 1; self->i < N_TASKS; self->i += 2) {
        trale_await(trale_join_future(&self->joined, self->tasks[self->i]));
        self->sum += trale_result();
    }
    say("a hundred", self->sum);

    /* The future is gone, and the thread still reads for it; what comes next has to wait for the thread. */
    trale_await(
        trale_timeout(&self->timeout, words_count(&self->question, cx->runtime, self->pipe), 20 * TRALE_MILLISECOND));
    say("the pipe", trale_result());
    close(open(self->pipe, O_WRONLY | O_CLOEXEC));
    trale_await(words_count(&self->question, cx->runtime, self->file));
    say("words", trale_result());

    /* One that reads until the program is about to end. */
    trale_detach(trale_spawn(cx->runtime, asker, .path = self->pipe));
    while ((self->i = open(self->pipe, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0)
        trale_await(trale_sleep(&self->sleep, TRALE_MILLISECOND));
    trale_return(self->i);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s FILE PIPE\n", argv[0]);
        return EXIT_FAILURE;
    }
    struct trale *runtime;
    int r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("trale_open", r);
    r = trale_require(runtime, ORG_EXAMPLE_WORDS_1, NULL);
    if (r < 0)
        return trale_perror(argv[0], r);
    int64_t writer = trale_join(trale_spawn(runtime, count, .file = argv[1], .pipe = argv[2]));
    if (writer < 0)
        return trale_perror(argv[1], writer);
    /* And a hundred that are dropped because the runtime closes, which the driver's thread holds up. */
    for (int i = 0; i < N_TASKS / 2; i++)
        trale_detach(trale_spawn(runtime, asker, .path = argv[1]));
    r = trale_close_within(runtime, 10 * TRALE_MILLISECOND);
    say("closing within 10 ms", r);
    close((int)writer);
    say("closing", trale_close(runtime));
    return EXIT_SUCCESS;
}
