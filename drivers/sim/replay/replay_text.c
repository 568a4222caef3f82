/* SPDX-License-Identifier: MIT */
#include "replay_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* The names of inputs.values. */
static const char *const value_names[TRALE_RECORD_WHATS][3] = {
    [TRALE_RECORD_NOW_ON] = {"clock"},
    [TRALE_RECORD_SLEEP] = {"clock", "deadline", "slack"},
    [TRALE_RECORD_RESET] = {"operation", "deadline"},
    [TRALE_RECORD_FILL] = {"size"},
    [TRALE_RECORD_OPEN] = {"flags"},
    [TRALE_RECORD_SET] = {"option", "value"},
    [TRALE_RECORD_GET] = {"option"},
    [TRALE_RECORD_JOIN] = {"interface"},
    [TRALE_RECORD_LEAVE] = {"interface"},
    [TRALE_RECORD_JOIN_SOURCE] = {"interface"},
    [TRALE_RECORD_LEAVE_SOURCE] = {"interface"},
    [TRALE_RECORD_TRY_RECV] = {"size", "info"},
    [TRALE_RECORD_TRY_SEND] = {"size"},
    [TRALE_RECORD_TRY_RECV_BATCH] = {"datagrams", "size"},
    [TRALE_RECORD_TRY_SEND_BATCH] = {"datagrams", "size"},
    [TRALE_RECORD_RECV] = {"size", "info"},
    [TRALE_RECORD_SEND] = {"size"},
    [TRALE_RECORD_RECV_BATCH] = {"datagrams", "size"},
    [TRALE_RECORD_SEND_BATCH] = {"datagrams", "size"},
    [TRALE_RECORD_RECV_ERROR] = {"size"},
};

__attribute__((format(printf, 3, 4))) static void add(char text[REPLAY_TEXT], size_t *used, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text + *used, REPLAY_TEXT - *used, format, arguments);
    va_end(arguments);
    *used = n > 0 && (size_t)n < REPLAY_TEXT - *used ? *used + (size_t)n : REPLAY_TEXT - 1;
}

static void add_inputs(char text[REPLAY_TEXT], size_t *used, uint32_t what, const struct trale_record_inputs *inputs)
{
    const char *between = ": ";
    char address[TRALE_ADDRESS_TEXT];
    if (inputs->socket != 0) {
        add(text, used, "%ssocket %" PRIu64, between, inputs->socket);
        between = ", ";
    }
    for (size_t i = 0; i < 3 && value_names[what][i] != NULL; i++) {
        add(text, used, "%s%s %" PRId64, between, value_names[what][i], (int64_t)inputs->values[i]);
        between = ", ";
    }
    if (trale_address_format(&inputs->address, address, sizeof address) > 0) {
        add(text, used, "%saddress %s", between, address);
        between = ", ";
    }
    if (inputs->hash != 0)
        add(text, used, "%shash %016" PRIx64, between, inputs->hash);
}

void replay_describe(char text[REPLAY_TEXT], enum trale_record_kind kind, uint32_t what, uint64_t number,
                     const struct trale_record_inputs *inputs)
{
    size_t used = 0;
    text[0] = '\0';
    switch (kind) {
    case TRALE_RECORD_CALL:
    case TRALE_RECORD_BEGIN:
        add(text, &used, "%s%s", trale_record_name(what),
            what == TRALE_RECORD_SLEEP && inputs == NULL ? " begins" : "");
        if (inputs != NULL)
            add_inputs(text, &used, what, inputs);
        break;
    case TRALE_RECORD_END:
        add(text, &used, "the end of operation %" PRIu64 " (%s)", number, trale_record_name(what));
        break;
    case TRALE_RECORD_DROP:
        add(text, &used, "a drop of operation %" PRIu64 " (%s)", number, trale_record_name(what));
        break;
    case TRALE_RECORD_PENDING:
        add(text, &used, "a poll of operation %" PRIu64 " (%s) without a result", number, trale_record_name(what));
        break;
    default:
        add(text, &used, "a wait for operation %" PRIu64, number);
        break;
    }
}
