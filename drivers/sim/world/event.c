/* SPDX-License-Identifier: MIT */
#include "event.h"

#include <errno.h>
#include <string.h>

#define N_CHILDREN 4u
#define FIRST_ROOM 64u

/* Faults come before the other events of their instant. */
#define ORDER_OTHERS (UINT64_C(1) << 63)

static bool is_before(const struct event_entry *a, const struct event_entry *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void entry_put(struct event_heap *heap, uint32_t i, struct event_entry entry)
{
    heap->entries[i] = entry;
    entry.event->place = i + 1;
}

static void entry_rise(struct event_heap *heap, uint32_t i, struct event_entry entry)
{
    while (i > 0) {
        uint32_t parent = (i - 1) / N_CHILDREN;
        if (!is_before(&entry, &heap->entries[parent]))
            break;
        entry_put(heap, i, heap->entries[parent]);
        i = parent;
    }
    entry_put(heap, i, entry);
}

static void entry_sink(struct event_heap *heap, uint32_t i, struct event_entry entry)
{
    for (;;) {
        uint32_t first = i * N_CHILDREN + 1, least = first;
        if (first >= heap->n)
            break;
        for (uint32_t child = first + 1; child < first + N_CHILDREN && child < heap->n; child++)
            if (is_before(&heap->entries[child], &heap->entries[least]))
                least = child;
        if (!is_before(&heap->entries[least], &entry))
            break;
        entry_put(heap, i, heap->entries[least]);
        i = least;
    }
    entry_put(heap, i, entry);
}

static int heap_grow(struct event_heap *heap, struct memory *memory)
{
    uint32_t room = heap->room > 0 ? 2 * heap->room : FIRST_ROOM;
    struct event_entry *entries = memory_take(memory, room * sizeof *entries);
    if (entries == NULL)
        return -ENOMEM;
    if (heap->n > 0)
        memcpy(entries, heap->entries, heap->n * sizeof *entries);
    memory_give(memory, heap->entries, heap->room * sizeof *entries);
    heap->entries = entries;
    heap->room = room;
    return 0;
}

int event_add(struct event_heap *heap, struct memory *memory, struct event *event, uint64_t at_ns)
{
    event_remove(heap, event);
    if (heap->n == heap->room) {
        int r = heap_grow(heap, memory);
        if (r < 0)
            return r;
    }
    uint64_t order = heap->n_added++ | (event->kind == EVENT_FAULT ? 0 : ORDER_OTHERS);
    event->at_ns = at_ns;
    entry_rise(heap, heap->n++, (struct event_entry){at_ns, order, event});
    return 0;
}

void event_remove(struct event_heap *heap, struct event *event)
{
    if (event->place == 0)
        return;
    uint32_t i = event->place - 1;
    struct event_entry last = heap->entries[--heap->n];
    event->place = 0;
    if (last.event == event)
        return;
    if (i > 0 && is_before(&last, &heap->entries[(i - 1) / N_CHILDREN]))
        entry_rise(heap, i, last);
    else
        entry_sink(heap, i, last);
}
