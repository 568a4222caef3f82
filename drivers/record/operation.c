/* SPDX-License-Identifier: MIT
 *
 * Operations. One that was made and not polled may still be moved, so it gets its number at its first poll. From then
 * on it stays where it is, and the table of operations knows it by its address until it resolves or is dropped. */
#include "recorder.h"

#include "list.h"

static struct pending *pending_of(const struct recorder *recorder, const struct trale_future *future)
{
    return (struct pending *)(uintptr_t)table_get(&recorder->operations, future);
}

uint64_t operation_number(const struct recorder *recorder, const struct trale_future *future)
{
    const struct pending *pending = pending_of(recorder, future);
    return pending != NULL ? pending->number : 0;
}

static void pending_add(struct recorder *recorder, const struct trale_future *future, uint64_t number)
{
    struct pending *pending;
    if (!list_is_empty(&recorder->free)) {
        pending = list_entry(recorder->free.next, struct pending, link);
        list_remove(&pending->link);
    } else {
        pending = malloc(sizeof *pending);
    }
    if (pending != NULL && table_set(&recorder->operations, future, (uintptr_t)pending)) {
        *pending = (struct pending){.number = number};
        if (recorder->running != NULL)
            list_append(&recorder->running->pending, &pending->link);
        return;
    }
    free(pending);
    recorder_stop(recorder, TRALE_RECORDING_FAILED, -ENOMEM, "a poll");
}

static void pending_remove(struct recorder *recorder, const struct trale_future *future, struct pending *pending)
{
    table_remove(&recorder->operations, future);
    list_remove(&pending->link);
    list_append(&recorder->free, &pending->link);
}

/* It waits in the task that polls it. */
static void pending_move(struct recorder *recorder, struct pending *pending)
{
    list_remove(&pending->link);
    if (recorder->running != NULL)
        list_append(&recorder->running->pending, &pending->link);
}

static void record_result(const struct kind *kind, const struct trale_future *future, uint64_t number, int64_t result,
                          uint32_t paid)
{
    const struct entry entry = {
        .kind = TRALE_RECORD_END, .what = kind->what, .number = number, .result = result, .paid = paid};
    record_begin(kind->recorder, &entry);
    if (recorder_is_on(kind->recorder))
        operation_outputs(kind->recorder, kind->what, future, result);
    record_end(kind->recorder, &entry);
}

/* Calls the driver below, and records what has come of it. */
static int64_t poll_below(const struct kind *kind, struct trale_future *future, uint64_t number, bool is_begun,
                          struct trale_context *context)
{
    struct recorder *recorder = kind->recorder;
    uint64_t n_woken = recorder->n_woken;
    uint32_t budget = context->budget;
    recorder->polled = number;
    recorder_enter(recorder);
    int64_t result = is_begun ? trale_layer_poll(future, context) : trale_future_poll(future, context);
    recorder_leave(recorder);
    recorder->polled = 0;
    if (result != TRALE_PENDING)
        record_result(kind, future, number, result, budget - context->budget);
    else if (recorder->n_woken != n_woken)
        record(recorder, &(struct entry){.kind = TRALE_RECORD_PENDING, .what = kind->what, .number = number});
    return result;
}

/* --- not polled yet ----------------------------------------------------------------------------------------------- */

static int64_t made_poll(struct trale_future *future, struct trale_context *context)
{
    struct kind *kind = trale_layer_of(future);
    struct recorder *recorder = kind->recorder;
    future->type = trale_layer_lower(future);
    if (!recorder_is_on(recorder))
        return trale_future_poll(future, context);
    const struct trale_record_inputs inputs = operation_inputs(recorder, kind->what, future);
    uint64_t number = ++recorder->n_operations;
    record(recorder, &(struct entry){.kind = TRALE_RECORD_BEGIN,
                                     .what = kind->what,
                                     .inputs = kind->what != TRALE_RECORD_SLEEP ? &inputs : NULL,
                                     .number = number});
    int64_t result = poll_below(kind, future, number, false, context);
    if (result != TRALE_PENDING)
        return result;
    trale_layer_wrap(&kind->begun, future);
    pending_add(recorder, future, number);
    return TRALE_PENDING;
}

static void made_drop(struct trale_future *future)
{
    trale_layer_drop(future);
}

void operation_made(struct recorder *recorder, enum trale_record_what what, struct trale_future *future)
{
    if (recorder_is_on(recorder))
        trale_layer_wrap(&recorder->kinds[what].made, future);
}

/* --- polled ------------------------------------------------------------------------------------------------------- */

static int64_t begun_poll(struct trale_future *future, struct trale_context *context)
{
    const struct kind *kind = trale_layer_of(future);
    struct pending *pending = pending_of(kind->recorder, future);
    if (pending == NULL || !recorder_is_on(kind->recorder)) {
        int64_t result = trale_layer_poll(future, context);
        if (result != TRALE_PENDING && pending != NULL)
            pending_remove(kind->recorder, future, pending);
        return result;
    }
    pending_move(kind->recorder, pending);
    int64_t result = poll_below(kind, future, pending->number, true, context);
    if (result != TRALE_PENDING)
        pending_remove(kind->recorder, future, pending);
    return result;
}

static void begun_drop(struct trale_future *future)
{
    const struct kind *kind = trale_layer_of(future);
    struct recorder *recorder = kind->recorder;
    struct pending *pending = pending_of(recorder, future);
    recorder_enter(recorder);
    trale_layer_drop(future);
    recorder_leave(recorder);
    if (pending == NULL)
        return;
    if (recorder_is_on(recorder)) {
        const struct entry entry = {.kind = TRALE_RECORD_DROP, .what = kind->what, .number = pending->number};
        record_begin(recorder, &entry);
        if (recorder_is_on(recorder))
            operation_outputs(recorder, kind->what, future, -ECANCELED);
        record_end(recorder, &entry);
    }
    pending_remove(recorder, future, pending);
}

/* --- kinds -------------------------------------------------------------------------------------------------------- */

void kinds_init(struct recorder *recorder)
{
    for (uint32_t what = 0; what < TRALE_RECORD_WHATS; what++) {
        struct kind *kind = &recorder->kinds[what];
        kind->recorder = recorder;
        kind->what = (enum trale_record_what)what;
        trale_layer_kind_init(&kind->made, made_poll, made_drop, kind);
        trale_layer_kind_init(&kind->begun, begun_poll, begun_drop, kind);
    }
}

void kinds_deinit(struct recorder *recorder)
{
    for (uint32_t what = 0; what < TRALE_RECORD_WHATS; what++) {
        trale_layer_kind_deinit(&recorder->kinds[what].made);
        trale_layer_kind_deinit(&recorder->kinds[what].begun);
    }
    for (size_t i = 0; i < recorder->operations.room; i++)
        if (recorder->operations.entries[i].key != NULL)
            free((struct pending *)(uintptr_t)recorder->operations.entries[i].value);
    while (!list_is_empty(&recorder->free)) {
        struct pending *pending = list_entry(recorder->free.next, struct pending, link);
        list_remove(&pending->link);
        free(pending);
    }
}
