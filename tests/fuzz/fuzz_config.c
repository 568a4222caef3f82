/* SPDX-License-Identifier: MIT
 *
 * The text of trale.ini.
 *
 * Over: core/config/parse.c core/config/vet.c core/config/table.c core/base/log.c core/base/printable.c
 * With: inih */
#include <string.h>

#include "core/config/parse.h"
#include "tests/fuzz/check.h"

static void count(void *data, uint32_t level, const char *source, const char *message)
{
    (void)level;
    (void)source;
    for (; *message != '\0'; message++)
        CHECK((unsigned char)*message >= ' ' && *message != 0x7f);
    ++*(size_t *)data;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    size_t n_messages = 0;
    const struct log log = {.write = count, .data = &n_messages};
    struct config config = {0};
    int r = config_parse(&config, "fuzz.ini", (const char *)bytes, size, &log);
    CHECK(r == 0 ? n_messages == 0 : n_messages > 0 && config.n_entries == 0);
    for (size_t i = 0; i < config.n_entries; i++)
        CHECK(config.entries[i].section < config.n_sections && config.entries[i].line > 0);
    config_deinit(&config);
    return 0;
}
