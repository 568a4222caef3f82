/* SPDX-License-Identifier: MIT
 *
 * A program with one flaw, which its argument names; some have it with some seeds alone. For tests/simulate.sh. */
#undef NDEBUG /* one flaw is an assertion that fails */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <trale/random.h>
#include <trale/sim.h>
#include <trale/task.h>
#include <trale/timer.h>

#ifdef HAS_MANY_MARKS
/* 513 names, "mark 000" to "mark 512", as trale_sometimes makes them. */
__asm__(".pushsection trale_sometimes,\"a\"\n"
        ".set number, 0\n"
        ".rept 513\n"
        ".ascii \"mark \"\n"
        ".byte '0' + number / 100, '0' + number / 10 % 10, '0' + number % 10, 0\n"
        ".set number, number + 1\n"
        ".endr\n"
        ".popsection\n");
#endif

static const char *flaw = "none";

static bool is(const char *name)
{
    return strcmp(flaw, name) == 0;
}

/* --- what a program must not depend on ---------------------------------------------------------------------------- */

/* What malloc(3) found in the memory. */
__attribute__((noinline)) static uint64_t old_memory(void)
{
    uint64_t *memory = malloc(64);
    __asm__("" : "+r"(memory) : : "memory"); /* the compiler does not see that nothing is written */
    uint64_t found = memory != NULL ? memory[3] : 0;
    free(memory);
    return found;
}

static uint64_t pointer_hash(const void *pointer)
{
    return (uintptr_t)pointer * UINT64_C(0x9e3779b97f4a7c15) >> 40;
}

static uint64_t real_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_nsec;
}

static uint64_t real_chance(void)
{
    uint64_t number = 0;
    return getrandom(&number, sizeof number, 0) == sizeof number ? number : 0;
}

struct counter {
    uint64_t n; /* grows until its top bit is set */
};

static void *count_up(void *data)
{
    struct counter *counter = data;
    while ((__atomic_add_fetch(&counter->n, 1, __ATOMIC_RELAXED) >> 63) == 0)
        ;
    return NULL;
}

/* How far a thread has counted while this one does something else. */
static uint64_t thread_progress(void)
{
    struct counter counter = {0};
    pthread_t thread;
    if (pthread_create(&thread, NULL, count_up, &counter) != 0)
        return 0;
    while (__atomic_load_n(&counter.n, __ATOMIC_RELAXED) < 1000)
        sched_yield();
    for (volatile int i = 0; i < 100000; i++)
        ;
    uint64_t n = __atomic_fetch_or(&counter.n, UINT64_C(1) << 63, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    return n;
}

/* A number of the flaw's kind; 0 for a program without. */
static uint64_t leak(void)
{
    return is("address") || is("deep") ? (uintptr_t)__builtin_frame_address(0) /* as that of a local variable */
           : is("hash")                ? pointer_hash(&flaw)                   /* a static variable */
           : is("memory")              ? old_memory()
           : is("clock")               ? real_time()
           : is("process")             ? (uint64_t)getpid()
           : is("entropy")             ? real_chance()
           : is("thread")              ? thread_progress()
                                       : 0;
}

/* --- sleeps of libc ----------------------------------------------------------------------------------------------- */

/* A time of so many seconds that their nanoseconds are a multiple of 2^64. Clocks end after 292 years. */
static const struct timespec ever = {INT64_C(1) << 55, 0};
#define YEARS_291 (INT64_C(291) * 365 * 86400)

static bool sleeps_for_ever(void)
{
    struct timespec now;
    return nanosleep(&ever, NULL) == 0 && clock_gettime(CLOCK_MONOTONIC, &now) == 0 && now.tv_sec > YEARS_291;
}

static bool sleeps_until_the_end(struct trale *runtime)
{
    return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ever, NULL) == 0 &&
           clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &(struct timespec){0, 2000000000}, NULL) == EINVAL &&
           trale_now_on(runtime, TRALE_CLOCK_MONOTONIC) / TRALE_SECOND > YEARS_291;
}

/* --- tasks -------------------------------------------------------------------------------------------------------- */

struct never {
    struct trale_future future;
};

static int64_t never_poll(struct trale_future *future, struct trale_context *cx)
{
    (void)future, (void)cx;
    return TRALE_PENDING;
}

struct waiter {
    struct trale_future future;
    struct never never;
};

trale_async(waiter)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "never", never_poll, NULL};
    trale_begin();
    self->never.future.type = &type;
    trale_await(&self->never.future);
    trale_return(0);
}

/* Some seeds draw 3 of 0 to 6. */
static void fail(uint64_t number)
{
    if (is("exit") && number % 7 == 3) {
        fprintf(stderr, "the number is %d\n", (int)(number % 1000));
        exit(3);
    }
    if (is("two") && number % 7 <= 1) {
        fprintf(stderr, number % 7 == 0 ? "one way\n" : "the other way\n");
        exit(4);
    }
    if (is("signal") && number % 7 == 3)
        abort();
    assert(!(is("assertion") && number % 7 == 3));
    if (is("overflow")) {
        char *memory = malloc(8);
        __asm__("" : "+r"(memory));
        memory[8] = 1;
        __asm__("" : : "r"(memory) : "memory"); /* nor that it is not read */
        free(memory);
    }
    if (is("loop"))
        for (;;)
            ;
    if (is("binary")) {
        const char line[] = "before\0behind\033[31m\n";
        fwrite(line, 1, sizeof line - 1, stdout);
        exit(5);
    }
    if (is("flood"))
        for (;;)
            printf("%1000000d\n", 1);
}

/* A chain of futures: the work awaits the outer one, which awaits the inner one, which sleeps. */
struct inner {
    struct trale_future future;
    struct trale_sleep sleep;
    const char *text; /* with what files of events write in another way */
};

trale_async(inner)
{
    trale_begin();
    trale_await(trale_sleep(&self->sleep, TRALE_MILLISECOND));
    trale_await((self->text = "a\\n\tb\n", trale_sleep(&self->sleep, 1 + leak() % TRALE_MILLISECOND)));
    trale_return(0);
}

struct outer {
    struct trale_future future;
    struct inner inner;
};

trale_async(outer)
{
    trale_begin();
    trale_await(trale_call(inner, &self->inner));
    trale_return(0);
}

/* Begins its work again for ever when that was aborted. */
struct worker {
    struct trale_future future;
    struct trale_sleep sleep;
};

trale_async(worker)
{
    trale_begin();
    trale_await(trale_sleep(&self->sleep, TRALE_SECOND));
    trale_await(trale_sleep(&self->sleep, TRALE_SECOND));
    trale_return(0);
}

struct stubborn {
    struct trale_future future;
    struct trale_sleep sleep;
    struct trale_join_future join;
    int64_t result;
};

trale_async(stubborn)
{
    trale_begin();
    trale_await_to(self->result, trale_join_future(&self->join, trale_spawn(cx->runtime, worker)));
    while (self->result == -ECANCELED)
        trale_await(trale_sleep(&self->sleep, TRALE_SECOND));
    trale_return(self->result);
}

struct work {
    struct trale_future future;
    struct trale_sleep sleep;
    struct outer outer;
    uint64_t number;
    int i;
};

trale_async(work)
{
    trale_begin();
    if (trale_random_fill(cx->runtime, &self->number, sizeof self->number) < 0)
        trale_return(-1);
    for (self->i = 0; self->i < 3; self->i++)
        trale_await(trale_sleep(&self->sleep, self->number % (100 * TRALE_MILLISECOND)));
    if ((is("ever") && !sleeps_for_ever()) || (is("end") && !sleeps_until_the_end(cx->runtime)))
        trale_return(-ETIME);
    if (is("deep"))
        trale_await(trale_call(outer, &self->outer));
    trale_await(trale_sleep(&self->sleep, 1 + leak() % TRALE_MILLISECOND));
    if (is("successful"))
        trale_sim_success(cx->runtime);
    while (is("endless") || is("successful"))
        trale_await(trale_sleep(&self->sleep, TRALE_SECOND));
    fail(self->number);
#ifdef HAS_MARKS
    trale_sometimes("it works");
    if (self->number % 7 == 3)
        trale_sometimes("the number is 3");
    if (self->number % 7 == 8)
        trale_sometimes("the number is 8");
    trale_sometimes("a name of more than 55 bytes, of which there are two that differ only at their end: one");
    if (self->number % 7 == 9)
        trale_sometimes("a name of more than 55 bytes, of which there are two that differ only at their end: two");
#endif
    trale_return(0);
}

int main(int argc, char **argv)
{
    flaw = argc > 1 ? argv[1] : flaw;
    if (is("clearenv"))
        clearenv();
    if (is("no_runtime"))
        return 0;
    for (int i = 0; i < 100 && is("lines"); i++)
        printf("line %d\n", i);
    if (is("before") && !sleeps_for_ever())
        return 5;
    struct trale *runtime;
    int r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("trale_open", r);
    struct trale_task *task = is("hang")       ? trale_spawn(runtime, waiter)
                              : is("stubborn") ? trale_spawn(runtime, stubborn)
                                               : trale_spawn(runtime, work);
    long result = task != NULL ? trale_join(task) : -1;
    trale_close(runtime);
    return result < 0 || is("lines") ? 1 : 0;
}
