/* SPDX-License-Identifier: MIT
 *
 * Part of every test program: with $TRALE_TEST_CHECKS each runtime has [runtime] checks = yes, and a finding ends the
 * program when the runtime is closed. So a test can run once more, to show that well-behaved code is left in peace. */
#include <stdio.h>
#include <stdlib.h>

#include "core/checks/finding.h"
#include "core/config/settings.h"

int __real_settings_read(struct settings *settings, const struct config *config, const struct log *log);
int __wrap_settings_read(struct settings *settings, const struct config *config, const struct log *log);
int __wrap_settings_read(struct settings *settings, const struct config *config, const struct log *log)
{
    int r = __real_settings_read(settings, config, log);
    if (r == 0 && getenv("TRALE_TEST_CHECKS") != NULL)
        settings->values[SETTING_CHECKS].integer = 1;
    return r;
}

static void write_text(void *data, const char *text)
{
    fputs(text, data);
}

void __real_findings_deinit(struct findings *findings);
void __wrap_findings_deinit(struct findings *findings);
void __wrap_findings_deinit(struct findings *findings)
{
    if (getenv("TRALE_TEST_CHECKS") != NULL && findings->first != NULL) {
        findings_dump(findings, write_text, stderr);
        abort();
    }
    __real_findings_deinit(findings);
}
