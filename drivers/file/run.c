/* SPDX-License-Identifier: MIT
 *
 * The system calls of jobs, on a thread. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "job.h"

#define N_OPENS_MAX 64 /* tries while folders are renamed */

/* One that io_uring(7) has opened is looked at again: it is not a file, and close(2) may take its time. */
static int run_open(struct job *job)
{
    const struct open_how *how = &job->how;
    int folder = job->folder != NULL ? job->folder->fd : AT_FDCWD, fd = job->file->fd, n_opens = 0;
    while (fd < 0) {
        fd = how->resolve == 0 ? openat(folder, job->buffer, (int)how->flags, (mode_t)how->mode)
                               : (int)syscall(SYS_openat2, folder, job->buffer, how, sizeof *how);
        bool is_tried_again = errno == EINTR || (errno == EAGAIN && how->resolve != 0);
        if (fd < 0 && (!is_tried_again || ++n_opens == N_OPENS_MAX))
            return -errno;
    }
    job->file->fd = fd;
    int r = job_check_open(job);
    if (r < 0) {
        job->file->fd = -1;
        close(fd);
    }
    return r;
}

int job_check_open(struct job *job)
{
    struct statx status;
    int fd = job->file->fd;
    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status) < 0)
        return -errno;
    if (!S_ISREG(status.stx_mode) && !S_ISDIR(status.stx_mode))
        return -EOPNOTSUPP;
    return fcntl(fd, F_SETFL, (int)job->how.flags & ~O_NONBLOCK) < 0 ? -errno : 0;
}

bool job_may_exceed_limit(const struct job *job)
{
    struct rlimit limit;
    return (job->kind == TRALE_FILE_WRITE || job->kind == TRALE_FILE_TRUNCATE) &&
           getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

static ssize_t run_list(struct job *job)
{
    struct file *file = job->file;
    pthread_mutex_lock(&file->descriptor);
    ssize_t r = lseek(file->fd, (off_t)job->offset, SEEK_SET) < 0
                    ? -1
                    : syscall(SYS_getdents64, file->fd, job->buffer, (size_t)job->capacity);
    int error = errno;
    pthread_mutex_unlock(&file->descriptor);
    errno = error;
    return r;
}

static ssize_t run_once(struct job *job)
{
    int fd = job->file->fd;
    switch (job->kind) {
    case TRALE_FILE_READ:
        return pread(fd, job->buffer, job->size, (off_t)job->offset);
    case TRALE_FILE_WRITE:
        return pwrite(fd, job->buffer, job->size, (off_t)job->offset);
    case TRALE_FILE_SYNC:
        return job->flags == TRALE_FILE_DATA ? fdatasync(fd) : fsync(fd);
    case TRALE_FILE_STATUS:
        return statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, (struct statx *)(void *)job->buffer);
    case TRALE_FILE_LIST:
        return run_list(job);
    case TRALE_FILE_TRUNCATE:
        return ftruncate(fd, (off_t)job->offset);
    case TRALE_FILE_RENAME:
        return renameat(fd, job->buffer, job->folder->fd, job->buffer + NAME_SIZE);
    case TRALE_FILE_UNLINK:
        return unlinkat(fd, job->buffer, job->flags != 0 ? AT_REMOVEDIR : 0);
    default:
        return mkdirat(fd, job->buffer, (mode_t)job->mode);
    }
}

/* The same without a SIGXFSZ of what is beyond RLIMIT_FSIZE: in a simulation, the thread is the program's. */
static ssize_t run_within_limit(struct job *job)
{
    sigset_t limit, old;
    sigemptyset(&limit);
    sigaddset(&limit, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &limit, &old);
    ssize_t r = run_once(job);
    int error = errno;
    if (r < 0 && error == EFBIG && !sigismember(&old, SIGXFSZ))
        sigtimedwait(&limit, NULL, &(struct timespec){0, 0});
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = error;
    return r;
}

int64_t job_run(void *data)
{
    struct job *job = data;
    ssize_t r;
    job->has_run = true;
    job->thread = pthread_self();
    if (job->kind == TRALE_FILE_OPEN)
        return run_open(job);
    do
        r = job_may_exceed_limit(job) ? run_within_limit(job) : run_once(job);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : r;
}
