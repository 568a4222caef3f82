/* SPDX-License-Identifier: MIT */
#include "turn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Far from where the kernel, libc and the sanitizers put their memory. */
#define PAGE_ADDRESS ((void *)UINT64_C(0x7e8000000000))
#define PAGE_SIZE UINT64_C(65536) /* a page of every machine */

/* How long a process waits before it looks whether the one with the baton is alive. Its death is rare, and no other
 * time depends on this. */
static const struct timespec look_after = {.tv_nsec = 20000000};

static void baton_wait(const uint32_t *baton)
{
    syscall(SYS_futex, baton, FUTEX_WAIT, 0, &look_after, NULL, 0);
}

static void baton_put(uint32_t *baton)
{
    __atomic_store_n(baton, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, baton, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* --- life and death ----------------------------------------------------------------------------------------------- */

static int lock_own(const struct turn *turn)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = turn->number, .l_len = 1};
    if (fcntl(turn->fd, F_OFD_SETLK, &lock) == 0)
        return 0;
    return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
}

static bool is_alive(const struct turn *turn, uint32_t number)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = number, .l_len = 1};
    return fcntl(turn->fd, F_OFD_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
}

/* Takes the baton from a program that has died; returns its number. 0: the program is alive, or another was faster. */
static uint32_t take_from_dead(const struct turn *turn)
{
    uint32_t holder = __atomic_load_n(&turn->page->holder, __ATOMIC_ACQUIRE);
    if (holder == 0 || holder == turn->number || is_alive(turn, holder))
        return 0;
    bool is_taken = __atomic_compare_exchange_n(&turn->page->holder, &holder, turn->number, false, __ATOMIC_ACQ_REL,
                                                __ATOMIC_RELAXED);
    return is_taken ? holder : 0;
}

/* --- the baton ---------------------------------------------------------------------------------------------------- */

void turn_give(struct turn *turn, uint32_t number)
{
    __atomic_store_n(&turn->page->holder, number, __ATOMIC_RELEASE);
    baton_put(&turn->page->batons[number]);
}

uint32_t turn_wait(struct turn *turn)
{
    uint32_t *baton = &turn->page->batons[turn->number];
    while (__atomic_exchange_n(baton, 0, __ATOMIC_ACQUIRE) == 0) {
        baton_wait(baton);
        uint32_t dead = __atomic_load_n(baton, __ATOMIC_ACQUIRE) == 0 ? take_from_dead(turn) : 0;
        if (dead != 0)
            return dead;
    }
    return 0;
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

/* The file has no blocks where nothing was written yet. */
static int map_file(struct turn *turn, const char *path)
{
    turn->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (turn->fd < 0)
        return -errno;
    if (ftruncate(turn->fd, (off_t)(PAGE_SIZE + MEMORY_SIZE)) < 0)
        return -errno;
    void *mapped = mmap(PAGE_ADDRESS, PAGE_SIZE + MEMORY_SIZE, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_NORESERVE, turn->fd, 0);
    if (mapped == MAP_FAILED)
        return -errno;
    turn->page = mapped;
    turn->memory = (struct memory *)(void *)((char *)mapped + PAGE_SIZE);
    return 0;
}

int turn_join(struct turn *turn, const char *path, uint32_t number, uint32_t n_programs, uint32_t *dead)
{
    turn->number = number;
    int r = map_file(turn, path);
    if (r == 0)
        r = lock_own(turn);
    if (r < 0) {
        turn_leave(turn);
        return r;
    }
    if (__atomic_add_fetch(&turn->page->n_joined, 1, __ATOMIC_ACQ_REL) == n_programs)
        turn_give(turn, 1);
    *dead = turn_wait(turn);
    return number > 1 && turn->memory->size == 0 ? -EOWNERDEAD : 0;
}

void turn_leave(struct turn *turn)
{
    if (turn->page != NULL)
        munmap(turn->page, PAGE_SIZE + MEMORY_SIZE);
    if (turn->fd >= 0)
        close(turn->fd);
    *turn = (struct turn){.fd = -1};
}
