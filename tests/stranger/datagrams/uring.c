/* SPDX-License-Identifier: MIT
 *
 * io_uring(7) by its system calls. The ring is small, so that tests see it full. */
#include "kernel.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define N_ENTRIES 64u

struct uring {
    struct kernel kernel;
    void *ring; /* both queues; MAP_FAILED: not mapped */
    struct io_uring_sqe *sqes;
    struct io_uring_params parameters;
    uint32_t n_unsubmitted;
    struct operations refused; /* done, for the kernel does not take them */
};

static uint32_t *uring_word(const struct uring *uring, uint32_t offset)
{
    return (uint32_t *)(void *)((char *)uring->ring + offset);
}

static size_t uring_ring_size(const struct uring *uring)
{
    const struct io_uring_params *p = &uring->parameters;
    size_t submissions = p->sq_off.array + p->sq_entries * sizeof(uint32_t);
    size_t completions = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
    return submissions > completions ? submissions : completions;
}

static int uring_enter(struct uring *uring, uint32_t n_submit, uint32_t flags)
{
    long r;
    do
        r = syscall(SYS_io_uring_enter, uring->kernel.fd, n_submit, 0, flags, NULL, 0);
    while (r < 0 && errno == EINTR);
    uring->kernel.n_calls += n_submit > 0;
    return r < 0 ? -errno : (int)r;
}

/* Takes back what was not handed over, which ends with this error. */
static void uring_refuse(struct uring *uring, int error)
{
    uint32_t *tail = uring_word(uring, uring->parameters.sq_off.tail);
    uint32_t mask = *uring_word(uring, uring->parameters.sq_off.ring_mask);
    for (uint32_t i = *tail - uring->n_unsubmitted; i != *tail; i++) {
        struct operation *operation = (struct operation *)(uintptr_t)uring->sqes[i & mask].user_data;
        if (operation == NULL)
            continue; /* a cancel */
        operation->result = error;
        TAILQ_INSERT_TAIL(&uring->refused, operation, entry);
    }
    __atomic_store_n(tail, *tail - uring->n_unsubmitted, __ATOMIC_RELEASE);
    uring->n_unsubmitted = 0;
}

static int uring_flush(struct kernel *kernel)
{
    struct uring *uring = (struct uring *)kernel;
    while (uring->n_unsubmitted > 0) {
        int r = uring_enter(uring, uring->n_unsubmitted, 0);
        if (r == 0 || r == -EBUSY || r == -EAGAIN) /* completions must be taken first; memory is short */
            return -EAGAIN;
        if (r < 0) { /* for good: the process has entered a sandbox */
            uring_refuse(uring, r);
            return 0;
        }
        uring->n_unsubmitted -= (uint32_t)r;
    }
    return 0;
}

/* The next entry of the submission queue, zeroed; NULL: it is full, and the kernel takes no more now. */
static struct io_uring_sqe *uring_entry(struct uring *uring)
{
    const struct io_sqring_offsets *offsets = &uring->parameters.sq_off;
    if (uring->n_unsubmitted == uring->parameters.sq_entries && uring_flush(&uring->kernel) < 0)
        return NULL;
    uint32_t *tail = uring_word(uring, offsets->tail);
    uint32_t index = *tail & *uring_word(uring, offsets->ring_mask);
    uring_word(uring, offsets->array)[index] = index;
    __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE); /* nothing reads it before uring_enter */
    uring->n_unsubmitted++;
    memset(&uring->sqes[index], 0, sizeof uring->sqes[index]);
    return &uring->sqes[index];
}

static int uring_submit(struct kernel *kernel, struct operation *operation)
{
    struct io_uring_sqe *entry = uring_entry((struct uring *)kernel);
    if (entry == NULL)
        return -EAGAIN;
    entry->opcode = operation->kind == OPERATION_RECV ? IORING_OP_RECV : IORING_OP_SEND;
    entry->fd = operation->fd;
    entry->addr = (uint64_t)(uintptr_t)operation->buffer;
    entry->len = (uint32_t)operation->size;
    entry->msg_flags = operation->kind == OPERATION_RECV ? MSG_TRUNC : MSG_NOSIGNAL;
    entry->user_data = (uint64_t)(uintptr_t)operation;
    return 0;
}

/* The completion of the cancel itself, which has no user_data, says only whether the operation was found. The end of
 * the operation is its own completion. */
static int uring_cancel(struct kernel *kernel, struct operation *operation)
{
    struct io_uring_sqe *entry = uring_entry((struct uring *)kernel);
    if (entry == NULL)
        return -EAGAIN;
    entry->opcode = IORING_OP_ASYNC_CANCEL;
    entry->fd = -1;
    entry->addr = (uint64_t)(uintptr_t)operation;
    return 0;
}

static struct operation *uring_next(struct kernel *kernel)
{
    struct uring *uring = (struct uring *)kernel;
    const struct io_cqring_offsets *offsets = &uring->parameters.cq_off;
    uint32_t *head = uring_word(uring, offsets->head);
    struct operation *refused = TAILQ_FIRST(&uring->refused);
    if (refused != NULL) {
        TAILQ_REMOVE(&uring->refused, refused, entry);
        return refused;
    }
    for (;;) {
        if (*head == __atomic_load_n(uring_word(uring, offsets->tail), __ATOMIC_ACQUIRE)) {
            /* The kernel keeps completions for which the queue had no room. */
            uint32_t flags = __atomic_load_n(uring_word(uring, uring->parameters.sq_off.flags), __ATOMIC_RELAXED);
            if ((flags & IORING_SQ_CQ_OVERFLOW) == 0 || uring_enter(uring, 0, IORING_ENTER_GETEVENTS) < 0)
                return NULL;
            if (*head == __atomic_load_n(uring_word(uring, offsets->tail), __ATOMIC_ACQUIRE))
                return NULL;
        }
        const struct io_uring_cqe *completions = (const void *)uring_word(uring, offsets->cqes);
        const struct io_uring_cqe completion = completions[*head & *uring_word(uring, offsets->ring_mask)];
        __atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
        struct operation *operation = (struct operation *)(uintptr_t)completion.user_data;
        if (operation == NULL)
            continue;
        operation->result = completion.res;
        return operation;
    }
}

static void uring_close(struct kernel *kernel)
{
    struct uring *uring = (struct uring *)kernel;
    if (uring->sqes != MAP_FAILED)
        munmap(uring->sqes, uring->parameters.sq_entries * sizeof uring->sqes[0]);
    if (uring->ring != MAP_FAILED)
        munmap(uring->ring, uring_ring_size(uring));
    if (kernel->fd >= 0)
        close(kernel->fd);
    free(uring);
}

static int uring_map(struct uring *uring)
{
    const uint32_t needed = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_FAST_POLL;
    struct io_uring_params *p = &uring->parameters;
    int fd = (int)syscall(SYS_io_uring_setup, N_ENTRIES, p);
    if (fd < 0)
        return -errno;
    uring->kernel.fd = fd; /* close-on-exec */
    if ((p->features & needed) != needed)
        return -EOPNOTSUPP;
    const int access = PROT_READ | PROT_WRITE, flags = MAP_SHARED | MAP_POPULATE;
    uring->ring = mmap(NULL, uring_ring_size(uring), access, flags, fd, IORING_OFF_SQ_RING);
    uring->sqes = mmap(NULL, p->sq_entries * sizeof uring->sqes[0], access, flags, fd, IORING_OFF_SQES);
    if (uring->ring == MAP_FAILED || uring->sqes == MAP_FAILED)
        return -errno;
    return uring_enter(uring, 0, 0); /* a sandbox may allow the one call, and not the other */
}

static int uring_open(struct kernel **kernel, const struct trale_host *host)
{
    struct uring *uring = malloc(sizeof *uring);
    if (uring == NULL) {
        host->log(host->context, TRALE_LOG_ERROR, "memory is out");
        return -ENOMEM;
    }
    *uring = (struct uring){.kernel = {&uring_kernel, -1, 0}, .ring = MAP_FAILED, .sqes = MAP_FAILED};
    TAILQ_INIT(&uring->refused);
    int r = uring_map(uring);
    if (r < 0) {
        char text[128];
        snprintf(text, sizeof text, "io_uring: %s; kernel = thread does without", strerror(-r));
        host->log(host->context, TRALE_LOG_ERROR, text);
        uring_close(&uring->kernel);
        return r;
    }
    *kernel = &uring->kernel;
    return 0;
}

const struct kernel_type uring_kernel = {.open = uring_open,
                                         .close = uring_close,
                                         .submit = uring_submit,
                                         .cancel = uring_cancel,
                                         .flush = uring_flush,
                                         .next = uring_next};
