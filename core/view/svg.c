/* SPDX-License-Identifier: MIT
 *
 * A timeline as a picture: time goes to the right, each task has a line. A thick line is a wait, an arrow a datagram,
 * and a cross one that was lost. */
#include <string.h>

#include "core/view/tracks.h"
#include "core/view/view.h"

#define LEFT 260   /* for names */
#define WIDTH 1100 /* of the time */
#define ROW 22     /* between two tracks */
#define HEADING 26 /* more before the first of a host */
#define TOP 40     /* for the scale */

struct picture {
    FILE *file;
    struct tracks tracks;
    uint64_t begins_ns, length_ns;
};

static double x_of(const struct picture *picture, uint64_t time_ns)
{
    return LEFT + (double)(time_ns - picture->begins_ns) * WIDTH / (double)picture->length_ns;
}

static double y_of(const struct track *track)
{
    return TOP + (double)(track->host + 1) * HEADING + (double)(track->number + 1) * ROW;
}

/* Text of a program, in which '<' and '&' would be markup. */
static void put_text(FILE *file, const char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '<')
            fputs("&lt;", file);
        else if (*text == '&')
            fputs("&amp;", file);
        else
            fputc(*text, file);
}

static void draw_scale(const struct picture *picture, double bottom)
{
    for (int i = 0; i <= 10; i++) {
        double x = LEFT + WIDTH * i / 10.0;
        fprintf(picture->file,
                "<line x1='%.1f' x2='%.1f' y1='%d' y2='%.1f' class='scale'/><text x='%.1f' y='%d' class='scale'>%.6g s"
                "</text>\n",
                x, x, TOP, bottom, x, TOP - 8,
                (double)picture->begins_ns / 1e9 + (double)picture->length_ns * i / 10 / 1e9);
    }
}

static void draw_track(const struct picture *picture, const struct track *track)
{
    double y = y_of(track);
    if (track->is_first_of_host) {
        fprintf(picture->file, "<text x='8' y='%.1f' class='host'>", y - ROW + 4);
        put_text(picture->file, track->host_name);
        fputs("</text>\n", picture->file);
    }
    fprintf(picture->file, "<text x='24' y='%.1f'>%llu ", y + 4, (unsigned long long)track->task);
    put_text(picture->file, track->name);
    fprintf(picture->file, "</text><line x1='%d' x2='%d' y1='%.1f' y2='%.1f' class='track'/>\n", LEFT, LEFT + WIDTH, y,
            y);
}

static void draw_datagram(const struct picture *picture, const struct datagram *datagram)
{
    const struct event *sent = datagram->sent, *received = datagram->received;
    if (sent == NULL)
        return;
    double x = x_of(picture, sent->time_ns), y = y_of(tracks_of(&picture->tracks, sent, sent->task));
    fprintf(picture->file, "<g><title>datagram %llu ", (unsigned long long)datagram->number);
    put_text(picture->file, event_field(sent, "from") != NULL ? event_field(sent, "from") : "");
    fputs(" to ", picture->file);
    put_text(picture->file, event_field(sent, "to") != NULL ? event_field(sent, "to") : "");
    if (datagram->lost != NULL && event_field(datagram->lost, "reason") != NULL) {
        fputs(", lost: ", picture->file);
        put_text(picture->file, event_field(datagram->lost, "reason"));
    }
    fputs("</title>", picture->file);
    if (received != NULL)
        fprintf(picture->file, "<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' class='datagram'/>", x, y,
                x_of(picture, received->time_ns), y_of(tracks_of(&picture->tracks, received, received->task)));
    else
        fprintf(picture->file, "<path d='M%.1f %.1fl8 8m0 -8l-8 8' class='lost'/>", x - 4, y - 4);
    fputs("</g>\n", picture->file);
}

/* Draws a wait when it ends, for its length is known then. */
static void draw_wait(const struct picture *picture, const struct track *track, const struct event *begins,
                      uint64_t ends_ns)
{
    fprintf(picture->file, "<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' class='wait'><title>",
            x_of(picture, begins->time_ns), x_of(picture, ends_ns), y_of(track), y_of(track));
    put_text(picture->file, event_field(begins, "type") != NULL ? event_field(begins, "type") : "waits");
    fputs("</title></line>\n", picture->file);
}

static void draw_waits(const struct picture *picture, const struct events *events)
{
    for (size_t i = 0; i < events->n_items; i++) {
        const struct event *event = &events->items[i];
        struct track *track = tracks_of(&picture->tracks, event, event->task);
        bool begins = strcmp(event->kind, "polled") == 0;
        if (!begins && strcmp(event->kind, "poll") != 0)
            continue;
        if (track->waits != NULL && event->time_ns > track->waits->time_ns)
            draw_wait(picture, track, track->waits, event->time_ns);
        track->waits = begins ? event : NULL;
    }
    for (size_t i = 0; i < picture->tracks.n_items; i++) {
        const struct track *track = &picture->tracks.items[i];
        if (track->waits != NULL)
            draw_wait(picture, track, track->waits, picture->begins_ns + picture->length_ns);
    }
}

static void draw(const struct picture *picture, const struct events *events, const struct datagrams *datagrams)
{
    const double bottom = TOP + (double)picture->tracks.n_hosts * HEADING + (double)(picture->tracks.n_items + 1) * ROW;
    fprintf(picture->file,
            "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%.0f' font-family='sans-serif' "
            "font-size='12'>\n"
            "<style>.host{font-weight:bold}.track{stroke:#ddd}.scale{stroke:#eee;text-anchor:middle}"
            "text.scale{stroke:none;fill:#666}.wait{stroke:#8ab;stroke-width:5}"
            ".datagram{stroke:#272;marker-end:url(#head)}.lost{stroke:#c22;stroke-width:2}</style>\n"
            "<defs><marker id='head' viewBox='0 0 8 8' refX='8' refY='4' markerWidth='7' markerHeight='7' "
            "orient='auto'><path d='M0 0L8 4L0 8z' fill='#272'/></marker></defs>\n"
            "<rect width='100%%' height='100%%' fill='white'/>\n",
            LEFT + WIDTH + 40, bottom + 10);
    draw_scale(picture, bottom);
    for (size_t i = 0; i < picture->tracks.n_items; i++)
        draw_track(picture, &picture->tracks.items[i]);
    draw_waits(picture, events);
    for (size_t i = 0; i < datagrams->n_items; i++)
        draw_datagram(picture, &datagrams->items[i]);
    fputs("</svg>\n", picture->file);
}

int view_svg(const struct events *events, FILE *file)
{
    struct picture picture = {.file = file, .length_ns = 1};
    struct datagrams datagrams;
    if (events->n_items > 0) {
        picture.begins_ns = events->items[0].time_ns;
        picture.length_ns += events->items[events->n_items - 1].time_ns - picture.begins_ns;
    }
    int r = tracks_find(&picture.tracks, events);
    if (r < 0)
        return r;
    r = datagrams_find(&datagrams, DATAGRAMS_UDP, events);
    if (r == 0) {
        draw(&picture, events, &datagrams);
        datagrams_free(&datagrams);
    }
    tracks_free(&picture.tracks);
    return r;
}
