/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>

#include "server.h"

/* Bytes of the file that are read or written at once. */
#define BYTES_MAX (64 << 10)

void shared_folder_release(struct shared_folder *folder)
{
    if (folder != NULL && --folder->n_users == 0) {
        trale_file_close(folder->file);
        free(folder);
    }
}

static void session_close(struct session *self)
{
    trale_udp_close(self->conversation.socket);
    conversation_deinit(&self->conversation);
    stored_close(&self->stored);
    shared_folder_release(self->folder);
    self->server->clients[self->client].is_used = false;
    self->server->n_clients_used--;
}

/* The answers come from the address that was asked, or else some clients would not accept them. */
static int session_open(struct session *self, struct trale *runtime)
{
    struct conversation *c = &self->conversation;
    struct trale_address local = self->local;
    self->folder = self->server->folder;
    self->folder->n_users++;
    self->begun_ns = trale_now(runtime);
    c->use = self->opcode == TFTP_RRQ ? CONVERSATION_READ : CONVERSATION_WRITE;
    c->peer = self->peer;
    c->has_peer = true;
    trale_address_set_port(&local, 0);
    int r = trale_udp_open_at(runtime, &local, 0, &c->socket);
    if (r == 0)
        r = trale_udp_connect(c->socket, &self->peer);
    return r;
}

/* --- errors ------------------------------------------------------------------------------------------------------- */

static enum tftp_error code_of(int64_t r)
{
    switch (r) {
    case -ENOENT:
    case -ENOTDIR:
    case -ENAMETOOLONG:
        return TFTP_NOT_FOUND;
    case -EACCES:
    case -EPERM:
    case -EROFS:
    case -EISDIR:
    case -EXDEV:
    case -ELOOP:
    case -EINVAL:
    case -ENXIO:
    case -EOPNOTSUPP:
        return TFTP_ACCESS;
    case -ENOSPC:
    case -EDQUOT:
    case -EFBIG:
        return TFTP_FULL;
    default:
        return TFTP_UNDEFINED;
    }
}

static const char *message_of(enum tftp_error code)
{
    static const char *const messages[] = {
        [TFTP_UNDEFINED] = "server error",
        [TFTP_NOT_FOUND] = "file not found",
        [TFTP_ACCESS] = "access violation",
        [TFTP_FULL] = "disk full or file too large",
    };
    return messages[code];
}

/* --- the transfer ------------------------------------------------------------------------------------------------- */

/* Agrees to options, and makes room. 0 or a negative errno. */
static int session_agree(struct session *self, struct transfer_setup *setup)
{
    const struct tftp_settings *settings = &self->server->settings;
    struct conversation *c = &self->conversation;
    size_t n_bytes = settings->share / 2 < BYTES_MAX ? settings->share / 2 : BYTES_MAX;
    const struct transfer_limits limits = {.blksize = settings->blksize_max,
                                           .windowsize = settings->windowsize_max,
                                           .timeout = settings->timeout_max,
                                           .window_bytes = settings->share / 2};
    setup->options = transfer_agree(&self->options, &limits);
    if (setup->is_sender) {
        setup->options.tsize = self->stored.size;
        /* In netascii it would be the size of what is sent, which is not known. And curl takes 0 for an error. */
        if (self->mode == TFTP_NETASCII || self->stored.size == 0)
            setup->options.have &= ~TFTP_TSIZE;
        if (self->stored.size < n_bytes)
            n_bytes = self->stored.size;
    } else if ((setup->options.have & TFTP_TSIZE) != 0 && setup->options.tsize > settings->write_max) {
        return -EFBIG;
    }
    return conversation_init(c, setup, n_bytes);
}

/* Begins with an answer to the request; an ERROR, if the file is not there for it. */
static void session_begin(struct session *self, struct trale *runtime)
{
    const struct tftp_settings *settings = &self->server->settings;
    struct conversation *c = &self->conversation;
    struct transfer_setup setup = {.is_sender = self->opcode == TFTP_RRQ,
                                   .mode = self->mode,
                                   .timeout_ns = settings->timeout_ns,
                                   .dally_ns = settings->dally_ns,
                                   .n_tries = settings->tries};
    c->file = self->stored.file;
    c->file_size = setup.is_sender ? self->stored.size : settings->write_max;
    if (self->result == 0)
        self->result = session_agree(self, &setup);
    transfer_begin(&c->transfer, &setup, trale_now(runtime));
    self->server->clients[self->client].conversation = c;
    if (self->server->is_ending)
        conversation_cancel(c, SERVER_STOPS, -ESHUTDOWN);
    if (self->result < 0)
        transfer_fail(&c->transfer, code_of(self->result), message_of(code_of(self->result)), (int)self->result);
}

static void session_log(struct session *self, struct trale *runtime)
{
    const struct conversation *c = &self->conversation;
    const struct transfer *t = &c->transfer;
    char client[TRALE_ADDRESS_TEXT] = "?";
    self->is_logged = true;
    const char *what = self->opcode == TFTP_RRQ ? "read" : "write";
    (void)trale_address_format(&self->peer, client, sizeof client);
    if (t->result == 0) {
        self->server->n_done++;
        service_log(LOG_INFO, "%s %s %s: %" PRIu64 " bytes in %.3f s, %" PRIu64 " packets sent again", client, what,
                    self->name.text, self->opcode == TFTP_RRQ ? self->stored.size : c->n_bytes,
                    (double)(trale_now(runtime) - self->begun_ns) / 1e9, t->n_repeated);
        return;
    }
    self->server->n_failed++;
    if (t->result == -ECONNABORTED)
        service_log(LOG_NOTICE, "%s %s %s: the client says: error %u, %s", client, what, self->name.text, t->peer_code,
                    t->peer_message);
    else
        service_log(LOG_NOTICE, "%s %s %s: %s", client, what, self->name.text, strerror(-t->result));
}

/* The file is complete, or could not be completed for this reason. */
static void session_stored(struct session *self, struct trale *runtime, int64_t r)
{
    struct transfer *t = &self->conversation.transfer;
    if (r < 0) {
        transfer_fail(t, code_of(r), message_of(code_of(r)), (int)r);
        return;
    }
    transfer_stored(t, trale_now(runtime));
    session_log(self, runtime);
}

trale_async_extern_with(session, session_close)
{
    struct conversation *c = &self->conversation;
    trale_begin();
    if (self->server->is_ending)
        trale_return(0);
    self->result = session_open(self, cx->runtime);
    if (self->result < 0) {
        service_log(LOG_WARNING, "no socket for a transfer: %s", strerror((int)-self->result));
        self->server->n_failed++;
        trale_return(0);
    }
    self->result = stored_init(&self->stored, self->folder->file, self->name.text);
    if (self->result == 0 && self->opcode == TFTP_RRQ)
        trale_await_to(self->result, trale_call(stored_read, &self->read, .stored = &self->stored));
    else if (self->result == 0)
        trale_await_to(self->result,
                       trale_call(stored_write, &self->write, .stored = &self->stored,
                                  .writes = self->server->settings.writes, .number = self->server->next_number++));
    session_begin(self, cx->runtime);
    trale_await(trale_call(converse, &self->converse, .conversation = c));
    if (c->transfer.state == TRANSFER_STORES) {
        trale_await(trale_call(stored_complete, &self->complete, .stored = &self->stored,
                               .syncs = self->server->settings.syncs));
        session_stored(self, cx->runtime, trale_result());
        trale_await(trale_call(converse, &self->converse, .conversation = c));
    }
    trale_await(trale_call(stored_discard, &self->discard, .stored = &self->stored));
    if (!self->is_logged)
        session_log(self, cx->runtime);
    trale_return(0);
}
