/* SPDX-License-Identifier: MIT
 *
 * Functions that block: looks up names with getaddrinfo(3), all at once, for at most five seconds each. A lookup that
 * takes longer is dropped; but nothing can stop getaddrinfo, so the program ends only when it has returned.
 *
 *     lookup NAME...
 *
 * It needs the driver `blocking`, which the default trale.ini does not load: see examples/lookup.ini. */
#define _GNU_SOURCE 1 /* getaddrinfo(3) */

#include <netdb.h>

#include <trale/address.h>
#include <trale/blocking.h>
#include <trale/timer.h>

/* The data of the thread that looks the name up. The thread owns it, and may still use it when the time is up. */
struct query {
    char name[256];
    struct trale_address address;
};

static int64_t query_run(void *data)
{
    struct query *query = data;
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *found;
    int r = getaddrinfo(query->name, NULL, &hints, &found);
    if (r != 0)
        return r == EAI_SYSTEM ? -errno : r == EAI_AGAIN ? -EAGAIN : r == EAI_MEMORY ? -ENOMEM : -ENOENT;
    memcpy(&query->address, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return 0;
}

static void *query_new(const char *name)
{
    struct query *query = calloc(1, sizeof *query);
    if (query != NULL)
        snprintf(query->name, sizeof query->name, "%s", name);
    return query;
}

struct lookup {
    struct trale_future future;
    const char *name;
    struct trale_blocking work;
    struct trale_timeout timeout;
};

/* Runs however the task ends. If the lookup was dropped, the thread owns the data, and work.data is NULL. */
static void lookup_close(struct lookup *self)
{
    free(self->work.data);
}

trale_async_with(lookup, lookup_close)
{
    trale_begin();
    struct query *query = query_new(self->name);
    if (query == NULL)
        trale_return(-ENOMEM);
    trale_try(trale_timeout(&self->timeout, trale_blocking(&self->work, query_run, query, free), 5 * TRALE_SECOND));
    char text[TRALE_ADDRESS_TEXT];
    int r = trale_address_format(&((struct query *)self->work.data)->address, text, sizeof text);
    if (r < 0)
        trale_return(r);
    printf("%s: %s\n", self->name, text);
    trale_return(0);
}

int main(int argc, char **argv)
{
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
    for (int i = 1; i < argc; i++)
        tasks[i] = trale_spawn(runtime, lookup, .name = argv[i]);
    for (int i = 1; i < argc; i++) {
        int64_t result = trale_join(tasks[i]);
        if (result < 0)
            status = trale_perror(argv[i], result);
    }
    free(tasks);
    trale_close(runtime);
    return status;
}
