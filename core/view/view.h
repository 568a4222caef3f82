/* SPDX-License-Identifier: MIT
 *
 * What can be made of the events of a run. Each function writes to a file that the caller has opened, and returns 0 or
 * -ENOMEM; whether all was written is found out by ferror(3). */
#ifndef CORE_VIEW_VIEW_H
#define CORE_VIEW_VIEW_H

#include <stdio.h>

#include "core/view/datagrams.h"

/* A capture in the format pcapng, with the times of the run. Only datagrams whose bytes are in the file of events
 * (`capture = yes`) are in it. */
int view_pcapng(const struct events *events, FILE *file);

/* A trace in Perfetto's format. */
int view_perfetto(const struct events *events, FILE *file);

/* A picture. */
int view_svg(const struct events *events, FILE *file);

/* A table of sockets, for people. */
int view_traffic(const struct events *events, FILE *file);

#endif
