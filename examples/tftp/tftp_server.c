/* SPDX-License-Identifier: MIT
 *
 * A TFTP server: RFC 1350, with options (RFC 2347), blksize (2348), timeout and tsize (2349) and windowsize (7440).
 *
 *     tftp_server
 *
 * It reads its settings from the section [application:tftp_server] of trale.ini (tftp_server.ini explains them), and
 * needs the drivers signal, timer, udp, file and what file needs. At SIGHUP it reads the section again: transfers
 * that run go on as they have begun, and a new address counts from the next start. It takes its socket from a service
 * manager (tftp_server.socket) or binds it, and notifies the manager when it is ready, reloads and ends (sd_notify(3)).
 * It logs to stderr as journald understands it (sd-daemon(3)).
 *
 * Clients read files in modes octet and netascii, and write them if `writes` says so. It serves the files of one folder
 * and none outside of it, whatever ".." and symbolic links say, and only those that all users may read. A file that is
 * written has another name until it is complete. Block numbers count on from 65535 to 0.
 *
 * Each transfer is a task with a socket of its own, from the address that was asked. The settings limit how many there
 * are, in all and for one address, how often an address may ask, the memory, and the size of files that are written.
 * What is beyond a limit gets no answer: the client asks again.
 *
 * A stranger that sends to the port of a transfer gets no ERROR 5 (unknown transfer ID), which RFC 1350 asks for: the
 * socket is connected to the client, and the kernel drops what others send, so a stranger costs a transfer nothing.
 *
 * At SIGTERM or SIGINT it takes no more requests. Transfers may go on for `grace`; then, or at a second signal, it
 * sends each an ERROR. It ends with status 0. */
#define _GNU_SOURCE 1 /* sigabbrev_np(3) */

#include <inttypes.h>
#include <signal.h>
#include <sys/stat.h>

#include <trale/random.h>
#include <trale/signal.h>
#include <trale/udp_socket.h>

#include "../service/notify.h"
#include "server.h"

#define STOP_SIGNALS (trale_signal_bit(SIGTERM) | trale_signal_bit(SIGINT))
#define ALL_SIGNALS (STOP_SIGNALS | trale_signal_bit(SIGHUP))

/* --- settings ----------------------------------------------------------------------------------------------------- */

/* Reads the settings, at the start and at SIGHUP, and opens the folder. All of it counts, or nothing. Resolves to 0 or
 * a negative errno. */
struct reload {
    struct trale_future future;
    struct server *server;
    struct tftp_settings settings;
    struct trale_file_op op;
};

static void reload_close(struct reload *self)
{
    tftp_settings_deinit(&self->settings);
}

/* Makes room for more clients; there are never fewer, because transfers may have their places. */
static int grow_clients(struct server *server, size_t n)
{
    if (n <= server->n_clients)
        return 0;
    struct client *clients = realloc(server->clients, n * sizeof *clients);
    if (clients == NULL)
        return -ENOMEM;
    memset(clients + server->n_clients, 0, (n - server->n_clients) * sizeof *clients);
    server->clients = clients;
    server->n_clients = n;
    return 0;
}

static int reload_apply(struct reload *self)
{
    struct server *server = self->server;
    struct shared_folder *folder = calloc(1, sizeof *folder);
    if (folder == NULL || grow_clients(server, self->settings.transfers) < 0) {
        free(folder);
        trale_file_close(self->op.file);
        return -ENOMEM;
    }
    *folder = (struct shared_folder){.file = self->op.file, .n_users = 1};
    if (server->socket != NULL && strcmp(self->settings.address, server->settings.address) != 0)
        service_log(LOG_WARNING, "address: %s counts from the next start", self->settings.address);
    shared_folder_release(server->folder);
    server->folder = folder;
    tftp_settings_deinit(&server->settings);
    server->settings = self->settings;
    self->settings.read = NULL;
    rate_set(&server->rate, server->settings.rate_interval_ns, server->settings.rate_burst);
    return 0;
}

trale_async_with(reload, reload_close)
{
    trale_begin();
    int r = tftp_settings_read(&self->settings);
    if (r < 0)
        trale_return(r);
    trale_await(trale_file_open(&self->op, cx->runtime, self->settings.folder, O_RDONLY | O_DIRECTORY, 0));
    if (trale_result() < 0) {
        service_log(LOG_ERR, "folder: %s: %s", self->settings.folder, strerror((int)-trale_result()));
        trale_return(trale_result());
    }
    trale_return(reload_apply(self));
}

/* --- signals ------------------------------------------------------------------------------------------------------ */

/* Handles signals, and ends the transfers that are left when the time is up. It never resolves. */
struct supervisor {
    struct trale_future future;
    struct server *server;
    struct trale_signal signal;
    struct trale_sleep grace;
    struct reload reload;
    TRALE_BRANCHES(2) race;
};

static void end_transfers(struct server *server)
{
    server->is_ending = true;
    for (size_t i = 0; i < server->n_clients; i++)
        if (server->clients[i].is_used && server->clients[i].conversation != NULL)
            conversation_cancel(server->clients[i].conversation, SERVER_STOPS, -ESHUTDOWN);
}

trale_async(supervisor)
{
    trale_begin();
    for (;;) {
        trale_try(trale_signal_any(&self->signal, ALL_SIGNALS & trale_signal_taken(cx->runtime)));
        if (self->signal.number != SIGHUP)
            break;
        (void)service_notify(cx->runtime, SERVICE_RELOADING);
        trale_await(trale_call(reload, &self->reload, .server = self->server));
        service_log(LOG_NOTICE, trale_result() == 0 ? "settings were read again" : "settings stay as they were");
        (void)service_notify(cx->runtime, SERVICE_READY);
    }
    service_log(LOG_NOTICE, "SIG%s: %zu transfers under way", sigabbrev_np(self->signal.number),
                self->server->n_clients_used);
    (void)service_notify(cx->runtime, SERVICE_STOPPING);
    trale_notify_one(&self->server->stop);
    trale_await(trale_race_of(&self->race, trale_sleep(&self->grace, self->server->settings.grace_ns),
                              trale_signal_any(&self->signal, STOP_SIGNALS)));
    end_transfers(self->server);
    trale_await(trale_sleep(&self->grace, UINT64_MAX));
    trale_return(0);
}

/* --- the service -------------------------------------------------------------------------------------------------- */

struct service {
    struct trale_future future;
    struct server *server;
    struct reload reload;
    struct trale_scope scope;
    struct requests requests;
    struct supervisor supervisor;
    TRALE_BRANCHES(2) race;
};

/* Takes the socket of a service manager, or opens one. 0 or a negative errno. */
static int server_listen(struct server *server, struct trale *runtime)
{
    struct trale_address local;
    char text[TRALE_ADDRESS_TEXT];
    uint64_t random[2];
    int r = trale_random_fill(runtime, random, sizeof random);
    if (r == 0)
        r = rate_init(&server->rate, 4096, random[0]);
    if (r < 0)
        return r;
    rate_set(&server->rate, server->settings.rate_interval_ns, server->settings.rate_burst);
    server->next_number = random[1];
    r = trale_udp_inherit(runtime, "0", &server->socket);
    if (r == -ENOENT || r == -EOPNOTSUPP) /* there is none; a simulation has none */
        r = trale_udp_open(runtime, server->settings.address, 0, &server->socket);
    if (r == 0)
        r = trale_udp_set(server->socket, TRALE_UDP_INFO, TRALE_UDP_INFO_LOCAL);
    if (r == 0)
        r = trale_udp_local(server->socket, &local);
    if (r == 0)
        r = trale_address_format(&local, text, sizeof text);
    if (r < 0)
        service_log(LOG_ERR, "address: %s: %s", server->settings.address, strerror(-r));
    else
        service_log(LOG_NOTICE, "listening on %s", text);
    return r < 0 ? r : 0;
}

trale_async(service)
{
    trale_begin();
    trale_try(trale_call(reload, &self->reload, .server = self->server));
    int r = server_listen(self->server, cx->runtime);
    if (r < 0)
        trale_return(r);
    self->server->scope = &self->scope;
    (void)service_notify(cx->runtime, SERVICE_READY);
    trale_try(trale_race_of(&self->race,
                            trale_scope(&self->scope, trale_call(requests, &self->requests, .server = self->server)),
                            trale_call(supervisor, &self->supervisor, .server = self->server)));
    trale_return(self->race.branch[trale_result()].result);
}

int main(void)
{
    const struct trale_options options = {.log = service_log_trale};
    struct server server = {.stop = TRALE_NOTIFY};
    struct trale *runtime;
    service_keep_hangups();
    signal(SIGPIPE, SIG_IGN); /* see log.h */
    umask(0);                 /* files that are written have the permissions that store.c says */
    int64_t r = trale_open(&runtime, &options);
    if (r == 0)
        r = trale_require(runtime, TRALE_UDP_1, TRALE_TIMER_1, TRALE_FILE_1, TRALE_SIGNAL_1, TRALE_RANDOM_1, NULL);
    else
        runtime = NULL;
    if (r == 0 && (STOP_SIGNALS & ~trale_signal_taken(runtime)) != 0) {
        service_log(LOG_ERR, "[driver:signal] signals: TERM and INT are needed");
        r = -EINVAL;
    }
    if (r == 0)
        r = trale_join(trale_spawn(runtime, service, .server = &server));
    service_log(LOG_NOTICE, "%" PRIu64 " transfers done, %" PRIu64 " failed, %" PRIu64 " requests ignored",
                server.n_done, server.n_failed, server.n_ignored);
    trale_close(runtime); /* closes the socket and the folder as well */
    free(server.folder);
    free(server.clients);
    rate_deinit(&server.rate);
    tftp_settings_deinit(&server.settings);
    if (r < 0)
        service_log(LOG_ERR, "%s", strerror((int)-r));
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
