/* SPDX-License-Identifier: MIT
 *
 * The driver: trale.file/1, whose system calls run on threads of trale.blocking/1. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"

enum option { OPTION_BUFFER, N_OPTIONS };

static const struct trale_option file_options[] = {
    [OPTION_BUFFER] = {.name = "buffer",
                       .type = TRALE_OPTION_SIZE,
                       .minimum = 4096,
                       .maximum = 16 * 1024 * 1024,
                       .default_value = "64K",
                       .help = "how much of a read or a write is done at once; each in flight has such a buffer"},
    [N_OPTIONS] = {.name = NULL},
};

static int32_t driver_start(const struct trale_host *host, const struct trale_settings *settings, void **instance)
{
    struct files *files = calloc(1, sizeof *files);
    int r = files == NULL ? -ENOMEM : 0;
    if (r == 0) {
        trale_host_copy(&files->host, host);
        files->table = (struct trale_files){{sizeof files->table, 1, files}, operation_begin, file_close};
        files->pool = host->interface(host->context, TRALE_BLOCKING_1, sizeof *files->pool);
        files->buffer_size = (uint32_t)settings->values[OPTION_BUFFER].integer;
        list_init(&files->open);
        closer_init(files);
        r = host->spawn(host->context, &files->closer.future);
    }
    if (r == 0) {
        *instance = files;
        return 0;
    }
    host->log(host->context, TRALE_LOG_ERROR, "memory is out");
    free(files);
    return r;
}

static void driver_stop(void *instance)
{
    files_close_all(instance);
    free(instance);
}

static const struct trale_interface *driver_interface(void *instance, const char *name)
{
    return strcmp(name, "trale.file/1") == 0 ? &((struct files *)instance)->table.interface : NULL;
}

TRALE_DRIVER(.name = "file", .version = TRALE_VERSION, .summary = "regular files and folders",
             .interfaces = TRALE_FILE_1, .needs = TRALE_BLOCKING_1, .options = file_options, .start = driver_start,
             .stop = driver_stop, .interface = driver_interface);
