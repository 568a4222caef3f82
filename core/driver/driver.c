/* SPDX-License-Identifier: MIT
 *
 * Loading a driver runs its code, and nothing can be undone after that. So everything that can be checked before is
 * checked before, in the file: its owner and folders (trusted_file.c), its format and tables (elf.c), its description
 * (description.c), and what trale.ini says about it. Only then it is mapped, compared with what was read (which is what
 * description_map.c does), and started. */
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
#include "core/driver/interface_name.h"
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
    char number[16] = "";
    if (line > 0)
        snprintf(number, sizeof number, ":%u", line);
    log_say_about(driver->log, level, &place, "%s%s: [%s] %s", config->name, number, driver->section->name, text);
}

bool driver_offers(const struct driver *driver, const char *interface, size_t length)
{
    return driver->interfaces != NULL && words_find(driver->interfaces, interface, length) != NULL;
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

/* Where the section's path leads: *path is allocated. Sets driver->line, and *advice, which follows a fault. */
static int driver_locate(struct driver *driver, const struct config *config, const char *folder, char **path,
                         const char **advice)
{
    const struct config_entry *entry = config_entry(config, driver->section->name, "path");
    if (entry == NULL || entry->value[0] == '\0') {
        say(driver, config, TRALE_LOG_ERROR, entry == NULL ? driver->section->line : entry->line,
            "path: missing; it names the driver's file, as in path = timer.so");
        return -EINVAL;
    }
    driver->line = entry->line;
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
        *advice = "; $TRALE_DRIVERS, or drivers_folder in [runtime], names another folder";
    return 0;
}

/* A file that is not trusted: what is wrong with it belongs to the line of `path`. */
struct fault_context {
    const struct driver *driver;
    const struct config *config;
    const char *advice;
};

static void say_fault(void *data, const char *reason)
{
    const struct fault_context *context = data;
    say(context->driver, context->config, TRALE_LOG_ERROR, context->driver->line, "%s%s", reason, context->advice);
}

/* Exported names are looked up in the program first. */
static void warn_of_exports(const struct driver *driver, const struct config *config)
{
    const char *clash = NULL, *first = NULL, *name;
    size_t n_clashes = load_count_clashes(driver->elf, &clash), n = 0, position = 0;
    while ((name = elf_next_export(driver->elf, &position)) != NULL)
        first = n++ == 0 ? name : first;
    if (n_clashes > 0)
        say(driver, config, TRALE_LOG_WARNING, driver->line,
            "%s exports %zu name%s that the program has too, such as %s, and will use the program's instead of its "
            "own: compile it with -fvisibility=hidden",
            driver->path, n_clashes, n_clashes == 1 ? "" : "s", clash);
    else if (n > 0)
        say(driver, config, TRALE_LOG_WARNING, driver->line,
            "%s exports %zu name%s beside " TRALE_DRIVER_SYMBOL ", such as %s: compile it with -fvisibility=hidden",
            driver->path, n, n == 1 ? "" : "s", first);
}

static void warn_of_constructors(const struct driver *driver, const struct config *config)
{
    char name[ELF_NAME];
    size_t n = elf_count_constructors(driver->elf, name);
    if (n > 0)
        say(driver, config, TRALE_LOG_WARNING, driver->line,
            "%s has %zu constructor%s or destructor%s%s%s, code that runs when the file is loaded or the process ends: "
            "remove __attribute__((constructor)) and global C++ objects, and do it in start",
            driver->path, n, n == 1 ? "" : "s", n == 1 ? "" : "s", name[0] != '\0' ? ", such as " : "", name);
}

/* Names of interfaces are shown and compared without sizes. */
static int take_sizes(struct driver *driver)
{
    const struct trale_driver *description = &driver->description;
    const char *interfaces = description->interfaces, *layers = description->layers;
    if (asprintf(&driver->offers, "%s %s", interfaces != NULL ? interfaces : "", layers != NULL ? layers : "") < 0) {
        driver->offers = NULL;
        return -ENOMEM;
    }
    driver->interfaces = strdup(driver->offers);
    if (driver->interfaces == NULL)
        return -ENOMEM;
    interface_names_strip(driver->interfaces);
    if (layers != NULL)
        interface_names_strip((char *)(uintptr_t)layers);
    if (description->needs == NULL)
        return 0;
    driver->needs = strdup(description->needs);
    if (driver->needs == NULL)
        return -ENOMEM;
    interface_names_strip((char *)(uintptr_t)description->needs);
    return 0;
}

/* Checks the open file, and reads its description. */
static int driver_read(struct driver *driver, const struct config *config, int fd)
{
    char reason[FILE_REASON];
    driver->elf = malloc(sizeof *driver->elf);
    if (driver->elf == NULL) {
        close(fd);
        return -ENOMEM;
    }
    int r = elf_open(driver->elf, fd, driver->path, ELF_OWN_MACHINE, reason);
    if (r == 0)
        r = description_read(driver->elf, driver->path, &driver->description, reason);
    if (r < 0) {
        say(driver, config, TRALE_LOG_ERROR, driver->line, "%s", reason);
        return r;
    }
    warn_of_exports(driver, config);
    warn_of_constructors(driver, config);
    return take_sizes(driver);
}

static int driver_find(struct driver *driver, const struct config *config, const char *folder,
                       const struct file_trust *trust)
{
    char *path = NULL;
    struct fault_context context = {.driver = driver, .config = config, .advice = ""};
    int r = driver_locate(driver, config, folder, &path, &context.advice);
    int fd = r < 0 ? r : file_open_trusted(path, trust, &driver->path, &(struct file_report){say_fault, &context});
    free(path);
    return fd < 0 ? fd : driver_read(driver, config, fd);
}

static int driver_configure(struct driver *driver, const struct config *config)
{
    const struct trale_option *options = driver->description.options;
    size_t n_values = 0;
    while (options != NULL && options[n_values].name != NULL)
        n_values++;
    driver->values = calloc(n_values + 1, sizeof *driver->values);
    if (driver->values == NULL)
        return -ENOMEM;
    driver->settings = (struct trale_settings){.size = sizeof driver->settings,
                                               .abi = TRALE_ABI,
                                               .section = driver->section->name,
                                               .values = driver->values,
                                               .n_values = n_values,
                                               .file = config->name};
    return option_read_section(config, driver->section, option_runtime_keys, options, n_values, driver->values,
                               driver->log);
}

static int driver_end_open(struct driver *driver, int r)
{
    if (r < 0)
        driver_close(driver);
    else
        driver->state = DRIVER_OPENED;
    return r;
}

int driver_describe(struct driver *driver, const struct config *config, const struct config_section *section,
                    const char *folder, const struct file_trust *trust, const struct log *log)
{
    driver->section = section;
    driver->name = section->name + strlen("driver:");
    driver->log = log;
    const struct config_entry *over = config_entry(config, section->name, "over");
    if (over != NULL) {
        driver->over = over->value;
        driver->over_line = over->line;
    }
    return driver_end_open(driver, driver_find(driver, config, folder, trust));
}

int driver_open(struct driver *driver, const struct config *config, const struct config_section *section,
                const char *folder, const struct file_trust *trust, const struct log *log)
{
    int r = driver_describe(driver, config, section, folder, trust, log);
    return r < 0 ? r : driver_end_open(driver, driver_configure(driver, config));
}

static void driver_close_file(struct driver *driver)
{
    if (driver->elf == NULL)
        return;
    close(driver->elf->fd);
    elf_close(driver->elf);
    free(driver->elf);
    driver->elf = NULL;
}

int driver_load(struct driver *driver, const struct config *config)
{
    char reason[FILE_REASON];
    uintptr_t base = 0;
    int r = load_file(driver->elf, driver->path, &base, reason);
    if (r == 0)
        r = description_map(driver->elf, base, driver->path, &driver->description, reason);
    if (r < 0) {
        say(driver, config, TRALE_LOG_ERROR, driver->line, "%s", reason);
        return r;
    }
    driver_close_file(driver);
    driver->state = DRIVER_LOADED;
    return 0;
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
    driver_close_file(driver);
    description_free(&driver->description);
    free(driver->interfaces);
    free(driver->offers);
    free(driver->needs);
    free(driver->values);
    free(driver->path);
    *driver = (struct driver){.state = DRIVER_CLOSED};
}
