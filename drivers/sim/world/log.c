/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "draw.h"

static const char *const kind_names[LOG_N_KINDS] = {
    [LOG_JOIN] = "join",
    [LOG_SPAWN] = "spawn",
    [LOG_POLL] = "poll",
    [LOG_POLLED] = "polled",
    [LOG_WAKE] = "wake",
    [LOG_END] = "end",
    [LOG_SLEEP] = "sleep",
    [LOG_FIRE] = "fire",
    [LOG_CLOCK] = "clock",
    [LOG_ENTROPY] = "entropy",
    [LOG_SIGNAL] = "signal",
    [LOG_BLOCKING] = "blocking",
    [LOG_BIND] = "bind",
    [LOG_CLOSE] = "close",
    [LOG_SENT] = "sent",
    [LOG_LOST] = "lost",
    [LOG_DELIVERED] = "delivered",
    [LOG_RECEIVED] = "received",
    [LOG_FAULT] = "fault",
    [LOG_HEAL] = "heal",
    [LOG_CRASH] = "crash",
    [LOG_RESTART] = "restart",
    [LOG_MARK] = "mark",
    [LOG_SUCCESS] = "success",
    [LOG_LEAVE] = "leave",
    [LOG_OUTCOME] = "outcome",
    [LOG_LISTEN] = "listen",
    [LOG_CONNECT] = "connect",
    [LOG_OPENED] = "opened",
    [LOG_BROKEN] = "broken",
    [LOG_SEGMENT] = "segment",
    [LOG_SEGMENT_LOST] = "segment-lost",
    [LOG_SEGMENT_ARRIVED] = "segment-arrived",
    [LOG_WRITTEN] = "written",
    [LOG_READ] = "read",
};

const char *log_kind_name(enum log_kind kind)
{
    return kind_names[kind];
}

int log_open(struct log *log, uint32_t program, bool is_first, const char *path)
{
    *log = (struct log){.program = program, .fd = -1};
    if (path == NULL)
        return 0;
    log->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (is_first ? O_TRUNC : 0), 0666);
    return log->fd < 0 ? -errno : 0;
}

void log_close(struct log *log)
{
    if (log->fd >= 0)
        close(log->fd);
    log->fd = -1;
}

/* --- the hash ----------------------------------------------------------------------------------------------------- */

static uint64_t hash_text(uint64_t hash, const char *text)
{
    return draw_fold(hash, text != NULL ? draw_hash(text, strlen(text)) : 0);
}

/* Of an address, what the kernel looks at; the rest of its bytes may be anything. */
static uint64_t hash_address(uint64_t hash, const struct trale_address *address)
{
    if (address->any.sa_family == AF_INET)
        return draw_fold(hash, (uint64_t)address->v4.sin_addr.s_addr << 16 | address->v4.sin_port);
    if (address->any.sa_family != AF_INET6)
        return draw_fold(hash, 0);
    hash = draw_fold(hash, draw_hash(&address->v6.sin6_addr, sizeof address->v6.sin6_addr));
    return draw_fold(hash, (uint64_t)address->v6.sin6_scope_id << 16 | address->v6.sin6_port);
}

static uint64_t hash_field(uint64_t hash, const struct log_field *field)
{
    switch (field->type) {
    case LOG_NUMBER:
        return draw_fold(hash, (uint64_t)field->number);
    case LOG_TEXT:
        return hash_text(hash, field->pointer);
    case LOG_ADDRESS:
        return hash_address(hash, field->pointer);
    case LOG_HASH:
        return draw_fold(hash, draw_hash(field->pointer, (size_t)field->number));
    case LOG_PAYLOAD:
    case LOG_LINES:
        break;
    }
    return hash;
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

/* A line that grows from a buffer on the stack. What does not fit is written at once. */
struct line {
    struct log *log;
    size_t length;
    char buf[2048];
};

static void line_flush(struct line *line)
{
    for (size_t n_written = 0; n_written < line->length && line->log->error == 0;) {
        ssize_t n = write(line->log->fd, line->buf + n_written, line->length - n_written);
        if (n < 0 && errno != EINTR)
            line->log->error = -errno;
        n_written += n > 0 ? (size_t)n : 0;
    }
    line->log->state->n_bytes += line->length;
    line->length = 0;
}

static void line_add(struct line *line, char c)
{
    if (line->length == sizeof line->buf)
        line_flush(line);
    line->buf[line->length++] = c;
}

/* A column: the text without control characters, which could be taken for the end of a column or line. */
static void line_add_text(struct line *line, const char *text)
{
    for (const char *c = text != NULL && text[0] != '\0' ? text : "-"; *c != '\0'; c++)
        line_add(line, (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c);
}

/* Without the line feed at the end. */
static void line_add_lines(struct line *line, const char *text)
{
    for (; *text != '\0' && strcmp(text, "\n") != 0; text++) {
        if (*text == '\n' || *text == '\\')
            line_add(line, '\\');
        line_add(line, *text == '\n' ? 'n' : (unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
    }
}

static void line_add_payload(struct line *line, const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        line_add(line, "0123456789abcdef"[bytes[i] >> 4]);
        line_add(line, "0123456789abcdef"[bytes[i] & 15]);
    }
}

static void line_add_field(struct line *line, const struct log_field *field)
{
    char text[TRALE_ADDRESS_TEXT];
    if ((field->type == LOG_PAYLOAD && !line->log->captures) || (field->type == LOG_LINES && field->pointer == NULL))
        return;
    line_add(line, '\t');
    line_add_text(line, field->name);
    line_add(line, '=');
    switch (field->type) {
    case LOG_NUMBER:
        snprintf(text, sizeof text, "%" PRId64, field->number);
        line_add_text(line, text);
        break;
    case LOG_TEXT:
        line_add_text(line, field->pointer);
        break;
    case LOG_ADDRESS:
        line_add_text(line, trale_address_format(field->pointer, text, sizeof text) > 0 ? text : "-");
        break;
    case LOG_HASH:
        snprintf(text, sizeof text, "%016" PRIx64, draw_hash(field->pointer, (size_t)field->number));
        line_add_text(line, text);
        break;
    case LOG_PAYLOAD:
        line_add_payload(line, field->pointer, (size_t)field->number);
        break;
    case LOG_LINES:
        line_add_lines(line, field->pointer);
        break;
    }
}

static void log_write(struct log *log, const char *kind, const struct log_field *fields, size_t n_fields)
{
    struct line line = {.log = log};
    line.length = (size_t)snprintf(line.buf, sizeof line.buf, "%" PRIu64 "\t%" PRIu64 "\t%016" PRIx64 "\t%" PRIu32 "\t",
                                   log->state->n_events, *log->now_ns - log->begins_ns, log->state->hash, log->program);
    char task[24];
    snprintf(task, sizeof task, "\t%" PRIu64 "\t", log->place.task);
    line_add_text(&line, log->place.host);
    for (const char *c = task; *c != '\0'; c++)
        line_add(&line, *c);
    line_add_text(&line, log->place.name);
    line_add(&line, '\t');
    line_add_text(&line, kind);
    for (size_t i = 0; i < n_fields; i++)
        line_add_field(&line, &fields[i]);
    line_add(&line, '\n');
    line_flush(&line);
}

void log_add(struct log *log, enum log_kind kind, const struct log_field *fields, size_t n_fields)
{
    if (log == NULL)
        return;
    struct log_state *state = log->state;
    uint64_t hash = draw_fold(state->hash, *log->now_ns - log->begins_ns);
    hash = draw_fold(hash, (uint64_t)kind << 32 | log->program);
    hash = draw_fold(hash, log->place.task);
    for (size_t i = 0; i < n_fields; i++)
        hash = hash_field(hash, &fields[i]);
    state->hash = hash;
    state->n_events++;
    if (log->fd < 0 || state->missing > 0)
        return;
    if (log->limit == 0 || state->n_bytes < log->limit) {
        log_write(log, kind_names[kind], fields, n_fields);
        return;
    }
    state->missing = state->n_events;
    log_write(log, "limit", NULL, 0);
}
