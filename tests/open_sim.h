/* SPDX-License-Identifier: MIT
 *
 * A runtime in a simulation with options of the test's own, and the report of a run. */
#ifndef TRALE_TESTS_OPEN_SIM_H
#define TRALE_TESTS_OPEN_SIM_H

#include <fcntl.h>

#include <trale/sim_report.h>

#include "tests/support.h"

/* trale_open with these lines in [driver:sim]. `log` gets the messages; NULL: they are not read. */
static inline int open_with(struct trale **runtime, struct test_log *log, const char *options)
{
    static struct test_log unread;
    char text[4096];
    log = log != NULL ? log : &unread;
    *log = (struct test_log){0};
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = sim\nthreads = 0\ndrivers_folder = %s\n[driver:sim]\npath = sim.so\n%s",
             TEST_DRIVERS, options);
    return trale_open(runtime, &(struct trale_options){.config_text = text, .log = test_log_write, .log_data = log});
}

static inline struct trale *open_sim(const char *options)
{
    struct trale *runtime = NULL;
    assert_int_equal(open_with(&runtime, NULL, options), 0);
    return runtime;
}

static inline struct trale_sim_report report_of(const char *path)
{
    struct trale_sim_report report;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, &report, sizeof report), sizeof report);
    close(fd);
    assert_int_equal(report.magic, TRALE_SIM_REPORT_MAGIC);
    assert_int_equal(report.version, TRALE_SIM_REPORT_VERSION);
    return report;
}

#endif
