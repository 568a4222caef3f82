/* SPDX-License-Identifier: MIT
 *
 * Loading a driver is running its code, and nothing can be taken back after that. So all that can be looked at before
 * is looked at first: who owns the file, whether it is whole, what machine it is for (file.c); then, mapped but not
 * called, what its description says; then what trale.ini says about it. Only what passes is started.
 *
 * The file is never unmapped, whatever happens: RTLD_NODELETE.
 */
#include "core/driver/driver.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <trale/trale.h>

#include "core/config/trusted_file.h"
#include "core/driver/elf.h"
#include "core/base/words.h"
#include "core/config/option.h"

/* The members of the first version: no driver has less. */
#define DESCRIPTION_SIZE_MIN (offsetof(struct trale_driver, before_wait) + sizeof(void *))
#define OPTION_SIZE_MIN (offsetof(struct trale_option, help) + sizeof(char *))
#define STRUCT_SIZE_MAX 4096

/* An error about a line of the driver's section. */
__attribute__((format(printf, 4, 5))) static void say(const struct driver *driver, const struct config *config,
                                                      uint32_t line, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const struct log_place place = {.file = config->name, .line = line, .section = driver->section->name};
    log_say_about(driver->log, TRALE_LOG_ERROR, &place, "%s:%u: [%s] %s", config->name, line, driver->section->name,
                  text);
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

/* Where the section's path leads: *path is allocated. */
static int driver_locate(const struct driver *driver, const struct config *config, const char *folder, char **path,
                         uint32_t *line)
{
    const struct config_entry *entry = config_entry(config, driver->section->name, "path");
    if (entry == NULL || entry->value[0] == '\0') {
        say(driver, config, entry == NULL ? driver->section->line : entry->line,
            "path: missing; it names the driver's file, as in path = timer.so");
        return -EINVAL;
    }
    *line = entry->line;
    bool bare = strchr(entry->value, '/') == NULL;
    if (entry->value[0] != '/' && (!bare || strcmp(entry->value, ".") == 0 || strcmp(entry->value, "..") == 0)) {
        say(driver, config, entry->line, "path = %s: neither a bare file name, looked for in %s, nor an absolute path",
            entry->value, folder);
        return -EINVAL;
    }
    if (asprintf(path, "%s%s%s", bare ? folder : "", bare ? "/" : "", entry->value) < 0) {
        *path = NULL;
        return -ENOMEM;
    }
    return 0;
}

/* Why the description cannot be believed, or NULL. The first two members were looked at before. */
static const char *description_flaw(const struct trale_driver *description)
{
    if (description->name == NULL || description->name[0] == '\0')
        return "its description has no name";
    for (const char *c = description->name; *c != '\0'; c++)
        if (!isgraph((unsigned char)*c))
            return "the name in its description has a character that is not printable";
    if (description->version == NULL || description->summary == NULL || description->interfaces == NULL)
        return "its description lacks version, summary or interfaces";
    if (description->start == NULL || description->stop == NULL || description->interface == NULL)
        return "its description lacks start, stop or interface";
    if (description->options != NULL &&
        (description->option_size < OPTION_SIZE_MIN || description->option_size > STRUCT_SIZE_MAX))
        return "the options in its description have an impossible size";
    return NULL;
}

static int driver_check(struct driver *driver, const struct config *config, uint32_t line,
                        const struct trale_driver *description)
{
    if (description->abi != TRALE_ABI) {
        say(driver, config, line,
            "%s is a driver for ABI %u, this runtime has ABI %u: rebuild it against "
            "the headers of trale " TRALE_VERSION,
            driver->path, description->abi, TRALE_ABI);
        return -EPROTONOSUPPORT;
    }
    if (description->size < DESCRIPTION_SIZE_MIN || description->size > STRUCT_SIZE_MAX) {
        say(driver, config, line, "%s: its description has %u bytes, ABI %u has at least %zu", driver->path,
            description->size, TRALE_ABI, DESCRIPTION_SIZE_MIN);
        return -ENOEXEC;
    }
    size_t size = sizeof driver->description;
    memcpy(&driver->description, description, description->size < size ? description->size : size);
    const char *flaw = description_flaw(&driver->description);
    char why[OPTION_TEXT];
    if (flaw == NULL && driver->description.options != NULL &&
        option_check_schema(driver->description.options, driver->description.option_size, why) < 0)
        flaw = why;
    if (flaw != NULL) {
        say(driver, config, line, "%s: %s", driver->path, flaw);
        return -ENOEXEC;
    }
    return 0;
}

static int driver_load(struct driver *driver, const struct config *config, uint32_t line)
{
    dlerror();
    void *handle = dlopen(driver->path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle == NULL) {
        const char *error = dlerror();
        say(driver, config, line, "cannot load: %s", error != NULL ? error : driver->path);
        return -ENOEXEC;
    }
    /* The handle may go: the file stays mapped. */
    const struct trale_driver *description = dlsym(handle, TRALE_DRIVER_SYMBOL);
    if (description == NULL) {
        say(driver, config, line, "%s is no trale driver: it has no symbol '" TRALE_DRIVER_SYMBOL "'", driver->path);
        dlclose(handle);
        return -ENOEXEC;
    }
    int r = driver_check(driver, config, line, description);
    dlclose(handle);
    return r;
}

struct fault_context {
    const struct driver *driver;
    const struct config *config;
    uint32_t line;
};

static void say_fault(void *data, const char *reason)
{
    const struct fault_context *context = data;
    say(context->driver, context->config, context->line, "%s", reason);
}

int driver_probe(struct driver *driver, const struct config *config, const struct config_section *section,
                 const char *folder, const struct file_trust *trust, const struct log *log)
{
    driver->section = section;
    driver->name = section->name + strlen("driver:");
    driver->log = log;
    char *path = NULL;
    char reason[FILE_REASON];
    uint32_t line = 0;
    int fd = -1;
    int r = driver_locate(driver, config, folder, &path, &line);
    if (r < 0)
        goto out;
    struct fault_context context = {driver, config, line};
    r = fd = file_open_trusted(path, trust, &driver->path, &(struct file_report){say_fault, &context});
    if (r < 0)
        goto out;
    r = elf_check_shared_object(fd, driver->path, reason);
    if (r < 0) {
        say(driver, config, line, "%s", reason);
        goto out;
    }
    r = driver_load(driver, config, line);
    if (r == 0)
        driver->state = DRIVER_OPENED;
out:
    if (fd >= 0)
        close(fd);
    free(path);
    if (r < 0)
        driver_close(driver);
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

void driver_close(struct driver *driver)
{
    if (driver->state == DRIVER_STARTED)
        driver->description.stop(driver->instance);
    free(driver->values);
    free(driver->path);
    *driver = (struct driver){.state = DRIVER_CLOSED};
}
