/* SPDX-License-Identifier: MIT */
#include "lane.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define GROUP 0

/* How many datagrams a lane for which no operation waits may take before it is cancelled, so that it leaves the others
 * some buffers: a part of them. */
#define SHARE 4

/* For how many milliseconds lane_stop waits for another thread. */
#define STOP_MS 50

/* --- datagrams ---------------------------------------------------------------------------------------------------- */

static void lane_put(struct lane *lane, uint16_t buffer, int32_t size)
{
    struct buffers *buffers = &lane->uring->buffers;
    if (lane->n_held++ == 0)
        lane->first = buffer;
    else
        buffers->held[lane->last].next = buffer;
    lane->last = buffer;
    buffers->held[buffer].size = size;
    buffers->held[buffer].head = lane->head;
    buffers->n_held++;
    lane->n_bytes += (uint32_t)size;
}

int lane_take(struct lane *lane)
{
    struct buffers *buffers = &lane->uring->buffers;
    if (lane->n_held == 0)
        return -1;
    uint16_t buffer = lane->first;
    lane->first = buffers->held[buffer].next;
    lane->n_held--;
    buffers->n_held--;
    lane->n_bytes -= (uint32_t)buffers->held[buffer].size;
    return buffer;
}

/* --- waits -------------------------------------------------------------------------------------------------------- */

static struct trale_wait *wait_of(struct trale_link *link)
{
    return list_entry(link, struct trale_wait, link);
}

static void lane_wake_first(struct lane *lane)
{
    struct trale_wait *wait = wait_of(lane->waits.next);
    list_remove(&wait->link);
    wait->waker->table->wake_by_ref(wait->waker);
}

static void lane_wake_all(struct lane *lane)
{
    while (!list_is_empty(&lane->waits))
        lane_wake_first(lane);
}

/* Operations that wait by the reactor, too, find what is here. */
void lane_wake(struct lane *lane)
{
    if (lane->n_held == 0 && lane->error == 0)
        return;
    if (!list_is_empty(&lane->waits))
        lane_wake_first(lane);
    else if (lane->socket != NULL && lane->socket->has_waited)
        udp_socket_wake_all(lane->socket);
}

/* --- the kernel's side -------------------------------------------------------------------------------------------- */

static struct lane *lane_of_job(struct ring_job *job)
{
    return (struct lane *)(void *)job; /* its first member */
}

bool lane_is_wide(const struct lane *lane)
{
    return lane->head == BUFFER_HEAD_MAX || lane->socket->info == 0;
}

/* Without control messages a short datagram is within two lines of a cache. */
static struct msghdr *lane_layout(struct lane *lane)
{
    static const struct msghdr layouts[] = {
        {.msg_namelen = BUFFER_NAME},
        {.msg_namelen = BUFFER_NAME, .msg_controllen = sizeof(union udp_control)},
    };
    bool wide = lane->socket->info != 0;
    lane->head = wide ? BUFFER_HEAD_MAX : BUFFER_HEAD_MIN;
    return (struct msghdr *)(uintptr_t)&layouts[wide];
}

static void lane_submit(struct ring_job *job, struct io_uring_sqe *entry)
{
    struct lane *lane = lane_of_job(job);
    if (lane->state == LANE_ENDING) {
        io_uring_prep_cancel(entry, lane, 0); /* its own completion says nothing about the target's end */
        io_uring_sqe_set_data(entry, NULL);
        lane->state = LANE_CANCELLED;
        return;
    }
    io_uring_prep_recvmsg_multishot(entry, lane->fd, lane_layout(lane), 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = GROUP;
    io_uring_sqe_set_data(entry, lane);
    lane->state = LANE_ARMED;
    lane->uring->n_in_flight++;
}

static void lane_retract(struct ring_job *job)
{
    struct lane *lane = lane_of_job(job);
    lane->uring->n_in_flight -= lane->state == LANE_ARMED;
    lane->state = lane->state == LANE_ARMED ? LANE_QUEUED : LANE_ENDING;
}

static void lane_say_exhausted(struct uring *uring)
{
    char text[160];
    uring->buffers.n_exhausted++;
    if (uring->said_exhausted)
        return;
    uring->said_exhausted = true;
    snprintf(text, sizeof text, "all %u buffers are in use, and sockets wait in the reactor meanwhile: raise `buffers`",
             uring->buffers.n_buffers);
    uring->udp.host.log(uring->udp.host.context, TRALE_LOG_INFO, text);
}

/* The last completion. The kernel ends a lane that was not cancelled when no buffer is left, when the socket has an
 * error, when the completion queue is full, and when the thread ends that has begun it. */
static void lane_end(struct lane *lane, int32_t result)
{
    struct uring *uring = lane->uring;
    if (lane->state == LANE_ENDING)
        list_remove(&lane->job.link);
    lane->state = LANE_IDLE;
    uring->n_in_flight--;
    if (lane->ended != NULL)
        *lane->ended = true;
    if (lane->socket == NULL) {
        free(lane);
        return;
    }
    if (result == -ENOBUFS)
        lane_say_exhausted(uring);
    else if (result < 0 && result != -ECANCELED && result != -EAGAIN && result != -EINTR && result != -EBADFD)
        lane->error = result;
    lane_wake_all(lane);
    lane_wake(lane);
}

static void lane_cancel(struct lane *lane)
{
    if (lane->state == LANE_QUEUED) {
        list_remove(&lane->job.link);
        lane->state = LANE_IDLE;
    } else if (lane->state == LANE_ARMED && !lane->uring->ring.refused) {
        lane->state = LANE_ENDING;
        ring_queue(&lane->uring->ring, &lane->job);
    }
}

static void lane_complete(struct ring_job *job, int32_t result, uint32_t flags)
{
    struct lane *lane = lane_of_job(job);
    struct buffers *buffers = &lane->uring->buffers;
    if ((flags & IORING_CQE_F_BUFFER) != 0) {
        uint16_t buffer = (uint16_t)(flags >> IORING_CQE_BUFFER_SHIFT);
        if (result < (int32_t)lane->head || lane->socket == NULL) {
            buffers_lend(buffers, buffer);
        } else {
            lane_put(lane, buffer, result);
            lane_wake(lane);
            if (lane->n_waiting == 0 && lane->n_held > buffers->n_buffers / SHARE)
                lane_cancel(lane);
        }
    }
    if ((flags & IORING_CQE_F_MORE) == 0)
        lane_end(lane, result);
}

static void lane_refuse(struct ring_job *job)
{
    struct lane *lane = lane_of_job(job);
    lane->state = lane->state == LANE_ENDING ? LANE_ARMED : LANE_IDLE;
    lane_wake_all(lane);
}

/* --- beginning and end -------------------------------------------------------------------------------------------- */

static struct lane *lane_make(struct uring *uring, struct udp_socket *socket)
{
    size_t fd = (size_t)socket->fd;
    if (fd >= uring->n_lanes) {
        size_t n = fd < 64 ? 64 : 2 * fd;
        struct lane **lanes = reallocarray(uring->lanes, n, sizeof *lanes);
        if (lanes == NULL)
            return NULL;
        memset(lanes + uring->n_lanes, 0, (n - uring->n_lanes) * sizeof *lanes);
        uring->lanes = lanes;
        uring->n_lanes = n;
    }
    struct lane *lane = calloc(1, sizeof *lane);
    if (lane == NULL)
        return NULL;
    lane->job.submit = lane_submit;
    lane->job.retract = lane_retract;
    lane->job.complete = lane_complete;
    lane->job.refuse = lane_refuse;
    lane->uring = uring;
    lane->socket = socket;
    lane->fd = socket->fd;
    list_init(&lane->waits);
    return uring->lanes[fd] = lane;
}

/* Operations that wait by the reactor are woken to wait here. */
static void lane_begin(struct lane *lane)
{
    if (lane->state == LANE_ENDING) {
        list_remove(&lane->job.link);
        lane->state = LANE_ARMED;
    } else if (lane->state == LANE_IDLE) {
        lane->state = LANE_QUEUED;
        ring_queue(&lane->uring->ring, &lane->job);
        if (lane->socket->has_waited)
            udp_socket_wake_all(lane->socket);
    }
}

int lane_wait(struct uring *uring, const struct operation *operation, const struct trale_context *context)
{
    struct lane *lane = lane_of(uring, operation->socket);
    if (lane == NULL)
        lane = lane_make(uring, operation->socket);
    if (lane == NULL)
        return -ENOMEM;
    lane_begin(lane);
    operation->wait->waker = context->waker;
    list_append(&lane->waits, &operation->wait->link);
    operation_set_state(operation, (enum operation_state)OPERATION_IN_LANE);
    lane->n_waiting++;
    return 0;
}

void lane_end_wait(struct lane *lane, const struct operation *operation, bool dropped)
{
    list_remove(&operation->wait->link);
    operation_set_state(operation, OPERATION_IDLE);
    lane->n_waiting--;
    if (!dropped)
        return;
    if (lane->n_waiting == 0)
        lane_cancel(lane);
    else
        lane_wake(lane); /* it may have been woken for what another one can take */
}

void lane_stop(struct lane *lane)
{
    struct ring *ring = &lane->uring->ring;
    bool ended = false;
    lane_wake_all(lane);
    lane_cancel(lane);
    if (lane->state == LANE_IDLE) {
        if (lane->socket == NULL)
            free(lane);
        return;
    }
    lane->ended = &ended;
    ring_turn(ring);
    for (int i = 0; i < STOP_MS && !ended && !ring->refused; i++) {
        struct pollfd completed = {.fd = ring->uring.ring_fd, .events = POLLIN};
        poll(&completed, 1, 1);
        ring_turn(ring);
    }
    if (!ended)
        lane->ended = NULL;
}

void lane_close(struct lane *lane)
{
    for (int buffer; (buffer = lane_take(lane)) >= 0;)
        buffers_lend(&lane->uring->buffers, (uint32_t)buffer);
    lane->uring->lanes[lane->fd] = NULL;
    lane->socket = NULL;
    lane_stop(lane);
}

void lanes_cancel(struct uring *uring)
{
    for (size_t i = 0; i < uring->n_lanes; i++)
        if (uring->lanes[i] != NULL)
            lane_cancel(uring->lanes[i]);
}
