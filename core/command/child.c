/* SPDX-License-Identifier: MIT */
#include "core/command/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The last byte of the output of a child whose work returned. */
#define RETURNED '\001'

/* Waits until the child ends; kills it after the time limit, and returns false. SIGCHLD is blocked. */
static bool ends_in_time(pid_t pid, const sigset_t *child_ends)
{
    const struct timespec limit = {.tv_sec = CHILD_LIMIT_SECONDS};
    int r;
    do
        r = sigtimedwait(child_ends, NULL, &limit);
    while (r < 0 && errno == EINTR);
    if (r == SIGCHLD)
        return true;
    kill(pid, SIGKILL);
    sigwaitinfo(child_ends, NULL);
    return false;
}

static char *read_all(int fd)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return NULL;
    char *text = malloc((size_t)status.st_size + 1);
    ssize_t length = text != NULL ? pread(fd, text, (size_t)status.st_size, 0) : -1;
    if (length < 0) {
        free(text);
        return NULL;
    }
    text[length] = '\0';
    return text;
}

/* The output goes to memory, not through a pipe: a process that the work left behind does not hold it open, and it is
 * never full. */
void child_run(struct child *child, void (*work)(const void *data, int fd), const void *data)
{
    *child = (struct child){.end = CHILD_NONE};
    sigset_t child_ends, before;
    sigemptyset(&child_ends);
    sigaddset(&child_ends, SIGCHLD);
    int fd = memfd_create("trale", MFD_CLOEXEC);
    if (fd < 0)
        return;
    /* Inherited as ignored, it would never come; and a child that merely stops has not ended. */
    sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP}, NULL);
    sigprocmask(SIG_BLOCK, &child_ends, &before);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        const char returned = RETURNED;
        sigprocmask(SIG_SETMASK, &before, NULL);
        dup2(STDERR_FILENO, STDOUT_FILENO); /* what a driver prints is no part of the command's JSON */
        work(data, fd);
        _exit(write(fd, &returned, 1) == 1 ? 0 : 1);
    }
    bool in_time = pid > 0 && ends_in_time(pid, &child_ends);
    while (pid > 0 && waitpid(pid, &child->status, 0) < 0 && errno == EINTR)
        ;
    sigprocmask(SIG_SETMASK, &before, NULL);
    child->output = pid > 0 ? read_all(fd) : NULL;
    close(fd);
    if (child->output == NULL)
        return;
    size_t length = strlen(child->output);
    bool returned = length > 0 && child->output[length - 1] == RETURNED;
    if (returned)
        child->output[length - 1] = '\0';
    child->end = !in_time ? CHILD_HUNG : returned ? CHILD_RETURNED : CHILD_DIED;
}

const char *child_how(const struct child *child, char buf[CHILD_TEXT])
{
    if (child->end == CHILD_HUNG)
        snprintf(buf, CHILD_TEXT, "did not end within %d s", CHILD_LIMIT_SECONDS);
    else if (WIFSIGNALED(child->status))
        snprintf(buf, CHILD_TEXT, "crashed (%s)", strsignal(WTERMSIG(child->status)));
    else
        snprintf(buf, CHILD_TEXT, "ended the process (exit status %d)", WEXITSTATUS(child->status));
    return buf;
}
