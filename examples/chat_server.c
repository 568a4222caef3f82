/* SPDX-License-Identifier: MIT
 *
 * A chat on a Unix socket: each line that a client writes goes to all others, with its writer's name before it.
 *
 *     chat_server PATH        "@name" is an abstract name, which leaves no file behind
 *
 * A name is the numbers of the user and of the process, as the kernel reports them: no client can take another's. The
 * others never wait for a client that reads slowly: when more than BACKLOG bytes wait for it, it is closed. Lines have
 * up to 1023 bytes; a longer one ends the connection. The server ends at SIGTERM or SIGINT; it needs the signal driver,
 * see examples/http_server.ini. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <trale/scope.h>
#include <trale/signal.h>
#include <trale/stream_buffer.h>
#include <trale/stream_unix.h>
#include <trale/sync.h>

#define N_CLIENTS 64
#define LINE_SIZE 1024
#define BACKLOG 16384
#define STOP_SIGNALS (trale_signal_bit(SIGTERM) | trale_signal_bit(SIGINT))

struct room {
    struct trale_stream_listener *listener;
    struct client *clients[N_CLIENTS];
};

/* Reads lines and gives them to the others. Resolves when there are no more. */
struct listening {
    struct trale_future future;
    struct client *client;
    struct trale_stream_buffer buffer;
    struct trale_stream_take take;
    char bytes[LINE_SIZE];
};

/* Writes what the others say. Resolves when it cannot. */
struct telling {
    struct trale_future future;
    struct client *client;
    struct trale_notify_wait wait;
    struct trale_stream_write write;
    size_t n;
    char bytes[BACKLOG];
};

/* A task; takes the socket over. */
struct client {
    struct trale_future future;
    struct room *room;
    struct trale_stream_socket *socket;
    size_t place; /* in the room; N_CLIENTS: none */
    char name[32];
    size_t n_waiting;
    char waiting[BACKLOG]; /* what others have said, and `telling` has not taken yet */
    struct trale_notify said, too_slow;
    struct listening listening;
    struct telling telling;
    struct trale_notify_wait too_slow_wait;
    TRALE_BRANCHES(3) race;
};

/* A client with no room for it reads too slowly. */
static void client_tell(struct client *to, const char *name, const char *text, size_t size)
{
    char *end = to->waiting + to->n_waiting;
    size_t n_free = sizeof to->waiting - to->n_waiting, n_name = strlen(name);
    if (n_name + size > n_free) {
        trale_notify_one(&to->too_slow);
        return;
    }
    memcpy(end, name, n_name);
    memcpy(end + n_name, text, size);
    to->n_waiting += n_name + size;
    trale_notify_one(&to->said);
}

static void client_says(const struct client *self, const char *text, size_t size)
{
    for (size_t i = 0; i < N_CLIENTS; i++)
        if (self->room->clients[i] != NULL && self->room->clients[i] != self)
            client_tell(self->room->clients[i], self->name, text, size);
}

trale_async(listening)
{
    trale_begin();
    trale_stream_buffer_init(&self->buffer, self->client->socket, self->bytes, sizeof self->bytes);
    for (;;) {
        trale_await(trale_stream_take_until(&self->take, &self->buffer, "\n", 1));
        if (trale_result() <= 0)
            trale_return(trale_result());
        client_says(self->client, self->take.data, (size_t)trale_result());
    }
}

trale_async(telling)
{
    trale_begin();
    for (;;) {
        while (self->client->n_waiting == 0)
            trale_await(trale_notify_wait(&self->wait, &self->client->said));
        self->n = self->client->n_waiting;
        memcpy(self->bytes, self->client->waiting, self->n);
        self->client->n_waiting = 0;
        trale_try(trale_stream_write(&self->write, self->client->socket, self->bytes, self->n));
    }
}

static void client_leave(struct client *self)
{
    if (self->place < N_CLIENTS) {
        client_says(self, "leaves\n", 7);
        self->room->clients[self->place] = NULL;
    }
    trale_stream_close(self->socket);
}

/* Takes a place in the room. 0, or an error. */
static int client_enter(struct client *self)
{
    struct trale_stream_credentials peer;
    int r = trale_stream_peer_credentials(self->socket, &peer);
    if (r < 0)
        return r;
    size_t place = 0;
    while (place < N_CLIENTS && self->room->clients[place] != NULL)
        place++;
    if (place == N_CLIENTS)
        return -EUSERS;
    snprintf(self->name, sizeof self->name, "%" PRIu32 ".%" PRId32 " ", peer.uid, peer.pid);
    self->room->clients[place] = self;
    self->place = place;
    client_says(self, "enters\n", 7);
    client_tell(self, self->name, "enters\n", 7); /* now it knows its name */
    return 0;
}

trale_async_with(client, client_leave)
{
    trale_begin();
    if (client_enter(self) < 0)
        trale_return(0);
    trale_await(trale_race_of(&self->race, trale_call(listening, &self->listening, .client = self),
                              trale_call(telling, &self->telling, .client = self),
                              trale_notify_wait(&self->too_slow_wait, &self->too_slow)));
    trale_return(0);
}

/* The body of the scope: accepts clients. */
struct door {
    struct trale_future future;
    struct room *room;
    struct trale_scope *scope;
    struct trale_stream_accept accept;
};

trale_async(door)
{
    trale_begin();
    for (;;) {
        trale_await(trale_stream_accept(&self->accept, self->room->listener));
        if (trale_result() == -EMFILE || trale_result() == -ENFILE || trale_result() == -ENOBUFS ||
            trale_result() == -ENOMEM)
            continue; /* the next accept waits until there is room */
        if (trale_result() < 0)
            trale_return(trale_result());
        int r = trale_scope_spawn(self->scope, client, .room = self->room, .socket = self->accept.socket,
                                  .place = N_CLIENTS, .said = TRALE_NOTIFY, .too_slow = TRALE_NOTIFY);
        if (r < 0 && r != -ESHUTDOWN)
            trale_stream_close(self->accept.socket);
        if (r < 0)
            trale_return(r);
    }
}

struct service {
    struct trale_future future;
    struct room *room;
    struct trale_scope scope;
    struct door door;
    struct trale_signal signal;
    TRALE_BRANCHES(2) race;
};

trale_async(service)
{
    trale_begin();
    trale_try(trale_race_of(
        &self->race,
        trale_scope(&self->scope, trale_call(door, &self->door, .room = self->room, .scope = &self->scope)),
        trale_signal_any(&self->signal, STOP_SIGNALS)));
    trale_return(trale_result() == 0 ? self->race.branch[0].result : 0);
}

int main(int argc, char **argv)
{
    struct room room = {0};
    if (argc != 2) {
        fprintf(stderr, "usage: %s PATH\n", argv[0]);
        return EXIT_FAILURE;
    }
    struct trale *runtime;
    int64_t result = trale_open(&runtime, NULL);
    if (result < 0)
        return trale_perror("trale_open", result);
    result = trale_stream_listen_unix(runtime, argv[1], &room.listener);
    if (result == 0) {
        printf("listening on %s\n", argv[1]);
        fflush(stdout);
        result = trale_join(trale_spawn(runtime, service, .room = &room));
    }
    trale_close(runtime);
    return result < 0 ? trale_perror(argv[1], result) : EXIT_SUCCESS;
}
