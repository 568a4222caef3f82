/* SPDX-License-Identifier: MIT
 *
 * The driver: a layer that writes down all that goes between a program and its drivers. */
#include "recorder.h"

#include <stdio.h>

#include <trale/stream.h>

/* --- records ------------------------------------------------------------------------------------------------------ */

void record_begin(struct recorder *recorder, const struct entry *entry)
{
    struct trale_record head = {.kind = (uint8_t)entry->kind,
                                .flags = entry->flags,
                                .what = (uint16_t)entry->what,
                                .number = entry->number,
                                .result = entry->result,
                                .paid = entry->paid};
    if (entry->inputs != NULL)
        head.flags |= TRALE_RECORD_INPUTS;
    if (entry->kind == TRALE_RECORD_WAKE || recorder_is_inside(recorder)) {
        head.n_polls = recorder->n_polls;
        recorder->n_polls = 0;
        head.task = recorder->running != NULL ? recorder->running->number : 0;
        head.flags |= recorder->is_drop ? TRALE_RECORD_IN_DROP : 0;
    } else {
        head.flags |= TRALE_RECORD_OUTSIDE;
    }
    pthread_mutex_lock(&recorder->lock);
    if (!recorder_is_on(recorder))
        return;
    file_begin(&recorder->file, &head);
    if (entry->inputs != NULL)
        file_put(&recorder->file, entry->inputs, sizeof *entry->inputs);
}

static void stop(struct recorder *recorder, uint32_t state, int error, const char *what)
{
    char message[256];
    struct trale_recording *head = file_head(&recorder->file);
    if (!recorder_is_on(recorder))
        return;
    atomic_store_explicit(&recorder->is_recording, false, memory_order_relaxed);
    head->state = state;
    if (state == TRALE_RECORDING_FULL)
        snprintf(message, sizeof message,
                 "the file is full: %llu records are in it, and nothing is recorded from %s on",
                 (unsigned long long)head->n_records, what);
    else
        snprintf(message, sizeof message, "nothing is recorded from %s on, after %llu records: %s", what,
                 (unsigned long long)head->n_records, strerror(-error));
    recorder->host.log(recorder->host.context, TRALE_LOG_WARNING, message);
}

void recorder_stop(struct recorder *recorder, uint32_t state, int error, const char *what)
{
    pthread_mutex_lock(&recorder->lock);
    stop(recorder, state, error, what);
    pthread_mutex_unlock(&recorder->lock);
}

void record_end(struct recorder *recorder, const struct entry *entry)
{
    int r = recorder_is_on(recorder) ? file_end(&recorder->file) : 0;
    if (r < 0)
        stop(recorder, r == -EFBIG ? TRALE_RECORDING_FULL : TRALE_RECORDING_FAILED, r,
             entry->kind == TRALE_RECORD_WAKE ? "a wake" : trale_record_name(entry->what));
    pthread_mutex_unlock(&recorder->lock);
}

void record_call(struct recorder *recorder, enum trale_record_what what, const struct trale_record_inputs *inputs,
                 int64_t result, const void *output, uint64_t size)
{
    if (!recorder_is_on(recorder))
        return;
    const struct entry entry = {.kind = TRALE_RECORD_CALL, .what = what, .inputs = inputs, .result = result};
    record_begin(recorder, &entry);
    if (recorder_is_on(recorder) && result >= 0)
        record_put(recorder, output, size);
    record_end(recorder, &entry);
}

/* --- the beginning and the end ------------------------------------------------------------------------------------ */

enum option { OPTION_FILE, OPTION_SIZE, N_OPTIONS };

static const struct trale_option options[N_OPTIONS + 1] = {
    [OPTION_FILE] = {.name = "file",
                     .type = TRALE_OPTION_TEXT,
                     .help = "the file that is written; one that exists is renamed to FILE.old"},
    [OPTION_SIZE] = {.name = "size",
                     .type = TRALE_OPTION_SIZE,
                     .minimum = 4096,
                     .maximum = INT64_C(1) << 40,
                     .default_value = "64M",
                     .help = "when the file has this size, recording stops"},
    [N_OPTIONS] = {.name = NULL},
};

/* Says why the file is not written. */
static int refuse(const struct recorder *recorder, const struct trale_settings *settings, int r)
{
    char message[512];
    const struct trale_value *path = &settings->values[OPTION_FILE];
    const char *why = r == -EBUSY    ? "another runtime records to this file; each needs its own"
                      : r == -EINVAL ? "a run whose tasks are shuffled cannot be replayed: remove [runtime] shuffle"
                                     : strerror(-r);
    snprintf(message, sizeof message, "%s:%u: [%s] file = %s: %s", settings->file, path->line, settings->section,
             path->text, why);
    recorder->host.log(recorder->host.context, TRALE_LOG_ERROR, message);
    return r;
}

static int recorder_open(struct recorder *recorder, const struct trale_settings *settings)
{
    if ((recorder->host.hints & TRALE_HOST_SHUFFLE) != 0)
        return refuse(recorder, settings, -EINVAL);
    const struct trale_value *path = &settings->values[OPTION_FILE];
    int r = file_open(&recorder->file, path->text, (uint64_t)settings->values[OPTION_SIZE].integer);
    if (r < 0)
        return refuse(recorder, settings, r);
    const struct trale_timer *timer = recorder->timer_below;
    if (timer != NULL)
        file_head(&recorder->file)->began_ns = timer->now_on(timer->interface.instance, TRALE_CLOCK_REALTIME);
    atomic_store(&recorder->is_recording, true);
    return 0;
}

/* A run with streams is recorded without them, which is better said before than found in the replay. */
static void warn_of_streams(const struct trale_host *host)
{
    if (host->interface(host->context, TRALE_STREAM_1, sizeof(struct trale_interface)) != NULL)
        host->log(host->context, TRALE_LOG_WARNING,
                  "streams are not recorded (trale.stream/1): a replay of a program that uses them refuses them");
}

static void recorder_free(struct recorder *recorder)
{
    kinds_deinit(recorder);
    recorder_unwatch(recorder);
    table_deinit(&recorder->sockets);
    table_deinit(&recorder->tasks);
    table_deinit(&recorder->operations);
    file_close(&recorder->file);
    pthread_mutex_destroy(&recorder->lock);
    free(recorder);
}

static int32_t record_start(const struct trale_host *host, const struct trale_settings *settings, void **instance)
{
    struct recorder *recorder = calloc(1, sizeof *recorder);
    if (recorder == NULL)
        return -ENOMEM;
    trale_host_copy(&recorder->host, host);
    pthread_mutex_init(&recorder->lock, NULL);
    recorder->file.fd = -1;
    recorder->timer_below = host->interface(host->context, TRALE_TIMER_1, sizeof(struct trale_timer));
    recorder->udp_below = host->interface(host->context, TRALE_UDP_1, sizeof(struct trale_udp));
    recorder->random_below = host->interface(host->context, TRALE_RANDOM_1, sizeof(struct trale_random));
    kinds_init(recorder);
    recorder_set_timer(recorder);
    recorder_set_udp(recorder);
    recorder_set_random(recorder);
    int r = recorder_watch(recorder);
    if (r == 0)
        r = recorder_open(recorder, settings);
    if (r < 0) {
        recorder_free(recorder);
        return r;
    }
    warn_of_streams(host);
    *instance = recorder;
    return 0;
}

static void record_stop(void *instance)
{
    struct recorder *recorder = instance;
    if (recorder_is_on(recorder))
        file_head(&recorder->file)->state = TRALE_RECORDING_CLOSED;
    recorder_free(recorder);
}

static const struct trale_interface *record_interface(void *instance, const char *name)
{
    struct recorder *recorder = instance;
    if (strcmp(name, "trale.timer/1") == 0 && recorder->timer_below != NULL)
        return &recorder->timer.interface;
    if (strcmp(name, "trale.udp/1") == 0 && recorder->udp_below != NULL)
        return &recorder->udp.interface;
    if (strcmp(name, "trale.random/1") == 0 && recorder->random_below != NULL)
        return &recorder->random.interface;
    return NULL;
}

TRALE_DRIVER(.name = "record", .version = TRALE_VERSION,
             .summary = "records what goes between a program and its drivers, so that it can be replayed",
             .layers = TRALE_TIMER_1 " " TRALE_UDP_1 " " TRALE_RANDOM_1, .options = options, .start = record_start,
             .stop = record_stop, .interface = record_interface);
