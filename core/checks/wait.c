/* SPDX-License-Identifier: MIT
 *
 * Waits that drivers have registered. The memory of a wait may be gone, so whether it is registered is asked of the
 * reactor, which compares addresses. */
#include <stdlib.h>

#include "core/checks/ledger.h"
#include "core/reactor/poller.h"

static void wait_free(struct checks *checks, struct checked_wait *checked)
{
    map_remove(&checks->waits, checked->wait);
    list_remove(&checked->node);
    checked->ledger->n_waits--;
    free(checked);
}

static void say_overwritten(struct checks *checks, const struct checked_wait *checked)
{
    findings_say(&checks->findings, TRALE_LOG_ERROR, &checked->place,
                 "the memory of a wait for fd %d was overwritten while it was registered: a future is made anew, and "
                 "its memory given back, when it has resolved or was dropped; it is canceled now",
                 checked->fd);
}

/* --- register_waker and cancel_wait ------------------------------------------------------------------------------- */

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

/* A wait is about to be registered or canceled: its memory is to be its own. One that is registered, or was, is in the
 * map; another thread may be ending it, so its links are not looked at. */
static void wait_used(struct ledger *ledger, struct trale_wait *wait)
{
    struct checks *checks = ledger->checks;
    struct checked_wait *checked = map_get(&checks->waits, wait);
    if (checked != NULL && reactor_evict_cleared(checks->reactor, checked->fd, wait)) {
        say_overwritten(checks, checked);
        wait_free(checks, checked);
    }
    if (checked != NULL || !list_has(&wait->link))
        return;
    struct place place = checks_place(checks, ledger);
    struct checked_wait *original = find_original(checks, wait);
    if (original != NULL) {
        findings_say(
            &checks->findings, TRALE_LOG_ERROR, &place,
            "a wait for fd %d was moved from %p to %p while it was registered: a future stays where it is from "
            "its first poll until it is over",
            wait->fd, (void *)original->wait, (void *)wait);
        reactor_evict(checks->reactor, original->fd, original->wait);
        wait_free(checks, original);
    } else {
        findings_say(&checks->findings, TRALE_LOG_ERROR, &place,
                     "a wait is used that was neither zeroed nor registered: zero its memory before its first use");
    }
    wait->link = (struct trale_link){NULL, NULL};
}

static void wait_begins(struct ledger *ledger, struct trale_wait *wait)
{
    struct checks *checks = ledger->checks;
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

int32_t ledger_register(struct ledger *ledger, struct owner owner, int32_t fd, uint32_t interest,
                        struct trale_wait *wait)
{
    struct checks *checks = ledger->checks;
    wait_used(ledger, wait);
    ledger_fd_used(ledger, fd);
    bool was_ready = poller_look(fd, interest) != 0;
    int32_t r = reactor_register(checks->reactor, owner, fd, interest, wait);
    if (r < 0)
        return r;
    ledger_fd_begins(ledger, fd);
    if (r == 0)
        wait_begins(ledger, wait);
    if (was_ready && checks->running != NULL) {
        checks->running->ready_fd = fd;
        checks->running->ready_ledger = ledger;
    }
    return r;
}

bool ledger_cancel(struct ledger *ledger, struct trale_wait *wait)
{
    struct checks *checks = ledger->checks;
    wait_used(ledger, wait);
    struct checked_wait *checked = map_get(&checks->waits, wait);
    if (checked != NULL)
        wait_free(checks, checked);
    return reactor_cancel(checks->reactor, wait);
}

/* --- what is left ------------------------------------------------------------------------------------------------- */

void checks_waits_end(struct checks *checks, struct trale_link *waits, const char *future, bool has_resolved)
{
    while (!list_is_empty(waits)) {
        struct checked_wait *checked = list_entry(waits->next, struct checked_wait, node);
        enum eviction eviction = reactor_evict(checks->reactor, checked->fd, checked->wait);
        if (eviction == EVICTION_BROKEN)
            say_overwritten(checks, checked);
        else if (eviction == EVICTION_INTACT && has_resolved)
            findings_say(&checks->findings, TRALE_LOG_ERROR, &checked->place,
                         "a wait for fd %d is still registered although its future %s has returned a result: call "
                         "cancel_wait before a future resolves; it is canceled now",
                         checked->fd, future);
        else if (eviction == EVICTION_INTACT)
            findings_say(&checks->findings, TRALE_LOG_ERROR, &checked->place,
                         "a wait for fd %d is still registered although its future %s was dropped, or what awaited it "
                         "is over: a future that is given up is dropped, and its drop calls cancel_wait; it is "
                         "canceled now",
                         checked->fd, future);
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
        if (reactor_evict(checks->reactor, checked->fd, checked->wait) != EVICTION_NONE)
            findings_say(&checks->findings, TRALE_LOG_ERROR, &checked->place,
                         "a wait for fd %d is still registered, and is in the memory of a task that has ended: call "
                         "cancel_wait before a future resolves, and in its drop; it is canceled now",
                         checked->fd);
        wait_free(checks, checked);
    }
}
