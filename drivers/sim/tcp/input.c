/* SPDX-License-Identifier: MIT */
#include "input.h"

#include "list.h"

void input_open(struct endpoint *endpoint)
{
    struct endpoint_input *input = &endpoint->input;
    uint64_t capacity = endpoint->options.receive_buffer / 2;
    uint64_t end = input->next + (input->queue.size < capacity ? capacity - input->queue.size : 0);
    if (end > input->window_end)
        input->window_end = end;
}

uint64_t input_take(struct world *world, struct endpoint *endpoint, void *buf, uint64_t size)
{
    struct endpoint_input *input = &endpoint->input;
    uint64_t n = input->queue.size < size ? input->queue.size : size, announced = input->window_end;
    bytes_copy(&input->queue, 0, buf, n);
    bytes_discard(&input->queue, n);
    input_open(endpoint);
    if (input->window_end - announced < endpoint->options.receive_buffer / 4 || input->has_ended)
        input->window_end = announced;
    else
        output_acknowledge(world, endpoint);
    return n;
}

static uint64_t segment_end(const struct segment *segment)
{
    return segment->sequence + segment->size + ((segment->flags & SEGMENT_FIN) != 0);
}

/* Keeps a segment that has arrived before others. Takes it over. */
static void keep_early(struct world *world, struct endpoint *endpoint, struct segment *segment)
{
    struct trale_link *early = &endpoint->input.early, *before = early->previous;
    while (before != early && list_entry(before, struct segment, link)->sequence > segment->sequence)
        before = before->previous;
    bool is_known = before != early && segment_end(list_entry(before, struct segment, link)) >= segment_end(segment);
    if (is_known || segment->sequence + segment->size > endpoint->input.window_end) {
        segment_free(world, segment);
        return;
    }
    list_append(before->next, &segment->link); /* in front of that one */
}

/* Takes the bytes of a segment that begins at the next one, or before. Frees it. */
static void take_bytes(struct world *world, struct endpoint *endpoint, struct segment *segment)
{
    struct endpoint_input *input = &endpoint->input;
    uint64_t n_known = input->next - segment->sequence;
    uint64_t n = segment->size > n_known ? segment->size - n_known : 0;
    bool is_whole = bytes_append(&input->queue, &world->memory, segment->bytes + n_known, n) == 0;
    if (is_whole) {
        input->next += n;
        world->report->n_bytes += n;
    }
    if (is_whole && (segment->flags & SEGMENT_FIN) != 0) {
        input->next++;
        input->has_ended = true;
    }
    segment_free(world, segment);
}

static void take_early(struct world *world, struct endpoint *endpoint)
{
    struct endpoint_input *input = &endpoint->input;
    while (!list_is_empty(&input->early)) {
        struct segment *segment = list_entry(input->early.next, struct segment, link);
        if (segment->sequence > input->next)
            break;
        list_remove(&segment->link);
        if (segment_end(segment) > input->next)
            take_bytes(world, endpoint, segment);
        else
            segment_free(world, segment);
    }
}

/* Bytes, or the end of the stream. Takes the segment over. Returns false if the endpoint was freed. */
static bool take_segment(struct world *world, struct endpoint *endpoint, struct segment *segment)
{
    struct endpoint_input *input = &endpoint->input;
    bool is_new = segment_end(segment) > input->next && !input->has_ended;
    if (is_new && segment->size > 0 && endpoint->has_closed) {
        segment_free(world, segment);
        ending_reset(world, endpoint); /* no program will read it */
        return false;
    }
    if (!is_new) {
        segment_free(world, segment);
    } else if (segment->sequence > input->next) {
        keep_early(world, endpoint, segment);
    } else {
        take_bytes(world, endpoint, segment);
        take_early(world, endpoint);
        input_open(endpoint);
        endpoint_wake(endpoint, ENDPOINT_READABLE);
    }
    output_acknowledge(world, endpoint);
    return true;
}

void input_segment(struct world *world, struct endpoint *endpoint, struct segment *segment)
{
    bool has_bytes = segment->size > 0 || (segment->flags & SEGMENT_FIN) != 0;
    endpoint->heard_ns = world->now_ns;
    if ((segment->flags & SEGMENT_RST) != 0) {
        segment_free(world, segment);
        ending_refused(world, endpoint);
        return;
    }
    if ((segment->flags & SEGMENT_SYN) == 0)
        output_acknowledged(world, endpoint, segment->acknowledged, segment->window_end, !has_bytes);
    if (has_bytes) {
        if (!take_segment(world, endpoint, segment))
            return;
    } else {
        /* A SYN that has come again, because the answer was lost, or a probe. */
        if ((segment->flags & (SEGMENT_SYN | SEGMENT_PROBE)) != 0)
            output_acknowledge(world, endpoint);
        segment_free(world, segment);
    }
    ending_look(world, endpoint);
}
