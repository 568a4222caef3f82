/* SPDX-License-Identifier: MIT
 *
 * Several runtimes from one configuration. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "core/runtime/runtime.h"

struct trale_group {
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

/* First all of them stop, so that no task of one finds another gone. */
static void group_free(struct trale_group *group)
{
    for (size_t i = 0; i < group->n_runtimes; i++)
        runtime_stop_executor(group->runtimes[i]);
    for (size_t i = group->n_runtimes; i-- > 0;)
        trale_close(group->runtimes[i]);
    free(group);
}

int trale_group_open_sized(struct trale_group **result, const struct trale_options *options, size_t size)
{
    struct trale *first;
    int r = trale_open_sized(&first, options, size);
    if (r < 0)
        return r;
    size_t n_wanted = first->settings.instances > 0 ? first->settings.instances : count_cores();
    struct trale_group *group = calloc(1, sizeof *group + n_wanted * sizeof group->runtimes[0]);
    if (group == NULL) {
        trale_close(first);
        return -ENOMEM;
    }
    group->runtimes[group->n_runtimes++] = first;
    while (r == 0 && group->n_runtimes < n_wanted) {
        r = trale_open_sized(&group->runtimes[group->n_runtimes], options, size);
        group->n_runtimes += r == 0;
    }
    /* The first one is closed last. */
    for (size_t i = 1; i < group->n_runtimes; i++)
        group->runtimes[i]->interfaces.group = &first->interfaces;
    if (r == 0)
        *result = group;
    else
        group_free(group);
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

int trale_group_close(struct trale_group *group)
{
    if (group == NULL)
        return 0;
    for (size_t i = 0; i < group->n_runtimes; i++)
        if (executor_is_on_thread(&group->runtimes[i]->executor))
            return -EDEADLK;
    group_free(group);
    return 0;
}
