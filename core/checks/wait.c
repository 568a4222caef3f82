/* SPDX-License-Identifier: MIT
 *
 * Waits that drivers have registered. The memory of a wait may be gone, so whether it is registered is asked of the
 * reactor, which compares addresses. */
#include <stdlib.h>

#include "core/checks/state.h"
#include "core/checks/ledger.h"

static void wait_free(struct checks *checks, struct checked_wait *checked)
{
    map_remove(&checks->waits, checked->wait);
    list_remove(&checked->node);
    checked->ledger->n_waits--;
    free(checked);
}

/* The registered wait of which this one is a copy, or NULL. */
static struct checked_wait *find_original(const struct checks *checks, const struct trale_wait *copy)
{
    size_t position = 0;
    for (struct checked_wait *checked; (checked = map_next(&checks->waits, &position)) != NULL;)
        if (checked->fd == copy->fd && reactor_has_wait(checks->reactor, checked->fd, checked->wait) &&
            checked->wait->link.next == copy->link.next && checked->wait->link.previous == copy->link.previous)
            return checked;
    return NULL;
}

void checks_wait_used(struct checks *checks, struct ledger *ledger, struct trale_wait *wait)
{
    if (!list_has(&wait->link) || map_get(&checks->waits, wait) != NULL)
        return;
    struct place place = checks_place(checks, ledger);
    struct checked_wait *original = find_original(checks, wait);
    if (original != NULL) {
        findings_say(
            &checks->findings, TRALE_LOG_ERROR, &place,
            "a wait for fd %d was moved from %p to %p while it was registered: a future stays where it is from "
            "its first poll until it is over",
            wait->fd, (void *)original->wait, (void *)wait);
        reactor_cancel(checks->reactor, original->wait);
        wait_free(checks, original);
    } else {
        findings_say(&checks->findings, TRALE_LOG_ERROR, &place,
                     "a wait is used that was neither zeroed nor registered: zero its memory before its first use");
    }
    wait->link = (struct trale_link){NULL, NULL};
}

void checks_wait_begins(struct checks *checks, struct ledger *ledger, struct trale_wait *wait)
{
    struct checked_wait *checked = map_get(&checks->waits, wait);
    if (checked != NULL)
        wait_free(checks, checked);
    checked = calloc(1, sizeof *checked);
    if (checked == NULL || !map_put(&checks->waits, wait, checked)) {
        free(checked);
        return;
    }
    checked->wait = wait;
    checked->fd = wait->fd;
    checked->ledger = ledger;
    checked->place = checks_place(checks, ledger);
    ledger->n_waits++;
    /* With another waker than the one that was lent for this poll it may outlive the future. */
    struct seen *seen = checks->polling != NULL ? checks->polling->seen : NULL;
    bool is_lent = seen != NULL && seen->waker != NULL && wait->waker == &seen->waker->waker;
    list_append(is_lent ? &seen->waits : &checks->loose_waits, &checked->node);
}

void checks_wait_ends(struct checks *checks, struct trale_wait *wait)
{
    struct checked_wait *checked = map_get(&checks->waits, wait);
    if (checked != NULL)
        wait_free(checks, checked);
}

void checks_waits_end(struct checks *checks, struct trale_link *waits, const char *future, const char *end)
{
    while (!list_is_empty(waits)) {
        struct checked_wait *checked = list_entry(waits->next, struct checked_wait, node);
        if (reactor_has_wait(checks->reactor, checked->fd, checked->wait)) {
            findings_say(&checks->findings, TRALE_LOG_ERROR, &checked->place,
                         "a wait for fd %d is still registered although its future %s %s: call cancel_wait before a "
                         "future resolves, and in its drop; it is canceled now",
                         checked->fd, future, end);
            reactor_cancel(checks->reactor, checked->wait);
        }
        wait_free(checks, checked);
    }
}

void checks_memory_ends(struct checks *checks, const void *memory, size_t size)
{
    for (struct trale_link *link = checks->loose_waits.next, *next; link != &checks->loose_waits; link = next) {
        struct checked_wait *checked = list_entry(link, struct checked_wait, node);
        next = link->next;
        if ((uintptr_t)checked->wait - (uintptr_t)memory >= size)
            continue;
        if (reactor_has_wait(checks->reactor, checked->fd, checked->wait)) {
            findings_say(&checks->findings, TRALE_LOG_ERROR, &checked->place,
                         "a wait for fd %d is still registered, and is in the memory of a task that has ended: call "
                         "cancel_wait before a future resolves, and in its drop; it is canceled now",
                         checked->fd);
            reactor_cancel(checks->reactor, checked->wait);
        }
        wait_free(checks, checked);
    }
}
