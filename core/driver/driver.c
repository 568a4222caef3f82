/* SPDX-License-Identifier: MIT
 *
 * Loading a driver runs its code, and nothing can be undone after that. So everything that can be checked before is
 * checked before: the file's owner and folders (trusted_file.c), its format and tables (elf.c); then, mapped but not
 * called, its description; then what trale.ini says about it. Only a driver that passes is started. */
#include "core/driver/driver.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <trale/trale.h>

#include "core/base/words.h"
#include "core/config/option.h"
#include "core/config/trusted_file.h"
#include "core/driver/description.h"
#include "core/driver/load.h"

/* A message about a line of the driver's section. */
__attribute__((format(printf, 5, 6))) static void say(const struct driver *driver, const struct config *config,
                                                      uint32_t level, uint32_t line, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const struct log_place place = {.file = config->name, .line = line, .section = driver->section->name};
    log_say_about(driver->log, level, &place, "%s:%u: [%s] %s", config->name, line, driver->section->name, text);
}

bool driver_offers(const struct driver *driver, const char *interface, size_t length)
{
    const char *list = driver->description.interfaces, *name;
    size_t name_length;
    while (list != NULL && (name = words_next(&list, &name_length)) != NULL)
        if (name_length == length && memcmp(name, interface, length) == 0)
            return true;
    return false;
}

const char *driver_by_convention(const char *interface, size_t interface_length, size_t *length)
{
    const char *end = interface + interface_length, *slash = memrchr(interface, '/', interface_length);
    end = slash != NULL ? slash : end;
    const char *dot = memrchr(interface, '.', (size_t)(end - interface));
    const char *begin = dot != NULL ? dot + 1 : interface;
    *length = (size_t)(end - begin);
    return begin;
}

/* A file with a fault: what is wrong with it belongs to the line of `path`. */
struct fault_context {
    const struct driver *driver;
    const struct config *config;
    uint32_t line;
    const char *advice; /* follows the fault */
};

/* Where the section's path leads: *path is allocated. Sets the line of faults, and the advice about them. */
static int driver_locate(const struct driver *driver, const struct config *config, const char *folder, char **path,
                         struct fault_context *faults)
{
    const struct config_entry *entry = config_entry(config, driver->section->name, "path");
    if (entry == NULL || entry->value[0] == '\0') {
        say(driver, config, TRALE_LOG_ERROR, entry == NULL ? driver->section->line : entry->line,
            "path: missing; it names the driver's file, as in path = timer.so");
        return -EINVAL;
    }
    faults->line = entry->line;
    bool bare = strchr(entry->value, '/') == NULL;
    if (entry->value[0] != '/' && (!bare || strcmp(entry->value, ".") == 0 || strcmp(entry->value, "..") == 0)) {
        say(driver, config, TRALE_LOG_ERROR, entry->line,
            "path = %s: neither a bare file name, looked for in %s, nor an absolute path", entry->value, folder);
        return -EINVAL;
    }
    if (asprintf(path, "%s%s%s", bare ? folder : "", bare ? "/" : "", entry->value) < 0) {
        *path = NULL;
        return -ENOMEM;
    }
    if (bare && access(*path, F_OK) < 0 && errno == ENOENT)
        faults->advice = "; $TRALE_DRIVERS, or drivers_folder in [runtime], names another folder";
    return 0;
}

static void say_fault(void *data, const char *reason)
{
    const struct fault_context *context = data;
    say(context->driver, context->config, TRALE_LOG_ERROR, context->line, "%s%s", reason, context->advice);
}

static void warn_of_clashes(const struct driver *driver, const struct config *config, uint32_t line,
                            const struct elf *elf)
{
    const char *name = NULL;
    size_t n = load_count_clashes(elf, &name);
    if (n > 0)
        say(driver, config, TRALE_LOG_WARNING, line,
            "%s exports %zu name%s that the program has too, such as %s, and will use the program's instead of its "
            "own: compile it with -fvisibility=hidden",
            driver->path, n, n == 1 ? "" : "s", name);
}

/* Checks and maps the open file, and checks the description in it. */
static int driver_load(struct driver *driver, const struct config *config, uint32_t line, int fd)
{
    char reason[FILE_REASON];
    uintptr_t base = 0;
    struct elf *elf = malloc(sizeof *elf);
    if (elf == NULL)
        return -ENOMEM;
    int r = elf_open(elf, fd, driver->path, reason);
    if (r == 0) {
        warn_of_clashes(driver, config, line, elf);
        r = load_file(elf, driver->path, &base, reason);
    }
    if (r == 0)
        r = description_read(elf, base, driver->path, &driver->description, reason);
    elf_close(elf);
    free(elf);
    if (r < 0)
        say(driver, config, TRALE_LOG_ERROR, line, "%s", reason);
    return r;
}

int driver_probe(struct driver *driver, const struct config *config, const struct config_section *section,
                 const char *folder, const struct file_trust *trust, const struct log *log)
{
    driver->section = section;
    driver->name = section->name + strlen("driver:");
    driver->log = log;
    char *path = NULL;
    struct fault_context context = {.driver = driver, .config = config, .advice = ""};
    const struct file_report report = {say_fault, &context};
    int r = driver_locate(driver, config, folder, &path, &context);
    if (r == 0) {
        int fd = r = file_open_trusted(path, trust, &driver->path, &report);
        if (fd >= 0) {
            r = driver_load(driver, config, context.line, fd);
            close(fd);
        }
    }
    free(path);
    if (r < 0)
        driver_close(driver);
    else
        driver->state = DRIVER_OPENED;
    return r;
}

int driver_open(struct driver *driver, const struct config *config, const struct config_section *section,
                const char *folder, const struct file_trust *trust, const struct log *log)
{
    int r = driver_probe(driver, config, section, folder, trust, log);
    if (r < 0)
        return r;
    const struct trale_driver *description = &driver->description;
    char why[OPTION_TEXT];
    size_t n_values = 0;
    if (description->options != NULL)
        n_values = (size_t)option_check_schema(description->options, description->option_size, why);
    driver->values = calloc(n_values + 1, sizeof *driver->values);
    r = -ENOMEM;
    if (driver->values != NULL)
        r = option_read_section(config, section, "path", description->options, description->option_size, n_values,
                                driver->values, log);
    driver->settings = (struct trale_settings){.size = sizeof driver->settings,
                                               .abi = TRALE_ABI,
                                               .section = section->name,
                                               .values = driver->values,
                                               .n_values = n_values};
    if (r < 0)
        driver_close(driver);
    return r;
}

int driver_start(struct driver *driver)
{
    const struct trale_driver *description = &driver->description;
    int r = description->start(&driver->host, &driver->settings, &driver->instance);
    if (r < -4095 || r > 0)
        r = -EPROTO;
    if (r < 0) {
        log_say(driver->log, TRALE_LOG_ERROR, "trale", "[%s] %s did not start: %s", driver->section->name, driver->path,
                strerror(-r));
        return r;
    }
    driver->state = DRIVER_STARTED;
    log_say(driver->log, TRALE_LOG_INFO, "trale", "[%s] started: %s %s, %s", driver->section->name, description->name,
            description->version, driver->path);
    return 0;
}

int driver_settle(const struct driver *driver, uint64_t deadline_ns)
{
    if (driver->state != DRIVER_STARTED || driver->description.settle == NULL)
        return 0;
    int r = driver->description.settle(driver->instance, deadline_ns);
    return r < 0 && deadline_ns < UINT64_MAX ? -ETIMEDOUT : 0;
}

void driver_close(struct driver *driver)
{
    if (driver->state == DRIVER_STARTED)
        driver->description.stop(driver->instance);
    free(driver->values);
    free(driver->path);
    *driver = (struct driver){.state = DRIVER_CLOSED};
}
