/* SPDX-License-Identifier: MIT
 *
 * A TFTP client: RFC 1350, with options (RFC 2347), blksize (2348), timeout and tsize (2349) and windowsize (7440).
 *
 *     tftp_client [-b BYTES] [-w BLOCKS] [-t SECONDS] [-n TRIES] [-d SECONDS] [-a] [-p] ADDRESS COMMAND...
 *         -b  asks for blocks of this size, default 1428
 *         -w  asks for windows of so many blocks, default 8
 *         -t  how long either side waits before it sends again; default 1 second. Unless both have agreed on it, the
 *             time doubles with each repetition
 *         -n  how often it sends without an answer, default 6
 *         -d  how long it goes on to acknowledge the last block of a file that it gets, default 0
 *         -a  netascii: the ends of lines are converted
 *         -p  plain: asks for no options
 *
 * ADDRESS is 192.0.2.1:69 or [2001:db8::1]:69. Commands, which it does one after the other:
 *     get REMOTE LOCAL    gets a file; it is LOCAL.part until it is complete. LOCAL is new, or a regular file
 *     put LOCAL REMOTE    sends a file
 *     check REMOTE LOCAL  gets a file, and compares it with one that is here
 *
 * It ends at the first command that fails, with status 1. It needs the drivers timer, udp, file and what file needs
 * (examples/tftp/tftp_server.ini). */
#define _GNU_SOURCE 1 /* getopt(3) */

#include <inttypes.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conversation.h"

#define BYTES (64 << 10) /* of a file, read or written at once */

struct settings {
    struct trale_address server;
    struct tftp_options options;
    enum tftp_mode mode;
    uint64_t timeout_ns, dally_ns;
    uint32_t n_tries;
    bool is_plain;
};

enum kind { GET, PUT, CHECK };

/* One command. */
struct command {
    struct trale_future future;
    const struct settings *settings;
    enum kind kind;
    const char *remote, *local;
    char part[PATH_MAX]; /* the local name until the file is complete; "": there is none */
    struct conversation conversation;
    struct trale_file_status status;
    uint64_t begun_ns;
    union {
        struct trale_file_op file;
        struct converse converse;
    };
};

static void command_close(struct command *self)
{
    trale_udp_close(self->conversation.socket);
    trale_file_close(self->conversation.file);
    conversation_deinit(&self->conversation);
    if (self->part[0] != '\0')
        unlink(self->part);
}

/* A rename would put a file in the place of a device or a FIFO; and a name that is too long would be cut off. */
static int command_check(const struct command *self)
{
    struct stat old;
    if (strlen(self->remote) >= TFTP_NAME_MAX)
        return -ENAMETOOLONG;
    return self->kind == GET && stat(self->local, &old) == 0 && !S_ISREG(old.st_mode) ? -EOPNOTSUPP : 0;
}

static struct trale_future *command_open(struct command *self, struct trale *runtime)
{
    if (self->kind != GET)
        return trale_file_open(&self->file, runtime, self->local, O_RDONLY, 0);
    int n = snprintf(self->part, sizeof self->part, "%s.part", self->local);
    if (n >= (int)sizeof self->part)
        self->part[0] = '\0'; /* no such path: it cannot be opened */
    return trale_file_open(&self->file, runtime, self->part, O_WRONLY | O_CREAT | O_TRUNC, 0666);
}

static int command_begin(struct command *self, struct trale *runtime)
{
    const struct settings *settings = self->settings;
    const struct trale_address any_port = {.any.sa_family = settings->server.any.sa_family};
    struct conversation *c = &self->conversation;
    struct transfer_setup setup = {.is_client = true,
                                   .is_sender = self->kind == PUT,
                                   .mode = settings->mode,
                                   .name = self->remote,
                                   .options = settings->options,
                                   .timeout_ns = settings->timeout_ns,
                                   .dally_ns = settings->dally_ns,
                                   .n_tries = settings->n_tries};
    if (self->kind == PUT)
        setup.options.tsize = self->status.size;
    c->use = self->kind == PUT ? CONVERSATION_READ : self->kind == GET ? CONVERSATION_WRITE : CONVERSATION_COMPARE;
    c->peer = settings->server;
    c->file_size = self->kind == GET ? UINT64_MAX : self->status.size;
    self->begun_ns = trale_now(runtime);
    int r = conversation_init(c, &setup, BYTES);
    if (r == 0)
        r = trale_udp_open_at(runtime, &any_port, 0, &c->socket);
    if (r == 0)
        transfer_begin(&c->transfer, &setup, self->begun_ns);
    return r;
}

/* All has been received. 0, or why the file is not what it should be. */
static int command_complete(struct command *self)
{
    const struct conversation *c = &self->conversation;
    const struct tftp_options *options = &c->transfer.options;
    if ((options->have & TFTP_TSIZE) != 0 && self->settings->mode == TFTP_OCTET && options->tsize != c->n_bytes)
        return -EIO;
    if (self->kind == CHECK)
        return c->n_bytes == self->status.size ? 0 : -EILSEQ;
    if (rename(self->part, self->local) < 0)
        return -errno;
    self->part[0] = '\0';
    return 0;
}

/* Says how it went. Returns the result. */
static int command_report(const struct command *self, struct trale *runtime)
{
    static const char *const names[] = {"get", "put", "check"};
    const struct conversation *c = &self->conversation;
    const struct transfer *t = &c->transfer;
    const char *name = names[self->kind];
    if (t->result == 0)
        printf("%s %s: %" PRIu64 " bytes in %.3f s, %" PRIu64 " packets sent again\n", name, self->remote,
               self->kind == PUT ? self->status.size : c->n_bytes, (double)(trale_now(runtime) - self->begun_ns) / 1e9,
               t->n_repeated);
    else if (t->result == -ECONNABORTED)
        fprintf(stderr, "%s %s: the server says: error %u, %s\n", name, self->remote, t->peer_code, t->peer_message);
    else if (t->result == -EILSEQ)
        fprintf(stderr, "%s %s: it differs from %s\n", name, self->remote, self->local);
    else
        fprintf(stderr, "%s %s: %s\n", name, self->remote, strerror(-t->result));
    return t->result;
}

trale_async_with(command, command_close)
{
    struct conversation *c = &self->conversation;
    trale_begin();
    int r = command_check(self);
    if (r < 0) {
        trale_perror(r == -ENAMETOOLONG ? self->remote : self->local, r);
        trale_return(r);
    }
    trale_await(command_open(self, cx->runtime));
    if (trale_result() < 0) {
        trale_perror(self->local, trale_result());
        trale_return(trale_result());
    }
    c->file = self->file.file;
    trale_await(trale_file_status(&self->file, c->file, &self->status));
    if (trale_result() < 0) {
        trale_perror(self->local, trale_result());
        trale_return(trale_result());
    }
    r = command_begin(self, cx->runtime);
    if (r < 0) {
        trale_perror("socket", r);
        trale_return(r);
    }
    trale_await(trale_call(converse, &self->converse, .conversation = c));
    if (c->transfer.state == TRANSFER_STORES) {
        r = command_complete(self);
        if (r < 0)
            transfer_fail(&c->transfer, TFTP_UNDEFINED, "the file is not complete", r);
        else
            transfer_stored(&c->transfer, trale_now(cx->runtime));
        trale_await(trale_call(converse, &self->converse, .conversation = c));
    }
    trale_return(command_report(self, cx->runtime));
}

struct commands {
    struct trale_future future;
    const struct settings *settings;
    char **words;
    struct command command;
};

/* What the next command is: an enum kind; -1: it is none. */
static int command_kind(char **words)
{
    if (words[1] == NULL || words[2] == NULL)
        return -1;
    return strcmp(words[0], "get") == 0     ? GET
           : strcmp(words[0], "put") == 0   ? PUT
           : strcmp(words[0], "check") == 0 ? CHECK
                                            : -1;
}

trale_async(commands)
{
    trale_begin();
    for (; self->words[0] != NULL; self->words += 3) {
        int kind = command_kind(self->words); /* they were looked at */
        trale_try(trale_call(command, &self->command, .settings = self->settings, .kind = (enum kind)kind,
                             .remote = self->words[kind == PUT ? 2 : 1], .local = self->words[kind == PUT ? 1 : 2]));
    }
    trale_return(0);
}

/* --- the command line --------------------------------------------------------------------------------------------- */

static bool read_number(const char *text, uint32_t lowest, uint32_t highest, uint32_t *number)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (end == text || *end != '\0' || value < lowest || value > highest)
        return false;
    *number = (uint32_t)value;
    return true;
}

static bool read_option(struct settings *settings, int option, const char *text)
{
    struct tftp_options *options = &settings->options;
    uint32_t seconds;
    switch (option) {
    case 'b':
        return read_number(text, TFTP_BLKSIZE_MIN, TFTP_BLKSIZE_MAX, &options->blksize);
    case 'w':
        return read_number(text, 1, TFTP_WINDOWSIZE_MAX, &options->windowsize);
    case 't':
        if (!read_number(text, 1, TFTP_TIMEOUT_MAX, &options->timeout))
            return false;
        options->have |= TFTP_TIMEOUT;
        settings->timeout_ns = options->timeout * TRALE_SECOND;
        return true;
    case 'n':
        return read_number(text, 1, 100, &settings->n_tries);
    case 'd':
        if (!read_number(text, 0, 3600, &seconds))
            return false;
        settings->dally_ns = seconds * TRALE_SECOND;
        return true;
    case 'a':
        settings->mode = TFTP_NETASCII;
        return true;
    case 'p':
        settings->is_plain = true;
        return true;
    default:
        return false;
    }
}

static bool are_commands(char **words)
{
    bool has_one = false;
    for (; words[0] != NULL; words += 3, has_one = true)
        if (command_kind(words) < 0)
            return false;
    return has_one;
}

int main(int argc, char **argv)
{
    struct settings settings = {
        .options = {.have = TFTP_BLKSIZE | TFTP_WINDOWSIZE | TFTP_TSIZE, .blksize = 1428, .windowsize = 8},
        .timeout_ns = TRALE_SECOND,
        .n_tries = 6};
    bool is_understood = true;
    for (int option; (option = getopt(argc, argv, "b:w:t:n:d:ap")) != -1;)
        is_understood = is_understood && read_option(&settings, option, optarg);
    if (!is_understood || optind == argc || !are_commands(argv + optind + 1) ||
        trale_address_parse(argv[optind], &settings.server) < 0) {
        fprintf(stderr,
                "usage: %s [-b BYTES] [-w BLOCKS] [-t SECONDS] [-n TRIES] [-d SECONDS] [-a] [-p] ADDRESS COMMAND...\n"
                "commands: get REMOTE LOCAL, put LOCAL REMOTE, check REMOTE LOCAL\n",
                argv[0]);
        return EXIT_FAILURE;
    }
    if (settings.is_plain)
        settings.options.have = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct trale *runtime;
    int64_t r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("trale_open", r);
    r = trale_join(trale_spawn(runtime, commands, .settings = &settings, .words = argv + optind + 1));
    trale_close(runtime);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
