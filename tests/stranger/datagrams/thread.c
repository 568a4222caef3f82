/* SPDX-License-Identifier: MIT
 *
 * A thread that plays a kernel with completions: it writes into the buffers that it was given when it sees fit, and of
 * an operation that was cancelled it tries once more whether it succeeds. */
#include "kernel.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

struct player {
    struct kernel kernel;
    pthread_t thread;
    int asked_fd;              /* an eventfd: there is something new in `asked`, or one of the flags has changed */
    struct operations batch;   /* submitted, but not handed over; the driver's */
    struct operations working; /* the thread's */
    bool has_cancelled;        /* since the last flush; the driver's */
    pthread_mutex_t lock;      /* of all below, and of each operation's kernel_cancelled */
    struct operations asked, done;
    bool held, stopping;
};

static void ring_bell(int fd)
{
    const uint64_t one = 1;
    while (write(fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

static void silence_bell(int fd)
{
    uint64_t n;
    while (read(fd, &n, sizeof n) < 0 && errno == EINTR) {
    }
}

/* Whether it is done. */
static bool player_try(struct operation *operation)
{
    ssize_t n;
    do
        n = operation->kind == OPERATION_RECV
                ? recv(operation->fd, operation->buffer, operation->size, MSG_DONTWAIT | MSG_TRUNC)
                : send(operation->fd, operation->buffer, operation->size, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    operation->result = n < 0 ? -errno : (int32_t)n;
    return n >= 0 || errno != EAGAIN;
}

/* One round over all operations. The lock is held. */
static void player_work(struct player *player)
{
    struct operation *operation, *next;
    TAILQ_CONCAT(&player->working, &player->asked, entry);
    for (operation = TAILQ_FIRST(&player->working); operation != NULL; operation = next) {
        next = TAILQ_NEXT(operation, entry);
        bool done = player_try(operation);
        if (!done && !operation->kernel_cancelled)
            continue;
        if (!done)
            operation->result = -ECANCELED;
        TAILQ_REMOVE(&player->working, operation, entry);
        TAILQ_INSERT_TAIL(&player->done, operation, entry);
    }
    if (!TAILQ_EMPTY(&player->done))
        ring_bell(player->kernel.fd);
}

static void *player_run(void *data)
{
    struct player *player = data;
    pthread_mutex_lock(&player->lock);
    while (!player->stopping) {
        if (!player->held)
            player_work(player);
        bool rests = player->held || TAILQ_EMPTY(&player->working);
        pthread_mutex_unlock(&player->lock);
        struct pollfd asked = {.fd = player->asked_fd, .events = POLLIN};
        if (poll(&asked, 1, rests ? -1 : 1) > 0)
            silence_bell(player->asked_fd);
        pthread_mutex_lock(&player->lock);
    }
    pthread_mutex_unlock(&player->lock);
    return NULL;
}

static int player_submit(struct kernel *kernel, struct operation *operation)
{
    struct player *player = (struct player *)kernel;
    operation->kernel_cancelled = false;
    TAILQ_INSERT_TAIL(&player->batch, operation, entry);
    return 0;
}

static int player_cancel(struct kernel *kernel, struct operation *operation)
{
    struct player *player = (struct player *)kernel;
    pthread_mutex_lock(&player->lock);
    operation->kernel_cancelled = true;
    pthread_mutex_unlock(&player->lock);
    player->has_cancelled = true;
    return 0;
}

static int player_flush(struct kernel *kernel)
{
    struct player *player = (struct player *)kernel;
    if (TAILQ_EMPTY(&player->batch) && !player->has_cancelled)
        return 0;
    pthread_mutex_lock(&player->lock);
    TAILQ_CONCAT(&player->asked, &player->batch, entry);
    pthread_mutex_unlock(&player->lock);
    player->has_cancelled = false;
    ring_bell(player->asked_fd);
    kernel->n_calls++;
    return 0;
}

static struct operation *player_next(struct kernel *kernel)
{
    struct player *player = (struct player *)kernel;
    pthread_mutex_lock(&player->lock);
    struct operation *operation = TAILQ_FIRST(&player->done);
    if (operation != NULL)
        TAILQ_REMOVE(&player->done, operation, entry);
    else
        silence_bell(kernel->fd);
    pthread_mutex_unlock(&player->lock);
    return operation;
}

static void player_hold(struct kernel *kernel, bool held)
{
    struct player *player = (struct player *)kernel;
    pthread_mutex_lock(&player->lock);
    player->held = held;
    pthread_mutex_unlock(&player->lock);
    ring_bell(player->asked_fd);
}

static void player_free(struct player *player)
{
    if (player->kernel.fd >= 0)
        close(player->kernel.fd);
    if (player->asked_fd >= 0)
        close(player->asked_fd);
    pthread_mutex_destroy(&player->lock);
    free(player);
}

static void player_close(struct kernel *kernel)
{
    struct player *player = (struct player *)kernel;
    pthread_mutex_lock(&player->lock);
    player->stopping = true;
    pthread_mutex_unlock(&player->lock);
    ring_bell(player->asked_fd);
    pthread_join(player->thread, NULL);
    player_free(player);
}

static int player_open(struct kernel **kernel, const struct trale_host *host)
{
    struct player *player = calloc(1, sizeof *player);
    if (player == NULL) {
        host->log(host->context, TRALE_LOG_ERROR, "memory is out");
        return -ENOMEM;
    }
    player->kernel = (struct kernel){&thread_kernel, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), 0};
    player->asked_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    TAILQ_INIT(&player->batch);
    TAILQ_INIT(&player->working);
    TAILQ_INIT(&player->asked);
    TAILQ_INIT(&player->done);
    pthread_mutex_init(&player->lock, NULL);
    int r = player->kernel.fd < 0 || player->asked_fd < 0 ? -errno : 0;
    if (r == 0)
        r = host->start_thread(host->context, &player->thread, "kernel", player_run, player);
    if (r < 0) {
        host->log(host->context, TRALE_LOG_ERROR, "cannot start a thread with two eventfds");
        player_free(player);
        return r;
    }
    *kernel = &player->kernel;
    return 0;
}

const struct kernel_type thread_kernel = {.open = player_open,
                                          .close = player_close,
                                          .submit = player_submit,
                                          .cancel = player_cancel,
                                          .flush = player_flush,
                                          .next = player_next,
                                          .hold = player_hold};
