/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1 /* gmtime_r(3) */

#include "connection.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* How much of a file goes out before the client must have made room for it. */
#define PIECE (UINT64_C(256) << 10)

/* --- requests ----------------------------------------------------------------------------------------------------- */

/* Removes n bytes from the beginning of the buffer. */
static void buffer_take(struct connection *self, size_t n)
{
    self->n -= n;
    memmove(self->buf, self->buf + n, self->n);
}

/* Removes the content of the last request, and empty lines, which some clients send after it (RFC 9112, 2.2). */
static void buffer_skip(struct connection *self)
{
    size_t n = self->n_skip < self->n ? self->n_skip : self->n;
    self->n_skip -= n;
    while (n < self->n && (self->buf[n] == '\r' || self->buf[n] == '\n'))
        n++;
    buffer_take(self, n);
}

/* The end of the stream, between two requests, is the usual end: an error here, for there is nothing to answer. */
trale_async(receive)
{
    struct connection *c = self->connection;
    struct server *server = c->server;
    trale_begin();
    c->request.is_head = false; /* the answer to what is no request has content */
    for (;;) {
        buffer_skip(c);
        c->n_head = http_head_size(c->buf, c->n);
        if (c->n_head > 0)
            trale_return(http_request_read(&c->request, c->buf, c->n_head));
        if (c->n == sizeof c->buf)
            trale_return(memchr(c->buf, '\n', c->n) != NULL ? 431 : 414);

        /* The time of a head counts from its first byte. An idle client has another limit, and ends with the server. */
        if (self->deadline_ns == 0 && (c->n > 0 || c->n_skip > 0))
            self->deadline_ns = trale_now(cx->runtime) + server->progress_ns;
        if (self->deadline_ns > 0)
            trale_await(trale_deadline(&self->timeout,
                                       trale_stream_read(&self->read, c->socket, c->buf + c->n, sizeof c->buf - c->n),
                                       self->deadline_ns));
        else if (server->is_stopping)
            trale_return(-ECANCELED);
        else
            trale_await(trale_timeout(&self->timeout,
                                      trale_race_of(&self->race,
                                                    trale_stream_read(&self->read, c->socket, c->buf, sizeof c->buf),
                                                    trale_notify_wait(&self->stop, &self->connection->server->stop)),
                                      server->idle_ns));

        int64_t n = trale_result();
        if (n == -ETIMEDOUT && self->deadline_ns > 0)
            trale_return(408);
        if (self->deadline_ns == 0 && n == 1)
            trale_return(-ECANCELED); /* the server ends */
        if (self->deadline_ns == 0 && n == 0)
            n = self->race.branch[0].result;
        if (n <= 0)
            trale_return(n < 0 ? n : -ECONNRESET);
        c->n += (size_t)n;
    }
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {206, "Partial Content"},
        {400, "Bad Request"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {416, "Range Not Satisfiable"},
        {431, "Request Header Fields Too Large"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Error";
}

/* The date in the form of RFC 9110, 5.6.7; made once in a second. */
static const char *date_text(struct server *server, struct trale *runtime)
{
    const uint64_t now_s = trale_now_on(runtime, TRALE_CLOCK_REALTIME) / TRALE_SECOND;
    const time_t seconds = (time_t)now_s;
    struct tm parts;
    if (now_s != server->date_s && gmtime_r(&seconds, &parts) != NULL) {
        strftime(server->date, sizeof server->date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
        server->date_s = now_s;
    }
    return server->date;
}

/* Reads a file that fits behind the head: both are written by one system call then. */
static void answer_add_file(struct answer *self)
{
    const struct http_file *file = &self->connection->file;
    const uint64_t size = file->end - file->begin;
    if (size <= sizeof self->head - self->size &&
        pread(file->fd, self->head + self->size, size, (off_t)file->begin) == (ssize_t)size) {
        self->size += size;
        self->offset = file->end;
    }
}

/* The fields of some answers alone. */
static void answer_fields(const struct answer *self, char *fields, size_t size)
{
    const struct http_file *file = &self->connection->file;
    int n = 0;
    fields[0] = '\0';
    if (self->status == 405)
        snprintf(fields, size, "Allow: GET, HEAD\r\n");
    else if (self->status == 416)
        snprintf(fields, size, "Content-Range: bytes */%" PRIu64 "\r\n", file->size);
    else if (self->connection->has_file)
        n = snprintf(fields, size, "Accept-Ranges: bytes\r\nETag: %s\r\n", file->tag);
    if (self->status == 206)
        snprintf(fields + n, size - (size_t)n, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n",
                 file->begin, file->end - 1, file->size);
}

/* An answer without a file has its reason as content. */
static void answer_make(struct answer *self, struct trale *runtime)
{
    const struct connection *c = self->connection;
    char content[64], fields[192];
    self->offset = c->file.begin;
    answer_fields(self, fields, sizeof fields);
    int n_content = snprintf(content, sizeof content, "%d %s\n", self->status, reason(self->status));
    int n = snprintf(self->head, sizeof self->head,
                     "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Length: %" PRIu64
                     "\r\nContent-Type: %s\r\n%sConnection: %s\r\n\r\n%s",
                     self->status, reason(self->status), date_text(c->server, runtime),
                     c->has_file ? c->file.end - c->file.begin : (uint64_t)n_content,
                     c->has_file ? c->file.type : "text/plain; charset=utf-8", fields,
                     c->request.keeps ? "keep-alive" : "close", c->has_file || c->request.is_head ? "" : content);
    self->size = (size_t)n;
    if (c->has_file && !c->request.is_head)
        answer_add_file(self);
}

trale_async(answer)
{
    struct connection *c = self->connection;
    trale_begin();
    answer_make(self, cx->runtime);
    const bool has_more = c->has_file && !c->request.is_head && self->offset < c->file.end;
    trale_try(trale_timeout(&self->timeout,
                            has_more ? trale_stream_write_more(&self->write, c->socket, self->head, self->size)
                                     : trale_stream_write(&self->write, c->socket, self->head, self->size),
                            c->server->progress_ns));
    if (!c->has_file || c->request.is_head)
        trale_return(0);
    for (; self->offset < c->file.end; self->offset += (uint64_t)trale_result()) {
        uint64_t n_left = c->file.end - self->offset;
        trale_try(trale_timeout(&self->timeout,
                                trale_stream_sendfile(&self->sendfile, c->socket, c->file.fd, self->offset,
                                                      n_left < PIECE ? n_left : PIECE),
                                c->server->progress_ns));
        if (trale_result() == 0)
            trale_return(-EIO); /* the file has become shorter than was promised */
    }
    trale_return(0);
}

/* --- the task ----------------------------------------------------------------------------------------------------- */

static void file_close(struct connection *self)
{
    if (self->has_file)
        close(self->file.fd);
    self->has_file = false;
}

static void connection_close(struct connection *self)
{
    file_close(self);
    trale_stream_close(self->socket);
    self->server->n_clients--;
    trale_semaphore_release(&self->server->room, 1);
}

/* A request has come, or what the client has sent is none, and `status` says why. Returns the status of the answer. */
static int connection_look(struct connection *self, int status)
{
    if (status != 0) {
        self->request = (struct http_request){.is_head = self->request.is_head};
        return status;
    }
    buffer_take(self, self->n_head);
    self->n_skip = self->request.n_body;
    if (self->server->is_stopping)
        self->request.keeps = false;
    status = http_file_open(&self->file, self->server->folder, self->request.path);
    self->has_file = status == 0;
    if (status == 0)
        status = http_range_choose(&self->request.range, self->file.size, self->file.tag, &self->file.begin,
                                   &self->file.end);
    if (status == 416)
        file_close(self);
    return status;
}

/* A close with bytes that were not read would reset the connection, and the client could lose the answer (RFC 9112,
 * 9.6): the end is sent, and what still comes is read for a while. */
trale_async_extern_with(connection, connection_close)
{
    trale_begin();
    do {
        trale_await(trale_call(receive, &self->receive, .connection = self));
        if (trale_result() < 0)
            trale_return(0);
        int status = connection_look(self, (int)trale_result());
        trale_await(trale_call(answer, &self->answer, .connection = self, .status = status));
        if (trale_result() < 0)
            trale_return(0);
        self->server->n_answers++;
        file_close(self);
    } while (self->request.keeps);

    if (trale_stream_shutdown(self->socket, TRALE_STREAM_WRITES) < 0)
        trale_return(0);
    self->receive.deadline_ns = trale_now(cx->runtime) + TRALE_SECOND;
    do
        trale_await(trale_deadline(&self->receive.timeout,
                                   trale_stream_read(&self->receive.read, self->socket, self->buf, sizeof self->buf),
                                   self->receive.deadline_ns));
    while (trale_result() > 0);
    trale_return(0);
}
