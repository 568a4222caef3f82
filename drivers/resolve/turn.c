/* SPDX-License-Identifier: MIT */
#include "turn.h"

static uint64_t from_now(const struct resolver *resolver)
{
    return trale_time_add(resolver->timer->now(resolver->timer->interface.instance), resolver->timeout_ns);
}

static void turn_pass(struct turn *turn, struct resolver *resolver)
{
    list_remove(&turn->link);
    turn->is_held = false;
    resolver->n_turns--;
    if (list_is_empty(&resolver->waiting))
        return;
    struct turn *next = list_entry(resolver->waiting.next, struct turn, link);
    list_remove(&next->link);
    next->is_held = true;
    next->until_ns = from_now(resolver);
    resolver->n_turns++;
    if (next->waker != NULL)
        next->waker->table->wake_by_ref(next->waker);
    else
        list_append(&resolver->left, &next->link);
}

/* Takes those back that were left for too long. */
static void turns_take_back(struct resolver *resolver)
{
    const uint64_t now_ns = resolver->timer->now(resolver->timer->interface.instance);
    for (struct trale_link *link = resolver->left.next, *next; link != &resolver->left; link = next) {
        struct turn *turn = list_entry(link, struct turn, link);
        next = link->next;
        if (turn->until_ns > now_ns)
            continue;
        turn->lose(turn);
        turn_pass(turn, resolver);
    }
}

static void sleep_stop(struct turn *turn)
{
    if (turn->sleep.future.type != NULL)
        trale_future_drop(&turn->sleep.future);
    turn->sleep.future.type = NULL;
    turn->waker = NULL;
}

bool turn_wait(struct turn *turn, struct resolver *resolver, struct trale_context *context)
{
    const struct trale_timer *timer = resolver->timer;
    if (!turn->is_held && resolver->n_turns < resolver->n_turns_max) { /* then none waits, by turn_pass */
        turn->is_held = true;
        resolver->n_turns++;
    }
    if (!turn->is_held && !list_has(&turn->link))
        list_append(&resolver->waiting, &turn->link);
    int64_t result = 0;
    while (!turn->is_held && result == 0) {
        turn->waker = context->waker;
        turns_take_back(resolver);
        if (turn->is_held)
            break;
        if (turn->sleep.future.type == NULL)
            timer->sleep_until(timer->interface.instance, &turn->sleep, from_now(resolver));
        result = trale_future_poll(&turn->sleep.future, context);
        if (result != TRALE_PENDING)
            turn->sleep.future.type = NULL;
    }
    if (turn->is_held) {
        sleep_stop(turn);
        list_remove(&turn->link);
    }
    return turn->is_held;
}

void turn_leave(struct turn *turn, struct resolver *resolver)
{
    sleep_stop(turn);
    if (turn->is_held && !list_has(&turn->link))
        list_append(&resolver->left, &turn->link);
}

void turn_end(struct turn *turn, struct resolver *resolver)
{
    sleep_stop(turn);
    if (turn->is_held)
        turn_pass(turn, resolver);
    else
        list_remove(&turn->link);
}
