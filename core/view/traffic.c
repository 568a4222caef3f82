/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/view/view.h"

#define REASONS 16

/* What one socket has sent, and what became of it. */
struct row {
    const char *address;
    uint64_t n_sent, n_delivered, n_received; /* of what it sent */
    uint64_t n_taken;                         /* of what was sent to it */
    uint64_t n_bytes;                         /* in what it sent */
    struct {
        const char *reason;
        uint64_t n;
    } lost[REASONS]; /* further reasons count as the last one */
};

struct traffic {
    struct row *rows;
    size_t n_rows, room;
};

/* The row of an address; NULL: no memory. */
static struct row *row_of(struct traffic *traffic, const char *address)
{
    for (size_t i = 0; i < traffic->n_rows; i++)
        if (strcmp(traffic->rows[i].address, address) == 0)
            return &traffic->rows[i];
    if (traffic->n_rows == traffic->room) {
        struct row *larger = realloc(traffic->rows, (2 * traffic->room + 8) * sizeof *larger);
        if (larger == NULL)
            return NULL;
        traffic->rows = larger;
        traffic->room = 2 * traffic->room + 8;
    }
    struct row *row = &traffic->rows[traffic->n_rows++];
    *row = (struct row){.address = address};
    return row;
}

static void count_loss(struct row *row, const char *reason)
{
    size_t i = 0;
    while (i < REASONS - 1 && row->lost[i].reason != NULL && strcmp(row->lost[i].reason, reason) != 0)
        i++;
    if (row->lost[i].reason == NULL)
        row->lost[i].reason = reason;
    row->lost[i].n++;
}

static int count(struct traffic *traffic, const struct datagram *datagram)
{
    const char *from = datagram->sent != NULL ? event_field(datagram->sent, "from") : NULL;
    const char *to = datagram->sent != NULL ? event_field(datagram->sent, "to") : NULL;
    if (from == NULL || to == NULL || strcmp(from, "-") == 0) /* a Unix socket has no address */
        return 0;
    struct row *row = row_of(traffic, from);
    if (row == NULL)
        return -ENOMEM;
    row->n_sent++;
    row->n_bytes += event_number(datagram->sent, "size");
    row->n_delivered += datagram->delivered != NULL;
    row->n_received += datagram->received != NULL;
    if (datagram->lost != NULL) {
        const char *reason = event_field(datagram->lost, "reason");
        count_loss(row, reason != NULL ? reason : "unknown");
    }
    if (datagram->received == NULL)
        return 0;
    row = row_of(traffic, to);
    if (row == NULL)
        return -ENOMEM;
    row->n_taken++;
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->address, ((const struct row *)b)->address);
}

static void print_losses(const struct row *row, FILE *file)
{
    for (size_t j = 0; j < REASONS && row->lost[j].reason != NULL; j++)
        fprintf(file, "%s%llu by %s", j > 0 ? ", " : "", (unsigned long long)row->lost[j].n, row->lost[j].reason);
    fputs(row->lost[0].reason == NULL ? "-\n" : "\n", file);
}

static void print_datagrams(const struct traffic *traffic, FILE *file)
{
    fprintf(file, "%-24s %10s %10s %10s %10s  %s\n", "socket", "sent", "delivered", "received", "took", "lost");
    for (size_t i = 0; i < traffic->n_rows; i++) {
        const struct row *row = &traffic->rows[i];
        fprintf(file, "%-24s %10llu %10llu %10llu %10llu  ", row->address, (unsigned long long)row->n_sent,
                (unsigned long long)row->n_delivered, (unsigned long long)row->n_received,
                (unsigned long long)row->n_taken);
        print_losses(row, file);
    }
}

static void print_segments(const struct traffic *traffic, FILE *file)
{
    fprintf(file, "%-24s %10s %10s %10s  %s\n", "TCP", "segments", "arrived", "bytes", "lost");
    for (size_t i = 0; i < traffic->n_rows; i++) {
        const struct row *row = &traffic->rows[i];
        fprintf(file, "%-24s %10llu %10llu %10llu  ", row->address, (unsigned long long)row->n_sent,
                (unsigned long long)row->n_delivered, (unsigned long long)row->n_bytes);
        print_losses(row, file);
    }
}

static bool has_segments(const struct events *events)
{
    for (size_t i = 0; i < events->n_items; i++)
        if (strcmp(events->items[i].kind, "segment") == 0)
            return true;
    return false;
}

static int view_table(const struct events *events, enum datagrams_kind kind, FILE *file)
{
    struct traffic traffic = {0};
    struct datagrams datagrams;
    int r = datagrams_find(&datagrams, kind, events);
    if (r < 0)
        return r;
    for (size_t i = 0; i < datagrams.n_items && r == 0; i++)
        r = count(&traffic, &datagrams.items[i]);
    if (traffic.n_rows > 0)
        qsort(traffic.rows, traffic.n_rows, sizeof *traffic.rows, compare);
    if (r == 0 && kind == DATAGRAMS_UDP && (traffic.n_rows > 0 || !has_segments(events)))
        print_datagrams(&traffic, file);
    if (r == 0 && kind == DATAGRAMS_SEGMENTS && traffic.n_rows > 0)
        print_segments(&traffic, file);
    free(traffic.rows);
    datagrams_free(&datagrams);
    return r;
}

int view_traffic(const struct events *events, FILE *file)
{
    int r = view_table(events, DATAGRAMS_UDP, file);
    return r < 0 ? r : view_table(events, DATAGRAMS_SEGMENTS, file);
}
