/* SPDX-License-Identifier: MIT */
#include "core/config/owner.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#define DEFAULT_OVERFLOW_UID 65534

/* What user_namespaces(7) says of a uid. */
enum mapping {
    MAPPING_FULL,    /* All users are mapped: a uid is one user. */
    MAPPING_PARTLY,  /* Some are, this one too; if it is the overflow user, it may be any of the others as well. */
    MAPPING_WITHOUT, /* Some are or none, but not this one. */
};

static enum mapping mapping_of(uid_t uid)
{
    unsigned long inside, outside, count, n_mapped = 0;
    bool is_mapped = false;
    FILE *file = fopen("/proc/self/uid_map", "re");
    if (file == NULL) /* ENOENT: a kernel without user namespaces, or no /proc */
        return errno == ENOENT ? MAPPING_FULL : MAPPING_WITHOUT;
    while (fscanf(file, "%lu %lu %lu", &inside, &outside, &count) == 3) {
        n_mapped += count;
        is_mapped |= uid >= inside && uid - inside < count;
    }
    fclose(file);
    /* The last number, (uid_t)-1, is no user. */
    return n_mapped >= UINT32_MAX ? MAPPING_FULL : is_mapped ? MAPPING_PARTLY : MAPPING_WITHOUT;
}

static uid_t overflow_uid(void)
{
    unsigned uid = DEFAULT_OVERFLOW_UID;
    FILE *file = fopen("/proc/sys/kernel/overflowuid", "re");
    if (file == NULL)
        return uid;
    if (fscanf(file, "%u", &uid) != 1)
        uid = DEFAULT_OVERFLOW_UID;
    fclose(file);
    return uid;
}

const char *owner_fault(uid_t uid, const struct file_trust *trust)
{
    for (size_t i = 0; trust != NULL && i < trust->n_uids; i++)
        if (trust->uids[i] == uid)
            return NULL;
    if (uid == 0)
        return NULL;
    enum mapping mapping = uid == overflow_uid() ? mapping_of(uid) : MAPPING_FULL;
    if (mapping == MAPPING_WITHOUT)
        return ", which stands for every user that is not mapped in this user namespace: map its owner, or name it in "
               "the program's trusted_uids";
    if (uid == geteuid())
        return NULL;
    if (mapping == MAPPING_PARTLY)
        return ", or to one that is not mapped in this user namespace: it must be root's or yours (chown), or the "
               "program must name it in trusted_uids";
    return ": it must be root's or yours (chown)";
}
