/* SPDX-License-Identifier: MIT
 *
 * The driver: trale.file/1, by io_uring(7), or by system calls on threads of trale.blocking/1. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trale/sim.h>

#include "submission.h"

enum option { OPTION_BUFFER, OPTION_BACKEND, N_OPTIONS };
enum { BACKEND_AUTO, BACKEND_URING, BACKEND_BLOCKING };

static const struct trale_option file_options[] = {
    [OPTION_BUFFER] = {.name = "buffer",
                       .type = TRALE_OPTION_SIZE,
                       .minimum = 4096,
                       .maximum = 16 * 1024 * 1024,
                       .default_value = "64K",
                       .help = "how much of a read or a write is done at once; each in flight has such a buffer"},
    [OPTION_BACKEND] = {.name = "backend",
                        .type = TRALE_OPTION_CHOICE,
                        .choices = "auto | uring | blocking",
                        .default_value = "auto",
                        .help = "auto: io_uring, or else threads; uring: does not open without it; blocking: threads"},
    [N_OPTIONS] = {.name = NULL},
};

/* What the first instance of a group has found out, as the group's word. */
enum { DECISION_OPEN, DECISION_RING, DECISION_THREADS };

static void say_without(const struct trale_host *host, uint32_t level, const char *cause, const char *then)
{
    char text[512];
    snprintf(text, sizeof text, "no io_uring: %s; %s", cause, then);
    host->log(host->context, level, text);
}

/* 0: there is a ring, or threads do without. In a simulation there is none, for its completions come by chance. The
 * first instance of a group decides for all: a later one that gets no ring where the first one has got one fails. */
static int open_ring(struct files *files, int64_t backend)
{
    const struct trale_host *host = &files->host;
    uint64_t decision = host->group_word != NULL ? *host->group_word : DECISION_OPEN;
    char cause[384];
    if (backend == BACKEND_BLOCKING || decision == DECISION_THREADS ||
        host->interface(host->context, TRALE_SIM_1, sizeof(struct trale_sim)) != NULL)
        return 0;
    int r = submission_open(files, cause, sizeof cause);
    if (r < 0 && backend == BACKEND_URING) {
        say_without(host, TRALE_LOG_ERROR, cause, "backend = auto does without");
        return r;
    }
    if (r < 0 && decision == DECISION_RING) {
        say_without(host, TRALE_LOG_ERROR, cause, "the first runtime of the group has it, and all must be alike");
        return r;
    }
    if (r < 0)
        say_without(host, TRALE_LOG_INFO, cause, "threads do all operations");
    if (host->group_word != NULL)
        *host->group_word = r == 0 ? DECISION_RING : DECISION_THREADS;
    return 0;
}

static int32_t driver_start(const struct trale_host *host, const struct trale_settings *settings, void **instance)
{
    struct files *files = calloc(1, sizeof *files);
    if (files == NULL)
        goto fail_memory;
    trale_host_copy(&files->host, host);
    files->table = (struct trale_files){{sizeof files->table, 1, files}, operation_begin, file_close};
    files->pool = host->interface(host->context, TRALE_BLOCKING_1, sizeof *files->pool);
    files->buffer_size = (uint32_t)settings->values[OPTION_BUFFER].integer;
    list_init(&files->open);
    closer_init(files);
    int r = open_ring(files, settings->values[OPTION_BACKEND].integer);
    if (r < 0) {
        free(files);
        return r;
    }
    if (host->spawn(host->context, &files->closer.future) < 0)
        goto fail;
    *instance = files;
    return 0;
fail:
    submission_end(files);
fail_memory:
    free(files);
    host->log(host->context, TRALE_LOG_ERROR, "memory is out");
    return -ENOMEM;
}

static void driver_stop(void *instance)
{
    files_close_all(instance);
    submission_end(instance);
    free(instance);
}

static const struct trale_interface *driver_interface(void *instance, const char *name)
{
    return strcmp(name, "trale.file/1") == 0 ? &((struct files *)instance)->table.interface : NULL;
}

TRALE_DRIVER(.name = "file", .version = TRALE_VERSION, .summary = "regular files and folders",
             .interfaces = TRALE_FILE_1, .needs = TRALE_BLOCKING_1, .options = file_options, .start = driver_start,
             .stop = driver_stop, .interface = driver_interface, .before_wait = submission_before_wait,
             .settle = submission_settle);
