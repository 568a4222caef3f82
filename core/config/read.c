/* SPDX-License-Identifier: MIT */
#include "core/config/read.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <trale/trale.h>

#include "core/config/parse.h"
#include "core/config/trusted_file.h"
#include "trale.ini.h"

_Static_assert(CONFIG_SIZE_MAX == 65536, "a message says so");

static int read_whole(int fd, char *buf, size_t size, size_t *length)
{
    *length = 0;
    while (*length < size) {
        ssize_t n = read(fd, buf + *length, size - *length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        *length += (size_t)n;
    }
    return 0;
}

static void say_reason(void *log, const char *reason)
{
    log_say(log, TRALE_LOG_ERROR, "trale", "%s", reason);
}

int config_read(struct config *config, const char *path, const struct file_trust *trust, const struct log *log)
{
    char *real_path = NULL;
    const struct file_report report = {say_reason, (void *)log};
    size_t length = 0;
    char *text = malloc(CONFIG_SIZE_MAX + 1);
    if (text == NULL)
        return -ENOMEM;
    int r, fd = r = file_open_trusted(path, trust, &real_path, &report);
    if (fd < 0)
        goto out;
    /* One byte more than allowed shows that the file is too large, also if it grows meanwhile. */
    r = read_whole(fd, text, CONFIG_SIZE_MAX + 1, &length);
    if (r == 0 && length > CONFIG_SIZE_MAX)
        r = -EFBIG;
    if (r < 0)
        log_say(log, TRALE_LOG_ERROR, "trale", "%s: %s%s", path, strerror(-r),
                r == -EFBIG ? "; at most 65536 bytes are allowed" : "");
    else
        r = config_parse(config, path, text, length, log);
out:
    if (fd >= 0)
        close(fd);
    free(real_path);
    free(text);
    return r;
}

int config_load(struct config *config, const char *explicit_path, const struct file_trust *trust, char **path,
                enum config_origin *origin, const struct log *log)
{
    static const char built_in[] = TRALE_BUILT_IN_CONFIG;
    int r = config_locate(explicit_path, path, origin, log);
    if (r < 0)
        return r;
    return *path != NULL ? config_read(config, *path, trust, log)
                         : config_parse(config, CONFIG_BUILT_IN_NAME, built_in, strlen(built_in), log);
}

int config_load_for(struct config *config, const struct trale_options *options, enum config_origin *origin,
                    const struct log *log)
{
    const struct file_trust trust = {options->trusted_uids, options->n_trusted_uids};
    bool is_simulated = config_simulation() != NULL;
    if (options->config_text != NULL && !is_simulated) {
        *origin = CONFIG_EXPLICIT;
        return config_parse(config, options->config_path != NULL ? options->config_path : "(text)",
                            options->config_text, strlen(options->config_text), log);
    }
    char *path = NULL;
    int r = config_load(config, is_simulated ? NULL : options->config_path, &trust, &path, origin, log);
    free(path);
    return r;
}
