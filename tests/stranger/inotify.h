/* SPDX-License-Identifier: MIT
 *
 * The interface "org.example.inotify/1": files that change in a folder, as futures (inotify(7)). Offered by inotify.c.
 *
 * An example of an interface that is not trale's own: a table of functions, and thin wrappers over it.
 */
#ifndef ORG_EXAMPLE_INOTIFY_H
#define ORG_EXAMPLE_INOTIFY_H

#include <errno.h>
#include <limits.h>
#include <sys/inotify.h>

#include <trale/driver.h>
#include <trale/trale.h>

/* A folder that is watched. The driver's own begins with this; applications only pass the pointer on. */
struct inotify_watch {
    const struct inotify *inotify;
};

/* Waiting for a change. All but the last block is the interface's; that is for the driver. */
struct inotify_change {
    struct trale_future future;
    struct inotify_watch *watch;
    /* Set when it resolved to a value >= 0: */
    uint32_t mask;           /* what happened: IN_CREATE, ... or IN_Q_OVERFLOW, changes were lost */
    char name[NAME_MAX + 1]; /* the file's name in the folder; empty for the folder itself */

    struct trale_wait wait;
};

/* The name of the interface, with the size of version 1 of its table. */
#define ORG_EXAMPLE_INOTIFY_1 TRALE_INTERFACE("org.example.inotify/1", 40)

struct inotify {
    struct trale_interface interface; /* version 1 */

    /* The contracts are those of the inotify_ functions below. */
    int32_t (*open)(void *instance, const char *folder, uint32_t mask, struct inotify_watch **watch);
    void (*close)(void *instance, struct inotify_watch *watch);
    /* Makes *change a future: `type` is to be set by the driver, `watch` is set already, the rest zero. */
    void (*next)(void *instance, struct inotify_change *change);
};

/* Watches a folder for what `mask` names. 0, or -ENODEV (no driver offers this), -ENOENT, -EACCES, -EMFILE, -ENOSPC,
 * -ENOMEM and what else inotify_add_watch(2) has. [executor] */
TRALE_CHECK_RESULT static inline int inotify_open(struct trale *runtime, const char *folder, uint32_t mask,
                                                  struct inotify_watch **watch)
{
    const struct inotify *inotify = (const struct inotify *)trale_interface(runtime, ORG_EXAMPLE_INOTIFY_1,
                                                                            sizeof(struct inotify));
    return inotify == NULL ? -ENODEV : inotify->open(inotify->interface.instance, folder, mask, watch);
}

/* Ends it. Futures that still wait resolve to -ECANCELED. NULL is allowed. [executor] */
static inline void inotify_close(struct inotify_watch *watch)
{
    if (watch != NULL)
        watch->inotify->close(watch->inotify->interface.instance, watch);
}

/* The future of the next change since the folder was opened; several may wait, and each gets another change. Resolves
 * to the length of the name, or -ECANCELED. Dropped, it has taken no change. */
TRALE_CHECK_RESULT static inline struct trale_future *inotify_next(struct inotify_change *change,
                                                                   struct inotify_watch *watch)
{
    *change = (struct inotify_change){.watch = watch};
    watch->inotify->next(watch->inotify->interface.instance, change);
    return &change->future;
}

static_assert(offsetof(struct inotify, next) + sizeof(void *) == 40, "version 1 does not change");

#endif
