/* SPDX-License-Identifier: MIT
 *
 * A driver that waits for one end of a socket pair and then closes it without forget_fd, while a duplicate is open. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <trale/driver.h>

struct forgetful {
    struct trale_future future;
    struct trale_host host;
    struct trale_wait wait;
    int fds[2], duplicate;
    int n_polls;
};

static int64_t forgetful_poll(struct trale_future *future, struct trale_context *context)
{
    struct forgetful *self = (struct forgetful *)(void *)future;
    self->n_polls++;
    if (self->n_polls == 1) {
        self->wait.waker = context->waker;
        return self->host.register_waker(self->host.context, self->fds[0], TRALE_READABLE, &self->wait) == 0 &&
                       write(self->fds[1], "x", 1) == 1
                   ? TRALE_PENDING
                   : -EIO;
    }
    if (self->n_polls == 2)
        close(self->fds[0]);
    return TRALE_PENDING;
}

static int32_t forgetful_start(const struct trale_host *host, const struct trale_settings *settings, void **instance)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "forgetful", forgetful_poll, NULL};
    struct forgetful *self = calloc(1, sizeof *self);
    (void)settings;
    if (self == NULL)
        return -ENOMEM;
    self->future.type = &type;
    trale_host_copy(&self->host, host);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, self->fds) < 0) {
        free(self);
        return -EMFILE;
    }
    self->duplicate = dup(self->fds[0]);
    *instance = self;
    return self->host.spawn(self->host.context, &self->future);
}

static void forgetful_stop(void *instance)
{
    struct forgetful *self = instance;
    close(self->fds[1]);
    close(self->duplicate);
    free(self);
}

static const struct trale_interface *forgetful_interface(void *instance, const char *name)
{
    (void)instance, (void)name;
    return NULL;
}

TRALE_DRIVER(.name = "forgetful", .version = "1", .summary = "forgets to forget an fd", .interfaces = "",
             .start = forgetful_start, .stop = forgetful_stop, .interface = forgetful_interface);
