/* SPDX-License-Identifier: MIT
 *
 * The users whose files are trusted. */
#ifndef CORE_CONFIG_OWNER_H
#define CORE_CONFIG_OWNER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The users that a program trusts beside root and its effective user (trale_options.trusted_uids). */
struct file_trust {
    const uint32_t *uids;
    size_t n_uids;
};

/* Returns NULL if files of user `uid` are trusted: root's, the effective user's, and those of the users in `trust`,
 * which may be NULL. Else what is wrong with it and the cure, to be put behind "belongs to user 5".
 *
 * In a user namespace the overflow user (/proc/sys/kernel/overflowuid, 65534) means all users that the namespace
 * does not map. Where it is not mapped itself its files may be anybody's, and so they are trusted only if `trust` names
 * it, even if it is the effective user. */
const char *owner_fault(uid_t uid, const struct file_trust *trust);

#endif
