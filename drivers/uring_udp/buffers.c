/* SPDX-License-Identifier: MIT */
#include "buffers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define GROUP 0

/* --- buffers ------------------------------------------------------------------------------------------------------ */

static size_t lent_size(const struct buffers *buffers)
{
    return buffers->n_buffers * sizeof(struct io_uring_buf);
}

static void *memory_map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void buffers_lend(struct buffers *buffers, uint32_t i)
{
    io_uring_buf_ring_add(buffers->lent, buffers_at(buffers, i), BUFFER_SIZE, (unsigned short)i,
                          io_uring_buf_ring_mask(buffers->n_buffers), 0);
    io_uring_buf_ring_advance(buffers->lent, 1);
}

/* Only pages that a datagram was written to take memory, so no page is a huge one. */
static int buffers_make(struct buffers *buffers)
{
    buffers->lent = memory_map(lent_size(buffers));
    buffers->memory = memory_map((size_t)buffers->n_buffers * BUFFER_STRIDE);
    buffers->held = calloc(buffers->n_buffers, sizeof *buffers->held);
    if (buffers->lent == NULL || buffers->memory == NULL || buffers->held == NULL)
        return -ENOMEM;
    madvise(buffers->memory, (size_t)buffers->n_buffers * BUFFER_STRIDE, MADV_NOHUGEPAGE);
    return 0;
}

void buffers_free(struct buffers *buffers)
{
    if (buffers->lent != NULL)
        munmap(buffers->lent, lent_size(buffers));
    if (buffers->memory != NULL)
        munmap(buffers->memory, (size_t)buffers->n_buffers * BUFFER_STRIDE);
    free(buffers->held);
}

static int buffers_register(struct buffers *buffers, struct ring *ring)
{
    struct io_uring_buf_reg registration = {
        .ring_addr = (uint64_t)(uintptr_t)buffers->lent, .ring_entries = buffers->n_buffers, .bgid = GROUP};
    int r = io_uring_register_buf_ring(&ring->uring, &registration, 0);
    if (r < 0)
        return r;
    io_uring_buf_ring_init(buffers->lent);
    for (uint32_t i = 0; i < buffers->n_buffers; i++)
        buffers_lend(buffers, i);
    return 0;
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

/* Begins to receive, as the driver does, cancels that, and waits for the end: a sandbox may allow some of the calls,
 * and an older kernel knows some of the flags. */
static int buffers_try(struct ring *ring)
{
    struct msghdr layout = {.msg_namelen = BUFFER_NAME};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    struct io_uring_sqe *entry = io_uring_get_sqe(&ring->uring);
    io_uring_prep_recvmsg_multishot(entry, fd, &layout, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = GROUP;
    io_uring_sqe_set_data64(entry, 1);
    entry = io_uring_get_sqe(&ring->uring);
    io_uring_prep_cancel64(entry, 1, 0);
    io_uring_sqe_set_data64(entry, 2);
    int r = io_uring_submit(&ring->uring), result = 0;
    for (int i = 0; i < 2 && r >= 0; i++) {
        struct io_uring_cqe *completion = NULL;
        r = io_uring_wait_cqe(&ring->uring, &completion);
        if (r == 0 && io_uring_cqe_get_data64(completion) == 1)
            result = completion->res;
        if (r == 0)
            io_uring_cqe_seen(&ring->uring, completion);
    }
    close(fd);
    if (r < 0)
        return r;
    return result == -ECANCELED ? 0 : result < 0 ? result : -EOPNOTSUPP;
}

int buffers_open(struct buffers *buffers, struct ring *ring, uint32_t n_entries, uint32_t n_buffers, const char **step)
{
    *buffers = (struct buffers){.n_buffers = n_buffers};
    *step = "memory for its buffers";
    int r = buffers_make(buffers);
    if (r < 0)
        goto fail;
    *step = "io_uring_setup(2)";
    r = ring_open(ring, n_entries, 2 * n_entries + n_buffers);
    if (r < 0)
        goto fail;
    *step = "io_uring_register(2)";
    r = buffers_register(buffers, ring);
    if (r == 0) {
        *step = "io_uring_enter(2)";
        r = buffers_try(ring);
    }
    if (r == 0)
        return 0;
    ring_close(ring);
fail:
    buffers_free(buffers);
    return r;
}
