/* SPDX-License-Identifier: MIT
 *
 * Several runtimes from one configuration. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "core/base/deadline.h"
#include "core/executor/block.h"
#include "core/runtime/runtime.h"

struct trale_group {
    _Atomic bool closing; /* a call that closes it is under way */
    struct block *blocks; /* of that call, one for each runtime */
    size_t n_runtimes;
    struct trale *runtimes[];
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

/* All of them stop before the first is waited for, for a task of one may wait for a task of another; and all have ended
 * before the first is freed. A runtime that is freed leaves the group. */
static int group_free(struct trale_group *group, const struct timespec *deadline)
{
    int r = 0;
    for (size_t i = 0; i < group->n_runtimes; i++)
        runtime_stop(group->runtimes[i]);
    for (size_t i = 0; i < group->n_runtimes && r == 0; i++)
        r = runtime_end(group->runtimes[i], deadline);
    while (r == 0 && group->n_runtimes > 0) {
        r = runtime_free(group->runtimes[group->n_runtimes - 1], deadline);
        group->n_runtimes -= r == 0;
    }
    if (r < 0)
        return r;
    free(group->blocks);
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
    struct trale_group *group = calloc(1, sizeof *group + n_wanted * sizeof group->runtimes[0]);
    struct block *blocks = calloc(n_wanted, sizeof *blocks);
    if (group == NULL || blocks == NULL) {
        free(group);
        free(blocks);
        trale_close(first);
        return -ENOMEM;
    }
    group->blocks = blocks;
    group->runtimes[group->n_runtimes++] = first;
    while (r == 0 && group->n_runtimes < n_wanted) {
        r = runtime_open(&group->runtimes[group->n_runtimes], options, size, true);
        group->n_runtimes += r == 0;
    }
    /* The first one is closed last. */
    for (size_t i = 0; i < group->n_runtimes; i++) {
        group->runtimes[i]->is_kept = true;
        group->runtimes[i]->interfaces.group = i > 0 ? &first->interfaces : NULL;
    }
    if (r == 0)
        *result = group;
    else
        group_free(group, NULL);
    return r;
}

size_t trale_group_size(const struct trale_group *group)
{
    return group->n_runtimes;
}

struct trale *trale_group_runtime(const struct trale_group *group, size_t i)
{
    return i < group->n_runtimes ? group->runtimes[i] : NULL;
}

/* Frees the group, unless one of its runtimes would wait for this thread. */
static int group_close_once(struct trale_group *group, const struct timespec *deadline)
{
    size_t n_blocks = 0, n_runtimes = group->n_runtimes;
    struct block *blocks = group->blocks;
    int r = 0;
    for (; n_blocks < n_runtimes && r == 0; n_blocks += r == 0)
        r = block_enter(&blocks[n_blocks], &group->runtimes[n_blocks]->executor, true, NULL);
    group->blocks = NULL;
    if (r == 0)
        r = group_free(group, deadline);
    while (n_blocks > 0)
        block_leave(&blocks[--n_blocks]);
    if (r < 0)
        group->blocks = blocks;
    else
        free(blocks);
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
