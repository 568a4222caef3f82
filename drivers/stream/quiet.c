/* SPDX-License-Identifier: MIT */
#include "quiet.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/sendfile.h>
#include <time.h>

static void set_of_sigpipe(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGPIPE);
}

/* The signal also comes where a call returns the part that it had written before it met the broken connection. */
static bool may_have_raised(ssize_t n, size_t size)
{
    return n < 0 ? errno == EPIPE : (size_t)n < size;
}

static void quiet_begin(sigset_t *before)
{
    sigset_t pipe;
    set_of_sigpipe(&pipe);
    pthread_sigmask(SIG_BLOCK, &pipe, before);
}

/* `errno` stays. */
static void quiet_end(const sigset_t *before, bool may_have_come)
{
    static const struct timespec at_once;
    sigset_t pipe;
    int error = errno;
    set_of_sigpipe(&pipe);
    if (may_have_come)
        while (sigtimedwait(&pipe, NULL, &at_once) < 0 && errno == EINTR)
            ;
    if (sigismember(before, SIGPIPE) == 0)
        pthread_sigmask(SIG_SETMASK, before, NULL);
    errno = error;
}

ssize_t quiet_sendfile(int to, int fd, off_t *offset, size_t size)
{
    sigset_t before;
    quiet_begin(&before);
    ssize_t n = sendfile(to, fd, offset, size);
    quiet_end(&before, may_have_raised(n, size));
    return n;
}

ssize_t quiet_writev(int fd, const struct iovec *pieces, int n_pieces)
{
    sigset_t before;
    size_t size = 0;
    for (int i = 0; i < n_pieces; i++)
        size += pieces[i].iov_len;
    quiet_begin(&before);
    ssize_t n = writev(fd, pieces, n_pieces);
    quiet_end(&before, may_have_raised(n, size));
    return n;
}
