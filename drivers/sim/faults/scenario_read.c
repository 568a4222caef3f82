/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1 /* memmem(3) */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "scenario_form.h"
#include "scenario_value.h"

/* A line that is read word by word. A comma is a word of its own. */
struct reader {
    const char *at;   /* behind the word */
    const char *word; /* "" at the end */
    const char *before;
    size_t length, length_before; /* of the word, and of the one before it */
    char *error;                  /* "" as long as there is none */
};

/* How long the word at `at` is. An arrow ends a word, also without blanks. */
static size_t word_length(const char *at)
{
    if (*at == ',' || *at == '|')
        return 1;
    if (strncmp(at, "->", 2) == 0)
        return 2;
    size_t length = strcspn(at, " \t\r\n,|;#");
    const char *arrow = memmem(at, length, "->", 2);
    return arrow != NULL ? (size_t)(arrow - at) : length;
}

static void reader_next(struct reader *reader)
{
    reader->before = reader->word;
    reader->length_before = reader->length;
    reader->word = reader->at + strspn(reader->at, " \t\r\n");
    reader->length = word_length(reader->word);
    reader->at = reader->word + reader->length;
}

static bool reader_is_at(const struct reader *reader, const char *word)
{
    return strlen(word) == reader->length && memcmp(word, reader->word, reader->length) == 0;
}

static bool reader_skip(struct reader *reader, const char *word)
{
    if (!reader_is_at(reader, word))
        return false;
    reader_next(reader);
    return true;
}

/* Says that a word is not what is expected, unless something was said before. */
static void reader_say(struct reader *reader, const char *word, size_t length, const char *expected)
{
    if (reader->error[0] == '\0')
        snprintf(reader->error, SCENARIO_ERROR, "'%.*s' is not %s", length < 40 ? (int)length : 40, word, expected);
}

/* Says what was expected in place of the word, unless something was said before. */
static void reader_refuse(struct reader *reader, const char *expected)
{
    if (reader->length > 0)
        reader_say(reader, reader->word, reader->length, expected);
    else if (reader->error[0] == '\0')
        snprintf(reader->error, SCENARIO_ERROR, "the line ends where %s should follow", expected);
}

/* Says what is allowed in place of a value, the word before, unless something was said before. */
static void reader_limit(struct reader *reader, bool is_allowed, const char *allowed)
{
    if (!is_allowed)
        reader_say(reader, reader->before, reader->length_before, allowed);
}

/* Reads a word by one of the functions of scenario_value.h. */
#define READ(reader, read, value, expected)                                                                            \
    do {                                                                                                               \
        if (!read((reader)->word, (reader)->length, (value)))                                                          \
            reader_refuse((reader), (expected));                                                                       \
        else                                                                                                           \
            reader_next(reader);                                                                                       \
    } while (0)

/* The longest latency, jitter and time that a datagram is held back, as in trale.ini. */
#define LONGEST_NS UINT64_C(3600000000000)

#define A_TIME "a time, such as 250ms or 1.5s"
#define A_RATE "a rate from 0% to 100%, such as 0.5%"

static void read_host(struct reader *reader, struct trale_address *host)
{
    char text[TRALE_ADDRESS_TEXT];
    if (reader->length > 0 && reader->length < sizeof text) {
        memcpy(text, reader->word, reader->length);
        text[reader->length] = '\0';
        if (value_is_host(text, host)) {
            reader_next(reader);
            return;
        }
    }
    reader_refuse(reader, "the address of a host, such as 10.0.0.1 or fd00::1");
}

static void read_side(struct reader *reader, struct scenario_side *side)
{
    if (reader_skip(reader, "*"))
        return;
    do {
        if (side->n_hosts == SCENARIO_HOSTS) {
            reader_refuse(reader, "allowed here: a side has 16 hosts at most");
            return;
        }
        read_host(reader, &side->hosts[side->n_hosts++]);
    } while (reader->error[0] == '\0' && reader_skip(reader, ",") && !reader_is_at(reader, "restart"));
}

static void read_hosts(struct reader *reader, struct scenario_entry *entry)
{
    read_side(reader, &entry->from);
    if ((scenario_forms[entry->kind].rest & REST_LINK) == 0)
        return;
    if (entry->kind == SCENARIO_PARTITION && reader_skip(reader, "|"))
        entry->is_one_way = false;
    else if (reader_skip(reader, "->"))
        entry->is_one_way = entry->kind == SCENARIO_PARTITION;
    else
        reader_refuse(reader, entry->kind == SCENARIO_PARTITION ? "'|' or '->'" : "'->'");
    read_side(reader, &entry->to);
}

static void read_time_on_way(struct reader *reader, uint64_t *duration_ns)
{
    READ(reader, value_read_duration, duration_ns, A_TIME);
    reader_limit(reader, *duration_ns <= LONGEST_NS, "a time up to 1h, for a datagram on its way");
}

static void read_amount(struct reader *reader, struct scenario_entry *entry)
{
    READ(reader, value_read_size, &entry->amount, "a number, such as 1280 or 64K");
    reader_limit(reader, entry->amount > 0, "a number above 0");
    if (entry->kind == SCENARIO_MTU)
        reader_limit(reader, entry->amount >= 68 && entry->amount <= 65535, "an MTU from 68 to 65535");
}

static void read_values(struct reader *reader, struct scenario_entry *entry, unsigned rest)
{
    if ((rest & REST_RATE) != 0)
        READ(reader, value_read_rate, &entry->rate, A_RATE);
    if ((rest & REST_UNCHECKED) != 0)
        entry->is_unchecked = reader_skip(reader, "unchecked");
    if ((rest & REST_BY) != 0 && !reader_skip(reader, "by"))
        reader_refuse(reader, "'by'");
    if ((rest & (REST_BY | REST_DURATION)) != 0)
        read_time_on_way(reader, &entry->duration_ns);
    if ((rest & REST_DURATION) != 0 && reader_skip(reader, "jitter"))
        read_time_on_way(reader, &entry->jitter_ns);
    if ((rest & REST_AMOUNT) != 0)
        read_amount(reader, entry);
    if ((rest & REST_STEP) != 0 && !reader_skip(reader, "step"))
        reader_refuse(reader, "'step'");
    if ((rest & REST_STEP) != 0)
        READ(reader, value_read_step, &entry->step_ns, "a step, such as 2s or -2s");
    if ((rest & REST_SIGNAL) != 0)
        READ(reader, value_read_signal, &entry->amount, "the name of a signal, such as TERM");
}

/* How long it lasts, if that is said behind the values. */
static void read_end(struct reader *reader, struct scenario_entry *entry, unsigned rest)
{
    uint64_t duration_ns = 0;
    bool has_duration = (rest & REST_FOR) != 0 && reader_skip(reader, "for");
    if ((rest & REST_RESTART) != 0 && reader_skip(reader, ",") && !reader_is_at(reader, "restart"))
        reader_refuse(reader, "'restart'"); /* only behind `*`: else the comma is one of the side */
    if ((rest & REST_RESTART) != 0 && reader_skip(reader, "restart")) {
        has_duration = true;
        if (!reader_skip(reader, "after"))
            reader_refuse(reader, "'after'");
    }
    if (has_duration) {
        reader_limit(reader, entry->ends_ns == SCENARIO_NEVER, "allowed behind 'until'");
        READ(reader, value_read_duration, &duration_ns, A_TIME);
        reader_limit(reader, duration_ns > 0, "a time above 0");
        if (reader->error[0] == '\0' && duration_ns < SCENARIO_NEVER - entry->begins_ns)
            entry->ends_ns = entry->begins_ns + duration_ns;
    }
    entry->is_kept = reader_skip(reader, "keep");
    if (reader->length > 0)
        reader_refuse(reader, entry->is_kept ? "allowed behind 'keep'" : "expected here: the entry is complete");
}

static void read_entry(struct reader *reader, struct scenario_entry *entry)
{
    entry->ends_ns = SCENARIO_NEVER;
    if (!reader_skip(reader, "at") && !reader_skip(reader, "from"))
        reader_refuse(reader, "'at' or 'from'");
    READ(reader, value_read_duration, &entry->begins_ns, A_TIME);
    if (reader->error[0] == '\0' && reader_skip(reader, "until")) {
        READ(reader, value_read_duration, &entry->ends_ns, A_TIME);
        reader_limit(reader, entry->ends_ns > entry->begins_ns, "an end that is later than the beginning");
    }
    while (entry->kind < SCENARIO_KINDS && !reader_is_at(reader, scenario_forms[entry->kind].word))
        entry->kind++;
    if (entry->kind == SCENARIO_KINDS || reader->error[0] != '\0') {
        reader_refuse(reader, "a fault: loss, duplicate, reorder, corrupt, latency, drop, mtu, bandwidth, queue, "
                              "partition, crash, pause, clock, signal or reset");
        return;
    }
    reader_next(reader);
    read_hosts(reader, entry);
    read_values(reader, entry, scenario_forms[entry->kind].rest);
    read_end(reader, entry, scenario_forms[entry->kind].rest);
}

int scenario_parse(const char *line, struct scenario_entry *entry, char error[SCENARIO_ERROR])
{
    struct reader reader = {.at = line, .error = error};
    struct scenario_entry read = {.kind = 0};
    error[0] = '\0';
    reader_next(&reader);
    if (reader.length == 0)
        return 0;
    read_entry(&reader, &read);
    if (error[0] != '\0')
        return -EINVAL;
    *entry = read;
    return 1;
}
