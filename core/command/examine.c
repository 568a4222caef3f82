/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <trale/trale.h>

#include "core/command/examine.h"
#include "core/config/read.h"
#include "core/driver/registry.h"

#define LOAD_LIMIT_MS 10000

static void add_message(void *data, uint32_t level, const char *source, const char *message)
{
    struct examination *examination = data;
    (void)source;
    if (level > TRALE_LOG_WARNING)
        return;
    examination->n_errors += level == TRALE_LOG_ERROR;
    table_add(&examination->messages, level == TRALE_LOG_ERROR ? "error" : "warning", message);
}

static void drop_message(void *data, uint32_t level, const char *source, const char *message)
{
    (void)data, (void)level, (void)source, (void)message;
}

/* --- the configuration -------------------------------------------------------------------------------------------- */

static int examine_config(struct examination *examination, const char *config_path)
{
    static const char *const origins[] = {
        [CONFIG_EXPLICIT] = "named by -c",
        [CONFIG_ENVIRONMENT] = "named by $TRALE_CONFIG",
        [CONFIG_USER] = "the user's",
        [CONFIG_SYSTEM] = "the system's",
        [CONFIG_BUILT_IN] = "there is no file: built in",
    };
    enum config_origin origin;
    int r = config_load(&examination->config, config_path, &examination->path, &origin, &examination->log);
    if (r == -ENOMEM)
        log_say(&examination->log, TRALE_LOG_ERROR, "trale", "%s", strerror(-r));
    else
        examination->origin = origins[origin];
    if (r < 0)
        return r;
    settings_read(&examination->settings, &examination->config, &examination->log);
    return 0;
}

/* --- loading in a child ------------------------------------------------------------------------------------------- */

/* The child: loads the driver, and exits normally if it survives that. */
static void load_and_tell(const struct examination *examination, size_t i, int fd)
{
    struct driver driver = {0};
    const struct log nowhere = {.write = drop_message};
    driver_open(&driver, &examination->config, examination->settings.drivers[i], examination->settings.drivers_folder,
                &nowhere);
    _exit(write(fd, "", 1) == 1 ? 0 : 1);
}

static void say_how_it_ended(struct examination *examination, size_t i, int status, bool in_time)
{
    const struct config_section *section = examination->settings.drivers[i];
    const struct config_entry *path = config_entry(&examination->config, section->name, "path");
    char how[128];
    if (!in_time)
        snprintf(how, sizeof how, "did not finish loading within %d s", LOAD_LIMIT_MS / 1000);
    else if (WIFSIGNALED(status))
        snprintf(how, sizeof how, "crashed while being loaded (%s)", strsignal(WTERMSIG(status)));
    else
        snprintf(how, sizeof how, "ended the process while being loaded (exit status %d)", WEXITSTATUS(status));
    log_say(&examination->log, TRALE_LOG_ERROR, "trale", "%s:%u: [%s] %s %s", examination->config.name,
            path != NULL ? path->line : section->line, section->name, path != NULL ? path->value : "", how);
}

/* Whether a process survives loading the driver; not whether loading succeeds. */
static bool survives_loading(struct examination *examination, size_t i)
{
    int ends[2], status = 0;
    char told;
    if (pipe(ends) < 0)
        return true;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        load_and_tell(examination, i, ends[1]);
    }
    close(ends[1]);
    struct pollfd end = {.fd = ends[0], .events = POLLIN};
    bool in_time = child < 0 || poll(&end, 1, LOAD_LIMIT_MS) != 0;
    bool survived = child < 0 || (in_time && read(ends[0], &told, 1) == 1);
    close(ends[0]);
    if (child < 0)
        return true;
    if (!in_time)
        kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (!survived)
        say_how_it_ended(examination, i, status, in_time);
    return survived;
}

static void examine_drivers(struct examination *examination)
{
    const struct settings *settings = &examination->settings;
    examination->drivers = calloc(settings->n_drivers + 1, sizeof *examination->drivers);
    if (examination->drivers == NULL) {
        log_say(&examination->log, TRALE_LOG_ERROR, "trale", "%s", strerror(ENOMEM));
        return;
    }
    for (size_t i = 0; i < settings->n_drivers; i++)
        if (survives_loading(examination, i))
            driver_open(&examination->drivers[i], &examination->config, settings->drivers[i], settings->drivers_folder,
                        &examination->log);
    interfaces_check(examination->drivers, settings->n_drivers, &examination->config, &examination->log);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

void examination_begin(struct examination *examination, const char *config_path)
{
    *examination = (struct examination){.origin = "",
                                        .messages = {.title = "messages", .columns = {"level", "message"}}};
    examination->log = (struct log){.write = add_message, .data = examination};
    if (examine_config(examination, config_path) == 0)
        examine_drivers(examination);
}

int examination_print(struct examination *examination, struct table *tables[], size_t n_tables, bool json)
{
    const char *path = examination->path != NULL ? examination->path : "(built-in)";
    bool ok = examination->n_errors == 0;
    const struct table *messages = &examination->messages;
    if (json) {
        printf("{\"ok\": %s, \"configuration\": ", ok ? "true" : "false");
        json_print_string(path, stdout);
        printf(", \"origin\": ");
        json_print_string(examination->origin, stdout);
        for (size_t i = 0; i < n_tables; i++) {
            printf(",\n ");
            table_print_json(tables[i], stdout);
        }
        printf(",\n ");
        table_print_json(messages, stdout);
        printf("}\n");
        return ok ? 0 : 1;
    }
    for (size_t i = 0; i < n_tables; i++) {
        if (i > 0)
            putchar('\n');
        table_print(tables[i], stdout);
    }
    fflush(stdout);
    for (size_t i = 0; i < messages->n_rows; i++)
        if (messages->rows[i][0] != NULL && messages->rows[i][1] != NULL)
            fprintf(stderr, "%s: %s\n", messages->rows[i][0], messages->rows[i][1]);
    return ok ? 0 : 1;
}

void examination_end(struct examination *examination)
{
    for (size_t i = 0; examination->drivers != NULL && i < examination->settings.n_drivers; i++)
        driver_close(&examination->drivers[i]);
    free(examination->drivers);
    settings_deinit(&examination->settings);
    config_deinit(&examination->config);
    table_deinit(&examination->messages);
    free(examination->path);
}
