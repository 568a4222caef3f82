/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static int report_map(struct trale_sim_report **report, int fd)
{
    int flags = fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
    void *mapped = mmap(NULL, sizeof **report, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (mapped == MAP_FAILED)
        return -errno;
    *report = mapped;
    return 0;
}

static int report_open_file(const char *path, bool is_first)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | (is_first ? O_TRUNC : 0), 0666);
    if (fd < 0)
        return -errno;
    /* With room on the disk for all of it, so that no write to the mapping fails (SIGBUS). */
    int error = posix_fallocate(fd, 0, sizeof(struct trale_sim_report));
    if (error == 0)
        return fd;
    close(fd);
    return -error;
}

int report_open(struct trale_sim_report **report, const char *path, bool is_first, uint64_t seed)
{
    int fd = path != NULL ? report_open_file(path, is_first) : -1;
    if (path != NULL && fd < 0)
        return fd;
    int r = report_map(report, fd);
    if (fd >= 0)
        close(fd);
    if (r < 0 || !is_first)
        return r;
    (*report)->version = TRALE_SIM_REPORT_VERSION;
    (*report)->seed = seed;
    (*report)->success_ns = UINT64_MAX;
    __atomic_store_n(&(*report)->magic, TRALE_SIM_REPORT_MAGIC, __ATOMIC_RELEASE);
    return 0;
}

void report_close(struct trale_sim_report *report)
{
    if (report != NULL)
        munmap(report, sizeof *report);
}
