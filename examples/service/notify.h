/* SPDX-License-Identifier: MIT
 *
 * What a service and its manager, systemd or another, say to each other beside the log: the service's state, by
 * datagrams to the Unix socket that NOTIFY_SOCKET names (sd_notify(3)), and SIGHUP, to read the settings again. */
#ifndef SERVICE_NOTIFY_H
#define SERVICE_NOTIFY_H

#include <trale/trale.h>

enum service_state {
    SERVICE_READY,     /* READY=1: it serves, at the start and when it has read the settings again */
    SERVICE_RELOADING, /* RELOADING=1 with MONOTONIC_USEC: it begins to read the settings again */
    SERVICE_STOPPING,  /* STOPPING=1: it begins to end */
};

/* Notifies the manager. 1; 0: there is none (no NOTIFY_SOCKET, or a simulation); or a negative errno, which the log has
 * too: -EAFNOSUPPORT, the name is neither a path from "/" nor an abstract one from "@"; -ENAMETOOLONG; or an error of
 * sendto(2). If the manager does not read, it waits for a second at most. The time comes from the runtime's timer
 * driver. [any thread] */
int service_notify(struct trale *runtime, enum service_state state);

/* Blocks SIGHUP on this thread, and so on those that it makes, for good: one that comes before a runtime takes signals
 * would end the process, and now waits. The first call of main. */
void service_keep_hangups(void);

#endif
