/* SPDX-License-Identifier: MIT
 *
 * The fds that a driver or the application has registered and not forgotten. A number whose file is gone, or is another
 * one now, was closed without forget_fd: the waits for it would never end. */
#include <stdlib.h>
#include <sys/stat.h>

#include "core/checks/ledger.h"

struct checked_fd {
    int32_t fd;
    dev_t device;
    ino_t inode; /* the same for all timerfds, eventfds and the like */
    struct place place;
};

static const void *key_of(int32_t fd)
{
    return (const void *)((uintptr_t)(uint32_t)fd + 1);
}

static void fd_free(struct ledger *ledger, struct checked_fd *checked)
{
    map_remove(&ledger->fds, key_of(checked->fd));
    free(checked);
}

static bool is_other_file(const struct checked_fd *checked)
{
    struct stat status;
    return fstat(checked->fd, &status) < 0 || status.st_dev != checked->device || status.st_ino != checked->inode;
}

/* False: it was closed without forget_fd. That is said, waits for it have ended, and the record is gone. */
static bool fd_look(struct ledger *ledger, struct checked_fd *checked)
{
    struct checks *checks = ledger->checks;
    bool is_lost = reactor_lose(checks->reactor, checked->fd);
    if (!is_lost && !is_other_file(checked))
        return true;
    if (!is_lost)
        reactor_forget(checks->reactor, checked->fd);
    const char *forget = ledger->name != NULL ? "forget_fd" : "trale_fd_forget";
    findings_say(&checks->findings, TRALE_LOG_ERROR, &checked->place,
                 "fd %d was closed without %s, so waits for the number would never end: call %s before close(2); they "
                 "end now",
                 checked->fd, forget, forget);
    fd_free(ledger, checked);
    return false;
}

void ledger_fd_used(struct ledger *ledger, int32_t fd)
{
    struct trale_link *ledgers = &ledger->checks->ledgers;
    for (struct trale_link *link = ledgers->next; link != ledgers; link = link->next) {
        struct ledger *other = list_entry(link, struct ledger, node);
        struct checked_fd *checked = map_get(&other->fds, key_of(fd));
        if (checked != NULL)
            fd_look(other, checked);
    }
}

void ledger_fd_begins(struct ledger *ledger, int32_t fd)
{
    struct stat status;
    struct checked_fd *checked = map_get(&ledger->fds, key_of(fd));
    if (checked == NULL) {
        checked = fstat(fd, &status) == 0 ? calloc(1, sizeof *checked) : NULL;
        if (checked == NULL || !map_put(&ledger->fds, key_of(fd), checked)) {
            free(checked);
            return;
        }
        checked->fd = fd;
        checked->device = status.st_dev;
        checked->inode = status.st_ino;
    }
    checked->place = checks_place(ledger->checks, ledger);
}

/* Whichever ledger it is in: one driver may wait for the fd of another. */
void ledger_forget(struct ledger *ledger, int32_t fd)
{
    struct trale_link *ledgers = &ledger->checks->ledgers;
    for (struct trale_link *link = ledgers->next; link != ledgers; link = link->next) {
        struct ledger *other = list_entry(link, struct ledger, node);
        struct checked_fd *checked = map_get(&other->fds, key_of(fd));
        if (checked != NULL && (!is_other_file(checked) || fd_look(other, checked)))
            fd_free(other, checked);
    }
    reactor_forget(ledger->checks->reactor, fd);
}

void ledger_fds_look(struct ledger *ledger)
{
    size_t position = 0;
    for (struct checked_fd *checked; (checked = map_next(&ledger->fds, &position)) != NULL;)
        if (!fd_look(ledger, checked))
            position--;
}

void ledger_fds_report(struct ledger *ledger)
{
    size_t position = 0;
    for (struct checked_fd *checked; (checked = map_next(&ledger->fds, &position)) != NULL; position--) {
        if (fd_look(ledger, checked)) {
            findings_say(
                &ledger->checks->findings, TRALE_LOG_WARNING, &checked->place,
                "fd %d is open and registered after the driver has stopped: call forget_fd and close(2) in stop",
                checked->fd);
            fd_free(ledger, checked);
        }
    }
}
