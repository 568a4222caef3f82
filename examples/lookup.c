/* SPDX-License-Identifier: MIT
 *
 * Names: looks names up, all at once, for at most five seconds each, and prints each record when it arrives.
 *
 *     lookup [-4 | -6 | -s | -t | -r] NAME...
 *         -4  IPv4 addresses, -6 IPv6 addresses; without an option, both
 *         -s  services, such as _xmpp-server._tcp.example.org
 *         -t  texts
 *         -r  the names of addresses; NAME is an address
 *
 * It needs the driver `resolve`, which the default trale.ini does not load: see examples/lookup.ini. */
#define _GNU_SOURCE 1 /* getopt(3) */

#include <ctype.h>
#include <unistd.h>

#include <trale/resolve.h>
#include <trale/timer.h>

struct lookup {
    struct trale_future future;
    uint32_t kind;
    const char *name;
    uint64_t deadline_ns;
    struct trale_lookup lookup;
    struct trale_timeout timeout;
};

static void print_text(const struct trale_text *text)
{
    putchar('"');
    for (uint64_t i = 0; i < text->size; i++) {
        unsigned char byte = ((const unsigned char *)text->bytes)[i];
        if (isprint(byte) && byte != '"' && byte != '\\')
            putchar(byte);
        else
            printf("\\%03d", byte);
    }
    putchar('"');
}

static void print_record(const char *name, const struct trale_lookup *lookup)
{
    char address[TRALE_ADDRESS_TEXT];
    printf("%s: ", name);
    if (lookup->kind == TRALE_LOOKUP_SRV)
        printf("%s port %u, priority %u, weight %u", lookup->target, lookup->target_port, lookup->priority,
               lookup->weight);
    else if (lookup->kind == TRALE_LOOKUP_REVERSE)
        printf("%s", lookup->target);
    else if (lookup->kind != TRALE_LOOKUP_TXT && trale_address_format(&lookup->address, address, sizeof address) > 0)
        printf("%.*s", (int)(strrchr(address, ':') - address), address); /* without the port */
    for (uint32_t i = 0; i < lookup->n_strings; i++)
        print_text(&lookup->strings[i]);
    if (lookup->ttl_s != TRALE_TTL_UNKNOWN)
        printf(" for %u s", lookup->ttl_s);
    putchar('\n');
}

/* Reads an address with a port or without. */
static int read_address(const char *text, struct trale_address *address)
{
    char written[TRALE_ADDRESS_TEXT];
    int length = snprintf(written, sizeof written, strchr(text, ':') != NULL ? "[%s]:0" : "%s:0", text);
    return length < (int)sizeof written ? trale_address_parse(written, address) : -EINVAL;
}

/* Runs however the task ends, and ends the lookup if that has not. */
static void lookup_close(struct lookup *self)
{
    trale_lookup_end(&self->lookup);
}

trale_async_with(lookup, lookup_close)
{
    trale_begin();
    trale_lookup(&self->lookup, self->kind, self->name, 0);
    if (self->kind == TRALE_LOOKUP_REVERSE) {
        struct trale_address address;
        int r = read_address(self->name, &address);
        if (r < 0)
            trale_return(r);
        trale_lookup_reverse(&self->lookup, &address);
    }
    self->deadline_ns = trale_now(cx->runtime) + 5 * TRALE_SECOND;
    for (;;) {
        trale_try(trale_deadline(&self->timeout, trale_lookup_next(&self->lookup), self->deadline_ns));
        if (trale_result() == 0)
            trale_return(0);
        print_record(self->name, &self->lookup);
    }
}

int main(int argc, char **argv)
{
    static const char options[] = "46str";
    static const uint32_t kinds[] = {TRALE_LOOKUP_V4, TRALE_LOOKUP_V6, TRALE_LOOKUP_SRV, TRALE_LOOKUP_TXT,
                                     TRALE_LOOKUP_REVERSE};
    uint32_t kind = TRALE_LOOKUP_ADDRESSES;
    for (int option; (option = getopt(argc, argv, options)) != -1;) {
        if (option == '?')
            return EXIT_FAILURE;
        kind = kinds[strchr(options, option) - options];
    }
    struct trale *runtime;
    int r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("trale_open", r);
    int status = EXIT_SUCCESS;
    struct trale_task **tasks = calloc((size_t)argc, sizeof *tasks);
    if (tasks == NULL) {
        trale_close(runtime);
        return trale_perror(argv[0], -ENOMEM);
    }
    for (int i = optind; i < argc; i++)
        tasks[i] = trale_spawn(runtime, lookup, .kind = kind, .name = argv[i]);
    for (int i = optind; i < argc; i++) {
        int64_t result = trale_join(tasks[i]);
        if (result < 0)
            status = trale_perror(argv[i], result);
    }
    free(tasks);
    trale_close(runtime);
    return status;
}
