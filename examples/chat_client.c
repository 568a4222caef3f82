/* SPDX-License-Identifier: MIT
 *
 * A client of chat_server: sends what it reads from standard input, a terminal or a pipe, and prints what it receives.
 *
 *     chat_client PATH
 *
 * It ends when its input ends, or the server. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <trale/fd.h>
#include <trale/stream_unix.h>

/* Copies standard input to the socket. Resolves to 0 at its end. */
struct sending {
    struct trale_future future;
    struct trale_stream_socket *socket;
    struct trale_fd_wait wait;
    struct trale_stream_write write;
    char bytes[4096];
};

trale_async(sending)
{
    trale_begin();
    for (;;) {
        trale_try(trale_fd_wait(&self->wait, STDIN_FILENO, TRALE_READABLE));
        ssize_t n = read(STDIN_FILENO, self->bytes, sizeof self->bytes);
        if (n <= 0)
            trale_return(n < 0 ? -errno : 0);
        trale_try(trale_stream_write(&self->write, self->socket, self->bytes, (size_t)n));
    }
}

/* Copies from the socket to standard output. Resolves to 0 when the server has ended the connection. */
struct receiving {
    struct trale_future future;
    struct trale_stream_socket *socket;
    struct trale_stream_read read;
    char bytes[4096];
};

trale_async(receiving)
{
    trale_begin();
    for (;;) {
        trale_try(trale_stream_read(&self->read, self->socket, self->bytes, sizeof self->bytes));
        if (trale_result() == 0)
            trale_return(0);
        fwrite(self->bytes, 1, (size_t)trale_result(), stdout);
        fflush(stdout);
    }
}

struct chat {
    struct trale_future future;
    const char *path;
    struct trale_stream_socket *socket;
    struct trale_stream_connect connect;
    struct sending sending;
    struct receiving receiving;
    TRALE_BRANCHES(2) race;
};

static void chat_close(struct chat *self)
{
    trale_stream_close(self->socket);
}

trale_async_with(chat, chat_close)
{
    trale_begin();
    trale_try(trale_stream_connect_unix(&self->connect, self->path));
    self->socket = self->connect.socket;
    trale_try(trale_race_of(&self->race, trale_call(sending, &self->sending, .socket = self->socket),
                            trale_call(receiving, &self->receiving, .socket = self->socket)));
    trale_return(self->race.branch[trale_result()].result);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s PATH\n", argv[0]);
        return EXIT_FAILURE;
    }
    struct trale *runtime;
    int64_t result = trale_open(&runtime, NULL);
    if (result < 0)
        return trale_perror("trale_open", result);
    result = trale_join(trale_spawn(runtime, chat, .path = argv[1]));
    trale_close(runtime);
    return result < 0 ? trale_perror(argv[1], result) : EXIT_SUCCESS;
}
