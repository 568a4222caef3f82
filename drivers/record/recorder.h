/* SPDX-License-Identifier: MIT
 *
 * The layer `record`, among its own files. The tables of interfaces call the driver below and write down what it
 * answers; the observer says which task runs, and what wakes tasks. */
#ifndef RECORD_RECORDER_H
#define RECORD_RECORDER_H

#include <stdatomic.h>
#include <stdbool.h>

#include <trale/layer.h>
#include <trale/observer.h>
#include <trale/random.h>
#include <trale/recording_inputs.h>
#include <trale/udp_socket.h>

#include "file.h"
#include "table.h"

/* The operations of one kind: those that were not polled yet, and those that were. */
struct kind {
    struct trale_layer_kind made, begun;
    struct recorder *recorder;
    enum trale_record_what what;
};

/* A task of the application. */
struct task {
    uint32_t number;
    struct trale_link pending; /* operations that it waits for */
};

/* An operation that was polled and has no result. */
struct pending {
    struct trale_link link; /* in its task, or in the recorder's list of free ones */
    uint64_t number;
};

struct recorder {
    struct trale_host host;
    const struct trale_inspector *inspector;

    /* For each interface: the layer's table and that of the driver below, NULL if the layer is not over that one. */
    struct trale_timer timer;
    struct trale_udp udp;
    struct trale_random random;
    const struct trale_timer *timer_below;
    const struct trale_udp *udp_below;
    const struct trale_random *random_below;
    struct kind kinds[TRALE_RECORD_WHATS]; /* of the operations among them */

    atomic_bool is_recording;
    pthread_mutex_t lock; /* of the file */
    struct file file;

    atomic_uintptr_t thread; /* the one on which a task of the application runs or is dropped; 0: none */

    /* The executor's thread alone has the rest; sockets, the thread that opened the runtime as well (udp.h). */
    struct table sockets, tasks, operations;
    uint64_t n_sockets, n_operations;
    uint32_t n_tasks;
    uint32_t n_polls;       /* that have ended since the last record */
    struct task *running;   /* NULL: none of the application */
    bool is_drop;           /* `running` is dropped */
    uint32_t n_below;       /* calls of the driver below in which the executor's thread is */
    uint64_t polled;        /* the operation that the driver below polls; 0: none */
    uint64_t n_woken;       /* tasks by such calls */
    struct trale_link free; /* struct pending, by their links */
};

/* What a record says beside what the recorder knows by itself. */
struct entry {
    enum trale_record_kind kind;
    enum trale_record_what what;
    const struct trale_record_inputs *inputs; /* NULL: none */
    uint64_t number;
    int64_t result;
    uint32_t paid;
    uint8_t flags;
};

/* --- the file (recorder.c) [any] ---------------------------------------------------------------------------------- */

static inline bool recorder_is_on(const struct recorder *recorder)
{
    return atomic_load_explicit(&recorder->is_recording, memory_order_relaxed);
}

/* Whether a task of the application calls. */
static inline bool recorder_is_inside(const struct recorder *recorder)
{
    return atomic_load_explicit(&recorder->thread, memory_order_relaxed) == (uintptr_t)pthread_self();
}

/* Writes a record. Between the two, record_put adds outputs. */
void record_begin(struct recorder *recorder, const struct entry *entry);
void record_end(struct recorder *recorder, const struct entry *entry);

static inline void record_put(struct recorder *recorder, const void *bytes, uint64_t size)
{
    file_put(&recorder->file, bytes, size);
}

static inline void record(struct recorder *recorder, const struct entry *entry)
{
    record_begin(recorder, entry);
    record_end(recorder, entry);
}

/* Writes the record of a call that has returned, with at most one output. */
void record_call(struct recorder *recorder, enum trale_record_what what, const struct trale_record_inputs *inputs,
                 int64_t result, const void *output, uint64_t size);

/* Nothing is recorded from now on. `state` is TRALE_RECORDING_, and `error` a negative errno. */
void recorder_stop(struct recorder *recorder, uint32_t state, int error, const char *what);

/* Around each call of the driver below that may wake tasks. */
static inline void recorder_enter(struct recorder *recorder)
{
    recorder->n_below += recorder_is_inside(recorder);
}
static inline void recorder_leave(struct recorder *recorder)
{
    recorder->n_below -= recorder_is_inside(recorder);
}

/* --- tasks (watch.c) ---------------------------------------------------------------------------------------------- */

/* [start] As host->observe. */
int recorder_watch(struct recorder *recorder);
void recorder_unwatch(struct recorder *recorder);

/* --- operations (operation.c) ------------------------------------------------------------------------------------- */

void kinds_init(struct recorder *recorder);
void kinds_deinit(struct recorder *recorder);

/* The driver below has made the operation. */
void operation_made(struct recorder *recorder, enum trale_record_what what, struct trale_future *future);

/* The number of one that was polled; 0: it was not. */
uint64_t operation_number(const struct recorder *recorder, const struct trale_future *future);

/* --- what operations take and give (output.c) --------------------------------------------------------------------- */

/* `future` is an operation of UDP; a try is one as well. */
struct trale_record_inputs operation_inputs(const struct recorder *recorder, enum trale_record_what what,
                                            const struct trale_future *future);
void operation_outputs(struct recorder *recorder, enum trale_record_what what, const struct trale_future *future,
                       int64_t result);

/* --- tables [start] ----------------------------------------------------------------------------------------------- */

void recorder_set_timer(struct recorder *recorder);
void recorder_set_random(struct recorder *recorder);
void recorder_set_udp(struct recorder *recorder);

#endif
