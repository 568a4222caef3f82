/* SPDX-License-Identifier: MIT
 *
 * The interface "trale.sim/1": what a program may say to a simulation that it runs in. Offered by drivers/sim/. With
 * other drivers all of it does nothing, so it may stay in a program that is shipped.
 *
 *     trale_sometimes("an acknowledgement was late");      this line must be reached by some seed
 *     trale_sim_success(cx->runtime);                      the program has done its work
 *
 * HOSTS. In a simulation every address can be bound, so the tasks of one program can be many hosts. A task belongs to
 * the host whose address it, or the task that has spawned it, has bound first. trale_sim_host() says it beforehand, and
 * makes the host one that can crash:
 *
 *     struct cluster {
 *         struct trale_future future;
 *         TRALE_SIM_HOST(server) host;
 *     };
 *     trale_await(trale_sim_host(&self->host, &address, server, .port = 53));
 *
 * runs the async function `server`. When the host crashes, the function is dropped, the tasks that it and they have
 * spawned are aborted, and the host's sockets are closed. When it is started again, so is the function, from the
 * members that it was given at first; what survives a crash is what they point to.
 */
#ifndef TRALE_SIM_H
#define TRALE_SIM_H

#include <string.h>

#include <trale/address.h>
#include <trale/driver.h>
#include <trale/sim_report.h>
#include <trale/trale.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The program of a host. */
struct trale_sim_host {
    struct trale_future future;      /* `awaiting` is the program, except between a crash and the restart */
    struct trale_address address;    /* with port 0 */
    uint32_t state;                  /* the driver's, 0 before the first poll */
    struct trale_future *program;    /* where it runs */
    const void *initial;             /* a copy of it that is never polled */
    uint64_t size;                   /* of both */
    const struct trale_waker *waker; /* the driver's, as is the link */
    struct trale_link link;
};

#define TRALE_SIM_1_SIZE 40
#define TRALE_SIM_1 TRALE_INTERFACE("trale.sim/1", TRALE_SIM_1_SIZE)

struct trale_sim {
    struct trale_interface interface; /* version 1 */

    /* The contracts are those of the functions below. */
    void (*reached)(void *instance, const char *name);
    void (*success)(void *instance);
    /* [executor] The first poll of a host: the driver sets the future's type, and polls the program in its polls. */
    void (*host)(void *instance, struct trale_sim_host *host);
};

/* The simulation that the runtime runs in, or NULL: it runs in none. [any] */
static inline const struct trale_sim *trale_sim(struct trale *runtime)
{
    return (const struct trale_sim *)trale_interface_optional(runtime, TRALE_SIM_1, sizeof(struct trale_sim));
}

/* --- marks -------------------------------------------------------------------------------------------------------- */

/* A statement that should be reached in some runs, such as the handling of a rare fault. `trale simulate` fails when
 * none of the runs of a sweep has reached it, for then the sweep did not test what it was meant to test. The name is a
 * string literal of at most 119 bytes, and there are 512 names at most; those of a program are read from its section
 * "trale_sometimes". Outside of a task, and with other drivers, it does nothing. [any] */
#define trale_sometimes(name)                                                                                          \
    do {                                                                                                               \
        static_assert(sizeof(name) <= TRALE_SIM_MARK_NAME, "the name of a mark has more than 119 bytes");              \
        static const char trale_mark_[] __attribute__((section("trale_sometimes"), used, aligned(1))) = name;          \
        static int trale_is_reached_;                                                                                  \
        if (__atomic_load_n(&trale_is_reached_, __ATOMIC_RELAXED) == 0 && trale_reached_(trale_mark_))                 \
            __atomic_store_n(&trale_is_reached_, 1, __ATOMIC_RELAXED);                                                 \
    } while (0)

/* Whether there is a runtime that may know of it. */
static inline int trale_reached_(const char *name)
{
    struct trale *runtime = trale_current();
    const struct trale_sim *sim = runtime != NULL ? trale_sim(runtime) : NULL;
    if (sim != NULL)
        sim->reached(sim->interface.instance, name);
    return runtime != NULL;
}

/* Says that the program has done its work: in the quiet phase (`trale simulate --settle`) that counts like its end. It
 * may go on. [executor] */
static inline void trale_sim_success(struct trale *runtime)
{
    const struct trale_sim *sim = trale_sim(runtime);
    if (sim != NULL)
        sim->success(sim->interface.instance);
}

/* --- hosts -------------------------------------------------------------------------------------------------------- */

static inline int64_t trale_sim_host_run_(struct trale_future *future, struct trale_context *context)
{
    return trale_future_poll(future->awaiting, context);
}

static inline int64_t trale_sim_host_begin_(struct trale_future *future, struct trale_context *context)
{
    static const struct trale_future_type run = {sizeof run, TRALE_ABI, "trale_sim_host", trale_sim_host_run_, NULL};
    struct trale_sim_host *host = (struct trale_sim_host *)(void *)future;
    const struct trale_sim *sim = trale_sim(context->runtime);
    if (sim != NULL)
        sim->host(sim->interface.instance, host);
    else
        future->type = &run;
    return trale_future_poll(future, context);
}

/* Makes *host a future that runs the future `program`, of `size` bytes, of which `initial` is a copy; all of it is lent
 * until the future resolves or is dropped. Resolves to the result of the program, whatever host it is; after a crash
 * without a restart, never. The same with an async function: trale_sim_host. May be called anywhere; awaited in a
 * task. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_sim_host_of(struct trale_sim_host *host,
                                                                        const struct trale_address *address,
                                                                        struct trale_future *program,
                                                                        const void *initial, size_t size)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_sim_host", trale_sim_host_begin_,
                                                  NULL};
    memset(host, 0, sizeof *host);
    host->future.type = &type;
    host->address = *address;
    trale_address_set_port(&host->address, 0);
    host->future.awaiting = program;
    host->program = program;
    host->initial = initial;
    host->size = size;
    return &host->future;
}

/* TRALE_SIM_HOST(name) is the type of a member of a frame: a host that runs the async function `name`, with room for
 * its frame twice. trale_sim_host(host, address, name, .member = value, ...) is its future; `host` is evaluated more
 * than once. */
#ifndef __cplusplus
#define TRALE_SIM_HOST(name)                                                                                           \
    struct {                                                                                                           \
        struct trale_sim_host host;                                                                                    \
        struct name program, initial;                                                                                  \
    }
#define trale_sim_host(host_, address, ...) trale_sim_host_named_(host_, address, __VA_ARGS__, )
#define trale_sim_host_named_(host_, address, name, ...)                                                               \
    trale_future_of_(((host_)->initial = (struct name){.future = {.type = &name##_type}, __VA_ARGS__},                 \
                      (host_)->program = (host_)->initial,                                                             \
                      trale_sim_host_of(&(host_)->host, (address), &(host_)->program.future, &(host_)->initial,        \
                                        sizeof(host_)->program)))
#endif

static_assert(offsetof(struct trale_sim, host) + sizeof(void *) == TRALE_SIM_1_SIZE, "append only");

#ifdef __cplusplus
}
#endif

#endif
