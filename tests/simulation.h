/* SPDX-License-Identifier: MIT
 *
 * The arm of the tests that runs in a simulation: with $TRALE_TEST_SIM, the driver `sim` is loaded in place of the
 * drivers whose interfaces it offers, and the body of the tests is the same. */
#ifndef TRALE_TESTS_SIMULATION_H
#define TRALE_TESTS_SIMULATION_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

static inline bool test_is_simulated(void)
{
    return getenv("TRALE_TEST_SIM") != NULL;
}

/* A statement at the beginning of a test that holds with the real drivers alone. The reason is a string literal, one of
 * those in docs/simulation.md, with which tests/differences.sh compares it. */
#define TEST_REAL_ONLY(reason)                                                                                         \
    do {                                                                                                               \
        if (test_is_simulated()) {                                                                                     \
            print_message("not in a simulation: %s\n", reason);                                                        \
            skip();                                                                                                    \
        }                                                                                                              \
    } while (0)

/* Appends text to a buffer of 4096 bytes. */
static inline void test_append(char *buf, const char *text, size_t length)
{
    size_t used = strlen(buf);
    assert_true(used + length < 4096);
    memcpy(buf + used, text, length);
    buf[used + length] = '\0';
}

/* Whether the first `length` bytes of `word` are the name of a driver whose interface the simulation offers. */
static inline bool test_sim_offers(const char *word, size_t length)
{
    const char *const names[] = {"timer", "udp", "stream", "random", "signal", "blocking"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i]) == length && strncmp(word, names[i], length) == 0)
            return true;
    return false;
}

/* Turns a list of drivers into one with `sim` in place of those it offers. Returns whether it took the place of any. */
static inline bool test_simulate_drivers(char *simulated, const char *drivers)
{
    bool has_sim = false;
    simulated[0] = '\0';
    for (const char *word = drivers + strspn(drivers, " ,"); *word != '\0';) {
        size_t length = strcspn(word, " ,");
        bool offers = test_sim_offers(word, length);
        if (!offers || !has_sim) {
            if (simulated[0] != '\0')
                test_append(simulated, ", ", 2);
            test_append(simulated, offers ? "sim" : word, offers ? 3 : length);
        }
        has_sim |= offers;
        word += length;
        word += strspn(word, " ,");
    }
    return has_sim;
}

/* Turns sections into those of the same drivers in a simulation: the options are collected in [driver:sim]. */
static inline void test_simulate_sections(char *simulated, const char *sections)
{
    static char others[4096];
    const char *in_driver = NULL; /* the name of the section's driver, if the simulation has its options */
    strcpy(simulated, "[driver:sim]\npath = sim.so\n");
    others[0] = '\0';
    for (const char *line = sections; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        if (line[0] == '[')
            in_driver = strncmp(line, "[driver:", 8) == 0 && test_sim_offers(line + 8, strcspn(line + 8, "]"))
                            ? line + 8
                            : NULL;
        if (in_driver == NULL) {
            test_append(others, line, length);
            test_append(others, "\n", 1);
        } else if (line[0] != '[' && strncmp(line, "path", 4) != 0 && length > 0) {
            if (strncmp(in_driver, "blocking]", 9) == 0 && strncmp(line, "threads", 7) == 0)
                test_append(simulated, "blocking_", 9);
            test_append(simulated, line, length);
            test_append(simulated, "\n", 1);
        }
        line += length + (line[length] == '\n');
    }
    test_append(simulated, others, strlen(others));
}

#endif
