/* SPDX-License-Identifier: MIT
 *
 * The settings of an application: a section [application:NAME] in trale.ini, beside those of the drivers, read by keys
 * that the program describes as drivers describe theirs (driver_option.h).
 *
 *     static const struct trale_option keys[] = {
 *         {.name = "listen", .type = TRALE_OPTION_TEXT, .default_value = "127.0.0.1:7", .help = "the address"},
 *         {.name = "clients", .type = TRALE_OPTION_INTEGER, .minimum = 1, .maximum = 1000, .default_value = "100"},
 *         {.name = NULL},
 *     };
 *
 *     struct trale_settings *settings;
 *     int r = trale_settings_read(&settings, "echo", keys, NULL);     // [application:echo]
 *     if (r == 0)
 *         printf("%s %lld\n", settings->values[0].text, (long long)settings->values[1].integer);
 *     trale_settings_free(settings);
 *
 * To read them again, on SIGHUP for example, call it again: a call that fails leaves the old settings as they were. */
#ifndef TRALE_SETTINGS_H
#define TRALE_SETTINGS_H

#include <trale/driver_option.h>
#include <trale/trale.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Finds and reads the configuration that trale_open would read with the same options, and of it the section
 * [application:`name`], by `keys`, an array that ends with a NULL name. *settings then has one value for each key, in
 * the order of the array: the file's, or the default. No section is a section without keys; then a section
 * [application:...] of a similar name is a warning.
 *
 * Every mistake in the file is a message, as those of trale_open: the file and line, what was found, what is allowed.
 * That covers unknown keys and sections, values of a wrong kind or out of range, keys that must be given, and
 * [runtime]; not the sections of drivers, which trale_open reads. In a simulation the section comes from the
 * configuration of that, into which `trale simulate` copies it.
 *
 * The result is a copy, and needs no runtime. `name`, `keys` and `options` are lent for the call; the texts of defaults
 * are those of `keys`, and are lent until the settings are freed. `options` may be NULL. The call reads a file and may
 * wait for its disk: it is for the start, for a task that may take that time, or for a function of blocking.h.
 * [any thread]
 *
 * Returns 0, or -EINVAL (the configuration does not hold, or the keys are described wrongly, which is a message too),
 * -ENOENT, -EACCES, -EPERM and the others of trale_open for its file, -ENOMEM. On failure *settings stays as it was. */
TRALE_CHECK_RESULT static inline int trale_settings_read(struct trale_settings **settings, const char *name,
                                                         const struct trale_option *keys,
                                                         const struct trale_options *options);

/* NULL is allowed. [any thread] */
TRALE_API void trale_settings_free(struct trale_settings *settings);

/* The function behind trale_settings_read: `size` says how much of the options the caller knows. */
TRALE_CHECK_RESULT TRALE_API int trale_settings_read_sized(struct trale_settings **settings, const char *name,
                                                           const struct trale_option *keys,
                                                           const struct trale_options *options, size_t size);
TRALE_CHECK_RESULT static inline int trale_settings_read(struct trale_settings **settings, const char *name,
                                                         const struct trale_option *keys,
                                                         const struct trale_options *options)
{
    return trale_settings_read_sized(settings, name, keys, options, sizeof *options);
}

#ifdef __cplusplus
}
#endif

#endif
