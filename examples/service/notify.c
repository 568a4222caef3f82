/* SPDX-License-Identifier: MIT */
#include "notify.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <trale/sim.h>
#include <trale/timer.h>

#include "log.h"

/* The length of the address, or a negative errno. */
static int read_address(struct sockaddr_un *address, const char *name)
{
    size_t length = strlen(name);
    if (length < 2 || (name[0] != '/' && name[0] != '@'))
        return -EAFNOSUPPORT;
    if (length >= sizeof address->sun_path)
        return -ENAMETOOLONG;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, name, length);
    if (name[0] == '@')
        address->sun_path[0] = '\0';
    return (int)(offsetof(struct sockaddr_un, sun_path) + length); /* a NUL would be part of an abstract name */
}

static int send_text(const char *name, const char *text)
{
    static const struct timeval second = {.tv_sec = 1};
    struct sockaddr_un address;
    int length = read_address(&address, name);
    if (length < 0)
        return length;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int r = setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second);
    if (r == 0 && sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address, (socklen_t)length) < 0)
        r = -1;
    r = r < 0 ? -errno : 1;
    close(fd);
    return r;
}

int service_notify(struct trale *runtime, enum service_state state)
{
    static const char *const states[] = {"READY=1", "RELOADING=1", "STOPPING=1"};
    const char *name = getenv("NOTIFY_SOCKET");
    char text[64];
    if (name == NULL || name[0] == '\0' || trale_sim(runtime) != NULL)
        return 0;
    int n = snprintf(text, sizeof text, "%s\n", states[state]);
    if (state == SERVICE_RELOADING)
        snprintf(text + n, sizeof text - (size_t)n, "MONOTONIC_USEC=%" PRIu64 "\n",
                 trale_now_on(runtime, TRALE_CLOCK_MONOTONIC) / 1000);
    int r = send_text(name, text);
    if (r < 0)
        service_log(LOG_WARNING, "NOTIFY_SOCKET=%s: %s", name, strerror(-r));
    return r;
}

void service_keep_hangups(void)
{
    sigset_t hangup;
    sigemptyset(&hangup);
    sigaddset(&hangup, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &hangup, NULL);
}
