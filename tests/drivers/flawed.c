/* SPDX-License-Identifier: MIT
 *
 * A driver with one thing wrong with it, or none: which, -DFLAW_... says. It tells the log what is called. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <trale/driver.h>

#ifdef FLAW_NULL_MEMBER
#define INTERFACE "org.example.probe/1:24"
#elif defined FLAW_SHORT_TABLE || defined FLAW_ODD_TABLE
#define INTERFACE "org.example.probe/1:32"
#elif defined FLAW_TWICE
#define INTERFACE "org.example.probe/1:24 org.example.other/1 org.example.probe/1"
#elif defined FLAW_MANY
#define EIGHT(name) name "1 " name "2 " name "3 " name "4 " name "5 " name "6 " name "7 " name "8 "
#define INTERFACE                                                                                                      \
    "last/1 " EIGHT("a/") EIGHT("b/") EIGHT("c/") EIGHT("d/") EIGHT("e/") EIGHT("f/") EIGHT("g/") EIGHT("h/")
#elif defined FLAW_NO_VERSION
#define INTERFACE "org.example.probe"
#elif defined FLAW_IMPOSSIBLE_SIZE
#define INTERFACE "org.example.probe/1:12"
#elif !defined INTERFACE
#define INTERFACE "org.example.probe/1"
#endif

#if defined FLAW_NULL_MEMBER || defined FLAW_LATE_NULL_MEMBER
#define NUMBER_FUNCTION NULL
#else
#define NUMBER_FUNCTION probe_number
#endif
#ifdef FLAW_WRONG_VERSION
#define VERSION 2
#else
#define VERSION 1
#endif
#ifdef FLAW_NO_HEAD
#define TABLE_SIZE 8
#elif defined FLAW_ODD_TABLE
#define TABLE_SIZE 28 /* a part of what comes behind the table */
#else
#define TABLE_SIZE sizeof(struct probe)
#endif

#ifdef FLAW_UNDEFINED_SYMBOL
extern int trale_nobody_defines_this(void);
#endif

#ifdef FLAW_EVIL
/* It tells that it ran. */
__attribute__((constructor)) static void evil(void)
{
    setenv("TRALE_TEST_EVIL", "1", 1);
}
#endif

#ifdef FLAW_DESTRUCTOR
__attribute__((destructor)) static void last_words(void)
{
    unsetenv("TRALE_TEST_EVIL");
}
#endif

#ifdef FLAW_EXPORTS
__attribute__((visibility("default"))) int exported_by_mistake(void);
__attribute__((visibility("default"))) int exported_by_mistake(void)
{
    return 3;
}
#endif

#ifdef FLAW_TEXTREL
__asm__(".text\n.quad trale_driver\n");
#endif

#ifdef FLAW_CLASH
/* The program defines it too, and this driver's call goes there. */
__attribute__((visibility("default"))) int clash_with_the_program(void);
__attribute__((visibility("default"), noinline)) int clash_with_the_program(void)
{
    static volatile int number = 2; /* or clang would not call the function */
    return number;
}
#endif

/* What the test asks for: it also knows of a member that this driver has not. */
struct probe {
    struct trale_interface interface;
    int64_t (*number)(void *instance);
};

struct instance {
    struct probe probe;
    struct trale_host host;
    int64_t number;
};

static int64_t probe_number(void *data)
{
    return ((struct instance *)data)->number;
}

#ifndef FLAW_FAILS_START
static const struct trale_interface *flawed_interface(void *data, const char *name)
{
#ifdef FLAW_NO_INTERFACE
    (void)data, (void)name;
    return NULL;
#else
    return strncmp(name, INTERFACE, strlen(name)) == 0 ? &((struct instance *)data)->probe.interface : NULL;
#endif
}
#else
#define flawed_interface NULL_interface
static const struct trale_interface *NULL_interface(void *data, const char *name)
{
    (void)data, (void)name;
    return NULL;
}
#endif

static void flawed_stop(void *data)
{
    struct instance *instance = data;
    instance->host.log(instance->host.context, 1, "stop");
    free(instance);
}

#ifdef FLAW_OTHER
static int32_t flawed_settle(void *data, uint64_t deadline_ns)
{
    struct instance *instance = data;
    (void)deadline_ns;
    instance->host.log(instance->host.context, 1, "settle");
    return 0;
}
#endif

#ifdef FLAW_FAILS_START
/* A task spawned by a start that fails: polling or dropping it ends the process. */
static int64_t doomed_poll(struct trale_future *future, struct trale_context *context)
{
    (void)future, (void)context;
    abort();
}
static void doomed_drop(struct trale_future *future)
{
    (void)future;
    abort();
}
static const struct trale_future_type doomed_type = {sizeof doomed_type, TRALE_ABI, "doomed", doomed_poll, doomed_drop};
static struct trale_future doomed[2] = {{.type = &doomed_type}, {.type = &doomed_type}};
#endif

#ifdef FLAW_OWN_SYMBOL
#define START_LINKAGE __attribute__((visibility("default")))
START_LINKAGE int32_t flawed_start(const struct trale_host *, const struct trale_settings *, void **);
#else
#define START_LINKAGE static
#endif

START_LINKAGE int32_t flawed_start(const struct trale_host *host, const struct trale_settings *settings, void **data)
{
    (void)settings;
    host->log(host->context, 1, "start");
#ifdef FLAW_FAILS_START
    (void)data, (void)probe_number, (void)flawed_stop;
    for (int i = 0; i < 2; i++)
        host->spawn(host->context, &doomed[i]);
    return -EADDRNOTAVAIL;
#elif defined FLAW_POSITIVE_START
    (void)data, (void)probe_number;
    return 7;
#else
    struct instance *instance = calloc(1, sizeof *instance);
    if (instance == NULL)
        return -ENOMEM;
    trale_host_copy(&instance->host, host);
    (void)probe_number;
    instance->probe = (struct probe){{TABLE_SIZE, VERSION, instance}, NUMBER_FUNCTION};
    instance->number = settings->n_values > 0 ? settings->values[0].integer : 0;
#ifdef FLAW_UNDEFINED_SYMBOL
    instance->number = trale_nobody_defines_this();
#endif
#ifdef FLAW_CLASH
    instance->number = clash_with_the_program();
#endif
    *data = instance;
    return 0;
#endif
}

#define NUMBER .name = "number", .type = TRALE_OPTION_INTEGER, .minimum = 1, .maximum = 9

static const struct trale_option options[] = {
#ifdef FLAW_BAD_DEFAULT
    {NUMBER, .default_value = "10", .help = "a number"},
#elif defined FLAW_REQUIRED
    {NUMBER, .help = "a number that must be given"},
#else
    {NUMBER, .default_value = "3", .help = "a number"},
#endif
    {.name = NULL},
};

#ifdef FLAW_LARGER_OPTIONS
/* Options of a later trale, with a member more. */
static const struct {
    struct trale_option option;
    const char *more;
} later[] = {
    {{NUMBER, .default_value = "3"}, "a"},
    {{.name = "later", .type = TRALE_OPTION_TEXT, .default_value = "x", .help = "b"}, "c"},
    {{.name = NULL}, NULL},
};
#endif

#ifdef FLAW_NO_SYMBOL
__attribute__((visibility("default"))) const char not_a_driver[] = "hello";
const void *flawed_unused[] = {(void *)flawed_start, (void *)flawed_stop, (void *)flawed_interface, options};
#elif defined FLAW_NEWER
/* A driver of a later trale: its description has more members than this runtime knows. */
struct newer {
    struct trale_driver driver;
    void *more[10];
};
extern const struct newer trale_driver;
__attribute__((visibility("default")))
const struct newer trale_driver = {.driver = {.size = sizeof(struct newer),
                                              .abi = TRALE_ABI,
                                              .option_size = sizeof(struct trale_option),
                                              .name = "newer",
                                              .version = "9",
                                              .summary = "from the future",
                                              .interfaces = INTERFACE,
                                              .options = options,
                                              .start = flawed_start,
                                              .stop = flawed_stop,
                                              .interface = flawed_interface}};
#elif defined FLAW_BSS
extern struct trale_driver trale_driver;
__attribute__((visibility("default"))) struct trale_driver trale_driver;
const void *flawed_unused[] = {(void *)flawed_start, (void *)flawed_stop, (void *)flawed_interface, options};
#elif defined FLAW_CHANGED
/* It changes its description when it is loaded. */
extern struct trale_driver trale_driver;
__attribute__((visibility("default"))) struct trale_driver trale_driver = {.size = sizeof trale_driver,
                                                                           .abi = TRALE_ABI,
                                                                           .name = "changed",
                                                                           .version = "1",
                                                                           .summary = "one",
                                                                           .start = flawed_start,
                                                                           .interfaces = INTERFACE,
                                                                           .options = options,
                                                                           .option_size = sizeof options[0],
                                                                           .stop = flawed_stop,
                                                                           .interface = flawed_interface};
__attribute__((constructor)) static void change(void)
{
    *(const char *volatile *)&trale_driver.summary = "another"; /* or clang would do it when it compiles */
}
#else
TRALE_DRIVER(
#ifdef FLAW_ABI
        .abi = TRALE_ABI - 1,
#endif
#ifdef FLAW_SIZE
        .size = 40,
#endif
#ifdef FLAW_HUGE
        .size = 1u << 30,
#endif
#ifdef FLAW_NO_NAME
        .name = "",
#elif defined FLAW_BLANK_NAME
        .name = "two words",
#else
        .name = "flawed",
#endif
#ifdef FLAW_CONTROL
        .version = "1\033[2J", /* clears the screen */
#else
        .version = "1.0",
#endif
#ifndef FLAW_NO_SUMMARY
        .summary = "a driver with something wrong with it",
#endif
#ifndef FLAW_NO_INTERFACES
        .interfaces = INTERFACE,
#endif
#ifdef FLAW_BOTH_LISTS
        .layers = INTERFACE ":24",
#endif
#ifdef FLAW_ONE_THREAD
        .demands = TRALE_DRIVER_DEMANDS_ONE_THREAD,
#elif defined FLAW_LATER_DEMANDS
        .demands = TRALE_DRIVER_DEMANDS_ONE_THREAD | 0x80,
#endif
#ifdef FLAW_LARGER_OPTIONS
        .options = &later[0]
        .option,
        .option_size = sizeof later[0],
#else
        .options = options,
#endif
#ifdef FLAW_SMALLER_OPTIONS
        .option_size = 48,
#endif
#ifndef FLAW_NO_START
        .start = flawed_start,
#endif
#ifdef FLAW_OTHER
        .settle = flawed_settle,
#endif
#ifdef FLAW_WILD_SETTLE
        .settle = (int32_t(*)(void *, uint64_t))(uintptr_t)options,
#endif
#ifdef FLAW_FOREIGN_SYMBOL
        .stop = free,
#else
        .stop = flawed_stop,
#endif
        .interface = flawed_interface);
#endif
#ifdef FLAW_FOREIGN_SYMBOL
const void *flawed_unused = (void *)flawed_stop;
#endif
#ifdef FLAW_NO_START
const void *flawed_unused = (void *)flawed_start;
#endif
