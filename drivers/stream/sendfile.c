/* SPDX-License-Identifier: MIT
 *
 * sendfile(2), which has no flags: SIGPIPE, which it may raise, is kept from the thread. */
#include "sendfile.h"

#include <limits.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <time.h>

#include "socket.h"
#include "write.h"

/* How much one call takes at most: where the peer is fast, the task comes to its end all the same. */
#define CALL_BYTES (UINT64_C(1) << 20)

/* --- SIGPIPE ------------------------------------------------------------------------------------------------------ */

/* sendfile(2), without a signal. It sends SIGPIPE to this thread alone, which is taken back; also where it returns the
 * part that it had written before it met the broken connection. */
static ssize_t sendfile_quietly(int socket, int fd, off_t *offset, size_t size)
{
    static const struct timespec at_once;
    sigset_t pipe, before;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    ssize_t n = sendfile(socket, fd, offset, size);
    int error = errno;
    if (n < 0 ? error == EPIPE : (size_t)n < size)
        while (sigtimedwait(&pipe, NULL, &at_once) < 0 && errno == EINTR)
            ;
    if (sigismember(&before, SIGPIPE) == 0)
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return n;
}

/* --- attempts ----------------------------------------------------------------------------------------------------- */

static int64_t sendfile_attempt(struct stream_socket *socket, struct trale_future *future)
{
    struct trale_stream_sendfile *file = (struct trale_stream_sendfile *)(void *)future;
    uint64_t n_left = file->size - file->n_written, n_asked = n_left < CALL_BYTES ? n_left : CALL_BYTES;
    if (file->offset > INT64_MAX || file->n_written > INT64_MAX - file->offset)
        return -EINVAL;
    if (n_left == 0)
        return ATTEMPT_DONE;
    off_t offset = (off_t)(file->offset + file->n_written);
    ssize_t n;
    do
        n = sendfile_quietly(socket->fd, file->fd, &offset, n_asked);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return stream_write_error(socket);
    file->n_written += (uint64_t)n;
    if (n == 0 || file->n_written == file->size)
        return ATTEMPT_DONE;
    return (uint64_t)n < n_asked ? ATTEMPT_SHORT : ATTEMPT_MORE;
}

static struct writing sendfile_writing(struct trale_future *future)
{
    struct trale_stream_sendfile *file = (struct trale_stream_sendfile *)(void *)future;
    return (struct writing){
        {future, stream_connection(file->socket), &file->wait, TRALE_WRITABLE}, &file->n_written, sendfile_attempt};
}

static int64_t sendfile_poll(struct trale_future *future, struct trale_context *context)
{
    const struct writing writing = sendfile_writing(future);
    return stream_writing_poll(&writing, context);
}

static void sendfile_drop(struct trale_future *future)
{
    const struct writing writing = sendfile_writing(future);
    stream_writing_drop(&writing);
}

void stream_sendfile(void *instance, struct trale_stream_sendfile *file)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_stream_sendfile", sendfile_poll,
                                                  sendfile_drop};
    (void)instance;
    file->future.type = &type;
    operation_init(&file->future, stream_connection(file->socket));
}
