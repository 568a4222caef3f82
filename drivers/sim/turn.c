/* SPDX-License-Identifier: MIT */
#include "turn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Far from where the kernel, libc and the sanitizers put their memory. */
#define PAGE_ADDRESS ((void *)UINT64_C(0x7e8000000000))
#define PAGE_SIZE UINT64_C(65536) /* a page of every machine */

/* What a program finds in its place among the batons. */
#define BATON 1u
#define DEATH 2u

#define RUNNER 0u /* its lock is on this byte */

/* How long a process waits before it looks whether the one that it waits for is alive. Its death is rare, and no other
 * time depends on this. */
static const struct timespec look_after = {.tv_nsec = 20000000};

static void word_wait(const uint32_t *word, uint32_t value)
{
    syscall(SYS_futex, word, FUTEX_WAIT, value, &look_after, NULL, 0);
}

static void word_set(uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
    syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static uint32_t word_get(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/* --- life and death ----------------------------------------------------------------------------------------------- */

static struct flock lock_of(uint32_t number, short type)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = number, .l_len = 1};
}

static int lock_own(const struct turn *turn)
{
    struct flock lock = lock_of(turn->number, F_WRLCK);
    if (fcntl(turn->fd, F_OFD_SETLK, &lock) == 0)
        return 0;
    return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
}

static bool is_alive(const struct turn *turn, uint32_t number)
{
    struct flock lock = lock_of(number, F_WRLCK);
    return number == turn->number || fcntl(turn->fd, F_OFD_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
}

/* The process is dead as soon as its lock is free. */
static void await_death(const struct turn *turn, uint32_t number)
{
    struct flock lock = lock_of(number, F_WRLCK);
    while (fcntl(turn->fd, F_OFD_SETLKW, &lock) < 0 && errno == EINTR)
        ;
    lock.l_type = F_UNLCK;
    fcntl(turn->fd, F_OFD_SETLK, &lock);
}

/* The lowest program that is in the world; the caller's is. */
static uint32_t first_alive(const struct turn *turn)
{
    uint32_t number = 1;
    while (word_get(&turn->page->lives[number]) != TRALE_SIM_JOINED || !is_alive(turn, number))
        number++;
    return number;
}

/* Takes the baton from a program that has died, for the lowest one that lives: so it does not matter which program
 * sees it first. */
static void take_from_dead(struct turn *turn)
{
    struct trale_sim_page *page = turn->page;
    uint32_t holder = word_get(&page->holder);
    /* If the command starts the holder again, its life says so before its process dies; and its next process is alive
     * before its life says that it has joined. */
    if (holder == 0 || is_alive(turn, holder))
        return;
    uint32_t life = word_get(&page->lives[holder]);
    if ((life != TRALE_SIM_JOINED && life != TRALE_SIM_CRASHED) || is_alive(turn, holder) ||
        !__atomic_compare_exchange_n(&page->holder, &holder, turn->number, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        return;
    page->dead |= UINT64_C(1) << (holder - 1);
    turn_give(turn, first_alive(turn));
}

bool turn_has_runner(const struct turn *turn)
{
    return turn->page != NULL && turn->page->runner != 0 && is_alive(turn, RUNNER);
}

/* --- the baton ---------------------------------------------------------------------------------------------------- */

void turn_give(struct turn *turn, uint32_t number)
{
    __atomic_store_n(&turn->page->holder, number, __ATOMIC_RELEASE);
    word_set(&turn->page->batons[number], BATON);
}

/* A program without a future: its host has crashed, or the command that runs it has died. */
static void die(void)
{
    kill(getpid(), SIGKILL);
}

uint64_t turn_wait(struct turn *turn)
{
    struct trale_sim_page *page = turn->page;
    uint32_t *baton = &page->batons[turn->number], found;
    while ((found = __atomic_exchange_n(baton, 0, __ATOMIC_ACQ_REL)) != BATON) {
        if (found == DEATH || (page->runner != 0 && !is_alive(turn, RUNNER)))
            die();
        word_wait(baton, 0);
        if (word_get(baton) == 0)
            take_from_dead(turn);
    }
    uint64_t dead = page->dead;
    page->dead = 0;
    return dead;
}

/* --- crashes ------------------------------------------------------------------------------------------------------ */

/* Makes a request, and waits until it is met. 0; -ESRCH: no command runs the programs; -EOWNERDEAD: it has died. */
static int ask(struct turn *turn, enum trale_sim_request request, uint32_t number, uint64_t now_ns)
{
    struct trale_sim_page *page = turn->page;
    if (!turn_has_runner(turn))
        return -ESRCH;
    page->requested = number;
    page->now_ns = now_ns;
    __atomic_store_n(&page->request, request, __ATOMIC_RELEASE);
    kill(page->runner, SIGCHLD);
    while (word_get(&page->request) != TRALE_SIM_REQUEST_NONE) {
        if (!turn_has_runner(turn))
            return -EOWNERDEAD;
        word_wait(&page->request, request);
    }
    return 0;
}

void turn_doom(struct turn *turn, uint32_t number)
{
    word_set(&turn->page->lives[number], TRALE_SIM_CRASHED);
}

void turn_kill(struct turn *turn, uint32_t number, uint64_t now_ns)
{
    if (ask(turn, TRALE_SIM_REQUEST_KILL, number, now_ns) < 0)
        word_set(&turn->page->batons[number], DEATH);
    await_death(turn, number);
}

int turn_start(struct turn *turn, uint32_t number, uint64_t now_ns)
{
    struct trale_sim_page *page = turn->page;
    if (!turn_has_runner(turn))
        return -ESRCH;
    __atomic_store_n(&page->batons[number], 0, __ATOMIC_RELEASE);
    word_set(&page->lives[number], TRALE_SIM_RESTARTED);
    int r = ask(turn, TRALE_SIM_REQUEST_START, number, now_ns);
    while (r == 0 && word_get(&page->lives[number]) == TRALE_SIM_RESTARTED) {
        word_wait(&page->lives[number], TRALE_SIM_RESTARTED);
        r = turn_has_runner(turn) ? 0 : -EOWNERDEAD;
    }
    return r;
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

/* The process is in the world. The caller has the lock of its program. */
static int enter(struct turn *turn, uint32_t n_programs, bool serves, uint64_t *dead)
{
    struct trale_sim_page *page = turn->page;
    uint32_t *life = &page->lives[turn->number], before = word_get(life);
    if (before != TRALE_SIM_EXPECTED && before != TRALE_SIM_RESTARTED)
        return -EEXIST;
    turn->is_again = before == TRALE_SIM_RESTARTED;
    /* The process that has started this one may have been that of the same program. Otherwise it goes on when this one
     * has joined. */
    bool has_baton = turn->is_again && word_get(&page->holder) == turn->number;
    page->serves[turn->number] = serves;
    word_set(life, TRALE_SIM_JOINED);
    if (!turn->is_again && __atomic_add_fetch(&page->n_joined, 1, __ATOMIC_ACQ_REL) == n_programs)
        turn_give(turn, 1);
    *dead = has_baton ? 0 : turn_wait(turn);
    return turn->number > 1 && turn->memory->size == 0 ? -EOWNERDEAD : 0;
}

int turn_join(struct turn *turn, const char *path, uint32_t number, uint32_t n_programs, bool serves, uint64_t *dead)
{
    turn->number = number;
    int r = map_file(turn, path);
    if (r == 0)
        r = lock_own(turn);
    if (r == 0)
        r = enter(turn, n_programs, serves, dead);
    if (r < 0)
        turn_leave(turn);
    return r;
}

void turn_quit(struct turn *turn)
{
    if (turn->page != NULL)
        word_set(&turn->page->lives[turn->number], TRALE_SIM_LEFT);
}

void turn_leave(struct turn *turn)
{
    if (turn->page != NULL)
        munmap(turn->page, PAGE_SIZE + MEMORY_SIZE);
    if (turn->fd >= 0)
        close(turn->fd);
    *turn = (struct turn){.fd = -1};
}
