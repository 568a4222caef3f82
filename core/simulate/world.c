/* SPDX-License-Identifier: MIT */
#include "core/simulate/world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/futex.h"
#include "core/simulate/process.h"

void simulate_world_close(struct simulate_place *place)
{
    if (place->page != NULL)
        munmap(place->page, sizeof *place->page);
    if (place->world >= 0)
        close(place->world);
    place->page = NULL;
    place->world = -1;
}

int simulate_world_open(struct simulate_place *place, const struct simulate_setup *setup)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    simulate_world_close(place);
    if (setup->options->n_programs == 1)
        return 0;
    unlink(place->world_path);
    place->world = open(place->world_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (place->world < 0 || ftruncate(place->world, sizeof *place->page) < 0 ||
        fcntl(place->world, F_OFD_SETLK, &lock) < 0)
        return -errno;
    void *page = mmap(NULL, sizeof *place->page, PROT_READ | PROT_WRITE, MAP_SHARED, place->world, 0);
    if (page == MAP_FAILED)
        return -errno;
    place->page = page;
    place->page->runner = getpid();
    return 0;
}

enum trale_sim_life simulate_world_life(const struct simulate_place *place, size_t number)
{
    if (place->page == NULL)
        return TRALE_SIM_JOINED;
    return (enum trale_sim_life)__atomic_load_n(&place->page->lives[number + 1], __ATOMIC_ACQUIRE);
}

/* Both lives of a program write into one file: a line of the driver's kind is between them. */
static void note(const struct simulate_process *process, uint64_t now_ns, const char *what)
{
    dprintf(process->output, "sim: %s after %llu.%09llu s\n", what, (unsigned long long)(now_ns / 1000000000),
            (unsigned long long)(now_ns % 1000000000));
}

static int start_again(struct simulate_place *place, const struct simulate_setup *setup, size_t number, uint64_t now_ns)
{
    struct simulate_process *process = &place->processes[number];
    process->n_restarts++;
    process->begins_ns = now_ns;
    int r = simulate_place_set_variables(process, setup, &place->plan);
    if (r < 0)
        return r;
    note(process, now_ns, "started again"); /* before the new process writes its first line */
    return simulate_process_start(place, setup, number);
}

int simulate_world_answer(struct simulate_place *place, const struct simulate_setup *setup)
{
    if (place->page == NULL)
        return 0;
    struct trale_sim_page *page = place->page;
    uint32_t request = __atomic_load_n(&page->request, __ATOMIC_ACQUIRE);
    uint32_t number = page->requested - 1;
    if (request == TRALE_SIM_REQUEST_NONE || number >= setup->options->n_programs)
        return 0;
    struct simulate_process *process = &place->processes[number];
    if (process->pid != 0)
        note(process, page->now_ns, "crashed");
    simulate_process_kill(process);
    process->status = 0;
    uint64_t now_ns = page->now_ns;
    /* The process that is started may be the next one to make a request, as soon as it runs. */
    __atomic_store_n(&page->request, TRALE_SIM_REQUEST_NONE, __ATOMIC_RELEASE);
    futex_wake_shared(&page->request);
    return request == TRALE_SIM_REQUEST_START ? start_again(place, setup, number, now_ns) : 0;
}
