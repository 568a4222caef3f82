/* SPDX-License-Identifier: MIT
 *
 * Several runtimes from one configuration. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/deadline.h"
#include "core/executor/block.h"
#include "core/runtime/runtime.h"

struct member {
    struct trale *runtime;
    struct block block; /* of the call that closes the group */
};

struct trale_group {
    _Atomic bool closing; /* a call that closes it is under way */
    size_t n_members;
    struct member members[];
};

/* The cores that this process may use. The mask must have a bit for each core that the kernel knows. */
static size_t count_cores(void)
{
    size_t n_cores = 0;
    for (int n_bits = 1024; n_cores == 0 && n_bits <= 1 << 20; n_bits *= 2) {
        cpu_set_t *cores = CPU_ALLOC(n_bits);
        if (cores != NULL && sched_getaffinity(0, CPU_ALLOC_SIZE(n_bits), cores) == 0)
            n_cores = (size_t)CPU_COUNT_S(CPU_ALLOC_SIZE(n_bits), cores);
        CPU_FREE(cores);
    }
    return n_cores > 0 ? n_cores : 1;
}

/* All of them take each step before the first takes the next, for tasks, cleanup functions and the functions that
 * drivers run may use any of them. */
static int group_free(struct trale_group *group, const struct timespec *deadline)
{
    size_t n = group->n_members;
    int r = 0;
    for (size_t i = 0; i < n; i++)
        runtime_stop(group->members[i].runtime);
    for (size_t i = 0; i < n && r == 0; i++)
        r = runtime_end(group->members[i].runtime, deadline);
    for (size_t i = n; r == 0 && i-- > 0;)
        r = runtime_settle(group->members[i].runtime, deadline);
    if (r < 0)
        return r;
    for (size_t i = n; i-- > 0;) {
        runtime_deinit(group->members[i].runtime);
        /* Before another runtime may have the address. */
        block_leave(&group->members[i].block);
        free(group->members[i].runtime);
    }
    free(group);
    return 0;
}

int trale_group_open_sized(struct trale_group **result, const struct trale_options *options, size_t size)
{
    struct trale *first;
    int r = trale_open_sized(&first, options, size);
    if (r < 0)
        return r;
    size_t n_wanted = first->settings.instances > 0 ? first->settings.instances : count_cores();
    struct trale_group *group = calloc(1, sizeof *group + n_wanted * sizeof group->members[0]);
    if (group == NULL) {
        log_say(&first->log, TRALE_LOG_ERROR, "trale", "cannot open a group: %s", strerror(ENOMEM));
        trale_close(first);
        return -ENOMEM;
    }
    group->members[group->n_members++].runtime = first;
    while (r == 0 && group->n_members < n_wanted) {
        r = runtime_open(&group->members[group->n_members].runtime, options, size, first);
        group->n_members += r == 0;
    }
    /* The first one is closed last. */
    for (size_t i = 0; i < group->n_members; i++) {
        struct trale *runtime = group->members[i].runtime;
        runtime->is_kept = true;
        runtime->interfaces.group = i > 0 ? &first->interfaces : NULL;
    }
    if (r == 0)
        *result = group;
    else
        group_free(group, NULL);
    return r;
}

size_t trale_group_size(const struct trale_group *group)
{
    return group->n_members;
}

struct trale *trale_group_runtime(const struct trale_group *group, size_t i)
{
    return i < group->n_members ? group->members[i].runtime : NULL;
}

/* Frees the group, unless one of its runtimes would wait for this thread. */
static int group_close_once(struct trale_group *group, const struct timespec *deadline)
{
    size_t n_entered = 0;
    int r = 0;
    for (; n_entered < group->n_members && r == 0; n_entered += r == 0) {
        struct member *member = &group->members[n_entered];
        r = block_enter(&member->block, &member->runtime->executor, true, NULL);
    }
    if (r == 0)
        r = group_free(group, deadline);
    if (r == 0)
        return 0;
    while (n_entered > 0)
        block_leave(&group->members[--n_entered].block);
    return r;
}

static int group_close(struct trale_group *group, const struct timespec *deadline)
{
    if (group == NULL)
        return 0;
    if (atomic_exchange(&group->closing, true))
        return -EDEADLK;
    int r = group_close_once(group, deadline);
    if (r < 0)
        atomic_store(&group->closing, false);
    return r;
}

int trale_group_close(struct trale_group *group)
{
    return group_close(group, NULL);
}

int trale_group_close_within(struct trale_group *group, uint64_t limit_ns)
{
    struct timespec deadline = deadline_after(limit_ns);
    return group_close(group, &deadline);
}
