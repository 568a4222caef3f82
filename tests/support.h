/* SPDX-License-Identifier: MIT
 *
 * What the tests share: cmocka, and a runtime in the thread layout under test. */
#ifndef TRALE_TESTS_SUPPORT_H
#define TRALE_TESTS_SUPPORT_H

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <trale/timer.h>
#include <trale/udp.h>

#include "tests/simulation.h"

/* Whether valgrind runs the test, which has signal masks, and a heap that grows, of its own. */
#if defined __has_include && __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#define TEST_UNDER_VALGRIND (RUNNING_ON_VALGRIND != 0)
#else
#define TEST_UNDER_VALGRIND false
#endif

/* In a child of a process with threads, TSan makes no threads, and gcc 12's ASan does not allocate if a thread of the
 * parent held a lock of its allocator at the fork. */
#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
#define TEST_LIMITS_CHILDREN 1
#elif defined __has_feature
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define TEST_LIMITS_CHILDREN 1
#endif
#endif
#ifndef TEST_LIMITS_CHILDREN
#define TEST_LIMITS_CHILDREN 0
#endif

/* [runtime] threads for this run of the program: $TRALE_TEST_THREADS, 1 without; 0 in a simulation. */
static inline int test_threads(void)
{
    const char *threads = getenv("TRALE_TEST_THREADS");
    if (test_is_simulated())
        return 0;
    return threads != NULL ? atoi(threads) : 1;
}

/* How many layers `trace` (tests/stranger/trace.c) test_open puts over the drivers: $TRALE_TEST_LAYERS, 0 without. */
static inline int test_layers(void)
{
    const char *layers = getenv("TRALE_TEST_LAYERS");
    return layers != NULL ? atoi(layers) : 0;
}

/* Whether a list of drivers for trale.ini has this one. */
static inline bool test_has_driver(const char *drivers, const char *name)
{
    const size_t length = strlen(name);
    for (const char *word = drivers + strspn(drivers, " ,"); *word != '\0';) {
        size_t word_length = strcspn(word, " ,");
        if (word_length == length && strncmp(word, name, length) == 0)
            return true;
        word += word_length;
        word += strspn(word, " ,");
    }
    return false;
}

/* Writes those of the drivers that are among `names`, as `over` in trale.ini. */
static inline void test_over(char over[64], const char *drivers, const char *names)
{
    char name[16];
    over[0] = '\0';
    for (int length; sscanf(names, "%15s%n", name, &length) == 1; names += length)
        if (test_has_driver(drivers, name))
            strcat(strcat(over, over[0] != '\0' ? ", " : ""), name);
}

/* A recorder that has stopped would leave the rest of a test to the drivers below. */
static inline void test_recorder_log(void *data, uint32_t level, const char *source, const char *message)
{
    (void)data;
    fprintf(stderr, "%u %s: %s\n", level, source, message);
    if (strcmp(source, "record") == 0)
        abort();
}

/* Adds the layer `record` with $TRALE_TEST_RECORD: `names` and `layers` are text for the configuration. Returns the
 * path of the recording, which is removed when it is open; NULL: nothing is recorded. */
static inline const char *test_record(char names[64], char layers[1024], const char *drivers)
{
    static char path[256];
    static unsigned n_recordings;
    char over[64];
    test_over(over, drivers, "timer udp random");
    if (getenv("TRALE_TEST_RECORD") == NULL || over[0] == '\0')
        return NULL;
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/trale-test-%ld-%u", folder != NULL ? folder : "/tmp", (long)getpid(),
             n_recordings++);
    strcat(names, ", record");
    snprintf(layers + strlen(layers), 1024 - strlen(layers),
             "[driver:record]\npath = record.so\nover = %s\nfile = %s\nsize = 256M\n", over, path);
    return path;
}

/* Copies sections of trale.ini, with $TRALE_TEST_UDP in place of udp.so: another driver of the interface. */
static inline void test_choose_udp(char chosen[4096], const char *sections)
{
    const char *const udp = "path = udp.so", *driver = getenv("TRALE_TEST_UDP"), *found = strstr(sections, udp);
    if (driver == NULL || found == NULL)
        snprintf(chosen, 4096, "%s", sections);
    else
        snprintf(chosen, 4096, "%.*spath = %s%s", (int)(found - sections), sections, driver, found + strlen(udp));
}

/* Calls a function on the thread that polls. */
struct test_call {
    struct trale_future future;
    void (*function)(void *data);
    void *data;
};

static inline int64_t test_call_poll(struct trale_future *future, struct trale_context *context)
{
    (void)context;
    struct test_call *call = (struct test_call *)(void *)future;
    call->function(call->data);
    return 0;
}

static inline void test_call_in_task(struct trale *runtime, void (*function)(void *data), void *data)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "test_call", test_call_poll, NULL};
    struct test_call call = {{.type = &type}, function, data};
    assert_int_equal(trale_block_on(runtime, &call.future), 0);
}

static inline void test_nothing(void *data)
{
    (void)data;
}

/* Opens a runtime in that layout, with these layers, or in a simulation; `drivers` and `sections` are text for the
 * configuration. The drivers come from the build (TEST_DRIVERS). */
static inline struct trale *test_open(const char *drivers, const char *sections)
{
    char text[8192], over[64], names[64] = "", layers[1024] = "", simulated[2][4096], chosen[4096];
    if (test_is_simulated() && test_simulate_drivers(simulated[0], drivers)) {
        test_simulate_sections(simulated[1], sections);
        drivers = simulated[0];
        sections = simulated[1];
    }
    test_choose_udp(chosen, sections);
    test_over(over, drivers, "timer udp stream signal blocking");
    for (int i = 0; i < test_layers() && over[0] != '\0'; i++) {
        snprintf(names + strlen(names), sizeof names - strlen(names), ", trace%d", i);
        snprintf(layers + strlen(layers), sizeof layers - strlen(layers),
                 "[driver:trace%d]\npath = %s/trace.so\nover = %s\n", i, TEST_FLAWED_DRIVERS, over);
    }
    const char *recording = test_record(names, layers, drivers);
    snprintf(text, sizeof text, "[runtime]\ndrivers = %s%s\nthreads = %d\ndrivers_folder = %s\n%s\n%s", drivers, names,
             test_threads(), TEST_DRIVERS, chosen, layers);
    struct trale *runtime = NULL;
    int r = trale_open(
        &runtime, &(struct trale_options){.config_text = text, .log = recording != NULL ? test_recorder_log : NULL});
    if (recording != NULL)
        unlink(recording);
    if (r < 0)
        fail_msg("trale_open: %s", strerror(-r));
    /* The task of that driver has begun to wait: tests go on to open and close sockets on this thread. */
    if (getenv("TRALE_TEST_UDP") != NULL)
        test_call_in_task(runtime, test_nothing, NULL);
    return runtime;
}

/* From here on trale_open without options finds no file of the user and uses the built-in text. Skips the test where
 * trale is installed: the system's trale.ini would be used. */
static inline void test_use_built_in_config(void)
{
    setenv("TRALE_DRIVERS", TEST_DRIVERS, 1);
    setenv("HOME", "/nonexistent", 1);
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("TRALE_CONFIG");
    if (access(TEST_SYSTEM_CONFIG, F_OK) == 0)
        skip();
}

#define TEST_TIMER "[driver:timer]\npath = timer.so\n"
#define TEST_UDP "[driver:udp]\npath = udp.so\n"
#define TEST_STREAM "[driver:stream]\npath = stream.so\n"

/* Set-up and tear-down of a group of tests: *state is a runtime with the timer driver. */
static inline int test_open_timer(void **state)
{
    *state = test_open("timer", TEST_TIMER);
    return 0;
}

static inline int test_close_runtime(void **state)
{
    return trale_close(*state);
}

static inline struct trale_address test_address(const char *text)
{
    struct trale_address address;
    assert_int_equal(trale_address_parse(text, &address), 0);
    return address;
}

/* How many descriptors this process has, and a few more. */
static inline int test_count_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int n = 0;
    while (readdir(folder) != NULL)
        n++;
    closedir(folder);
    return n;
}

/* A group of this process alone, which is in the last three bytes: tests run side by side, and a socket also hears
 * groups that other processes have joined (TRALE_UDP_MULTICAST_ALL). */
static inline struct trale_address test_group(const char *text)
{
    struct trale_address group = test_address(text);
    uint8_t *last = group.any.sa_family == AF_INET ? (uint8_t *)&group.v4.sin_addr + 1
                                                   : &group.v6.sin6_addr.s6_addr[13];
    for (int i = 0; i < 3; i++)
        last[i] = (uint8_t)(getpid() >> (16 - 8 * i));
    return group;
}

/* Makes a future that the test polls through its own member. */
static inline void test_make(struct trale_future *future)
{
    assert_non_null(future);
}

static inline void test_closes(void *socket)
{
    trale_udp_close(socket);
}

static inline void test_close_socket(struct trale *runtime, struct trale_udp_socket *socket)
{
    test_call_in_task(runtime, test_closes, socket);
}

/* A log that keeps what it is given. */
struct test_log {
    char text[16384];
    size_t length;
};

static inline void test_log_write(void *data, uint32_t level, const char *source, const char *message)
{
    struct test_log *log = data;
    int n = snprintf(log->text + log->length, sizeof log->text - log->length, "%u %s: %s\n", level, source, message);
    if (n > 0 && (size_t)n < sizeof log->text - log->length)
        log->length += (size_t)n;
}

#endif
