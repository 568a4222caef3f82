/* SPDX-License-Identifier: MIT */
#include "core/line.h"

static void line_append(struct trale_line *line, struct trale_waiter *waiter)
{
    waiter->next = NULL;
    waiter->previous = line->last;
    *(line->last != NULL ? &line->last->next : &line->first) = waiter;
    line->last = waiter;
}

static void line_remove(struct trale_line *line, struct trale_waiter *waiter)
{
    *(waiter->previous != NULL ? &waiter->previous->next : &line->first) = waiter->next;
    *(waiter->next != NULL ? &waiter->next->previous : &line->last) = waiter->previous;
    waiter->next = waiter->previous = NULL;
}

/* Takes the first out of the line and wakes it; it may be gone as soon as the lock is free. */
static void line_release_first(struct trale_line *line, enum waiter_state state)
{
    struct trale_waiter *waiter = line->first;
    line_remove(line, waiter);
    waiter->state = state;
    waiter->waker->table->wake_by_ref(waiter->waker);
}

static void line_serve(struct trale_line *line)
{
    while (line->first != NULL && line->first->n <= line->n_free) {
        line->n_free -= line->first->n;
        line_release_first(line, WAITER_SERVED);
    }
}

bool line_try_take(struct trale_line *line, uint64_t n)
{
    if (line->first != NULL || n > line->n_free)
        return false;
    line->n_free -= n;
    return true;
}

bool line_take(struct trale_line *line, struct trale_waiter *waiter, uint64_t n, const struct trale_context *context)
{
    waiter->waker = context->waker;
    switch ((enum waiter_state)waiter->state) {
    case WAITER_NEW:
        if (line_try_take(line, n))
            return true;
        waiter->n = n;
        waiter->state = WAITER_STANDING;
        line_append(line, waiter);
        return false;
    case WAITER_STANDING:
        return false;
    case WAITER_SERVED:
        break;
    }
    waiter->state = WAITER_NEW;
    return true;
}

void line_give(struct trale_line *line, uint64_t n)
{
    line->n_free += n;
    line_serve(line);
}

void line_leave(struct trale_line *line, struct trale_waiter *waiter)
{
    if (waiter->state == WAITER_STANDING) {
        line_remove(line, waiter);
        /* It may have been the one that wanted too much for the others to go first. */
        line_serve(line);
    } else if (waiter->state == WAITER_SERVED) {
        /* Meanwhile so many may have been given that there is no room for these. */
        uint64_t n_room = UINT64_MAX - line->n_free;
        line_give(line, waiter->n < n_room ? waiter->n : n_room);
    }
    waiter->state = WAITER_NEW;
}

void line_tell(struct trale_line *line)
{
    while (line->first != NULL)
        line_release_first(line, WAITER_NEW);
}

void line_serve_all(struct trale_line *line)
{
    while (line->first != NULL) {
        line->first->n = 0;
        line_release_first(line, WAITER_SERVED);
    }
}
