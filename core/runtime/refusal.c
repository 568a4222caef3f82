/* SPDX-License-Identifier: MIT */
#include "core/runtime/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <trale/trale.h>

#include "core/config/locate.h"

static char *file_path(void)
{
    char *path;
    return asprintf(&path, "%s" SIMULATION_ERRORS, config_simulation()) >= 0 ? path : NULL;
}

static void write_line(const char *source, const char *message)
{
    char *path = file_path();
    int fd = path != NULL ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600) : -1;
    if (fd >= 0) {
        dprintf(fd, "%s\t%s\n", source, message);
        close(fd);
    }
    free(path);
}

/* Drivers may have started threads, which have messages too. */
static void write_both(void *data, uint32_t level, const char *source, const char *message)
{
    struct refusal *refusal = data;
    if (level == TRALE_LOG_ERROR && atomic_load(&refusal->is_opening))
        write_line(source, message);
    refusal->log.write(refusal->log.data, level, source, message);
}

struct log refusal_begin(struct refusal *refusal, const struct log *log)
{
    refusal->log = *log;
    if (config_simulation() == NULL)
        return *log;
    atomic_store(&refusal->is_opening, true);
    return (struct log){.write = write_both, .data = refusal};
}

void refusal_end(struct refusal *refusal, int r)
{
    bool is_wrong = r < 0 && r != -ENOMEM && r != -EMFILE && r != -ENFILE && r != -ENOSPC && r != -EAGAIN;
    if (!atomic_exchange(&refusal->is_opening, false) || is_wrong)
        return;
    char *path = file_path();
    if (path != NULL)
        unlink(path);
    free(path);
}
