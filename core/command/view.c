/* SPDX-License-Identifier: MIT */
#include "core/command/view.h"

#include <stdio.h>
#include <string.h>

#include "core/view/view.h"

#define USAGE 2

const char view_usage[] = "view FORMAT FILE";
const char view_help[] = "Shows a simulated run by its file of events ([driver:sim] events = FILE), on the standard\n"
                         "    output. FORMAT is pcapng (a capture for Wireshark; needs capture = yes), perfetto (a\n"
                         "    timeline for Perfetto's viewer), svg (a timeline as a picture) or traffic (a table of\n"
                         "    sockets). Exit status: 0 it is written, 1 it is not.";

static const struct format {
    const char *name;
    int (*write)(const struct events *events, FILE *file);
} formats[] = {{"pcapng", view_pcapng}, {"perfetto", view_perfetto}, {"svg", view_svg}, {"traffic", view_traffic}};

static const struct format *find_format(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

int command_view(int argc, char **argv)
{
    struct events events;
    char error[EVENTS_ERROR];
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        printf("usage: trale %s\n    %s\n", view_usage, view_help);
        return 0;
    }
    if (argc != 3) {
        fprintf(stderr, "usage: trale %s\n", view_usage);
        return USAGE;
    }
    const struct format *format = find_format(argv[1]);
    if (format == NULL) {
        fprintf(stderr, "trale: '%s' is no format; there are pcapng, perfetto, svg and traffic\n", argv[1]);
        return USAGE;
    }
    int r = events_read(&events, argv[2], error);
    if (r < 0) {
        fprintf(stderr, "trale: %s\n", error);
        return 1;
    }
    r = format->write(&events, stdout);
    events_free(&events);
    if (r < 0)
        fprintf(stderr, "trale: %s\n", strerror(-r));
    return r < 0;
}
