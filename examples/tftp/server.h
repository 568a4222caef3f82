/* SPDX-License-Identifier: MIT
 *
 * What the tasks of the server share. One thread polls them, so none of it needs a lock. */
#ifndef TFTP_SERVER_H
#define TFTP_SERVER_H

#include <trale/scope.h>
#include <trale/sync.h>
#include <trale/udp_info.h>

#include "../service/log.h"
#include "../service/rate.h"
#include "conversation.h"
#include "settings.h"
#include "store.h"

/* The folder, which SIGHUP may replace: the old one is closed behind its last transfer. */
struct shared_folder {
    struct trale_file *file;
    size_t n_users;
};

#define SERVER_STOPS "server stops" /* in the ERROR of transfers that are ended */

/* A transfer, from its request to its end. */
struct client {
    bool is_used;
    struct trale_address address;
    uint64_t request;                  /* a hash */
    struct conversation *conversation; /* NULL before the transfer has begun */
};

struct server {
    struct trale_udp_socket *socket;
    struct tftp_settings settings;
    struct shared_folder *folder;
    struct rate rate;
    struct trale_scope *scope;
    struct trale_notify stop; /* for the task that receives requests */
    struct client *clients;
    size_t n_clients, n_clients_used; /* of the array */
    uint64_t next_number;             /* of a temporary file */
    bool is_ending;                   /* no transfer begins any more */
    uint64_t n_done, n_failed, n_ignored;
};

void shared_folder_release(struct shared_folder *folder);

/* Receives requests, and starts a session for each, until it is notified to stop. The body of the scope. Resolves to 0,
 * or to an error of the socket. */
struct requests {
    struct trale_future future;
    struct server *server;
    struct trale_udp_recv recv;
    struct trale_udp_info info;
    struct trale_notify_wait stop;
    TRALE_BRANCHES(2) race;
    uint8_t bytes[TFTP_REQUEST_MAX + 1]; /* what is longer is no request */
};
trale_async_declare(requests);

/* The name of a file, as the client has sent it. */
struct session_name {
    char text[TFTP_NAME_MAX];
};

/* One transfer, a task. It has a socket of its own, which is bound to the address that was asked and connected to the
 * client: the kernel drops what comes from others. Resolves to 0. */
struct session {
    struct trale_future future;
    struct server *server;
    size_t client; /* its place in the array, which it gives back */
    struct trale_address peer, local;
    enum tftp_opcode opcode;
    enum tftp_mode mode;
    struct tftp_options options; /* that the client asks for */
    struct session_name name;

    struct shared_folder *folder;
    struct stored stored;
    struct conversation conversation;
    bool is_logged;
    int64_t result;
    uint64_t begun_ns;
    union {
        struct stored_read read;
        struct stored_write write;
        struct stored_complete complete;
        struct stored_discard discard;
        struct converse converse;
    };
};
trale_async_declare(session);

#endif
